//! What a short format leads with: the finding that matters most, and how many checks ended how. It decides nothing: the report
//! names the root cause.

use std::borrow::Cow;

use crate::check::{Severity, Status};
use crate::report::{CheckReport, FindingReport, Report, Word};

/// The row that a short format leads with.
pub struct Lead<'a> {
    /// The row.
    pub check: &'a CheckReport,
    /// What was found; none where it could not be judged.
    pub finding: Option<&'a FindingReport>,
}

impl Lead<'_> {
    /// The code, or the check's name where nothing was found.
    pub fn name(&self) -> &str {
        self.finding.map_or(&self.check.id, |finding| &finding.code)
    }
}

/// The root cause where there is one, else the first error, the first warning, or the first check that could not be judged, by the
/// verdict; none when healthy.
pub fn lead(report: &Report) -> Option<Lead<'_>> {
    let first = |severity: Severity, code: Option<&str>| {
        counted(report)
            .find(|(_, finding)| finding.severity == severity && code.is_none_or(|code| finding.code == code))
            .map(|(check, finding)| Lead { check, finding: Some(finding) })
    };
    let unknown = || {
        let check = report.checks.iter().find(|check| check.status == Status::Unknown)?;
        Some(Lead { check, finding: None })
    };
    match report.verdict {
        Word::Healthy => None,
        Word::Degraded => first(Severity::Warning, None),
        Word::Unhealthy => report
            .root_cause
            .as_deref()
            .and_then(|code| first(Severity::Error, Some(code)))
            .or_else(|| first(Severity::Error, None)),
        Word::Undetermined => unknown(),
    }
}

/// The findings that count, with the row that each is of.
pub fn counted(report: &Report) -> impl Iterator<Item = (&CheckReport, &FindingReport)> {
    let all = report.checks.iter().flat_map(|check| check.findings.iter().map(move |finding| (check, finding)));
    all.filter(|(_, finding)| finding.ignored.is_none())
}

/// The verdict's word in the report.
pub fn word(verdict: Word) -> &'static str {
    match verdict {
        Word::Healthy => "healthy",
        Word::Degraded => "degraded",
        Word::Unhealthy => "unhealthy",
        Word::Undetermined => "undetermined",
    }
}

/// The severity's word in the report.
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

/// How many checks ended how: `10 passed, 1 failed, 1 blocked`.
pub fn counts(report: &Report) -> String {
    let s = &report.summary;
    let all = [
        (s.pass, "passed"),
        (s.warn, "with warnings"),
        (s.fail, "failed"),
        (s.unknown, "unknown"),
        (s.blocked, "blocked"),
        (s.skip, "skipped"),
        (s.ignored, "ignored"),
    ];
    let parts: Vec<String> =
        all.into_iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    parts.join(", ")
}

/// Why a finding does not count: `ignored until 2027-01-31: the reason`.
pub fn excuse(finding: &FindingReport) -> Option<String> {
    let ignored = finding.ignored.as_ref()?;
    let until = ignored.until.as_ref().map(|day| format!(" until {day}")).unwrap_or_default();
    Some(format!("ignored{until}: {}", ignored.reason))
}

/// At most so much of a text, with `...` where it was cut; what a character costs is the format's to say.
pub fn clip(text: &str, limit: usize, cost: impl Fn(char) -> usize) -> Cow<'_, str> {
    let (mut spent, mut room) = (0, 0);
    for (at, c) in text.char_indices() {
        // Up to here there is room for the dots behind it.
        if spent + 3 <= limit {
            room = at;
        }
        spent += cost(c);
        if spent > limit {
            let cut = &text[..room];
            // Rather between words, where one ends nearby.
            let word = cut.rfind(' ').filter(|end| cut.len() - end <= 16).map_or(cut, |end| cut[..end].trim_end());
            return Cow::Owned(format!("{word}..."));
        }
    }
    Cow::Borrowed(text)
}
