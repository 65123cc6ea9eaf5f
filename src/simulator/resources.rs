//! What Azure Resource Manager answers to a caller it has let in: the VM, permissions, roles, subscriptions, resources.
//!
//! One subscription with one VM. Every read is allowed or refused by the caller's roles (`manager`).

use serde_json::{Value, json};

use crate::simulator::azure::{Azure, Call, Reaction};
use crate::simulator::manager::{Caller, DENIED, refuse, say};
use crate::simulator::roles::{self, Role};
use crate::simulator::vm;

/// Who granted the roles.
const GRANTER: &str = "b1c2d3e4-f5a6-4b7c-8d9e-0f1a2b3c4d5e";

/// The answer to a request for these path segments.
pub(super) fn answer(azure: &Azure, call: &Call<'_>, caller: &Caller<'_>, asked: &[String]) -> Reaction {
    let lower: Vec<String> = asked.iter().map(|part| part.to_ascii_lowercase()).collect();
    let path: Vec<&str> = lower.iter().map(String::as_str).collect();
    let found = match &path[..] {
        ["subscriptions"] => Ok(subscriptions(caller)),
        ["tenants"] => Ok(tenants()),
        ["subscriptions", _, "resources"] => Ok(list(azure, call, caller, "")),
        ["subscriptions", _, "providers", "microsoft.compute"] => Ok(provider()),
        ["subscriptions", _, "providers"] => Ok(json!({ "value": [provider()] })),
        ["subscriptions", _, "providers", "microsoft.compute", "virtualmachines"]
        | [
            "subscriptions",
            _,
            "resourcegroups",
            vm::RESOURCE_GROUP,
            "providers",
            "microsoft.compute",
            "virtualmachines",
        ]
        | ["subscriptions", _, "resourcegroups", vm::RESOURCE_GROUP, "resources"] => {
            // assumed: lists below a scope hold what the caller may read there, as the resource list does.
            Ok(list(azure, call, caller, "microsoft.compute/virtualmachines"))
        }
        ["subscriptions", _, "providers", "microsoft.authorization", "roledefinitions", guid] => {
            role(call, caller, guid)
        }
        [scope @ .., "providers", "microsoft.authorization", kind] => {
            authorization(azure, call, caller, &asked[..scope.len()], kind)
        }
        [_, _, "resourcegroups", group, "providers", "microsoft.compute", "virtualmachines", name] => {
            return one_vm(azure, call, caller, asked, (*group, *name) == (vm::RESOURCE_GROUP, vm::NAME));
        }
        [scope @ .., "providers", "microsoft.authorization", "roledefinitions", guid] if !scope.is_empty() => {
            role(call, caller, guid)
        }
        _ => Err(other(call, caller, asked)),
    };
    match found {
        Ok(body) => say(call, 200, [], body.to_string()),
        Err(refusal) => refusal,
    }
}

/// Any role below the subscription makes it visible here, though not readable by its own address.
fn subscriptions(caller: &Caller<'_>) -> Value {
    let found: Vec<Value> = if caller.roles().is_empty() { vec![] } else { vec![subscription()] };
    json!({ "count": { "type": "Total", "value": found.len() }, "value": found })
}

fn subscription() -> Value {
    json!({
        "id": format!("/subscriptions/{}", vm::SUBSCRIPTION),
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": vm::SUBSCRIPTION,
        "tenantId": vm::TENANT,
        "displayName": "Contoso Dev",
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "EnterpriseAgreement_2014-09-01",
            "spendingLimit": "Off",
        },
    })
}

fn tenants() -> Value {
    json!({ "value": [{
        "id": format!("/tenants/{}", vm::TENANT),
        "tenantId": vm::TENANT,
        "countryCode": "US",
        "displayName": "Contoso",
        "domains": ["contoso.onmicrosoft.com"],
        "tenantCategory": "Home",
    }] })
}

/// assumed: readable by everybody who is signed in; clients look up api-versions here.
fn provider() -> Value {
    json!({
        "id": format!("/subscriptions/{}/providers/Microsoft.Compute", vm::SUBSCRIPTION),
        "namespace": "Microsoft.Compute",
        "registrationState": "Registered",
        "resourceTypes": [{
            "resourceType": "virtualMachines",
            "locations": ["West US 2"],
            "apiVersions": ["2025-04-01", "2024-11-01", "2024-07-01"],
        }],
    })
}

