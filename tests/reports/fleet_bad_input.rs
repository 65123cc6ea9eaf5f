//! What a fold does with what is no report: it is counted and named, and never stops the rest.

#![cfg(all(feature = "simulator", feature = "archives"))]

use std::io::Write;
use std::process::Stdio;

use crate::common::{midoctor, ran, refused, run};
use crate::fleet_rows::{Rows, Vm, write};
use serde_json::Value;

fn fold(arguments: &[&str]) -> Value {
    let ran = run(&[&["fleet"], arguments, &["-o", "json"]].concat());
    assert_eq!(ran.stderr, "", "{arguments:?}");
    serde_json::from_str(&ran.stdout).unwrap()
}

/// The last part of each file's name, its line, and why.
fn left(fleet: &Value, list: &str) -> Vec<String> {
    let file = |left: &Value| left["file"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let line = |left: &Value| left["line"].as_u64().map_or(String::new(), |line| format!(":{line}"));
    let all = fleet[list].as_array().unwrap().iter();
    all.map(|left| format!("{}{}: {}", file(left), line(left), left["why"].as_str().unwrap())).collect()
}

#[test]
fn a_broken_line_is_named_with_its_number_and_the_rest_is_folded() {
    let mut rows = Rows::default();
    let good = rows.line("healthy", Vm::new("web-1", "rg-web"), "20T10:00:00");
    let also = rows.line("healthy", Vm::new("web-2", "rg-web"), "20T10:00:00");
    let future = good.replace("midoctor.row/1", "midoctor.row/2");
    let mute = good.replace(r#""verdict":"healthy""#, r#""verdict":null"#);
    let odd = good.replace(r#""checks":["#, r#""checks":7,"x":["#);
    let half = &good[..300];
    let text = format!(
        "{good}Warning: added to known hosts\n\n{future}{half}\n{also}{mute}{odd}{{\"a\":}}\n{{}}\n\u{0}\u{1}\n{half}"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "rows", text);
    let fleet = fold(&[&file]);
    assert_eq!((fleet["reports"]["vms"].as_u64(), fleet["reports"]["broken"].as_u64()), (Some(2), Some(9)));
    let odd = left(&fleet, "broken");
    let expected = [
        "rows:2: it is no JSON object",
        "rows:4: midoctor.row/2 is from a newer midoctor; fold it with that",
        "rows:5: it ends in the middle",
        "rows:7: it has no verdict",
    ];
    assert_eq!(odd[..4], expected);
    assert!(odd[4].starts_with("rows:8: it is not as reports are, at column "), "{odd:?}");
    let expected = [
        "rows:9: it is not JSON, at column 6",
        "rows:10: it is JSON, and no report of midoctor",
        "rows:11: it is no JSON object",
        "rows:12: it ends in the middle",
    ];
    assert_eq!(odd[5..], expected);
}

#[cfg(unix)]
#[test]
fn a_directory_is_walked_through_and_what_is_no_report_is_named() {
    let mut rows = Rows::default();
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    write(at, "a/one.json", run(&["demo", "healthy", "-o", "json"]).stdout);
    write(at, "a/deep/two.ndjson", rows.line("healthy", Vm::new("web-2", "rg-web"), "20T10:00:00"));
    write(at, ".hidden/three.json", rows.line("healthy", Vm::new("web-3", "rg-web"), "20T10:00:00"));
    write(at, ".midoctor-x1", "half");
    write(at, "fleet.json", r#"{"schema":"midoctor.fleet/1"}"#);
    write(at, "notes.txt", "hello");
    write(at, "package.json", "{\"name\": \"x\",\n\"version\": 1}");
    write(at, "random", (0..40_000_u32).map(|n| (n * n % 251) as u8).collect::<Vec<u8>>());
    write(at, "large.log", format!("{{\"level\":\"info\"}}\n{}", "x".repeat(2 << 20)));
    write(at, "empty.json", "");
    write(at, "utf16.json", b"\xff\xfe{\0}\0");
    write(at, "packed.gz", b"\x1f\x8b\x08\0");
    let archive = midoctor::archive::pack(&[("report.json", b"{}".to_vec())]).unwrap();
    write(at, "cut.zip", &archive[..archive.len() / 2]);
    write(at, "other.zip", midoctor::archive::pack(&[("readme", Vec::new())]).unwrap());
    std::os::unix::fs::symlink(".", at.join("loop")).unwrap();
    std::os::unix::fs::symlink("nowhere", at.join("lost")).unwrap();
    std::os::unix::fs::symlink("a/one.json", at.join("twice.json")).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(at.join("pipe")).status();
    assert!(pipe.is_ok_and(|status| status.success()), "mkfifo is part of coreutils");
    let fleet = fold(&[at.to_str().unwrap()]);
    assert_eq!((fleet["reports"]["read"].as_u64(), fleet["reports"]["vms"].as_u64()), (Some(3), Some(2)));
    let expected = [
        "cut.zip: it is not a whole archive; copy it again",
        "empty.json: it is empty; what wrote it may have failed, or found the disk full",
        "utf16.json: it is UTF-16, as PowerShell's > writes; write it with -o json=FILE",
    ];
    assert_eq!(left(&fleet, "broken"), expected);
    let expected = [
        ".hidden: it is hidden",
        "fleet.json: it is a midoctor.fleet/1, and no report",
        "large.log: it is JSON, and does not begin with a report of midoctor",
        "loop: it is a link to a directory",
        "lost: it is a link that leads nowhere",
        "notes.txt: it is no JSON object",
        "other.zip: it is an archive without a report",
        "package.json: it is JSON, and no report of midoctor",
        "packed.gz: it is packed with gzip; unpack it",
        "pipe: it is no regular file",
        "random: it is no JSON object",
    ];
    assert_eq!(left(&fleet, "others"), expected);
}

#[test]
fn where_there_is_nothing_to_fold_it_says_so_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.json");
    let to = format!("json={}", out.display());
    let empty = folder.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let empty = empty.to_str().unwrap();
    let advice = "give files that midoctor -o json or -o ndjson wrote";
    assert_eq!(refused(&["fleet", empty, "-o", &to]), format!("midoctor: {empty}: there is no report in it; {advice}"));
    let notes = write(folder.path(), "empty/notes.txt", "hello");
    assert_eq!(
        refused(&["fleet", empty, "-o", &to]),
        format!(
            "midoctor: {empty}: there is no report in it, but 1 other file ({notes}: it is no JSON object); {advice}"
        )
    );
    assert_eq!(
        refused(&["fleet", &notes, "-o", &to]),
        format!("midoctor: {notes}: no report can be read; 1 is broken, such as {notes}:1: it is no JSON object")
    );
    let missing = format!("{empty}/missing");
    assert_eq!(
        refused(&["fleet", empty, &missing, "-o", &to]),
        format!("midoctor: {missing} cannot be read: there is no such file or directory; correct the path")
    );
    assert_eq!(
        refused(&["fleet", "-", "-", "-o", &to]),
        "midoctor: - stands for standard input, which can be read once; give it once"
    );
    assert!(!out.exists(), "something was written");
    assert_eq!(
        refused(&["fleet", &notes, "-o", &format!("html={empty}")]),
        format!("midoctor: {empty} is a directory; name a file in it")
    );
    assert_eq!(
        refused(&["fleet", &notes, "--since", empty]),
        format!("midoctor: --since {empty} is a directory; name the file that midoctor fleet -o json wrote")
    );
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_broken() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let good = write(folder.path(), "good.json", run(&["demo", "healthy", "-o", "json"]).stdout);
    let shut = write(folder.path(), "shut.json", "{}");
    std::fs::set_permissions(&shut, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::read(&shut).is_ok() {
        // Root reads everything.
        return;
    }
    let fleet = fold(&[&good, &shut]);
    let why = "shut.json: this user may not read it; run as another user, or copy it";
    assert_eq!(left(&fleet, "broken"), [why]);
}

/// Longer than any report, without a line end: passed over, and what stands behind it is folded.
#[test]
fn a_line_without_end_is_passed_over() {
    let good = Rows::default().line("healthy", Vm::new("web-1", "rg-web"), "20T10:00:00");
    let mut child =
        midoctor(&["fleet", "-", "-o", "json"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        pipe.write_all(good.as_bytes()).unwrap();
        pipe.write_all(b"{\"a\":\"").unwrap();
        let much = vec![b'x'; 1 << 20];
        for _ in 0..40 {
            pipe.write_all(&much).unwrap();
        }
        pipe.write_all(format!("\"}}\n{}", good.replace("web-1", "web-2")).as_bytes()).unwrap();
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let fleet: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(left(&fleet, "broken"), ["standard input:2: it has more than 32 MB, which is no report"]);
    assert_eq!(fleet["vms"][1]["source"], "standard input:3");
}

/// Read in many pieces, whose ends fall anywhere: nothing is lost, nothing is counted twice, and lines keep their numbers.
#[test]
fn large_files_of_printed_reports_and_rows_are_folded_whole() {
    let pretty = run(&["demo", "role-missing", "-o", "json"]).stdout;
    let mut rows = Rows::default();
    let row = rows.row("healthy", Vm::new("vm-to-be-named", "rg-web"), "20T10:00:00").to_string();
    let mut text = String::from("\u{feff}");
    let mut broken = Vec::new();
    for index in 0..150 {
        text += &pretty.replace("vm-doctor-01", &format!("pretty-{index:03}"));
        for part in 0..=index % 7 {
            text += &(row.replace("vm-to-be-named", &format!("row-{index:03}-{part}")) + "\r\n");
        }
        if index % 50 == 49 {
            broken.push(format!("large.json:{}: it ends in the middle", text.matches('\n').count() + 1));
            text += &format!("{}\n", &pretty[..pretty.len() - 3]);
        }
    }
    assert!(text.len() > 5 << 20);
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "large.json", text);
    for name in [folder.path().to_str().unwrap(), folder.path().join("large.json").to_str().unwrap()] {
        let fleet = fold(&[name]);
        assert_eq!(left(&fleet, "broken"), broken);
        let rows: u64 = (0..150).map(|index| index % 7 + 1).sum();
        assert_eq!(fleet["verdicts"]["unhealthy"], 150);
        assert_eq!(fleet["verdicts"]["healthy"], rows);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_and_a_reader_that_left_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let report = write(folder.path(), "report.json", run(&["demo", "role-missing", "-o", "json"]).stdout);
    for format in ["text", "json", "markdown", "html"] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let full = ran(midoctor(&["fleet", &report, "-o", format]).stdout(full));
        let said = "midoctor: standard output cannot be written: No space left on device (os error 28)\n";
        assert_eq!((full.code, full.stderr.as_str()), (Some(2), said), "{format}");
        let mut child = midoctor(&["fleet", &report, "-o", format]);
        let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let left = child.wait_with_output().unwrap();
        assert_eq!((left.status.code(), left.stderr.as_slice()), (Some(1), &b""[..]), "{format}");
    }
}

/// Whoever can write a report can write anything into it.
#[test]
fn what_a_report_holds_commands_nobody() {
    let name = "<img src=x onerror=alert(1)></script>\u{1b}[2J\u{202e}|`x`\n::error::";
    let token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwcyJ9.c2lnbmF0dXJl";
    let mut rows = Rows::default();
    let mut row = rows.row("role-missing", Vm::new("web-1", "rg-web"), "20T10:00:00");
    row["vm"]["name"] = name.into();
    row["vm"]["image"] = token.into();
    row["root_cause"] = "<b>&code".into();
    row["checks"][10]["findings"][0]["code"] = "</script><b>".into();
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "rows", format!("{row}\n"));
    for format in ["text", "json", "markdown", "html"] {
        let shown = run(&["fleet", &file, "-o", format]).stdout;
        let hidden = |c: char| (c.is_control() && c != '\n') || midoctor::fill::is_hidden(c);
        assert!(!shown.contains(hidden) && !shown.contains("eyJ0eXAi"), "{format}: {shown}");
        assert!(shown.contains("src=x"), "{format}: {shown}");
        assert!(!shown.lines().any(|line| line.trim_start().starts_with("::error")), "{format}: {shown}");
        if format == "html" {
            assert!(!shown.contains("<img") && !shown.contains("<b>"), "{shown}");
            assert_eq!(shown.matches("</script>").count(), 2, "{shown}");
        }
    }
}
