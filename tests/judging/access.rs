//! What roles allow, in depth: where they are held, by whom, since when, under which condition, and what denies them. In process.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::played::{self, ending, evidence, finding, judged, play, rows};
use midoctor::check::Status;

const SUBSCRIPTION: &str = "/subscriptions/3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846";
const GROUP: &str = "/subscriptions/3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846/resourceGroups/rg-doctor";
const START: &str = "Microsoft.Compute/virtualMachines/start/action";
const A_GROUP: &str = "5d1c3f60-7a2b-4c8d-9e10-f3b2a1c4d5e6";

fn requiring(required: &str, rest: &str) -> String {
    format!("{rest}\n[command]\nrequire = [{required:?}]\n")
}

/// The command goes before the lists, as toml wants it.
fn with(head: &str, required: &str, lists: &str) -> String {
    requiring(required, head) + lists
}

#[test]
fn a_role_counts_at_its_scope_and_below() {
    for (scope, at, expected) in [
        ("vm", "", Status::Pass),
        ("resource-group", "", Status::Pass),
        ("subscription", "", Status::Pass),
        ("management-group", "", Status::Pass),
        ("other-group", "", Status::Blocked),
        ("child", "", Status::Blocked),
        ("resource-group", GROUP, Status::Pass),
        ("vm", GROUP, Status::Fail),
        ("subscription", SUBSCRIPTION, Status::Pass),
        ("resource-group", SUBSCRIPTION, Status::Fail),
        ("management-group", "/providers/Microsoft.Management/managementGroups/mg-contoso", Status::Pass),
        ("subscription", "/providers/Microsoft.Management/managementGroups/mg-contoso", Status::Fail),
    ] {
        let at = if at.is_empty() { String::new() } else { format!("@{at}") };
        let lists = format!("[[assignment]]\nrole = \"Reader\"\nscope = \"{scope}\"\n");
        let report = play(&with("roles = []", &format!("Reader{at}"), &lists));
        assert_eq!(ending(&report, "roles").0, expected, "{scope} {at}: {:?}", rows(&report, "roles"));
    }
}

#[test]
fn a_role_held_on_a_sibling_is_told() {
    let report = play(&with("roles = []", "Reader", "[[assignment]]\nrole = \"Reader\"\nscope = \"other-group\"\n"));
    assert_eq!(ending(&report, "reader"), (Status::Fail, "role-missing"));
    let seen = &finding(&report, "reader").seen;
    assert!(seen.ends_with("It holds Reader (resource group rg-other), which does not contain this VM."), "{seen}");
}

#[test]
fn a_role_held_below_is_told() {
    let report =
        play(&with("", &format!("Contributor@{GROUP}"), "[[assignment]]\nrole = \"Contributor\"\nscope = \"vm\"\n"));
    let seen = &finding(&report, "roles").seen;
    assert!(seen.contains("It holds Contributor (this VM), which lies below resource group rg-doctor."), "{seen}");
}

#[test]
fn a_role_that_the_vms_other_identity_holds_is_told() {
    let lists = "[[assignment]]\nrole = \"Contributor\"\nidentity = \"id-app\"\n";
    let report = play(&with("user_assigned = [\"id-app\"]", START, lists));
    let seen = &finding(&report, "roles").seen;
    let hint = "The VM's other identity may: the user-assigned identity id-app, client ID 6a2d5f84-3c19-4b7a-9e02-d8f1c0b6e573.";
    assert!(seen.ends_with(hint), "{seen}");
    let other = with(
        "roles = []\nuser_assigned = [\"id-app\"]",
        "Reader",
        "[[assignment]]\nrole = \"Reader\"\nidentity = \"system\"\n",
    );
    let other = other.replace("[command]", "[command]\nidentity = [\"6a2d5f84-3c19-4b7a-9e02-d8f1c0b6e573\"]");
    let report = play(&other);
    let seen = &finding(&report, "reader").seen;
    assert!(seen.contains("The VM's other identity may: the system-assigned identity, client ID"), "{seen}");
}

