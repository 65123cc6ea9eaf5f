//! The one type that can hold a token, and the claims that may be shown of one.
//!
//! Neither [`Token`] nor [`Secret`] has `Debug`, `Display` or `Serialize`; both are overwritten when dropped. Claims are
//! read, not verified: the receiving service verifies the signature, and a VM may have no way to the keys.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Bytes from the wire that may hold a secret.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for the recorder alone.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// An access token.
pub struct Token(Zeroizing<String>);

impl Token {
    /// Takes the text of a token over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The token's text, for the wire that sends it and the recorder that looks for it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the token says of itself.
    pub fn claims(&self) -> Claims {
        Claims::read(&self.0)
    }
}

/// What may be kept of a token: the known claims, nothing that could be used to sign in.
///
/// Which claims a managed identity's token carries: recordings of 2021 and 2023 (system- and user-assigned).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Claims {
    /// Why the token could not be read as a JWT; absent when it could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
    /// How many bytes the token has.
    pub length: usize,
    /// The claims of [`KNOWN`] that are texts or numbers, as they stand.
    #[serde(flatten)]
    pub known: BTreeMap<String, serde_json::Value>,
}

/// The claims that are kept. `aio`, `rh`, `uti` and whatever else a token holds stay behind.
pub const KNOWN: &[&str] = &[
    "aud",
    "iss",
    "iat",
    "nbf",
    "exp",
    "appid",
    "azp",
    "appidacr",
    "idp",
    "idtyp",
    "oid",
    "sub",
    "tid",
    "ver",
    "xms_mirid",
    "xms_az_rid",
    "permissions",
];

/// A token longer than this is none: no server takes so much in a header, and Entra keeps its tokens far below.
const TOKEN_LIMIT: usize = 32 * 1024;

/// A claim longer than this is not one that Entra issues; it is left out.
const CLAIM_LIMIT: usize = 1024;

impl Claims {
    fn read(token: &str) -> Self {
        match decode(token) {
            Ok(known) => Self { unreadable: None, length: token.len(), known },
            Err(why) => Self { unreadable: Some(why.to_owned()), length: token.len(), known: BTreeMap::new() },
        }
    }

    /// A claim that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.known.get(name).and_then(|value| value.as_str())
    }

    /// The client ID: `appid` in v1 tokens, `azp` in v2 ones.
    pub fn client_id(&self) -> Option<&str> {
        self.text("appid").or_else(|| self.text("azp"))
    }

    /// A claim that is a time: seconds since 1970, as number or as text.
    pub fn time(&self, name: &str) -> Option<jiff::Timestamp> {
        let value = self.known.get(name)?;
        let seconds = value.as_i64().or_else(|| value.as_str()?.parse().ok())?;
        jiff::Timestamp::from_second(seconds).ok()
    }
}

fn decode(token: &str) -> Result<BTreeMap<String, serde_json::Value>, &'static str> {
    if token.len() > TOKEN_LIMIT {
        return Err("it is longer than any token that a service takes");
    }
    let parts: Vec<&str> = token.split('.').collect();
    let [_, payload, _] = parts[..] else {
        return Err(match parts.len() {
            1 => "it has one part where a JWT has three",
            2 => "it has two parts where a JWT has three",
            _ => "it has more than the three parts of a JWT",
        });
    };
    let bytes = Zeroizing::new(
        URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).map_err(|_| "its second part is not base64url")?,
    );
    // It goes into a header as it is.
    if !token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.=".contains(&byte)) {
        return Err("it holds characters that a JWT cannot have");
    }
    let all: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(&bytes).map_err(|_| "its second part is not a JSON object")?;
    Ok(all
        .into_iter()
        .map(|(name, value)| if name == "permissions" { (name, actions(&value)) } else { (name, value) })
        .filter(|(name, value)| {
            KNOWN.contains(&name.as_str())
                && match value {
                    serde_json::Value::String(text) => text.len() <= CLAIM_LIMIT,
                    serde_json::Value::Number(_) => true,
                    _ => false,
                }
        })
        .collect())
}

/// What a container registry's token permits, its `permissions.actions`, in one text: `read write` (documented by the registry).
fn actions(permissions: &serde_json::Value) -> serde_json::Value {
    let listed = ["actions", "Actions"].iter().find_map(|name| permissions.get(name)?.as_array());
    let words: Vec<&str> = listed.into_iter().flatten().filter_map(|word| word.as_str()).collect();
    if listed.is_some() { words.join(" ").into() } else { serde_json::Value::Null }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_reduced_to_its_known_claims() {
        let payload = URL_SAFE_NO_PAD.encode(r#"{"aud":"a","exp":1757695256,"uti":"opaque","roles":["x"],"tid":5}"#);
        let claims = Token::new(format!("e30.{payload}.c2ln")).claims();
        assert_eq!(claims.text("aud"), Some("a"));
        assert_eq!(claims.time("exp").map(|time| time.as_second()), Some(1_757_695_256));
        assert_eq!(claims.known.keys().collect::<Vec<_>>(), ["aud", "exp", "tid"]);
    }

    #[test]
    fn a_text_that_is_no_jwt_says_why() {
        for (text, why) in [
            ("", "it has one part where a JWT has three"),
            ("a.b", "it has two parts where a JWT has three"),
            ("a.b.c.d.e", "it has more than the three parts of a JWT"),
            ("a.*.c", "its second part is not base64url"),
            ("a.e30x.c", "its second part is not a JSON object"),
            ("a.e30.c\r\nX: y", "it holds characters that a JWT cannot have"),
            (&format!("a.e30.{}", "c".repeat(32 * 1024)), "it is longer than any token that a service takes"),
        ] {
            assert_eq!(Token::new(text.into()).claims().unreadable.as_deref(), Some(why), "{text}");
        }
    }
}
