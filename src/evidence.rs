//! What was asked and what came back: requests, outcomes, exchanges, and the one way out, the trait [`Wire`].
//!
//! Evidence keeps answers as they were received, tokens reduced to their claims. Nothing here judges, and nothing
//! here talks: the wires do that, in `wire/` and `simulator/`.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::plan::Plan;
use crate::token::{Claims, Secret, Token};

/// One question that can be put to the outside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Request {
    /// An HTTP request.
    Http(HttpRequest),
    /// A TCP connection that is closed again at once.
    Connect {
        /// An IP address.
        host: String,
        /// A TCP port.
        port: u16,
    },
    /// The addresses of a name.
    Resolve {
        /// A DNS name.
        host: String,
    },
    /// The environment variables that clients of managed identities read (see [`VARIABLES`]).
    Environment,
    /// A short text file on the machine.
    File {
        /// An absolute path.
        path: String,
    },
}

/// An HTTP request as it is kept in evidence: the token it carries is named, never written down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct HttpRequest {
    /// `GET` is all that midoctor sends.
    pub method: String,
    /// The whole URL with its query.
    pub url: String,
    /// Headers beyond Host, User-Agent and Accept.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The URL of the question whose token this request carries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer: Option<String>,
    /// Which way it goes.
    #[serde(default)]
    pub route: Route,
}

/// Which way an HTTP request goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// Straight to the host, whatever the environment says: the metadata service must not be asked through a proxy.
    #[default]
    Direct,
    /// As clients go: through `HTTPS_PROXY` unless `NO_PROXY` names the host.
    AsClients,
}

impl Request {
    /// A GET without anything else, straight to the host.
    pub fn get(url: impl Into<String>) -> Self {
        Self::Http(HttpRequest {
            method: "GET".into(),
            url: url.into(),
            headers: BTreeMap::new(),
            bearer: None,
            route: Route::Direct,
        })
    }

    /// A GET as the metadata service wants it: `Metadata: true`, never through a proxy.
    pub fn metadata(path_and_query: &str) -> Self {
        Self::Http(HttpRequest {
            method: "GET".into(),
            url: format!("http://{METADATA_ADDRESS}{path_and_query}"),
            headers: BTreeMap::from([("Metadata".to_owned(), "true".to_owned())]),
            bearer: None,
            route: Route::Direct,
        })
    }

    /// A GET to Azure Resource Manager, as clients go there, with the token that `token_request` brought.
    pub fn manager(url: impl Into<String>, token_request: Option<&Request>) -> Self {
        Self::Http(HttpRequest {
            method: "GET".into(),
            url: url.into(),
            headers: BTreeMap::new(),
            bearer: token_request.and_then(|request| request.url()).map(str::to_owned),
            route: Route::AsClients,
        })
    }

    /// The URL of an HTTP request.
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Http(http) => Some(&http.url),
            _ => None,
        }
    }

    /// Does this question go to the metadata service, which answers at most five at a time?
    pub fn goes_to_metadata(&self) -> bool {
        match self {
            Self::Http(http) => http.url.starts_with(&format!("http://{METADATA_ADDRESS}/")),
            Self::Connect { host, .. } => host == METADATA_ADDRESS,
            _ => false,
        }
    }

    /// Is this a question for a token at the metadata service?
    pub fn asks_for_token(&self) -> bool {
        self.url().is_some_and(|url| url.starts_with(&format!("http://{METADATA_ADDRESS}{TOKEN_PATH}?")))
    }

    /// The question in a few words for people: `GET /metadata/instance`, `connect to 127.0.0.1:50342`.
    pub fn in_words(&self) -> String {
        match self {
            Self::Http(http) => {
                let url = http.url.split('?').next().unwrap_or_default();
                let short = url.strip_prefix(&format!("http://{METADATA_ADDRESS}")).unwrap_or(url);
                format!("{} {short}", http.method)
            }
            Self::Connect { host, port } => format!("connect to {host}:{port}"),
            Self::Resolve { host } => format!("resolve {host}"),
            Self::Environment => "read the environment".into(),
            Self::File { path } => format!("read {path}"),
        }
    }
}

