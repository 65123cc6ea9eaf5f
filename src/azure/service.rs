//! Azure's data services: which one a host belongs to, in which cloud, and what a token for it is asked for.
//!
//! Suffixes: Azure CLI's cloud table and the services' own documentation. How a service answers is read in the check `data`.

use super::cloud::Cloud;

/// A data service that midoctor knows how to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Key Vault.
    KeyVault,
    /// Key Vault Managed HSM.
    ManagedHsm,
    /// Azure Blob Storage.
    Blob,
    /// Azure Queue Storage.
    Queue,
    /// Azure Table Storage.
    Table,
    /// Azure Data Lake Storage.
    DataLake,
    /// Azure Container Registry.
    Registry,
    /// Service Bus and Event Hubs, which share their hosts.
    ServiceBus,
    /// App Configuration.
    AppConfiguration,
    /// Cosmos DB.
    Cosmos,
}

use Service::*;

/// The suffixes of a service's hosts in the public cloud, US Government and China; see `CLOUDS` for that order.
const SUFFIXES: [(Service, [&str; 3]); 10] = [
    (KeyVault, ["vault.azure.net", "vault.usgovcloudapi.net", "vault.azure.cn"]),
    (ManagedHsm, ["managedhsm.azure.net", "managedhsm.usgovcloudapi.net", "managedhsm.azure.cn"]),
    (Blob, ["blob.core.windows.net", "blob.core.usgovcloudapi.net", "blob.core.chinacloudapi.cn"]),
    (Queue, ["queue.core.windows.net", "queue.core.usgovcloudapi.net", "queue.core.chinacloudapi.cn"]),
    (Table, ["table.core.windows.net", "table.core.usgovcloudapi.net", "table.core.chinacloudapi.cn"]),
    (DataLake, ["dfs.core.windows.net", "dfs.core.usgovcloudapi.net", "dfs.core.chinacloudapi.cn"]),
    (Registry, ["azurecr.io", "azurecr.us", "azurecr.cn"]),
    (ServiceBus, ["servicebus.windows.net", "servicebus.usgovcloudapi.net", "servicebus.chinacloudapi.cn"]),
    (AppConfiguration, ["azconfig.io", "azconfig.azure.us", "azconfig.azure.cn"]),
    (Cosmos, ["documents.azure.com", "documents.azure.us", "documents.azure.cn"]),
];

impl Service {
    /// The service that a host belongs to, in any cloud that is known.
    pub fn of(host: &str) -> Option<Self> {
        SUFFIXES.iter().find(|(_, suffixes)| suffixes.iter().any(|suffix| is_below(host, suffix))).map(|(own, _)| *own)
    }

    /// Is this a host of this service in that cloud?
    pub fn hosts(self, host: &str, cloud: &Cloud) -> bool {
        let suffixes = SUFFIXES.iter().find(|(own, _)| *own == self).map(|(_, suffixes)| suffixes);
        let index = super::cloud::CLOUDS.iter().position(|known| known.environment == cloud.environment);
        suffixes.zip(index).is_some_and(|(suffixes, index)| is_below(host, suffixes[index]))
    }

    /// Its name.
    pub fn title(self) -> &'static str {
        match self {
            KeyVault => "Key Vault",
            ManagedHsm => "Key Vault Managed HSM",
            Blob => "Azure Blob Storage",
            Queue => "Azure Queue Storage",
            Table => "Azure Table Storage",
            DataLake => "Azure Data Lake Storage",
            Registry => "Azure Container Registry",
            ServiceBus => "Service Bus or Event Hubs",
            AppConfiguration => "App Configuration",
            Cosmos => "Cosmos DB",
        }
    }

    /// The names, as in `cloud::ALIASES`, of the resources whose tokens it takes; the usual one first.
    pub fn resources(self) -> &'static [&'static str] {
        match self {
            KeyVault => &["vault"],
            ManagedHsm => &["managedhsm"],
            Blob | Queue | Table | DataLake => &["storage"],
            Registry => &["arm"],
            ServiceBus => &["servicebus", "eventhubs"],
            AppConfiguration => &["appconfig"],
            Cosmos => &["cosmos"],
        }
    }
}

/// Is this host a name below that domain? The domain itself is nobody's account.
fn is_below(host: &str, domain: &str) -> bool {
    let host = host.to_ascii_lowercase();
    host.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.') && !rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_belongs_to_a_service_by_its_suffix_and_to_one_cloud() {
        let cloud = |name| Cloud::named(name).expect("a cloud");
        let public = cloud("AzurePublicCloud");
        assert_eq!(Service::of("kv.vault.azure.net"), Some(KeyVault));
        assert_eq!(Service::of("KV.Vault.Azure.CN"), Some(KeyVault));
        assert!(KeyVault.hosts("kv.vault.azure.net", public));
        assert!(!KeyVault.hosts("kv.vault.azure.cn", public));
        assert!(KeyVault.hosts("kv.vault.azure.cn", cloud("AzureChinaCloud")));
        assert!(!Blob.hosts("kv.vault.azure.net", public));
        for stranger in
            ["vault.azure.net", ".vault.azure.net", "evilvault.azure.net", "kv.vault.azure.net.evil.example", ""]
        {
            assert_eq!(Service::of(stranger), None, "{stranger}");
        }
    }

    #[test]
    fn every_resource_of_a_service_has_a_name() {
        for (service, _) in SUFFIXES {
            for name in service.resources() {
                assert!(crate::azure::cloud::ALIASES.iter().any(|(alias, _)| alias == name), "{name}");
            }
        }
    }
}
