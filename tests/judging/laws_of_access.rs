//! What one more role, entry or deny assignment does to the verdict, through the whole of asking and judging: nothing that is granted
//! takes something away, nothing that is denied gives something, and waiting for either ends.

#![cfg(all(feature = "simulator", feature = "archives"))]

use std::collections::BTreeMap;
use std::time::Duration;

use crate::played::{evidence, judged};
use midoctor::check::Status;
use midoctor::evidence::{Evidence, Outcome};
use midoctor::report::{Report, WaitEnd};
use midoctor::waiting::{History, Next};
use proptest::prelude::*;

const ROLES: [&str; 7] = [
    "Reader",
    "Contributor",
    "Owner",
    "Virtual Machine Contributor",
    "Virtual Machine Reader",
    "Virtual Machine Starter",
    "Key Vault Secrets User",
];
const SCOPES: [&str; 6] = ["vm", "child", "resource-group", "other-group", "subscription", "management-group"];
const ACTIONS: [&str; 6] = [
    "*",
    "*/read",
    "Microsoft.Compute/virtualMachines/*",
    "Microsoft.Compute/virtualMachines/start/action",
    "Microsoft.Compute/*/read",
    "Microsoft.KeyVault/vaults/secrets/getSecret/action",
];
const REQUIRED: [&str; 8] = [
    "Reader",
    "Contributor",
    "Microsoft.Compute/virtualMachines/start/action",
    "Microsoft.Compute/virtualMachines/*",
    "data:Microsoft.KeyVault/vaults/secrets/getSecret/action",
    "Reader@/subscriptions/3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846/resourceGroups/rg-doctor",
    "Microsoft.Compute/virtualMachines/read@/subscriptions/3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846",
    "*/read",
];

fn some(list: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(list.to_vec()), 0..=most)
}

fn assignment() -> impl Strategy<Value = String> {
    (prop::sample::select(ROLES.to_vec()), prop::sample::select(SCOPES.to_vec()), any::<[bool; 3]>()).prop_map(
        |(role, scope, [effective, old, group])| {
            let age = if old { "" } else { "age_seconds = 60\n" };
            let group = if group { "group = \"5d1c3f60-7a2b-4c8d-9e10-f3b2a1c4d5e6\"\n" } else { "" };
            format!(
                "[[assignment]]\nrole = {role:?}\nscope = {scope:?}\neffective = {}\n{age}{group}",
                effective || old
            )
        },
    )
}

fn denial() -> impl Strategy<Value = String> {
    let who = prop::sample::select(vec!["everyone", "system", "id-batch"]);
    (some(&ACTIONS, 2), some(&ACTIONS, 1), prop::sample::select(SCOPES.to_vec()), who, any::<bool>(), any::<bool>()).prop_map(
        |(actions, not_actions, scope, who, on_data, children)| {
            let kind = if on_data { "data_actions" } else { "actions" };
            let not = if on_data { "not_data_actions" } else { "not_actions" };
            format!(
                "[[deny]]\nname = \"locked\"\nscope = {scope:?}\n{kind} = {actions:?}\n{not} = {not_actions:?}\nprincipals = \
                 [{who:?}]\nchildren = {children}\n"
            )
        },
    )
}

/// A VM with any roles and any denials, of which any things are required: the text before its lists, and the lists.
fn machine() -> impl Strategy<Value = (String, Vec<String>)> {
    let lists = prop::collection::vec(prop_oneof![3 => assignment(), 1 => denial()], 0..4);
    (some(&ROLES, 2), some(&REQUIRED, 3), 0_usize..3, lists).prop_map(|(roles, required, page_size, lists)| {
        let head = format!("roles = {roles:?}\npage_size = {page_size}\n[command]\nrequire = {required:?}\n");
        (head, lists)
    })
}

fn play(head: &str, lists: &[String]) -> Report {
    judged(evidence(&(head.to_owned() + &lists.concat()), &[]))
}

/// How each requirement ended, by its subject.
fn requirements(report: &Report) -> BTreeMap<(String, Option<String>), Status> {
    let rows = report.checks.iter().filter(|row| ["roles", "reader"].contains(&row.id.as_str()));
    rows.map(|row| ((row.id.clone(), row.subject.clone()), row.status)).collect()
}