#[test]
fn the_assignment_that_comes_closest_is_named_with_the_line_that_grants_the_least() {
    let report = play(&with("", "Virtual Machine Contributor", ""));
    let finding = finding(&report, "roles");
    assert!(finding.seen.contains("Reader (this VM) comes closest and lacks"), "{}", finding.seen);
    let line = finding.remedy.commands.iter().find(|command| command.line.contains("role assignment create")).unwrap();
    assert!(line.line.contains("--role 'Virtual Machine Contributor' --scope /subscriptions/"), "{}", line.line);
    let report = play(&with("", &format!("{START}@{GROUP}"), ""));
    let line = &played::finding(&report, "roles").remedy.commands;
    assert!(line.iter().any(|command| command.line.ends_with(&format!("--scope {GROUP}"))), "{line:?}");
}

#[test]
fn a_role_of_the_last_ten_minutes_is_on_its_way_for_requirements_too() {
    let young = |age, effective| {
        let lists = format!(
            "[[assignment]]\nrole = \"Contributor\"\nscope = \"resource-group\"\nage_seconds = {age}\neffective = {effective}\n"
        );
        play(&with("", START, &lists))
    };
    assert_eq!(ending(&young(60, false), "roles"), (Status::Fail, "role-propagating"));
    assert_eq!(ending(&young(599, false), "roles"), (Status::Fail, "role-propagating"));
    assert_eq!(ending(&young(660, false), "roles"), (Status::Fail, "role-insufficient"));
    assert_eq!(ending(&young(60, true), "roles").0, Status::Pass);
    let seen = &finding(&young(60, false), "roles").seen.clone();
    assert!(seen.starts_with("The role Contributor (resource group rg-doctor) was granted 60 s ago"), "{seen}");
    // One that would not do is no reason to wait.
    let lists = "[[assignment]]\nrole = \"AcrPull\"\nage_seconds = 60\neffective = false\n";
    assert_eq!(ending(&play(&with("", START, lists)), "roles"), (Status::Fail, "role-insufficient"));
}

#[test]
fn a_role_through_a_group_is_named_so() {
    let grouped = |effective| {
        let lists = format!("[[assignment]]\nrole = \"Contributor\"\ngroup = \"{A_GROUP}\"\neffective = {effective}\n");
        play(&with("", START, &lists))
    };
    let (status, summary) = (ending(&grouped(true), "roles").0, ending(&grouped(true), "roles").1.to_owned());
    assert_eq!(status, Status::Pass);
    assert!(summary.contains(&format!("Contributor (this VM, through the group {A_GROUP})")), "{summary}");
    // Listed for months, and not in force: the token does not know of the group yet.
    let report = grouped(false);
    assert_eq!(ending(&report, "roles"), (Status::Fail, "role-propagating"));
    let seen = &finding(&report, "roles").seen;
    assert!(seen.contains("membership of a group reaches a token within 24 hours"), "{seen}");
}

#[test]
fn what_hangs_on_a_condition_is_unknown_and_says_why() {
    let condition = "[[assignment]]\nrole = \"Contributor\"\ncondition = \"@Resource[x] StringEquals 'y'\"\n";
    let report = play(&with("", START, condition));
    let (status, summary) = ending(&report, "roles");
    assert_eq!((status, report.exit_code), (Status::Unknown, 3));
    assert!(
        summary.ends_with(
            "it hangs on Contributor (this VM, under a condition), whose condition midoctor does not evaluate: \
             @Resource[x] StringEquals 'y'"
        ),
        "{summary}"
    );
    // What another role allows without a condition does not hang on it.
    let both = format!("{condition}\n[[assignment]]\nrole = \"Virtual Machine Contributor\"\n");
    assert_eq!(ending(&play(&with("", START, &both)), "roles").0, Status::Pass);
    assert_eq!(ending(&play(&with("", "Reader", condition)), "roles").0, Status::Pass);
}

