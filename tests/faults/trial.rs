//! One run of the program against a server, and what every run has to keep to.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use midoctor::simulator::CANARY;
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::Value;

use super::endings::{self, Ending};
use super::fault::Fault;
use super::namespace::{place, simulator};
use super::question::Question;
use super::server::{self, NAMES, Server};

/// So much memory may be resident at the most, in kB.
const MEMORY: i64 = 64 * 1024;
/// What a question and a run may take by their defaults.
const QUESTION: Duration = Duration::from_secs(10);
pub const RUN: Duration = Duration::from_secs(30);
/// So much more is still no hanging: the machine may be busy.
const SLACK: Duration = Duration::from_secs(5);

/// A run that ended.
pub struct Trial {
    pub report: Value,
    pub text: String,
}

/// A question that meets a fault.
pub fn matrix(question: Question, fault: &Fault) {
    let (play, name) = (fault.play, fault.name);
    place::names_lead(&NAMES);
    let elsewhere = server::listen_elsewhere();
    let script = move |asked: &_, proper: &_, line: &mut _| question.is(asked).then(|| play(proper, line));
    let server = Server::start(question.scenario(), Box::new(script));
    let trial = run(&server.authority, question.arguments(), RUN);
    let asked = server.asked.lock().unwrap();
    assert!(asked.iter().any(|asked| question.is(asked)), "{name}: the question was not put\n{}", trial.text);
    let followed = elsewhere.load(Ordering::SeqCst);
    assert_eq!(followed, 0, "{name}: a redirect was followed\n{}", trial.text);
    trial.assert_ends(endings::of(question, fault));
}

/// Runs `midoctor check` with these arguments, as long as the deadline lets it.
pub fn run(authority: &Path, arguments: &[&str], deadline: Duration) -> Trial {
    run_with(authority, arguments, &[], deadline)
}

/// The same with variables in its environment.
pub fn run_with(authority: &Path, arguments: &[&str], variables: &[(&str, &str)], deadline: Duration) -> Trial {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mut command = simulator::check(Some(authority), arguments);
    command
        .args(["-v", "-o", "text", "-o", &format!("json={}", at("report").display())])
        .envs(variables.iter().copied());
    command.stdout(File::create(at("stdout")).unwrap()).stderr(File::create(at("stderr")).unwrap());
    // The kernel counts what a child had resident before it became the program as well.
    assert!(peak(UsageWho::RUSAGE_SELF) < MEMORY, "this process is too large to measure by");
    let code = to_its_end(&mut command, deadline + 2 * SLACK);
    // At once: what is run from now on is counted with what this process has by now.
    let peak = peak(UsageWho::RUSAGE_CHILDREN);
    let read = |name: &str| String::from_utf8(std::fs::read(at(name)).unwrap()).unwrap();
    let (text, stderr, json) = (read("stdout"), read("stderr"), read("report"));
    for (place, text) in [("standard output", &text), ("standard error", &stderr), ("the report", &json)] {
        assert!(!text.contains(CANARY), "a token is in {place}");
    }
    assert_eq!(stderr, "", "nothing is said on standard error");
    let report: Value = serde_json::from_str(&json).unwrap();
    let trial = Trial { report, text };
    assert_eq!(trial.report["exit_code"].as_i64(), code.map(i64::from), "{}", trial.short());
    trial.assert_whole();
    trial.assert_in_time(deadline);
    assert!(peak < MEMORY, "{peak} kB\n{}", trial.short());
    trial
}

fn peak(who: UsageWho) -> i64 {
    getrusage(who).unwrap().max_rss()
}

/// Its exit code; a process that hangs is ended, and that is a failure.
fn to_its_end(command: &mut Command, patience: Duration) -> Option<i32> {
    let started = Instant::now();
    let mut child = command.stdin(Stdio::null()).spawn().unwrap();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if started.elapsed() > patience {
            child.kill().unwrap();
            panic!("it hung: still at it after {} s", patience.as_secs());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Trial {
    pub fn short(&self) -> String {
        self.text.chars().take(6000).collect()
    }

    /// Every check is there, and the report is what the schema says.
    fn assert_whole(&self) {
        simulator::assert_valid(&self.report);
        let there: Vec<&str> = self.checks().iter().map(|check| check["id"].as_str().unwrap()).collect();
        // That one is judged for nothing, so it is never a row.
        let all = midoctor::checks::all().map(|check| check.id).filter(|id| *id != "client");
        let missing: Vec<&str> = all.filter(|id| !there.contains(id)).collect();
        assert!(missing.is_empty(), "{missing:?} are missing");
    }

    fn checks(&self) -> &Vec<Value> {
        self.report["checks"].as_array().unwrap()
    }

    /// No question took longer than one may, and the run not longer than its deadline.
    fn assert_in_time(&self, deadline: Duration) {
        let bound = |time: Duration| (time + SLACK).as_millis() as u64;
        for exchange in self.report["evidence"]["exchanges"].as_array().unwrap() {
            let attempts = exchange["attempts"].as_array().unwrap();
            let start = attempts.first().unwrap()["started_ms"].as_u64().unwrap();
            let last = attempts.last().unwrap();
            let end = last["started_ms"].as_u64().unwrap() + last["duration_ms"].as_u64().unwrap();
            assert!(end - start <= bound(QUESTION), "{} ms for {}", end - start, exchange["request"]);
        }
        let took = self.report["run"]["duration_ms"].as_u64().unwrap();
        assert!(took <= bound(deadline), "the run took {took} ms");
    }

    /// The ending, in the words of the table.
    pub fn ending(&self) -> String {
        let words = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let with = |status: &str| {
            let such = self.checks().iter().filter(|check| check["status"] == status);
            such.map(|check| words(&check["id"])).collect::<Vec<_>>().join(" ")
        };
        let (code, verdict) = (self.report["exit_code"].as_i64().unwrap(), words(&self.report["verdict"]));
        let tail = match verdict.as_str() {
            "unhealthy" => words(&self.report["root_cause"]),
            "undetermined" => with("unknown"),
            "degraded" => {
                let warned = self.checks().iter().filter(|check| check["status"] == "warn");
                warned.map(|check| words(&check["findings"][0]["code"])).collect::<Vec<_>>().join(" ")
            }
            _ => String::new(),
        };
        format!("{code} {verdict} {tail}").trim_end().to_owned()
    }

    pub fn assert_ends(&self, ending: Ending) {
        assert_eq!(self.ending(), ending.to_string(), "{}", self.short());
    }
}
