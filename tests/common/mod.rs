//! The harness of the tests: runs the built program in a scrubbed environment and compares exactly.

#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use std::process::{Command, Stdio};

/// What a run printed, and how it ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// The program with nothing of the caller's environment: a proxy or a token variable of the machine that runs the tests
/// must not decide them.
pub fn midoctor(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_midoctor"));
    command.args(arguments).env_clear().env("LANG", "C.UTF-8").stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub fn run(arguments: &[&str]) -> Ran {
    ran(&mut midoctor(arguments))
}

/// Runs a prepared command to its end.
pub fn ran(command: &mut Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A usage error: nothing on standard output, one line on standard error, exit code 2.
pub fn refused(arguments: &[&str]) -> String {
    let ran = run(arguments);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}");
    assert_eq!(ran.stderr.matches('\n').count(), 1, "one line: {}", ran.stderr);
    ran.stderr.trim_end().to_owned()
}

/// Compares with a file of tests/golden. `MIDOCTOR_BLESS=1 cargo test` writes them anew; read the difference.
pub fn golden(name: &str, text: &str) {
    let path = format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("MIDOCTOR_BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    assert_eq!(text, std::fs::read_to_string(&path).unwrap(), "{name}");
}
