//! Which source of a managed identity each library picks, by its own rules: one function per library. What a chain of
//! credentials puts before it is in `chain`.
//!
//! `client_id` is the identity that the caller of the library names, which is none but inside DefaultAzureCredential.

use super::Setting;
use super::pick::{Pick, named};
use super::row::{AsWhom, Source};

const ENDPOINT: &str = "IDENTITY_ENDPOINT";
const HEADER: &str = "IDENTITY_HEADER";
const THUMBPRINT: &str = "IDENTITY_SERVER_THUMBPRINT";
const IMDS_ENDPOINT: &str = "IMDS_ENDPOINT";
const MSI_ENDPOINT: &str = "MSI_ENDPOINT";
const MSI_SECRET: &str = "MSI_SECRET";
const DEFAULT_ID: &str = "DEFAULT_IDENTITY_CLIENT_ID";
const AUTHORITY: &str = "AZURE_AUTHORITY_HOST";
const POD_HOST: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
const TENANT: &str = "AZURE_TENANT_ID";
const CLIENT: &str = "AZURE_CLIENT_ID";
const TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";

/// Where the Azure Arc agent listens when no variable says so: MSAL for Python has the name, the others the address.
const ARC_BY_NAME: &str = "http://localhost:40342/metadata/identity/oauth2/token";
const ARC_BY_ADDRESS: &str = "http://127.0.0.1:40342/metadata/identity/oauth2/token";

/// Workload identity: the token in the file is exchanged at Microsoft Entra ID.
pub(super) fn workload(setting: &Setting, client_id: &str) -> Pick {
    let why = "a federated token file is there for workload identity";
    let by = vec![TOKEN_FILE, TENANT, CLIENT];
    Pick::entra(setting, Source::WorkloadIdentity, AsWhom::Application(client_id.to_owned()), by, why)
}

/// A source that variables name and that this library takes no client ID for.
fn no_client_id(by: &[&'static str], host: &str) -> Pick {
    Pick::nowhere(by.to_vec(), format!("{host} takes no client ID at runtime")).and(&[CLIENT])
}

/// azure-identity 1.27 for Python (managed_identity.py): empty variables count as unset. The request itself is made by MSAL,
/// which looks again.
pub(super) fn python(setting: &Setting, client_id: Option<&str>, workload_too: bool) -> Pick {
    if setting.variable(ENDPOINT).is_some() {
        if setting.variable(HEADER).is_some() {
            if setting.variable(THUMBPRINT).is_some() && client_id.is_some() {
                return no_client_id(&[ENDPOINT, HEADER, THUMBPRINT], "Service Fabric");
            }
            return msal_python(setting, client_id);
        }
        if setting.variable(IMDS_ENDPOINT).is_some() {
            return msal_python(setting, client_id);
        }
        return Pick::nowhere(vec![ENDPOINT], "IDENTITY_ENDPOINT stands alone, “No managed identity endpoint found”");
    }
    if setting.variable(MSI_ENDPOINT).is_some() {
        if setting.variable(MSI_SECRET).is_some() {
            return msal_python(setting, client_id);
        }
        return Pick::at(setting, Source::CloudShell, MSI_ENDPOINT, named(client_id));
    }
    if workload_too && setting.all(&[AUTHORITY, TENANT, TOKEN_FILE]) {
        return match client_id.or(setting.variable(CLIENT)) {
            Some(client) => workload(setting, client).and(&[AUTHORITY]),
            None => Pick::nowhere(
                vec![TOKEN_FILE, TENANT, AUTHORITY],
                "“Workload identity was selected but no client ID was provided”",
            ),
        };
    }
    msal_python(setting, client_id)
}

/// azure.identity.aio 1.27 for Python (aio/_credentials/managed_identity.py): the same choice, and no MSAL that looks again. So
/// it knows nothing of the Azure Arc agent's file, and asks Service Fabric over HTTP as well.
pub(super) fn python_aio(setting: &Setting, client_id: Option<&str>, workload_too: bool) -> Pick {
    if setting.all(&[ENDPOINT, HEADER]) {
        let fabric = setting.variable(THUMBPRINT).is_some();
        return match client_id {
            Some(_) if fabric => no_client_id(&[ENDPOINT, HEADER, THUMBPRINT], "Service Fabric"),
            _ => app_service_or_fabric(setting, client_id),
        };
    }
    if setting.all(&[ENDPOINT, IMDS_ENDPOINT]) {
        return Pick::at(setting, Source::AzureArc, ENDPOINT, named(client_id)).and(&[IMDS_ENDPOINT]);
    }
    if setting.variable(ENDPOINT).is_some() {
        return python(setting, client_id, workload_too);
    }
    if setting.all(&[MSI_ENDPOINT, MSI_SECRET]) {
        return Pick::at(setting, Source::MachineLearning, MSI_ENDPOINT, named(client_id)).and(&[MSI_SECRET]);
    }
    let workload_named = workload_too && setting.all(&[AUTHORITY, TENANT, TOKEN_FILE]);
    if setting.variable(MSI_ENDPOINT).is_some() || workload_named {
        return python(setting, client_id, workload_too);
    }
    if setting.raw(POD_HOST) == Some("") {
        return no_pod_host();
    }
    Pick::metadata(setting, named(client_id), true)
}

/// MSAL 1.39 for Python (managed_identity.py): a variable counts when it is set, even to nothing. MSI_ENDPOINT alone is ignored.
pub(super) fn msal_python(setting: &Setting, client_id: Option<&str>) -> Pick {
    let set = |names: &[&str]| names.iter().all(|name| setting.is_set(name));
    if set(&[ENDPOINT, HEADER, THUMBPRINT]) {
        let by = vec![ENDPOINT, HEADER, THUMBPRINT];
        let scheme = setting.raw(ENDPOINT).unwrap_or_default().split_once("://").map(|(scheme, _)| scheme);
        if !scheme.is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https")) {
            return Pick::nowhere(by, "“Service Fabric managed identity endpoint must use HTTPS”");
        }
        if !is_thumbprint(setting.raw(THUMBPRINT).unwrap_or_default()) {
            return Pick::nowhere(by, "“IDENTITY_SERVER_THUMBPRINT must be a SHA-1 certificate thumbprint”");
        }
        // The cluster decides as whom.
        return Pick::at(setting, Source::ServiceFabric, ENDPOINT, AsWhom::HostsDefault).and(&[HEADER, THUMBPRINT]);
    }
    if set(&[ENDPOINT, HEADER]) {
        return Pick::at(setting, Source::AppService, ENDPOINT, named(client_id)).and(&[HEADER]);
    }
    if set(&[MSI_ENDPOINT, MSI_SECRET]) {
        return Pick::at(setting, Source::MachineLearning, MSI_ENDPOINT, named(client_id)).and(&[MSI_SECRET]);
    }
    if set(&[ENDPOINT, IMDS_ENDPOINT]) && setting.variable(ENDPOINT).is_some() {
        return Pick::at(setting, Source::AzureArc, ENDPOINT, named(client_id)).and(&[IMDS_ENDPOINT]);
    }
    if setting.has_arc_agent() && !set(&[ENDPOINT, IMDS_ENDPOINT]) {
        return Pick::arc_agent(setting, ARC_BY_NAME, named(client_id));
    }
    if setting.raw(POD_HOST) == Some("") {
        return no_pod_host();
    }
    Pick::metadata(setting, named(client_id), true)
}

