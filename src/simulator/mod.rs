//! A simulated Azure VM with the services it talks to: for examples, demos, tests, and other people's clients.
//!
//! What it is: a state model ([`azure::Azure`]) that a [`scenario::Scenario`] bends, asked in process ([`wire`]) or over
//! TCP and TLS ([`server`]). What it is not: a judge (the checks are), nor a replacement for Azure; answers that nobody
//! has recorded are marked `assumed:` where they are made.

mod access;
mod authorization;
pub mod azure;
mod behind;
pub mod connection;
mod data;
mod entries;
mod instance;
mod literal;
mod local;
mod machine;
mod manager;
mod metadata;
mod pages;
mod renamed;
mod resources;
mod retired;
mod roles;
pub mod scenario;
mod scopes;
pub mod server;
mod shown;
mod tls;
pub mod tokens;
pub mod vm;
pub mod wire;

pub use azure::{Azure, Reaction};
pub use scenario::Scenario;
pub use server::{Options, Running, simulate};
pub use tokens::CANARY;
pub use wire::SimulatedMachine;
