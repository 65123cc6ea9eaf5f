//! What can be asked: the questions that checks put, as they are kept in evidence. Asking is the wires' business.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::Whose;

/// One question that can be put to the outside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Request {
    /// An HTTP request.
    Http(HttpRequest),
    /// A TCP connection that is closed again at once.
    Connect {
        /// An IP address.
        host: String,
        /// A TCP port.
        port: u16,
    },
    /// The addresses of a name.
    Resolve {
        /// A DNS name.
        host: String,
    },
    /// The environment variables that clients of managed identities read (see [`VARIABLES`]).
    Environment {
        /// In whose environment.
        #[serde(default, skip_serializing_if = "Whose::is_own")]
        of: Whose,
    },
    /// Whether that process, or the main process of that unit, has the network that midoctor has.
    SharedNetwork {
        /// Whose.
        of: Whose,
    },
    /// A short text file on the machine.
    File {
        /// An absolute path.
        path: String,
    },
    /// Whether there is a file of this name; it is not opened.
    Presence {
        /// An absolute path.
        path: String,
    },
    /// The machine's network interfaces, and the way that packets to the metadata service would take.
    Network,
    /// The rules of the machine's packet filter that are about the metadata service. Only root may read them.
    Firewall,
    /// What the machine's firmware says of it. On Windows alone; Linux shows the same in files.
    Firmware {
        /// Which of its texts.
        field: FirmwareField,
    },
    /// What Windows itself is set to: the proxies of the machine and of the user ([`WINHTTP_PROXY`] and its kin), and the variables
    /// that it keeps for programs to be started with.
    Settings,
}

/// A text in the firmware's tables (DMTF DSP0134, SMBIOS).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FirmwareField {
    /// The asset tag of the chassis.
    ChassisAssetTag,
    /// The manufacturer of the system.
    SysVendor,
    /// The name of the product.
    ProductName,
}

impl FirmwareField {
    /// As Linux calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::ChassisAssetTag => "chassis_asset_tag",
            Self::SysVendor => "sys_vendor",
            Self::ProductName => "product_name",
        }
    }
}

/// The proxy for plain HTTP that `netsh winhttp` sets for the machine.
pub const WINHTTP_PROXY: &str = "winhttp_proxy";
/// Set when that proxy is not the only one: another scheme has one of its own.
pub const WINHTTP_OTHER_PROXY: &str = "winhttp_other_proxy";
/// What WinHTTP's proxy is not asked for, separated by semicolons.
pub const WINHTTP_BYPASS: &str = "winhttp_bypass";
/// The proxy for plain HTTP of the user's Internet settings (WinINET).
pub const USER_PROXY: &str = "user_proxy";
/// What that proxy is not asked for.
pub const USER_BYPASS: &str = "user_bypass";

/// An HTTP request as it is kept in evidence: the token it carries is named, never written down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct HttpRequest {
    /// `GET`, but for a container registry's token exchange, a `POST`.
    pub method: String,
    /// The whole URL with its query.
    pub url: String,
    /// Headers beyond Host, User-Agent and Accept.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The URL of the question whose token this request carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer: Option<String>,
    /// How that token is carried.
    #[serde(default, skip_serializing_if = "Carry::is_usual")]
    pub carry: Carry,
    /// Which way it goes.
    #[serde(default)]
    pub route: Route,
}

impl HttpRequest {
    /// Is this a question about an identity, or could it be read as one? Only the VM's own document is surely none.
    pub fn is_about_an_identity(&self) -> bool {
        !self.url.starts_with(&format!("http://{METADATA_ADDRESS}{INSTANCE_PATH}?"))
    }
}

/// How a request carries its token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Carry {
    /// `Authorization: Bearer …`.
    #[default]
    Bearer,
    /// As Cosmos DB wants it: `Authorization: type=aad&ver=1.0&sig=…`, percent-encoded.
    Cosmos,
    /// In the form of a POST, as a container registry's `/oauth2/exchange` wants it:
    /// `grant_type=access_token&service=HOST&access_token=…`.
    RegistryForm,
}

impl Carry {
    /// Is this the way almost all go?
    fn is_usual(&self) -> bool {
        *self == Self::Bearer
    }
}

