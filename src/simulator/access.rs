//! Who may do what where, from the assignments of a scenario: the simulator's own reading of Azure's rules.
//!
//! Role assignments reach what is at or below their scope; deny assignments win; conditions are not weighed.

use crate::simulator::entries::{self, Deny};
use crate::simulator::roles::{self, Role};
use crate::simulator::scenario::Scenario;
use crate::simulator::scopes;
use crate::simulator::tokens::Noise;
use crate::simulator::vm::{self, Identity};

/// What `role_denied` denies: compute, so that the reason can still be read.
const DENIED: &str = "Microsoft.Compute/*";
/// The id of the deny assignment that `role_denied` makes.
const DENY_ID: &str = "5d0c8b7a-6f4e-4d3c-9b2a-1f0e8d7c6b5a";

/// A role assignment.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    /// The last part of its ID.
    pub name: String,
    pub role: &'static Role,
    /// The scope's ARM ID.
    pub scope: String,
    /// Object ID of the identity, or of the group.
    pub principal: String,
    pub to_group: bool,
    /// Object IDs of the identities that hold the role by it.
    pub holders: Vec<&'static str>,
    pub condition: Option<String>,
    pub age_seconds: i64,
    pub effective: bool,
}

/// A deny assignment.
#[derive(Clone, Debug)]
pub(super) struct Denial {
    /// The last part of its ID.
    pub id: String,
    /// The scope's ARM ID.
    pub scope: String,
    pub deny: Deny,
}

/// All assignments of a scenario.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub grants: Vec<Grant>,
    pub denials: Vec<Denial>,
}

/// What stands in the way of an action.
pub(super) enum Obstacle<'a> {
    /// No role allows it.
    NoRole,
    /// A deny assignment forbids it.
    Denied(&'a Denial),
}

impl Rules {
    /// The assignments that a scenario makes.
    pub fn new(scenario: &Scenario) -> Self {
        let present = vm::identities(scenario);
        let mut grants = Vec::new();
        for identity in &present {
            for role in scenario.roles.iter().filter_map(|name| roles::named(name)) {
                grants.push(Grant {
                    name: Noise::new(&[identity.principal_id, &role.guid]).guid(),
                    effective: scenario.role_effective,
                    ..direct(role, identity, vm::resource_id(), scenario.role_age_seconds)
                });
            }
        }
        for (index, entry) in scenario.assignment.iter().enumerate() {
            let (Some(role), Some(scope)) = (roles::named(&entry.role), scopes::named(&entry.scope)) else { continue };
            let holders = match &entry.identity {
                Some(word) => entries::identity(word).into_iter().collect(),
                None => present.clone(),
            };
            let age_seconds = entry.age_seconds.unwrap_or(scenario.role_age_seconds);
            let grant = |principal: &str, holders: Vec<&'static str>| Grant {
                name: Noise::new(&[principal, &role.guid, &scope, &index.to_string()]).guid(),
                role,
                scope: scope.clone(),
                principal: principal.to_owned(),
                to_group: entry.group.is_some(),
                holders,
                condition: entry.condition.clone(),
                age_seconds,
                effective: entry.effective,
            };
            match &entry.group {
                Some(group) => {
                    grants.push(grant(group, holders.iter().map(|identity| identity.principal_id).collect()));
                }
                None => grants
                    .extend(holders.iter().map(|identity| grant(identity.principal_id, vec![identity.principal_id]))),
            }
        }
        if let (Some(first), Some(reader)) = (present.first(), roles::named("Reader")) {
            grants.extend((0..scenario.extra_assignments).map(|index| Grant {
                name: Noise::new(&["extra", &index.to_string()]).guid(),
                ..direct(reader, first, scopes::subscription(), scenario.role_age_seconds)
            }));
        }
        Self { grants, denials: denials(scenario) }
    }

    /// The role assignments in force that this principal holds and that reach a scope.
    pub fn held<'a>(&'a self, oid: &'a str, scope: &'a str) -> impl Iterator<Item = &'a Grant> {
        self.all_held(oid, scope).filter(|grant| grant.effective)
    }

    fn all_held<'a>(&'a self, oid: &'a str, scope: &'a str) -> impl Iterator<Item = &'a Grant> {
        self.grants.iter().filter(move |grant| grant.is_held_by(oid) && scopes::within(scope, &grant.scope))
    }

    /// May this principal do this there? If not, why.
    pub fn may(&self, oid: &str, action: &str, scope: &str) -> Result<(), Obstacle<'_>> {
        // assumed: Microsoft.Authorization knows a new role at once while the rest still refuses.
        let at_once = roles::covers("Microsoft.Authorization/*", action);
        if !self.all_held(oid, scope).any(|grant| (grant.effective || at_once) && grant.role.allows(action)) {
            return Err(Obstacle::NoRole);
        }
        let denies =
            |deny: &Deny| roles::any_covers(&deny.actions, action) && !roles::any_covers(&deny.not_actions, action);
        self.denial(oid, scope, denies)
    }

    /// May this principal do this to data there? If not, why.
    pub fn may_on_data(&self, oid: &str, action: &str, scope: &str) -> Result<(), Obstacle<'_>> {
        if !self.held(oid, scope).any(|grant| grant.role.allows_on_data(action)) {
            return Err(Obstacle::NoRole);
        }
        let denies = |deny: &Deny| {
            roles::any_covers(&deny.data_actions, action) && !roles::any_covers(&deny.not_data_actions, action)
        };
        self.denial(oid, scope, denies)
    }

    fn denial(&self, oid: &str, scope: &str, denies: impl Fn(&Deny) -> bool) -> Result<(), Obstacle<'_>> {
        let applies = |denial: &&Denial| {
            let here = scope.eq_ignore_ascii_case(&denial.scope);
            (here || (denial.deny.children && scopes::within(scope, &denial.scope)))
                && denial.deny.principals.iter().any(|word| self.is_meant(word, oid))
                && !denial.deny.exclude.iter().any(|word| self.is_meant(word, oid))
                && denies(&denial.deny)
        };
        self.denials.iter().find(applies).map_or(Ok(()), |denial| Err(Obstacle::Denied(denial)))
    }

    /// Does a word for principals mean this one? A group has the members that its role assignments give it.
    fn is_meant(&self, word: &str, oid: &str) -> bool {
        match word.strip_prefix("group:") {
            Some(group) => {
                let own = |grant: &&Grant| grant.to_group && grant.principal.eq_ignore_ascii_case(group);
                self.grants.iter().filter(own).any(|grant| grant.is_held_by(oid))
            }
            None => word == "everyone" || principal(word).eq_ignore_ascii_case(oid),
        }
    }
}

