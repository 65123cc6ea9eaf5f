//! What a short format leads with: the finding that matters most. It decides nothing: the report names the root cause.

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
    // Blocked by something that does not count, it is as open as what is unknown.
    let open = || {
        let of = |status: Status| report.checks.iter().find(|check| check.status == status);
        Some(Lead { check: of(Status::Unknown).or_else(|| of(Status::Blocked))?, finding: None })
    };
    match report.verdict {
        Word::Healthy => None,
        Word::Degraded => first(Severity::Warning, None),
        Word::Unhealthy => report
            .root_cause
            .as_deref()
            .and_then(|code| first(Severity::Error, Some(code)))
            .or_else(|| first(Severity::Error, None)),
        Word::Undetermined => open(),
    }
}

/// What the report leads with, in a line: `role-missing: The identity holds no role`. Of a report whose root cause no check has,
/// such as one that somebody wrote, no more than its name.
pub fn headline(report: &Report) -> Option<String> {
    let led = lead(report).map(|lead| format!("{}: {}", lead.name(), lead.check.summary));
    led.or_else(|| report.root_cause.clone())
}

/// The findings that count, with the row that each is of.
pub fn counted(report: &Report) -> impl Iterator<Item = (&CheckReport, &FindingReport)> {
    let all = report.checks.iter().flat_map(|check| check.findings.iter().map(move |finding| (check, finding)));
    all.filter(|(_, finding)| finding.ignored.is_none())
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
