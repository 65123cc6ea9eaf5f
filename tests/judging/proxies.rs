//! `env-proxy`: who is caught, why what stands in `NO_PROXY` does not help, the line to set, and what the proxy answers. In
//! process.

#![cfg(all(feature = "simulator", feature = "archives"))]

use std::collections::BTreeMap;
use std::time::Duration;

use crate::played::{self, ending, evidence, finding, judged, play};
use midoctor::check::Status;
use midoctor::destination::Destinations;
use midoctor::engine::{self, Limits};
use midoctor::evidence::{Carry, Failure, HttpRequest, Outcome, Raw, Reply, Request, Route, Wire};
use midoctor::plan::Plan;
use midoctor::reading::Reading;
use midoctor::recorder::Recorder;
use midoctor::simulator::{Azure, Scenario, SimulatedMachine};
use midoctor::token::Token;

const PROXY: &str = "http://proxy.contoso.com:3128";

/// A VM with this environment, one `NAME = VALUE` to a line, and what else is in its scenario.
fn seen(variables: &str, more: &str) -> String {
    let report = play(&format!("{more}\n[environment]\n{variables}"));
    finding(&report, "environment").seen.clone()
}

#[test]
fn the_clients_that_are_caught_are_named_and_those_that_are_not() {
    assert_eq!(
        seen("HTTP_PROXY = \"http://user:secret@proxy.contoso.com:3128\"", ""),
        "HTTP_PROXY is set to http://proxy.contoso.com:3128/, and 169.254.169.254 is not exempt (NO_PROXY: not set). Metadata \
         requests of these clients go there: Python (Azure CLI, azure-identity, MSAL), azure.identity.aio for Python, .NET \
         and PowerShell 7, @azure/identity for Node.js, Go and Rust. Those of Java, @azure/msal-node and curl do not."
    );
    assert_eq!(
        seen("ALL_PROXY = \"http://a:1\"\nHTTPS_PROXY = \"http://b:1\"\nno_proxy = \"localhost\"", ""),
        "ALL_PROXY is set to http://a:1, and 169.254.169.254 is not exempt (no_proxy: “localhost”). Metadata requests of these \
         clients go there: Python (Azure CLI, azure-identity, MSAL), .NET and PowerShell 7, @azure/identity for Node.js (by \
         HTTPS_PROXY), Rust and curl. Those of azure.identity.aio for Python, Java, @azure/msal-node and Go do not."
    );
    assert_eq!(
        seen(&format!("HTTPS_PROXY = \"{PROXY}\""), ""),
        "HTTPS_PROXY is set to http://proxy.contoso.com:3128, and 169.254.169.254 is not exempt (NO_PROXY: not set). Metadata \
         requests of these clients go there: @azure/identity for Node.js. Those of Python (Azure CLI, azure-identity, MSAL), \
         azure.identity.aio for Python, .NET and PowerShell 7, Java, @azure/msal-node, Go, Rust and curl do not."
    );
}

#[test]
fn why_what_stands_does_not_help_is_said() {
    let both = |list: &str| format!("NO_PROXY = \"{list}\"\nno_proxy = \"{list}\"");
    for (lists, why) in [
        (both("169.254.0.0/16"), " Only some clients understand a range such as 169.254.0.0/16."),
        (both("*"), " Only some clients understand * as every host."),
        (both("169.254.169.254:80"), " Only some clients understand a port, as in 169.254.169.254:80."),
        (both("169.254.*"), " No client understands 169.254.* as a range."),
        (
            both("localhost 169.254.169.254"),
            " Entries are separated by commas; a blank alone separates them for some clients only.",
        ),
        (
            "NO_PROXY = \"169.254.169.254\"\nno_proxy = \"localhost\"".to_owned(),
            " NO_PROXY names the address and no_proxy does not; clients differ in which of them counts.",
        ),
        (both("localhost"), ""),
    ] {
        let seen = seen(&format!("http_proxy = \"{PROXY}\"\n{lists}"), "");
        assert!(seen.ends_with(&format!(" do not.{why}")), "{lists}: {seen}");
    }
}

