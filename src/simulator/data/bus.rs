//! Service Bus and Event Hubs over HTTPS, which share their hosts and their words.

use super::{Asked, Fault, Right};
use crate::simulator::azure::Reaction;
use crate::simulator::scenario::Network;

const PREVENTED: &str = "Ip has been prevented to connect to the endpoint.\r\n For more information see: Virtual Network service \
    endpoints: Event Hubs: https://go.microsoft.com/fwlink/?linkid=2044192 Service Bus: \
    https://go.microsoft.com/fwlink/?linkid=2044235 IP Filters: Event Hubs: \
    https://go.microsoft.com/fwlink/?linkid=2044428 Service Bus: https://go.microsoft.com/fwlink/?linkid=2044183";

/// What a namespace answers.
pub(super) fn answer(asked: &Asked<'_>) -> Reaction {
    if matches!(asked.data.network, Network::Firewall | Network::Private) {
        return refuse(asked, &format!("{PREVENTED} "));
    }
    let root = asked.path().is_empty();
    // Documented for the root without a token.
    let authorization = asked.call.header("Authorization");
    if root && authorization.is_none() {
        return feed(asked, "Publicly Listed Services");
    }
    let accepts = |audience: &str| {
        let bare = audience.trim_end_matches('/');
        ["servicebus", "eventhubs"].iter().any(|alias| asked.uri(alias) == bare) || asked.is_own_address(audience)
    };
    let bearer = match asked.authenticate(asked.bearer(), accepts) {
        Ok(bearer) => bearer,
        Err(Fault::Audience(_)) => {
            return refuse(asked, "InvalidAudience: Invalid authorization token audience. ");
        }
        // assumed: the wording without a token.
        Err(Fault::Missing) if authorization.is_none() => {
            return refuse(asked, "MissingToken: The authorization header is missing. ");
        }
        // assumed: one wording for all other tokens, those of another tenant among them.
        Err(_) => return refuse(asked, "claim is empty or token is invalid. "),
    };
    if root {
        // assumed: as without a token; no right is needed.
        return feed(asked, "Publicly Listed Services");
    }
    // assumed: what the right to manage is called as a data action; the Data Owner roles alone cover it.
    let manages = [
        ("Microsoft.ServiceBus/namespaces/manage/action", "Microsoft.ServiceBus/namespaces"),
        ("Microsoft.EventHub/namespaces/manage/action", "Microsoft.EventHub/namespaces"),
    ];
    if manages.iter().any(|(action, kind)| asked.admits(&bearer, &Right::Data(action), &asked.resource_id(kind))) {
        return if asked.path().first().is_some_and(|name| name.starts_with('$')) {
            feed(asked, &asked.path().join("/"))
        } else {
            entry(asked, &asked.path().join("/"))
        };
    }
    refuse(asked, "Manage,EntityRead claims required for this operation. ")
}

/// assumed: as much of an entity's description as a reader looks at.
fn entry(asked: &Asked<'_>, title: &str) -> Reaction {
    let body = format!("<entry xmlns=\"http://www.w3.org/2005/Atom\"><title type=\"text\">{title}</title></entry>");
    asked.say(200, [("Content-Type", "application/atom+xml;type=entry;charset=utf-8".to_owned())], body)
}

/// assumed: as much of the feed as a reader looks at.
fn feed(asked: &Asked<'_>, title: &str) -> Reaction {
    let host = &asked.data.host;
    let body = format!(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title type=\"text\">{title}</title><id>https://{host}/</id></feed>"
    );
    asked.say(200, [("Content-Type", "application/atom+xml;type=feed;charset=utf-8".to_owned())], body)
}

fn refuse(asked: &Asked<'_>, detail: &str) -> Reaction {
    let path = asked.call.url.path().trim_start_matches('/');
    let body = format!(
        "<Error><Code>401</Code><Detail>{detail}TrackingId:{}_G4S2, SystemTracker:{}:{path}, Timestamp:{}</Detail></Error>",
        asked.request_id(),
        asked.data.host,
        asked.call.now.strftime("%Y-%m-%dT%H:%M:%S")
    );
    asked.say(401, [("Content-Type", "application/xml; charset=utf-8".to_owned())], body)
}
