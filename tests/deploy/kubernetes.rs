//! The manifests against Kubernetes' own schemas, and their commands run as a kubelet would: as nobody's user, without
//! capabilities, on a read-only root, with a termination log that is mounted. node-problem-detector's plugin as it runs one.
//! No cluster and no image is built.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::namespace::simulator::PROGRAM;
use crate::namespace::{Case, Suite, place};
use crate::patience::until;
use crate::recipe::{SHARED, bare, clean_shell, done, installed, offer, path, said, scenarios, text, vm, words, yaml};
use crate::{from_venv, of_machine};

/// What the kubelet keeps of a termination message (Kubernetes' documentation, "Determine the reason for Pod failure").
const KEPT: usize = 4_096;
const TERMINATION_LOG: &str = "/dev/termination-log";
const DAEMON_SET: &str = "kubernetes/daemonset.yaml";
const GATE: &str = "kubernetes/gate.yaml";
const PLUGIN: &str = "node-problem-detector/midoctor.json";

pub fn add(suite: &mut Suite) {
    let schemas = [from_venv("kubernetes-validate")];
    offer(suite, &schemas, Case::new("Kubernetes' schemas allow the manifests", allowed));
    let python = [from_venv("kubernetes-validate"), from_venv("shellcheck"), of_machine("setpriv")];
    let looped = Case::new("the DaemonSet's loop logs lines, leaves its last verdict, and ends when told to", looped);
    offer(suite, &python, looped.with_all_users());
    let gated = Case::new("the gate opens for a healthy VM alone, and says why not", gated);
    offer(suite, &python, gated.with_all_users());
    let fits = Case::new("the termination message of every scenario fits", fits);
    offer(suite, &schemas, fits);
    offer(suite, &[], Case::new("node-problem-detector's plugin keeps to its rules", plugged));
}

fn allowed() {
    for manifest in [DAEMON_SET, GATE] {
        for version in ["1.30", "1.34"] {
            let mut validate = Command::new(from_venv("kubernetes-validate").unwrap());
            done(validate.args(["--strict", "--kubernetes-version", version]).arg(path(manifest)));
        }
    }
}

/// The pod of a manifest.
fn pod(manifest: &str) -> Value {
    yaml(manifest)["spec"]["template"]["spec"].clone()
}

/// A /dev with a termination log as a kubelet mounts it. Returns the file that the kubelet reads.
fn dev() -> String {
    let kept = format!("{SHARED}/termination-log");
    fs::write(&kept, "the message of the run before, which was longer than the one that follows\n".repeat(60)).unwrap();
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o666)).unwrap();
    let nodes = format!("{SHARED}/dev");
    fs::create_dir(&nodes).unwrap();
    place::run("mount", &["--rbind", "/dev", &nodes]);
    place::run("mount", &["-t", "tmpfs", "-o", "mode=0755", "tmpfs", "/dev"]);
    for (from, to) in [
        (format!("{nodes}/null"), "/dev/null"),
        (format!("{nodes}/urandom"), "/dev/urandom"),
        (kept.clone(), TERMINATION_LOG),
    ] {
        fs::write(to, "").unwrap();
        place::run("mount", &["--bind", &from, to]);
    }
    place::run("mount", &["-o", "remount,ro", "/dev"]);
    kept
}

