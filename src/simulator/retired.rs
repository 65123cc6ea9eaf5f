//! What can be at localhost:50342: the retired VM extension, Azure Cloud Shell, or a home-made relay.
//!
//! Each in its own dialect, because telling them apart is what the check is about.

use serde_json::json;

use crate::simulator::azure::{Azure, Call, Reaction, answer as reply, headers, http_date, reason};
use crate::simulator::metadata;
use crate::simulator::scenario::Retired;
use crate::simulator::vm;

/// The extension's port, unless its settings say otherwise.
pub(super) const PORT: u16 = 50_342;
/// How long the extension's tokens lasted: an hour and five minutes.
const LIFETIME: i64 = 3_900;

/// What Cloud Shell issues tokens for.
const AUDIENCES: [&str; 13] = [
    "https://management.core.windows.net/",
    "https://management.azure.com/",
    "https://graph.windows.net/",
    "https://vault.azure.net",
    "https://datalake.azure.net/",
    "https://outlook.office365.com/",
    "https://graph.microsoft.com/",
    "https://batch.core.windows.net/",
    "https://analysis.windows.net/powerbi/api",
    "https://storage.azure.com/",
    "https://rest.media.azure.net",
    "https://api.loganalytics.io",
    "https://ossrdbms-aad.database.windows.net",
];

/// What the listener answers, if there is one.
pub(super) fn answer(azure: &Azure, call: &Call<'_>) -> Reaction {
    match azure.scenario().retired {
        Retired::Refused => Reaction::Drop,
        Retired::Extension => extension(azure, call),
        Retired::CloudShell => cloud_shell(azure, call),
        Retired::Shim => shim(azure, call),
    }
}

fn extension(azure: &Azure, call: &Call<'_>) -> Reaction {
    // assumed: the header is looked at before the path and the resource; the documentation gives no order.
    if !has_header(call) {
        return fail(call, 400, "bad_request_102", "Required metadata header not specified");
    }
    if call.url.path() != "/oauth2/token" {
        let asked = format!("Unknown Source http://localhost:{PORT}{}", call.url.path());
        return fail(call, 401, "unknown_source", &asked);
    }
    let Some(resource) = resource(call) else {
        // assumed: the code and words for a missing resource.
        return fail(call, 400, "bad_request_102", "Required query variable 'resource' is missing");
    };
    let identities = vm::identities(azure.scenario());
    let named = |identity: &&&vm::Identity| {
        let fits = |name, id: &str| parameter(call, name).is_none_or(|wanted| wanted.eq_ignore_ascii_case(id));
        fits("client_id", identity.client_id) && fits("object_id", identity.principal_id)
    };
    let Some(identity) = identities.iter().find(named) else {
        let words = "Failed to retrieve token from the Active directory. For details see logs in \
                     /var/log/azure/Microsoft.ManagedIdentity.ManagedIdentityExtensionForLinux/1.0.0.0/service_identity_0.log";
        return fail(call, 500, "unknown", words);
    };
    issue(azure, call, Some(identity), &resource)
}

fn cloud_shell(azure: &Azure, call: &Call<'_>) -> Reaction {
    if !has_header(call) || call.url.path() != "/oauth2/token" {
        // assumed: code and words; only the nested shape is known.
        return nested(call, "BadRequest", "Required metadata header not specified");
    }
    // assumed: GET is answered like the documented POST.
    let resource = resource(call).unwrap_or_default();
    if !AUDIENCES.iter().any(|audience| audience.trim_end_matches('/') == resource.trim_end_matches('/')) {
        let message = format!(
            "Audience {resource} is not a supported MSI token audience.Supported audiences:{}",
            AUDIENCES.join(",")
        );
        return nested(call, "AudienceNotSupported", &message);
    }
    issue(azure, call, None, &resource)
}

/// assumed: such relays put the metadata service's path and api-version in front and hand its answer back as it is.
fn shim(azure: &Azure, call: &Call<'_>) -> Reaction {
    let mut query = call.query.clone();
    if let Some(resource) = resource(call)
        && call.parameter("resource").is_none()
    {
        query.push(("resource".to_owned(), resource));
    }
    if call.parameter("api-version").is_none() {
        query.push(("api-version".to_owned(), "2018-02-01".to_owned()));
    }
    let mut url = call.url.clone();
    url.set_path(&format!("/metadata/identity{}", call.url.path()));
    let relayed = Call { method: "GET", url, headers: call.headers, body: b"", now: call.now, query };
    metadata::answer(azure, &relayed, |_| None)
}

