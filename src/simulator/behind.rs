//! What is behind the proxy that the variables name, as far as plain HTTP goes: what it makes of a question for the metadata
//! service.

use std::time::Duration;

use serde::Deserialize;

use crate::evidence::{Failure, Outcome, Raw, Reply};
use crate::token::Secret;

/// What the proxy makes of such a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Behind {
    /// It cannot reach the address from where it is, and says so.
    BadGateway,
    /// It is on this VM and passes the question on.
    Passes,
    /// Packets to it vanish.
    Silent,
    /// Nothing listens there.
    Refused,
}

/// How long a connection to it is waited for at most.
const PATIENCE: Duration = Duration::from_millis(4_500);
/// How long a proxy in the same network takes.
const NEAR: Duration = Duration::from_millis(3);
/// How long it tries before it gives up (assumed: a route that is refused at once).
const GIVES_UP: Duration = Duration::from_millis(40);

impl Behind {
    /// What comes back in place of the metadata service's answer; `None` when the question is passed on.
    pub(super) fn instead(self, within: Duration) -> Option<Reply> {
        let fail = |took, why, detail: &str| Some(Reply { took, raw: Raw::Plain(Outcome::failed(why, detail)) });
        match self {
            Self::Passes => None,
            Self::Silent => fail(within.min(PATIENCE), Failure::ConnectTimeout, "the connection timed out"),
            Self::Refused => fail(NEAR, Failure::Refused, "Connection refused"),
            Self::BadGateway => {
                let headers = [
                    ("Server", "squid/5.7"),
                    ("Content-Type", "text/html"),
                    ("X-Squid-Error", "ERR_CONNECT_FAIL 113"),
                    ("Via", "1.1 proxy (squid/5.7)"),
                ];
                let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
                let body = b"<html><body>The requested URL could not be retrieved</body></html>".to_vec();
                let raw = Raw::Http { status: 502, headers, body: Secret::new(body), cut: false, certificate: None };
                Some(Reply { took: GIVES_UP, raw })
            }
        }
    }
}
