//! Archives: what is in them, that they agree with themselves, that nothing of anybody's is lost, and that no name is in any of
//! their files when names were to go.

#![cfg(all(feature = "simulator", feature = "archives"))]

use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use crate::common::{Ran, midoctor, ran, refused, run};
use midoctor::archive::{Manifest, Packed};
use serde_json::Value;

/// A folder with this scenario's report as `report.json`.
fn folder(scenario: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    run(&["demo", scenario, "-o", &format!("json={}", folder.path().join("report.json").display())]);
    folder
}

/// Runs it in that folder.
fn inside(folder: &Path, arguments: &[&str]) -> Ran {
    ran(midoctor(arguments).current_dir(folder))
}

fn refused_inside(folder: &Path, arguments: &[&str]) -> String {
    let ran = inside(folder, arguments);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}");
    ran.stderr.trim_end().to_owned()
}

fn entries(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// The files in an archive.
fn unpacked(archive: &Path) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(std::fs::File::open(archive).unwrap()).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut entry = archive.by_index(index).unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.name().unwrap().into_owned(), bytes)
        })
        .collect()
}

#[test]
fn an_archive_has_a_report_a_page_a_manifest_and_a_record_that_agree() {
    let folder = folder("role-missing");
    let wrote = inside(folder.path(), &["report", "redact", "report.json", "-f", "a.zip"]);
    assert_eq!((wrote.code, wrote.stderr.as_str()), (Some(1), ""));
    let files = unpacked(&folder.path().join("a.zip"));
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["manifest.json", "report.json", "report.html", "redactions.json"]);
    let manifest: Manifest = serde_json::from_slice(&files[0].1).unwrap();
    let packed: Vec<Packed> = files[1..].iter().map(|(name, bytes)| Packed::new(name, bytes)).collect();
    assert_eq!(manifest.files, packed);
    assert_eq!((manifest.schema.as_str(), manifest.redaction.as_str()), ("midoctor.archive/1", "secrets"));
    assert_eq!(manifest.root_cause.as_deref(), Some("role-missing"));
    let report: Value = serde_json::from_slice(&files[1].1).unwrap();
    let schema: Value = serde_json::from_str(&run(&["generate", "schema"]).stdout).unwrap();
    assert!(jsonschema::is_valid(&schema, &report));
    let record: Value = serde_json::from_slice(&files[3].1).unwrap();
    let headers: Vec<&Value> = record["redactions"].as_array().unwrap().iter().collect();
    assert!(!headers.is_empty());
    for entry in headers {
        let place = entry["where"].as_str().unwrap();
        assert_eq!(report.pointer(place), Some(&Value::from("(removed)")), "{entry}");
        assert!(entry["rule"] == "header" && entry["characters"].as_u64().unwrap() > 0, "{entry}");
    }
    let again = inside(folder.path(), &["report", "redact", "report.json", "-f", "b.zip"]);
    assert_eq!(again.code, Some(1));
    let bytes = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert_eq!(bytes("a.zip"), bytes("b.zip"), "the same report gives the same bytes");
}

#[test]
fn no_file_of_an_archive_names_anybody_and_its_map_is_its_owners_alone() {
    let folder = folder("healthy-data");
    let wrote = inside(folder.path(), &["report", "redact", "report.json", "--redact", "ids"]);
    assert_eq!((wrote.code, wrote.stderr.as_str()), (Some(0), ""));
    let names = entries(folder.path());
    let [archive, map, _] = &names[..] else { panic!("{names:?}") };
    assert!(archive.starts_with("midoctor-vm-1-2") && archive.ends_with("Z.zip"), "{archive}");
    assert_eq!(*map, format!("{archive}.map.json"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(map), mode(archive)), (0o600, 0o644));
    }
    let map: Value = serde_json::from_slice(&std::fs::read(folder.path().join(map)).unwrap()).unwrap();
    let known = map["names"].as_array().unwrap();
    let of_vm = |one: &&Value| one["kind"] == "vm";
    assert_eq!(known.iter().find(of_vm).unwrap()["original"], "vm-doctor-01");
    let files = unpacked(&folder.path().join(archive));
    for (name, bytes) in files.iter().chain([&("what is printed".to_owned(), wrote.stdout.into_bytes())]) {
        let text = String::from_utf8(bytes.clone()).unwrap().to_lowercase();
        let original = known.iter().filter_map(|one| one["original"].as_str().map(str::to_lowercase));
        // Short words such as a tag's value stand in the pages' own words as well.
        for original in original.filter(|original| original.len() > 7 && original != "environment") {
            assert!(!text.contains(&original), "{original} is in {name}");
        }
        assert!(!text.contains("doctor-01") && !text.contains("kv-doctor"), "{name}");
    }
}

