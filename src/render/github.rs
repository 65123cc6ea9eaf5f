//! The report as GitHub's workflow commands, which become annotations of a run: at most ten, since GitHub shows no more of a step.
//! The same as Markdown for the step's summary is `markdown`'s.
//!
//! How values are escaped is documented by GitHub's toolkit and read back by its runner.

use crate::check::Severity;
use crate::report::{Report, Word};

use super::issues::{ignored, issues};
use super::line;

/// A command for each finding that counts, a line for each that does not, and the verdict.
pub fn render(report: &Report) -> String {
    let mut shown = String::new();
    let issues = issues(report);
    let nothing_found = issues.is_empty();
    for issue in issues {
        let command = match issue.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        shown.push_str(&format!("::{command} title={}::{}\n", property(&issue.title), data(&issue.told.join("\n"))));
    }
    for line in ignored(report) {
        shown.push_str(&format!("{line}\n"));
    }
    let verdict = line::render(report);
    if report.verdict == Word::Healthy && nothing_found {
        shown.push_str("::notice title=midoctor::");
        shown.push_str(&data(verdict.trim_end()));
        shown.push('\n');
    } else {
        shown.push_str(&verdict);
    }
    shown
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
