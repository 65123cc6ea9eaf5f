//! Data endpoints over real sockets: what their network, their certificates and they themselves can do to a question, and
//! that a token reaches nobody but a service that was named and proved who it is.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::Value;

use crate::fake::{Behaviour, Fake};
use crate::namespace::simulator::{Ran, Services, check, examine};
use crate::namespace::{Case, place};
use crate::proxies::Proxy;

const MANAGER: &str = "management.azure.com";
const VAULT: &str = "kv-doctor.vault.azure.net";
const PROBE: &str = "https://kv-doctor.vault.azure.net";
const REGISTRY: &str = "crdoctor.azurecr.io";
const API: &str = "api.contoso.com";
/// Where servers listen that are not the simulator.
const FAKE: &str = "127.0.0.3";
const STRANGER: &str = "127.0.0.4";
/// A vault that lets the identity in.
const OPEN: &str = "[[assignment]]\nrole = \"Key Vault Secrets User\"\nscope = \"resource-group\"\n\
                    [[data]]\nhost = \"kv-doctor.vault.azure.net\"\n";

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("data packets dropped", || unreached(place::ELSEWHERE, true, "connect-timeout")),
        Case::new("data refused", || unreached("127.0.0.2", false, "refused")),
        Case::new("data without a route", || unreached(place::ELSEWHERE, false, "unroutable")),
        Case::new("data name unknown", unknown_name),
        Case::new("data with a stranger's certificate", || certificate("stranger", "Contoso Web Gateway CA")),
        Case::new("data with an expired certificate", || certificate("expired", "expired")),
        Case::new("data with another name's certificate", || certificate("other-name", "gateway.contoso.com")),
        Case::new("data that keeps silent after TLS", || never_ready(silent, "answer-timeout")),
        Case::new("data that closes after TLS", || never_ready(|_, _| Ok(()), "closed")),
        Case::new("data that does not speak HTTP", || {
            let (_services, fake, ran) = fake_vault(|_, client| client.write_all(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"));
            ran.assert_end(3, "undetermined", "");
            assert_asked_bare(&ran, VAULT, "not-http");
            assert!(!fake.heard().concat().to_lowercase().contains("authorization"), "{:?}", fake.heard());
        }),
        Case::new("data that challenges at a trickle", || {
            never_ready(|_, client| trickle(client, "401 U"), "answer-timeout")
        }),
        Case::new("data that answers a token with an endless body", endless),
        Case::new("data that refuses a token with an endless body", endless_refusal),
        Case::new("data that answers a token at a trickle", slow),
        Case::new("data that answers a token with silence", || {
            lost_with_token(
                |_, _| loop {
                    wait()
                },
                "answer-timeout",
            )
        }),
        Case::new("data that closes on a token", || lost_with_token(|_, _| Ok(()), "closed")),
        Case::new("data that redirects to another host", redirect),
        Case::new("data by HTTPS_PROXY", by_proxy),
        Case::new("data by HTTPS_PROXY where only the proxy resolves its name", name_by_proxy),
        Case::new("data by HTTPS_PROXY that refuses", refused_by_proxy),
        Case::new("data kept off the proxy by NO_PROXY", exception),
        Case::new("plain API with --trust-host", trusted_host),
        Case::new("plain API without --trust-host asks nothing", untrusted_host),
        Case::new("registry gets the documented form, and what it issues is not kept", registry),
    ]
}

fn wait() {
    std::thread::sleep(Duration::from_secs(1));
}

fn silent(_: &str, _: &mut dyn Write) -> io::Result<()> {
    loop {
        wait();
    }
}