#[test]
fn nothing_of_anybodys_is_lost() {
    let folder = folder("role-missing");
    let path = folder.path();
    let before = std::fs::read(path.join("report.json")).unwrap();
    for same in ["report.json", "./report.json"] {
        assert_eq!(
            refused_inside(path, &["report", "redact", "report.json", "-f", same]),
            "midoctor: report.json would be overwritten by its own redaction; name another file with -f"
        );
    }
    assert_eq!(std::fs::read(path.join("report.json")).unwrap(), before);
    // Of its default name there is one already, so the next has a number, and so has its map.
    let redact = ["report", "redact", "report.json"];
    assert_eq!(inside(path, &redact).code, Some(1));
    let default = entries(path).into_iter().find(|name| name.ends_with(".zip")).unwrap();
    let first = std::fs::read(path.join(&default)).unwrap();
    let second = default.replace(".zip", "-2.zip");
    let again = inside(path, &redact);
    assert!(again.code == Some(1) && again.stdout.starts_with(&format!("wrote {second} (")), "{again:?}");
    assert_eq!(std::fs::read(path.join(&default)).unwrap(), first);
    std::fs::remove_file(path.join(second)).unwrap();
    for wanted in ["midoctor-vm-1-", "midoctor-vm-1-"] {
        let ran = inside(path, &["report", "redact", "report.json", "--redact", "ids"]);
        assert!(ran.stdout.starts_with(&format!("wrote {wanted}")), "{ran:?}");
    }
    let maps: Vec<String> = entries(path).into_iter().filter(|name| name.starts_with("midoctor-vm-1-")).collect();
    let [second, second_map, first, first_map] = &maps[..] else { panic!("{maps:?}") };
    assert_eq!((second, second_map), (&first.replace(".zip", "-2.zip"), &first_map.replace(".zip", "-2.zip")));
    for name in &maps {
        std::fs::remove_file(path.join(name)).unwrap();
    }
    // One that was named is replaced, but not what may be the only key to another.
    let named = ["report", "redact", "report.json", "--redact", "ids", "-f", "named.zip"];
    assert_eq!(inside(path, &named).code, Some(1));
    assert_eq!(
        refused_inside(path, &named),
        "midoctor: named.zip.map.json is there already, and may be the only key to an archive; move it away, or name another file \
         with -f"
    );
    std::fs::rename(path.join("named.zip.map.json"), path.join("kept.json")).unwrap();
    assert_eq!(inside(path, &named).code, Some(1));
    assert_eq!(entries(path), ["kept.json", &default, "named.zip", "named.zip.map.json", "report.json"]);
}

#[test]
fn a_dry_run_says_the_same_and_writes_nothing() {
    let folder = folder("role-missing");
    for level in ["none", "secrets", "ids"] {
        let dry =
            inside(folder.path(), &["report", "redact", "report.json", "--redact", level, "--dry-run", "-f", "a.zip"]);
        assert_eq!((dry.code, dry.stderr.as_str()), (Some(1), ""));
        assert!(dry.stdout.starts_with("would write a.zip (") && dry.stdout.ends_with("\nUnhealthy: role-missing\n"));
        assert_eq!(entries(folder.path()), ["report.json"]);
        let wrote = inside(folder.path(), &["report", "redact", "report.json", "--redact", level, "-f", "a.zip"]);
        let listed = |text: &str| -> Vec<String> {
            text.lines().filter(|line| line.starts_with("  ")).map(str::to_owned).collect()
        };
        assert_eq!(listed(&dry.stdout), listed(&wrote.stdout), "{level}");
        for file in ["a.zip", "a.zip.map.json"] {
            let _ = std::fs::remove_file(folder.path().join(file));
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn where_nothing_can_be_written_nothing_is_left_behind() {
    let folder = folder("role-missing");
    let path = folder.path();
    std::fs::create_dir(path.join("sub")).unwrap();
    let redact = |level: &str, file: &str| {
        refused_inside(path, &["report", "redact", "report.json", "--redact", level, "-f", file])
    };
    assert_eq!(
        redact("secrets", "sub"),
        format!("midoctor: {}/sub is a directory; name a file in it", path.canonicalize().unwrap().display())
    );
    assert_eq!(
        redact("ids", "none/a.zip"),
        "midoctor: none/a.zip cannot be written: there is no such directory; name a file in one that exists"
    );
    assert_eq!(
        redact("secrets", "/dev/full"),
        "midoctor: the output cannot be written: No space left on device (os error 28)"
    );
    assert_eq!(
        redact("ids", "/dev/full"),
        "midoctor: /dev/full is no regular file, so the map of pseudonyms has no place beside it; name a file"
    );
    assert_eq!(entries(path), ["report.json", "sub"]);
    // A file that takes no byte: what was begun goes with it.
    let limited = |arguments: &str| {
        let line = format!(
            "ulimit -f 0; trap '' XFSZ; exec {} report redact report.json {arguments}",
            env!("CARGO_BIN_EXE_midoctor")
        );
        ran(std::process::Command::new("sh").args(["-c", &line]).current_dir(path).env_clear().env("LANG", "C.UTF-8"))
    };
    for arguments in ["-f a.zip", "", "--redact ids", "--redact ids -f a.zip"] {
        let ran = limited(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments}");
        assert!(ran.stderr.contains("cannot be written: ") && ran.stderr.matches('\n').count() == 1, "{}", ran.stderr);
        assert_eq!(entries(path), ["report.json", "sub"], "{arguments}");
    }
}

#[test]
fn a_reader_that_left_takes_nothing_along() {
    let folder = folder("role-missing");
    let mut child = midoctor(&["report", "redact", "report.json", "-f", "a.zip"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let left = child.wait_with_output().unwrap();
    assert_eq!((left.status.code(), left.stderr.as_slice()), (Some(1), &b""[..]));
    assert_eq!(entries(folder.path()), ["a.zip", "report.json"]);
}

#[test]
fn a_vm_may_be_called_anything() {
    let folder = folder("role-missing");
    let text = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    std::fs::write(folder.path().join("report.json"), text.replacen("vm-doctor-01", "../../etc/pass wd", 1)).unwrap();
    assert_eq!(inside(folder.path(), &["report", "redact", "report.json", "--redact", "none"]).code, Some(1));
    let names = entries(folder.path());
    assert!(names[0].starts_with("midoctor-etc-pass-wd-2"), "{names:?}");
    assert_eq!(refused(&["report", "redact", "/no/such/file"]).lines().count(), 1);
}
