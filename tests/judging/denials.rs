//! How every data service turns an identity away, and what is read from it: recorded and documented answers with made-up names.
//! In process. Not here: answers that nobody should send (`challenges`), and what is advised (the check `data`).

use midoctor::azure::denial::Denial;
use midoctor::azure::service::Service::{self, *};
use midoctor::evidence::Answer;

const STORAGE: [Service; 4] = [Blob, Queue, Table, DataLake];

const BOM: &str = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>";
const CALLER: &str = "appid=6a2d5f84-3c19-4b7a-9e02-d8f1c0b6e573;oid=e4b7c3d1-2f58-4a90-8c6d-0a9b5e71f32c;iss=https://sts.windows.net/7f3c2a10-5b4e-4d0a-9c61-2e8f0b7d1a55/";
const VAULT: &str = "/subscriptions/3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846/resourcegroups/rg-doctor/providers/microsoft.keyvault/vaults/contosokv";
const TENANT: &str = "7f3c2a10-5b4e-4d0a-9c61-2e8f0b7d1a55";
const OTHER_TENANT: &str = "c4a1b9e6-0d37-4f82-a5be-63d9e8f71204";
const TRACKING: &str = "TrackingId:8c1d2e3f-4a5b-4c6d-8e7f-90a1b2c3d4e5_G1, SystemTracker:contoso.servicebus.windows.net:q1, Timestamp:2026-09-01T10:11:12";

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Answer { status, headers, body: body.to_owned(), ..Answer::default() }
}

