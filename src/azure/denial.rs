//! Why a data service turned an identity away: its answer read into one of a few reasons, which lead to different advice.
//!
//! Sources: recorded and documented error bodies of the services, named at each. Descriptions can change, so codes decide where
//! there are codes. Nothing here asks, and nothing says what to do about it.

use serde_json::Value;

use super::metadata::field;
use super::service::Service;
use crate::evidence::Answer;

/// Why a data service turned a request down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The identity has no role on the data that allows it.
    NoRole {
        /// What it was not allowed to do, in the service's words, where that is told.
        action: Option<String>,
        /// The ARM ID of the resource, where that is told.
        resource: Option<String>,
    },
    /// A key vault with access policies has none for the identity that allows it.
    NoPolicy {
        /// The permission: `secrets get`.
        permission: Option<String>,
    },
    /// The service's firewall does not let this address in.
    Firewall {
        /// The address that the service saw, where that is told.
        address: Option<String>,
    },
    /// Public access is off, and the request did not come by a private endpoint.
    PrivateOnly,
    /// The token is of another tenant than the service.
    WrongTenant {
        /// The tenant, or what is said of it, that the service wants.
        expected: Option<String>,
    },
    /// The token is for another audience.
    WrongAudience {
        /// The audiences that the service wants, where that is told.
        expected: Option<String>,
    },
    /// The token was accepted, and whether it allows what an application does is not told by this answer.
    Unproven(&'static str),
    /// There is nothing of that name.
    NotFound,
    /// Turned down for a reason that is not known.
    Unexplained(String),
}

/// What the 401 to a request without a token says: whom to ask for one, and what for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Challenge {
    /// The tenant of the service.
    pub tenant: Option<String>,
    /// The resource to ask a token for.
    pub resource: Option<String>,
}

impl Challenge {
    /// Reads `WWW-Authenticate: Bearer authorization="https://login…/TENANT", resource="…"` as Key Vault has it, or
    /// `authorization_uri=… resource_id=…` as Storage has it (recorded).
    pub fn read(answer: &Answer) -> Self {
        let Some(header) = answer.header("www-authenticate").filter(|_| answer.status == 401) else {
            return Self::default();
        };
        let value = |names: &[&str]| {
            let mut words = header.split([' ', ',']).filter_map(|word| word.split_once('='));
            let found = words.find(|(name, _)| names.iter().any(|known| name.eq_ignore_ascii_case(known)));
            found.map(|(_, value)| value.trim_matches('"').to_owned())
        };
        let tenant = value(&["authorization", "authorization_uri"]).and_then(|url| {
            let url = url::Url::parse(&url).ok()?;
            let first = url.path_segments()?.next()?.to_owned();
            uuid::Uuid::parse_str(&first).is_ok().then_some(first)
        });
        Self { tenant, resource: value(&["resource", "resource_id", "resource_uri"]) }
    }
}

impl Denial {
    /// Reads an answer of 400 or more to a request with a token.
    pub fn read(service: Option<Service>, answer: &Answer) -> Self {
        let said = Said::read(answer);
        let known = match service {
            Some(Service::KeyVault) => key_vault(&said),
            Some(Service::ManagedHsm) => managed_hsm(&said).or_else(|| key_vault(&said)),
            Some(Service::Blob | Service::Queue | Service::Table | Service::DataLake) => storage(answer, &said),
            Some(Service::Registry) => registry(answer, &said),
            Some(Service::ServiceBus) => service_bus(answer, &said),
            Some(Service::AppConfiguration) => app_configuration(answer, &said),
            Some(Service::Cosmos) => cosmos(answer, &said),
            None => any_other(answer),
        };
        known.unwrap_or_else(|| match answer.status {
            404 => Self::NotFound,
            status => Self::Unexplained(said.in_words(status)),
        })
    }
}

/// Codes and sentences of an error, wherever a service puts them.
struct Said {
    code: String,
    inner: String,
    message: String,
}

impl Said {
    fn read(answer: &Answer) -> Self {
        let json = answer.json().unwrap_or_default();
        let nested = |path: &[&str]| {
            let mut at = Some(&json);
            for name in path {
                at = at.and_then(|value| field(value, name));
            }
            at.and_then(Value::as_str).map(str::to_owned)
        };
        let first = || field(&json, "errors").and_then(Value::as_array).and_then(|all| all.first().cloned());
        let of_first = |name: &str| field(&first()?, name).and_then(Value::as_str).map(str::to_owned);
        let header = answer.header("x-ms-error-code").map(str::to_owned);
        let code = header
            .or_else(|| nested(&["error", "code"]))
            .or_else(|| nested(&["odata.error", "code"]))
            .or_else(|| of_first("code"))
            .or_else(|| nested(&["type"]))
            .or_else(|| nested(&["code"]))
            .or_else(|| between(&answer.body, "<Code>", "</Code>"));
        let message = nested(&["error", "message"])
            .or_else(|| nested(&["odata.error", "message", "value"]))
            .or_else(|| of_first("message"))
            .or_else(|| first()?.as_str().map(str::to_owned))
            .or_else(|| nested(&["message"]))
            .or_else(|| nested(&["title"]))
            .or_else(|| between(&answer.body, "<Message>", "</Message>"))
            .or_else(|| between(&answer.body, "<Detail>", "</Detail>"))
            .unwrap_or_else(|| answer.body.clone());
        let inner = nested(&["error", "innererror", "code"]).unwrap_or_default();
        Self { code: code.unwrap_or_default(), inner, message }
    }

