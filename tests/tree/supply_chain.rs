//! What midoctor is built from: every dependency has its reason, their number is the one that is written down, and nothing of
//! ours runs while it is built. Licences, sources and bans are in deny.toml, which CI holds the tree against.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::linked::linked;

fn manifest() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap()
}

/// The lines of the tables whose heading holds this word, each with the line before it.
fn entries(word: &str) -> Vec<(String, String)> {
    let (mut inside, mut before, mut found) = (false, String::new(), Vec::new());
    for line in manifest().lines() {
        if line.starts_with('[') {
            inside = line.contains(word);
        } else if inside && line.contains(" = ") && !line.starts_with('#') {
            found.push((line.to_owned(), before));
        }
        before = line.to_owned();
    }
    found
}

#[test]
fn every_dependency_has_its_reason() {
    let all = entries("dependencies");
    assert!(all.len() > 30, "{all:?}");
    // The parts of one thing share the reason before the table's heading.
    let shares = |line: &str| line.starts_with("netlink-");
    for (line, before) in all {
        assert!(before.starts_with("# ") || shares(&line), "{line}");
    }
}

/// Those on Linux.
fn crates(arguments: &[&str]) -> BTreeSet<String> {
    linked("x86_64-unknown-linux-gnu", arguments)
}

#[test]
fn the_number_of_crates_in_the_program_is_the_one_that_is_written_down() {
    let (full, minimal) = (crates(&[]), crates(&["--no-default-features"]));
    let counted = format!("# {} crates are in the program on Linux", full.len());
    assert!(manifest().contains(&counted), "Cargo.toml does not say: {counted}");
    let counted = format!("{} in the minimal build", minimal.len());
    assert!(manifest().contains(&counted), "Cargo.toml does not say: {counted}");
}

#[test]
fn each_part_brings_its_own_crates_and_no_others() {
    let has = |crates: &BTreeSet<String>, name: &str| crates.iter().any(|one| one.starts_with(&format!("{name} ")));
    for (features, with) in [
        ("", &[][..]),
        ("simulator", &["rcgen"]),
        ("html", &["askama"]),
        // An archive holds a page.
        ("archives", &["askama", "zip"]),
        ("default", &["askama", "rcgen", "zip"]),
    ] {
        let crates = crates(&["--no-default-features", "--features", features]);
        for name in ["askama", "rcgen", "zip"] {
            assert_eq!(has(&crates, name), with.contains(&name), "{name} with the features “{features}”");
        }
    }
}

#[test]
fn no_table_of_unicode_for_patterns_is_in_the_program() {
    let features = |edges: &str| {
        let output = Command::new(env!("CARGO"))
            .args(["tree", "--locked", "--offline", "--prefix", "none", "--format", "{p} {f}", "--edges", edges])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let printed = String::from_utf8(output.stdout).unwrap();
        let of_regex = printed.lines().filter(|line| line.starts_with("regex v") || line.starts_with("regex-"));
        of_regex.map(str::to_owned).collect::<Vec<_>>()
    };
    let program = features("normal");
    assert!(program.iter().any(|line| line.starts_with("regex v")), "{program:?}");
    assert!(program.iter().all(|line| !line.contains("unicode")), "{program:?}");
    // It would be seen: the tests have them.
    assert!(features("normal,dev").iter().any(|line| line.contains("unicode-perl")));
}

#[test]
fn nothing_of_ours_runs_while_it_is_built() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert!(!root.join("build.rs").exists());
    let manifest: toml::Table = manifest().parse().unwrap();
    let package = manifest["package"].as_table().unwrap();
    assert!(!package.contains_key("build") && !manifest.contains_key("build-dependencies"));
    assert_eq!(manifest["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
    // No folder settings that make a plain build something else.
    assert!(!root.join(".cargo").exists());
}
