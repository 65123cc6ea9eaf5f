//! What each data service answers in each state.

use std::time::Duration;

use crate::evidence::{Carry, Failure, HttpRequest, Outcome, Raw, Request, Route, Wire};
use crate::simulator::azure::tests::{headers, now, play};
use crate::simulator::tokens::LIFETIME;
use crate::simulator::{Azure, CANARY, Reaction, SimulatedMachine, vm};
use crate::token::Token;

const VAULT: &str = "https://vault.azure.net";
const SECRET: &str = "https://kv.vault.azure.net/secrets/s1?api-version=7.4";
const BLOBS: &str = "https://acct.blob.core.windows.net/data?restype=container&comp=list&maxresults=1";
const STORE: &str = "https://cfg.azconfig.io/keys?api-version=1.0";
const ACCOUNT: &str = "https://acct.documents.azure.com/";
const QUEUE: &str = "https://ns.servicebus.windows.net/orders?api-version=2021-05";
const STORAGE: &str = "https://storage.azure.com/";
const COSMOS: &str = "https://cosmos.azure.com";
const BUS: &str = "https://servicebus.azure.net";
const TENANT: &str = "c4a1b9e6-0d37-4f82-a5be-63d9e8f71204";

fn token(azure: &Azure, resource: &str) -> String {
    azure.mint(Some(&vm::SYSTEM), resource, azure.time(now()), LIFETIME).text
}

struct Said {
    status: u16,
    body: String,
    fields: Vec<(String, String)>,
}

impl Said {
    fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }
}

fn said(reaction: Reaction) -> Said {
    match reaction {
        Reaction::Answer { status, body, headers, .. } => {
            Said { status, body: String::from_utf8(body).expect("text"), fields: headers }
        }
        other => panic!("{other:?}"),
    }
}

/// A GET with a token for that resource; none for an empty one.
fn get(toml: &str, url: &str, resource: &str) -> Said {
    let host = url::Url::parse(url).expect("a URL").host_str().expect("a host").to_owned();
    let toml = match toml.contains("[[data]]") {
        true => toml.replacen("[[data]]", &format!("[[data]]\nhost = \"{host}\""), 1),
        false => format!("{toml}\n[[data]]\nhost = \"{host}\""),
    };
    let azure = play(&toml, &[]);
    let value = match resource {
        "" => None,
        COSMOS | "https://acct.documents.azure.com/" => {
            Some(format!("type%3Daad%26ver%3D1.0%26sig%3D{}", token(&azure, resource)))
        }
        _ => Some(format!("Bearer {}", token(&azure, resource))),
    };
    let mut fields = headers(&[("x-ms-version", "2021-08-06")]);
    fields.extend(value.map(|value| ("Authorization".to_owned(), value)));
    said(azure.answer("GET", url, &fields, b"", now()))
}

fn held(role: &str) -> String {
    format!("[[assignment]]\nrole = \"{role}\"\nscope = \"resource-group\"")
}

#[test]
fn every_service_lets_in_who_holds_its_role_above_the_vm() {
    for (url, resource, role) in [
        (SECRET, VAULT, "Key Vault Secrets User"),
        ("https://kv.vault.azure.net/secrets?api-version=7.4&maxresults=1", VAULT, "Key Vault Reader"),
        ("https://kv.vault.azure.net/keys?api-version=7.4", VAULT, "Key Vault Crypto User"),
        (BLOBS, STORAGE, "Storage Blob Data Reader"),
        ("https://acct.blob.core.windows.net/?comp=list&maxresults=1", STORAGE, "Reader"),
        ("https://acct.blob.core.windows.net/data/a.csv?comp=metadata", STORAGE, "Storage Blob Data Reader"),
        ("https://acct.queue.core.windows.net/?comp=list", STORAGE, "Storage Queue Data Reader"),
        ("https://acct.table.core.windows.net/Tables", STORAGE, "Storage Table Data Reader"),
        (
            "https://acct.dfs.core.windows.net/fs?resource=filesystem&recursive=false",
            STORAGE,
            "Storage Blob Data Owner",
        ),
        (STORE, "https://azconfig.io", "App Configuration Data Reader"),
        (QUEUE, BUS, "Azure Service Bus Data Owner"),
        (QUEUE, "https://eventhubs.azure.net/", "Azure Event Hubs Data Owner"),
    ] {
        let found = get(&held(role), url, resource);
        assert_eq!(found.status, 200, "{url} {}", found.body);
        let only_at_vm = held(role).replace("resource-group", "vm").replace("[[", "roles = []\n[[");
        assert!(matches!(get(&only_at_vm, url, resource).status, 401 | 403), "{url}");
    }
    for (url, resource) in
        [(ACCOUNT, COSMOS), ("https://hsm.managedhsm.azure.net/keys?api-version=7.4", "https://managedhsm.azure.net")]
    {
        assert_eq!(get(&held("Owner"), url, resource).status, 403, "{url}");
        assert_eq!(get("[[data]]\naccess = \"admits\"", url, resource).status, 200, "{url}");
    }
    assert!(get(&held("Key Vault Secrets User"), SECRET, VAULT).body.contains(CANARY));
}

