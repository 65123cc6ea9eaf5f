//! Reports that were saved, on the command line: shown, judged anew, compared, redacted; and whatever else a file can hold.

#![cfg(all(feature = "simulator", feature = "archives"))]

use std::path::Path;

use crate::common::{midoctor, ran, refused, run};
use midoctor::archive;
use serde_json::{Value, json};

/// A folder with this scenario's report as `report.json`.
fn folder(scenario: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.json").display().to_string();
    run(&["demo", scenario, "-o", &format!("json={file}")]);
    (folder, file)
}

fn json_of(file: &str) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

fn save(path: &Path, bytes: impl AsRef<[u8]>) -> String {
    std::fs::write(path, bytes).unwrap();
    path.display().to_string()
}

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_saved_report_is_shown_as_it_was_and_judged_anew_as_it_was() {
    let (folder, file) = folder("role-missing");
    let archive = folder.path().join("a.zip").display().to_string();
    let wrote = run(&["report", "redact", &file, "--redact", "none", "-f", &archive]);
    assert_eq!((wrote.code, wrote.stderr.as_str()), (Some(1), ""));
    assert!(wrote.stdout.starts_with(&format!("wrote {archive} (")), "{}", wrote.stdout);
    assert!(wrote.stdout.ends_with("\n\nUnhealthy: role-missing\n"), "{}", wrote.stdout);
    let shown = run(&["report", "show", &file]);
    assert_eq!((shown.code, shown.stderr.as_str()), (Some(1), ""));
    assert!(shown.stdout.contains("UNHEALTHY  role-missing"), "{}", shown.stdout);
    assert_eq!(run(&["report", "show", &archive]), shown);
    assert_eq!(run(&["check", "--from", &archive]), shown);
    assert_eq!(run(&["check", "--from", &file]), shown);
    let json = run(&["report", "show", &archive, "-o", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&json.stdout).unwrap(), json_of(&file));
    let stdin = std::fs::File::open(&archive).unwrap();
    assert_eq!(ran(midoctor(&["report", "show", "-"]).stdin(stdin)), shown);
}

#[test]
fn flags_of_today_win_over_those_that_were_saved_and_a_changed_verdict_is_told() {
    let (folder, file) = folder("role-missing");
    let skipped = run(&["check", "--from", &file, "--skip", "reader", "-o", "json"]);
    let report: Value = serde_json::from_str(&skipped.stdout).unwrap();
    assert_eq!(report["evidence"]["asked"]["skip"], json!(["reader"]));
    assert_eq!(report["run"], json_of(&file)["run"]);
    assert_ne!(skipped.code, Some(1));
    assert!(
        skipped.stderr.starts_with("midoctor: the saved report says unhealthy (role-missing), by midoctor "),
        "{}",
        skipped.stderr
    );
    let mut old = json_of(&file);
    old["verdict"] = json!("healthy");
    old["root_cause"] = Value::Null;
    let old = save(&folder.path().join("old.json"), old.to_string());
    let judged = run(&["check", "--from", &old]);
    assert_eq!(judged.code, Some(1));
    assert!(judged.stderr.contains("says healthy, by midoctor"), "{}", judged.stderr);
    assert!(judged.stderr.contains("unhealthy (role-missing)"), "{}", judged.stderr);
    for flag in ["--identity", "--resource", "--wait", "--timeout", "--unit"] {
        assert!(refused(&["check", "--from", &file, flag, "x"]).contains("cannot be used with"), "{flag}");
    }
}

