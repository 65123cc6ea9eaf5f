//! Terminals that are narrow, dumb, of no size or of another locale: what is printed fits, and is in signs that they have.

#![cfg(all(feature = "simulator", feature = "archives"))]
#![cfg(unix)]

use std::process::Command;

use crate::common::{midoctor, ran, run};
use crate::terminal::{on_terminal, too_wide};
use midoctor::explain::guide;
use midoctor::fill::{Use, Values, fill};
use midoctor::page;
use midoctor::plan::Plan;
use midoctor::render::{style::Style, text};

/// A run on a terminal that is named so.
fn on(columns: u16, term: &str, arguments: &[&str]) -> String {
    let mut command = midoctor(arguments);
    command.env("TERM", term);
    on_terminal(command, columns).text
}

/// Every command that a page can show, and those that every report ends with.
fn commands_of(report: Option<&str>) -> Vec<String> {
    let pages = midoctor::checks::all().flat_map(|check| &page::of(check).sections);
    // As explain prints a page, and as it fills the fix for a text.
    let shown = |command: &page::Command| {
        [guide::readable(&command.line), fill(&command.line, &Values::new(), Use::Command(command.shell))]
    };
    let mut commands: Vec<String> = pages.flat_map(|section| &section.commands).flat_map(shown).collect();
    if let Some(name) = report {
        let ran = run(&["demo", name, "-o", "json"]);
        let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let findings =
            report["checks"].as_array().unwrap().iter().flat_map(|check| check["findings"].as_array().unwrap());
        let lines = findings.flat_map(|finding| finding["remedy"]["commands"].as_array().unwrap());
        commands.extend(lines.map(|command| command["line"].as_str().unwrap().to_owned()));
        commands.extend(["az login --identity".to_owned(), "Connect-AzAccount -Identity".to_owned()]);
    }
    commands
}

#[test]
fn what_is_printed_fits_every_terminal() {
    for columns in [20, 40, 57, 80, 120] {
        for arguments in [
            &["demo"][..],
            &["demo", "healthy"],
            &["demo", "healthy", "-v"],
            &["demo", "role-missing", "-v"],
            &["demo", "env-proxy"],
            &["demo", "clock-skewed"],
            &["explain"],
            &["explain", "clock"],
            &["explain", "role-missing"],
            &["explain", "ManagedIdentityCredential authentication unavailable. Identity not found"],
            &["check", "--sources"],
        ] {
            let text = on(columns, "dumb", arguments);
            let report = (arguments[0] == "demo").then(|| arguments.get(1)).flatten();
            let wide = too_wide(&text, usize::from(columns), &commands_of(report.copied()));
            assert!(wide.is_empty(), "{columns} {arguments:?}: {wide:#?}");
        }
    }
}

#[test]
fn every_scenario_fits_a_narrow_terminal() {
    let mut judged = 0;
    for scenario in midoctor::scenarios::all() {
        let report = played(scenario.name);
        let findings = report.checks.iter().flat_map(|check| &check.findings);
        let mut commands: Vec<String> =
            findings.flat_map(|finding| &finding.remedy.commands).map(|command| command.line.clone()).collect();
        commands.extend(report.sign_in_lines());
        for width in [40, 64] {
            let style = Style { width, ..Style::default() };
            let detail = text::Detail { quiet: false, verbose: true };
            let wide = too_wide(&text::render(&report, style, detail), width, &commands);
            assert!(wide.is_empty(), "{} {width}: {wide:#?}", scenario.name);
        }
        judged += 1;
    }
    assert!(judged > 30, "{judged}");
}

fn played(name: &str) -> midoctor::report::Report {
    use midoctor::simulator::{Azure, SimulatedMachine};
    let scenario = midoctor::scenarios::find(name).unwrap().scenario().unwrap();
    let plan: Plan = midoctor::scenarios::plan(&scenario).unwrap();
    let machine = SimulatedMachine::new(Azure::new(scenario));
    let (evidence, _) = midoctor::engine::examine(&machine, &plan, midoctor::engine::Limits::default(), &|_| ());
    let diagnosis = midoctor::diagnosis::diagnose(&evidence);
    let run = midoctor::report::Run {
        id: "run".into(),
        started: evidence.taken_at.to_string(),
        duration_ms: 1,
        attempts: 1,
        ..midoctor::report::Run::default()
    };
    midoctor::report::Report::new(&diagnosis, evidence, run)
}

