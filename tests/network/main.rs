//! The network suite: the built program, unmodified, at the real addresses, in a private network namespace.
//!
//! Every scenario is played by `midoctor simulate`; then the routes are dead, the certificates wrong, a proxy stands by, the
//! cloud is another one, something on the machine keeps the metadata service away, data endpoints misbehave, gateways open
//! what is encrypted, lists are long, services have environments of their own, and what is waited
//! for comes about or is interrupted, and there is little room. The program for Windows is run under Wine.
//! Run by `cargo test --test network [-- WORD…]`. It judges what is said, never how fast.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

#[path = "../namespace/mod.rs"]
mod namespace;
#[path = "../common/patience.rs"]
mod patience;
#[path = "../common/terminal.rs"]
mod terminal;
#[path = "../common/tools.rs"]
mod tools;

mod canaries;
#[path = "../common/canary.rs"]
mod canary;
mod certificates;
mod clouds;
mod data;
mod environments;
mod fake;
mod interruptions;
mod little_room;
mod metadata;
mod odd_clocks;
mod odd_limits;
mod odd_machines;
mod odd_terminals;
mod proxies;
mod readme;
mod relayed;
mod routes;
mod scale;
mod scenarios;
mod support;
mod surroundings;
mod systemd;
mod waiting;
mod windows;
mod wine;

use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let cases = [
        scenarios::cases(),
        routes::cases(),
        proxies::cases(),
        relayed::cases(),
        readme::cases(),
        clouds::cases(),
        data::cases(),
        scale::cases(),
        metadata::cases(),
        certificates::cases(),
        environments::cases(),
        systemd::cases(),
        support::cases(),
        surroundings::cases(),
        waiting::cases(),
        interruptions::cases(),
        little_room::cases(),
        odd_clocks::cases(),
        odd_limits::cases(),
        odd_machines::cases(),
        odd_terminals::cases(),
        canaries::cases(),
        windows::cases(),
    ];
    let missing = [odd_clocks::missing(), wine::missing()].concat();
    let cases = cases.into_iter().flatten().collect();
    let patience = Duration::from_secs(90);
    namespace::Suite { name: "network", cases, missing, lanes: 2, patience }.main()
}
