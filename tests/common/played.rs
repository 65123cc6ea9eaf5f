//! Plays a scenario in process, at a fixed time, and looks into the report. No program is run and no socket opened.

#![cfg(all(feature = "simulator", feature = "archives"))]
#![allow(dead_code, missing_docs)]

use midoctor::check::Status;
use midoctor::diagnosis;
use midoctor::engine::{self, Limits};
use midoctor::evidence::{Evidence, Request};
use midoctor::plan::Plan;
use midoctor::report::{CheckReport, FindingReport, Report, Run};
use midoctor::scenarios;
use midoctor::simulator::{Azure, Scenario, SimulatedMachine};

/// The evidence that this scenario leads to, with the command line that it names.
pub fn evidence(toml: &str, http: &[&str]) -> Evidence {
    let scenario = Scenario::parse(Some(toml), http).unwrap_or_else(|why| panic!("{toml}: {why}"));
    let plan = scenarios::plan(&scenario).unwrap_or_else(|why| panic!("{toml}: {why}"));
    let machine = SimulatedMachine::at(Azure::new(scenario), "2026-09-01T10:11:12Z".parse().unwrap());
    engine::examine(&machine, &plan, Limits::default(), &|_: &Request| {}).0
}

/// The evidence of a scenario that has a name, with its plan changed.
pub fn named(name: &str, change: impl FnOnce(&mut Plan)) -> Evidence {
    let scenario = scenarios::find(name).and_then(|found| found.scenario()).unwrap_or_else(|why| panic!("{why}"));
    let mut plan = scenarios::plan(&scenario).unwrap_or_else(|why| panic!("{name}: {why}"));
    change(&mut plan);
    let machine = SimulatedMachine::at(Azure::new(scenario), "2026-09-01T10:11:12Z".parse().unwrap());
    engine::examine(&machine, &plan, Limits::default(), &|_: &Request| {}).0
}

/// The report of this scenario.
pub fn play(toml: &str) -> Report {
    judged(evidence(toml, &[]))
}

/// The report of this evidence.
pub fn judged(evidence: Evidence) -> Report {
    let run = Run { id: "r".into(), attempts: 1, ..Run::default() };
    Report::new(&diagnosis::diagnose(&evidence), evidence, run)
}

/// The rows of a check.
pub fn rows<'a>(report: &'a Report, id: &str) -> Vec<&'a CheckReport> {
    report.checks.iter().filter(|check| check.id == id).collect()
}

/// How the one row of a check ended, with its code, or else its summary.
pub fn ending<'a>(report: &'a Report, id: &str) -> (Status, &'a str) {
    let rows = rows(report, id);
    assert_eq!(rows.len(), 1, "{id}: {rows:?}");
    let text = rows[0].findings.first().map_or(rows[0].summary.as_str(), |finding| finding.code.as_str());
    (rows[0].status, text)
}

/// The one finding of a check.
pub fn finding<'a>(report: &'a Report, id: &str) -> &'a FindingReport {
    let findings: Vec<&FindingReport> = rows(report, id).into_iter().flat_map(|row| &row.findings).collect();
    assert_eq!(findings.len(), 1, "{id}: {:?}", rows(report, id));
    findings[0]
}
