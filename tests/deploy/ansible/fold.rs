//! What comes of the hosts' reports on the controller.

use std::fs;

use midoctor::simulator::CANARY;
use serde_json::{Value, json};

use super::controller::{Played, World};
use super::{FLEET, assert_reports};
use crate::namespace::simulator;

/// Four hosts, three times: as they are, again, and with less asked of them.
pub fn four() {
    let world = World::new(&FLEET);
    let first = world.play(&[], &[]);
    first.assert_code(0);
    assert_reports(&world, &FLEET);
    assert_folded(&world, &first, &FLEET);
    for (name, _) in FLEET {
        // The folder and the binary.
        assert_eq!(first.count(name, "changed"), 2, "{}", first.said);
    }
    let second = world.play(&[], &[]);
    second.assert_code(0);
    for (name, _) in FLEET {
        let counts = ["changed", "failed", "unreachable"].map(|what| second.count(name, what));
        assert_eq!(counts, [0, 0, 0], "{}", second.said);
    }
    assert_reports(&world, &FLEET);
    assert_folded(&world, &second, &FLEET);
    // Nothing is required any more, and the fold from before says what that changed.
    let since = world.reports().join("fleet.json");
    let wanted = json!({ "midoctor_require": ["none"], "midoctor_since": since });
    let third = world.play(&["-e", &wanted.to_string()], &[]);
    third.assert_code(0);
    let calmer = FLEET.map(|(name, state)| (name, if state == "role-missing" { "healthy" } else { state }));
    assert_reports(&world, &calmer);
    assert_folded(&world, &third, &calmer);
    let fold = world.fold();
    let healed = fold["changes"]["healed"]["first"].as_array().unwrap();
    let healed: Vec<&Value> = healed.iter().map(|vm| &vm["name"]).collect();
    assert_eq!(healed, ["web-3"], "{}", third.said);
}

/// A host that was there and is not any more.
pub fn absent() {
    let world = World::new(&FLEET[..2]);
    fs::create_dir_all(world.reports().join("hosts")).unwrap();
    let old = simulator::json(&["demo", "role-missing", "-o", "json"]);
    fs::write(world.reports().join("hosts/gone-1.json"), old.to_string()).unwrap();
    let played = world.play(&[], &["gone-1"]);
    played.assert_code(4);
    assert_eq!(played.count("gone-1", "unreachable"), 1, "{}", played.said);
    assert!(played.said.contains("No report from gone-1"), "{}", played.said);
    assert_reports(&world, &FLEET[..2]);
    assert_folded(&world, &played, &FLEET[..2]);
}

/// Two batches of two, one after the other, and all that Ansible can say about them.
pub fn batches() {
    let world = World::new(&FLEET);
    let played = world.play(&["-e", "midoctor_serial=2", "-e", "midoctor_throttle=1", "-vvv"], &[]);
    played.assert_code(0);
    assert_reports(&world, &FLEET);
    assert_folded(&world, &played, &FLEET);
}

/// The fold counts these hosts, each with what is wrong with it, and no others; and Ansible shows it.
fn assert_folded(world: &World, played: &Played, states: &[(&str, &str)]) {
    let fold = world.fold();
    let ill: Vec<&(&str, &str)> = states.iter().filter(|(_, state)| *state != "healthy").collect();
    let (all, unhealthy) = (states.len(), ill.len());
    let verdicts = json!({ "healthy": all - unhealthy, "degraded": 0, "unhealthy": unhealthy, "undetermined": 0 });
    assert_eq!(fold["verdicts"], verdicts, "{fold:#}");
    let reports = ["read", "vms", "older", "broken", "others"].map(|what| fold["reports"][what].as_u64().unwrap());
    assert_eq!(reports, [all as u64, all as u64, 0, 0, 0], "{fold:#}");
    let part = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
    let mut causes: Vec<(String, u64)> = fold["root_causes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (part(one, "code"), one["vms"].as_u64().unwrap()))
        .collect();
    causes.sort();
    let mut expected: Vec<(String, u64)> = ill.iter().map(|(_, state)| ((*state).to_owned(), 1)).collect();
    expected.sort();
    assert_eq!(causes, expected, "{fold:#}");
    // Where in the file it stands follows a colon.
    let file = |vm: &Value| part(vm, "source").split(':').next().unwrap_or_default().to_owned();
    let mut vms: Vec<(String, String)> =
        fold["vms"].as_array().unwrap().iter().map(|vm| (file(vm), part(vm, "root_cause"))).collect();
    vms.sort();
    let expected: Vec<(String, String)> = states
        .iter()
        .map(|(name, state)| {
            (format!("hosts/{name}.json"), if *state == "healthy" { String::new() } else { (*state).to_owned() })
        })
        .collect();
    assert_eq!(vms, expected, "{fold:#}");
    for (name, state) in states {
        let ending = if *state == "healthy" { "healthy".to_owned() } else { format!("unhealthy, root cause {state}") };
        assert!(played.said.contains(&format!("\"{name} is {ending}\"")), "{name}: {}", played.said);
    }
    let last = format!("UNHEALTHY  {unhealthy} of {all} VMs: ");
    assert!(played.said.contains(&last), "Ansible shows the fold: {}", played.said);
    let page = fs::read_to_string(world.reports().join("fleet.html")).unwrap();
    assert!(
        ill.iter().all(|(_, state)| page.contains(state)) && !page.contains(CANARY),
        "the page names what is wrong"
    );
}

/// One host answers with a report that tries to be a template, terminal codes and a path.
pub fn hostile() {
    let world = World::new(&FLEET[..2]);
    let trace = std::env::temp_dir().join("evaluated");
    let lookup = format!("{{{{ lookup('ansible.builtin.pipe', 'touch {}') }}}}", trace.display());
    let mut report = simulator::json(&["demo", "identity-none", "-o", "json"]);
    report["vm"]["name"] = json!(lookup);
    report["root_cause"] = json!(format!("\u{1b}[31m{lookup}{{{{ 77777 * 77777 }}}}\n::error::x"));
    let script = format!("#!/bin/sh\ncat <<'END'\n{report}\nEND\nexit 1\n");
    let script = world.file("hostile", &script);
    let wanted = json!({
        "midoctor_binary": format!("{{{{ '{script}' if inventory_hostname == 'web-2' else '{}' }}}}", simulator::PROGRAM),
        "midoctor_fold_binary": simulator::PROGRAM,
        "midoctor_fail_on": ["unhealthy"],
    });
    let played = world.play(&["-v", "-e", &wanted.to_string()], &[]);
    played.assert_code(2);
    assert_eq!(played.count("web-2", "failed"), 1, "{}", played.said);
    assert!(!trace.exists(), "a template of the host was evaluated: {}", played.said);
    assert!(!played.said.contains("6049261729") && !played.said.contains('\u{1b}'), "{}", played.said);
    assert_eq!(world.report("web-2")["root_cause"], report["root_cause"], "the report is kept as it came");
}
