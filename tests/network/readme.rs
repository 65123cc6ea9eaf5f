//! The README's commands for a VM, run as they stand on one that has both kinds of identity.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::environments::{self, Sleeper, told};
use crate::namespace::simulator::{PROGRAM, Services, TOLD};
use crate::namespace::{Case, place};

const README: &str = include_str!("../../README.md");

/// A VM with both kinds of identity and a key vault that lets them in.
const VM: &str = "user_assigned = [\"id-app\"]\n\
                  [[assignment]]\nrole = \"Key Vault Secrets User\"\nscope = \"resource-group\"\n\
                  [[data]]\nhost = \"kv-web.vault.azure.net\"\n";

/// A VM in the cloud that is named on the command line.
const ELSEWHERE: &str = "cloud = \"AzureBleu\"\n[command]\narm_endpoint = \"https://management.sovcloud-api.fr\"\n";

pub fn cases() -> Vec<Case> {
    vec![Case::new("the README's commands", commands)]
}

fn commands() {
    let block = README.split("## Every flag by example").nth(1).and_then(|rest| rest.split("```").nth(1)).unwrap();
    let lines: Vec<&str> = block.lines().filter(|line| line.starts_with("midoctor")).collect();
    assert!(lines.len() >= 8, "the README's commands are not found");
    let (elsewhere, here): (Vec<&str>, Vec<&str>) = lines.into_iter().partition(|line| line.contains("--arm-endpoint"));
    let folder = tempfile::tempdir().unwrap();
    place::names_lead_to_loopback(&["kv-web.vault.azure.net"]);
    let authority = Services::place().display().to_string();
    let unit = format!("[Service]\nEnvironment={}\n", told(&authority));
    environments::files(&[("/run/systemd/system/web.service", &unit)]);
    let process = Sleeper::start(&[(TOLD[0], &authority)]);
    for (vm, lines) in [(VM, here), (ELSEWHERE, elsewhere)] {
        let services = Services::start(vm, &[], |_| {});
        lines.into_iter().for_each(|line| run(&line.replace("812", &process.pid()), folder.path(), &services));
    }
    assert!(folder.path().join("report.json").exists(), "-o json=report.json wrote nothing");
}

fn run(line: &str, folder: &Path, services: &Services) {
    let path = format!("{}:/usr/bin:/bin", Path::new(PROGRAM).parent().unwrap().display());
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(folder).env_clear().env("PATH", &path);
    shell.envs(TOLD.map(|name| (name, &services.authority))).env("LANG", "C.UTF-8").stdin(Stdio::null());
    let output = shell.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{line}\n{said}");
    // Nothing is left for standard output where every format has a file.
    let outputs: Vec<&str> = line.split(" -o ").skip(1).filter_map(|rest| rest.split_whitespace().next()).collect();
    let to_files = !outputs.is_empty() && outputs.iter().all(|output| output.contains('='));
    assert_eq!(said.is_empty(), line.contains(" -q") || to_files, "{line}\n{said}");
}
