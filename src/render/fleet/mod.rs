//! A fold of many reports in each of its formats. They see what the fold comes to and nothing else.

mod json;
mod text;

use std::fmt::{Result, Write};

use crate::fleet::summary::Fleet;

use super::style::Style;

/// The formats of a fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs, and for `--since`.
    Json,
}

/// Their names.
pub const FORMATS: [(&str, Format); 2] = [("text", Format::Text), ("json", Format::Json)];

/// Writes the fold in this format. It can be long, so it is written as it is made.
///
/// # Errors
/// When it cannot be written.
pub fn paint(fleet: &Fleet, format: Format, style: Style, out: &mut dyn Write) -> Result {
    match format {
        Format::Text => text::write(fleet, style, out),
        Format::Json => json::write(fleet, out),
    }
}

/// A number as people read it: `12,345`.
fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A number of things: `1 VM`, `5,000 VMs`.
fn plural(n: u64, unit: &str) -> String {
    format!("{} {unit}{}", number(n), if n == 1 { "" } else { "s" })
}

/// A time as people read it, in minutes: `2026-11-22 23:49`.
fn moment(microseconds: i64) -> String {
    let shown = jiff::Timestamp::from_microsecond(microseconds).map(|time| time.to_string());
    let shown = shown.unwrap_or_default();
    shown.get(..16).unwrap_or(&shown).replace('T', " ")
}

/// From when to when the reports are: `2026-11-01 00:00 to 2026-11-22 23:49 UTC`.
fn span(fleet: &Fleet) -> Option<String> {
    let (first, last) = fleet.span?;
    let (first, last) = (moment(first), moment(last));
    Some(if first == last { format!("{first} UTC") } else { format!("{first} to {last} UTC") })
}

/// What is in a cell of unknown name.
fn named(name: &str) -> &str {
    if name.is_empty() { "(not known)" } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_moments_are_said_as_people_say_them() {
        for (n, words) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(number(n), words);
        }
        assert_eq!(moment(1_795_385_703_000_000), "2026-11-22 21:35");
        assert_eq!(moment(i64::MAX), "");
    }
}
