//! Lines of a log that speak of something else: other programs' records, routes, served requests, other clouds. What stands in such
//! a line is no clue, however near it stands to one. Nothing here says what a clue means.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::Passage;
use crate::pattern::pattern;

/// A served request in a web server's log: its status is that of the server, not of the metadata service.
static SERVED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#""(?:GET|POST|PUT|HEAD|DELETE|PATCH|OPTIONS) (\S*) HTTP/[0-9.]+" [0-9]{3}"#));

/// The metadata service's address in a table of routes, as cloud-init and DHCP clients print it at every start.
static ROUTE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"169\.254\.169\.254(?:/32\b| +255\.255\.| +via | +dev )|classless-static-routes|ci-info:|route: +169\.254")
});

/// How a record of a system's log begins.
static RECORD: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:<\d+>)?(?:[A-Z][a-z]{2} +\d{1,2} \d{2}:\d{2}:\d{2} |\d{4}[-/]\d{2}[-/]\d{2}[T ]\d{2}:\d{2}:\d{2}|\[?[a-z][a-z0-9_-]*\[\d+\]: |sshd: )",
    )
});

/// An address or a name of somebody.
static SOMEBODY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"\b(\d{1,3}(?:\.\d{1,3}){3})\b|\b(?i-u:((?:[a-z0-9-]+\.)+(?:com|net|org|io|internal|local|lan)))\b")
});

/// So many lines beside one of Azure's can belong to it in a log, where every line is a record of its own.
const BESIDE: usize = 3;
/// A passage with so many lines, most of them records, is a piece of a log and no pasted error.
const LOG: usize = 30;

/// The same passage with an empty line in the place of each that speaks of something else.
pub fn of_interest(passage: &Passage) -> Cow<'_, Passage> {
    let lines = &passage.lines;
    let mut kept: Vec<bool> = lines.iter().map(|line| !speaks_of_others(line)).collect();
    let records = lines.iter().filter(|line| RECORD.is_match(line)).count();
    if lines.len() >= LOG && 2 * records > lines.len() {
        let azures: Vec<bool> = lines.iter().map(|line| is_azures(&line.to_ascii_lowercase())).collect();
        for (index, kept) in kept.iter_mut().enumerate() {
            let near = index.saturating_sub(BESIDE)..(index + BESIDE + 1).min(azures.len());
            *kept &= azures[near].contains(&true);
        }
    }
    if !kept.contains(&false) {
        return Cow::Borrowed(passage);
    }
    let lines = lines.iter().zip(kept).map(|(line, kept)| if kept { line.clone() } else { String::new() }).collect();
    Cow::Owned(Passage { first: passage.first, lines })
}

fn speaks_of_others(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    if lower.contains("169.254.169.254/latest") || lower.contains("/computemetadata/") {
        return true;
    }
    if ROUTE.is_match(line) {
        return true;
    }
    if let Some(path) = SERVED.captures(line).and_then(|parts| parts.get(1)) {
        return !path.as_str().contains("/metadata/identity");
    }
    RECORD.is_match(line) && !lower.contains("169.254") && !is_azures(&lower) && names_others(line)
}

/// Is anything of Azure's in the line?
fn is_azures(lower: &str) -> bool {
    ["azure", "msi", "identity", "imds", "windows.net", "microsoft", "50342", "/metadata/"]
        .iter()
        .any(|word| lower.contains(word))
}

fn names_others(line: &str) -> bool {
    SOMEBODY.captures_iter(line).any(|parts| match parts.get(1) {
        Some(address) => !["127.0.0.1", "0.0.0.0", "168.63.129.16"].contains(&address.as_str()),
        None => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        crate::pattern::are_all_of(include_str!("records.rs"), &[&SERVED, &ROUTE, &RECORD, &SOMEBODY]);
    }

    #[test]
    fn routes_served_requests_and_records_of_others_are_left_out() {
        for line in [
            "Nov 22 08:50:08 vm-1 systemd-timesyncd[500]: Timed out waiting for reply from 185.125.190.56:123 (ntp.ubuntu.com).",
            "ci-info: |   1   |     0.0.0.0     | 10.0.0.1 | 169.254.169.254 255.255.255.255  |    eth0   |  UGH  |",
            "dhclient: option classless-static-routes 169.254.169.254/32",
            "sshd: Connection refused by 10.0.0.9",
            "10.0.0.7 - - [22/Nov/2026:08:50:08 +0000] \"GET /metadata/health HTTP/1.1\" 503 99",
            "Connect timeout on endpoint URL: \"http://169.254.169.254/latest/api/token\"",
            "Failed to retrieve http://metadata.google.internal/computeMetadata/v1/ Status: 404",
        ] {
            assert!(speaks_of_others(line), "{line}");
        }
        for line in [
            "Nov 22 08:50:08 vm-1 app[7]: dial tcp 169.254.169.254:80: connect: connection refused",
            "2026-11-22 08:50:08 ERROR azure.identity: Failed to resolve 'kv-x.vault.azure.net'",
            "Nov 22 08:50:08 vm-1 app[7]: Connection refused",
            "127.0.0.1 - - \"GET /metadata/identity/oauth2/token?resource=x HTTP/1.1\" 400 68",
        ] {
            assert!(!speaks_of_others(line), "{line}");
        }
    }
}
