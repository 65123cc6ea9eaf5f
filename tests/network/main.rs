//! The network suite: the built program, unmodified, at the real addresses, in a private network namespace.
//!
//! Every scenario is played by `midoctor simulate`; then the routes are dead, the certificates wrong, a proxy stands by, the
//! cloud is another one, data endpoints misbehave, and lists are long.
//! Run by `cargo test --test network [-- WORD…]`. It judges what is said, never how fast.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

#[path = "../namespace/mod.rs"]
mod namespace;

mod clouds;
mod data;
mod fake;
mod proxies;
mod readme;
mod relayed;
mod routes;
mod scale;
mod scenarios;

use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let cases = scenarios::cases().into_iter().chain(routes::cases()).chain(proxies::cases()).chain(relayed::cases());
    let cases =
        cases.chain(readme::cases()).chain(clouds::cases()).chain(data::cases()).chain(scale::cases()).collect();
    let patience = Duration::from_secs(90);
    namespace::Suite { name: "network", cases, missing: Vec::new(), lanes: 2, patience }.main()
}
