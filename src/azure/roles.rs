//! Common built-in roles and what they allow, to name the narrowest one that is enough.
//!
//! The definitions are the JSON on Microsoft's pages "Azure built-in roles" (MicrosoftDocs/azure-docs,
//! articles/role-based-access-control/built-in-roles/*.md; each role in data/roles.json names its page). A role has the same GUID
//! in every cloud. Microsoft adds to roles, so this says what to grant; what an identity holds, its own definitions say.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::Value;

use super::metadata::field;
use super::pattern::Pattern;
use super::permissions::{self, Operation, Permission};

/// A built-in role.
#[derive(Debug)]
pub struct BuiltIn {
    /// Its name, as the portal shows it.
    pub name: String,
    /// Its GUID.
    pub guid: String,
    /// What it allows.
    pub permission: Permission,
}

/// All of them, the one that grants least first.
static ROLES: LazyLock<Vec<BuiltIn>> = LazyLock::new(|| {
    let mut roles: Vec<BuiltIn> = serde_json::from_str::<Vec<Value>>(include_str!("../../data/roles.json"))
        .unwrap_or_default()
        .iter()
        .filter_map(|role| {
            let text = |name: &str| field(role, name).and_then(Value::as_str).map(str::to_owned);
            Some(BuiltIn { name: text("name")?, guid: text("guid")?, permission: Permission::read(role)? })
        })
        .collect();
    let all: BTreeSet<Operation> = roles.iter().flat_map(|role| mentioned(&role.permission)).collect();
    roles.sort_by_cached_key(|role| weight(&role.permission, &all));
    roles
});

/// The table, the role that grants least first.
pub fn all() -> &'static [BuiltIn] {
    &ROLES
}

/// The role with this name or GUID, in any case.
pub fn find(name_or_guid: &str) -> Option<&'static BuiltIn> {
    let wanted = name_or_guid.trim();
    all().iter().find(|role| role.name.eq_ignore_ascii_case(wanted) || role.guid.eq_ignore_ascii_case(wanted))
}

/// The role that allows all of these and grants least; `None` when none allows them all, or nothing is required.
///
/// How much a role grants is counted over all patterns that any role in the table mentions: one that it allows counts 1 when it
/// reads the control plane, and 10 when it changes something or touches data. So Reader is less than Virtual Machine
/// Contributor though it reaches further, and a data role is less than Reader where both would do.
pub fn narrowest(required: &[Operation]) -> Option<&'static BuiltIn> {
    all().iter().find(|role| !required.is_empty() && required.iter().all(|operation| role.allows(operation)))
}

impl BuiltIn {
    /// Does the role alone allow this?
    pub fn allows(&self, required: &Operation) -> bool {
        permissions::allow(std::slice::from_ref(&self.permission), required)
    }
}

/// All patterns of an entry, also those that it takes out again, in one case.
fn mentioned(entry: &Permission) -> impl Iterator<Item = Operation> {
    let folded = |pattern: &Pattern| pattern.folded().to_owned();
    let actions = entry.actions.iter().chain(&entry.not_actions).map(move |pattern| Operation::Action(folded(pattern)));
    let data = entry.data_actions.iter().chain(&entry.not_data_actions);
    actions.chain(data.map(move |pattern| Operation::DataAction(folded(pattern))))
}

/// See `narrowest`.
fn weight(entry: &Permission, all: &BTreeSet<Operation>) -> usize {
    let allowed = all.iter().filter(|operation| permissions::allow(std::slice::from_ref(entry), operation));
    allowed
        .map(|operation| match operation {
            Operation::Action(text) if text.ends_with("/read") => 1,
            _ => 10,
        })
        .sum()
}
