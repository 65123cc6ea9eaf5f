//! Programs of others that some tests need: whether they are there, and what it means when they are not.

#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::print_stderr)]

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

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

/// A program of the machine, also of its administrator's folders, or why there is none.
pub fn of_machine(program: &str) -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    let found = folders.map(|folder| folder.join(program)).find(|path| path.exists());
    found.ok_or(format!("{program} is not installed"))
}

/// Runs a program that has to succeed.
pub fn done(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", said(&output));
    output
}

/// What a program printed, on both streams.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
