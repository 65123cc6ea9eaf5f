//! TLS for the HTTP client: the platform's roots, and a verifier that keeps the certificate it was shown, so that a
//! finding can name who stands in between. Verification itself is rustls's and is never turned off.

use std::fmt;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme, StreamOwned};
use rustls_native_certs::{CertificateResult, load_certs_from_paths};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport, TransportAdapter,
};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::evidence::Certificate;

/// What this platform trusts.
#[derive(Clone)]
pub struct Trust {
    verifier: Result<Arc<WebPkiServerVerifier>, String>,
    provider: Arc<rustls::crypto::CryptoProvider>,
}

impl Trust {
    /// Reads the platform's roots; `SSL_CERT_FILE` and `SSL_CERT_DIR` take their place when they are set.
    pub fn of_this_platform() -> Self {
        Self::new(rustls_native_certs::load_native_certs())
    }

    /// What clients trust that have these values of `SSL_CERT_FILE` and `SSL_CERT_DIR`, whatever midoctor's own are.
    pub fn of_others(file: Option<&str>, folders: Option<&str>) -> Self {
        Self::new(match (file, folders) {
            (None, None) => without_own(),
            (file, folders) => {
                let mut found = load_certs_from_paths(file.map(Path::new), None);
                for folder in folders.iter().flat_map(std::env::split_paths).filter(|path| !path.as_os_str().is_empty())
                {
                    let more = load_certs_from_paths(None, Some(&folder));
                    found.certs.extend(more.certs);
                    found.errors.extend(more.errors);
                }
                found
            }
        })
    }

    fn new(found: CertificateResult) -> Self {
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(found.certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = if added == 0 {
            let why = found.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
            Err(format!("this machine has no root certificates{why}"))
        } else {
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .map_err(|error| error.to_string())
        };
        Self { verifier, provider }
    }

    /// A connector for one question, and the place where it leaves the certificate it was shown.
    pub fn connector(&self) -> Result<(TlsConnector, Shown), String> {
        let shown = Shown::default();
        let verifier = Keeper { inner: self.verifier.clone()?, shown: shown.clone() };
        let config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Ok((TlsConnector { config: Arc::new(config) }, shown))
    }
}

/// Where Linux distributions keep all roots in one file (the list of the crate `openssl-probe`, which reads midoctor's own
/// environment as well).
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The platform's roots, without regard to what midoctor's own environment names instead.
fn without_own() -> CertificateResult {
    let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|name| std::env::var_os(name).is_some());
    match BUNDLES.iter().map(Path::new).find(|file| named && file.exists()) {
        Some(file) => load_certs_from_paths(Some(file), None),
        None => rustls_native_certs::load_native_certs(),
    }
}

/// The certificate that a server showed.
#[derive(Clone, Debug, Default)]
pub struct Shown(Arc<Mutex<Last>>);

#[derive(Debug, Default)]
struct Last {
    certificate: Option<Certificate>,
    host: String,
}

impl Shown {
    /// Takes it out.
    pub fn take(&self) -> Option<Certificate> {
        self.last().certificate.take()
    }

    /// Did this host get as far as showing one? A proxy that speaks TLS shows its own before.
    pub fn was_by(&self, host: &str) -> bool {
        self.last().host.eq_ignore_ascii_case(host)
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Last> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Rustls's own verifier, with a memory.
#[derive(Debug)]
struct Keeper {
    inner: Arc<WebPkiServerVerifier>,
    shown: Shown,
}

impl ServerCertVerifier for Keeper {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let mut certificate = read(end_entity);
        certificate.refused = verified.as_ref().err().map(ToString::to_string);
        *self.shown.last() = Last { certificate: Some(certificate), host: server_name.to_str().into_owned() };
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// A certificate's names and times; what cannot be read says so.
fn read(der: &CertificateDer) -> Certificate {
    let unreadable = || Certificate {
        subject: "unreadable".into(),
        issuer: "unreadable".into(),
        names: Vec::new(),
        not_before: String::new(),
        not_after: String::new(),
        trusted_by: None,
        refused: None,
    };
    let Ok((_, parsed)) = X509Certificate::from_der(der) else { return unreadable() };
    let time = |time: x509_parser::time::ASN1Time| {
        jiff::Timestamp::from_second(time.timestamp()).map(|time| time.to_string()).unwrap_or_default()
    };
    let names = parsed.subject_alternative_name().ok().flatten().map(|extension| {
        let dns = extension.value.general_names.iter().filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            _ => None,
        });
        dns.collect()
    });
    Certificate {
        subject: parsed.subject().to_string(),
        issuer: parsed.issuer().to_string(),
        names: names.unwrap_or_default(),
        not_before: time(parsed.validity().not_before),
        not_after: time(parsed.validity().not_after),
        trusted_by: None,
        refused: None,
    }
}

/// Wraps a connection in TLS, as ureq's own connector does, but with our verifier.
pub struct TlsConnector {
    config: Arc<ClientConfig>,
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsConnector")
    }
}

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = Either<In, TlsTransport>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, ureq::Error> {
        let Some(transport) = chained else { return Ok(None) };
        if !details.needs_tls() || transport.is_tls() {
            return Ok(Some(Either::A(transport)));
        }
        let host = details.uri.host().unwrap_or_default().to_owned();
        let name = ServerName::try_from(host).map_err(|_| ureq::Error::Tls("the host is not a name for TLS"))?;
        let mut connection = ClientConnection::new(Arc::clone(&self.config), name)?;
        let mut socket =
            TransportAdapter::new(Box::new(transport) as Box<dyn Transport>, Arc::clone(&details.current_time));
        socket.set_timeout(details.timeout);
        connection.complete_io(&mut socket)?;
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Either::B(TlsTransport { buffers, stream: StreamOwned { conn: connection, sock: socket } })))
    }
}

/// A connection in TLS.
pub struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsTransport")
    }
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.get_mut().set_timeout(timeout);
        let output = &self.buffers.output()[..amount];
        self.stream.write_all(output)?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.get_mut().set_timeout(timeout);
        let input = self.buffers.input_append_buf();
        let amount = self.stream.read(input)?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.get_mut().get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}
