//! The answer to a pasted text, version 1: the causes that were seen, one entry per code, best first, with the pages' remedies.
//!
//! The format is frozen: fields are added inside a major version, never renamed or removed. No secret and no control character
//! is in it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::fill::{Use, Values, fill, visible};
use crate::page::{self, Section};
use crate::report::{Remedy, Report, Word};
use crate::seal;
use crate::wording;

use super::cause::Confidence;
use super::general;
use super::scan::Seen;
use super::weigh::Sighting;

/// The name and major version of the format.
pub const SCHEMA: &str = "midoctor.explain/1";

/// Evidence is never longer, in characters.
const EVIDENCE: usize = 240;

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Answer {
    /// `midoctor.explain/1`.
    pub schema: String,
    /// The causes that the text allows, best first; empty when nothing is recognised.
    pub matches: Vec<Match>,
    /// How many lines the text has.
    pub lines: usize,
    /// What the checks found on this machine, when they were run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<Checked>,
}

/// One cause.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Match {
    /// The stable code.
    pub code: String,
    /// How sure it is: certain, likely or possible.
    #[schemars(with = "String")]
    pub confidence: Confidence,
    /// The number of the line that speaks for it, counted from 1.
    pub line: usize,
    /// What in that line does.
    pub evidence: String,
    /// The client that printed it, where that can be told.
    pub client: Option<String>,
    /// What to do about it.
    pub remedy: Remedy,
    /// How often it was seen.
    #[serde(skip)]
    pub times: usize,
}

/// What the checks say of these causes.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Checked {
    /// The verdict of the checks.
    pub verdict: Word,
    /// The codes among the matches that the checks found as well.
    pub confirmed: Vec<String>,
    /// All codes that the checks found.
    pub found: Vec<String>,
}

impl Answer {
    /// Puts what was seen into the pages' words.
    pub fn new(seen: Seen) -> Self {
        let mut kinds: Vec<(usize, Vec<Sighting>)> = Vec::new();
        for (rank, sighting) in seen.sightings.into_iter().enumerate() {
            match kinds.iter_mut().find(|(_, same)| same[0].cause.code == sighting.cause.code) {
                Some((_, same)) => same.push(sighting),
                None => kinds.push((rank, vec![sighting])),
            }
        }
        let mut matches: Vec<(usize, Match)> =
            kinds.into_iter().filter_map(|(rank, same)| Some((rank, merged(same)?))).collect();
        matches.sort_by_key(|(rank, one)| (std::cmp::Reverse(one.confidence), *rank));
        let matches = matches.into_iter().map(|(_, one)| one).collect();
        Self { schema: SCHEMA.into(), matches, lines: seen.lines, check: None }
    }

    /// Adds what the checks found.
    pub fn check(&mut self, report: &Report) {
        let mut found: Vec<String> = Vec::new();
        let root = report.root_cause.iter();
        let all = report.checks.iter().flat_map(|check| &check.findings).map(|finding| &finding.code);
        for code in root.chain(all) {
            if !found.contains(code) {
                found.push(code.clone());
            }
        }
        let confirmed = self.matches.iter().map(|one| &one.code).filter(|code| found.contains(code)).cloned().collect();
        self.check = Some(Checked { verdict: report.verdict, confirmed, found });
    }
}

/// All sightings of one code: the surest first one speaks for it.
fn merged(same: Vec<Sighting>) -> Option<Match> {
    let times = same.iter().map(|sighting| sighting.times).sum();
    let client = same.iter().find_map(|sighting| sighting.cause.client.clone());
    let best =
        same.into_iter().min_by_key(|sighting| (std::cmp::Reverse(sighting.cause.confidence), sighting.cause.line))?;
    let (_, section) = page::section(best.cause.code)?;
    let mut values = general::values();
    values.extend(best.facts);
    Some(Match {
        code: best.cause.code.into(),
        confidence: best.cause.confidence,
        line: best.cause.line,
        evidence: shortened(&shown(&best.cause.evidence)),
        client: best.cause.client.or(client).map(|client| shortened(&shown(&client))),
        remedy: remedy(section, &values),
        times,
    })
}

/// The page's fix. Where all its steps are about something that the text does not tell, they say what to put in.
fn remedy(section: &Section, values: &Values) -> Remedy {
    let mut remedy = wording::remedy(section, values, false);
    if remedy.steps.is_empty() {
        remedy.steps = section.steps.iter().map(|step| fill(step, values, Use::Prose)).collect();
        remedy.text = remedy.steps.first().cloned().unwrap_or_default();
    }
    remedy
}

/// Without secrets, and with nothing hidden.
fn shown(text: &str) -> String {
    visible(&seal::text(text)).trim().to_owned()
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= EVIDENCE {
        return text.to_owned();
    }
    let cut: String = text.chars().take(EVIDENCE - 1).collect();
    cut.trim_end().to_owned() + "…"
}
