//! Which HTTP library would send a request for the metadata service through a proxy of Windows' own settings: the machine's for
//! WinHTTP, the user's for WinINET. Pure; that of variables is in `proxy`.
//!
//! By their documents and sources: .NET reads variables "or, if those are not defined, the user's proxy settings"
//! (`HttpClient.DefaultProxy`), Windows PowerShell's .NET Framework the user's alone; Python's `urllib.request.getproxies` the registry
//! where no variable names a proxy or an exception, and requests and aiohttp ask it; hyper-util's `Matcher::from_system` the user's
//! where no variable is set; the Azure SDK for C++ goes by WinHTTP. Go, Node.js, Java and curl read neither.

use super::{Setting, Stack};
use crate::evidence::METADATA_ADDRESS;

/// The variables that stand for a proxy.
const PROXIES: [&str; 6] = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// The libraries that obey the user's proxy with these variables.
pub fn by_user(setting: &Setting) -> Vec<Stack> {
    let any = PROXIES.iter().any(|name| setting.variable(name).is_some());
    let python = !any && ["no_proxy", "NO_PROXY"].iter().all(|name| setting.variable(name).is_none());
    let obeys = |stack: &Stack| match stack {
        Stack::Requests | Stack::Aiohttp => python,
        Stack::DotNet | Stack::Reqwest => !any,
        _ => false,
    };
    super::proxy::STACKS.into_iter().filter(obeys).collect()
}

/// The clients that obey the machine's proxy for WinHTTP, in words.
pub const OF_WINHTTP: &str = "the Azure SDK for C++ and other programs that use WinHTTP, such as Windows' own services";

/// Does this list of exceptions spare the metadata service? `*` and `?` stand for any signs; `<local>` for names without a dot, which
/// an address is not (Microsoft's page on `WINHTTP_PROXY_INFO`).
pub fn spares_metadata(bypass: &str) -> bool {
    let entries = bypass.split([';', ' ', '\t']).filter(|entry| !entry.is_empty());
    entries.map(|entry| entry.strip_prefix("http://").unwrap_or(entry)).any(|entry| {
        let plain = entry.replace('[', "[[]");
        glob::Pattern::new(&plain).is_ok_and(|pattern| pattern.matches(METADATA_ADDRESS))
    })
}

/// The list with the metadata service's address in it.
pub fn sparing_metadata(bypass: &str) -> String {
    let kept = bypass.trim_matches([';', ' ']);
    if kept.is_empty() { METADATA_ADDRESS.to_owned() } else { format!("{kept};{METADATA_ADDRESS}") }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn a_list_spares_the_address_by_name_or_by_a_pattern() {
        for (list, expected) in [
            ("", false),
            ("<local>", false),
            ("<local>;*.contoso.com", false),
            ("169.254.169.254", true),
            ("<local>; 169.254.169.254", true),
            ("169.254.*", true),
            ("http://169.254.169.254", true),
            ("*", true),
            ("169.254.0.0/16", false),
            ("[", false),
        ] {
            assert_eq!(spares_metadata(list), expected, "{list}");
            assert!(spares_metadata(&sparing_metadata(list)), "{list}");
        }
        assert_eq!(sparing_metadata("<local>;"), "<local>;169.254.169.254");
    }

    #[test]
    fn variables_come_before_the_users_proxy() {
        let by = |name: &str| {
            let variables = BTreeMap::from([(name.to_owned(), "x".to_owned())]);
            by_user(&Setting { variables: &variables, files: &BTreeSet::new() })
        };
        let all = [Stack::Requests, Stack::Aiohttp, Stack::DotNet, Stack::Reqwest];
        assert_eq!(by("AZURE_CLIENT_ID"), all);
        assert_eq!(by("NO_PROXY"), [Stack::DotNet, Stack::Reqwest]);
        assert_eq!(by("HTTPS_PROXY"), []);
    }
}
