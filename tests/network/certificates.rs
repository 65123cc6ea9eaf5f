//! Gateways that open what is encrypted and sign it anew, with an authority of their own that the machine knows or does not, and
//! certificates with other faults: what is found, and that no token is ever sent over a connection that was refused.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, StreamOwned};

use crate::fake::Fake;
use crate::namespace::simulator::{Ran, Simulator, TOLD, check, examine};
use crate::namespace::{Case, place};

const HOST: &str = "management.azure.com";
const PROBE: &str = "https://management.azure.com";
/// Where a gateway listens that catches connections on their way.
const ON_THE_WAY: &str = "127.0.0.5";

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("a gateway whose authority was added to the machine's list", inspected),
        Case::new("a gateway that clients with lists of their own are told of", told),
        Case::new("a gateway that only one client is told of", half_told),
        Case::new("a gateway whose authority nobody knows", || refused(Kind::Good, Known::No, &stranger())),
        Case::new("a gateway on the way, without a proxy, whose authority nobody knows", stranger_on_the_way),
        Case::new("a gateway on the way, without a proxy, whose authority the machine knows", known_on_the_way),
        Case::new("a known gateway that signs another name", || refused(Kind::OtherName, Known::Yes, &other_name())),
        Case::new("a known gateway with an expired certificate", || {
            refused(Kind::Expired, Known::Yes, "; it expired at 2020-01-01T00:00:00Z, and this machine's clock shows ");
        }),
        Case::new("a known gateway with a certificate of the future", || {
            refused(
                Kind::Future,
                Known::Yes,
                "; it is not valid before 2099-01-01T00:00:00Z, and this machine's clock shows ",
            );
        }),
        Case::new("an unknown gateway with an expired certificate", || {
            let words = "Mozilla's list trusts the authority that issued it; it expired at 2020-01-01T00:00:00Z, and ";
            refused(Kind::Expired, Known::No, words);
        }),
        Case::new("a known gateway whose own certificate is out of date", || {
            let words = "; the certificate of its issuer Contoso Web Gateway CA expired at 2025-01-01T00:00:00Z, and this machine's ";
            refused(Kind::OldGateway, Known::Yes, words);
        }),
        Case::new("a server whose certificate signed itself", signed_itself),
        Case::new("a machine without any root certificates", || {
            refused(Kind::Good, Known::Nobody, ": this machine has no root certificates");
        }),
        Case::new("a list of root certificates that is a pipe nobody writes to", pipe),
        Case::new("a gateway that says nothing after TLS, whose authority the machine knows", mute),
    ]
}

fn stranger() -> String {
    ": neither this machine nor Mozilla's list trusts the authority that issued it.".into()
}

fn other_name() -> String {
    "; it is made out to gateway.contoso.com and not to this host.".into()
}

/// What is wrong with the gateway's certificates, its authority aside.
#[derive(Clone, Copy)]
enum Kind {
    Good,
    OtherName,
    Expired,
    Future,
    /// Its authority's own certificate is out of date, and the leaf is not.
    OldGateway,
}

/// Does the machine's own list hold the gateway's authority?
#[derive(Clone, Copy)]
enum Known {
    Yes,
    /// It holds another.
    No,
    /// It holds nobody's.
    Nobody,
}

/// A gateway between the machine and the simulated services.
struct Gateway {
    fake: Fake,
    /// As a proxy.
    url: String,
}

impl Gateway {
    /// A proxy: it lets clients in with CONNECT, opens their TLS, and asks the service behind in their place.
    fn proxy(kind: Kind, behind: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self { fake: Self::start(listener, kind, behind, connect), url }
    }

    /// Connections to the host lead here.
    fn on_the_way(kind: Kind, behind: &Path) -> Self {
        place::names_lead_to(ON_THE_WAY);
        let listener = TcpListener::bind((ON_THE_WAY, 443)).unwrap();
        Self { fake: Self::start(listener, kind, behind, |_| Ok(())), url: String::new() }
    }

    fn start(listener: TcpListener, kind: Kind, behind: &Path, before: crate::fake::Before) -> Fake {
        let (config, pem) = signed(kind);
        let behind = upstream(behind);
        Fake::listen(listener, config, pem, before, move |request, client| {
            client.write_all(&ask_behind(request, &behind)?)
        })
    }

    /// What it read of clients. Where it was refused that is nothing.
    fn tokens(&self) -> usize {
        self.fake.heard().iter().filter(|heard| heard.to_lowercase().contains("\r\nauthorization: bearer ")).count()
    }
}

/// An answer to CONNECT, as a proxy gives it.
fn connect(client: &mut TcpStream) -> io::Result<()> {
    client.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    assert!(head.starts_with(b"CONNECT management.azure.com:443 "), "{}", String::from_utf8_lossy(&head));
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
}

