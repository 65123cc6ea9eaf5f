//! The report as one line of JSON for tables of many: without evidence, remedies and links. The time comes first, under the name
//! that Log Analytics wants. A file of such lines is added to, never replaced.

use serde::Serialize;

use crate::check::{Severity, Stage, Status};
use crate::page::Heals;
use crate::report::{CheckReport, FindingReport, Identity, Ignored, Report, Run, Summary, Tool, Vm, Word};

use super::json;

/// The name and major version of the row; fields are added inside it, never renamed or removed.
pub const SCHEMA: &str = "midoctor.row/1";

/// A report's own names, but for the first.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(rename = "TimeGenerated")]
    time_generated: &'a str,
    schema: &'static str,
    tool: &'a Tool,
    run: &'a Run,
    vm: &'a Vm,
    identities: &'a [Identity],
    verdict: Word,
    exit_code: u8,
    root_cause: Option<&'a str>,
    summary: Summary,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    notes: &'a [String],
    checks: Vec<Check<'a>>,
}

#[derive(Serialize)]
struct Check<'a> {
    id: &'a str,
    subject: Option<&'a str>,
    stage: Stage,
    status: Status,
    summary: &'a str,
    duration_ms: u64,
    blocked_by: Option<&'a str>,
    findings: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct Finding<'a> {
    code: &'a str,
    severity: Severity,
    seen: &'a str,
    heals: Heals,
    #[serde(skip_serializing_if = "Option::is_none")]
    ignored: Option<&'a Ignored>,
}

/// The line, with its end.
///
/// # Errors
/// When serialisation fails, which plain data does not.
pub fn render(report: &Report) -> Result<String, String> {
    json::line(&Row {
        time_generated: &report.run.started,
        schema: SCHEMA,
        tool: &report.tool,
        run: &report.run,
        vm: &report.vm,
        identities: &report.identities,
        verdict: report.verdict,
        exit_code: report.exit_code,
        root_cause: report.root_cause.as_deref(),
        summary: report.summary,
        notes: &report.notes,
        checks: report.checks.iter().map(check).collect(),
    })
}

fn check(check: &CheckReport) -> Check<'_> {
    Check {
        id: &check.id,
        subject: check.subject.as_deref(),
        stage: check.stage,
        status: check.status,
        summary: &check.summary,
        duration_ms: check.duration_ms,
        blocked_by: check.blocked_by.as_deref(),
        findings: check.findings.iter().map(finding).collect(),
    }
}

fn finding(finding: &FindingReport) -> Finding<'_> {
    Finding {
        code: &finding.code,
        severity: finding.severity,
        seen: &finding.seen,
        heals: finding.heals,
        ignored: finding.ignored.as_ref(),
    }
}