#[test]
fn a_role_on_one_container_or_secret_reaches_no_other() {
    let group = vm::group_id();
    let container =
        format!("{group}/providers/Microsoft.Storage/storageAccounts/acct/blobServices/default/containers/data");
    let secret = format!("{group}/providers/Microsoft.KeyVault/vaults/kv/secrets/s1");
    for (role, scope, url, resource, name) in [
        ("Storage Blob Data Reader", container, BLOBS, STORAGE, "/data"),
        ("Key Vault Secrets User", secret, SECRET, VAULT, "/s1"),
    ] {
        let toml = held(role).replace("resource-group", &scope);
        assert_eq!(get(&toml, url, resource).status, 200, "{url}");
        assert_eq!(get(&toml, &url.replace(name, "/other"), resource).status, 403, "{url}");
    }
}

#[test]
fn a_deny_assignment_on_data_takes_a_role_away() {
    let deny = "[[deny]]\nname = \"d\"\ndata_actions = [\"*\"]\nscope = \"subscription\"";
    let toml = format!("{}\n{deny}", held("Storage Blob Data Reader"));
    assert_eq!(get(&toml, BLOBS, STORAGE).status, 403);
    assert_eq!(get(&format!("{toml}\nexclude = [\"system\"]"), BLOBS, STORAGE).status, 200);
}

#[test]
fn a_missing_token_is_challenged_with_tenant_and_resource() {
    for (url, status, length, challenge) in [
        (
            SECRET,
            401,
            97,
            "Bearer authorization=\"https://login.windows.net/7f3c2a10-5b4e-4d0a-9c61-2e8f0b7d1a55\", \
             resource=\"https://vault.azure.net\"",
        ),
        (
            BLOBS,
            401,
            302,
            "Bearer authorization_uri=https://login.microsoftonline.com/7f3c2a10-5b4e-4d0a-9c61-2e8f0b7d1a55/oauth2/authorize \
             resource_id=https://storage.azure.com",
        ),
        (STORE, 401, 0, "HMAC-SHA256, Bearer"),
        (
            "https://r.azurecr.io/v2/",
            401,
            135,
            "Bearer realm=\"https://r.azurecr.io/oauth2/token\",service=\"r.azurecr.io\"",
        ),
        ("https://ns.servicebus.windows.net/", 200, 143, ""),
    ] {
        let found = get("", url, "");
        assert_eq!((found.status, found.body.len()), (status, length), "{url} {}", found.body);
        assert_eq!(found.field("www-authenticate"), challenge, "{url}");
    }
}

#[test]
fn tokens_of_the_wrong_kind_are_refused_in_each_services_words() {
    let tenant = format!("[[data]]\ntenant = \"{TENANT}\"");
    for (toml, url, resource, status, words) in [
        (
            "",
            SECRET,
            "https://management.azure.com/",
            401,
            "AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://management.azure.com/.",
        ),
        (
            &tenant,
            SECRET,
            VAULT,
            401,
            "AKV10032: Invalid issuer. Expected one of https://sts.windows.net/c4a1b9e6-0d37-4f82-a5be-63d9e8f71204/, https://sts.windows.net/f8cdef31-",
        ),
        (
            "",
            BLOBS,
            VAULT,
            401,
            "<AuthenticationErrorDetail>Audience validation failed. Audience did not match.</AuthenticationErrorDetail>",
        ),
        (&tenant, BLOBS, STORAGE, 401, "Issuer validation failed. Issuer did not match."),
        (
            "",
            ACCOUNT,
            "https://acct.documents.azure.com/",
            401,
            "Provided AAD token is intended for [https://acct.documents.azure.com/]. This database account accepts tokens intended for [https://acct.documents.azure.com, https://acct.sql.cosmos.azure.com, https://acct.sqlx.cosmos.azure.com, https://cosmos.azure.com].",
        ),
        (
            &tenant,
            ACCOUNT,
            COSMOS,
            401,
            "Provided AAD token was issued by the authority [7f3c2a10-5b4e-4d0a-9c61-2e8f0b7d1a55] which is not trusted",
        ),
        ("", QUEUE, VAULT, 401, "InvalidAudience: Invalid authorization token audience."),
    ] {
        let found = get(toml, url, resource);
        assert_eq!(found.status, status, "{url}");
        assert!(found.body.contains(words), "{}", found.body);
    }
    assert_eq!(get("", BLOBS, VAULT).body.len(), 406);
    assert!(get(&tenant, STORE, "https://azconfig.io").field("www-authenticate").contains("from the wrong issuer"));
    assert!(get("", STORE, VAULT).field("www-authenticate").contains("Authorization token failed validation"));
}

