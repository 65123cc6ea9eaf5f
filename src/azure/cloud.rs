//! Azure's clouds: hosts, issuers, and the resource URIs that tokens are asked for.
//!
//! Values: Azure CLI's cloud table and Microsoft's list of services that support managed identities. The azEnvironment
//! of Bleu and of air-gapped clouds is not known, so they are not here.

use crate::plan::Resource;

/// One cloud.
#[derive(Debug, PartialEq, Eq)]
pub struct Cloud {
    /// What the metadata service calls it in `azEnvironment`.
    pub environment: &'static str,
    /// What Azure CLI and Azure PowerShell call it.
    pub client_name: &'static str,
    /// Azure Resource Manager's host.
    pub arm_host: &'static str,
    /// Every audience that Azure Resource Manager of this cloud accepts, without trailing slash.
    pub arm_audiences: &'static [&'static str],
    /// Host that signs v1 tokens: `https://<sts_host>/<tenant>/`.
    pub sts_host: &'static str,
    /// Hosts that sign v2 tokens: `https://<login_host>/<tenant>/v2.0`; the first is the sign-in host to name.
    pub login_hosts: &'static [&'static str],
    /// The portal's address.
    pub portal: &'static str,
    aliases: [&'static str; ALIASES.len()],
}

/// The well-known resource names that `--resource` takes, with what they stand for.
pub const ALIASES: [(&str, &str); 15] = [
    ("arm", "Azure Resource Manager"),
    ("vault", "Key Vault"),
    ("managedhsm", "Key Vault Managed HSM"),
    ("storage", "Azure Storage"),
    ("sql", "Azure SQL Database"),
    ("postgres", "Azure Database for PostgreSQL"),
    ("mysql", "Azure Database for MySQL"),
    ("servicebus", "Service Bus"),
    ("eventhubs", "Event Hubs"),
    ("cosmos", "Cosmos DB"),
    ("batch", "Batch"),
    ("synapse", "Synapse"),
    ("loganalytics", "Log Analytics"),
    ("appinsights", "Application Insights"),
    ("graph", "Microsoft Graph"),
];

