//! Odd surroundings: standard streams that are closed, no environment or a huge one, directories that are gone or may not be
//! written, limits, odd arguments. It still runs, and says what is true. What needs a namespace is in tests/network.

#![cfg(all(feature = "simulator", feature = "archives"))]
#![cfg(target_os = "linux")]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::{Ran, midoctor, ran, run};

const PROGRAM: &str = env!("CARGO_BIN_EXE_midoctor");
const HEALTHY: &str = "HEALTHY: 12 passed, 1 skipped (vm-doctor-01)\n";
const MISSING: &str = "UNHEALTHY role-missing: The identity holds no role that lets it read this VM.\n";

/// Runs a line of a POSIX shell, where `$0` is the program, with nothing in the environment.
fn shell(line: &str, folder: &Path) -> Ran {
    ran(Command::new("sh").args(["-c", line, PROGRAM]).current_dir(folder).env_clear().stdin(Stdio::null()))
}

fn end(ran: &Ran) -> (i32, &str, &str) {
    (ran.code.unwrap(), &ran.stdout, &ran.stderr)
}

#[test]
fn streams_that_are_closed_change_no_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    for (line, code, stdout, stderr) in [
        ("exec \"$0\" demo healthy -o line <&-", 0, HEALTHY, ""),
        ("exec \"$0\" demo role-missing -o line <&-", 1, MISSING, ""),
        ("exec \"$0\" demo role-missing -o line >&-", 1, "", ""),
        ("exec \"$0\" demo role-missing -o line 2>&-", 1, MISSING, ""),
        ("exec \"$0\" demo role-missing -o line <&- >&- 2>&-", 1, "", ""),
        ("exec \"$0\" demo nosuch <&- >&- 2>&-", 2, "", ""),
        ("exec \"$0\" --nosuch 2>&-", 2, "", ""),
        ("exec \"$0\" explain role-missing >&-", 0, "", ""),
        ("exec \"$0\" --help >&- 2>&-", 0, "", ""),
    ] {
        assert_eq!(end(&shell(line, folder.path())), (code, stdout, stderr), "{line}");
    }
    // The number of a closed stream is not given to a file that is written.
    let ran = shell("exec \"$0\" demo role-missing -o line -o json=a.json <&- >&- 2>&-", folder.path());
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("a.json")).unwrap()).unwrap();
    assert_eq!((ran.code, report["root_cause"].as_str()), (Some(1), Some("role-missing")));
}

#[test]
fn a_closed_standard_input_holds_nothing_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = "There is no text to explain: what was read is empty. Run midoctor on the VM: it sees for itself.\n";
    assert_eq!(end(&shell("exec \"$0\" explain - <&-", folder.path())), (3, nothing, ""));
    let empty = "midoctor: standard input is empty; what wrote it may have failed, or found the disk full\n";
    assert_eq!(end(&shell("exec \"$0\" report show - <&-", folder.path())), (2, "", empty));
    assert_eq!(end(&shell("exec \"$0\" check --from - <&-", folder.path())), (2, "", empty));
    let directory = "midoctor: standard input cannot be read: it is a directory; name a file in it\n";
    assert_eq!(end(&shell("exec \"$0\" explain - </", folder.path())), (2, "", directory));
}

#[test]
fn a_full_or_foreign_environment_decides_nothing() {
    let healthy = |change: &dyn Fn(&mut Command)| {
        let mut command = midoctor(&["demo", "healthy", "-o", "line"]);
        command.env_clear();
        change(&mut command);
        assert_eq!(end(&ran(&mut command)), (0, HEALTHY, ""), "{command:?}");
    };
    let set = |name: &'static str, value: &'static [u8]| {
        healthy(&|command| {
            command.env(OsStr::from_bytes(name.as_bytes()), OsStr::from_bytes(value));
        });
    };
    healthy(&|_| ());
    set("HOME", b"/nonexistent");
    set("HOME", b"");
    set("TMPDIR", b"/nonexistent");
    set("TMPDIR", b"/dev/null");
    set("TZ", b":/nonsense");
    set("TZ", b"/etc/passwd");
    set("TZ", b"Pacific/Kiritimati");
    set("LC_ALL", b"tr_TR");
    set("LANG", b"\xff\xfe");
    set("COLUMNS", b"\xff");
    set("TERM", b"\xff");
    set("PAGER", b"/nonexistent");
    set("RUST_LOG", b"trace");
    set("PATH", b"");
    healthy(&|command| {
        // Nearly all that Linux lets a program have.
        for number in 0..12 {
            command.env(format!("VARIABLE_{number}"), "x".repeat(120_000));
        }
    });
}

#[test]
fn no_time_zone_changes_what_is_told() {
    let told = |zone: &str| {
        let ran = ran(midoctor(&["demo", "clock-skewed", "-o", "json"]).env("TZ", zone));
        let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        report["run"]["started"].as_str().unwrap().to_owned()
    };
    for zone in ["UTC", "Pacific/Kiritimati", ":/nonsense"] {
        let (time, now) = (told(zone), std::time::SystemTime::now());
        let time = std::time::SystemTime::from(time.parse::<jiff::Timestamp>().unwrap());
        let apart = now.duration_since(time).unwrap_or_else(|early| early.duration());
        // The scenario's own clock is twenty minutes wrong; a zone would be hours.
        assert!(apart.as_secs() < 3_000, "{zone}: {apart:?}");
    }
}