#[test]
fn the_line_to_set_keeps_what_stands() {
    for (lists, value) in [
        ("", "169.254.169.254"),
        ("NO_PROXY = \"localhost, .contoso.com\"", "'localhost,.contoso.com,169.254.169.254'"),
        ("NO_PROXY = \"a,b\"\nno_proxy = \"b, 169.254.169.254 c\"", "'a,b,169.254.169.254,c'"),
        ("NO_PROXY = \"a'b $(id)\"", "\"a'b,\"'$(id),169.254.169.254'"),
    ] {
        let report = play(&format!("[environment]\nhttp_proxy = \"{PROXY}\"\n{lists}"));
        let remedy = &finding(&report, "environment").remedy;
        let lines: Vec<&str> = remedy.commands.iter().map(|command| command.line.as_str()).collect();
        assert_eq!(lines[..2], [format!("export NO_PROXY={value}"), format!("export no_proxy={value}")], "{lists}");
        assert!(lines[2].starts_with("Set-Item Env:NO_PROXY "), "{lines:?}");
        assert!(!remedy.steps.iter().any(|step| step.contains("Take ")), "{:?}", remedy.steps);
    }
}

/// `*` counts alone or not at all, so nothing can be added to it.
#[test]
fn a_star_is_not_mended_but_made_needless() {
    let report = play(&format!("[environment]\nhttp_proxy = \"{PROXY}\"\nHTTPS_PROXY = \"{PROXY}\"\nNO_PROXY = \"*\""));
    let remedy = &finding(&report, "environment").remedy;
    assert!(remedy.commands.is_empty(), "{:?}", remedy.commands);
    assert!(
        remedy.text.starts_with("Take http_proxy and HTTPS_PROXY out of the application's environment."),
        "{}",
        remedy.text
    );
}

#[test]
fn what_the_proxy_answers_is_said() {
    let environment = format!("http_proxy = \"{PROXY}\"");
    for (proxy, said) in [
        ("bad-gateway", " Through it, the metadata service's question got 502 from “squid/5.7”."),
        ("silent", " Through it, the metadata service's question got no answer in 4.5 s."),
        (
            "refused",
            " Through it, the metadata service's question was not taken: the connection to the proxy was refused.",
        ),
        ("passes", " Through it came this VM's own document: that works today, and Microsoft does not support it."),
    ] {
        let scenario = format!("proxy = \"{proxy}\"\n[command]\nverbose = true");
        let seen = seen(&environment, &scenario);
        assert!(seen.ends_with(&format!(" do not.{said}")), "{proxy}: {seen}");
    }
    assert!(seen(&environment, "").ends_with(" do not."), "nothing is asked unless it is wanted");
}

fn asked_through(toml: &str) -> Vec<String> {
    let evidence = evidence(toml, &[]);
    let through = |request: &Request| matches!(request, Request::Http(http) if http.route == Route::HttpProxy);
    let all = evidence.exchanges.iter().filter(|exchange| through(&exchange.request));
    all.map(|exchange| format!("{} ({})", exchange.request.in_words(), exchange.attempts.len())).collect()
}

#[test]
fn one_question_is_put_through_it_once_and_only_where_it_catches_somebody() {
    let verbose = "[command]\nverbose = true\n[environment]\n";
    let one = ["GET /metadata/instance, through the proxy (1)"];
    assert_eq!(asked_through(&format!("{verbose}http_proxy = \"{PROXY}\"")), one);
    assert_eq!(asked_through(&format!("{verbose}HTTPS_PROXY = \"{PROXY}\"")), one);
    let none: [&str; 0] = [];
    assert_eq!(asked_through(&format!("{verbose}http_proxy = \"{PROXY}\"\nNO_PROXY = \"169.254.169.254\"")), none);
    assert_eq!(asked_through(verbose), none);
    assert_eq!(asked_through(&format!("[environment]\nhttp_proxy = \"{PROXY}\"")), none);
}

