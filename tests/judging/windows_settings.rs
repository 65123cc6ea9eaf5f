//! What is made of the answers that Windows alone gives: its firmware's texts, its proxies and variables, its routes. On any system,
//! from evidence; the network suite holds it against the program for Windows.

#![cfg(all(feature = "simulator", feature = "archives"))]

use std::collections::BTreeMap;

use crate::played::{ending, evidence, finding, judged, rows};
use midoctor::check::{Severity, Status};
use midoctor::evidence::{
    Attempt, Evidence, Exchange, Failure, FirmwareField, Outcome, Request, USER_BYPASS, USER_PROXY, UnitSettings,
    WINHTTP_BYPASS, WINHTTP_OTHER_PROXY, WINHTTP_PROXY,
};
use midoctor::network::{Interface, LocalNetwork, RouteEntry, Way, WayKind};
use midoctor::redact::{Level, redact};
use midoctor::report::{FindingReport, Report};

const MACHINE: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment";

fn with(mut evidence: Evidence, request: Request, outcome: Outcome) -> Evidence {
    evidence.exchanges.retain(|exchange| exchange.request != request);
    evidence.exchanges.push(Exchange { request, attempts: vec![Attempt { started_ms: 0, duration_ms: 0, outcome }] });
    evidence
}

fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Windows with these proxies, and these variables for the machine.
fn settings(toml: &str, proxies: &[(&str, &str)], declared: &[(&str, &str)]) -> Evidence {
    let from = declared.iter().map(|(name, _)| ((*name).to_owned(), MACHINE.to_owned())).collect();
    let unit = UnitSettings { declared: map(declared), from, ..UnitSettings::default() };
    with(evidence(toml, &[]), Request::Settings, Outcome::Variables { set: map(proxies), unit: Some(unit) })
}

fn findings(report: &Report) -> &[FindingReport] {
    &rows(report, "environment")[0].findings
}

fn lines(found: &FindingReport) -> Vec<&str> {
    found.remedy.commands.iter().map(|command| command.line.as_str()).collect()
}

#[test]
fn the_firmware_tells_by_the_registry_what_it_tells_in_files() {
    let bare = "metadata = \"silent\"\n[files]\n\"/sys/class/dmi/id/chassis_asset_tag\" = \"\"\n\"/sys/class/dmi/id/sys_vendor\" = \"\"\n";
    assert_eq!(ending(&judged(evidence(bare, &[])), "platform").0, Status::Unknown);
    let told = |field, text: &str| {
        let contents = Outcome::Contents { text: text.to_owned() };
        judged(with(evidence(bare, &[]), Request::Firmware { field }, contents))
    };
    let tagged = told(FirmwareField::ChassisAssetTag, "7783-7084-3265-9085-8269-3286-77");
    assert_eq!(ending(&tagged, "platform").0, Status::Pass);
    let elsewhere = told(FirmwareField::SysVendor, "Amazon EC2");
    assert_eq!(ending(&elsewhere, "platform"), (Status::Fail, "not-on-azure"));
    let found = finding(&elsewhere, "platform");
    assert_eq!(found.seen, "The machine says of itself that it runs at AWS: sys_vendor reads “Amazon EC2”.");
    // Nobody pastes a line for Linux there.
    assert_eq!(
        lines(found),
        ["Get-CimInstance -ClassName Win32_SystemEnclosure | Select-Object Manufacturer, SMBIOSAssetTag"]
    );
}

#[test]
fn nothing_set_is_nothing_found() {
    assert_eq!(ending(&judged(settings("", &[], &[])), "environment").0, Status::Pass);
    let spared = [(WINHTTP_PROXY, "p:8080"), (WINHTTP_BYPASS, "<local>;169.254.*"), (USER_BYPASS, "x")];
    assert_eq!(ending(&judged(settings("", &spared, &[])), "environment").0, Status::Pass);
}

#[test]
fn the_machines_proxy_catches_few_and_the_users_many() {
    let report = judged(settings("", &[(WINHTTP_PROXY, "p:8080"), (USER_PROXY, "p:3128")], &[]));
    let [machine, user] = findings(&report) else { panic!("{:?}", findings(&report)) };
    assert_eq!((machine.severity, user.severity), (Severity::Warning, Severity::Error));
    assert_eq!(lines(machine), ["netsh winhttp set proxy 'p:8080' 169.254.169.254"]);
    assert!(lines(user).is_empty(), "{:?}", lines(user));
    assert!(user.remedy.steps.iter().any(|step| step.contains("so that they read `169.254.169.254`")));
    // A list of several is not set anew from one of them.
    let several = judged(settings("", &[(WINHTTP_PROXY, "p:8080"), (WINHTTP_OTHER_PROXY, "(set)")], &[]));
    assert!(lines(finding(&several, "environment")).is_empty());
    // With a proxy among the variables the user's counts for Windows PowerShell alone.
    let toml =
        "[environment]\nHTTPS_PROXY = \"http://q:1\"\nNO_PROXY = \"169.254.169.254\"\nno_proxy = \"169.254.169.254\"\n";
    let report = judged(settings(toml, &[(USER_PROXY, "p:3128")], &[]));
    let found = finding(&report, "environment");
    assert_eq!(found.severity, Severity::Warning);
    assert!(found.seen.contains("go there: Windows PowerShell. Those of Python"), "{}", found.seen);
}

