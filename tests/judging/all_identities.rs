//! `--identity all`: every identity that Azure Resource Manager lists, with every resource and requirement, a row each. In process.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::played::{play, rows};
use midoctor::check::Status;
use midoctor::report::Report;

const ID_APP: &str = "/subscriptions/3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846/resourceGroups/rg-doctor/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-app";
const ID_BATCH: &str = "/subscriptions/3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846/resourceGroups/rg-doctor/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-batch";

fn subjects<'a>(report: &'a Report, id: &str) -> Vec<Option<&'a str>> {
    rows(report, id).into_iter().map(|row| row.subject.as_deref()).collect()
}

fn statuses(report: &Report, id: &str) -> Vec<Status> {
    rows(report, id).into_iter().map(|row| row.status).collect()
}

#[test]
fn all_identities_are_those_that_azure_resource_manager_lists() {
    let report = play("user_assigned = [\"id-app\", \"id-batch\"]\n[command]\nidentity = [\"all\"]\n");
    assert_eq!(report.exit_code, 0, "{:?}", report.checks);
    assert_eq!(subjects(&report, "identity"), [None, Some(ID_APP), Some(ID_BATCH)]);
    assert_eq!(subjects(&report, "reader"), [None, Some(ID_APP), Some(ID_BATCH)]);
    let kinds: Vec<Option<&str>> = report.identities.iter().map(|one| one.client_id.as_deref()).collect();
    assert_eq!(kinds.len(), 3, "{kinds:?}");
}

#[test]
fn one_that_was_named_is_not_examined_twice() {
    let toml =
        |id: &str| format!("user_assigned = [\"id-app\", \"id-batch\"]\n[command]\nidentity = [\"{id}\", \"all\"]\n");
    let client = "6a2d5f84-3c19-4b7a-9e02-d8f1c0b6e573";
    assert_eq!(subjects(&play(&toml(client)), "identity"), [None, Some(client), Some(ID_BATCH)]);
    assert_eq!(subjects(&play(&toml(ID_APP)), "identity"), [None, Some(ID_APP), Some(ID_BATCH)]);
}

#[test]
fn without_a_system_assigned_identity_the_listed_ones_are_all() {
    let report = play("system_assigned = false\nuser_assigned = [\"id-app\"]\n[command]\nidentity = [\"all\"]\n");
    assert_eq!(subjects(&report, "identity"), [Some(ID_APP)]);
    // Nobody answers without a name when there are several, so one has to be named to list them.
    let several = "system_assigned = false\nuser_assigned = [\"id-app\", \"id-batch\"]\n[command]\n";
    let report = play(&format!("{several}identity = [\"all\"]\n"));
    assert_eq!((report.exit_code, report.root_cause.as_deref()), (3, None));
    assert!(rows(&report, "identity")[0].summary.contains("name one of them with --identity beside all"));
    let report = play(&format!("{several}identity = [\"all\", \"{ID_APP}\"]\n"));
    assert_eq!(subjects(&report, "identity"), [Some(ID_APP), Some(ID_BATCH)]);
    assert_eq!(report.exit_code, 0);
}

#[test]
fn which_there_are_is_unknown_to_who_may_not_read_the_vm() {
    let report = play(
        "roles = []\nuser_assigned = [\"id-app\"]\n[command]\nidentity = [\"all\"]\nrequire = [\"Microsoft.KeyVault/vaults/read@/subscriptions/3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846/resourceGroups/rg-doctor\"]\n\
         [[assignment]]\nrole = \"Virtual Machine Starter\"\n",
    );
    assert_eq!(subjects(&report, "identity"), [None, Some("every identity")]);
    let row = rows(&report, "identity")[1];
    assert_eq!(row.status, Status::Unknown);
    assert!(row.summary.contains("Azure Resource Manager answers 403 to the question for the VM"), "{}", row.summary);
}

#[test]
fn with_nothing_required_they_are_listed_all_the_same() {
    let report = play("user_assigned = [\"id-app\"]\n[command]\nidentity = [\"all\"]\nrequire = [\"none\"]\n");
    assert_eq!(report.exit_code, 0, "{:?}", report.checks);
    assert_eq!(subjects(&report, "identity"), [None, Some(ID_APP)]);
    assert_eq!(statuses(&report, "arm"), [Status::Pass]);
    assert_eq!(statuses(&report, "reader"), [Status::Skip, Status::Skip]);
}

#[test]
fn every_identity_has_a_row_for_every_resource_requirement_and_endpoint() {
    let report = play(
        "user_assigned = [\"id-app\"]\n[command]\nidentity = [\"all\"]\nresource = [\"arm\", \"graph\"]\nrequire = [\"Reader\", \"Contributor\"]\n\
         probe = [\"https://kv.vault.azure.net\"]\n\
         [[assignment]]\nrole = \"Key Vault Secrets User\"\nscope = \"resource-group\"\nidentity = \"id-app\"\n\
         [[data]]\nhost = \"kv.vault.azure.net\"\n",
    );
    // Two resources and the vault's.
    assert_eq!(statuses(&report, "token"), [Status::Pass; 6]);
    assert_eq!(statuses(&report, "roles"), [Status::Pass, Status::Fail, Status::Pass, Status::Fail]);
    assert_eq!(statuses(&report, "data"), [Status::Fail, Status::Pass]);
    assert_eq!(report.root_cause.as_deref(), Some("role-insufficient"));
}
