//! Programs of others that some tests need: whether they are there, and what it means when they are not.

#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::print_stderr)]

use std::process::{Command, Stdio};

/// What is missing, which only a machine of one's own may lack: where CI is set the test fails.
pub fn without(what: &str) {
    let strict = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
    assert!(!strict, "{what}");
    eprintln!("skipped: {what}");
}

/// Can this program be started?
pub fn is_there(tool: &str) -> bool {
    let mut command = Command::new(tool);
    command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}
