//! `[[ignore]]`: findings that are known and shall not count until a day. Each says which, why and until when.

use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::checks;
use crate::nearest::{suggestion, unknown};
use crate::plan::Ignore;
use crate::seal;

use super::values::{kind, text};

/// A complaint with its place in the file.
type Complaint = (Option<usize>, String);

/// What an ignore has.
const NAMES: [&str; 3] = ["code", "reason", "until"];
/// One, as it should be.
const SAMPLE: &str = "code = \"legacy-*\", reason = \"why\", until = 2027-01-31";

/// Reads the list of ignores.
pub fn read(value: &Spanned<DeValue>) -> Result<Vec<Ignore>, Complaint> {
    let wrong = |what: &DeValue| format!("ignore takes tables, each under [[ignore]], and not {}", kind(what));
    let DeValue::Array(items) = value.get_ref() else { return Err((None, wrong(value.get_ref()))) };
    let each = items.iter().map(|item| match item.get_ref() {
        DeValue::Table(table) => one(table, item.span().start),
        other => Err((Some(item.span().start), wrong(other))),
    });
    each.collect()
}

fn one(table: &DeTable, start: usize) -> Result<Ignore, Complaint> {
    let (mut code, mut reason, mut until) = (None, None, None);
    let mut settings: Vec<_> = table.iter().collect();
    settings.sort_by_key(|(name, _)| name.span().start);
    for (name, value) in settings {
        let at = |why: String| (Some(name.span().start), why);
        let value = value.get_ref();
        match name.get_ref().as_ref() {
            "code" => code = Some(glob(value).map_err(at)?),
            "reason" => reason = Some(why(value).map_err(at)?),
            "until" => until = Some(day(value).map_err(at)?),
            other => {
                let near = suggestion(&other.to_lowercase(), &NAMES);
                return Err(at(format!("“{other}” is nothing that an ignore has{near}{}", has(&near))));
            }
        }
    }
    let missing = |name: &str| (Some(start), format!("this ignore has no {name}; it takes {SAMPLE}"));
    Ok(Ignore {
        code: code.ok_or_else(|| missing("code"))?,
        reason: reason.ok_or_else(|| missing("reason"))?,
        until: until.ok_or_else(|| missing("last day (until)"))?,
    })
}

fn has(near: &str) -> String {
    format!("{} it takes {SAMPLE}", if near.is_empty() { ";" } else { "" })
}

/// A glob that matches a code which a check can find.
fn glob(value: &DeValue) -> Result<String, String> {
    let glob = text(value, "a code in quotes, or a glob such as \"legacy-*\"").map_err(|why| format!("code {why}"))?;
    let pattern = glob::Pattern::new(&glob)
        .map_err(|error| format!("code takes a glob such as \"legacy-*\"; “{glob}” is none: {}", error.msg))?;
    let codes: Vec<&str> = checks::all().flat_map(|check| check.codes.iter().copied()).collect();
    if codes.iter().any(|code| pattern.matches(code)) {
        return Ok(glob);
    }
    Err(format!("code: {}", unknown(&glob, "no code that a check finds, and matches none", &codes, "midoctor explain")))
}

fn why(value: &DeValue) -> Result<String, String> {
    let reason = text(value, "a text in quotes").map_err(|why| format!("reason {why}"))?;
    // It stands in every report.
    let reason = seal::text(reason.trim());
    if reason.is_empty() { Err("reason is empty; say why this shall not count".into()) } else { Ok(reason) }
}

fn day(value: &DeValue) -> Result<Date, String> {
    let said = match value {
        DeValue::Datetime(date) => date.to_string(),
        other => text(other, "a day, such as 2027-01-31").map_err(|why| format!("until {why}"))?,
    };
    let day: Option<Date> = said.parse().ok();
    day.filter(|day| day.to_string() == said)
        .ok_or_else(|| format!("until takes a day, such as 2027-01-31; “{said}” is none"))
}
