//! The archives of a release: what is in them, and the programs run where they are meant for. What is installed is in `packages`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::namespace::simulator::{Simulator, TOLD};
use crate::namespace::{Case, Suite};
use crate::{VERSION, bare, dist, done, file, offer, tree, works};

/// Runs programs for Arm64 on x86-64.
const QEMU: &str = "qemu-aarch64-static";
/// Where Debian keeps the glibc of Arm64 for it (libc6-arm64-cross).
const ARM64: &str = "/usr/aarch64-linux-gnu";

pub fn add(suite: &mut Suite) {
    offer(suite, &[], true, Case::new("a release holds a file for every platform, and their check sums", whole));
    let unpack = ["tar", "gzip"];
    offer(suite, &unpack, true, Case::new("the archive for Linux holds the program and what to read", for_linux));
    offer(
        suite,
        &["unzip"],
        true,
        Case::new("the archive for Windows holds the program and what to read", for_windows),
    );
    let read = ["tar", "gzip", "readelf"];
    offer(suite, &read, true, Case::new("the programs for Linux need glibc 2.17 and no other library", little_needed));
    offer(suite, &unpack, true, Case::new("the program for Linux examines a VM at the real address", on_x86_64));
    let emulate = ["tar", "gzip", QEMU];
    offer(suite, &emulate, true, Case::new("the program for Arm64 examines a VM at the real address", on_aarch64));
}

fn whole() {
    let dist = dist().unwrap();
    let wheel = |platform: &str| format!("midoctor-{VERSION}-py3-none-{platform}.whl");
    let mut expected = vec![
        format!("midoctor-{VERSION}-linux-x86_64.tar.gz"),
        format!("midoctor-{VERSION}-linux-aarch64.tar.gz"),
        format!("midoctor-{VERSION}-windows-x86_64.zip"),
        format!("midoctor_{VERSION}-1_amd64.deb"),
        format!("midoctor_{VERSION}-1_arm64.deb"),
        format!("midoctor-{VERSION}-1.x86_64.rpm"),
        format!("midoctor-{VERSION}-1.aarch64.rpm"),
        wheel("manylinux2014_x86_64.manylinux_2_17_x86_64"),
        wheel("manylinux2014_aarch64.manylinux_2_17_aarch64"),
        wheel("win_amd64"),
    ];
    expected.sort();
    let sums = fs::read_to_string(dist.join("SHA256SUMS")).unwrap();
    let mut summed: Vec<&str> = sums.lines().map(|line| line.split_once("  ").unwrap().1).collect();
    summed.sort_unstable();
    assert_eq!(summed, expected);
    done(bare("sha256sum").args(["--check", "--strict", "--quiet", "SHA256SUMS"]).current_dir(&dist));
}

/// Unpacks an archive for Linux: the folder that was in it.
pub fn unpacked(platform: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(platform);
    fs::create_dir(&folder).unwrap();
    let name = format!("midoctor-{VERSION}-{platform}");
    done(bare("tar").arg("-xzf").arg(file(&format!("{name}.tar.gz"))).arg("-C").arg(&folder));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "it is all in one folder");
    folder.join(name)
}

/// What all archives hold beside the program.
const READ: [&str; 6] = ["CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "NOTICES.txt", "README.md", "SECURITY.md"];

fn for_linux() {
    for platform in ["linux-x86_64", "linux-aarch64"] {
        let folder = unpacked(platform);
        let found = tree(&folder);
        let (pages, others): (Vec<_>, Vec<_>) = found.into_iter().partition(|name| name.starts_with("man/"));
        let mut expected = READ.to_vec();
        expected.extend(["completions/", "completions/_midoctor", "completions/midoctor"]);
        expected.extend(["completions/midoctor.fish", "completions/midoctor.ps1", "LICENSE", "midoctor"]);
        expected.sort_unstable();
        assert_eq!(others, expected);
        for page in ["man/midoctor.1", "man/midoctor-explain.1", "man/midoctor-report.1"] {
            assert!(pages.iter().any(|name| name == page), "{page} is not in {pages:?}");
        }
        assert_eq!(mode(&folder.join("midoctor")), 0o755);
        assert_eq!(mode(&folder.join("README.md")), 0o644);
    }
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn for_windows() {
    let folder = std::env::temp_dir().join("windows");
    let name = format!("midoctor-{VERSION}-windows-x86_64");
    done(bare("unzip").arg("-q").arg(file(&format!("{name}.zip"))).arg("-d").arg(&folder));
    let mut expected: Vec<String> = READ.iter().chain(&["LICENSE"]).map(|read| format!("{name}/{read}")).collect();
    expected.extend(
        ["/", "/completions/", "/completions/midoctor.ps1", "/midoctor.exe"].map(|path| format!("{name}{path}")),
    );
    expected.sort();
    assert_eq!(tree(&folder), expected);
}

fn little_needed() {
    for platform in ["linux-x86_64", "linux-aarch64"] {
        let program = unpacked(platform).join("midoctor");
        let size = fs::metadata(&program).unwrap().len();
        assert!(size < 6_000_000, "{platform} has {size} bytes");
        let dynamic = done(bare("readelf").arg("-d").arg(&program));
        for line in dynamic.lines().filter(|line| line.contains("(NEEDED)")) {
            let glibc = ["libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "ld-linux"];
            assert!(glibc.iter().any(|library| line.contains(library)), "{platform}: {line}");
        }
        let versions = done(bare("readelf").arg("-V").arg(&program));
        let minor = |word: &str| word.strip_prefix("GLIBC_2.")?.split('.').next()?.parse::<u32>().ok();
        let newest =
            versions.split(|sign: char| !sign.is_ascii_alphanumeric() && !"._".contains(sign)).filter_map(minor).max();
        assert!(newest.is_some_and(|newest| newest <= 17), "{platform} needs glibc 2.{newest:?}");
    }
}

fn on_x86_64() {
    let program = unpacked("linux-x86_64").join("midoctor");
    works(&mut || bare(&program));
    let simulator = Simulator::start("healthy", &[]);
    let authority = simulator.authority();
    let mut trusting = bare(&program);
    for variable in TOLD {
        trusting.env(variable, &authority);
    }
    let text = done(trusting.args(["-o", "line"]));
    assert_eq!(text, "HEALTHY: 12 passed, 1 skipped (vm-doctor-01)\n");
    drop(simulator);
    let simulator = Simulator::start("identity-none", &[]);
    let output = bare(&program).env("SSL_CERT_FILE", simulator.authority()).args(["-o", "line"]).output().unwrap();
    let line = "UNHEALTHY identity-none: No managed identity is enabled on this VM.\n";
    assert_eq!((crate::said(&output).as_str(), output.status.code()), (line, Some(1)));
}

fn on_aarch64() {
    let program = unpacked("linux-aarch64").join("midoctor");
    let emulated = || {
        let mut command = bare(QEMU);
        command.args(["-L", ARM64]).arg(&program);
        command
    };
    works(&mut || emulated());
    let simulator = Simulator::start("identity-none", &[]);
    let output = emulated().env("SSL_CERT_FILE", simulator.authority()).args(["-o", "line"]).output().unwrap();
    let line = "UNHEALTHY identity-none: No managed identity is enabled on this VM.\n";
    assert_eq!((crate::said(&output).as_str(), output.status.code()), (line, Some(1)));
}
