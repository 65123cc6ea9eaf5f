//! From clues to causes: what each clue means for a managed identity on a VM, strongest first.
//!
//! The order is that of trust: bodies and error numbers, then whoever answered, then connections, then wording, then bare
//! statuses. What is settled by a stronger clue is not overruled by a weaker one.

use super::bodies::{self, Said};
use super::chain::{self, Chain};
use super::clues;
use super::connections;
use super::found::{Found, One};
use super::symptom;
use super::text::Text;
use super::transport::{self, Place};
use crate::azure::metadata::{Refusal, Responder};

/// The causes, and the part of the text that they were found in when it is not the whole.
pub fn judge<'a>(text: &Text<'a>) -> (Option<Text<'a>>, Vec<One>) {
    match chain::read(text) {
        Chain::Settled(found) => return (None, found.in_order()),
        Chain::Managed(parts) => {
            let part = text.only(&parts);
            let found = weigh(&part, names_identity(text));
            if !found.is_empty() {
                return (Some(part), found.in_order());
            }
        }
        Chain::None => {}
    }
    (None, weigh(text, names_identity(text)).in_order())
}

/// `named` tells whether the request names an identity, as far as the whole text shows.
fn weigh(text: &Text, named: bool) -> Found {
    let mut found = Found::default();
    clues::entra(text, &mut found);
    for said in bodies::identity_errors(text) {
        identity(text, &said, named, &mut found);
    }
    found.weaker();
    clues::manager(text, &mut found);
    clues::data(text, &mut found);
    found.weaker();
    answered(text, &mut found);
    found.weaker();
    connections::weigh(text, &mut found);
    found.weaker();
    clues::libraries(text, &mut found);
    symptom::read(text, &mut found);
    found.weaker();
    if !found.is_settled() {
        statuses(text, named, &mut found);
    }
    found
}

/// Is the text about the metadata service or a managed identity, and not only about Azure?
pub fn about_identity(text: &Text) -> bool {
    text.has_any(&[
        "169.254.169.254",
        "/metadata/identity",
        "managedidentity",
        "managed identity",
        "managed service",
        "imds",
        "msi:",
        "to msi",
        "from msi",
        "msi endpoint",
        "msiauthentication",
        "server: imds/",
        // As Hadoop, SQL Server's drivers and MSAL call it.
        "msitokenprovider",
        "tokenfrommsi",
        "activedirectorym",
        "active directory m",
        "managed_identity",
    ])
}

/// Does the request that failed name an identity?
fn names_identity(text: &Text) -> bool {
    // The workload identity beside it misses other settings than the client ID: so that is set.
    const MISSING: &str = "missing required arguments: ";
    if let Some(at) = text.find(MISSING) {
        let listed = text.flat[at.end..].split('.').next().unwrap_or_default();
        if listed.contains("'tenant_id'") && !listed.contains("'client_id'") {
            return true;
        }
    }
    text.has_any(&[
        "client_id=",
        "object_id=",
        "principal_id=",
        "msi_res_id=",
        "mi_res_id=",
        "clientid=",
        "clientid:",
        "client id:",
        "client id is",
        "client_id:",
        "'client_id':",
        "--client-id",
        "--username",
        "--identity-client-id",
        "-accountid",
        "the requested identity has not been assigned",
        // Go's azidentity says so of a 400 only when an ID was given.
        "the requested identity isn't assigned",
        "runas=app;appid=",
        "verify your clientid",
        "check your managed service identity id",
    ])
}

fn identity(text: &Text, said: &Said, named: bool, found: &mut Found) {
    let (error, at) = (&said.error, &said.at);
    let says = |part: &str| error.description.contains(part) || error.error.contains(part);
    let about = about_identity(text) || symptom::is_about_azure(text);
    if says("metadata header") || says("x-forwarded-for") {
        return if about || says("metadata header") {
            found.certain("imds-header", at)
        } else {
            found.likely("imds-header", at)
        };
    }
    if says("throttled, too many requests") {
        return found.certain("imds-throttled", at);
    }
    if says("required query variable") || says("api-version is invalid") || says("api-version was not specified") {
        return found.certain("request-malformed", at);
    }
    if says("no user assigned or delegated managed identity") {
        found.certain("wrong-host-kind", at);
        return found.possible(&["identity-none", "identity-unknown"], at);
    }
    if says("failed to retrieve token from the active directory") {
        if text.has_any(&["plugins\\microsoft.managedidentity", "managedidentityextension", ":50342"]) {
            found.certain("legacy-endpoint", at);
            return found.possible(&["imds-server-error"], at);
        }
        return found.certain("imds-server-error", at);
    }
    match error.meaning() {
        Refusal::NotFound => {
            let (first, second) =
                if named { ("identity-unknown", "identity-none") } else { ("identity-none", "identity-unknown") };
            if about || error.error == "invalid_request" && !error.description.is_empty() {
                found.likely(first, at);
            }
            found.possible(&[first, second, "identity-stale"], at);
        }
        Refusal::Ambiguous => found.certain("identity-ambiguous", at),
        Refusal::Resource => found.certain("resource-invalid", at),
        Refusal::Malformed if about => {
            found.possible(&["request-malformed", "identity-none", "identity-ambiguous"], at);
        }
        _ if error.error == "not found" && about_identity(text) => {
            found.likely("imds-updating", at);
            found.possible(&["request-malformed", "imds-not-azure", "wrong-host-kind"], at);
        }
        _ if error.error == "not found" => found.possible(&["imds-updating", "request-malformed"], at),
        _ if error.error == "unauthorized_client" && !error.description.contains("aadsts") => {
            found.likely("token-refused", at)
        }
        _ if ["server_error", "service_unavailable"].contains(&error.error.as_str()) && about => {
            found.likely("imds-server-error", at);
        }
        _ => {}
    }
}

