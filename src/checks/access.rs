//! What the token opens: can the identity read its VM, do its roles suffice.

use crate::azure::arm::{self, ArmError};
use crate::azure::pattern::Pattern;
use crate::azure::permissions::{self, Operation};
use crate::azure::resource_id;
use crate::case::Case;
use crate::check::{Check, Facts, Finding, Stage, Subject, Verdict};
use crate::evidence::{Answer, Request};
use crate::words::in_words;

use super::manager::request_id;

/// The checks of this topic.
pub static CHECKS: [Check; 2] = [
    Check {
        id: "reader",
        stage: Stage::Access,
        needs: &["metadata", "identity", "arm", "principal", "validity"],
        essential: true,
        codes: &["role-missing", "role-propagating"],
        page: include_str!("../../checks/reader.md"),
        subjects: Subject::identities,
        ask: ask_reader,
        judge: judge_reader,
    },
    Check {
        id: "roles",
        stage: Stage::Access,
        needs: &["metadata", "identity", "arm", "principal", "validity"],
        essential: true,
        codes: &["role-insufficient", "role-denied"],
        page: include_str!("../../checks/roles.md"),
        subjects: Subject::identities,
        ask: ask_roles,
        judge: judge_roles,
    },
];

fn ask_reader(case: &Case) -> Vec<Request> {
    let mut requests: Vec<Request> =
        case.arm_uri().filter(|_| case.instance().is_some()).map_or_else(Vec::new, |uri| case.token_requests(&uri));
    requests.extend(case.vm_request());
    requests.extend(case.assignments_request());
    requests.extend(case.definition_requests().into_iter().map(|(_, request)| request));
    requests
}

fn ask_roles(case: &Case) -> Vec<Request> {
    case.permissions_request().into_iter().collect()
}

/// What stands between the identity and an answer of Azure Resource Manager, when the VM was not asked.
fn not_asked(case: &Case) -> Verdict {
    let failed = case.vm_request().and_then(|request| case.outcome(&request)?.failure());
    if let Some(failed) = failed {
        return Verdict::Unknown(format!(
            "the question to Azure Resource Manager brought no answer: {}",
            failed.detail
        ));
    }
    let token = case.arm_uri().and_then(|uri| case.evidence.answer(&case.token_request(&uri)?));
    match token {
        Some(answer) if answer.token.is_some() => Verdict::Unknown("Azure Resource Manager was not asked".into()),
        Some(answer) => {
            let why = crate::azure::metadata::IdentityError::read(answer).map(|error| error.error).unwrap_or_default();
            Verdict::Unknown(format!("no token for Azure Resource Manager was issued: {} {why}", answer.status))
        }
        None => Verdict::Unknown("no token for Azure Resource Manager was asked for".into()),
    }
}

fn judge_reader(case: &Case) -> Verdict {
    let Some(answer) = case.vm_request().and_then(|request| case.evidence.answer(&request)) else {
        return not_asked(case);
    };
    if answer.status == 200 && arm::VmIdentity::read(answer).is_some() {
        let roles = case.roles_held().unwrap_or_else(|| "roles not told".into());
        return Verdict::Pass(Facts::from([("roles", roles)]));
    }
    let Some(error) = ArmError::read(answer) else {
        return Verdict::Unknown(format!("Azure Resource Manager answered {} without saying why", answer.status));
    };
    match (answer.status, error.code.as_str()) {
        (403, "DenyAssignmentAuthorizationFailed") => Verdict::Blocked("roles"),
        (403, _) => missing(case, answer, &error),
        // Whose fault that is, the checks validity and principal say; the engine puts them in the way.
        (401, code) => Verdict::Unknown(format!("Azure Resource Manager refused the token: 401 {code}")),
        (status, code) => Verdict::Unknown(format!("Azure Resource Manager answered {status} {code}")),
    }
}

/// No role, or one that has not taken effect: Azure lets ten minutes pass at most.
fn missing(case: &Case, answer: &Answer, error: &ArmError) -> Verdict {
    if !case.assignments_request().is_some_and(|request| case.evidence.has(&request)) {
        return Verdict::Unknown("it was refused with 403; whether a role was granted just now was not asked".into());
    }
    let vm = case.vm_id().unwrap_or_default();
    let newest = case
        .assignments()
        .unwrap_or_default()
        .into_iter()
        .filter_map(|held| Some((held.created?, held)))
        .max_by_key(|(created, _)| *created);
    if let Some((created, held)) = newest {
        let age = case.evidence.taken_at.duration_since(created).unsigned_abs();
        // A definition that was not read gets the benefit of the doubt: waiting costs little.
        if age <= PROPAGATION && grants(case, &held, READ_VM) != Some(false) {
            let role = case
                .definition_requests()
                .into_iter()
                .find(|(id, _)| *id == held.definition)
                .and_then(|(_, request)| arm::role_name(case.evidence.answer(&request)?))
                .unwrap_or_else(|| resource_id::name(&held.definition).to_owned());
            return Verdict::found(
                Finding::error("role-propagating")
                    .with("role", format!("{role} ({})", resource_id::scope_in_words(&held.scope, &vm)))
                    .with("granted", format!("{} ago", in_words(age))),
            );
        }
    }
    Verdict::found(
        Finding::error("role-missing")
            .with("status", answer.status)
            .with("error", &error.code)
            .with("action", error.quoted_after("perform action").unwrap_or("Microsoft.Compute/virtualMachines/read"))
            .with("request_id", request_id(Some(answer))),
    )
}

