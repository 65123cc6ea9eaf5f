//! A run that is cut short, at every moment at which it could be: it says what is known, blames nobody for what is not, and every
//! format says that it is not all. Within this process; signals are in `tests/program` and in the network suite.

#![cfg(all(feature = "simulator", feature = "archives"))]

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use midoctor::check::Status;
use midoctor::diagnosis;
use midoctor::engine::{self, Limits, SoFar};
use midoctor::evidence::{Evidence, Reply, Request, Wire};
use midoctor::exit::Signal;
use midoctor::plan::Plan;
use midoctor::render::style::Style;
use midoctor::render::text::Detail;
use midoctor::render::{self, Format};
use midoctor::report::{CutShort, Report, Run, Stretch};
use midoctor::scenarios;
use midoctor::simulator::{Azure, SimulatedMachine};
use midoctor::token::Token;

/// A machine that looks at what is known whenever something is asked and whenever it is waited.
struct Watched<'a> {
    machine: &'a SimulatedMachine,
    plan: &'a Plan,
    so_far: &'a SoFar,
    seen: Mutex<Vec<Evidence>>,
}

impl Watched<'_> {
    fn look(&self) {
        let (evidence, _, is_open) = self.so_far.cut_short(self.machine, self.plan);
        assert!(is_open, "a question is open");
        self.seen.lock().unwrap().push(evidence);
    }
}

impl Wire for Watched<'_> {
    fn ask(&self, request: &Request, bearer: Option<&Token>, within: Duration) -> Reply {
        self.look();
        self.machine.ask(request, bearer, within)
    }

    fn pause(&self, _: Duration) {
        self.look();
    }

    fn now(&self) -> jiff::Timestamp {
        self.machine.now()
    }
}

/// What was known at each moment of a run, and at its end.
fn moments(name: &str) -> (Vec<Evidence>, Evidence) {
    let scenario = scenarios::find(name).and_then(|found| found.scenario()).unwrap();
    let plan = scenarios::plan(&scenario).unwrap();
    let machine = SimulatedMachine::at(Azure::new(scenario), "2026-09-01T10:11:12Z".parse().unwrap());
    let so_far = SoFar::default();
    let watched = Watched { machine: &machine, plan: &plan, so_far: &so_far, seen: Mutex::default() };
    let (whole, _) = engine::examine_openly(&watched, &plan, Limits::default(), &|_: &Request| {}, &so_far);
    (watched.seen.into_inner().unwrap(), Evidence::clone(&whole))
}

fn report(evidence: Evidence, cut_short: Option<CutShort>) -> Report {
    let run = Run {
        id: "r".into(),
        started: String::new(),
        duration_ms: 0,
        attempts: 1,
        waited_ms: 0,
        waiting: None,
        cut_short,
    };
    Report::new(&diagnosis::diagnose(&evidence), evidence, run)
}

fn codes(report: &Report) -> BTreeSet<String> {
    report.checks.iter().flat_map(|check| &check.findings).map(|finding| finding.code.clone()).collect()
}

fn cut() -> Option<CutShort> {
    Some(CutShort { by: Signal::Interrupt, during: Stretch::Examination, after_ms: 4200 })
}

#[test]
fn whenever_it_is_cut_short_it_finds_nothing_that_the_whole_run_does_not_find() {
    for scenario in scenarios::all() {
        let (moments, whole) = moments(scenario.name);
        let found = codes(&report(whole, None));
        for (number, evidence) in moments.into_iter().enumerate() {
            let partial = report(evidence, cut());
            let more: Vec<String> = codes(&partial).difference(&found).cloned().collect();
            assert!(more.is_empty(), "{} at {number}: {more:?}, but in the end {found:?}", scenario.name);
            assert!([1, 3].contains(&partial.exit_code), "{} at {number}", scenario.name);
            let failed = partial.checks.iter().any(|check| check.status == Status::Fail);
            assert_eq!(partial.exit_code == 1, failed, "{} at {number}", scenario.name);
        }
    }
}

#[test]
fn a_question_that_was_to_be_put_again_counts_by_its_last_answer() {
    let (moments, _) = moments("imds-throttled");
    let throttled = |evidence: &Evidence| codes(&report(evidence.clone(), cut())).contains("imds-throttled");
    let first = moments.iter().position(throttled).expect("some moment between two tries");
    assert!(!moments[..first].is_empty(), "at first nothing was known");
}

#[test]
fn what_was_not_answered_is_in_the_evidence_with_its_time() {
    let (moments, whole) = moments("healthy");
    assert!(moments.len() >= whole.exchanges.len(), "each question is a moment");
    for evidence in &moments {
        let details: Vec<&str> = evidence
            .exchanges
            .iter()
            .filter_map(|exchange| exchange.attempts.last()?.outcome.failure().map(|failed| failed.detail.as_str()))
            .filter(|detail| detail.starts_with("the run was cut short"))
            .collect();
        assert!(!details.is_empty());
        for detail in details {
            assert!(
                ["the run was cut short before the answer came", "the run was cut short before this could be asked"]
                    .contains(&detail),
                "{detail}"
            );
        }
        let mut questions: Vec<&Request> = evidence.exchanges.iter().map(|exchange| &exchange.request).collect();
        questions.dedup();
        assert_eq!(questions.len(), evidence.exchanges.len(), "each question once");
    }
}

#[test]
fn every_format_says_that_it_is_not_all() {
    let (moments, _) = moments("role-missing");
    let partial = report(moments[moments.len() / 2].clone(), cut());
    let words = "cut short by Ctrl-C (SIGINT) after 4.2 s: what had not been answered by then is unknown, not failed";
    assert_eq!(partial.notes, [words]);
    for (_, format) in render::FORMATS {
        let text = render::paint(&partial, format, Style::default(), Detail::default()).unwrap();
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let said = match format {
            Format::Line => flat.starts_with("UNDETERMINED, cut short: ") && text.trim_end().len() <= 80,
            Format::Prom => flat.contains("midoctor_run_cut_short{signal=\"SIGINT\"} 1"),
            Format::Compact => {
                flat.contains(r#""cut_short":{"by":"SIGINT","during":"examination","after_ms":4200},"cut":false}"#)
            }
            _ => flat.replace('\\', "").contains(words),
        };
        assert!(said, "{format:?}: {text}");
    }
    // Nothing of it is said of a run that came to its end.
    let whole = report(moments[moments.len() / 2].clone(), None);
    let text = render::paint(&whole, Format::Json, Style::default(), Detail::default()).unwrap();
    assert!(!text.contains("cut_short"), "{text}");
}

#[test]
fn a_saved_report_that_was_cut_short_says_so_again() {
    let (moments, _) = moments("role-missing");
    let partial = report(moments[moments.len() / 2].clone(), cut());
    let json = render::json::render(&partial).unwrap();
    let read: Report = serde_json::from_str(&json).unwrap();
    assert_eq!(read, partial);
    let again = Report::new(&diagnosis::diagnose(&read.evidence), read.evidence.clone(), read.run.clone());
    assert_eq!(again, partial);
}
