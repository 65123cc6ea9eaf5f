//! `--wait` at the real addresses, while the simulator is taken away and another one put in its place.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

use crate::namespace::Case;
use crate::namespace::simulator::{Services, Simulator, assert_valid, check};

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("waiting until a role is granted", role_granted),
        Case::new("waiting until the metadata service is updated", updated),
        Case::new("waiting ends at once for what does not heal", does_not_heal),
        Case::new("waiting ends when the time is over", out_of_time),
        Case::new("waiting with a configuration and an ignore", configured),
    ]
}

/// A run that waits, and the lines that it writes on standard error meanwhile.
struct Waiting {
    child: Child,
    lines: Receiver<String>,
    folder: tempfile::TempDir,
}

impl Waiting {
    fn start(authority: &Path, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = format!("json={}", folder.path().join("report.json").display());
        let mut command = check(Some(authority), arguments);
        command.args(["-o", "text", "-o", &file]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                // Nobody listens once the test is over.
                let _ = sender.send(line);
            }
        });
        Self { child, lines, folder }
    }

    /// The next line on standard error.
    fn line(&self) -> String {
        self.lines.recv_timeout(Duration::from_secs(30)).expect("a line on standard error")
    }

    /// Waits for the end: exit code, report, text, and the lines that nobody has read yet.
    fn end(self) -> (Option<i32>, Value, String, Vec<String>) {
        let output = self.child.wait_with_output().unwrap();
        let report = std::fs::read_to_string(self.folder.path().join("report.json")).unwrap();
        let report: Value = serde_json::from_str(&report).unwrap();
        assert_valid(&report);
        (output.status.code(), report, String::from_utf8(output.stdout).unwrap(), self.lines.iter().collect())
    }
}

/// An authority of its own for each simulator, and one file with both, which is trusted from the first examination on.
fn both(first: &Simulator) -> PathBuf {
    let file = std::env::temp_dir().join("authorities.pem");
    std::fs::copy(first.authority(), &file).unwrap();
    file
}

fn then(first: Simulator, second: &str, file: &Path) -> Simulator {
    drop(first);
    let second = Simulator::start(second, &[]);
    // Read anew at the next examination.
    std::fs::copy(second.authority(), file).unwrap();
    second
}

fn ended(report: &Value) -> (&str, u64) {
    let run = &report["run"];
    (run["waiting"]["ended"].as_str().unwrap(), run["attempts"].as_u64().unwrap())
}

fn role_granted() {
    let first = Simulator::start("role-missing", &[]);
    let authority = both(&first);
    let waiting = Waiting::start(&authority, &["--wait", "60s"]);
    assert_eq!(
        waiting.line(),
        "midoctor: waiting for role-missing: The identity holds no role that lets it read this VM; 0s of 1m, attempt 1"
    );
    let _second = then(first, "healthy", &authority);
    let (code, report, text, rest) = waiting.end();
    let (why, attempts) = ended(&report);
    assert_eq!((code, why, report["verdict"].as_str()), (Some(0), "healthy", Some("healthy")), "{text}");
    assert!(attempts > 1 && report["run"]["waited_ms"].as_u64() >= Some(2000), "{}", report["run"]);
    assert!(rest.is_empty(), "{rest:?}");
    let last = text.lines().last().unwrap();
    assert!(last.starts_with("waited ") && last.ends_with(&format!(" over {attempts} attempts")), "{text}");
}

fn updated() {
    let first = Simulator::start("imds-updating", &[]);
    let authority = both(&first);
    let waiting = Waiting::start(&authority, &["--wait", "60s", "-q"]);
    let line = waiting.line();
    assert!(line.starts_with("midoctor: waiting for imds-updating: The metadata service is being updated; "), "{line}");
    let _second = then(first, "healthy", &authority);
    let (code, report, text, rest) = waiting.end();
    assert_eq!((code, ended(&report).0, text.as_str()), (Some(0), "healthy", ""), "{rest:?}");
}

fn does_not_heal() {
    let simulator = Simulator::start("identity-ambiguous", &[]);
    let (code, report, text, lines) = Waiting::start(&simulator.authority(), &["--wait", "10m"]).end();
    assert_eq!((code, ended(&report)), (Some(1), ("does-not-heal", 1)), "{text}");
    assert!(text.ends_with("\ndid not wait: it does not heal by itself\n"), "{text}");
    assert!(lines.is_empty(), "{lines:?}");
}

fn out_of_time() {
    let simulator = Simulator::start("role-missing", &[]);
    let (code, report, text, _) = Waiting::start(&simulator.authority(), &["--wait", "3s"]).end();
    let (why, attempts) = ended(&report);
    assert_eq!((code, why, report["root_cause"].as_str()), (Some(1), "out-of-time", Some("role-missing")), "{text}");
    assert_eq!(report["run"]["waiting"]["limit_ms"], 3000);
    assert!(attempts > 1, "{text}");
    let last = text.lines().last().unwrap();
    assert!(last.ends_with("; stopped because no other fitted into 3.0 s"), "{last}");
}

fn configured() {
    let toml = "wait = \"3s\"\nfail-on = \"warn\"\noutput = \"text\"\n\n[[ignore]]\ncode = \"legacy-*\"\nreason = \"the old agent \
                stays\"\nuntil = 2099-12-31\n\n[[ignore]]\ncode = \"env-proxy\"\nreason = \"a proxy of old\"\nuntil = 2099-12-31\n";
    let file = std::env::temp_dir().join("midoctor.toml");
    std::fs::write(&file, toml).unwrap();
    let services = Services::start("retired = \"extension\"\n", &[], |_| {});
    let (code, report, text, lines) = Waiting::start(&services.authority, &["--config", file.to_str().unwrap()]).end();
    assert_eq!(
        (code, report["verdict"].as_str(), ended(&report)),
        (Some(0), Some("healthy"), ("healthy", 1)),
        "{text}"
    );
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("[legacy-answering] ignored until 2099-12-31: the old agent stays"), "{text}");
    let note = "the ignore of env-proxy matched nothing (a proxy of old); remove it when it is no longer needed";
    assert_eq!((&lines[..], &report["notes"]), (&[format!("midoctor: {note}")][..], &serde_json::json!([note])));
}
