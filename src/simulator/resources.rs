//! What Azure Resource Manager answers to a caller it has let in: the VM, subscriptions, lists of resources.
//!
//! One subscription with one VM and two resource groups. Every read is allowed or refused by the caller's roles (`manager`). Roles and permissions are in
//! `authorization`.

use serde_json::{Value, json};

use crate::simulator::azure::{Azure, Call, Reaction};
use crate::simulator::manager::{Caller, refuse, say};
use crate::simulator::{authorization, scopes, vm};

/// The answer to a request for these path segments.
pub(super) fn answer(azure: &Azure, call: &Call<'_>, caller: &Caller<'_>, asked: &[String]) -> Reaction {
    let lower: Vec<String> = asked.iter().map(|part| part.to_ascii_lowercase()).collect();
    let path: Vec<&str> = lower.iter().map(String::as_str).collect();
    let found = match &path[..] {
        ["subscriptions"] => Ok(subscriptions(caller)),
        ["tenants"] => Ok(tenants()),
        ["subscriptions", _] => one(call, caller, "Microsoft.Resources/subscriptions/read", subscription()),
        ["subscriptions", _, "resourcegroups"] => Ok(groups(caller)),
        ["subscriptions", _, "resourcegroups", name @ (vm::RESOURCE_GROUP | scopes::OTHER_GROUP)] => {
            one(call, caller, "Microsoft.Resources/subscriptions/resourceGroups/read", group(name))
        }
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
            authorization::definition_with(call, caller, guid)
        }
        [scope @ .., "providers", "microsoft.authorization", kind] => {
            authorization::list(azure, call, caller, &asked[..scope.len()], kind)
        }
        [_, _, "resourcegroups", group, "providers", "microsoft.compute", "virtualmachines", name] => {
            return one_vm(azure, call, caller, asked, (*group, *name) == (vm::RESOURCE_GROUP, vm::NAME));
        }
        [scope @ .., "providers", "microsoft.authorization", "roledefinitions", guid] if !scope.is_empty() => {
            authorization::definition_with(call, caller, guid)
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
    let found: Vec<Value> = if caller.grants().next().is_none() { vec![] } else { vec![subscription()] };
    json!({ "count": { "type": "Total", "value": found.len() }, "value": found })
}

/// A document for who may read it.
fn one(call: &Call<'_>, caller: &Caller<'_>, action: &str, document: Value) -> Result<Value, Reaction> {
    caller.may(call, action, document["id"].as_str().unwrap_or_default())?;
    Ok(document)
}

/// assumed: who may read anything at, above or below a group sees it in the list, as `/subscriptions` does; nobody is
/// refused.
fn groups(caller: &Caller<'_>) -> Value {
    let seen = |name: &&str| {
        let id = scopes::group(name);
        caller.grants().any(|grant| {
            grant.effective
                && grant.role.reads()
                && (scopes::within(&id, &grant.scope) || scopes::within(&grant.scope, &id))
        })
    };
    let found: Vec<Value> = [vm::RESOURCE_GROUP, scopes::OTHER_GROUP].into_iter().filter(seen).map(group).collect();
    json!({ "value": found })
}

fn group(name: &str) -> Value {
    json!({
        "id": scopes::group(name),
        "name": name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": vm::LOCATION,
        "properties": { "provisioningState": "Succeeded" },
    })
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
pub(super) fn quoted_after<'a>(filter: &'a str, word: &str) -> Option<&'a str> {
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
