//! What this version says of a report that lacks answers, as one of an older version does: less, and never anything worse.

#![cfg(all(feature = "simulator", feature = "archives"))]

use std::collections::BTreeSet;

use crate::played;
use midoctor::check::{Severity, Status};
use midoctor::evidence::{Evidence, Exchange};
use midoctor::report::Report;
use midoctor::scenarios;

fn scenarios() -> Vec<(&'static str, Evidence)> {
    let each = scenarios::all().into_iter().map(|named| {
        let scenario = named.scenario().unwrap();
        let plan = scenarios::plan(&scenario).unwrap();
        let azure = midoctor::simulator::Azure::new(scenario);
        let machine = midoctor::simulator::SimulatedMachine::at(azure, "2026-09-01T10:11:12Z".parse().unwrap());
        let limits = midoctor::engine::Limits::default();
        (named.name, midoctor::engine::examine(&machine, &plan, limits, &|_| {}).0)
    });
    each.collect()
}

fn errors(report: &Report) -> BTreeSet<(String, String)> {
    let of = |severity| {
        let rows = report.checks.iter().flat_map(|check| check.findings.iter().map(move |finding| (check, finding)));
        rows.filter(move |(_, finding)| finding.severity == severity)
            .map(|(check, finding)| (check.id.clone(), finding.code.clone()))
    };
    of(Severity::Error).collect()
}

fn without(evidence: &Evidence, gone: &[usize]) -> Evidence {
    let kept = evidence.exchanges.iter().enumerate().filter(|(index, _)| !gone.contains(index));
    let exchanges: Vec<Exchange> = kept.map(|(_, exchange)| exchange.clone()).collect();
    Evidence { exchanges, ..evidence.clone() }
}

/// No error that the whole evidence did not lead to, and no check that failed without one.
fn holds(name: &str, whole: &BTreeSet<(String, String)>, evidence: &Evidence, gone: &[usize]) -> Vec<String> {
    let report = played::judged(without(evidence, gone));
    for check in report.checks.iter().filter(|check| check.status == Status::Fail) {
        assert!(!check.findings.is_empty(), "{name}: {check:?}");
    }
    let asked: Vec<String> = gone.iter().map(|index| evidence.exchanges[*index].request.in_words()).collect();
    let new: Vec<_> = errors(&report).difference(whole).cloned().collect();
    new.into_iter().map(|(check, code)| format!("{name}: {code} in {check} without {}", asked.join(" and "))).collect()
}

#[test]
fn a_question_that_was_never_asked_makes_no_error() {
    let mut wrong = Vec::new();
    for (name, evidence) in scenarios() {
        let whole = errors(&played::judged(evidence.clone()));
        for gone in 0..evidence.exchanges.len() {
            wrong.extend(holds(name, &whole, &evidence, &[gone]));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn two_questions_that_were_never_asked_make_none_either() {
    let mut wrong = Vec::new();
    // Not random, so that it fails everywhere or nowhere: a full walk through the pairs in steps.
    let mut step = 0_usize;
    for (name, evidence) in scenarios() {
        let whole = errors(&played::judged(evidence.clone()));
        let count = evidence.exchanges.len();
        for first in 0..count {
            for second in first + 1..count {
                step += 1;
                if step.is_multiple_of(3) {
                    wrong.extend(holds(name, &whole, &evidence, &[first, second]));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
