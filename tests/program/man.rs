//! The manual pages: read by mandoc, man and lexgrog, and held against what the program has. Without these tools the tests say so;
//! where CI is set they fail.

#![cfg(all(feature = "simulator", feature = "archives"))]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use clap::{CommandFactory, Parser};
use midoctor::cli::{Cli, Command as Typed};
use midoctor::exit::Exit;
use midoctor::manual::{self, Page, facts};
use midoctor::options::ExamineOptions;
use midoctor::{checks, page, render, scenarios};
use regex::Regex;

use crate::common::{refused, run};
use crate::tools::{is_there, without};

/// All pages in a folder.
fn written() -> (tempfile::TempDir, Vec<Page>) {
    let folder = tempfile::tempdir().unwrap();
    let ran = run(&["generate", "man", "--dir", folder.path().to_str().unwrap()]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""));
    (folder, manual::pages())
}

/// What a page says, without the escapes of roff.
fn plain(page: &Page) -> String {
    page.text.replace("\\-", "-").replace("\\*(Aq", "'")
}

#[test]
fn every_page_is_written_whole_and_nothing_else() {
    let (folder, pages) = written();
    let mut files: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(
        files,
        [
            "midoctor-demo.1",
            "midoctor-explain.1",
            "midoctor-fleet.1",
            "midoctor-generate-completions.1",
            "midoctor-generate-man.1",
            "midoctor-generate-schema.1",
            "midoctor-generate.1",
            "midoctor-report-diff.1",
            "midoctor-report-redact.1",
            "midoctor-report-show.1",
            "midoctor-report.1",
            "midoctor-simulate.1",
            "midoctor.1",
        ]
    );
    for page in &pages {
        assert_eq!(std::fs::read_to_string(folder.path().join(&page.file)).unwrap(), page.text, "{}", page.file);
    }
    assert_eq!(run(&["generate", "man"]).stdout, pages[0].text);
}

#[test]
fn a_page_that_cannot_be_written_leaves_all_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("midoctor-simulate.1")).unwrap();
    let line = refused(&["generate", "man", "--dir", folder.path().to_str().unwrap()]);
    assert!(line.ends_with("midoctor-simulate.1 is a directory; name a file in it"), "{line}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something was written");
}

#[test]
fn mandoc_has_nothing_to_complain_of() {
    if !is_there("mandoc") {
        return without("mandoc is not installed");
    }
    let (folder, pages) = written();
    for page in pages {
        let file = folder.path().join(&page.file);
        let said = Command::new("mandoc").args(["-T", "lint", "-W", "warning"]).arg(&file).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&said.stdout), "", "{}", page.file);
        assert!(said.status.success(), "{}", page.file);
    }
    // It tells a page that is wrong.
    let broken = folder.path().join("broken.1");
    std::fs::write(&broken, ".TH broken\n.SH NAME\n.RE\n").unwrap();
    let said = Command::new("mandoc").args(["-T", "lint", "-W", "warning"]).arg(&broken).output().unwrap();
    assert!(!said.status.success());
}

#[test]
fn man_shows_every_page_and_finds_its_name() {
    if !is_there("man") || !is_there("lexgrog") {
        return without("man-db is not installed");
    }
    let (folder, pages) = written();
    for page in pages {
        let file = folder.path().join(&page.file);
        let mut man = Command::new("man");
        man.args(["--warnings", "-l"])
            .arg(&file)
            .env("MANWIDTH", "80")
            .env("LANG", "C.UTF-8")
            .env("MAN_KEEP_FORMATTING", "");
        let shown = man.env_remove("LC_ALL").stdin(Stdio::null()).output().unwrap();
        assert_eq!(
            (shown.status.code(), String::from_utf8_lossy(&shown.stderr).as_ref()),
            (Some(0), ""),
            "{}",
            page.file
        );
        let shown = String::from_utf8(shown.stdout).unwrap();
        for line in shown.lines() {
            // What is to be pasted is not broken.
            let is_whole = facts::EXAMPLES.iter().any(|(example, _)| *example == line.trim());
            assert!(is_whole || line.chars().count() <= 80, "{}: {line}", page.file);
        }
        assert!(!shown.contains('\u{2010}'), "{}: a word is cut:\n{shown}", page.file);
        assert!(!shown.contains('\\'), "{}: an escape is shown:\n{shown}", page.file);
        let name = page.file.trim_end_matches(".1");
        let read = Command::new("lexgrog").arg(&file).output().unwrap();
        let read = String::from_utf8(read.stdout).unwrap();
        assert!(read.contains(&format!(": \"{name} - ")), "{read}");
    }
}

