//! The built program's simulator at the real addresses, and the built program as a client of it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use midoctor::simulator::{self, CANARY, Options, Running, Scenario};
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
        Self::start_by(&mut Command::new(PROGRAM), scenario, more)
    }

    /// The same by a command that runs the program with the arguments that are added.
    pub fn start_by(command: &mut Command, scenario: &str, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        command.args(["simulate", scenario, "-v", "--listen", "169.254.169.254:80", "--listen-arm", "127.0.0.1:443"]);
        command.arg("--ca").arg(folder.path().join("ca.pem")).args(more).stdin(Stdio::null());
        command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
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

/// The services of a scenario that has no name, within this process, at the real addresses. They end when it is dropped.
pub struct Services {
    pub running: Running,
    /// The authority that clients are to trust.
    pub authority: PathBuf,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Services {
    /// Starts them: the scenario's toml block and its http blocks, and what else differs.
    pub fn start(toml: &str, http: &[&str], change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::new(Scenario::parse(Some(toml), http).unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let memory = Arc::clone(&asked);
        options.log = Some(Arc::new(move |served| {
            let status = served.status.map_or("no answer".to_owned(), |status| status.to_string());
            memory.lock().unwrap().push(format!("{} {} {status}", served.method, served.url));
        }));
        change(&mut options);
        let running = simulator::simulate(options).unwrap();
        let authority = Self::place();
        std::fs::write(&authority, &running.authority_pem).unwrap();
        Self { running, authority, asked }
    }

    /// Where the authority is written.
    pub fn place() -> PathBuf {
        std::env::temp_dir().join("authority.pem")
    }

    /// Lets clients trust another authority too.
    pub fn also_trust(&self, pem: &str) {
        let both = std::fs::read_to_string(&self.authority).unwrap() + pem;
        std::fs::write(&self.authority, both).unwrap();
    }

    /// The requests they were sent, as `METHOD URL STATUS`.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Those that went to this host.
    pub fn asked_at(&self, host: &str) -> Vec<String> {
        let start = format!(" https://{host}/");
        self.asked().into_iter().filter(|line| line.contains(&start)).collect()
    }
}

/// How a run of the program ended.
pub struct Ran {
    pub code: Option<i32>,
    pub report: Value,
    /// The report for people, with every question.
    pub text: String,
}

impl Ran {
    /// The check's part of the report, for its first subject.
    pub fn check(&self, id: &str) -> &Value {
        self.report["checks"].as_array().unwrap().iter().find(|check| check["id"] == id).unwrap()
    }

    /// Exit code, verdict and root cause, the last empty where there is none.
    pub fn end(&self) -> (Option<i32>, &str, &str) {
        let root = self.report["root_cause"].as_str().unwrap_or_default();
        (self.code, self.report["verdict"].as_str().unwrap(), root)
    }

    /// Holds the end of the run against this one, and the report against the schema.
    pub fn assert_end(&self, code: i32, verdict: &str, root: &str) {
        assert_eq!(self.end(), (Some(code), verdict, root), "{}", self.text);
        assert_valid(&self.report);
    }
}

/// The variables that tell clients of an authority: midoctor itself, Azure CLI and Python, Node.js.
pub const TOLD: [&str; 3] = ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"];

/// The program that examines this machine, with nothing of the caller's environment, where all clients trust that authority.
pub fn check(authority: Option<&Path>, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("check").args(arguments).env_clear().env("LANG", "C.UTF-8").stdin(Stdio::null());
    command.envs(authority.into_iter().flat_map(|file| TOLD.map(|name| (name, file))));
    command
}

/// Runs it to its end with `-v`. Whatever it found: the report is valid, the exit codes agree, and nothing that it wrote holds
/// a token.
pub fn examine(command: &mut Command) -> Ran {
    examine_plainly(command.arg("-v"))
}

/// The same without `-v`.
pub fn examine_plainly(command: &mut Command) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json");
    command.args(["-o", "text", "-o", &format!("json={}", file.display())]);
    let output = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|_| panic!("no report: {stderr}"));
    for (where_, text) in [("standard output", &*stdout), ("standard error", &*stderr), ("the report", &text)] {
        assert!(!text.contains(CANARY), "a token is in {where_}");
    }
    assert_eq!(stderr, "", "nothing is said on standard error");
    let report: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["exit_code"].as_i64(), output.status.code().map(i64::from), "{stdout}");
    Ran { code: output.status.code(), report, text: stdout.into_owned() }
}

/// Runs `midoctor WORDS` and reads what it prints.
pub fn json(words: &[&str]) -> Value {
    serde_json::from_str(&printed(words)).unwrap()
}

/// Runs `midoctor WORDS` and returns what it prints.
pub fn printed(words: &[&str]) -> String {
    let output = Command::new(PROGRAM).args(words).env_clear().stdin(Stdio::null()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Holds a report against the published schema.
pub fn assert_valid(report: &Value) {
    let schema = json(&["generate", "schema"]);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> =
        validator.iter_errors(report).map(|error| format!("{}: {error}", error.instance_path)).collect();
    assert!(wrong.is_empty(), "the schema does not allow {wrong:?}");
}
