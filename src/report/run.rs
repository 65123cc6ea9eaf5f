//! The part of a report that is about the run: when it was, how long it took, how waiting went, what cut it short. It says nothing of
//! what was found.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exit::Signal;
use crate::words::in_words;

/// When the run was, and how long it took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// A random ID.
    pub id: String,
    /// When the last examination began, which is the one that the report is about: RFC 3339, by the machine's own clock.
    pub started: String,
    /// Milliseconds that it took.
    pub duration_ms: u64,
    /// How many times the VM was examined.
    pub attempts: u32,
    /// Milliseconds spent waiting between them.
    pub waited_ms: u64,
    /// How the waiting went, when `--wait` was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// What cut the run short; absent when it came to its end. The report says what was known by then, and the process ended with
    /// 128 and the signal's number, whatever `exit_code` says of the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_short: Option<CutShort>,
}

impl Run {
    /// That it was cut short and what that means: one sentence, without full stop.
    pub fn cut_short_in_words(&self) -> Option<String> {
        let cut = self.cut_short?;
        let after = in_words(Duration::from_millis(cut.after_ms));
        let by = cut.by.in_words();
        Some(match cut.during {
            Stretch::Examination => {
                format!("cut short by {by} after {after}: what had not been answered by then is unknown, not failed")
            }
            Stretch::Waiting => {
                format!(
                    "cut short by {by} after {after}: it did not wait to the end, and shows its last whole examination"
                )
            }
        })
    }
}

/// How a run was cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CutShort {
    /// The signal.
    pub by: Signal,
    /// What was going on.
    pub during: Stretch,
    /// Milliseconds since the run began, with all its examinations and pauses.
    pub after_ms: u64,
}

/// The part of a run that a signal came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stretch {
    /// The only examination, or the first one: the report is made of what was answered by then.
    Examination,
    /// With `--wait`, after the first examination: the report is the last whole one's.
    Waiting,
}

/// How waiting for a VM to become healthy went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waiting {
    /// Milliseconds that it was given.
    pub limit_ms: u64,
    /// Milliseconds for which the last state has been as it is: the verdict, the root cause, and what stands in the way.
    pub unchanged_ms: u64,
    /// Why it ended.
    pub ended: WaitEnd,
}

/// Why waiting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WaitEnd {
    /// Nothing stands in the way any more.
    Healthy,
    /// What was found does not heal by itself.
    DoesNotHeal,
    /// What was found heals by itself, but has lasted longer than Azure says that it takes.
    Overdue,
    /// The time was up.
    OutOfTime,
}
