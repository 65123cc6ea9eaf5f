//! Odd machines: a user without rights or a home, a container with nothing in it, file systems that are read-only, networks without
//! loopback, IPv4 or names. It still runs, and says what is true.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::namespace::simulator::{self, PROGRAM, Simulator, TOLD, assert_valid};
use crate::namespace::{Case, place};

/// Runs what follows as nobody.
pub const NOBODY: [&str; 6] = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("a user without rights, home or temporary files", nobody).with_all_users(),
        Case::new("a container with nothing in it but the program", container),
        Case::new("read-only file systems", read_only),
        Case::new("a hosts file with nothing in it", no_names),
        Case::new("a machine without IPv4", no_ipv4),
        Case::new("a machine whose loopback is down", no_loopback),
    ]
}

/// The program and the simulator's authority where all users may read them.
pub fn for_all(simulator: &Simulator) -> (String, PathBuf) {
    let folder = std::env::temp_dir();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    let (program, authority) = (folder.join("midoctor"), folder.join("ca.pem"));
    fs::copy(PROGRAM, &program).unwrap();
    fs::copy(simulator.authority(), &authority).unwrap();
    fs::set_permissions(&authority, fs::Permissions::from_mode(0o644)).unwrap();
    (program.to_str().unwrap().to_owned(), authority)
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The end of a run whose report is on standard output.
fn report(output: &Output) -> Value {
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", text(&output.stderr)));
    assert_valid(&report);
    assert_eq!(text(&output.stderr), "");
    report
}

fn codes(report: &Value) -> Vec<&str> {
    let checks = report["checks"].as_array().unwrap().iter();
    let found = checks.flat_map(|check| check["findings"].as_array().unwrap());
    found.map(|finding| finding["code"].as_str().unwrap()).collect()
}

fn nobody() {
    let simulator = Simulator::start("healthy", &[]);
    let (program, authority) = for_all(&simulator);
    let locked = std::env::temp_dir().join("locked");
    fs::create_dir(&locked).unwrap();
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o555)).unwrap();
    let run = |environment: &[(&str, &str)], arguments: &[&str]| {
        let mut command = Command::new("/usr/bin/env");
        command.args(["-i"]).args(environment.iter().map(|(name, value)| format!("{name}={value}")));
        command.args(TOLD.map(|name| format!("{name}={}", authority.display())));
        // By its path: the environment has none.
        command.arg(find("setpriv")).args(&NOBODY[1..]).arg(&program).args(arguments);
        command.current_dir(&locked).stdin(Stdio::null()).output().unwrap()
    };
    let homeless = [("HOME", "/nonexistent"), ("TMPDIR", "/nonexistent"), ("XDG_RUNTIME_DIR", "/root")];
    for environment in [&[][..], &homeless, &[("HOME", "/root")]] {
        let output = run(environment, &["-o", "json"]);
        let report = report(&output);
        assert_eq!((output.status.code(), &report["verdict"]), (Some(0), &Value::from("healthy")), "{environment:?}");
    }
    let asked = simulator.log();
    let place = locked.display();
    for (arguments, said) in [
        (
            &["report"][..],
            format!("midoctor: a file in {place} cannot be written: this user may not write there; -f FILE writes it elsewhere\n"),
        ),
        (
            &["report", "-f", "a.zip"],
            "midoctor: a.zip cannot be written: this user may not write there; name another file, or run as another user\n".into(),
        ),
        (
            &["-o", "json=a.json"],
            "midoctor: a.json cannot be written: this user may not write there; name another file, or run as another user\n".into(),
        ),
    ] {
        let output = run(&[("LANG", "C.UTF-8")], arguments);
        assert_eq!((output.status.code(), text(&output.stdout), text(&output.stderr)), (Some(2), "", said.as_str()));
    }
    assert_eq!(simulator.log(), asked, "nothing was asked before it was known that it can be written");
}

/// The path of a program of the machine.
fn find(program: &str) -> String {
    let found = Command::new("sh").args(["-c", "command -v \"$0\"", program]).output().unwrap();
    text(&found.stdout).trim().to_owned()
}

/// A root that holds the program and the libraries that it is linked with, and nothing else.
fn bare_root() -> PathBuf {
    let root = std::env::temp_dir().join("bare");
    fs::create_dir(&root).unwrap();
    fs::copy(PROGRAM, root.join("midoctor")).unwrap();
    let linked = Command::new("ldd").arg(PROGRAM).output().unwrap();
    for library in text(&linked.stdout).split_whitespace().filter(|word| word.starts_with('/')) {
        let copy = root.join(library.trim_start_matches('/'));
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(library, copy).unwrap();
    }
    root
}

/// Runs the program there as the first process, with this environment alone.
fn first_process(root: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(find("unshare"));
    command.args(["--pid", "--fork", "--root"]).arg(root).arg("/midoctor").args(arguments);
    command.env_clear().envs(environment.iter().copied()).stdin(Stdio::null()).output().unwrap()
}

