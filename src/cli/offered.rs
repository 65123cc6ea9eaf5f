//! What the help of this build offers. What needs a part that is not there is understood all the same, so that it can be told
//! from a slip; it is only not offered.

use clap::Command;
use clap::builder::StyledStr;

use crate::parts::Part;

/// Words of the help about a part, and what stands for them in a build without it.
const WORDS: [(Part, &str, &str); 7] = [
    (Part::Html, "markdown, html, github", "markdown, github"),
    (Part::Html, ", markdown or html", " or markdown"),
    (Part::Archives, ": a report as JSON, or an archive of midoctor report", ": a report as JSON"),
    (Part::Archives, "A report as JSON, an archive of midoctor report, or", "A report as JSON, or"),
    (Part::Archives, "A report as JSON, or an archive of midoctor report", "A report as JSON"),
    (Part::Archives, "Reports as JSON, NDJSON or archives,", "Reports as JSON or NDJSON,"),
    (Part::Archives, "Print a report: JSON, or an archive", "Print a report that was saved as JSON"),
];

/// The same command line with the help of this build.
pub fn offered(mut command: Command) -> Command {
    if !Part::Simulator.is_here() {
        command = command.mut_subcommand("demo", |demo| missing(demo, Part::Simulator, "midoctor demo"));
        command =
            command.mut_subcommand("simulate", |simulate| missing(simulate, Part::Simulator, "midoctor simulate"));
    }
    if !Part::Archives.is_here() {
        command = command.mut_subcommand("report", |report| {
            let report = report.mut_args(|arg| arg.hide(true)).override_usage("midoctor report <COMMAND>");
            let report = report.about("Show a report that was saved, or say what changed between two");
            report.mut_subcommand("redact", |redact| missing(redact, Part::Archives, "midoctor report redact"))
        });
    }
    for (_, from, to) in WORDS.iter().filter(|(part, ..)| !part.is_here()) {
        command = reworded(command, from, to);
    }
    command
}

/// A command that this build does not do: who asks for its help is told why.
fn missing(command: Command, part: Part, typed: &str) -> Command {
    command.hide(true).override_help(format!("midoctor: {}\n", part.needed(typed)))
}

fn reworded(mut command: Command, from: &str, to: &str) -> Command {
    let new = |old: Option<&StyledStr>| {
        old.map(ToString::to_string).filter(|old| old.contains(from)).map(|old| old.replace(from, to))
    };
    if let Some(about) = new(command.get_about()) {
        command = command.about(about);
    }
    let command = command.mut_args(|arg| match new(arg.get_help()) {
        Some(help) => arg.help(help),
        None => arg,
    });
    command.mut_subcommands(|command| reworded(command, from, to))
}
