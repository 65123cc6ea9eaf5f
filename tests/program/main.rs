//! The built program as people meet it: its command line, its words on a terminal, its documents, and what it does where it is
//! cut short or the machine is odd.

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/console.rs"]
mod console;
#[path = "../common/patience.rs"]
mod patience;
#[path = "../common/played.rs"]
mod played;
#[path = "../common/terminal.rs"]
mod terminal;
#[path = "../common/tools.rs"]
mod tools;
#[path = "../common/typing.rs"]
mod typing;

mod cli;
mod completions;
mod config;
mod explain_text;
mod interruptions;
mod man;
mod odd_surroundings;
mod odd_terminals;
mod parts;
mod readme;
mod simulated_names;
mod sources;
mod waiting_words;