/// Whoever gave the answer.
fn answered(text: &Text, found: &mut Found) {
    let near = about_identity(text);
    if near && let Some((code, at)) = bodies::by_length(text) {
        found.likely(code, &at);
        if code == "identity-none" {
            found.possible(&["identity-unknown", "identity-stale"], &at);
        }
        return;
    }
    let Some((who, at)) = bodies::answered_by(text) else {
        if near && let Some(at) = bodies::page_for_json(text) {
            found.likely("imds-proxied", &at);
            found.possible(&["imds-not-azure", "wrong-host-kind"], &at);
        }
        return;
    };
    match who {
        Responder::DockerDesktop => {
            found.certain("imds-proxied", &at);
            found.possible(&["not-on-azure"], &at);
        }
        Responder::OtherCloud(_) if near => {
            found.certain("imds-not-azure", &at);
            found.possible(&["not-on-azure", "wrong-host-kind"], &at);
        }
        Responder::OtherCloud(_) => found.possible(&["imds-not-azure"], &at),
        Responder::Proxy(_)
            if transport::places(text).iter().any(|(place, _)| *place == Place::Manager)
                && !text.has("/metadata/")
                && !text.has("adal: ") =>
        {
            found.likely("arm-unreachable", &at);
            found.possible(&["env-proxy", "imds-proxied"], &at);
        }
        Responder::Proxy(_) if text.has("resterror") => found.possible(&["arm-unreachable", "network-blocked"], &at),
        Responder::Proxy(_) if !near && text.has("http/1.") && !transport::names_a_stranger(text) => {
            found.possible(&["imds-proxied", "imds-not-azure"], &at);
        }
        Responder::Proxy(_) if near || text.has("service principal token during refresh") => {
            found.likely("imds-proxied", &at);
            found.possible(&["imds-not-azure"], &at);
        }
        Responder::PodIdentity => {
            found.certain("wrong-host-kind", &at);
            found.possible(&["identity-unknown"], &at);
        }
        Responder::GuestProxyAgent => {
            if near {
                found.likely("imds-denied", &at);
            } else {
                found.possible(&["imds-denied"], &at);
            }
        }
        Responder::AzureRestarting if near => found.likely("imds-updating", &at),
        Responder::Stranger(name) if near && name.eq_ignore_ascii_case("kestrel") => {
            found.likely("wrong-host-kind", &at);
            found.possible(&["imds-not-azure"], &at);
        }
        Responder::Stranger(_) if text.has("169.254.169.254") => {
            found.likely("imds-not-azure", &at);
            found.possible(&["imds-proxied"], &at);
        }
        _ => {}
    }
}

/// A bare status, when the text is about the metadata service.
fn statuses(text: &Text, named: bool, found: &mut Found) {
    if !about_identity(text) {
        return services(text, found);
    }
    for (status, at) in bodies::statuses(text) {
        match status {
            429 => found.certain("imds-throttled", &at),
            410 => found.certain("imds-updating", &at),
            404 => {
                found.likely("imds-updating", &at);
                found.possible(&["imds-not-azure", "request-malformed", "wrong-host-kind"], &at);
            }
            403 => {
                found.likely("imds-denied", &at);
                found.possible(&["imds-not-azure", "imds-proxied", "wrong-host-kind"], &at);
            }
            401 => found.possible(&["wrong-host-kind", "imds-not-azure"], &at),
            407 | 502 | 504 => found.likely("imds-proxied", &at),
            500 | 503 => {
                found.likely("imds-server-error", &at);
                found.possible(&["wrong-host-kind"], &at);
            }
            400 if named => found.possible(
                &["identity-unknown", "identity-none", "identity-ambiguous", "resource-invalid", "request-malformed"],
                &at,
            ),
            400 => found.possible(
                &["identity-none", "identity-ambiguous", "identity-unknown", "resource-invalid", "request-malformed"],
                &at,
            ),
            _ => continue,
        }
        return;
    }
}

/// A bare status of another service of Azure, told by its host: a refusal has two or three causes there.
fn services(text: &Text, found: &mut Found) {
    let places = transport::places(text);
    let meant = |wanted: Place| places.iter().any(|(place, _)| *place == wanted);
    let (data, manager) = (meant(Place::Data), meant(Place::Manager));
    if !data && !manager || !found.is_empty() {
        return;
    }
    let Some((status, at)) = bodies::statuses(text).into_iter().next() else { return };
    match status {
        401 => found.possible(&["token-expired", "audience-mismatch", "cloud-mismatch", "token-malformed"], &at),
        403 if data => found.possible(&["role-data-plane", "network-blocked", "role-propagating"], &at),
        403 => found.possible(&["role-missing", "role-insufficient", "role-propagating"], &at),
        407 => found.possible(&["arm-unreachable", "env-proxy"], &at),
        429 | 500 | 502..=504 => found.possible(&["service-transient"], &at),
        _ => {}
    }
}
