//! Real runs of each kind against a simulated cloud, with secrets in the environment and a password in the proxy's URL: no
//! canary is in what is printed or written, in an argument list, or in what the programs that it starts are given.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use midoctor::render::FORMATS;
use midoctor::simulator::CANARY;

use crate::canary::{leak, leak_in_folder};
use crate::namespace::simulator::{PROGRAM, Simulator, TOLD};
use crate::namespace::{Case, place};
use crate::proxies::Proxy;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("canaries: a run of each kind, with a proxy and secrets in the environment", runs),
        Case::new("canaries: what the programs that it starts are given", programs),
    ]
}

/// Secrets wherever a client would look for one.
fn with_secrets(command: &mut Command) {
    for name in ["AZURE_CLIENT_SECRET", "AZURE_PASSWORD", "IDENTITY_HEADER", "MSI_SECRET"] {
        command.env(name, format!("secret-{CANARY}"));
    }
    command.env("IDENTITY_ENDPOINT", format!("http://127.0.0.1:1/msi?code={CANARY}"));
}

/// Runs it in a folder of its own and looks at its argument list as long as it runs. Returns its exit code.
fn looked_at(folder: &Path, command: &mut Command) -> Option<i32> {
    let here = |name: &str| (name.to_owned(), folder.to_owned());
    command.current_dir(folder).envs(["HOME", "TMPDIR"].map(here)).env("LANG", "C.UTF-8");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let readers: Vec<std::thread::JoinHandle<Vec<u8>>> =
        [Box::new(child.stdout.take().unwrap()) as Box<dyn Read + Send>, Box::new(child.stderr.take().unwrap())]
            .into_iter()
            .map(|mut pipe| {
                std::thread::spawn(move || {
                    let mut bytes = Vec::new();
                    pipe.read_to_end(&mut bytes).unwrap();
                    bytes
                })
            })
            .collect();
    let mut looks = 0;
    let ended = loop {
        // Of a process that has just ended nothing can be read.
        if let Ok(arguments) = std::fs::read(format!("/proc/{}/cmdline", child.id())) {
            assert_eq!(leak(&arguments), None, "{:?}", String::from_utf8_lossy(&arguments));
            looks += usize::from(!arguments.is_empty());
        }
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    assert!(looks > 0, "its argument list was never seen");
    for reader in readers {
        let said = reader.join().unwrap();
        assert_eq!(leak(&said), None, "{}", String::from_utf8_lossy(&said));
    }
    assert_eq!(leak_in_folder(folder), None);
    ended.code()
}

fn runs() {
    place::names_lead_to_loopback(&["kv-doctor.vault.azure.net"]);
    let simulator = Simulator::start("healthy-data", &[]);
    let proxy = Proxy::start(None);
    let with_password = proxy.url.replace("http://", &format!("http://user:{CANARY}@"));
    let probes = ["--probe", "https://kv-doctor.vault.azure.net/secrets"];
    let formats: Vec<String> =
        FORMATS.iter().flat_map(|(name, _)| ["-o".into(), format!("{name}=of.{name}")]).collect();
    let formats: Vec<&str> = formats.iter().map(String::as_str).collect();
    for (words, files) in [
        ([&["check", "-v"][..], &probes, &formats].concat(), FORMATS.len()),
        ([&["check", "-q", "--identity", "all", "--wait", "1s"][..], &probes].concat(), 0),
        ([&["report", "-f", "a.zip", "--redact", "none"][..], &probes].concat(), 1),
        ([&["report", "-f", "a.zip", "--redact", "ids"][..], &probes].concat(), 2),
        (vec!["explain", "--and-check", "ManagedIdentityCredential authentication failed"], 0),
    ] {
        for through in [None, Some(&with_password)] {
            let folder = tempfile::tempdir().unwrap();
            let mut command = Command::new(PROGRAM);
            command.args(&words).env_clear().envs(TOLD.map(|name| (name, simulator.authority())));
            with_secrets(&mut command);
            if let Some(url) = through {
                command.envs(["HTTPS_PROXY", "https_proxy"].map(|name| (name, url)));
            }
            let code = looked_at(folder.path(), &mut command);
            assert!(code.is_some_and(|code| code != 2), "{words:?}: {code:?}");
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), files, "{words:?}");
        }
    }
    // Tokens were there to leak: issued, and sent, through the proxy as well.
    let log = simulator.log();
    assert!(log.contains("/metadata/identity/oauth2/token 200"), "{log}");
    assert!(log.contains("https://kv-doctor.vault.azure.net/"), "{log}");
    assert_eq!(leak(log.as_bytes()), None, "what simulate prints");
    assert!(
        proxy.asked().iter().any(|line| line.starts_with("CONNECT management.azure.com:443 ")),
        "{:?}",
        proxy.asked()
    );
}

fn programs() {
    let folder = tempfile::tempdir().unwrap();
    let seen = folder.path().join("seen");
    let script = format!(
        "#!/bin/sh\n{{ tr '\\0' '\\n' < /proc/$$/cmdline; echo --; tr '\\0' '\\n' < /proc/$$/environ; }} >> {}\n",
        seen.display()
    );
    // The first folder where the program looks for it, in this namespace alone.
    let there = Command::new("mount").args(["-t", "tmpfs", "tmpfs", "/usr/sbin"]).status().unwrap();
    assert!(there.success());
    let stub = Path::new("/usr/sbin/nft");
    std::fs::write(stub, script + "echo '{\"nftables\":[]}'\n").unwrap();
    std::fs::set_permissions(stub, std::fs::Permissions::from_mode(0o755)).unwrap();
    let work = tempfile::tempdir().unwrap();
    let mut command = Command::new(PROGRAM);
    command.args(["check", "-v", "--timeout", "1s", "--deadline", "20s"]).env_clear();
    with_secrets(&mut command);
    command.env("HTTPS_PROXY", format!("http://user:{CANARY}@127.0.0.1:1"));
    assert_eq!(looked_at(work.path(), &mut command), Some(1));
    let seen = std::fs::read_to_string(&seen).expect("a program was started");
    assert!(seen.contains("/usr/sbin/nft\n-j\nlist\nruleset\n--\n"), "{seen}");
    assert_eq!(leak(seen.as_bytes()), None, "{seen}");
}