/// A role assignment takes effect within ten minutes (Microsoft's page on troubleshooting Azure RBAC).
const PROPAGATION: std::time::Duration = std::time::Duration::from_secs(600);

/// Does this assignment allow that? Nothing is said where its role's definition was not read.
fn grants(case: &Case, held: &arm::Assignment, required: &str) -> Option<bool> {
    let (_, request) = case.definition_requests().into_iter().find(|(id, _)| *id == held.definition)?;
    let entries = arm::definition_permissions(case.evidence.answer(&request)?)?;
    Some(permissions::allow(&entries, &Operation::Action(required.into())))
}

const READ_VM: &str = "Microsoft.Compute/virtualMachines/read";
/// What Reader allows (Microsoft's list of built-in roles): the action, not the role's name, is required.
const READER: &str = "*/read";

fn judge_roles(case: &Case) -> Verdict {
    let vm = case.vm_request().and_then(|request| case.evidence.answer(&request));
    let denied = vm.and_then(ArmError::read).filter(|error| error.code == "DenyAssignmentAuthorizationFailed");
    if let Some(error) = denied {
        return Verdict::found(
            Finding::error("role-denied")
                .with("deny_assignment", error.deny_assignment().unwrap_or("unnamed"))
                .with("deny_scope", error.deny_scope().unwrap_or("unknown"))
                .with("action", error.quoted_after("perform action").unwrap_or(READ_VM)),
        );
    }
    match vm {
        Some(answer) if answer.status == 403 => return Verdict::Blocked("reader"),
        Some(answer) if answer.status == 401 => {
            return Verdict::Unknown("Azure Resource Manager refused the token".into());
        }
        Some(_) => {}
        None => return not_asked(case),
    }
    let Some(answer) = case.permissions_request().and_then(|request| case.evidence.answer(&request)) else {
        return not_asked(case);
    };
    let held = case.roles_held();
    let Some(entries) = arm::permissions(answer) else {
        return match ArmError::read(answer) {
            // Whoever may not even ask is no Reader, unless a role that it holds says otherwise.
            Some(error) if answer.status == 403 => {
                let action = error.quoted_after("perform action").unwrap_or("Microsoft.Authorization/permissions/read");
                if case.assignments().unwrap_or_default().iter().any(|held| grants(case, held, READER) != Some(false)) {
                    let held = held.unwrap_or_default();
                    return Verdict::Unknown(format!("it holds {held}, and is refused {action} all the same"));
                }
                insufficient(held.unwrap_or_else(|| format!("nothing that allows {action}")))
            }
            _ => Verdict::Unknown(format!(
                "Azure Resource Manager answered {} to the question for permissions",
                answer.status
            )),
        };
    };
    let words = held.unwrap_or_else(|| unlisted(&entries));
    if permissions::allow(&entries, &Operation::Action(READER.into())) {
        return Verdict::Pass(Facts::from([("required", "Reader".to_owned()), ("roles", words)]));
    }
    if arm::goes_on(answer) {
        return Verdict::Unknown("the list of permissions goes on over more pages than are read".into());
    }
    insufficient(words)
}

/// Roles whose names may not be read, by what they allow; the longest lists are cut.
fn unlisted(entries: &[permissions::Permission]) -> String {
    let mut actions: Vec<&str> = entries.iter().flat_map(|entry| &entry.actions).map(Pattern::as_str).collect();
    actions.dedup();
    match actions[..] {
        [] => "no role".into(),
        [ref some @ .., _, _, _, _, _, _] if !some.is_empty() => {
            format!("roles that it may not list, with {} actions, {} among them", actions.len(), actions[0])
        }
        _ => format!("roles that it may not list, which allow {}", actions.join(", ")),
    }
}

fn insufficient(held: String) -> Verdict {
    Verdict::found(
        Finding::error("role-insufficient").with("required", "Reader").with("missing", READER).with("held", held),
    )
}
