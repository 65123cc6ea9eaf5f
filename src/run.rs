//! What each command does, one function per command: here the rooms of the house meet.

mod bar;
mod drawn;
mod examination;
mod explain;
mod fleet;
mod generate;
mod publish;
mod report;
mod saved;
mod settings;
mod sources;
mod terminal;
mod wait;

use std::sync::Arc;

use crate::cli::{CheckArgs, Cli, Command, DemoArgs, OutputArgs, SimulateArgs};
use crate::exit::Exit;
use crate::fill::visible;
use crate::interrupt::Interruption;
use crate::locale;
use crate::nearest::nearest;
use crate::options;
use crate::output::{self, Target};
use crate::plan::Whose;
use crate::render::Format;
use crate::render::style::{Label, Style};
use crate::scenarios;
use crate::simulator::{self, Azure, SimulatedMachine};
use crate::wire;

use examination::Examined;
use publish::{Opened, open_report, publish_report};
use settings::Settings;
use terminal::style;

/// Does what was typed. Errors go to standard error as one line. An examination that is interrupted writes what is known.
pub fn run(cli: &Cli, interruption: &Interruption) -> Exit {
    let done = match &cli.command {
        None => check(&cli.check, interruption),
        Some(Command::Check(args)) => check(args, interruption),
        Some(Command::Explain(args)) => explain::explain(args),
        Some(Command::Report(args)) => report::report(args, interruption),
        Some(Command::Fleet(args)) => fleet::fleet(args),
        Some(Command::Demo(args)) => demo(args, interruption),
        Some(Command::Simulate(args)) => simulate(args),
        Some(Command::Generate(args)) => generate::generate(args),
    };
    done.unwrap_or_else(|why| {
        output::note(&format!("midoctor: {why}"));
        Exit::Usage
    })
}

fn check(args: &CheckArgs, interruption: &Interruption) -> Result<Exit, String> {
    if let Some(file) = &args.from {
        return saved::judge(file, args);
    }
    let Settings { options, output, origins, .. } = Settings::read(&args.examine, &args.output)?;
    if args.sources {
        return sources::sources(&options, &output);
    }
    let opened = open_report(&output).map_err(|why| origins.blame(why))?;
    publish_examined(&examination::of_this_machine(&options, interruption), opened, &output)
}

/// Is there such a process or unit? Found out before anything is asked.
fn there_is(whose: &Whose) -> Result<(), String> {
    let Some(missing) = wire::missing(whose) else { return Ok(()) };
    // The kind is not what is mistyped, and counts for nearness where it is long.
    let near = |name: &str| {
        let (stem, kind) =
            name.rsplit_once('.').map_or((name, String::new()), |(stem, kind)| (stem, format!(".{kind}")));
        let stems: Vec<&str> = missing.names.iter().filter_map(|name| name.strip_suffix(kind.as_str())).collect();
        let near = nearest(stem, &stems);
        near.map_or_else(|| ";".to_owned(), |near| format!("; did you mean “{near}{kind}”?"))
    };
    Err(match whose {
        Whose::Own => "this process has no environment".into(),
        Whose::Process(pid) => format!(
            "--pid {pid}: /proc shows no process of that number, so it has ended or is hidden from you (hidepid); ps -e lists \
             those you can name, and sudo shows all"
        ),
        Whose::Unit(name) if cfg!(windows) => {
            format!("--unit {name}: the registry has no service of that name{} Get-Service lists them", near(name))
        }
        Whose::Unit(name) => format!(
            "--unit {name}: no file in /etc/systemd/system, /run/systemd or /usr/lib/systemd/system defines it, and no process \
             belongs to it{} systemctl list-units lists them; for a unit of systemctl --user name its process with --pid",
            near(name)
        ),
    })
}

fn demo(args: &DemoArgs, interruption: &Interruption) -> Result<Exit, String> {
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

/// Puts the report where it goes. What a signal cut short ends as the signal says.
fn publish_examined(examined: &Examined, opened: Opened<Format>, output: &OutputArgs) -> Result<Exit, String> {
    let exit = publish_report(&examined.report, opened, output)?;
    Ok(examined.signal.map_or(exit, Exit::from))
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

fn simulate(args: &SimulateArgs) -> Result<Exit, String> {
    let mut scenario = scenarios::find(&args.scenario)?.scenario()?;
    if let Some(name) = &args.vm {
        scenario.rename(name).map_err(|why| format!("--vm: {why}"))?;
    }
    let environment: Vec<String> =
        scenario.environment.iter().map(|(name, value)| format!("{name}={}", crate::fill::posix(value))).collect();
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
