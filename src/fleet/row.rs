//! Reads one report, or one row of NDJSON, as far as a fold needs it: who the VM is, its verdict, how each check ended. The
//! evidence, the remedies and all else are skipped.

use std::collections::BTreeMap;

use crate::check::{Severity, Status};
use crate::fill::visible;
use crate::report::Word;

use super::lenient::{Given, List, Text, lenient};

lenient! {
    /// A report, or a row, as it is written.
    Row {
        /// When the run began; rows of NDJSON have it here.
        time: Text<'a> = "TimeGenerated",
        /// Format and major version.
        schema: Text<'a> = "schema",
        /// What wrote it.
        tool: Tool<'a> = "tool",
        /// The run.
        run: Run<'a> = "run",
        /// The VM.
        vm: Vm<'a> = "vm",
        /// The verdict's word.
        verdict: Text<'a> = "verdict",
        /// The root cause's code.
        root_cause: Text<'a> = "root_cause",
        /// The checks.
        checks: List<Check<'a>> = "checks",
    }
}

lenient! {
    /// What wrote it.
    Tool {
        /// Its version.
        version: Text<'a> = "version",
    }
}

lenient! {
    /// The run.
    Run {
        /// Its random ID.
        id: Text<'a> = "id",
        /// When it began.
        started: Text<'a> = "started",
    }
}

lenient! {
    /// The VM.
    Vm {
        /// Its name.
        name: Text<'a> = "name",
        /// Its ARM resource ID.
        resource_id: Text<'a> = "resource_id",
        /// Its unique ID.
        vm_id: Text<'a> = "vm_id",
        /// Its region.
        location: Text<'a> = "location",
        /// Its subscription's ID; reports before 0.2 have it in the resource ID alone.
        subscription_id: Text<'a> = "subscription_id",
        /// Its resource group; as above.
        resource_group: Text<'a> = "resource_group",
        /// The marketplace image.
        image: Text<'a> = "image",
    }
}

lenient! {
    /// How a check ended.
    Check {
        /// The check.
        id: Text<'a> = "id",
        /// The word.
        status: Text<'a> = "status",
        /// What was found.
        findings: List<Finding<'a>> = "findings",
    }
}

lenient! {
    /// What was found.
    Finding {
        /// The code.
        code: Text<'a> = "code",
        /// How bad.
        severity: Text<'a> = "severity",
        /// Why it does not count.
        ignored: Given = "ignored",
    }
}

/// Why something is not folded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is something else, and no report.
    Other(String),
    /// It should be a report, and cannot be read.
    Broken(String),
    /// It should be a report, and ends in the middle.
    Short,
}

impl Fault {
    /// In a few words.
    pub fn words(&self) -> &str {
        match self {
            Self::Other(why) | Self::Broken(why) => why,
            Self::Short => "it ends in the middle",
        }
    }
}

/// A report of more checks than this was not written by midoctor.
const CHECKS: usize = 2_000;

/// Reads a document.
///
/// # Errors
/// Why it is not folded.
pub fn read(document: &[u8]) -> Result<Row<'_>, Fault> {
    let broken = |why: &str| Fault::Broken(why.to_owned());
    let Ok(text) = std::str::from_utf8(document) else {
        return Err(if document.starts_with(b"{") { broken("it is not UTF-8") } else { Fault::Other(NO_JSON.into()) });
    };
    if !text.trim_start().starts_with('{') {
        return Err(Fault::Other(NO_JSON.into()));
    }
    let row: Row = serde_json::from_str(text).map_err(|error| fault(&error))?;
    let (format, major) = row.schema.split_once('/').unwrap_or((&row.schema, ""));
    match (format, major) {
        ("midoctor.report" | "midoctor.row", "1") => {}
        ("midoctor.report" | "midoctor.row", newer) if newer.parse::<u32>().is_ok_and(|major| major > 1) => {
            return Err(Fault::Broken(format!("{} is from a newer midoctor; fold it with that", visible(&row.schema))));
        }
        _ if format.starts_with("midoctor.") && format.len() < 40 => {
            return Err(Fault::Other(format!("it is a {}, and no report", visible(&row.schema))));
        }
        _ => return Err(Fault::Other("it is JSON, and no report of midoctor".into())),
    }
    if verdict(&row.verdict).is_none() {
        return Err(broken(if row.verdict.is_empty() { "it has no verdict" } else { "its verdict is not known" }));
    }
    if row.checks.0.len() > CHECKS {
        return Err(broken("it has more checks than any midoctor"));
    }
    Ok(row)
}

