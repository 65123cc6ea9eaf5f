//! A token is sent to Azure Resource Manager and nowhere else, and no secret's bytes come back in anything: a wire that is as
//! hostile as it can be tries to get them out.

#![cfg(all(feature = "simulator", feature = "archives"))]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use midoctor::destination::Destinations;
use midoctor::diagnosis;
use midoctor::engine::{self, Limits};
use midoctor::evidence::{
    Certificate, Dated, Evidence, Failed, Failure, Outcome, Raw, Reply, Request, TrustedBy, Wire,
};
use midoctor::plan::{Plan, Probe, Resource};
use midoctor::reading::Reading;
use midoctor::recorder::Recorder;
use midoctor::render;
use midoctor::report::{Report, Run};
use midoctor::simulator::{Azure, CANARY, Scenario, SimulatedMachine};
use midoctor::token::{Secret, Token};

/// An HTTP response on its way back.
#[derive(Clone)]
struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// A VM whose answers somebody rewrites.
struct Hostile<F> {
    machine: SimulatedMachine,
    rewrite: F,
    /// The origins that were sent a token.
    trusted: Mutex<Vec<String>>,
    token: Mutex<String>,
}

impl<F: Fn(&Request, &str, Response) -> Response + Sync> Hostile<F> {
    fn new(rewrite: F) -> Self {
        let machine = SimulatedMachine::new(Azure::new(Scenario::default()));
        Self { machine, rewrite, trusted: Mutex::default(), token: Mutex::default() }
    }
}

impl<F: Fn(&Request, &str, Response) -> Response + Sync> Wire for Hostile<F> {
    fn ask(&self, request: &Request, bearer: Option<&Token>, within: Duration) -> Reply {
        if let Some(token) = bearer {
            let origin = url::Url::parse(request.url().unwrap()).unwrap().origin().ascii_serialization();
            self.trusted.lock().unwrap().push(origin);
            *self.token.lock().unwrap() = token.expose().to_owned();
        }
        // Azure forgets who asks, so that what a made-up token opens does not matter.
        let reply = self.machine.ask(request, bearer, within);
        let Raw::Http { status, headers, body, cut, certificate } = reply.raw else { return reply };
        let body = String::from_utf8(body.bytes().to_vec()).unwrap();
        let token = self.token.lock().unwrap().clone();
        let Response { status, headers, body } = (self.rewrite)(request, &token, Response { status, headers, body });
        let body = Secret::new(body.into_bytes());
        Reply { took: reply.took, raw: Raw::Http { status, headers, body, cut, certificate } }
    }

    fn pause(&self, _: Duration) {}

    fn now(&self) -> jiff::Timestamp {
        self.machine.now()
    }
}

/// Runs against it and returns everything that could be printed, with the origins that got a token.
fn everything_said(rewrite: impl Fn(&Request, &str, Response) -> Response + Sync) -> (String, Vec<String>) {
    let wire = Hostile::new(rewrite);
    let said = printed(&wire);
    let mut origins = wire.trusted.into_inner().unwrap();
    origins.sort();
    origins.dedup();
    (said, origins)
}

/// All that a run over this wire can print.
fn printed(wire: &dyn Wire) -> String {
    let (evidence, _) = engine::examine(wire, &Plan::default(), Limits::default(), &|_: &Request| {});
    let run = Run { id: "r".into(), attempts: 1, ..Run::default() };
    let report = Report::new(&diagnosis::diagnose(&evidence), evidence, run);
    let detail = render::text::Detail { quiet: false, verbose: true };
    let text = render::text::render(&report, render::style::Style::default(), detail);
    text + &render::json::render(&report).unwrap()
}

fn sealed(said: &str, what: &str) {
    assert!(!said.contains(CANARY), "{what}: the canary came out");
    assert!(!said.contains("eyJ"), "{what}: the beginning of a token came out");
}

fn to_manager(request: &Request) -> bool {
    request.url().is_some_and(|url| url.starts_with("https:"))
}

