//! Names inside any text: resource IDs, URLs, GUIDs, addresses, hosts, people; and between these the names that were met elsewhere.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::azure::roles;
use crate::pattern::pattern;

use super::letters::LETTERS;
use super::names::{Kind, Names};
use super::{address, host, local, resource};

/// Where something begins that has a shape. What it is in full is read from there.
static SHAPES: LazyLock<Regex> = LazyLock::new(|| {
    let shapes = concat!(
        r"(?P<id>(?i-u:(?:/|%2F)(?:subscriptions|resourceGroups|providers)(?:/|%2F)))",
        r"|(?P<url>(?i-u:[a-z][a-z0-9+.-]*(?:://|%3A%2F%2F)))",
        r"|(?P<guid>[0-9A-Fa-f]{8}(?:[-_])[0-9A-Fa-f]{4}(?:[-_])[0-9A-Fa-f]{4}(?:[-_])[0-9A-Fa-f]{4}(?:[-_])[0-9A-Fa-f]{12})",
        r"|(?P<card>\b[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}\b)",
        r"|(?P<six>[0-9A-Fa-f]{0,4}:[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]*(?:/[0-9]{1,3})?)",
        r"|(?P<four>\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b(?:/[0-9]{1,2}\b)?)",
        r"|(?P<mail>[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)",
        r"|(?P<hex>\b[0-9A-Fa-f]{32,128}\b)",
        r"|(?P<file>(?:/(?i-u:etc|opt|srv|var|mnt|root|tmp|data|media)/|\b[A-Za-z]:\\)[^\s'<>,;:()\[\]{}\x22`“”]+)",
        r"|(?P<home>(?i-u:[/\\](?:home|Users)[/\\])(?P<user>[^/\\\s:'<>,;\x22]+))",
        r"|(?P<name>(?:\*\.|\.)?[{LETTERS}-]+(?:\.[{LETTERS}-]+)+)",
        r"|(?P<denial>deny assignment with name ')",
        r"|(?P<tenant>in the tenant named )(?P<named>[^.
]{1,80})",
    );
    pattern(&shapes.replace("{LETTERS}", LETTERS))
});

/// The text with everything replaced that names somebody.
pub fn replaced(text: &str, names: &mut Names) -> String {
    let (mut done, mut from, mut at) = (String::with_capacity(text.len()), 0, 0);
    while let Some(found) = SHAPES.captures_at(text, at) {
        let Some(all) = found.get(0) else { break };
        if found.name("file").is_some() && is_within(&text[..all.start()], all.as_str()) {
            // Something else may begin behind its slash.
            at = all.start() + 1;
            continue;
        }
        match stands_for(&found, text, names) {
            Some((length, stands)) if length > 0 => {
                done.push_str(&names.bare(&text[from..all.start()]));
                done.push_str(&stands);
                (from, at) = (all.start() + length, all.start() + length);
            }
            // Something of a shape that names nobody, or whose shape goes on differently.
            _ => at = all.end(),
        }
    }
    done.push_str(&names.bare(&text[from..]));
    done
}

/// Is this path, of Linux, only the end of another?
fn is_within(before: &str, path: &str) -> bool {
    path.starts_with('/') && before.ends_with(|c: char| c.is_alphabetic() || c.is_ascii_digit() || c == '_')
}