/// The clouds whose azEnvironment is documented and that are open. Azure Germany closed on 2021-10-29.
pub static CLOUDS: [Cloud; 3] = [
    Cloud {
        environment: "AzurePublicCloud",
        client_name: "AzureCloud",
        arm_host: "management.azure.com",
        arm_audiences: &["https://management.azure.com", "https://management.core.windows.net"],
        sts_host: "sts.windows.net",
        login_hosts: &["login.microsoftonline.com"],
        portal: "https://portal.azure.com",
        aliases: [
            "https://management.azure.com/",
            "https://vault.azure.net",
            "https://managedhsm.azure.net",
            "https://storage.azure.com/",
            "https://database.windows.net/",
            "https://ossrdbms-aad.database.windows.net",
            "https://ossrdbms-aad.database.windows.net",
            "https://servicebus.azure.net",
            "https://eventhubs.azure.net",
            "https://cosmos.azure.com",
            "https://batch.core.windows.net/",
            "https://dev.azuresynapse.net",
            "https://api.loganalytics.io",
            "https://api.applicationinsights.io",
            "https://graph.microsoft.com/",
        ],
    },
    Cloud {
        environment: "AzureUSGovernmentCloud",
        client_name: "AzureUSGovernment",
        arm_host: "management.usgovcloudapi.net",
        arm_audiences: &["https://management.usgovcloudapi.net", "https://management.core.usgovcloudapi.net"],
        sts_host: "sts.windows.net",
        login_hosts: &["login.microsoftonline.us"],
        portal: "https://portal.azure.us",
        aliases: [
            "https://management.usgovcloudapi.net/",
            "https://vault.usgovcloudapi.net",
            "https://managedhsm.usgovcloudapi.net",
            "https://storage.azure.com/",
            "https://database.usgovcloudapi.net/",
            "https://ossrdbms-aad.database.usgovcloudapi.net",
            "https://ossrdbms-aad.database.usgovcloudapi.net",
            "https://servicebus.azure.net",
            "https://eventhubs.azure.net",
            "https://cosmos.azure.us",
            "https://batch.core.usgovcloudapi.net/",
            "https://dev.azuresynapse.usgovcloudapi.net",
            "https://api.loganalytics.us",
            "https://api.applicationinsights.us",
            "https://graph.microsoft.us/",
        ],
    },
    Cloud {
        environment: "AzureChinaCloud",
        client_name: "AzureChinaCloud",
        arm_host: "management.chinacloudapi.cn",
        arm_audiences: &["https://management.chinacloudapi.cn", "https://management.core.chinacloudapi.cn"],
        sts_host: "sts.chinacloudapi.cn",
        login_hosts: &["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
        portal: "https://portal.azure.cn",
        aliases: [
            "https://management.chinacloudapi.cn/",
            "https://vault.azure.cn",
            "https://managedhsm.azure.cn",
            "https://storage.azure.com/",
            "https://database.chinacloudapi.cn/",
            "https://ossrdbms-aad.database.chinacloudapi.cn",
            "https://ossrdbms-aad.database.chinacloudapi.cn",
            "https://servicebus.azure.net",
            "https://eventhubs.azure.net",
            "https://cosmos.azure.cn",
            "https://batch.chinacloudapi.cn/",
            "https://dev.azuresynapse.azure.cn",
            "https://api.loganalytics.azure.cn",
            "https://api.applicationinsights.azure.cn",
            "https://microsoftgraph.chinacloudapi.cn",
        ],
    },
];

/// Is this Azure Resource Manager, by name or by one of the audiences it has in some cloud?
pub fn is_manager(resource: &Resource) -> bool {
    match resource {
        Resource::Alias(alias) => alias == "arm",
        Resource::Uri(uri) => CLOUDS.iter().any(|cloud| cloud.accepts_audience(&uri.to_ascii_lowercase())),
    }
}

impl Cloud {
    /// The cloud with this azEnvironment, compared without regard to case: Microsoft's own sample is in capitals.
    pub fn named(environment: &str) -> Option<&'static Self> {
        CLOUDS.iter().find(|cloud| cloud.environment.eq_ignore_ascii_case(environment))
    }

    /// The public cloud.
    pub fn public() -> &'static Self {
        &CLOUDS[0]
    }

    /// The URI that a resource stands for in this cloud; `None` for an alias that is not in [`ALIASES`].
    pub fn uri(&self, resource: &Resource) -> Option<String> {
        match resource {
            Resource::Uri(uri) => Some(uri.clone()),
            Resource::Alias(alias) => {
                let index = ALIASES.iter().position(|(name, _)| name == alias)?;
                Some(self.aliases[index].to_owned())
            }
        }
    }

    /// Does Azure Resource Manager of this cloud accept tokens for that audience?
    pub fn accepts_audience(&self, audience: &str) -> bool {
        self.arm_audiences.contains(&audience.trim_end_matches('/'))
    }

    /// Is this the issuer that this cloud's tokens for the tenant carry, as v1 or as v2?
    pub fn issues(&self, issuer: &str, tenant: &str) -> bool {
        let v1 = format!("https://{}/{tenant}/", self.sts_host);
        issuer.eq_ignore_ascii_case(&v1)
            || self.login_hosts.iter().any(|host| issuer.eq_ignore_ascii_case(&format!("https://{host}/{tenant}/v2.0")))
    }

    /// The issuer to expect for a tenant, in the v1 form that Azure Resource Manager's tokens have.
    pub fn issuer(&self, tenant: &str) -> String {
        format!("https://{}/{tenant}/", self.sts_host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cloud_is_found_whatever_the_case() {
        assert_eq!(Cloud::named("AZUREPUBLICCLOUD"), Some(Cloud::public()));
        assert_eq!(Cloud::named("AzureStack"), None);
    }

    #[test]
    fn every_cloud_knows_its_own_manager_as_audience() {
        for cloud in &CLOUDS {
            let arm = cloud.uri(&Resource::Alias("arm".into())).unwrap_or_default();
            assert_eq!(arm, format!("https://{}/", cloud.arm_host));
            assert!(cloud.accepts_audience(&arm), "{arm}");
        }
    }

    #[test]
    fn an_issuer_belongs_to_its_cloud_in_both_versions() {
        let china = &CLOUDS[2];
        assert!(china.issues("https://sts.chinacloudapi.cn/t/", "t"));
        assert!(china.issues("https://login.partner.microsoftonline.cn/t/v2.0", "t"));
        assert!(!china.issues("https://sts.windows.net/t/", "t"));
        assert!(!Cloud::public().issues("https://sts.windows.net/other/", "t"));
    }
}
