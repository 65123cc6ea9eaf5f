//! The Ansible role, played by ansible-core against hosts that are reached by SSH and are in different states.

mod controller;
mod fold;
pub mod host;

use std::fs;
use std::path::Path;

use controller::{World, ansible};
use serde_json::json;

use crate::namespace::simulator::PROGRAM;
use crate::namespace::{Case, Suite, simulator};
use crate::{from_venv, of_machine, recipes};

/// Four hosts and what is wrong with them; nothing with the first.
const FLEET: [(&str, &str); 4] =
    [("web-1", "healthy"), ("web-2", "identity-none"), ("web-3", "role-missing"), ("web-4", host::SILENT)];
/// What the role leaves on a host.
const LEFT: [&str; 1] = [".local/bin/midoctor"];

/// Adds the cases, or why they cannot run.
pub fn add(suite: &mut Suite) {
    let cases = [
        Case::new("Ansible: four hosts, four reports, one fold, and nothing to change the second time", fold::four),
        Case::new("Ansible: a host that is not there stops no other, and its old report is not folded", fold::absent),
        Case::new("Ansible: hosts in batches are folded together", fold::batches),
        Case::new("Ansible: what a host says is not evaluated by the controller", fold::hostile),
        Case::new("Ansible: in check mode nothing is copied, run or kept", check_mode),
        Case::new("Ansible: a verdict fails its host once all reports are there", verdicts_fail),
        Case::new("Ansible: flags that cannot be used fail the host with the reason", wrong_flags),
        Case::new("Ansible: a configuration is copied along", configured),
        Case::new("Ansible: midoctor can be taken away again", taken_away),
        Case::new("Ansible: the files are in order", in_order),
    ];
    // The hosts' user may not look into the homes of others, where a Python of one's own often is.
    let python = Path::new("/usr/bin/python3");
    let python = python.exists().then(|| python.to_owned()).ok_or("/usr/bin/python3 is not there".to_owned());
    let found = ["ssh", "ssh-keygen", "sshd"].map(of_machine).into_iter().chain([python]);
    match found.chain(["ansible-playbook", "yamllint"].map(from_venv)).collect::<Result<Vec<_>, _>>() {
        Ok(_) => suite.cases.extend(cases.map(Case::with_all_users)),
        Err(why) => suite.missing.extend(cases.map(|case| (case.name, why.clone()))),
    }
}

/// The report of every host says what is wrong with it, and the host keeps none.
fn assert_reports(world: &World, states: &[(&str, &str)]) {
    for &(name, state) in states {
        let report = world.report(name);
        simulator::assert_valid(&report);
        let expected = if state == "healthy" { None } else { Some(state) };
        assert_eq!(report["root_cause"].as_str(), expected, "{name}: {report:#}");
        let knows_itself = state != host::SILENT;
        assert_eq!(report["vm"]["name"].as_str(), knows_itself.then_some(name), "{name}");
        assert_eq!(world.host(name).files(), LEFT, "{name}");
    }
}

fn check_mode() {
    let world = World::new(&FLEET[..2]);
    let predicted = world.play(&["--check", "--diff"], &[]);
    predicted.assert_code(0);
    for host in &world.hosts {
        assert_eq!(predicted.count(host.name, "changed"), 2, "{}", predicted.said);
        assert_eq!(host.files(), [""; 0], "{}", host.name);
    }
    assert!(!world.reports().exists(), "{}", predicted.said);
    world.play(&["-e", "midoctor_fold=false"], &[]).assert_code(0);
    let kept = fs::read(world.reports().join("hosts/web-1.json")).unwrap();
    let nothing = world.play(&["--check"], &[]);
    nothing.assert_code(0);
    assert_eq!((nothing.count("web-1", "changed"), nothing.count("web-2", "changed")), (0, 0), "{}", nothing.said);
    assert_eq!(fs::read(world.reports().join("hosts/web-1.json")).unwrap(), kept, "the report is not made anew");
}

fn verdicts_fail() {
    let world = World::new(&FLEET);
    let wanted = json!({ "midoctor_fail_on": ["unhealthy"] });
    let played = world.play(&["-e", &wanted.to_string()], &[]);
    played.assert_code(2);
    assert_reports(&world, &FLEET);
    assert!(world.reports().join("fleet.json").exists(), "{}", played.said);
    for (name, state) in FLEET {
        let healthy = state == "healthy";
        assert_eq!(played.count(name, "failed"), usize::from(!healthy), "{}", played.said);
        let words = format!("{name} is unhealthy, root cause {state}. `midoctor report show ");
        assert_eq!(played.said.contains(&words), !healthy, "{}", played.said);
    }
    let wanted = json!({ "midoctor_fail_on": ["ill"] });
    let slip = world.play(&["-e", &wanted.to_string()], &[]);
    slip.assert_code(2);
    assert!(slip.said.contains("value of midoctor_fail_on must be one"), "{}", slip.said);
}