#[test]
fn saved_reports_archives_and_fleets_fit_a_narrow_terminal() {
    let folder = tempfile::tempdir().unwrap();
    for (name, file) in [("healthy", "a.json"), ("role-missing", "b.json")] {
        let file = format!("json={}", folder.path().join(file).display());
        run(&["demo", name, "-o", &file]);
    }
    for arguments in [
        &["fleet", "a.json", "b.json"][..],
        &["report", "show", "b.json"],
        &["report", "diff", "a.json", "b.json"],
        &["report", "redact", "a.json", "--redact", "ids", "-f", "a.zip"],
        &["report", "redact", "a.json", "--dry-run"],
    ] {
        let mut command = midoctor(arguments);
        command.current_dir(folder.path()).env("TERM", "dumb");
        let written = on_terminal(command, 40);
        let wide = too_wide(&written.text, 40, &commands_of(Some("role-missing")));
        assert!(wide.is_empty(), "{arguments:?}: {wide:#?}");
        assert!(written.text.lines().count() > 5, "{arguments:?}: {}", written.text);
    }
}

#[test]
fn the_help_fits_a_narrow_terminal() {
    for arguments in [&["--help"][..], &["check", "--help"], &["report", "--help"], &["fleet", "-h"], &["demo", "-h"]] {
        let text = on(40, "dumb", arguments);
        // What can be typed is never broken.
        let wide: Vec<String> =
            too_wide(&text, 40, &[]).into_iter().filter(|line| !line.starts_with("Usage: midoctor ")).collect();
        assert!(wide.is_empty(), "{arguments:?}: {wide:#?}");
    }
}

#[test]
fn a_narrow_terminal_has_labels_above_what_they_label() {
    let text = on(40, "dumb", &["demo", "clock-skewed", "-q"]);
    let expected = "Host\n  ✗ The VM's clock is wrong.\n    [clock-skewed]\n      Seen\n        The VM's clock reads\n";
    assert!(text.starts_with(expected), "{text}");
    let fix = "\n      Fix\n        1. Start the time service and\n           let it set the clock: chrony\n           on most Linux systems,\n           Windows Time on Windows.\n        2. Let it";
    assert!(text.contains(fix), "{text}");
    let run = "\n      Run\n        shell, on this VM:\n        timedatectl status\n        chronyc sources\n";
    assert!(text.contains(run), "{text}");
    // What cannot be broken begins where it is whole.
    let text = on(40, "dumb", &["demo", "healthy"]);
    assert!(text.contains("\n      principal ID\n    9c0a4e7b-61d2-4f3c-8b95-7d2e1f60a8c4\n"), "{text}");
}

#[test]
fn a_terminal_of_no_size_is_as_wide_as_columns_says_or_as_most_are() {
    let widest = |columns: Option<&str>, terminal: bool| {
        let mut command = midoctor(&["explain", "identity-none"]);
        command.env("TERM", "dumb");
        columns.map(|columns| command.env("COLUMNS", columns));
        let text = if terminal { on_terminal(command, 0).text } else { ran(&mut command).stdout };
        let prose = text.lines().filter(|line| line.contains(". ") && !line.contains("--"));
        prose.map(|line| line.chars().count()).max().unwrap()
    };
    let within = |width: usize, range: std::ops::RangeInclusive<usize>| assert!(range.contains(&width), "{width}");
    within(widest(None, true), 70..=80);
    within(widest(Some("50"), true), 40..=50);
    within(widest(Some("50"), false), 40..=50);
    for nonsense in [None, Some(""), Some("0"), Some("-3"), Some("wide")] {
        within(widest(nonsense, false), 90..=100);
    }
    within(widest(Some("9999"), false), 101..=120);
}

