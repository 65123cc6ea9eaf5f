//! Azure's clouds: hosts, issuers, and the resource URIs that tokens are asked for.
//!
//! Values: Azure CLI's cloud table, Microsoft's list of services that support managed identities, App Configuration's page on
//! authentication, and for Container Registry what Microsoft's client libraries ask for. The azEnvironment
//! of Bleu and of air-gapped clouds is not known: they are found by the ARM host that the user names, and of those that are
//! in no table nothing is known beyond it.

use std::borrow::Cow;

use crate::plan::Resource;

/// One cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cloud {
    /// What the metadata service calls it in `azEnvironment`; `None` where that is not known.
    pub environment: Option<&'static str>,
    /// What Azure CLI and Azure PowerShell call it; `None` where they do not know it.
    pub client_name: Option<&'static str>,
    /// Azure Resource Manager's host.
    pub arm_host: Cow<'static, str>,
    /// Every audience that Azure Resource Manager of this cloud accepts, without trailing slash.
    pub arm_audiences: &'static [&'static str],
    /// Host that signs v1 tokens: `https://<sts_host>/<tenant>/`; `None` where that is not known.
    pub sts_host: Option<&'static str>,
    /// Hosts that sign v2 tokens: `https://<login_host>/<tenant>/v2.0`; the first is the sign-in host to name.
    pub login_hosts: &'static [&'static str],
    /// The portal's address, where it is known.
    pub portal: Option<&'static str>,
    aliases: [Option<&'static str>; ALIASES.len()],
}

/// The well-known resource names that `--resource` takes, with what they stand for.
pub const ALIASES: [(&str, &str); 17] = [
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
    ("appconfig", "App Configuration"),
    ("registry", "Container Registry"),
    ("batch", "Batch"),
    ("synapse", "Synapse"),
    ("loganalytics", "Log Analytics"),
    ("appinsights", "Application Insights"),
    ("graph", "Microsoft Graph"),
];

/// The clouds whose azEnvironment is documented and that are open. Azure Germany closed on 2021-10-29.
pub static CLOUDS: [Cloud; 3] = [
    Cloud {
        environment: Some("AzurePublicCloud"),
        client_name: Some("AzureCloud"),
        arm_host: Cow::Borrowed("management.azure.com"),
        arm_audiences: &["https://management.azure.com", "https://management.core.windows.net"],
        sts_host: Some("sts.windows.net"),
        login_hosts: &["login.microsoftonline.com"],
        portal: Some("https://portal.azure.com"),
        aliases: [
            Some("https://management.azure.com/"),
            Some("https://vault.azure.net"),
            Some("https://managedhsm.azure.net"),
            Some("https://storage.azure.com/"),
            Some("https://database.windows.net/"),
            Some("https://ossrdbms-aad.database.windows.net"),
            Some("https://ossrdbms-aad.database.windows.net"),
            Some("https://servicebus.azure.net"),
            Some("https://eventhubs.azure.net"),
            Some("https://cosmos.azure.com"),
            Some("https://appconfig.azure.com"),
            Some("https://containerregistry.azure.net"),
            Some("https://batch.core.windows.net/"),
            Some("https://dev.azuresynapse.net"),
            Some("https://api.loganalytics.io"),
            Some("https://api.applicationinsights.io"),
            Some("https://graph.microsoft.com/"),
        ],
    },
    Cloud {
        environment: Some("AzureUSGovernmentCloud"),
        client_name: Some("AzureUSGovernment"),
        arm_host: Cow::Borrowed("management.usgovcloudapi.net"),
        arm_audiences: &["https://management.usgovcloudapi.net", "https://management.core.usgovcloudapi.net"],
        sts_host: Some("sts.windows.net"),
        login_hosts: &["login.microsoftonline.us"],
        portal: Some("https://portal.azure.us"),
        aliases: [
            Some("https://management.usgovcloudapi.net/"),
            Some("https://vault.usgovcloudapi.net"),
            Some("https://managedhsm.usgovcloudapi.net"),
            Some("https://storage.azure.com/"),
            Some("https://database.usgovcloudapi.net/"),
            Some("https://ossrdbms-aad.database.usgovcloudapi.net"),
            Some("https://ossrdbms-aad.database.usgovcloudapi.net"),
            Some("https://servicebus.azure.net"),
            Some("https://eventhubs.azure.net"),
            Some("https://cosmos.azure.us"),
            Some("https://appconfig.azure.us"),
            Some("https://containerregistry.azure.net"),
            Some("https://batch.core.usgovcloudapi.net/"),
            Some("https://dev.azuresynapse.usgovcloudapi.net"),
            Some("https://api.loganalytics.us"),
            Some("https://api.applicationinsights.us"),
            Some("https://graph.microsoft.us/"),
        ],
    },
    Cloud {
        environment: Some("AzureChinaCloud"),
        client_name: Some("AzureChinaCloud"),
        arm_host: Cow::Borrowed("management.chinacloudapi.cn"),
        arm_audiences: &["https://management.chinacloudapi.cn", "https://management.core.chinacloudapi.cn"],
        sts_host: Some("sts.chinacloudapi.cn"),
        login_hosts: &["login.partner.microsoftonline.cn", "login.chinacloudapi.cn"],
        portal: Some("https://portal.azure.cn"),
        aliases: [
            Some("https://management.chinacloudapi.cn/"),
            Some("https://vault.azure.cn"),
            Some("https://managedhsm.azure.cn"),
            Some("https://storage.azure.com/"),
            Some("https://database.chinacloudapi.cn/"),
            Some("https://ossrdbms-aad.database.chinacloudapi.cn"),
            Some("https://ossrdbms-aad.database.chinacloudapi.cn"),
            Some("https://servicebus.azure.net"),
            Some("https://eventhubs.azure.net"),
            Some("https://cosmos.azure.cn"),
            Some("https://appconfig.azure.cn"),
            Some("https://containerregistry.azure.net"),
            Some("https://batch.chinacloudapi.cn/"),
            Some("https://dev.azuresynapse.azure.cn"),
            Some("https://api.loganalytics.azure.cn"),
            Some("https://api.applicationinsights.azure.cn"),
            Some("https://microsoftgraph.chinacloudapi.cn"),
        ],
    },
];