/// How much of the text from there on is a name, and what stands for it; none when it is no name.
fn stands_for(found: &Captures, text: &str, names: &mut Names) -> Option<(usize, String)> {
    let all = found.get(0)?;
    let rest = &text[all.start()..];
    let has = |name: &str| found.name(name).is_some();
    if has("id") {
        return Some(resource::replaced(rest, names));
    }
    if has("url") {
        let (length, stands) = url(&text[all.end()..], names)?;
        return Some((all.len() + length, format!("{}{stands}", all.as_str())));
    }
    if has("denial") {
        let (name, _) = text[all.end()..].split_once("' and Id")?;
        let stands = names.name(Kind::Denial, name);
        return Some((all.len() + name.len(), format!("{}{stands}", all.as_str())));
    }
    let whole = |stands: String| Some((all.len(), stands));
    if let (Some(before), Some(named)) = (found.name("tenant"), found.name("named")) {
        return whole(format!("{}{}", before.as_str(), names.name(Kind::Organization, named.as_str())));
    }
    if has("guid") {
        return whole(guid(all.as_str(), names)?);
    }
    if has("card") {
        return whole(card(all.as_str(), names));
    }
    if has("six") || has("four") {
        let stands = address::replaced(all.as_str(), names)?;
        return whole(stands);
    }
    if has("hex") {
        return whole(names.name(Kind::Hex(all.len()), all.as_str()));
    }
    if has("file") {
        // A full stop behind it ends a sentence.
        let file = all.as_str().trim_end_matches('.');
        return Some((file.len(), local::path(file, names)));
    }
    if let Some(user) = found.name("user") {
        let before = &text[all.start()..user.start()];
        return whole(format!("{before}{}", person(user.as_str(), names)));
    }
    if has("mail") {
        let (user, at) = all.as_str().split_once('@')?;
        // A template of systemd's and its instance look like one.
        if at.ends_with(".service") {
            return whole(unit(all.as_str(), names)?);
        }
        return whole(format!("{}@{}", person(user, names), host::replaced(at, names)));
    }
    if host::is_known(all.as_str(), names) {
        return whole(host::replaced(all.as_str(), names));
    }
    whole(unit(all.as_str(), names)?)
}

/// What stands for a unit with its kind, `web.service`, where it is one that was named.
fn unit(text: &str, names: &mut Names) -> Option<String> {
    let (stem, kind) = text.rsplit_once('.')?;
    names.knows(Kind::Unit, &stem.to_lowercase()).then(|| format!("{}.{kind}", names.name(Kind::Unit, stem)))
}

/// What stands for somebody's name; those that every machine has name nobody.
pub fn person(name: &str, names: &mut Names) -> String {
    let usual = ["root", "nobody", "system", "public", "default", "www-data", "localservice", "networkservice"];
    if usual.contains(&name.to_lowercase().as_str()) { name.to_owned() } else { names.name(Kind::User, name) }
}

/// What stands for a GUID; none when the text is none. That of a built-in role is the same everywhere, and so are those of nothing
/// but zeroes: everyone, and pseudonyms' zero.
pub fn guid(text: &str, names: &mut Names) -> Option<String> {
    let dashed = text.replace('_', "-");
    let is_one = dashed.len() == 36 && uuid::Uuid::parse_str(&dashed).is_ok();
    if !is_one {
        return None;
    }
    let empty = dashed.bytes().all(|byte| byte == b'0' || byte == b'-');
    if empty || roles::find(&dashed).is_some() {
        return Some(text.to_owned());
    }
    let stands = names.keyed(Kind::Guid, dashed.to_lowercase(), text);
    Some(if text.contains('_') { stands.replace('-', "_") } else { stands })
}

/// What stands for the address of a network card.
pub fn card(text: &str, names: &mut Names) -> String {
    let sign = text.chars().nth(2).filter(|c| !c.is_ascii_hexdigit());
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    names.keyed(Kind::Card(sign), digits.to_lowercase(), text)
}

/// Parts of paths that services have, rather than customers.
const KNOWN_PARTS: [&str; 36] = [
    "secrets",
    "keys",
    "certificates",
    "deletedsecrets",
    "storage",
    "v1",
    "v2",
    "v2.0",
    "v3",
    "_catalog",
    "oauth2",
    "exchange",
    "token",
    "tables",
    "tables()",
    "$resources",
    "queues",
    "topics",
    "subscriptions",
    "messages",
    "dbs",
    "colls",
    "docs",
    "kv",
    "metadata",
    "identity",
    "msi",
    "authorize",
    "common",
    "organizations",
    "instance",
    "info",
    "api",
    "error",
    "well-known",
    "discovery",
];

