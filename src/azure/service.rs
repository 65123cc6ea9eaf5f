//! Azure's data services: which one a host belongs to, in which cloud, and what a token for it is asked for.
//!
//! Suffixes: Azure CLI's cloud table and the services' own documentation. How a service answers is read in the check `data`.

use url::Url;

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

    /// The least common role that lets an application read what is at this path; Managed HSM's and Cosmos DB's are their own,
    /// not Azure's.
    pub fn role(self, path: &str) -> &'static str {
        match self {
            KeyVault if path.starts_with("/keys") => "Key Vault Crypto User",
            KeyVault if path.starts_with("/certificates") => "Key Vault Certificate User",
            KeyVault => "Key Vault Secrets User",
            ManagedHsm => "Managed HSM Crypto User",
            Blob | DataLake => "Storage Blob Data Reader",
            Queue => "Storage Queue Data Reader",
            Table => "Storage Table Data Reader",
            Registry => "AcrPull",
            ServiceBus => "Azure Service Bus Data Receiver",
            AppConfiguration => "App Configuration Data Reader",
            Cosmos => "Cosmos DB Built-in Data Reader",
        }
    }

    /// The URL of a GET that changes nothing and is answered by the data itself, as close as can be to what was named. Parameters
    /// of the named URL are left out: they could be a signature that stands in for the identity.
    pub fn question(self, named: &Url) -> Url {
        let mut url = named.clone();
        url.set_query(None);
        let parts: Vec<String> = named.path().split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let (path, query) = match (self, parts.as_slice()) {
            (KeyVault, []) => ("/secrets".to_owned(), "api-version=7.4&maxresults=1"),
            (ManagedHsm, []) => ("/keys".to_owned(), "api-version=7.4&maxresults=1"),
            (KeyVault | ManagedHsm, [kind]) => (format!("/{kind}"), "api-version=7.4&maxresults=1"),
            (KeyVault | ManagedHsm, _) => (named.path().to_owned(), "api-version=7.4"),
            (Blob, []) => ("/".to_owned(), "comp=list&maxresults=1"),
            (Blob, [container]) => (format!("/{container}"), "restype=container&comp=list&maxresults=1"),
            (Blob, _) => (named.path().to_owned(), "comp=metadata"),
            (Queue, []) => ("/".to_owned(), "comp=list&maxresults=1"),
            (Queue, [queue, ..]) => (format!("/{queue}/messages"), "peekonly=true"),
            (Table, []) => ("/Tables".to_owned(), "$top=1"),
            (Table, [table, ..]) => (format!("/{}()", table.trim_end_matches("()")), "$top=1"),
            (DataLake, []) => ("/".to_owned(), "resource=account&maxResults=1"),
            (DataLake, [system, ..]) => (format!("/{system}"), "resource=filesystem&recursive=false&maxResults=1"),
            (Registry, _) => ("/v2/".to_owned(), ""),
            (ServiceBus, []) => ("/$Resources/queues".to_owned(), "api-version=2021-05&$skip=0&$top=1"),
            (ServiceBus, _) => (named.path().to_owned(), "api-version=2021-05&enrich=false"),
            (AppConfiguration, _) => ("/keys".to_owned(), "api-version=1.0"),
            (Cosmos, _) => ("/".to_owned(), ""),
        };
        url.set_path(&path);
        url.set_query(Some(query).filter(|query| !query.is_empty()));
        url
    }

    /// Headers that the service wants beside the token. `now` is the machine's time.
    pub fn headers(self, now: jiff::Timestamp) -> Vec<(&'static str, String)> {
        match self {
            Blob | Queue | Table | DataLake => vec![("x-ms-version", "2021-08-06".into())],
            Cosmos => vec![
                ("x-ms-version", "2018-12-31".into()),
                ("x-ms-date", now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()),
            ],
            _ => Vec::new(),
        }
    }

    /// Does a success at this path show that the data may be read? To list a storage account's containers takes an action that
    /// Reader holds, and no role on the data.
    pub fn proves_data_access(self, path: &str) -> bool {
        !(matches!(self, Blob | Queue | Table | DataLake) && path.trim_matches('/').is_empty())
    }

    /// The private DNS zone whose names lead to private endpoints of this service, given one of its hosts.
    pub fn private_zone(self, host: &str) -> Option<String> {
        let (_, domain) = host.split_once('.')?;
        Some(match self {
            KeyVault => format!("privatelink.{}", domain.replacen("vault.", "vaultcore.", 1)),
            _ => format!("privatelink.{domain}"),
        })
    }

    /// The names, as in `cloud::ALIASES`, of the resources whose tokens it takes; the usual one first.
    pub fn resources(self) -> &'static [&'static str] {
        match self {
            KeyVault => &["vault"],
            ManagedHsm => &["managedhsm"],
            Blob | Queue | Table | DataLake => &["storage"],
            Registry => &["registry", "arm"],
            ServiceBus => &["servicebus", "eventhubs"],
            AppConfiguration => &["appconfig"],
            Cosmos => &["cosmos"],
        }
    }
}

/// The domain of the service that a host belongs to, in any cloud that is known: `vault.azure.net`.
pub fn domain(host: &str) -> Option<&'static str> {
    SUFFIXES.iter().flat_map(|(_, suffixes)| suffixes).copied().find(|suffix| is_below(host, suffix))
}

/// Is this host a name below that domain? The domain itself is nobody's account. Names of accounts are of letters, digits and
/// dashes; a URL's host can hold much else, which a line to paste or another program would take for something.
fn is_below(host: &str, domain: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let is_plain = host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
    let starts_well = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphanumeric());
    is_plain && host.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.') && starts_well(rest))
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
                .into_iter()
                .chain(["$(id).vault.azure.net", "-x.vault.azure.net", "a'b.vault.azure.net", "{a,b}.vault.azure.net"])
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
