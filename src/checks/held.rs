//! What the case's identity holds at a scope: its role assignments by name, what they allow, and where else a role would be
//! found. Several checks judge by it; nothing is judged here.

use std::cell::LazyCell;
use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

use crate::azure::arm::{self, Assignment};
use crate::azure::permissions::{self, Permission};
use crate::azure::resource_id::{self, VmId, scope_in_words};
use crate::azure::roles;
use crate::case::Case;
use crate::check::Subject;
use crate::evidence::Request;
use crate::plan::Selector;
use crate::reading::Assignments;
use crate::words::in_words;

/// A role assignment takes effect within ten minutes (Microsoft's page on troubleshooting Azure RBAC).
const PROPAGATION: Duration = Duration::from_secs(600);
/// So many role definitions are read at most: beyond these, the built-in ones are known.
const DEFINITIONS: usize = 10;
/// So many assignments are named.
const NAMED: usize = 5;
/// So many of the resource groups that an identity may see are looked into.
const GROUPS: usize = 5;
/// So many of the other requirements' scopes are looked into.
const SCOPES: usize = 10;
/// So many of the VM's other identities are looked at.
const OTHERS: usize = 4;

/// The question for the case's identity's permissions at a scope.
pub(super) fn permissions_request(case: &Case, scope: &str) -> Option<Request> {
    let url = arm::permissions_url(&case.cloud()?.arm_host, scope);
    Some(Request::manager(url, Some(case.arm_token()?)))
}

/// The question for the case's identity's role assignments at a scope and above.
pub(super) fn assignments_request(case: &Case, scope: &str) -> Option<Request> {
    let url = arm::assignments_url(&case.cloud()?.arm_host, scope, case.principal()?);
    Some(Request::manager(url, Some(case.arm_token()?)))
}

/// The question for the deny assignments at a scope and above.
pub(super) fn denials_request(case: &Case, scope: &str) -> Option<Request> {
    let url = arm::denials_url(&case.cloud()?.arm_host, scope);
    Some(Request::manager(url, Some(case.arm_token()?)))
}

/// What a role definition's ID has before the name.
const KIND: &str = "/providers/Microsoft.Authorization/roleDefinitions";

/// The question for what the role with this definition ID allows.
pub(super) fn definition_request(case: &Case, definition: &str) -> Option<Request> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.".contains(c);
    let kind = definition.rsplit_once('/').and_then(|(kind, _)| kind.get(kind.len().checked_sub(KIND.len())?..));
    let is_one = kind.is_some_and(|kind| kind.eq_ignore_ascii_case(KIND))
        && definition.starts_with('/')
        && definition.chars().all(plain);
    let url = arm::definition_url(&case.cloud()?.arm_host, definition);
    is_one.then_some(Request::manager(url, Some(case.arm_token()?)))
}

/// The question for the role with this GUID, in the VM's subscription.
pub(super) fn role_request(case: &Case, guid: &str) -> Option<Request> {
    let subscription = VmId::parse(case.vm_id()?)?.subscription;
    definition_request(case, &format!("/subscriptions/{subscription}{KIND}/{guid}"))
}

/// The case's identity's role assignments at a scope and above, as far as they were told. To somebody who may not list them
/// Azure Resource Manager gives a refusal or an empty list (both are on record), so an empty one tells nothing.
pub(super) fn assignments(case: &Case, scope: &str) -> Option<Rc<Assignments>> {
    let known = case.evidence.assignments(&assignments_request(case, scope)?)?;
    (!known.list.items.is_empty() || !known.list.is_whole()).then_some(known)
}

/// The questions for the assignments at a scope, and for the roles in them.
pub(super) fn assignment_requests(case: &Case, scope: &str) -> Vec<Request> {
    let Some(first) = assignments_request(case, scope) else { return Vec::new() };
    let known = case.evidence.assignments(&first);
    let mut requests = vec![first];
    requests.extend(known.iter().flat_map(|known| definition_requests(case, known)).cloned());
    requests
}

/// The questions for what the roles in a list allow.
fn definition_requests<'a>(case: &Case, known: &'a Assignments) -> &'a [Request] {
    let first = || known.roles.iter().flatten().take(DEFINITIONS);
    known.questions.get_or_init(|| first().filter_map(|id| definition_request(case, id)).collect())
}

