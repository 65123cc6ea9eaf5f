//! The catalogue of checks, by topic and in the order of the report. To add one, write it in its topic's file and give it
//! a page in `checks/`; nothing else names it. CONTRIBUTING.md does it step by step.

pub mod access;
mod certificates;
pub mod client;
pub mod data;
pub mod endpoint;
pub mod environment;
mod held;
pub mod host;
pub mod identity;
pub mod manager;
mod proxies;
mod proxy_agent;
pub mod roles;
mod settings;
mod shadows;
pub mod silence;
mod slowness;
mod surroundings;
pub mod token;
mod ways;
mod whose;

use crate::check::Check;

/// Every check, in the order of the report.
pub fn all() -> impl Iterator<Item = &'static Check> {
    host::CHECKS
        .iter()
        .chain(environment::CHECKS)
        .chain(endpoint::CHECKS)
        .chain(identity::CHECKS)
        .chain(token::CHECKS)
        .chain(manager::CHECKS)
        .chain(access::CHECKS)
        .chain(roles::CHECKS)
        .chain(data::CHECKS)
        .chain(client::CHECKS)
}
