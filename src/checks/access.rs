//! What the token opens: can the identity read its VM, do its roles suffice.

use crate::azure::arm::{self, ArmError};
use crate::azure::pattern::Pattern;
use crate::azure::permissions::{self, Operation, Permission};
use crate::azure::roles;
use crate::case::Case;
use crate::check::{Check, Facts, Finding, Stage, Subject, Verdict};
use crate::evidence::{Answer, Request};
use crate::plan::{Required, Requirement};
use crate::requirement;
use crate::words::in_words;

use super::manager::{NOTHING_REQUIRED, request_id};

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
        subjects: Subject::requirements,
        ask: ask_roles,
        judge: judge_roles,
    },
];

fn ask_reader(case: &Case) -> Vec<Request> {
    let Some(uri) = case.arm_uri().filter(|_| case.instance().is_some() && case.requires_roles()) else {
        return Vec::new();
    };
    let mut requests = case.token_requests(&uri);
    requests.extend(case.vm_request());
    requests.extend(case.assignments_request());
    requests.extend(case.definition_requests().into_iter().map(|(_, request)| request));
    requests
}

fn ask_roles(case: &Case) -> Vec<Request> {
    let Some(requirement) = &case.subject.requirement else { return Vec::new() };
    let mut requests: Vec<Request> = case.permissions_request().into_iter().collect();
    if let Required::Role(guid) = &requirement.what {
        requests.extend(case.role_request(guid));
    }
    requests
}

