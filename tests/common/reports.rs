//! Reports for the tests of formats: of scenarios at a fixed time, of a run that learned nothing, and such as a stranger would like.

#![cfg(all(feature = "simulator", feature = "archives"))]
#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use midoctor::diagnosis;
use midoctor::engine::{self, Limits};
use midoctor::evidence::{Evidence, Request};
use midoctor::options;
use midoctor::plan::Plan;
use midoctor::render::style::Style;
use midoctor::render::text::Detail;
use midoctor::render::{self, FORMATS, Format};
use midoctor::report::{CheckReport, CommandReport, FindingReport, Identity, IdentityKind, Ignored, Report, Run};
use midoctor::scenarios;
use midoctor::simulator::{Azure, SimulatedMachine};

pub fn names() -> Vec<&'static str> {
    scenarios::all().into_iter().map(|scenario| scenario.name).collect()
}

/// What a VM in that state would report, at a fixed time; its random IDs are gone.
pub fn report(name: &str) -> Report {
    report_with(name, |_| {})
}

/// The same with another plan.
pub fn report_with(name: &str, change: impl FnOnce(&mut Plan)) -> Report {
    let scenario = scenarios::find(name).unwrap().scenario().unwrap();
    let mut plan = scenarios::plan(&scenario).unwrap();
    change(&mut plan);
    let machine = SimulatedMachine::at(Azure::new(scenario), "2026-09-01T10:11:12Z".parse().unwrap());
    let (evidence, took) = engine::examine(&machine, &plan, Limits::default(), &|_: &Request| {});
    of(evidence, took.as_millis() as u64)
}

/// Of a run that learned nothing at all.
pub fn open() -> Report {
    let plan = options::plan(&[], &[], &[]).unwrap();
    of(Evidence::new("2026-09-01T10:11:12Z".parse().unwrap(), plan), 5)
}

fn of(evidence: Evidence, duration_ms: u64) -> Report {
    let started = evidence.taken_at.to_string();
    let run = Run { id: "r".into(), started, duration_ms, attempts: 1, ..Run::default() };
    let mut report = Report::new(&diagnosis::diagnose(&evidence), evidence, run);
    let random = regex::Regex::new(r"request ID is [0-9a-f-]{36}").unwrap();
    for finding in report.checks.iter_mut().flat_map(|check| &mut check.findings) {
        finding.seen = random.replace_all(&finding.seen, "request ID is ID").into_owned();
    }
    report
}

/// The report in that format, as it goes to a file.
pub fn painted(report: &Report, format: Format) -> String {
    render::paint(report, format, Style::default(), Detail::default()).unwrap()
}

/// The report in each format, by its name.
pub fn in_each(report: &Report) -> Vec<(&'static str, String)> {
    FORMATS.iter().map(|(name, format)| (*name, painted(report, *format))).collect()
}

/// A report, read from a file say, with this text wherever a text can be. Those of two findings and of one that is ignored.
pub fn infected(text: &str) -> Report {
    let mut report = report("identity-none");
    let t = || text.to_owned();
    report.tool.version = t();
    report.run.id = t();
    report.run.started = t();
    for field in [
        &mut report.vm.name,
        &mut report.vm.resource_id,
        &mut report.vm.vm_id,
        &mut report.vm.location,
        &mut report.vm.cloud,
        &mut report.vm.subscription_id,
        &mut report.vm.resource_group,
        &mut report.vm.image,
        &mut report.root_cause,
    ] {
        *field = Some(t());
    }
    report.identities = [IdentityKind::System, IdentityKind::User]
        .map(|kind| Identity {
            kind,
            principal_id: Some(t()),
            client_id: Some(t()),
            tenant_id: Some(t()),
            resource_id: Some(t()),
        })
        .into();
    report.notes = vec![t()];
    for check in &mut report.checks {
        infect_row(check, text);
    }
    let found = report.checks.iter_mut().find(|check| !check.findings.is_empty()).unwrap();
    let ignored =
        FindingReport { ignored: Some(Ignored { reason: t(), until: Some(t()) }), ..found.findings[0].clone() };
    found.findings.extend([found.findings[0].clone(), ignored]);
    report
}

fn infect_row(check: &mut CheckReport, text: &str) {
    let t = || text.to_owned();
    (check.id, check.summary) = (t(), t());
    check.subject = Some(t());
    check.blocked_by = Some(t());
    for finding in &mut check.findings {
        (finding.code, finding.seen) = (t(), t());
        finding.remedy.text = t();
        finding.remedy.steps = vec![t(), t()];
        finding.docs = vec![t()];
        for CommandReport { line, .. } in &mut finding.remedy.commands {
            *line = t();
        }
    }
}
