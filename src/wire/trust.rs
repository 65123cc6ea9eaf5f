//! Who is let in: the platform's roots, and a verifier that keeps the certificate it was shown, so that a finding can name who
//! stands in between and who else would trust it. Verification itself is rustls's and is never turned off; Mozilla's roots let
//! nobody in, they are only compared with.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::CertificateError::{self, NotValidForName, NotValidForNameContext, UnknownIssuer};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_native_certs::CertificateResult;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::evidence::{Certificate, ChainFault, Dated, TrustedBy};

/// So many issuers of a chain are named.
const CHAIN_LIMIT: usize = 5;

/// What this platform trusts, and what Mozilla's list does.
#[derive(Clone, Debug)]
pub struct Trust {
    /// Or why it trusts nobody.
    platform: Result<Arc<WebPkiServerVerifier>, String>,
    mozilla: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl Trust {
    /// Trust in the roots that were read, or in nobody where they could not be.
    pub fn in_roots(read: Result<CertificateResult, String>) -> Self {
        let mut platform = RootCertStore::empty();
        let why = match read {
            Ok(found) => {
                platform.add_parsable_certificates(found.certs);
                found.errors.first().map(|error| format!(": {error}"))
            }
            Err(why) => Some(format!(": {why}")),
        };
        let mozilla = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        Self::of(platform, mozilla, &why.unwrap_or_default())
    }

    /// Trust in these roots; `why` follows the words that say that there are none.
    fn of(platform: RootCertStore, mozilla: RootCertStore, why: &str) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = |roots: RootCertStore| {
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build()
        };
        let platform = if platform.is_empty() {
            Err(format!("this machine has no root certificates{why}"))
        } else {
            verifier(platform).map_err(|error| error.to_string())
        };
        Self { platform, mozilla: verifier(mozilla).ok(), provider }
    }

    /// A verifier for one question, and the place where it leaves the certificate it was shown.
    pub fn verifier(&self) -> (Arc<dyn ServerCertVerifier>, Shown) {
        let shown = Shown::default();
        (Arc::new(Keeper { trust: self.clone(), shown: shown.clone() }), shown)
    }

    /// Whose roots this chain leads to, its name and its dates aside; where that is nobody's, what else is wrong with it.
    fn whose(
        &self,
        leaf: &CertificateDer,
        sent: &[CertificateDer],
        name: &ServerName,
        now: UnixTime,
    ) -> (TrustedBy, Option<ChainFault>) {
        let times = times(leaf, sent, now);
        let leads = |verifier: &WebPkiServerVerifier| {
            let mut faults = Vec::new();
            for time in &times {
                match verifier.verify_server_cert(leaf, sent, name, &[], *time) {
                    // The name is looked at last, when the chain is known to be good.
                    Ok(_) | Err(rustls::Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. })) => {
                        return Ok(());
                    }
                    Err(error) => faults.push(fault(&error)),
                }
            }
            // A date hides what else there is, so it counts where every time has one.
            let other = faults.iter().rev().find(|fault| **fault != Some(ChainFault::OutOfDate));
            Err(other.copied().unwrap_or(Some(ChainFault::OutOfDate)))
        };
        let platform = self.platform.as_ref().map_or(Err(None), |one| leads(one));
        match (platform, self.mozilla.as_ref().map_or(Err(None), |one| leads(one))) {
            (Ok(()), Ok(())) => (TrustedBy::Both, None),
            (Ok(()), Err(_)) => (TrustedBy::Platform, None),
            (Err(_), Ok(())) => (TrustedBy::Mozilla, None),
            (Err(here), Err(there)) => (TrustedBy::Nobody, here.or(there)),
        }
    }

    /// The issuer whose dates are why this chain is refused now; none where the leaf's own are, or no date is.
    fn out_of_date(
        &self,
        leaf: &CertificateDer,
        sent: &[CertificateDer],
        name: &ServerName,
        now: UnixTime,
    ) -> Option<Dated> {
        let verifier = self.platform.as_ref().ok().or(self.mozilla.as_ref())?;
        let Err(rustls::Error::InvalidCertificate(error)) = verifier.verify_server_cert(leaf, sent, name, &[], now)
        else {
            return None;
        };
        let seconds = |time: &UnixTime| i64::try_from(time.as_secs()).ok();
        // Webpki looks at the leaf's dates before those of its issuers (verify_cert.rs, build_chain_inner).
        let (from, until) = life(leaf)?;
        if !(from..=until).contains(&seconds(&now)?) {
            return None;
        }
        let is_it = |(from, until): (i64, i64)| match &error {
            CertificateError::ExpiredContext { not_after, .. } => seconds(not_after) == Some(until),
            CertificateError::NotValidYetContext { not_before, .. } => seconds(not_before) == Some(from),
            _ => false,
        };
        let issuer = sent.iter().find(|one| life(one).is_some_and(is_it))?;
        let (_, parsed) = X509Certificate::from_der(issuer).ok()?;
        Some(Dated {
            subject: parsed.subject().to_string(),
            not_before: time(parsed.validity().not_before.timestamp()),
            not_after: time(parsed.validity().not_after.timestamp()),
        })
    }
}