/// Which way an HTTP request goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// Straight to the host, whatever the environment says: the metadata service must not be asked through a proxy.
    #[default]
    Direct,
    /// As clients go: through `HTTPS_PROXY` unless `NO_PROXY` names the host.
    AsClients,
    /// Through the proxy that the environment names for plain HTTP, whatever `NO_PROXY` says, to show what clients get there.
    /// Never with a token, never a question about an identity.
    HttpProxy,
}

impl Request {
    /// A GET without anything else, straight to the host.
    pub fn get(url: impl Into<String>) -> Self {
        Self::Http(HttpRequest {
            method: "GET".into(),
            url: url.into(),
            headers: BTreeMap::new(),
            bearer: None,
            carry: Carry::Bearer,
            route: Route::Direct,
        })
    }

    /// The text of a short file.
    pub fn file(path: impl Into<String>) -> Self {
        Self::File { path: path.into() }
    }

    /// Whether there is a file of this name.
    pub fn presence(path: impl Into<String>) -> Self {
        Self::Presence { path: path.into() }
    }

    /// A GET as the metadata service wants it: `Metadata: true`, never through a proxy.
    pub fn metadata(path_and_query: &str) -> Self {
        Self::Http(HttpRequest {
            method: "GET".into(),
            url: format!("http://{METADATA_ADDRESS}{path_and_query}"),
            headers: BTreeMap::from([("Metadata".to_owned(), "true".to_owned())]),
            bearer: None,
            carry: Carry::Bearer,
            route: Route::Direct,
        })
    }

    /// The same question, put through the proxy for plain HTTP as clients do that use one; `None` for anything but a question of
    /// the metadata service that is not about an identity.
    pub fn through_proxy(&self) -> Option<Self> {
        match self {
            Self::Http(http) if self.goes_to_metadata() && http.bearer.is_none() && !http.is_about_an_identity() => {
                Some(Self::Http(HttpRequest { route: Route::HttpProxy, ..http.clone() }))
            }
            _ => None,
        }
    }

    /// A GET to Azure Resource Manager, as clients go there, with the token that `token_request` brought.
    pub fn manager(url: impl Into<String>, token_request: Option<&Request>) -> Self {
        Self::Http(HttpRequest {
            method: "GET".into(),
            url: url.into(),
            headers: BTreeMap::new(),
            bearer: token_request.and_then(|request| request.url()).map(str::to_owned),
            carry: Carry::Bearer,
            route: Route::AsClients,
        })
    }

    /// A GET to a data service, as clients go there, with or without the token that `token_request` brought.
    pub fn data(url: &url::Url, headers: Vec<(&str, String)>, token_request: Option<&Request>, carry: Carry) -> Self {
        let form = carry == Carry::RegistryForm;
        Self::Http(HttpRequest {
            method: if form { "POST" } else { "GET" }.into(),
            url: url.to_string(),
            headers: headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            bearer: token_request.and_then(Self::url).map(str::to_owned),
            carry,
            route: Route::AsClients,
        })
    }

    /// The question for the page of a list that this link leads to, with the same token; `None` when it leads to another host.
    pub fn at_same_host(&self, link: &str) -> Option<Self> {
        let Self::Http(http) = self else { return None };
        let (own, next) = (url::Url::parse(&http.url).ok()?, url::Url::parse(link).ok()?);
        let plain = next.username().is_empty() && next.password().is_none() && next.fragment().is_none();
        (plain && own.origin() == next.origin()).then(|| Self::Http(HttpRequest { url: next.into(), ..http.clone() }))
    }

