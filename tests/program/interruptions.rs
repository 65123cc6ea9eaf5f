//! What can end a run from outside, at the built program: signals, readers that go away, disks that are full, faults of its own. What
//! needs real addresses is in the network suite.

#![cfg(all(feature = "simulator", feature = "archives"))]
#![cfg(target_os = "linux")]

use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use crate::common::{midoctor, run};
use crate::patience::until;

fn send(signal: &str, child: &Child) {
    assert!(Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap().success());
}

/// Started, and ready for signals.
fn started(command: &mut Command) -> Child {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("it listens to signals", || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap();
        // SIGTERM is the fifteenth.
        u64::from_str_radix(caught.trim(), 16).unwrap() & 1 << 14 != 0
    });
    child
}

/// Its end, which is to come within half a minute.
fn ended(mut child: Child) -> Output {
    until("it ends", || child.try_wait().unwrap().is_some());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn entries(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// A report in a file of this folder.
fn saved(folder: &Path) -> String {
    let file = folder.join("saved.json").display().to_string();
    assert_eq!(run(&["demo", "role-missing", "-o", &format!("json={file}")]).code, Some(1));
    file
}

/// Each command that prints, and how it ends.
fn commands(report: &str) -> Vec<(Vec<&str>, i32)> {
    vec![
        (vec!["demo"], 0),
        (vec!["demo", "role-missing"], 1),
        (vec!["demo", "role-missing", "-o", "json"], 1),
        (vec!["demo", "healthy", "-o", "html"], 0),
        (vec!["explain"], 0),
        (vec!["explain", "role-missing"], 0),
        (vec!["explain", "AADSTS700016: Application with identifier was not found"], 0),
        (vec!["generate", "schema"], 0),
        (vec!["report", "show", report], 1),
        (vec!["report", "diff", report, report], 1),
        (vec!["report", "redact", report, "--dry-run"], 1),
        (vec!["fleet", report], 1),
        (vec!["fleet", report, "-o", "html"], 1),
        (vec!["check", "--from", report], 1),
        (vec!["check", "--sources"], 0),
        (vec!["--help"], 0),
        (vec!["--version"], 0),
    ]
}

#[test]
fn a_reader_that_has_gone_away_is_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let report = saved(folder.path());
    for (arguments, code) in commands(&report) {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let gone = midoctor(&arguments).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!((gone.status.code(), text(&gone.stderr)), (Some(code), ""), "{arguments:?}");
        // Standard output is closed from the beginning, and so is standard error.
        for closed in [">&-", ">&- 2>&-", "2>&-"] {
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("exec \"$0\" \"$@\" {closed}"), env!("CARGO_BIN_EXE_midoctor")]);
            let ran = shell.args(&arguments).env_clear().env("LANG", "C.UTF-8").stdin(Stdio::null()).output().unwrap();
            assert_eq!((ran.status.code(), text(&ran.stderr)), (Some(code), ""), "{arguments:?} {closed}");
        }
    }
}

#[test]
fn a_full_disk_behind_standard_output_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let report = saved(folder.path());
    let told = "midoctor: standard output cannot be written: No space left on device (os error 28)\n";
    for (arguments, _) in commands(&report) {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let ran = midoctor(&arguments).stdout(full).stderr(Stdio::piped()).output().unwrap();
        assert_eq!((ran.status.code(), text(&ran.stderr)), (Some(2), told), "{arguments:?}");
    }
}

#[test]
fn a_signal_ends_at_once_what_examines_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    fifo(&pipe);
    let blocked = format!("json={}", pipe.display());
    let report = saved(folder.path());
    for arguments in [
        &["explain", "-"][..],
        &["fleet", "-"],
        &["simulate", "healthy", "--listen", "127.0.0.1:0", "--listen-arm", "127.0.0.1:0"],
        // Nobody reads from the pipe, so that it cannot even be opened.
        &["report", "show", &report, "-o", &blocked],
        &["demo", "healthy", "-o", &blocked],
    ] {
        for (signal, code) in [("INT", 130), ("TERM", 143)] {
            // What it reads from never ends.
            let child = started(midoctor(arguments).current_dir(&folder).stdin(Stdio::piped()));
            send(signal, &child);
            let output = ended(child);
            assert_eq!((output.status.code(), text(&output.stderr)), (Some(code), ""), "{arguments:?} {signal}");
        }
    }
    assert_eq!(entries(folder.path()), ["pipe", "saved.json"]);
}

