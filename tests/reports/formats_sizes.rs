//! Sizes that are promised hold for any report: a line of 80, compact JSON of 4,000 bytes, ten annotations, a page below 1 MiB.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::reports::{infected, open, painted};
use midoctor::check::{Severity, Status};
use midoctor::render::markdown::{LEAST, LIMIT, render_within};
use midoctor::render::{Format, compact};
use midoctor::report::{CheckReport, Report, Word};
use proptest::prelude::*;
use regex::Regex;

/// All that is promised of sizes.
fn assert_fits(report: &Report) {
    let line = painted(report, Format::Line);
    let (body, end) = line.split_at(line.len() - 1);
    assert!(end == "\n" && body.len() <= 80 && body.chars().all(|c| c.is_ascii_graphic() || c == ' '), "{line}");

    let compact = painted(report, Format::Compact);
    assert!(compact.len() <= compact::LIMIT, "{} bytes", compact.len());
    assert_eq!(compact.matches('\n').count(), 1);
    let read: serde_json::Value = serde_json::from_str(&compact).unwrap();
    assert_eq!((&read["schema"], &read["exit_code"]), (&"midoctor.compact/1".into(), &report.exit_code.into()));
    let kept = read["fix"]["commands"].as_array().into_iter().flatten();
    let lines: Vec<&str> = report
        .checks
        .iter()
        .flat_map(|check| &check.findings)
        .flat_map(|finding| &finding.remedy.commands)
        .map(|command| command.line.as_str())
        .collect();
    for command in kept {
        assert!(lines.contains(&command["line"].as_str().unwrap()), "a command was cut: {command}");
    }

    let github = painted(report, Format::Github);
    assert!(github.lines().filter(|line| line.starts_with("::")).count() <= 10, "{github}");
    assert!(github.len() < 200_000, "{} bytes", github.len());
    let azdo = painted(report, Format::Azdo);
    assert!(azdo.lines().filter(|line| line.starts_with("##vso[task.logissue")).count() <= 10, "{azdo}");

    let page = painted(report, Format::Markdown);
    assert!(page.len() < LIMIT, "{} bytes", page.len());
    assert!(page.lines().last().unwrap().contains("; took "), "the counts are missing");
    let short = render_within(report, LEAST);
    assert!(short.len() <= LEAST, "{} bytes", short.len());
}

/// A report with so many rows, findings in each and identities.
fn grown(text: &str, rows: usize, findings: usize, identities: usize, status: Status, verdict: Word) -> Report {
    let mut report = infected(text);
    let found = report.checks.iter().find(|check| !check.findings.is_empty()).unwrap().findings[0].clone();
    let row = CheckReport {
        status,
        findings: (0..findings)
            .map(|index| {
                let mut one = found.clone();
                one.code = format!("{text}{index}");
                one.severity = if index % 2 == 0 { Severity::Warning } else { Severity::Error };
                one
            })
            .collect(),
        ..report.checks[0].clone()
    };
    report.checks.extend(std::iter::repeat_n(row, rows));
    let who = report.identities[0].clone();
    report.identities.extend(std::iter::repeat_n(who, identities));
    report.notes.extend(std::iter::repeat_n(text.to_owned(), identities));
    (report.verdict, report.exit_code) = (verdict, 1);
    report
}

/// Characters of every width, with those that are written longer than they are.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("a".to_owned()),
        Just("word ".to_owned()),
        Just("\"\\".to_owned()),
        Just("##[".to_owned()),
        Just("|".to_owned()),
        Just("# ".to_owned()),
        Just("\u{1b}\u{202e}\u{e0041}".to_owned()),
        Just("`".to_owned()),
        Just("😀é–".to_owned()),
        any::<String>(),
    ];
    (proptest::collection::vec(piece, 0..6), prop_oneof![0_usize..9, 0_usize..300])
        .prop_map(|(pieces, times)| pieces.concat().repeat(times))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_promised_holds_for_any_report(
        text in text(),
        rows in 0_usize..30,
        findings in 0_usize..4,
        identities in 0_usize..20,
        status in prop_oneof![Just(Status::Fail), Just(Status::Unknown), Just(Status::Pass)],
        verdict in prop_oneof![Just(Word::Unhealthy), Just(Word::Undetermined), Just(Word::Degraded), Just(Word::Healthy)],
    ) {
        assert_fits(&grown(&text, rows, findings, identities, status, verdict));
    }
}

