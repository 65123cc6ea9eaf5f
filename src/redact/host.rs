//! Names of hosts: whose they are, and what stands for them. What a host is below is kept where that is a service of Azure's, since
//! judging needs it: `kv-app.vault.azure.net` becomes `host-1.vault.azure.net`. Domains of one's own become `domain-1.example`,
//! and what is below them stays below them.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use crate::azure::cloud::{self, ALIASES};
use crate::azure::service;
use crate::plan::Resource;
use crate::seal;

use super::address;
use super::names::{Kind, Names};

/// Domains that are the same for everybody: what is below them names nobody.
const PUBLIC: [&str; 16] = [
    "microsoft.com",
    "microsoftonline.com",
    "microsoftonline.us",
    "microsoftonline.cn",
    "microsoftazure.us",
    "login.windows.net",
    "sts.windows.net",
    "windowsupdate.com",
    "msidentity.com",
    "aka.ms",
    "digicert.com",
    "google.internal",
    "github.com",
    "w3.org",
    "ietf.org",
    "docker.internal",
];

/// Domains of Azure's that customers' names are below: the first label, and others that are not among [`STRUCTURE`].
const SERVICES: [&str; 14] = [
    "azure.net",
    "azure.com",
    "azure.us",
    "azure.cn",
    "windows.net",
    "usgovcloudapi.net",
    "chinacloudapi.cn",
    "azurecr.io",
    "azurecr.us",
    "azurecr.cn",
    "azconfig.io",
    "azurewebsites.net",
    "azure-api.net",
    "cloudapp.net",
];

/// Labels in the midst of Azure's hosts.
const STRUCTURE: [&str; 24] = [
    "vault",
    "vaultcore",
    "managedhsm",
    "blob",
    "queue",
    "table",
    "dfs",
    "file",
    "web",
    "core",
    "privatelink",
    "servicebus",
    "documents",
    "database",
    "azconfig",
    "ossrdbms-aad",
    "management",
    "portal",
    "internal",
    "cloudapp",
    "azure",
    "graph",
    "login",
    "scm",
];

/// Hosts of the clouds themselves.
static OWN: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let host = |url: &str| url.split("://").last().and_then(|rest| rest.split('/').next()).map(str::to_lowercase);
    cloud::known()
        .flat_map(|cloud| {
            let aliases = ALIASES.iter().filter_map(|(name, _)| cloud.uri(&Resource::Alias((*name).into())));
            let fixed = cloud.sts_host.iter().chain(cloud.login_hosts).chain(cloud.arm_audiences).chain(&cloud.portal);
            aliases.chain(fixed.map(|text| (*text).to_owned())).chain([cloud.arm_host.to_string()]).collect::<Vec<_>>()
        })
        .filter_map(|text| host(&text))
        .collect()
});

fn is_at_or_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// Does this host mean the same to everybody?
pub fn is_public(host: &str) -> bool {
    let host = host.to_lowercase();
    let names_nobody = host == "localhost" || host.parse::<core::net::IpAddr>().is_ok();
    names_nobody
        || OWN.contains(&host)
        || SERVICES.contains(&host.as_str())
        || PUBLIC.iter().any(|domain| is_at_or_below(&host, domain))
        // The service's domain itself is nobody's account.
        || service::domain(&format!("x.{host}")) == Some(host.as_str())
}

/// Endings of hosts that nothing else in a sentence has.
const ENDINGS: [&str; 28] = [
    "com", "net", "org", "local", "lan", "internal", "corp", "intra", "intranet", "home", "io", "biz", "info", "eu",
    "de", "uk", "fr", "nl", "ch", "se", "dk", "fi", "pl", "jp", "cn", "au", "ca", "example",
];

/// Could this be a host at all, where nothing says that it is one: below a domain of Azure's, or below one that was met already?
pub fn is_known(host: &str, names: &Names) -> bool {
    let host = host.trim_start_matches(['*', '.']).to_lowercase();
    let own = last_two(&host).is_some_and(|(_, domain)| names.knows(Kind::Domain, domain));
    let ends_as_one = host.rsplit_once('.').is_some_and(|(_, end)| ENDINGS.contains(&end));
    own || (ends_as_one && !is_public(&host))
        || SERVICES.iter().any(|domain| host.len() > domain.len() && is_at_or_below(&host, domain))
}

/// What is before the last two labels, and these.
fn last_two(host: &str) -> Option<(&str, &str)> {
    let (rest, _) = host.rsplit_once('.')?;
    Some(match rest.rsplit_once('.') {
        Some((before, _)) => (before, &host[before.len() + 1..]),
        None => ("", host),
    })
}

/// What stands for a host.
pub fn replaced(host: &str, names: &mut Names) -> String {
    let bare = host.trim_start_matches(['*', '.']);
    let (prefix, end) = (&host[..host.len() - bare.len()], if bare.ends_with('.') { "." } else { "" });
    let bare = bare.trim_end_matches('.');
    if bare.is_empty() || is_public(bare) {
        if let Some(address) = address::replaced(bare, names) {
            return format!("{prefix}{address}{end}");
        }
        return host.to_owned();
    }
    let lower = bare.to_lowercase();
    let service = service::domain(&lower);
    let below = service.or_else(|| SERVICES.into_iter().find(|domain| is_at_or_below(&lower, domain)));
    let (labels, domain) = match below {
        Some(domain) => (bare.get(..bare.len() - domain.len() - 1).unwrap_or_default(), domain.to_owned()),
        None => match last_two(bare) {
            Some((labels, domain)) => (labels, names.name(Kind::Domain, domain)),
            None => return format!("{prefix}{}{end}", names.name(Kind::Label, bare)),
        },
    };
    let mut parts: Vec<String> = Vec::new();
    for (index, label) in labels.split('.').filter(|label| !label.is_empty()).enumerate() {
        let structural = below.is_some() && index > 0 && STRUCTURE.contains(&label.to_lowercase().as_str());
        parts.push(if structural { label.to_owned() } else { names.name(Kind::Label, label) });
    }
    parts.push(domain);
    format!("{prefix}{}{end}", parts.join("."))
}

/// What stands for a host with a port, a scheme, or both, as proxies are named: `http://proxy.contoso.com:3128/`.
pub fn replaced_in_proxy(value: &str, names: &mut Names) -> String {
    // Some write it without a scheme, and with its slashes.
    let (scheme, sign, rest) = match value.split_once("//") {
        Some((scheme, rest)) if scheme.is_empty() || scheme.ends_with(':') => (scheme, "//", rest),
        _ => ("", "", value),
    };
    let (host, path) = rest.find(['/', '?', '#']).map_or((rest, ""), |at| rest.split_at(at));
    let (host, port) = match host.rsplit_once(':') {
        Some((before, port))
            if (!before.contains(':') || before.ends_with(']')) && port.chars().all(|c| c.is_ascii_digit()) =>
        {
            (before, Some(port))
        }
        _ => (host, None),
    };
    let plain = !host.is_empty() && host.chars().all(|c| c.is_alphanumeric() || ".-_*".contains(c));
    let host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(six) => format!("[{}]", address::replaced(six, names).unwrap_or_else(|| names.name(Kind::Label, six))),
        None if plain => replaced(host, names),
        None if host == seal::SEAL => host.to_owned(),
        None => address::replaced(host, names).unwrap_or_else(|| super::text::replaced(host, names)),
    };
    let part = |part: &str| super::text::path_part(part, names);
    let path = path.split('/').map(part).collect::<Vec<_>>().join("/");
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{scheme}{sign}{host}{port}{path}")
}