/// What comes behind `https://`: the host, and the path where it is a customer's.
fn url(rest: &str, names: &mut Names) -> Option<(usize, String)> {
    let end = rest.find(|c: char| !(c.is_alphanumeric() || "._-*".contains(c))).unwrap_or(rest.len());
    let (host, after) = rest.split_at(end);
    if host.is_empty() {
        return None;
    }
    // A sentence may end behind it.
    let host = host.trim_end_matches('.');
    if let Some(guid) = guid(host, names) {
        return Some((host.len(), guid));
    }
    let after = if host.len() < end { &rest[host.len()..] } else { after };
    let stands = host::replaced(host, names);
    if host::is_public(host) {
        return Some((host.len(), stands));
    }
    let port =
        after.strip_prefix(':').map_or(0, |port| 1 + port.find(|c: char| !c.is_ascii_digit()).unwrap_or(port.len()));
    let (mut at, mut path) = (port, after[..port].to_owned());
    // An ID of a resource has names of its own kinds.
    let ids = ["/subscriptions/", "/providers/microsoft"];
    let lower = after[at..].to_lowercase();
    if ids.iter().any(|start| lower.starts_with(start)) {
        return Some((host.len() + at, stands + &path));
    }
    while after[at..].starts_with('/') {
        let part = after[at + 1..].find(|c: char| c.is_whitespace() || "/?#&\"'<>,;\\”“`".contains(c));
        let part = &after[at + 1..part.map_or(after.len(), |end| at + 1 + end)];
        path.push('/');
        path.push_str(&path_part(part, names));
        at += 1 + part.len();
    }
    Some((host.len() + at, stands + &path))
}

/// What stands for a part of a customer's path.
pub fn path_part(part: &str, names: &mut Names) -> String {
    let (bare, call) = part.strip_suffix("()").map_or((part, ""), |bare| (bare, "()"));
    if bare.is_empty() || KNOWN_PARTS.contains(&bare.to_lowercase().as_str()) {
        return part.to_owned();
    }
    if let Some(guid) = guid(bare, names) {
        return format!("{guid}{call}");
    }
    format!("{}{call}", names.name(Kind::Part, bare))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        crate::pattern::are_all_of(include_str!("text.rs"), &[&SHAPES]);
    }

    /// What is left of a text that stands alone.
    fn left(text: &str) -> String {
        let mut names = Names::new();
        replaced(text, &mut names);
        names.settle();
        replaced(text, &mut names)
    }

    #[test]
    fn a_name_in_any_script_goes_whole() {
        for (text, shown) in [
            ("at mün-chen.vault.azure.net, no", "at host-1.vault.azure.net, no"),
            ("at mu\u{308}nchen.vault.azure.net", "at host-1.vault.azure.net"),
            ("连接kv-app.vault.azure.net。失败", "host-1.vault.azure.net。失败"),
            ("（kv-app.vault.azure.net）", "（host-1.vault.azure.net）"),
            ("“kv-app.vault.azure.net”…", "“host-1.vault.azure.net”…"),
        ] {
            assert_eq!(left(text), shown);
        }
    }

    #[test]
    fn a_path_within_another_is_no_file_of_its_own() {
        for text in ["a/etc/b/c", "1/srv/b/c", "_/opt/b/c", "é/var/b/c"] {
            assert_eq!(left(text), text);
        }
        for text in ["/etc/b/c", "m²/etc/b/c", "(/srv/b/c", "“/opt/b/c"] {
            assert!(!left(text).contains("b/c"), "{text}");
        }
        // What begins behind its first slash is still seen.
        assert_eq!(left("x/etc/kv-app.vault.azure.net"), "x/etc/host-1.vault.azure.net");
    }
}