    /// The URL of an HTTP request.
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Http(http) => Some(&http.url),
            _ => None,
        }
    }

    /// Does this question go to the metadata service, which answers at most five at a time? Through a proxy it goes to the proxy,
    /// and what comes back is the proxy's.
    pub fn goes_to_metadata(&self) -> bool {
        match self {
            Self::Http(http) => {
                http.route != Route::HttpProxy && http.url.starts_with(&format!("http://{METADATA_ADDRESS}/"))
            }
            Self::Connect { host, .. } => host == METADATA_ADDRESS,
            _ => false,
        }
    }

    /// Is this a question for a token at the metadata service?
    pub fn asks_for_token(&self) -> bool {
        let asks = |url: &str| url.starts_with(&format!("http://{METADATA_ADDRESS}{TOKEN_PATH}?"));
        self.goes_to_metadata() && self.url().is_some_and(asks)
    }

    /// The question in a few words for people: `GET /metadata/instance`, `connect to 127.0.0.1:50342`.
    pub fn in_words(&self) -> String {
        match self {
            Self::Http(http) => {
                let url = http.url.split('?').next().unwrap_or_default();
                let short = url.strip_prefix(&format!("http://{METADATA_ADDRESS}")).unwrap_or(url);
                let bare = http.route == Route::AsClients && http.bearer.is_none();
                let way = match http.route {
                    _ if bare => ", without a token",
                    Route::HttpProxy => ", through the proxy",
                    _ => "",
                };
                format!("{} {short}{way}", http.method)
            }
            Self::Connect { host, port } if host.contains(':') => format!("connect to [{host}]:{port}"),
            Self::Connect { host, port } => format!("connect to {host}:{port}"),
            Self::Resolve { host } => format!("resolve {host}"),
            Self::Environment { of: Whose::Own } => "read the environment".into(),
            Self::Environment { of: Whose::Process(pid) } => format!("read the environment of process {pid}"),
            Self::Environment { of: Whose::Unit(unit) } => format!("read the environment of {unit}"),
            Self::SharedNetwork { .. } => "compare its network with midoctor's".into(),
            Self::File { path } => format!("read {path}"),
            Self::Presence { path } => format!("look for {path}"),
            Self::Network => "read the routes and interfaces".into(),
            Self::Firewall => "read the firewall's rules".into(),
            Self::Firmware { field } => format!("read {} in the firmware's tables", field.word()),
            Self::Settings => "read Windows' proxies and variables".into(),
        }
    }
}

/// Where the metadata service answers on every Azure VM (Microsoft's instance-metadata-service page).
pub const METADATA_ADDRESS: &str = "169.254.169.254";
/// Where the guest proxy agent writes about itself on Linux (Azure/GuestProxyAgent, config/GuestProxyAgent.linux.json). Of this
/// file more is read than of others, and the command lines in it are not kept.
pub const PROXY_AGENT_STATUS: &str = "/var/log/azure-proxy-agent/status.json";
/// Where the metadata service describes the VM.
pub const INSTANCE_PATH: &str = "/metadata/instance";
/// Where the metadata service issues tokens.
pub const TOKEN_PATH: &str = "/metadata/identity/oauth2/token";

/// The environment variables that are asked for: those that Microsoft's clients read before or while they look for a
/// managed identity. Of those that hold secrets only the fact that they are set is kept (see [`is_secret`]).
pub const VARIABLES: &[&str] = &[
    "ACC_CLOUD",
    "ALL_PROXY",
    "APPSETTING_WEBSITE_SITE_NAME",
    "AZUREPS_HOST_ENVIRONMENT",
    "AZURE_AUTHORITY_HOST",
    "AZURE_CERTIFICATE_PATH",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_PASSWORD",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "AZURE_TENANT_ID",
    "AZURE_TOKEN_CREDENTIALS",
    "AZURE_USERNAME",
    "AzureServicesAuthConnectionString",
    "CURL_CA_BUNDLE",
    "DEFAULT_IDENTITY_CLIENT_ID",
    "GATEWAY_INTERFACE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "IDENTITY_API_VERSION",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "KUBERNETES_SERVICE_HOST",
    "MSAL_MANAGED_IDENTITY_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    "NODE_EXTRA_CA_CERTS",
    "NODE_USE_ENV_PROXY",
    "NODE_USE_SYSTEM_CA",
    "NO_PROXY",
    "REQUESTS_CA_BUNDLE",
    "REQUEST_METHOD",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Does this variable hold a secret? Of such a variable only the fact that it is set goes into evidence.
pub fn is_secret(variable: &str) -> bool {
    let name = variable.to_ascii_uppercase();
    // AppAuthentication's connection string can hold a key.
    let known = ["IDENTITY_HEADER", "AZURESERVICESAUTHCONNECTIONSTRING"];
    name.ends_with("_SECRET") || name.ends_with("_PASSWORD") || known.contains(&name.as_str())
}
