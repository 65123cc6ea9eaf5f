//! Azure Storage: blobs, queues, tables, Data Lake. Bodies as recorded of blobs.
//!
//! assumed: queues speak like blobs, Data Lake and tables in JSON; and the network is weighed before the token.

use serde_json::json;

use super::{Asked, Fault, Right};
use crate::azure::service::Service;
use crate::simulator::azure::Reaction;
use crate::simulator::scenario::Network;
use crate::simulator::tokens::CANARY;

const KIND: &str = "Microsoft.Storage/storageAccounts";
const FORMAT: &str =
    "Authentication information is not given in the correct format. Check the value of Authorization header.";
const CHALLENGED: &str =
    "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.";
const CONTAINERS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/read";
const BLOBS: &str = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read";
const XML: &str = "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>";

/// What a storage account answers.
pub(super) fn answer(asked: &Asked<'_>, service: Service) -> Reaction {
    let refuse = |status, code: &str, message: &str| error(asked, service, status, code, message, None);
    if matches!(asked.data.network, Network::Firewall | Network::Private) {
        // assumed: disabled public access reads like network rules; only its status is recorded.
        return refuse(403, "AuthorizationFailure", "This request is not authorized to perform this operation.");
    }
    let token = asked.bearer();
    // Documented; assumed: the oldest version for tables.
    let oldest = if service == Service::Table { "2020-12-06" } else { "2017-11-09" };
    if asked.call.header("Authorization").is_some()
        && (token.is_none() || asked.call.header("x-ms-version").is_none_or(|version| version < oldest))
    {
        return refuse(400, "InvalidAuthenticationInfo", FORMAT);
    }
    let common = asked.uri("storage");
    let accepts = |audience: &str| audience.trim_end_matches('/') == common || asked.is_own_address(audience);
    let bearer = match asked.authenticate(token, accepts) {
        Ok(bearer) => bearer,
        Err(Fault::Missing) => return refuse(401, "NoAuthenticationInformation", CHALLENGED),
        Err(fault) => {
            let detail = match fault {
                Fault::Audience(_) => "Audience validation failed. Audience did not match.",
                // Recorded in 2018 with another code; assumed: today's is that of the audience.
                Fault::Issuer(_) => "Issuer validation failed. Issuer did not match.",
                // assumed: the details of these two.
                Fault::Expired => "Lifetime validation failed. The token is expired.",
                Fault::Missing | Fault::Malformed => "Signature validation failed. The token cannot be read.",
            };
            return error(asked, service, 401, "InvalidAuthenticationInfo", CHALLENGED, Some(detail));
        }
    };
    let (right, body) = wanted(asked, service);
    if asked.admits(&bearer, &right, &scope(asked, service)) {
        let kind = if body.starts_with('{') { "application/json" } else { "application/xml" };
        return asked.say(200, [("Content-Type", kind.to_owned()), server(service), version(asked)], body);
    }
    refuse(
        403,
        "AuthorizationPermissionMismatch",
        "This request is not authorized to perform this operation using this permission.",
    )
}

