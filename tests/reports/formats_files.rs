//! Files that formats are written to: lines are added and never lost, a step's summary is added to, and what cannot be written leaves
//! all as it was.

#![cfg(all(feature = "simulator", feature = "archives"))]

use std::fs;
use std::path::Path;

use crate::common::{Ran, midoctor, ran, refused, run};

fn lines(file: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.ends_with('\n'), "the last line has no end");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn add(file: &Path) -> Ran {
    run(&["demo", "identity-none", "-o", &format!("ndjson={}", file.display())])
}

#[test]
fn rows_are_added_to_a_file_and_the_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows");
    for rows in 1..=3 {
        let ran = add(&file);
        assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(1), "", ""));
        assert_eq!(lines(&file).len(), rows);
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "something else was left behind");
    let both = run(&["demo", "healthy", "-o", "line", "-o", &format!("ndjson={}", file.display())]);
    assert_eq!((both.code, both.stdout.as_str()), (Some(0), "HEALTHY: 12 passed, 1 skipped (vm-doctor-01)\n"));
    assert_eq!(lines(&file)[3]["verdict"], "healthy");
}

#[test]
fn a_line_without_its_end_gets_one_first() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows");
    fs::write(&file, "{\"of\":\"others\"}").unwrap();
    assert_eq!(add(&file).code, Some(1));
    let rows = lines(&file);
    assert_eq!((rows.len(), &rows[0]["of"], &rows[1]["root_cause"]), (2, &"others".into(), &"identity-none".into()));
}

#[test]
fn many_at_once_lose_no_row() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(add(&file).code, Some(1)));
        }
    });
    assert_eq!(lines(&file).len(), 8);
}

#[test]
fn rows_go_through_a_link_and_to_standard_output() {
    let row = run(&["demo", "identity-none", "-o", "ndjson"]).stdout;
    assert!(row.starts_with("{\"TimeGenerated\":\"2") && row.matches('\n').count() == 1, "{row}");
    #[cfg(unix)]
    {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("rows"), folder.path().join("link"));
        fs::write(&file, "{}\n").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        add(&link);
        assert_eq!(lines(&file).len(), 2);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink(), "the link was replaced");
        let through = run(&["demo", "identity-none", "-o", "ndjson=/dev/stdout"]);
        assert!(through.stdout.starts_with("{\"TimeGenerated\""), "{through:?}");
    }
}

#[test]
fn what_cannot_be_added_to_is_found_before_the_run_and_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows");
    let rows = format!("ndjson={}", file.display());
    let line = refused(&["demo", "healthy", "-o", &rows, "-o", "json=/no/such/folder/x"]);
    assert!(line.ends_with("name a file in one that exists"), "{line}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "something was written");
    let line = refused(&["demo", "healthy", "-o", &format!("ndjson={}", folder.path().display())]);
    assert!(line.ends_with("is a directory; name a file in it"), "{line}");
    let line = refused(&["demo", "healthy", "-o", "ndjson=/no/such/folder/x"]);
    assert_eq!(
        line,
        "midoctor: /no/such/folder/x cannot be written: there is no such directory; name a file in one that exists"
    );
}

/// Files that grow beyond 1 KiB are refused here, as on a full disk: a part of the row is written, the rest is not.
#[cfg(target_os = "linux")]
fn with_little_room(arguments: &str) -> Ran {
    let limit = "trap '' XFSZ; ulimit -f 1; exec \"$0\" demo identity-none -o ";
    let mut shell = std::process::Command::new("bash");
    shell.args(["-c", &format!("{limit}{arguments}"), env!("CARGO_BIN_EXE_midoctor")]).env_clear();
    ran(&mut shell)
}

#[cfg(target_os = "linux")]
#[test]
fn a_row_that_does_not_fit_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows");
    for old in ["{}\n", "{\"no\":\"end\"}", ""] {
        fs::write(&file, old).unwrap();
        let ran = with_little_room(&format!("ndjson={}", file.display()));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""));
        let said = format!(
            "midoctor: {} cannot be written: no file may be so large here (ulimit -f); raise the limit\n",
            file.display()
        );
        assert_eq!(ran.stderr, said);
        assert_eq!(fs::read_to_string(&file).unwrap(), old);
    }
    let full = run(&["demo", "identity-none", "-o", "ndjson=/dev/full"]);
    assert_eq!(full.code, Some(2));
    assert!(full.stderr.contains("No space left on device"), "{}", full.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn gauges_are_whole_or_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("midoctor.prom");
    fs::write(&file, "old\n").unwrap();
    assert_eq!(with_little_room(&format!("prom={}", file.display())).code, Some(2));
    assert_eq!(fs::read_to_string(&file).unwrap(), "old\n");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a temporary file was left behind");
}

/// What a step on GitHub prints, with this file as its summary.
fn step(summary: &Path, formats: &[&str]) -> Ran {
    let mut arguments = vec!["demo", "identity-none"];
    arguments.extend(formats.iter().flat_map(|format| ["-o", format]));
    ran(midoctor(&arguments).env("GITHUB_STEP_SUMMARY", summary))
}

#[test]
fn a_step_on_github_gets_a_summary_behind_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("summary");
    fs::write(&file, "# Earlier").unwrap();
    let ran = step(&file, &["github"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""));
    assert!(ran.stdout.starts_with("::error title=identity-none::No managed identity"), "{}", ran.stdout);
    let summary = fs::read_to_string(&file).unwrap();
    let start =
        "# Earlier\n## UNHEALTHY: `vm-doctor-01`\n\n**Root cause:** `identity-none`: No managed identity is enabled";
    assert!(summary.starts_with(start), "{summary}");
    step(&file, &["text"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), summary, "only the format github has a summary");
}

#[test]
fn a_summary_that_cannot_be_written_is_said_and_fails_no_step() {
    let folder = tempfile::tempdir().unwrap();
    let ran = step(folder.path(), &["github"]);
    assert_eq!(ran.code, Some(1));
    let start = "midoctor: the step's summary is left as it is: ";
    assert!(
        ran.stderr.starts_with(start) && ran.stderr.ends_with("is a directory; name a file in it\n"),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.contains("::error title=identity-none"), "{}", ran.stdout);
    // With 1 MiB the runner refuses the whole summary, what others wrote of it as well.
    let file = folder.path().join("summary");
    let old = "x".repeat(1_000_000);
    fs::write(&file, &old).unwrap();
    let ran = step(&file, &["github"]);
    let said = format!("{start}it holds 1000000 bytes already, and GitHub takes 1048576 in all\n");
    assert_eq!((ran.code, ran.stderr), (Some(1), said));
    assert_eq!(fs::read_to_string(&file).unwrap(), old);
}

#[test]
fn two_outputs_to_one_file_are_refused_by_whatever_names() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    fs::create_dir(at("in")).unwrap();
    fs::write(at("there"), "mine\n").unwrap();
    let mut pairs = vec![(at("new"), at("in/../new")), (at("there"), at("in/../there"))];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(at("there"), at("link")).unwrap();
        pairs.push((at("there"), at("link")));
    }
    for (one, other) in pairs {
        let line = refused(&["demo", "healthy", "-o", &format!("json={one}"), "-o", &format!("ndjson={other}")]);
        let said = format!("midoctor: two outputs go to the same file, {other} by its other name; give each its own");
        assert_eq!(line, said);
    }
    assert_eq!(fs::read_to_string(at("there")).unwrap(), "mine\n");
    assert!(!Path::new(&at("new")).exists());
}
