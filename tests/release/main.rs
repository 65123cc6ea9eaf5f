//! The release suite: what `release/build` has made, installed, run and removed as a user would, in private namespaces.
//!
//! It builds nothing: `MIDOCTOR_DIST` names the folder with the files of a release; without it the cases that need one are left
//! out with the reason (in CI they fail), as are those whose programs the machine lacks. The program for Windows is run by the
//! network suite. Run by `cargo test --test release [-- WORD…]`.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod archives;
#[path = "../common/linked.rs"]
mod linked;
#[path = "../namespace/mod.rs"]
mod namespace;
mod packages;
mod script;
#[path = "../common/tools.rs"]
mod tools;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use namespace::{Case, Suite};
use tools::{of_machine, said};

/// Where the files of a release are.
const DIST: &str = "MIDOCTOR_DIST";
/// Of this release.
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn main() -> ExitCode {
    let mut suite =
        Suite { name: "release", cases: Vec::new(), missing: Vec::new(), lanes: 2, patience: Duration::from_secs(180) };
    archives::add(&mut suite);
    packages::add(&mut suite);
    script::add(&mut suite);
    suite.main()
}

/// Adds a case, or says why it cannot run here.
fn offer(suite: &mut Suite, programs: &[&str], needs_release: bool, case: Case) {
    let release = if needs_release { dist().map(drop) } else { Ok(()) };
    let found = release.and_then(|()| programs.iter().try_for_each(|name| of_machine(name).map(drop)));
    match found {
        Ok(()) => suite.cases.push(case),
        Err(why) => suite.missing.push((case.name, why)),
    }
}

/// The folder with the files of a release, or why there is none.
fn dist() -> Result<PathBuf, String> {
    let folder = std::env::var_os(DIST).filter(|value| !value.is_empty()).ok_or(format!("{DIST} is not set"))?;
    fs::canonicalize(&folder).map_err(|error| format!("{DIST}: {}: {error}", Path::new(&folder).display()))
}

/// One file of a release.
fn file(name: &str) -> PathBuf {
    dist().unwrap().join(name)
}

/// A command with no variables but those that programs cannot do without.
fn bare(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::null()).env("LC_ALL", "C.UTF-8").env("HOME", std::env::temp_dir());
    command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

/// Runs a command that has to succeed, and gives what it printed to standard output.
fn done(command: &mut Command) -> String {
    String::from_utf8(tools::done(command).stdout).unwrap()
}

/// All that is in a folder, as paths below it, in order; folders end with a slash.
fn tree(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, below: &str, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{below}{}", entry.file_name().into_string().unwrap());
            if entry.file_type().unwrap().is_dir() {
                found.push(format!("{name}/"));
                walk(&entry.path(), &format!("{name}/"), found);
            } else {
                found.push(name);
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, "", &mut found);
    found.sort();
    found
}

/// The program answers as a whole one does: its version, a healthy VM and one that is not.
fn works(program: &mut dyn FnMut() -> Command) {
    assert_eq!(done(program().arg("--version")), format!("midoctor {VERSION}\n"));
    assert_eq!(done(program().args(["demo", "healthy", "-q"])), "");
    let output = program().args(["demo", "role-missing", "-o", "line"]).output().unwrap();
    let line = "UNHEALTHY role-missing: The identity holds no role that lets it read this VM.\n";
    assert_eq!((said(&output).as_str(), output.status.code()), (line, Some(1)));
}
