//! The packages of a release, put on, used and taken off by the package managers that they are for, into folders of a test.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::archives::unpacked;
use crate::linked::linked;
use crate::namespace::{Case, Suite};
use crate::{VERSION, bare, done, file, offer, said, tree, works};

pub fn add(suite: &mut Suite) {
    let debian = ["dpkg", "man", "bash"];
    offer(suite, &debian, true, Case::new("the .deb is installed, run, found by man and bash, and removed", deb));
    offer(suite, &["lintian"], true, Case::new("lintian has nothing to say about the .deb packages", lintian));
    offer(suite, &["rpm"], true, Case::new("the .rpm is installed, run and removed", rpm));
    offer(
        suite,
        &["python3"],
        true,
        Case::new("the wheel is installed into a Python environment, run and removed", wheel),
    );
    let all = ["tar", "gzip", "dpkg-deb", "unzip"];
    offer(suite, &all, true, Case::new("packages and archives of a platform hold the same program", same));
    let all = ["tar", "gzip", "dpkg-deb", "rpm", "unzip"];
    offer(
        suite,
        &all,
        true,
        Case::new("every package and archive brings the licences of all that is linked", licences),
    );
}

fn debian(architecture: &str) -> PathBuf {
    file(&format!("midoctor_{VERSION}-1_{architecture}.deb"))
}

/// The files that packages for Linux put beside the program, and where.
fn beside(zsh: &str) -> Vec<String> {
    ["bash-completion/completions/midoctor", zsh, "fish/vendor_completions.d/midoctor.fish"]
        .map(|path| format!("usr/share/{path}"))
        .into()
}

fn deb() {
    let root = std::env::temp_dir().join("installed");
    let admin = root.join("var/lib/dpkg");
    for folder in ["info", "updates"] {
        fs::create_dir_all(admin.join(folder)).unwrap();
    }
    // What the machine says of its own glibc and of all that this needs: nothing is forced.
    let mut status = String::new();
    for package in ["libc6", "libgcc-s1", "gcc-12-base"] {
        let output = bare("dpkg").args(["--status", package]).output().unwrap();
        if output.status.success() {
            status += &format!("{}\n", said(&output).trim_end());
            status += "\n";
        }
    }
    fs::write(admin.join("status"), status).unwrap();
    let dpkg = |words: &[&str]| {
        let mut command = bare("dpkg");
        command.arg("--log=/dev/null").arg(format!("--root={}", root.display())).args(words);
        command
    };
    let before = tree(&root);
    done(dpkg(&["--install", "--force-not-root"]).arg(debian("amd64")));
    let program = root.join("usr/bin/midoctor");
    works(&mut || bare(&program));
    let installed = tree(&root);
    for path in beside("zsh/vendor-completions/_midoctor") {
        assert!(installed.contains(&path), "{path} is not in {installed:?}");
    }
    let share = root.join("usr/share");
    for page in ["midoctor", "midoctor-explain"] {
        let found = done(bare("man").arg("-M").arg(share.join("man")).args(["-w", page]));
        assert!(found.trim_end().ends_with(&format!("usr/share/man/man1/{page}.1.gz")), "{found}");
    }
    let completions = share.join("bash-completion/completions/midoctor");
    let known = done(bare("bash").args(["-c", "source \"$0\" && complete -p midoctor"]).arg(completions));
    assert!(known.ends_with(" midoctor\n"), "{known}");
    done(&mut dpkg(&["--purge", "--force-not-root", "midoctor"]));
    let ours = |path: &String| path.contains("midoctor");
    assert_eq!(tree(&root).into_iter().filter(ours).collect::<Vec<_>>(), Vec::<String>::new());
    assert!(!before.iter().any(ours));
}

fn lintian() {
    for architecture in ["amd64", "arm64"] {
        let output = bare("lintian")
            .args(["--fail-on", "error,warning", "--no-cfg", "--allow-root"])
            .arg(debian(architecture))
            .output()
            .unwrap();
        assert_eq!((said(&output).as_str(), output.status.code()), ("", Some(0)), "{architecture}");
    }
}

