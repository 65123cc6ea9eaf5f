//! Which proxy each HTTP library would send a request for the metadata service to, by its own reading of the variables.
//!
//! The rules are those of the libraries' sources; the interop suite holds them against the real ones. Only variables count
//! here: proxies of Windows' own settings are in `system_proxy`, those of macOS are not looked at.

use core::net::Ipv4Addr;

use serde::Serialize;

use super::{Setting, Stack};
use crate::evidence::METADATA_ADDRESS;

/// A request that would go to a proxy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Caught {
    /// The variable that says so.
    pub variable: &'static str,
    /// Its value: mostly a URL, sometimes host and port alone.
    pub proxy: String,
}

/// Every library, in the order in which their clients are named.
pub const STACKS: [Stack; 9] = [
    Stack::Requests,
    Stack::Aiohttp,
    Stack::DotNet,
    Stack::Java,
    Stack::NodePipeline,
    Stack::NodePlain,
    Stack::Go,
    Stack::Reqwest,
    Stack::Curl,
];

/// The variables that some client sends plain HTTP through a proxy by, in the order in which one is named when several do.
pub const VARIABLES: [&str; 6] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "https_proxy", "HTTPS_PROXY"];

/// The metadata service's address as a number.
const ADDRESS: u32 = u32::from_be_bytes([169, 254, 169, 254]);
/// The port it is asked at.
const PORT: &str = "80";

/// The clients that use this library, in a few words.
pub fn clients(stack: Stack) -> &'static str {
    match stack {
        Stack::Requests => "Python (Azure CLI, azure-identity, MSAL)",
        Stack::Aiohttp => "azure.identity.aio for Python",
        Stack::DotNet => ".NET and PowerShell 7",
        Stack::Java => "Java",
        Stack::NodePipeline => "@azure/identity for Node.js",
        Stack::NodePlain => "@azure/msal-node",
        Stack::Go => "Go",
        Stack::Reqwest => "Rust",
        Stack::Curl => "curl",
    }
}

/// The proxy that this library would send a plain-HTTP request for the metadata service to; `None` when it would go there
/// itself.
pub fn for_metadata(stack: Stack, setting: &Setting) -> Option<Caught> {
    match stack {
        Stack::Requests => requests(setting),
        Stack::Aiohttp => aiohttp(setting),
        Stack::DotNet => dot_net(setting),
        // Java's own clients read system properties (http.proxyHost); azure-core's ProxyOptions reads HTTPS_PROXY and
        // HTTP_PROXY only under -Djava.net.useSystemProxies=true. No variable says so.
        Stack::Java => None,
        Stack::NodePipeline => node_pipeline(setting),
        Stack::NodePlain => node_plain(setting),
        Stack::Go => go(setting),
        Stack::Reqwest => reqwest(setting),
        Stack::Curl => curl(setting),
    }
}

/// The first of these variables that is set and not empty.
fn first(setting: &Setting, names: &[&'static str]) -> Option<Caught> {
    let mut set = names.iter().filter_map(|name| Some((*name, setting.variable(name)?)));
    set.next().map(|(variable, proxy)| Caught { variable, proxy: proxy.to_owned() })
}

/// The list of exceptions: the first of these that is set and not empty.
fn exceptions<'a>(setting: &Setting<'a>, names: [&str; 2]) -> &'a str {
    names.iter().find_map(|name| setting.variable(name)).unwrap_or_default()
}

/// The same where an empty variable hides the other one.
fn shadowing<'a>(setting: &Setting<'a>, names: [&str; 2]) -> &'a str {
    names.iter().find_map(|name| setting.variables.get(*name)).map_or("", String::as_str)
}

/// Is the variable there, empty or not?
fn is_there(setting: &Setting, name: &str) -> bool {
    setting.variables.contains_key(name)
}

