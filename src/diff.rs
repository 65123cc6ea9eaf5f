//! What changed from one report to another: verdict, checks, codes, who the VM is and signs in as, variables, roles. Pure: two
//! reports in, the changes out; nothing is judged here.
//!
//! What one of the reports does not tell has not changed: a role list that nobody could read is not an empty one.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::azure::arm;
use crate::azure::resource_id::{name, scope_in_words};
use crate::azure::roles;
use crate::check::Status;
use crate::evidence::{Outcome, Request};
use crate::fill::visible;
use crate::report::{CheckReport, Identity, Report, Word};

/// The name and major version of the format.
pub const SCHEMA: &str = "midoctor.diff/1";

/// What changed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diff {
    /// `midoctor.diff/1`; fields are added inside a major version, never renamed or removed.
    pub schema: &'static str,
    /// The report from before.
    pub before: Side,
    /// The report from after.
    pub after: Side,
    /// Are both of the same VM, as far as both say which?
    pub same_vm: bool,
    /// Did anything change of what follows, or the verdict, or the root cause?
    pub changed: bool,
    /// Checks whose status changed, or that one of the reports has alone.
    pub checks: Vec<CheckChange>,
    /// Codes that were found after and not before.
    pub codes_came: Vec<Code>,
    /// Codes that were found before and not after.
    pub codes_went: Vec<Code>,
    /// What is known of the VM and is something else now.
    pub vm: Vec<Change>,
    /// Identities that sign in after and did not before.
    pub identities_came: Vec<Identity>,
    /// Identities that signed in before and do not after.
    pub identities_went: Vec<Identity>,
    /// Variables of the environment; empty where one of the reports has not read it.
    pub variables: Vec<Variable>,
    /// Role assignments that were listed after and not before; empty where one of the reports lists none at all.
    pub roles_came: Vec<Role>,
    /// Role assignments that were listed before and not after; the same.
    pub roles_went: Vec<Role>,
}

/// One of the two reports.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Side {
    /// The run's ID.
    pub run: String,
    /// When it began.
    pub started: String,
    /// The version that wrote it.
    pub version: String,
    /// The VM's name.
    pub vm: Option<String>,
    /// The verdict.
    pub verdict: Word,
    /// The root cause.
    pub root_cause: Option<String>,
}

/// A check of a subject.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CheckChange {
    /// Its name.
    pub check: String,
    /// What it was judged for.
    pub subject: Option<String>,
    /// Its status before; null where the report does not have it.
    pub before: Option<Status>,
    /// Its status after; the same.
    pub after: Option<Status>,
}

/// A code where it was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Code {
    /// The code.
    pub code: String,
    /// The check that found it.
    pub check: String,
    /// What that was judged for.
    pub subject: Option<String>,
}

/// A fact.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Its name in the report: `resource_group`.
    pub field: &'static str,
    /// Before.
    pub before: Option<String>,
    /// After.
    pub after: Option<String>,
}

/// A variable of the environment. Its value is not told: some are long, and both reports have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// What became of it.
    pub became: Became,
}

/// What became of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Became {
    /// It was not set before.
    Set,
    /// It is not set any more.
    Unset,
    /// It has another value.
    Changed,
}

/// A role assignment, by what it says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Role {
    /// The role's name, or its definition's GUID.
    pub role: String,
    /// Where it holds, as a scope of Azure Resource Manager.
    pub scope: String,
    /// The same in a few words.
    pub at: String,
    /// Who holds it: an object ID.
    pub principal: String,
}

/// Compares two reports.
pub fn compare(before: &Report, after: &Report) -> Diff {
    let vm = of_vm(before, after);
    let fact =
        |name: &str| vm.iter().any(|change| change.field == name && change.before.is_some() && change.after.is_some());
    let (codes_came, codes_went) = only_in(&codes(before), &codes(after));
    let (identities_came, identities_went) = lists(&before.identities, &after.identities);
    let (roles_came, roles_went) = match (role_assignments(before), role_assignments(after)) {
        (Some(before), Some(after)) => only_in(&before, &after),
        _ => (Vec::new(), Vec::new()),
    };
    let mut diff = Diff {
        schema: SCHEMA,
        same_vm: !(fact("vm_id") || fact("resource_id")),
        changed: false,
        checks: of_checks(before, after),
        codes_came,
        codes_went,
        vm,
        identities_came,
        identities_went,
        variables: of_variables(before, after),
        roles_came,
        roles_went,
        before: side(before),
        after: side(after),
    };
    diff.changed = diff.before.verdict != diff.after.verdict
        || diff.before.root_cause != diff.after.root_cause
        || !(diff.checks.is_empty() && diff.codes_came.is_empty() && diff.codes_went.is_empty())
        || !(diff.vm.is_empty() && diff.identities_came.is_empty() && diff.identities_went.is_empty())
        || !(diff.variables.is_empty() && diff.roles_came.is_empty() && diff.roles_went.is_empty());
    diff
}

fn side(report: &Report) -> Side {
    Side {
        run: report.run.id.clone(),
        started: report.run.started.clone(),
        version: report.tool.version.clone(),
        vm: report.vm.name.clone(),
        verdict: report.verdict,
        root_cause: report.root_cause.clone(),
    }
}