/// Bleu, as far as Azure CLI's table knows it. What the metadata service calls it, who signs its v1 tokens and the resources of
/// Key Vault, Storage, SQL, Service Bus, Cosmos DB and Synapse are not known.
static BLEU: Cloud = Cloud {
    environment: None,
    client_name: None,
    arm_host: Cow::Borrowed("management.sovcloud-api.fr"),
    arm_audiences: &["https://management.sovcloud-api.fr"],
    sts_host: None,
    login_hosts: &["login.sovcloud-identity.fr"],
    portal: Some("https://portal.sovcloud-azure.fr"),
    aliases: [
        Some("https://management.sovcloud-api.fr/"),
        None,
        None,
        None,
        None,
        Some("https://ossrdbms-aad.database.sovcloud-api.fr"),
        Some("https://ossrdbms-aad.database.sovcloud-api.fr"),
        None,
        None,
        None,
        Some("https://appconfig.sovcloud-api.fr"),
        None,
        Some("https://batch.sovcloud-api.fr/"),
        None,
        None,
        None,
        Some("https://graph.svc.sovcloud.fr"),
    ],
};

/// Is this Azure Resource Manager, by name or by one of the audiences it has in some cloud?
pub fn is_manager(resource: &Resource) -> bool {
    match resource {
        Resource::Alias(alias) => alias == "arm",
        Resource::Uri(uri) => known().any(|cloud| cloud.accepts_audience(&uri.to_ascii_lowercase())),
    }
}

/// Are these the same audience? A slash at the end makes no difference to those who only compare.
pub fn same_audience(one: &str, other: &str) -> bool {
    one.trim_end_matches('/').eq_ignore_ascii_case(other.trim_end_matches('/'))
}

/// Every cloud of which anything is known.
pub fn known() -> impl Iterator<Item = &'static Cloud> {
    CLOUDS.iter().chain([&BLEU])
}