#[test]
fn what_is_no_report_is_refused_in_one_line() {
    let (folder, file) = folder("healthy");
    let report = std::fs::read(&file).unwrap();
    let text = String::from_utf8(report.clone()).unwrap();
    let path = |name: &str| folder.path().join(name);
    let archive = archive::pack(&[(archive::REPORT, report.clone())]).unwrap();
    let mut newer = json_of(&file);
    newer["schema"] = json!("midoctor.report/2");
    newer["tool"]["version"] = json!("2.0.1");
    newer["checks"] = json!({"shape": "unknown"});
    let row = r#"{"TimeGenerated":"2026-09-01T10:11:12Z","Vm":"a"}"#;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_report = text.replacen("\"outcome\": {", &format!("\"outcome\": {{\"x\": {deep},"), 1);
    let own = env!("CARGO_PKG_VERSION");
    for (name, bytes, said) in [
        ("cut.zip", archive[..archive.len() / 2].to_vec(), "is not a whole archive; it may have been cut short on its way: copy it again".to_owned()),
        (
            "other.zip",
            archive::pack(&[("a.txt", Vec::new())]).unwrap(),
            "is an archive without report.json; give one that midoctor report wrote, or the report itself".into(),
        ),
        (
            "inside.zip",
            archive::pack(&[(archive::REPORT, b"{}".to_vec())]).unwrap(),
            "holds a report.json that is no report of midoctor: give what -o json or midoctor report wrote".into(),
        ),
        ("empty.json", Vec::new(), "is empty; what wrote it may have failed, or found the disk full".into()),
        ("a.txt", b"hello".to_vec(), "is no report of midoctor: give what -o json or midoctor report wrote".into()),
        ("list.json", b"[]".to_vec(), "is no report of midoctor: give what -o json or midoctor report wrote".into()),
        ("deep.json", deep.into_bytes(), "is no report of midoctor: give what -o json or midoctor report wrote".into()),
        (
            "two.json",
            newer.to_string().into_bytes(),
            format!("was written by midoctor 2.0.1 in the format midoctor.report/2; midoctor {own} reads midoctor.report/1: use a newer midoctor"),
        ),
        (
            "fold.json",
            br#"{"schema":"midoctor.fleet/1"}"#.to_vec(),
            "holds midoctor.fleet/1 and not midoctor.report/1: give what -o json or midoctor report wrote".into(),
        ),
        (
            "rows.ndjson",
            format!("{row}\n{row}\n").into_bytes(),
            "holds rows of NDJSON, which have the verdicts without the evidence; give the report that -o json or midoctor report wrote".into(),
        ),
    ] {
        let name = save(&path(name), bytes);
        for command in [&["report", "show", &name][..], &["check", "--from", &name], &["report", "redact", &name], &["report", "diff", &file, &name]] {
            assert_eq!(refused(command), format!("midoctor: {name} {said}"));
        }
    }
    let cut = save(&path("cut.json"), &report[..report.len() / 2]);
    assert!(refused(&["report", "show", &cut]).contains("cut.json is cut short (EOF while parsing"), "{cut}");
    let name = save(&path("deep_report.json"), deep_report);
    let said = refused(&["check", "--from", &name]);
    assert!(said.contains("is a damaged report: recursion limit exceeded"), "{said}");
    let mut damaged = json_of(&file);
    damaged["verdict"] = json!("splendid\u{1b}[2J");
    let name = save(&path("damaged.json"), damaged.to_string());
    let said = refused(&["check", "--from", &name]);
    assert!(said.contains("is a damaged report: unknown variant") && !said.contains('\u{1b}'), "{said}");
    let name = folder.path().display().to_string();
    assert_eq!(refused(&["report", "show", &name]), format!("midoctor: {name} is a directory; name a file in it"));
    assert_eq!(
        refused(&["check", "--from", "/no/such/report"]),
        "midoctor: /no/such/report cannot be read: there is no such file; correct the path"
    );
    assert!(entries(folder.path()).iter().all(|name| !name.starts_with("midoctor-") && !name.starts_with('.')));
}

#[test]
fn what_a_newer_version_adds_is_passed_over_and_a_mark_at_the_beginning_too() {
    let (folder, file) = folder("healthy");
    let mut newer = json_of(&file);
    newer["weather"] = json!({"sun": true});
    newer["checks"][0]["weather"] = json!(1);
    newer["evidence"]["exchanges"][0]["attempts"][0]["outcome"]["weather"] = json!([]);
    let name = save(&folder.path().join("newer.json"), format!("\u{feff}{newer}"));
    let shown = run(&["report", "show", &name]);
    assert_eq!((shown.code, shown.stderr.as_str()), (Some(0), ""));
    assert_eq!(run(&["check", "--from", &name]).code, Some(0));
}

