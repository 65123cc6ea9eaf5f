//! What comes of the hosts' reports on the controller.

use std::fs;

use serde_json::{Value, json};

use super::controller::World;
use super::{FLEET, assert_reports};
use crate::namespace::simulator;

/// Four hosts, twice.
pub fn four() {
    let world = World::new(&FLEET);
    let first = world.play(&[], &[]);
    first.assert_code(0);
    assert_reports(&world, &FLEET);
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
}

/// Two batches of two, and all that Ansible can say about them.
pub fn batches() {
    let world = World::new(&FLEET);
    let played = world.play(&["-e", "midoctor_serial=2", "-e", "midoctor_throttle=1", "-vvv"], &[]);
    played.assert_code(0);
    assert_reports(&world, &FLEET);
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

/// How many VMs a fold counts for a word.
#[allow(dead_code)]
fn count(fold: &Value, part: &str, word: &str) -> u64 {
    fold[part][word].as_u64().unwrap_or_default()
}