#[test]
fn a_variable_that_only_new_programs_get_is_a_warning_with_its_place() {
    let report = judged(settings("", &[], &[("HTTP_PROXY", "http://p:3128")]));
    let found = finding(&report, "environment");
    assert_eq!((found.code.as_str(), found.severity), ("env-proxy", Severity::Warning));
    let start = format!(
        "HTTP_PROXY is set to http://p:3128 in {MACHINE}, not in midoctor's own environment; programs get it that are started anew, and"
    );
    assert!(found.seen.starts_with(&start), "{}", found.seen);
    assert!(lines(found).contains(&"setx NO_PROXY 169.254.169.254 /M"), "{:?}", lines(found));
    // Where midoctor has it too, it is the same finding, with its place.
    let report =
        judged(settings("[environment]\nHTTP_PROXY = \"http://p:3128\"\n", &[], &[("HTTP_PROXY", "http://p:3128")]));
    let found = finding(&report, "environment");
    assert_eq!(found.severity, Severity::Error);
    assert!(found.seen.starts_with(&format!("HTTP_PROXY is set to http://p:3128 by {MACHINE}, and")), "{}", found.seen);
    // What the shell alone has, the registry says nothing of.
    let report = judged(settings("[environment]\nHTTP_PROXY = \"http://p:3128\"\n", &[], &[]));
    let found = finding(&report, "environment");
    assert!(found.seen.starts_with("HTTP_PROXY is set to http://p:3128, and"), "{}", found.seen);
    assert!(found.remedy.steps.iter().all(|step| !step.contains("registry") && !step.contains("systemctl")));
}

#[test]
fn names_of_ours_are_not_in_a_redacted_report() {
    let proxies = [
        (WINHTTP_PROXY, "proxy.contoso.com:8080"),
        (WINHTTP_BYPASS, "<local>;*.contoso.com"),
        (USER_PROXY, "proxy.contoso.com:3128"),
        (USER_BYPASS, "intranet.contoso.com"),
    ];
    let report = judged(settings("", &proxies, &[("HTTP_PROXY", "http://proxy.contoso.com:3128")]));
    let done = redact(&report, Level::Ids).unwrap();
    assert!(done.record.judged_alike, "{:#?}", done.report.checks);
    let text = serde_json::to_string(&done.report).unwrap();
    assert!(!text.contains("contoso"), "{text}");
    assert!(text.contains("<local>;") && text.contains("Session Manager"), "{text}");
}

fn card(name: &str, address: &str) -> Interface {
    Interface { name: name.into(), up: true, addresses: vec![address.into()], ..Interface::default() }
}

fn route(to: &str, card: &str, gateway: Option<&str>, origin: Option<&str>) -> RouteEntry {
    let text = |text: Option<&str>| text.map(str::to_owned);
    let (interface, kind) = (Some(card.to_owned()), WayKind::Leaves);
    RouteEntry { to: to.into(), interface, gateway: text(gateway), origin: text(origin), kind, ..RouteEntry::default() }
}

/// Nobody answers, and Windows has these routes to a card of its own and to a cluster's.
fn routed(way: (&str, Option<&str>), own: Option<RouteEntry>) -> String {
    let source = if way.0 == "Ethernet" { "10.0.1.4" } else { "169.254.1.7" };
    let way = Way {
        kind: WayKind::Leaves,
        interface: Some(way.0.into()),
        gateway: way.1.map(str::to_owned),
        source: Some(source.into()),
        loopback: false,
    };
    let mut routes = vec![
        route("0.0.0.0/0", "Ethernet", Some("10.0.1.1"), None),
        route("169.254.0.0/16", "Local Area Connection* 1", None, None),
    ];
    routes.extend(own);
    let interfaces = vec![card("Ethernet", "10.0.1.4/24"), card("Local Area Connection* 1", "169.254.1.7/16")];
    let network = Outcome::Network(LocalNetwork { way, interfaces, routes });
    let silent = settings("metadata = \"silent\"\n", &[], &[]);
    let unread = Outcome::failed(Failure::Unsupported, "the packet filter is read on Linux only");
    let report = judged(with(with(silent, Request::Network, network), Request::Firewall, unread));
    let found = finding(&report, "metadata");
    assert_eq!(found.code, "imds-timeout");
    let all = lines(found);
    assert!(all.iter().all(|line| ["ip ", "sudo ", "curl "].iter().all(|start| !line.starts_with(start))), "{all:?}");
    format!("{}\n{}\n{}", found.seen, found.remedy.steps.join("\n"), all.join("\n"))
}

#[test]
fn a_failover_clusters_card_is_told_with_the_route_that_helps() {
    let told = routed(("Local Area Connection* 1", None), None);
    let reason = "the route 169.254.0.0/16 of Local Area Connection* 1 takes 169.254.169.254 for a neighbour there, while the default \
                  route leaves by Ethernet.";
    assert!(told.contains(reason), "{told}");
    assert!(told.contains("\nroute add 169.254.169.254/32 10.0.1.4 metric 1 -p"), "{told}");
    assert!(told.contains("\nFind-NetRoute -RemoteIPAddress 169.254.169.254"), "{told}");
}

#[test]
fn a_permanent_route_is_suspected_unless_it_is_the_one_that_is_advised() {
    let gone = Some("10.0.1.99");
    let left_over = route("169.254.169.254/32", "Ethernet", gone, Some("persistent"));
    let told = routed(("Ethernet", gone), Some(left_over));
    let reason = "the permanent route 169.254.169.254/32 by Ethernet through 10.0.1.99 takes packets to 169.254.169.254, while the \
                  default route leaves by Ethernet through 10.0.1.1.";
    assert!(told.contains(reason) && told.contains("take it away with `route delete`"), "{told}");
    for gateway in [None, Some("10.0.1.4"), Some("10.0.1.1")] {
        let advised = route("169.254.169.254/32", "Ethernet", gateway, Some("persistent"));
        let told = routed(("Ethernet", gateway), Some(advised));
        assert!(told.contains("The routes explain nothing: packets leave by Ethernet (10.0.1.4)"), "{told}");
    }
}
