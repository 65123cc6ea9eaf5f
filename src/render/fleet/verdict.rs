//! The verdict over a fleet in words, the same in every format for people.

use crate::check::Status;
use crate::fleet::summary::Fleet;

use super::{number, plural};

/// A verdict in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The status that it looks like.
    pub status: Status,
    /// `UNHEALTHY`.
    pub words: &'static str,
    /// Its sign.
    pub sign: &'static str,
    /// Its class in a page.
    pub class: &'static str,
    /// `20 of 5,000 VMs: 12 × role-missing`.
    pub reason: String,
}

/// So many root causes are named.
const CAUSES: usize = 3;

impl Verdict {
    /// The verdict over a fleet.
    pub fn new(fleet: &Fleet) -> Self {
        let verdicts = fleet.verdicts;
        let all = fleet.fold.len() as u64;
        let of = |n: u64| format!("{} of {}", number(n), plural(all, "VM"));
        if verdicts.unhealthy > 0 {
            let causes = fleet.root_causes.iter().filter(|cause| cause.vms > 0);
            let named: Vec<String> = causes
                .clone()
                .take(CAUSES)
                .map(|cause| format!("{} × {}", number(cause.vms), super::counted(cause).1))
                .collect();
            let more = causes.count().saturating_sub(CAUSES);
            let more = match more {
                0 => String::new(),
                1 => " and 1 more cause".to_owned(),
                _ => format!(" and {more} more causes"),
            };
            let reason = format!("{}: {}{more}", of(verdicts.unhealthy), named.join(", "));
            return Self { status: Status::Fail, words: "UNHEALTHY", sign: "✗", class: "is-unhealthy", reason };
        }
        let undetermined = |reason| Self {
            status: Status::Unknown,
            words: "UNDETERMINED",
            sign: "?",
            class: "is-undetermined",
            reason,
        };
        if verdicts.undetermined > 0 {
            return undetermined(format!("{}; none is unhealthy", of(verdicts.undetermined)));
        }
        if fleet.fold.broken.count > 0 {
            let broken = plural(fleet.fold.broken.count, "report");
            return undetermined(format!("no VM is unhealthy, but {broken} could not be read"));
        }
        if verdicts.degraded > 0 {
            let (words, reason) = ("HEALTHY, WITH WARNINGS", of(verdicts.degraded));
            return Self { status: Status::Warn, words, sign: "!", class: "is-degraded", reason };
        }
        let reason = if all == 1 { "1 VM".into() } else { format!("all {}", plural(all, "VM")) };
        Self { status: Status::Pass, words: "HEALTHY", sign: "✓", class: "is-healthy", reason }
    }

    /// `4,900 healthy, 40 with warnings, 11 unhealthy`.
    pub fn counts(fleet: &Fleet) -> String {
        let counts = [
            (fleet.verdicts.healthy, "healthy"),
            (fleet.verdicts.degraded, "with warnings"),
            (fleet.verdicts.unhealthy, "unhealthy"),
            (fleet.verdicts.undetermined, "undetermined"),
            (fleet.fold.broken.count, "broken"),
        ];
        let shown = counts.into_iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{} {word}", number(n)));
        shown.collect::<Vec<_>>().join(", ")
    }
}