/// What keeps a chain from being followed; nothing where that is an authority nobody knows.
fn fault(error: &rustls::Error) -> Option<ChainFault> {
    use CertificateError::{BadSignature, Expired, ExpiredContext, NotValidYet, NotValidYetContext, Other};
    let rustls::Error::InvalidCertificate(error) = error else { return Some(ChainFault::Unusable) };
    match error {
        UnknownIssuer => None,
        BadSignature => Some(ChainFault::Signature),
        Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. } => Some(ChainFault::OutOfDate),
        // Webpki's MaximumPathDepthExceeded and its budgets, which rustls has no names of its own for.
        Other(inner) if inner.to_string().starts_with("Maximum") => Some(ChainFault::TooLong),
        _ => Some(ChainFault::Unusable),
    }
}

/// Rustls's words for people: with dates in place of seconds, and without the names of what webpki's errors are wrapped in.
fn words(error: &rustls::Error) -> String {
    let at = |seconds: &UnixTime| i64::try_from(seconds.as_secs()).map(time).unwrap_or_default();
    match error {
        rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) => {
            format!("invalid peer certificate: certificate expired at {}", at(not_after))
        }
        rustls::Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. }) => {
            format!("invalid peer certificate: certificate not valid yet, only from {} on", at(not_before))
        }
        rustls::Error::InvalidCertificate(CertificateError::Other(inner)) => {
            format!("invalid peer certificate: {inner}")
        }
        other => other.to_string(),
    }
}

/// From when until when a certificate is valid, in seconds since 1970.
fn life(der: &CertificateDer) -> Option<(i64, i64)> {
    let (_, parsed) = X509Certificate::from_der(der).ok()?;
    Some((parsed.validity().not_before.timestamp(), parsed.validity().not_after.timestamp()))
}

/// As RFC 3339 has it.
fn time(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}

/// Times at which a chain may have been valid: now, in the middle of the leaf's life, and when all that was sent was alive.
fn times(leaf: &CertificateDer, sent: &[CertificateDer], now: UnixTime) -> Vec<UnixTime> {
    let middle = |(from, until): (i64, i64)| {
        let seconds = u64::try_from(from.midpoint(until)).ok().filter(|_| from <= until)?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    };
    let Some(own) = life(leaf) else { return vec![now] };
    let all = sent.iter().filter_map(life).fold(own, |(from, until), life| (from.max(life.0), until.min(life.1)));
    [Some(now), middle(own), middle(all)].into_iter().flatten().collect()
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

/// Rustls's own verifier, with a memory. Without any roots it refuses everybody, and still remembers.
#[derive(Debug)]
struct Keeper {
    trust: Trust,
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
        let (verified, refused) = match &self.trust.platform {
            Ok(platform) => {
                let verified = platform.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
                let refused = verified.as_ref().err().map(words);
                (verified, refused)
            }
            Err(none) => (Err(rustls::Error::InvalidCertificate(UnknownIssuer)), Some(none.clone())),
        };
        let mut certificate = read(end_entity, intermediates);
        certificate.refused = refused;
        let (whose, fault) = self.trust.whose(end_entity, intermediates, server_name, now);
        (certificate.trusted_by, certificate.chain_fault) = (Some(whose), fault);
        certificate.issuer_out_of_date = self.trust.out_of_date(end_entity, intermediates, server_name, now);
        *self.shown.last() = Last { certificate: Some(certificate), host: server_name.to_str().into_owned() };
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.trust.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.trust.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// A certificate's names and times, and who signed it; what cannot be read says so.
fn read(leaf: &CertificateDer, sent: &[CertificateDer]) -> Certificate {
    let unreadable = || Certificate {
        subject: "unreadable".into(),
        issuer: "unreadable".into(),
        names: Vec::new(),
        without_names: false,
        not_before: String::new(),
        not_after: String::new(),
        trusted_by: None,
        chain: Vec::new(),
        chain_cut: false,
        chain_fault: None,
        issuer_out_of_date: None,
        refused: None,
    };
    let Ok((_, parsed)) = X509Certificate::from_der(leaf) else { return unreadable() };
    let (chain, chain_cut) = chain(&parsed, sent);
    let named = parsed.subject_alternative_name();
    let without_names = match &named {
        Ok(None) => true,
        Ok(Some(extension)) => extension.value.general_names.is_empty(),
        Err(_) => false,
    };
    let names = named.ok().flatten().map(|extension| {
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
        without_names,
        not_before: time(parsed.validity().not_before.timestamp()),
        not_after: time(parsed.validity().not_after.timestamp()),
        trusted_by: None,
        chain,
        chain_cut,
        chain_fault: None,
        issuer_out_of_date: None,
        refused: None,
    }
}

/// The issuers from the leaf up, as far as their certificates were sent, and whether there are more than are named; empty when
/// not even the first was sent.
fn chain(leaf: &X509Certificate, sent: &[CertificateDer]) -> (Vec<String>, bool) {
    let sent: Vec<X509Certificate> =
        sent.iter().filter_map(|der| X509Certificate::from_der(der).ok()).map(|(_, parsed)| parsed).collect();
    let mut issuers = Vec::new();
    let mut below = leaf;
    while let Some(issuer) = sent.iter().find(|one| one.subject().as_raw() == below.issuer().as_raw()) {
        if issuers.is_empty() {
            issuers.push(issuer.subject().to_string());
        }
        // A root names itself.
        if issuer.issuer().as_raw() == issuer.subject().as_raw() {
            break;
        }
        if issuers.len() == CHAIN_LIMIT {
            return (issuers, true);
        }
        issuers.push(issuer.issuer().to_string());
        below = issuer;
    }
    (issuers, false)
}

#[cfg(test)]
#[path = "trust_tests.rs"]
mod tests;