#[test]
fn refusals_by_role_by_policy_and_by_network_differ() {
    let data = |rest: &str| format!("[[data]]\n{rest}");
    let (firewall, private) = (data("network = \"firewall\""), data("network = \"private\""));
    for (toml, url, resource, status, words) in [
        (
            "",
            SECRET,
            VAULT,
            403,
            "Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'\\r\\nResource: '/subscriptions/3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846/resourcegroups/rg-doctor/providers/microsoft.keyvault/vaults/kv/secrets/s1'",
        ),
        (
            &data("access = \"policy\""),
            SECRET,
            VAULT,
            403,
            "does not have secrets get permission on key vault 'kv;location=westus2'.",
        ),
        (&firewall, SECRET, VAULT, 403, "\"innererror\":{\"code\":\"ForbiddenByFirewall\"}"),
        (&private, SECRET, VAULT, 403, "\"innererror\":{\"code\":\"ForbiddenByConnection\"}"),
        ("", BLOBS, STORAGE, 403, "<Code>AuthorizationPermissionMismatch</Code>"),
        (&firewall, BLOBS, STORAGE, 403, "<Code>AuthorizationFailure</Code>"),
        (&private, STORE, "https://azconfig.io", 403, "ip-address-rejected"),
        ("", STORE, "https://azconfig.io", 403, ""),
        (
            "",
            ACCOUNT,
            COSMOS,
            403,
            "Request blocked by Auth acct : Request is blocked because principal [9c0a4e7b-61d2-4f3c-8b95-7d2e1f60a8c4]",
        ),
        (&firewall, ACCOUNT, COSMOS, 403, "Request originated from IP 203.0.113.7 through public internet."),
        ("", QUEUE, BUS, 401, "<Detail>Manage,EntityRead claims required for this operation. TrackingId:"),
        (&private, QUEUE, BUS, 401, "Ip has been prevented to connect to the endpoint.\r\n For"),
        (
            &firewall,
            "https://r.azurecr.io/v2/",
            "",
            403,
            "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"client with IP '203.0.113.7' is not",
        ),
    ] {
        let found = get(toml, url, resource);
        assert_eq!(found.status, status, "{url} {}", found.body);
        assert!(found.body.contains(words), "{}", found.body);
    }
    assert_eq!(get("", BLOBS, STORAGE).body.len(), 279);
    assert_eq!(get("", STORE, "https://azconfig.io").body, "");
    assert_eq!(get("", ACCOUNT, COSMOS).field("x-ms-substatus"), "5301");
    let mut fields = headers(&[]);
    let azure = play("[[data]]\nhost = \"acct.blob.core.windows.net\"", &[]);
    fields.push(("Authorization".to_owned(), format!("Bearer {}", token(&azure, STORAGE))));
    let found = said(azure.answer("GET", BLOBS, &fields, b"", now()));
    assert_eq!((found.status, found.body.len()), (400, 297));
}

