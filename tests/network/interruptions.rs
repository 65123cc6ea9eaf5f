//! Runs that a signal ends while they wait for an answer or for better times: what they leave behind, and what not.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use midoctor::simulator::CANARY;
use serde_json::Value;

use crate::namespace::Case;
use crate::namespace::place::run;
use crate::namespace::simulator::{PROGRAM, Simulator, TOLD, assert_valid};
use crate::patience::until;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("interrupted while Azure Resource Manager is silent", || examination("INT", 130, "Ctrl-C (SIGINT)")),
        Case::new("terminated while Azure Resource Manager is silent", || examination("TERM", 143, "SIGTERM")),
        Case::new("left by its terminal while Azure Resource Manager is silent", || examination("HUP", 129, "SIGHUP")),
        Case::new("interrupted while the metadata service hangs", metadata_hangs),
        Case::new("interrupted while it waits", waiting),
        Case::new("interrupted while it collects for support", archive),
        Case::new("interrupted twice", twice),
        Case::new("interrupted at a terminal", terminal),
        Case::new("killed leaves nothing behind", killed),
    ]
}

/// So long nothing comes to its end by itself.
const LONG: [&str; 4] = ["--timeout", "10m", "--deadline", "20m"];

/// A run in a folder of its own.
struct Run {
    child: Child,
    folder: tempfile::TempDir,
}

/// How it ended.
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
    folder: tempfile::TempDir,
}

impl Run {
    fn start(simulator: &Simulator, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stream = |name: &str| std::fs::File::create(folder.path().with_extension(name)).unwrap();
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(&folder).env_clear().env("LANG", "C.UTF-8").stdin(Stdio::null());
        command.envs(TOLD.map(|name| (name, simulator.authority())));
        let child = command.stdout(stream("out")).stderr(stream("err")).spawn().unwrap();
        Self { child, folder }
    }

    fn said(&self, stream: &str) -> String {
        std::fs::read_to_string(self.folder.path().with_extension(stream)).unwrap()
    }

    /// Waits until it has a connection to this port that is open, so that a question is under way.
    fn is_connected_to(&self, port: u16) {
        until("a question is under way", || {
            // Local and remote address as hexadecimal numbers, then the state, of which 01 is ESTABLISHED (proc(5)).
            std::fs::read_to_string("/proc/net/tcp").unwrap().lines().any(|line| {
                let words: Vec<&str> = line.split_whitespace().collect();
                words.get(2).is_some_and(|remote| remote.ends_with(&format!(":{port:04X}")))
                    && words.get(3) == Some(&"01")
            })
        });
    }

    fn send(&self, signal: &str) {
        run("kill", &[&format!("-{signal}"), &self.child.id().to_string()]);
    }

    fn end(mut self) -> Ended {
        until("it ends", || self.child.try_wait().unwrap().is_some());
        let code = self.child.wait().unwrap().code();
        let (stdout, stderr) = (self.said("out"), self.said("err"));
        assert!(!stdout.contains(CANARY) && !stderr.contains(CANARY), "a token came out");
        Ended { code, stdout, stderr, folder: self.folder }
    }
}

impl Ended {
    fn files(&self) -> Vec<String> {
        entries(self.folder.path())
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    fn report(&self, name: &str) -> Value {
        let report = serde_json::from_str(&self.read(name)).unwrap();
        assert_valid(&report);
        report
    }
}

fn entries(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// How the first row of each check ended.
fn statuses<'a>(report: &'a Value, ids: &[&str]) -> Vec<&'a str> {
    let status = |id: &&str| {
        let checks = report["checks"].as_array().unwrap();
        checks.iter().find(|check| check["id"] == *id).unwrap()["status"].as_str().unwrap()
    };
    ids.iter().map(status).collect()
}

