//! Reads one report, or one row of NDJSON, as far as a fold needs it: who the VM is, its verdict, how each check ended. The
//! evidence, the remedies and all else are skipped.

use std::collections::BTreeMap;

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};

use crate::check::{Severity, Status};
use crate::fill::visible;
use crate::report::Word;

use super::known::Known;
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

impl<'a> Row<'a> {
    /// Reads a row of which all is there but the end: the text stops where its next member would begin. None when it is not so.
    pub(super) fn read_start(text: &'a str) -> Option<Self> {
        // What follows begins with a comma; two of them are no JSON.
        if text.trim_end().ends_with([',', '{']) {
            return None;
        }
        let mut start = Start { row: Self::default(), stopped: false };
        let mut json = serde_json::Deserializer::from_str(text);
        let ended = (&mut json).deserialize_map(&mut start);
        (start.stopped && ended.is_err_and(|error| error.is_eof())).then_some(start.row)
    }
}

/// The start of a row.
struct Start<'a> {
    row: Row<'a>,
    /// Did the text stop between two members?
    stopped: bool,
}

impl<'de> Visitor<'de> for &mut Start<'de> {
    type Value = ();

    fn expecting(&self, words: &mut std::fmt::Formatter) -> std::fmt::Result {
        words.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        loop {
            match self.row.member(&mut members) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err((between, error)) => {
                    self.stopped = between;
                    return Err(error);
                }
            }
        }
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
pub(super) const CHECKS: usize = 2_000;

/// A report that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report<'a> {
    /// The row, whose checks are left out when they are in the pattern.
    pub row: Row<'a>,
    /// How its checks ended: see [`Pattern`].
    pub pattern: String,
}

/// Reads a document. `known` is what was learnt of checks from others.
///
/// # Errors
/// Why it is not folded.
pub fn read<'a>(document: &'a [u8], known: &mut Known) -> Result<Report<'a>, Fault> {
    let broken = |why: &str| Fault::Broken(why.to_owned());
    let Ok(text) = std::str::from_utf8(document) else {
        return Err(if document.starts_with(b"{") { broken("it is not UTF-8") } else { Fault::Other(NO_JSON.into()) });
    };
    if !text.trim_start().starts_with('{') {
        return Err(Fault::Other(NO_JSON.into()));
    }
    let report = match known.read(text) {
        Some(report) => report,
        None => {
            let row: Row = serde_json::from_str(text).map_err(|error| fault(&error))?;
            if row.checks.0.len() > CHECKS {
                return Err(broken("it has more checks than any midoctor"));
            }
            let mut pattern = String::with_capacity(512);
            row.checks.0.iter().for_each(|check| add_to_pattern(check, &mut pattern));
            Report { row, pattern }
        }
    };
    let row = &report.row;
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
    Ok(report)
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

/// Adds how a check ended to the text of a pattern, which is the same for the same endings in the same order.
pub(super) fn add_to_pattern(check: &Check, text: &mut String) {
    text.push_str(tame(&check.id));
    text.push('\n');
    text.push_str(tame(&check.status));
    for finding in check.findings.0.iter().filter(|finding| !finding.ignored.0) {
        text.push_str(if &*finding.severity == "error" { "\n!" } else { "\n?" });
        text.push_str(tame(&finding.code));
    }
    text.push('\0');
}

/// Names of checks and codes are short and plain; what is not is cut before it can be taken for a mark.
fn tame(name: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let end = name.bytes().position(|byte| !plain(byte)).unwrap_or(name.len());
    &name[..end.min(60)]
}

impl Pattern {
    /// Takes the text of a pattern apart.
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
