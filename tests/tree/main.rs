//! The source tree itself: who may use whom, what comes from elsewhere, and that every test is run.

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../common/linked.rs"]
mod linked;

mod architecture;
mod programs;
mod supply_chain;
