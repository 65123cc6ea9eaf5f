//! What holds of judging and of redaction whatever the evidence is: that of the scenarios, changed in ways that nobody thought of.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::changed::{self, Changed, cases, difference};
use crate::played::judged;
use midoctor::check::Status;
use midoctor::redact::{Level, redact};
use midoctor::render::style::Style;
use midoctor::render::text::Detail;
use midoctor::render::{Format, compact, paint};
use midoctor::report::{Report, Word};
use midoctor::{diagnosis, saved};
use proptest::prelude::*;

fn painted(report: &Report, format: Format) -> String {
    paint(report, format, Style::default(), Detail { quiet: false, verbose: true }).unwrap()
}

/// How each check ended, with its codes, whatever the order.
fn endings(report: &Report) -> Vec<(String, Option<String>, Status, Vec<String>)> {
    let codes = |row: &midoctor::report::CheckReport| {
        row.findings.iter().map(|finding| finding.code.clone()).collect::<Vec<_>>()
    };
    report.checks.iter().map(|row| (row.id.clone(), row.subject.clone(), row.status, codes(row))).collect()
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn the_same_evidence_is_judged_the_same_also_from_a_file(changed in changed::evidence()) {
        let Changed { from, evidence } = changed;
        let report = judged(evidence.clone());
        prop_assert_eq!(difference(&judged(evidence), &report), None, "{}", from);
        let json = painted(&report, Format::Json);
        let read: Report = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(difference(&read, &report), None, "{}", from);
        prop_assert_eq!(difference(&judged(read.evidence).checks, &report.checks), None, "{}", from);
        let given = saved::read(json.as_bytes()).unwrap();
        let again = saved::read(painted(&given, Format::Json).as_bytes()).unwrap();
        prop_assert_eq!(difference(&again, &given), None, "taken in twice, {}", from);
    }

    #[test]
    fn the_order_of_the_questions_does_not_matter(changed in changed::evidence(), turns in any::<prop::sample::Index>()) {
        let Changed { from, evidence } = changed;
        let report = judged(evidence.clone());
        let mut turned = evidence;
        // Of two that put one question the first counts, so such evidence has an order.
        let mut known = std::collections::HashSet::new();
        turned.exchanges.retain(|exchange| known.insert(exchange.request.clone()));
        let length = turned.exchanges.len();
        if length > 0 {
            turned.exchanges.rotate_left(turns.index(length));
            let half = length / 2;
            turned.exchanges[..half].reverse();
        }
        let other = judged(turned);
        prop_assert_eq!(endings(&other), endings(&report), "{}", from);
        prop_assert_eq!((other.verdict, &other.root_cause), (report.verdict, &report.root_cause), "{}", from);
    }

    #[test]
    fn verdict_root_cause_and_exit_code_agree(changed in changed::evidence()) {
        let Changed { from, evidence } = changed;
        let report = judged(evidence);
        let failed: Vec<_> = report.checks.iter().filter(|row| row.status == Status::Fail).collect();
        prop_assert_eq!(report.verdict == Word::Unhealthy, !failed.is_empty(), "{}", from);
        if let Some(root) = report.root_cause.as_ref().filter(|_| report.verdict == Word::Unhealthy) {
            prop_assert!(failed.iter().any(|row| row.findings.iter().any(|finding| finding.code == *root)), "{}", from);
        }
        let expected = match report.verdict {
            Word::Healthy | Word::Degraded => 0,
            Word::Unhealthy => 1,
            Word::Undetermined => 3,
        };
        let warns = report.evidence.asked.fail_on != midoctor::plan::FailOn::Error;
        prop_assert!(report.exit_code == expected || (warns && report.verdict == Word::Degraded), "{}", from);
        for row in &report.checks {
            prop_assert_eq!(row.status == Status::Blocked, row.blocked_by.is_some(), "{}: {}", from, row.id);
            if let Some(by) = &row.blocked_by {
                let stands = report.checks.iter().any(|other| other.id == *by && other.status != Status::Pass);
                prop_assert!(stands, "{}: {} is blocked by {}", from, row.id, by);
            }
        }
    }

    #[test]
    fn sizes_hold_and_nothing_is_hidden(changed in changed::evidence()) {
        let Changed { from, evidence } = changed;
        let report = judged(evidence);
        let line = painted(&report, Format::Line);
        prop_assert!(line.len() <= 81 && line.bytes().all(|byte| (b' '..=b'~').contains(&byte) || byte == b'\n'), "{}", from);
        prop_assert!(painted(&report, Format::Compact).len() <= compact::LIMIT, "{}", from);
        for (name, format) in midoctor::render::FORMATS {
            let odd = painted(&report, format).chars().find(|c| c.is_control() && *c != '\n');
            prop_assert_eq!(odd, None, "{} of {}", name, from);
        }
    }
}

proptest! {
    #![proptest_config(cases(16))]

    #[test]
    fn redacting_again_changes_nothing(changed in changed::evidence()) {
        let Changed { from, evidence } = changed;
        let report = judged(evidence);
        let at = |report: &Report, level| redact(report, level).unwrap().report;
        prop_assert_eq!(difference(&at(&report, Level::None), &report), None);
        let (secrets, ids) = (at(&report, Level::Secrets), at(&report, Level::Ids));
        for (name, once, level) in [
            ("secrets twice", &secrets, Level::Secrets),
            ("ids twice", &ids, Level::Ids),
            ("secrets after ids", &ids, Level::Secrets),
        ] {
            let twice = redact(once, level).unwrap();
            prop_assert_eq!(difference(&twice.report, once), None, "{} of {}", name, from);
        }
        prop_assert_eq!(difference(&at(&secrets, Level::Ids), &ids), None, "ids after secrets of {}", from);
        let anew = diagnosis::diagnose(&ids.evidence);
        prop_assert_eq!(anew.checks.len(), ids.checks.len(), "{}", from);
    }
}
