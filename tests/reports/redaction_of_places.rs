//! Places that no scenario of the pages fills: proxies and their exceptions, units, pods, gateways' certificates, files, people.
//! Nothing of what they hold is left, what is left is judged alike, and redacting again changes nothing.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::played::{evidence, judged, play};
use midoctor::evidence::{Attempt, Evidence, Exchange, Outcome, Request};
use midoctor::redact::{Level, redact};
use midoctor::report::Report;

/// The report without names, as text.
fn left(report: &Report, gone: &[&str]) -> String {
    let done = redact(report, Level::Ids).unwrap();
    assert!(done.record.judged_alike, "{:#?}", done.report.checks);
    let again = redact(&done.report, Level::Ids).unwrap();
    assert_eq!(serde_json::to_string(&again.report).unwrap(), serde_json::to_string(&done.report).unwrap());
    assert_eq!(again.record.redactions, []);
    let text = serde_json::to_string(&done.report).unwrap();
    let lower = text.to_lowercase();
    for name in gone {
        if let Some(at) = lower.find(&name.to_lowercase()) {
            panic!("{name} is left: …{}", lower[at.saturating_sub(100)..].chars().take(220).collect::<String>());
        }
    }
    text
}

/// Puts a question with its outcome among the evidence.
fn with(mut evidence: Evidence, request: Request, outcome: Outcome) -> Report {
    evidence.exchanges.retain(|exchange| exchange.request != request);
    let attempt = Attempt { started_ms: 0, duration_ms: 1, outcome };
    evidence.exchanges.push(Exchange { request, attempts: vec![attempt] });
    judged(evidence)
}

#[test]
fn proxies_and_their_exceptions_keep_who_is_below_whom() {
    let report = play(
        "[environment]\nhttp_proxy = \"http://proxy.contoso.com:3128/\"\nHTTPS_PROXY = \"gate:8080\"\n\
         NO_PROXY = \"localhost,.contoso.com,build.fabrikam.local:8443, 10.20.0.0/16 10.0.0.0/8,169.254.0.0/16,*\"\n\
         AZURE_USERNAME = \"jdoe@fabrikam.local\"\nIDENTITY_ENDPOINT = \"http://arc.contoso.com:40342/metadata\"\n\
         REQUESTS_CA_BUNDLE = \"/home/jdoe/ca.pem\"\n",
    );
    let text = left(&report, &["contoso", "fabrikam", "jdoe", "gate:", "10.20.0", "build."]);
    for kept in [
        "http://host-4.domain-1.example:3128/",
        "host-3:8080",
        "localhost,.domain-1.example,host-2.domain-2.example:8443, 10.254.0.3/16 10.0.0.0/8,169.254.0.0/16,*",
        "AZURE_USERNAME\":\"user-2\"",
        "http://host-1.domain-1.example:40342/metadata",
        "/home/user-3/ca.pem",
    ] {
        let at = text.find("NO_PROXY\":").unwrap();
        assert!(text.contains(kept), "{kept}: {}", &text[at..at + 200]);
    }
}

#[test]
fn a_gateways_certificate_names_no_company() {
    for kind in ["stranger", "inspected", "other-name"] {
        let report = play(&format!("arm_certificate = \"{kind}\""));
        let text = left(&report, &["contoso"]);
        assert!(text.contains("management.azure.com"), "{kind}");
    }
}

#[test]
fn a_unit_is_nobodys_and_its_files_neither() {
    let report = play(
        "[command]\nunit = \"contoso-billing\"\n[unit]\nprocess = { HTTP_PROXY = \"http://p.contoso.com:1\" }\n\
         environment = { NO_PROXY = \"b.contoso.com\" }\nunread = [\"the EnvironmentFile /etc/contoso-billing.service.d/x could not be read\"]\n",
    );
    let text = left(&report, &["contoso", "billing"]);
    assert!(text.contains("unit-1.service"), "{text}");
}

#[test]
fn files_that_name_a_pod_or_a_container_name_it_no_more() {
    let silent = || evidence("metadata = \"silent\"", &[]);
    let file = |path: &str, text: &str| with(silent(), Request::file(path), Outcome::Contents { text: text.into() });
    left(&file("/etc/hostname", "billing-7d9f-xk2\n"), &["billing"]);
    left(&file("/var/run/secrets/kubernetes.io/serviceaccount/namespace", "fabrikam-prod"), &["fabrikam"]);
    left(
        &file(
            "/run/.containerenv",
            "engine=\"podman-4.9\"\nname=\"billing\"\nid=\"0a1b2c3d4e5f\"\nimage=\"cr.fabrikam.com/billing:1\"",
        ),
        &["billing", "0a1b2c3d4e5f", "fabrikam"],
    );
    let id = "4f1c9bd0a7e3".repeat(6);
    left(&file("/proc/1/cgroup", &format!("0::/docker/{}", &id[..64])), &[&id[..20]]);
}

