//! Whose token it is: compared with the VM's identities as Azure Resource Manager lists them. In process.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::played::{self, ending, finding, play};
use midoctor::check::Status;

const OTHER: &str = "c4a1b9e6-0d37-4f82-a5be-63d9e8f71204";
const IDENTITIES: &str = "/subscriptions/3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846/resourcegroups/rg-doctor/providers/Microsoft.ManagedIdentity/userAssignedIdentities";

#[test]
fn an_identity_that_was_made_again_is_stale() {
    // A VM that answers with the identity it has now, to a token of the identity that it had.
    for more in ["", "system_assigned = false\nuser_assigned = [\"id-app\"]\n"] {
        let toml = format!("{more}[token]\noid = \"{OTHER}\"\n[[assignment]]\nrole = \"Reader\"\nscope = \"vm\"\n");
        let report = play(&toml);
        // Azure Resource Manager lets nobody read whom it does not know, so this shows only where the old one still has a role.
        assert_eq!(ending(&report, "reader").0, Status::Fail, "{more}");
    }
    let report = play_with_vm(&format!("\"type\":\"SystemAssigned\",\"principalId\":\"{OTHER}\""));
    assert_eq!(ending(&report, "principal"), (Status::Fail, "identity-stale"));
    assert!(finding(&report, "principal").seen.contains(OTHER), "{}", finding(&report, "principal").seen);
    let report = play_with_vm("\"type\":\"None\"");
    assert_eq!(ending(&report, "principal"), (Status::Fail, "identity-stale"));
}

/// A VM whose identity block at Azure Resource Manager holds this.
fn play_with_vm(block: &str) -> midoctor::report::Report {
    let vm = "/subscriptions/3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846/resourceGroups/rg-doctor/providers/Microsoft.Compute/virtualMachines/vm-doctor-01";
    let literal = format!(
        "GET https://management.azure.com{vm}\n\nHTTP/1.1 200 OK\nx-ms-request-id: r\n\n{{\"id\":\"{vm}\",\"identity\":{{{block}}}}}"
    );
    played::judged(played::evidence("", &[&literal]))
}

#[test]
fn an_identity_that_is_not_assigned_to_this_vm_is_foreign() {
    for (mirid, az_rid) in [("id-batch", None), ("id-batch", Some("vm-doctor-01")), ("id-app", Some("vm-doctor-02"))] {
        let machine = az_rid.map_or_else(String::new, |vm| {
            let vm = format!("/subscriptions/3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846/resourcegroups/rg-doctor/providers/Microsoft.Compute/virtualMachines/{vm}");
            format!("xms_az_rid = \"{vm}\"\n")
        });
        let report = play(&format!(
            "system_assigned = false\nuser_assigned = [\"id-app\"]\n[token]\nxms_mirid = \"{IDENTITIES}/{mirid}\"\n{machine}"
        ));
        assert_eq!(ending(&report, "principal"), (Status::Fail, "identity-foreign"), "{mirid} {az_rid:?}");
    }
}

#[test]
fn a_lone_user_assigned_identity_that_answers_for_the_system_assigned_one_is_told() {
    let report = play("system_assigned = false\nuser_assigned = [\"id-app\"]\n");
    let (status, summary) = ending(&report, "identity");
    assert_eq!(status, Status::Pass);
    assert!(
        summary.ends_with(
            "the user-assigned identity id-app, which answers since no identity was named and none is system-assigned"
        ),
        "{summary}"
    );
    let named = play(
        "system_assigned = false\nuser_assigned = [\"id-app\"]\n[command]\nidentity = [\"6a2d5f84-3c19-4b7a-9e02-d8f1c0b6e573\"]\n",
    );
    assert!(ending(&named, "identity").1.ends_with("the user-assigned identity id-app"));
}
