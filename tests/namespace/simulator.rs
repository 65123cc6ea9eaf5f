//! The built program's simulator at the real addresses, and the built program as a client of it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use midoctor::simulator::CANARY;
use serde_json::Value;

/// The built program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_midoctor");

/// `midoctor simulate` at the real addresses. Ends when it is dropped.
pub struct Simulator {
    child: Child,
    folder: tempfile::TempDir,
    /// What it printed before it was ready.
    pub announced: Vec<String>,
}

impl Simulator {
    /// Starts it and waits until it is ready.
    pub fn start(scenario: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(PROGRAM);
        command.args(["simulate", scenario, "-v", "--listen", "169.254.169.254:80", "--listen-arm", "127.0.0.1:443"]);
        command.arg("--ca").arg(folder.path().join("ca.pem")).args(more).env_clear().stdin(Stdio::null());
        let log = File::create(folder.path().join("log")).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                // The rest is of no interest once it is ready.
                let _ = sender.send(line);
            }
        });
        let mut announced = Vec::new();
        loop {
            match receiver.recv_timeout(Duration::from_secs(20)) {
                Ok(line) if line == "ready" => break,
                Ok(line) => announced.push(line),
                Err(_) => panic!("simulate {scenario} is not ready: {announced:?}"),
            }
        }
        Self { child, folder, announced }
    }

    /// The authority that clients are to trust.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The requests it was sent, one per line.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a run of the program ended.
pub struct Ran {
    pub code: Option<i32>,
    pub report: Value,
}

/// The program that examines this machine, with nothing of the caller's environment, trusting that authority.
pub fn check(authority: Option<&Path>, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("check").args(arguments).env_clear().env("LANG", "C.UTF-8").stdin(Stdio::null());
    command.envs(authority.map(|file| ("SSL_CERT_FILE", file)));
    command
}

/// Runs it to its end. Whatever it found: the report is valid, the exit codes agree, and nothing that it wrote holds a token.
pub fn examine(command: &mut Command) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    command.args(["-v", "-o", "text", "-o", &format!("json={}", file.display())]);
    let output = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|_| panic!("no report: {stderr}"));
    for (where_, text) in [("standard output", &*stdout), ("standard error", &*stderr), ("the report", &text)] {
        assert!(!text.contains(CANARY), "a token is in {where_}");
    }
    assert_eq!(stderr, "", "nothing is said on standard error");
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["exit_code"].as_i64(), output.status.code().map(i64::from), "{stdout}");
    Ran { code: output.status.code(), report }
}

/// Runs `midoctor WORDS` and reads what it prints.
pub fn json(words: &[&str]) -> Value {
    let output = Command::new(PROGRAM).args(words).env_clear().stdin(Stdio::null()).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Holds a report against the published schema.
pub fn assert_valid(report: &Value) {
    let schema = json(&["generate", "schema"]);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> =
        validator.iter_errors(report).map(|error| format!("{}: {error}", error.instance_path)).collect();
    assert!(wrong.is_empty(), "the schema does not allow {wrong:?}");
}
