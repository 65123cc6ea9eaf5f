//! What only a client's own words show. There is nothing to ask and nothing to judge on the machine: the page alone counts, for
//! `explain`.

use crate::check::{Check, Stage, Verdict};

/// The checks of this topic.
pub static CHECKS: &[Check] = &[Check {
    id: "client",
    stage: Stage::Client,
    needs: &[],
    essential: false,
    codes: &[],
    shared: &[],
    reads: &[],
    page: include_str!("../../checks/client.md"),
    // It is judged for nothing, so it is never a row of a report.
    subjects: |_| Vec::new(),
    ask: |_| Vec::new(),
    judge: |_| Verdict::pass(),
}];
