//! Cosmos DB: its own form of the Authorization header, and its own roles, which no role of Azure Resource Manager grants.

use serde_json::json;

use super::{Asked, CLIENT, Fault, Right};
use crate::simulator::azure::Reaction;
use crate::simulator::scenario::Network;

const READ: &str = "Microsoft.DocumentDB/databaseAccounts/readMetadata";

/// What an account answers.
pub(super) fn answer(asked: &Asked<'_>) -> Reaction {
    let account = asked.data.account();
    if matches!(asked.data.network, Network::Firewall | Network::Private) {
        // assumed: before the token is looked at, without a substatus, and the same when public access is disabled.
        let message = format!(
            "Request originated from IP {CLIENT} through public internet. This is blocked by your Cosmos DB account \
             firewall settings. More info: https://aka.ms/cosmosdb-tsg-forbidden"
        );
        return refuse(asked, 403, None, &message);
    }
    let Some(header) = asked.call.header("Authorization") else {
        // assumed: the wording.
        let message = "Required Header authorization is missing. Ensure a valid Authorization token is passed.";
        return refuse(asked, 401, None, message);
    };
    let blocked = |status, sub, what: &str| {
        refuse(asked, status, Some(sub), &format!("Request blocked by Auth {account} : {what}"))
    };
    // Percent-encoded or not: clients send both.
    let decoded: Vec<(String, String)> = url::form_urlencoded::parse(header.as_bytes()).into_owned().collect();
    let decoded = match &decoded[..] {
        [(whole, rest)] if rest.is_empty() => url::form_urlencoded::parse(whole.as_bytes()).into_owned().collect(),
        _ => decoded,
    };
    let field = |name: &str| decoded.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let token = field("sig").filter(|_| field("type") == Some("aad") && field("ver") == Some("1.0"));
    // Without a slash at the end: recorded.
    let own = format!("https://{}", asked.data.host);
    let common = asked.uri("cosmos");
    let bearer = match asked.authenticate(token, |audience| audience == own || audience == common) {
        Ok(bearer) => bearer,
        Err(Fault::Audience(found)) => {
            let sql = |kind: &str| format!("https://{account}.{kind}.cosmos.azure.com");
            return blocked(
                401,
                5008,
                &format!(
                    "Provided AAD token is intended for [{found}]. This database account accepts tokens intended for \
                     [{own}, {}, {}, {common}].",
                    sql("sql"),
                    sql("sqlx")
                ),
            );
        }
        Err(Fault::Issuer(found)) => {
            let tenant = found.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
            return blocked(
                401,
                5007,
                &format!(
                    "Provided AAD token was issued by the authority [{tenant}] which is not trusted by this database \
                     account. Please ensure the token has been issued by the AAD tenant(s) [{}].",
                    asked.data.tenant()
                ),
            );
        }
        // assumed: the wording, and that there is no substatus.
        Err(Fault::Missing | Fault::Malformed | Fault::Expired) => {
            return refuse(asked, 401, None, "The input authorization token can't serve the request.");
        }
    };
    if !asked.admits(&bearer, &Right::Data(READ), &asked.resource_id("Microsoft.DocumentDB/databaseAccounts")) {
        return blocked(
            403,
            5301,
            &format!(
                "Request is blocked because principal [{}] does not have required RBAC permissions to perform action \
                 [{READ}] on resource [/]. Learn more: https://aka.ms/cosmos-native-rbac.",
                bearer.oid
            ),
        );
    }
    // assumed: as much of the account as a reader looks at.
    let body = json!({ "_self": "", "id": account, "_rid": account, "_dbs": "//dbs/" }).to_string();
    asked.say(200, [("Content-Type", "application/json".to_owned())], body)
}

fn refuse(asked: &Asked<'_>, status: u16, substatus: Option<u16>, message: &str) -> Reaction {
    let code = if status == 401 { "Unauthorized" } else { "Forbidden" };
    let message = format!("{message}\r\nActivityId: {}, Microsoft.Azure.Documents.Common/2.14.0", asked.request_id());
    // As text, because the order is the account's.
    let body = format!(r#"{{"code":"{code}","message":{}}}"#, json!(message));
    let fields = [("Content-Type", "application/json".to_owned()), ("Server", "Microsoft-HTTPAPI/2.0".to_owned())];
    let mut said = asked.say(status, fields, body);
    if let (Reaction::Answer { headers, .. }, Some(substatus)) = (&mut said, substatus) {
        headers.push(("x-ms-substatus".to_owned(), substatus.to_string()));
    }
    said
}
