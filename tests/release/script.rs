//! `release/build` where it cannot build, and the workflow that calls it. What it builds is in `archives` and `packages`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::namespace::{Case, Suite};
use crate::{bare, offer, said};

pub fn add(suite: &mut Suite) {
    let case = |name: &str, run: fn()| Case::new(name, run);
    offer(suite, &["bash"], false, case("what is no platform or option of the release script is named", unknown));
    offer(suite, &["bash"], false, case("a machine on which it cannot build says where it can", elsewhere));
    offer(
        suite,
        &["bash"],
        false,
        case("all that is missing is named at once, with what brings it, and nothing is built", lacking),
    );
    offer(suite, &["bash"], false, case("the release workflow calls the script and nothing else", workflow));
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The script's words and its exit code, with these programs alone to find.
fn run(words: &[&str], path: &Path) -> (String, Option<i32>) {
    let mut bash: Command = bare("/bin/bash");
    let output = bash.arg(repository().join("release/build")).args(words).env("PATH", path).output().unwrap();
    (said(&output), output.status.code())
}

/// A folder with these programs of the machine, and stand-ins that print a line.
fn programs(real: &[&str], stand_ins: &[(&str, &str)]) -> PathBuf {
    let folder = std::env::temp_dir().join("programs");
    fs::create_dir(&folder).unwrap();
    for name in real {
        std::os::unix::fs::symlink(crate::of_machine(name).unwrap(), folder.join(name)).unwrap();
    }
    for (name, line) in stand_ins {
        let path = folder.join(name);
        fs::write(&path, format!("#!/bin/sh\necho '{line}'\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

fn unknown() {
    let path = programs(&["dirname", "uname"], &[]);
    for (words, what) in [
        (
            ["linux-riscv64"].as_slice(),
            "there is no platform or option linux-riscv64; platforms are linux-x86_64, linux-aarch64 and windows-x86_64",
        ),
        (
            &["--upload"],
            "there is no platform or option --upload; platforms are linux-x86_64, linux-aarch64 and windows-x86_64",
        ),
        (&["--dist"], "--dist needs a value"),
        (&["--draft", ""], "--draft needs a value"),
        (&["--dist", "--draft"], "--dist needs a value"),
    ] {
        assert_eq!(run(words, &path), (format!("release/build: {what}\n"), Some(2)));
    }
}

fn elsewhere() {
    let path = programs(&["dirname"], &[("uname", "Darwin arm64")]);
    let what = "it runs on Linux on x86-64 and this is Darwin arm64; a container or a virtual machine of it will do";
    assert_eq!(run(&[], &path), (format!("release/build: {what}\n"), Some(2)));
}

fn lacking() {
    let dist = std::env::temp_dir().join("dist");
    let words = ["--dist", dist.to_str().unwrap(), "--draft", "v0"];
    let all = "\
        release/build: cargo and rustc is missing; install Rust with rustup, or from your distribution\n\
        release/build: A C compiler is missing; apt-get install gcc libc6-dev\n\
        release/build: python3 is missing; apt-get install python3 python3-venv\n\
        release/build: maturin is missing; pip install maturin\n\
        release/build: Zig is missing; pip install ziglang\n\
        release/build: cargo-deb is missing; cargo install --locked cargo-deb\n\
        release/build: dpkg-deb is missing; apt-get install dpkg\n\
        release/build: rpmbuild is missing; apt-get install rpm\n\
        release/build: readelf is missing; apt-get install binutils\n\
        release/build: gzip is missing; apt-get install gzip\n\
        release/build: MinGW-w64 is missing; apt-get install gcc-mingw-w64-x86-64\n\
        release/build: zip is missing; apt-get install zip\n\
        release/build: gh is missing; apt-get install gh\n";
    let nothing = programs(&["dirname", "uname"], &[]);
    assert_eq!(run(&words, &nothing), (all.to_owned(), Some(2)));
    fs::remove_dir_all(&nothing).unwrap();
    // A toolchain without the source of its standard library.
    let sysroot = std::env::temp_dir().join("sysroot");
    fs::create_dir_all(sysroot.join("lib/rustlib")).unwrap();
    let tools = ["cargo", "maturin", "zig", "cargo-deb", "dpkg-deb", "rpmbuild", "readelf", "python3", "cc"];
    let mut stand_ins = tools.map(|name| (name, "")).to_vec();
    stand_ins.push(("rustc", sysroot.to_str().unwrap()));
    let toolchain = programs(&["dirname", "uname", "gzip"], &stand_ins);
    let what = "release/build: The source of Rust's standard library is missing; rustup component add rust-src\n";
    let words = ["--dist", dist.to_str().unwrap(), "linux-x86_64", "linux-aarch64"];
    assert_eq!(run(&words, &toolchain), (what.to_owned(), Some(2)));
    assert!(!dist.exists());
}

fn workflow() {
    let text = fs::read_to_string(repository().join(".github/workflows/release.yml")).unwrap();
    let commands: Vec<&str> =
        text.lines().filter_map(|line| line.trim_start().trim_start_matches("- ").strip_prefix("run:")).collect();
    assert_eq!(commands, [r#" release/build --install --draft "$GITHUB_REF_NAME""#]);
}