#[test]
fn a_token_goes_to_azure_resource_manager_and_nowhere_else() {
    let (said, origins) = everything_said(|_, _, response| response);
    sealed(&said, "healthy");
    assert_eq!(origins, ["https://management.azure.com"]);
}

#[test]
fn a_vm_document_cannot_lead_the_token_elsewhere() {
    for cloud in ["evil.example", "AzurePublicCloud.evil.example", "../../evil"] {
        let (said, origins) = everything_said(|_, _, response| Response {
            body: response.body.replace("AzurePublicCloud", cloud),
            ..response
        });
        sealed(&said, cloud);
        assert!(origins.is_empty(), "{cloud}: {origins:?}");
    }
    for id in
        ["@evil.example/subscriptions/s", "/subscriptions/s?x=", "/subscriptions/3d\\u000d\\u000aHost: evil.example"]
    {
        let (said, origins) = everything_said(|_, _, response| Response {
            body: response.body.replace("/subscriptions/3d9b6c1e", id),
            ..response
        });
        sealed(&said, id);
        assert!(origins.iter().all(|origin| origin == "https://management.azure.com"), "{id}: {origins:?}");
    }
}

/// What a healthy VM in the public cloud says of itself, with this asked for.
fn known(plan: Plan) -> Evidence {
    let machine = SimulatedMachine::new(Azure::new(Scenario::default()));
    engine::examine(&machine, &plan, Limits::default(), &|_: &Request| {}).0
}

/// The recorder is the last gate: whatever a check asks for, it lets no token out to others.
#[test]
fn the_recorder_gives_a_token_to_no_other_host_and_to_none_without_tls() {
    let wire = Hostile::new(|_: &Request, _: &str, response| response);
    let recorder = Recorder::new(&wire);
    let within = Duration::from_secs(10);
    let api = Resource::Uri("https://graph.microsoft.com/".into());
    let probe = Probe { url: "https://api.contoso.com/x".into(), resource: api };
    let trusting = Plan { probes: vec![probe], trusted_hosts: vec!["api.contoso.com".into()], ..Plan::default() };
    let evidence = known(trusting);
    let reading = Reading::new(&evidence);
    let destinations = Destinations::new(&reading);
    let token = |uri| {
        let request = midoctor::case::token_request(uri, None);
        assert!(matches!(recorder.ask(&request, &destinations, within).1, Outcome::Answered(_)));
        request
    };
    let (arm, vault) = (token("https://management.azure.com/"), token("https://vault.azure.net"));
    for (token, url) in [
        (&arm, "https://evil.example/subscriptions"),
        (&arm, "https://management.azure.com.evil.example/"),
        (&arm, "https://management.azure.com@evil.example/"),
        (&arm, "https://user@management.azure.com/"),
        (&arm, "https://management.azure.com:8443/"),
        (&arm, "http://management.azure.com/"),
        (&arm, "http://169.254.169.254/metadata/instance"),
        // Of another cloud than the VM's.
        (&arm, "https://management.usgovcloudapi.net/subscriptions"),
        (&vault, "https://kv.vault.azure.cn/secrets"),
        // A token of one service is none of another's business.
        (&arm, "https://kv.vault.azure.net/secrets"),
        (&vault, "https://management.azure.com/subscriptions"),
        (&vault, "https://kv.blob.core.windows.net/"),
        (&vault, "https://vault.azure.net/"),
        (&vault, "https://kv.vault.azure.net.evil.example/"),
        // Trusted, but not with this one.
        (&arm, "https://api.contoso.com/x"),
    ] {
        let outcome = recorder.ask(&Request::manager(url, Some(token)), &destinations, within).1;
        assert_eq!(outcome.failure().map(|failed| failed.why), Some(Failure::Unsupported), "{url}");
    }
    assert!(wire.trusted.lock().unwrap().is_empty());
    for (token, url) in [
        (&arm, "https://management.azure.com/subscriptions"),
        (&vault, "https://kv.vault.azure.net/secrets"),
        (&token("https://graph.microsoft.com/"), "https://api.contoso.com/x"),
    ] {
        recorder.ask(&Request::manager(url, Some(token)), &destinations, within);
    }
    let sent = wire.trusted.lock().unwrap().clone();
    assert_eq!(sent, ["https://management.azure.com", "https://kv.vault.azure.net", "https://api.contoso.com"]);
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
        let (said, _) = everything_said(|request, token, mut response| {
            if to_manager(request) && !token.is_empty() {
                response.status = 403;
                response.headers.push(("www-authenticate".into(), format!("Bearer error=\"{token}\"")));
                response.headers.push(("location".into(), format!("https://evil.example/{token}")));
                response.body = wrap(token);
            }
            response
        });
        sealed(&said, what);
    }
}

