//! The roles a scenario can grant, and what they allow.
//!
//! Data from Microsoft's list of built-in roles, plus one custom role. The checks have their own reading of permissions
//! (`azure::permissions`); this one is independent of it, so that one can catch the other's mistakes.

/// A role definition.
#[derive(Debug)]
pub(super) struct Role {
    pub name: &'static str,
    pub guid: &'static str,
    pub custom: bool,
    pub description: &'static str,
    pub actions: &'static [&'static str],
    pub not_actions: &'static [&'static str],
}

static ROLES: [Role; 3] = [
    Role {
        name: "Reader",
        guid: "acdd72a7-3385-48ef-bd42-f606fba81ae7",
        custom: false,
        description: "View all resources, but does not allow you to make any changes.",
        actions: &["*/read"],
        not_actions: &[],
    },
    Role {
        name: "Contributor",
        guid: "b24988ac-6180-42a0-ab88-20f7382dd24c",
        custom: false,
        description: "Grants full access to manage all resources, but does not allow you to assign roles in Azure RBAC.",
        actions: &["*"],
        not_actions: &[
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
            "Microsoft.Blueprint/blueprintAssignments/write",
            "Microsoft.Blueprint/blueprintAssignments/delete",
            "Microsoft.Compute/galleries/share/action",
            "Microsoft.Purview/consents/write",
            "Microsoft.Purview/consents/delete",
            "Microsoft.Resources/deploymentStacks/manageDenySetting/action",
            "Microsoft.Subscription/cancel/action",
            "Microsoft.Subscription/enable/action",
        ],
    },
    Role {
        name: "Virtual Machine Reader",
        guid: "6b1e0f3a-92c4-4d58-8a7e-5f0d3c9b2e17",
        custom: true,
        description: "Reads virtual machines and nothing else.",
        actions: &["Microsoft.Compute/virtualMachines/read"],
        not_actions: &[],
    },
];

/// The role with this name.
pub(super) fn named(name: &str) -> Option<&'static Role> {
    ROLES.iter().find(|role| role.name == name)
}

/// The role with this GUID.
pub(super) fn with_guid(guid: &str) -> Option<&'static Role> {
    ROLES.iter().find(|role| role.guid.eq_ignore_ascii_case(guid))
}

impl Role {
    /// Does the role allow this action? Its NotActions take away from its own Actions only.
    pub fn allows(&self, action: &str) -> bool {
        let any = |patterns: &[&str]| patterns.iter().any(|pattern| covers(pattern, action));
        any(self.actions) && !any(self.not_actions)
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
}
