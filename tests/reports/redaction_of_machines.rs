//! What people call the things on their machines: files, variables, rules of the packet filter, interfaces, gateways; and names that
//! stand within other words. Nothing of it is left, what is left is judged alike, and redacting again changes nothing.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::played::{evidence, judged};
use midoctor::evidence::{Answer, Attempt, Evidence, Exchange, Failure, Outcome, Request};
use midoctor::redact::{Level, redact};
use midoctor::render::html;
use serde_json::{Value, json};

/// The evidence of a redacted report, of which report, page and record do not name these.
fn left(mut evidence: Evidence, request: Request, outcome: Outcome, gone: &[&str]) -> String {
    evidence.exchanges.retain(|exchange| exchange.request != request);
    let attempt = Attempt { started_ms: 0, duration_ms: 1, outcome };
    evidence.exchanges.push(Exchange { request, attempts: vec![attempt] });
    let done = redact(&judged(evidence), Level::Ids).unwrap();
    assert!(done.record.judged_alike, "{:#?}", done.report.checks);
    let again = redact(&done.report, Level::Ids).unwrap();
    assert_eq!(again.report, done.report);
    let report = serde_json::to_string(&done.report).unwrap();
    for text in [&report, &html::render(&done.report).unwrap(), &serde_json::to_string(&done.record).unwrap()] {
        let lower = text.to_lowercase();
        for name in gone {
            if let Some(at) = lower.find(name) {
                panic!("{name} is left: …{}", lower[at.saturating_sub(100)..].chars().take(220).collect::<String>());
            }
        }
    }
    let left = serde_json::to_string(&done.report.evidence.exchanges.last().unwrap().attempts[0].outcome).unwrap();
    // Which of its kind it is depends on what else the scenario names.
    let number = regex::Regex::new(r"\b(text|part|host|domain|resource|server|vm)-[0-9]+").unwrap();
    number.replace_all(&left, "$1-N").into_owned()
}

fn outcome(json: Value) -> Outcome {
    serde_json::from_value(json).unwrap()
}

#[test]
fn variables_name_no_files_sites_or_tenants() {
    for (name, value, stands) in [
        ("SSL_CERT_FILE", "/etc/ssl/certs/contoso-root.pem", "/etc/ssl/certs/part-N"),
        ("REQUESTS_CA_BUNDLE", "/opt/contoso/ca.pem", "/opt/part-N/ca.pem"),
        ("AZURE_CLIENT_CERTIFICATE_PATH", "C:\\Contoso\\cert.pfx", "C:\\\\part-N\\\\part-N"),
        ("AZURE_FEDERATED_TOKEN_FILE", "/srv/contoso/token", "/srv/part-N/token"),
        ("APPSETTING_WEBSITE_SITE_NAME", "contoso-site", "resource-N"),
        ("ACC_CLOUD", "contoso", "text-N"),
        ("AZURE_TENANT_ID", "contoso.onmicrosoft.com", "host-N.domain-N.example"),
        ("AZURE_CLIENT_ID", "contoso", "text-N"),
        ("IMDS_ENDPOINT", "contoso-gate:80", "host-N:80"),
        ("AzureServicesAuthConnectionString", "RunAs=App;AppId=contoso", "RunAs=App;AppId=text-N"),
        ("HTTPS_PROXY", "//contoso:80", "//host-N:80"),
        ("HTTP_PROXY", "http://p:1/contoso", "http://host-N:1/part-N"),
        ("HTTP_PROXY", "http://[fd12:3456::9]:80", "http://[fdff::1]:80"),
    ] {
        let set = json!({"result": "variables", "set": {name: value}});
        let gone = ["contoso", "fd12"];
        let left = left(evidence("", &[]), Request::Environment { of: Default::default() }, outcome(set), &gone);
        assert!(left.contains(&format!("\"{name}\":\"{stands}\"")), "{left}");
    }
    let unit = json!({"result": "variables", "set": {}, "unit": {"process": 1, "declared": {"HTTP_PROXY": "http://contoso:1"},
        "from": {"HTTP_PROXY": "/opt/contoso/env"}, "unread": ["the EnvironmentFile /srv/contoso/x could not be read"]}});
    let of = serde_json::from_value(json!({"unit": "web.service"})).unwrap();
    let report = evidence("[command]\nunit = \"web\"", &[]);
    left(report, Request::Environment { of }, outcome(unit), &["contoso"]);
}

