//! `demo` and `simulate`: scenarios of the simulator, examined as this machine would be, or served to others.

use std::sync::Arc;

use crate::cli::{DemoArgs, SimulateArgs};
use crate::exit::Exit;
use crate::fill::{posix, visible};
use crate::interrupt::Interruption;
use crate::locale;
use crate::options;
use crate::output::{self, Target};
use crate::render::style::{Label, Style};
use crate::scenarios;
use crate::simulator::{self, Azure, SimulatedMachine};

use super::publish::open_report;
use super::terminal::style;
use super::{examination, publish_examined};

/// `demo`: what a VM in that state would print; without one, which there are.
///
/// # Errors
/// A sentence that says what is no scenario, or which file cannot be written.
pub fn demo(args: &DemoArgs, interruption: &Interruption) -> Result<Exit, String> {
    let Some(name) = &args.scenario else {
        return output::print(&list_scenarios(style(args.output.color.color))).map(|()| Exit::Healthy);
    };
    let opened = open_report(&args.output)?;
    let scenario = scenarios::find(name)?.scenario()?;
    let plan = scenarios::plan(&scenario)?;
    let machine = SimulatedMachine::new(Azure::new(scenario));
    let examined = examination::of(machine, plan, interruption);
    publish_examined(&examined, opened, &args.output)
}

fn list_scenarios(style: Style) -> String {
    let mut lines = Vec::new();
    let mut last = None;
    for scenario in scenarios::all() {
        let check = scenario.check.map(|check| check.id);
        if last != Some(check) {
            if last.is_some() {
                lines.push(String::new());
            }
            lines.push(style.bold(check.unwrap_or("healthy")));
            last = Some(check);
        }
        lines.push(style.labelled(&Label { lead: 2, text: scenario.name, width: 24 }, "", scenario.title));
    }
    lines.push(String::new());
    lines.push(style.wrap("midoctor demo SCENARIO shows what a VM in that state would print.", "", ""));
    style.plain(&(lines.join("\n") + "\n"))
}

/// `simulate`: serves a scenario until it is ended.
///
/// # Errors
/// A sentence that says what is no scenario, or where it cannot listen.
pub fn simulate(args: &SimulateArgs) -> Result<Exit, String> {
    let mut scenario = scenarios::find(&args.scenario)?.scenario()?;
    if let Some(name) = &args.vm {
        scenario.rename(name).map_err(|why| format!("--vm: {why}"))?;
    }
    let environment: Vec<String> =
        scenario.environment.iter().map(|(name, value)| format!("{name}={}", posix(value))).collect();
    let mut options = simulator::Options::new(scenario);
    options.metadata = args.listen;
    options.manager = args.listen_arm;
    options.delay = options::duration("--delay", &args.delay)?;
    if args.verbose {
        options.log = Some(Arc::new(|served| {
            let status = served.status.map_or("no answer".to_owned(), |status| status.to_string());
            output::note(&visible(&format!("{} {} {status}", served.method, served.url)));
        }));
    }
    let authority = args.ca.as_deref().map(Target::open).transpose()?;
    let running = simulator::simulate(options).map_err(|error| {
        format!(
            "the simulator cannot listen: {error}; name free addresses of this machine with --listen and --listen-arm"
        )
    })?;
    if let Some(target) = authority {
        target.write(&running.authority_pem)?;
    }
    let mut lines = vec![format!("scenario   {}", args.scenario)];
    let place = |address: Option<std::net::SocketAddr>, scheme: &str| {
        address.map_or_else(
            || "nothing listens, as the scenario wants".to_owned(),
            |address| format!("{scheme}://{address}"),
        )
    };
    lines.push(format!("metadata   {}", place(running.metadata, "http")));
    lines.push(format!("arm        {}", place(running.manager, "https")));
    lines.extend(running.retired.iter().map(|address| format!("retired    http://{address}")));
    if let Some(file) = &args.ca {
        lines.push(format!("authority  {}", visible(&file.display().to_string())));
    }
    lines.extend(environment.iter().map(|line| format!("set        {line}")));
    lines.push("ready".into());
    output::print(&locale::shown(&(lines.join("\n") + "\n")))?;
    running.wait()
}