/// Is a requirement met in the first and not met in the second?
fn worse(before: &Report, after: &Report) -> Option<String> {
    let after = requirements(after);
    let met = requirements(before).into_iter().filter(|(_, status)| *status == Status::Pass);
    let mut lost = met.filter(|(key, _)| after.get(key).is_some_and(|status| *status == Status::Fail));
    lost.next().map(|(key, _)| format!("{key:?} of {after:?}"))
}

/// Changes the lists in the answers of Azure Resource Manager to these questions.
fn extend(evidence: &mut Evidence, asked: &str, item: &serde_json::Value) -> usize {
    let mut changed = 0;
    let about = |one: &&mut midoctor::evidence::Exchange| one.request.url().is_some_and(|url| url.contains(asked));
    for exchange in evidence.exchanges.iter_mut().filter(about) {
        for attempt in &mut exchange.attempts {
            let Outcome::Answered(answer) = &mut attempt.outcome else { continue };
            let Some(mut json) = answer.json() else { continue };
            if let Some(list) = json.get_mut("value").and_then(|value| value.as_array_mut()) {
                list.push(item.clone());
                answer.body = json.to_string();
                changed += 1;
            }
        }
    }
    changed
}

fn cases(number: u32) -> ProptestConfig {
    ProptestConfig { cases: number, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn one_role_more_never_makes_a_requirement_fail((head, lists) in machine(), more in assignment()) {
        let before = play(&head, &lists);
        let after = play(&head, &[lists, vec![more.clone()]].concat());
        prop_assert_eq!(worse(&before, &after), None, "{} made it worse", more);
    }

    #[test]
    fn one_denial_more_never_makes_a_requirement_pass((head, lists) in machine(), more in denial()) {
        let before = play(&head, &lists);
        let after = play(&head, &[lists, vec![more.clone()]].concat());
        prop_assert_eq!(worse(&after, &before), None, "{} made it better", more);
    }

    #[test]
    fn one_entry_more_in_the_permissions_never_makes_a_requirement_fail(
        (head, lists) in machine(),
        actions in some(&ACTIONS, 2),
        not_actions in some(&ACTIONS, 1),
    ) {
        let asked = evidence(&(head + &lists.concat()), &[]);
        let mut more = asked.clone();
        let item = serde_json::json!({
            "actions": actions, "notActions": not_actions, "dataActions": actions, "notDataActions": not_actions,
        });
        extend(&mut more, "/providers/Microsoft.Authorization/permissions", &item);
        prop_assert_eq!(worse(&judged(asked), &judged(more)), None, "{}", item);
    }

    #[test]
    fn waiting_ends_within_its_limit(
        (head, lists) in machine(),
        age in 0_i64..1_200,
        limit in 0_u64..3_600,
        took in prop::collection::vec(0_u64..40, 3),
    ) {
        let head = format!("role_effective = false\nrole_age_seconds = {age}\n{head}");
        let report = play(&head, &lists);
        let limit = Duration::from_secs(limit);
        let (mut history, mut now, mut waited) = (History::new(limit), Duration::ZERO, Duration::ZERO);
        let mut looks = 0;
        let ended = loop {
            looks += 1;
            prop_assert!(looks <= 2_000, "it looks and looks");
            prop_assert!(now <= limit || looks == 1, "the last examination begins in time: {:?}", now);
            now += Duration::from_secs(took[looks % took.len()]);
            match history.next(&report, now) {
                Next::End(waiting) => break waiting,
                Next::Again { pause, what, .. } => {
                    prop_assert!(pause > Duration::ZERO && !what.is_empty());
                    (now, waited) = (now + pause, waited + pause);
                }
            }
        };
        prop_assert_eq!((history.looks() as usize, history.waited()), (looks, waited));
        prop_assert!(waited <= limit && u128::from(ended.limit_ms) == limit.as_millis());
        prop_assert_eq!(ended.ended == WaitEnd::Healthy, report.exit_code == 0);
    }
}

#[test]
fn the_lists_that_are_extended_are_asked_for() {
    let mut asked = evidence("roles = [\"Reader\"]\n[command]\nrequire = [\"Reader\"]\n", &[]);
    let item = serde_json::json!({"actions": ["*"]});
    assert!(extend(&mut asked, "/providers/Microsoft.Authorization/permissions", &item) > 0);
    assert!(requirements(&judged(asked)).values().any(|status| *status == Status::Pass));
}