#[test]
fn addresses_of_every_kind_go_and_those_of_everybody_stay() {
    let detail = "10.1.2.3 to 172.20.1.1, 192.168.7.7, 100.64.3.3, 52.1.2.3, fd12:3456::9, 2603:1030::5, fe80::20d:3aff:fe33:82e8, \
                  00:0d:3a:33:82:e8; 169.254.169.254, 168.63.129.16, 127.0.0.1, ::1 and 0.0.0.0/0 stay";
    let report = with(
        evidence("", &[]),
        Request::Resolve { host: "db.fabrikam.local".into() },
        Outcome::failed(midoctor::evidence::Failure::Other, detail),
    );
    let gone = [
        "10.1.2.3",
        "172.20.1.1",
        "192.168.7.7",
        "100.64.3.3",
        "52.1.2.3",
        "fd12:",
        "2603:",
        "20d:3aff",
        "00:0d:3a",
        "fabrikam",
    ];
    let text = left(&report, &gone);
    for kept in [
        "169.254.169.254, 168.63.129.16, 127.0.0.1, ::1 and 0.0.0.0/0 stay",
        "fdff::1",
        "2001:db8::1",
        "fe80::1",
        "02:00:00:00:00:0",
    ] {
        assert!(text.contains(kept), "{kept}: {text}");
    }
}

/// Words of another version cannot be made anew; there they are looked through like any text.
#[test]
fn words_of_another_version_are_looked_through() {
    let mut report = play("roles = []");
    let last = report.checks.len() - 1;
    report.tool.version = "0.0.1".into();
    report.checks[last].summary =
        "The VM vm-doctor-01 of rg-doctor (10.0.1.4) was seen by \"jdoe@contoso.com\".".into();
    report.checks[last].subject = Some("https://kv-doctor.vault.azure.net/secrets/db-password".into());
    let done = redact(&report, Level::Ids).unwrap().report;
    assert_eq!(done.checks[last].summary, "The VM vm-1 of rg-1 (10.254.0.2) was seen by \"user-1@domain-1.example\".");
    assert_eq!(done.checks[last].subject.as_deref(), Some("https://host-1.vault.azure.net/secrets/part-1"));
    assert_eq!((done.tool.version.as_str(), done.verdict), ("0.0.1", report.verdict));
    left(&report, &["vm-doctor-01", "rg-doctor", "jdoe", "contoso", "kv-doctor", "db-password", "10.0.1.4"]);
}

/// What goes at the level of secrets, and what stays there.
#[test]
fn secrets_go_and_what_support_asks_for_stays() {
    let mut evidence = evidence("", &[]);
    for exchange in &mut evidence.exchanges {
        for attempt in &mut exchange.attempts {
            if let Outcome::Answered(answer) = &mut attempt.outcome {
                answer.headers.insert("location".into(), "https://h/?sig=hunter2".into());
                answer.headers.insert("set-cookie".into(), "hunter2".into());
                answer.headers.insert("via".into(), "1.1 http://u:hunter2@gate".into());
            }
        }
    }
    let broken = Outcome::failed(
        midoctor::evidence::Failure::Other,
        "https://u:hunter2@host/x?client_secret=hunter2hunter2 and Bearer hunter2hunter2hunter2",
    );
    let report = with(evidence, Request::Resolve { host: "host".into() }, broken);
    let done = redact(&report, Level::Secrets).unwrap();
    let text = serde_json::to_string(&done.report).unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    assert!(text.contains("x-ms-request-id") && text.contains("vm-doctor-01"), "{text}");
    let rules: std::collections::BTreeSet<&str> =
        done.record.redactions.iter().map(|entry| entry.rule.as_str()).collect();
    assert_eq!(rules.into_iter().collect::<Vec<_>>(), ["header", "secret", "user-info"]);
    assert!(!serde_json::to_string(&done.record).unwrap().contains("hunter2"));
    assert_eq!(redact(&report, Level::None).unwrap().report, report);
}