/// The VM as a list shows it, when the caller may read it and the filter lets it through.
fn list(azure: &Azure, call: &Call<'_>, caller: &Caller<'_>, kind: &str) -> Value {
    let readable = caller.may(call, "Microsoft.Compute/virtualMachines/read", &vm::resource_id()).is_ok();
    let wanted = |property: &str, value: &str| {
        let filter = call.parameter("$filter").unwrap_or_default();
        quoted_after(filter, &format!("{property} eq ")).is_none_or(|wanted| wanted.eq_ignore_ascii_case(value))
    };
    let fits = wanted("name", vm::NAME)
        && wanted("resourceType", "Microsoft.Compute/virtualMachines")
        && wanted("resourceGroup", vm::RESOURCE_GROUP)
        && wanted("location", vm::LOCATION);
    if !readable || !fits {
        return json!({ "value": [] });
    }
    let mut item = json!({
        "id": vm::resource_id(),
        "name": vm::NAME,
        "type": "Microsoft.Compute/virtualMachines",
        "location": vm::LOCATION,
        "tags": { "Department": "IT", "Environment": "Test" },
    });
    if let Some(identity) = identity_block(azure) {
        item["identity"] = identity;
    }
    if kind.is_empty() {
        item["createdTime"] = "2026-01-12T04:06:07.3525011Z".into();
        item["changedTime"] = "2026-01-12T04:17:30.1123456Z".into();
        item["provisioningState"] = "Succeeded".into();
    } else {
        item["properties"] = json!({ "provisioningState": "Succeeded", "vmId": vm::VM_ID });
    }
    json!({ "value": [item] })
}

/// The text in quotes after a word of a filter: `name eq 'x'`.
fn quoted_after<'a>(filter: &'a str, word: &str) -> Option<&'a str> {
    let start = filter.find(word)? + word.len();
    filter[start..].strip_prefix('\'')?.split('\'').next()
}

/// The `identity` block of the VM; absent when it has none, as recorded.
fn identity_block(azure: &Azure) -> Option<Value> {
    let (system, user): (Vec<_>, Vec<_>) =
        vm::identities(azure.scenario()).into_iter().partition(|identity| identity.name.is_none());
    let kind = match (system.is_empty(), user.is_empty()) {
        (true, true) => return None,
        (false, true) => "SystemAssigned",
        (true, false) => "UserAssigned",
        (false, false) => "SystemAssigned, UserAssigned",
    };
    let mut block = json!({ "type": kind });
    if let [system] = system[..] {
        block["principalId"] = system.principal_id.into();
        block["tenantId"] = vm::TENANT.into();
    }
    for identity in user {
        block["userAssignedIdentities"][identity.resource_id()] =
            json!({ "principalId": identity.principal_id, "clientId": identity.client_id });
    }
    Some(block)
}

fn one_vm(azure: &Azure, call: &Call<'_>, caller: &Caller<'_>, asked: &[String], is_ours: bool) -> Reaction {
    let scope = if is_ours { vm::resource_id() } else { format!("/{}", asked.join("/")) };
    if let Err(refusal) = caller.may(call, "Microsoft.Compute/virtualMachines/read", &scope) {
        return refusal;
    }
    let mut document = vec![
        ("name", json!(vm::NAME)),
        ("id", json!(vm::resource_id())),
        ("type", json!("Microsoft.Compute/virtualMachines")),
        ("location", json!(vm::LOCATION)),
    ];
    document.extend(identity_block(azure).map(|block| ("identity", block)));
    document.push(("tags", json!({ "Department": "IT", "Environment": "Test" })));
    document.push(("properties", properties()));
    document.push(("etag", json!("\"3\"")));
    // Pretty, with CRLF, top-level keys in the recorded order.
    let members: Vec<String> = document
        .iter()
        .map(|(name, value)| format!("  \"{name}\": {}", format!("{value:#}").replace('\n', "\n  ")))
        .collect();
    let body = format!("{{\n{}\n}}", members.join(",\n")).replace('\n', "\r\n");
    let more = [
        ("ETag", "\"3\"".to_owned()),
        ("x-ms-ratelimit-remaining-subscription-global-reads", "3749".to_owned()),
        (
            "x-ms-ratelimit-remaining-resource",
            "Microsoft.Compute/LowCostGetSubscriptionMaximum;23992,Microsoft.Compute/LowCostGetResource;29".to_owned(),
        ),
    ];
    say(call, 200, more, body)
}