/// What is in the second alone, and what is in the first alone.
fn only_in<T: Ord + Clone>(before: &BTreeSet<T>, after: &BTreeSet<T>) -> (Vec<T>, Vec<T>) {
    (after.difference(before).cloned().collect(), before.difference(after).cloned().collect())
}

/// The same for lists whose order counts.
fn lists<T: PartialEq + Clone>(before: &[T], after: &[T]) -> (Vec<T>, Vec<T>) {
    let not_in = |one: &[T], other: &[T]| one.iter().filter(|item| !other.contains(item)).cloned().collect();
    (not_in(after, before), not_in(before, after))
}

fn of_checks(before: &Report, after: &Report) -> Vec<CheckChange> {
    let key = |check: &CheckReport| (check.id.clone(), check.subject.clone());
    let old: BTreeMap<_, Status> = before.checks.iter().map(|check| (key(check), check.status)).collect();
    let new: BTreeSet<_> = after.checks.iter().map(key).collect();
    let change = |check: &CheckReport, before: Option<Status>, after: Option<Status>| CheckChange {
        check: check.id.clone(),
        subject: check.subject.clone(),
        before,
        after,
    };
    let came = after.checks.iter().filter_map(|check| {
        let before = old.get(&key(check)).copied();
        (before != Some(check.status)).then(|| change(check, before, Some(check.status)))
    });
    let went = before.checks.iter().filter(|check| !new.contains(&key(check)));
    came.chain(went.map(|check| change(check, Some(check.status), None))).collect()
}

fn codes(report: &Report) -> BTreeSet<Code> {
    let of = |check: &CheckReport| {
        let (check_id, subject) = (check.id.clone(), check.subject.clone());
        let code = move |code: String| Code { code, check: check_id.clone(), subject: subject.clone() };
        check.findings.iter().map(|finding| finding.code.clone()).map(code).collect::<Vec<_>>()
    };
    report.checks.iter().flat_map(of).collect()
}

fn of_vm(before: &Report, after: &Report) -> Vec<Change> {
    let (old, new) = (&before.vm, &after.vm);
    [
        ("name", &old.name, &new.name),
        ("resource_id", &old.resource_id, &new.resource_id),
        ("vm_id", &old.vm_id, &new.vm_id),
        ("location", &old.location, &new.location),
        ("cloud", &old.cloud, &new.cloud),
        ("subscription_id", &old.subscription_id, &new.subscription_id),
        ("resource_group", &old.resource_group, &new.resource_group),
        ("image", &old.image, &new.image),
    ]
    .into_iter()
    .filter(|(_, before, after)| before != after)
    .map(|(field, before, after)| Change { field, before: before.clone(), after: after.clone() })
    .collect()
}

fn of_variables(before: &Report, after: &Report) -> Vec<Variable> {
    let (Some(old), Some(new)) = (variables(before), variables(after)) else { return Vec::new() };
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names
        .into_iter()
        .filter_map(|name| {
            let became = match (old.get(name), new.get(name)) {
                (None, Some(_)) => Became::Set,
                (Some(_), None) => Became::Unset,
                (Some(old), Some(new)) if old != new => Became::Changed,
                _ => return None,
            };
            Some(Variable { name: visible(name), became })
        })
        .collect()
}

/// The variables of the environment that was judged, when they were read.
fn variables(report: &Report) -> Option<&BTreeMap<String, String>> {
    match report.evidence.outcome(&Request::Environment { of: report.evidence.asked.environment.clone() })? {
        Outcome::Variables { set, .. } => Some(set),
        _ => None,
    }
}

/// Every role assignment that was listed; none where nothing was.
fn role_assignments(report: &Report) -> Option<BTreeSet<Role>> {
    let vm = report.vm.resource_id.as_deref().unwrap_or_default();
    let answers = || {
        report
            .evidence
            .exchanges
            .iter()
            .filter_map(|exchange| Some((exchange.request.url()?, exchange.last()?.outcome.answer()?)))
    };
    let names: BTreeMap<String, String> = answers()
        .filter(|(url, _)| url.contains("/roleDefinitions/"))
        .filter_map(|(url, answer)| {
            let guid = name(url.split('?').next().unwrap_or_default()).to_lowercase();
            Some((guid, arm::role_name(answer)?))
        })
        .collect();
    let mut listed = false;
    let mut all = BTreeSet::new();
    for (_, answer) in answers().filter(|(url, _)| url.contains("/roleAssignments?")) {
        let Some(page) = arm::assignments(answer) else { continue };
        listed = true;
        for held in page.items {
            let guid = name(&held.definition).to_lowercase();
            let known = names.get(&guid).cloned().or_else(|| roles::find(&guid).map(|role| role.name.clone()));
            all.insert(Role {
                role: visible(&known.unwrap_or(guid)),
                at: visible(&scope_in_words(&held.scope, vm)),
                scope: visible(&held.scope),
                principal: visible(&held.principal),
            });
        }
    }
    listed.then_some(all)
}
