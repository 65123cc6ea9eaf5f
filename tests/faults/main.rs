//! The fault suite: the built program, unmodified, in a private network namespace, where one question meets a fault and all others
//! are answered properly, for every question that the program asks and every fault that applies to it.
//!
//! What is played stands in `fault` and `bodies`, against which question in `question`, and how the run has to end in `endings`: it is
//! written there by what is right for a user. `trial` runs the program and holds all runs against the same demands: it ends by itself
//! and in time, below 64 MB, with a whole and valid report, the ending of the table, and no token anywhere; the question under
//! test was put. `whole` has what is about more than one question: machines where everything is silent, deadlines, TLS, proxies,
//! redirects that would carry a token away, and floods from everywhere at once.
//! Run by `cargo test --test faults [-- WORD…]`. It judges no speed: its bounds in time mean that something hung.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

#[path = "../namespace/mod.rs"]
mod namespace;

mod bodies;
mod certificates;
mod endings;
mod fault;
mod line;
mod question;
mod server;
mod trial;
mod whole;

use std::process::ExitCode;
use std::time::Duration;

use fault::Fault;
use namespace::Case;
use question::Question;

/// Most cases only wait.
const LANES: usize = 14;

fn main() -> ExitCode {
    let mut cases: Vec<Case> = Vec::new();
    for question in Question::ALL {
        let all = fault::all().into_iter().filter(|fault| fault.applies_to(question));
        cases.extend(all.map(|fault| Case::new(name(question, &fault), move || trial::matrix(question, &fault))));
    }
    cases.extend(whole::cases());
    namespace::Suite { name: "faults", cases, missing: Vec::new(), lanes: LANES, patience: Duration::from_secs(100) }
        .main()
}

fn name(question: Question, fault: &Fault) -> String {
    format!("{}: {}", question.name(), fault.name)
}
