//! The programs of the tests: what lies there as a test is compiled into one and run. What no program names would seem to pass for ever.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use regex::Regex;
use walkdir::WalkDir;

/// All files of Rust in `tests`.
fn files() -> Vec<PathBuf> {
    let all = WalkDir::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"))
        .into_iter()
        .map(|entry| entry.unwrap().into_path());
    all.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// The files that a file takes in as its modules.
fn modules(file: &Path) -> Vec<PathBuf> {
    let module = Regex::new(r#"(?m)^(?:#\[path = "([^"]+)"\]\n)?(?:pub |pub(?:\(crate\)) )?mod (\w+);$"#).unwrap();
    let folder = file.parent().unwrap();
    let own = match file.file_stem().unwrap().to_str().unwrap() {
        "main" | "mod" => folder.to_owned(),
        stem => folder.join(stem),
    };
    let text = std::fs::read_to_string(file).unwrap();
    let named = module.captures_iter(&text).map(|found| match found.get(1) {
        Some(path) => folder.join(path.as_str()),
        None => own.join(format!("{}.rs", &found[2])),
    });
    named
        .map(|path| path.canonicalize().unwrap_or_else(|_| panic!("{} names {}", file.display(), path.display())))
        .collect()
}

#[test]
fn every_file_is_in_a_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let program = |path: &PathBuf| path.parent() == Some(&root) || path.ends_with("main.rs");
    let mut reached: BTreeSet<PathBuf> = BTreeSet::new();
    let mut next: Vec<PathBuf> = files().into_iter().filter(program).map(|path| path.canonicalize().unwrap()).collect();
    while let Some(file) = next.pop() {
        if reached.insert(file.clone()) {
            next.extend(modules(&file));
        }
    }
    let lost: Vec<PathBuf> =
        files().into_iter().filter(|path| !reached.contains(&path.canonicalize().unwrap())).collect();
    assert_eq!(lost, Vec::<PathBuf>::new());
}

#[test]
fn no_program_hides_another() {
    // Of a file and a folder of one name Cargo takes one, and says nothing of the other.
    for file in files().into_iter().filter(|path| path.ends_with("main.rs")) {
        let other = file.parent().unwrap().with_extension("rs");
        assert!(!other.exists(), "{} and {} have one name", file.display(), other.display());
    }
}