/// A head that never ends, a field every now and then.
fn trickle(client: &mut dyn Write, status: &str) -> io::Result<()> {
    client.write_all(format!("HTTP/1.1 {status}\r\n").as_bytes())?;
    loop {
        client.write_all(b"X-More: x\r\n")?;
        client.flush()?;
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Names lead to the simulator, and this one to that address.
fn lead(host: &str, address: &str) {
    place::names_lead(&[(MANAGER, "127.0.0.1"), (host, address)]);
}

/// Questions to this host, with why the last try of each failed, if it did.
fn questions(ran: &Ran, host: &str) -> Vec<(bool, Option<String>)> {
    let start = format!("https://{host}/");
    let exchanges = ran.report["evidence"]["exchanges"].as_array().unwrap();
    let there = |one: &&Value| one["request"]["url"].as_str().is_some_and(|url| url.starts_with(&start));
    let asked = exchanges.iter().filter(there).map(|one| {
        let last = one["attempts"].as_array().unwrap().last().unwrap();
        (!one["request"]["bearer"].is_null(), last["outcome"]["why"].as_str().map(str::to_owned))
    });
    asked.collect()
}

/// The code is the check's only finding and the root cause, and all else passed: Azure Resource Manager is fine.
fn assert_root_cause(ran: &Ran, code: &str) {
    ran.assert_end(1, "unhealthy", code);
    assert_eq!((&ran.check("arm")["status"], &ran.check("data")["status"]), (&"pass".into(), &"fail".into()));
    let codes: Vec<&Value> = ran.check("data")["findings"].as_array().unwrap().iter().map(|one| &one["code"]).collect();
    assert_eq!(codes, [code]);
}

/// No question that carries a token was put there.
fn assert_asked_bare(ran: &Ran, host: &str, why: &str) {
    assert_eq!(questions(ran, host), [(false, Some(why.to_owned()))], "{}", ran.text);
}

fn unreached(address: &str, dropped: bool, why: &str) {
    let services = Services::start(OPEN, &[], |_| {});
    lead(VAULT, address);
    if dropped {
        place::drop_packets_to(address);
    }
    let ran = examine(&mut check(Some(&services.authority), &["--probe", PROBE, "--timeout", "2s"]));
    assert_root_cause(&ran, "network-blocked");
    assert_asked_bare(&ran, VAULT, why);
    assert!(ran.check("data")["findings"][0]["seen"].to_string().contains(&format!("The name leads to {address}.")));
    assert_eq!(services.asked_at(VAULT), [""; 0]);
}

fn unknown_name() {
    let services = Services::start(OPEN, &[], |_| {});
    let ran = examine(&mut check(Some(&services.authority), &["--probe", PROBE]));
    assert_root_cause(&ran, "dns-failure");
    assert!(questions(&ran, VAULT).iter().all(|(bearer, why)| !bearer && why.is_some()), "{}", ran.text);
    assert_eq!(services.asked_at(VAULT), [""; 0]);
}

fn certificate(kind: &str, words: &str) {
    let services = Services::start(&format!("{OPEN}certificate = \"{kind}\""), &[], |_| {});
    place::names_lead_to_loopback(&[VAULT]);
    let ran = examine(&mut check(Some(&services.authority), &["--probe", PROBE]));
    assert_root_cause(&ran, "tls-intercepted");
    assert_asked_bare(&ran, VAULT, "certificate-refused");
    let seen = ran.check("data")["findings"][0]["seen"].to_string();
    assert!(seen.contains(words), "{seen}");
    assert_eq!(services.asked_at(VAULT), [""; 0]);
}

/// A server in the vault's place, with a certificate that is trusted.
fn fake_vault(behaviour: Behaviour) -> (Services, Fake, Ran) {
    let services = Services::start(OPEN, &[], |_| {});
    let fake = Fake::start(FAKE, &[VAULT], behaviour);
    services.also_trust(&fake.pem);
    lead(VAULT, FAKE);
    let ran = examine(&mut check(Some(&services.authority), &["--probe", PROBE, "--timeout", "2s"]));
    (services, fake, ran)
}

/// It was asked without a token, brought no answer, and got no token for it.
fn never_ready(behaviour: Behaviour, why: &str) {
    let (_services, fake, ran) = fake_vault(behaviour);
    // It showed its certificate, so no network keeps the VM out.
    ran.assert_end(3, "undetermined", "");
    assert_asked_bare(&ran, VAULT, why);
    assert_eq!(fake.heard().iter().filter(|request| request.starts_with("GET /secrets?")).count(), 1);
    assert!(!fake.heard().concat().to_lowercase().contains("authorization"), "{:?}", fake.heard());
}

/// Is it the request with the token?
fn with_token(request: &str) -> bool {
    request.lines().any(|line| line.to_lowercase().starts_with("authorization: bearer ey"))
}

/// What every key vault says to those without a token.
fn challenge(client: &mut dyn Write) -> io::Result<()> {
    let challenge = "Bearer authorization=\"https://login.microsoftonline.com/7f3c2a10-5b4e-4d0a-9c61-2e8f0b7d1a55\", \
                     resource=\"https://vault.azure.net\"";
    let head = format!("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 0\r\n\r\n");
    client.write_all(head.as_bytes())
}

/// What it hands out has no end; a limited part of it is read and none is kept.
fn endless() {
    let (_services, fake, ran) = fake_vault(|request, client| {
        if !with_token(request) {
            return challenge(client);
        }
        client.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")?;
        loop {
            client.write_all(&[b'z'; 1 << 16])?;
        }
    });
    assert_eq!(questions(&ran, VAULT).iter().map(|(bearer, _)| *bearer).collect::<Vec<_>>(), [false, true]);
    assert!(fake.heard().iter().any(|request| with_token(request)));
    assert!(!ran.report.to_string().contains("zzzz") && !ran.text.contains("zzzz"), "nothing of it is kept");
    assert_eq!(ran.end(), (Some(0), "healthy", ""), "{}", ran.text);
}

/// A refusal is kept, since it says why, and so is no more of it than a refusal can have.
fn endless_refusal() {
    let (_services, fake, ran) = fake_vault(|request, client| {
        if !with_token(request) {
            return challenge(client);
        }
        client.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n")?;
        loop {
            client.write_all(&[b'z'; 1 << 16])?;
        }
    });
    ran.assert_end(3, "undetermined", "");
    assert_eq!(ran.check("data")["status"], "unknown");
    assert_eq!(fake.heard().iter().filter(|request| with_token(request)).count(), 1);
    let kept = ran.report.to_string().len();
    assert!(kept < 2 << 20, "{kept} bytes");
}

/// A body that does not end in time is no answer.
fn slow() {
    lost_with_token(
        |_, client| {
            client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")?;
            loop {
                client.write_all(b"z")?;
                client.flush()?;
                std::thread::sleep(Duration::from_millis(200));
            }
        },
        "answer-timeout",
    );
}

/// It challenges as it should, and loses the question that carries a token.
fn lost_with_token(behaviour: Behaviour, why: &str) {
    let services = Services::start(OPEN, &[], |_| {});
    let fake = Fake::start_by(FAKE, &[VAULT], move |request: &str, client: &mut dyn Write| {
        if with_token(request) { behaviour(request, client) } else { challenge(client) }
    });
    services.also_trust(&fake.pem);
    lead(VAULT, FAKE);
    let ran = examine(&mut check(Some(&services.authority), &["--probe", PROBE, "--timeout", "2s"]));
    ran.assert_end(3, "undetermined", "");
    assert_eq!(questions(&ran, VAULT), [(false, None), (true, Some(why.to_owned()))], "{}", ran.text);
    assert_eq!(fake.heard().iter().filter(|request| with_token(request)).count(), 1, "it is not sent again");
}

/// The token goes to the host that was trusted with it, and not to where that points.
fn redirect() {
    let services = Services::start("", &[], |_| {});
    let fake = Fake::start(FAKE, &[API], |_, client| {
        client.write_all(
            b"HTTP/1.1 302 Found\r\nLocation: https://login.contoso.example/take\r\nContent-Length: 0\r\n\r\n",
        )
    });
    let stranger = Fake::start(STRANGER, &["login.contoso.example"], |_, client| {
        client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    });
    services.also_trust(&(fake.pem.clone() + &stranger.pem));
    place::names_lead(&[(MANAGER, "127.0.0.1"), (API, FAKE), ("login.contoso.example", STRANGER)]);
    let ran = examine(&mut check(Some(&services.authority), &api(true)));
    ran.assert_end(3, "undetermined", "");
    assert!(ran.check("data")["summary"].to_string().contains("answered 302 and points elsewhere"), "{}", ran.text);
    assert_eq!(stranger.heard(), [""; 0], "it was not even connected to");
    assert_eq!(fake.heard().iter().map(|request| with_token(request)).collect::<Vec<_>>(), [false, true]);
}

fn api(trusted: bool) -> Vec<&'static str> {
    let mut arguments = vec!["--probe", "https://api.contoso.com/health", "--resource", "https://graph.microsoft.com"];
    if trusted {
        arguments.extend(["--trust-host", API]);
    }
    arguments
}

/// A proxy before an open vault, whose names this machine knows or not.
fn proxied(refusal: Option<&'static str>, known: bool, exceptions: &str) -> (Services, Vec<String>, Ran) {
    let services = Services::start(OPEN, &[], |_| {});
    let proxy = Proxy::start(refusal);
    match known {
        true => place::names_lead_to_loopback(&[VAULT]),
        false => place::names_are_unknown(),
    }
    let mut command = check(Some(&services.authority), &["--probe", PROBE]);
    let exceptions = format!("169.254.169.254,{exceptions}");
    let ran = examine(command.env("HTTPS_PROXY", &proxy.url).env("NO_PROXY", exceptions));
    (services, proxy.asked(), ran)
}

fn count(asked: &[String], host: &str) -> usize {
    asked.iter().filter(|line| **line == format!("CONNECT {host}:443 HTTP/1.1")).count()
}

fn by_proxy() {
    let (services, asked, ran) = proxied(None, true, "");
    ran.assert_end(0, "healthy", "");
    assert_eq!(count(&asked, VAULT), 2, "{asked:?}");
    assert_eq!(count(&asked, VAULT) + count(&asked, MANAGER), asked.len(), "the head of a tunnel says no more");
    assert_eq!(services.asked_at(VAULT).len(), 2);
}

fn name_by_proxy() {
    let (services, asked, ran) = proxied(None, false, "");
    ran.assert_end(0, "healthy", "");
    assert_eq!((count(&asked, VAULT), services.asked_at(VAULT).len()), (2, 2));
}

fn refused_by_proxy() {
    let refusal = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    let (services, asked, ran) = proxied(Some(refusal), true, MANAGER);
    assert_root_cause(&ran, "network-blocked");
    assert_asked_bare(&ran, VAULT, "proxy-failed");
    assert_eq!((asked.len(), count(&asked, VAULT)), (1, 1));
    assert_eq!(services.asked_at(VAULT), [""; 0]);
}

fn exception() {
    let (services, asked, ran) = proxied(None, true, "vault.azure.net");
    ran.assert_end(0, "healthy", "");
    assert!(count(&asked, MANAGER) > 0 && count(&asked, MANAGER) == asked.len(), "{asked:?}");
    assert_eq!(services.asked_at(VAULT).len(), 2);
}

fn own_api() -> Services {
    let toml = "[[data]]\nhost = \"api.contoso.com\"\naccess = \"admits\"\naudience = \"https://graph.microsoft.com\"";
    let services = Services::start(toml, &[], |_| {});
    place::names_lead_to_loopback(&[API]);
    services
}

fn trusted_host() {
    let services = own_api();
    let ran = examine(&mut check(Some(&services.authority), &api(true)));
    ran.assert_end(0, "healthy", "");
    let url = "GET https://api.contoso.com/health";
    assert_eq!(services.asked_at(API), [format!("{url} 401"), format!("{url} 200")]);
}

fn untrusted_host() {
    let services = own_api();
    let output = check(Some(&services.authority), &api(false)).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!((output.status.code(), &*stdout), (Some(2), ""), "{stderr}");
    assert!(stderr.contains("--trust-host api.contoso.com says that it may be sent a token"), "{stderr}");
    assert_eq!(services.asked(), [""; 0], "nothing was asked");
}

/// What the registry issued, in a form that no report may show.
const ISSUED: &str = "cmVmcmVzaC10b2tlbi1vZi10aGUtcmVnaXN0cnk";

fn registry() {
    let services = Services::start("", &[], |_| {});
    let fake = Fake::start(FAKE, &[REGISTRY], |request, client| {
        // {"typ":"JWT","alg":"RS256"} and {"permissions":{"actions":["read"]}}
        let token =
            format!("eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJwZXJtaXNzaW9ucyI6eyJhY3Rpb25zIjpbInJlYWQiXX19.{ISSUED}");
        let body = format!("{{\"refresh_token\":\"{token}\"}}");
        let challenge = "WWW-Authenticate: Bearer realm=\"https://crdoctor.azurecr.io/oauth2/token\",service=\"crdoctor.azurecr.io\"";
        let said = match request.starts_with("POST /oauth2/exchange ") {
            true => format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ),
            false => format!("HTTP/1.1 401 Unauthorized\r\n{challenge}\r\nContent-Length: 0\r\n\r\n"),
        };
        client.write_all(said.as_bytes())
    });
    services.also_trust(&fake.pem);
    lead(REGISTRY, FAKE);
    let ran = examine(&mut check(Some(&services.authority), &["--probe", "https://crdoctor.azurecr.io"]));
    ran.assert_end(0, "healthy", "");
    for text in [&ran.text, &ran.report.to_string()] {
        assert!(!text.contains(ISSUED) && !text.contains("eyJ0eXAi"), "the registry's token is in\n{text}");
    }
    let heard = fake.heard();
    let [bare, exchange] = &heard[..] else { panic!("{heard:?}") };
    assert!(bare.starts_with("GET /v2/ HTTP/1.1\r\n") && !bare.to_lowercase().contains("authorization"), "{bare}");
    let (head, form) = exchange.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /oauth2/exchange HTTP/1.1\r\n"), "{head}");
    let head = head.to_lowercase();
    assert!(head.contains("content-type: application/x-www-form-urlencoded") && !head.contains("authorization"));
    assert!(head.contains(&format!("content-length: {}", form.len())), "{head}");
    let fields: Vec<&str> = form.split('&').map(|field| field.split(['=', '.']).next().unwrap()).collect();
    assert_eq!(fields, ["grant_type", "service", "access_token"]);
    assert!(form.starts_with("grant_type=access_token&service=crdoctor.azurecr.io&access_token=eyJ"), "{form}");
}
