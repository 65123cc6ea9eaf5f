//! Identities by client ID, object ID and resource ID, one or several, judged in process against a VM that has two.

#![cfg(all(feature = "simulator", feature = "archives"))]

use midoctor::check::Status;
use midoctor::diagnosis;
use midoctor::engine::{self, Limits};
use midoctor::evidence::Request;
use midoctor::options;
use midoctor::report::{IdentityKind, Report, Run};
use midoctor::simulator::{Azure, Scenario, SimulatedMachine};

const BY_CLIENT: &str = "6a2d5f84-3c19-4b7a-9e02-d8f1c0b6e573";
const BY_OBJECT: &str = "e4b7c3d1-2f58-4a90-8c6d-0a9b5e71f32c";
const BY_RESOURCE: &str = "/subscriptions/3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846/resourceGroups/rg-doctor/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-app";
const NOBODY: &str = "0f9e8d7c-6b5a-4938-8271-605f4e3d2c1b";

fn examine(scenario: &str, identities: &[&str], resources: &[&str]) -> Report {
    let own = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let plan = options::plan(&own(identities), &own(resources), &[]).unwrap();
    let machine = SimulatedMachine::new(Azure::new(Scenario::parse(Some(scenario), &[]).unwrap()));
    let (evidence, _) = engine::examine(&machine, &plan, Limits::default(), &|_: &Request| {});
    let run = Run { id: "r".into(), attempts: 1, ..Run::default() };
    Report::new(&diagnosis::diagnose(&evidence), evidence, run)
}

fn rows(report: &Report, id: &str) -> Vec<(Option<String>, Status)> {
    report.checks.iter().filter(|check| check.id == id).map(|check| (check.subject.clone(), check.status)).collect()
}

#[test]
fn an_identity_is_found_by_each_of_its_ids() {
    for id in [BY_CLIENT, BY_OBJECT, BY_RESOURCE] {
        let report = examine("user_assigned = [\"id-app\"]", &[id], &[]);
        assert_eq!((report.exit_code, report.identities.len()), (0, 1), "{id}");
        let identity = &report.identities[0];
        assert_eq!((identity.kind, identity.principal_id.as_deref()), (IdentityKind::User, Some(BY_OBJECT)), "{id}");
        assert_eq!(rows(&report, "reader"), [(Some(id.to_owned()), Status::Pass)]);
    }
}

#[test]
fn several_identities_have_a_row_each_and_one_root_cause() {
    let report = examine("user_assigned = [\"id-app\"]", &[BY_CLIENT, NOBODY], &[]);
    assert_eq!((report.exit_code, report.root_cause.as_deref()), (1, Some("identity-unknown")));
    let expected = |status| [(Some(BY_CLIENT.to_owned()), Status::Pass), (Some(NOBODY.to_owned()), status)];
    assert_eq!(rows(&report, "identity"), expected(Status::Fail));
    assert_eq!(rows(&report, "reader"), expected(Status::Blocked));
    let finding = report.checks.iter().flat_map(|check| &check.findings).next().unwrap();
    assert!(finding.seen.ends_with("A request that names nobody is answered for the system-assigned identity."));
}

#[test]
fn several_resources_have_a_token_each() {
    let report = examine("", &[], &["vault", "https://storage.azure.com/"]);
    assert_eq!(report.exit_code, 0, "{:?}", report.checks);
    // Roles are required, so Azure Resource Manager's token is needed as well.
    let uris = ["https://vault.azure.net", "https://storage.azure.com/", "https://management.azure.com/"];
    let expected = uris.map(|uri| (Some(uri.to_owned()), Status::Pass));
    assert_eq!(rows(&report, "token"), expected);
    assert_eq!(rows(&report, "validity"), expected);
    assert_eq!(rows(&report, "reader"), [(None, Status::Pass)]);
}

#[test]
fn a_resource_follows_the_vms_cloud() {
    for (cloud, vault, arm) in [
        ("AzureUSGovernmentCloud", "https://vault.usgovcloudapi.net", "management.usgovcloudapi.net"),
        ("AzureChinaCloud", "https://vault.azure.cn", "management.chinacloudapi.cn"),
    ] {
        let report = examine(&format!("cloud = \"{cloud}\""), &[], &["arm", "vault"]);
        assert_eq!(report.exit_code, 0, "{cloud}: {:?}", report.checks);
        assert_eq!(rows(&report, "token")[1].0.as_deref(), Some(vault));
        let manager = report.checks.iter().find(|check| check.id == "arm").unwrap();
        assert!(manager.summary.contains(arm), "{}", manager.summary);
    }
}

#[test]
fn a_cloud_that_midoctor_does_not_know_is_undetermined_and_says_so() {
    let report = examine("cloud = \"AzureMoonCloud\"", &[], &[]);
    assert_eq!((report.exit_code, report.root_cause.as_deref()), (3, None));
    let identity = report.checks.iter().find(|check| check.id == "identity").unwrap();
    assert!(identity.summary.contains("“AzureMoonCloud”, which midoctor does not know"), "{}", identity.summary);
}

#[test]
fn a_role_above_the_vm_counts_by_its_actions() {
    let report = examine("roles = [\"Contributor\"]", &[], &[]);
    assert_eq!(report.exit_code, 0, "{:?}", report.checks);
    assert!(report.checks.iter().any(|check| check.id == "roles" && check.summary.contains("covered by Contributor")));
}