/// A server's side with a certificate of this kind, signed by an authority below a root; and that root.
fn signed(kind: Kind) -> (ServerConfig, String) {
    let authority = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    };
    let root = CertifiedIssuer::self_signed(authority("Contoso Root CA"), KeyPair::generate().unwrap()).unwrap();
    let mut gateway = authority("Contoso Web Gateway CA");
    if matches!(kind, Kind::OldGateway) {
        (gateway.not_before, gateway.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2025, 1, 1));
    }
    let gateway = CertifiedIssuer::signed_by(gateway, KeyPair::generate().unwrap(), &root).unwrap();
    let host = if matches!(kind, Kind::OtherName) { "gateway.contoso.com" } else { HOST };
    let mut leaf = CertificateParams::new(vec![host.to_owned()]).unwrap();
    leaf.distinguished_name.push(DnType::CommonName, host);
    let (from, until) = match kind {
        Kind::Good | Kind::OtherName | Kind::OldGateway => (2024, 2090),
        Kind::Expired => (2019, 2020),
        Kind::Future => (2099, 2100),
    };
    (leaf.not_before, leaf.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
    let own = KeyPair::generate().unwrap();
    let chain = vec![leaf.signed_by(&own, &gateway).unwrap().der().clone(), gateway.der().clone()];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    (config.with_no_client_auth().with_single_cert(chain, key).unwrap(), root.pem())
}

/// A client's side that trusts this authority.
fn upstream(authority: &Path) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}

