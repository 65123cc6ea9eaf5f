//! What every format says of a run that does not end with 0: none of those that a build server reads may look as if all were well.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::reports::{self, painted, report, report_with};
use midoctor::plan::{FailOn, Ignore};
use midoctor::render::Format;
use midoctor::report::{Report, WaitEnd, Waiting, Word};

/// The identity is missing, and somebody said that it does not count.
fn ignored() -> Report {
    let ignore =
        |code: &str| Ignore { code: code.into(), reason: "known".into(), until: "2027-01-31".parse().unwrap() };
    report_with("identity-none", |plan| plan.ignores = vec![ignore("identity-*")])
}

/// How many failures and errors a build server counts.
fn failed(report: &Report) -> (usize, usize) {
    let xml = painted(report, Format::Junit);
    let counted = |tag: &str| xml.matches(&format!("<{tag} message=")).count();
    let (failures, errors) = (counted("failure"), counted("error"));
    let tests = xml.matches("<testcase ").count();
    let said = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"");
    assert_eq!(xml.matches(&said).count(), 2, "{said}\n{xml}");
    (failures, errors)
}

#[test]
fn what_stands_behind_an_ignored_finding_is_an_error_to_a_build_server() {
    let report = ignored();
    assert_eq!((report.verdict, report.exit_code, report.summary.unknown), (Word::Undetermined, 3, 0));
    assert_eq!(failed(&report), (0, 5));
    let told =
        "What it found does not count, but keeps these from being judged: principal, token, validity, reader, roles";
    assert_eq!(
        painted(&report, Format::Github),
        format!(
            "::warning title=identity::{told}\nidentity-none: ignored until 2027-01-31: known\n{}",
            painted(&report, Format::Line)
        )
    );
    assert!(
        painted(&report, Format::Azdo)
            .starts_with(&format!("##vso[task.logissue type=warning;code=identity;]{told}\n"))
    );
    let line = "UNDETERMINED principal: The token speaks for this VM's identity: blocked by...\n";
    assert_eq!(painted(&report, Format::Line), line);
    let markdown = painted(&report, Format::Markdown);
    assert!(
        markdown.contains("\nThe verdict is open: nothing failed, but not everything could be judged.\n"),
        "{markdown}"
    );
}

#[test]
fn a_run_that_no_check_speaks_for_is_no_success_anywhere() {
    let report = report_with("healthy", |plan| plan.skip = vec!["*".into()]);
    assert_eq!((report.verdict, report.exit_code), (Word::Undetermined, 3));
    assert_eq!(failed(&report), (0, 1));
    assert!(painted(&report, Format::Junit).contains("so nothing speaks for this VM"));
    let github = painted(&report, Format::Github);
    assert!(github.starts_with("::warning title=midoctor::13 skipped%0Anothing failed, but"), "{github}");
    assert!(painted(&report, Format::Azdo).contains("type=warning;code=midoctor;]13 skipped nothing failed, but"));
}

#[test]
fn a_run_that_ends_with_0_has_no_failure_and_one_that_does_not_has_one() {
    for name in reports::names() {
        for fail_on in [FailOn::Error, FailOn::Warn] {
            let report = report_with(name, |plan| plan.fail_on = fail_on);
            let (failures, errors) = failed(&report);
            assert_eq!(report.exit_code != 0, failures + errors > 0, "{name} {fail_on:?}");
        }
    }
}

#[test]
fn warnings_that_fail_a_run_and_the_waiting_are_said_in_markdown() {
    let mut waited_for = report_with("legacy-answering", |plan| plan.fail_on = FailOn::Warn);
    let said = "\nThere are warnings, which count as failures here, as `--fail-on` says.\n";
    assert!(painted(&waited_for, Format::Markdown).contains(said));
    assert!(!painted(&report("legacy-answering"), Format::Markdown).contains("count as failures"));
    (waited_for.run.attempts, waited_for.run.waited_ms) = (12, 240_000);
    waited_for.run.waiting = Some(Waiting { limit_ms: 600_000, unchanged_ms: 0, ended: WaitEnd::DoesNotHeal });
    let waited = "waited 4 minutes over 12 attempts; it has been so since the last of them";
    assert!(painted(&waited_for, Format::Markdown).contains(&format!("\nWaiting: {waited}")));
    assert!(painted(&waited_for, Format::Junit).contains(waited));
    assert!(!painted(&report("healthy"), Format::Markdown).contains("Waiting"));
}
