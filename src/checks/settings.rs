//! What Windows itself is set to: its proxies, by the finding `env-proxy` of the check `environment`, and where it keeps the variables
//! that programs are started with. Nothing of it is asked or found elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use crate::case::Case;
use crate::check::{Facts, Finding};
use crate::clients::proxy::{STACKS, clients};
use crate::clients::system_proxy::{OF_WINHTTP, by_user, spares_metadata, sparing_metadata};
use crate::clients::{Setting, Stack};
use crate::evidence::{
    Outcome, Request, USER_BYPASS, USER_PROXY, UnitSettings, WINHTTP_BYPASS, WINHTTP_OTHER_PROXY, WINHTTP_PROXY,
};
use crate::words::listed;

/// Where the machine's variables are, and the user's.
const OF_MACHINE: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment";
const OF_USER: &str = r"HKCU\Environment";

/// The question, on Windows.
pub(super) fn question() -> Option<Request> {
    cfg!(windows).then_some(Request::Settings)
}

fn read<'a>(case: &Case<'a>) -> Option<(&'a BTreeMap<String, String>, Option<&'a UnitSettings>)> {
    match case.outcome(&Request::Settings)? {
        Outcome::Variables { set, unit } => Some((set, unit.as_ref())),
        _ => None,
    }
}

/// The variables that Windows keeps for programs that are started anew; midoctor's own may be older, or changed by its shell.
pub(super) fn kept<'a>(case: &Case<'a>) -> Option<&'a UnitSettings> {
    read(case)?.1.filter(|_| case.plan().environment.is_own())
}

/// Facts about a place that sets the variable of a finding: a key of the registry, or a file.
pub(super) fn set_in(place: &str, finding: &Finding) -> Facts {
    if !place.starts_with("HK") {
        return Facts::from([("set_in", place.to_owned())]);
    }
    let mut facts = Facts::from([("registry_key", place.to_owned())]);
    let exceptions = finding.facts.get("exceptions").filter(|_| finding.code == "env-proxy");
    let name = match place {
        OF_MACHINE => Some("machine_exceptions"),
        OF_USER => Some("user_exceptions"),
        _ => None,
    };
    facts.extend(name.zip(exceptions.cloned()));
    facts
}

/// The proxies that catch requests to the metadata service.
pub(super) fn findings(case: &Case) -> Vec<Finding> {
    let Some((set, _)) = read(case) else { return Vec::new() };
    let caught_by = |proxy: &str, bypass: &str| {
        let bypass = set.get(bypass).map(String::as_str).unwrap_or_default();
        Some((set.get(proxy)?, bypass)).filter(|(_, bypass)| !spares_metadata(bypass))
    };
    let mut found = Vec::new();
    if let Some((proxy, bypass)) = caught_by(WINHTTP_PROXY, WINHTTP_BYPASS) {
        let spared = listed(&STACKS.map(|stack| clients(stack).to_owned()));
        let one = Finding::warning("env-proxy")
            .with("variable", "The machine's proxy for WinHTTP")
            .with("clients", OF_WINHTTP);
        let one = about(one, proxy, bypass).with("spared", spared).with("winhttp_bypass", sparing_metadata(bypass));
        // A list of several would have to be given whole.
        found.push(if set.contains_key(WINHTTP_OTHER_PROXY) { one } else { one.with("winhttp_proxy", proxy) });
    }
    // Of an account that a service runs as the settings are not known.
    let own = case.plan().environment.is_own();
    if let Some((proxy, bypass)) = caught_by(USER_PROXY, USER_BYPASS).filter(|_| own)
        && let Some(variables) = case.variables()
    {
        let caught = by_user(&Setting { variables, files: &BTreeSet::new() });
        let named =
            |stacks: Vec<Stack>| listed(&stacks.into_iter().map(|stack| clients(stack).to_owned()).collect::<Vec<_>>());
        let spared = STACKS.into_iter().filter(|stack| !caught.contains(stack)).collect();
        // Windows PowerShell reads no variable.
        let also = if caught.contains(&Stack::DotNet) { "Windows PowerShell, " } else { "Windows PowerShell" };
        let one = if caught.len() <= 2 { Finding::warning("env-proxy") } else { Finding::error("env-proxy") };
        let one = about(one.with("variable", "The user's proxy in Windows' Internet settings"), proxy, bypass);
        let one = one.with("clients", format!("{also}{}", named(caught))).with("spared", named(spared));
        found.push(one.with("user_bypass", sparing_metadata(bypass)));
    }
    found
}

fn about(finding: Finding, proxy: &str, bypass: &str) -> Finding {
    let exceptions =
        if bypass.is_empty() { "its exceptions: none".to_owned() } else { format!("its exceptions: “{bypass}”") };
    finding.with("value", proxy).with("no_proxy", exceptions).with("why", "").with("answer", "")
}
