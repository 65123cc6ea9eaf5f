//! Somebody's own API behind Entra ID.
//!
//! assumed: it speaks like ASP.NET Core with its bearer handler: challenges in the header, no bodies.

use super::{Asked, Fault};
use crate::simulator::azure::Reaction;
use crate::simulator::scenario::{Access, Network};

/// What an API answers.
pub(super) fn answer(asked: &Asked<'_>) -> Reaction {
    let own = format!("https://{}", asked.data.host);
    let wanted = asked.data.audience.as_deref().unwrap_or(&own).trim_end_matches('/');
    if matches!(asked.data.network, Network::Firewall | Network::Private) {
        return asked.say(403, [], "");
    }
    let challenged = |why: String| {
        let error = if why.is_empty() {
            "Bearer".to_owned()
        } else {
            format!(r#"Bearer error="invalid_token", error_description="{why}""#)
        };
        asked.say(401, [("WWW-Authenticate", error)], "")
    };
    match asked.authenticate(asked.bearer(), |audience| audience.trim_end_matches('/') == wanted) {
        Ok(_) if asked.data.access == Access::Admits => {
            asked.say(200, [("Content-Type", "application/json; charset=utf-8".to_owned())], "{}")
        }
        Ok(_) => asked.say(403, [], ""),
        Err(Fault::Missing) => challenged(String::new()),
        Err(Fault::Audience(found)) => challenged(format!("The audience '{found}' is invalid")),
        Err(Fault::Issuer(found)) => challenged(format!("The issuer '{found}' is invalid")),
        Err(Fault::Expired) => challenged("The token is expired".to_owned()),
        Err(Fault::Malformed) => challenged("The token is invalid".to_owned()),
    }
}
