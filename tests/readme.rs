//! The README is the manual, so its commands are run. Those of its `console` blocks run here and their output is compared,
//! `...` standing for lines left out; its `sh` blocks talk to a VM and are run by the network suite.

#![cfg(all(feature = "simulator", feature = "archives"))]
#![allow(missing_docs, clippy::unwrap_used)]

mod common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use common::{Ran, midoctor, ran};

const README: &str = include_str!("../README.md");

/// The commands of all `console` blocks with the lines that should follow them.
fn commands() -> Vec<(String, Vec<String>)> {
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    let mut inside = false;
    for line in README.lines() {
        match line.strip_prefix("$ ") {
            _ if line == "```console" => inside = true,
            _ if line.starts_with("```") => inside = false,
            Some(command) if inside => all.push((command.to_owned(), Vec::new())),
            None if inside => all.last_mut().unwrap().1.push(line.to_owned()),
            _ => {}
        }
    }
    all
}

/// Compares line by line; `...` skips to the next expected line.
fn matches(expected: &[String], printed: &str, what: &str) {
    let mut lines = printed.lines();
    let mut skipping = false;
    for want in expected {
        if want == "..." {
            skipping = true;
            continue;
        }
        let found = if skipping { lines.any(|line| line == want) } else { lines.next() == Some(want) };
        assert!(found, "{what}: “{want}” is not where the README has it in\n{printed}");
        skipping = false;
    }
    assert!(skipping || expected.is_empty() || lines.next().is_none(), "{what}: more is printed than the README has");
}

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
    let commands = commands();
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