fn examination(signal: &str, code: i32, by: &str) {
    let simulator = Simulator::start("arm-unreachable", &[]);
    let files = ["-o", "text", "-o", "json=all.json", "-o", "ndjson=rows.ndjson", "-o", "html=page.html", "-v"];
    let running = Run::start(&simulator, &[&["check"][..], &LONG, &files].concat());
    until("the token was asked for", || simulator.log().contains("/metadata/identity/oauth2/token"));
    running.is_connected_to(443);
    // The manager stays silent for longer than that, and the token has come by then.
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(entries(running.folder.path()), [""; 0], "nothing is there while it runs");
    running.send(signal);
    let ended = running.end();
    assert_eq!(
        (ended.code, ended.files()),
        (Some(code), vec!["all.json".into(), "page.html".into(), "rows.ndjson".into()])
    );
    let report = ended.report("all.json");
    // What was known is there, and what was not is nobody's fault.
    assert_eq!(report["vm"]["name"], "vm-doctor-01");
    assert_eq!(statuses(&report, &["platform", "metadata", "token", "arm"]), ["pass", "pass", "pass", "unknown"]);
    assert_eq!((&report["verdict"], &report["exit_code"]), (&"undetermined".into(), &3.into()));
    let cut = &report["run"]["cut_short"];
    assert_eq!((cut["by"].as_str(), cut["during"].as_str()), (Some(&*format!("SIG{signal}")), Some("examination")));
    let note = report["notes"][0].as_str().unwrap();
    assert!(
        note.starts_with(&format!("cut short by {by} after "))
            && note.ends_with(": what had not been answered by then is unknown, not failed"),
        "{note}"
    );
    assert_eq!(ended.stderr, format!("midoctor: {note}\n"));
    assert!(ended.stdout.ends_with(&format!("\n{note}\n")), "{}", ended.stdout);
    assert!(ended.stdout.contains("the run was cut short before the answer came"), "{}", ended.stdout);
    let row: Value = serde_json::from_str(&ended.read("rows.ndjson")).unwrap();
    assert_eq!(row["run"], report["run"]);
    assert!(ended.read("page.html").trim_end().ends_with("</html>"));
}

fn metadata_hangs() {
    let simulator = Simulator::start("healthy", &["--delay", "10m"]);
    let running = Run::start(&simulator, &[&["check"][..], &LONG, &["-o", "text", "-o", "json=all.json"]].concat());
    running.is_connected_to(80);
    running.send("INT");
    let ended = running.end();
    let report = ended.report("all.json");
    assert_eq!((ended.code, report["verdict"].as_str()), (Some(130), Some("undetermined")), "{}", ended.stdout);
    let codes = report["checks"].as_array().unwrap().iter().flat_map(|check| check["findings"].as_array().unwrap());
    assert_eq!(codes.count(), 0, "{}", ended.stdout);
}

fn waiting() {
    let simulator = Simulator::start("role-missing", &[]);
    let running = Run::start(&simulator, &["check", "--wait", "1h", "-o", "text", "-o", "json=all.json"]);
    until("it waits", || running.said("err").contains("midoctor: waiting for role-missing: "));
    assert_eq!(entries(running.folder.path()), [""; 0], "nothing is there while it waits");
    running.send("INT");
    let ended = running.end();
    let report = ended.report("all.json");
    assert_eq!((ended.code, ended.files()), (Some(130), vec!["all.json".to_owned()]), "{}", ended.stdout);
    // The examination before it was whole.
    assert_eq!((report["root_cause"].as_str(), report["exit_code"].as_u64()), (Some("role-missing"), Some(1)));
    assert_eq!(report["run"]["cut_short"]["during"], "waiting");
    assert!(report["run"]["attempts"].as_u64() >= Some(1) && report["run"].get("waiting").is_none());
    let note = report["notes"][0].as_str().unwrap();
    assert!(note.ends_with(": it did not wait to the end, and shows its last whole examination"), "{note}");
    assert!(ended.stdout.contains("UNHEALTHY  role-missing") && ended.stderr.ends_with(&format!("midoctor: {note}\n")));
}

fn archive() {
    let simulator = Simulator::start("arm-unreachable", &[]);
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let running = Run::start(&simulator, &[&["report", "--redact", "ids"][..], &LONG].concat());
        running.is_connected_to(443);
        assert_eq!(entries(running.folder.path()), [""; 0], "nothing is there while it runs");
        running.send(signal);
        let ended = running.end();
        let files = ended.files();
        let [archive, map] = &files[..] else { panic!("{files:?}") };
        assert_eq!((ended.code, map), (Some(code), &format!("{archive}.map.json")), "{}", ended.stderr);
        assert!(ended.stderr.starts_with("midoctor: cut short by ") && ended.stdout.starts_with("wrote "));
        let lines = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\n\
                     sys.stdout.write(z.read('report.json').decode())";
        let path = ended.folder.path().join(archive);
        let output = Command::new("python3").args(["-c", lines]).arg(path).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_valid(&report);
        assert_eq!(report["run"]["cut_short"]["by"], format!("SIG{signal}"));
    }
}

