//! From a passage of text to the causes that it allows, best first.
//!
//! Structure decides before wording: bodies, status codes, error numbers, hosts and ports are taken out and judged with the
//! functions that judge live answers; the symptoms on the pages come second. What a text does not tell is not guessed.

mod bodies;
mod chain;
mod client;
mod clues;
mod connections;
mod faults;
mod found;
mod judge;
mod records;
pub mod symptom;
mod text;
mod transport;
mod triggers;

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
pub fn causes(passage: &Passage) -> Vec<Cause> {
    let passage = records::of_interest(passage);
    let text = text::Text::read(&passage);
    let client = client::of(&text);
    let cause = |(text, found): (&text::Text, found::One)| Cause {
        code: found.code,
        confidence: found.confidence,
        line: text.line(found.at.start),
        evidence: text.evidence(found.at),
        client: client.or(found.client).map(str::to_owned),
    };
    let (part, found) = judge::judge(&text);
    let part = part.as_ref().unwrap_or(&text);
    found.into_iter().map(|one| cause((part, one))).collect()
}

/// Texts of which every passage that [`causes`] can make something of holds at least one, whatever its case.
pub fn triggers() -> Vec<String> {
    triggers::TRIGGERS.iter().map(|text| (*text).to_owned()).collect()
}