#[test]
fn rules_and_interfaces_keep_their_language_and_no_names() {
    let rules = json!({"result": "firewall", "rules": [
        {"effect": "drops", "chain": "ip filter (legacy) CONTOSO-OUT", "conditional": false,
         "rule": "-A CONTOSO-OUT -d 169.254.169.254/32 -m comment --comment \"contoso egress, ask jdoe\" -j DROP"},
        {"effect": {"redirects": "10.1.1.1:80"}, "chain": "inet contoso output",
         "rule": "ip daddr 169.254.169.254 oifname \"br-contoso\" meta skuid \"jdoe\" dnat to 10.1.1.1:80"}],
        "unfollowed": ["inet contoso input"]});
    let gone = ["contoso", "jdoe", "10.1.1.1"];
    for scenario in ["", "metadata = \"silent\""] {
        let left = left(evidence(scenario, &[]), Request::Firewall, outcome(rules.clone()), &gone);
        assert!(left.contains("-A text-N -d 169.254.169.254/32 -m comment --comment \\\"text-N"), "{left}");
    }
    let network = json!({"result": "network", "way": {"kind": "leaves", "interface": "br-contoso", "gateway": "10.1.2.3"},
        "interfaces": [{"name": "br-contoso", "kind": "bridge", "up": true, "addresses": ["10.1.2.4/24"]}, {"name": "eth0", "up": true, "addresses": []}],
        "routes": [{"to": "169.254.169.254/32", "interface": "br-contoso", "kind": "leaves"}]});
    let left = left(evidence("metadata = \"silent\"", &[]), Request::Network, outcome(network), &["contoso", "10.1.2"]);
    assert_eq!(left.matches("text-N").count(), 3, "{left}");
    assert!(left.contains("\"eth0\""), "{left}");
}

#[test]
fn a_gateway_says_in_its_answer_whose_it_is_and_the_redacted_report_does_not() {
    let asked = evidence("", &[]);
    let url = |part: &str| {
        let mut all = asked.exchanges.iter().map(|exchange| &exchange.request);
        all.find(|request| request.url().is_some_and(|url| url.contains(part))).unwrap().clone()
    };
    for request in [url("/metadata/instance"), url("management.azure.com/subscriptions")] {
        let headers = [("www-authenticate", "Basic realm=\"Contoso Corp\""), ("via", "1.1 gate (contoso/1.0)")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let answer = Answer { status: 403, headers, ..Answer::default() };
        for (body, stands) in [
            ("<h1>Blocked by Contoso</h1>", "<html>(removed)</html>"),
            ("Access denied by Wingtip. Ask jdoe.", "Access denied by (removed). Ask (removed)."),
        ] {
            let answer = Outcome::Answered(Answer { body: body.into(), ..answer.clone() });
            let left = left(asked.clone(), request.clone(), answer, &["contoso", "gate (", "wingtip", "jdoe"]);
            assert!(left.contains(&format!("\"body\":\"{stands}\"")), "{left}");
            assert!(left.contains("1.1 host-N (server-N)") && left.contains("realm=\\\"text-N\\\""), "{left}");
        }
    }
}

#[test]
fn a_name_goes_within_other_words_and_in_any_encoding_of_what_is_around_it() {
    for (text, stands) in [
        ("the address vm-doctor-01-pip", "the address vm-N-pip"),
        ("VM-DOCTOR-01_Data_1", "vm-N_Data_1"),
        ("at%252Fvm-doctor-01%252F", "at%252Fvm-1%252F"),
        ("b'a\\nvm-doctor-01'", "b'a\\\\nvm-1'"),
        ("vm-doctor-010", "vm-N-0"),
        ("no route to gate.fabrikam.com", "no route to host-N.domain-N.example"),
    ] {
        let failed = Outcome::failed(Failure::Other, text);
        let request = Request::Resolve { host: "localhost".into() };
        let left = left(evidence("", &[]), request, failed, &["vm-doctor", "fabrikam"]);
        assert!(left.contains(&format!("\"detail\":\"{stands}\"")), "{left}");
    }
}
