//! The simulator's certificate authority, made anew at every start, and the certificate a scenario shows.
//!
//! Nothing here is kept: the authority's key exists only in this process.

use std::io;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::azure::cloud::known;
use crate::clock;
use crate::simulator::azure::Azure;
use crate::simulator::scenario::ArmCertificate;

/// The name of the authority that clients are to trust.
const TRUSTED: &str = "midoctor simulator CA";
/// The name of the authority that nobody knows, and of the organisation's own above it.
const STRANGER: &str = "Contoso Web Gateway CA";
const STRANGERS_ROOT: &str = "Contoso Root CA";
/// The name of an authority that clients are not to know though others might. No list holds it in truth.
const LACKING: &str = "midoctor simulator CA of another list";

/// A server's TLS with what clients need to trust it.
pub(super) struct Tls {
    pub config: Arc<ServerConfig>,
    /// The certificate of the authority to trust, as PEM; not the one that signed where it is a stranger.
    pub authority_pem: String,
}

/// The certificates of a scenario: each host that is asked for gets the one it is to show.
#[derive(Debug)]
struct Shown {
    azure: Azure,
    kinds: Vec<(ArmCertificate, Arc<CertifiedKey>)>,
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let data = hello.server_name().and_then(|host| self.azure.scenario().data_at(host));
        // Whoever names no data service means Azure Resource Manager, under any name that leads here.
        let wanted = data.map_or(self.azure.scenario().arm_certificate, |data| data.certificate);
        self.kinds.iter().find(|(kind, _)| *kind == wanted).map(|(_, key)| Arc::clone(key))
    }
}

/// Makes the authority and the certificates that the scenario shows.
pub(super) fn prepare(azure: &Azure) -> io::Result<Tls> {
    // Of what certificates can say, with room for those that have ended or begin later.
    let year = i32::from(clock::now().to_zoned(jiff::tz::TimeZone::UTC).year()).clamp(1974, 9997);
    let scenario = azure.scenario();
    let trusted = authority(TRUSTED, year)?;
    let mut kinds: Vec<(ArmCertificate, Arc<CertifiedKey>)> = Vec::new();
    for kind in scenario.data.iter().map(|data| data.certificate).chain([scenario.arm_certificate]) {
        if !kinds.iter().any(|(made, _)| *made == kind) {
            kinds.push((kind, Arc::new(leaf(azure, kind, &trusted, year)?)));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let shown = Arc::new(Shown { azure: azure.clone(), kinds });
    let mut config = ServerConfig::builder_with_details(provider, Arc::new(clock::ForCertificates))
        .with_safe_default_protocol_versions()
        .map(|builder| builder.with_no_client_auth().with_cert_resolver(shown))
        .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Tls { config: Arc::new(config), authority_pem: trusted.pem() })
}

/// A certificate of this kind for every host of the scenario.
fn leaf(
    azure: &Azure,
    kind: ArmCertificate,
    trusted: &CertifiedIssuer<'static, KeyPair>,
    year: i32,
) -> io::Result<CertifiedKey> {
    // Over a network the clients decide whom they trust: what a gateway signs is signed by whom they are to trust.
    let stranger = match kind {
        ArmCertificate::Stranger => Some(stranger(year)?),
        ArmCertificate::PlatformLacks => Some(authority(LACKING, year)?),
        _ => None,
    };
    let names = match kind {
        ArmCertificate::OtherName => vec!["gateway.contoso.com".to_owned()],
        _ => names(azure),
    };
    let common = names[0].clone();
    let mut leaf = CertificateParams::new(names).map_err(io::Error::other)?;
    leaf.distinguished_name.push(DnType::CommonName, common);
    leaf.use_authority_key_identifier_extension = true;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    (leaf.not_before, leaf.not_after) = match kind {
        ArmCertificate::Expired => (date_time_ymd(year - 3, 1, 1), date_time_ymd(year - 2, 1, 1)),
        ArmCertificate::NotYetValid => (date_time_ymd(year + 1, 7, 1), date_time_ymd(year + 2, 7, 1)),
        // Apple and others refuse certificates of more than 825 days.
        _ => (date_time_ymd(year - 1, 7, 1), date_time_ymd(year + 1, 7, 1)),
    };
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let certificate = leaf.signed_by(&key, stranger.as_ref().unwrap_or(trusted)).map_err(io::Error::other)?;
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let signing = rustls::crypto::ring::sign::any_supported_type(&private).map_err(io::Error::other)?;
    let mut chain = vec![certificate.der().clone()];
    chain.extend(stranger.filter(|_| kind == ArmCertificate::Stranger).map(|between| between.der().clone()));
    Ok(CertifiedKey::new(chain, signing))
}

/// Whom a certificate is made out to: every cloud's manager, this machine, data services, and hosts with literal answers.
fn names(azure: &Azure) -> Vec<String> {
    let hosts = known().map(|cloud| &*cloud.arm_host).chain(["localhost", "127.0.0.1", "::1"]);
    let own = azure.scenario().data.iter().map(|data| data.host.as_str()).chain([&*azure.cloud().arm_host]);
    let mut names: Vec<String> = hosts.map(str::to_owned).collect();
    for host in own {
        if !names.iter().any(|name| name == host) {
            names.push(host.to_owned());
        }
    }
    for literal in &azure.scenario().literals {
        if let Some(host) = url::Url::parse(&literal.url).ok().filter(|url| url.scheme() == "https")
            && let Some(host) = host.host_str()
            && !names.iter().any(|name| name == host)
        {
            names.push(host.to_owned());
        }
    }
    names
}

/// An authority that signs certificates itself, and is its own root.
fn authority(name: &str, year: i32) -> io::Result<CertifiedIssuer<'static, KeyPair>> {
    let key = KeyPair::generate().map_err(io::Error::other)?;
    CertifiedIssuer::self_signed(authority_params(name, 0, year), key).map_err(io::Error::other)
}