/// Whatever comes through the proxy is no word of the metadata service's: not its silence, its time, or its document.
#[test]
fn no_other_check_takes_the_proxys_answer_for_the_services() {
    let all = |proxy: &str| {
        let toml = format!(
            "proxy = \"{proxy}\"\n[command]\nverbose = true\n[environment]\nhttp_proxy = \"{PROXY}\"\nHTTP_PROXY = \"{PROXY}\""
        );
        let report = play(&toml);
        let rest = report.checks.iter().filter(|check| check.id != "environment");
        rest.map(|check| (check.id.clone(), check.status, check.summary.clone())).collect::<Vec<_>>()
    };
    let expected = all("bad-gateway");
    assert!(expected.iter().all(|(id, status, _)| *status == Status::Pass || id == "data"), "{expected:?}");
    for proxy in ["passes", "silent", "refused"] {
        assert_eq!(all(proxy), expected, "{proxy}");
    }
    // The service itself is silent, and a proxy that passes the document on does not stand in for it.
    let toml = format!(
        "metadata = \"silent\"\n[command]\nverbose = true\n[environment]\nhttp_proxy = \"{PROXY}\"\nNO_PROXY = \"\""
    );
    let mut evidence = evidence(&toml, &[]);
    let document = played::evidence("", &[]);
    let own = document.exchanges.iter().find(|one| one.request.in_words() == "GET /metadata/instance").unwrap();
    let through = own.request.through_proxy().unwrap();
    let exchange = evidence.exchanges.iter_mut().find(|one| one.request == through).unwrap();
    exchange.attempts = own.attempts.clone();
    let report = judged(evidence);
    assert_eq!(ending(&report, "metadata"), (Status::Fail, "imds-timeout"));
    assert_eq!(ending(&report, "clock").0, Status::Blocked);
    assert_eq!((report.vm.name.as_deref(), report.identities.len()), (None, 0));
    let seen = &finding(&report, "environment").seen;
    assert!(seen.ends_with(" Through it came the document of a VM, “vm-doctor-01”."), "{seen}");
}

#[test]
fn the_document_of_another_vm_is_not_this_ones() {
    let toml = format!("proxy = \"passes\"\n[command]\nverbose = true\n[environment]\nhttp_proxy = \"{PROXY}\"");
    let mut evidence = evidence(&toml, &[]);
    let through = |request: &Request| matches!(request, Request::Http(http) if http.route == Route::HttpProxy);
    let exchange = evidence.exchanges.iter_mut().find(|exchange| through(&exchange.request)).unwrap();
    let Outcome::Answered(answer) = &mut exchange.attempts[0].outcome else { panic!("it is passed on") };
    answer.body = answer.body.replace("\"vmId\":\"", "\"vmId\":\"x").replace("vm-doctor-01", "vm-proxy-01");
    let seen = finding(&judged(evidence), "environment").seen.clone();
    let said = " Through it came the document of another VM, “vm-proxy-01”: clients would ask for that one's identity.";
    assert!(seen.ends_with(said), "{seen}");
}

/// Answers nothing, and is never to be asked through a proxy about an identity or with a token.
struct Watch(SimulatedMachine);

impl Wire for Watch {
    fn ask(&self, request: &Request, bearer: Option<&Token>, within: Duration) -> Reply {
        if let Request::Http(http) = request
            && http.route == Route::HttpProxy
        {
            assert!(bearer.is_none() && http.bearer.is_none() && http.carry == Carry::Bearer, "{request:?}");
            assert_eq!(http.url, "http://169.254.169.254/metadata/instance?api-version=2019-03-11");
            let outcome = Outcome::failed(Failure::Refused, "Connection refused");
            return Reply { took: Duration::ZERO, raw: Raw::Plain(outcome) };
        }
        self.0.ask(request, bearer, within)
    }

    fn pause(&self, _: Duration) {}

