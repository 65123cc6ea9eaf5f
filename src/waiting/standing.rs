//! What keeps a run from ending with 0, and whether that can pass by itself: the findings that count by their pages, what could
//! not be judged by the answers that are missing. A report is enough for that, since its evidence tells the same again.

use std::time::Duration;

use crate::case::Case;
use crate::check::{Finding, Severity, Status, Subject, Verdict};
use crate::diagnosis::{self, Diagnosis, Judged};
use crate::evidence::{Exchange, Failure, Outcome, Request};
use crate::page::{self, Heals, Waits};
use crate::plan::FailOn;
use crate::reading::Reading;
use crate::report::Report;
use crate::selection::Selection;

/// What the end of a run hangs on.
#[derive(Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing stands in the way.
    Well,
    /// All that stands in the way can pass by itself.
    Passing(Vec<Passing>),
    /// Something in the way stays as it is until somebody acts.
    Staying,
}

/// Something that stands in the way and can pass by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passing {
    /// The same for the same thing in another report: check, subject, code.
    pub key: String,
    /// The code, of a finding.
    pub code: Option<&'static str>,
    /// For people: the code with its title, or what could not be judged.
    pub words: String,
    /// It has passed by then, or it is something else.
    pub bound: Option<Duration>,
    /// Worth a look at least this often.
    pub at_least_every: Option<Duration>,
}

/// What is over within so short a time is looked at every ten seconds, as Microsoft's libraries do during an update of the
/// metadata service (MSAL.NET, imds_retry_based_on_errors.md: 410 every 10 s).
const SHORT: (Duration, Duration) = (Duration::from_secs(120), Duration::from_secs(10));

impl Standing {
    /// What this report hangs on.
    pub fn of(report: &Report) -> Self {
        if report.exit_code == 0 {
            return Self::Well;
        }
        let reading = Reading::new(&report.evidence);
        let diagnosis = diagnosis::judge(&reading);
        Scene { report, reading: &reading, diagnosis: &diagnosis }.standing()
    }
}

/// A report being looked at.
struct Scene<'a> {
    report: &'a Report,
    reading: &'a Reading<'a>,
    diagnosis: &'a Diagnosis,
}

impl Scene<'_> {
    fn standing(&self) -> Standing {
        let counts = |finding: &Finding| {
            let worst = finding.severity == Severity::Error || self.reading.plan().fail_on == FailOn::Warn;
            worst && finding.excuse.is_none()
        };
        let found: Option<Vec<Passing>> = self.findings(|_, finding| counts(finding)).collect();
        match found {
            Some(found) if found.is_empty() => self.unjudged(),
            Some(found) => Standing::Passing(found),
            None => Standing::Staying,
        }
    }

    /// These findings, each as something that passes; `None` for one that does not.
    fn findings(&self, which: impl Fn(&Judged, &Finding) -> bool) -> impl Iterator<Item = Option<Passing>> {
        let rows = self.diagnosis.checks.iter().zip(&self.report.checks);
        rows.flat_map(move |(row, told)| {
            let findings: &[Finding] = match &row.verdict {
                Verdict::Found(findings) => findings,
                _ => &[],
            };
            let counting = findings.iter().filter(|finding| which(row, finding));
            let subject = told.subject.clone().unwrap_or_default();
            counting.map(|finding| passing(row.check.id, &subject, finding)).collect::<Vec<_>>()
        })
    }

    /// Nothing that counts was found, and the run does not end with 0: what could not be judged, and can that pass?
    fn unjudged(&self) -> Standing {
        if Case::new(self.reading, &Subject::default()).lacks_environment() {
            return Standing::Staying;
        }
        let selection = Selection::new(self.reading.plan());
        let mut all = Vec::new();
        for (index, row) in self.diagnosis.checks.iter().enumerate() {
            let told = &self.report.checks[index];
            match &row.verdict {
                Verdict::Unknown(_) if selection.matters(row.check) => {
                    if !self.may_pass(index, &mut Vec::new()) {
                        return Standing::Staying;
                    }
                    all.push(Passing {
                        key: format!("{} {}", row.check.id, told.subject.as_deref().unwrap_or_default()),
                        code: None,
                        words: told.summary.clone(),
                        bound: None,
                        at_least_every: None,
                    });
                }
                // It follows what stands in its way: a finding that does not count.
                Verdict::Blocked(by) if selection.matters(row.check) => {
                    let root = |other: &Judged, finding: &Finding| {
                        let error = finding.severity == Severity::Error;
                        error && other.check.id == *by && other.subject.concerns(&row.subject)
                    };
                    for one in self.findings(root) {
                        match one {
                            Some(one) if all.contains(&one) => {}
                            Some(one) => all.push(one),
                            None => return Standing::Staying,
                        }
                    }
                }
                _ => {}
            }
        }
        // Without a row that is open it was the deadline that cut something short.
        match (all.is_empty(), self.reading.exchanges().iter().any(was_cut_short)) {
            (false, _) => Standing::Passing(all),
            (true, false) => Standing::Staying,
            (true, true) => Standing::Passing(vec![Passing {
                key: "deadline".into(),
                code: None,
                words: "the run's deadline passed before everything was answered".into(),
                bound: None,
                at_least_every: None,
            }]),
        }
    }

    /// Does what this check could not judge hang on an answer that may come the next time?
    fn may_pass(&self, index: usize, on_the_way: &mut Vec<usize>) -> bool {
        if on_the_way.contains(&index) {
            return false;
        }
        on_the_way.push(index);
        let row = &self.diagnosis.checks[index];
        let case = Case::new(self.reading, &row.subject);
        let own = (row.check.ask)(&case);
        let is_own = |exchange: &&Exchange| own.iter().any(|question| is_about(&exchange.request, question));
        if self.reading.exchanges().iter().filter(is_own).any(is_silent) {
            return true;
        }
        let others = match (row.check.judge)(&case) {
            Verdict::Blocked(by) => vec![by],
            _ => row.check.needs.to_vec(),
        };
        let open = |other: &Judged| {
            others.contains(&other.check.id)
                && other.subject.concerns(&row.subject)
                && other.verdict.status() == Status::Unknown
        };
        (0..self.diagnosis.checks.len())
            .any(|index| open(&self.diagnosis.checks[index]) && self.may_pass(index, on_the_way))
    }
}

