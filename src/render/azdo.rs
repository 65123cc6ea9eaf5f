//! The report as logging commands of Azure Pipelines: an issue for each finding that counts, and how the task ends, which agrees with
//! the exit code.

use crate::check::Severity;
use crate::report::{Report, Word};

use super::issues::{ignored, issues};
use super::line;

/// A command for each finding that counts, a line for each that does not, and the end of the task with the verdict.
pub fn render(report: &Report) -> String {
    let mut shown = String::new();
    for issue in issues(report) {
        let kind = match issue.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let (code, told) = (escaped(&issue.title), escaped(&issue.told.join(" ")));
        shown.push_str(&format!("##vso[task.logissue type={kind};code={code};]{told}\n"));
    }
    for line in ignored(report) {
        shown.push_str(&format!("{line}\n"));
    }
    // A script that ends with another code than 0 has failed, so nothing better is claimed of it.
    let result = match (report.exit_code, report.verdict) {
        (0, Word::Healthy) => "Succeeded",
        (0, _) => "SucceededWithIssues",
        _ => "Failed",
    };
    shown.push_str(&format!("##vso[task.complete result={result};]{}\n", escaped(line::render(report).trim_end())));
    shown
}

/// As the agent reads it back: a percent sign first, or it would escape the others.
fn escaped(text: &str) -> String {
    let text = text.replace('%', "%AZP25").replace('\r', "%0D").replace('\n', "%0A");
    text.replace(';', "%3B").replace(']', "%5D")
}
