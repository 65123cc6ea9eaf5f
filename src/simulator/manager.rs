//! Azure Resource Manager's gate: who is asking, may they, and the words in which it refuses.
//!
//! What it answers once the caller is let in is in `resources`. It reads and never changes anything.

use jiff::Timestamp;
use serde_json::json;

use crate::azure::cloud::Cloud;
use crate::simulator::access::{Grant, Obstacle};
use crate::simulator::azure::{Azure, Call, Reaction, answer as reply, headers, http_date, reason};
use crate::simulator::tokens::issuer;
use crate::simulator::{resources, vm};
use crate::token::{Claims, Token};

/// How far clocks may be apart before a token counts as not yet valid; assumed: the five minutes Entra's libraries allow.
const LEEWAY: i64 = 300;

/// Who is asking, and what follows from the scenario.
pub(super) struct Caller<'a> {
    azure: &'a Azure,
    /// The object ID in the token.
    pub oid: String,
}

/// What Azure Resource Manager answers; `literal` replaces the answer to a request with an api-version.
pub(super) fn answer(azure: &Azure, call: &Call<'_>, literal: impl Fn(&Call<'_>) -> Option<Reaction>) -> Reaction {
    // assumed: the order of these checks; recorded is only that an unknown subscription is named even without a token.
    let asked = segments(call);
    if let [first, subscription, ..] = &asked[..]
        && first.eq_ignore_ascii_case("subscriptions")
        && !subscription.eq_ignore_ascii_case(vm::SUBSCRIPTION)
    {
        return no_subscription(call, subscription);
    }
    if call.parameter("api-version").is_some()
        && let Some(spoken) = literal(call)
    {
        return spoken;
    }
    let caller = match authenticate(azure, call) {
        Ok(caller) => caller,
        Err(refusal) => return refusal,
    };
    if call.parameter("api-version").is_none() {
        let message = "The api-version query parameter (?api-version=) is required for all requests.";
        return refuse(call, 400, "MissingApiVersionParameter", message);
    }
    if !matches!(call.method, "GET" | "HEAD") {
        // assumed: this simulator changes nothing, so every other method is refused whatever the roles allow.
        return refuse(call, 405, "HttpMethodNotSupported", "The simulator only answers reads.");
    }
    resources::answer(azure, call, &caller, &asked)
}

/// What Azure Resource Manager of another cloud says: it has never heard of the subscription.
pub(super) fn other_cloud(call: &Call<'_>) -> Reaction {
    match &segments(call)[..] {
        [first, subscription, ..] if first.eq_ignore_ascii_case("subscriptions") => no_subscription(call, subscription),
        // assumed: whatever else is asked there without that cloud's token is refused.
        _ => refuse(call, 401, "InvalidAuthenticationToken", "The access token is invalid."),
    }
}

