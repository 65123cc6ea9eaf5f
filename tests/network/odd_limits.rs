//! A machine that lends hardly any threads or open files: what could not be asked is unknown, and is held against nobody.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::namespace::Case;
use crate::namespace::simulator::{PROGRAM, Simulator, TOLD, assert_valid};

use super::odd_machines::{NOBODY, for_all};

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("hardly any open files lead to no false verdict", files),
        Case::new("hardly any threads lead to no false verdict", threads).with_all_users(),
    ]
}

/// Runs the program of this path with a limit, by `sh`, and reads its report.
fn limited(limit: &str, by: &[&str], program: &str, authority: &PathBuf) -> (Output, Option<Value>) {
    let line = format!("{limit}; exec \"$0\" check -o json");
    let mut words: Vec<&str> = by.to_vec();
    words.extend(["sh", "-c", &line, program]);
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).env_clear().env("PATH", std::env::var_os("PATH").unwrap()).stdin(Stdio::null());
    let output = command.envs(TOLD.map(|name| (name, authority))).output().unwrap();
    let report = serde_json::from_slice(&output.stdout).ok();
    (output, report)
}

/// It ended well, or without a verdict on what could not be asked.
fn assert_honest(limit: &str, output: &Output, report: Option<&Value>) {
    let said = String::from_utf8_lossy(&output.stderr);
    let report = report.unwrap_or_else(|| panic!("{limit}: {:?} {said}", output.status));
    assert_valid(report);
    assert_eq!(said, "", "{limit}");
    let codes: Vec<&Value> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|check| check["findings"].as_array().unwrap())
        .map(|finding| &finding["code"])
        .collect();
    assert!(codes.is_empty(), "{limit}: {codes:?}");
    assert!(matches!(output.status.code(), Some(0 | 3)), "{limit}: {:?}", output.status);
}

fn files() {
    let simulator = Simulator::start("healthy", &[]);
    let mut undetermined = 0;
    for limit in [4, 5, 6, 8, 16] {
        let text = format!("ulimit -n {limit}");
        let (output, report) = limited(&text, &[], PROGRAM, &simulator.authority());
        assert_honest(&text, &output, report.as_ref());
        undetermined += i32::from(output.status.code() == Some(3));
        if limit == 4 {
            assert!(String::from_utf8_lossy(&output.stdout).contains("Too many open files"), "{report:?}");
        }
        assert!(limit < 16 || output.status.code() == Some(0), "{report:?}");
    }
    assert!(undetermined > 0);
}

fn threads() {
    let simulator = Simulator::start("healthy", &[]);
    let (program, authority) = for_all(&simulator);
    for limit in [1, 2, 4, 64] {
        let text = format!("ulimit -u {limit} 2>/dev/null || ulimit -p {limit}");
        let (output, report) = limited(&text, &NOBODY, &program, &authority);
        assert_honest(&text, &output, report.as_ref());
        assert!(limit < 64 || output.status.code() == Some(0), "{report:?}");
    }
}
