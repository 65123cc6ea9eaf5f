//! The metadata service at 169.254.169.254: its checks of a request, its two error dialects, and its identity category.
//!
//! The documents of the instance category are in `instance`.

use serde_json::json;

use crate::azure::cloud::ALIASES;
use crate::plan::Resource;
use crate::simulator::azure::{Azure, Call, Reaction, answer as reply, headers, http_date, reason};
use crate::simulator::instance;
use crate::simulator::tokens::LIFETIME;
use crate::simulator::vm::{self, Identity};

/// The api-versions that Microsoft's page lists, ascending.
pub(super) const VERSIONS: [&str; 35] = [
    "2017-03-01",
    "2017-04-02",
    "2017-08-01",
    "2017-10-01",
    "2017-12-01",
    "2018-02-01",
    "2018-04-02",
    "2018-10-01",
    "2019-02-01",
    "2019-03-11",
    "2019-04-30",
    "2019-06-01",
    "2019-06-04",
    "2019-08-01",
    "2019-08-15",
    "2019-11-01",
    "2020-06-01",
    "2020-07-15",
    "2020-09-01",
    "2020-10-01",
    "2020-12-01",
    "2021-01-01",
    "2021-02-01",
    "2021-03-01",
    "2021-05-01",
    "2021-08-01",
    "2021-10-01",
    "2021-11-01",
    "2021-11-15",
    "2021-12-13",
    "2023-07-01",
    "2023-11-15",
    "2024-03-15",
    "2024-07-17",
    "2025-04-07",
];

/// What the service answers. `literal` replaces the answer to a request that passes the service's own checks.
pub(super) fn answer(azure: &Azure, call: &Call<'_>, literal: impl Fn(&Call<'_>) -> Option<Reaction>) -> Reaction {
    let path = call.url.path().trim_end_matches('/');
    let identity = path == "/metadata/identity" || path.starts_with("/metadata/identity/");
    if !matches!(call.method, "GET") {
        // assumed: the body of a 405 is empty; none is recorded.
        return say(call, 405, "");
    }
    // assumed: `True` and `TRUE` are taken like `true`. The documentation asks for lower case, .NET's MSAL sends `True`,
    // and no refusal is recorded.
    if !call.header("Metadata").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return say(call, 400, if identity { IDENTITY_HEADER } else { INSTANCE_HEADER });
    }
    let doubled =
        call.query.iter().enumerate().any(|(at, (name, _))| call.query[..at].iter().any(|(other, _)| other == name));
    if doubled || call.header("X-Forwarded-For").is_some() {
        // assumed: 400 without a body; only that such requests are rejected is documented.
        return say(call, 400, "");
    }
    if path == "/metadata/versions" {
        return literal(call)
            .unwrap_or_else(|| say(call, 200, &json!({ "apiVersions": VERSIONS.as_slice() }).to_string()));
    }
    let version = call.parameter("api-version").filter(|version| VERSIONS.contains(version));
    if !identity {
        let Some(version) = version else { return say(call, 400, INSTANCE_VERSION) };
        return literal(call).unwrap_or_else(|| instance::answer(azure, call, path, version));
    }
    match path {
        "/metadata/identity/oauth2/token" | "/metadata/identity/info" => {
            // assumed: an empty 400; what the identity category says without a usable api-version is not recorded.
            if version.is_none_or(|version| version < "2018-02-01") {
                return say(call, 400, "");
            }
            let usual = || if path.ends_with("/info") { info(azure, call) } else { token(azure, call) };
            literal(call).unwrap_or_else(usual)
        }
        // The category has no index, and this host has no version 2 (getplatformmetadata, issuecredential).
        _ => literal(call).unwrap_or_else(|| say(call, 404, r#"{"error":"Not Found"}"#)),
    }
}

const INSTANCE_HEADER: &str = r#"{ "error": "Bad request: . Required metadata header not specified" }"#;
const IDENTITY_HEADER: &str =
    r#"{"error":"invalid_request","error_description":"Required metadata header not specified"}"#;
/// assumed: pretty-printed as in the documentation; the white space on the wire is not recorded.
const INSTANCE_VERSION: &str = r#"{
    "error": "Bad request. api-version is invalid or was not specified in the request. For more information refer to aka.ms/azureimds",
    "newest-versions": [
        "2025-04-07",
        "2024-07-17",
        "2024-03-15"
    ]
}"#;
const NOT_FOUND: &str = r#"{"error":"invalid_request","error_description":"Identity not found"}"#;
const AMBIGUOUS: &str = r#"{"error":"invalid_request","error_description":"Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request"}"#;
const NO_RESOURCE: &str =
    r#"{"error":"invalid_request","error_description":"Required query variable 'resource' is missing"}"#;

/// An answer of the metadata service in JSON.
pub(super) fn say(call: &Call<'_>, status: u16, body: &str) -> Reaction {
    say_as(call, status, "application/json; charset=utf-8", body)
}

