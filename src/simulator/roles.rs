//! The roles a scenario can grant, and what they allow.
//!
//! Microsoft's built-in roles from data/roles.json, plus two custom ones. The checks have their own reading of permissions
//! (`azure::permissions`, `azure::roles`); this one is independent of it, so that one can catch the other's mistakes.

use std::sync::LazyLock;

use serde::Deserialize;

/// A role definition.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Role {
    pub name: String,
    pub guid: String,
    #[serde(skip)]
    pub custom: bool,
    pub actions: Vec<String>,
    pub not_actions: Vec<String>,
    pub data_actions: Vec<String>,
    pub not_data_actions: Vec<String>,
}

/// Names and GUIDs of the custom roles, with the one action that each allows.
const CUSTOM: [(&str, &str, &str); 2] = [
    ("Virtual Machine Reader", "6b1e0f3a-92c4-4d58-8a7e-5f0d3c9b2e17", "Microsoft.Compute/virtualMachines/read"),
    (
        "Virtual Machine Starter",
        "c58d2e91-7b06-4f3a-a1d4-90e6b7c2f835",
        "Microsoft.Compute/virtualMachines/start/action",
    ),
];

static ROLES: LazyLock<Vec<Role>> = LazyLock::new(|| {
    // A test reads every role of the file.
    let mut roles: Vec<Role> = serde_json::from_str(include_str!("../../data/roles.json")).unwrap_or_default();
    roles.extend(CUSTOM.map(|(name, guid, action)| Role {
        name: name.to_owned(),
        guid: guid.to_owned(),
        custom: true,
        actions: vec![action.to_owned()],
        ..Role::default()
    }));
    roles
});

/// The role with this name.
pub(super) fn named(name: &str) -> Option<&'static Role> {
    ROLES.iter().find(|role| role.name == name)
}

/// The role with this GUID.
pub(super) fn with_guid(guid: &str) -> Option<&'static Role> {
    ROLES.iter().find(|role| role.guid.eq_ignore_ascii_case(guid))
}

/// Does one of these patterns cover the action?
pub(super) fn any_covers(patterns: &[String], action: &str) -> bool {
    patterns.iter().any(|pattern| covers(pattern, action))
}

impl Role {
    /// Does the role allow this action? Its NotActions take away from its own Actions only.
    pub fn allows(&self, action: &str) -> bool {
        any_covers(&self.actions, action) && !any_covers(&self.not_actions, action)
    }

    /// Does the role allow this action on data?
    pub fn allows_on_data(&self, action: &str) -> bool {
        any_covers(&self.data_actions, action) && !any_covers(&self.not_data_actions, action)
    }

    /// Does the role allow to read anything of the management plane?
    pub fn reads(&self) -> bool {
        self.actions
            .iter()
            .map(|action| action.to_ascii_lowercase())
            .any(|action| action.ends_with("/read") || action.ends_with('*'))
    }

    /// What the role is for, as definitions have it.
    pub fn description(&self) -> &'static str {
        match self.name.as_str() {
            "Reader" => "View all resources, but does not allow you to make any changes.",
            "Contributor" => {
                "Grants full access to manage all resources, but does not allow you to assign roles in Azure RBAC."
            }
            "Virtual Machine Reader" => "Reads virtual machines and nothing else.",
            "Virtual Machine Starter" => "Starts virtual machines and nothing else.",
            // assumed: empty; nobody reads it.
            _ => "",
        }
    }
}

/// Does a pattern cover an action? `*` stands for any characters, `/` among them; case does not matter.
pub(super) fn covers(pattern: &str, action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    let pattern = pattern.to_ascii_lowercase();
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = action.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_spans_slashes_and_case_does_not_matter() {
        for (pattern, action, expected) in [
            ("*", "a/b/c", true),
            ("*/read", "Microsoft.Compute/virtualMachines/Read", true),
            ("*/read", "Microsoft.Compute/virtualMachines/write", false),
            ("Microsoft.Authorization/*/Write", "microsoft.authorization/roleAssignments/write", true),
            ("a/read", "a/read", true),
            ("a/read", "a/readx", false),
            ("a/*/a", "a/a", false),
        ] {
            assert_eq!(covers(pattern, action), expected, "{pattern} {action}");
        }
    }

    #[test]
    fn contributor_may_do_all_but_grant() {
        let allows = |name, action| named(name).is_some_and(|role| role.allows(action));
        assert!(allows("Contributor", "Microsoft.Compute/virtualMachines/delete"));
        assert!(!allows("Contributor", "Microsoft.Authorization/roleAssignments/write"));
        assert!(!allows("Virtual Machine Reader", "Microsoft.Authorization/roleAssignments/read"));
    }
    #[test]
    fn every_built_in_role_of_the_file_is_known_with_its_actions_on_data() {
        let names = include_str!("../../data/roles.json").matches("\"guid\"").count();
        assert_eq!(ROLES.iter().filter(|role| !role.custom).count(), names);
        let user = named("Key Vault Secrets User").expect("it is known");
        assert!(user.allows_on_data("Microsoft.KeyVault/vaults/secrets/getSecret/action"));
        assert!(!named("Owner").is_some_and(|role| role.allows_on_data("Microsoft.KeyVault/vaults/secrets/read")));
        let starter = named("Virtual Machine Starter").expect("it is known");
        assert!(starter.allows("Microsoft.Compute/virtualMachines/start/action") && !starter.reads());
        assert_eq!(named("reader"), None);
    }
}