    fn now(&self) -> jiff::Timestamp {
        self.0.now()
    }
}

#[test]
fn no_token_and_no_question_about_an_identity_is_ever_put_through_it() {
    let scenario = Scenario::parse(Some(&format!("[environment]\nhttp_proxy = \"{PROXY}\"")), &[]).unwrap();
    let wire = Watch(SimulatedMachine::at(Azure::new(scenario), "2026-09-01T10:11:12Z".parse().unwrap()));
    let plan = Plan { through_proxy: true, ..Plan::default() };
    engine::examine(&wire, &plan, Limits::default(), &|_| {});
    for (path, allowed) in [
        ("/metadata/instance?api-version=2019-03-11", true),
        ("/metadata/identity/oauth2/token?api-version=2018-02-01&resource=x", false),
        ("/metadata/identity/info?api-version=2018-02-01", false),
        ("/metadata/instance/../identity/oauth2/token?resource=x", false),
    ] {
        assert_eq!(Request::metadata(path).through_proxy().is_some(), allowed, "{path}");
    }
    assert!(Request::get("http://169.254.169.254.example/metadata/instance?x").through_proxy().is_none());
    let own = Request::metadata("/metadata/instance?api-version=2019-03-11");
    let Request::Http(http) = own.clone() else { unreachable!() };
    let carrying = Request::Http(HttpRequest { bearer: Some("x".into()), ..http });
    assert!(carrying.through_proxy().is_none());
    let through = own.through_proxy().unwrap();
    assert!(own.goes_to_metadata() && !through.goes_to_metadata() && !through.asks_for_token());
    assert!(through.through_proxy().is_none());
}

/// What an edited check or report could ask for is refused before a wire hears of it.
#[test]
fn the_recorder_lets_nothing_else_through() {
    let wire = Watch(SimulatedMachine::at(Azure::new(Scenario::default()), "2026-09-01T10:11:12Z".parse().unwrap()));
    let evidence = evidence("", &[]);
    let reading = Reading::new(&evidence);
    let (recorder, destinations) = (Recorder::new(&wire), Destinations::new(&reading));
    let token = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=x";
    let through = |url: &str, bearer: Option<&str>| {
        let headers = BTreeMap::from([("Metadata".to_owned(), "true".to_owned())]);
        let (url, bearer) = (url.to_owned(), bearer.map(str::to_owned));
        let http =
            HttpRequest { method: "GET".into(), url, headers, bearer, carry: Carry::Bearer, route: Route::HttpProxy };
        recorder.ask(&Request::Http(http), &destinations, Duration::from_secs(1)).1
    };
    let own = "http://169.254.169.254/metadata/instance?api-version=2019-03-11";
    assert_eq!(through(own, None).failure().unwrap().why, Failure::Refused);
    for (url, bearer) in [(token, None), (own, Some(token)), ("https://management.azure.com/x", Some(token))] {
        assert_eq!(through(url, bearer).failure().unwrap().why, Failure::Unsupported, "{url} {bearer:?}");
    }
}

#[test]
fn a_manager_that_is_reached_through_a_proxy_says_so() {
    let summary = |variables: &str| {
        let report = play(&format!("[environment]\n{variables}"));
        played::rows(&report, "arm")[0].summary.clone()
    };
    let bare = "Azure Resource Manager answers: management.azure.com answered in 40 ms";
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let set = format!("{variable} = \"http://user:secret@proxy.contoso.com:3128\"");
        assert_eq!(summary(&set), format!("{bare} through proxy.contoso.com:3128"), "{variable}");
        for list in ["management.azure.com", ".AZURE.com", "localhost, azure.com:443", "*"] {
            assert_eq!(summary(&format!("{set}\nNO_PROXY = \"{list}\"")), bare, "{variable}, {list}");
        }
    }
    assert_eq!(summary("HTTP_PROXY = \"http://proxy.contoso.com:3128\""), bare);
    assert_eq!(summary(""), bare);
}
