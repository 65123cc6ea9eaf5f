//! The steps of CONTRIBUTING.md that add a check, followed to the letter in a copy of the tree: what it says to write is written, what
//! it says to run is run, with a full build.

#![cfg(all(feature = "simulator", feature = "archives"))]
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "common/console.rs"]
mod console;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use regex::Regex;

const CONTRIBUTING: &str = include_str!("../CONTRIBUTING.md");

/// The part that is followed.
fn section() -> &'static str {
    let (_, rest) = CONTRIBUTING.split_once("## Add a check, step by step").unwrap();
    rest.split("\n## Licence").next().unwrap()
}

/// Copies what is in a folder, with the times of its files, where it is wanted by its name.
fn copy(from: &Path, to: &Path, wanted: &dyn Fn(&str) -> bool, linked: bool) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if !wanted(entry.file_name().to_str().unwrap_or_default()) {
            continue;
        }
        if path.is_dir() {
            copy(&path, &target, wanted, linked);
        } else if path.is_file() && !(linked && fs::hard_link(&path, &target).is_ok()) {
            fs::copy(&path, &target).unwrap();
            let modified = fs::metadata(&path).unwrap().modified().unwrap();
            fs::File::options().append(true).open(&target).unwrap().set_modified(modified).unwrap();
        }
    }
}

/// The tree as it is, without what was built, and with the libraries that this test was built with, so that midoctor alone is built
/// again. Where they are laid out in another way, they are built as well: slower, and no worse.
fn tree(to: &Path) {
    copy(
        Path::new(env!("CARGO_MANIFEST_DIR")),
        to,
        &|name| !matches!(name, "target" | ".git" | "fuzz" | "NOTICES.txt"),
        false,
    );
    let built = std::env::current_exe().unwrap();
    let built = built.parent().and_then(Path::parent).unwrap();
    let target = to.join("target/debug");
    if !built.join("deps").is_dir() || !built.join(".fingerprint").is_dir() || !built.join("build").is_dir() {
        return;
    }
    copy(
        &built.join("deps"),
        &target.join("deps"),
        &|name| name.starts_with("lib") && !name.contains("midoctor"),
        true,
    );
    for folder in [".fingerprint", "build"] {
        copy(&built.join(folder), &target.join(folder), &|name| !name.starts_with("midoctor-"), false);
    }
}

/// The file that a step names, and the block below it.
fn step(pattern: &str) -> (PathBuf, String) {
    let says = Regex::new(&format!("{pattern}:\n\n(`+)[a-z]+\n")).unwrap();
    let mut all = says.captures_iter(section());
    let step = all.next().unwrap_or_else(|| panic!("no step says {pattern}"));
    assert!(all.next().is_none(), "{pattern}: more than one step says so");
    // A page has blocks of its own, so the one around it opens and closes with more.
    let block = &section()[step.get(0).unwrap().end()..];
    let end = block.find(&format!("\n{}\n", &step[2])).unwrap();
    (PathBuf::from(&step[1]), block[..=end].to_owned())
}

/// Writes what the steps say; returns the files that they touch.
fn follow(tree: &Path) -> BTreeSet<PathBuf> {
    let (topic, check) = step(r"In `([^`]+)`, add to the end of `CHECKS`");
    let text = fs::read_to_string(tree.join(&topic)).unwrap();
    let list = text.find("pub static CHECKS").unwrap();
    let end = list + text[list..].find("\n];\n").unwrap() + 1;
    fs::write(tree.join(&topic), format!("{}{check}{}", &text[..end], &text[end..])).unwrap();

    let (judged_in, judgement) = step(r"In `([^`]+)`, add to the end of the file");
    let text = fs::read_to_string(tree.join(&judged_in)).unwrap();
    fs::write(tree.join(&judged_in), text + &judgement).unwrap();

    let (page, words) = step(r"Write `([^`]+)`");
    assert!(!tree.join(&page).exists(), "{} is there already", page.display());
    fs::write(tree.join(&page), words).unwrap();
    BTreeSet::from([topic, judged_in, page])
}

/// Runs a command as it stands, in the copy.
fn run(command: &str, tree: &Path) -> String {
    let words = shlex::split(command).unwrap();
    let mut program = match words[0].as_str() {
        "cargo" => Command::new(env!("CARGO")),
        // The copy's own, not one that lies on the path.
        built => Command::new(tree.join(built)),
    };
    program.args(&words[1..]).current_dir(tree).stdin(Stdio::null());
    // What is not there was not needed to build this test, and cannot be fetched.
    program.env("CARGO_TARGET_DIR", tree.join("target")).env("CARGO_NET_OFFLINE", "true").env("CARGO_INCREMENTAL", "0");
    // What cargo says of this test is not for the copy's: ring would be built anew because of it.
    for (name, _) in std::env::vars_os() {
        let own =
            |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|begin| name.starts_with(begin));
        if name.to_str().is_some_and(own) {
            program.env_remove(name);
        }
    }
    let output = program.output().unwrap();
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command}: {}\n{stdout}\n{stderr}", output.status);
    stdout
}

#[test]
fn a_check_is_added_by_the_two_files_that_the_walk_through_says() {
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let tree_of_a_contributor = place.path();
    tree(tree_of_a_contributor);
    let touched = follow(tree_of_a_contributor);
    let folders: Vec<&Path> = touched.iter().map(|path| path.parent().unwrap()).collect();
    assert_eq!(folders, [Path::new("checks"), Path::new("src/checks")], "{touched:?}");

    let commands = console::commands(section());
    assert_eq!(commands.len(), 3, "the walk-through's commands are not found: {commands:?}");
    for (command, expected) in commands {
        console::matches(&expected, &run(&command, tree_of_a_contributor), &command);
    }
}