/// Python's `urllib.request.getproxies_environment`: the lower-case variable counts, an empty one takes the other away; in a
/// CGI script `HTTP_PROXY` does not count, since a web server sets it from a header.
fn of_python(setting: &Setting, [lower, upper]: [&'static str; 2]) -> Option<Caught> {
    if is_there(setting, lower) {
        return first(setting, &[lower]);
    }
    first(setting, &[upper]).filter(|_| upper != "HTTP_PROXY" || !is_there(setting, "REQUEST_METHOD"))
}

/// Python's `urllib.request.proxy_bypass_environment`: `*` stands alone, any other entry is a name or the end of one.
fn bypassed_by_python(setting: &Setting) -> bool {
    let list = of_python(setting, ["no_proxy", "NO_PROXY"]).map(|found| found.proxy).unwrap_or_default();
    list == "*" || list.split(',').map(str::trim).any(|entry| is_at_or_below(METADATA_ADDRESS, entry))
}

/// Is the host this name, or one below it? Dots before the name do not count.
fn is_at_or_below(host: &str, entry: &str) -> bool {
    let name = entry.trim_start_matches('.').to_lowercase();
    !entry.is_empty() && (host == name || host.strip_suffix(&name).is_some_and(|before| before.ends_with('.')))
}

/// requests: `utils.should_bypass_proxies`, which knows ranges, and then urllib's own rule.
fn requests(setting: &Setting) -> Option<Caught> {
    let list = exceptions(setting, ["no_proxy", "NO_PROXY"]).replace(' ', "");
    if list.split(',').any(|entry| entry == METADATA_ADDRESS || in_range_of_requests(entry))
        || bypassed_by_python(setting)
    {
        return None;
    }
    of_python(setting, ["http_proxy", "HTTP_PROXY"]).or_else(|| of_python(setting, ["all_proxy", "ALL_PROXY"]))
}

/// requests: `utils.is_valid_cidr` takes any address that `inet_aton` does, and no prefix of 0.
fn in_range_of_requests(entry: &str) -> bool {
    let Some((network, prefix)) = entry.split_once('/') else { return false };
    let parts: Option<Vec<u32>> = network.split('.').map(|part| part.parse().ok()).collect();
    let Some(network) = parts.filter(|parts| parts.len() <= 4).and_then(|parts| aton(&parts)) else { return false };
    prefix.parse().is_ok_and(|prefix: u32| (1..=32).contains(&prefix) && same_network(network, prefix))
}

/// An address of one to four parts, the last of which fills what is left.
fn aton(parts: &[u32]) -> Option<u32> {
    let (last, leading) = parts.split_last()?;
    let mut address = 0;
    for (index, part) in leading.iter().enumerate() {
        address |= u32::from(u8::try_from(*part).ok()?) << (24 - 8 * index);
    }
    let room = u32::MAX >> (8 * leading.len());
    (*last <= room).then_some(address | last)
}

fn same_network(network: u32, prefix: u32) -> bool {
    let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
    network & mask == ADDRESS & mask
}

/// The address and prefix of an entry in full CIDR notation.
fn cidr(entry: &str) -> Option<(u32, u32)> {
    let (network, prefix) = entry.split_once('/')?;
    let plain = !prefix.is_empty() && prefix.len() <= 2 && prefix.chars().all(|c| c.is_ascii_digit());
    let prefix: u32 = prefix.parse().ok().filter(|prefix| plain && *prefix <= 32)?;
    Some((u32::from(network.parse::<Ipv4Addr>().ok()?), prefix))
}

fn in_range(entry: &str) -> bool {
    cidr(entry).is_some_and(|(network, prefix)| same_network(network, prefix))
}

/// Is this entry a range, in any notation, that the metadata service's address lies in?
pub fn is_range_around_metadata(entry: &str) -> bool {
    in_range(entry) || in_range_of_requests(entry)
}

/// aiohttp with `trust_env`, as azure-core sets it: urllib's rules (`helpers.get_env_proxy_for_url`), no variable for all
/// schemes, and no proxy that is reached by TLS.
fn aiohttp(setting: &Setting) -> Option<Caught> {
    let found = of_python(setting, ["http_proxy", "HTTP_PROXY"])?;
    let by_tls = ["https:", "wss:"].iter().any(|scheme| found.proxy.to_ascii_lowercase().starts_with(scheme));
    (!by_tls && !bypassed_by_python(setting)).then_some(found)
}

/// .NET's `HttpEnvironmentProxy` on Linux, and Azure.Core's copy of it: names, and names that begin with a dot with all below
/// them; no `*`, no port, and no range in any version that is out (dotnet/runtime pull request 131397 adds ranges).
fn dot_net(setting: &Setting) -> Option<Caught> {
    let upper: &[&'static str] = if is_there(setting, "GATEWAY_INTERFACE") { &[] } else { &["HTTP_PROXY"] };
    let found = first(setting, &["http_proxy"])
        .or_else(|| first(setting, upper))
        .or_else(|| first(setting, &["all_proxy", "ALL_PROXY"]))?;
    let list = shadowing(setting, ["no_proxy", "NO_PROXY"]);
    (!list.split(',').any(|entry| is_dotted_end(entry.trim()))).then_some(found)
}

/// The host itself, or the end of its name with a dot before it.
fn is_dotted_end(entry: &str) -> bool {
    entry == METADATA_ADDRESS
        || entry.strip_prefix('.').is_some_and(|name| name == METADATA_ADDRESS || METADATA_ADDRESS.ends_with(entry))
}

/// @typespec/ts-http-runtime's `proxyPolicy` (and @azure/core-rest-pipeline's): one proxy for all schemes, `HTTPS_PROXY` before
/// the others, upper case first; exceptions as .NET reads them.
fn node_pipeline(setting: &Setting) -> Option<Caught> {
    let names = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"];
    let list = exceptions(setting, ["NO_PROXY", "no_proxy"]);
    first(setting, &names).filter(|_| !list.split(',').any(|entry| is_dotted_end(entry.trim())))
}

/// Node.js' fetch, which @azure/msal-node uses (older versions of it never look for a proxy): variables count from Node.js 24 on
/// and only when this is switched on (undici's `EnvHttpProxyAgent`). `--use-env-proxy` does the same, unseen here.
fn node_plain(setting: &Setting) -> Option<Caught> {
    if setting.variable("NODE_USE_ENV_PROXY") != Some("1") {
        return None;
    }
    let name = ["http_proxy", "HTTP_PROXY"].into_iter().find(|name| is_there(setting, name))?;
    let list = shadowing(setting, ["no_proxy", "NO_PROXY"]);
    let spared = |entry: &str| {
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) if !port.is_empty() && port.chars().all(|c| c.is_ascii_digit()) => (host, port),
            _ => (entry, PORT),
        };
        let end = host.strip_prefix('*').unwrap_or(host);
        let any = host.starts_with(['.', '*']);
        port == PORT && if any { METADATA_ADDRESS.ends_with(end) } else { host == METADATA_ADDRESS }
    };
    let exempt = list == "*"
        || list.split(|c: char| c == ',' || c.is_whitespace()).filter(|entry| !entry.is_empty()).any(spared);
    first(setting, &[name]).filter(|_| !exempt)
}

