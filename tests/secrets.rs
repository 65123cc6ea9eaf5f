//! A token is sent to Azure Resource Manager and nowhere else, and its bytes come back in nothing: a wire that is as
//! hostile as it can be tries to get it out.

#![allow(missing_docs, clippy::unwrap_used)]

use std::sync::Mutex;
use std::time::Duration;

use midoctor::engine::{self, Limits};
use midoctor::evidence::{Evidence, Raw, Reply, Request, Wire};
use midoctor::plan::Plan;
use midoctor::render;
use midoctor::report::{Report, Run};
use midoctor::simulator::{Azure, CANARY, Scenario, SimulatedMachine};
use midoctor::token::{Secret, Token};

/// A healthy VM whose answers somebody rewrites.
struct Hostile<F> {
    machine: SimulatedMachine,
    rewrite: F,
    /// The hosts that were sent a token.
    trusted: Mutex<Vec<String>>,
    seen: Mutex<Option<String>>,
}

impl<F: Fn(&Request, &str, Vec<u8>) -> (u16, Vec<(String, String)>, Vec<u8>) + Sync> Wire for Hostile<F> {
    fn ask(&self, request: &Request, bearer: Option<&Token>, within: Duration) -> Reply {
        if let Some(token) = bearer {
            let host = url::Url::parse(request.url().unwrap()).unwrap().origin().ascii_serialization();
            self.trusted.lock().unwrap().push(host);
            *self.seen.lock().unwrap() = Some(token.expose().to_owned());
        }
        let reply = self.machine.ask(request, bearer, within);
        let Raw::Http { body, cut, certificate, .. } = reply.raw else { return reply };
        let token = self.seen.lock().unwrap().clone().unwrap_or_default();
        let (status, headers, body) = (self.rewrite)(request, &token, body.bytes().to_vec());
        Reply { took: reply.took, raw: Raw::Http { status, headers, body: Secret::new(body), cut, certificate } }
    }

    fn pause(&self, _: Duration) {}

    fn now(&self) -> jiff::Timestamp {
        self.machine.now()
    }
}

fn imds() -> Vec<(String, String)> {
    vec![("Server".into(), "IMDS/1".into()), ("Content-Type".into(), "application/json".into())]
}

/// Runs against it and returns everything that could be printed, with the hosts that got a token.
fn everything_said(
    rewrite: impl Fn(&Request, &str, Vec<u8>) -> (u16, Vec<(String, String)>, Vec<u8>) + Sync,
) -> (String, Vec<String>) {
    let machine = SimulatedMachine::new(Azure::new(Scenario::default()));
    let wire = Hostile { machine, rewrite, trusted: Mutex::default(), seen: Mutex::default() };
    let (evidence, _): (Evidence, _) = engine::examine(&wire, &Plan::default(), Limits::default(), &|_: &Request| {});
    let run = Run { id: "r".into(), started: String::new(), duration_ms: 0, attempts: 1, waited_ms: 0 };
    let report = Report::new(&engine::diagnose(&evidence), evidence, run);
    let detail = render::text::Detail { quiet: false, verbose: true };
    let text = render::text::render(&report, render::style::Style::default(), detail);
    let mut hosts = wire.trusted.into_inner().unwrap();
    hosts.sort();
    hosts.dedup();
    (text + &render::json::render(&report).unwrap(), hosts)
}

fn sealed(said: &str, what: &str) {
    assert!(!said.contains(CANARY), "{what}: the canary came out");
    assert!(!said.contains("eyJ"), "{what}: the beginning of a token came out");
}

#[test]
fn a_token_goes_to_azure_resource_manager_and_nowhere_else() {
    let (said, hosts) = everything_said(|_, _, body| (200, imds(), body));
    sealed(&said, "healthy");
    assert_eq!(hosts, ["https://management.azure.com"]);
}

#[test]
fn a_vm_document_cannot_lead_the_token_elsewhere() {
    for cloud in ["evil.example", "AzurePublicCloud.evil.example", "../../evil"] {
        let (said, hosts) = everything_said(|_, _, body| {
            (200, imds(), String::from_utf8(body).unwrap().replace("AzurePublicCloud", cloud).into_bytes())
        });
        sealed(&said, cloud);
        assert!(hosts.is_empty(), "{cloud}: {hosts:?}");
    }
    for id in [
        "@evil.example/subscriptions/s",
        "/subscriptions/s?x=",
        "/subscriptions/3d9b6c1e\\u000d\\u000aHost: evil.example",
    ] {
        let (said, hosts) = everything_said(|_, _, body| {
            (200, imds(), String::from_utf8(body).unwrap().replace("/subscriptions/3d9b6c1e", id).into_bytes())
        });
        sealed(&said, id);
        assert!(hosts.iter().all(|host| host == "https://management.azure.com"), "{id}: {hosts:?}");
    }
}

#[test]
fn a_manager_that_echoes_the_token_gets_it_sealed() {
    for (what, wrap) in [
        (
            "as it is",
            (|token| format!("{{\"error\":{{\"code\":\"X\",\"message\":\"{token}\"}}}}")) as fn(&str) -> String,
        ),
        ("in text", |token| format!("Bearer {token} is wrong")),
        ("cut off", |token| token[..token.len() / 2].to_owned()),
        ("without its header", |token| {
            token.split_once('.').map_or(String::new(), |(_, rest)| format!("eyJhbGciOiJ9.{rest}"))
        }),
    ] {
        let (said, _) = everything_said(|request, token, body| match request.url() {
            Some(url) if url.starts_with("https:") && !token.is_empty() => {
                let header = ("www-authenticate".to_owned(), format!("Bearer error=\"{token}\""));
                (
                    403,
                    vec![header, ("location".into(), format!("https://evil.example/{token}"))],
                    wrap(token).into_bytes(),
                )
            }
            _ => (200, imds(), body),
        });
        sealed(&said, what);
    }
}

#[test]
fn a_token_answer_in_any_disguise_is_sealed() {
    for (what, disguise) in [
        ("other keys", (|body| body.replace("access_token", "Access_Token")) as fn(String) -> String),
        ("a refresh token", |body| body.replace("\"client_id\"", "\"refresh_token\"")),
        ("two tokens", |body| body.replacen('{', "{\"access_token\":\"first\",", 1)),
        ("not JSON", |body| body.replace('{', "")),
        ("cut off", |body| body[..body.len() / 2].to_owned()),
        ("nested", |body| format!("{{\"data\":{body}}}")),
        ("in an array", |body| format!("[{body}]")),
        ("five parts", |body| body.replace("\",\"client_id", ".more.parts\",\"client_id")),
    ] {
        let (said, _) = everything_said(|request, _, body| {
            let text = String::from_utf8(body).unwrap();
            (200, imds(), if request.asks_for_token() { disguise(text) } else { text }.into_bytes())
        });
        sealed(&said, what);
    }
}

#[test]
fn nothing_from_the_wire_reaches_the_terminal_as_a_control_character() {
    let (said, _) = everything_said(|_, _, body| {
        let text = String::from_utf8(body).unwrap().replace("vm-doctor-01", "vm\\u001b[2J\\u202e\\u0007\\nx");
        (200, imds(), text.into_bytes())
    });
    assert!(said.chars().all(|c| c == '\n' || !c.is_control()), "a control character");
    assert!(said.contains(r"vm\u{1b}[2J\u{202e}\u{7} x"), "the name is not shown at all");
}