fn rpm() {
    let root = std::env::temp_dir().join("installed");
    let package = file(&format!("midoctor-{VERSION}-1.x86_64.rpm"));
    let rpm = |words: &[&str]| {
        let mut command = bare("rpm");
        // The machine's own files about packages are not touched.
        command.arg("--root").arg(&root).args(["--dbpath", "/var/lib/rpm"]).args(words);
        command
    };
    fs::create_dir(&root).unwrap();
    done(&mut rpm(&["--initdb"]));
    let query = |words: &[&str], package: &Path| done(bare("rpm").arg("-qp").args(words).arg(package));
    let needed = query(&["--requires"], &package);
    let needed: Vec<&str> = needed.lines().filter(|line| !line.starts_with("rpmlib(")).collect();
    assert_eq!(needed, ["glibc >= 2.17"]);
    assert_eq!(
        query(&["--queryformat", "%{NAME} %{VERSION} %{LICENSE} %{ARCH}"], &package),
        format!("midoctor {VERSION} MIT OR Apache-2.0 x86_64")
    );
    let other = file(&format!("midoctor-{VERSION}-1.aarch64.rpm"));
    assert_eq!(query(&["--queryformat", "%{ARCH}"], &other), "aarch64");
    // There is no package glibc in an empty root; that it is asked for was seen above.
    done(rpm(&["--install", "--nodeps"]).arg(&package));
    let program = root.join("usr/bin/midoctor");
    works(&mut || bare(&program));
    let installed = tree(&root);
    for path in beside("zsh/site-functions/_midoctor") {
        assert!(installed.contains(&path), "{path} is not in {installed:?}");
    }
    assert!(installed.iter().any(|path| path.starts_with("usr/share/man/man1/midoctor.1")), "{installed:?}");
    done(&mut rpm(&["--erase", "midoctor"]));
    let left: Vec<String> = tree(&root).into_iter().filter(|path| path.contains("midoctor")).collect();
    assert_eq!(left, Vec::<String>::new());
}

fn wheel_of(platform: &str) -> PathBuf {
    file(&format!("midoctor-{VERSION}-py3-none-{platform}.whl"))
}

const HERE: &str = "manylinux2014_x86_64.manylinux_2_17_x86_64";

fn wheel() {
    let venv = std::env::temp_dir().join("venv");
    done(bare("python3").args(["-m", "venv"]).arg(&venv));
    let pip = |words: &[&str]| {
        let mut command = bare(venv.join("bin/pip"));
        command.args(["--disable-pip-version-check", "--no-input", "--no-cache-dir"]).args(words);
        command
    };
    done(pip(&["install", "--quiet", "--no-index"]).arg(wheel_of(HERE)));
    let program = venv.join("bin/midoctor");
    works(&mut || bare(&program));
    let about = done(&mut pip(&["show", "midoctor"]));
    for line in [
        format!("Version: {VERSION}"),
        "Summary: Tells why a managed identity does not work on an Azure VM, and how to fix it".into(),
    ] {
        assert!(about.lines().any(|said| said == line), "{about}");
    }
    assert!(about.contains("MIT OR Apache-2.0"), "{about}");
    done(&mut pip(&["uninstall", "--quiet", "--yes", "midoctor"]));
    assert!(!program.exists());
}