/// Puts a request to the service behind, and reads all that comes back.
fn ask_behind(request: &str, behind: &Arc<ClientConfig>) -> io::Result<Vec<u8>> {
    let name = ServerName::try_from(HOST).unwrap();
    let tls = ClientConnection::new(Arc::clone(behind), name).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(tls, TcpStream::connect("127.0.0.1:443")?);
    stream.write_all(request.replacen("\r\n", "\r\nConnection: close\r\n", 1).as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

/// A healthy VM whose own list holds the gateway's authority, and which is told of it in no variable.
fn behind_a_known_gateway(set: &[&str]) -> (Gateway, Ran) {
    let simulator = Simulator::start("healthy", &[]);
    let gateway = Gateway::proxy(Kind::Good, &simulator.authority());
    place::machine_trusts(&gateway.fake.pem);
    let mut command = check(None, &[]);
    command.env("HTTPS_PROXY", &gateway.url).env("NO_PROXY", "169.254.169.254");
    command.envs(set.iter().map(|name| (name, "/etc/ssl/certs/ca-certificates.crt")));
    let ran = examine(&mut command);
    (gateway, ran)
}

fn lines(ran: &Ran) -> Vec<&str> {
    let commands = ran.check("arm")["findings"][0]["remedy"]["commands"].as_array().unwrap();
    commands.iter().filter_map(|one| one["line"].as_str()).filter(|line| line.starts_with("export ")).collect()
}

fn assert_inspected(ran: &Ran, clients: &str) {
    ran.assert_end(0, "degraded", "");
    let arm = ran.check("arm");
    let found = &arm["findings"][0];
    assert_eq!((&arm["status"], &found["severity"]), (&"warn".into(), &"warning".into()), "{}", ran.text);
    assert_eq!(
        found["seen"],
        format!(
            "{HOST} showed a certificate for CN={HOST}, issued by CN=Contoso Web Gateway CA under CN=Contoso Root CA: this machine \
             trusts that authority and Mozilla's list does not, so clients that bring that list along refuse it: {clients}."
        )
    );
}

fn inspected() {
    let (gateway, ran) = behind_a_known_gateway(&[]);
    assert_inspected(&ran, "Azure CLI and Python (requests), Node.js");
    let list = "/etc/ssl/certs/ca-certificates.crt";
    assert_eq!(
        lines(&ran),
        [format!("export REQUESTS_CA_BUNDLE={list}"), format!("export NODE_EXTRA_CA_CERTS={list}")]
    );
    // The machine's owner trusts it, so it gets what the service gets.
    assert!(gateway.tokens() > 0, "{:?}", gateway.fake.heard());
}

fn told() {
    let (_gateway, ran) = behind_a_known_gateway(&TOLD[1..]);
    ran.assert_end(0, "healthy", "");
    let summary = ran.check("arm")["summary"].as_str().unwrap();
    assert!(summary.contains(", with a certificate signed by "), "{summary}");
    assert!(summary.ends_with(", which this machine trusts and Mozilla's list does not"), "{summary}");
}

fn half_told() {
    let (_gateway, ran) = behind_a_known_gateway(&TOLD[1..2]);
    assert_inspected(&ran, "Node.js");
    assert_eq!(lines(&ran), ["export NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt"]);
}

/// The machine's own list, which has nobody in common with Mozilla's.
fn furnish(known: Known, gateway: &Gateway, other: &Path) {
    match known {
        Known::Yes => place::machine_trusts(&gateway.fake.pem),
        Known::No => place::machine_trusts(&std::fs::read_to_string(other).unwrap()),
        Known::Nobody => place::machine_trusts(""),
    }
}

fn assert_refused(ran: &Ran, gateway: &Gateway, simulator: &Simulator, words: &str) {
    ran.assert_end(1, "unhealthy", "tls-intercepted");
    assert_eq!(ran.check("arm")["status"], "fail");
    let seen = ran.check("arm")["findings"][0]["seen"].as_str().unwrap();
    assert!(seen.contains(", issued by CN=Contoso Web Gateway CA under CN=Contoso Root CA: "), "{seen}");
    assert!(seen.contains(words), "{seen}");
    let heard = gateway.fake.heard();
    assert!(!heard.is_empty() && heard.iter().all(String::is_empty), "not a byte was sent: {heard:?}");
    assert!(!simulator.log().contains(PROBE), "{}", simulator.log());
}

fn refused(kind: Kind, known: Known, words: &str) {
    let simulator = Simulator::start("healthy", &[]);
    let gateway = Gateway::proxy(kind, &simulator.authority());
    furnish(known, &gateway, &simulator.authority());
    let ran = examine(check(None, &[]).env("HTTPS_PROXY", &gateway.url).env("NO_PROXY", "169.254.169.254"));
    assert_refused(&ran, &gateway, &simulator, words);
}

fn stranger_on_the_way() {
    let simulator = Simulator::start("healthy", &[]);
    let gateway = Gateway::on_the_way(Kind::Good, &simulator.authority());
    let ran = examine(&mut check(Some(&simulator.authority()), &[]));
    assert_refused(&ran, &gateway, &simulator, &stranger());
}

fn signed_itself() {
    let simulator = Simulator::start("healthy", &[]);
    place::names_lead_to(ON_THE_WAY);
    let fake = Fake::start(ON_THE_WAY, &[HOST], |_, _| Ok(()));
    let ran = examine(&mut check(Some(&simulator.authority()), &[]));
    ran.assert_end(1, "unhealthy", "tls-intercepted");
    let found = &ran.check("arm")["findings"][0];
    let seen = found["seen"].as_str().unwrap();
    assert!(seen.ends_with(": it signed itself, and is neither on this machine's list nor on Mozilla's."), "{seen}");
    let first = found["remedy"]["text"].as_str().unwrap();
    assert!(first.contains(" signed itself, so whoever answered may be anybody. See where the name "), "{first}");
    assert!(fake.heard().iter().all(String::is_empty), "{:?}", fake.heard());
}

fn known_on_the_way() {
    let simulator = Simulator::start("healthy", &[]);
    let gateway = Gateway::on_the_way(Kind::Good, &simulator.authority());
    place::machine_trusts(&gateway.fake.pem);
    let ran = examine(&mut check(None, &[]));
    assert_inspected(&ran, "Azure CLI and Python (requests), Node.js");
    assert!(gateway.tokens() > 0, "{:?}", gateway.fake.heard());
}

/// Reading would last for ever; the harness ends a case that lasts too long.
fn pipe() {
    let simulator = Simulator::start("healthy", &[]);
    let pipe = std::env::temp_dir().join("roots.pem");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let ran = examine(check(None, &[]).env("SSL_CERT_FILE", &pipe));
    ran.assert_end(1, "unhealthy", "tls-intercepted");
    let found = &ran.check("arm")["findings"][0];
    let seen = found["seen"].as_str().unwrap();
    assert!(
        seen.contains(": this machine has no root certificates: they could not be read within 2 seconds; "),
        "{seen}"
    );
    let steps = found["remedy"]["steps"].as_array().unwrap();
    let named = format!("`SSL_CERT_FILE={}` stands in the place of the machine's list ", pipe.display());
    assert!(steps.iter().any(|step| step.as_str().unwrap().starts_with(&named)), "{steps:#?}");
    assert!(!simulator.log().contains(PROBE), "{}", simulator.log());
}

/// A connection that verified and then brought nothing is no matter of certificates.
fn mute() {
    let _simulator = Simulator::start("healthy", &[]);
    let (config, pem) = signed(Kind::Good);
    place::machine_trusts(&pem);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let _fake = Fake::listen(listener, config, pem, connect, |_, _| Ok(()));
    let ran = examine(check(None, &[]).env("HTTPS_PROXY", &url).env("NO_PROXY", "169.254.169.254"));
    ran.assert_end(1, "unhealthy", "arm-unreachable");
}
