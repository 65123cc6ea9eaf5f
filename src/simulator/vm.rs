//! Who the simulated VM is: its names and ids, and the identities it can have.
//!
//! Made-up values only, the same in every scenario. What a scenario changes is in `scenario`.

use crate::simulator::scenario::Scenario;

/// The subscription.
pub const SUBSCRIPTION: &str = "3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846";
/// The tenant of the subscription and of the identities.
pub const TENANT: &str = "7f3c2a10-5b4e-4d0a-9c61-2e8f0b7d1a55";
/// The resource group.
pub const RESOURCE_GROUP: &str = "rg-doctor";
/// The VM's name.
pub const NAME: &str = "vm-doctor-01";
/// The VM's unique id.
pub const VM_ID: &str = "5e1f7c92-0b3d-4a86-9f25-c84d61e7b0a3";
/// The region.
pub const LOCATION: &str = "westus2";

/// A managed identity.
#[derive(Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name of a user-assigned identity; `None` for the system-assigned one.
    pub name: Option<&'static str>,
    /// The object ID of its service principal.
    pub principal_id: &'static str,
    /// The application (client) ID.
    pub client_id: &'static str,
}

/// The VM's own identity.
pub static SYSTEM: Identity = Identity {
    name: None,
    principal_id: "9c0a4e7b-61d2-4f3c-8b95-7d2e1f60a8c4",
    client_id: "1b6f8d23-94a5-4c7e-a0d1-5e3c2b7f9a60",
};

/// The user-assigned identities that a scenario can assign.
pub static USER: [Identity; 2] = [
    Identity {
        name: Some("id-app"),
        principal_id: "e4b7c3d1-2f58-4a90-8c6d-0a9b5e71f32c",
        client_id: "6a2d5f84-3c19-4b7a-9e02-d8f1c0b6e573",
    },
    Identity {
        name: Some("id-batch"),
        principal_id: "2a3b4c5d-6e7f-4081-92a3-b4c5d6e7f809",
        client_id: "0f9e8d7c-6b5a-4938-8271-605f4e3d2c1b",
    },
];

/// The VM's ARM resource ID.
pub fn resource_id() -> String {
    format!("{}/providers/Microsoft.Compute/virtualMachines/{NAME}", group_id())
}

/// The resource group's ARM resource ID.
pub fn group_id() -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{RESOURCE_GROUP}")
}

impl Identity {
    /// The ARM resource ID a token names in `xms_mirid`: the VM's, or that of the user-assigned identity.
    pub fn resource_id(&self) -> String {
        match self.name {
            None => resource_id(),
            Some(name) => {
                format!("{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{name}", group_id())
            }
        }
    }
}

/// The identities the VM has in a scenario, the system-assigned one first.
pub fn identities(scenario: &Scenario) -> Vec<&'static Identity> {
    let system = scenario.system_assigned.then_some(&SYSTEM);
    let user = USER.iter().filter(|identity| scenario.user_assigned.iter().any(|name| identity.name == Some(name)));
    system.into_iter().chain(user).collect()
}
