//! The documents of the metadata service's instance category: `/metadata/instance` and what lies below it.
//!
//! Values of the simulated VM; which keys an api-version has follows Microsoft's table. No identity appears in them, as
//! on a real VM.

use serde_json::{Value, json};

use crate::simulator::azure::{Azure, Call, Reaction};
use crate::simulator::metadata::{say, say_as};
use crate::simulator::vm;

/// The api-version that brought each key of `compute`; keys not named here are as old as the service.
const SINCE: [(&str, &str); 29] = [
    ("additionalCapabilities", "2021-12-13"),
    ("azEnvironment", "2018-10-01"),
    ("customData", "2019-02-01"),
    ("evictionPolicy", "2020-12-01"),
    ("extendedLocation", "2021-03-01"),
    ("host", "2021-11-15"),
    ("hostGroup", "2021-11-15"),
    ("isHostCompatibilityLayerVm", "2020-06-01"),
    ("licenseType", "2020-09-01"),
    ("osProfile", "2020-07-15"),
    ("physicalZone", "2023-11-15"),
    ("placementGroupId", "2017-08-01"),
    ("plan", "2018-04-02"),
    ("platformSubFaultDomain", "2021-10-01"),
    ("priority", "2020-12-01"),
    ("provider", "2018-10-01"),
    ("publicKeys", "2018-04-02"),
    ("resourceGroupName", "2017-08-01"),
    ("resourceId", "2019-03-11"),
    ("securityProfile", "2020-06-01"),
    ("storageProfile", "2019-06-01"),
    ("subscriptionId", "2017-08-01"),
    ("tags", "2017-08-01"),
    ("tagsList", "2019-06-04"),
    ("userData", "2021-01-01"),
    ("virtualMachineScaleSet", "2021-03-01"),
    ("vmScaleSetName", "2017-12-01"),
    ("zone", "2017-12-01"),
    ("vmId", "2017-04-02"),
];