fn container() {
    let simulator = Simulator::start("healthy", &[]);
    let root = bare_root();
    let entries = || {
        let mut names: Vec<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = entries();
    // Nothing tells it of any name.
    let bare = report(&first_process(&root, &[], &["-o", "json"]));
    assert_eq!((&bare["exit_code"], codes(&bare)), (&Value::from(1), vec!["dns-failure"]), "{bare:#}");
    let said = first_process(&root, &[], &[]);
    assert!(
        said.stdout.is_ascii() && text(&said.stdout).contains("\nUNHEALTHY  dns-failure: "),
        "{}",
        text(&said.stdout)
    );
    assert_eq!(entries(), before, "it left something behind");
    // Names, and the mark of Docker, but no certificates.
    fs::create_dir(root.join("etc")).unwrap();
    fs::write(root.join("etc/hosts"), "127.0.0.1 management.azure.com\n").unwrap();
    fs::write(root.join("etc/nsswitch.conf"), "hosts: files\n").unwrap();
    fs::write(root.join(".dockerenv"), "").unwrap();
    let rootless = report(&first_process(&root, &[], &["-o", "json"]));
    assert_eq!(codes(&rootless), ["tls-intercepted"], "{rootless:#}");
    let found = rootless["checks"].as_array().unwrap().iter().find(|check| check["id"] == "arm").unwrap();
    let seen = found["findings"][0]["seen"].as_str().unwrap();
    assert!(seen.contains(": this machine has no root certificates; "), "{seen}");
    let steps = found["findings"][0]["remedy"]["steps"].to_string();
    assert!(
        steps.contains("This machine has no root certificates: install or update the package `ca-certificates`"),
        "{steps}"
    );
    // With certificates it is as healthy as anywhere.
    fs::copy(simulator.authority(), root.join("ca.pem")).unwrap();
    let told = TOLD.map(|name| (name, "/ca.pem"));
    let output = first_process(&root, &told, &["-o", "json"]);
    let healthy = report(&output);
    assert_eq!((output.status.code(), codes(&healthy)), (Some(0), Vec::new()), "{healthy:#}");
    // Whatever it cannot write, it says so.
    let output = first_process(&root, &told, &["-o", "json=/nowhere/a.json"]);
    let said =
        "midoctor: /nowhere/a.json cannot be written: there is no such directory; name a file in one that exists\n";
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(2), said));
    let output = first_process(&root, &told, &["explain", "role-missing"]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    assert!(output.stdout.is_ascii());
}

fn read_only() {
    let simulator = Simulator::start("healthy", &[]);
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    fs::write(folder.path().join("summary.md"), "").unwrap();
    place::run("mount", &["--bind", place, place]);
    place::run("mount", &["-o", "remount,bind,ro", place]);
    let run = |arguments: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).current_dir(place).env_clear().env("LANG", "C.UTF-8").stdin(Stdio::null());
        command.env("GITHUB_STEP_SUMMARY", format!("{place}/summary.md")).env("TMPDIR", place);
        command.envs(TOLD.map(|name| (name, simulator.authority()))).output().unwrap()
    };
    let output = run(&["-o", "json"]);
    assert_eq!((output.status.code(), codes(&report(&output))), (Some(0), Vec::new()));
    let why = "the file system is read-only";
    for (arguments, said) in [
        (&["-o", "json=a.json"][..], format!("a.json cannot be written: {why}; name a file on another")),
        (&["-o", "ndjson=a.ndjson"], format!("a.ndjson cannot be written: {why}; name a file on another")),
        (&["report", "-f", "a.zip"], format!("a.zip cannot be written: {why}; name a file on another")),
        (&["report"], format!("a file in {place} cannot be written: {why}; -f FILE writes it elsewhere")),
        (
            &["report", "--redact", "ids"],
            format!("a file in {place} cannot be written: {why}; -f FILE writes it elsewhere"),
        ),
    ] {
        let output = run(arguments);
        let expected = format!("midoctor: {said}\n");
        assert_eq!(
            (output.status.code(), text(&output.stdout), text(&output.stderr)),
            (Some(2), "", expected.as_str())
        );
    }
    let output = run(&["-o", "github"]);
    let said = format!(
        "midoctor: the step's summary is left as it is: {place}/summary.md cannot be written: {why}; name a file on another\n"
    );
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), said.as_str()));
    let output = run(&["report", "--dry-run"]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
}

fn no_names() {
    let simulator = Simulator::start("healthy", &[]);
    place::private("/etc/hosts", "");
    let ran = simulator::examine(&mut simulator::check(Some(&simulator.authority()), &[]));
    ran.assert_end(1, "unhealthy", "dns-failure");
    assert_eq!((&ran.check("metadata")["status"], &ran.check("retired")["status"]), (&"pass".into(), &"pass".into()));
}

fn no_ipv4() {
    place::take_metadata_away();
    place::run("ip", &["-4", "address", "flush", "dev", "lo"]);
    silent("no network interface but loopback has an address");
}

fn no_loopback() {
    place::take_metadata_away();
    place::run("ip", &["link", "set", "lo", "down"]);
    silent("no network interface but loopback has an address");
}

/// The metadata service cannot be reached, for this reason, and nothing else is claimed.
fn silent(reason: &str) {
    let ran = simulator::examine(&mut simulator::check(None, &[]));
    ran.assert_end(1, "unhealthy", "imds-timeout");
    assert_eq!(codes(&ran.report), ["imds-timeout"], "{}", ran.text);
    let seen = ran.check("metadata")["findings"][0]["seen"].as_str().unwrap();
    assert!(seen.contains("this machine's own network does not let it out. ") && seen.contains(reason), "{seen}");
}
