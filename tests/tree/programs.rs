//! The programs of the tests: what lies there as a test is compiled into one and run. What no program names would seem to pass for ever.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use walkdir::WalkDir;

/// All files of Rust in `tests`.
fn files() -> Vec<PathBuf> {
    let entries = WalkDir::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"));
    let files = entries.into_iter().map(|entry| entry.unwrap().path().canonicalize().unwrap());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// The files that Cargo makes programs of, and whether each is a program of plain tests. Those that are not run their own cases, and
/// know nothing of `#[test]`.
fn programs() -> BTreeMap<PathBuf, bool> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--locked", "--format-version", "1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let known: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let targets = known["packages"][0]["targets"].as_array().unwrap().iter();
    let tests = targets.filter(|target| target["kind"][0] == "test");
    let path = |target: &serde_json::Value| Path::new(target["src_path"].as_str().unwrap()).canonicalize().unwrap();
    tests.map(|target| (path(target), target["test"] == true)).collect()
}

/// The modules that a file has in files of their own; `folder` is where those are that say no path. Each with its own such folder.
fn modules(file: &Path, folder: &Path) -> Vec<(PathBuf, PathBuf)> {
    let module = Regex::new(r#"(?m)^(?:#\[path = "([^"]+)"\]\n)?(?:pub(?:\([a-z]+\))? )?mod (\w+);"#).unwrap();
    let text = std::fs::read_to_string(file).unwrap();
    let named = module.captures_iter(&text).map(|found| {
        let name = &found[2];
        let flat = folder.join(format!("{name}.rs"));
        let (path, below) = match found.get(1) {
            Some(path) => (file.parent().unwrap().join(path.as_str()), None),
            None if flat.exists() => (flat, Some(folder.join(name))),
            None => (folder.join(name).join("mod.rs"), None),
        };
        let path = path.canonicalize().unwrap_or_else(|_| panic!("{} has no module {name}", file.display()));
        let below = below.unwrap_or_else(|| path.parent().unwrap().to_owned());
        (path, below)
    });
    named.collect()
}

/// All files of these programs.
fn reached<'a>(programs: impl Iterator<Item = &'a PathBuf>) -> Vec<PathBuf> {
    let (mut reached, mut next) = (Vec::new(), Vec::new());
    next.extend(programs.map(|path| (path.clone(), path.parent().unwrap().to_owned())));
    while let Some((file, folder)) = next.pop() {
        if !reached.contains(&file) {
            next.extend(modules(&file, &folder));
            reached.push(file);
        }
    }
    reached
}

#[test]
fn every_file_is_in_a_program() {
    let programs = programs();
    assert!(programs.len() > 5, "{programs:?}");
    let reached = reached(programs.keys());
    let lost: Vec<PathBuf> = files().into_iter().filter(|path| !reached.contains(path)).collect();
    assert_eq!(lost, Vec::<PathBuf>::new());
}

#[test]
fn every_test_is_in_a_program_that_runs_it() {
    let programs = programs();
    let run = reached(programs.iter().filter(|(_, plain)| **plain).map(|(path, _)| path));
    let test = Regex::new(r"(?m)^\s*#\[test\]").unwrap();
    let has_tests = |path: &PathBuf| test.is_match(&std::fs::read_to_string(path).unwrap());
    let lost: Vec<PathBuf> = files().into_iter().filter(|path| has_tests(path) && !run.contains(path)).collect();
    assert_eq!(lost, Vec::<PathBuf>::new());
}
