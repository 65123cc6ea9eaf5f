//! Where there is little room: full disks, file systems that are read-only, no threads to be had, and two runs at once.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::namespace::Case;
use crate::namespace::place::{empty, run};
use crate::namespace::simulator::{PROGRAM, Simulator, TOLD};

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("a disk that is full", full_disk),
        Case::new("a file system that is read-only", read_only),
        Case::new("no threads to be had", no_threads).with_all_users(),
        Case::new("two runs at once", two_at_once),
    ]
}

fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).current_dir(folder).env_clear().env("LANG", "C.UTF-8").stdin(Stdio::null());
    command
}

fn midoctor(folder: &Path, arguments: &[&str]) -> Output {
    program(folder, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn entries(folder: &Path) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// A saved report outside of the narrow place.
fn saved() -> PathBuf {
    let file = std::env::temp_dir().join("saved.json");
    let to = format!("json={}", file.display());
    assert_eq!(midoctor(&std::env::temp_dir(), &["demo", "role-missing", "-o", &to]).status.code(), Some(1));
    file
}

/// Every way in which a file is written, in the current directory.
fn writing(report: &str) -> Vec<(Vec<&str>, &'static str)> {
    vec![
        (vec!["demo", "role-missing", "-o", "json=old.json"], "old.json"),
        (vec!["demo", "role-missing", "-o", "html=new.html"], "new.html"),
        (vec!["demo", "role-missing", "-o", "ndjson=rows.ndjson"], "rows.ndjson"),
        (vec!["fleet", report, "-o", "html=old.json"], "old.json"),
        (vec!["report", "redact", report, "-f", "old.json"], "old.json"),
        (vec!["report", "redact", report, "-f", "a.zip", "--redact", "ids"], "a.zip"),
        (vec!["report", "redact", report, "--redact", "ids"], "…"),
        (
            vec!["simulate", "healthy", "--listen", "127.0.0.1:0", "--listen-arm", "127.0.0.1:0", "--ca", "old.json"],
            "old.json",
        ),
    ]
}

/// What is there is there afterwards, byte by byte, and nothing else.
fn refused(folder: &Path, why: &str) {
    let report = saved();
    let before: Vec<(String, Vec<u8>)> =
        entries(folder).into_iter().map(|name| (name.clone(), fs::read(folder.join(name)).unwrap())).collect();
    for (arguments, name) in writing(report.to_str().unwrap()) {
        let ran = midoctor(folder, &arguments);
        assert_eq!((ran.status.code(), text(&ran.stdout)), (Some(2), ""), "{arguments:?}: {}", text(&ran.stderr));
        let line = text(&ran.stderr);
        // Files that are there are named without links and detours.
        let named = [name.to_owned(), folder.join(name).display().to_string()];
        let told = named.iter().any(|name| line == format!("midoctor: {name} cannot be written: {why}\n"));
        // What is beside it is the first that is written.
        let reason = why.split(';').next().unwrap();
        let there = format!(
            "midoctor: a file in {} cannot be written: {reason}; -f FILE writes it elsewhere\n",
            folder.display()
        );
        let beside = arguments.contains(&"ids") && line == there;
        assert!(told || beside, "{arguments:?}: {line}");
        let after: Vec<(String, Vec<u8>)> =
            entries(folder).into_iter().map(|name| (name.clone(), fs::read(folder.join(name)).unwrap())).collect();
        assert!(before == after, "{arguments:?}: {:?}", entries(folder));
    }
}

/// Lines that nearly fill a page.
fn rows() -> String {
    format!("{{\"old\":\"{}\"}}\n", "x".repeat(4000))
}

/// A place of a few pages, with a report, a file of lines and something that takes what is left.
fn narrow(pages_left: usize) -> PathBuf {
    let folder = PathBuf::from("/mnt");
    run("mount", &["-t", "tmpfs", "-o", "size=256k", "tmpfs", "/mnt"]);
    fs::write(folder.join("old.json"), "old\n").unwrap();
    // Its page has room for the beginning of another line, and none for the rest.
    fs::write(folder.join("rows.ndjson"), rows()).unwrap();
    let mut filler = fs::File::create(folder.join("filler")).unwrap();
    while filler.write_all(&[b'x'; 4096]).is_ok() {}
    let length = filler.metadata().unwrap().len();
    filler.set_len(length - 4096 * pages_left as u64).unwrap();
    folder
}

fn full_disk() {
    let why = "the disk is full; make room, or name another";
    let folder = narrow(0);
    refused(&folder, why);
    run("umount", &["/mnt"]);
    // The authority of the simulator has little to say.
    let folder = narrow(1);
    let (report, to) = (saved(), folder.join("old.json"));
    for arguments in [
        vec!["demo", "role-missing", "-o", "json=old.json"],
        vec!["fleet", report.to_str().unwrap(), "-o", "html=old.json"],
        vec!["report", "redact", report.to_str().unwrap(), "-f", "old.json"],
        vec!["report", "redact", report.to_str().unwrap(), "--redact", "ids"],
    ] {
        let ran = midoctor(&folder, &arguments);
        assert_eq!((ran.status.code(), text(&ran.stdout)), (Some(2), ""), "{arguments:?}");
        let named = !arguments.contains(&"ids");
        let why = if named { why } else { "the disk is full; -f FILE writes it elsewhere" };
        assert!(text(&ran.stderr).ends_with(&format!(" cannot be written: {why}\n")), "{}", text(&ran.stderr));
        assert_eq!(fs::read_to_string(&to).unwrap(), "old\n", "{arguments:?}");
        assert_eq!(fs::read_to_string(folder.join("rows.ndjson")).unwrap(), rows(), "{arguments:?}");
        assert_eq!(entries(&folder), ["filler", "old.json", "rows.ndjson"], "{arguments:?}");
    }
}

fn read_only() {
    empty("/mnt");
    fs::write("/mnt/old.json", "old\n").unwrap();
    fs::write("/mnt/rows.ndjson", "{}\n").unwrap();
    run("mount", &["-o", "remount,ro", "/mnt"]);
    refused(Path::new("/mnt"), "the file system is read-only; name a file on another");
}

/// A user who may have no more threads: what would be done by several is done by one.
fn no_threads() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let program = folder.path().join("midoctor");
    fs::copy(PROGRAM, &program).unwrap();
    let report = saved();
    fs::set_permissions(&report, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let reports = folder.path().join("saved.json");
    fs::copy(&report, &reports).unwrap();
    let limited = |arguments: &[&str]| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65533", "--regid=65533", "--clear-groups", "prlimit", "--nproc=1"]).arg(&program);
        command.args(arguments).env("LANG", "C.UTF-8").current_dir(&folder).stdin(Stdio::null());
        command.output().unwrap()
    };
    // Somebody else of that user is there, so that even the first thread is one too many.
    let mut other = Command::new("setpriv");
    let mut other = other.args(["--reuid=65533", "--regid=65533", "--clear-groups", "sleep", "1000"]).spawn().unwrap();
    for (arguments, code) in [
        (&["demo", "role-missing", "-o", "line"][..], 1),
        (&["check", "-o", "line", "--timeout", "2s", "--deadline", "9s"], 1),
        (&["fleet", "saved.json"], 1),
        (&["report", "show", "saved.json", "-o", "line"], 1),
        (&["explain", "role-missing"], 0),
    ] {
        let ran = limited(arguments);
        assert_eq!((ran.status.code(), text(&ran.stderr)), (Some(code), ""), "{arguments:?}");
        assert!(!ran.stdout.is_empty(), "{arguments:?}");
    }
    other.kill().unwrap();
    other.wait().unwrap();
}

fn two_at_once() {
    let simulator = Simulator::start("role-missing", &[]);
    let folder = tempfile::tempdir().unwrap();
    let start = |arguments: &[&str]| {
        let mut command = program(folder.path(), arguments);
        command.envs(TOLD.map(|name| (name, simulator.authority())));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let both = |arguments: &[&str]| {
        let all = [start(arguments), start(arguments)].map(|child| child.wait_with_output().unwrap());
        for ran in &all {
            assert_eq!((ran.status.code(), text(&ran.stderr)), (Some(1), ""), "{arguments:?}");
        }
    };
    both(&["check", "-o", "json=all.json", "-o", "ndjson=rows.ndjson"]);
    let whole = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()["root_cause"] == "role-missing";
    assert!(whole(&fs::read_to_string(folder.path().join("all.json")).unwrap()));
    let rows = fs::read_to_string(folder.path().join("rows.ndjson")).unwrap();
    assert!(rows.lines().count() == 2 && rows.lines().all(whole), "{rows}");
    for name in ["all.json", "rows.ndjson"] {
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    // In the same second, most likely; in any case all are there, each with its map.
    for _ in 0..3 {
        both(&["report", "--redact", "ids"]);
    }
    let names = entries(folder.path());
    let archives: Vec<&String> = names.iter().filter(|name| name.ends_with(".zip")).collect();
    assert_eq!((archives.len(), names.len()), (6, 12), "{names:?}");
    for archive in archives {
        assert!(names.contains(&format!("{archive}.map.json")), "{names:?}");
        assert_eq!(midoctor(folder.path(), &["report", "show", archive, "-q"]).status.code(), Some(1));
    }
    // Two cannot listen at one address.
    let at = ["simulate", "healthy", "--listen", "169.254.169.254:80", "--listen-arm", "127.0.0.1:443"];
    let second = midoctor(folder.path(), &at);
    assert_eq!((second.status.code(), text(&second.stdout)), (Some(2), ""));
    let line = text(&second.stderr);
    assert!(
        line.starts_with("midoctor: the simulator cannot listen: cannot listen at ") && line.lines().count() == 1,
        "{line}"
    );
}
