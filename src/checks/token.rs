//! What is issued: a token per resource, and whether it says what it should. Signatures are not verified here: the
//! receiving service does that.

use crate::azure::arm::ArmError;
use crate::azure::cloud::{Cloud, known};
use crate::azure::metadata::{IdentityError, Refusal};
use crate::case::Case;
use crate::check::{Check, Facts, Finding, Stage, Subject, Verdict};
use crate::plan::Selector;
use crate::token::Claims;
use crate::words::in_words;

use super::identity::info_request;

/// The checks of this topic.
pub static CHECKS: &[Check] = &[
    Check {
        id: "token",
        stage: Stage::Token,
        needs: &["metadata", "identity"],
        essential: true,
        codes: &["resource-invalid", "request-malformed", "token-refused"],
        shared: &[],
        reads: &[],
        page: include_str!("../../checks/token.md"),
        subjects: Subject::tokens,
        ask: |case| match (case.instance(), case.resource_uri()) {
            (Some(_), Some(uri)) => case.token_requests(&uri),
            _ => Vec::new(),
        },
        judge: judge_token,
    },
    Check {
        id: "validity",
        stage: Stage::Token,
        needs: &["clock", "metadata", "identity", "token"],
        essential: true,
        codes: &["token-expired", "token-not-yet-valid", "audience-mismatch", "cloud-mismatch", "token-malformed"],
        shared: &[],
        reads: &["reader"],
        page: include_str!("../../checks/validity.md"),
        subjects: Subject::tokens,
        // It reads what the checks token and reader asked for.
        ask: |_| Vec::new(),
        judge: judge_validity,
    },
];

fn judge_token(case: &Case) -> Verdict {
    let Some(uri) = case.resource_uri() else {
        return Verdict::Unknown("the VM's cloud is not known, so neither is the resource's URI".into());
    };
    let Some(answer) = case.token_answer() else {
        return Verdict::Unknown("the question for this token brought no answer".into());
    };
    if answer.token.is_some() {
        return Verdict::Pass(Facts::from([("resource", uri)]));
    }
    if answer.status == 200 {
        return Verdict::Unknown("the answer 200 holds no access_token".into());
    }
    let Some(error) = IdentityError::read(answer) else {
        return Verdict::Unknown(format!("the answer {} does not say why", answer.status));
    };
    let code = match error.meaning() {
        Refusal::NotFound | Refusal::Ambiguous => return Verdict::Blocked("identity"),
        Refusal::Resource => "resource-invalid",
        Refusal::Malformed => "request-malformed",
        Refusal::Other => "token-refused",
    };
    Verdict::found(
        Finding::error(code)
            .with("resource", uri)
            .with("status", error.status)
            .with("error", &error.error)
            .with("error_description", error.sentence()),
    )
}

fn judge_validity(case: &Case) -> Verdict {
    let Some(uri) = case.resource_uri() else {
        return Verdict::Unknown("the resource's URI is not known".into());
    };
    let Some(claims) = case.claims_for(&uri) else {
        return Verdict::Unknown("no token was issued".into());
    };
    if let Some(why) = &claims.unreadable {
        let detail = format!("The answer's access_token cannot be read: {why}; it has {} bytes", claims.length);
        return Verdict::found(Finding::error("token-malformed").with("detail", detail));
    }
    for part in [time_finding(case, claims), audience_finding(case, claims, &uri), issuer_finding(case, claims)] {
        match part {
            Ok(()) => {}
            Err(verdict) => return *verdict,
        }
    }
    match case.vm_request().filter(|_| case.arm_uri().as_deref() == Some(&uri)) {
        Some(request) => match case.evidence.answer(&request).and_then(ArmError::read) {
            Some(error) => refused_by_arm(&error, claims).unwrap_or_else(|| passed(claims)),
            None => passed(claims),
        },
        None => passed(claims),
    }
}

fn passed(claims: &Claims) -> Verdict {
    let expires = claims.time("exp").map_or_else(|| "an unknown time".into(), |time| format!("{time:.0}"));
    Verdict::Pass(Facts::from([("expires", expires)]))
}

type Part = Result<(), Box<Verdict>>;

fn broken(finding: Finding) -> Part {
    Err(Box::new(Verdict::found(finding)))
}

