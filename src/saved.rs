//! Reads a report that was saved, as JSON or in an archive. Whoever wrote the file is not known: what is no report is told from
//! one, sizes and depth have limits, and what could hide something or be a token is made harmless before anybody sees it.

use std::io::Cursor;

use serde::Deserialize;
use serde_json::Value;

use crate::archive;
use crate::fill::visible;
use crate::report::{Report, SCHEMA};
use crate::seal;
use crate::strings;
use crate::token::KNOWN;

/// A report has few notes; of a file that has more than so many the rest is left out.
const NOTES: usize = 100;

/// What a file is looked at for first.
#[derive(Deserialize)]
struct Head {
    schema: Option<String>,
    tool: Option<Tool>,
    #[serde(rename = "TimeGenerated")]
    row: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Tool {
    version: Option<String>,
}

/// The report in these bytes.
///
/// # Errors
/// What is wrong and what to do, to stand behind the file's name.
pub fn read(bytes: &[u8]) -> Result<Report, String> {
    if archive::looks_like_one(bytes) {
        let inside = archive::report(Cursor::new(bytes)).map_err(|fault| fault.in_words())?;
        return from_json(&inside).map_err(|why| format!("holds a {} that {why}", archive::REPORT));
    }
    from_json(bytes)
}

fn from_json(bytes: &[u8]) -> Result<Report, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err("is empty; what wrote it may have failed, or found the disk full".into());
    }
    let rows = "holds rows of NDJSON, which have the verdicts without the evidence; give the report that -o json or midoctor report \
                wrote";
    let other = "is no report of midoctor: give what -o json or midoctor report wrote";
    let head = match serde_json::from_slice::<Head>(bytes) {
        Ok(head) => head,
        Err(error) if error.is_eof() => return Err(format!("is cut short ({error}); copy it again")),
        Err(_) => {
            let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<Head>();
            let first = values.next().and_then(Result::ok);
            let several = first.is_some_and(|head| head.row.is_some() || head.schema.is_some());
            return Err(if several { rows.into() } else { other.into() });
        }
    };
    if head.row.is_some() {
        return Err(rows.into());
    }
    let schema = head.schema.unwrap_or_default();
    if schema != SCHEMA {
        let newer = schema.strip_prefix("midoctor.report/").is_some_and(|major| major.parse::<u32>().is_ok());
        let version = head.tool.and_then(|tool| tool.version);
        let version = version.map_or_else(String::new, |version| format!(" by midoctor {}", visible(&version)));
        return Err(match schema.as_str() {
            "" => other.into(),
            _ if newer => format!(
                "was written{version} in the format {}; midoctor {} reads {SCHEMA}: use a newer midoctor",
                visible(&schema),
                env!("CARGO_PKG_VERSION")
            ),
            _ => format!("holds {} and not {SCHEMA}: give what -o json or midoctor report wrote", visible(&schema)),
        });
    }
    let report = serde_json::from_slice::<Report>(bytes)
        .map_err(|error| format!("is a damaged report: {}", visible(&error.to_string())))?;
    harmless(report)
}

/// Makes everything in it visible but the evidence, which is as it was received, and seals what looks like a token.
fn harmless(mut report: Report) -> Result<Report, String> {
    for attempt in report.evidence.exchanges.iter_mut().flat_map(|exchange| &mut exchange.attempts) {
        if let crate::evidence::Outcome::Answered(answer) = &mut attempt.outcome
            && let Some(claims) = &mut answer.token
        {
            claims.known.retain(|name, _| KNOWN.contains(&name.as_str()));
        }
    }
    report.notes.truncate(NOTES);
    let mut json = serde_json::to_value(report).map_err(|error| error.to_string())?;
    strings::each(&mut json, &mut |place, text| {
        let sealed = seal::tokens(text);
        if place.starts_with("/evidence/") { sealed.into_owned() } else { visible(&sealed) }
    });
    names(&mut json);
    Report::from_tree(&json).map_err(|error| format!("is a damaged report: {}", visible(&error.to_string())))
}

/// The names of members that are not the format's, those of variables and headers, can hold anything as well.
fn names(json: &mut Value) {
    match json {
        Value::Array(items) => items.iter_mut().for_each(names),
        Value::Object(members) => {
            let odd = |name: &String| name.len() > 256 || *name != visible(&seal::tokens(name));
            if members.keys().any(odd) {
                let taken = std::mem::take(members);
                let named = |name: String| visible(&seal::tokens(&name)).chars().take(256).collect::<String>();
                members.extend(taken.into_iter().map(|(name, value)| (named(name), value)));
            }
            members.values_mut().for_each(names);
        }
        _ => {}
    }
}
