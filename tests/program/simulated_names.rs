//! A simulated VM of another name: every scenario ends as it does under the usual name, and speaks of no other VM.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::common::refused;
use crate::played::judged;
use midoctor::engine::{self, Limits};
use midoctor::evidence::Request;
use midoctor::scenarios;
use midoctor::simulator::{Azure, SimulatedMachine, vm};

const OTHER: &str = "web-7";

#[test]
fn every_scenario_ends_the_same_on_a_vm_of_another_name() {
    let mut named = 0;
    for scenario in scenarios::all() {
        let played = |name: &str| {
            let mut scenario = scenario.scenario().unwrap();
            scenario.rename(name).unwrap();
            let plan = scenarios::plan(&scenario).unwrap();
            let machine = SimulatedMachine::at(Azure::new(scenario), "2026-09-01T10:11:12Z".parse().unwrap());
            judged(engine::examine(&machine, &plan, Limits::default(), &|_: &Request| {}).0)
        };
        let (usual, other) = (played(vm::NAME), played(OTHER));
        assert_eq!((&usual.verdict, &usual.root_cause), (&other.verdict, &other.root_cause), "{}", scenario.name);
        let name = |report: &midoctor::report::Report| report.vm.name.clone();
        assert_eq!(name(&other), name(&usual).map(|_| OTHER.to_owned()), "{}", scenario.name);
        if let (Some(id), Some(usual)) = (other.vm.resource_id, usual.vm.resource_id) {
            assert_eq!(id, usual.replace(vm::NAME, OTHER), "{}", scenario.name);
            assert_ne!(other.vm.vm_id, Some(vm::VM_ID.to_owned()), "{}", scenario.name);
            named += 1;
        }
    }
    assert!(named > 20, "most scenarios know their VM: {named}");
}

#[test]
fn a_name_that_no_vm_can_have_is_refused() {
    let said = refused(&["simulate", "healthy", "--vm", "web/7"]);
    assert!(said.starts_with("midoctor: --vm: \"web/7\" is no name of a VM: "), "{said}");
}
