//! What the targets share: a wire that answers as the fuzzer says, and what must hold of every report and in every format.
//!
//! The targets say what goes in; nothing here decides what is wrong with a parser.

#![forbid(unsafe_code)]

pub mod promises;
pub mod script;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use midoctor::diagnosis;
use midoctor::evidence::Evidence;
use midoctor::report::{Report, Run};
use midoctor::simulator::CANARY;

/// The time of every run.
pub const NOW: &str = "2026-09-01T10:11:12Z";

/// Stands around the claims of a token: `\x01{"aud":"x"}\x01` becomes a token with these claims.
pub const MARK: char = '\u{1}';

/// The time of every run.
pub fn now() -> jiff::Timestamp {
    NOW.parse().unwrap()
}

/// The report that this evidence leads to.
pub fn judged(evidence: Evidence) -> Report {
    let run = Run { id: "r".into(), started: NOW.into(), attempts: 1, ..Run::default() };
    Report::new(&diagnosis::diagnose(&evidence), evidence, run)
}

/// The text with each pair of marks replaced by a token of the claims between them, signed by nobody: the canary is in its signature.
/// `None` where the text holds the canary already, since then it is nobody's secret.
pub fn with_tokens(text: &str) -> Option<String> {
    if text.contains(CANARY) {
        return None;
    }
    let mut parts = text.split(MARK);
    let mut whole = parts.next().unwrap_or_default().to_owned();
    while let Some(claims) = parts.next() {
        let Some(after) = parts.next() else {
            whole.push_str(claims);
            break;
        };
        let claims = URL_SAFE_NO_PAD.encode(claims);
        whole.push_str(&format!("eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.{claims}.{CANARY}{CANARY}"));
        whole.push_str(after);
    }
    Some(whole)
}

/// Splits off the first byte, which says what to do with the rest.
pub fn kind(data: &[u8]) -> Option<(u8, &[u8])> {
    data.split_first().map(|(first, rest)| (*first, rest))
}
