//! Findings that are known: they do not count until their day, by the evidence's clock, and never hide what they block.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::played::{ending, finding, judged, named};
use midoctor::check::Status;
use midoctor::plan::Ignore;
use midoctor::render::style::Style;
use midoctor::render::text::{Detail, render};
use midoctor::report::{Ignored, Report, Word};

/// What is played at 2026-09-01T10:11:12Z, with these ignores: code and last day.
fn report(name: &str, ignores: &[(&str, &str)]) -> Report {
    let ignore = |(code, until): &(&str, &str)| Ignore {
        code: (*code).into(),
        reason: "the old agent stays until then".into(),
        until: until.parse().unwrap(),
    };
    judged(named(name, |plan| plan.ignores = ignores.iter().map(ignore).collect()))
}

fn text(report: &Report, quiet: bool, verbose: bool) -> String {
    render(report, Style::default(), Detail { quiet, verbose })
}

#[test]
fn a_warning_that_is_known_does_not_count_and_says_why_in_one_line() {
    let known = report("legacy-answering", &[("legacy-*", "2026-09-30")]);
    assert_eq!((known.verdict, known.exit_code, known.summary.ignored), (Word::Healthy, 0, 1));
    assert_eq!(ending(&known, "retired"), (Status::Ignored, "legacy-answering"));
    let ignored = Ignored { reason: "the old agent stays until then".into(), until: Some("2026-09-30".into()) };
    assert_eq!(finding(&known, "retired").ignored, Some(ignored));
    assert!(known.notes.is_empty());
    let text = text(&known, false, false);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("[legacy-answering] ignored until 2026-09-30: the old agent stays until then"), "{text}");
    assert!(!text.contains("Fix"), "no fix: {text}");
    assert!(text.contains("1 ignored"), "{text}");
}

#[test]
fn quiet_leaves_it_out_and_verbose_has_the_fix() {
    let known = report("legacy-answering", &[("legacy-*", "2026-09-30")]);
    assert_eq!(text(&known, true, false), "");
    let verbose = text(&known, false, true);
    assert!(verbose.contains("Fix") && verbose.contains("ignored until 2026-09-30"), "{verbose}");
    let blocked = text(&report("identity-none", &[("identity-none", "2026-09-30")]), true, false);
    assert!(!blocked.contains("identity-none") && blocked.contains("UNDETERMINED"), "{blocked}");
}

#[test]
fn an_error_that_is_known_leaves_open_what_it_blocks_and_is_no_root_cause() {
    let known = report("identity-none", &[("identity-*", "2026-09-30")]);
    assert_eq!((known.verdict, known.exit_code, known.root_cause.as_deref()), (Word::Undetermined, 3, None));
    assert_eq!((ending(&known, "identity").0, ending(&known, "reader").0), (Status::Ignored, Status::Blocked));
    let rest = report("role-insufficient", &[("role-insufficient", "2026-09-30")]);
    assert_eq!((rest.verdict, rest.exit_code), (Word::Healthy, 0), "nothing hangs on it");
}

#[test]
fn it_holds_through_its_last_day_by_the_clock_of_the_evidence_and_no_longer() {
    for (until, exit_code, note) in [
        ("2026-09-02", 0, None),
        ("2026-09-01", 0, None),
        (
            "2026-08-31",
            1,
            Some(
                "the ignore of role-insufficient ended on 2026-08-31 and no longer counts (the old agent stays until then); remove it, or give it a new date",
            ),
        ),
    ] {
        let report = report("role-insufficient", &[("role-insufficient", until)]);
        assert_eq!((report.exit_code, report.notes.first().map(String::as_str)), (exit_code, note), "{until}");
    }
}

#[test]
fn one_that_matches_nothing_is_said_where_there_was_something_to_match() {
    let idle = "the ignore of legacy-* matched nothing (the old agent stays until then); remove it when it is no longer needed";
    assert_eq!(report("healthy", &[("legacy-*", "2026-09-30")]).notes, [idle]);
    // Whether an identity may read the VM was not judged where there is none.
    assert!(report("identity-none", &[("role-missing", "2026-09-30")]).notes.is_empty());
}

#[test]
fn a_report_that_is_judged_again_reads_the_same() {
    let known = report("legacy-answering", &[("legacy-*", "2026-09-01")]);
    let saved: Report = serde_json::from_str(&serde_json::to_string(&known).unwrap()).unwrap();
    assert_eq!(judged(saved.evidence).checks, known.checks);
}

#[test]
fn what_is_known_beside_what_is_not_is_a_line_of_its_own() {
    // As with a glob that takes one of two codes.
    let mut report = report("legacy-answering", &[]);
    let row = report.checks.iter_mut().find(|row| row.id == "retired").unwrap();
    let mut second = row.findings[0].clone();
    second.code = "legacy-endpoint".into();
    second.ignored = Some(Ignored { reason: "--skip legacy-endpoint".into(), until: None });
    row.findings.push(second);
    let text = text(&report, false, false);
    assert!(text.contains("      Known legacy-endpoint is ignored: --skip legacy-endpoint\n"), "{text}");
}
