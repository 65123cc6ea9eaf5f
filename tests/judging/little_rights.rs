//! Identities with few rights: what they may not ask is not held against them, and what is denied to one row is held against that
//! row alone. In process.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::played::{ending, evidence, judged, play, rows};
use midoctor::check::Status;
use midoctor::evidence::{Answer, Evidence, Outcome};

const GROUP: &str = "/subscriptions/3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846/resourceGroups/rg-doctor";
const START: &str = "Microsoft.Compute/virtualMachines/start/action";
const STARTER: &str = "[[assignment]]\nrole = \"Virtual Machine Starter\"\n";

/// The evidence of this scenario with the answers to questions that have this in their URL replaced.
fn instead(toml: &str, part: &str, status: u16, body: &str) -> Evidence {
    let mut evidence = evidence(toml, &[]);
    let mut replaced = 0;
    for exchange in &mut evidence.exchanges {
        if exchange.request.url().is_some_and(|url| url.contains(part)) {
            let answer = Answer { status, body: body.to_owned(), ..Answer::default() };
            exchange.attempts.last_mut().unwrap().outcome = Outcome::Answered(answer);
            replaced += 1;
        }
    }
    assert!(replaced > 0, "{part}");
    evidence
}

fn refusal(action: &str) -> String {
    format!(
        "{{\"error\":{{\"code\":\"AuthorizationFailed\",\"message\":\"… to perform action '{action}' over scope …\"}}}}"
    )
}

#[test]
fn an_empty_list_of_roles_tells_as_little_as_a_refused_one() {
    let toml = format!("roles = []\n[command]\nrequire = [\"{START}\"]\n{STARTER}");
    let report = judged(instead(&toml, "/roleAssignments?", 200, "{\"value\":[]}"));
    let (status, summary) = ending(&report, "roles");
    assert_eq!(status, Status::Pass);
    assert!(
        summary
            .ends_with(&format!("covered by roles that allow {START}; conditions and deny assignments are not told")),
        "{summary}"
    );
}

#[test]
fn who_may_not_ask_for_permissions_may_still_have_others() {
    let toml = format!("roles = []\n[command]\nrequire = [\"{START}\"]\n{STARTER}");
    let denied = refusal("Microsoft.Authorization/permissions/read");
    let report = judged(instead(&toml, "/permissions?", 403, &denied));
    let (status, summary) = ending(&report, "roles");
    assert_eq!(status, Status::Unknown);
    assert!(summary.contains("it may not ask what it is allowed to do"), "{summary}");
    // Reader would let it ask.
    let toml = format!("roles = []\n[command]\nrequire = [\"Reader@{GROUP}\"]\n{STARTER}");
    let report = judged(instead(&toml, "/permissions?", 403, &denied));
    assert_eq!(ending(&report, "roles"), (Status::Fail, "role-insufficient"));
}

#[test]
fn a_required_role_that_nobody_can_read_is_unknown_and_no_reason_to_grant_reader() {
    let toml = format!("roles = []\n[command]\nrequire = [\"c58d2e91-7b06-4f3a-a1d4-90e6b7c2f835\"]\n{STARTER}");
    let report = play(&toml);
    assert_eq!((report.exit_code, report.root_cause.as_deref()), (3, None), "{:?}", report.checks);
    assert_eq!((ending(&report, "reader").0, ending(&report, "roles").0), (Status::Unknown, Status::Unknown));
}

#[test]
fn a_vm_that_may_not_be_read_is_held_against_those_who_need_to_read_it() {
    let deny = "[[assignment]]\nrole = \"Contributor\"\nscope = \"resource-group\"\n[[deny]]\nname = \"d\"\nactions = [\"Microsoft.Compute/*\"]\n";
    let report = play(&format!("[command]\nrequire = [\"Microsoft.Storage/storageAccounts/listKeys/action\"]\n{deny}"));
    assert_eq!((report.exit_code, ending(&report, "roles").0), (0, Status::Pass), "{:?}", report.checks);
    let report = play(&format!("roles = []\n[command]\nrequire = [\"Reader\", \"{START}\"]\n{STARTER}"));
    let roles: Vec<(Status, Option<&str>)> =
        rows(&report, "roles").into_iter().map(|row| (row.status, row.blocked_by.as_deref())).collect();
    assert_eq!(roles, [(Status::Blocked, Some("reader")), (Status::Pass, None)]);
}

