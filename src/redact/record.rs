//! The record of a redaction, which goes with the report, and the map of its pseudonyms, which does not. The record never holds
//! what was taken out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The name and major version of the record's format.
pub const SCHEMA: &str = "midoctor.redactions/1";
/// The name and major version of the map's format.
pub const MAP_SCHEMA: &str = "midoctor.pseudonyms/1";

/// Every redaction of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// `midoctor.redactions/1`; fields are added inside a major version, never renamed or removed.
    pub schema: String,
    /// `none`, `secrets` or `ids`.
    pub level: String,
    /// Does this version judge the redacted evidence as it judges the whole one: verdict, root cause, statuses, codes?
    pub judged_alike: bool,
    /// Where what was taken out, in the order of places.
    pub redactions: Vec<Entry>,
}

/// What one rule took out of one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// The place in `report.json`, as a JSON pointer (RFC 6901).
    #[serde(rename = "where")]
    pub place: String,
    /// The rule: `header`, `user-info`, `secret`, `name`, `content`, `words`.
    pub rule: String,
    /// What was taken out: `vm`, `guid`, `host`, `address` and so on.
    pub kind: String,
    /// How many times.
    pub times: usize,
    /// How many characters all together.
    pub characters: usize,
}

impl Record {
    /// Nothing taken out yet.
    pub fn new(level: &str) -> Self {
        Self { schema: SCHEMA.into(), level: level.into(), judged_alike: true, redactions: Vec::new() }
    }

    /// One more redaction.
    pub(super) fn add(&mut self, place: &str, rule: &str, kind: &str, characters: usize) {
        // Those of one place come one after the other.
        let same = |entry: &&mut Entry| entry.place == place;
        let mut here = self.redactions.iter_mut().rev().take_while(same);
        match here.find(|entry| entry.rule == rule && entry.kind == kind) {
            Some(known) => (known.times, known.characters) = (known.times + 1, known.characters + characters),
            None => self.redactions.push(Entry {
                place: place.into(),
                rule: rule.into(),
                kind: kind.into(),
                times: 1,
                characters,
            }),
        }
    }

    /// Leaves the evidence's alone: the words are made anew.
    pub(super) fn forget_words(&mut self) {
        self.redactions.retain(|entry| entry.place.starts_with("/evidence/"));
    }

    /// Puts them into the order of places.
    pub(super) fn sort(&mut self) {
        self.redactions.sort();
    }
}

/// What each pseudonym stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Pseudonyms {
    /// `midoctor.pseudonyms/1`; fields are added inside a major version, never renamed or removed.
    pub schema: String,
    /// One entry per name.
    pub names: Vec<Known>,
}

/// A name and its pseudonym.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Known {
    /// `vm`, `guid`, `host`, `address` and so on.
    pub kind: String,
    /// As it was.
    pub original: String,
    /// As it is now.
    pub pseudonym: String,
}

impl Default for Pseudonyms {
    fn default() -> Self {
        Self { schema: MAP_SCHEMA.into(), names: Vec::new() }
    }
}
