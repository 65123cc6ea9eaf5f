//! The certificate that the simulated machine is shown for a host, judged as its TLS would.

use jiff::{SignedDuration, Timestamp};

use crate::evidence::{Certificate, TrustedBy};
use crate::simulator::azure::Azure;
use crate::simulator::scenario::ArmCertificate;

/// The authorities of Azure's own certificates (Microsoft's page of Azure certificate authority details).
const AZURE: &str = "C=US, O=Microsoft Corporation, CN=Microsoft Azure RSA TLS Issuing CA 07";
const AZURE_ROOT: &str = "C=US, O=DigiCert Inc, OU=www.digicert.com, CN=DigiCert Global Root G2";
/// Those of an organisation that opens what goes through its gateway.
const GATEWAY: &str = "CN=Contoso Web Gateway CA";
const GATEWAY_ROOT: &str = "O=Contoso, CN=Contoso Root CA";

/// The certificate shown for a host when the machine's clock shows `now`.
pub(super) fn certificate(azure: &Azure, host: &str, now: Timestamp) -> Certificate {
    let kind = kind(azure, host);
    let today = azure.time(now);
    let day = |days: i64| today.saturating_add(SignedDuration::from_hours(24 * days)).unwrap_or(today);
    let (from, until) = match kind {
        ArmCertificate::Expired => (day(-400), day(-35)),
        ArmCertificate::NotYetValid => (day(35), day(400)),
        _ => (day(-35), day(330)),
    };
    let name = if kind == ArmCertificate::OtherName { "gateway.contoso.com" } else { host };
    let (issuer, root, trusted_by) = match kind {
        ArmCertificate::Stranger => (GATEWAY, GATEWAY_ROOT, TrustedBy::Nobody),
        ArmCertificate::Inspected => (GATEWAY, GATEWAY_ROOT, TrustedBy::Platform),
        ArmCertificate::PlatformLacks => (AZURE, AZURE_ROOT, TrustedBy::Mozilla),
        _ => (AZURE, AZURE_ROOT, TrustedBy::Both),
    };
    // In the order in which rustls judges: the leaf's dates, whom the chain leads to, the name.
    let refused = match (kind, trusted_by) {
        // The machine's own clock decides, wrong or not.
        _ if now > until => Some("invalid peer certificate: certificate expired"),
        _ if now < from => Some("invalid peer certificate: certificate not valid yet"),
        (_, TrustedBy::Nobody | TrustedBy::Mozilla) => Some("invalid peer certificate: UnknownIssuer"),
        (ArmCertificate::OtherName, _) => Some("invalid peer certificate: certificate not valid for name"),
        _ => None,
    };
    Certificate {
        subject: format!("CN={name}"),
        issuer: issuer.to_owned(),
        names: vec![name.to_owned()],
        without_names: false,
        not_before: from.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        not_after: until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        trusted_by: Some(trusted_by),
        chain: vec![issuer.to_owned(), root.to_owned()],
        chain_cut: false,
        chain_fault: None,
        issuer_out_of_date: None,
        refused: refused.map(str::to_owned),
    }
}

/// The kind of certificate that the scenario gives a host.
pub(super) fn kind(azure: &Azure, host: &str) -> ArmCertificate {
    let scenario = azure.scenario();
    if host.eq_ignore_ascii_case(&azure.cloud().arm_host) {
        scenario.arm_certificate
    } else {
        scenario.data_at(host).map_or(ArmCertificate::Trusted, |data| data.certificate)
    }
}