    fn has(&self, words: &str) -> bool {
        self.message.to_ascii_lowercase().contains(&words.to_ascii_lowercase())
    }

    fn after(&self, before: &str, after: &str) -> Option<String> {
        between(&self.message, before, after)
    }

    fn in_words(&self, status: u16) -> String {
        let cut = |text: &str| text.lines().next().unwrap_or_default().chars().take(200).collect::<String>();
        let code = if self.code.is_empty() { String::new() } else { format!(" {}", cut(&self.code)) };
        let first = cut(&self.message);
        if first.is_empty() { format!("{status}{code}, without a word") } else { format!("{status}{code}: {first}") }
    }
}

/// The text between two marks.
fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found.trim().to_owned())
}

/// Recorded: 401 AKV10032 and AKV10022, 403 with the inner codes ForbiddenByRbac, ForbiddenByPolicy or AccessDenied,
/// ForbiddenByFirewall, ForbiddenByConnection.
fn key_vault(said: &Said) -> Option<Denial> {
    if said.has("AKV10032") {
        // Of several the vault's own tenant is the first; the others are Microsoft's.
        let expected = said.after("Expected one of ", ",").or_else(|| said.after("Expected ", ","));
        return Some(Denial::WrongTenant { expected });
    }
    if said.has("AKV10022") {
        return Some(Denial::WrongAudience { expected: said.after("Expected ", ", found") });
    }
    match said.inner.as_str() {
        "ForbiddenByRbac" => {
            let resource = said.after("Resource: '", "'").map(|id| vault_of(&id).to_owned());
            Some(Denial::NoRole { action: said.after("Action: '", "'"), resource })
        }
        "ForbiddenByPolicy" | "AccessDenied" => {
            Some(Denial::NoPolicy { permission: said.after("does not have ", " permission") })
        }
        "ForbiddenByFirewall" => Some(Denial::Firewall { address: said.after("Client address: ", "\n") }),
        "ForbiddenByConnection" => Some(Denial::PrivateOnly),
        _ => None,
    }
}

/// Recorded: 403 AccessDenied with the action, whose roles are the HSM's own; it has no access policies.
fn managed_hsm(said: &Said) -> Option<Denial> {
    let denied = said.code == "AccessDenied" || matches!(said.inner.as_str(), "AccessDenied" | "ForbiddenByRbac");
    let action = said.after("Not authorized to access ", " on ").or_else(|| said.after("Action: '", "'"));
    denied.then_some(Denial::NoRole { action, resource: None })
}

/// The vault that an object's ID lies in.
fn vault_of(id: &str) -> &str {
    let end = id.match_indices('/').map(|(at, _)| at).nth(8);
    end.map_or(id, |end| &id[..end])
}

/// Does the answer carry the mark of a service of Azure's?
fn own(answer: &Answer) -> bool {
    ["x-ms-request-id", "x-ms-correlation-request-id"].iter().any(|name| answer.header(name).is_some())
}

/// A service that is not known: 403 for who may not, and what RFC 6750 and the libraries of ASP.NET say in a 401's challenge.
fn any_other(answer: &Answer) -> Option<Denial> {
    let challenge = answer.header("www-authenticate").unwrap_or_default().to_ascii_lowercase();
    match answer.status {
        // App Service says so when an access restriction turns an address away.
        403 if answer.header("x-ms-forbidden-ip").is_some() => {
            Some(Denial::Firewall { address: answer.header("x-ms-forbidden-ip").map(str::to_owned) })
        }
        403 if answer.header("via").is_none() && answer.header("x-squid-error").is_none() => {
            Some(Denial::NoRole { action: None, resource: None })
        }
        401 if challenge.contains("invalid_token") && challenge.contains("audience") => {
            Some(Denial::WrongAudience { expected: None })
        }
        401 if challenge.contains("invalid_token") && challenge.contains("issuer") => {
            Some(Denial::WrongTenant { expected: None })
        }
        _ => None,
    }
}