#[test]
fn thousands_of_rows_and_enormous_names_fit() {
    for piece in ["word ", "\u{e0041}", "\"", "|", "##[", "`a` ", "# "] {
        assert_fits(&grown(&piece.repeat(2_000), 40, 1, 40, Status::Fail, Word::Unhealthy));
    }
    for piece in ["word ", "#"] {
        assert_fits(&grown(&piece.repeat(20), 4_000, 1, 1_000, Status::Fail, Word::Unhealthy));
    }
    assert_fits(&grown(&"y".repeat(1 << 20), 3, 1, 3, Status::Unknown, Word::Undetermined));
    assert_fits(&open());
}

#[test]
fn what_is_left_out_is_said() {
    let report = grown(&"name ".repeat(400), 4_000, 2, 2_000, Status::Fail, Word::Unhealthy);
    let compact: serde_json::Value = serde_json::from_str(&painted(&report, Format::Compact)).unwrap();
    assert_eq!(compact["cut"], true);
    assert!(compact["title"].as_str().unwrap().ends_with("name..."), "{compact}");
    let page = painted(&report, Format::Markdown);
    for (all, what) in [(4_013, "checks"), (8_003, "findings"), (2_002, "identities"), (2_001, "notes")] {
        let left = Regex::new(&format!(r"(?m)^Left out, to keep this short: (\d+) of {all} {what}\.$")).unwrap();
        let left: u32 = left.captures(&page).unwrap_or_else(|| panic!("{what}"))[1].parse().unwrap();
        assert!(left > 0 && left < all, "{left} {what}");
    }
    let github = painted(&report, Format::Github);
    // Of the 8,000 findings, with the two of the VM's own, nine are shown.
    assert!(
        github.contains("::error title=midoctor::7993 more not shown here; midoctor -o text shows all\n"),
        "{github}"
    );
}

#[test]
fn what_matters_is_kept_when_not_all_fits() {
    let mut report = grown("x", 0, 0, 0, Status::Pass, Word::Unhealthy);
    let filler = CheckReport { findings: Vec::new(), status: Status::Pass, ..report.checks[0].clone() };
    report.checks.splice(0..0, std::iter::repeat_n(CheckReport { summary: "filler ".repeat(500), ..filler }, 4_000));
    let last = report.checks.last_mut().unwrap();
    (last.id, last.status, last.summary) = ("last".into(), Status::Unknown, "cannot be told".into());
    let page = painted(&report, Format::Markdown);
    assert!(
        page.contains("| unknown | `last` | cannot be told "),
        "a row that did not pass was left out for one that did"
    );
    let mut long = infected("x");
    let remedy = &mut long.checks.iter_mut().find(|check| !check.findings.is_empty()).unwrap().findings[0].remedy;
    remedy.commands[0].line = "az ".repeat(3_000);
    remedy.commands[1].line = "short".into();
    remedy.steps = vec!["step ".repeat(1_000), "second".into()];
    let compact: serde_json::Value = serde_json::from_str(&painted(&long, Format::Compact)).unwrap();
    let fix = &compact["fix"];
    assert_eq!(
        (&compact["cut"], &fix["commands"][0]["line"], &fix["steps"][1]),
        (&true.into(), &"short".into(), &"second".into())
    );
    let first = fix["steps"][0].as_str().unwrap();
    assert!(first.len() <= 600 && first.ends_with("step..."), "{first}");
}