fn properties() -> Value {
    let group = vm::group_id();
    json!({
        "hardwareProfile": { "vmSize": "Standard_D2s_v3" },
        "provisioningState": "Succeeded",
        "vmId": vm::VM_ID,
        "storageProfile": {
            "imageReference": {
                "publisher": "canonical",
                "offer": "0001-com-ubuntu-server-jammy",
                "sku": "22_04-lts-gen2",
                "version": "latest",
                "exactVersion": "22.04.202401010",
            },
            "osDisk": {
                "osType": "Linux",
                "name": format!("{}_OsDisk_1", vm::NAME),
                "createOption": "FromImage",
                "caching": "ReadWrite",
                "managedDisk": {
                    "storageAccountType": "Premium_LRS",
                    "id": format!("{group}/providers/Microsoft.Compute/disks/{}_OsDisk_1", vm::NAME),
                },
                "deleteOption": "Detach",
                "diskSizeGB": 30,
            },
            "dataDisks": [],
        },
        "osProfile": {
            "computerName": vm::NAME,
            "adminUsername": "azureuser",
            "linuxConfiguration": { "disablePasswordAuthentication": true, "provisionVMAgent": true },
            "secrets": [],
            "allowExtensionOperations": true,
        },
        "securityProfile": {
            "uefiSettings": { "secureBootEnabled": true, "vTpmEnabled": true },
            "securityType": "TrustedLaunch",
        },
        "networkProfile": { "networkInterfaces": [
            { "id": format!("{group}/providers/Microsoft.Network/networkInterfaces/{}-nic", vm::NAME) },
        ] },
        "timeCreated": "2026-01-12T04:06:07.3525011+00:00",
    })
}

