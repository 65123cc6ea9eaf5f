//! Do the identity's roles allow what is required, where it is required?

use crate::azure::arm::{ArmError, DenyAssignment, Principal};
use crate::azure::pattern::Pattern;
use crate::azure::permissions::{self, Operation, Permission};
use crate::azure::resource_id;
use crate::azure::roles;
use crate::case::Case;
use crate::check::{Check, Facts, Finding, Stage, Subject, Verdict};
use crate::evidence::{Answer, Failure, Outcome, Request};
use crate::plan::{Required, Requirement};
use crate::reading::{List, Permissions};
use crate::requirement;

use super::access::{READ_VM, not_asked, read_vm};
use super::held;
use super::manager::NOTHING_REQUIRED;

/// The checks of this topic.
pub static CHECKS: &[Check] = &[Check {
    id: "roles",
    stage: Stage::Access,
    needs: &["metadata", "identity", "arm", "principal", "validity"],
    essential: true,
    codes: &["role-insufficient", "role-denied"],
    shared: &["role-propagating"],
    reads: &[],
    page: include_str!("../../checks/roles.md"),
    subjects: Subject::requirements,
    ask: ask_roles,
    judge: judge_roles,
}];

fn ask_roles(case: &Case) -> Vec<Request> {
    let (Some(requirement), Some(scope)) = (&case.subject.requirement, case.scope()) else { return Vec::new() };
    let mut requests = Vec::new();
    let entries = held::permissions_request(case, scope).map(|first| (case.evidence.permissions(&first), first));
    requests.extend(entries.iter().map(|(_, first)| first.clone()));
    requests.extend(held::assignment_requests(case, scope));
    requests.extend(held::denials_request(case, scope));
    if let Required::Role(guid) = &requirement.what {
        requests.extend(held::role_request(case, guid));
    }
    // Only for what is lacking it is asked where else it might be.
    if let (Some((known, first)), Some(what)) = (entries, required(case, requirement))
        && case.evidence.has(&first)
        && known.is_none_or(|known| known.list.is_whole() && !known.lacking(&what).is_empty())
    {
        requests.extend(held::elsewhere_requests(case));
        requests.extend(held::other_requests(case, scope));
    }
    requests
}

/// What is required, as one entry of permissions: of a role what its definition says, read from Azure Resource Manager, or
/// from the embedded table where that was not to be had. `None` for a role that neither knows.
pub(super) fn required(case: &Case, requirement: &Requirement) -> Option<Permission> {
    match &requirement.what {
        Required::Action(action) => Some(Permission::of(&[Operation::Action(action.clone())])),
        Required::DataAction(action) => Some(Permission::of(&[Operation::DataAction(action.clone())])),
        Required::Role(guid) => {
            let told = held::role_request(case, guid).and_then(|request| case.evidence.definition(&request));
            let told = told.and_then(|entries| entries.last().cloned());
            told.or_else(|| requirement::built_in(requirement).map(|role| role.permission.clone()))
        }
    }
}

fn judge_roles(case: &Case) -> Verdict {
    let Some(requirement) = &case.subject.requirement else {
        return Verdict::Skip(NOTHING_REQUIRED.into());
    };
    let vm = case.vm_request().and_then(|request| case.evidence.answer(&request));
    let reads_vm = requirement.scope.is_none()
        && required(case, requirement).is_some_and(|what| permissions::allow(&[what], &read_vm()));
    if reads_vm {
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
        Some(answer) if answer.status == 403 && reads_vm => {
            return Verdict::Blocked("reader");
        }
        Some(answer) if answer.status == 401 => {
            return Verdict::Unknown("Azure Resource Manager refused the token".into());
        }
        Some(_) => {}
        None => return not_asked(case, case.vm_request()),
    }
    let scope = case.scope().unwrap_or_default();
    let request = held::permissions_request(case, scope);
    let Some(answer) = request.as_ref().and_then(|request| case.evidence.answer(request)) else {
        return not_asked(case, request);
    };
    let Some(what) = required(case, requirement) else {
        return Verdict::Unknown("what the required role allows could not be read".into());
    };
    let row = Row { case, requirement, scope, what };
    match request.and_then(|request| case.evidence.permissions(&request)) {
        Some(entries) => row.judge(&entries),
        None => row.refused(answer),
    }
}

/// A requirement being judged.
struct Row<'a, 'e> {
    case: &'a Case<'e>,
    requirement: &'a Requirement,
    scope: &'a str,
    what: Permission,
}