/// To Python an empty AZURE_POD_IDENTITY_AUTHORITY_HOST is an address, and one that cannot be asked.
fn no_pod_host() -> Pick {
    Pick::nowhere(vec![POD_HOST], "AZURE_POD_IDENTITY_AUTHORITY_HOST is set to nothing, which it takes for an address")
}

/// Forty hexadecimal digits, however they are set apart (MSAL for Python managed_identity.py).
fn is_thumbprint(text: &str) -> bool {
    let mut digits = text.chars().filter(|c| !" \t\r\n:".contains(*c));
    digits.clone().count() == 40 && digits.all(|c| c.is_ascii_hexdigit())
}

/// Azure.Identity for .NET (ManagedIdentityClient.cs, TokenExchangeManagedIdentitySource.cs): workload identity first, then
/// what MSAL picks.
pub(super) fn dotnet(setting: &Setting, client_id: Option<&str>) -> Pick {
    let fabric = setting.all(&[ENDPOINT, HEADER, THUMBPRINT]);
    if fabric && client_id.is_some() {
        return no_client_id(&[ENDPOINT, HEADER, THUMBPRINT], "Service Fabric");
    }
    if setting.all(&[TOKEN_FILE, TENANT])
        && let Some(client) = client_id.or(setting.variable(CLIENT))
    {
        return workload(setting, client);
    }
    msal_net(setting, client_id)
}

/// Azure Machine Learning's endpoint, where a client ID is named: by the caller, or else by Azure ML's own variable, which MSAL.NET
/// and MSAL for Node.js read (MachineLearningManagedIdentitySource.cs, MachineLearning.ts).
fn machine_learning(setting: &Setting, client_id: Option<&str>) -> Option<Pick> {
    let default = setting.variable(DEFAULT_ID).filter(|_| client_id.is_none());
    let identity = named(Some(client_id.or(default)?));
    let pick = Pick::at(setting, Source::MachineLearning, MSI_ENDPOINT, identity).and(&[MSI_SECRET]);
    Some(if default.is_some() { pick.and(&[DEFAULT_ID]) } else { pick })
}