/// A container's command in a container's cage.
fn contained(container: &Value, authority: &Path, words: &[&str]) -> Command {
    let security = &container["securityContext"];
    assert_eq!(security["readOnlyRootFilesystem"], true);
    assert_eq!(security["capabilities"]["drop"][0], "ALL");
    assert_eq!(container["terminationMessagePath"], TERMINATION_LOG);
    let cage = "mount -o remount,ro,bind / && exec \"$@\"";
    let mut command = bare("unshare", authority);
    command.args(["-m", "sh", "-c", cage, "sh", "setpriv", "--reuid=65532", "--regid=65532", "--clear-groups"]);
    command.args(["--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]).args(words);
    command
}

/// A compact line as the kubelet would keep it.
fn message(kept: &str) -> Value {
    let text = fs::read_to_string(kept).unwrap();
    assert!(text.len() <= KEPT && text.matches('\n').count() == 1, "{text}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn looped() {
    let pod = pod(DAEMON_SET);
    assert_eq!((&pod["hostNetwork"], &pod["securityContext"]["runAsUser"]), (&true.into(), &65532.into()));
    let container = pod["containers"][0].clone();
    let line = words(&container["command"]);
    clean_shell("sh", &format!("#!/bin/sh\n{}", line[2]));
    installed();
    let kept = dev();
    let (_vm, authority) = vm("identity-none");
    let mut command = contained(&container, &authority, &line);
    for variable in container["env"].as_array().unwrap() {
        command.env(variable["name"].as_str().unwrap(), variable["value"].as_str().unwrap());
    }
    let log = format!("{SHARED}/log");
    let mut child = command
        .env("MIDOCTOR_EVERY", "0.2")
        .stdout(fs::File::create(&log).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = || fs::read_to_string(&log).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
    until("two rows", || lines().len() >= 2);
    // To the shell itself, which has the place that the container's first process would have.
    place::run("kill", &["-TERM", &child.id().to_string()]);
    let mut ended = None;
    until("it ends", || {
        ended = child.try_wait().unwrap();
        ended.is_some()
    });
    assert_eq!(ended.unwrap().code(), Some(0), "it ends when told to");
    for line in lines() {
        let row: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&row["verdict"], &row["root_cause"]), (&"unhealthy".into(), &"identity-none".into()), "{line}");
        assert!(row["TimeGenerated"].is_string(), "{line}");
    }
    assert_eq!(message(&kept)["root_cause"], "identity-none");
}

fn gated() {
    let container = pod(GATE)["initContainers"][0].clone();
    let line = [&["/usr/local/bin/midoctor"], words(&container["args"]).as_slice()].concat();
    assert!(text("kubernetes/Containerfile").contains("ENTRYPOINT [\"/usr/local/bin/midoctor\"]"));
    installed();
    let kept = dev();
    // The second is not worth waiting for.
    for (scenario, code, verdict) in [("healthy", 0, "healthy"), ("imds-denied", 1, "unhealthy")] {
        let (_vm, authority) = vm(scenario);
        let output = contained(&container, &authority, &line).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        let message = message(&kept);
        assert_eq!((&message["verdict"], &message["exit_code"]), (&verdict.into(), &code.into()));
        assert!(said(&output).contains(&verdict.to_uppercase()), "the log has the report for people");
    }
}

fn fits() {
    let file = std::env::temp_dir().join("termination-log");
    let container = pod(GATE)["initContainers"][0].clone();
    let args = words(&container["args"]);
    let outputs: Vec<String> =
        args.iter().filter(|word| word.starts_with("compact=")).map(|word| (*word).into()).collect();
    assert_eq!(outputs, [format!("compact={TERMINATION_LOG}")]);
    let all = scenarios();
    assert!(all.len() > 50, "scenarios are not found");
    for scenario in all {
        let flag = format!("compact={}", file.display());
        let output = Command::new(PROGRAM).args(["demo", scenario, "-o", &flag]).env_clear().output().unwrap();
        let message = message(file.to_str().unwrap());
        assert_eq!(message["exit_code"].as_i64(), output.status.code().map(i64::from), "{scenario}");
    }
}

/// Seconds of a duration such as `25s` or `15m`.
fn seconds(text: &Value) -> u64 {
    humantime::parse_duration(text.as_str().unwrap()).unwrap().as_secs()
}

fn plugged() {
    let plugin: Value = serde_json::from_str(&text(PLUGIN)).unwrap();
    let (config, rule) = (&plugin["pluginConfig"], &plugin["rules"][0]);
    assert!(seconds(&rule["timeout"]) <= seconds(&config["timeout"]), "node-problem-detector refuses a longer one");
    assert_eq!(plugin["conditions"][0]["type"], rule["condition"], "the rule's condition is declared");
    let length = usize::try_from(config["max_output_length"].as_u64().unwrap()).unwrap();
    let args = words(&rule["args"]);
    let deadline = args.iter().position(|word| *word == "--deadline").map(|at| args[at + 1]).unwrap();
    assert!(seconds(&deadline.into()) < seconds(&rule["timeout"]), "it ends by itself, and not by force");
    installed();
    // 0 is no problem, 1 is a problem, and whatever is above is unknown.
    for (scenario, code) in [("healthy", 0), ("identity-none", 1)] {
        let (_vm, authority) = vm(scenario);
        let output = bare(rule["path"].as_str().unwrap(), &authority).args(&args).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        assert!(output.stdout.len() <= length + 1, "{}", said(&output));
    }
    for scenario in scenarios() {
        let output = Command::new(PROGRAM).args(["demo", scenario, "-o", "line"]).env_clear().output().unwrap();
        let line = String::from_utf8(output.stdout).unwrap();
        assert!(line.trim_end().chars().count() <= length && line.matches('\n').count() == 1, "{line}");
    }
}