#[test]
fn what_fails_for_one_identity_blocks_no_row_of_another() {
    let toml = "user_assigned = [\"id-app\"]\n[command]\nidentity = [\"9c0a4e7b-61d2-4f3c-8b95-7d2e1f60a8c4\", \"6a2d5f84-3c19-4b7a-9e02-d8f1c0b6e573\"]\n";
    let mut evidence = evidence(toml, &[]);
    let mut vms = 0;
    for exchange in &mut evidence.exchanges {
        if exchange.request.url().is_some_and(|url| url.contains("vm-doctor-01?api-version")) {
            vms += 1;
            let (status, code) = if vms == 1 { (400, "BadRequest") } else { (403, "AuthorizationFailed") };
            let body = format!("{{\"error\":{{\"code\":\"{code}\",\"message\":\"\"}}}}");
            let answer = Answer { status, body, ..Answer::default() };
            exchange.attempts.last_mut().unwrap().outcome = Outcome::Answered(answer);
        }
    }
    assert_eq!(vms, 2);
    let report = judged(evidence);
    let status = |id: &str| rows(&report, id).into_iter().map(|row| row.status).collect::<Vec<_>>();
    let open = status("reader").iter().position(|status| *status == Status::Unknown).unwrap();
    assert_eq!(status("reader")[1 - open], Status::Fail);
    assert_eq!(status("principal")[open], Status::Unknown);
}

#[test]
fn an_unknown_role_among_the_firm_ones_takes_nothing_from_the_others() {
    let held = "[[assignment]]\nrole = \"Virtual Machine Contributor\"\n[[assignment]]\nrole = \"Virtual Machine Reader\"\n\
                [[assignment]]\nrole = \"Contributor\"\ncondition = \"c\"\n";
    let toml = format!("[command]\nrequire = [\"{START}\"]\n{held}");
    let report = judged(instead(&toml, "/roleDefinitions/6b1e0f3a", 404, "{}"));
    assert_eq!(ending(&report, "roles").0, Status::Pass, "{:?}", rows(&report, "roles"));
}

#[test]
fn actions_on_resources_and_on_their_data_are_told_apart_by_name() {
    for (action, role, expected) in [
        ("Microsoft.KeyVault/vaults/read", "Contributor", Status::Pass),
        ("Microsoft.KeyVault/vaults/accessPolicies/write", "Contributor", Status::Pass),
        ("Microsoft.ServiceBus/namespaces/queues/write", "Contributor", Status::Pass),
        ("Microsoft.KeyVault/vaults/secrets/getSecret/action", "Contributor", Status::Fail),
        ("Microsoft.KeyVault/vaults/secrets/getSecret/action", "Key Vault Secrets User", Status::Pass),
        ("Microsoft.ServiceBus/namespaces/messages/send/action", "Azure Service Bus Data Sender", Status::Pass),
        ("data:Microsoft.KeyVault/vaults/keys/anything", "Contributor", Status::Fail),
    ] {
        let report = play(&format!(
            "[command]\nrequire = [\"{action}@{GROUP}\"]\n[[assignment]]\nrole = \"{role}\"\nscope = \"resource-group\"\n"
        ));
        assert_eq!(ending(&report, "roles").0, expected, "{action} by {role}");
    }
}

#[test]
fn an_arm_endpoint_of_another_cloud_gets_no_token_and_one_of_ones_own_is_told() {
    let mut evidence = evidence("", &[]);
    evidence.asked.arm_endpoint = Some("management.usgovcloudapi.net".into());
    let report = judged(evidence);
    let (status, summary) = ending(&report, "arm");
    assert_eq!((status, report.exit_code), (Status::Unknown, 3));
    assert!(
        summary.contains("names management.usgovcloudapi.net, the host of another cloud than the VM's"),
        "{summary}"
    );
}