/// permissions, roleAssignments and denyAssignments at a scope.
fn authorization(
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
            let name = crate::simulator::tokens::Noise::new(&[identity.principal_id, role.guid]).guid();
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
fn role(call: &Call<'_>, caller: &Caller<'_>, guid: &str) -> Result<Value, Reaction> {
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

/// Whatever else is asked for: refused as a read of that type, or not there. The action is derived from the path.
fn other(call: &Call<'_>, caller: &Caller<'_>, asked: &[String]) -> Reaction {
    let scope = format!("/{}", asked.join("/"));
    let provider = asked.iter().rposition(|part| part.eq_ignore_ascii_case("providers"));
    let action = match provider.map(|at| &asked[at + 1..]) {
        Some([namespace, rest @ ..]) => {
            let types: Vec<&str> = rest.iter().step_by(2).map(String::as_str).collect();
            format!("{namespace}/{}/read", types.join("/"))
        }
        _ if asked.len() <= 2 => "Microsoft.Resources/subscriptions/read".to_owned(),
        _ => "Microsoft.Resources/subscriptions/resourceGroups/read".to_owned(),
    };
    if let Err(refusal) = caller.may(call, &action, &scope) {
        return refusal;
    }
    let message = format!(
        "The Resource '{}' under resource group '{}' was not found. For more details please go to \
         https://aka.ms/ARMResourceNotFoundFix",
        action.trim_end_matches("/read"),
        vm::RESOURCE_GROUP
    );
    refuse(call, 404, "ResourceNotFound", &message)
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

#[cfg(test)]
mod tests {
    use crate::simulator::azure::tests::{get, now, play};
    use crate::simulator::tokens::LIFETIME;
    use crate::simulator::vm;

    fn ask(toml: &str, path: &str) -> (u16, String) {
        let azure = play(toml, &[]);
        let identity = vm::identities(azure.scenario()).first().copied().unwrap_or(&vm::SYSTEM);
        let token = azure.mint(Some(identity), "https://management.azure.com", azure.time(now()), LIFETIME).text;
        let join = if path.contains('?') { '&' } else { '?' };
        let url = format!("https://management.azure.com{path}{join}api-version=2022-04-01");
        get(&azure, &url, &[("authorization", &format!("Bearer {token}"))])
    }

    fn at_vm(rest: &str) -> String {
        format!("{}{rest}", vm::resource_id())
    }

    #[test]
    fn the_vm_shows_its_identities_as_recorded() {
        let identity = |toml: &str| {
            let (status, body) = ask(toml, &at_vm("").replace("resourceGroups", "resourcegroups"));
            assert_eq!(status, 200, "{body}");
            assert!(body.starts_with("{\r\n  \"name\": \"vm-doctor-01\",\r\n  \"id\": "), "{body}");
            serde_json::from_str::<serde_json::Value>(&body).expect("JSON")["identity"].clone()
        };
        assert_eq!(identity("")["type"], "SystemAssigned");
        let both = identity("user_assigned = [\"id-app\"]");
        assert_eq!(both["type"], "SystemAssigned, UserAssigned");
        assert_eq!(both["userAssignedIdentities"][vm::USER[0].resource_id()]["clientId"], vm::USER[0].client_id);
        let user = identity("system_assigned = false\nuser_assigned = [\"id-batch\"]");
        assert!(user.get("principalId").is_none());
    }

    #[test]
    fn roles_are_listed_even_before_they_are_in_force() {
        let toml = "role_effective = false\nrole_age_seconds = 60";
        let path = format!(
            "/providers/Microsoft.Authorization/roleAssignments?$filter=assignedTo('{}')",
            vm::SYSTEM.principal_id
        );
        let (status, body) = ask(toml, &at_vm(&path));
        assert_eq!(status, 200, "{body}");
        assert!(body.contains("\"createdOn\":\"2026-09-01T10:10:12.0000000Z\""), "{body}");
        assert_eq!(ask(toml, &at_vm("")).0, 403);
        assert_eq!(ask("", &at_vm(&path.replace("9c0a", "0000"))).1, r#"{"value":[]}"#);
    }

    #[test]
    fn what_a_role_does_not_hold_is_refused() {
        let custom = "roles = [\"Virtual Machine Reader\"]";
        assert_eq!(ask(custom, &at_vm("/providers/Microsoft.Authorization/roleAssignments")).0, 403);
        let (status, body) = ask(custom, &at_vm("/providers/Microsoft.Authorization/permissions"));
        assert_eq!(status, 200);
        assert!(body.contains("Microsoft.Compute/virtualMachines/read"), "{body}");
        assert_eq!(ask("roles = []", &at_vm("/providers/Microsoft.Authorization/permissions")).1, r#"{"value":[]}"#);
        assert_eq!(ask("", &format!("/subscriptions/{}", vm::SUBSCRIPTION)).0, 403);
        assert_eq!(ask("", &at_vm("/instanceView")).0, 404);
    }

    #[test]
    fn lists_hold_what_may_be_read() {
        let list = |toml, name: &str| {
            ask(toml, &format!("/subscriptions/{}/resources?$filter=name%20eq%20%27{name}%27", vm::SUBSCRIPTION)).1
        };
        assert!(list("", "vm-doctor-01").contains(vm::SYSTEM.principal_id));
        assert_eq!(list("", "other"), r#"{"value":[]}"#);
        assert_eq!(list("roles = []", "vm-doctor-01"), r#"{"value":[]}"#);
        assert!(ask("", "/subscriptions").1.contains("Contoso Dev"));
        assert_eq!(ask("roles = []", "/subscriptions").1, r#"{"count":{"type":"Total","value":0},"value":[]}"#);
    }

    #[test]
    fn a_deny_assignment_can_be_read_by_who_it_keeps_out() {
        let (status, body) =
            ask("role_denied = \"Lock\"", &at_vm("/providers/Microsoft.Authorization/denyAssignments"));
        assert_eq!(status, 200);
        assert!(body.contains(r#""denyAssignmentName":"Lock""#), "{body}");
        let reader = format!(
            "/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7",
            vm::SUBSCRIPTION
        );
        assert!(ask("", &reader).1.contains(r#""roleName":"Reader""#));
    }
}