/// Starts a program at a terminal of its own, presses Ctrl-C there once a question is under way, and prints what the terminal was
/// told, as JSON, with the exit code.
const AT_A_TERMINAL: &str = r#"
import fcntl, json, os, pty, struct, sys, termios, time
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.execv(sys.argv[1], sys.argv[1:])
told = b""
def asked():
    words = [line.split() for line in open("/proc/net/tcp")]
    return any(line[2].endswith(":0050") and line[3] == "01" for line in words[1:])
for _ in range(3000):
    if asked() and b"read " in told:
        break
    os.set_blocking(terminal, False)
    try:
        told += os.read(terminal, 65536)
    except BlockingIOError:
        time.sleep(0.01)
os.write(terminal, b"\x03")
os.set_blocking(terminal, True)
try:
    while piece := os.read(terminal, 65536):
        told += piece
except OSError:
    pass
print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), told.decode()]))
"#;

fn terminal() {
    let _simulator = Simulator::start("healthy", &["--delay", "10m"]);
    let mut command = Command::new("timeout");
    command.args(["60", "python3", "-c", AT_A_TERMINAL, PROGRAM, "check", "-o", "line"]).args(LONG);
    let output = command.env_clear().env("LANG", "C.UTF-8").env("TERM", "xterm").env("PATH", "/usr/bin:/bin").output();
    let (code, told): (i32, String) = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    assert_eq!(code, 130, "{told:?}");
    // The terminal shows the key behind the line; then the line goes with it, and nothing is drawn any more.
    let (before, after) = told.rsplit_once("^C").unwrap();
    assert!(before.contains("\r\u{1b}[2K"), "a line was drawn anew: {told:?}");
    assert!(after.starts_with("\r\u{1b}[2Kmidoctor: cut short by Ctrl-C (SIGINT) after "), "{told:?}");
    assert_eq!((after.matches("\u{1b}[2K").count(), after.lines().count()), (1, 2), "{told:?}");
    assert!(!told.contains("\u{1b}[?25l"), "the cursor was never hidden: {told:?}");
}

/// The second signal does not wait for an output that takes nothing.
fn twice() {
    let simulator = Simulator::start("arm-unreachable", &[]);
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.ndjson");
    let held = std::fs::File::create(&rows).unwrap();
    held.lock().unwrap();
    let files = ["-o".to_owned(), format!("ndjson={}", rows.display()), "-o".to_owned(), "json=all.json".to_owned()];
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let running = Run::start(&simulator, &[&["check"][..], &LONG, &files].concat());
    running.is_connected_to(443);
    running.send("INT");
    let waits = format!(" {} ", running.child.id());
    until("it waits for the lock", || {
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|line| line.contains("-> FLOCK") && line.contains(&waits))
    });
    running.send("TERM");
    let ended = running.end();
    assert_eq!((ended.code, ended.files().len(), ended.read_length(&rows)), (Some(143), 0, 0), "{}", ended.stderr);
    assert!(ended.stderr.starts_with("midoctor: cut short by Ctrl-C (SIGINT) after "), "{}", ended.stderr);
}

impl Ended {
    fn read_length(&self, path: &Path) -> u64 {
        std::fs::metadata(path).unwrap().len()
    }
}

/// Nothing can be done against this signal, so nothing may lie there meanwhile.
fn killed() {
    let simulator = Simulator::start("arm-unreachable", &[]);
    for arguments in
        [&["check", "-o", "json=all.json", "-o", "ndjson=rows.ndjson"][..], &["report"], &["report", "-f", "a.zip"]]
    {
        let running = Run::start(&simulator, &[arguments, &LONG].concat());
        running.is_connected_to(443);
        running.send("KILL");
        assert_eq!(running.end().files(), [""; 0], "{arguments:?}");
    }
}