/// The finding as something that passes; `None` when it does not.
fn passing(check: &str, subject: &str, finding: &Finding) -> Option<Passing> {
    let (_, section) = page::section(finding.code)?;
    let holds = |waits: &&Waits| placeholders(&waits.why).all(|name| finding.facts.contains_key(name));
    let bound = section.waits.as_ref().filter(holds).map(|waits| waits.bound);
    if section.heals == Heals::No && bound.is_none() {
        return None;
    }
    Some(Passing {
        key: format!("{check} {subject} {}", finding.code),
        code: Some(finding.code),
        words: format!("{}: {}", finding.code, section.title.trim_end_matches('.')),
        bound,
        at_least_every: bound.filter(|bound| *bound <= SHORT.0).map(|_| SHORT.1),
    })
}

/// The names that a template has in it.
fn placeholders(template: &str) -> impl Iterator<Item = &str> {
    template.split("{{").skip(1).filter_map(|rest| Some(rest.split_once("}}")?.0))
}

/// Is it this question, or another one to the same service? A check reads more of a service's answers than those that it asked
/// for, such as further pages of a list.
fn is_about(asked: &Request, question: &Request) -> bool {
    let host = |request: &Request| {
        let rest = request.url()?.strip_prefix("https://")?;
        Some(rest.split(['/', '?']).next().unwrap_or(rest).to_owned())
    };
    asked == question || (host(asked).is_some() && host(asked) == host(question))
}

/// Did the run's deadline come before the answer?
fn was_cut_short(exchange: &Exchange) -> bool {
    let outcomes = exchange.attempts.iter().map(|attempt| &attempt.outcome);
    outcomes.filter_map(Outcome::failure).any(|failed| failed.why == Failure::OutOfTime)
}

/// Did no answer come, or one that says no more than that it is not the time for it?
fn is_silent(exchange: &Exchange) -> bool {
    match exchange.last().map(|attempt| &attempt.outcome) {
        Some(Outcome::Answered(answer)) => matches!(answer.status, 408 | 410 | 429 | 500..=599),
        Some(Outcome::Failed(failed)) => {
            matches!(
                failed.why,
                Failure::ConnectTimeout | Failure::AnswerTimeout | Failure::OutOfTime | Failure::Closed
            )
        }
        _ => false,
    }
}
