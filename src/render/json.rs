//! The report, or another answer, as JSON, for programs: exactly the frozen structs, nothing of its own.
//!
//! JSON lets some characters stand that a terminal obeys, and words that a build server obeys; they are escaped, which reads back
//! the same.

use serde::Serialize;

use crate::build_log::inert_json;
use crate::fill::is_hidden;
use crate::report::Report;

/// The report as JSON.
///
/// # Errors
/// When serialisation fails, which plain data does not.
pub fn render(report: &Report) -> Result<String, String> {
    pretty(report)
}

/// Pretty-printed JSON with a line end.
///
/// # Errors
/// When serialisation fails, which plain data does not.
pub fn pretty(data: &impl Serialize) -> Result<String, String> {
    serde_json::to_string_pretty(data).map(|json| escaped(json) + "\n").map_err(|error| error.to_string())
}

/// JSON in one line, with its end.
///
/// # Errors
/// When serialisation fails, which plain data does not.
pub fn line(data: &impl Serialize) -> Result<String, String> {
    inline(data).map(|json| json + "\n")
}

/// JSON as a part of a line.
///
/// # Errors
/// When serialisation fails, which plain data does not.
pub fn inline(data: &impl Serialize) -> Result<String, String> {
    serde_json::to_string(data).map(escaped).map_err(|error| error.to_string())
}

/// Does a terminal obey it, and serde let it stand? Below U+0020 serde has escaped what is inside of strings; outside of them
/// there are line ends alone.
pub fn is_escaped(c: char) -> bool {
    (c.is_control() && c != '\n') || is_hidden(c)
}

fn escaped(json: String) -> String {
    // Reports can be megabytes, and hardly any holds one.
    let json = if json.contains(is_escaped) { in_numbers(&json, is_escaped) } else { json };
    match inert_json(&json) {
        std::borrow::Cow::Borrowed(_) => json,
        std::borrow::Cow::Owned(inert) => inert,
    }
}

/// The same JSON in ASCII. Only texts hold what is not.
pub fn in_ascii(json: &str) -> String {
    in_numbers(json, |c| !c.is_ascii())
}

/// The same JSON with these signs as numbers, which they can be in texts alone: one for each of their units in UTF-16.
fn in_numbers(json: &str, is_one: impl Fn(char) -> bool) -> String {
    let mut plain = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        if is_one(c) {
            plain.extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    #[test]
    fn json_in_ascii_says_the_same() {
        let json = serde_json::json!({"a": "“é” \u{1f510}\u{7}", "ü": ["\\u201c"]});
        let plain = super::in_ascii(&json.to_string());
        assert!(plain.is_ascii());
        assert_eq!(serde_json::from_str::<serde_json::Value>(&plain).ok(), Some(json));
    }
}
