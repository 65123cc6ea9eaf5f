//! What is linked into the program, as Cargo has it. Proc macros, build scripts and what only tests use are not.

#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::process::Command;

/// The crates in the program for a target that is built with these arguments, without midoctor itself: `name v1.2.3`.
pub fn linked(target: &str, arguments: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--prefix", "none", "--format", "{p}"])
        .args(["--edges", "no-proc-macro,no-dev,no-build", "--target", target])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let crates = printed.lines().map(|line| line.trim_end_matches(" (*)").to_owned());
    crates.filter(|line| !line.starts_with("midoctor ")).collect()
}