#[test]
fn a_lock_that_is_never_given_back_keeps_nobody_from_ending_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.ndjson");
    std::fs::write(&file, "{}\n").unwrap();
    let held = File::options().append(true).open(&file).unwrap();
    held.lock().unwrap();
    for (signals, code, told) in [
        (&["INT", "INT"][..], 130, ""),
        (&["INT", "TERM"], 143, ""),
        (
            &["TERM"],
            143,
            "midoctor: ended by SIGTERM; what was known could not be written within 5 seconds, because an output does not take \
             it\n",
        ),
    ] {
        let child = started(&mut midoctor(&["demo", "role-missing", "-o", &format!("ndjson={}", file.display())]));
        let waits = format!(" {} ", child.id());
        until("it waits for the lock", || {
            let locks = std::fs::read_to_string("/proc/locks").unwrap();
            locks.lines().any(|line| line.contains("-> FLOCK") && line.contains(&waits))
        });
        for signal in signals {
            send(signal, &child);
            // Two at once would be one.
            std::thread::sleep(Duration::from_millis(200));
        }
        let output = ended(child);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(code), told), "{signals:?}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "{}\n");
        assert_eq!(entries(folder.path()), ["rows.ndjson"]);
    }
}

#[test]
fn what_a_shell_runs_in_the_background_is_not_ended_by_ctrl_c() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' INT; exec \"$0\" explain -", env!("CARGO_BIN_EXE_midoctor")]);
    let child = started(shell.env_clear().stdin(Stdio::piped()));
    send("INT", &child);
    std::thread::sleep(Duration::from_millis(200));
    send("TERM", &child);
    assert_eq!(ended(child).status.code(), Some(143));
}

#[test]
fn no_core_is_written() {
    let folder = tempfile::tempdir().unwrap();
    // This machine writes cores for programs that crash, or hands them on; else there is no more to be seen than the limit.
    let unlimited = "ulimit -c unlimited 2>/dev/null || ulimit -c $(ulimit -H -c); ";
    let crash = |script: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", &(unlimited.to_owned() + script), env!("CARGO_BIN_EXE_midoctor")]);
        shell.env_clear().current_dir(&folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        shell
    };
    let other = ended(crash("kill -SEGV $$").spawn().unwrap()).status;
    assert_eq!(other.signal(), Some(11));
    let left = entries(folder.path());
    for signal in [6, 3] {
        let child = started(&mut crash("exec \"$0\" explain -"));
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
        let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().collect::<Vec<_>>(), ["0", "0", "bytes"]);
        send(&signal.to_string(), &child);
        let status = ended(child).status;
        assert_eq!((status.signal(), status.core_dumped()), (Some(signal), false), "another: {other:?}");
    }
    assert_eq!(entries(folder.path()), left, "another program's core at most");
}

#[test]
fn a_file_that_may_not_grow_is_an_error_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("r.json"), "old").unwrap();
    // In blocks of 1024 or 512 bytes, as the shell has it: less than the report in any case.
    let line = format!("ulimit -f 4; exec {} demo role-missing -o json=r.json", env!("CARGO_BIN_EXE_midoctor"));
    let mut shell = Command::new("sh");
    shell.args(["-c", &line]).current_dir(folder.path()).env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
    let ran = shell.output().unwrap();
    let named = folder.path().canonicalize().unwrap().join("r.json").display().to_string();
    let said =
        format!("midoctor: {named} cannot be written: no file may be so large here (ulimit -f); raise the limit\n");
    assert_eq!((ran.status.code(), text(&ran.stdout), text(&ran.stderr)), (Some(2), "", said.as_str()));
    assert_eq!(entries(folder.path()), ["r.json"]);
    assert_eq!(std::fs::read_to_string(folder.path().join("r.json")).unwrap(), "old");
}

#[test]
fn a_step_summary_that_is_a_pipe_holds_up_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("summary");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let ran = ended(
        midoctor(&["demo", "healthy", "-o", "github"])
            .env("GITHUB_STEP_SUMMARY", &pipe)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let said = "midoctor: the step's summary is left as it is: it is no regular file\n";
    assert_eq!((ran.status.code(), text(&ran.stderr)), (Some(0), said));
}
