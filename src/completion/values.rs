//! Which values an argument can have, for completions: from the catalogues that the program itself reads. What is a list of names
//! in the definition of the command line, such as that of `--color`, is known from there; what is free text has none.

use std::ffi::OsStr;

use clap::{Arg, Command, ValueHint};
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter, CompletionCandidate};

use crate::azure::cloud::ALIASES;
use crate::outputs::PLAIN;
#[cfg(feature = "simulator")]
use crate::scenarios;
use crate::{checks, options, page, render};

use super::{Kind, Machine};

/// The definition, with what its arguments can be.
pub fn known(command: Command, machine: Machine) -> Command {
    let name = command.get_name().to_owned();
    let command = command.mut_args(|arg| valued(&name, arg, machine));
    command.mut_subcommands(|inner| known(inner, machine))
}

fn valued(command: &str, arg: Arg, machine: Machine) -> Arg {
    match (arg.get_id().as_str(), arg.get_value_hint()) {
        (_, ValueHint::DirPath) => arg.add(found_by_the_shell(Kind::Directory)),
        (_, ValueHint::AnyPath | ValueHint::FilePath) => arg.add(found_by_the_shell(Kind::File)),
        ("only" | "skip", _) => arg.add(ArgValueCandidates::new(selectable)),
        ("word", _) => arg.add(ArgValueCandidates::new(explained)),
        #[cfg(feature = "simulator")]
        ("scenario", _) => arg.add(ArgValueCandidates::new(played)),
        ("resource", _) => arg.add(ArgValueCandidates::new(|| ALIASES.map(|(name, title)| word(name, title)).into())),
        ("identity", _) => arg.add(ArgValueCandidates::new(|| vec![word("all", "every identity of the VM")])),
        ("require", _) => arg.add(ArgValueCandidates::new(|| vec![word("none", "no role is needed")])),
        ("unit", _) => arg.add(ArgValueCandidates::new(move || {
            (machine.services)().into_iter().map(CompletionCandidate::new).collect()
        })),
        ("output", _) => arg.add(outputs(&formats(command))),
        _ => arg,
    }
}

fn word(name: &str, title: &str) -> CompletionCandidate {
    CompletionCandidate::new(name).help(Some(title.to_owned().into()))
}

fn of_kind(kind: Kind, value: &str) -> CompletionCandidate {
    CompletionCandidate::new(value).tag(Some(kind.name().into()))
}

fn found_by_the_shell(kind: Kind) -> ArgValueCompleter {
    ArgValueCompleter::new(move |_: &OsStr| vec![of_kind(kind, "")])
}

/// What `--only` and `--skip` select.
fn selectable() -> Vec<CompletionCandidate> {
    let titled = explainable();
    let title = |name: &str| titled.iter().find(|(known, _)| *known == name).map_or("", |(_, title)| title);
    options::selectable().into_iter().map(|name| word(name, title(name))).collect()
}

fn explained() -> Vec<CompletionCandidate> {
    explainable().into_iter().map(|(name, title)| word(name, title)).collect()
}

/// Every check and code that has words on a page, with its title.
fn explainable() -> Vec<(&'static str, &'static str)> {
    checks::all()
        .flat_map(|check| {
            let page = page::of(check);
            let codes = page.sections.iter().map(|section| (section.code.as_str(), section.title.as_str()));
            std::iter::once((check.id, page.title.as_str())).chain(codes)
        })
        .collect()
}

#[cfg(feature = "simulator")]
fn played() -> Vec<CompletionCandidate> {
    scenarios::all().into_iter().map(|scenario| word(scenario.name, scenario.title)).collect()
}

/// The formats of a command's `-o`, with a few words about each. Those of one name are for the same readers.
fn formats(command: &str) -> Vec<(&'static str, &'static str)> {
    match command {
        "explain" => with_purposes(&PLAIN),
        "diff" => with_purposes(&render::diff::FORMATS),
        "fleet" => with_purposes(&render::fleet::FORMATS),
        _ => with_purposes(&render::FORMATS),
    }
}

fn with_purposes<F>(formats: &[(&'static str, F)]) -> Vec<(&'static str, &'static str)> {
    let purpose = |name: &str| render::FORMATS.iter().find(|(known, _)| *known == name).map(|(_, one)| one.purpose());
    formats.iter().map(|(name, _)| (*name, purpose(name).unwrap_or_default())).collect()
}

/// `FORMAT`, or `FORMAT=` and a file.
fn outputs(formats: &[(&'static str, &'static str)]) -> ArgValueCompleter {
    let formats = formats.to_vec();
    ArgValueCompleter::new(move |current: &OsStr| {
        let current = current.to_string_lossy();
        let named = current.split_once('=').map(|(name, _)| name);
        let suits = |name: &str| named.map_or(name.starts_with(&*current), |named| named == name);
        let one = |(name, about): &(&str, &str)| match named {
            Some(_) => of_kind(Kind::File, &format!("{name}=")),
            None => of_kind(Kind::Stem, name).help(Some((*about).to_owned().into())),
        };
        formats.iter().filter(|(name, _)| suits(name)).map(one).collect()
    })
}