#[test]
fn arguments_in_no_known_encoding_are_refused_in_words() {
    let refused = |arguments: &[&[u8]]| {
        let mut command = midoctor(&[]);
        command.args(arguments.iter().map(|one| OsStr::from_bytes(one)));
        let ran = ran(&mut command);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{command:?}");
        ran.stderr
    };
    let said = "midoctor: an argument is not UTF-8; pipe a text of another encoding to midoctor explain -, and give a file of \
                such a name another\n";
    for arguments in [
        &[b"explain".as_slice(), b"gr\xfc\xdfe aus"][..],
        &[b"--identity", b"\xff"],
        &[b"demo", b"healthy", b"-o", b"json=\xff.json"],
    ] {
        assert_eq!(refused(arguments), said);
    }
    let long = "x".repeat(120_000);
    let said =
        format!("midoctor: “{}…” is neither a check nor a code; midoctor explain lists them all\n", "x".repeat(80));
    assert_eq!(refused(&[b"explain", long.as_bytes()]), said);
}

#[test]
fn a_text_in_another_encoding_is_explained_from_standard_input() {
    let folder = tempfile::tempdir().unwrap();
    let line = "printf '\\374ber: {\"error\":\"invalid_request\",\"error_description\":\"Identity not found\"}\\n\\377' | \"$0\" explain -";
    let ran = shell(line, folder.path());
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert!(ran.stdout.starts_with("identity-none  "), "{}", ran.stdout);
}

#[test]
fn a_directory_that_is_gone_is_named_as_that() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    run(&["demo", "healthy", "-o", &format!("json={}", report.display())]);
    let gone = |arguments: &str| {
        let line = format!("mkdir gone && cd gone && rmdir ../gone && exec \"$0\" {arguments}");
        shell(&line, folder.path())
    };
    assert_eq!(end(&gone("demo healthy -o line")), (0, HEALTHY, ""));
    let said = "midoctor: x.json cannot be written: there is no such directory; name a file in one that exists\n";
    assert_eq!(end(&gone("demo healthy -o json=x.json")), (2, "", said));
    let said = "midoctor: a file in the current directory, which is gone, cannot be written: there is no such directory; \
                -f FILE writes it elsewhere\n";
    assert_eq!(end(&gone(&format!("report redact {}", report.display()))), (2, "", said));
}

#[test]
fn files_are_for_their_owner_to_write_whatever_the_umask() {
    let folder = tempfile::tempdir().unwrap();
    for (umask, mode) in [("000", 0o644), ("022", 0o644), ("027", 0o640), ("077", 0o600)] {
        let line = format!(
            "umask {umask}; \"$0\" demo healthy -o json=a.json && \"$0\" demo healthy -o ndjson=a.ndjson && \
             \"$0\" report redact a.json --redact ids -f a.zip >/dev/null && \"$0\" report redact a.json >/dev/null"
        );
        assert_eq!(end(&shell(&line, folder.path())), (0, "", ""), "{umask}");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            let private = path.extension().unwrap() == "json" && path.to_string_lossy().contains(".map.");
            let expected = if private { 0o600 } else { mode };
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, expected, "{umask} {}", path.display());
            std::fs::remove_file(path).unwrap();
            seen += 1;
        }
        assert_eq!(seen, 5, "{umask}");
    }
}

#[test]
fn few_files_and_little_memory_are_enough() {
    let folder = tempfile::tempdir().unwrap();
    for limits in ["ulimit -n 16", "ulimit -n 8", "ulimit -v 300000", "ulimit -s 256", "ulimit -c 0; ulimit -n 8"] {
        let ran = shell(&format!("{limits}; exec \"$0\" demo healthy -o line"), folder.path());
        assert_eq!(end(&ran), (0, HEALTHY, ""), "{limits}");
        let ran = shell(&format!("{limits}; exec \"$0\" demo role-missing -o line"), folder.path());
        assert_eq!(end(&ran), (1, MISSING, ""), "{limits}");
    }
}

#[test]
fn nohup_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ran = shell("PATH=/usr/bin:/bin; exec nohup \"$0\" demo role-missing -o line", folder.path());
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), MISSING));
}

#[test]
fn a_summary_that_cannot_be_written_fails_no_step() {
    for (file, why) in [
        ("/nonexistent/summary", "there is no such directory; name a file in one that exists"),
        ("/proc/summary", "there is no such directory; name a file in one that exists"),
    ] {
        let mut command = midoctor(&["demo", "healthy", "-o", "github"]);
        let ran = ran(command.env("GITHUB_STEP_SUMMARY", file));
        let said = format!("midoctor: the step's summary is left as it is: {file} cannot be written: {why}\n");
        assert_eq!((ran.code, ran.stderr), (Some(0), said), "{file}");
    }
}
