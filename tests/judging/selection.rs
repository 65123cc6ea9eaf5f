//! `--only`, `--skip` and `--fail-on`, in process: what is left out says why and is not asked about, and nothing that was not
//! judged ever looks healthy.

#![cfg(all(feature = "simulator", feature = "archives"))]

use std::collections::BTreeSet;

use crate::played::{ending, judged, named, rows};
use midoctor::check::{Check, Status, Subject};
use midoctor::checks;
use midoctor::evidence::{Evidence, Request};
use midoctor::plan::{FailOn, Plan};
use midoctor::report::{Report, Word};

fn report(name: &str, change: impl FnOnce(&mut Plan)) -> Report {
    judged(named(name, change))
}

fn only(globs: &[&str]) -> impl FnOnce(&mut Plan) {
    let globs = globs.iter().map(|glob| (*glob).to_owned()).collect();
    move |plan| plan.only = globs
}

fn skip(globs: &[&str]) -> impl FnOnce(&mut Plan) {
    let globs = globs.iter().map(|glob| (*glob).to_owned()).collect();
    move |plan| plan.skip = globs
}

/// Every check that can be a row.
fn catalogue() -> impl Iterator<Item = &'static Check> {
    checks::all().filter(|check| check.id != "client")
}

fn end(report: &Report) -> (Word, u8, Option<&str>) {
    (report.verdict, report.exit_code, report.root_cause.as_deref())
}

fn questions(evidence: &Evidence) -> BTreeSet<String> {
    evidence.exchanges.iter().map(|exchange| format!("{:?}", exchange.request)).collect()
}

#[test]
fn any_check_alone_is_healthy_on_a_healthy_vm_and_was_judged() {
    for check in catalogue() {
        let report = report("healthy-data", only(&[check.id]));
        assert_eq!(end(&report), (Word::Healthy, 0, None), "{}: {:?}", check.id, rows(&report, check.id));
        assert!(rows(&report, check.id).iter().all(|row| row.status == Status::Pass), "{}", check.id);
    }
}

#[test]
fn any_code_is_found_by_its_check_alone_and_by_its_name_alone() {
    for check in catalogue() {
        for code in check.codes {
            let whole = report(code, |_| {});
            for glob in [check.id, code] {
                let alone = report(code, only(&[glob]));
                assert_eq!(end(&alone), end(&whole), "{code}, --only {glob}: {:?}", rows(&alone, check.id));
            }
        }
    }
}

#[test]
fn a_check_that_is_left_out_says_why_and_what_it_alone_asks_is_not_asked() {
    for check in catalogue() {
        let whole = named("healthy-data", |_| {});
        let without = named("healthy-data", skip(&[check.id]));
        let report = judged(without.clone());
        for row in rows(&report, check.id) {
            assert_eq!(row.status, Status::Skip);
            assert!(row.summary.ends_with(&format!(": skipped, --skip {}", check.id)), "{}", row.summary);
            assert_eq!(row.duration_ms, 0);
        }
        let of = |wanted: &dyn Fn(&Check) -> bool| -> BTreeSet<String> {
            let reading = midoctor::reading::Reading::new(&whole);
            let asked = catalogue().filter(|check| wanted(check)).flat_map(|check| {
                let subjects: Vec<Subject> = (check.subjects)(&reading);
                let ask = |subject: &Subject| (check.ask)(&midoctor::case::Case::new(&reading, subject));
                subjects.iter().flat_map(ask).collect::<Vec<_>>()
            });
            asked.map(|request| format!("{request:?}")).collect()
        };
        let (own, others) = (of(&|one| one.id == check.id), of(&|one| one.id != check.id));
        let alone: BTreeSet<String> = own.difference(&others).cloned().collect();
        let asked = questions(&without);
        assert!(alone.is_disjoint(&asked), "{}: {:?}", check.id, alone.intersection(&asked).next());
    }
}

