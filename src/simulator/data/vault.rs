//! Key Vault and Managed HSM. Bodies as recorded of Key Vault; assumed: Managed HSM's have the same form.

use serde_json::json;

use super::{Asked, CLIENT, Fault, Right};
use crate::simulator::azure::Reaction;
use crate::simulator::scenario::{Access, Network};
use crate::simulator::tokens::CANARY;
use crate::simulator::vm;

/// What a path asks for: the action, the right's name in an access policy, and what the body is when it is granted.
struct Wanted {
    action: &'static str,
    policy: &'static str,
    body: String,
}

/// What a vault answers.
pub(super) fn answer(asked: &Asked<'_>, hsm: bool) -> Reaction {
    let resource = asked.uri(if hsm { "managedhsm" } else { "vault" });
    let challenge =
        format!(r#"Bearer authorization="{}", resource="{resource}""#, asked.authority("login.windows.net"));
    let refused = |message: String| {
        let body = json!({ "error": { "code": "Unauthorized", "message": message } }).to_string();
        say(asked, 401, Some(&challenge), &body)
    };
    let bearer = match asked.authenticate(asked.bearer(), |audience| audience.trim_end_matches('/') == resource) {
        Ok(bearer) => bearer,
        Err(Fault::Missing) => return refused("AKV10000: Request is missing a Bearer or PoP token.".into()),
        Err(Fault::Audience(found)) => {
            return refused(format!("AKV10022: Invalid audience. Expected {resource}, found: {found}."));
        }
        Err(Fault::Issuer(found)) => {
            // As recorded: the vault's tenant first, then two of Microsoft's own.
            let cloud = asked.azure.cloud();
            let own = ["f8cdef31-a31e-4b4a-93e4-5f571e91255a", "e2d54eb5-3869-4f70-8578-dee5fc7331f4"]
                .map(|tenant| crate::simulator::tokens::issuer(cloud, tenant));
            return refused(format!(
                "AKV10032: Invalid issuer. Expected one of {}, {}, {}, found {found}.",
                asked.issuer(),
                own[0],
                own[1]
            ));
        }
        // assumed: the wording of these two, which surely have numbers of their own.
        Err(Fault::Expired) => return refused("The token has expired.".into()),
        Err(Fault::Malformed) => return refused("The token cannot be read.".into()),
    };
    let forbidden = |message: String, inner: &str| {
        // As text, because the order is the vault's and not alphabetical.
        let body = format!(
            r#"{{"error":{{"code":"Forbidden","message":{},"innererror":{{"code":"{inner}"}}}}}}"#,
            json!(message)
        );
        say(asked, 403, None, &body)
    };
    let vault = format!("{};location={}", asked.data.account(), vm::LOCATION);
    let who = format!("appid={};oid={};iss={}", bearer.app, bearer.oid, bearer.issuer);
    match asked.data.network {
        Network::Firewall => {
            return forbidden(
                format!(
                    "Client address is not authorized and caller is not a trusted service.\r\nClient address: {CLIENT}\r\n\
                     Caller: {who};xms_mirid={}\r\nVault: {vault}",
                    bearer.mirid
                ),
                "ForbiddenByFirewall",
            );
        }
        Network::Private => {
            return forbidden(
                format!(
                    "Public network access is disabled and request is not from a trusted service nor via an approved \
                     private link.\r\nCaller: {who}\r\nVault: {vault}"
                ),
                "ForbiddenByConnection",
            );
        }
        _ => {}
    }
    let wanted = match wanted(asked, hsm) {
        Ok(wanted) => wanted,
        Err(refusal) => return refusal,
    };
    let kind = if hsm { "microsoft.keyvault/managedhsms" } else { "microsoft.keyvault/vaults" };
    // A secret's own scope is the vault's with the secret's path.
    let scope = format!("{}{}", asked.resource_id(kind), asked.call.url.path());
    if asked.admits(&bearer, &Right::Data(wanted.action), &scope) {
        return say(asked, 200, None, &wanted.body);
    }
    if asked.data.access == Access::Policy {
        return forbidden(
            format!(
                "The user, group or application '{who}' does not have {} permission on key vault '{vault}'. For help \
                 resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287",
                wanted.policy
            ),
            "ForbiddenByPolicy",
        );
    }
    forbidden(by_roles(asked, kind, wanted.action, &who, &vault), "ForbiddenByRbac")
}

fn by_roles(asked: &Asked<'_>, kind: &str, action: &str, who: &str, vault: &str) -> String {
    // assumed: a denial by a deny assignment is worded like one without a role.
    format!(
        "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role \
         definitions were changed recently, please observe propagation time.\r\nCaller: {who}\r\nAction: '{action}'\r\n\
         Resource: '{}{}'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: \
         'DeniedWithNoValidRBAC' \r\nVault: {vault}\r\n",
        asked.resource_id(kind).replace("/resourceGroups/", "/resourcegroups/"),
        asked.call.url.path().trim_end_matches('/'),
    )
}

fn wanted(asked: &Asked<'_>, hsm: bool) -> Result<Wanted, Reaction> {
    let path = asked.path();
    let host = &asked.data.host;
    let made = asked.call.now.as_second() - 8_000_000;
    let attributes =
        json!({ "created": made, "enabled": true, "recoveryLevel": "Recoverable+Purgeable", "updated": made });
    let id = |kind: &str, name: &str| format!("https://{host}/{kind}/{name}");
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    let list = |kind: &str, key: &str, item: &str| {
        json!({ "nextLink": null, "value": [{ key: id(kind, item), "attributes": attributes }] }).to_string()
    };
    let (action, policy, body) = match parts[..] {
        _ if asked.call.parameter("api-version").is_none() => {
            // assumed: code and wording.
            let body = r#"{"error":{"code":"BadParameter","message":"api-version must be specified"}}"#;
            return Err(say(asked, 400, None, body));
        }
        ["secrets"] if !hsm => (
            "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
            "secrets list",
            list("secrets", "id", "db-password"),
        ),
        ["secrets", name] | ["secrets", name, _] if !hsm => (
            "Microsoft.KeyVault/vaults/secrets/getSecret/action",
            "secrets get",
            json!({
                "value": format!("secret-{CANARY}"),
                "id": format!("{}/9f1c0d2e3b4a5968778695a4b3c2d1e0", id("secrets", name)),
                "attributes": attributes,
            })
            .to_string(),
        ),
        // assumed: Managed HSM's own data actions; it has roles of its own, which no ARM role grants.
        ["keys"] | ["keys", _] if hsm => {
            ("Microsoft.KeyVault/managedHsm/keys/read/action", "keys list", list("keys", "kid", "app-key"))
        }
        ["keys"] => ("Microsoft.KeyVault/vaults/keys/read", "keys list", list("keys", "kid", "app-key")),
        ["keys", name] | ["keys", name, _] => (
            "Microsoft.KeyVault/vaults/keys/read",
            "keys get",
            json!({ "key": { "kid": id("keys", name), "kty": "RSA" }, "attributes": attributes }).to_string(),
        ),
        ["certificates"] if !hsm => {
            ("Microsoft.KeyVault/vaults/certificates/read", "certificates list", list("certificates", "id", "web"))
        }
        ["certificates", name] | ["certificates", name, _] if !hsm => (
            "Microsoft.KeyVault/vaults/certificates/read",
            "certificates get",
            json!({ "id": id("certificates", name), "attributes": attributes }).to_string(),
        ),
        _ => {
            // assumed: code and wording.
            let body = r#"{"error":{"code":"NotFound","message":"The requested resource was not found."}}"#;
            return Err(say(asked, 404, None, body));
        }
    };
    Ok(Wanted { action, policy, body })
}

fn say(asked: &Asked<'_>, status: u16, challenge: Option<&str>, body: &str) -> Reaction {
    let fixed = [
        ("Cache-Control", "no-cache".to_owned()),
        ("Content-Type", "application/json; charset=utf-8".to_owned()),
        ("x-ms-keyvault-region", vm::LOCATION.to_owned()),
        ("x-ms-keyvault-service-version", "1.9.2089.1".to_owned()),
        ("x-ms-keyvault-network-info", format!("conn_type=Ipv4;addr={CLIENT};act_addr_fam=InterNetwork;")),
        ("X-Content-Type-Options", "nosniff".to_owned()),
        ("Strict-Transport-Security", "max-age=31536000;includeSubDomains".to_owned()),
    ];
    let mut said = asked.say(status, fixed, body);
    if let (Reaction::Answer { headers, .. }, Some(challenge)) = (&mut said, challenge) {
        headers.push(("WWW-Authenticate".to_owned(), challenge.to_owned()));
    }
    said
}