impl Grant {
    /// Does this principal hold the role, itself or by a group?
    pub fn is_held_by(&self, oid: &str) -> bool {
        self.holders.iter().any(|holder| holder.eq_ignore_ascii_case(oid))
    }
}

/// The object ID that a word for a principal means.
pub(super) fn principal(word: &str) -> &str {
    let guid = word.strip_prefix("group:").unwrap_or(word);
    entries::identity(guid).map_or(guid, |identity| identity.principal_id)
}

fn direct(role: &'static Role, identity: &Identity, scope: String, age_seconds: i64) -> Grant {
    let holder = [&vm::SYSTEM].into_iter().chain(&vm::USER).find(|own| own.principal_id == identity.principal_id);
    Grant {
        name: String::new(),
        role,
        scope,
        principal: identity.principal_id.to_owned(),
        to_group: false,
        holders: holder.into_iter().map(|own| own.principal_id).collect(),
        condition: None,
        age_seconds,
        effective: true,
    }
}

fn denials(scenario: &Scenario) -> Vec<Denial> {
    let short = (!scenario.role_denied.is_empty()).then(|| Denial {
        id: DENY_ID.to_owned(),
        scope: vm::group_id(),
        deny: Deny { name: scenario.role_denied.clone(), actions: vec![DENIED.to_owned()], ..Deny::default() },
    });
    let listed = scenario.deny.iter().enumerate().filter_map(|(index, deny)| {
        let scope = scopes::named(&deny.scope)?;
        let id = Noise::new(&["deny", &deny.name, &scope, &index.to_string()]).guid();
        Some(Denial { id, scope, deny: deny.clone() })
    });
    short.into_iter().chain(listed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: &str = "Microsoft.Compute/virtualMachines/read";
    const GROUP: &str = "7a1e5c02-93d4-4b8f-a6c0-15d2e8f9b374";

    fn rules(toml: &str) -> Rules {
        Rules::new(&Scenario::parse(Some(toml), &[]).expect("the scenario parses"))
    }

    #[test]
    fn an_assignment_counts_at_its_scope_and_below_it() {
        for (scope, expected) in [
            ("management-group", true),
            ("subscription", true),
            ("resource-group", true),
            ("vm", true),
            ("child", false),
            ("other-group", false),
        ] {
            let rules = rules(&format!("roles = []\n[[assignment]]\nrole = \"Reader\"\nscope = \"{scope}\""));
            let allowed = rules.may(vm::SYSTEM.principal_id, READ, &vm::resource_id()).is_ok();
            assert_eq!(allowed, expected, "{scope}");
        }
    }

    #[test]
    fn a_group_gives_its_role_to_its_members_alone() {
        let rules = rules(&format!(
            "roles = []\nuser_assigned = [\"id-app\"]\n[[assignment]]\nrole = \"Reader\"\ngroup = \"{GROUP}\"\nidentity = \
             \"id-app\"\n[[deny]]\nname = \"d\"\nactions = [\"*/read\"]\nprincipals = [\"group:{GROUP}\"]\nscope = \"vm\"\n\
             children = false"
        ));
        let may = |oid: &str, scope: &str| match rules.may(oid, READ, scope) {
            Ok(()) => "may",
            Err(Obstacle::NoRole) => "no role",
            Err(Obstacle::Denied(_)) => "denied",
        };
        assert_eq!(may(vm::SYSTEM.principal_id, &vm::resource_id()), "no role");
        assert_eq!(may(vm::USER[0].principal_id, &vm::resource_id()), "denied");
        assert_eq!(may(vm::USER[0].principal_id, &format!("{}/extensions/x", vm::resource_id())), "may");
    }

    #[test]
    fn a_deny_assignment_leaves_out_whom_and_what_it_says() {
        let deny = "[[deny]]\nname = \"d\"\nactions = [\"*\"]\nnot_actions = [\"*/instanceView/read\"]\n";
        let may = |more: &str, action: &str| {
            rules(&format!("{deny}{more}")).may(vm::SYSTEM.principal_id, action, &vm::resource_id()).is_ok()
        };
        assert!(!may("", READ));
        assert!(may("", "Microsoft.Compute/virtualMachines/instanceView/read"));
        assert!(may("exclude = [\"system\"]", READ));
        assert!(may("principals = [\"id-app\"]", READ));
        assert!(may("scope = \"other-group\"", READ));
        assert!(may("children = false", READ));
    }
}
