//! What must not come out, and what must not come in: tokens and other secrets, and text of strangers.

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../common/attacks.rs"]
mod attacks;
#[path = "../common/canary.rs"]
mod canary;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/oracles.rs"]
mod oracles;
#[path = "../common/played.rs"]
mod played;
#[path = "../common/shells.rs"]
mod shells;
#[path = "../common/spoilt.rs"]
mod spoilt;

mod canaries;
mod found_by_fuzzing;
mod hostile_files;
mod hostile_wire;
mod laws_of_texts;
mod own_faults;
mod pasted_secrets;
mod pasting;
mod secrets_echoed;
mod tokens_and_keys;