/// Go's `golang.org/x/net/http/httpproxy`: upper case first, nothing for all schemes; in a CGI program the request fails.
fn go(setting: &Setting) -> Option<Caught> {
    if setting.variable("REQUEST_METHOD").is_some() {
        return None;
    }
    let list = exceptions(setting, ["NO_PROXY", "no_proxy"]);
    let spared = |entry: &str| {
        if entry == "*" || in_range(entry) {
            return true;
        }
        let (host, port) = match entry.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, port),
            _ => (entry, ""),
        };
        // An address counts as such, anything else as the end of a name; a dot before it leaves out the name itself.
        let host = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
        let matches = match host.strip_prefix('.') {
            Some(_) => METADATA_ADDRESS.ends_with(host),
            None => is_at_or_below(METADATA_ADDRESS, host),
        };
        matches && (port.is_empty() || port == PORT)
    };
    first(setting, &["HTTP_PROXY", "http_proxy"]).filter(|_| !list.split(',').map(str::trim).any(spared))
}

/// reqwest by hyper-util's `Matcher`: upper case first, an empty variable hides the other one, no proxy at all in a CGI
/// program. Names never match an address, so neither does `*`.
fn reqwest(setting: &Setting) -> Option<Caught> {
    if is_there(setting, "REQUEST_METHOD") {
        return None;
    }
    let usable = |found: &Caught| {
        let scheme = found.proxy.split_once("://").map_or("http", |(scheme, _)| scheme);
        let known = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
        known.iter().any(|name| scheme.eq_ignore_ascii_case(name)) && !found.proxy.contains(char::is_whitespace)
    };
    let of = |names: [&'static str; 2]| {
        let name = names.into_iter().find(|name| is_there(setting, name))?;
        first(setting, &[name]).filter(usable)
    };
    let found = of(["HTTP_PROXY", "http_proxy"]).or_else(|| of(["ALL_PROXY", "all_proxy"]))?;
    let list = shadowing(setting, ["NO_PROXY", "no_proxy"]);
    (!list.split(',').map(str::trim).any(|entry| entry == METADATA_ADDRESS || in_range(entry))).then_some(found)
}

