//! From a passage of text to the causes that it allows, best first.
//!
//! Structure decides before wording: bodies, status codes, error numbers, hosts and ports are taken out and judged with the
//! functions that judge live answers; the symptoms on the pages come second. What a text does not tell is not guessed.

use serde::Serialize;

/// A few lines of a text that belong together, without secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passage {
    /// The number of the first line, counted from 1.
    pub first: usize,
    /// The lines.
    pub lines: Vec<String>,
}

/// How sure a cause is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// The text allows it among others.
    Possible,
    /// The text speaks for it.
    Likely,
    /// The text says so itself.
    Certain,
}

/// A cause that a passage allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The code, as on the pages.
    pub code: &'static str,
    /// How sure it is.
    pub confidence: Confidence,
    /// The number of the line that speaks for it, counted from 1.
    pub line: usize,
    /// What in that line does.
    pub evidence: String,
    /// The client that printed it, where that can be told.
    pub client: Option<String>,
}

/// The causes that a passage allows, best first; none when nothing is recognised.
pub fn causes(_passage: &Passage) -> Vec<Cause> {
    Vec::new()
}

/// Texts of which every passage that [`causes`] can make something of holds at least one, whatever its case.
pub fn triggers() -> Vec<String> {
    Vec::new()
}