/// A stranger's file can hold anything: nothing of it reaches a terminal as it is, and a token pasted into it goes no further.
#[test]
fn what_a_stranger_wrote_into_a_report_is_made_harmless() {
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJvaWQiOiJodW50ZXIyIn0.aHVudGVyMmh1bnRlcjI";
    let (folder, file) = folder("role-missing");
    let mut report = json_of(&file);
    let bad = format!("\u{1b}[2J\u{202e}evil {token}\n::error::x");
    report["vm"]["name"] = json!(bad);
    report["checks"][0]["summary"] = json!(bad);
    report["notes"] = json!([bad]);
    for exchange in report["evidence"]["exchanges"].as_array_mut().unwrap() {
        let outcome = &mut exchange["attempts"][0]["outcome"];
        if outcome["result"] == "answered" {
            outcome["body"] = json!(format!("{}{bad}", outcome["body"].as_str().unwrap()));
            outcome["headers"]["server"] = json!(bad);
            outcome["token"]["upn"] = json!(token);
            outcome["token"]["length"] = json!(1);
        }
    }
    let name = save(&folder.path().join("bad.json"), report.to_string());
    for command in [
        &["report", "show", &name][..],
        &["report", "show", &name, "-v"],
        &["report", "show", &name, "-o", "json"],
        &["report", "show", &name, "-o", "html"],
        &["check", "--from", &name, "-v"],
        &["check", "--from", &name, "-o", "json"],
        &["report", "diff", &file, &name],
        &["report", "diff", &file, &name, "-o", "markdown"],
        &["report", "diff", &file, &name, "-o", "json"],
    ] {
        let ran = run(command);
        let all = ran.stdout.clone() + &ran.stderr;
        assert!(!all.contains(['\u{1b}', '\u{202e}']), "{command:?}");
        assert!(!all.contains("eyJhbGci") && !all.contains("aHVudGVy"), "{command:?}");
        assert!(all.lines().all(|line| !line.starts_with("::")), "{command:?}");
        assert!(ran.code != Some(2), "{command:?}: {}", ran.stderr);
    }
}

#[test]
fn a_comparison_says_what_came_and_what_went() {
    let (folder, before) = folder("role-missing");
    let after = folder.path().join("after.json").display().to_string();
    run(&["demo", "env-proxy", "-o", &format!("json={after}")]);
    let diff = run(&["report", "diff", &before, &after]);
    assert_eq!((diff.code, diff.stderr.as_str()), (run(&["report", "show", &after]).code, ""));
    for line in [
        "  ✓ reader: fail → pass",
        "  - role-missing in reader",
        "  + env-proxy in environment",
        "  + HTTP_PROXY",
        "  + NO_PROXY",
    ] {
        assert!(diff.stdout.lines().any(|own| own == line), "{line}: {}", diff.stdout);
    }
    let json = run(&["report", "diff", &before, &after, "-o", "json"]);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["schema"], "midoctor.diff/1");
    assert_eq!((&json["same_vm"], &json["changed"]), (&json!(true), &json!(true)));
    assert_eq!(json["codes_went"], json!([{"code": "role-missing", "check": "reader", "subject": null}]));
    assert_eq!(
        json["variables"],
        json!([{"name": "HTTP_PROXY", "became": "set"}, {"name": "NO_PROXY", "became": "set"}])
    );
    let same = run(&["report", "diff", &before, &before]);
    assert!(same.stdout.ends_with("\n\nStill unhealthy (role-missing); nothing changed.\n"), "{}", same.stdout);
    assert_eq!(same.code, Some(1));
    assert_eq!(
        refused(&["report", "diff", "-", "-"]),
        "midoctor: both reports cannot come from standard input; name a file for one of them"
    );
}