/// What a role allows: as its definition says, or the table of built-in roles where that was not read. `None` for others.
pub(super) fn role(case: &Case, definition: &str) -> Option<Rc<Vec<Permission>>> {
    let told = definition_request(case, definition).and_then(|request| case.evidence.definition(&request));
    let built_in = || roles::find(resource_id::name(definition)).map(|role| Rc::new(vec![role.permission.clone()]));
    told.or_else(built_in)
}

/// Every role of a list, those without a condition or those with one, with what it allows where that is known.
pub(super) fn roles_in<'a>(
    case: &Case,
    known: &'a Assignments,
    conditional: usize,
) -> impl Iterator<Item = (&'a str, Option<&'a [Permission]>)> {
    let look_up = || known.roles.each_ref().map(|ids| ids.iter().map(|id| role(case, id)).collect());
    let allowed = &known.allowed.get_or_init(look_up)[conditional];
    let entries = allowed.iter().map(|entries| entries.as_ref().map(|entries| entries.as_slice()));
    known.roles[conditional].iter().map(String::as_str).zip(entries)
}

/// What the roles without a condition allow together, as far as they are known.
pub(super) fn union(case: &Case, known: &Assignments) -> Vec<Permission> {
    let all: Vec<&[Permission]> = roles_in(case, known, 0).filter_map(|(_, entries)| entries).collect();
    all.concat()
}

/// The roles of a list that allow all of that, as far as they are known.
fn able<'a>(case: &Case, known: &'a Assignments, wanted: &Permission) -> HashSet<&'a str> {
    let allows = |entries: &[Permission]| permissions::satisfy(entries, wanted);
    all_roles(case, known)
        .filter(|(_, entries)| entries.is_some_and(allows))
        .map(|(definition, _)| definition)
        .collect()
}

/// The roles of a list of which it is not known what they allow.
fn unknown<'a>(case: &Case, known: &'a Assignments) -> HashSet<&'a str> {
    all_roles(case, known).filter(|(_, entries)| entries.is_none()).map(|(definition, _)| definition).collect()
}

/// Might a role of the list allow all of that?
pub(super) fn may_allow(case: &Case, known: &Assignments, wanted: &Permission) -> bool {
    !able(case, known, wanted).is_empty() || !unknown(case, known).is_empty()
}

fn all_roles<'a>(case: &Case, known: &'a Assignments) -> impl Iterator<Item = (&'a str, Option<&'a [Permission]>)> {
    roles_in(case, known, 0).chain(roles_in(case, known, 1))
}

/// A role's name; its GUID where that is not known.
pub(super) fn role_name(case: &Case, definition: &str) -> String {
    let told = definition_request(case, definition).and_then(|request| case.evidence.answer(&request));
    let guid = resource_id::name(definition);
    let built_in = || roles::find(guid).map(|role| role.name.clone());
    told.and_then(arm::role_name).or_else(built_in).unwrap_or_else(|| guid.to_owned())
}

/// A role that is held, with where, through whom and under what condition: `Reader (resource group rg, through the group 5d1c…)`.
pub(super) fn in_few_words(case: &Case, held: &Assignment) -> String {
    let mut detail = scope_in_words(&held.scope, case.vm_id().unwrap_or_default());
    if through_group(case, held) {
        detail += &format!(", through the group {}", held.principal);
    }
    if held.condition.is_some() {
        detail += ", under a condition";
    }
    format!("{} ({detail})", role_name(case, &held.definition))
}

/// Does it come through a group that the identity is in?
pub(super) fn through_group(case: &Case, held: &Assignment) -> bool {
    !held.principal.is_empty() && !case.principal().is_some_and(|own| own.eq_ignore_ascii_case(&held.principal))
}

/// All roles held, the first few by name; `None` when they were not told.
pub(super) fn all_in_words(case: &Case, scope: &str) -> Option<String> {
    let known = assignments(case, scope)?;
    let items = &known.list.items;
    let mut words: Vec<String> = items.iter().take(NAMED).map(|held| in_few_words(case, held)).collect();
    if items.len() > NAMED {
        words.push(format!("{} more", items.len() - NAMED));
    }
    Some(if words.is_empty() { "no role".into() } else { words.join(", ") })
}