/// MSAL.NET (ManagedIdentityClient.cs, CloudShellManagedIdentitySource.cs, AzureArcManagedIdentitySource.cs).
fn msal_net(setting: &Setting, client_id: Option<&str>) -> Pick {
    if setting.all(&[ENDPOINT, HEADER]) {
        return app_service_or_fabric(setting, client_id);
    }
    if setting.all(&[MSI_ENDPOINT, MSI_SECRET]) {
        return machine_learning(setting, client_id).unwrap_or_else(|| {
            let by = vec![MSI_ENDPOINT, MSI_SECRET];
            Pick::nowhere(by, "“The DEFAULT_IDENTITY_CLIENT_ID environment variable is null”, as Azure ML would set it")
        });
    }
    if setting.variable(MSI_ENDPOINT).is_some() {
        return match client_id {
            Some(_) => no_client_id(&[MSI_ENDPOINT], "Cloud Shell"),
            None => Pick::at(setting, Source::CloudShell, MSI_ENDPOINT, AsWhom::HostsDefault),
        };
    }
    let arc = match () {
        () if setting.all(&[ENDPOINT, IMDS_ENDPOINT]) => {
            Pick::at(setting, Source::AzureArc, ENDPOINT, AsWhom::HostsDefault).and(&[IMDS_ENDPOINT])
        }
        // The variable says where the agent is even when it stands alone.
        () if setting.has_arc_agent() => {
            let endpoint = setting.variable(ENDPOINT);
            let pick = Pick::arc_agent(setting, endpoint.unwrap_or(ARC_BY_ADDRESS), AsWhom::HostsDefault);
            if endpoint.is_some() { pick.and(&[ENDPOINT]) } else { pick }
        }
        () => return Pick::metadata(setting, named(client_id), true),
    };
    if client_id.is_some() { no_client_id(&arc.decided_by, "Azure Arc") } else { arc }
}

/// What IDENTITY_ENDPOINT and IDENTITY_HEADER mean to most.
fn app_service_or_fabric(setting: &Setting, client_id: Option<&str>) -> Pick {
    if setting.variable(THUMBPRINT).is_some() {
        // The cluster decides as whom.
        return Pick::at(setting, Source::ServiceFabric, ENDPOINT, AsWhom::HostsDefault).and(&[HEADER, THUMBPRINT]);
    }
    Pick::at(setting, Source::AppService, ENDPOINT, named(client_id)).and(&[HEADER])
}

/// azure-identity for Java (ManagedIdentityCredential.java) over MSAL4J (ManagedIdentityClient.java), which knows neither Azure
/// Machine Learning nor the agent's file. Blank variables count as unset.
pub(super) fn java(setting: &Setting, client_id: Option<&str>) -> Pick {
    let has = |name: &str| setting.variable(name).is_some_and(|value| !value.trim().is_empty());
    if has(TENANT) && has(TOKEN_FILE) {
        return match client_id.or(setting.variable(CLIENT)) {
            Some(client) => workload(setting, client),
            // assumed: without a client ID the exchange cannot be made.
            None => Pick::nowhere(vec![TOKEN_FILE, TENANT], "workload identity needs AZURE_CLIENT_ID as well"),
        };
    }
    if has(ENDPOINT) && has(HEADER) {
        return app_service_or_fabric(setting, client_id);
    }
    if has(MSI_ENDPOINT) {
        return match client_id {
            Some(_) => no_client_id(&[MSI_ENDPOINT], "Cloud Shell"),
            None => Pick::at(setting, Source::CloudShell, MSI_ENDPOINT, AsWhom::HostsDefault),
        };
    }
    if has(ENDPOINT) && has(IMDS_ENDPOINT) {
        return match client_id {
            Some(_) => no_client_id(&[ENDPOINT, IMDS_ENDPOINT], "Azure Arc"),
            None => Pick::at(setting, Source::AzureArc, ENDPOINT, AsWhom::HostsDefault).and(&[IMDS_ENDPOINT]),
        };
    }
    Pick::metadata(setting, named(client_id), true)
}

/// @azure/identity 4.13 (managedIdentityCredential/index.js): it refuses a client ID where the host takes none, then workload
/// identity, then what MSAL picks.
pub(super) fn node(setting: &Setting, client_id: Option<&str>) -> Pick {
    let pick = msal_node(setting, client_id);
    match pick.source {
        Source::ServiceFabric if client_id.is_some() => return no_client_id(&pick.decided_by, "Service Fabric"),
        Source::Nowhere => return pick,
        _ => {}
    }
    match client_id.or(setting.variable(CLIENT)) {
        Some(client) if setting.all(&[TENANT, TOKEN_FILE]) => workload(setting, client),
        _ => pick,
    }
}

