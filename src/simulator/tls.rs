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

use crate::azure::cloud::known;
use crate::simulator::scenario::{ArmCertificate, Scenario};

/// The name of the authority that clients are to trust.
const TRUSTED: &str = "midoctor simulator CA";
/// The name of the authority that nobody knows.
const STRANGER: &str = "Contoso Web Gateway CA";

/// A server's TLS with what clients need to trust it.
pub(super) struct Tls {
    pub config: Arc<ServerConfig>,
    /// The certificate of the authority to trust, as PEM; with `stranger`, not the one that signed.
    pub authority_pem: String,
}

/// Makes the authority and the certificate that the scenario shows.
pub(super) fn prepare(scenario: &Scenario) -> io::Result<Tls> {
    let year = i32::from(jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).year());
    let kind = scenario.arm_certificate;
    let trusted = authority(TRUSTED, year)?;
    let stranger = if kind == ArmCertificate::Stranger { Some(authority(STRANGER, year)?) } else { None };
    let names = match kind {
        ArmCertificate::OtherName => vec!["gateway.contoso.com".to_owned()],
        _ => names(scenario),
    };
    let common = names[0].clone();
    let mut leaf = CertificateParams::new(names).map_err(io::Error::other)?;
    leaf.distinguished_name.push(DnType::CommonName, common);
    leaf.use_authority_key_identifier_extension = true;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    (leaf.not_before, leaf.not_after) = match kind {
        ArmCertificate::Expired => (date_time_ymd(year - 3, 1, 1), date_time_ymd(year - 2, 1, 1)),
        // Apple and others refuse certificates of more than 825 days.
        _ => (date_time_ymd(year - 1, 7, 1), date_time_ymd(year + 1, 7, 1)),
    };
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let certificate = leaf.signed_by(&key, stranger.as_ref().unwrap_or(&trusted)).map_err(io::Error::other)?;
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], private))
        .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Tls { config: Arc::new(config), authority_pem: trusted.pem() })
}

/// Whom the certificate is made out to: every cloud's manager, this machine, and hosts with literal answers.
fn names(scenario: &Scenario) -> Vec<String> {
    let hosts = known().map(|cloud| &*cloud.arm_host).chain(["localhost", "127.0.0.1", "::1"]).map(str::to_owned);
    let mut names: Vec<String> = hosts.collect();
    for literal in &scenario.literals {
        if let Some(host) = url::Url::parse(&literal.url).ok().filter(|url| url.scheme() == "https")
            && let Some(host) = host.host_str()
            && !names.iter().any(|name| name == host)
        {
            names.push(host.to_owned());
        }
    }
    names
}

fn authority(name: &str, year: i32) -> io::Result<CertifiedIssuer<'static, KeyPair>> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date_time_ymd(year - 4, 1, 1);
    params.not_after = date_time_ymd(year + 2, 1, 1);
    let key = KeyPair::generate().map_err(io::Error::other)?;
    CertifiedIssuer::self_signed(params, key).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, ServerName};
    use rustls::{ClientConfig, ClientConnection, RootCertStore};

    use crate::simulator::{Options, Scenario, simulate};

    /// A handshake by a client that trusts the authority that was written, and nobody else.
    fn handshake(toml: &str, host: &'static str) -> Result<(), String> {
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
        Ok(())
    }

    #[test]
    fn each_certificate_is_judged_as_the_scenario_says() {
        for host in ["management.azure.com", "management.usgovcloudapi.net", "management.chinacloudapi.cn", "localhost"]
        {
            assert_eq!(handshake("", host), Ok(()), "{host}");
        }
        for (kind, words) in [
            ("stranger", "invalid peer certificate: UnknownIssuer"),
            ("expired", "invalid peer certificate: certificate expired"),
            ("other-name", "invalid peer certificate: certificate not valid for name"),
        ] {
            let refused = handshake(&format!("arm_certificate = \"{kind}\""), "management.azure.com");
            assert!(refused.as_ref().is_err_and(|error| error.contains(words)), "{kind}: {refused:?}");
        }
    }
}