/// An assignment that would do and is not in force yet: one of the last ten minutes, or one through a group, which a token
/// learns of within hours. With a sentence's end for when it was granted. A role that is not known gets the benefit of the
/// doubt when it is young: waiting costs little.
pub(super) fn propagating(case: &Case, scope: &str, lacking: &Permission) -> Option<(String, String)> {
    let known = assignments(case, scope)?;
    let now = case.evidence.taken_at();
    let age = |held: &Assignment| Some(now.duration_since(held.created?).unsigned_abs());
    let young = |held: &&Assignment| age(held).is_some_and(|age| age <= PROPAGATION);
    let items = &known.list.items;
    let (able, unknown) = (able(case, &known, lacking), LazyCell::new(|| unknown(case, &known)));
    let may = |held: &&Assignment| [&able, &*unknown].iter().any(|roles| roles.contains(held.definition.as_str()));
    let newest = items.iter().filter(young).filter(may).min_by_key(|held| age(held));
    if let Some(held) = newest {
        return Some((in_few_words(case, held), format!("{} ago", in_words(age(held)?))));
    }
    let surely = |held: &&Assignment| held.condition.is_none() && able.contains(held.definition.as_str());
    let grouped = items.iter().filter(|_| !able.is_empty()).filter(surely).find(|held| through_group(case, held))?;
    let since = age(grouped).map_or_else(|| "at an unknown time".into(), |age| format!("{} ago", in_words(age)));
    Some((
        in_few_words(case, grouped),
        format!("to the group {since}; membership of a group reaches a token within 24 hours"),
    ))
}

/// The assignment that comes closest, when there are several things to allow and it allows some: with what it lacks.
pub(super) fn closest(case: &Case, scope: &str, what: &Permission) -> Option<String> {
    let known = assignments(case, scope)?;
    let wanted = what.actions.len() + what.data_actions.len();
    if wanted < 2 {
        return None;
    }
    let mut best: Option<(usize, &str)> = None;
    for (definition, entries) in all_roles(case, &known) {
        let lacks = entries.map(|entries| permissions::lacking(entries, what).len());
        if let Some(count) = lacks.filter(|count| *count < wanted)
            && best.is_none_or(|(least, _)| count < least)
        {
            best = Some((count, definition));
        }
    }
    let (count, definition) = best?;
    let held = known.list.items.iter().find(|held| held.definition == definition)?;
    Some(format!("{} comes closest and lacks {count} of these {wanted}.", in_few_words(case, held)))
}

/// The questions that tell where else the identity holds roles: below the subscription, or, when it may not list those, in the
/// resource groups that it may see.
pub(super) fn elsewhere_requests(case: &Case) -> Vec<Request> {
    let Some((below, groups)) = below_and_groups(case) else { return Vec::new() };
    let known = case.evidence.assignments(&below);
    let mut requests = vec![below.clone()];
    // An identity that may not list the subscription's gets a refusal, or an empty list (both are on record).
    let untold = known.as_deref().is_none_or(|known| known.list.items.is_empty());
    if case.evidence.has(&below) && untold {
        requests.extend(group_requests(case, &groups));
        requests.push(groups);
    }
    // The roles in the lists at the VM and at other requirements' scopes are asked for with those.
    for list in requests.clone().iter().filter_map(|request| case.evidence.assignments(request)) {
        requests.extend_from_slice(definition_requests(case, &list));
    }
    requests
}

fn below_and_groups(case: &Case) -> Option<(Request, Request)> {
    let (host, token) = (&case.cloud()?.arm_host, case.arm_token()?);
    let subscription = VmId::parse(case.vm_id()?)?.subscription;
    let below = arm::assignments_below_url(host, &format!("/subscriptions/{subscription}"), case.principal()?);
    let groups = arm::groups_url(host, &subscription);
    Some((Request::manager(below, Some(token)), Request::manager(groups, Some(token))))
}

fn group_requests(case: &Case, groups: &Request) -> Vec<Request> {
    let (Some(cloud), Some(principal), Some(vm)) = (case.cloud(), case.principal(), case.vm_id().and_then(VmId::parse))
    else {
        return Vec::new();
    };
    let plain =
        |name: &String| name.chars().all(|c| c.is_alphanumeric() || "-_.()".contains(c)) && !name.starts_with("..");
    let names = case.evidence.answer(groups).and_then(arm::groups).unwrap_or_default();
    let scopes = names.into_iter().filter(plain).take(GROUPS);
    let scopes = scopes.map(|name| format!("/subscriptions/{}/resourceGroups/{name}", vm.subscription));
    let urls = scopes.map(|scope| arm::assignments_below_url(&cloud.arm_host, &scope, principal));
    urls.map(|url| Request::manager(url, case.arm_token())).collect()
}

