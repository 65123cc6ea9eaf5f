//! `--require`: roles, actions and data actions, on the VM and elsewhere, and nothing at all. In process.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::common;
use midoctor::check::Status;
use midoctor::diagnosis;
use midoctor::engine::{self, Limits};
use midoctor::evidence::Request;
use midoctor::options;
use midoctor::report::{CheckReport, Report, Run};
use midoctor::simulator::{Azure, Scenario, SimulatedMachine};

const GROUP: &str = "/subscriptions/3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846/resourceGroups/rg-doctor";
const BLOBS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";

fn examine(roles: &str, required: &[&str]) -> Report {
    let required: Vec<String> = required.iter().map(|text| (*text).to_owned()).collect();
    let plan = options::plan(&[], &[], &required).unwrap();
    let scenario = Scenario::parse(Some(&format!("roles = {roles}")), &[]).unwrap();
    let machine = SimulatedMachine::new(Azure::new(scenario));
    let (evidence, _) = engine::examine(&machine, &plan, Limits::default(), &|_: &Request| {});
    let run = Run { id: "r".into(), attempts: 1, ..Run::default() };
    Report::new(&diagnosis::diagnose(&evidence), evidence, run)
}

fn rows<'a>(report: &'a Report, id: &str) -> Vec<&'a CheckReport> {
    report.checks.iter().filter(|check| check.id == id).collect()
}

fn status(report: &Report, id: &str) -> Vec<Status> {
    rows(report, id).iter().map(|check| check.status).collect()
}

#[test]
fn a_role_is_required_by_its_actions_and_not_by_its_name() {
    use Status::{Fail, Pass};
    for (held, required, expected) in [
        ("[\"Reader\"]", "Reader", Pass),
        ("[\"Contributor\"]", "Reader", Pass),
        ("[\"Contributor\"]", "Contributor", Pass),
        ("[\"Contributor\"]", "Owner", Fail),
        ("[\"Reader\"]", "Contributor", Fail),
        ("[\"Contributor\"]", "Virtual Machine Contributor", Pass),
        ("[\"Reader\"]", "Microsoft.Compute/virtualMachines/instanceView/read", Pass),
        ("[\"Reader\"]", "microsoft.compute/VIRTUALMACHINES/start/action", Fail),
        ("[\"Contributor\"]", "Microsoft.Authorization/roleAssignments/write", Fail),
        ("[\"Virtual Machine Reader\"]", "Microsoft.Compute/virtualMachines/read", Pass),
        ("[\"Contributor\"]", BLOBS, Fail),
    ] {
        assert_eq!(status(&examine(held, &[required]), "roles"), [expected], "{held} for {required}");
    }
}

#[test]
fn what_is_missing_is_named_with_the_role_that_has_it_and_the_line_that_grants_it() {
    let report = examine("[\"Reader\"]", &[BLOBS]);
    let finding = &rows(&report, "roles")[0].findings[0];
    assert_eq!(finding.code, "role-insufficient");
    assert!(finding.seen.contains(&format!("lacks `{BLOBS}`")), "{}", finding.seen);
    let grant = finding
        .remedy
        .commands
        .iter()
        .map(|command| &command.line)
        .find(|line| line.starts_with("az role assignment create"));
    assert!(
        grant.is_some_and(|line| line.contains("--role 'Storage Blob Data Reader' --scope /subscriptions/")),
        "{grant:?}"
    );
}

#[test]
fn a_requirement_may_be_about_another_scope() {
    let report = examine("[\"Reader\"]", &[&format!("Reader@{GROUP}"), "Reader"]);
    assert_eq!(status(&report, "roles"), [Status::Fail, Status::Pass]);
    let row = rows(&report, "roles")[0];
    assert_eq!(row.subject.as_deref(), Some("Reader on resource group rg-doctor"));
    assert!(row.findings[0].seen.contains("The identity holds no role there"), "{}", row.findings[0].seen);
    assert!(row.findings[0].remedy.commands.iter().any(|command| command.line.ends_with(&format!("--scope {GROUP}"))));
}

#[test]
fn reading_the_vm_is_only_required_when_something_that_is_required_allows_it() {
    let report = examine("[]", &["Microsoft.Compute/virtualMachines/start/action"]);
    assert_eq!(status(&report, "reader"), [Status::Skip]);
    assert_eq!(status(&report, "roles"), [Status::Fail]);
    let report = examine("[]", &["Microsoft.Compute/virtualMachines/*"]);
    assert_eq!(status(&report, "reader"), [Status::Fail]);
}

#[test]
fn a_role_that_nobody_knows_is_unknown() {
    let report = examine("[\"Reader\"]", &["0f9e8d7c-6b5a-4938-8271-605f4e3d2c1b"]);
    assert_eq!((status(&report, "roles"), report.exit_code), (vec![Status::Unknown], 3));
}

#[test]
fn with_nothing_required_azure_resource_manager_is_not_asked() {
    let report = examine("[]", &["none"]);
    assert_eq!(report.exit_code, 0, "{:?}", report.checks);
    for id in ["arm", "reader", "roles"] {
        assert_eq!(status(&report, id), [Status::Skip], "{id}");
    }
    assert_eq!(status(&report, "principal"), [Status::Pass]);
    let asked = |request: &Request| request.url().is_some_and(|url| url.starts_with("https:"));
    assert!(!report.evidence.exchanges.iter().any(|exchange| asked(&exchange.request)));
    assert_eq!(report.summary.skip, 4);
}

#[test]
fn a_requirement_that_cannot_be_is_refused_with_the_nearest_that_exists() {
    for (required, words) in [
        ("Redaer", "did you mean “Reader”?"),
        ("virtualMachines/read", "did you mean “Microsoft.Compute/virtualMachines/read”?"),
        ("Reader@rg-doctor", "takes an ARM scope after the @"),
        ("Reader@/subscriptions/x", "takes an ARM scope after the @"),
    ] {
        let line = common::refused(&["check", "--require", required]);
        assert!(line.contains(words), "{line}");
    }
    let line = common::refused(&["check", "--require", "none", "--require", "Reader"]);
    assert_eq!(line, "midoctor: --require none stands alone; leave it out, or leave the others out");
}