/// @azure/msal-node 5.6 and 7.2 (ManagedIdentityClient.ts and the sources beside it).
pub(super) fn msal_node(setting: &Setting, client_id: Option<&str>) -> Pick {
    if setting.all(&[ENDPOINT, HEADER]) {
        return app_service_or_fabric(setting, client_id);
    }
    if setting.all(&[MSI_ENDPOINT, MSI_SECRET]) {
        let nobody = || Pick::at(setting, Source::MachineLearning, MSI_ENDPOINT, AsWhom::HostsDefault);
        return machine_learning(setting, client_id).unwrap_or_else(|| nobody().and(&[MSI_SECRET]));
    }
    if setting.variable(MSI_ENDPOINT).is_some() {
        return match client_id {
            Some(_) => no_client_id(&[MSI_ENDPOINT], "Cloud Shell"),
            None => Pick::at(setting, Source::CloudShell, MSI_ENDPOINT, AsWhom::HostsDefault),
        };
    }
    if setting.all(&[ENDPOINT, IMDS_ENDPOINT]) {
        return Pick::at(setting, Source::AzureArc, ENDPOINT, named(client_id)).and(&[IMDS_ENDPOINT]);
    }
    if setting.has_arc_agent() {
        return Pick::arc_agent(setting, ARC_BY_ADDRESS, named(client_id));
    }
    Pick::metadata(setting, named(client_id), true)
}

/// azidentity for Go (managed_identity_client.go): a variable counts when it is set, even to nothing. It knows neither the
/// agent's file nor AZURE_POD_IDENTITY_AUTHORITY_HOST.
pub(super) fn go(setting: &Setting, client_id: Option<&str>) -> Pick {
    if setting.is_set(ENDPOINT) {
        if setting.is_set(HEADER) {
            if !setting.is_set(THUMBPRINT) {
                return Pick::at(setting, Source::AppService, ENDPOINT, named(client_id)).and(&[HEADER]);
            }
            let by = [ENDPOINT, HEADER, THUMBPRINT];
            return match client_id {
                Some(_) => no_client_id(&by, "Service Fabric"),
                None => Pick::at(setting, Source::ServiceFabric, ENDPOINT, AsWhom::HostsDefault).and(&by),
            };
        }
        if setting.is_set(IMDS_ENDPOINT) {
            return match client_id {
                Some(_) => no_client_id(&[ENDPOINT, IMDS_ENDPOINT], "Azure Arc"),
                None => Pick::at(setting, Source::AzureArc, ENDPOINT, AsWhom::HostsDefault).and(&[IMDS_ENDPOINT]),
            };
        }
    } else if setting.is_set(MSI_ENDPOINT) {
        if setting.is_set(MSI_SECRET) {
            return Pick::at(setting, Source::MachineLearning, MSI_ENDPOINT, named(client_id)).and(&[MSI_SECRET]);
        }
        return match client_id {
            Some(_) => no_client_id(&[MSI_ENDPOINT], "Cloud Shell"),
            None => Pick::at(setting, Source::CloudShell, MSI_ENDPOINT, AsWhom::HostsDefault),
        };
    }
    Pick::metadata(setting, named(client_id), false)
}

/// azure_identity 1.0 for Rust (managed_identity_credential.rs): of the other hosts it supports App Service alone, and fails for
/// those that it recognises. A variable counts when it is set, even to nothing.
pub(super) fn rust(setting: &Setting) -> Pick {
    let unsupported = |host: &str, by: &[&'static str]| {
        Pick::nowhere(by.to_vec(), format!("“{host} managed identity isn't supported”"))
    };
    if setting.is_set(ENDPOINT) {
        if setting.is_set(HEADER) {
            if setting.is_set(THUMBPRINT) {
                return unsupported("Service Fabric", &[ENDPOINT, HEADER, THUMBPRINT]);
            }
            return Pick::at(setting, Source::AppService, ENDPOINT, AsWhom::HostsDefault).and(&[HEADER]);
        }
        if setting.is_set(IMDS_ENDPOINT) {
            return unsupported("Azure Arc", &[ENDPOINT, IMDS_ENDPOINT]);
        }
    } else if setting.is_set(MSI_ENDPOINT) {
        if setting.is_set(MSI_SECRET) {
            return unsupported("Azure ML", &[MSI_ENDPOINT, MSI_SECRET]);
        }
        return unsupported("CloudShell", &[MSI_ENDPOINT]);
    }
    Pick::metadata(setting, AsWhom::HostsDefault, false)
}
