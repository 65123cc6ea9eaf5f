//! The source tree itself: who may use whom, and what comes from elsewhere.

#![allow(missing_docs, clippy::unwrap_used)]

mod architecture;
mod programs;
mod supply_chain;
