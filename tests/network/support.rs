//! The archive for support, of a VM: what it holds, that others can open it, and that what is read back says the same.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use midoctor::simulator::CANARY;
use serde_json::Value;

use crate::namespace::Case;
use crate::namespace::simulator::{self, PROGRAM, Simulator};

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("support archive of a VM", archive),
        Case::new("support archive with pseudonyms", pseudonyms),
        Case::new("support archive that cannot be written asks nothing", unwritable),
    ]
}

/// Runs the program in a folder.
fn midoctor(folder: &Path, simulator: &Simulator, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).current_dir(folder).env_clear().env("LANG", "C.UTF-8").stdin(Stdio::null());
    command.envs(simulator::TOLD.map(|name| (name, simulator.authority())));
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// The text of a file in an archive, by another program than the one that packed it.
fn unpacked(folder: &Path, archive: &str, file: &str) -> String {
    let lines = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\n\
                 sys.stdout.write(z.read(sys.argv[2]).decode())";
    let output = Command::new("python3").args(["-c", lines, archive, file]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).to_owned()
}

/// Names of the folder's files.
fn files(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// Verdict, root cause, and every check with its status and codes.
fn gist(report: &Value) -> Value {
    let rows = report["checks"].as_array().unwrap().iter().map(|check| {
        let codes = check["findings"].as_array().unwrap().iter().map(|finding| finding["code"].clone());
        serde_json::json!([check["id"], check["status"], codes.collect::<Vec<_>>()])
    });
    serde_json::json!([report["verdict"], report["root_cause"], rows.collect::<Vec<_>>()])
}

fn archive() {
    let simulator = Simulator::start("role-missing", &[]);
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| midoctor(folder.path(), &simulator, arguments);
    let wrote = run(&["report"]);
    assert_eq!((wrote.status.code(), text(&wrote.stderr)), (Some(1), ""));
    let names = files(folder.path());
    let [name] = &names[..] else { panic!("{names:?}") };
    assert!(name.starts_with("midoctor-vm-doctor-01-2") && name.ends_with("Z.zip"), "{name}");
    let said = text(&wrote.stdout);
    assert!(said.starts_with(&format!("wrote {name} (")) && said.ends_with("\n\nUnhealthy: role-missing\n"), "{said}");
    let all: Vec<String> = ["manifest.json", "report.json", "report.html", "redactions.json"]
        .iter()
        .map(|file| unpacked(folder.path(), name, file))
        .collect();
    assert!(all.iter().all(|text| !text.contains(CANARY)), "a token is in the archive");
    let report: Value = serde_json::from_str(&all[1]).unwrap();
    simulator::assert_valid(&report);
    assert_eq!(report["root_cause"], "role-missing");
    // What was examined a moment later says the same, and so does what is read back.
    let seen = simulator::examine(&mut simulator::check(Some(&simulator.authority()), &[]));
    assert_eq!(gist(&report), gist(&seen.report));
    let (shown, judged) = (run(&["report", "show", name]), run(&["check", "--from", name]));
    assert_eq!((shown.status.code(), text(&shown.stderr)), (Some(1), ""));
    assert!(text(&shown.stdout).contains("UNHEALTHY  role-missing"), "{}", text(&shown.stdout));
    assert_eq!(text(&judged.stdout), text(&shown.stdout));
    let again: Value = serde_json::from_slice(&run(&["check", "--from", name, "-o", "json"]).stdout).unwrap();
    assert_eq!(again, report);
}

fn pseudonyms() {
    let simulator = Simulator::start("healthy-both", &[]);
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| midoctor(folder.path(), &simulator, arguments);
    let dry = run(&["report", "--redact", "ids", "--dry-run", "--identity", "all"]);
    assert_eq!((dry.status.code(), text(&dry.stderr)), (Some(0), ""));
    assert!(text(&dry.stdout).starts_with("would write midoctor-vm-1-2"), "{}", text(&dry.stdout));
    assert!(files(folder.path()).is_empty());
    let wrote = run(&["report", "--redact", "ids", "-f", "a.zip", "--identity", "all"]);
    assert_eq!((wrote.status.code(), text(&wrote.stderr)), (Some(0), ""));
    assert_eq!(files(folder.path()), ["a.zip", "a.zip.map.json"]);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(folder.path().join("a.zip.map.json")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let map: Value = serde_json::from_slice(&std::fs::read(folder.path().join("a.zip.map.json")).unwrap()).unwrap();
    let originals: Vec<&str> =
        map["names"].as_array().unwrap().iter().filter_map(|one| one["original"].as_str()).collect();
    for known in ["vm-doctor-01", "rg-doctor", "id-app"] {
        assert!(originals.contains(&known), "{known}");
    }
    for file in ["manifest.json", "report.json", "report.html", "redactions.json"] {
        let text = unpacked(folder.path(), "a.zip", file);
        for original in originals.iter().filter(|original| original.len() >= 6 && **original != "Environment") {
            assert!(!text.contains(*original), "{original} is in {file}");
        }
    }
    let judged = run(&["check", "--from", "a.zip"]);
    assert_eq!((judged.status.code(), text(&judged.stderr)), (Some(0), ""));
}

fn unwritable() {
    let simulator = Simulator::start("healthy", &[]);
    let folder = tempfile::tempdir().unwrap();
    let refused = midoctor(folder.path(), &simulator, &["report", "-f", "."]);
    assert_eq!((refused.status.code(), text(&refused.stdout)), (Some(2), ""));
    assert!(text(&refused.stderr).ends_with("is a directory; name a file in it\n"), "{}", text(&refused.stderr));
    assert_eq!(simulator.log(), "", "something was asked");
    assert!(files(folder.path()).is_empty());
}