/// Recorded: AuthorizationPermissionMismatch, AuthorizationFailure, and 401 or 403 with an AuthenticationErrorDetail.
fn storage(answer: &Answer, said: &Said) -> Option<Denial> {
    let detail = between(&answer.body, "<AuthenticationErrorDetail>", "</AuthenticationErrorDetail>");
    let detail = detail.unwrap_or_else(|| said.message.clone());
    if detail.contains("Audience validation failed") {
        return Some(Denial::WrongAudience { expected: None });
    }
    if detail.contains("Issuer validation failed") {
        return Some(Denial::WrongTenant { expected: None });
    }
    match said.code.as_str() {
        "AuthorizationPermissionMismatch" => Some(Denial::NoRole { action: None, resource: None }),
        "AuthorizationFailure" => Some(Denial::Firewall { address: None }),
        _ => None,
    }
}

/// Recorded: 401 UNAUTHORIZED when no role lets the caller in, 403 DENIED for an address that is not let in.
fn registry(answer: &Answer, said: &Said) -> Option<Denial> {
    match (answer.status, said.code.to_ascii_uppercase().as_str()) {
        (_, "DENIED") if said.has("client with IP") => {
            Some(Denial::Firewall { address: said.after("client with IP '", "'") })
        }
        (401, _) if said.has("token validation failed") => Some(Denial::WrongAudience { expected: None }),
        (401, "UNAUTHORIZED") | (403, "DENIED") => Some(Denial::NoRole { action: None, resource: None }),
        // assumed: what the exchange writes to somebody without any right is not on record, only that it is a 401.
        (401, "") if answer.body.is_empty() && own(answer) => Some(Denial::NoRole { action: None, resource: None }),
        _ => None,
    }
}

/// Recorded: everything is a 401, told apart by its words. To be shown an entity takes Manage, which applications that send and
/// receive do not have.
fn service_bus(answer: &Answer, said: &Said) -> Option<Denial> {
    if !matches!(answer.status, 401 | 403) {
        return None;
    }
    let claim = said.after("Unauthorized access. '", "' claim").or_else(|| said.after("access for '", "' operation"));
    if said.has("Ip has been prevented") || said.has("public network access") {
        return Some(Denial::Firewall { address: None });
    }
    if said.has("InvalidAudience") {
        return Some(Denial::WrongAudience { expected: None });
    }
    if said.has("Manage,EntityRead claims required") || claim.as_deref() == Some("Manage") {
        return Some(Denial::Unproven(
            "the namespace accepts the token, but only Azure Service Bus Data Owner is shown what is in it; whether the identity \
             may send or receive is not tried, since that would send or receive",
        ));
    }
    claim.map(|claim| Denial::NoRole { action: Some(claim), resource: None })
}

/// Documented: 401 with a Bearer error, 403 with a problem for the network; 403 with an empty body for a role (recorded).
fn app_configuration(answer: &Answer, said: &Said) -> Option<Denial> {
    let challenge = answer.header("www-authenticate").unwrap_or_default();
    match answer.status {
        401 if challenge.contains("wrong issuer") => Some(Denial::WrongTenant { expected: None }),
        401 if challenge.contains("invalid_token") => Some(Denial::WrongAudience { expected: None }),
        403 if said.code.ends_with("ip-address-rejected") || said.code.ends_with("nsp-rejected") => {
            Some(Denial::Firewall { address: None })
        }
        // An empty body is anybody's; a request ID is the service's (recorded).
        403 if answer.body.is_empty() && own(answer) => Some(Denial::NoRole { action: None, resource: None }),
        _ => None,
    }
}

/// Recorded: 403 with substatus 5301 for a role, 401 with 5007 for the tenant and 5008 for the audience, 403 for the firewall.
fn cosmos(answer: &Answer, said: &Said) -> Option<Denial> {
    match answer.header("x-ms-substatus").unwrap_or_default() {
        "5301" => Some(Denial::NoRole { action: said.after("perform action [", "]"), resource: None }),
        "5007" => Some(Denial::WrongTenant { expected: said.after("AAD tenant(s) [", "]") }),
        "5008" => Some(Denial::WrongAudience { expected: said.after("accepts tokens intended for [", "]") }),
        _ if said.has("blocked by your Cosmos DB account firewall") => {
            Some(Denial::Firewall { address: said.after("originated from IP ", " ") })
        }
        _ if said.has("required RBAC permissions") => {
            Some(Denial::NoRole { action: said.after("perform action [", "]"), resource: None })
        }
        _ if said.has("is not trusted by this database account") => {
            Some(Denial::WrongTenant { expected: said.after("AAD tenant(s) [", "]") })
        }
        _ if said.has("accepts tokens intended for") => {
            Some(Denial::WrongAudience { expected: said.after("accepts tokens intended for [", "]") })
        }
        _ => None,
    }
}
