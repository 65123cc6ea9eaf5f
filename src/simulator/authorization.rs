//! Microsoft.Authorization at the simulated manager: permissions, role assignments, role definitions, deny assignments.
//!
//! Lists what the scenario grants; whether a caller may do something is decided in `manager`.

use serde_json::{Value, json};

use crate::simulator::azure::{Azure, Call, Reaction};
use crate::simulator::manager::{Caller, DENIED, refuse};
use crate::simulator::resources::quoted_after;
use crate::simulator::roles::{self, Role};
use crate::simulator::tokens::Noise;
use crate::simulator::vm;

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
    let at_vm = scope.to_ascii_lowercase().starts_with(&vm::resource_id().to_ascii_lowercase());
    match kind {
        // assumed: everybody may ask for their own permissions, as a caller without this right was recorded to, and
        // nobody's list is a 403. Deny assignments do not show.
        "permissions" => {
            let held = if at_vm { caller.roles() } else { Vec::new() };
            Ok(json!({ "value": held.into_iter().map(permission).collect::<Vec<_>>() }))
        }
        "roleassignments" => {
            caller.may(call, "Microsoft.Authorization/roleAssignments/read", &scope)?;
            Ok(json!({ "value": assignments(azure, call) }))
        }
        "denyassignments" => {
            caller.may(call, "Microsoft.Authorization/denyAssignments/read", &scope)?;
            let name = azure.scenario().role_denied.as_str();
            let found: Vec<Value> = (!name.is_empty()).then(|| deny(name)).into_iter().collect();
            Ok(json!({ "value": found }))
        }
        "roledefinitions" => {
            caller.may(call, "Microsoft.Authorization/roleDefinitions/read", &scope)?;
            let held = caller.roles().into_iter().map(definition);
            Ok(json!({ "value": held.collect::<Vec<_>>() }))
        }
        _ => Err(refuse(call, 404, "InvalidResourceType", "The resource type could not be found.")),
    }
}

fn permission(role: &Role) -> Value {
    json!({ "actions": role.actions, "notActions": role.not_actions, "dataActions": [], "notDataActions": [] })
}

/// Every role of the scenario, granted to every identity of the VM on the VM.
fn assignments(azure: &Azure, call: &Call<'_>) -> Vec<Value> {
    let scenario = azure.scenario();
    let filter = call.parameter("$filter").unwrap_or_default();
    // atScope() changes nothing: nothing is granted below the VM.
    let wanted = quoted_after(filter, "principalId eq ").or_else(|| quoted_after(filter, "assignedTo("));
    let granted = call.now.as_second().saturating_sub(scenario.role_age_seconds);
    let granted =
        jiff::Timestamp::from_second(granted).unwrap_or(call.now).strftime("%Y-%m-%dT%H:%M:%S.0000000Z").to_string();
    let mut found = Vec::new();
    for identity in vm::identities(scenario) {
        if wanted.is_some_and(|oid| !oid.eq_ignore_ascii_case(identity.principal_id)) {
            continue;
        }
        for role in scenario.roles.iter().filter_map(|name| roles::named(name)) {
            let name = Noise::new(&[identity.principal_id, role.guid]).guid();
            found.push(json!({
                "properties": {
                    "roleDefinitionId": definition_id(role),
                    "principalId": identity.principal_id,
                    "principalType": "ServicePrincipal",
                    "scope": vm::resource_id(),
                    "condition": null,
                    "conditionVersion": null,
                    "createdOn": granted,
                    "updatedOn": granted,
                    "createdBy": GRANTER,
                    "updatedBy": GRANTER,
                    "delegatedManagedIdentityResourceId": null,
                    "description": null,
                },
                "id": format!("{}/providers/Microsoft.Authorization/roleAssignments/{name}", vm::resource_id()),
                "type": "Microsoft.Authorization/roleAssignments",
                "name": name,
            }));
        }
    }
    found
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
            "description": role.description,
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
    caller.may(call, "Microsoft.Authorization/roleDefinitions/read", &vm::resource_id())?;
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

fn deny(name: &str) -> Value {
    let id = "5d0c8b7a-6f4e-4d3c-9b2a-1f0e8d7c6b5a";
    json!({
        "properties": {
            "denyAssignmentName": name,
            "description": "",
            "permissions": [{ "actions": [DENIED], "notActions": [], "dataActions": [], "notDataActions": [] }],
            "scope": vm::group_id(),
            "doNotApplyToChildScopes": false,
            "principals": [{ "id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined" }],
            "excludePrincipals": [],
            "isSystemProtected": true,
        },
        "id": format!("{}/providers/Microsoft.Authorization/denyAssignments/{id}", vm::group_id()),
        "type": "Microsoft.Authorization/denyAssignments",
        "name": id,
    })
}
