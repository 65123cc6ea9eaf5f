//! What the machine itself says in texts that anybody may have written: units and their environment files, nftables and iptables, the
//! environment of a process, proxies, the proxy agent's status, names of units and resource IDs.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use midoctor::azure::{proxy_agent, resource_id};
use midoctor::clients::{Setting, proxy as stacks, table};
use midoctor::engine::{self, Limits};
use midoctor::evidence::{Outcome, PROXY_AGENT_STATUS, Raw, Reply, Request, VARIABLES, Wire};
use midoctor::plan::{Plan, Whose};
use midoctor::simulator::CANARY;
use midoctor::token::Token;
use midoctor::unit_name::{UnitName, environment_line, unescape};
use midoctor::wire::filter::{Filter, Packet, iptables, nft};
use midoctor::wire::systemd::declared::{Declared, Sourced, Unit};
use midoctor::wire::systemd::environment_file;
use midoctor::wire::systemd::specifiers::{self, Machine};
use midoctor::wire::systemd::syntax::{Escapes, assignments, words};
use midoctor::wire::{process, proxy};
use midoctor_fuzz::kind;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = kind(data) else { return };
    if kind % 8 == 4 {
        return environ(rest);
    }
    let Ok(text) = std::str::from_utf8(rest) else { return };
    match kind % 8 {
        0 => unit(text),
        1 => written(text),
        2 => nftables(text),
        3 => followed(iptables::read(text, &packet())),
        5 => secrets(text),
        6 => status(text),
        _ => names(text),
    }
});

/// A unit with drop-ins, parted by lines of three dashes; the last part is an environment file.
fn unit(text: &str) {
    let name = UnitName::read("web@a-b").unwrap();
    let machine = specifiers::machine(|path| text.contains(path).then(|| text.to_owned()));
    let path = Path::new("/etc/systemd/system/web@.service");
    let unit = Unit { name: &name, file: path, machine: &machine };
    let parts: Vec<&str> = text.split("\n---\n").collect();
    let read = || {
        let mut declared = Declared::default();
        for part in &parts {
            declared.read(&assignments(part), name.section(), path, unit);
        }
        let file = environment_file::variables(parts.last().unwrap()).into_iter();
        let file: Sourced = file
            .filter(|(name, _)| VARIABLES.contains(&name.as_str()))
            .map(|(name, value)| (name, (value, String::new())))
            .collect();
        let all = declared.together(&Sourced::new(), &declared.environment.clone(), file);
        (all, declared.files, declared.remarks)
    };
    let once = read();
    assert_eq!(read(), once);
    let (all, files, _) = once;
    assert!(all.keys().all(|name| VARIABLES.contains(&name.as_str())), "{all:?}");
    assert!(files.iter().all(|(path, _)| path.starts_with('/')), "{files:?}");
}

/// The line that a page tells people to write is read as it was meant.
fn written(value: &str) {
    for escapes in [Escapes::C, Escapes::Plain] {
        assert!(words(value, escapes).iter().map(String::len).sum::<usize>() <= value.len() * 3);
    }
    if value.contains(['\0', '\u{fffd}']) {
        return;
    }
    let line = environment_line(&[("NO_PROXY", value), ("http_proxy", "p")]);
    let name = UnitName::read("web").unwrap();
    let unit = Unit { name: &name, file: Path::new("/x"), machine: &Machine::new() };
    let mut declared = Declared::default();
    declared.read(&assignments(&format!("[Service]\n{line}\n")), "Service", Path::new("/x"), unit);
    let read = declared.environment.get("NO_PROXY").map(|(value, _)| value.as_str());
    assert_eq!(read, Some(value), "{line}");
    assert!(declared.environment.contains_key("http_proxy") && declared.remarks.is_empty(), "{line}");
}

fn packet() -> Packet {
    Packet::leaving(Some("eth0"), Some(std::net::Ipv4Addr::new(10, 0, 1, 4)))
}

fn nftables(text: &str) {
    if let Ok(filter) = nft::read(text, &packet()) {
        followed(filter);
        followed(nft::read(text, &packet().answer()).unwrap());
        let mut twice = nft::read(text, &packet()).unwrap();
        twice.add(iptables::read(text, &packet()));
        twice.replace_by(nft::read(text, &Packet::leaving(None, None)).unwrap());
        followed(twice);
    }
}

fn followed(filter: Filter) {
    let judged = filter.judge();
    assert_eq!(judged, filter.judge());
    assert!(judged.rules.len() < 10_000);
    assert!(judged.rules.iter().all(|rule| !rule.chain.is_empty()));
}

fn environ(bytes: &[u8]) {
    let variables = process::variables(bytes);
    assert!(variables.keys().all(|name| VARIABLES.contains(&name.as_str())));
    proxies(&variables);
}

