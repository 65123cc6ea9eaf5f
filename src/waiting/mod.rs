//! Whether to examine a VM again, and when: pure decisions over the reports so far. No clock and no sleep; the loop that has
//! both is in `run`. What a report hangs on is in `standing`.

mod standing;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::evidence::{Answer, Evidence};
use crate::report::{Report, WaitEnd, Waiting, Word};

pub use standing::{Passing, Standing};

/// The first pause while a state is new; each one after that is twice as long.
const FIRST: Duration = Duration::from_secs(2);
/// The longest of these pauses.
const LONGEST: Duration = Duration::from_secs(30);

/// The examinations of a VM that is waited for.
#[derive(Debug)]
pub struct History {
    limit: Duration,
    /// What the last one showed, and since when it has been so.
    state: Option<(State, Duration)>,
    /// Since when each of the things in the way has been seen without interruption.
    seen: BTreeMap<String, Duration>,
    backoff: Duration,
    waited: Duration,
    looks: u32,
}

/// What makes two examinations the same.
#[derive(Debug, PartialEq, Eq)]
struct State {
    verdict: Word,
    root_cause: Option<String>,
    in_the_way: BTreeSet<String>,
}

/// What to do after an examination.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// Examine it again.
    Again {
        /// After this pause.
        pause: Duration,
        /// What is waited for: a code with its title, or what could not be judged.
        what: String,
        /// Is that another state than the last time, or the first one?
        changed: bool,
    },
    /// Leave it at that.
    End(Waiting),
}

impl History {
    /// Nothing was examined yet. `limit`: the last examination begins no later than that.
    pub fn new(limit: Duration) -> Self {
        Self { limit, state: None, seen: BTreeMap::new(), backoff: FIRST, waited: Duration::ZERO, looks: 0 }
    }

    /// How many examinations there were.
    pub fn looks(&self) -> u32 {
        self.looks
    }

    /// How long was waited between them, all pauses together.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// Takes in a report. `now`: when it was there, counted from the start of the first examination.
    pub fn next(&mut self, report: &Report, now: Duration) -> Next {
        let standing = Standing::of(report);
        self.decide(report, &standing, now)
    }

    /// The same, for a report of which it is known what it hangs on.
    pub fn decide(&mut self, report: &Report, standing: &Standing, now: Duration) -> Next {
        self.looks += 1;
        let in_the_way: &[Passing] = match standing {
            Standing::Passing(all) => all,
            Standing::Well | Standing::Staying => &[],
        };
        let changed = self.see(report, in_the_way, now);
        let since = self.state.as_ref().map_or(now, |(_, since)| *since);
        let end = |ended| {
            Next::End(Waiting { limit_ms: millis(self.limit), unchanged_ms: millis(now.saturating_sub(since)), ended })
        };
        match standing {
            Standing::Well => return end(WaitEnd::Healthy),
            Standing::Staying => return end(WaitEnd::DoesNotHeal),
            Standing::Passing(_) => {}
        }
        let longest = in_the_way.iter().filter_map(|one| one.at_least_every).min().unwrap_or(LONGEST).min(LONGEST);
        let left = self.limit.saturating_sub(now);
        let told = told(&report.evidence);
        let pause = self.backoff.min(longest).max(told);
        // A pause more than the bound, so that it is looked at once after it.
        let overdue = |one: &Passing| {
            let since = self.seen.get(&one.key).copied().unwrap_or(now);
            one.bound.is_some_and(|bound| now.saturating_sub(since) >= bound.saturating_add(pause))
        };
        if in_the_way.iter().any(overdue) {
            return end(WaitEnd::Overdue);
        }
        // Whoever was told when to come again does not come before.
        if left.is_zero() || told > left {
            return end(WaitEnd::OutOfTime);
        }
        let pause = pause.min(left);
        self.backoff = self.backoff.saturating_mul(2).min(longest);
        self.waited += pause;
        let first = in_the_way.iter().find(|one| one.code.is_some() && one.code == report.root_cause.as_deref());
        let what = first.or(in_the_way.first()).map(|one| one.words.clone()).unwrap_or_default();
        Next::Again { pause, what, changed }
    }

    /// Remembers what an examination showed. Is it something else than the last time?
    fn see(&mut self, report: &Report, in_the_way: &[Passing], now: Duration) -> bool {
        let keys: BTreeSet<String> = in_the_way.iter().map(|one| one.key.clone()).collect();
        self.seen.retain(|key, _| keys.contains(key));
        for key in &keys {
            self.seen.entry(key.clone()).or_insert(now);
        }
        let state = State { verdict: report.verdict, root_cause: report.root_cause.clone(), in_the_way: keys };
        if self.state.as_ref().is_some_and(|(last, _)| *last == state) {
            return false;
        }
        self.state = Some((state, now));
        self.backoff = FIRST;
        true
    }
}

/// The longest pause that an answer asked for: `Retry-After`, as seconds or as a date.
fn told(evidence: &Evidence) -> Duration {
    let answers = evidence.exchanges.iter().filter_map(|exchange| exchange.last()?.outcome.answer());
    answers.filter_map(|answer| retry_after(answer, evidence.taken_at)).max().unwrap_or_default()
}

/// A date counts from the answer's own, which needs no clock that is right.
fn retry_after(answer: &Answer, taken_at: jiff::Timestamp) -> Option<Duration> {
    let text = answer.header("retry-after")?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp());
    let from = answer.header("date").and_then(date).unwrap_or(taken_at);
    Duration::try_from(date(text)?.duration_since(from)).ok()
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
