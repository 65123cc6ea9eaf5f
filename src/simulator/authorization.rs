//! Microsoft.Authorization at the simulated manager: permissions, role assignments, role definitions, deny assignments.
//!
//! Lists what the scenario grants; whether a caller may do something is decided in `manager`.

use serde_json::{Value, json};

use crate::simulator::access::{self, Denial, Grant};
use crate::simulator::azure::{Azure, Call, Reaction};
use crate::simulator::manager::{Caller, refuse};
use crate::simulator::pages::page;
use crate::simulator::resources::quoted_after;
use crate::simulator::roles::{self, Role};
use crate::simulator::{scopes, vm};

/// Who granted the roles.
const GRANTER: &str = "b1c2d3e4-f5a6-4b7c-8d9e-0f1a2b3c4d5e";

/// permissions, roleAssignments and denyAssignments at a scope.
pub(super) fn list(
    azure: &Azure,
    call: &Call<'_>,
    caller: &Caller<'_>,
    scope: &[String],
    kind: &str,
) -> Result<Value, Reaction> {
    let scope = format!("/{}", scope.join("/"));
    let filter = call.parameter("$filter").unwrap_or_default();
    // Recorded at or above; without the filter what stands below is listed too.
    let listed =
        |other: &str| scopes::within(&scope, other) || (!filter.contains("atScope()") && scopes::within(other, &scope));
    let items: Vec<Value> = match kind {
        // assumed: everybody may ask for their own permissions, as a caller without this right was recorded to, and
        // nobody's list is empty rather than a 403; one entry for each assignment. Deny assignments and conditions do not
        // show.
        "permissions" => caller.held(&scope).map(|grant| permission(grant.role)).collect(),
        "roleassignments" => {
            caller.may(call, "Microsoft.Authorization/roleAssignments/read", &scope)?;
            let assigned = quoted_after(filter, "assignedTo(");
            let principal = quoted_after(filter, "principalId eq ");
            let asked = |grant: &&Grant| {
                listed(&grant.scope)
                    && assigned.is_none_or(|oid| grant.is_held_by(oid))
                    && principal.is_none_or(|oid| oid.eq_ignore_ascii_case(&grant.principal))
            };
            azure.rules().grants.iter().filter(asked).map(|grant| assignment(call, grant)).collect()
        }
        "denyassignments" => {
            caller.may(call, "Microsoft.Authorization/denyAssignments/read", &scope)?;
            azure.rules().denials.iter().filter(|denial| listed(&denial.scope)).map(deny).collect()
        }
        "roledefinitions" => {
            caller.may(call, "Microsoft.Authorization/roleDefinitions/read", &scope)?;
            let mut held: Vec<&Role> = caller.grants().map(|grant| grant.role).collect();
            held.sort_by_key(|role| &role.guid);
            held.dedup();
            return Ok(json!({ "value": held.into_iter().map(definition).collect::<Vec<_>>() }));
        }
        _ => return Err(refuse(call, 404, "InvalidResourceType", "The resource type could not be found.")),
    };
    page(azure, call, items)
}

fn permission(role: &Role) -> Value {
    json!({
        "actions": role.actions,
        "notActions": role.not_actions,
        "dataActions": role.data_actions,
        "notDataActions": role.not_data_actions,
    })
}

fn assignment(call: &Call<'_>, grant: &Grant) -> Value {
    let made = jiff::Timestamp::from_second(call.now.as_second().saturating_sub(grant.age_seconds));
    let made = made.unwrap_or(call.now).strftime("%Y-%m-%dT%H:%M:%S.0000000Z").to_string();
    json!({
        "properties": {
            "roleDefinitionId": definition_id(grant.role),
            "principalId": grant.principal,
            "principalType": if grant.to_group { "Group" } else { "ServicePrincipal" },
            "scope": grant.scope,
            "condition": grant.condition,
            "conditionVersion": grant.condition.as_ref().map(|_| "2.0"),
            "createdOn": made,
            "updatedOn": made,
            "createdBy": GRANTER,
            "updatedBy": GRANTER,
            "delegatedManagedIdentityResourceId": null,
            "description": null,
        },
        "id": id_at(&grant.scope, "roleAssignments", &grant.name),
        "type": "Microsoft.Authorization/roleAssignments",
        "name": grant.name,
    })
}

