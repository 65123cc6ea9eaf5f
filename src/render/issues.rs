//! What a build server is told one by one: the findings that count, as it lists them beside the log. It knows no server's way of
//! writing them.

use std::collections::BTreeMap;

use crate::build_log::inert;
use crate::check::{Severity, Status};
use crate::fill::visible;
use crate::report::{CheckReport, FindingReport, Report, Word};

use super::lead::{clip, counted};
use super::phrases::{counts, excuse, reason};

/// GitHub shows ten annotations of a step, Azure Pipelines ten issues of a task; the rest would be lost without a word.
pub const MOST: usize = 10;

/// Of a text so many bytes are told; the report has the rest.
const TEXT: usize = 2_000;
/// And of a name.
const NAME: usize = 100;

/// One line of the server's list. No text of it holds a line end, or a command.
pub struct Issue {
    /// How bad it is.
    pub severity: Severity,
    /// The code, or the check that could not be judged or is in the way of others.
    pub title: String,
    /// What is to be known: what it is, what was seen, what to do first.
    pub told: Vec<String>,
}

/// At most [`MOST`], the worst first, the root cause before all others. Where there are more, the last one says how many.
pub fn issues(report: &Report) -> Vec<Issue> {
    let mut found: Vec<(&CheckReport, &FindingReport)> = counted(report).collect();
    let is_cause = |finding: &FindingReport| report.root_cause.as_deref() == Some(&finding.code);
    found.sort_by_key(|(_, finding)| (std::cmp::Reverse(finding.severity), !is_cause(finding)));
    let open = if report.verdict == Word::Undetermined { open(report) } else { Vec::new() };
    let all = found.len() + open.len();
    let shown = if all > MOST { MOST - 1 } else { all };
    let mut issues: Vec<Issue> = found.iter().take(shown).map(|(check, finding)| of_finding(check, finding)).collect();
    let more = shown - issues.len();
    issues.extend(open.into_iter().take(more));
    if issues.is_empty() && report.exit_code != 0 {
        // The step fails, so something has to say why.
        let notes = report.notes.iter().map(|note| short(note, TEXT));
        let why = reason(report).map(str::to_owned).into_iter();
        issues.push(Issue {
            severity: Severity::Warning,
            title: "midoctor".into(),
            told: [counts(report)].into_iter().chain(why).chain(notes).take(MOST).collect(),
        });
    }
    if let (Some(first), Some(cut)) = (issues.first_mut(), report.run.cut_short_in_words())
        && !first.told.contains(&cut)
    {
        first.told.push(cut);
    }
    if all > shown {
        issues.push(Issue {
            severity: found.get(shown).map_or(Severity::Warning, |(_, finding)| finding.severity),
            title: "midoctor".into(),
            told: vec![format!("{} more not shown here; midoctor -o text shows all", all - shown)],
        });
    }
    issues
}

/// What leaves the verdict open: what could not be judged, each by itself, and what is in the way of others though it does not
/// count.
fn open(report: &Report) -> Vec<Issue> {
    let mut open = Vec::new();
    for check in report.checks.iter().filter(|check| check.status == Status::Unknown) {
        open.push((&check.id, short(&check.summary, TEXT)));
    }
    let mut blocked: BTreeMap<&String, Vec<&str>> = BTreeMap::new();
    for check in report.checks.iter().filter(|check| check.status == Status::Blocked) {
        if let Some(by) = &check.blocked_by {
            blocked.entry(by).or_default().push(&check.id);
        }
    }
    for (by, rows) in blocked {
        open.push((
            by,
            short(
                &format!("What it found does not count, but keeps these from being judged: {}", rows.join(", ")),
                TEXT,
            ),
        ));
    }
    let issue = |(name, told): (&String, String)| Issue {
        severity: Severity::Warning,
        title: short(name, NAME),
        told: vec![told],
    };
    open.into_iter().map(issue).collect()
}

/// What is known and does not count, a line each.
pub fn ignored(report: &Report) -> Vec<String> {
    let all = report.checks.iter().flat_map(|check| &check.findings);
    let lines = all.filter_map(|finding| Some(short(&format!("{}: {}", finding.code, excuse(finding)?), TEXT)));
    lines.take(MOST).collect()
}

fn of_finding(check: &CheckReport, finding: &FindingReport) -> Issue {
    // With several findings the row's sentence is about all of them.
    let title = Some(&check.summary).filter(|_| check.findings.len() == 1);
    let mut told: Vec<String> = title.into_iter().map(|title| short(title, TEXT)).collect();
    let subject = check.subject.as_ref().map(|subject| format!(" ({subject})")).unwrap_or_default();
    told.push(short(&format!("Seen: {}{subject}", finding.seen), TEXT));
    if !finding.remedy.text.is_empty() {
        told.push(short(&format!("Fix: {}", finding.remedy.text), TEXT));
    }
    Issue { severity: finding.severity, title: short(&finding.code, NAME), told }
}

fn short(text: &str, limit: usize) -> String {
    inert(&clip(&visible(text), limit, char::len_utf8)).into_owned()
}
