//! Sentences that more than one renderer says: why a finding does not count, how the waiting went.

use std::time::Duration;

use crate::report::{FindingReport, Report, WaitEnd, Word};
use crate::words::{in_words, plural};

/// Why findings do not count: `ignored until 2027-01-31: the old agent stays until May`.
pub fn ignored(findings: &[FindingReport]) -> String {
    let mut words: Vec<String> = Vec::new();
    for known in findings.iter().filter_map(|finding| finding.ignored.as_ref()) {
        let until = known.until.as_ref().map(|day| format!(" until {day}")).unwrap_or_default();
        let reason = format!("ignored{until}: {}", known.reason);
        if !words.contains(&reason) {
            words.push(reason);
        }
    }
    words.join("; ")
}

/// How the waiting went; nothing where there was none and all is well.
pub fn waited(report: &Report) -> Option<String> {
    let waiting = report.run.waiting.as_ref()?;
    let words = |ms: u64| in_words(Duration::from_millis(ms));
    let attempts = plural(report.run.attempts.into(), "attempt");
    let why = match waiting.ended {
        WaitEnd::Healthy if report.run.attempts <= 1 => return None,
        WaitEnd::Healthy => return Some(format!("waited {} over {attempts}", words(report.run.waited_ms))),
        WaitEnd::DoesNotHeal if report.verdict == Word::Undetermined => "what is unknown would stay so".to_owned(),
        WaitEnd::DoesNotHeal => "it does not heal by itself".to_owned(),
        WaitEnd::Overdue => "it has lasted longer than such a change usually takes".to_owned(),
        WaitEnd::OutOfTime => format!("the time of {} was over", words(waiting.limit_ms)),
    };
    if report.run.attempts <= 1 {
        return Some(format!("did not wait: {why}"));
    }
    let so_far = match waiting.unchanged_ms {
        0 => "it has been so since the last of them".to_owned(),
        ms => format!("it has been so for {}", words(ms)),
    };
    Some(format!("waited {} over {attempts}; {so_far}; stopped because {why}", words(report.run.waited_ms)))
}