/// The lists of the identity's assignments that the evidence holds.
fn elsewhere_lists(case: &Case) -> Vec<Rc<Assignments>> {
    let scopes = case.plan().requirements.iter().filter_map(|requirement| requirement.scope.as_deref());
    let mut all: Vec<&str> = Vec::new();
    for scope in case.vm_id().into_iter().chain(scopes) {
        if all.len() <= SCOPES && !all.contains(&scope) {
            all.push(scope);
        }
    }
    let mut requests: Vec<Request> = all.into_iter().filter_map(|scope| assignments_request(case, scope)).collect();
    if let Some((below, groups)) = below_and_groups(case) {
        requests.push(below);
        requests.extend(group_requests(case, &groups));
    }
    requests.iter().filter_map(|request| case.evidence.assignments(request)).collect()
}

/// A sentence about a role that would do, and is held where it does not reach the scope.
pub(super) fn elsewhere(case: &Case, scope: &str, lacking: &Permission) -> Option<String> {
    let vm = case.vm_id().unwrap_or_default();
    for known in elsewhere_lists(case) {
        let able = able(case, &known, lacking);
        if able.is_empty() {
            continue;
        }
        let misses = |held: &&Assignment| able.contains(held.definition.as_str()) && !reaches(&held.scope, scope);
        if let Some(held) = known.list.items.iter().filter(|held| held.condition.is_none()).find(misses) {
            let place = scope_in_words(scope, vm);
            // What lies below a management group, its name does not tell.
            let below = scope.starts_with("/subscriptions/") && reaches(scope, &held.scope);
            let why = if below { "lies below" } else { "does not contain" };
            return Some(format!("It holds {}, which {why} {place}.", in_few_words(case, held)));
        }
    }
    None
}

/// Does an assignment at the one scope hold at the other? Those listed from above a subscription do.
fn reaches(held: &str, at: &str) -> bool {
    let (held, at) = (held.trim_end_matches('/').to_lowercase(), at.to_lowercase());
    !held.starts_with("/subscriptions/") && at.starts_with("/subscriptions/")
        || at.strip_prefix(&held).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The VM's other identities, as far as they are known: those that were named, the one that answers to no name, and those that
/// Azure Resource Manager lists.
fn others(case: &Case) -> Vec<Subject> {
    let listed = case.vm_identity();
    let listed = listed.iter().flat_map(|block| &block.user_assigned).map(|one| one.resource_id.clone());
    let mut selectors: Vec<Selector> = Case::identities(case.evidence);
    selectors.push(Selector::Default);
    selectors.extend(listed.filter(|id| resource_id::is_user_assigned(id)).map(Selector::ResourceId));
    let mut all: Vec<Selector> = Vec::new();
    for selector in selectors {
        if selector != *case.selector() && !all.contains(&selector) {
            all.push(selector);
        }
    }
    let subject = |identity| Subject { identity: Some(identity), ..Subject::default() };
    all.into_iter().take(OTHERS).map(subject).collect()
}

/// The questions that tell whether another identity of the VM may do it.
pub(super) fn other_requests(case: &Case, scope: &str) -> Vec<Request> {
    let Some(uri) = case.arm_uri() else { return Vec::new() };
    let mut requests = Vec::new();
    for subject in others(case) {
        let other = Case::new(case.evidence, &subject);
        requests.extend(other.token_requests(&uri));
        if other.principal().is_some() && other.principal() != case.principal() {
            requests.extend(permissions_request(&other, scope));
        }
    }
    requests
}

/// A sentence about another identity of the VM that may do what this one may not.
pub(super) fn other_identity(case: &Case, scope: &str, lacking: &Permission) -> Option<String> {
    others(case).iter().find_map(|subject| {
        let other = Case::new(case.evidence, subject);
        if other.principal()? == case.principal()? {
            return None;
        }
        let entries = case.evidence.permissions(&permissions_request(&other, scope)?)?;
        let claims = other.claims_for(&case.arm_uri()?)?;
        permissions::satisfy(&entries.list.items, lacking).then(|| {
            let who = super::identity::in_words(&other, claims);
            let client = claims.client_id().unwrap_or("unknown");
            format!("The VM's other identity may: {who}, client ID {client}.")
        })
    })
}

/// These sentences with a space before each, to follow a sentence.
pub(super) fn appended(sentences: impl IntoIterator<Item = Option<String>>) -> String {
    sentences.into_iter().flatten().map(|sentence| format!(" {sentence}")).collect()
}