/// Where the metadata service answers on every Azure VM (Microsoft's instance-metadata-service page).
pub const METADATA_ADDRESS: &str = "169.254.169.254";
/// Where the metadata service issues tokens.
pub const TOKEN_PATH: &str = "/metadata/identity/oauth2/token";

/// The environment variables that are asked for: those that Microsoft's clients read before or while they look for a
/// managed identity. Of those that hold secrets only the fact that they are set is kept (see [`is_secret`]).
pub const VARIABLES: &[&str] = &[
    "ACC_CLOUD",
    "ALL_PROXY",
    "AZUREPS_HOST_ENVIRONMENT",
    "AZURE_AUTHORITY_HOST",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_PASSWORD",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "AZURE_TENANT_ID",
    "AZURE_TOKEN_CREDENTIALS",
    "AZURE_USERNAME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSAL_MANAGED_IDENTITY_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    "NO_PROXY",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Does this variable hold a secret? Of such a variable only the fact that it is set goes into evidence.
pub fn is_secret(variable: &str) -> bool {
    let name = variable.to_ascii_uppercase();
    name.ends_with("_SECRET") || name.ends_with("_PASSWORD") || name == "IDENTITY_HEADER"
}

/// What came back, as it is kept: never an error of midoctor's own, always an answer of the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum Outcome {
    /// An HTTP response.
    Answered(Answer),
    /// The TCP connection was made.
    Connected,
    /// The name has these addresses.
    Resolved {
        /// IP addresses in the resolver's order.
        addresses: Vec<String>,
    },
    /// The variables of [`VARIABLES`] that are set.
    Variables {
        /// Name to value; `(set)` instead of a secret, user-info taken out of URLs.
        set: BTreeMap<String, String>,
    },
    /// The file's text, without surrounding white space, at most 4,096 bytes of it.
    Contents {
        /// The text.
        text: String,
    },
    /// Nothing usable came back.
    Failed(Failed),
}

/// An HTTP response with its secrets taken out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers that tell who answered, with lower-case names; others are left out.
    pub headers: BTreeMap<String, String>,
    /// The body as text, at most [`BODY_LIMIT`] bytes; a token in it reads `(sealed)`.
    pub body: String,
    /// Was the body longer than what is kept?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// What the issued token says, where the answer holds one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Claims>,
    /// The certificate the server showed, for HTTPS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
}

/// Why nothing usable came back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Failed {
    /// The kind of failure.
    pub why: Failure,
    /// The system's own words, sealed and shortened.
    pub detail: String,
    /// The certificate the server showed, when TLS got that far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<Certificate>,
}

/// The kinds of failure that lead to different advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// No TCP connection came about in time: packets vanish.
    ConnectTimeout,
    /// Connected, but the answer did not come or did not end in time.
    AnswerTimeout,
    /// The other side refused the connection.
    Refused,
    /// The machine has no route there.
    Unroutable,
    /// The connection was closed or reset before the answer was complete.
    Closed,
    /// The name does not resolve.
    NameUnknown,
    /// TLS: the certificate is not one this machine trusts for this name and time.
    CertificateRefused,
    /// TLS failed before a certificate could be judged.
    TlsFailed,
    /// The proxy of the environment did not let the request through.
    ProxyFailed,
    /// What came back was not HTTP.
    NotHttp,
    /// More came back than is read.
    TooLarge,
    /// There is no such file.
    Absent,
    /// The file may not be read by this user.
    Denied,
    /// The run's deadline passed before the question could be put.
    NotAsked,
    /// This machine cannot put that question.
    Unsupported,
    /// Anything else; see the detail.
    Other,
}

/// A server's certificate, as far as a person needs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Certificate {
    /// The subject's distinguished name.
    pub subject: String,
    /// The issuer's distinguished name.
    pub issuer: String,
    /// Names it is valid for.
    pub names: Vec<String>,
    /// Valid from, RFC 3339.
    pub not_before: String,
    /// Valid until, RFC 3339.
    pub not_after: String,
    /// Why it was refused; absent when it was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// At most so many bytes of a body are read and kept.
pub const BODY_LIMIT: usize = 1 << 20;

