//! Takes out of a report what others should not see. Pure: a report and a level in, the redacted report, a record of what was
//! taken out, and the map from names to pseudonyms out.
//!
//! The evidence is redacted place by place; the words are then made anew from it, wherever this version would have made the same
//! words from the evidence as it was, so that nothing has to be looked for in sentences. Pseudonyms keep the shape and the order
//! of what they stand for: a redacted report is judged as the whole one was, and redacting it again changes nothing.

mod address;
mod body;
mod certificate;
mod host;
mod letters;
mod local;
mod names;
mod places;
mod record;
mod resource;
mod secrets;
mod text;

use serde_json::Value;

use crate::diagnosis;
use crate::report::{CheckReport, Report};
use crate::seal;
use crate::strings;

use names::Names;
pub use record::{Entry, Known, Pseudonyms, Record};

/// How much is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing beyond what the recorder sealed.
    None,
    /// User-info in URLs, values of headers that no check reads, what looks like a secret.
    Secrets,
    /// These, and whatever names the customer.
    Ids,
}

impl Level {
    /// Its name, as it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Secrets => "secrets",
            Self::Ids => "ids",
        }
    }
}

/// What a redaction brings.
pub struct Redacted {
    /// The report without what was taken out.
    pub report: Report,
    /// What was taken out, and where.
    pub record: Record,
    /// What each pseudonym stands for; nobody but its owner should see it.
    pub pseudonyms: Pseudonyms,
}

/// How often names are looked for: a domain that is found late makes hosts of names that were met before.
const ROUNDS: usize = 4;

/// Redacts a report.
///
/// # Errors
/// When the report cannot be made into JSON and back, which plain data can.
pub fn redact(report: &Report, level: Level) -> Result<Redacted, String> {
    let mut record = Record::new(level.word());
    if level == Level::None {
        return Ok(Redacted { report: report.clone(), record, pseudonyms: Pseudonyms::default() });
    }
    let own_words = words_anew(report);
    let reproducible = own_words.as_ref().is_some_and(|anew| same_words(anew, report));
    let mut json = to_json(report)?;
    secrets::redact(&mut json, &mut record);
    let mut pseudonyms = Pseudonyms::default();
    if level == Level::Ids {
        let mut names = Names::new();
        // Words that are made anew hold no name that is not in what they are made of, and in them a name may seem to be another.
        let mut looked_at = json.clone();
        if let (true, Value::Object(members)) = (reproducible, &mut looked_at) {
            members.retain(|name, _| name == "evidence" || name == "run");
        }
        for _ in 0..ROUNDS {
            let before = names.count();
            places::redact(&mut looked_at.clone(), &mut names, &mut Record::new(""));
            if names.count() == before {
                break;
            }
        }
        names.settle();
        places::redact(&mut json, &mut names, &mut record);
        pseudonyms = names.pseudonyms();
    }
    let mut redacted = Report::from_tree(&json).map_err(|error| error.to_string())?;
    let anew = words_anew(&redacted);
    if let (true, Some(anew)) = (reproducible, &anew) {
        record.forget_words();
        record_words(report, anew, &mut record)?;
        redacted = anew.clone();
    }
    record.judged_alike = judged_alike(own_words.as_ref(), anew.as_ref());
    record.sort();
    Ok(Redacted { report: redacted, record, pseudonyms })
}

/// The report that this version makes of the evidence in one. None where judging it fails this version, which no evidence does.
fn words_anew(report: &Report) -> Option<Report> {
    let diagnosis = diagnosis::diagnose(&report.evidence);
    Some(Report { tool: report.tool.clone(), ..Report::new(&diagnosis, report.evidence.clone(), report.run.clone()) })
}

/// Is everything but the evidence the same?
fn same_words(one: &Report, other: &Report) -> bool {
    let words = |report: &Report| {
        (report.vm.clone(), report.identities.clone(), report.verdict, report.root_cause.clone(), report.notes.clone())
    };
    words(one) == words(other) && one.checks == other.checks && one.exit_code == other.exit_code
}

/// Do both lead to the same verdict, root cause, statuses and codes?
fn judged_alike(one: Option<&Report>, other: Option<&Report>) -> bool {
    let row = |check: &CheckReport| {
        (check.id.clone(), check.status, check.findings.iter().map(|finding| finding.code.clone()).collect::<Vec<_>>())
    };
    let rows = |report: &Report| report.checks.iter().map(row).collect::<Vec<_>>();
    let essence = |report: &Report| (report.verdict, report.root_cause.clone(), rows(report));
    one.map(essence) == other.map(essence)
}

/// Every text outside of the evidence that is another one now.
fn record_words(before: &Report, after: &Report, record: &mut Record) -> Result<(), String> {
    let (mut before, mut texts) = (to_json(before)?, Vec::new());
    let after = to_json(after)?;
    if let Value::Object(members) = &mut before {
        members.remove("evidence");
    }
    strings::each(&mut before, &mut |place, text| {
        if after.pointer(place).and_then(Value::as_str) != Some(text) {
            texts.push((place.to_owned(), text.chars().count()));
        }
        text.to_owned()
    });
    for (place, characters) in texts {
        record.add(&place, "words", "text", characters);
    }
    Ok(())
}

fn to_json(report: &Report) -> Result<Value, String> {
    serde_json::to_value(report).map_err(|error| error.to_string())
}

/// What looks like a secret in a sentence, taken out.
fn sealed(text: &str) -> String {
    seal::text(text)
}
