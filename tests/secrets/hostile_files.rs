//! Reports, configurations and pasted texts that a stranger made, and files with a stranger's names: text in them is text in
//! what the program makes of them.

#![cfg(all(feature = "simulator", feature = "archives"))]

use std::collections::BTreeMap;
use std::path::Path;

use crate::attacks::{TEXTS, UNSPEAKABLE};
use crate::common::{midoctor, ran, run};
use crate::oracles::{blocks, command, odd, same, tags};
use serde_json::Value;

/// Many attacks in one word, each of which could stand in a name.
const MIXED: &str = "x'\"`$(touch hit)\u{2019};#\u{1b}[2J\u{1b}]8;;https://evil.example\u{7}\u{9b}1m\u{202e}\u{200b}\r\n::error::y ##vso[task.complete]z<b>&lt;![i](https://e.example)|@x #1";
/// The same without what no line to paste can hand over, so that as many lines are shown as of the twin.
const SPOKEN: &str = "x'\"`$(touch hit)\u{2019};# <script>z<b>&lt;![i](https://e.example)|@x #1 <!-- ]]> ``` ~~~";
/// Stands in the same places and harms nobody.
const TWIN: &str = "Zwilling";

/// The report of a demo, with this text behind each of its strings.
fn spoilt(scenario: &str, text: &str, keep: impl Fn(&str) -> bool) -> String {
    let report = run(&["demo", scenario, "-o", "json"]).stdout;
    let mut json: Value = serde_json::from_str(&report).unwrap();
    each(&mut json, "", &mut |place, old| {
        if !keep(place) {
            old.push_str(text);
        }
    });
    json.to_string()
}

fn each(json: &mut Value, at: &str, with: &mut impl FnMut(&str, &mut String)) {
    match json {
        Value::String(text) => with(at, text),
        Value::Array(all) => all.iter_mut().for_each(|one| each(one, at, with)),
        Value::Object(all) => all.iter_mut().for_each(|(name, one)| each(one, &format!("{at}/{name}"), with)),
        _ => {}
    }
}

/// What decides whether a report can be read at all: its kind, and the words of fixed lists.
fn of_its_frame(place: &str) -> bool {
    let words = [
        "schema",
        "trusted_by",
        "effect",
        "chain_fault",
        "waiting",
        "ended",
        "verdict",
        "status",
        "severity",
        "heals",
        "stage",
        "kind",
        "shell",
        "where",
        "ask",
        "result",
        "why",
        "route",
        "carry",
        "started",
        "taken_at",
        "bearer",
        "method",
        "url",
        "path",
        "host",
        "of",
    ];
    words.iter().any(|word| place.ends_with(&format!("/{word}"))) || place.starts_with("/evidence/asked")
}

fn harmless(what: &str, shown: &str) {
    assert_eq!(odd(shown), None, "{what}: {shown}");
    for line in shown.lines() {
        assert_eq!(command(line), None, "{what}: {line}");
    }
}

