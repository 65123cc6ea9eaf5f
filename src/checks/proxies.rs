//! Proxy variables that catch requests to the metadata service: the finding `env-proxy` of the check `environment`.

use crate::case::Case;
use crate::check::Finding;
use crate::evidence::METADATA_ADDRESS;

/// Variables that send plain HTTP through a proxy, in the order in which clients look.
const PROXIES: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];

pub(super) fn proxy_finding(case: &Case) -> Option<Finding> {
    let (variable, value) =
        PROXIES.into_iter().find_map(|name| Some((name, case.variable(name).filter(|value| !value.is_empty())?)))?;
    let exceptions = case.variable("no_proxy").or_else(|| case.variable("NO_PROXY")).unwrap_or_default();
    let entries: Vec<&str> = exceptions.split(',').map(str::trim).collect();
    if entries.iter().any(|entry| *entry == METADATA_ADDRESS || *entry == "*") {
        return None;
    }
    // A range is understood by some clients (curl, Go, Python requests) and not by others (.NET, Java).
    let by_some = entries.iter().any(|entry| entry.contains('/') && entry.starts_with("169.254."));
    let finding = if by_some { Finding::warning("env-proxy") } else { Finding::error("env-proxy") };
    let no_proxy = if exceptions.is_empty() { "not set".to_owned() } else { format!("“{exceptions}”") };
    Some(finding.with("variable", variable).with("value", value).with("no_proxy", no_proxy))
}
