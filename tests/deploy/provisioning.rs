//! What runs when a VM is made: cloud-init's user data, held against cloud-init's own schema and run as it would be, and Packer's
//! template, of which the shell is run and the rest only parsed. Nothing of cloud-init touches the machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::from_venv;
use crate::namespace::simulator::PROGRAM;
use crate::namespace::{Case, Suite, place};
use crate::recipe::{SHARED, bare, clean_shell, done, installed, offer, path, said, text, vm, words};

const USER_DATA: &str = "cloud-init/midoctor.yaml";
const TEMPLATE: &str = "packer/midoctor.pkr.hcl";

pub fn add(suite: &mut Suite) {
    let cloud_init = [cloud_init()];
    offer(suite, &cloud_init, Case::new("cloud-init's schema allows the user data", allowed));
    offer(suite, &cloud_init, Case::new("cloud-init's commands wait, report and tell the console", ran));
    let packer = [from_venv("hcl2tojson"), from_venv("shellcheck")];
    offer(suite, &packer, Case::new("Packer's commands install midoctor and prove it", baked));
}

/// The modules of a cloud-init that was unpacked, and not installed, beside the Python programs.
fn cloud_init() -> Result<PathBuf, String> {
    let python = from_venv("python")?;
    let modules = python.parent().and_then(Path::parent).unwrap().join("cloud-init/usr/lib/python3/dist-packages");
    if modules.join("cloudinit").exists() { Ok(modules) } else { Err("no cloud-init is unpacked beside Python".into()) }
}

fn cloud_init_python(arguments: &[&str]) -> Command {
    let mut python = Command::new(from_venv("python").unwrap());
    python.env("PYTHONPATH", cloud_init().unwrap()).args(arguments);
    python
}

fn allowed() {
    let schema = |file: &Path| {
        let mut python = cloud_init_python(&["-m", "cloudinit.cmd.main", "schema", "--config-file"]);
        python.arg(file).output().unwrap()
    };
    let output = schema(&path(USER_DATA));
    assert!(output.status.success() && said(&output).contains("Valid cloud-config"), "{}", said(&output));
    let broken = std::env::temp_dir().join("broken.yaml");
    fs::write(&broken, text(USER_DATA).replace("runcmd:", "runcmd: none\nother:")).unwrap();
    assert!(!schema(&broken).status.success(), "the schema tells");
}

fn ran() {
    // The script that cloud-init makes of the list.
    let program = "import sys, yaml\nfrom cloudinit import util\n\
                   sys.stdout.write(util.shellify(yaml.safe_load(open(sys.argv[1]))['runcmd']))";
    let output = done(cloud_init_python(&["-c", program]).arg(path(USER_DATA)));
    let script = String::from_utf8(output.stdout).unwrap();
    assert!(script.starts_with("#!/bin/sh\n"), "{script}");
    installed();
    place::empty("/var/log");
    let file = Path::new(SHARED).join("runcmd");
    fs::write(&file, script).unwrap();
    // The second is not worth waiting for.
    for (scenario, code, verdict) in [("healthy", 0, "healthy"), ("imds-denied", 1, "unhealthy")] {
        let (_vm, authority) = vm(scenario);
        let output = bare("sh", &authority).arg(&file).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        let line = said(&output);
        assert!(line.starts_with(&verdict.to_uppercase()) && line.matches('\n').count() == 1, "{line}");
        let report = fs::read_to_string("/var/log/midoctor/report.json").unwrap();
        let report: Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["verdict"], verdict);
        assert_eq!(report["run"]["waiting"]["limit_ms"], 600_000, "it would have waited");
    }
}

/// The text of a value in HCL, which the parser leaves in its quotes.
fn bared(value: &str) -> String {
    serde_json::from_str(value).unwrap_or_else(|_| value.to_owned())
}

fn baked() {
    let output = done(Command::new(from_venv("hcl2tojson").unwrap()).arg(path(TEMPLATE)));
    let template: Value = serde_json::from_slice(&output.stdout).unwrap();
    let provisioners = template["build"][0]["provisioner"].as_array().unwrap();
    let of = |kind: &str| -> Vec<Value> {
        let named = |block: &Value| block.get(kind).or_else(|| block.get(format!("\"{kind}\""))).cloned();
        provisioners.iter().filter_map(named).collect()
    };
    assert_eq!(bared(of("file")[0]["destination"].as_str().unwrap()), "/tmp/midoctor");
    let lines: Vec<String> = words(&of("shell")[0]["inline"]).into_iter().map(bared).collect();
    // As Packer joins them.
    let script = format!("#!/bin/sh -e\n{}\n", lines.join("\n"));
    clean_shell("sh", &script);
    installed();
    fs::remove_file("/usr/local/bin/midoctor").unwrap();
    let (file, binary) = (Path::new(SHARED).join("script"), Path::new(SHARED).join("uploaded"));
    fs::write(&file, script).unwrap();
    fs::copy(PROGRAM, &binary).unwrap();
    // The image's VM has no identity.
    let (_vm, authority) = vm("identity-none");
    let cage = "mount -t tmpfs tmpfs /tmp && cp \"$1\" /tmp/midoctor && sh \"$2\" && test ! -e /tmp/midoctor";
    let mut command = bare("unshare", &authority);
    let output = command.args(["-m", "sh", "-c", cage, "sh"]).args([&binary, &file]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).lines().last().unwrap().starts_with("HEALTHY"), "{}", said(&output));
    assert!(Path::new("/usr/local/bin/midoctor").exists(), "it stays in the image");
}
