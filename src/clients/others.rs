//! The programs and the retired libraries that have rules of their own: Azure CLI, msrestazure, AppAuthentication, go-autorest.

use super::Setting;
use super::pick::{Pick, named};
use super::row::{AsWhom, Source};
use super::source::msal_python;

const CLIENT: &str = "AZURE_CLIENT_ID";
const MSI_ENDPOINT: &str = "MSI_ENDPOINT";
const MSI_SECRET: &str = "MSI_SECRET";

/// `az login --identity` of Azure CLI 2.91 (profile/custom.py, core/_profile.py): MSAL, but for Cloud Shell. What ACC_CLOUD
/// says, MSAL sees by another variable, and without that it opens a browser (recorded).
pub(super) fn azure_cli(setting: &Setting) -> Pick {
    const CLOUD: &str = "ACC_CLOUD";
    const HOST: &str = "AZUREPS_HOST_ENVIRONMENT";
    if setting.variable(CLOUD).is_some() {
        if !setting.variable(HOST).is_some_and(|host| host.starts_with("cloud-shell")) {
            return Pick::developer(vec![CLOUD], "ACC_CLOUD is set, as in Azure Cloud Shell, so it opens a browser");
        }
        return Pick {
            source: Source::CloudShell,
            address: Some("http://localhost:50342/oauth2/token".into()),
            identity: AsWhom::Unknown,
            decided_by: vec![CLOUD, HOST],
            why: "ACC_CLOUD is set, as in Azure Cloud Shell".into(),
        };
    }
    msal_python(setting, None)
}

/// msrestazure 0.6.4 (azure_active_directory.py), which Azure CLI used until 2.61. A variable counts when it is set, even to
/// nothing.
pub(super) fn msrestazure(setting: &Setting) -> Pick {
    const SITE: &str = "APPSETTING_WEBSITE_SITE_NAME";
    if setting.is_set(SITE) {
        if setting.is_set(MSI_ENDPOINT) && setting.is_set(MSI_SECRET) {
            return Pick::at(setting, Source::AppService, MSI_ENDPOINT, AsWhom::HostsDefault).and(&[MSI_SECRET, SITE]);
        }
        return Pick::nowhere(vec![SITE], "“required env variable was not found”: App Service without MSI_ENDPOINT");
    }
    if setting.is_set(MSI_ENDPOINT) {
        return Pick::at(setting, Source::CloudShell, MSI_ENDPOINT, AsWhom::HostsDefault);
    }
    Pick::metadata(setting, AsWhom::HostsDefault, false)
}

/// AppAuthentication 1.6 for .NET (AzureServiceTokenProvider.cs, MsiAccessTokenProvider.cs): a connection string decides alone.
pub(super) fn app_authentication(setting: &Setting) -> Pick {
    const CONNECTION: &str = "AzureServicesAuthConnectionString";
    let has = |name: &str| setting.variable(name).is_some_and(|value| !value.trim().is_empty());
    if has(CONNECTION) {
        return Pick {
            source: Source::Unknown,
            address: None,
            identity: AsWhom::Unknown,
            decided_by: vec![CONNECTION],
            why: "its connection string decides, which is not read here because it can hold a key".into(),
        };
    }
    if has("IDENTITY_ENDPOINT") && has("IDENTITY_HEADER") {
        let fabric = ["IDENTITY_SERVER_THUMBPRINT", "IDENTITY_API_VERSION"];
        let by = ["IDENTITY_HEADER"];
        return if fabric.iter().all(|name| has(name)) {
            Pick::at(setting, Source::ServiceFabric, "IDENTITY_ENDPOINT", AsWhom::HostsDefault).and(&by).and(&fabric)
        } else {
            Pick::at(setting, Source::AppService, "IDENTITY_ENDPOINT", AsWhom::HostsDefault).and(&by)
        };
    }
    Pick::metadata(setting, AsWhom::HostsDefault, false)
}

/// go-autorest's NewAuthorizerFromEnvironment (azure/auth/auth.go, adal/token.go): a secret, a certificate, a password, then the
/// managed identity that AZURE_CLIENT_ID names.
pub(super) fn go_autorest(setting: &Setting) -> Pick {
    const TENANT: &str = "AZURE_TENANT_ID";
    let client = setting.variable(CLIENT);
    let application = client.map_or(AsWhom::Unknown, |id| AsWhom::Application(id.to_owned()));
    // AZURE_AUTHORITY_HOST is not read by it.
    let entra = |source, identity, by: Vec<&'static str>, why: &str| Pick {
        address: Some("https://login.microsoftonline.com".into()),
        ..Pick::entra(setting, source, identity, by, why)
    };
    for (variable, why) in [
        ("AZURE_CLIENT_SECRET", "a service principal's secret comes before managed identity"),
        ("AZURE_CERTIFICATE_PATH", "a service principal's certificate comes before managed identity"),
    ] {
        if setting.variable(variable).is_some() {
            return match setting.all(&[TENANT, CLIENT]) {
                true => entra(Source::ServicePrincipal, application, vec![variable, TENANT, CLIENT], why),
                false => Pick::nowhere(vec![variable], format!("{why}, and needs AZURE_TENANT_ID and AZURE_CLIENT_ID")),
            };
        }
    }
    if setting.all(&["AZURE_USERNAME", "AZURE_PASSWORD"]) {
        let by = vec!["AZURE_USERNAME", "AZURE_PASSWORD"];
        return entra(Source::User, AsWhom::Unknown, by, "a user's password comes before managed identity");
    }
    let pick = match () {
        () if setting.all(&[MSI_ENDPOINT, MSI_SECRET]) => {
            Pick::at(setting, Source::AppService, MSI_ENDPOINT, named(client)).and(&[MSI_SECRET])
        }
        () if setting.variable(MSI_ENDPOINT).is_some() => {
            Pick::at(setting, Source::CloudShell, MSI_ENDPOINT, named(client))
        }
        () => Pick::metadata(setting, named(client), false),
    };
    if client.is_some() { pick.and(&[CLIENT]) } else { pick }
}