/// The right that a request needs, and what it brings. assumed: which request needs an action and which a data action,
/// after the documented permissions of each operation.
fn wanted(asked: &Asked<'_>, service: Service) -> (Right, String) {
    let path = asked.path();
    let endpoint = format!("https://{}/", asked.data.host);
    let account = path.is_empty();
    match service {
        Service::Queue => match path.last().map(String::as_str) {
            Some("messages") => (
                Right::Data("Microsoft.Storage/storageAccounts/queueServices/queues/messages/read"),
                format!("{XML}<QueueMessagesList />"),
            ),
            _ => (
                Right::Action("Microsoft.Storage/storageAccounts/queueServices/queues/read"),
                format!(
                    "{XML}<EnumerationResults ServiceEndpoint=\"{endpoint}\"><Queues><Queue><Name>jobs</Name></Queue></Queues>\
                     <NextMarker /></EnumerationResults>"
                ),
            ),
        },
        Service::Table => {
            if account || path.first().is_some_and(|first| first == "tables") {
                (
                    Right::Action("Microsoft.Storage/storageAccounts/tableServices/tables/read"),
                    json!({ "value": [{ "TableName": "orders" }] }).to_string(),
                )
            } else {
                (
                    Right::Data("Microsoft.Storage/storageAccounts/tableServices/tables/entities/read"),
                    json!({ "value": [{ "PartitionKey": "p", "RowKey": "r", "Note": format!("value-{CANARY}") }] })
                        .to_string(),
                )
            }
        }
        Service::DataLake if account => {
            (Right::Action(CONTAINERS), json!({ "filesystems": [{ "name": "data" }] }).to_string())
        }
        Service::DataLake => {
            (Right::Data(BLOBS), json!({ "paths": [{ "name": "a.csv", "contentLength": "12" }] }).to_string())
        }
        _ if account => (
            Right::Action(CONTAINERS),
            format!(
                "{XML}<EnumerationResults ServiceEndpoint=\"{endpoint}\"><MaxResults>1</MaxResults><Containers><Container>\
                 <Name>data</Name></Container></Containers><NextMarker /></EnumerationResults>"
            ),
        ),
        _ if asked.call.parameter("comp") == Some("list") => (
            Right::Data(BLOBS),
            format!(
                "{XML}<EnumerationResults ServiceEndpoint=\"{endpoint}\" ContainerName=\"{}\"><Blobs><Blob><Name>a.csv</Name>\
                 </Blob></Blobs><NextMarker /></EnumerationResults>",
                path[0]
            ),
        ),
        _ if asked.call.parameter("restype") == Some("container") => (Right::Action(CONTAINERS), String::new()),
        _ if asked.call.parameter("comp") == Some("metadata") => (Right::Data(BLOBS), String::new()),
        _ => (Right::Data(BLOBS), format!("value-{CANARY}\n")),
    }
}

/// The scope of what is asked: the account, or one of its containers, queues or tables.
fn scope(asked: &Asked<'_>, service: Service) -> String {
    let account = asked.resource_id(KIND);
    let (services, kind) = match service {
        Service::Queue => ("queueServices", "queues"),
        Service::Table => ("tableServices", "tables"),
        _ => ("blobServices", "containers"),
    };
    match asked.path().first().and_then(|first| first.split('(').next()) {
        None => account,
        Some("tables") if service == Service::Table => account,
        Some(name) => format!("{account}/{services}/default/{kind}/{name}"),
    }
}

fn server(service: Service) -> (&'static str, String) {
    // assumed but for blobs: the name.
    let name = match service {
        Service::Queue => "Queue",
        Service::Table => "Table",
        Service::DataLake => "HDFS",
        _ => "Blob",
    };
    ("Server", format!("Windows-Azure-{name}/1.0 Microsoft-HTTPAPI/2.0"))
}

fn version(asked: &Asked<'_>) -> (&'static str, String) {
    ("x-ms-version", asked.call.header("x-ms-version").unwrap_or("2021-08-06").to_owned())
}

fn error(
    asked: &Asked<'_>,
    service: Service,
    status: u16,
    code: &str,
    message: &str,
    detail: Option<&str>,
) -> Reaction {
    let time = asked.call.now.strftime("%Y-%m-%dT%H:%M:%S.1234567Z");
    let message = format!("{message}\nRequestId:{}\nTime:{time}", asked.request_id());
    let (kind, body) = match service {
        Service::DataLake => {
            ("application/json; charset=utf-8", json!({ "error": { "code": code, "message": message } }).to_string())
        }
        Service::Table => (
            "application/json;odata=minimalmetadata;streaming=true;charset=utf-8",
            json!({ "odata.error": { "code": code, "message": { "lang": "en-US", "value": message } } }).to_string(),
        ),
        _ => {
            let detail =
                detail.map(|detail| format!("<AuthenticationErrorDetail>{detail}</AuthenticationErrorDetail>"));
            let detail = detail.unwrap_or_default();
            ("application/xml", format!("{XML}<Error><Code>{code}</Code><Message>{message}</Message>{detail}</Error>"))
        }
    };
    let fields =
        [("Content-Type", kind.to_owned()), server(service), version(asked), ("x-ms-error-code", code.to_owned())];
    let mut said = asked.say(status, fields, body);
    if let (Reaction::Answer { headers, .. }, 401) = (&mut said, status) {
        headers.push((
            "WWW-Authenticate".to_owned(),
            format!(
                "Bearer authorization_uri={}/oauth2/authorize resource_id={}",
                asked.authority("login.microsoftonline.com"),
                asked.uri("storage")
            ),
        ));
    }
    said
}