#[test]
fn a_registry_exchanges_the_token_of_who_may_pull() {
    let asked = |toml: &str, resource: &str| {
        let azure = play(&format!("{toml}\n[[data]]\nhost = \"r.azurecr.io\""), &[]);
        let form = format!("grant_type=access_token&service=r.azurecr.io&access_token={}", token(&azure, resource));
        said(azure.answer("POST", "https://r.azurecr.io/oauth2/exchange", &[], form.as_bytes(), now()))
    };
    let arm = "https://management.azure.com/";
    let pull = asked(&held("AcrPull"), arm);
    assert_eq!(pull.status, 200);
    assert!(pull.body.starts_with("{\"refresh_token\":\"ey") && pull.body.contains(CANARY), "{}", pull.body);
    assert_eq!(asked(&held("AcrPull"), "https://containerregistry.azure.net").status, 200);
    for found in [asked("", arm), asked(&held("AcrPull"), VAULT)] {
        assert_eq!(found.status, 401);
        assert!(
            found.body.starts_with("{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"authentication required")
        );
    }
    let catalog = get("", "https://r.azurecr.io/acr/v1/_catalog", VAULT);
    assert_eq!((catalog.status, catalog.body.len()), (401, 196), "{}", catalog.body);
    assert!(catalog.field("www-authenticate").ends_with("scope=\"registry:catalog:*\",error=\"invalid_token\""));
}

#[test]
fn an_api_wants_its_own_audience() {
    let url = "https://api.contoso.com/orders";
    let api = "[[data]]\naudience = \"api://orders\"\naccess = \"admits\"";
    assert_eq!((get(api, url, "api://orders").status, get(api, url, "api://orders").body), (200, "{}".to_owned()));
    assert_eq!(get(&api.replace("admits", "roles"), url, "api://orders").status, 403);
    assert!(
        get(api, url, VAULT).field("www-authenticate").contains("The audience 'https://vault.azure.net' is invalid")
    );
    assert_eq!(get(api, url, "").field("www-authenticate"), "Bearer");
    let metadata = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=api://orders";
    let azure = play(&api.replacen("]]", "]]\nhost = \"api.contoso.com\"", 1), &[]);
    assert_eq!(said(azure.answer("GET", metadata, &headers(&[("Metadata", "true")]), b"", now())).status, 200);
}

#[test]
fn the_machine_meets_the_network_before_the_service() {
    let machine = |toml: &str| {
        SimulatedMachine::at(play(&format!("[[data]]\nhost = \"kv.vault.azure.net\"\n{toml}"), &[]), now())
    };
    let failure = |toml: &str, request: &Request| match machine(toml).ask(request, None, Duration::from_secs(15)).raw {
        Raw::Plain(outcome) => outcome.failure().map(|failed| failed.why),
        Raw::Http { .. } => None,
    };
    let resolve = Request::Resolve { host: "kv.vault.azure.net".into() };
    let connect = Request::Connect { host: "20.50.1.10".into(), port: 443 };
    for (toml, name, connection, request) in [
        ("", None, None, None),
        ("network = \"private\"", None, None, None),
        ("network = \"silent\"", None, Some(Failure::ConnectTimeout), Some(Failure::ConnectTimeout)),
        ("network = \"refused\"", None, Some(Failure::Refused), Some(Failure::Refused)),
        ("network = \"unknown-name\"", Some(Failure::NameUnknown), None, Some(Failure::NameUnknown)),
        ("certificate = \"stranger\"", None, None, Some(Failure::CertificateRefused)),
    ] {
        assert_eq!(failure(toml, &resolve), name, "{toml}");
        assert_eq!(failure(toml, &connect), connection, "{toml}");
        assert_eq!(failure(toml, &Request::get(SECRET)), request, "{toml}");
    }
    let found = machine("addresses = [\"10.0.1.5\", \"10.0.1.6\"]").ask(&resolve, None, Duration::from_secs(1));
    let Raw::Plain(Outcome::Resolved { addresses }) = found.raw else { panic!("resolved") };
    assert_eq!(addresses, ["10.0.1.5", "10.0.1.6"]);
}

#[test]
fn the_machine_carries_a_token_in_the_way_that_the_service_wants() {
    for (url, method, carry, resource) in [
        (SECRET, "GET", Carry::Bearer, VAULT),
        (ACCOUNT, "GET", Carry::Cosmos, COSMOS),
        ("https://r.azurecr.io/oauth2/exchange", "POST", Carry::RegistryForm, "https://management.azure.com/"),
    ] {
        let host = url::Url::parse(url).expect("a URL").host_str().expect("a host").to_owned();
        let azure = play(&format!("[[data]]\nhost = \"{host}\"\naccess = \"admits\""), &[]);
        let bearer = Token::new(token(&azure, resource));
        let request = Request::Http(HttpRequest {
            method: method.into(),
            url: url.into(),
            headers: [].into(),
            bearer: Some("x".into()),
            carry,
            route: Route::AsClients,
        });
        let reply = SimulatedMachine::at(azure, now()).ask(&request, Some(&bearer), Duration::from_secs(1));
        assert!(matches!(reply.raw, Raw::Http { status: 200, .. }), "{url}");
    }
}
