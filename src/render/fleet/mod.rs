//! A fold of many reports in each of its formats. They see what the fold comes to and nothing else.

#[cfg(feature = "html")]
mod html;
mod json;
mod markdown;
mod text;
mod verdict;

use std::fmt::{Result, Write};

use crate::build_log::inert;
use crate::fleet::groups::Group;
use crate::fleet::summary::{Cause, Fleet};
use crate::parts::{OfPart, Part};

use super::style::Style;

/// The formats of a fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs, and for `--since`.
    Json,
    /// GitHub-flavoured Markdown.
    Markdown,
    /// A page for a browser.
    Html,
}

impl OfPart for Format {
    fn part(self) -> Option<Part> {
        (self == Self::Html).then_some(Part::Html)
    }
}

/// Their names.
pub const FORMATS: [(&str, Format); 4] =
    [("text", Format::Text), ("json", Format::Json), ("markdown", Format::Markdown), ("html", Format::Html)];

/// Writes the fold in this format. It can be long, so it is written as it is made.
///
/// # Errors
/// When it cannot be written.
pub fn paint(fleet: &Fleet, format: Format, style: Style, out: &mut dyn Write) -> Result {
    match format {
        Format::Text => {
            let mut text = String::new();
            text::write(fleet, style, &mut text)?;
            out.write_str(&inert(&text))
        }
        Format::Json => json::write(fleet, out),
        Format::Markdown => {
            let mut text = String::new();
            markdown::write(fleet, &mut text)?;
            out.write_str(&inert(&text))
        }
        #[cfg(feature = "html")]
        Format::Html => html::write(fleet, out),
        // Nobody could name it.
        #[cfg(not(feature = "html"))]
        Format::Html => Err(std::fmt::Error),
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

/// What reports that do not know their VM mean for the counts; none when there are none.
fn nameless(fleet: &Fleet) -> Option<String> {
    let count = fleet.nameless;
    (count > 0).then(|| match count {
        1 => "1 does not know its VM, and is counted as a VM of its own".to_owned(),
        _ => format!(
            "{} do not know their VM; each is counted as a VM, also where the same VM wrote several",
            number(count)
        ),
    })
}

/// `3 cannot be compared, since their reports do not know the VM`.
fn not_compared(count: u64) -> String {
    format!("{} cannot be compared, since their reports do not know the VM", number(count))
}

/// So many groups are listed.
const GROUPS: usize = 4;

/// `rg-web 8 of 40, rg-api 3 of 3 and 12 more`.
fn listed(groups: &[Group]) -> String {
    let shown: Vec<String> = groups
        .iter()
        .take(GROUPS)
        .map(|group| format!("{} {} of {}", named(&group.name), number(group.vms), number(group.of)))
        .collect();
    let more = groups.len().saturating_sub(GROUPS);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

/// How many VMs, and the code: `11 ×` and `role-missing`.
fn counted(cause: &Cause) -> (String, String) {
    let code = if cause.code.is_empty() { "(no root cause named)".to_owned() } else { cause.code.clone() };
    let also = || format!("beside another root cause on {}", plural(cause.also, "VM"));
    let count = match (cause.vms, cause.also) {
        (0, _) => also(),
        (vms, 0) => format!("{} ×", number(vms)),
        (vms, _) => format!("{} ×, and {},", number(vms), also()),
    };
    (count, code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_moments_are_said_as_people_say_them() {
        for (n, words) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(number(n), words);
        }
        assert_eq!(moment(1_795_385_703_000_000), "2026-11-22 22:15");
        assert_eq!(moment(i64::MAX), "");
    }
}