/// A token need not look like one: what was issued is looked for as it stands.
#[test]
fn an_opaque_token_that_is_echoed_is_sealed_too() {
    let opaque = format!("opaque-{CANARY}-token");
    let wire = Hostile::new(|request: &Request, _: &str, mut response: Response| {
        if request.asks_for_token() {
            response.body = format!("{{\"access_token\":\"{opaque}\"}}");
        } else if to_manager(request) {
            response.body = format!("{{\"error\":{{\"code\":\"X\",\"message\":\"{opaque}\"}}}}");
        }
        response
    });
    let recorder = Recorder::new(&wire);
    let evidence = known(Plan::default());
    let reading = Reading::new(&evidence);
    let destinations = Destinations::new(&reading);
    let token = midoctor::case::token_request("https://management.azure.com/", None);
    for request in [token.clone(), Request::manager("https://management.azure.com/subscriptions", Some(&token))] {
        let kept = serde_json::to_string(&recorder.ask(&request, &destinations, Duration::from_secs(10)).1).unwrap();
        assert!(kept.contains("(sealed)") && !kept.contains(CANARY), "{kept}");
    }
}

#[test]
fn a_token_answer_in_any_disguise_is_sealed() {
    let opaque = |body: String| body.replace("eyJ", "opaque");
    for (what, disguise) in [
        (
            "other keys",
            Box::new(|body: String| body.replace("access_token", "Access_Token"))
                as Box<dyn Fn(String) -> String + Sync>,
        ),
        (
            "a refresh token",
            Box::new(|body| body.replace("\"client_id\":\"", &format!("\"refresh_token\":\"{CANARY}"))),
        ),
        ("two tokens", Box::new(|body| body.replacen('{', "{\"access_token\":\"first\",", 1))),
        ("not JSON", Box::new(|body| body.replace('{', ""))),
        ("not JSON and no JWT", Box::new(move |body| opaque(body).replace('{', ""))),
        ("cut off", Box::new(|body| body[..body.len() / 2].to_owned())),
        ("nested", Box::new(|body| format!("{{\"data\":{body}}}"))),
        ("nested and no JWT", Box::new(move |body| format!("{{\"data\":{}}}", opaque(body)))),
        ("in an array", Box::new(|body| format!("[{body}]"))),
        ("in an array and no JWT", Box::new(move |body| format!("[{}]", opaque(body)))),
        ("five parts", Box::new(|body| body.replace("\",\"client_id", ".more.parts\",\"client_id"))),
    ] {
        let (said, _) = everything_said(|request, _, mut response| {
            if request.asks_for_token() {
                response.body = disguise(response.body);
            }
            response
        });
        sealed(&said, what);
    }
}

/// A wire that answers one kind of question by itself.
struct Instead<'a> {
    machine: SimulatedMachine,
    answer: &'a (dyn Fn(&Request) -> Option<Outcome> + Sync),
}

impl Wire for Instead<'_> {
    fn ask(&self, request: &Request, bearer: Option<&Token>, within: Duration) -> Reply {
        match (self.answer)(request) {
            Some(outcome) => Reply { took: Duration::ZERO, raw: Raw::Plain(outcome) },
            None => self.machine.ask(request, bearer, within),
        }
    }

    fn pause(&self, _: Duration) {}

    fn now(&self) -> jiff::Timestamp {
        self.machine.now()
    }
}