/// One try at a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Attempt {
    /// Milliseconds from the start of the run.
    pub started_ms: u64,
    /// Milliseconds until the outcome was there.
    pub duration_ms: u64,
    /// What came back.
    pub outcome: Outcome,
}

/// A question with every try at it, oldest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Exchange {
    /// The question.
    pub request: Request,
    /// Its tries; at least one.
    pub attempts: Vec<Attempt>,
}

/// All that a run has learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The machine's own clock when the run started; everything is judged against this.
    #[schemars(with = "String")]
    pub taken_at: jiff::Timestamp,
    /// What the run was asked to look at, so that it can be judged again.
    #[serde(default)]
    pub asked: Plan,
    /// Every question put, in the order of the rounds.
    pub exchanges: Vec<Exchange>,
}

impl Evidence {
    /// Nothing learned yet.
    pub fn new(taken_at: jiff::Timestamp, asked: Plan) -> Self {
        Self { taken_at, asked, exchanges: Vec::new() }
    }

    /// The exchange that put this question.
    pub fn exchange(&self, request: &Request) -> Option<&Exchange> {
        self.exchanges.iter().find(|exchange| exchange.request == *request)
    }

    /// The last outcome of this question.
    pub fn outcome(&self, request: &Request) -> Option<&Outcome> {
        self.exchange(request).and_then(Exchange::last).map(|attempt| &attempt.outcome)
    }

    /// The HTTP response to this question, when its last try brought one.
    pub fn answer(&self, request: &Request) -> Option<&Answer> {
        self.outcome(request).and_then(Outcome::answer)
    }

    /// Has this question been put?
    pub fn has(&self, request: &Request) -> bool {
        self.exchange(request).is_some()
    }
}

impl Exchange {
    /// The last try.
    pub fn last(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// From the first try's start to the last one's end.
    pub fn took(&self) -> Duration {
        let start = self.attempts.first().map_or(0, |attempt| attempt.started_ms);
        let end = self.last().map_or(0, |attempt| attempt.started_ms.saturating_add(attempt.duration_ms));
        Duration::from_millis(end.saturating_sub(start))
    }
}

impl Outcome {
    /// The HTTP response, if that is what came back.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Answered(answer) => Some(answer),
            _ => None,
        }
    }

    /// The failure, if that is what came back.
    pub fn failure(&self) -> Option<&Failed> {
        match self {
            Self::Failed(failed) => Some(failed),
            _ => None,
        }
    }

    /// A failure with its words.
    pub fn failed(why: Failure, detail: impl Into<String>) -> Self {
        Self::Failed(Failed { why, detail: detail.into(), certificate: None })
    }
}

impl Answer {
    /// A header's value; the name is compared without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(&name.to_ascii_lowercase()).map(String::as_str)
    }

    /// The body as JSON, when it is.
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_str(self.body.trim_start_matches('\u{feff}')).ok()
    }
}

/// What a wire brings back before the recorder has sealed it. It can hold a token, so it has neither `Debug` nor
/// `Serialize`.
pub struct Reply {
    /// How long the try took.
    pub took: Duration,
    /// What came back.
    pub raw: Raw,
}

/// A reply's content, not yet sealed.
pub enum Raw {
    /// An HTTP response, body as received.
    Http {
        /// The status code.
        status: u16,
        /// All headers in order, as received.
        headers: Vec<(String, String)>,
        /// At most [`BODY_LIMIT`] bytes.
        body: Secret,
        /// Was there more?
        cut: bool,
        /// The certificate the server showed, for HTTPS.
        certificate: Option<Certificate>,
    },
    /// Any other outcome.
    Plain(Outcome),
}

/// The only way out. The machine, the simulator and, later, a saved report implement it.
pub trait Wire: Sync {
    /// Puts one question once and waits at most `within`. Never fails: every failure is an outcome.
    fn ask(&self, request: &Request, bearer: Option<&Token>, within: Duration) -> Reply;

    /// Waits between two tries.
    fn pause(&self, how_long: Duration);

    /// The machine's own wall clock.
    fn now(&self) -> jiff::Timestamp;
}
