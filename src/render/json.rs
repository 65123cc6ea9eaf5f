//! The report, or another answer, as JSON, for programs: exactly the frozen structs, nothing of its own.
//!
//! JSON lets some characters stand that a terminal obeys; they are escaped, which reads back the same.

use serde::Serialize;

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
    let mut json = serde_json::to_string_pretty(data).map_err(|error| error.to_string())?;
    // Outside of strings there are none of these, and below U+0020 serde has escaped what is inside.
    let odd = |c: char| (c.is_control() && c != '\n') || is_hidden(c);
    if !json.contains(odd) {
        // Reports can be megabytes, and hardly any holds one.
        json.push('\n');
        return Ok(json);
    }
    let mut escaped = String::with_capacity(json.len() + 1);
    for c in json.chars() {
        if odd(c) {
            let mut units = [0; 2];
            escaped.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            escaped.push(c);
        }
    }
    escaped.push('\n');
    Ok(escaped)
}
