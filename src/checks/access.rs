//! Can the identity read its own VM? What else its roles allow is in `roles`.

use crate::azure::arm::ArmError;
use crate::azure::permissions::{self, Operation, Permission};
use crate::case::Case;
use crate::check::{Check, Facts, Finding, Stage, Subject, Verdict};
use crate::evidence::{Answer, Failure, Request};

use super::held;
use super::manager::{NOTHING_REQUIRED, request_id};
use super::roles::required;

/// The checks of this topic.
pub static CHECKS: &[Check] = &[Check {
    id: "reader",
    stage: Stage::Access,
    needs: &["metadata", "identity", "arm", "principal", "validity"],
    essential: true,
    codes: &["role-missing", "role-propagating"],
    shared: &[],
    reads: &[],
    page: include_str!("../../checks/reader.md"),
    subjects: Subject::identities,
    ask: ask_reader,
    judge: judge_reader,
}];

fn ask_reader(case: &Case) -> Vec<Request> {
    let Some(uri) = case.arm_uri().filter(|_| case.instance().is_some() && case.asks_manager()) else {
        return Vec::new();
    };
    let mut requests = case.token_requests(&uri);
    requests.extend(case.vm_request());
    let Some(vm) = case.vm_id().filter(|_| case.requires_roles()) else { return requests };
    requests.extend(held::assignment_requests(case, vm));
    // Only who may not read the VM is looked for elsewhere.
    if case.vm_request().and_then(|request| case.evidence.answer(&request)).is_some_and(|answer| answer.status == 403) {
        requests.extend(held::elsewhere_requests(case));
        requests.extend(held::other_requests(case, vm));
    }
    requests
}

/// What stands between the identity and an answer of Azure Resource Manager, when the VM was not asked.
pub(super) fn not_asked(case: &Case, request: Option<Request>) -> Verdict {
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

/// Must the VM itself be readable? Only what is required says so: a role or an action at the VM that lets it be read. `None`
/// when that hangs on a role of which nothing is known.
fn reading_is_required(case: &Case) -> Option<bool> {
    let here = case.plan().requirements.iter().filter(|requirement| requirement.scope.is_none());
    let allow: Vec<Option<bool>> = here
        .map(|requirement| required(case, requirement).map(|what| permissions::allow(&[what], &read_vm())))
        .collect();
    if allow.contains(&Some(true)) { Some(true) } else { (!allow.contains(&None)).then_some(false) }
}

fn judge_reader(case: &Case) -> Verdict {
    if !case.requires_roles() {
        return Verdict::Skip(NOTHING_REQUIRED.into());
    }
    let Some(answer) = case.vm_request().and_then(|request| case.evidence.answer(&request)) else {
        return not_asked(case, case.vm_request());
    };
    if case.vm_identity().is_some() {
        let roles = case.vm_id().and_then(|vm| held::all_in_words(case, vm));
        return Verdict::Pass(Facts::from([("roles", roles.unwrap_or_else(|| "its roles are not told".into()))]));
    }
    let Some(error) = ArmError::read(answer) else {
        if answer.status == 200 {
            return Verdict::Unknown(
                "Azure Resource Manager answered 200, and what it sent does not describe the VM".into(),
            );
        }
        return Verdict::Unknown(format!("Azure Resource Manager answered {} without saying why", answer.status));
    };
    match (answer.status, error.code.as_str()) {
        (403, _) if reading_is_required(case) == Some(false) => {
            Verdict::Skip("nothing that is required lets the VM be read".into())
        }
        (403, _) if reading_is_required(case).is_none() => {
            Verdict::Unknown("it may not be read, and what the required role allows could not be read either".into())
        }
        (403, "DenyAssignmentAuthorizationFailed") => Verdict::Blocked("roles"),
        (403, _) => missing(case, answer, &error),
        // Whose fault that is, the checks validity and principal say; the engine puts them in the way.
        (401, code) => Verdict::Unknown(format!("Azure Resource Manager refused the token: 401 {code}")),
        (status, code) => Verdict::Unknown(format!("Azure Resource Manager answered {status} {code}")),
    }
}

/// No role, or one that has not taken effect: Azure lets ten minutes pass at most.
fn missing(case: &Case, answer: &Answer, error: &ArmError) -> Verdict {
    let vm = case.vm_id().unwrap_or_default();
    let Some(request) = held::assignments_request(case, vm).filter(|request| case.evidence.has(request)) else {
        return Verdict::Unknown("it was refused with 403; whether a role was granted just now was not asked".into());
    };
    let failed = case.evidence.outcome(&request).and_then(|outcome| outcome.failure());
    if let Some(failed) = failed.filter(|failed| failed.why == Failure::OutOfTime) {
        let why = failed.before_the_answer();
        return Verdict::Unknown(format!(
            "it was refused with 403; whether a role was granted just now is not known: {why}"
        ));
    }
    let lacking = Permission::of(&[read_vm()]);
    if let Some((role, granted)) = held::propagating(case, vm, &lacking) {
        return Verdict::found(Finding::error("role-propagating").with("role", role).with("granted", granted));
    }
    let hints = [held::elsewhere(case, vm, &lacking), held::other_identity(case, vm, &lacking)];
    Verdict::found(
        Finding::error("role-missing")
            .with("status", answer.status)
            .with("error", &error.code)
            .with("action", error.quoted_after("perform action").unwrap_or(READ_VM))
            .with("hints", held::appended(hints))
            .with("request_id", request_id(Some(answer))),
    )
}

pub(super) const READ_VM: &str = "Microsoft.Compute/virtualMachines/read";

pub(super) fn read_vm() -> Operation {
    Operation::Action(READ_VM.into())
}