#[test]
fn only_asks_for_what_the_named_checks_need() {
    let asked = questions(&named("healthy-data", only(&["metadata"])));
    assert!(asked.iter().all(|question| !question.contains("https://management.azure.com")), "{asked:?}");
    let report = report("healthy", only(&["identity"]));
    assert!(ending(&report, "arm").1.ends_with(": skipped, not among what --only names"));
    assert_eq!(ending(&report, "metadata").0, Status::Pass, "what it needs comes along");
}

#[test]
fn a_fault_behind_a_check_that_is_left_out_never_looks_healthy() {
    for check in catalogue() {
        for code in check.codes {
            let whole = report(code, |_| {});
            for left_out in catalogue().filter(|other| other.id != check.id) {
                let report = report(code, skip(&[left_out.id]));
                let (seen, told) = (report.exit_code, rows(&report, check.id));
                assert!(seen != 0 || whole.exit_code == 0, "{code}, --skip {}: {told:?}", left_out.id);
            }
        }
    }
}

#[test]
fn a_code_that_is_left_out_is_never_the_root_cause_and_what_it_blocks_stays_open() {
    for check in catalogue() {
        for code in check.codes {
            let left_out = report(code, skip(&[code]));
            assert_eq!(left_out.root_cause, None, "{code}");
            let row = rows(&left_out, check.id)[0];
            let ignored = left_out.checks.iter().flat_map(|row| &row.findings).all(|finding| finding.ignored.is_some());
            assert!(ignored, "{code}: {row:?}");
            let blocked = left_out.summary.blocked + left_out.summary.unknown > 0;
            assert_eq!(left_out.exit_code, if blocked { 3 } else { 0 }, "{code}: {:?}", left_out.summary);
        }
    }
    let report = report("identity-none", skip(&["identity-*"]));
    assert_eq!(end(&report), (Word::Undetermined, 3, None));
    assert_eq!((ending(&report, "identity").0, ending(&report, "reader").0), (Status::Ignored, Status::Blocked));
}

#[test]
fn where_everything_is_left_out_nothing_speaks_for_the_vm() {
    for name in ["healthy", "identity-none"] {
        let report = report(name, skip(&["*"]));
        assert_eq!(end(&report), (Word::Undetermined, 3, None));
        assert_eq!(report.notes, ["every check that the verdict hangs on is left out, so nothing speaks for this VM"]);
        assert!(report.evidence.exchanges.is_empty(), "nothing is asked");
    }
    let essential: Vec<&str> = catalogue().filter(|check| check.essential).map(|check| check.id).collect();
    let report = report("healthy", skip(&essential));
    assert_eq!((end(&report), report.summary.pass), ((Word::Undetermined, 3, None), 2), "{:?}", report.summary);
}

#[test]
fn a_supporting_check_counts_when_only_names_it() {
    // An old report, in which the environment was not read.
    let without_environment = |change: fn(&mut Plan)| {
        let mut evidence = named("healthy", change);
        evidence.exchanges.retain(|exchange| !matches!(exchange.request, Request::Environment { .. }));
        judged(evidence)
    };
    let alone = without_environment(|plan| plan.only = vec!["environment".into()]);
    assert_eq!((ending(&alone, "environment").0, alone.exit_code), (Status::Unknown, 3));
    let among_others = without_environment(|plan| plan.only = vec!["identity".into()]);
    assert_eq!((ending(&among_others, "environment").0, among_others.exit_code), (Status::Skip, 0));
}

#[test]
fn warnings_end_with_one_where_fail_on_says_so() {
    let strict = |plan: &mut Plan| plan.fail_on = FailOn::Warn;
    assert_eq!(end(&report("legacy-answering", |_| {})), (Word::Degraded, 0, None));
    assert_eq!(end(&report("legacy-answering", strict)), (Word::Degraded, 1, None));
    assert_eq!(end(&report("healthy", strict)), (Word::Healthy, 0, None));
    assert_eq!(end(&report("role-missing", strict)), (Word::Unhealthy, 1, Some("role-missing")));
    let known = |plan: &mut Plan| (plan.fail_on, plan.skip) = (FailOn::Warn, vec!["legacy-*".into()]);
    assert_eq!(end(&report("legacy-answering", known)), (Word::Healthy, 0, None));
}
