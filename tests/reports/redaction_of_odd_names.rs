//! Names that are words, addresses or pseudonyms themselves: what is left of a report must not depend on them at all.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::played;
use midoctor::evidence::Evidence;
use midoctor::redact::{Level, redact};
use midoctor::report::Report;
use midoctor::scenarios;

/// The report of this scenario in which one name is another.
fn with(scenario: &str, name: &str, other: &str) -> Report {
    let scenario = scenarios::find(scenario).unwrap().scenario().unwrap();
    let plan = scenarios::plan(&scenario).unwrap();
    let azure = midoctor::simulator::Azure::new(scenario);
    let machine = midoctor::simulator::SimulatedMachine::at(azure, "2026-09-01T10:11:12Z".parse().unwrap());
    let evidence = midoctor::engine::examine(&machine, &plan, midoctor::engine::Limits::default(), &|_| {}).0;
    let json = serde_json::to_string(&evidence).unwrap();
    assert!(json.contains(name), "{name} is not in the evidence");
    let evidence: Evidence = serde_json::from_str(&json.replace(name, other)).unwrap();
    played::judged(with_fixed_ids(evidence))
}

/// The simulator makes up IDs anew each time; here they are the same.
fn with_fixed_ids(mut evidence: Evidence) -> Evidence {
    for (index, exchange) in evidence.exchanges.iter_mut().enumerate() {
        if let midoctor::evidence::Request::Http(http) = &mut exchange.request {
            // Letters beyond ASCII are percent-encoded there.
            http.url = url::Url::parse(&http.url).unwrap().into();
        }
        for attempt in &mut exchange.attempts {
            if let midoctor::evidence::Outcome::Answered(answer) = &mut attempt.outcome {
                for (name, value) in &mut answer.headers {
                    if name.ends_with("request-id") {
                        *value = format!("f0000000-0000-4000-8000-{index:012}");
                    }
                }
            }
        }
    }
    evidence
}

/// What is left of the report, as text.
fn left(report: &Report) -> String {
    let done = redact(report, Level::Ids).unwrap();
    assert!(done.record.judged_alike);
    serde_json::to_string_pretty(&done.report).unwrap()
}

fn assert_same(one: &str, other: &str, what: &str) {
    if let Some(at) = one.bytes().zip(other.bytes()).position(|(one, other)| one != other) {
        let around = |text: &str| text.chars().skip(at.saturating_sub(80)).take(160).collect::<String>();
        panic!("{what}: {:#?}", [around(one), around(other)]);
    }
    assert_eq!(one.len(), other.len(), "{what}");
}

const ODD: [&str; 26] = [
    "a",
    "q",
    "vm",
    "VM",
    "report",
    "none",
    "error",
    "identity",
    "Identity",
    "virtualMachines",
    "subscriptions",
    "resourceGroups",
    "providers",
    "Microsoft.Compute",
    "Reader",
    "compute",
    "GET",
    "true",
    "null",
    "vm-1",
    "rg-1",
    "host-1",
    "id-1",
    "10.0.0.9",
    "403",
    "management.azure.com",
];

#[test]
fn what_a_vm_is_called_is_nowhere_left() {
    let usual = left(&with("role-missing", "vm-doctor-01", "vm-control"));
    for odd in ODD {
        assert_same(&left(&with("role-missing", "vm-doctor-01", odd)), &usual, odd);
    }
}

#[test]
fn what_a_resource_group_is_called_is_nowhere_left() {
    let usual = left(&with("role-missing", "rg-doctor", "rg-control"));
    for odd in ODD.into_iter().chain(["grün", "a(1)", "web_test.prod"]) {
        assert_same(&left(&with("role-missing", "rg-doctor", odd)), &usual, odd);
    }
}

#[test]
fn what_an_identity_is_called_is_nowhere_left() {
    let usual = left(&with("healthy-both", "id-app", "id-control"));
    for odd in ODD {
        assert_same(&left(&with("healthy-both", "id-app", odd)), &usual, odd);
    }
}

#[test]
fn what_an_account_is_called_is_nowhere_left() {
    let usual = left(&with("healthy-government", "kv-doctor", "mycontrol"));
    for odd in ["a", "vault", "blob", "host-1", "management", "secrets", "login", "report"] {
        assert_same(&left(&with("healthy-government", "kv-doctor", odd)), &usual, odd);
    }
}
