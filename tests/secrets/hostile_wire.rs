//! From every field that comes over the wire or is read from the machine: what strangers write there is data in every format,
//! and lines that are meant to be pasted say what they mean.

#![cfg(all(feature = "simulator", feature = "archives"))]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use crate::attacks::{TEXTS, UNSPEAKABLE, WORDS};
use crate::oracles::{blocks, command, elements, odd, same, series, tags};
use crate::shells;
use crate::spoilt::{Spoil, Spoilt, report};
use midoctor::fill::visible;
use midoctor::page::Shell;
use midoctor::plan::Plan;
use midoctor::render::style::Style;
use midoctor::render::text::Detail;
use midoctor::render::{FORMATS, Format, paint};
use midoctor::report::Report;
use midoctor::scenarios;
use midoctor::simulator::{Azure, Scenario, SimulatedMachine};
use serde_json::Value;

fn played(name: &str) -> (Scenario, Plan) {
    let scenario = scenarios::find(name).unwrap().scenario().unwrap();
    let plan = scenarios::plan(&scenario).unwrap();
    (scenario, plan)
}

fn spoilt<F: Spoil>(scenario: &Scenario, spoil: F) -> Spoilt<F> {
    let now = "2026-09-01T10:11:12Z".parse().unwrap();
    Spoilt { machine: SimulatedMachine::at(Azure::new(scenario.clone()), now), spoil }
}

/// The same report with this text in the place of that one, but for its evidence.
fn twin(report: &Report, text: &str) -> Report {
    let mut json = serde_json::to_value(report).unwrap();
    fn each(json: &mut Value, with: &dyn Fn(&str) -> String) {
        match json {
            Value::String(text) => *text = with(text),
            Value::Array(all) => all.iter_mut().for_each(|one| each(one, with)),
            Value::Object(all) => all.values_mut().for_each(|one| each(one, with)),
            _ => {}
        }
    }
    let shown = visible(text);
    for (key, value) in json.as_object_mut().unwrap() {
        if key != "evidence" {
            each(value, &|text| {
                if shown.trim().is_empty() { text.to_owned() } else { text.replace(&shown, "Zwilling") }
            });
        }
    }
    serde_json::from_value(json).unwrap()
}

/// Everything that can be said of a report, held against what it has to be.
fn hold(report: &Report, text: &str, said: &mut BTreeSet<String>) {
    let plain = twin(report, text);
    let painted =
        |report, format| paint(report, format, Style::default(), Detail { quiet: false, verbose: true }).unwrap();
    for (name, format) in FORMATS {
        let shown = painted(report, format);
        assert_eq!(odd(&shown), None, "{name} of {text:?}:\n{shown}");
        let own = |line: &&str| match format {
            Format::Github => {
                ["error", "warning", "notice"].iter().any(|kind| line.starts_with(&format!("::{kind} title=")))
            }
            Format::Azdo => line.starts_with("##vso[task.logissue ") || line.starts_with("##vso[task.complete "),
            _ => false,
        };
        let twin = painted(&plain, format);
        assert_eq!(shown.lines().filter(own).count(), twin.lines().filter(own).count(), "{name} of {text:?}: {shown}");
        for line in shown.lines() {
            let line = if own(&line) { line.get(6..).unwrap() } else { line };
            assert_eq!(command(line), None, "{name} of {text:?}: {line}");
        }
        let one_line = || assert_eq!(shown.trim_end().lines().count(), 1, "{name} of {text:?}: {shown}");
        match format {
            Format::Markdown => same(&blocks(&shown), &blocks(&twin), &format!("{name} of {text:?}:\n{shown}")),
            Format::Html => same(&tags(&shown), &tags(&twin), &format!("{name} of {text:?}")),
            Format::Junit => same(&elements(&shown), &elements(&twin), &format!("{name} of {text:?}:\n{shown}")),
            Format::Prom => assert_eq!(series(&shown).len(), series(&twin).len(), "{name} of {text:?}:\n{shown}"),
            Format::Json => drop(serde_json::from_str::<Report>(&shown).unwrap()),
            Format::Ndjson | Format::Compact => {
                one_line();
                serde_json::from_str::<Value>(&shown).unwrap();
            }
            Format::Line => one_line(),
            _ => {}
        }
    }
    let commands = report.checks.iter().flat_map(|check| &check.findings).flat_map(|found| &found.remedy.commands);
    said.extend(commands.filter(|one| one.shell != Shell::Pwsh).map(|one| one.line.clone()));
    said.extend(report.sign_in_lines().into_iter().filter(|line| line.starts_with("az ")));
}