fn segments(call: &Call<'_>) -> Vec<String> {
    call.url.path().split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn no_subscription(call: &Call<'_>, subscription: &str) -> Reaction {
    refuse(call, 404, "SubscriptionNotFound", &format!("The subscription '{subscription}' could not be found."))
}

fn authenticate<'a>(azure: &'a Azure, call: &Call<'_>) -> Result<Caller<'a>, Reaction> {
    let cloud = azure.cloud();
    let denied = |code, message: &str, challenge: &str| Err(challenged(cloud, call, code, message, challenge));
    let Some(value) = call.header("Authorization") else {
        return denied(
            "AuthenticationFailed",
            "Authentication failed. The 'Authorization' header is missing.",
            "The authentication failed because of missing 'Authorization' header.",
        );
    };
    // assumed: one wording for every token that cannot be read; the real one varies and is not recorded.
    let invalid =
        || denied("InvalidAuthenticationToken", "The access token is invalid.", "The access token is invalid.");
    let Some((scheme, text)) = value.split_once(' ') else { return invalid() };
    let claims = Token::new(text.trim().to_owned()).claims();
    let (Some(issuer), Some(audience), Some(oid), Some(expires)) =
        (claims.text("iss"), claims.text("aud"), claims.text("oid"), claims.time("exp"))
    else {
        return invalid();
    };
    if !scheme.eq_ignore_ascii_case("Bearer") || claims.unreadable.is_some() {
        return invalid();
    }
    if !cloud.accepts_audience(audience) {
        return denied(
            "InvalidAuthenticationTokenAudience",
            &wrong_audience(cloud, audience),
            "The access token has been obtained from wrong audience or resource.",
        );
    }
    if !cloud.issues(issuer, vm::TENANT) || claims.text("tid").is_some_and(|tenant| tenant != vm::TENANT) {
        return denied(
            "InvalidAuthenticationTokenTenant",
            &wrong_tenant(cloud, issuer),
            "The access token is from the wrong issuer. It must match the tenant associated with this subscription. \
             Please use correct authority to get the token.",
        );
    }
    if expires < call.now {
        let (expiry, current) = (american(expires), american(call.now));
        let message =
            format!("The access token expiry UTC time '{expiry}' is earlier than current UTC time '{current}'.");
        return denied("ExpiredAuthenticationToken", &message, "The access token has expired.");
    }
    if starts(&claims).is_some_and(|start| start.as_second() > call.now.as_second() + LEEWAY) {
        // assumed: a token that is not yet valid is an invalid one; no wording of its own is recorded.
        return invalid();
    }
    Ok(Caller { azure, oid: oid.to_owned() })
}

fn starts(claims: &Claims) -> Option<Timestamp> {
    claims.time("nbf")
}

/// A time as .NET writes it for American readers.
fn american(time: Timestamp) -> String {
    time.strftime("%-m/%-d/%Y %-I:%M:%S %p").to_string()
}

fn wrong_audience(cloud: &Cloud, audience: &str) -> String {
    let own = [format!("https://{}", cloud.arm_host)];
    let known: Vec<&str> = match cloud.arm_audiences {
        [] => own.iter().map(String::as_str).collect(),
        known => known.to_vec(),
    };
    let mut allowed: Vec<String> = known.iter().flat_map(|uri| [format!("'{uri}/'"), format!("'{uri}'")]).collect();
    // As recorded: the older name first.
    allowed.rotate_left(2);
    format!(
        "The access token has been obtained for wrong audience or resource '{audience}'. It should exactly match with one \
         of the allowed audiences {}.",
        allowed.join(",")
    )
}

fn wrong_tenant(cloud: &Cloud, found: &str) -> String {
    format!(
        "The access token is from the wrong issuer '{found}'. It must match the tenant '{}' associated with this \
         subscription. Please use the authority (URL) '{}' to get the token. Note, if the subscription is transferred to \
         another tenant there is no impact to the services, but information about new tenant could take time to propagate \
         (up to an hour). If you just transferred your subscription and see this error message, please try back later.",
        issuer(cloud, vm::TENANT),
        authority(cloud)
    )
}

/// Where to sign in, as challenges name it. assumed outside the public cloud: the sign-in host.
fn authority(cloud: &Cloud) -> String {
    let host = match cloud.login_hosts.first() {
        Some(_) if cloud == Cloud::public() => "login.windows.net",
        Some(host) => host,
        None => cloud.arm_host.strip_prefix("management.").unwrap_or(&cloud.arm_host),
    };
    format!("https://{host}/{}", vm::TENANT)
}

/// A 401. assumed beyond AuthenticationFailed: that these answers carry a challenge, and its words.
fn challenged(cloud: &Cloud, call: &Call<'_>, code: &str, message: &str, description: &str) -> Reaction {
    let challenge = format!(
        r#"Bearer authorization_uri="{}", error="invalid_token", error_description="{description}""#,
        authority(cloud)
    );
    say(call, 401, [("WWW-Authenticate", challenge)], error(code, message))
}

impl<'a> Caller<'a> {
    /// The role assignments in force that the caller holds and that reach a scope.
    pub fn held<'b>(&'b self, scope: &'b str) -> impl Iterator<Item = &'b Grant>
    where
        'a: 'b,
    {
        self.azure.rules().held(&self.oid, scope)
    }

    /// The role assignments, in force or not, that the caller holds anywhere.
    pub fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.azure.rules().grants.iter().filter(|grant| grant.is_held_by(&self.oid))
    }

    /// May the caller do this here? If not, the refusal.
    pub fn may(&self, call: &Call<'_>, action: &str, scope: &str) -> Result<(), Reaction> {
        let who = format!("The client '{0}' with object id '{0}'", self.oid);
        let (code, message) = match self.azure.rules().may(&self.oid, action, scope) {
            Ok(()) => return Ok(()),
            Err(Obstacle::NoRole) => (
                "AuthorizationFailed",
                format!(
                    "{who} does not have authorization to perform action '{action}' over scope '{scope}' or the scope is \
                     invalid. If access was recently granted, please refresh your credentials."
                ),
            ),
            Err(Obstacle::Denied(denial)) => (
                "DenyAssignmentAuthorizationFailed",
                format!(
                    "{who} has permission to perform action '{action}' on scope '{scope}'; however, the access is denied \
                     because of the deny assignment with name '{}' and Id '{}' at scope '{}'.",
                    denial.deny.name,
                    // As messages write it.
                    denial.id.replace('-', ""),
                    denial.scope
                ),
            ),
        };
        Err(refuse(call, 403, code, &message))
    }
}

