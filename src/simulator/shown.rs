//! The certificate that the simulated machine is shown for a host, judged as its TLS would.

use jiff::{SignedDuration, Timestamp};

use crate::evidence::Certificate;
use crate::simulator::azure::Azure;
use crate::simulator::scenario::ArmCertificate;

/// The certificate shown for a host when the machine's clock shows `now`.
pub(super) fn certificate(azure: &Azure, host: &str, now: Timestamp) -> Certificate {
    let kind = kind(azure, host);
    let today = azure.time(now);
    let day = |days: i64| today.saturating_add(SignedDuration::from_hours(24 * days)).unwrap_or(today);
    let expired = kind == ArmCertificate::Expired;
    let (from, until) = if expired { (day(-400), day(-35)) } else { (day(-35), day(330)) };
    let name = if kind == ArmCertificate::OtherName { "gateway.contoso.com" } else { host };
    let issuer = match kind {
        ArmCertificate::Stranger => "CN=Contoso Web Gateway CA",
        _ => "C=US, O=Microsoft Corporation, CN=Microsoft Azure RSA TLS Issuing CA 07",
    };
    let refused = match kind {
        ArmCertificate::Stranger => Some("invalid peer certificate: UnknownIssuer"),
        ArmCertificate::OtherName => Some("invalid peer certificate: certificate not valid for name"),
        // The machine's own clock decides, wrong or not.
        _ if now > until => Some("invalid peer certificate: certificate expired"),
        _ if now < from => Some("invalid peer certificate: certificate not valid yet"),
        _ => None,
    };
    Certificate {
        subject: format!("CN={name}"),
        issuer: issuer.to_owned(),
        names: vec![name.to_owned()],
        not_before: from.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        not_after: until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        trusted_by: None,
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