fn has_header(call: &Call<'_>) -> bool {
    call.header("Metadata").is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// A parameter of the query or, as older clients send it, of the form in the body.
fn parameter(call: &Call<'_>, name: &str) -> Option<String> {
    call.parameter(name).map(str::to_owned).or_else(|| {
        let found = url::form_urlencoded::parse(call.body).find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.into_owned())
    })
}

fn resource(call: &Call<'_>) -> Option<String> {
    parameter(call, "resource")
}

fn issue(azure: &Azure, call: &Call<'_>, identity: Option<&vm::Identity>, resource: &str) -> Reaction {
    let minted = azure.mint(identity, resource, call.now, LIFETIME);
    let body = json!({
        "access_token": minted.text,
        "refresh_token": "",
        "expires_in": (minted.expires_in - 1).max(0).to_string(),
        "expires_on": minted.expires_on.to_string(),
        "not_before": minted.not_before.to_string(),
        "resource": resource,
        "token_type": "Bearer",
    });
    say(call, 200, body.to_string())
}

fn fail(call: &Call<'_>, status: u16, error: &str, description: &str) -> Reaction {
    say(call, status, json!({ "error": error, "error_description": description }).to_string())
}

fn nested(call: &Call<'_>, code: &str, message: &str) -> Reaction {
    say(call, 400, json!({ "error": { "code": code, "message": message } }).to_string())
}

fn say(call: &Call<'_>, status: u16, body: String) -> Reaction {
    let fields = headers([("Content-Type", "application/json".to_owned()), ("Date", http_date(call.now))]);
    reply(status, reason(status), fields, body)
}

#[cfg(test)]
mod tests {
    use crate::simulator::Reaction;
    use crate::simulator::azure::tests::{get, headers, now, play};

    const TOKEN: &str = "http://localhost:50342/oauth2/token";

    #[test]
    fn each_listener_misses_the_header_in_its_own_dialect() {
        for (kind, error) in [
            (
                "extension",
                r#"{"error":"bad_request_102","error_description":"Required metadata header not specified"}"#,
            ),
            ("shim", r#"{"error":"invalid_request","error_description":"Required metadata header not specified"}"#),
            ("cloud-shell", r#"{"error":{"code":"BadRequest","message":"Required metadata header not specified"}}"#),
        ] {
            let azure = play(&format!("retired = \"{kind}\""), &[]);
            for url in [TOKEN.to_owned(), TOKEN.replace("localhost", "127.0.0.1"), TOKEN.replace("localhost", "[::1]")]
            {
                assert_eq!(get(&azure, &url, &[]), (400, error.to_owned()), "{kind} {url}");
            }
        }
        assert_eq!(play("", &[]).answer("GET", TOKEN, &[], b"", now()), Reaction::Drop);
    }

    #[test]
    fn all_of_them_issue_tokens_without_an_api_version() {
        for kind in ["extension", "shim", "cloud-shell"] {
            let azure = play(&format!("retired = \"{kind}\""), &[]);
            let asked = headers(&[("Metadata", "true"), ("Content-Type", "application/x-www-form-urlencoded")]);
            let body = b"resource=https%3A%2F%2Fmanagement.azure.com%2F";
            let Reaction::Answer { status, body, .. } = azure.answer("POST", TOKEN, &asked, body, now()) else {
                panic!("no answer")
            };
            assert_eq!(status, 200, "{kind}: {}", String::from_utf8_lossy(&body));
        }
    }

    #[test]
    fn the_extension_knows_its_own_errors() {
        let azure = play("retired = \"extension\"\nsystem_assigned = false", &[]);
        let metadata = [("Metadata", "true")];
        assert_eq!(get(&azure, &format!("{TOKEN}?resource=x"), &metadata).0, 500);
        assert_eq!(
            get(&azure, &format!("{TOKEN}s?resource=x"), &metadata),
            (401, r#"{"error":"unknown_source","error_description":"Unknown Source http://localhost:50342/oauth2/tokens"}"#.into())
        );
    }
}
