//! Numbers and names that Azure gives its errors, and what they mean: AADSTS numbers, codes of Azure Resource Manager, refusals
//! of data services.
//!
//! These survive every client and language. Data services' refusals are read by [`Denial`], as in the check `data`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::json;

use super::found::Found;
use super::text::Text;
use crate::azure::arm::ArmError;
use crate::azure::denial::Denial;
use crate::azure::service::Service;
use crate::evidence::Answer;
use crate::pattern::pattern;

static ENTRA: LazyLock<Regex> = LazyLock::new(|| pattern(r"\baadsts(\d{5,8})\b"));

/// What Entra's error numbers mean when a managed identity was wanted.
pub fn entra(text: &Text, found: &mut Found) {
    for parts in ENTRA.captures_iter(&text.flat) {
        let (Some(at), Some(number)) = (parts.get(0), parts.get(1)) else { continue };
        let at = at.range();
        match number.as_str() {
            "500011" | "50001" | "500014" => found.certain("resource-invalid", &at),
            // Secrets and certificates: a managed identity has none, so somebody else signs in.
            "7000215" | "7000222" | "7000216" | "700027" | "7000218" => found.certain("env-shadowed", &at),
            "700016" => {
                found.likely("env-shadowed", &at);
                found.possible(&["cloud-mismatch", "identity-unknown"], &at);
            }
            // Federated tokens: workload identity, which is not this machine's identity.
            "70021" | "700211" | "700212" | "700213" | "700223" | "700024" | "700021" => {
                found.likely("env-shadowed", &at);
                found.possible(&["wrong-host-kind"], &at);
            }
            "90002" | "900023" | "90051" => {
                found.likely("env-shadowed", &at);
                found.possible(&["cloud-mismatch"], &at);
            }
            // The application is disabled, or a policy forbids the token.
            "7000112" | "53003" | "530003" => found.likely("token-refused", &at),
            "500133" | "700082" => found.likely("token-expired", &at),
            _ => {}
        }
    }
}

/// Codes of Azure Resource Manager.
pub fn manager(text: &Text, found: &mut Found) {
    let code = |name: &str| text.find(name);
    if let Some(at) = code("denyassignmentauthorizationfailed") {
        found.certain("role-denied", &at);
    } else if let Some(at) = code("linkedauthorizationfailed") {
        found.certain("role-insufficient", &at);
        found.possible(&["role-propagating"], &at);
    } else if let Some(at) = code("does not have authorization to perform")
        .or_else(|| code("does not have authorization or an abac"))
        .or_else(|| code("authorizationfailed"))
    {
        let error = ArmError { code: "AuthorizationFailed".into(), message: text.flat.clone() };
        let reads = error.quoted_after("perform action").is_none_or(|action| action.ends_with("/read"));
        let (first, second) =
            if reads { ("role-missing", "role-insufficient") } else { ("role-insufficient", "role-missing") };
        found.certain(first, &at);
        found.possible(&["role-propagating", "token-cached", second], &at);
    }
    if let Some(at) = code("'authorization' header is missing") {
        found.certain("request-malformed", &at);
    }
    if let Some(at) = code("invalidauthenticationtokentenant").or_else(|| code("it must match the tenant")) {
        found.certain("cloud-mismatch", &at);
        found.possible(&["identity-stale"], &at);
    } else if let Some(at) =
        code("invalidauthenticationtokenaudience").or_else(|| code("has been obtained for wrong audience"))
    {
        found.certain("audience-mismatch", &at);
    } else if let Some(at) = code("expiredauthenticationtoken").or_else(|| code("the access token expiry utc time")) {
        found.certain("token-expired", &at);
        found.possible(&["token-cached", "clock-skewed"], &at);
    } else if let Some(at) = code("invalidauthenticationtoken").or_else(|| code("the access token is invalid")) {
        found.possible(
            &["token-expired", "token-malformed", "identity-none", "request-malformed", "identity-ambiguous"],
            &at,
        );
    }
    if let Some(at) = code("subscriptionnotfound").or_else(|| code("invalidsubscriptionid")) {
        found.likely("no-subscription", &at);
        found.possible(&["role-missing", "cloud-mismatch"], &at);
    }
    if let Some(at) = code("subscriptionrequeststhrottled").or_else(|| code("resourcerequeststhrottled")) {
        found.certain("service-transient", &at);
    }
    if let Some(at) = code("failedidentityoperation") {
        found.likely("identity-stale", &at);
        found.possible(&["identity-unknown"], &at);
    }
    if let Some(at) = code("principalnotfound").or_else(|| code("no matches in graph database")) {
        found.likely("role-propagating", &at);
        found.possible(&["identity-stale"], &at);
    }
}