/// The ID of something of Microsoft.Authorization at a scope, which may be the root.
fn id_at(scope: &str, kind: &str, name: &str) -> String {
    format!("{}/providers/Microsoft.Authorization/{kind}/{name}", scope.trim_end_matches('/'))
}

fn definition_id(role: &Role) -> String {
    format!("/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/{}", vm::SUBSCRIPTION, role.guid)
}

fn definition(role: &Role) -> Value {
    let scope = if role.custom { format!("/subscriptions/{}", vm::SUBSCRIPTION) } else { "/".to_owned() };
    json!({
        "properties": {
            "roleName": role.name,
            "type": if role.custom { "CustomRole" } else { "BuiltInRole" },
            "description": role.description(),
            "assignableScopes": [scope],
            "permissions": [permission(role)],
        },
        "id": definition_id(role),
        "type": "Microsoft.Authorization/roleDefinitions",
        "name": role.guid,
    })
}

/// assumed: who may read role definitions anywhere may follow the id in an assignment up to the subscription.
pub(super) fn definition_with(call: &Call<'_>, caller: &Caller<'_>, guid: &str) -> Result<Value, Reaction> {
    const READ: &str = "Microsoft.Authorization/roleDefinitions/read";
    if !caller.grants().any(|grant| grant.role.allows(READ)) {
        caller.may(call, READ, &vm::resource_id())?;
    }
    let missing = || {
        refuse(
            call,
            404,
            "RoleDefinitionDoesNotExist",
            &format!("The specified role definition with ID '{guid}' does not exist."),
        )
    };
    roles::with_guid(guid).map(definition).ok_or_else(missing)
}

fn deny(denial: &Denial) -> Value {
    let deny = &denial.deny;
    let listed = |words: &[String]| words.iter().map(|word| principal(word)).collect::<Vec<_>>();
    json!({
        "properties": {
            "denyAssignmentName": deny.name,
            "description": "",
            "permissions": [{
                "actions": deny.actions,
                "notActions": deny.not_actions,
                "dataActions": deny.data_actions,
                "notDataActions": deny.not_data_actions,
            }],
            "scope": denial.scope,
            "doNotApplyToChildScopes": !deny.children,
            "principals": listed(&deny.principals),
            "excludePrincipals": listed(&deny.exclude),
            "isSystemProtected": true,
        },
        "id": id_at(&denial.scope, "denyAssignments", &denial.id),
        "type": "Microsoft.Authorization/denyAssignments",
        "name": denial.id,
    })
}

