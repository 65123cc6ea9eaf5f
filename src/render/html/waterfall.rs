//! When what was asked and how long each answer took: one row per try, with a bar on a common time scale. Says nothing of what
//! the answers mean, and leaves out their bodies, which can be megabytes.

use std::time::Duration;

use crate::evidence::{Attempt, Evidence, Outcome};
use crate::render::phrases::outcome_in_words;
use crate::words::{in_words, plural};

/// So many rows stand open; more are to be opened.
const OPEN: usize = 40;
/// The drawing's width, in units of its own: it is stretched to the room there is.
pub const SCALE: u64 = 1000;

/// So long is every bar at least.
const LEAST: u64 = 8;

/// All tries.
#[derive(Debug)]
pub struct Waterfall {
    /// In the order of their questions' first tries.
    pub rows: Vec<Row>,
    /// The scale's marks: in words, and where.
    pub ticks: Vec<(String, u64)>,
    /// `18 questions, 21 tries, 30 s`.
    pub counts: String,
    /// Are they few enough to stand open?
    pub open: bool,
}

/// One try.
#[derive(Debug)]
pub struct Row {
    /// The question in a few words.
    pub words: String,
    /// Its query, where it has one: without it, questions for tokens look the same.
    pub query: String,
    /// `2nd try`, for all but the first.
    pub again: Option<String>,
    /// What came back.
    pub answer: String,
    /// Is it HTTP with an error status, or did nothing come back?
    pub kind: Kind,
    /// Milliseconds since the run's start.
    pub started_ms: u64,
    /// In words.
    pub took: String,
    /// Where its bar begins.
    pub x: u64,
    /// How long its bar is.
    pub width: u64,
    /// Where the first try of the same question began, for all but that.
    pub since: Option<u64>,
}

/// What came back, for the look of a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What was asked for.
    Answer,
    /// An HTTP answer with status 400 or above.
    Refusal,
    /// Nothing usable.
    Nothing,
}

impl Kind {
    /// The class that gives it its look.
    pub fn class(self) -> &'static str {
        match self {
            Self::Answer => "bar-answer",
            Self::Refusal => "bar-refusal",
            Self::Nothing => "bar-nothing",
        }
    }
}

/// Lays out all tries.
pub fn waterfall(evidence: &Evidence) -> Waterfall {
    let mut exchanges: Vec<_> = evidence.exchanges.iter().collect();
    exchanges.sort_by_key(|exchange| exchange.attempts.first().map(|attempt| attempt.started_ms));
    let ends = exchanges.iter().flat_map(|exchange| &exchange.attempts).map(end);
    let step = step(ends.max().unwrap_or_default());
    let whole = step.0.saturating_mul(step.1);
    let place = |ms: u64| (u128::from(ms) * u128::from(SCALE) / u128::from(whole)) as u64;
    let span = |attempt: &Attempt| {
        let x = place(attempt.started_ms).min(SCALE - LEAST);
        // What takes no time is seen all the same.
        (x, (place(end(attempt)).saturating_sub(x)).clamp(LEAST, SCALE - x))
    };
    let mut rows = Vec::new();
    for exchange in &exchanges {
        let words = exchange.request.in_words();
        let query = exchange.request.url().and_then(|url| url.split_once('?')).map(|(_, query)| decoded(query));
        for (index, attempt) in exchange.attempts.iter().enumerate() {
            let (x, width) = span(attempt);
            rows.push(Row {
                words: words.clone(),
                query: query.clone().unwrap_or_default(),
                again: (index > 0).then(|| format!("{} try", ordinal(index + 1))),
                answer: outcome_in_words(&attempt.outcome),
                kind: kind(&attempt.outcome),
                started_ms: attempt.started_ms,
                took: in_words(Duration::from_millis(attempt.duration_ms)),
                x,
                width,
                since: exchange.attempts.first().filter(|_| index > 0).map(|first| span(first).0),
            });
        }
    }
    let again = rows.iter().filter(|row| row.again.is_some()).count() as u64;
    let repeated = if again > 0 { format!(", {again} of them asked again") } else { String::new() };
    Waterfall {
        ticks: (0..=step.1).map(|tick| (in_words_short(step.0.saturating_mul(tick)), SCALE * tick / step.1)).collect(),
        counts: format!("{}{repeated}", plural(exchanges.len() as u64, "question")),
        open: rows.len() <= OPEN,
        rows,
    }
}

/// A query as people read it: `api-version=2018-02-01, resource=https://management.azure.com/`.
fn decoded(query: &str) -> String {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let each = pairs.map(|(name, value)| if value.is_empty() { name.into_owned() } else { format!("{name}={value}") });
    each.collect::<Vec<_>>().join(", ")
}

fn end(attempt: &Attempt) -> u64 {
    attempt.started_ms.saturating_add(attempt.duration_ms)
}

/// The step of a scale that reaches this far, 1, 2 or 5 with noughts, and how many of them: at most five.
fn step(longest: u64) -> (u64, u64) {
    let mut decade = 1_u64;
    loop {
        for factor in [1, 2, 5] {
            let step = decade.saturating_mul(factor);
            if step.saturating_mul(5) >= longest {
                return (step, longest.div_ceil(step).max(1));
            }
        }
        decade = decade.saturating_mul(10);
    }
}

/// `0`, `200 ms`, `2 s`: a scale's mark is a round number.
fn in_words_short(ms: u64) -> String {
    match ms {
        0 => "0".to_owned(),
        ms if ms % 1000 == 0 => format!("{} s", ms / 1000),
        ms if ms > 1000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        ms => format!("{ms} ms"),
    }
}

fn ordinal(n: usize) -> String {
    let ending = match (n % 10, n % 100) {
        (1, hundred) if hundred != 11 => "st",
        (2, hundred) if hundred != 12 => "nd",
        (3, hundred) if hundred != 13 => "rd",
        _ => "th",
    };
    format!("{n}{ending}")
}

fn kind(outcome: &Outcome) -> Kind {
    match outcome {
        Outcome::Failed(_) => Kind::Nothing,
        Outcome::Answered(answer) if answer.status >= 400 => Kind::Refusal,
        _ => Kind::Answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_has_round_steps_and_reaches_far_enough() {
        for (longest, expected) in [(0, (1, 1)), (3, (1, 3)), (46, (10, 5)), (86, (20, 5)), (30_010, (10_000, 4))] {
            assert_eq!(step(longest), expected, "{longest}");
        }
        assert_eq!(step(u64::MAX).0, 5_000_000_000_000_000_000);
    }

    #[test]
    fn tries_are_numbered_as_people_do() {
        let said: Vec<String> = [1, 2, 3, 4, 11, 12, 13, 21, 22, 111].into_iter().map(ordinal).collect();
        assert_eq!(said, ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "111th"]);
    }
}