/// An answer of the metadata service.
pub(super) fn say_as(call: &Call<'_>, status: u16, content_type: &str, body: &str) -> Reaction {
    let fields = headers([
        ("Content-Type", content_type.to_owned()),
        ("Server", "IMDS/150.870.65.1854".to_owned()),
        ("x-ms-request-id", call.noise().guid()),
        ("Date", http_date(call.now)),
    ]);
    reply(status, reason(status), fields, body)
}

fn info(azure: &Azure, call: &Call<'_>) -> Reaction {
    // assumed: with user-assigned identities alone the answer is the one without any identity.
    if azure.scenario().system_assigned {
        say(call, 200, &format!(r#"{{"tenantId":"{}"}}"#, vm::TENANT))
    } else {
        say(call, 400, NOT_FOUND)
    }
}

fn token(azure: &Azure, call: &Call<'_>) -> Reaction {
    // assumed: the order of these checks where several things are wrong.
    let Some(resource) = call.parameter("resource") else { return say(call, 400, NO_RESOURCE) };
    let identity = match select(azure, call) {
        Ok(identity) => identity,
        Err(body) => return say(call, 400, body),
    };
    if !known(azure, resource) {
        return say(call, 400, &unknown_resource(call, resource));
    }
    let minted = azure.mint(Some(identity), resource, call.now, LIFETIME);
    // Compact, keys in alphabetical order, every value a text: as recorded.
    let body = json!({
        "access_token": minted.text,
        "client_id": identity.client_id,
        "expires_in": minted.expires_in.to_string(),
        "expires_on": minted.expires_on.to_string(),
        "ext_expires_in": (minted.expires_in - 1).max(0).to_string(),
        "not_before": minted.not_before.to_string(),
        "resource": resource,
        "token_type": "Bearer",
    });
    say(call, 200, &body.to_string())
}

/// The identity that a token request means, or the body of the refusal.
fn select(azure: &Azure, call: &Call<'_>) -> Result<&'static Identity, &'static str> {
    let present = vm::identities(azure.scenario());
    // assumed: `mi_res_id`, which MSAL for Java and go-autorest send, is taken like the documented `msi_res_id`.
    let named: Vec<_> = ["client_id", "object_id", "msi_res_id", "mi_res_id"]
        .into_iter()
        .filter_map(|name| Some((name, call.parameter(name)?)))
        .collect();
    let (name, wanted) = match named[..] {
        [] => {
            return match present[..] {
                [] => Err(NOT_FOUND),
                [only] => Ok(only),
                [first, ..] if first.name.is_none() => Ok(first),
                _ => Err(AMBIGUOUS),
            };
        }
        [one] => one,
        // assumed: an empty 400; the three are documented as mutually exclusive, no refusal is recorded.
        _ => return Err(""),
    };
    let fits = |identity: &&&Identity| match name {
        "client_id" => identity.client_id.eq_ignore_ascii_case(wanted),
        "object_id" => identity.principal_id.eq_ignore_ascii_case(wanted),
        _ => identity.name.is_some() && identity.resource_id().eq_ignore_ascii_case(wanted),
    };
    present.iter().find(fits).copied().ok_or(NOT_FOUND)
}

/// Does the tenant know a resource under this name? Those of the VM's cloud, with or without the trailing slash, an
/// application's GUID, and accounts of Azure Storage.
fn known(azure: &Azure, resource: &str) -> bool {
    let cloud = azure.cloud();
    let bare = resource.trim_end_matches('/');
    ALIASES.iter().any(|(alias, _)| {
        cloud.uri(&Resource::Alias((*alias).to_owned())).is_some_and(|uri| uri.trim_end_matches('/') == bare)
    }) || cloud.accepts_audience(resource)
        || azure.scenario().data.iter().any(|data| {
            // A data service is known under its own address too, whether or not it takes such tokens.
            data.audience.as_ref().is_some_and(|audience| audience.trim_end_matches('/') == bare)
                || bare.strip_prefix("https://") == Some(data.host.as_str())
        })
        || bare == "https://graph.windows.net"
        || uuid::Uuid::try_parse(resource).is_ok()
        || bare.strip_prefix("https://").is_some_and(|host| {
            ["blob", "dfs", "file", "queue", "table"].iter().any(|kind| host.contains(&format!(".{kind}.core.")))
        })
}

/// Entra's own error, passed through as recorded on a Windows VM.
fn unknown_resource(call: &Call<'_>, resource: &str) -> String {
    let mut noise = call.noise();
    let (trace, correlation) = (noise.guid(), noise.guid());
    let time = call.now.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    let description = format!(
        "AADSTS500011: The resource principal named {resource} was not found in the tenant named Contoso. This can happen \
         if the application has not been installed by the administrator of the tenant or consented to by any user in the \
         tenant. You might have sent your authentication request to the wrong tenant.\r\nTrace ID: {trace}\r\nCorrelation \
         ID: {correlation}\r\nTimestamp: {time}"
    );
    // As text, because the order is Entra's and not alphabetical.
    format!(
        r#"{{"error":"invalid_resource","error_description":{},"error_codes":[500011],"timestamp":"{time}","trace_id":"{trace}","correlation_id":"{correlation}","error_uri":"https://westus2.login.microsoft.com/error?code=500011"}}"#,
        json!(description)
    )
}

#[cfg(test)]
mod tests {
    use crate::simulator::azure::tests::{get, headers, now, play};
    use crate::simulator::{Reaction, vm};
    use crate::token::Token;

    const METADATA: &[(&str, &str)] = &[("Metadata", "true")];

    fn url(rest: &str) -> String {
        format!("http://169.254.169.254/metadata/{rest}")
    }

    fn token(toml: &str, query: &str) -> (u16, String) {
        let path = format!("identity/oauth2/token?api-version=2018-02-01&{query}");
        get(&play(toml, &[]), &url(&path), METADATA)
    }

    #[test]
    fn the_two_categories_miss_the_header_in_two_dialects() {
        let azure = play("", &[]);
        let (status, body) = get(&azure, &url("instance?api-version=2021-02-01"), &[]);
        assert_eq!((status, body.len()), (400, 68));
        assert_eq!(body, r#"{ "error": "Bad request: . Required metadata header not specified" }"#);
        let (status, body) = get(&azure, &url("identity/oauth2/token"), &[]);
        assert_eq!((status, body.len()), (400, 88));
        let (status, body) = get(&azure, &url("identity"), METADATA);
        assert_eq!((status, body.as_str()), (404, r#"{"error":"Not Found"}"#));
    }

    #[test]
    fn recorded_refusals_have_their_recorded_length() {
        let arm = "resource=https%3A%2F%2Fmanagement.azure.com%2F";
        for (toml, query, length) in [
            ("system_assigned = false", arm, 68),
            ("", "resource=https://management.azure.com&client_id=00000000-0000-0000-0000-000000000000", 68),
            ("system_assigned = false\nuser_assigned = [\"id-app\", \"id-batch\"]", arm, 168),
            ("", "resource=", 95),
        ] {
            let (status, body) = token(toml, query);
            assert_eq!((status, body.len()), (400, length), "{toml} {query}: {body}");
        }
        let info = url("identity/info?api-version=2018-02-01");
        assert_eq!(get(&play("", &[]), &info, METADATA).1.len(), 51);
        assert_eq!(get(&play("system_assigned = false", &[]), &info, METADATA).1.len(), 68);
    }

    #[test]
    fn the_named_identity_answers_and_else_the_system_assigned_or_only_one() {
        let both = "user_assigned = [\"id-app\"]";
        let only = "system_assigned = false\nuser_assigned = [\"id-app\"]";
        let app = &vm::USER[0];
        let arm = "resource=https%3A%2F%2Fmanagement.azure.com%2F";
        let resource_id = app.resource_id().to_uppercase();
        for (toml, name, identity) in [
            (both, String::new(), &vm::SYSTEM),
            (only, String::new(), app),
            (both, format!("&client_id={}", app.client_id), app),
            (both, format!("&object_id={}", app.principal_id), app),
            (both, format!("&msi_res_id={resource_id}"), app),
        ] {
            let (status, body) = token(toml, &format!("{arm}{name}"));
            assert_eq!(status, 200, "{body}");
            assert!(body.starts_with(r#"{"access_token":"ey"#), "{body}");
            let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
            assert_eq!(body["client_id"], identity.client_id);
            assert_eq!(body["expires_in"], "86400");
            let claims = Token::new(body["access_token"].as_str().unwrap_or_default().to_owned()).claims();
            assert_eq!(claims.text("oid"), Some(identity.principal_id));
        }
    }

    #[test]
    fn a_resource_the_tenant_does_not_know_is_entras_error() {
        let (status, body) = token("", "resource=https%3A%2F%2Fmanagements.azure.com");
        assert_eq!(status, 400);
        assert!(body.starts_with(r#"{"error":"invalid_resource","error_description":"AADSTS500011: The resource principal named https://managements.azure.com was"#), "{body}");
        assert_eq!(token("cloud = \"AzureChinaCloud\"", "resource=https://management.azure.com/").0, 400);
        assert_eq!(token("cloud = \"AzureChinaCloud\"", "resource=https://management.chinacloudapi.cn").0, 200);
        for resource in
            ["https://vault.azure.net/", "https://acct.blob.core.windows.net", "https://management.core.windows.net/"]
        {
            assert_eq!(token("", &format!("resource={resource}")).0, 200, "{resource}");
        }
    }

    #[test]
    fn only_get_and_no_forwarding() {
        let azure = play("", &[]);
        let instance = url("instance?api-version=2021-02-01");
        let status =
            |method, pairs: &[(&str, &str)], url: &str| match azure.answer(method, url, &headers(pairs), b"", now()) {
                Reaction::Answer { status, .. } => status,
                other => panic!("{other:?}"),
            };
        assert_eq!(status("POST", METADATA, &instance), 405);
        assert_eq!(status("GET", &[("Metadata", "True")], &instance), 200);
        assert_eq!(status("GET", &[("metadata", "true"), ("X-Forwarded-For", "10.0.0.1")], &instance), 400);
        assert_eq!(status("GET", METADATA, &format!("{instance}&api-version=2021-02-01")), 400);
        assert_eq!(status("GET", METADATA, &url("identity/getplatformmetadata?cred-api-version=2.0")), 404);
    }
}