/// What each command makes of two reports.
fn made(folder: &Path, report: &str) -> BTreeMap<String, String> {
    std::fs::write(folder.join("a.json"), report).unwrap();
    let other = run(&["demo", "healthy", "-o", "json"]).stdout;
    std::fs::write(folder.join("b.json"), other).unwrap();
    // An earlier fold is a file like others, and so is one that a stranger wrote.
    ran(midoctor(&["fleet", "b.json", "-o", "json=fold.json"]).current_dir(folder));
    let mut fold: Value = serde_json::from_str(&std::fs::read_to_string(folder.join("fold.json")).unwrap()).unwrap();
    let text = if report.contains(TWIN) { TWIN } else { MIXED };
    each(&mut fold, "", &mut |place, old| {
        if !place.ends_with("/schema")
            && !["healthy", "pass", "skip"].contains(&old.as_str())
            && !place.ends_with("/time")
        {
            old.push_str(text);
        }
    });
    std::fs::write(folder.join("strange.json"), fold.to_string()).unwrap();
    let mut made = BTreeMap::new();
    for (command, formats) in [
        (
            "check --from a.json -v",
            &["text", "line", "json", "ndjson", "compact", "markdown", "html", "junit", "prom"][..],
        ),
        ("report show a.json", &["text", "markdown", "html"]),
        ("report diff a.json b.json", &["text", "json", "markdown"]),
        ("report diff b.json a.json", &["text", "json", "markdown"]),
        ("fleet a.json b.json", &["text", "json", "markdown", "html"]),
        ("fleet --since fold.json a.json b.json", &["text", "json", "markdown", "html"]),
        ("fleet --since strange.json a.json", &["text", "json", "markdown", "html"]),
        ("report redact a.json --redact ids --dry-run", &[]),
    ] {
        let files = formats.iter().flat_map(|format| ["-o".to_owned(), format!("{format}=out.{format}")]);
        let words: Vec<String> = command.split(' ').map(str::to_owned).chain(files).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ran = ran(midoctor(&words).current_dir(folder));
        harmless(command, &(ran.stdout.clone() + &ran.stderr));
        assert!(ran.code.is_some_and(|code| code != 2), "{command}: {ran:?}");
        made.insert(command.to_owned(), ran.stdout);
        for format in formats {
            let file = folder.join(format!("out.{format}"));
            let shown = std::fs::read_to_string(&file).unwrap();
            // Rows are added to a file that is there.
            std::fs::remove_file(file).unwrap();
            harmless(&format!("{command} as {format}"), &shown);
            made.insert(format!("{command} as {format}"), shown);
        }
    }
    made
}

/// The same with the codes, which a fold cuts to what a code can be, and with links, which are none where they lead elsewhere.
fn of_its_frame_or_a_code(place: &str) -> bool {
    let codes = ["/code", "/root_cause", "/id", "/blocked_by", "/docs"];
    of_its_frame(place) || codes.iter().any(|word| place.ends_with(word))
}

#[test]
fn a_report_of_a_strangers_is_data_to_every_command() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path(), &spoilt("identity-ambiguous", MIXED, of_its_frame));
    for scenario in ["role-missing", "env-proxy"] {
        let hostile = made(folder.path(), &spoilt(scenario, SPOKEN, of_its_frame_or_a_code));
        let twin = made(folder.path(), &spoilt(scenario, TWIN, of_its_frame_or_a_code));
        for (what, shown) in &hostile {
            // What has changed since a fold hangs on its names; all else of a page is held below all the same.
            let twin = if what.contains("strange.json") { shown } else { &twin[what] };
            match what.rsplit(' ').next().unwrap() {
                "markdown" => same(&blocks(shown), &blocks(twin), what),
                "html" => same(&tags(shown), &tags(twin), what),
                "json" => drop(serde_json::from_str::<Value>(shown).unwrap()),
                "ndjson" | "compact" | "line" => assert_eq!(shown.lines().count(), 1, "{what}"),
                _ => {}
            }
        }
    }
}

#[test]
fn what_cannot_be_read_is_told_in_one_harmless_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    // JSON that is cut off, of another kind, with a lone half of a character, or none at all.
    let texts = [
        format!("{{\"schema\":\"{MIXED}"),
        serde_json::json!({ "schema": MIXED }).to_string(),
        r#"{"schema":"midoctor.report/1","vm":{"name":"\ud800"}}"#.to_owned(),
        serde_json::json!({ "schema": "midoctor.report/1", "verdict": MIXED, "exit_code": MIXED }).to_string(),
        MIXED.to_owned(),
        "\u{1b}]0;x\u{7}".to_owned(),
        "\0".to_owned(),
    ];
    for text in texts {
        std::fs::write(path("x"), &text).unwrap();
        for words in [
            vec!["check", "--from"],
            vec!["report", "show"],
            vec!["report", "redact", "--dry-run"],
            vec!["check", "--sources", "--config"],
        ] {
            let ran = run(&[&words[..], &[&path("x")]].concat());
            let line = format!("{words:?} of {text:?}: {}", ran.stderr);
            assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.matches('\n').count()), (Some(2), "", 1), "{line}");
            harmless(&line, &ran.stderr);
        }
        for words in [vec!["explain", "--file"], vec!["fleet"]] {
            let ran = run(&[&words[..], &[&path("x")]].concat());
            harmless(&format!("{words:?} of {text:?}"), &(ran.stdout + &ran.stderr));
        }
    }
}

