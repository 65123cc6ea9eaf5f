//! What connections that did not come about mean for a managed identity, by the host they were for.
//!
//! The faults and hosts are read in `transport`; stronger clues have been weighed in `judge` before.

use std::ops::Range;

use super::found::Found;
use super::judge::about_identity;
use super::symptom;
use super::text::Text;
use super::transport::{self, Broken, Fault, Place};

/// Weighs every fault in the text.
pub fn weigh(text: &Text, found: &mut Found) {
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
