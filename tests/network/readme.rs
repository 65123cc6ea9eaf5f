//! The README's commands for a VM, run as they stand on one that has both kinds of identity.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::namespace::Case;
use crate::namespace::simulator::{PROGRAM, Simulator};

const README: &str = include_str!("../../README.md");

pub fn cases() -> Vec<Case> {
    vec![Case::new("the README's commands", commands)]
}

fn commands() {
    let simulator = Simulator::start("healthy-both", &[]);
    let block = README.split("## Use it on a VM").nth(1).and_then(|rest| rest.split("```").nth(1)).unwrap();
    let lines: Vec<&str> = block.lines().filter(|line| line.starts_with("midoctor")).collect();
    assert!(lines.len() >= 8, "the README's commands are not found");
    let folder = tempfile::tempdir().unwrap();
    let path = format!("{}:/usr/bin:/bin", Path::new(PROGRAM).parent().unwrap().display());
    for line in lines {
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).current_dir(folder.path()).env_clear().env("PATH", &path);
        shell.env("SSL_CERT_FILE", simulator.authority()).env("LANG", "C.UTF-8").stdin(Stdio::null());
        let output = shell.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{line}\n{said}");
        assert_eq!(said.is_empty(), line.contains(" -q"), "{line}\n{said}");
    }
    assert!(folder.path().join("report.json").exists(), "-o json=report.json wrote nothing");
}
