//! One line of the table: what one client would do, and how the words for it are spelled in JSON. No rules.

use std::fmt;

use serde::Serialize;

use super::Stack;
use super::patience::Patience;
use super::proxy::Caught;

/// What one client would do in an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its stable name: `python-default`.
    pub id: &'static str,
    /// Its name for people, at most 45 characters: `Python DefaultAzureCredential`.
    pub name: &'static str,
    /// Is it no longer maintained by Microsoft? Programs bring it along for years.
    pub retired: bool,
    /// The HTTP library it talks through.
    #[serde(skip)]
    pub stack: Stack,
    /// Where it would look for a token.
    pub source: Source,
    /// Where its first request for a token would go: a URL without its query; `None` when it sends none.
    pub address: Option<String>,
    /// As whom it would ask.
    pub identity: AsWhom,
    /// The variables (and files) that decided, in the order in which it looks at them.
    pub decided_by: Vec<&'static str>,
    /// Why, in a short sentence without a full stop.
    pub why: String,
    /// The proxy that its request for the metadata service would go to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Caught>,
    /// How long it insists before it says anything, when it asks the metadata service itself.
    pub insists: Patience,
}

/// Where a client looks for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The VM's metadata service.
    Metadata,
    /// Another host, in the place of the metadata service.
    OtherHost,
    /// The token endpoint of App Service or Functions.
    AppService,
    /// The token endpoint of a Service Fabric cluster.
    ServiceFabric,
    /// The token endpoint of Azure Cloud Shell.
    CloudShell,
    /// The token endpoint of Azure Machine Learning.
    MachineLearning,
    /// The Azure Arc agent.
    AzureArc,
    /// The endpoint of the retired VM extension.
    Retired,
    /// Microsoft Entra ID, with a federated token from a file.
    WorkloadIdentity,
    /// Microsoft Entra ID, with a service principal's secret or certificate.
    ServicePrincipal,
    /// Microsoft Entra ID, with a user's name and password.
    User,
    /// Whoever is signed in to a developer's tools.
    DeveloperTools,
    /// Where its own settings say, which are not read.
    Unknown,
    /// Nowhere: it fails at once.
    Nowhere,
}

impl Source {
    /// For people, after `asks`, `goes to` or alone.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Metadata => "the metadata service",
            Self::OtherHost => "another host in place of the metadata service",
            Self::AppService => "App Service's token endpoint",
            Self::ServiceFabric => "Service Fabric's token endpoint",
            Self::CloudShell => "Cloud Shell's token endpoint",
            Self::MachineLearning => "Azure Machine Learning's token endpoint",
            Self::AzureArc => "the Azure Arc agent",
            Self::Retired => "the retired VM extension's endpoint",
            Self::WorkloadIdentity => "Microsoft Entra ID, by workload identity",
            Self::ServicePrincipal => "Microsoft Entra ID, as a service principal",
            Self::User => "Microsoft Entra ID, as a user",
            Self::DeveloperTools => "developer tools",
            Self::Unknown => "a place that its own settings tell",
            Self::Nowhere => "nowhere",
        }
    }
}

/// As whom a client asks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "client_id")]
pub enum AsWhom {
    /// Nobody named: the VM's own, or the host's, default identity.
    HostsDefault,
    /// The managed identity with this client ID.
    ManagedIdentity(String),
    /// The application with this client ID.
    Application(String),
    /// Somebody that the variables do not tell.
    Unknown,
    /// Nobody: it asks nowhere.
    Nobody,
}

impl fmt::Display for AsWhom {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HostsDefault => write!(formatter, "the default identity"),
            Self::ManagedIdentity(id) => write!(formatter, "the identity with client ID {id}"),
            Self::Application(id) => write!(formatter, "the application {id}"),
            Self::Unknown => write!(formatter, "whoever is signed in there"),
            Self::Nobody => write!(formatter, "nobody"),
        }
    }
}
