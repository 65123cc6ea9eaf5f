//! App Configuration. Challenges and the network's refusal as documented; 403 with an empty body as recorded.

use serde_json::json;

use super::{Asked, Fault, Right};
use crate::simulator::azure::Reaction;
use crate::simulator::scenario::Network;
use crate::simulator::tokens::CANARY;

const REJECTED: &str = r#"{"type":"https://azconfig.io/errors/ip-address-rejected","title":"Access to this resource is governed by a network access policy. The client IP address fails to meet the criteria for access. See https://aka.ms/appconfig/network-access-errors for more information.","status":403}"#;
const STRANGER: &str = "The access token is from the wrong issuer. It must match the AD tenant associated with the subscription to \
    which the configuration store belongs. If you just transferred your subscription and see this error message, please \
    try back later.";

/// What a store answers.
pub(super) fn answer(asked: &Asked<'_>) -> Reaction {
    if matches!(asked.data.network, Network::Firewall | Network::Private) {
        // assumed: before the token is looked at.
        return say(asked, 403, "application/problem+json; charset=utf-8", None, REJECTED);
    }
    let accepts = |audience: &str| {
        let bare = audience.trim_end_matches('/');
        // Documented: the current one of the cloud's table beside the older one, the domain of the stores' names.
        let current = asked.uri("appconfig");
        let older = asked.data.host.split_once('.').map(|(_, domain)| format!("https://{domain}"));
        bare == current || Some(bare) == older.as_deref() || asked.is_own_address(audience)
    };
    // assumed: 401 without a body.
    let challenged = |what: &str| say(asked, 401, "", Some(&format!("HMAC-SHA256, Bearer{what}")), "");
    let refused = |why: &str| challenged(&format!(r#" error="invalid_token", error_description="{why}""#));
    let bearer = match asked.authenticate(asked.bearer(), accepts) {
        Ok(bearer) => bearer,
        Err(Fault::Missing) => return challenged(""),
        Err(Fault::Issuer(_)) => return refused(STRANGER),
        Err(_) => return refused("Authorization token failed validation"),
    };
    let right = Right::Data("Microsoft.AppConfiguration/configurationStores/keyValues/read");
    if !asked.admits(&bearer, &right, &asked.resource_id("Microsoft.AppConfiguration/configurationStores")) {
        return say(asked, 403, "", None, "");
    }
    let body = match asked.path().first().map(String::as_str) {
        Some("keys") => json!({ "items": [{ "name": "app:greeting" }] }),
        Some("kv") => json!({ "items": [{ "key": "app:greeting", "value": format!("value-{CANARY}") }] }),
        Some("labels") => json!({ "items": [{ "name": null }] }),
        _ => return say(asked, 404, "", None, ""),
    };
    say(asked, 200, "application/vnd.microsoft.appconfig.keyset+json; charset=utf-8", None, &body.to_string())
}

fn say(asked: &Asked<'_>, status: u16, kind: &str, challenge: Option<&str>, body: &str) -> Reaction {
    let fields = [("Server", "openresty/1.17.8.2".to_owned()), ("x-ms-correlation-request-id", asked.request_id())];
    let mut said = asked.say(status, fields, body);
    if let Reaction::Answer { headers, .. } = &mut said {
        if !kind.is_empty() {
            headers.push(("Content-Type".to_owned(), kind.to_owned()));
        }
        headers.extend(challenge.map(|challenge| ("WWW-Authenticate".to_owned(), challenge.to_owned())));
    }
    said
}