/// curl and libcurl: `http_proxy` in lower case only (lib/url.c); `*` stands alone, an address matches itself, or its range from
/// 7.86 on (lib/noproxy.c). Blanks part entries as commas do (measured with 7.88; later ones stop at a blank without a comma).
fn curl(setting: &Setting) -> Option<Caught> {
    let list = exceptions(setting, ["no_proxy", "NO_PROXY"]);
    let exempt = list == "*" || list.split([' ', '\t', ',']).any(in_range_of_curl);
    first(setting, &["http_proxy", "all_proxy", "ALL_PROXY"]).filter(|_| !exempt)
}

/// A prefix of 0 counts as one of 32, and so does none.
fn in_range_of_curl(entry: &str) -> bool {
    let (network, prefix) = entry.split_once('/').unwrap_or((entry, "32"));
    let digits: String = prefix.chars().take_while(char::is_ascii_digit).collect();
    let prefix: u32 = if digits.is_empty() { 0 } else { digits.parse().unwrap_or(u32::MAX) };
    let prefix = if prefix == 0 { 32 } else { prefix };
    network.parse::<Ipv4Addr>().is_ok_and(|network| prefix <= 32 && same_network(network.into(), prefix))
}

/// The proxy that most clients, and midoctor with them, reach this HTTPS host through: the lower-case variable first, as curl
/// and Python have it. An exception stands for a name and all below it, with or without a dot or `*.` before it.
pub fn for_https(host: &str, setting: &Setting) -> Option<Caught> {
    let host = host.to_ascii_lowercase();
    let list = exceptions(setting, ["no_proxy", "NO_PROXY"]);
    let spared = |entry: &str| {
        let name = entry.trim().strip_suffix(":443").unwrap_or(entry.trim());
        name == "*" || is_at_or_below(&host, name.trim_start_matches('*'))
    };
    first(setting, &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
        .filter(|_| !list.split([',', ' ', '\t']).any(spared))
}

/// The proxy that plain HTTP goes through, whatever the exceptions say: the first of [`VARIABLES`] that is set.
pub fn for_plain_http(setting: &Setting) -> Option<Caught> {
    first(setting, &VARIABLES)
}

#[cfg(test)]
#[path = "proxy_tests.rs"]
mod tests;
