//! The Ansible role, played by ansible-core against hosts that are reached by SSH and are in different states.

mod controller;
pub mod host;

use controller::{World, ansible};

use crate::namespace::{Case, Suite, simulator};
use crate::{from_venv, of_machine, recipes};

/// Four hosts and what is wrong with them; nothing with the first.
const FLEET: [(&str, &str); 4] =
    [("web-1", "healthy"), ("web-2", "identity-none"), ("web-3", "role-missing"), ("web-4", host::SILENT)];

/// Adds the cases, or why they cannot run.
pub fn add(suite: &mut Suite) {
    let cases = [
        Case::new("Ansible: four hosts, four reports, one fold, and nothing to change the second time", fleet),
        Case::new("Ansible: a host that is not there stops no other", one_is_not_there),
        Case::new("Ansible: the files are in order", in_order),
    ];
    let found = ["ssh", "ssh-keygen", "sshd"].map(of_machine).into_iter().chain([from_venv("ansible-playbook")]);
    match found.collect::<Result<Vec<_>, _>>() {
        Ok(_) => suite.cases.extend(cases.map(Case::with_all_users)),
        Err(why) => suite.missing.extend(cases.map(|case| (case.name, why.clone()))),
    }
}

/// The report of every host says what is wrong with it.
fn assert_reports(world: &World, states: &[(&str, &str)]) {
    for &(name, state) in states {
        let report = world.report(name);
        simulator::assert_valid(&report);
        let expected = if state == "healthy" { None } else { Some(state) };
        assert_eq!(report["root_cause"].as_str(), expected, "{name}: {report:#}");
    }
}

fn fleet() {
    let world = World::new(&FLEET);
    let first = world.play(&[], &[]);
    first.assert_code(0);
    eprintln!("{}", first.said);
    assert_reports(&world, &FLEET);
    for (name, _) in FLEET {
        assert_eq!(first.count(name, "changed"), 1 + 1, "{}", first.said);
        assert_eq!(world.host(name).files(), [".local/bin/midoctor"], "{name}");
    }
    let second = world.play(&[], &[]);
    second.assert_code(0);
    for (name, _) in FLEET {
        assert_eq!((second.count(name, "changed"), second.count(name, "failed")), (0, 0), "{}", second.said);
    }
}

fn one_is_not_there() {
    let world = World::new(&FLEET[..2]);
    let played = world.play(&[], &["gone-1"]);
    played.assert_code(4);
    assert_eq!(played.count("gone-1", "unreachable"), 1);
    assert!(played.said.contains("No report from gone-1"), "{}", played.said);
    assert_reports(&world, &FLEET[..2]);
    assert_eq!(world.kept(), ["web-1.json", "web-2.json"]);
}

fn in_order() {
    let folder = recipes().join("ansible");
    let lint = ansible("yamllint", &["--strict", folder.to_str().unwrap()]);
    assert_eq!((lint.code, lint.said.as_str()), (Some(0), ""));
    let inventory = folder.join("inventory.example.yml");
    let playbook = folder.join("playbook.yml");
    let syntax = ["--syntax-check", "-i", inventory.to_str().unwrap(), playbook.to_str().unwrap()];
    ansible("ansible-playbook", &syntax).assert_code(0);
}