fn read(service: Service, status: u16, headers: &[(&str, &str)], body: &str) -> Denial {
    Denial::read(Some(service), &answer(status, headers, body))
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn no_role(action: Option<&str>, resource: Option<&str>) -> Denial {
    Denial::NoRole { action: action.map(str::to_owned), resource: resource.map(str::to_owned) }
}

fn unexplained(words: &str) -> Denial {
    Denial::Unexplained(words.to_owned())
}

/// Key Vault's error: message and inner code.
fn vault(message: &str, inner: &str) -> String {
    let error = match inner {
        "" => serde_json::json!({"code": "Unauthorized", "message": message}),
        inner => serde_json::json!({"code": "Forbidden", "message": message, "innererror": {"code": inner}}),
    };
    serde_json::json!({"error": error}).to_string()
}

/// Storage's error as blobs and queues have it.
fn xml(code: &str, message: &str, rest: &str) -> String {
    let ids = "\nRequestId:8c1d2e3f-4a5b-4c6d-8e7f-90a1b2c3d4e5\nTime:2026-09-01T10:11:12.1234567Z";
    format!("{BOM}<Error><Code>{code}</Code><Message>{message}{ids}</Message>{rest}</Error>")
}

fn service_bus(detail: &str) -> String {
    format!("<Error><Code>401</Code><Detail>{detail} {TRACKING}</Detail></Error>")
}

fn cosmos(code: &str, message: &str) -> String {
    let ids = "\r\nActivityId: 8c1d2e3f-4a5b-4c6d-8e7f-90a1b2c3d4e5, Microsoft.Azure.Documents.Common/2.14.0";
    serde_json::json!({"code": code, "message": format!("{message}{ids}")}).to_string()
}

#[test]
fn a_vault_with_roles_tells_the_action_and_the_vault() {
    let refused = |kind: &str, action: &str| {
        let message = format!(
            "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role \
             definitions were changed recently, please observe propagation time.\r\nCaller: {CALLER}\r\nAction: \
             '{action}'\r\nResource: '{VAULT}{kind}'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\n\
             DecisionReason: 'DeniedWithNoValidRBAC' \r\nVault: contosokv;location=eastus\r\n"
        );
        read(KeyVault, 403, &[], &vault(&message, "ForbiddenByRbac"))
    };
    for (kind, action) in [
        ("/secrets/s1", "Microsoft.KeyVault/vaults/secrets/getSecret/action"),
        ("/keys/k1", "Microsoft.KeyVault/vaults/keys/read"),
        ("", "Microsoft.KeyVault/vaults/secrets/readMetadata/action"),
    ] {
        assert_eq!(refused(kind, action), no_role(Some(action), Some(VAULT)));
    }
    assert_eq!(read(KeyVault, 403, &[], &vault("No.", "ForbiddenByRbac")), no_role(None, None));
}

#[test]
fn a_vault_with_access_policies_tells_the_permission() {
    for permission in ["secrets get", "secrets list", "keys get", "certificates list"] {
        let message = format!(
            "The user, group or application '{CALLER}' does not have {permission} permission on key vault \
             'contosokv;location=eastus'. For help resolving this issue, please see \
             https://go.microsoft.com/fwlink/?linkid=2125287"
        );
        for inner in ["ForbiddenByPolicy", "AccessDenied"] {
            let expected = Denial::NoPolicy { permission: some(permission) };
            assert_eq!(read(KeyVault, 403, &[], &vault(&message, inner)), expected);
        }
    }
    assert_eq!(
        read(KeyVault, 403, &[], &vault("Access denied", "AccessDenied")),
        Denial::NoPolicy { permission: None }
    );
}

#[test]
fn a_managed_hsm_has_roles_of_its_own_and_no_policies() {
    let action = "Microsoft.KeyVault/managedHsm/keys/read/action";
    let body = format!(
        "{{\"error\":{{\"code\":\"AccessDenied\",\"message\":\"Not authorized to access {action} on /keys (Activity ID: 8c1d2e3f-4a5b-4c6d-8e7f-90a1b2c3d4e5)\"}}}}"
    );
    assert_eq!(read(ManagedHsm, 403, &[], &body), no_role(Some(action), None));
    assert_eq!(read(ManagedHsm, 403, &[], &vault("Access denied", "AccessDenied")), no_role(None, None));
    let message = format!("Action: '{action}'\r\nResource: '/keys/k1'");
    assert_eq!(read(ManagedHsm, 403, &[], &vault(&message, "ForbiddenByRbac")), no_role(Some(action), None));
}

#[test]
fn a_vaults_firewall_tells_the_address_that_it_sees() {
    for (address, line_end) in [("203.0.113.7", "\r\n"), ("203.0.113.7", "\n"), ("2001:db8::7", "\r\n")] {
        let message = format!(
            "Client address is not authorized and caller is not a trusted service.{line_end}Client address: \
             {address}{line_end}Caller: {CALLER}{line_end}Vault: contosokv;location=eastus"
        );
        for service in [KeyVault, ManagedHsm] {
            let expected = Denial::Firewall { address: some(address) };
            assert_eq!(read(service, 403, &[], &vault(&message, "ForbiddenByFirewall")), expected);
        }
    }
}

#[test]
fn a_vault_without_public_access_says_so_in_two_ways() {
    for message in [
        "Public network access is disabled and request is not from a trusted service nor via an approved private link.",
        "Connection is not an approved private link and caller was ignored because bypass is not set to 'AzureServices' \
         and PublicNetworkAccess is set to 'Disabled'.",
    ] {
        let message = format!("{message}\r\nCaller: {CALLER}\r\nVault: contosokv;location=eastus");
        for service in [KeyVault, ManagedHsm] {
            assert_eq!(read(service, 403, &[], &vault(&message, "ForbiddenByConnection")), Denial::PrivateOnly);
        }
    }
}

#[test]
fn of_the_tenants_that_a_vault_expects_the_first_is_its_own() {
    let own = format!("https://sts.windows.net/{OTHER_TENANT}/");
    let found = format!("https://sts.windows.net/{TENANT}/");
    let microsofts = "https://sts.windows.net/f8cdef31-a31e-4b4a-93e4-5f571e91255a/, https://sts.windows.net/e2d54eb5-3869-4f70-8578-dee5fc7331f4/";
    for expected in [format!("one of {own}, {microsofts}"), format!("one of {own}"), own.clone()] {
        let message = format!("AKV10032: Invalid issuer. Expected {expected}, found {found}.");
        let denial = Denial::WrongTenant { expected: Some(own.clone()) };
        assert_eq!(read(KeyVault, 401, &[], &vault(&message, "")), denial, "{message}");
    }
}

#[test]
fn a_vault_tells_the_audiences_that_it_takes() {
    let both = "https://vault.azure.net or cfa8b339-82a2-471a-a3c9-0fc0be7a4093";
    for (expected, found) in [
        ("https://vault.azure.net", "https://management.azure.com/"),
        ("https://vault.azure.net", "https://contosokv.vault.azure.net/"),
        (both, "spn:cfa8b339-82a2-471a-a3c9-0fc0be7a4093"),
    ] {
        let message = format!("AKV10022: Invalid audience. Expected {expected}, found: {found}.");
        let denial = Denial::WrongAudience { expected: some(expected) };
        assert_eq!(read(KeyVault, 401, &[], &vault(&message, "")), denial);
    }
}

#[test]
fn storage_is_read_by_its_code_wherever_that_stands() {
    let no = "This request is not authorized to perform this operation";
    for (code, message, denial) in [
        ("AuthorizationPermissionMismatch", format!("{no} using this permission."), no_role(None, None)),
        ("AuthorizationFailure", format!("{no}."), Denial::Firewall { address: None }),
    ] {
        let dfs = serde_json::json!({"error": {"code": code, "message": format!("{message}\nRequestId:r\nTime:t")}});
        let table = serde_json::json!({"odata.error": {"code": code, "message": {"lang": "en-US", "value": message}}});
        let bodies = [xml(code, &message, ""), dfs.to_string(), table.to_string(), format!("\u{feff}{dfs}")];
        for service in STORAGE {
            for body in &bodies {
                assert_eq!(read(service, 403, &[], body), denial, "{body}");
            }
            assert_eq!(read(service, 403, &[("x-ms-error-code", code)], ""), denial);
        }
    }
}

#[test]
fn storage_tells_in_the_detail_what_is_wrong_with_a_token() {
    let sentence = "Server failed to authenticate the request.";
    let detail = |text: &str| format!("<AuthenticationErrorDetail>{text}</AuthenticationErrorDetail>");
    for service in STORAGE {
        let body =
            xml("InvalidAuthenticationInfo", sentence, &detail("Audience validation failed. Audience did not match."));
        let code = [("x-ms-error-code", "InvalidAuthenticationInfo")];
        assert_eq!(read(service, 401, &code, &body), Denial::WrongAudience { expected: None });
        for (status, code) in [(403, "AuthenticationFailed"), (401, "InvalidAuthenticationInfo")] {
            let body = xml(code, sentence, &detail("Issuer validation failed. Issuer did not match."));
            assert_eq!(read(service, status, &[], &body), Denial::WrongTenant { expected: None });
        }
    }
}

#[test]
fn what_storage_says_beyond_that_is_quoted() {
    let format = xml("InvalidAuthenticationInfo", "Authentication information is not given in the correct format.", "");
    let words = "400 InvalidAuthenticationInfo: Authentication information is not given in the correct format.";
    assert_eq!(read(Blob, 400, &[], &format), unexplained(words));
    let public = xml("PublicAccessNotPermitted", "Public access is not permitted on this storage account.", "");
    let words = "409 PublicAccessNotPermitted: Public access is not permitted on this storage account.";
    assert_eq!(read(Blob, 409, &[], &public), unexplained(words));
    let missing = xml("ContainerNotFound", "The specified container does not exist.", "");
    assert_eq!(read(Blob, 404, &[], &missing), Denial::NotFound);
}

#[test]
fn a_registry_tells_no_role_from_its_firewall() {
    let error = |code: &str, message: &str| {
        let detail = [serde_json::json!({"Type": "registry", "Name": "catalog", "Action": "*"})];
        format!("{}\n", serde_json::json!({"errors": [{"code": code, "message": message, "detail": detail}]}))
    };
    let visit = "authentication required, visit https://aka.ms/acr/authorization for more information.";
    assert_eq!(read(Registry, 401, &[], &error("UNAUTHORIZED", visit)), no_role(None, None));
    // Without a word it counts with the service's mark only: a proxy has none.
    assert_eq!(read(Registry, 401, &[("x-ms-correlation-request-id", "c")], ""), no_role(None, None));
    assert_eq!(read(Registry, 401, &[("server", "squid/5")], ""), unexplained("401, without a word"));
    assert_eq!(
        read(Registry, 403, &[], &error("DENIED", "requested access to the resource is denied")),
        no_role(None, None)
    );
    let wall = Denial::Firewall { address: some("203.0.113.7") };
    for more in ["", " CorrelationId: 8c1d2e3f-4a5b-4c6d-8e7f-90a1b2c3d4e5"] {
        let message =
            "client with IP '203.0.113.7' is not allowed access. Refer https://aka.ms/acr/firewall to grant access.";
        let body = error("DENIED", &format!("{message}{more}"));
        assert_eq!(read(Registry, 403, &[], &body), wall);
        assert_eq!(read(Registry, 403, &[], &body.replace('\'', "\\u0027")), wall);
    }
    let refused = error("UNAUTHORIZED", "token validation failed");
    assert_eq!(read(Registry, 401, &[], &refused), Denial::WrongAudience { expected: None });
    assert_eq!(read(Registry, 404, &[], "404 page not found"), Denial::NotFound);
}

#[test]
fn service_bus_tells_all_in_words_under_a_401() {
    let audience = Denial::WrongAudience { expected: None };
    for (detail, denial) in [
        (
            "Unauthorized access. 'Send' claim(s) are required to perform this operation. Resource: 'sb://contoso.servicebus.windows.net/q1'.",
            no_role(Some("Send"), None),
        ),
        (
            "Unauthorized access. 'Listen' claim(s) are required to perform this operation. Resource: 'sb://contoso.servicebus.windows.net/hub1/consumergroups/$default/partitions/0'.",
            no_role(Some("Listen"), None),
        ),
        (
            "SubCode=40100: Unauthorized : Unauthorized access for 'Send' operation on endpoint 'sb://contoso.servicebus.windows.net/hub1/messages'.",
            no_role(Some("Send"), None),
        ),
        (
            "Ip has been prevented to connect to the endpoint.\r\n For more information see: IP Filters: Service Bus: https://go.microsoft.com/fwlink/?linkid=2044183",
            Denial::Firewall { address: None },
        ),
        ("InvalidAudience: Invalid authorization token audience.", audience.clone()),
        ("InvalidAudience: The authorization header contains a token with a wrong audience.", audience),
    ] {
        let body = service_bus(detail);
        assert_eq!(read(ServiceBus, 401, &[], &body), denial, "{detail}");
        let variant = body.replace("Code>", "ErrorCode>");
        assert_eq!(read(ServiceBus, 401, &[], &variant), denial, "{detail}");
    }
    let invalid = read(ServiceBus, 401, &[], &service_bus("claim is empty or token is invalid."));
    assert_eq!(invalid, unexplained(&format!("401 401: claim is empty or token is invalid. {TRACKING}")));
    assert_eq!(read(ServiceBus, 404, &[], &service_bus("Entity 'contoso:Queue:q1' was not found.")), Denial::NotFound);
}

#[test]
fn that_service_bus_shows_itself_to_its_owner_alone_proves_nothing_about_sending() {
    for detail in [
        "Manage,EntityRead claims required for this operation.",
        "Unauthorized access. 'Manage' claim(s) are required to perform this operation.",
    ] {
        let denial = read(ServiceBus, 401, &[], &service_bus(detail));
        assert!(matches!(denial, Denial::Unproven(why) if why.contains("Azure Service Bus Data Owner")), "{denial:?}");
    }
}

#[test]
fn app_configuration_tells_a_bad_token_in_its_challenge_and_the_network_in_a_problem() {
    let bearer =
        |description: &str| format!("HMAC-SHA256, Bearer error=\"invalid_token\", error_description=\"{description}\"");
    let challenge = |value: &str| read(AppConfiguration, 401, &[("www-authenticate", value)], "");
    let issuer = "The access token is from the wrong issuer. It must match the AD tenant associated with the subscription to which the configuration store belongs.";
    assert_eq!(challenge(&bearer(issuer)), Denial::WrongTenant { expected: None });
    let failed = "Authorization token failed validation";
    assert_eq!(challenge(&bearer(failed)), Denial::WrongAudience { expected: None });
    assert_eq!(challenge("HMAC-SHA256, Bearer"), unexplained("401, without a word"));
    assert_eq!(read(AppConfiguration, 403, &[("x-ms-request-id", "r")], ""), no_role(None, None));
    assert_eq!(read(AppConfiguration, 403, &[("server", "squid/5")], ""), unexplained("403, without a word"));
    for kind in ["ip-address-rejected", "nsp-rejected"] {
        let body = format!(
            "{{\"type\":\"https://azconfig.io/errors/{kind}\",\"title\":\"Access to this resource is governed by a policy.\",\"status\":403}}"
        );
        assert_eq!(read(AppConfiguration, 403, &[], &body), Denial::Firewall { address: None });
    }
    let odd = "{\"type\":\"https://azconfig.io/errors/odd\",\"title\":\"It is odd.\",\"status\":403}";
    assert_eq!(read(AppConfiguration, 403, &[], odd), unexplained("403 https://azconfig.io/errors/odd: It is odd."));
}

#[test]
fn cosmos_is_read_by_its_substatus_and_by_its_words_where_that_is_missing() {
    let action = "Microsoft.DocumentDB/databaseAccounts/readMetadata";
    let takes = "https://contoso.documents.azure.com, https://contoso.sql.cosmos.azure.com, https://cosmos.azure.com";
    let blocked = "Request blocked by Auth contoso :";
    for (status, substatus, message, denial) in [
        (
            403,
            "5301",
            format!(
                "{blocked} Request is blocked because principal [9c0a4e7b-61d2-4f3c-8b95-7d2e1f60a8c4] does not have required RBAC permissions to perform action [{action}] on resource [/]. Learn more: https://aka.ms/cosmos-native-rbac."
            ),
            no_role(Some(action), None),
        ),
        (
            401,
            "5007",
            format!(
                "{blocked} Provided AAD token was issued by the authority [{TENANT}] which is not trusted by this database account. Please ensure the token has been issued by the AAD tenant(s) [{OTHER_TENANT}]."
            ),
            Denial::WrongTenant { expected: some(OTHER_TENANT) },
        ),
        (
            401,
            "5008",
            format!(
                "{blocked} Provided AAD token is intended for [https://contoso.documents.azure.com/]. This database account accepts tokens intended for [{takes}]."
            ),
            Denial::WrongAudience { expected: some(takes) },
        ),
    ] {
        let body = cosmos("Forbidden", &message);
        assert_eq!(read(Cosmos, status, &[("x-ms-substatus", substatus)], &body), denial);
        assert_eq!(read(Cosmos, status, &[], &body), denial);
    }
}

#[test]
fn cosmos_tells_its_firewall_from_what_no_token_may_do() {
    let wall =
        "This is blocked by your Cosmos DB account firewall settings. More info: https://aka.ms/cosmosdb-tsg-forbidden";
    for (from, address) in [
        ("IP 203.0.113.7 through public internet", some("203.0.113.7")),
        ("client VNET through service endpoint", None),
        ("client VNET through private endpoint", None),
    ] {
        let body = cosmos("Forbidden", &format!("Request originated from {from}. {wall}"));
        assert_eq!(read(Cosmos, 403, &[], &body), Denial::Firewall { address });
    }
    // It says that it is the token or the firewall.
    let words = "Request is blocked. Please check your authorization token and Cosmos DB account firewall settings.";
    let body = serde_json::json!({"Errors": [words]}).to_string();
    assert_eq!(read(Cosmos, 403, &[("x-ms-substatus", "0")], &body), unexplained(&format!("403: {words}")));
    let words = "Request blocked by Auth contoso : The given request [POST /dbs] cannot be authorized by AAD token in data plane.";
    let body = cosmos("Forbidden", words);
    let denial = read(Cosmos, 403, &[("x-ms-substatus", "5300")], &body);
    assert_eq!(denial, unexplained(&format!("403 Forbidden: {words}")));
    let words = "Local Authorization is disabled. Use an AAD token to authorize all requests.";
    let body = format!("{{\"code\":\"Unauthorized\",\"message\":\"{words}\"}}");
    let denial = read(Cosmos, 401, &[("x-ms-substatus", "5202")], &body);
    assert_eq!(denial, unexplained(&format!("401 Unauthorized: {words}")));
}