/// A principal of a deny assignment. assumed: a GUID that is nobody's here is a service principal.
fn principal(word: &str) -> Value {
    match word {
        "everyone" => json!({ "id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined" }),
        _ if word.starts_with("group:") => json!({ "id": access::principal(word), "type": "Group" }),
        _ => json!({ "id": access::principal(word), "type": "ServicePrincipal" }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::simulator::azure::tests::{get, now, play};
    use crate::simulator::tokens::LIFETIME;
    use crate::simulator::{scopes, vm};

    const GROUP: &str = "7a1e5c02-93d4-4b8f-a6c0-15d2e8f9b374";

    fn list(toml: &str, scope: &str, kind: &str, filter: &str) -> (u16, Vec<Value>) {
        let azure = play(toml, &[]);
        let token = azure.mint(Some(&vm::SYSTEM), "https://management.azure.com", now(), LIFETIME).text;
        let scope = scopes::named(scope).expect("a scope");
        let kind = if kind == "groups" {
            "/resourcegroups".to_owned()
        } else {
            format!("/providers/Microsoft.Authorization/{kind}")
        };
        let url = format!("https://management.azure.com{scope}{kind}?api-version=2022-04-01&$filter={filter}");
        let (status, body) = get(&azure, &url, &[("Authorization", &format!("Bearer {token}"))]);
        let body: Value = serde_json::from_str(&body).expect("JSON");
        (status, body["value"].as_array().cloned().unwrap_or_default())
    }

    #[test]
    fn permissions_hold_one_entry_for_each_assignment_that_reaches_the_scope() {
        let toml = "[[assignment]]\nrole = \"Key Vault Secrets User\"\nscope = \"resource-group\"\n[[assignment]]\nrole = \
                    \"Contributor\"\nscope = \"management-group\"\neffective = false\n[[assignment]]\nrole = \"Owner\"\nscope = \
                    \"child\"";
        for (scope, expected) in
            [("vm", 2), ("child", 3), ("resource-group", 1), ("subscription", 0), ("management-group", 0)]
        {
            assert_eq!(list(toml, scope, "permissions", ""), (200, list(toml, scope, "permissions", "").1));
            assert_eq!(list(toml, scope, "permissions", "").1.len(), expected, "{scope}");
        }
        let vault = list(toml, "resource-group", "permissions", "").1;
        assert_eq!(vault[0]["dataActions"][0], "Microsoft.KeyVault/vaults/secrets/getSecret/action");
        let other = format!("{}/providers/Microsoft.KeyVault/vaults/kv", vm::group_id());
        assert_eq!(list(toml, &other, "permissions", "").1, vault);
    }

    #[test]
    fn assignments_are_listed_by_scope_and_by_whom_they_are_for() {
        let toml = format!(
            "roles = []\n[[assignment]]\nrole = \"Reader\"\nscope = \"resource-group\"\ngroup = \"{GROUP}\"\ncondition = \
             \"(a)\"\n[[assignment]]\nrole = \"Contributor\"\nscope = \"child\"\n[[assignment]]\nrole = \"Reader\"\nscope = \
             \"other-group\""
        );
        let oid = vm::SYSTEM.principal_id;
        let count = |filter: &str| list(&toml, "vm", "roleAssignments", filter).1.len();
        assert_eq!(count(&format!("atScope()%20and%20assignedTo('{oid}')")), 1);
        assert_eq!(count(&format!("assignedTo('{oid}')")), 2);
        assert_eq!(count(&format!("principalId%20eq%20'{oid}'")), 1);
        assert_eq!(count(&format!("principalId%20eq%20'{GROUP}'")), 1);
        let group = &list(&toml, "vm", "roleAssignments", "atScope()").1[0]["properties"];
        assert_eq!(group["principalType"], "Group");
        assert_eq!((&group["principalId"], &group["scope"]), (&Value::from(GROUP), &Value::from(vm::group_id())));
        assert_eq!((&group["condition"], &group["conditionVersion"]), (&"(a)".into(), &"2.0".into()));
        assert_eq!(list(&toml, "subscription", "roleAssignments", "").0, 403);
    }

    #[test]
    fn deny_assignments_are_listed_at_and_above_with_whom_they_leave_out() {
        let toml = format!(
            "role_denied = \"short\"\n[[deny]]\nname = \"sub\"\nscope = \"subscription\"\nexclude = [\"system\", \"group:{GROUP}\"]\n\
             children = false\n[[deny]]\nname = \"low\"\nscope = \"child\""
        );
        let (status, found) = list(&toml, "vm", "denyAssignments", "atScope()");
        assert_eq!((status, found.len()), (200, 2));
        assert_eq!(found[0]["properties"]["scope"], vm::group_id());
        let sub = &found[1]["properties"];
        assert_eq!(sub["doNotApplyToChildScopes"], true);
        assert_eq!(sub["principals"][0]["type"], "SystemDefined");
        assert_eq!(sub["excludePrincipals"][0]["id"], vm::SYSTEM.principal_id);
        assert_eq!(sub["excludePrincipals"][1]["type"], "Group");
    }

    #[test]
    fn resource_groups_are_listed_as_far_as_anything_can_be_read_there() {
        let names = |toml: &str| -> Vec<String> {
            let found = list(toml, "subscription", "groups", "").1;
            found.iter().filter_map(|group| group["name"].as_str().map(str::to_owned)).collect()
        };
        assert_eq!(names(""), ["rg-doctor"]);
        assert_eq!(names("roles = [\"Virtual Machine Starter\"]"), [""; 0]);
        assert_eq!(names("[[assignment]]\nrole = \"Reader\"\nscope = \"management-group\""), ["rg-doctor", "rg-other"]);
        assert_eq!(names("roles = []\n[[assignment]]\nrole = \"AcrPull\"\nscope = \"other-group\""), ["rg-other"]);
    }
}