#[test]
fn a_configurations_words_are_told_harmlessly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("midoctor.toml");
    let quoted = serde_json::to_string(&MIXED.replace(['\u{7}', '\u{1b}'], "\u{9b}")).unwrap();
    for text in [
        format!("identity = [{quoted}]\n"),
        format!("probe = [{quoted}]\n"),
        format!("only = [{quoted}]\n"),
        format!("timeout = {quoted}\n"),
        format!("{quoted} = 1\n"),
        format!("[[ignore]]\ncode = {quoted}\nreason = {quoted}\n"),
        format!("[[ignore]]\ncode = \"identity-none\"\nreason = {quoted}\nuntil = {quoted}\n"),
        format!("identity = [\n# {MIXED}\n"),
    ] {
        std::fs::write(&path, &text).unwrap();
        let ran = run(&["check", "--sources", "--config", path.to_str().unwrap()]);
        harmless(&text, &(ran.stdout + &ran.stderr));
    }
}

#[test]
fn what_is_typed_is_told_harmlessly_in_one_line() {
    // All go the same ways; some of each kind are enough.
    let texts = TEXTS.iter().step_by(6).chain(UNSPEAKABLE.iter().step_by(3));
    for text in texts.filter(|text| !text.contains('\0')) {
        for words in [
            vec!["demo", text],
            vec!["simulate", text],
            vec!["generate", text],
            vec![text],
            vec!["check", "--timeout", text],
            vec!["check", "--resource", text, "--timeout", "x"],
            vec!["check", "--require", text, "--timeout", "x"],
            vec!["check", "--identity", text, "--timeout", "x"],
            vec!["check", "--probe", text],
            vec!["check", "--unit", text, "--timeout", "x"],
            vec!["check", "--only", text, "--timeout", "x"],
            vec!["demo", "healthy", "-o", text],
            vec!["check", "--from", text],
            vec!["report", "show", text],
            vec!["report", "diff", text, text],
            vec!["fleet", text],
            vec!["explain", "--file", text],
        ] {
            // Help is asked for by one of them.
            let ran = run(&words);
            harmless(&format!("{words:?}"), &(ran.stdout.clone() + &ran.stderr));
            assert!(ran.code.is_some(), "{words:?}");
            if ran.code == Some(2) {
                assert_eq!(ran.stderr.matches('\n').count(), 1, "{words:?}: {}", ran.stderr);
            }
        }
    }
}

/// Only a Unix can have files of such names.
#[cfg(unix)]
#[test]
fn the_name_of_a_file_is_told_harmlessly() {
    let name = "a\u{1b}[2J\u{202e}\n##vso[x.y]::error::z'$(touch hit).json";
    let folder = tempfile::tempdir().unwrap();
    let report = run(&["demo", "identity-none", "-o", "json"]).stdout;
    for content in [report.as_str(), "no report"] {
        std::fs::write(folder.path().join(name), content).unwrap();
        for words in [
            vec!["check", "--from", name],
            vec!["report", "show", name],
            vec!["report", "diff", name, name],
            vec!["report", "redact", name, "-f", "\u{1b}[2J##vso[x.y]'.zip"],
            vec!["report", "redact", name, "-f", "./-x.zip"],
            vec!["fleet", name, "."],
            vec!["explain", "--file", name],
            vec!["check", "--sources", "--config", name],
            vec!["demo", "healthy", "-o", "json=missing\u{1b}/##vso[x.y]"],
        ] {
            let ran = ran(midoctor(&words).current_dir(folder.path()));
            harmless(&format!("{words:?}"), &(ran.stdout.clone() + &ran.stderr));
            if ran.code == Some(2) {
                assert_eq!(ran.stderr.matches('\n').count(), 1, "{words:?}: {}", ran.stderr);
            }
        }
    }
}
