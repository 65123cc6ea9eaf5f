//! Connections that did not come about: what went wrong and with whom.
//!
//! Hosts, ports and error numbers survive translation, so a fault is joined with the host that is named nearest before it.
//! What a fault means for a managed identity is judged in `connections`.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

pub use super::faults::Fault;
use super::faults::faults;
use super::text::{Text, boundary};
use crate::azure::cloud;
use crate::azure::service::Service;
use crate::pattern::pattern;

/// Whom a connection was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// The metadata service.
    Metadata,
    /// The retired VM extension.
    Retired,
    /// Something else on the machine itself, at that port.
    Local(u16),
    /// Azure Resource Manager or Microsoft Graph.
    Manager,
    /// Microsoft Entra ID.
    Login,
    /// A data service.
    Data,
}

/// A fault and whom it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// What went wrong.
    pub fault: Fault,
    /// With whom, where that is told and known here.
    pub place: Option<Place>,
    /// Where the text says so.
    pub at: Range<usize>,
}

static HOST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(\[::1\]|localhost|\d{1,3}(?:\.\d{1,3}){3}|(?:[a-z0-9*_-]+>?\.)+[a-z]{2,})(?:(?::|['"]?,? port[ =:]+)(\d{1,5})\b)?"#,
    )
});

/// What stands before a host that is not connected to, but asked a token for.
static NOT_A_DESTINATION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"\b(?:resource|audiences?|scopes?|named|issuer|expected|found|iss)[^a-z0-9]{0,6}(?:https?://)?$|%$|%2f$|'https://$|@$"#,
    )
});

static NAMED_HOST: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"(?:://|host=['"]|enotfound |eai_again |resolve ')([a-z0-9._-]+)"#));

/// Every host in the text that this crate knows, and where.
pub fn places(text: &Text) -> Vec<(Place, Range<usize>)> {
    let mut found = Vec::new();
    for parts in HOST.captures_iter(&text.flat) {
        let Some(host) = parts.get(1) else { continue };
        let port = parts.get(2).and_then(|port| port.as_str().parse().ok());
        let before = &text.flat[boundary(&text.flat, host.start().saturating_sub(40))..host.start()];
        if NOT_A_DESTINATION.is_match(before) {
            continue;
        }
        if let Some(place) = place(host.as_str(), port) {
            found.push((place, host.range()));
        }
    }
    // The path names the service where the address is left out or is a stand-in's.
    for (at, path) in text.flat.match_indices("/metadata/identity/oauth2/token") {
        if !found.iter().any(|(place, _)| matches!(place, Place::Metadata | Place::Local(_))) {
            found.push((Place::Metadata, at..at + path.len()));
        }
    }
    found.sort_by_key(|(_, at)| at.start);
    found
}

fn place(host: &str, port: Option<u16>) -> Option<Place> {
    if host == "169.254.169.254" {
        return Some(Place::Metadata);
    }
    if matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
        return match port? {
            50342 => Some(Place::Retired),
            // A name server, or a name that is led astray.
            53 | 443 => None,
            port => Some(Place::Local(port)),
        };
    }
    let ends = |suffix: &str| host.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let is_manager = |cloud: &cloud::Cloud| {
        ends(&cloud.arm_host) || cloud.arm_audiences.iter().any(|url| ends(url.trim_start_matches("https://")))
    };
    if cloud::CLOUDS.iter().any(is_manager) || ends("graph.microsoft.com") || ends("graph.windows.net") {
        return Some(Place::Manager);
    }
    let is_login = |cloud: &cloud::Cloud| cloud.login_hosts.iter().any(|known| ends(known));
    if cloud::CLOUDS.iter().any(is_login) || ends("login.windows.net") || ends("login.microsoft.com") {
        return Some(Place::Login);
    }
    let data = Service::of(host).is_some() || ends("database.windows.net") || ends("file.core.windows.net");
    data.then_some(Place::Data)
}

/// Does the text name a host to connect to that has nothing to do with Azure?
pub fn names_a_stranger(text: &Text) -> bool {
    const READING: [&str; 10] = [
        "aka.ms",
        "go.microsoft.com",
        "learn.microsoft.com",
        "docs.microsoft.com",
        "developer.mozilla.org",
        "curl.se",
        "curl.haxx.se",
        "github.com",
        "www.w3.org",
        "docs.python.org",
    ];
    NAMED_HOST.captures_iter(&text.flat).filter_map(|parts| parts.get(1)).any(|host| {
        let host = host.as_str();
        place(host, Some(50342)).is_none()
            && !READING.contains(&host)
            && !["azure.", "windows.net", "microsoft", "chinacloudapi", "usgovcloudapi", "proxy", "oauth", "gateway"]
                .iter()
                .any(|part| host.contains(part))
            && host.contains('.')
    })
}

/// Every fault in the text with whom it is about, each once.
pub fn broken(text: &Text) -> Vec<Broken> {
    let places = places(text);
    let mut found: Vec<Broken> = Vec::new();
    for (fault, word) in faults(text) {
        let line = text.index(word.start);
        let nearest = |same_line: bool| {
            let near = |at: &Range<usize>| !same_line || text.index(at.start) == line;
            let before = places.iter().rev().find(|(_, at)| at.start < word.start && near(at));
            before.or_else(|| places.iter().find(|(_, at)| at.start >= word.end && near(at)))
        };
        let place = nearest(true).or_else(|| nearest(false)).map(|(place, _)| *place);
        if !found.iter().any(|known| known.fault == fault && known.place == place) {
            found.push(Broken { fault, place, at: word });
        }
    }
    // What failed first says more than what followed from it: a name server out of reach is a matter of names.
    found.sort_by_key(|one| !matches!(one.fault, Fault::Unresolved | Fault::Certificate));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        crate::pattern::are_all_of(include_str!("transport.rs"), &[&HOST, &NOT_A_DESTINATION, &NAMED_HOST]);
    }
    use crate::explain::cause::Passage;

    #[test]
    fn a_fault_is_about_the_host_named_before_it_and_not_about_the_resource() {
        for (line, fault, place) in [
            (
                "Get \"http://169.254.169.254/metadata/identity/oauth2/token?resource=https%3A%2F%2Fgraph.microsoft.com%2F\": context deadline exceeded",
                Fault::TimedOut,
                Some(Place::Metadata),
            ),
            (
                "request to https://management.azure.com/x: Post https://login.microsoftonline.com/t: dial tcp: i/o timeout",
                Fault::TimedOut,
                Some(Place::Login),
            ),
            ("connect ECONNREFUSED 127.0.0.1:50342", Fault::Refused, Some(Place::Retired)),
            (
                "HTTPConnectionPool(host='localhost', port=41234): [WinError 10061]",
                Fault::Refused,
                Some(Place::Local(41234)),
            ),
            ("getaddrinfo ENOTFOUND kv-x.vault.azure.net", Fault::Unresolved, Some(Place::Data)),
            ("dial tcp 10.1.1.1:443: connect: no route to host", Fault::Unreachable, None),
        ] {
            let passage = Passage { first: 1, lines: vec![line.to_owned()] };
            let found = broken(&Text::read(&passage));
            assert!(found.iter().any(|one| (one.fault, one.place) == (fault, place)), "{line}: {found:?}");
        }
    }
}