fn instead(answer: &(dyn Fn(&Request) -> Option<Outcome> + Sync)) -> String {
    printed(&Instead { machine: SimulatedMachine::new(Azure::new(Scenario::default())), answer })
}

#[test]
fn of_secret_variables_only_that_they_are_set_is_kept_and_proxies_lose_their_passwords() {
    let said = instead(&|request| {
        let secrets = ["IDENTITY_HEADER", "MSI_SECRET", "AZURE_CLIENT_SECRET", "AZURE_PASSWORD"];
        let proxies = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"];
        let mut set: BTreeMap<String, String> =
            secrets.iter().map(|name| ((*name).to_owned(), CANARY.to_owned())).collect();
        set.extend(proxies.map(|name| (name.to_owned(), format!("http://user:{CANARY}/#@proxy.example:3128"))));
        set.extend(["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "IDENTITY_ENDPOINT"].map(|name| (name.into(), "x".into())));
        matches!(request, Request::Environment { .. }).then_some(Outcome::Variables { set, unit: None })
    });
    sealed(&said, "environment");
    assert!(said.contains("http://proxy.example:3128"), "the proxy itself is named");
    assert!(said.contains("\"IDENTITY_HEADER\": \"(set)\""), "that the secret is set is kept");
}

#[test]
fn a_token_in_a_systems_error_or_in_a_file_is_sealed() {
    let token = format!("eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.{CANARY}");
    let said = instead(&|request| match request {
        Request::File { .. } => Some(Outcome::Contents { text: token.clone() }),
        Request::Connect { .. } => Some(Outcome::failed(Failure::Other, format!("error near {token}"))),
        _ => None,
    });
    sealed(&said, "errors and files");
    assert!(said.contains("(sealed)"));
}

#[test]
fn a_strangers_certificate_is_sealed_and_cut_in_every_part() {
    let long = format!("CN=\u{1b}[2J eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.{CANARY} {}", "x".repeat(100_000));
    let text = || long.clone();
    let shown = Certificate {
        subject: text(),
        issuer: text(),
        names: vec![text(); 1000],
        without_names: false,
        not_before: "0".into(),
        not_after: String::new(),
        trusted_by: Some(TrustedBy::Nobody),
        chain: vec![text(); 1000],
        chain_cut: false,
        chain_fault: None,
        issuer_out_of_date: Some(Dated { subject: text(), not_before: text(), not_after: text() }),
        refused: Some(text()),
    };
    let failed = Failed { why: Failure::CertificateRefused, detail: text(), certificate: Some(shown) };
    let said = instead(&|request| {
        let there = request.url().is_some_and(|url| url.starts_with("https://management.azure.com/"));
        there.then(|| Outcome::Failed(failed.clone()))
    });
    sealed(&said, "certificate");
    assert!(said.contains("tls-intercepted") && !said.contains('\u{1b}'), "{said}");
    assert!(said.len() < 200_000, "{} bytes", said.len());
}

#[test]
fn headers_that_nobody_needs_are_not_kept() {
    let (said, _) = everything_said(|_, _, mut response| {
        for name in ["Set-Cookie", "Authorization", "X-Api-Key", "Authentication-Info"] {
            response.headers.push((name.into(), CANARY.into()));
        }
        response
    });
    sealed(&said, "headers");
}

#[test]
fn nothing_from_the_wire_reaches_the_terminal_as_a_control_character() {
    let (said, _) = everything_said(|_, _, response| Response {
        body: response.body.replace("vm-doctor-01", "vm\\u001b[2J\\u202e\\u009b\\u007f\\u0007\\nx"),
        ..response
    });
    let hidden = |c: char| (c != '\n' && c.is_control()) || c == '\u{202e}';
    assert!(!said.chars().any(hidden), "a control character");
    assert!(said.contains(r"vm\u{1b}[2J\u{202e}\u{9b}\u{7f}\u{7} x"), "the name is not shown at all");
}