/// What deny assignments make of a requirement.
enum Denial {
    /// Nothing is denied.
    No,
    /// The list is kept from the identity, or was not asked for.
    Untold,
    /// The list should have come, and did not, or cannot be read: why.
    Lost(String),
    /// It is denied.
    By(Operation, DenyAssignment),
    /// It hangs on who is in a group.
    Perhaps(DenyAssignment),
}

impl Row<'_, '_> {
    fn judge(self, known: &Permissions) -> Verdict {
        let entries = &known.list;
        let denial = self.denial();
        if let Denial::By(action, by) = &denial {
            return Verdict::found(
                Finding::error("role-denied")
                    .with("deny_assignment", &by.name)
                    .with("deny_scope", &by.scope)
                    .with("action", action),
            );
        }
        let lacking = known.lacking(&self.what);
        if !lacking.is_empty() {
            if !entries.is_whole() {
                return not_whole("permissions", entries);
            }
            let held = held::all_in_words(self.case, self.scope).unwrap_or_else(|| unlisted(&entries.items));
            return self.insufficient(&lacking, held);
        }
        if let Denial::Perhaps(by) = denial {
            let name = by.name;
            return Verdict::Unknown(format!(
                "the deny assignment “{name}” is for a group or spares one, and who is in a group is not told"
            ));
        }
        if let Denial::Lost(why) = denial {
            return Verdict::Unknown(format!("whether a deny assignment stands against it is not known: {why}"));
        }
        if let Some(conditional) = self.hangs_on_condition() {
            return conditional;
        }
        let assignments = held::assignments_request(self.case, self.scope);
        let known = assignments.as_ref().and_then(|first| self.case.evidence.assignments(first));
        if let Some(why) = self.lost(assignments, known.as_ref().map(|known| &known.list)) {
            return Verdict::Unknown(format!("whether a condition limits its roles is not known: {why}"));
        }
        let mut roles = held::all_in_words(self.case, self.scope).unwrap_or_else(|| unlisted(&entries.items) + UNTOLD);
        if matches!(denial, Denial::Untold) && !roles.ends_with(UNTOLD) {
            roles += "; whether a deny assignment stands against it is not told";
        }
        Verdict::Pass(Facts::from([("required", self.words()), ("roles", roles)]))
    }

    /// What is allowed only by a role under a condition is open: conditions are not evaluated.
    fn hangs_on_condition(&self) -> Option<Verdict> {
        let known = held::assignments(self.case, self.scope)?;
        if known.roles[1].is_empty() {
            return None;
        }
        let firm = held::union(self.case, &known);
        let open = permissions::lacking(&firm, &self.what);
        let may = |entries: Option<&[Permission]>| {
            entries.is_none_or(|entries| open.iter().any(|operation| permissions::allow(entries, operation)))
        };
        let (role, _) = held::roles_in(self.case, &known, 1).find(|(_, entries)| !open.is_empty() && may(*entries))?;
        let held = known.list.items.iter().find(|held| held.condition.is_some() && held.definition == role)?;
        let words = held::in_few_words(self.case, held);
        let condition: String = held.condition.iter().flat_map(|text| text.chars().take(200)).collect();
        Some(Verdict::Unknown(format!("it hangs on {words}, whose condition midoctor does not evaluate: {condition}")))
    }

    /// The first deny assignment that is for this identity, here, and forbids a part of what is required.
    fn denial(&self) -> Denial {
        let request = held::denials_request(self.case, self.scope);
        let list = request.as_ref().and_then(|first| self.case.evidence.denials(first));
        let lost = self.lost(request, list.as_deref()).map(Denial::Lost);
        let Some(list) = list else { return lost.unwrap_or(Denial::Untold) };
        let own = self.case.principal().unwrap_or_default();
        let mut found = lost.unwrap_or(Denial::No);
        for deny in &list.items {
            let Some(action) = denied(&self.what, &deny.permissions) else { continue };
            if deny.at_scope_alone && !resource_id::same(&deny.scope, self.scope) {
                continue;
            }
            let named =
                |list: &[Principal]| list.iter().any(|one| one.id == EVERYONE || one.id.eq_ignore_ascii_case(own));
            let group = |list: &[Principal]| list.iter().any(|one| one.kind == "Group");
            if named(&deny.excluded) || !(named(&deny.principals) || group(&deny.principals)) {
                continue;
            }
            if named(&deny.principals) && !group(&deny.excluded) {
                return Denial::By(action, deny.clone());
            }
            found = Denial::Perhaps(deny.clone());
        }
        found
    }