#[test]
fn a_terminal_that_takes_no_commands_gets_none() {
    for term in ["dumb", "unknown", ""] {
        for arguments in [&["explain", "clock-skewed"][..], &["demo"], &["demo", "role-missing"]] {
            let text = on(100, term, arguments);
            assert!(!text.contains(['\u{1b}', '\r', '\u{7}', '\u{8}']), "{term:?} {arguments:?}: {text:?}");
        }
        // It is what a pipe would take.
        assert_eq!(on(100, term, &["explain", "clock-skewed"]), run(&["explain", "clock-skewed"]).stdout);
    }
    let mut nameless = midoctor(&["demo", "healthy"]);
    nameless.env_remove("TERM");
    assert!(!on_terminal(nameless, 80).text.contains('\u{1b}'));
    // Who asks for colour gets it.
    assert!(on(100, "dumb", &["demo", "healthy", "--color", "always"]).contains("\u{1b}[32m✓"));
}

#[test]
fn other_terminals_get_colour_unless_it_is_not_wanted() {
    let coloured = |change: &dyn Fn(&mut Command)| {
        let mut command = midoctor(&["explain", "clock-skewed"]);
        change(command.env("TERM", "xterm-256color"));
        on_terminal(command, 80).text.contains('\u{1b}')
    };
    assert!(coloured(&|_| ()));
    assert!(coloured(&|command| {
        command.env("NO_COLOR", "");
    }));
    assert!(!coloured(&|command| {
        command.env("NO_COLOR", "1");
    }));
    assert!(!coloured(&|command| {
        command.args(["--color", "never"]);
    }));
}

#[test]
fn without_utf8_everything_is_ascii() {
    let folder = tempfile::tempdir().unwrap();
    for (name, file) in [("healthy", "a.json"), ("role-missing", "b.json")] {
        run(&["demo", name, "-o", &format!("json={}", folder.path().join(file).display())]);
    }
    for locale in [
        &[][..],
        &[("LANG", "C")],
        &[("LANG", "POSIX")],
        &[("LANG", "de_DE.ISO-8859-1")],
        &[("LANG", "C.UTF-8"), ("LC_ALL", "C")],
        &[("LANG", "C.UTF-8"), ("LC_CTYPE", "tr_TR")],
    ] {
        for arguments in [
            &["demo"][..],
            &["demo", "healthy", "-v"],
            &["demo", "role-missing"],
            &["demo", "imds-timeout", "-o", "line"],
            &["demo", "nosuch"],
            &["check", "--sources"],
            &["explain"],
            &["explain", "tls-intercepted"],
            &["explain", "nosuch"],
            &["explain", "a text that holds nothing: ü"],
            &["fleet", "a.json", "b.json"],
            &["fleet", "grüße.json"],
            &["report", "diff", "a.json", "b.json"],
            &["report", "redact", "a.json", "--dry-run"],
            &["report", "redact", "a.json", "-f", "/nonexistent/ü.zip"],
            &["simulate", "healthy", "--listen", "192.0.2.1:1"],
            &["-o", "ü"],
            &["--ü"],
            &["--help"],
        ] {
            let mut command = midoctor(arguments);
            command.env_remove("LANG").envs(locale.iter().copied()).current_dir(folder.path());
            let ran = ran(&mut command);
            assert!(ran.stdout.is_ascii() && ran.stderr.is_ascii(), "{locale:?} {arguments:?}: {ran:?}");
            assert!(!(ran.stdout + &ran.stderr).is_empty(), "{arguments:?}");
        }
    }
    let said = ran(midoctor(&["explain", "nosuch"]).env_remove("LANG")).stderr;
    assert_eq!(said, "midoctor: \"nosuch\" is neither a check nor a code; midoctor explain lists them all\n");
    let changed = ran(midoctor(&["report", "diff", "a.json", "b.json"]).env_remove("LANG").current_dir(folder.path()));
    assert!(changed.stdout.contains("reader: pass -> fail\n"), "{}", changed.stdout);
}
