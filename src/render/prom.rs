//! The report as gauges in Prometheus' text format, for node_exporter's directory of textfiles: without time stamps, which it
//! refuses, and with every series once.

use std::fmt::Write;

use crate::build_log::inert;
use crate::check::Status;
use crate::fill::visible;
use crate::report::{Report, Word};
use crate::token::Claims;

use super::lead::counted;

/// All gauges that the report has something to say of, each with its help.
pub fn render(report: &Report) -> String {
    let mut families = Families(Vec::new());
    about_the_run(report, &mut families);
    about_the_verdict(report, &mut families);
    about_the_checks(report, &mut families);
    let expiry = families.add("token_expiry_timestamp_seconds", "When the token that was issued last expires.");
    for claims in issued(report) {
        if let Some(until) = claims.time("exp") {
            let labels = [("audience", claims.text("aud")), ("principal_id", claims.text("oid"))];
            expiry.set(&labels.map(|(name, value)| (name, value.unwrap_or_default())), until.as_second().to_string());
        }
    }
    families.text()
}

fn about_the_run(report: &Report, families: &mut Families) {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let vm = &report.vm;
    families.add("info", "What wrote this, and on which VM.").set(
        &[
            ("version", &*report.tool.version),
            ("vm", &text(&vm.name)),
            ("resource_id", &text(&vm.resource_id)),
            ("location", &text(&vm.location)),
        ],
        "1".into(),
    );
    let started = report.run.started.parse().unwrap_or(report.evidence.taken_at);
    let when = families.add("last_run_timestamp_seconds", "When the last run began.");
    when.set(&[], started.as_second().to_string());
    let ms = report.run.duration_ms;
    let took = families.add("run_duration_seconds", "How long the last run took.");
    took.set(&[], format!("{}.{:03}", ms / 1_000, ms % 1_000));
    if let Some(cut) = report.run.cut_short {
        let short =
            families.add("run_cut_short", "The last run was cut short by this signal, so what it says is not all.");
        short.set(&[("signal", cut.by.name())], "1".into());
    }
}

fn about_the_verdict(report: &Report, families: &mut Families) {
    let verdict = families.add("verdict", "The verdict over all: 1 for the one that holds.");
    for one in [Word::Healthy, Word::Degraded, Word::Unhealthy, Word::Undetermined] {
        verdict.set(&[("verdict", one.word())], u8::from(one == report.verdict).to_string());
    }
    families.add("exit_code", "The exit code that goes with the verdict.").set(&[], report.exit_code.to_string());
    if let Some(code) = &report.root_cause {
        let cause = families.add("root_cause", "The code of the finding that the others are consequences of.");
        cause.set(&[("code", code)], "1".into());
    }
}

fn about_the_checks(report: &Report, families: &mut Families) {
    let s = &report.summary;
    let checks = families.add("checks", "How many checks ended how.");
    for (status, count) in [
        (Status::Pass, s.pass),
        (Status::Warn, s.warn),
        (Status::Fail, s.fail),
        (Status::Unknown, s.unknown),
        (Status::Blocked, s.blocked),
        (Status::Skip, s.skip),
        (Status::Ignored, s.ignored),
    ] {
        checks.set(&[("status", status.word())], count.to_string());
    }
    let row = families.add("check_status", "How each check ended.");
    for check in &report.checks {
        let subject = check.subject.as_deref().unwrap_or_default();
        row.set(&[("check", &check.id), ("subject", subject), ("status", check.status.word())], "1".into());
    }
    let found = families.add("finding", "What was found and counts.");
    for (check, finding) in counted(report) {
        let subject = check.subject.as_deref().unwrap_or_default();
        let labels = [
            ("check", &*check.id),
            ("subject", subject),
            ("code", &finding.code),
            ("severity", finding.severity.word()),
        ];
        found.set(&labels, "1".into());
    }
    let ignored = families.add("finding_ignored", "What was found and is ignored, as configured.");
    for check in &report.checks {
        let subject = check.subject.as_deref().unwrap_or_default();
        for finding in check.findings.iter().filter(|finding| finding.ignored.is_some()) {
            ignored.set(&[("check", &check.id), ("subject", subject), ("code", &finding.code)], "1".into());
        }
    }
}

/// What the issued tokens say, oldest first.
fn issued(report: &Report) -> impl Iterator<Item = &Claims> {
    let attempts = report.evidence.exchanges.iter().flat_map(|exchange| &exchange.attempts);
    attempts.filter_map(|attempt| attempt.outcome.answer()?.token.as_ref())
}

struct Families(Vec<Family>);

struct Family {
    name: &'static str,
    help: &'static str,
    /// Labels and value, in the order in which they came.
    samples: Vec<(String, String)>,
    /// Where each series is, by its labels.
    known: std::collections::HashMap<String, usize>,
}

impl Families {
    fn add(&mut self, name: &'static str, help: &'static str) -> &mut Family {
        self.0.push(Family { name, help, samples: Vec::new(), known: Default::default() });
        let last = self.0.len() - 1;
        &mut self.0[last]
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for Family { name, help, samples, .. } in self.0.iter().filter(|family| !family.samples.is_empty()) {
            let _ = writeln!(text, "# HELP midoctor_{name} {help}\n# TYPE midoctor_{name} gauge");
            for (labels, value) in samples {
                let _ = writeln!(text, "midoctor_{name}{labels} {value}");
            }
        }
        text
    }
}

impl Family {
    /// Sets the series with these labels: the last value counts.
    fn set(&mut self, labels: &[(&str, &str)], value: String) {
        let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", label(value))).collect();
        let labels = if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) };
        match self.known.get(&labels).and_then(|at| self.samples.get_mut(*at)) {
            Some((_, old)) => *old = value,
            None => {
                self.known.insert(labels.clone(), self.samples.len());
                self.samples.push((labels, value));
            }
        }
    }
}

/// A label's value, escaped as the format says. No line end is left in it, so only these two are.
fn label(value: &str) -> String {
    inert(&visible(value)).replace('\\', "\\\\").replace('"', "\\\"")
}