#[test]
fn a_deny_assignment_wins_and_is_named() {
    let deny = |rest: &str| {
        let lists = format!(
            "[[assignment]]\nrole = \"Contributor\"\nscope = \"subscription\"\n\n[[deny]]\nname = \"no starts\"\nactions = [\"*/start/action\"]\n{rest}\n"
        );
        play(&with("", START, &lists))
    };
    let report = deny("");
    assert_eq!(ending(&report, "roles"), (Status::Fail, "role-denied"));
    let seen = &finding(&report, "roles").seen;
    assert_eq!(*seen, format!("The action `{START}` is denied by the deny assignment “no starts” at {GROUP}."));
    for (rest, expected) in [
        ("exclude = [\"system\"]", Status::Pass),
        ("exclude = [\"id-app\"]", Status::Fail),
        ("principals = [\"system\"]", Status::Fail),
        ("principals = [\"id-app\"]", Status::Pass),
        ("children = false", Status::Pass),
        ("children = false\nscope = \"vm\"", Status::Fail),
        ("scope = \"other-group\"", Status::Pass),
        ("scope = \"management-group\"", Status::Fail),
        ("not_actions = [\"Microsoft.Compute/*\"]", Status::Pass),
    ] {
        assert_eq!(ending(&deny(rest), "roles").0, expected, "{rest}");
    }
    for rest in [format!("principals = [\"group:{A_GROUP}\"]"), format!("exclude = [\"group:{A_GROUP}\"]")] {
        let report = deny(&rest);
        let (status, summary) = ending(&report, "roles");
        assert_eq!(status, Status::Unknown, "{rest}");
        assert!(summary.contains("the deny assignment “no starts” is for a group or spares one"), "{summary}");
    }
}

#[test]
fn a_deny_assignment_on_data_is_for_data() {
    let blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
    let lists = |kind: &str| {
        format!(
            "[[assignment]]\nrole = \"Storage Blob Data Reader\"\nscope = \"subscription\"\n\n[[deny]]\nname = \"d\"\n{kind} = [\"Microsoft.Storage/*\"]\n"
        )
    };
    assert_eq!(ending(&play(&with("", blobs, &lists("data_actions"))), "roles"), (Status::Fail, "role-denied"));
    assert_eq!(ending(&play(&with("", blobs, &lists("actions"))), "roles").0, Status::Pass);
}

#[test]
fn an_identity_that_may_not_read_its_roles_passes_by_its_permissions_and_says_what_it_may_not_read() {
    let lists = "[[assignment]]\nrole = \"Virtual Machine Starter\"\n";
    let report = play(&with("roles = []", START, lists));
    let (status, summary) = ending(&report, "roles");
    assert_eq!((status, report.exit_code), (Status::Pass, 0), "{summary}");
    assert!(summary.ends_with("conditions and deny assignments are not told"), "{summary}");
}

#[test]
fn lists_are_read_over_all_their_pages() {
    let lists = "[[assignment]]\nrole = \"AcrPull\"\n[[assignment]]\nrole = \"Monitoring Reader\"\n[[assignment]]\nrole = \"Contributor\"\n";
    let toml = with("page_size = 1", START, lists);
    let report = play(&toml);
    assert_eq!(ending(&report, "roles").0, Status::Pass);
    let pages = |kind: &str| {
        let asked = report.evidence.exchanges.iter().filter_map(|exchange| exchange.request.url());
        asked.filter(|url| url.contains("virtualMachines/vm-doctor-01/") && url.contains(kind)).count()
    };
    assert_eq!((pages("/permissions?"), pages("/roleAssignments?")), (4, 4));
}

#[test]
fn a_list_that_leads_back_or_elsewhere_is_not_followed_and_not_judged_as_if_it_ended() {
    for (fault, why) in [("loop", "leads back to an earlier page"), ("other-host", "leads to another host")] {
        let lists = "[[assignment]]\nrole = \"AcrPull\"\n[[assignment]]\nrole = \"Monitoring Reader\"\n";
        let toml = with(&format!("page_size = 1\npage_fault = \"{fault}\""), START, lists);
        let report = play(&toml);
        let (status, summary) = ending(&report, "roles");
        assert_eq!(status, Status::Unknown, "{fault}");
        assert!(summary.contains(why), "{summary}");
        let hosts = report.evidence.exchanges.iter().filter_map(|exchange| exchange.request.url());
        assert!(
            hosts.filter(|url| url.starts_with("https")).all(|url| url.starts_with("https://management.azure.com/"))
        );
    }
}

#[test]
fn a_list_without_its_later_pages_is_unknown_when_read_again_from_a_report() {
    let lists = "[[assignment]]\nrole = \"AcrPull\"\n[[assignment]]\nrole = \"Contributor\"\n";
    let mut evidence = evidence(&with("page_size = 1", START, lists), &[]);
    evidence.exchanges.retain(|exchange| {
        !exchange.request.url().is_some_and(|url| url.contains("skiptoken") && url.contains("/permissions"))
    });
    let report = judged(evidence);
    assert_eq!(ending(&report, "roles").0, Status::Unknown);
}
