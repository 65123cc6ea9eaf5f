//! What a text tells of names and IDs near an error, for the placeholders of the pages. What it tells twice in different
//! ways is not known.

use std::sync::LazyLock;

use regex::Regex;

use crate::azure::resource_id::VmId;
use crate::fill::Values;
use crate::pattern::pattern;
use crate::seal::SEAL;

/// So many lines on either side belong to an error.
const NEAR: usize = 12;

/// Placeholders, and where a text tells them.
const TOLD: &[(&str, &str)] = &[
    (
        "principal_id",
        r#"(?i-u:object id|principal id|principalid|\boid)['"]?\s*[:=]?\s*['"]?(?P<it>[0-9a-fA-F-]{36})\b"#,
    ),
    ("client_id", r#"(?i-u:client[_ ]id)['"]?\s*[:=]?\s*['"]?(?P<it>[0-9a-fA-F-]{36})\b"#),
    ("tenant_id", r#"(?i-u:tenant[_ ]?id)['"]?\s*[:=]?\s*['"]?(?P<it>[0-9a-fA-F-]{36})\b"#),
    ("scope", r#"(?i-u:over scope) '(?P<it>/[^'\s]+)'"#),
    ("action", r#"(?i-u:perform action) '(?P<it>[A-Za-z0-9./*-]+)'"#),
    (
        "vm_resource_id",
        r"(?P<it>(?i-u:/subscriptions/[0-9a-f-]{36}/resourcegroups/[a-z0-9_.()-]+/providers/microsoft\.compute/virtualmachines/[a-z0-9_.-]*[a-z0-9]))",
    ),
    ("subscription_id", r"(?i-u:/subscriptions/)(?P<it>[0-9a-fA-F-]{36})\b"),
    ("host", r#"(?i-u:host(?:name)?)\\?['"]?\s*[=:]\s*\\?['"](?P<it>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)['"\\]"#),
    ("host", r"https://(?P<it>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)"),
    ("host", r#"(?i-u:resolve|lookup|resolve host:?) ['"]?(?P<it>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+){2,})"#),
];

static PATTERNS: LazyLock<Vec<(&str, Regex)>> =
    LazyLock::new(|| TOLD.iter().map(|(name, text)| (*name, pattern(text))).collect());

/// Hosts that an error text points readers to, and that are not what failed.
const OTHER_HOSTS: &[&str] = &["aka.ms", "learn.microsoft.com", "docs.microsoft.com", "go.microsoft.com", "github.com"];

/// What the lines around this one tell.
pub fn around(lines: &[String], index: usize) -> Values {
    let near = &lines[index.saturating_sub(NEAR)..lines.len().min(index + NEAR + 1)];
    let mut told: Vec<(&str, Option<String>)> = Vec::new();
    let mut tell = |name: &'static str, value: &str| match told.iter_mut().find(|(known, _)| *known == name) {
        None => told.push((name, Some(value.to_owned()))),
        Some((_, known)) => {
            if known.as_deref().is_some_and(|known| !known.eq_ignore_ascii_case(value)) {
                *known = None;
            }
        }
    };
    for line in near {
        for (name, pattern) in &*PATTERNS {
            for found in pattern.captures_iter(line) {
                let value = &found["it"];
                let is_other = *name == "host" && OTHER_HOSTS.contains(&value);
                if !is_other && !value.contains(SEAL) && value.len() <= 400 {
                    tell(name, value);
                }
            }
        }
    }
    let mut values: Values = told.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    if let Some(vm) = values.get("vm_resource_id").and_then(|id| VmId::parse(id)) {
        values.insert("vm_name".into(), vm.name);
        values.insert("resource_group".into(), vm.resource_group);
        values.insert("subscription_id".into(), vm.subscription);
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        assert_eq!(PATTERNS.len(), TOLD.len());
    }

    #[test]
    fn a_denial_tells_who_what_and_where() {
        let vm = "/subscriptions/7d1a2f3c-1111-4c2b-9a10-aa00bb11cc22/resourceGroups/rg-1/providers/Microsoft.Compute/virtualMachines/vm-1";
        let text = format!(
            "The client 'ba5eba11-4444-4bbb-8c40-665544332211' with object id 'c0ffee00-3333-4aaa-9b30-112233445566' does not \
             have authorization to perform action 'Microsoft.Compute/virtualMachines/read' over scope '{vm}' or the scope is invalid."
        );
        let values = around(&[text], 0);
        for (name, value) in [
            ("principal_id", "c0ffee00-3333-4aaa-9b30-112233445566"),
            ("scope", vm),
            ("vm_resource_id", vm),
            ("vm_name", "vm-1"),
            ("resource_group", "rg-1"),
            ("subscription_id", "7d1a2f3c-1111-4c2b-9a10-aa00bb11cc22"),
            ("action", "Microsoft.Compute/virtualMachines/read"),
        ] {
            assert_eq!(values.get(name).map(String::as_str), Some(value), "{name}");
        }
    }

    #[test]
    fn what_is_told_in_two_ways_is_not_known() {
        let lines =
            ["HTTPSConnection(host='a.vault.azure.net', port=443)", "see https://aka.ms/x", "x"].map(str::to_owned);
        assert_eq!(around(&lines, 0).get("host").map(String::as_str), Some("a.vault.azure.net"));
        let lines = ["https://a.vault.azure.net/", "https://b.vault.azure.net/"].map(str::to_owned);
        assert_eq!(around(&lines, 0).get("host"), None);
    }
}