fn same() {
    for (platform, architecture, tag) in
        [("linux-x86_64", "amd64", HERE), ("linux-aarch64", "arm64", "manylinux2014_aarch64.manylinux_2_17_aarch64")]
    {
        let from_archive = fs::read(unpacked(platform).join("midoctor")).unwrap();
        let folder = std::env::temp_dir().join(architecture);
        done(bare("dpkg-deb").arg("--extract").arg(debian(architecture)).arg(&folder));
        assert!(fs::read(folder.join("usr/bin/midoctor")).unwrap() == from_archive, "{architecture}");
        let control = done(bare("dpkg-deb").arg("--field").arg(debian(architecture)).args(["Architecture", "Depends"]));
        assert_eq!(control, format!("Architecture: {architecture}\nDepends: libc6 (>= 2.17)\n"));
        let inside = format!("midoctor-{VERSION}.data/scripts/midoctor");
        done(bare("unzip").arg("-q").arg(wheel_of(tag)).arg(&inside).arg("-d").arg(&folder));
        assert!(fs::read(folder.join(&inside)).unwrap() == from_archive, "{tag}");
        let names = done(bare("unzip").arg("-Z1").arg(wheel_of(tag)));
        let about = format!("midoctor-{VERSION}.dist-info/");
        assert!(names.lines().all(|name| name == inside || name.starts_with(&about)), "{names}");
        // Such as a list of what it was built from, which would name the folder.
        let texts = done(bare("unzip").arg("-p").arg(wheel_of(tag)).arg(format!("{about}*")));
        assert!(!texts.contains("file://"), "{texts}");
    }
}

/// What has to be passed on with the program: the licences of all that is linked into it.
fn licences() {
    let notices = unpacked("linux-x86_64").join("NOTICES.txt");
    let text = fs::read_to_string(&notices).unwrap();
    let (_, list) = text.split_once("\n\n").unwrap();
    let listed = list.split("\n\n").next().unwrap().lines().map(|line| line.split_once(": ").unwrap().0);
    let listed: BTreeSet<String> = listed.map(str::to_owned).collect();
    let targets = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64-pc-windows-gnu"];
    let crates = targets.iter().flat_map(|target| linked(target, &[]));
    assert_eq!(listed, crates.map(|name| name.replacen(" v", " ", 1)).collect());
    // Between two rules stands whose the text below is.
    let rule = format!("\n{}\n", "=".repeat(80));
    let headings: Vec<&str> = text.split(&rule).skip(1).step_by(2).flat_map(|names| names.split(", ")).collect();
    for name in listed.iter().map(String::as_str).chain(["Rust's standard library"]) {
        assert!(headings.contains(&name), "{name} is listed and has no text");
    }
    // Of colored, of what ring took from others, of the standard library's tables, and of the runtime for Windows.
    for sentence in
        ["Mozilla Public License Version 2.0", "the fiat-crypto authors", "UNICODE LICENSE V3", "License: ZPL-2.1"]
    {
        assert!(text.contains(sentence), "{sentence}");
    }

    let same = |path: PathBuf| assert!(fs::read_to_string(&path).unwrap() == text, "{}", path.display());
    same(unpacked("linux-aarch64").join("NOTICES.txt"));
    for architecture in ["amd64", "arm64"] {
        let folder = std::env::temp_dir().join(architecture);
        done(bare("dpkg-deb").arg("--extract").arg(debian(architecture)).arg(&folder));
        same(folder.join("usr/share/doc/midoctor/NOTICES.txt"));
    }
    for architecture in ["x86_64", "aarch64"] {
        let package = file(&format!("midoctor-{VERSION}-1.{architecture}.rpm"));
        let query = "[%{FILENAMES} %{FILEDIGESTS}\n]";
        let files = done(bare("rpm").args(["-qp", "--queryformat", query]).arg(package));
        let digest = done(bare("sha256sum").arg(&notices));
        let line = format!("/usr/share/licenses/midoctor/NOTICES.txt {}", digest.split(' ').next().unwrap());
        assert!(files.lines().any(|found| found == line), "{line}\n{files}");
    }
    let wheels = [HERE, "manylinux2014_aarch64.manylinux_2_17_aarch64", "win_amd64"]
        .map(|platform| (wheel_of(platform), format!("midoctor-{VERSION}.dist-info/licenses/NOTICES.txt")));
    let windows = format!("midoctor-{VERSION}-windows-x86_64");
    let archive = (file(&format!("{windows}.zip")), format!("{windows}/NOTICES.txt"));
    for (archive, inside) in wheels.into_iter().chain([archive]) {
        assert!(done(bare("unzip").arg("-p").arg(&archive).arg(inside)) == text, "{}", archive.display());
    }
}