fn wrong_flags() {
    let world = World::new(&FLEET[..2]);
    // Two identities as a list, and one that stands alone where a list is expected.
    let wanted = json!({
        "midoctor_identity": "{{ ['me; touch /tmp/x', '$HOME'] if inventory_hostname == 'web-1' else [] }}",
        "midoctor_require": "Reader",
    });
    let played = world.play(&["-e", &wanted.to_string()], &[]);
    played.assert_code(2);
    assert!(played.said.contains("midoctor: --identity takes a client ID"), "{}", played.said);
    assert!(played.said.contains("No report from web-1"), "{}", played.said);
    assert_eq!((played.count("web-1", "failed"), played.count("web-2", "failed")), (1, 0), "{}", played.said);
    assert_eq!(world.kept(), ["web-2.json"]);
    assert_eq!(world.report("web-2")["root_cause"], "identity-none");
}

fn configured() {
    let world = World::new(&FLEET[..1]);
    let config = world.file("settings.toml", "timeout = \"2s\"\n");
    let wanted = json!({ "midoctor_config": config, "midoctor_timeout": "" });
    for changed in [3, 0] {
        let played = world.play(&["-v", "-e", &wanted.to_string()], &[]);
        played.assert_code(0);
        assert_eq!(played.count("web-1", "changed"), changed, "{}", played.said);
        let word = format!("--config={}/.local/bin/midoctor.toml", host::HOME);
        assert!(played.said.contains(&word) && !played.said.contains("--timeout"), "{}", played.said);
    }
    assert_eq!(world.host("web-1").files(), [".local/bin/midoctor", ".local/bin/midoctor.toml"]);
    world.play(&["-e", &wanted.to_string(), "-e", "midoctor_keep=false"], &[]).assert_code(0);
    assert_eq!(world.host("web-1").files(), [""; 0]);
}

fn taken_away() {
    let world = World::new(&FLEET[..1]);
    let played = world.play(&["-e", "midoctor_keep=false"], &[]);
    played.assert_code(0);
    assert_eq!((world.host("web-1").files(), world.kept()), (Vec::new(), vec!["web-1.json".to_owned()]));
    // Also when it could not run.
    let broken = world.file("no-program", "this is no program");
    let failed = world.play(&["-e", "midoctor_keep=false", "-e", &format!("midoctor_binary={broken}")], &[]);
    failed.assert_code(2);
    assert_eq!(world.host("web-1").files(), [""; 0], "{}", failed.said);
    world.play(&["-e", "midoctor_fold=false"], &[]).assert_code(0);
    assert_eq!(world.host("web-1").files(), LEFT);
    let removal = world.file("remove.yml", REMOVAL);
    for changed in [1, 0] {
        let removed = world.play_this(&removal, &[], &[]);
        removed.assert_code(0);
        assert_eq!(removed.count("web-1", "changed"), changed, "{}", removed.said);
        assert_eq!(world.host("web-1").files(), [""; 0]);
    }
}

/// The role's README has this play.
const REMOVAL: &str = "- hosts: midoctor\n  gather_facts: false\n  tasks:\n    - ansible.builtin.include_role:\n        name: midoctor\n        \
                       tasks_from: remove\n";

fn in_order() {
    let folder = recipes().join("ansible");
    let lint = ansible("yamllint", &["--strict", folder.to_str().unwrap()]);
    assert_eq!((lint.code, lint.said.as_str()), (Some(0), ""));
    let inventory = folder.join("inventory.example.yml");
    let playbook = folder.join("playbook.yml");
    let syntax = ["--syntax-check", "-i", inventory.to_str().unwrap(), playbook.to_str().unwrap()];
    ansible("ansible-playbook", &syntax).assert_code(0);
    // Every flag of `check` that puts a question can be set, and the defaults agree with what is documented.
    let read = |file: &str| fs::read_to_string(folder.join("roles/midoctor").join(file)).unwrap();
    let (defaults, specs, flags) = (read("defaults/main.yml"), read("meta/argument_specs.yml"), read("vars/main.yml"));
    let readme = read("README.md");
    let help = simulator::printed(&["check", "--help"]);
    assert!(help.contains("--identity"), "{PROGRAM} has no help");
    for variable in defaults.lines().filter(|line| line.starts_with("midoctor_")) {
        let name = variable.split(':').next().unwrap();
        assert!(specs.contains(&format!("      {name}:\n")), "{name} is specified");
        assert!(readme.contains(&format!("`{name}`")), "{name} is in the role's README");
    }
    for flag in flags.split("'--").skip(1).map(|rest| rest.split('=').next().unwrap()) {
        assert!(help.contains(&format!("--{flag} ")), "midoctor has a flag --{flag}");
    }
}
