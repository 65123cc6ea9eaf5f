//! What the cases of all recipes share: offering a case where its programs are there, recipes as data, the program in its place,
//! and a stand-in for it that plays a scenario without a network. It holds no recipe's own rules.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::namespace::simulator::{PROGRAM, Simulator};
use crate::namespace::{Case, Suite, place};
pub use crate::tools::{done, said};
use crate::{from_venv, of_machine, recipes};

/// A folder that all users of a case's namespace can read. It is made by [`installed`].
pub const SHARED: &str = "/mnt";

/// Adds a case, or says why it cannot run.
pub fn offer(suite: &mut Suite, needs: &[Result<PathBuf, String>], case: Case) {
    match needs.iter().find_map(|need| need.as_ref().err()) {
        Some(why) => suite.missing.push((case.name, why.clone())),
        None => suite.cases.push(case),
    }
}

/// A file of deploy/.
pub fn path(recipe: &str) -> PathBuf {
    recipes().join(recipe)
}

/// Its text.
pub fn text(recipe: &str) -> String {
    fs::read_to_string(path(recipe)).unwrap_or_else(|error| panic!("{recipe}: {error}"))
}

/// A recipe in YAML, as data.
pub fn yaml(recipe: &str) -> Value {
    let program = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";
    let mut python = Command::new(from_venv("python").unwrap());
    let output = done(python.args(["-c", program]).arg(path(recipe)));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The words of a list of texts.
pub fn words(list: &Value) -> Vec<&str> {
    list.as_array().unwrap_or_else(|| panic!("{list} is no list")).iter().map(|word| word.as_str().unwrap()).collect()
}

/// Puts the built program at /usr/local/bin/midoctor, beside what is there, and makes the shared folder.
pub fn installed() {
    let (folder, kept) = (Path::new("/usr/local/bin"), std::env::temp_dir().join("local-bin"));
    fs::create_dir(&kept).unwrap();
    place::run("mount", &["--bind", folder.to_str().unwrap(), kept.to_str().unwrap()]);
    place::empty(folder.to_str().unwrap());
    for entry in fs::read_dir(&kept).unwrap().flatten() {
        std::os::unix::fs::symlink(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    fs::copy(PROGRAM, folder.join("midoctor")).unwrap();
    place::empty(SHARED);
    fs::set_permissions(SHARED, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A simulated VM whose authority every user can read.
pub fn vm(scenario: &str) -> (Simulator, PathBuf) {
    let simulator = Simulator::start(scenario, &[]);
    let authority = Path::new(SHARED).join("authority.pem");
    fs::copy(simulator.authority(), &authority).unwrap();
    fs::set_permissions(&authority, fs::Permissions::from_mode(0o644)).unwrap();
    (simulator, authority)
}

/// A command with an environment as bare as that of a service, which trusts this authority.
pub fn bare(program: impl AsRef<std::ffi::OsStr>, authority: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
    command.envs(crate::namespace::simulator::TOLD.map(|name| (name, authority)));
    command
}

/// A stand-in for the program that plays the scenario named by SCENARIO: the same judging, words and formats, at no address.
pub fn actor(folder: &Path) -> PathBuf {
    let script = folder.join("midoctor");
    let text = format!("#!/bin/sh\n[ \"$1\" = check ] && shift\nexec {PROGRAM} demo \"$SCENARIO\" \"$@\"\n");
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    script
}

/// The names of all scenarios.
pub fn scenarios() -> Vec<&'static str> {
    midoctor::scenarios::all().into_iter().map(|scenario| scenario.name).collect()
}

/// Are these scripts clean in the eyes of shellcheck, for this shell?
pub fn clean_shell(shell: &str, script: &str) {
    let file = std::env::temp_dir().join("script");
    fs::write(&file, script).unwrap();
    done(Command::new(from_venv("shellcheck").unwrap()).args(["--shell", shell]).arg(&file));
    if shell == "sh" {
        done(Command::new(of_machine("dash").unwrap()).arg("-n").arg(&file));
    }
}
