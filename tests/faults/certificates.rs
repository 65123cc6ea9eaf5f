//! An authority of the suite's own, which the program is told to trust, and the certificates that servers show.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::question::{MANAGER, VAULT};

/// The host that redirects lead to.
pub const ELSEWHERE: &str = "elsewhere.contoso.com";

/// What a server shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Good,
    Expired,
    OtherName,
    SelfSigned,
}

pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "fault suite CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    /// Where clients find it.
    pub fn file(&self) -> PathBuf {
        let file = std::env::temp_dir().join("authority.pem");
        std::fs::write(&file, self.issuer.pem()).unwrap();
        file
    }

    /// A server's side of TLS with such a certificate for all hosts of the suite.
    pub fn config(&self, shown: Shown) -> Arc<ServerConfig> {
        let names = match shown {
            Shown::OtherName => vec!["gateway.contoso.com".to_owned()],
            _ => [MANAGER, VAULT, ELSEWHERE].map(str::to_owned).to_vec(),
        };
        let mut leaf = CertificateParams::new(names).unwrap();
        if shown == Shown::Expired {
            (leaf.not_before, leaf.not_after) = (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 1, 1));
        }
        let key = KeyPair::generate().unwrap();
        let certificate = match shown {
            Shown::SelfSigned => leaf.self_signed(&key),
            _ => leaf.signed_by(&key, &self.issuer),
        };
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let chain = vec![certificate.unwrap().der().clone()];
        Arc::new(config.with_no_client_auth().with_single_cert(chain, private).unwrap())
    }
}
