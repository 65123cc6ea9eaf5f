//! The README is the manual, so its commands are run. Those of its `console` blocks run here and their output is compared,
//! `...` standing for lines left out; its `sh` block talks to a VM and is run by the network suite. All of them can be typed, and between
//! them they show every flag.

#![cfg(all(feature = "simulator", feature = "archives"))]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use crate::common::{Ran, midoctor, ran};
use crate::console::{commands, matches};
use clap::CommandFactory;
use clap::parser::ValueSource;

const README: &str = include_str!("../../README.md");

/// Runs a command of the README as it stands, in this folder.
fn run(command: &str, folder: &Path) -> Ran {
    let arguments =
        command.strip_prefix("cargo run --release -- ").or_else(|| command.strip_prefix("midoctor ")).unwrap();
    let arguments = shlex::split(arguments).unwrap();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut program = midoctor(&arguments);
    program.current_dir(folder);
    if arguments[0] != "simulate" {
        return ran(&mut program);
    }
    // It serves until it is ended: read until it is ready.
    let mut child = program.stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = String::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        stdout.push_str(&line);
        stdout.push('\n');
        if line == "ready" {
            break;
        }
    }
    assert!(folder.join("ca.pem").exists(), "no certificate authority was written");
    child.kill().unwrap();
    child.wait().unwrap();
    Ran { code: Some(0), stdout, stderr: String::new() }
}

#[test]
fn every_command_of_the_readme_prints_what_the_readme_says() {
    let commands = commands(README);
    assert!(commands.len() >= 7, "the README's commands are not found: {commands:?}");
    // One after the other, in one folder: some read what others wrote.
    let folder = tempfile::tempdir().unwrap();
    for (command, expected) in commands {
        if command == "cargo test" {
            continue; // This is it.
        }
        let ran = run(&command, folder.path());
        assert_eq!(ran.stderr, "", "{command}");
        matches(&expected, &ran.stdout, &command);
    }
}

/// The command lines of midoctor in all blocks, without what a shell would take out of them. In a `console` block they are prompted
/// for, and the rest is output.
fn examples() -> Vec<Vec<String>> {
    let blocks = README.split("```").skip(1).step_by(2).filter(|block| !block.starts_with("toml"));
    let lines = blocks.flat_map(|block| {
        let prompted = block.starts_with("console");
        block.lines().skip(1).filter_map(move |line| if prompted { line.strip_prefix("$ ") } else { Some(line) })
    });
    let words = lines.flat_map(|line| line.split(" | ")).map(|line| shlex::split(line).unwrap());
    words
        .filter_map(|words| {
            let begin = words.iter().position(|word| word == "midoctor")?;
            let end = words.iter().position(|word| word == ">").unwrap_or(words.len());
            Some(words[begin..end].to_vec())
        })
        .collect()
}

/// The flags of a command and those below it: the flag as it is typed, and its help, by which one of the same name is another.
fn flags(command: &clap::Command, all: &mut BTreeSet<(String, String)>) {
    for flag in command.get_arguments().filter(|flag| !["help", "version"].contains(&flag.get_id().as_str())) {
        if let Some(long) = flag.get_long() {
            all.insert((format!("--{long}"), flag.get_help().unwrap().to_string()));
        }
    }
    let shown = command.get_subcommands().filter(|below| !below.is_hide_set());
    shown.for_each(|below| flags(below, all));
}

#[test]
fn every_example_can_be_typed_and_they_show_every_flag() {
    let definition = midoctor::cli::Cli::command();
    let mut missing = BTreeSet::new();
    flags(&definition, &mut missing);
    assert!(missing.len() > 30, "the flags are not found: {missing:?}");
    let examples = examples();
    assert!(examples.len() > 40, "the examples are not found: {examples:?}");
    for words in examples {
        let matches = definition.clone().try_get_matches_from(&words);
        let matches = matches.unwrap_or_else(|slip| panic!("{words:?}: {slip}"));
        let (mut command, mut matches) = (&definition, &matches);
        loop {
            for flag in command.get_arguments() {
                if let (Some(long), Some(ValueSource::CommandLine)) =
                    (flag.get_long(), matches.value_source(flag.get_id().as_str()))
                {
                    missing.remove(&(format!("--{long}"), flag.get_help().unwrap().to_string()));
                }
            }
            let Some((name, below)) = matches.subcommand() else { break };
            command = command.find_subcommand(name).unwrap();
            matches = below;
        }
    }
    assert!(missing.is_empty(), "the README has no example of {missing:#?}");
}

#[test]
fn the_documents_lead_to_files_that_are_there() {
    let link = regex::Regex::new(r"\]\(([^)#:]+)\)").unwrap();
    let links: Vec<&str> = link.captures_iter(README).map(|found| found.get(1).unwrap().as_str()).collect();
    assert!(links.len() >= 5, "{links:?}");
    for file in links {
        assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(file).exists(), "the README leads to {file}");
    }
}

#[test]
fn the_contents_of_the_readme_are_its_headings_in_their_order() {
    let link = regex::Regex::new(r"\[([^\]]+)\]\(#([a-z-]+)\)").unwrap();
    let contents = README.split("\n\n").find(|paragraph| paragraph.contains(" · [")).unwrap();
    let links: Vec<(String, String)> =
        link.captures_iter(contents).map(|found| (found[1].to_owned(), found[2].to_owned())).collect();
    let headings: Vec<(String, String)> = README
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(|heading| (heading.to_owned(), heading.to_lowercase().replace(' ', "-")))
        .collect();
    assert_eq!(links, headings[..headings.len() - 1], "all but the licence");
}

#[test]
fn the_readme_names_every_check_resource_and_exit_code() {
    for check in midoctor::checks::all() {
        assert!(README.contains(&format!("`{}`", check.id)), "{}", check.id);
    }
    for (alias, _) in midoctor::azure::cloud::ALIASES {
        assert!(README.contains(&format!("`{alias}`")), "{alias}");
    }
    for code in 0..=3 {
        assert!(README.contains(&format!("\n| {code} | ")), "{code}");
    }
}
