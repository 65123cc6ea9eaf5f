//! Words that more than one renderer says: of counts, commands, answers, of what does not count, of how the waiting went. The
//! words of checks and codes are in the report.

use std::time::Duration;

use crate::evidence::Outcome;
use crate::fill::visible;
use crate::page::{Heals, Place, Shell};
use crate::report::{FindingReport, Report, WaitEnd, Word};
use crate::words::{in_words, plural};

/// Why a finding does not count: `ignored until 2027-01-31: the old agent stays until May`.
pub fn excuse(finding: &FindingReport) -> Option<String> {
    let ignored = finding.ignored.as_ref()?;
    let until = ignored.until.as_ref().map(|day| format!(" until {day}")).unwrap_or_default();
    Some(format!("ignored{until}: {}", ignored.reason))
}

/// The same of several, each reason once.
pub fn excuses(findings: &[FindingReport]) -> String {
    let mut words: Vec<String> = Vec::new();
    for excuse in findings.iter().filter_map(excuse) {
        if !words.contains(&excuse) {
            words.push(excuse);
        }
    }
    words.join("; ")
}

/// What is to be known of a verdict that the checks alone do not say.
pub fn reason(report: &Report) -> Option<&'static str> {
    match report.verdict {
        Word::Undetermined => Some("nothing failed, but not everything could be judged"),
        Word::Degraded if report.exit_code != 0 => Some("which count as failures here, as --fail-on says"),
        Word::Healthy | Word::Degraded | Word::Unhealthy => None,
    }
}

/// The text with a capital at its beginning.
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// How a finding heals: `by itself, in a moment; try again`.
pub fn heals(heals: Heals) -> Option<&'static str> {
    match heals {
        Heals::No => None,
        Heals::Transient => Some("by itself, in a moment; try again"),
        Heals::Propagation => Some("by itself, once the change has reached all of Azure"),
    }
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
        WaitEnd::OutOfTime if report.run.attempts <= 1 => {
            format!("no second attempt fitted into {}", words(waiting.limit_ms))
        }
        WaitEnd::OutOfTime => format!("no other fitted into {}", words(waiting.limit_ms)),
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

/// The same with the time: `6 passed, 1 failed; took 46 ms`.
pub fn counts_and_time(report: &Report) -> String {
    format!("{}; took {}", counts(report), in_words(Duration::from_millis(report.run.duration_ms)))
}

/// The shell's name for people.
pub fn shell_in_words(shell: Shell) -> &'static str {
    match shell {
        Shell::Az => "Azure CLI",
        Shell::Pwsh => "PowerShell",
        Shell::Sh => "shell",
    }
}

/// The place for people.
pub fn place_in_words(place: Place) -> &'static str {
    match place {
        Place::Vm => "on this VM",
        Place::Operator => "by somebody with rights in Azure",
        Place::Application => "where the application is started",
    }
}

/// What came back, in a few words for people.
pub fn outcome_in_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Answered(answer) => answer.status.to_string(),
        Outcome::Connected => "connected".into(),
        Outcome::Resolved { addresses } => visible(&addresses.join(", ")),
        Outcome::Variables { set, .. } => format!("{} variables set", set.len()),
        Outcome::Contents { .. } | Outcome::Network(_) => "read".into(),
        Outcome::Present => "there".into(),
        Outcome::Shares { network, .. } => if *network { "the same" } else { "another" }.into(),
        Outcome::Firewall { rules, .. } => format!("{} about the metadata service", plural(rules.len() as u64, "rule")),
        Outcome::Failed(failed) => visible(&failed.detail),
    }
}

/// A subject for people: of a user-assigned identity's resource ID the name, which the report's end spells out.
pub fn short(subject: &str) -> String {
    let named = |word: &str| word.starts_with('/') && word.to_ascii_lowercase().contains("/userassignedidentities/");
    let words = subject.split(' ').map(|word| if named(word) { word.rsplit('/').next().unwrap_or(word) } else { word });
    words.collect::<Vec<_>>().join(" ")
}
