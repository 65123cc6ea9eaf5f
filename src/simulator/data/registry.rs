//! Azure Container Registry: its challenge, and the exchange of a token for a refresh token of its own.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Asked, CLIENT, Right};
use crate::simulator::azure::Reaction;
use crate::simulator::scenario::Network;
use crate::simulator::tokens::CANARY;

/// What a registry answers.
pub(super) fn answer(asked: &Asked<'_>) -> Reaction {
    if matches!(asked.data.network, Network::Firewall | Network::Private) {
        // assumed: the same when public access is disabled.
        let message = format!(
            "client with IP '{CLIENT}' is not allowed access. Refer https://aka.ms/acr/firewall to grant access. \
             CorrelationId: {}",
            asked.request_id()
        );
        let body = format!(r#"{{"errors":[{{"code":"DENIED","message":{}}}]}}"#, json!(message));
        return say(asked, 403, None, &format!("{body}\n"));
    }
    let path = asked.path();
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    match (asked.call.method, &parts[..]) {
        ("POST", ["oauth2", "exchange"]) => exchange(asked),
        ("POST", ["oauth2", "token"]) => access(asked),
        (_, ["oauth2", ..]) => say(asked, 404, None, "404 page not found\n"),
        (_, ["v2"]) => listed(asked, "", &Value::Null, "{}"),
        (_, ["v2", "_catalog"] | ["acr", "v1", "_catalog"]) => {
            let detail = json!([{ "Type": "registry", "Name": "catalog", "Action": "*" }]);
            listed(asked, "registry:catalog:*", &detail, r#"{"repositories":["app"]}"#)
        }
        (_, ["v2", repository @ .., "tags", "list"]) => {
            let name = repository.join("/");
            let detail = json!([{ "Type": "repository", "Name": name, "Action": "pull" }]);
            let body = json!({ "name": name, "tags": ["latest"] }).to_string();
            listed(asked, &format!("repository:{name}:pull"), &detail, &body)
        }
        _ => say(asked, 404, None, "404 page not found\n"),
    }
}

/// A page for who brings an access token of this registry, else the challenge.
fn listed(asked: &Asked<'_>, scope: &str, detail: &Value, body: &str) -> Reaction {
    if asked.bearer().is_some_and(|token| token.contains(CANARY) && token.starts_with(&part("access"))) {
        return say(asked, 200, None, body);
    }
    let host = &asked.data.host;
    let mut challenge = format!(r#"Bearer realm="https://{host}/oauth2/token",service="{host}""#);
    if !scope.is_empty() {
        challenge.push_str(&format!(r#",scope="{scope}""#));
    }
    if asked.call.header("Authorization").is_some() {
        challenge.push_str(r#",error="invalid_token""#);
    }
    unauthorized(asked, Some(&challenge), detail)
}

fn unauthorized(asked: &Asked<'_>, challenge: Option<&str>, detail: &Value) -> Reaction {
    let detail = detail.as_array().map(|items| {
        // In the recorded order.
        let items: Vec<String> = items
            .iter()
            .map(|item| format!(r#"{{"Type":{},"Name":{},"Action":{}}}"#, item["Type"], item["Name"], item["Action"]))
            .collect();
        format!(r#","detail":[{}]"#, items.join(","))
    });
    let body = format!(
        "{{\"errors\":[{{\"code\":\"UNAUTHORIZED\",\"message\":\"authentication required, visit \
         https://aka.ms/acr/authorization for more information.\"{}}}]}}\n",
        detail.unwrap_or_default()
    );
    say(asked, 401, challenge, &body)
}

fn form(asked: &Asked<'_>) -> Vec<(String, String)> {
    url::form_urlencoded::parse(asked.call.body).into_owned().collect()
}

fn exchange(asked: &Asked<'_>) -> Reaction {
    let form = form(asked);
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    if field("grant_type") != Some("access_token") || field("service") != Some(asked.data.host.as_str()) {
        // assumed: status and body.
        let body =
            r#"{"errors":[{"code":"BAD_REQUEST","message":"the request is not an exchange for this registry"}]}"#;
        return say(asked, 400, None, &format!("{body}\n"));
    }
    let accepts = |audience: &str| {
        asked.azure.cloud().accepts_audience(audience)
            || audience.trim_end_matches('/') == "https://containerregistry.azure.net"
    };
    // assumed: one body for every refusal at the exchange; recorded is only the status of that without rights.
    let Ok(bearer) = asked.authenticate(field("access_token"), accepts) else {
        return unauthorized(asked, None, &Value::Null);
    };
    let right = Right::Action("Microsoft.ContainerRegistry/registries/pull/read");
    if !asked.admits(&bearer, &right, &asked.resource_id("Microsoft.ContainerRegistry/registries")) {
        return unauthorized(asked, None, &Value::Null);
    }
    // Documented is the claim, with `*` for an owner; assumed: that who may only pull has `read` there.
    let permissions = json!({ "actions": ["read"], "notActions": [] });
    let claims = json!({ "aud": asked.data.host, "grant_type": "refresh_token", "permissions": permissions });
    let token = token(&claims, "refresh");
    say(asked, 200, None, &json!({ "refresh_token": token }).to_string())
}

fn access(asked: &Asked<'_>) -> Reaction {
    let form = form(asked);
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    if !field("refresh_token").is_some_and(|token| token.contains(CANARY) && token.starts_with(&part("refresh"))) {
        return unauthorized(asked, None, &Value::Null);
    }
    let scope = field("scope").unwrap_or_default();
    let granted: Vec<Value> = match scope.split(':').collect::<Vec<_>>()[..] {
        [kind, name, actions] => {
            vec![json!({ "type": kind, "name": name, "actions": actions.split(',').collect::<Vec<_>>() })]
        }
        _ => Vec::new(),
    };
    let token = token(&json!({ "aud": asked.data.host, "access": granted }), "access");
    say(asked, 200, None, &json!({ "access_token": token }).to_string())
}

/// The first part of a registry's token of this kind.
fn part(kind: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!(r#"{{"typ":"JWT","alg":"RS256","kid":"{kind}"}}"#))
}

/// assumed: what else is in the registry's own tokens; nobody reads it.
fn token(claims: &Value, kind: &str) -> String {
    format!("{}.{}.{CANARY}{CANARY}", part(kind), URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn say(asked: &Asked<'_>, status: u16, challenge: Option<&str>, body: &str) -> Reaction {
    let fixed = [
        ("Server", "openresty".to_owned()),
        ("Content-Type", "application/json; charset=utf-8".to_owned()),
        ("Docker-Distribution-Api-Version", "registry/2.0".to_owned()),
        ("X-Ms-Correlation-Request-Id", asked.request_id()),
        ("Strict-Transport-Security", "max-age=31536000; includeSubDomains".to_owned()),
        ("X-Content-Type-Options", "nosniff".to_owned()),
    ];
    let mut said = asked.say(status, fixed, body);
    if let (Reaction::Answer { headers, .. }, Some(challenge)) = (&mut said, challenge) {
        headers.push(("Www-Authenticate".to_owned(), challenge.to_owned()));
    }
    said
}