/// Judged against the machine's clock when the evidence was taken; the check `clock` answers for that clock.
fn time_finding(case: &Case, claims: &Claims) -> Part {
    let now = case.evidence.taken_at();
    let Some(expires) = claims.time("exp") else {
        return broken(
            Finding::error("token-malformed").with("detail", "The token does not say until when it is valid"),
        );
    };
    if expires <= now {
        let ago = in_words(now.duration_since(expires).unsigned_abs());
        return broken(Finding::error("token-expired").with("expires", format!("{expires:.0}")).with("ago", ago));
    }
    match claims.time("nbf").filter(|from| *from > now) {
        Some(from) => {
            let ahead = in_words(from.duration_since(now).unsigned_abs());
            broken(Finding::error("token-not-yet-valid").with("not_before", format!("{from:.0}")).with("ahead", ahead))
        }
        None => Ok(()),
    }
}

/// The audience is the resource as it was asked for, a trailing slash aside; Azure Resource Manager has several names.
fn audience_finding(case: &Case, claims: &Claims, uri: &str) -> Part {
    let Some(audience) = claims.text("aud") else {
        return broken(Finding::error("token-malformed").with("detail", "The token does not say for whom it is meant"));
    };
    let plain = |text: &str| text.trim_end_matches('/').to_ascii_lowercase();
    if plain(audience) == plain(uri) {
        return Ok(());
    }
    let manager = |cloud: &Cloud| cloud.accepts_audience(audience);
    if case.cloud().is_some_and(|cloud| manager(cloud) && cloud.accepts_audience(uri)) {
        return Ok(());
    }
    let elsewhere = known().find(|cloud| manager(cloud) && Some(*cloud) != case.cloud());
    if let (Some(_), Some(own)) = (elsewhere, case.cloud().filter(|own| own.accepts_audience(uri))) {
        return broken(
            Finding::error("cloud-mismatch")
                .with("issuer", format!("an issuer for the audience {audience}"))
                .with("expected_issuer", own.issuer(claims.text("tid").unwrap_or("the tenant"))),
        );
    }
    broken(Finding::error("audience-mismatch").with("audience", audience).with("resource", uri))
}

/// The issuer is the VM's own cloud, for the tenant that the token names.
fn issuer_finding(case: &Case, claims: &Claims) -> Part {
    let (Some(cloud), Some(tenant)) = (case.cloud(), claims.text("tid")) else { return Ok(()) };
    let issuer = claims.text("iss").unwrap_or("nobody");
    // The metadata service names the tenant of the system-assigned identity, and only of that.
    let own = (case.user_assigned(claims).is_none() && *case.selector() == Selector::Default)
        .then(|| case.evidence.answer(&info_request()).and_then(crate::azure::metadata::tenant))
        .flatten();
    let tenant = own.as_deref().unwrap_or(tenant);
    if cloud.issues(issuer, tenant) {
        return Ok(());
    }
    broken(Finding::error("cloud-mismatch").with("issuer", issuer).with("expected_issuer", cloud.issuer(tenant)))
}

/// What Azure Resource Manager itself says against the token.
fn refused_by_arm(error: &ArmError, claims: &Claims) -> Option<Verdict> {
    let finding = match error.code.as_str() {
        "InvalidAuthenticationTokenTenant" => Finding::error("cloud-mismatch")
            .with("issuer", claims.text("iss").unwrap_or("nobody"))
            .with("expected_issuer", error.quoted_after("must match the tenant").unwrap_or("another tenant's issuer")),
        "ExpiredAuthenticationToken" => Finding::error("token-expired")
            .with("expires", claims.time("exp").map_or_else(|| "unknown".into(), |time| format!("{time:.0}")))
            .with("ago", "by Azure Resource Manager's clock"),
        "InvalidAuthenticationTokenAudience" => {
            Finding::error("audience-mismatch").with("audience", claims.text("aud").unwrap_or("not in the token"))
        }
        "InvalidAuthenticationToken" => Finding::error("token-malformed").with(
            "detail",
            format!(
                "Azure Resource Manager refuses the token as invalid: {}",
                error.message.lines().next().unwrap_or_default().trim_end_matches('.')
            ),
        ),
        _ => return None,
    };
    Some(Verdict::found(finding))
}
