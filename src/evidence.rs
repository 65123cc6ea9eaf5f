//! What came back: outcomes, exchanges, the evidence of a run, and the one way out, the trait [`Wire`]. What can be asked is
//! in [`crate::request`].
//!
//! Evidence keeps answers as they were received, tokens reduced to their claims. Nothing here judges, and nothing
//! here talks: the wires do that, in `wire/` and `simulator/`.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::certificate::{Certificate, ChainFault, Dated, TrustedBy};
use crate::network::{FirewallRule, LocalNetwork};
use crate::plan::Plan;
pub use crate::request::{
    Carry, FirmwareField, HttpRequest, METADATA_ADDRESS, PROXY_AGENT_STATUS, Request, Route, TOKEN_PATH, USER_BYPASS,
    USER_PROXY, VARIABLES, WINHTTP_BYPASS, WINHTTP_OTHER_PROXY, WINHTTP_PROXY, is_secret,
};
use crate::token::{Claims, Secret, Token};

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
    /// The variables of [`VARIABLES`] that are set; of [`Request::Settings`] its settings by name, and as those of a unit the
    /// variables that the registry keeps.
    Variables {
        /// Name to value; `(set)` instead of a secret, user-info taken out of URLs.
        set: BTreeMap<String, String>,
        /// For a service: what its files say, and what of it could not be read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<UnitSettings>,
    },
    /// Whether a process has the network that midoctor has.
    Shares {
        /// The process.
        process: u32,
        /// Has it? Otherwise it is in a network namespace of its own.
        network: bool,
    },
    /// The file's text, without surrounding white space, at most 4,096 bytes of it; of the guest proxy agent's status at most
    /// [`BODY_LIMIT`], without the command lines in it.
    Contents {
        /// The text.
        text: String,
    },
    /// The file is there.
    Present,
    /// The machine's network, as its kernel tells it.
    Network(LocalNetwork),
    /// The packet filter's rules that are about the metadata service; empty where none is.
    Firewall {
        /// In the order in which packets meet them.
        rules: Vec<FirewallRule>,
        /// Chains with something that may keep packets or their answers and that midoctor does not follow: `inet filter input`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unfollowed: Vec<String>,
    },
    /// Nothing usable came back.
    Failed(Failed),
}

/// What the files of a service say about its environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnitSettings {
    /// The main process, when it runs and could be read: then the variables are its own, as it was started. Otherwise they are
    /// those that the files declare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<u32>,
    /// The variables that its files declare: what it would be started with now. Sealed like the others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub declared: BTreeMap<String, String>,
    /// The file that sets each declared variable.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub from: BTreeMap<String, String>,
    /// What could not be read and by which right it could be: one sentence part each, without full stop.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
}

/// An HTTP response with its secrets taken out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers that tell who answered, with lower-case names; others are left out.
    pub headers: BTreeMap<String, String>,
    /// The body as text, at most [`BODY_LIMIT`] or [`LIST_LIMIT`] bytes, of a longer one its first [`CUT_LIMIT`]; a token in it reads
    /// `(sealed)`.
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

/// So begins the detail of what had no time because a signal cut the run short.
pub const CUT_SHORT: &str = "the run was cut short";

impl Failed {
    /// Had it no time because a signal cut the run short?
    pub fn is_cut_short(&self) -> bool {
        self.why == Failure::OutOfTime && self.detail.starts_with(CUT_SHORT)
    }

    /// Why it had no time, for [`Failure::OutOfTime`].
    pub fn before_the_answer(&self) -> &'static str {
        if self.is_cut_short() {
            "the run was cut short before it could answer"
        } else {
            "the run's deadline passed before it could answer"
        }
    }
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
    /// The run's deadline passed, or a signal cut the run short, before the question could be put, or before its answer came.
    OutOfTime,
    /// This machine cannot put that question.
    Unsupported,
    /// Anything else; see the detail.
    Other,
}

/// At most so many bytes of a body are read and kept.
pub const BODY_LIMIT: usize = 1 << 20;

/// At most so many bytes of what comes from elsewhere than the metadata service: Azure Resource Manager lists thousands of role
/// assignments in one page.
pub const LIST_LIMIT: usize = 6 << 20;

/// So many bytes are kept of a body that is longer than is read, or that nobody could read anyway.
pub const CUT_LIMIT: usize = 64 << 10;

/// How many values a JSON text can hold at most: those signs that stand before each, wherever they are. What is made of a text takes
/// memory by these, not by its bytes.
pub fn values_at_most(json: &[u8]) -> usize {
    json.iter().filter(|byte| matches!(byte, b',' | b':' | b'[' | b'{')).count()
}

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
    /// The try that counts: the last one, or, when that ran out of time, the last one before it that was answered.
    pub fn last(&self) -> Option<&Attempt> {
        let last = self.attempts.last()?;
        let late = |failed: &Failed| {
            matches!(failed.why, Failure::ConnectTimeout | Failure::AnswerTimeout | Failure::OutOfTime)
        };
        let answered = || self.attempts.iter().rev().find(|attempt| attempt.outcome.answer().is_some());
        last.outcome.failure().filter(|failed| late(failed)).and_then(|_| answered()).or(Some(last))
    }

    /// From the first try's start to the last one's end.
    pub fn took(&self) -> Duration {
        let start = self.attempts.first().map_or(0, |attempt| attempt.started_ms);
        let end = self.attempts.last().map_or(0, |attempt| attempt.started_ms.saturating_add(attempt.duration_ms));
        Duration::from_millis(end.saturating_sub(start))
    }
}

impl Outcome {
    /// Are these all the variables that clients are started with? Of a process that runs they are, whatever the files of its unit say.
    pub fn is_whole_environment(&self) -> bool {
        match self {
            Self::Variables { unit: Some(unit), .. } => unit.process.is_some() || unit.unread.is_empty(),
            Self::Variables { unit: None, .. } => true,
            _ => false,
        }
    }

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

    /// Time since the run began, where it is real; `None` where answers say how long they would have taken.
    fn elapsed(&self) -> Option<Duration> {
        None
    }
}