/// What the instance category answers to a request that passed the service's checks.
pub(super) fn answer(azure: &Azure, call: &Call<'_>, path: &str, version: &str) -> Reaction {
    let Some(rest) = path.strip_prefix("/metadata/instance") else { return not_found(call) };
    let whole = json!({ "compute": compute(&azure.scenario().cloud, version), "network": network() });
    let mut found = Some(&whole);
    for step in rest.split('/').filter(|step| !step.is_empty()) {
        found = found.and_then(|value| match value {
            Value::Array(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
            Value::Object(keys) => keys.iter().find(|(key, _)| key.eq_ignore_ascii_case(step)).map(|(_, value)| value),
            _ => None,
        });
    }
    let as_text = call.parameter("format").is_some_and(|format| format.eq_ignore_ascii_case("text"));
    match found {
        None => not_found(call),
        Some(Value::String(text)) if as_text => say_as(call, 200, "text/plain; charset=utf-8", text),
        Some(value @ (Value::Object(_) | Value::Array(_))) if !as_text => say(call, 200, &value.to_string()),
        // assumed: an empty body. A leaf as JSON is recorded as 400, an object as text is documented as refused.
        Some(_) => say(call, 400, ""),
    }
}

fn not_found(call: &Call<'_>) -> Reaction {
    say(call, 404, r#"{ "error": "Not found" }"#)
}

fn compute(environment: &str, version: &str) -> Value {
    let mut document = json!({
        "additionalCapabilities": { "hibernationEnabled": "false" },
        "azEnvironment": environment,
        "customData": "",
        "evictionPolicy": "",
        "extendedLocation": { "name": "", "type": "" },
        "host": { "id": "" },
        "hostGroup": { "id": "" },
        "isHostCompatibilityLayerVm": "true",
        "licenseType": "",
        "location": vm::LOCATION,
        "name": vm::NAME,
        "offer": "0001-com-ubuntu-server-jammy",
        "osProfile": {
            "adminUsername": "azureuser",
            "computerName": vm::NAME,
            "disablePasswordAuthentication": "true",
        },
        "osType": "Linux",
        "physicalZone": "",
        "placementGroupId": "",
        "plan": { "name": "", "product": "", "publisher": "" },
        "platformFaultDomain": "0",
        "platformSubFaultDomain": "",
        "platformUpdateDomain": "0",
        "priority": "",
        "provider": "Microsoft.Compute",
        "publicKeys": [],
        "publisher": "canonical",
        "resourceGroupName": vm::RESOURCE_GROUP,
        "resourceId": vm::resource_id(),
        "securityProfile": {
            "encryptionAtHost": "false",
            "secureBootEnabled": "true",
            "securityType": "TrustedLaunch",
            "virtualTpmEnabled": "true",
        },
        "sku": "22_04-lts-gen2",
        "storageProfile": {
            "dataDisks": [],
            "imageReference": {
                "id": "",
                "offer": "0001-com-ubuntu-server-jammy",
                "publisher": "canonical",
                "sku": "22_04-lts-gen2",
                "version": "latest",
            },
            "osDisk": {
                "caching": "ReadWrite",
                "createOption": "FromImage",
                "diskSizeGB": "30",
                "name": format!("{}_OsDisk_1", vm::NAME),
                "osType": "Linux",
                "writeAcceleratorEnabled": "false",
            },
            "resourceDisk": { "size": "76800" },
        },
        "subscriptionId": vm::SUBSCRIPTION,
        "tags": "Department:IT;Environment:Test",
        "tagsList": [
            { "name": "Department", "value": "IT" },
            { "name": "Environment", "value": "Test" },
        ],
        "userData": "",
        "version": "22.04.202401010",
        "virtualMachineScaleSet": { "id": "" },
        "vmId": vm::VM_ID,
        "vmScaleSetName": "",
        "vmSize": "Standard_D2s_v3",
        "zone": "",
    });
    if let Some(keys) = document.as_object_mut() {
        keys.retain(|key, _| SINCE.iter().all(|(name, since)| name != key || *since <= version));
    }
    document
}

fn network() -> Value {
    json!({
        "interface": [{
            "ipv4": {
                "ipAddress": [{ "privateIpAddress": "10.0.1.4", "publicIpAddress": "" }],
                "subnet": [{ "address": "10.0.1.0", "prefix": "24" }],
            },
            "ipv6": { "ipAddress": [] },
            "macAddress": "000D3A3382E8",
        }]
    })
}

#[cfg(test)]
mod tests {
    use crate::simulator::azure::tests::{get, play};
    use crate::simulator::vm;

    fn ask(rest: &str) -> (u16, String) {
        let url = format!("http://169.254.169.254/metadata/instance{rest}");
        get(&play("", &[]), &url, &[("Metadata", "true")])
    }

    #[test]
    fn an_old_api_version_knows_less() {
        let keys = |version: &str| -> serde_json::Value {
            serde_json::from_str(&ask(&format!("/compute?api-version={version}")).1).expect("JSON")
        };
        assert_eq!(keys("2019-03-11")["resourceId"], vm::resource_id());
        assert_eq!(keys("2018-10-01")["azEnvironment"], "AzurePublicCloud");
        assert!(keys("2018-10-01").get("resourceId").is_none());
        assert!(keys("2017-08-01").get("azEnvironment").is_none());
    }

    #[test]
    fn a_leaf_is_text_and_an_object_is_json() {
        assert_eq!(ask("/compute/vmId?api-version=2021-02-01&format=text"), (200, vm::VM_ID.into()));
        assert_eq!(ask("/network/interface/0/macAddress?format=text&api-version=2021-02-01").1, "000D3A3382E8");
        assert_eq!(ask("/compute/vmId?api-version=2021-02-01").0, 400);
        assert_eq!(ask("/compute?api-version=2021-02-01&format=text").0, 400);
        assert_eq!(ask("/compute/identity?api-version=2021-02-01"), (404, r#"{ "error": "Not found" }"#.into()));
        assert!(ask("?api-version=2099-01-01").1.contains("newest-versions"));
    }
}