/// The gateway's authority, below the organisation's.
fn stranger(year: i32) -> io::Result<CertifiedIssuer<'static, KeyPair>> {
    let key = || KeyPair::generate().map_err(io::Error::other);
    let mut root = authority_params(STRANGERS_ROOT, 1, year);
    root.distinguished_name = rcgen::DistinguishedName::new();
    root.distinguished_name.push(DnType::OrganizationName, "Contoso");
    root.distinguished_name.push(DnType::CommonName, STRANGERS_ROOT);
    let root = CertifiedIssuer::self_signed(root, key()?).map_err(io::Error::other)?;
    CertifiedIssuer::signed_by(authority_params(STRANGER, 0, year), key()?, &root).map_err(io::Error::other)
}

/// A certificate of an authority with so many authorities below it.
fn authority_params(name: &str, below: u8, year: i32) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(below));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(year - 4, 1, 1);
    params.not_after = date_time_ymd(year + 2, 1, 1);
    params
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName};
    use rustls::{ClientConfig, ClientConnection, RootCertStore};

    use crate::simulator::{Options, Scenario, simulate};

    /// A handshake by a client that trusts the authority that was written, and nobody else.
    fn handshake(toml: &str, host: &'static str) -> Result<(), String> {
        converse(toml, host, "").map(|_| ())
    }

    /// A handshake and, when there is one, a request with its answer.
    fn converse(toml: &str, host: &'static str, request: &str) -> Result<String, String> {
        let mut options = Options::new(Scenario::parse(Some(toml), &[]).expect("the scenario parses"));
        let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        (options.metadata, options.manager) = (any, any);
        let running = simulate(options).expect("it starts");
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(running.authority_pem.as_bytes()).expect("PEM"))
            .expect("a certificate");
        let config = ClientConfig::builder_with_provider(std::sync::Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from(host).expect("a name");
        let mut client = ClientConnection::new(config.into(), name).expect("a client");
        let mut socket = TcpStream::connect(running.manager.expect("it listens")).expect("it connects");
        while client.is_handshaking() {
            client.complete_io(&mut socket).map_err(|error| error.to_string())?;
        }
        let mut said = String::new();
        if !request.is_empty() {
            let mut stream = rustls::StreamOwned::new(client, socket);
            stream.write_all(request.as_bytes()).expect("it is sent");
            stream.read_to_string(&mut said).expect("it is answered");
        }
        Ok(said)
    }

    #[test]
    fn data_services_answer_beside_azure_resource_manager_and_in_its_absence() {
        let form = "grant_type=access_token&service=r.azurecr.io&access_token=x";
        let request = format!(
            "POST /oauth2/exchange HTTP/1.1\r\nHost: r.azurecr.io\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{form}",
            form.len()
        );
        for arm in ["answers", "silent", "refused"] {
            let toml = format!("arm = \"{arm}\"\n[[data]]\nhost = \"r.azurecr.io\"");
            let said = converse(&toml, "r.azurecr.io", &request).expect("an answer");
            assert!(said.starts_with("HTTP/1.1 401 ") && said.contains("UNAUTHORIZED"), "{arm}: {said}");
        }
    }

    #[test]
    fn each_certificate_is_judged_as_the_scenario_says() {
        for host in ["management.azure.com", "management.usgovcloudapi.net", "management.chinacloudapi.cn", "localhost"]
        {
            assert_eq!(handshake("", host), Ok(()), "{host}");
        }
        assert_eq!(handshake("arm_certificate = \"inspected\"", "management.azure.com"), Ok(()));
        for (kind, words) in [
            ("stranger", "invalid peer certificate: UnknownIssuer"),
            ("platform-lacks", "invalid peer certificate: UnknownIssuer"),
            ("expired", "invalid peer certificate: certificate expired"),
            ("not-yet-valid", "invalid peer certificate: certificate not valid yet"),
            ("other-name", "invalid peer certificate: certificate not valid for name"),
        ] {
            let refused = handshake(&format!("arm_certificate = \"{kind}\""), "management.azure.com");
            assert!(refused.as_ref().is_err_and(|error| error.contains(words)), "{kind}: {refused:?}");
        }
    }
    #[test]
    fn each_data_service_and_any_endpoint_shows_its_own_certificate() {
        let toml = "[command]\narm_endpoint = \"https://management.local.contoso.com\"\n[[data]]\nhost = \
                    \"kv.vault.azure.net\"\n[[data]]\nhost = \"old.vault.azure.net\"\ncertificate = \"expired\"\n[[data]]\nhost = \
                    \"odd.vault.azure.net\"\ncertificate = \"stranger\"";
        assert_eq!(handshake(toml, "management.local.contoso.com"), Ok(()));
        assert_eq!(handshake(toml, "kv.vault.azure.net"), Ok(()));
        assert!(handshake(toml, "old.vault.azure.net").is_err_and(|error| error.contains("expired")));
        assert!(handshake(toml, "odd.vault.azure.net").is_err_and(|error| error.contains("UnknownIssuer")));
        let expired = format!("arm_certificate = \"expired\"\n{toml}");
        assert!(handshake(&expired, "management.local.contoso.com").is_err_and(|error| error.contains("expired")));
        assert_eq!(handshake(&expired, "kv.vault.azure.net"), Ok(()));
    }
}