/// An error's body.
pub(super) fn error(code: &str, message: &str) -> String {
    format!(r#"{{"error":{{"code":{},"message":{}}}}}"#, json!(code), json!(message))
}

/// A refusal by Azure Resource Manager itself.
pub(super) fn refuse(call: &Call<'_>, status: u16, code: &str, message: &str) -> Reaction {
    say(call, status, [("x-ms-failure-cause", "gateway".to_owned())], error(code, message))
}

/// An answer of Azure Resource Manager in JSON.
pub(super) fn say<const N: usize>(call: &Call<'_>, status: u16, more: [(&str, String); N], body: String) -> Reaction {
    let mut noise = call.noise();
    let (request, correlation) = (noise.guid(), noise.guid());
    let mut fields = headers([
        ("Cache-Control", "no-cache".to_owned()),
        ("Pragma", "no-cache".to_owned()),
        ("Content-Type", "application/json; charset=utf-8".to_owned()),
        ("Expires", "-1".to_owned()),
        ("x-ms-routing-request-id", format!("WESTUS2:{}:{correlation}", call.now.strftime("%Y%m%dT%H%M%SZ"))),
        ("x-ms-request-id", request),
        ("x-ms-correlation-request-id", correlation),
        ("Strict-Transport-Security", "max-age=31536000; includeSubDomains".to_owned()),
        ("X-Content-Type-Options", "nosniff".to_owned()),
        ("X-Cache", "CONFIG_NOCACHE".to_owned()),
        ("Date", http_date(call.now)),
    ]);
    fields.extend(headers(more));
    reply(status, reason(status), fields, body)
}

#[cfg(test)]
mod tests {
    use crate::simulator::azure::tests::{get, now, play};
    use crate::simulator::tokens::LIFETIME;
    use crate::simulator::{Azure, vm};

    fn url() -> String {
        format!("https://management.azure.com{}?api-version=2024-07-01", vm::resource_id())
    }

    fn bearer(azure: &Azure, resource: &str) -> String {
        format!("Bearer {}", azure.mint(Some(&vm::SYSTEM), resource, azure.time(now()), LIFETIME).text)
    }

    fn code(toml: &str, resource: &str) -> (u16, String) {
        let azure = play(toml, &[]);
        let (status, body) = get(&azure, &url(), &[("Authorization", &bearer(&azure, resource))]);
        let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        (status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
    }

    #[test]
    fn each_fault_of_a_token_has_its_own_code() {
        let arm = "https://management.azure.com/";
        for (toml, resource, status, expected) in [
            ("", arm, 200, ""),
            ("", "https://management.core.windows.net", 200, ""),
            ("", "https://vault.azure.net", 401, "InvalidAuthenticationTokenAudience"),
            ("[token]\nmalformed = true", arm, 401, "InvalidAuthenticationToken"),
            ("[token]\nage_seconds = 90000", arm, 401, "ExpiredAuthenticationToken"),
            ("[token]\nage_seconds = -3600", arm, 401, "InvalidAuthenticationToken"),
            ("[token]\ntid = \"c4a1b9e6-0d37-4f82-a5be-63d9e8f71204\"", arm, 401, "InvalidAuthenticationTokenTenant"),
            ("[token]\noid = \"c4a1b9e6-0d37-4f82-a5be-63d9e8f71204\"", arm, 403, "AuthorizationFailed"),
            ("roles = []", arm, 403, "AuthorizationFailed"),
            ("role_effective = false", arm, 403, "AuthorizationFailed"),
            ("role_denied = \"Deny\"", arm, 403, "DenyAssignmentAuthorizationFailed"),
            ("roles = [\"Virtual Machine Reader\"]\nclock_offset_seconds = -90000", arm, 200, ""),
        ] {
            assert_eq!(code(toml, resource), (status, expected.to_owned()), "{toml} {resource}");
        }
    }

    #[test]
    fn a_missing_token_is_challenged_and_a_missing_subscription_named() {
        let azure = play("", &[]);
        let (status, body) = get(&azure, &url(), &[]);
        assert_eq!((status, body.len()), (401, 115), "{body}");
        let other =
            "https://management.azure.com/subscriptions/00000000-0000-0000-0000-000000000000?api-version=2022-12-01";
        assert!(get(&azure, other, &[]).1.contains("SubscriptionNotFound"));
        let abroad = url().replace("azure.com", "usgovcloudapi.net");
        assert!(get(&azure, &abroad, &[]).1.contains("SubscriptionNotFound"));
    }

    #[test]
    fn messages_are_worded_as_recorded() {
        let azure = play("[token]\nage_seconds = 90000", &[]);
        let token = bearer(&azure, "https://management.azure.com/");
        let (_, body) = get(&azure, &url(), &[("Authorization", &token)]);
        assert!(
            body.contains(
                "expiry UTC time '9/1/2026 9:11:12 AM' is earlier than current UTC time '9/1/2026 10:11:12 AM'."
            ),
            "{body}"
        );
        let azure = play("roles = []", &[]);
        let token = bearer(&azure, "https://management.azure.com/");
        assert_eq!(get(&azure, &url(), &[("Authorization", &token)]).1.len(), 480);
        let (_, body) = get(&azure, &url(), &[("Authorization", &bearer(&azure, "https://vault.azure.net"))]);
        assert_eq!(body.len(), 359, "{body}");
    }
    #[test]
    fn clouds_in_no_table_take_the_tokens_that_they_issue() {
        for (cloud, host) in
            [("AzureFranceSovereign", "management.sovcloud-api.fr"), ("AzureStack", "management.local.contoso.com")]
        {
            let azure = play(&format!("cloud = \"{cloud}\"\n[command]\narm_endpoint = \"https://{host}\""), &[]);
            let arm = format!("https://{host}/");
            let metadata =
                format!("http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource={arm}");
            let (status, body) = get(&azure, &metadata, &[("Metadata", "true")]);
            assert_eq!(status, 200, "{body}");
            let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
            let token = format!("Bearer {}", body["access_token"].as_str().unwrap_or_default());
            let url = url().replace("management.azure.com", host);
            assert_eq!(get(&azure, &url, &[("Authorization", &token)]).0, 200, "{host}");
            let (status, body) = get(&azure, &url, &[("Authorization", &bearer(&azure, "https://vault.azure.net"))]);
            assert_eq!(status, 401);
            assert!(body.contains(&format!("allowed audiences 'https://{host}/','https://{host}'.")), "{body}");
        }
    }
}