/// What loaders of .NET, Java, Python and Node.js say of parts that do not fit, with a name of Azure's libraries after it.
static LIBRARY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:method not found: |missingmethodexception|could not load file or assembly|typeloadexception|nosuchmethoderror|nosuchfielderror|noclassdeffounderror|classnotfoundexception|no module named|cannot import name|cannot find module|importerror: |failed to load msal4j|\bmethod '[a-z_]+' in type ').{0,160}?(?:azure|msal|microsoft[./]identity|adal|msrest)",
    )
});

/// Libraries that do not fit each other.
pub fn libraries(text: &Text, found: &mut Found) {
    if let Some(at) = LIBRARY.find(&text.flat) {
        found.likely("client-outdated", &at.range());
    }
}

/// Signs of a data service's refusal: the service, and the code that its answer would carry.
const SIGNS: [(&str, Service, &str); 20] = [
    ("akv10032", Service::KeyVault, ""),
    ("akv10022", Service::KeyVault, ""),
    ("forbiddenbyrbac", Service::KeyVault, "ForbiddenByRbac"),
    ("caller is not authorized to perform action on resource", Service::KeyVault, "ForbiddenByRbac"),
    ("forbiddenbypolicy", Service::KeyVault, "ForbiddenByPolicy"),
    ("permission on key vault", Service::KeyVault, "ForbiddenByPolicy"),
    ("forbiddenbyfirewall", Service::KeyVault, "ForbiddenByFirewall"),
    ("caller is not a trusted service", Service::KeyVault, "ForbiddenByFirewall"),
    ("forbiddenbyconnection", Service::KeyVault, "ForbiddenByConnection"),
    ("nor via an approved private link", Service::KeyVault, "ForbiddenByConnection"),
    ("audience validation failed", Service::Blob, "InvalidAuthenticationInfo"),
    ("issuer validation failed", Service::Blob, "InvalidAuthenticationInfo"),
    ("authorizationpermissionmismatch", Service::Blob, "AuthorizationPermissionMismatch"),
    ("authorizationfailure", Service::Blob, "AuthorizationFailure"),
    ("client with ip '", Service::Registry, "DENIED"),
    ("claim(s) are required", Service::ServiceBus, ""),
    ("ip has been prevented", Service::ServiceBus, ""),
    ("invalidaudience", Service::ServiceBus, ""),
    ("required rbac permissions", Service::Cosmos, ""),
    ("is not trusted by this database account", Service::Cosmos, ""),
];

/// Refusals of data services.
pub fn data(text: &Text, found: &mut Found) {
    for (sign, service, code) in SIGNS {
        let Some(at) = text.find(sign) else { continue };
        let status = if service == Service::ServiceBus { 401 } else { 403 };
        // The messages are compared in the case that the services use.
        let message = text.original_from(0).replace("unauthorized access", "Unauthorized access");
        let body = match service {
            Service::Blob => message,
            _ => json!({"error": {"code": code, "message": message, "innererror": {"code": code}}}).to_string(),
        };
        let headers = match service {
            Service::Blob => BTreeMap::from([("x-ms-error-code".to_owned(), code.to_owned())]),
            _ => BTreeMap::new(),
        };
        let answer = Answer { status, headers, body, ..Answer::default() };
        refused(&Denial::read(Some(service), &answer), text, &at, found);
        return;
    }
    if let Some(at) = text.find("lifetime validation failed") {
        found.certain("token-expired", &at);
        found.possible(&["token-cached", "clock-skewed"], &at);
    }
}

fn refused(denial: &Denial, text: &Text, at: &Range<usize>, found: &mut Found) {
    match denial {
        Denial::NoRole { .. } | Denial::NoPolicy { .. } => {
            found.certain("role-data-plane", at);
            let policy = matches!(denial, Denial::NoPolicy { .. });
            found.possible(if policy { &["token-cached"] } else { &["role-propagating", "token-cached"] }, at);
        }
        Denial::Firewall { .. } => {
            // Storage gives this code for its network rules; a text that shows the rights it lacked is about a role.
            found.certain("network-blocked", at);
            if text.has("authorizationfailure") {
                found.possible(&["role-data-plane"], at);
            }
        }
        Denial::PrivateOnly => found.certain("network-blocked", at),
        Denial::WrongTenant { .. } => {
            found.certain("cloud-mismatch", at);
            found.possible(&["identity-stale", "env-shadowed"], at);
        }
        Denial::WrongAudience { .. } => found.certain("audience-mismatch", at),
        Denial::Unproven(_) | Denial::NotFound | Denial::Unexplained(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        crate::pattern::are_all_of(include_str!("clues.rs"), &[&ENTRA, &LIBRARY]);
    }
}