/// Which client goes where, for all of them.
fn proxies(variables: &BTreeMap<String, String>) {
    let files = BTreeSet::new();
    let setting = Setting { variables, files: &files };
    for stack in stacks::STACKS {
        let caught = stacks::for_metadata(stack, &setting);
        assert_eq!(caught.is_some(), stacks::for_metadata(stack, &setting).is_some());
    }
    let rows = table(&setting);
    assert!(!rows.is_empty());
    for refused in [proxy::for_https("management.azure.com", variables).err(), proxy::for_plain_http(variables).err()] {
        assert!(refused.is_none_or(|why| !why.contains(CANARY)), "the password is told");
    }
}

/// A machine that says one thing to every question.
struct Says(Outcome);

impl Wire for Says {
    fn ask(&self, _: &Request, _: Option<&Token>, _: Duration) -> Reply {
        Reply { took: Duration::ZERO, raw: Raw::Plain(self.0.clone()) }
    }

    fn pause(&self, _: Duration) {}

    fn now(&self) -> jiff::Timestamp {
        midoctor_fuzz::now()
    }
}

fn told(request: Request, outcome: Outcome) -> String {
    let evidence = engine::ask_locally(&Says(outcome), &Plan::default(), Limits::default(), vec![request]);
    serde_json::to_string(&evidence).unwrap()
}

/// A password before a proxy's host and a key in a query, with whatever the lines of the text put around them.
fn secrets(text: &str) {
    if text.contains(CANARY) {
        return;
    }
    let mut lines = text.split('\n');
    let mut next = || lines.next().unwrap_or_default();
    let (scheme, user, password, host) = (next(), next(), next(), next());
    // What stands before the sign is the password whatever it holds, and where there is no sign it is a host.
    let proxy = format!("{scheme}://{user}:{password}{CANARY}@{host}");
    let key = format!("https://host/{}?{}{CANARY}", password.replace(['?', '#'], ""), user);
    let set = BTreeMap::from([
        ("HTTP_PROXY".to_owned(), proxy.clone()),
        ("https_proxy".to_owned(), proxy),
        ("IDENTITY_HEADER".to_owned(), format!("{user}{CANARY}")),
        ("AZURE_CLIENT_SECRET".to_owned(), format!("{CANARY}{user}")),
        ("MSI_ENDPOINT".to_owned(), key),
    ]);
    proxies(&set);
    let json = told(Request::Environment { of: Whose::Own }, Outcome::Variables { set, unit: None });
    assert!(!json.contains(CANARY), "{json}");
}

/// The proxy agent's status, in which the text is a command line, and as it is.
fn status(text: &str) {
    if let Some(status) = proxy_agent::Status::read(text) {
        assert!(status.denials.len() <= 5);
        assert!(status.denials.is_sorted_by(|one, other| one.count >= other.count));
    }
    let request = || Request::File { path: PROXY_AGENT_STATUS.into() };
    let Ok(mut json) = serde_json::from_str::<serde_json::Value>(text) else {
        let sealed = told(request(), Outcome::Contents { text: format!("{text}{CANARY}") });
        return assert!(!sealed.contains(CANARY) || text.contains(CANARY), "{sealed}");
    };
    if text.contains(CANARY) {
        return;
    }
    let Some(all) = json.as_object_mut() else { return };
    for name in ["failedAuthenticateSummary", "proxyConnectionSummary"] {
        if let Some(entries) = all.get_mut(name).and_then(|all| all.as_array_mut()) {
            for entry in entries.iter_mut().filter_map(|entry| entry.as_object_mut()) {
                entry.insert("processCmdLine".into(), format!("curl -u a:{CANARY}").into());
            }
        }
    }
    let sealed = told(request(), Outcome::Contents { text: json.to_string() });
    assert!(!sealed.contains(CANARY), "{sealed}");
}

fn names(text: &str) {
    if let Ok(name) = UnitName::read(text) {
        assert_eq!(UnitName::read(&name.to_string()).as_ref(), Ok(&name));
        let folders = name.with_shorter_ones();
        assert!(folders.first() == Some(&name) && folders.len() <= 1_000, "{folders:?}");
        for path in [Path::new("/x"), Path::new("/"), Path::new("")] {
            let _ = specifiers::resolve(text, &name, path, &Machine::new());
        }
    }
    let _ = specifiers::resolve(text, &UnitName::read("a-b@c").unwrap(), Path::new("/x/y"), &Machine::new());
    assert!(unescape(text).len() <= text.len() * 3);
    if let Some(vm) = resource_id::VmId::parse(text) {
        assert!(!vm.subscription.is_empty() && !vm.resource_group.is_empty(), "{vm:?}");
    }
    assert!(resource_id::same(text, text));
    assert!(text.contains(resource_id::name(text)));
    let _ =
        (resource_id::is_user_assigned(text), resource_id::scale_set(text), resource_id::scope_in_words(text, text));
}