/// Whoever is sent a report may do what it says. So that is this version's own advice on the evidence.
#[test]
fn the_advice_that_a_stranger_put_into_a_report_is_not_shown() {
    let (folder, file) = folder("role-missing");
    let mut report = json_of(&file);
    let is_found = |check: &&mut Value| check["findings"].get(0).is_some();
    let check = report["checks"].as_array_mut().unwrap().iter_mut().find(is_found).unwrap();
    let own = check["findings"][0].clone();
    check["findings"][0]["remedy"]["steps"] = json!(["Run `evil`."]);
    check["findings"][0]["remedy"]["commands"][0]["line"] = json!("evil");
    check["findings"][0]["docs"] = json!(["https://evil.example/"]);
    let mut strange = check["findings"][0].clone();
    strange["code"] = json!("made-up");
    check["findings"].as_array_mut().unwrap().push(strange);
    let bad = save(&folder.path().join("bad.json"), report.to_string());
    let archive = folder.path().join("a.zip").display().to_string();
    let redacted = run(&["report", "redact", &bad, "--redact", "none", "-f", &archive]);
    assert_eq!(redacted.code, Some(1), "{}", redacted.stderr);
    for from in [&bad, &archive] {
        let shown = run(&["report", "show", from, "-o", "json"]);
        let note = format!(
            "the advice on 1 finding is left out, since midoctor {} finds no such thing in the saved evidence; check --from \
             judges it anew",
            env!("CARGO_PKG_VERSION")
        );
        assert!(shown.stderr.starts_with(&format!("midoctor: {note}\n")), "{}", shown.stderr);
        let report: Value = serde_json::from_str(&shown.stdout).unwrap();
        let findings = report["checks"].as_array().unwrap().iter().find(|check| check["findings"].get(0).is_some());
        let findings = &findings.unwrap()["findings"];
        assert_eq!((&findings[0], findings[1]["remedy"]["steps"].as_array().map(Vec::len)), (&own, Some(0)));
        for format in ["text", "html", "markdown", "compact", "junit"] {
            assert!(!run(&["report", "show", from, "-o", format]).stdout.contains("evil"), "{format}");
        }
    }
}

/// What was read is there afterwards.
#[test]
fn no_output_takes_the_place_of_the_report_that_is_read() {
    let (folder, file) = folder("role-missing");
    let before = std::fs::read(&file).unwrap();
    let other = save(&folder.path().join("other.json"), &before);
    let link = folder.path().join("link.json").display().to_string();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    for (arguments, format) in [
        (&["report", "show", &file][..], "html"),
        (&["report", "show", &link], "json"),
        (&["check", "--from", &file], "json"),
        (&["report", "diff", &other, &file], "json"),
        (&["fleet", &other, &file], "json"),
    ] {
        let output = format!("{format}={file}");
        let said = refused(&[arguments, &["-o", &output]].concat());
        assert_eq!(
            said,
            format!("midoctor: {file} is what is read, and would be overwritten; name another file with -o")
        );
        assert_eq!(std::fs::read(&file).unwrap(), before, "{arguments:?}");
    }
}

/// What redaction put in the place of names stands in the evidence as well, so that the lines are still midoctor's own.
#[test]
fn a_redacted_report_shows_all_its_commands() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    for scenario in midoctor::scenarios::all() {
        let (file, archive) = (at("report.json"), at(&format!("{}.zip", scenario.name)));
        run(&["demo", scenario.name, "-o", &format!("json={file}")]);
        let redacted = run(&["report", "redact", &file, "--redact", "ids", "-f", &archive]);
        assert_eq!(redacted.stderr, "", "{}", scenario.name);
        let shown = run(&["report", "show", &archive, "-o", "line"]);
        assert_eq!((shown.code, shown.stderr.as_str()), (redacted.code, ""), "{}", scenario.name);
    }
}
