//! What each command does, one function per command: here the rooms of the house meet.

mod bar;
mod drawn;
mod examination;
mod explain;
mod fleet;
mod generate;
mod missing;
#[cfg(feature = "archives")]
mod packed;
mod publish;
mod report;
mod saved;
mod settings;
#[cfg(feature = "simulator")]
mod simulated;
mod sources;
mod terminal;
mod wait;

use crate::cli::{CheckArgs, Cli, Command, OutputArgs};
use crate::exit::Exit;
use crate::interrupt::Interruption;
use crate::nearest::nearest;
use crate::output;
use crate::plan::Whose;
use crate::render::Format;
use crate::wire;

use examination::Examined;
use publish::{Opened, open_report, publish_report};
use settings::Settings;

// Their stand-ins.
#[cfg(not(feature = "archives"))]
use missing::packed;
#[cfg(not(feature = "simulator"))]
use missing::simulated;

/// Does what was typed. Errors go to standard error as one line. An examination that is interrupted writes what is known.
pub fn run(cli: &Cli, interruption: &Interruption) -> Exit {
    let done = match &cli.command {
        None => check(&cli.check, interruption),
        Some(Command::Check(args)) => check(args, interruption),
        Some(Command::Explain(args)) => explain::explain(args),
        Some(Command::Report(args)) => report::report(args, interruption),
        Some(Command::Fleet(args)) => fleet::fleet(args),
        Some(Command::Demo(args)) => simulated::demo(args, interruption),
        Some(Command::Simulate(args)) => simulated::simulate(args),
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

/// Puts the report where it goes. What a signal cut short ends as the signal says.
fn publish_examined(examined: &Examined, opened: Opened<Format>, output: &OutputArgs) -> Result<Exit, String> {
    let exit = publish_report(&examined.report, opened, output)?;
    Ok(examined.signal.map_or(exit, Exit::from))
}
