//! What a data service says to somebody without a token, and what is made of refusals that nobody should send. In process; the
//! refusals that are on record are in `denials`.

use midoctor::azure::denial::{Challenge, Denial};
use midoctor::azure::service::Service::{self, *};
use midoctor::evidence::Answer;

const ALL: [Service; 10] =
    [KeyVault, ManagedHsm, Blob, Queue, Table, DataLake, Registry, ServiceBus, AppConfiguration, Cosmos];

const TENANT: &str = "7f3c2a10-5b4e-4d0a-9c61-2e8f0b7d1a55";

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Answer { status, headers, body: body.to_owned(), ..Answer::default() }
}

fn read(service: Service, status: u16, body: &str) -> Denial {
    Denial::read(Some(service), &answer(status, &[], body))
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn of_a_service_that_is_not_known_the_status_is_all_there_is() {
    assert_eq!(
        Denial::read(None, &answer(403, &[], "<html>no</html>")),
        Denial::NoRole { action: None, resource: None }
    );
    assert_eq!(Denial::read(None, &answer(404, &[], "")), Denial::NotFound);
    assert_eq!(Denial::read(None, &answer(401, &[], "")), Denial::Unexplained("401, without a word".into()));
}

#[test]
fn bodies_that_nobody_should_send_are_not_explained() {
    let huge = format!("{{\"error\":{{\"code\":\"Forbidden\",\"message\":\"{}\"}}}}", "é".repeat(1 << 19));
    let deep = "[".repeat(100_000);
    let long_code = format!("{{\"error\":{{\"code\":\"{}\"}}}}", "x".repeat(1 << 19));
    for body in [
        huge.as_str(),
        &deep,
        &long_code,
        "{\"error\":{\"code\":\"Forbidden\",\"innererror\":{\"code\":\"Forbidden",
        "{\"error\":{\"code\":7,\"message\":[],\"innererror\":\"x\"}}",
        "{\"error\":null,\"errors\":[],\"message\":{},\"type\":false}",
        "{\"errors\":{\"code\":\"UNAUTHORIZED\"}}",
        "{\"odata.error\":{\"code\":{},\"message\":\"m\"}}",
        "[]",
        "null",
        "\u{feff}",
        "\0\u{1}\u{202e}",
        "<Error><Code>",
        "<Detail></Error><Code></Code>",
        "<html><body>407 Proxy Authentication Required</body></html>",
    ] {
        for service in ALL {
            for status in [400, 401, 403, 407, 409, 500] {
                let denial = read(service, status, body);
                let shown: String = body.chars().take(40).collect();
                assert!(
                    matches!(&denial, Denial::Unexplained(said) if said.starts_with(&status.to_string())),
                    "{service:?} {status} {shown} {denial:?}"
                );
                assert!(matches!(&denial, Denial::Unexplained(said) if said.chars().count() <= 420), "{shown}");
            }
            assert_eq!(read(service, 404, body), Denial::NotFound);
        }
    }
    for service in ALL {
        // The two for which an empty body is an answer.
        let known = |status| matches!((service, status), (AppConfiguration, 403) | (Registry, 401));
        for status in [400, 401, 403, 409].into_iter().filter(|status| !known(*status)) {
            assert_eq!(read(service, status, ""), Denial::Unexplained(format!("{status}, without a word")));
        }
    }
}

#[test]
fn a_challenge_tells_the_tenant_and_the_resource() {
    let challenge = |status: u16, header: &str| Challenge::read(&answer(status, &[("www-authenticate", header)], ""));
    let told = |tenant: &str, resource: &str| Challenge { tenant: some(tenant), resource: some(resource) };
    let storage = format!("Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}/oauth2/authorize");
    for (header, expected) in [
        (
            format!(
                "Bearer authorization=\"https://login.windows.net/{TENANT}\", resource=\"https://vault.azure.net\""
            ),
            told(TENANT, "https://vault.azure.net"),
        ),
        (
            format!(
                "Bearer authorization=\"https://login.chinacloudapi.cn/{TENANT}\",resource=\"https://vault.azure.cn\""
            ),
            told(TENANT, "https://vault.azure.cn"),
        ),
        (format!("{storage} resource_id=https://storage.azure.com"), told(TENANT, "https://storage.azure.com")),
        (format!("{storage} resource_uri=https://storage.azure.com/"), told(TENANT, "https://storage.azure.com/")),
        (
            "Bearer authorization=\"https://login.windows.net/common\", resource=\"r\"".into(),
            Challenge { tenant: None, resource: some("r") },
        ),
        (
            "Bearer authorization=\"login.windows.net\", resource=\"r\"".into(),
            Challenge { tenant: None, resource: some("r") },
        ),
        (
            "Bearer realm=\"https://contoso.azurecr.io/oauth2/token\",service=\"contoso.azurecr.io\"".into(),
            Challenge::default(),
        ),
        ("HMAC-SHA256, Bearer".into(), Challenge::default()),
        ("= =, \"\"=\",".into(), Challenge::default()),
        (String::new(), Challenge::default()),
    ] {
        assert_eq!(challenge(401, &header), expected, "{header}");
        assert_eq!(challenge(403, &header), Challenge::default(), "{header}");
    }
    assert_eq!(Challenge::read(&answer(401, &[], "")), Challenge::default());
}