impl Cloud {
    /// The cloud with this azEnvironment, compared without regard to case: Microsoft's own sample is in capitals.
    pub fn named(environment: &str) -> Option<&'static Self> {
        CLOUDS.iter().find(|cloud| cloud.environment.is_some_and(|own| own.eq_ignore_ascii_case(environment)))
    }

    /// The cloud of a VM: by its azEnvironment, and by the ARM host that the user named, if any, which then is the host to ask, unless it is another
    /// cloud's. `None` for an azEnvironment in no table when no host was named.
    pub fn of(environment: Option<&str>, arm_host: Option<&str>) -> Option<Self> {
        let named = environment.and_then(Self::named);
        let Some(host) = arm_host else { return named.cloned() };
        let elsewhere = |own: &&Self| known().any(|cloud| cloud.arm_host.eq_ignore_ascii_case(host) && cloud != *own);
        if let Some(own) = named.filter(elsewhere) {
            return Some(own.clone());
        }
        let at_host = || known().find(|cloud| cloud.arm_host.eq_ignore_ascii_case(host));
        let arm_host = Cow::Owned(host.to_ascii_lowercase());
        Some(match named.or_else(at_host) {
            Some(cloud) => Self { arm_host, ..cloud.clone() },
            None => Self {
                environment: None,
                client_name: None,
                arm_host,
                arm_audiences: &[],
                sts_host: None,
                login_hosts: &[],
                portal: None,
                aliases: [None; ALIASES.len()],
            },
        })
    }

    /// The public cloud.
    pub fn public() -> &'static Self {
        &CLOUDS[0]
    }

    /// The URI that a resource stands for in this cloud; `None` for an alias that is not in [`ALIASES`], or that nothing is
    /// known of in this cloud.
    pub fn uri(&self, resource: &Resource) -> Option<String> {
        match resource {
            Resource::Uri(uri) => Some(uri.clone()),
            Resource::Alias(alias) => {
                let index = ALIASES.iter().position(|(name, _)| name == alias)?;
                let own = (alias == "arm").then(|| format!("https://{}/", self.arm_host));
                self.aliases[index].map(str::to_owned).or(own)
            }
        }
    }

    /// Does Azure Resource Manager of this cloud accept tokens for that audience?
    pub fn accepts_audience(&self, audience: &str) -> bool {
        let plain = audience.trim_end_matches('/');
        self.arm_audiences.contains(&plain) || plain.strip_prefix("https://").is_some_and(|host| host == self.arm_host)
    }

    /// Is this the issuer that this cloud's tokens for the tenant carry, as v1 or as v2? Where it is not known who signs, only
    /// the issuers of the other clouds are wrong.
    pub fn issues(&self, issuer: &str, tenant: &str) -> bool {
        let v1 = |host: &str| issuer.eq_ignore_ascii_case(&format!("https://{host}/{tenant}/"));
        let v2 = |host: &&str| issuer.eq_ignore_ascii_case(&format!("https://{host}/{tenant}/v2.0"));
        let own = |cloud: &Self| cloud.sts_host.is_some_and(v1) || cloud.login_hosts.iter().any(v2);
        own(self) || (self.sts_host.is_none() && !CLOUDS.iter().any(own))
    }

    /// The issuer to expect for a tenant, in the v1 form that Azure Resource Manager's tokens have.
    pub fn issuer(&self, tenant: &str) -> String {
        match (self.sts_host, self.login_hosts.first()) {
            (Some(host), _) => format!("https://{host}/{tenant}/"),
            (None, Some(host)) => format!("https://{host}/{tenant}/v2.0"),
            (None, None) => "an issuer of its own cloud".into(),
        }
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
    fn an_arm_host_that_the_user_names_makes_a_cloud_of_an_unknown_one() {
        assert_eq!(Cloud::of(Some("AzureStack"), None), None);
        let bleu = Cloud::of(Some("AzureSomething"), Some("Management.sovcloud-api.fr")).expect("a cloud");
        assert_eq!(bleu, BLEU);
        let own = Cloud::of(Some("AzureStack"), Some("management.local.contoso.com")).expect("a cloud");
        assert_eq!(own.uri(&Resource::Alias("arm".into())).as_deref(), Some("https://management.local.contoso.com/"));
        assert_eq!(own.uri(&Resource::Alias("vault".into())), None);
        assert!(own.accepts_audience("https://management.local.contoso.com"));
        assert!(own.issues("https://adfs.local.contoso.com/t/", "t"));
        assert!(!own.issues("https://sts.windows.net/t/", "t"));
        // A private link to Azure Resource Manager of a cloud that is known: the audience stays that cloud's.
        let public = Cloud::of(Some("AzurePublicCloud"), Some("arm.contoso.com")).expect("a cloud");
        assert_eq!(public.arm_host, "arm.contoso.com");
        assert_eq!(public.uri(&Resource::Alias("arm".into())).as_deref(), Some("https://management.azure.com/"));
    }

    #[test]
    fn every_cloud_knows_its_own_manager_as_audience() {
        for cloud in known() {
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