    /// Why a list that was asked for is not known in whole, when it was not refused. An identity that may not list something is
    /// refused it or gets an empty list (both are on record), and nothing is held against that; no answer and nonsense are not such.
    fn lost<T>(&self, request: Option<Request>, known: Option<&List<T>>) -> Option<String> {
        match (known, self.case.outcome(&request?)?) {
            (Some(list), _) => list.broken.as_ref().map(|why| format!("the list could not be read to its end: {why}")),
            (None, Outcome::Failed(failed)) if failed.why != Failure::Unsupported => {
                Some(format!("the question for the list brought no answer: {}", failed.detail))
            }
            (None, Outcome::Answered(answer)) if !(400..500).contains(&answer.status) || answer.status == 429 => {
                Some(format!("the answer {} to the question for the list cannot be read", answer.status))
            }
            _ => None,
        }
    }

    /// Whoever may not even ask has not what is required, unless a role that it holds says otherwise.
    fn refused(self, answer: &Answer) -> Verdict {
        let Some(error) = ArmError::read(answer).filter(|_| answer.status == 403) else {
            let status = answer.status;
            return Verdict::Unknown(format!(
                "Azure Resource Manager answered {status} to the question for permissions"
            ));
        };
        let action = error.quoted_after("perform action").unwrap_or(READ_PERMISSIONS);
        let lacking = permissions::lacking(&[], &self.what);
        let known = held::assignments(self.case, self.scope);
        let held = held::all_in_words(self.case, self.scope);
        if known.is_some_and(|known| held::may_allow(self.case, &known, &self.what)) {
            let held = held.unwrap_or_default();
            return Verdict::Unknown(format!("it holds {held}, and is refused {action} all the same"));
        }
        // Who may not ask what it may do can still do other things; only what lets it ask is surely missing.
        let asks = permissions::allow(std::slice::from_ref(&self.what), &Operation::Action(READ_PERMISSIONS.into()));
        if held.is_none() && !asks {
            return Verdict::Unknown(format!("it may not ask what it is allowed to do: {action} is refused"));
        }
        self.insufficient(&lacking, held.unwrap_or_else(|| format!("nothing that allows {action}")))
    }

    fn words(&self) -> String {
        requirement::in_words(self.requirement, self.case.vm_id().unwrap_or_default())
    }

    fn insufficient(self, lacking: &[Operation], held: String) -> Verdict {
        let (case, scope) = (self.case, self.scope);
        if !held::assignments_request(case, scope).is_some_and(|request| case.evidence.has(&request)) {
            return Verdict::Unknown("it is not allowed; whether a role was granted just now was not asked".into());
        }
        if let Some(known) = held::assignments(case, scope).filter(|known| !known.list.is_whole()) {
            return not_whole("role assignments", &known.list);
        }
        // What the wanted role takes out itself is not lacking either.
        let open = Permission {
            not_actions: self.what.not_actions.clone(),
            not_data_actions: self.what.not_data_actions.clone(),
            ..Permission::of(lacking)
        };
        if let Some((role, granted)) = held::propagating(case, scope, &open) {
            return Verdict::found(Finding::error("role-propagating").with("role", role).with("granted", granted));
        }
        let missing: Vec<&str> = lacking.iter().map(Operation::as_str).collect();
        let hints = [
            held::closest(case, scope, &self.what),
            held::elsewhere(case, scope, &open),
            held::other_identity(case, scope, &open),
            // No service keeps its data in a virtual machine.
            (matches!(self.requirement.what, Required::DataAction(_)) && self.requirement.scope.is_none())
                .then(|| "No data lies in the VM itself: name where it lies with @SCOPE.".to_owned()),
        ];
        let finding = Finding::error("role-insufficient")
            .with("required", self.words())
            .with("missing", missing.join(", "))
            .with("held", held)
            .with("hints", held::appended(hints))
            .with("scope", scope);
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

/// The action of asking for one's own permissions.
const READ_PERMISSIONS: &str = "Microsoft.Authorization/permissions/read";

fn not_whole<T>(what: &str, list: &List<T>) -> Verdict {
    let why = list.broken.as_deref().unwrap_or("its end is missing");
    Verdict::Unknown(format!("the list of {what} could not be read to its end: {why}"))
}

/// The principal that stands for everyone in a deny assignment (documented).
const EVERYONE: &str = "00000000-0000-0000-0000-000000000000";

/// Said where the list of permissions is all that may be read.
const UNTOLD: &str = "; conditions and deny assignments are not told";

/// The first operation of what is wanted that these entries deny. What the wanted role takes out itself is not asked for.
fn denied(what: &Permission, entries: &[Permission]) -> Option<Operation> {
    permissions::lacking(&[], what).into_iter().find(|operation| permissions::denies(entries, operation))
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
