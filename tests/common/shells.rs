//! Real shells for lines that are meant to be pasted: what they would run, and with which words.

#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use std::process::{Command, Stdio};

/// The shells that are at hand: bash, and dash or else what this machine has for sh.
pub fn shells() -> Vec<&'static str> {
    let is_there = |shell: &&str| Command::new(shell).args(["-c", ":"]).status().is_ok_and(|status| status.success());
    let plain = if is_there(&"dash") { "dash" } else { "sh" };
    [plain, "bash"].into_iter().filter(is_there).collect()
}

/// The programs that lines of pages call, and those that attacks would like to; functions that write down their words stand in
/// their place, and no other program is found. `seen` shows what a line exported.
const PROGRAMS: [&str; 13] =
    ["az", "getent", "grep", "ip", "resolvectl", "curl", "openssl", "sudo", "midoctor", "touch", "calc", "id", "seen"];

/// Pastes each line into a shell of its own kind, one after the other in a folder with one file, and returns what each ran: the
/// words of each program, its name first, in the order of the alphabet. Nothing else may happen: no word on standard error, no file made.
pub fn paste(shell: &str, lines: &[String]) -> Vec<Vec<Vec<String>>> {
    let folder = tempfile::tempdir().unwrap();
    let work = folder.path().join("work");
    std::fs::create_dir(&work).unwrap();
    std::fs::write(work.join("a"), "").unwrap();
    let log = folder.path().join("log");
    // What a person's shell does with an exclamation mark, bash does in a script if told to.
    let mut script = if shell == "bash" { "set -o history\nset -o histexpand\n".to_owned() } else { String::new() };
    // One write for each call, as the programs of a pipe run side by side.
    for program in PROGRAMS {
        script.push_str(&format!("{program}() {{ printf '%s\\0' {program} \"$@\" '\u{1}' >> \"$LOG\"; }}\n"));
    }
    for line in lines {
        script.push_str(line);
        // The end of a line, and what it exported.
        script
            .push_str("\nseen NO_PROXY \"$NO_PROXY\" \"$no_proxy\" \"$REQUESTS_CA_BUNDLE\" \"$NODE_EXTRA_CA_CERTS\"\n");
        script.push_str("NO_PROXY= no_proxy= REQUESTS_CA_BUNDLE= NODE_EXTRA_CA_CERTS=\n");
    }
    let path = folder.path().join("script");
    std::fs::write(&path, script).unwrap();
    let whole = Command::new("sh").args(["-c", "command -v \"$0\"", shell]).output().unwrap();
    let whole = String::from_utf8(whole.stdout).unwrap();
    let ran = Command::new(whole.trim_end())
        .arg(&path)
        .env_clear()
        .envs([("PATH", folder.path()), ("LOG", &*log), ("HOME", &*work)])
        .current_dir(&work)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&ran.stderr);
    // bash would print a line in which it replaced an exclamation mark.
    assert_eq!((&*stderr, &*ran.stdout, ran.status.code()), ("", &b""[..], Some(0)), "{shell}: {lines:#?}");
    let files: Vec<_> = std::fs::read_dir(&work).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(files, ["a"], "{shell}: {lines:#?}");
    let log = String::from_utf8(std::fs::read(&log).unwrap_or_default()).unwrap();
    let mut words: Vec<String> = log.split('\0').map(str::to_owned).collect();
    assert_eq!(words.pop().as_deref(), Some(""));
    let calls = words.split(|word| word == "\u{1}").map(<[String]>::to_vec).filter(|call| !call.is_empty());
    let mut ran = vec![Vec::new()];
    for call in calls {
        let ends = call[0] == "seen";
        let of_line: &mut Vec<Vec<String>> = ran.last_mut().unwrap();
        of_line.push(call);
        if ends {
            of_line.sort();
            ran.push(Vec::new());
        }
    }
    assert_eq!(ran.pop(), Some(Vec::new()));
    assert_eq!(ran.len(), lines.len(), "{shell}: a line took others along: {lines:#?}");
    ran
}