/// Pastes lines and demands that only programs of the pages ran.
#[cfg(unix)]
fn paste(said: BTreeSet<String>) {
    let lines: Vec<String> = said.into_iter().collect();
    for shell in shells::shells() {
        for (line, ran) in lines.iter().zip(shells::paste(shell, &lines)) {
            let bad = ran.iter().find(|call| ["touch", "calc", "id"].contains(&call[0].as_str()));
            assert_eq!(bad, None, "{shell}: {line}");
        }
    }
}

#[cfg(not(unix))]
fn paste(_: BTreeSet<String>) {}

/// Scenarios that between them ask all questions, and find what names strangers.
const SCENARIOS: [&str; 12] = [
    "healthy-both",
    "healthy-data",
    "identity-none",
    "identity-ambiguous",
    "identity-unknown",
    "role-missing",
    "role-insufficient",
    "role-denied",
    "role-data-plane",
    "env-proxy",
    "tls-intercepted",
    "imds-timeout-firewall",
];

/// One text after the other, in one scenario after the other: behind all strings, or in their place.
#[test]
fn a_text_in_all_fields_at_once_stays_a_text() {
    let said = Mutex::new(BTreeSet::new());
    let texts: Vec<&str> = TEXTS.iter().chain(WORDS).chain(UNSPEAKABLE).copied().collect();
    let work = Mutex::new(texts.iter().enumerate());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((index, text)) = { work.lock().unwrap().next() } {
                    let (scenario, plan) = played(SCENARIOS[index / 2 % SCENARIOS.len()]);
                    // Behind a name most things are as they were; alone, nothing is.
                    let spoil = |_: &str, old: &mut String| match index % 2 {
                        0 => old.push_str(text),
                        _ => *old = (*text).into(),
                    };
                    let mut own = BTreeSet::new();
                    hold(&report(&spoilt(&scenario, spoil), &plan), text, &mut own);
                    said.lock().unwrap().extend(own);
                }
            });
        }
    });
    paste(said.into_inner().unwrap());
}

/// Something for everybody.
const MIXED: &str = "x'\"`$(touch hit)\u{2019};touch hit;#\u{1b}[2J\u{9b}1m\u{202e}\r\n::error::y ##vso[task.complete]z<b>![i](https://e.example)|";
/// All else is as it should be, so that every field gets as far as it can.
#[test]
fn a_text_in_one_field_stays_a_text() {
    let said = Mutex::new(BTreeSet::new());
    let mut work: BTreeMap<String, &str> = BTreeMap::new();
    // A place counts in the last of the scenarios that have it, as the first are the healthy ones; of lists the first two.
    for name in SCENARIOS {
        let places = Mutex::new(Vec::new());
        let (scenario, plan) = played(name);
        report(&spoilt(&scenario, |place: &str, _: &mut String| places.lock().unwrap().push(place.to_owned())), &plan);
        let far = |place: &str| place.split('/').any(|part| part.parse::<usize>().is_ok_and(|index| index > 1));
        work.extend(places.into_inner().unwrap().into_iter().filter(|place| !far(place)).map(|place| (place, name)));
    }
    assert!(work.len() > 300, "{}", work.len());
    let work = Mutex::new(work.into_iter());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((wanted, name)) = { work.lock().unwrap().next() } {
                    let (scenario, plan) = played(name);
                    let spoil = |place: &str, old: &mut String| {
                        if place == wanted {
                            old.push_str(MIXED);
                        }
                    };
                    let report = report(&spoilt(&scenario, spoil), &plan);
                    said.lock().unwrap().extend(visible_all_over(&report, &wanted));
                }
            });
        }
    });
    paste(said.into_inner().unwrap());
}

/// No string of a report but those of its evidence holds what is hidden, or what a name was taken in by. Its lines to paste.
fn visible_all_over(report: &Report, wanted: &str) -> Vec<String> {
    let text = paint(report, Format::Text, Style::default(), Detail { quiet: false, verbose: true }).unwrap();
    assert_eq!(odd(&text), None, "{wanted}: {text}");
    for line in text.lines() {
        assert_eq!(command(line), None, "{wanted}: {line}");
    }
    let json = serde_json::to_value(report).unwrap();
    fn each(json: &Value, wanted: &str) {
        match json {
            Value::String(text) => assert_eq!(odd(text).or(text.find('\n').map(|_| '\n')), None, "{wanted}: {text}"),
            Value::Array(all) => all.iter().for_each(|one| each(one, wanted)),
            Value::Object(all) => all.values().for_each(|one| each(one, wanted)),
            _ => {}
        }
    }
    for (_, value) in json.as_object().unwrap().iter().filter(|(key, _)| *key != "evidence") {
        each(value, wanted);
    }
    let commands = report.checks.iter().flat_map(|check| &check.findings).flat_map(|found| &found.remedy.commands);
    let lines = commands.filter(|one| one.shell != Shell::Pwsh).map(|one| one.line.clone());
    lines.chain(report.sign_in_lines().into_iter().filter(|line| line.starts_with("az "))).collect()
}