/// Goes through all commands that are shown: each flag and each argument is on the page of its command.
fn is_told(command: &clap::Command, name: &str, pages: &[Page]) {
    let of_default = name == "midoctor-check";
    let file = if of_default { "midoctor.1".to_owned() } else { format!("{name}.1") };
    let text = plain(pages.iter().find(|page| page.file == file).unwrap_or_else(|| panic!("{file} is missing")));
    for argument in command.get_arguments() {
        let told = argument.get_long().map_or_else(
            || {
                argument
                    .get_value_names()
                    .map_or(argument.get_id().to_string().to_uppercase(), |names| names[0].to_string())
            },
            |long| format!("\\fB--{long}\\fR"),
        );
        assert!(text.contains(&told), "{file}: {told}");
        for value in argument.get_possible_values().iter().filter(|_| argument.get_action().takes_values()) {
            assert!(text.contains(value.get_name()), "{file}: {}", value.get_name());
        }
    }
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        assert!(text.contains(&format!("\n\\fB{}\\fR\n", inner.get_name())), "{file}: {}", inner.get_name());
        is_told(inner, &format!("{name}-{}", inner.get_name()), pages);
    }
}

#[test]
fn everything_that_can_be_typed_is_on_a_page() {
    is_told(&Cli::command(), "midoctor", &manual::pages());
}

#[test]
fn formats_exit_codes_codes_and_scenarios_are_those_of_the_program() {
    let pages = manual::pages();
    let text = |file: &str| plain(pages.iter().find(|page| page.file == file).unwrap());
    let main = text("midoctor.1");
    let item = |name: &str, words: &str| format!(".TP\n\\fB{name}\\fR\n{words}");
    for (name, _) in render::FORMATS {
        assert!(main.contains(&item(name, "")), "{name}");
    }
    for exit in Exit::ALL {
        assert!(main.contains(&item(&(exit as u8).to_string(), exit.in_words())), "{exit:?}");
    }
    let explain = text("midoctor-explain.1");
    for check in checks::all() {
        assert!(explain.contains(&item(check.id, &page::of(check).title)), "{}", check.id);
        for section in &page::of(check).sections {
            assert!(explain.contains(&format!("\\fI{}\\fR\n{}\n", section.code, section.title)), "{}", section.code);
        }
    }
    for file in ["midoctor-demo.1", "midoctor-simulate.1"] {
        for scenario in scenarios::all() {
            assert!(text(file).contains(&item(scenario.name, scenario.title)), "{}", scenario.name);
        }
    }
}

#[test]
fn every_example_can_be_typed() {
    for (line, _) in facts::EXAMPLES {
        let words = shlex::split(line).unwrap();
        let typed = Cli::try_parse_from(&words).unwrap_or_else(|slip| panic!("{line}: {slip}"));
        let examined = match &typed.command {
            None => &typed.check.examine,
            Some(Typed::Report(args)) => &args.examine,
            Some(_) => continue,
        };
        ExamineOptions::read(examined, false).unwrap_or_else(|why| panic!("{line}: {why}"));
    }
}

#[test]
fn every_variable_that_the_source_reads_is_on_the_page() {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let literal = Regex::new("\"([A-Z][A-Z_]+)\"").unwrap();
    let mut read = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            if code.contains("std::env::var") {
                read.extend(literal.captures_iter(code).map(|found| found[1].to_owned()));
            }
        }
    }
    let told: BTreeSet<String> =
        facts::ENVIRONMENT.iter().flat_map(|(names, _)| names.iter().map(|name| (*name).to_owned())).collect();
    assert!(read.contains("NO_COLOR") && read.contains("GITHUB_STEP_SUMMARY"), "{read:?}");
    assert_eq!(read.difference(&told).collect::<Vec<_>>(), Vec::<&String>::new());
    // Those that are judged are the program's own list.
    let main = plain(&manual::main());
    for name in midoctor::request::VARIABLES {
        assert!(main.contains(name), "{name}");
    }
}
