//! Dead routes and wrong certificates: what the machine's own network can do to a question.

use std::net::{Ipv6Addr, SocketAddr};

use serde_json::Value;

use crate::namespace::simulator::{self, Ran, Services, Simulator, check, examine};
use crate::namespace::{Case, place};

const METADATA: &str = "169.254.169.254";

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("metadata packets dropped", metadata_dropped),
        Case::new("metadata packets dropped, on a machine that nothing is known of", metadata_dropped_anywhere),
        Case::new("metadata refused", metadata_refused),
        Case::new("metadata without a route", || metadata_unroutable(None)),
        Case::new("metadata behind an unreachable route", || metadata_unroutable(Some("unreachable"))),
        Case::new("metadata behind a prohibited route", || metadata_unroutable(Some("prohibit"))),
        Case::new("manager packets dropped", manager_dropped),
        Case::new("manager refused", manager_refused),
        Case::new("manager without a route", manager_unroutable),
        Case::new("manager name unknown", manager_unknown),
        Case::new("name server that drops packets", name_server_silent),
        Case::new("stranger's certificate", || certificate("stranger", "UnknownIssuer")),
        Case::new("expired certificate", || certificate("expired", "certificate expired")),
        Case::new("certificate of another name", || certificate("other-name", "not valid for name")),
        Case::new("authority that the machine does not know", unknown_authority),
        Case::new("authority in SSL_CERT_DIR", authority_in_a_folder),
        Case::new("retired endpoint on IPv6 alone", retired_on_ipv6),
        Case::new("deadline that cuts the run short", deadline),
    ]
}

/// The code is the root cause and its check's only finding; returns why the first question that failed did.
fn assert_root_cause(ran: &Ran, code: &str, check: &str) -> String {
    simulator::assert_valid(&ran.report);
    assert_eq!((ran.code, ran.report["root_cause"].as_str()), (Some(1), Some(code)), "{}", seen(&ran.report));
    let checks = ran.report["checks"].as_array().unwrap();
    let failed: Vec<&Value> = checks.iter().filter(|check| check["status"] == "fail").collect();
    assert_eq!(failed.len(), 1, "one check fails: {failed:?}");
    assert_eq!(failed[0]["id"], check);
    let codes: Vec<&Value> = failed[0]["findings"].as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert_eq!(codes, [code]);
    for blocked in checks.iter().filter(|check| check["status"] == "blocked") {
        assert_eq!(blocked["blocked_by"], check, "{}", blocked["id"]);
    }
    failed[0]["findings"][0]["seen"].as_str().unwrap().to_owned()
}

/// What was found, for people who read a failed test.
fn seen(report: &Value) -> String {
    serde_json::to_string_pretty(&report["checks"]).unwrap()
}

/// Why questions of this kind failed; none where one did not.
fn failures(report: &Value, question: impl Fn(&Value) -> bool) -> Vec<String> {
    let exchanges = report["evidence"]["exchanges"].as_array().unwrap();
    let attempts = exchanges.iter().filter(|one| question(&one["request"])).flat_map(|one| one["attempts"].as_array());
    attempts.flatten().filter_map(|attempt| attempt["outcome"]["why"].as_str().map(str::to_owned)).collect()
}

fn connects_to_metadata(request: &Value) -> bool {
    request["ask"] == "connect" && request["host"] == METADATA
}

fn metadata_dropped() {
    place::take_metadata_away();
    place::drop_packets_to(METADATA);
    let ran = examine(&mut check(None, &[]));
    assert_root_cause(&ran, "imds-timeout", "metadata");
    assert_eq!(failures(&ran.report, connects_to_metadata), ["connect-timeout"]);
}

/// Silence does not say which cloud this is.
fn metadata_dropped_anywhere() {
    for field in ["chassis_asset_tag", "product_name", "sys_vendor"] {
        place::dmi(field, "");
    }
    place::take_metadata_away();
    place::drop_packets_to(METADATA);
    let ran = examine(&mut check(None, &[]));
    assert_root_cause(&ran, "imds-timeout", "metadata");
    assert_eq!(ran.report["checks"][0]["status"], "unknown");
}

fn metadata_refused() {
    let ran = examine(&mut check(None, &[]));
    assert_root_cause(&ran, "imds-refused", "metadata");
    assert_eq!(failures(&ran.report, connects_to_metadata), ["refused"]);
}

fn metadata_unroutable(kind: Option<&str>) {
    place::take_metadata_away();
    if let Some(kind) = kind {
        place::route(kind, METADATA);
    }
    let ran = examine(&mut check(None, &[]));
    assert_root_cause(&ran, "imds-timeout", "metadata");
    assert_eq!(failures(&ran.report, connects_to_metadata), ["unroutable"]);
}