/// What stands between the identity and an answer of Azure Resource Manager, when the VM was not asked.
fn not_asked(case: &Case, request: Option<Request>) -> Verdict {
    let failed = request.and_then(|request| case.outcome(&request)?.failure());
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

/// Must the VM itself be readable? Only what is required says so: a role or an action at the VM that lets it be read.
fn reading_is_required(case: &Case) -> bool {
    case.plan()
        .requirements
        .iter()
        .filter(|requirement| requirement.scope.is_none())
        .any(|requirement| required(case, requirement).is_none_or(|what| permissions::allow(&[what], &read_vm())))
}

fn judge_reader(case: &Case) -> Verdict {
    if !case.requires_roles() {
        return Verdict::Skip(NOTHING_REQUIRED.into());
    }
    let Some(answer) = case.vm_request().and_then(|request| case.evidence.answer(&request)) else {
        return not_asked(case, case.vm_request());
    };
    if case.vm_identity().is_some() {
        let roles = case.roles_held().unwrap_or_else(|| "its roles are not told".into());
        return Verdict::Pass(Facts::from([("roles", roles)]));
    }
    let Some(error) = ArmError::read(answer) else {
        return Verdict::Unknown(format!("Azure Resource Manager answered {} without saying why", answer.status));
    };
    match (answer.status, error.code.as_str()) {
        (403, _) if !reading_is_required(case) => Verdict::Skip("nothing that is required lets the VM be read".into()),
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
    let newest = case
        .assignments()
        .unwrap_or_default()
        .into_iter()
        .filter_map(|held| Some((held.created?, held)))
        .max_by_key(|(created, _)| *created);
    if let Some((created, held)) = newest {
        let age = case.evidence.taken_at.duration_since(created).unsigned_abs();
        // A definition that was not read gets the benefit of the doubt: waiting costs little.
        if age <= PROPAGATION && grants(case, &held, &read_vm()) != Some(false) {
            return Verdict::found(
                Finding::error("role-propagating")
                    .with("role", case.role_in_words(&held))
                    .with("granted", format!("{} ago", in_words(age))),
            );
        }
    }
    Verdict::found(
        Finding::error("role-missing")
            .with("status", answer.status)
            .with("error", &error.code)
            .with("action", error.quoted_after("perform action").unwrap_or(READ_VM))
            .with("request_id", request_id(Some(answer))),
    )
}

/// A role assignment takes effect within ten minutes (Microsoft's page on troubleshooting Azure RBAC).
const PROPAGATION: std::time::Duration = std::time::Duration::from_secs(600);

/// Does this assignment allow that? Nothing is said where its role's definition was not read.
fn grants(case: &Case, held: &arm::Assignment, required: &Operation) -> Option<bool> {
    let entries = arm::definition_permissions(case.definition(held)?)?;
    Some(permissions::allow(&entries, required))
}

const READ_VM: &str = "Microsoft.Compute/virtualMachines/read";

fn read_vm() -> Operation {
    Operation::Action(READ_VM.into())
}

/// What is required, as one entry of permissions: of a role what its definition says, read from Azure Resource Manager, or
/// from the embedded table where that was not to be had. `None` for a role that neither knows.
fn required(case: &Case, requirement: &Requirement) -> Option<Permission> {
    match &requirement.what {
        Required::Action(action) => Some(Permission { actions: vec![Pattern::new(action)], ..Permission::default() }),
        Required::DataAction(action) => {
            Some(Permission { data_actions: vec![Pattern::new(action)], ..Permission::default() })
        }
        Required::Role(guid) => {
            let told = case.role_request(guid).and_then(|request| case.evidence.answer(&request));
            let told = told.and_then(arm::definition_permissions).and_then(|mut entries| entries.pop());
            told.or_else(|| requirement::built_in(requirement).map(|role| role.permission.clone()))
        }
    }
}

fn judge_roles(case: &Case) -> Verdict {
    let Some(requirement) = &case.subject.requirement else {
        return Verdict::Skip(NOTHING_REQUIRED.into());
    };
    let vm = case.vm_request().and_then(|request| case.evidence.answer(&request));
    if requirement.scope.is_none() {
        let denied = vm.and_then(ArmError::read).filter(|error| error.code == "DenyAssignmentAuthorizationFailed");
        if let Some(error) = denied {
            return Verdict::found(
                Finding::error("role-denied")
                    .with("deny_assignment", error.deny_assignment().unwrap_or("unnamed"))
                    .with("deny_scope", error.deny_scope().unwrap_or("unknown"))
                    .with("action", error.quoted_after("perform action").unwrap_or(READ_VM)),
            );
        }
    }
    match vm {
        Some(answer) if answer.status == 403 && requirement.scope.is_none() && reading_is_required(case) => {
            return Verdict::Blocked("reader");
        }
        Some(answer) if answer.status == 401 => {
            return Verdict::Unknown("Azure Resource Manager refused the token".into());
        }
        Some(_) => {}
        None => return not_asked(case, case.vm_request()),
    }
    let Some(answer) = case.permissions_request().and_then(|request| case.evidence.answer(&request)) else {
        return not_asked(case, case.permissions_request());
    };
    let Some(what) = required(case, requirement) else {
        return Verdict::Unknown("what the required role allows could not be read".into());
    };
    let row = Row { case, requirement, held: requirement.scope.is_none().then(|| case.roles_held()).flatten() };
    match arm::permissions(answer) {
        Some(entries) => row.judge(&what, &entries, arm::goes_on(answer)),
        None => row.refused(&what, answer),
    }
}

/// A requirement being judged.
struct Row<'a, 'e> {
    case: &'a Case<'e>,
    requirement: &'a Requirement,
    /// The roles held at the VM, by name; not told for other scopes.
    held: Option<String>,
}

impl Row<'_, '_> {
    fn judge(self, what: &Permission, entries: &[Permission], goes_on: bool) -> Verdict {
        let lacking = permissions::lacking(entries, what);
        let words = self.held.clone().unwrap_or_else(|| unlisted(entries));
        if lacking.is_empty() {
            return Verdict::Pass(Facts::from([("required", self.words()), ("roles", words)]));
        }
        if goes_on {
            return Verdict::Unknown("the list of permissions goes on over more pages than are read".into());
        }
        self.insufficient(&lacking, words)
    }

    /// Whoever may not even ask has not what is required, unless a role that it holds says otherwise.
    fn refused(self, what: &Permission, answer: &Answer) -> Verdict {
        let Some(error) = ArmError::read(answer).filter(|_| answer.status == 403) else {
            let status = answer.status;
            return Verdict::Unknown(format!(
                "Azure Resource Manager answered {status} to the question for permissions"
            ));
        };
        let action = error.quoted_after("perform action").unwrap_or("Microsoft.Authorization/permissions/read");
        let lacking = permissions::lacking(&[], what);
        let held = self.held.clone();
        let maybe = |held: &arm::Assignment| lacking.iter().all(|one| grants(self.case, held, one) != Some(false));
        if held.is_some() && self.case.assignments().unwrap_or_default().iter().any(maybe) {
            let held = held.unwrap_or_default();
            return Verdict::Unknown(format!("it holds {held}, and is refused {action} all the same"));
        }
        self.insufficient(&lacking, held.unwrap_or_else(|| format!("nothing that allows {action}")))
    }

    fn words(&self) -> String {
        requirement::in_words(self.requirement, &self.case.vm_id().unwrap_or_default())
    }

    fn insufficient(self, lacking: &[Operation], held: String) -> Verdict {
        let missing: Vec<&str> = lacking.iter().map(Operation::as_str).collect();
        let finding = Finding::error("role-insufficient")
            .with("required", self.words())
            .with("missing", missing.join(", "))
            .with("held", held)
            .with("scope", self.case.scope().unwrap_or_default());
        // The role to grant: the required one, or the least of the common ones that has the action.
        let role = match requirement::built_in(self.requirement) {
            Some(role) => Some(role.name.clone()),
            None => match &self.requirement.what {
                Required::Role(guid) => Some(guid.clone()),
                _ => roles::narrowest(lacking).map(|role| role.name.clone()),
            },
        };
        Verdict::found(match role {
            Some(role) => finding.with("grant", role),
            None => finding,
        })
    }
}

/// Roles whose names may not be read, by what they allow; the longest lists are cut.
fn unlisted(entries: &[Permission]) -> String {
    let mut actions: Vec<&str> =
        entries.iter().flat_map(|entry| entry.actions.iter().chain(&entry.data_actions)).map(Pattern::as_str).collect();
    actions.dedup();
    match actions[..] {
        [] => "no role there".into(),
        [first, _, _, _, _, _, ..] => format!("roles with {} actions, {first} among them", actions.len()),
        _ => format!("roles that allow {}", actions.join(", ")),
    }
}
