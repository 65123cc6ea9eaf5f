//! From clues to causes: what each clue means for a managed identity on a VM, strongest first.
//!
//! The order is that of trust: bodies and error numbers, then whoever answered, then connections, then wording, then bare
//! statuses. What is settled by a stronger clue is not overruled by a weaker one.

use std::ops::Range;

use super::bodies::{self, Said};
use super::chain::{self, Chain};
use super::clues;
use super::found::{Found, One};
use super::symptom;
use super::text::Text;
use super::transport::{self, Broken, Fault, Place};
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
    connections(text, &mut found);
    found.weaker();
    symptom::read(text, &mut found);
    found.weaker();
    if !found.is_settled() {
        statuses(text, named, &mut found);
    }
    found
}

/// Is the text about the metadata service or a managed identity, and not only about Azure?
fn about_identity(text: &Text) -> bool {
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
    let Some((who, at)) = bodies::answered_by(text) else { return };
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

fn connections(text: &Text, found: &mut Found) {
    let broken = transport::broken(text);
    if let Some(proxy) = broken.iter().find(|one| one.fault == Fault::Proxy) {
        return proxied(text, proxy, &broken, found);
    }
    for one in broken.iter().filter(|one| one.place.is_some()) {
        about_place(text, one, found);
    }
    // Localised clients leave no word that is known here, but the address.
    let places = transport::places(text);
    if let Some((_, at)) = places.iter().find(|(place, _)| *place == Place::Retired)
        && text.has_any(&["httpconnectionpool", "oauth2/token"])
        && !found.is_settled()
    {
        found.likely("legacy-endpoint", at);
        found.possible(&["env-shadowed", "identity-none"], at);
    }
    if !found.is_settled() && !transport::names_a_stranger(text) {
        for one in broken.iter().filter(|one| one.place.is_none()) {
            about_nobody(text, one, found);
        }
    }
}

/// A proxy that is not there or says no.
fn proxied(text: &Text, proxy: &Broken, broken: &[Broken], found: &mut Found) {
    let at = &proxy.at;
    let places = transport::places(text);
    let meant = |wanted: &[Place]| places.iter().any(|(place, _)| wanted.contains(place));
    if meant(&[Place::Metadata, Place::Retired]) {
        found.certain("imds-proxied", at);
        found.possible(&["env-proxy"], at);
    } else if meant(&[Place::Manager, Place::Login, Place::Data]) {
        found.likely("arm-unreachable", at);
        found.possible(&["env-proxy", "network-blocked"], at);
    } else if transport::names_a_stranger(text) {
    } else if about_identity(text) || text.has_any(&["'httpconnection", "\"httpconnection", "(httpconnection"]) {
        if symptom::is_about_azure(text) {
            found.likely("imds-proxied", at);
        }
        found.possible(&["imds-proxied", "env-proxy", "arm-unreachable"], at);
    } else if symptom::is_about_azure(text) {
        found.likely("arm-unreachable", at);
        found.possible(&["env-proxy", "imds-proxied"], at);
    } else {
        // Only https is tunnelled, and the metadata service is asked without.
        let tunnel = text.has(" tunnel ") || text.has("tunnel connection") || text.has("httpsconnection");
        let (first, second) =
            if tunnel { ("arm-unreachable", "imds-proxied") } else { ("imds-proxied", "arm-unreachable") };
        found.possible(&[first, second, "env-proxy"], at);
    }
    if broken.iter().any(|one| one.fault == Fault::Certificate) {
        found.possible(&["tls-intercepted"], at);
    }
}

fn about_place(text: &Text, one: &Broken, found: &mut Found) {
    let at = &one.at;
    let Some(place) = one.place else { return };
    match (place, one.fault) {
        (Place::Metadata, Fault::Refused) => {
            found.certain("imds-refused", at);
            found.possible(&["not-on-azure"], at);
        }
        (Place::Metadata, Fault::TimedOut) => {
            found.certain("imds-timeout", at);
            found.possible(&["not-on-azure", "wrong-host-kind"], at);
        }
        (Place::Metadata, Fault::Unreachable) => {
            found.likely("not-on-azure", at);
            found.possible(&["imds-refused", "wrong-host-kind"], at);
        }
        (Place::Metadata, Fault::Reset) => {
            found.possible(&["imds-proxied", "imds-updating", "imds-refused"], at);
        }
        (Place::Metadata, _) => found.possible(&["imds-proxied"], at),
        (Place::Retired, _) => {
            // A source of its own name reads the environment; an old client has the address built in.
            if text.has_any(&["cloudshellcredential", "azuremlcredential", "msi_endpoint"]) {
                found.likely("env-shadowed", at);
                found.possible(&["legacy-endpoint"], at);
            } else {
                found.certain("legacy-endpoint", at);
                found.possible(&["env-shadowed", "identity-none"], at);
            }
        }
        (Place::Local(port), _) => local(text, port, one, found),
        (_, Fault::Certificate) => certificate(text, at, found),
        (_, Fault::Unresolved) => {
            found.certain("dns-failure", at);
            found.possible(&["arm-unreachable"], at);
        }
        (Place::Data, _) => {
            found.likely("network-blocked", at);
            found.possible(&["arm-unreachable"], at);
        }
        (Place::Manager | Place::Login, _) => {
            found.certain("arm-unreachable", at);
            found.possible(&["dns-failure"], at);
        }
    }
}

/// Ports on which proxies listen.
const PROXY_PORTS: [u16; 6] = [3128, 3129, 8080, 8888, 8118, 1080];

/// Where Container Apps serve tokens to the app, as their `IDENTITY_ENDPOINT` says.
const CONTAINER_APPS_PORT: u16 = 12356;

/// Something on the machine itself that does not answer: where a variable points to, or a proxy.
fn local(text: &Text, port: u16, one: &Broken, found: &mut Found) {
    let at = &one.at;
    let path = text.has_any(&["/msi/token", "/msi/auth", "/metadata/identity", "/token?api-version="]);
    let places = transport::places(text);
    let meant = |wanted: &[Place]| places.iter().any(|(place, _)| wanted.contains(place));
    // The address asked for is another one: the connection went to a proxy.
    if meant(&[Place::Metadata]) {
        found.likely("imds-proxied", at);
        return found.possible(&["env-proxy", "imds-refused"], at);
    }
    if !path && meant(&[Place::Manager, Place::Login, Place::Data]) {
        found.likely("arm-unreachable", at);
        return found.possible(&["env-proxy", "network-blocked"], at);
    }
    if port == CONTAINER_APPS_PORT {
        found.likely("wrong-host-kind", at);
        return found.possible(&["env-shadowed"], at);
    }
    if port == 40342 || path || about_identity(text) || text.has_any(&["credential.get_token failed", "msal"]) {
        if PROXY_PORTS.contains(&port) && !path {
            found.likely("imds-proxied", at);
            found.possible(&["env-proxy", "env-shadowed"], at);
        } else {
            found.likely("env-shadowed", at);
            found.possible(&["wrong-host-kind"], at);
        }
    } else if PROXY_PORTS.contains(&port) {
        let codes =
            if text.has("resterror") { ["arm-unreachable", "env-proxy"] } else { ["imds-proxied", "env-proxy"] };
        found.possible(&codes, at);
    }
}

/// Is a certificate refused because its time has not come? Go names both reasons in one sentence and decides after it.
fn is_early(text: &Text) -> bool {
    text.has("not yet valid") && (!text.has("expired or is not yet valid") || text.has(" is before "))
}

fn certificate(text: &Text, at: &Range<usize>, found: &mut Found) {
    if is_early(text) {
        found.likely("clock-skewed", at);
        found.possible(&["tls-intercepted"], at);
    } else {
        found.certain("tls-intercepted", at);
        if text.has("expired") {
            found.possible(&["clock-skewed"], at);
        }
    }
}

/// A fault without a host: what it can be is told by whether the text is about identities at all.
fn about_nobody(text: &Text, one: &Broken, found: &mut Found) {
    let at = &one.at;
    let azure = symptom::is_about_azure(text);
    if about_identity(text) {
        match one.fault {
            Fault::TimedOut => found.possible(&["imds-timeout", "not-on-azure", "imds-proxied", "wrong-host-kind"], at),
            Fault::Refused => found.possible(&["imds-refused", "imds-proxied", "env-shadowed", "wrong-host-kind"], at),
            Fault::Unreachable => {
                found.likely("not-on-azure", at);
                found.possible(&["imds-refused", "wrong-host-kind"], at);
            }
            // The metadata service has no name, so the name is that of a proxy or of a variable's endpoint.
            Fault::Unresolved => found.possible(&["imds-proxied", "env-shadowed", "dns-failure"], at),
            Fault::Reset => found.possible(&["imds-proxied", "imds-updating"], at),
            Fault::Certificate => found.possible(&["tls-intercepted", "env-shadowed"], at),
            Fault::Proxy => {}
        }
    } else if azure {
        match one.fault {
            Fault::Unresolved => found.likely("dns-failure", at),
            Fault::Certificate if is_early(text) => found.likely("clock-skewed", at),
            Fault::Certificate => found.likely("tls-intercepted", at),
            _ => found.possible(&["arm-unreachable", "network-blocked", "imds-refused"], at),
        }
    } else if text.has("httpsconnection") {
        let code = if one.fault == Fault::Unresolved { "dns-failure" } else { "arm-unreachable" };
        found.possible(
            if one.fault == Fault::Certificate { &["tls-intercepted"] } else { std::slice::from_ref(&code) },
            at,
        );
    } else if one.fault == Fault::Certificate {
        found.possible(if is_early(text) { &["clock-skewed"] } else { &["tls-intercepted"] }, at);
    }
}

/// A bare status, when the text is about the metadata service.
fn statuses(text: &Text, named: bool, found: &mut Found) {
    if !about_identity(text) {
        return;
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