fn manager_dropped() {
    let simulator = Simulator::start("healthy", &[]);
    place::names_lead_to(place::ELSEWHERE);
    place::drop_packets_to(place::ELSEWHERE);
    let ran = examine(&mut check(Some(&simulator.authority()), &["--timeout", "2s"]));
    assert_root_cause(&ran, "arm-unreachable", "arm");
    assert!(failures(&ran.report, to_manager).iter().all(|why| why == "connect-timeout"), "{}", seen(&ran.report));
}

fn manager_refused() {
    let simulator = Simulator::start("healthy", &[]);
    place::names_lead_to("127.0.0.2");
    let ran = examine(&mut check(Some(&simulator.authority()), &[]));
    assert_root_cause(&ran, "arm-unreachable", "arm");
    assert!(failures(&ran.report, to_manager).iter().all(|why| why == "refused"), "{}", seen(&ran.report));
}

fn manager_unroutable() {
    let simulator = Simulator::start("healthy", &[]);
    place::names_lead_to(place::ELSEWHERE);
    let ran = examine(&mut check(Some(&simulator.authority()), &[]));
    assert_root_cause(&ran, "arm-unreachable", "arm");
    assert!(failures(&ran.report, to_manager).iter().all(|why| why == "unroutable"), "{}", seen(&ran.report));
}

fn to_manager(request: &Value) -> bool {
    request["url"].as_str().is_some_and(|url| url.starts_with("https://"))
}

fn manager_unknown() {
    let simulator = Simulator::start("healthy", &[]);
    place::names_are_unknown();
    let ran = examine(&mut check(Some(&simulator.authority()), &[]));
    assert_root_cause(&ran, "dns-failure", "arm");
}

fn name_server_silent() {
    let simulator = Simulator::start("healthy", &[]);
    place::names_are_unknown();
    place::names_are_asked_of(place::ELSEWHERE);
    place::drop_packets_to(place::ELSEWHERE);
    let ran = examine(&mut check(Some(&simulator.authority()), &["--timeout", "2s"]));
    assert_root_cause(&ran, "dns-failure", "arm");
}

fn certificate(kind: &str, words: &str) {
    let services = Services::start(&format!("arm_certificate = \"{kind}\""), &[], |_| {});
    let ran = examine(&mut check(Some(&services.authority), &[]));
    let seen = assert_root_cause(&ran, "tls-intercepted", "arm");
    let exchanges = ran.report["evidence"]["exchanges"].to_string();
    assert!(exchanges.contains(words), "{kind}: {seen}");
}

fn unknown_authority() {
    let _simulator = Simulator::start("healthy", &[]);
    let ran = examine(&mut check(None, &[]));
    let seen = assert_root_cause(&ran, "tls-intercepted", "arm");
    assert!(seen.contains("midoctor simulator CA"), "it names who signed: {seen}");
}

fn authority_in_a_folder() {
    let simulator = Simulator::start("healthy", &[]);
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(simulator.authority(), folder.path().join("00000000.0")).unwrap();
    let ran = examine(check(None, &[]).env("SSL_CERT_DIR", folder.path()));
    assert_eq!(ran.code, Some(0), "{}", seen(&ran.report));
}

fn retired_on_ipv6() {
    let only = SocketAddr::from((Ipv6Addr::LOCALHOST, 50342));
    let services = Services::start("retired = \"extension\"", &[], |options| options.retired = vec![only]);
    assert_eq!(services.running.retired, [only], "this machine has IPv6");
    let ran = examine(&mut check(Some(&services.authority), &[]));
    assert_eq!((ran.code, ran.report["verdict"].as_str()), (Some(0), Some("degraded")), "{}", seen(&ran.report));
    let retired = ran.report["checks"].as_array().unwrap().iter().find(|check| check["id"] == "retired").unwrap();
    assert_eq!((&retired["status"], &retired["findings"][0]["code"]), (&"warn".into(), &"legacy-answering".into()));
}

/// What was not asked in time is not judged, and the run says so by its exit code.
fn deadline() {
    let simulator = Simulator::start("healthy", &["--delay", "1s"]);
    let ran = examine(&mut check(Some(&simulator.authority()), &["--deadline", "2500ms"]));
    simulator::assert_valid(&ran.report);
    assert_eq!((ran.code, ran.report["verdict"].as_str()), (Some(3), Some("undetermined")), "{}", seen(&ran.report));
}