/// What is no JSON object is no report.
const NO_JSON: &str = "it is no JSON object";

/// What is wrong with it, without the words of a parser, which would repeat some of the text.
fn fault(error: &serde_json::Error) -> Fault {
    let what = match error.classify() {
        serde_json::error::Category::Eof => return Fault::Short,
        serde_json::error::Category::Data => "it is not as reports are",
        _ => "it is not JSON",
    };
    Fault::Broken(match (error.line(), error.column()) {
        (0 | 1, column) => format!("{what}, at column {column}"),
        (line, column) => format!("{what}, at its line {line}, column {column}"),
    })
}

/// The verdict of this word.
pub fn verdict(word: &str) -> Option<Word> {
    Some(match word {
        "healthy" => Word::Healthy,
        "degraded" => Word::Degraded,
        "unhealthy" => Word::Unhealthy,
        "undetermined" => Word::Undetermined,
        _ => return None,
    })
}

/// The status of this word; one of a newer version says as much as unknown.
pub fn status(word: &str) -> Status {
    match word {
        "pass" => Status::Pass,
        "warn" => Status::Warn,
        "fail" => Status::Fail,
        "blocked" => Status::Blocked,
        "skip" => Status::Skip,
        "ignored" => Status::Ignored,
        _ => Status::Unknown,
    }
}

/// How much a status matters beside others of the same check.
fn weight(status: Status) -> u8 {
    match status {
        Status::Skip => 0,
        Status::Pass => 1,
        Status::Ignored => 2,
        Status::Blocked => 3,
        Status::Unknown => 4,
        Status::Warn => 5,
        Status::Fail => 6,
    }
}

/// How the checks of a VM ended, and what they found. Fleets have few of these, so each is kept once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pattern {
    /// Each check, with the worst of its subjects.
    pub statuses: BTreeMap<String, Status>,
    /// Each code with how bad it is; what is ignored as configured is left out.
    pub codes: BTreeMap<String, Severity>,
}

/// The pattern of a row in one short text, the same for the same endings in the same order.
pub fn pattern(row: &Row, text: &mut String) {
    text.clear();
    for check in &row.checks.0 {
        text.push_str(tame(&check.id));
        text.push('\n');
        text.push_str(tame(&check.status));
        for finding in check.findings.0.iter().filter(|finding| !finding.ignored.0) {
            text.push_str(if &*finding.severity == "error" { "\n!" } else { "\n?" });
            text.push_str(tame(&finding.code));
        }
        text.push('\0');
    }
}

/// Names of checks and codes are short and plain; what is not is cut before it can be taken for a mark.
fn tame(name: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let end = name.bytes().position(|byte| !plain(byte)).unwrap_or(name.len());
    &name[..end.min(60)]
}

impl Pattern {
    /// Takes the text of [`pattern`] apart.
    pub fn parse(text: &str) -> Self {
        let mut read = Self::default();
        for check in text.split('\0').filter(|check| !check.is_empty()) {
            let mut parts = check.split('\n');
            let (id, status) = (parts.next().unwrap_or_default(), status(parts.next().unwrap_or_default()));
            let worst = read.statuses.entry(id.to_owned()).or_insert(status);
            if weight(status) > weight(*worst) {
                *worst = status;
            }
            for code in parts {
                let (severity, name) = match code.strip_prefix('!') {
                    Some(name) => (Severity::Error, name),
                    None => (Severity::Warning, code.trim_start_matches('?')),
                };
                let worst = read.codes.entry(name.to_owned()).or_insert(severity);
                *worst = severity.max(*worst);
            }
        }
        read
    }
}
