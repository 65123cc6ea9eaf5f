//! The report as JSON, for programs: exactly the frozen structs, nothing of its own.

use crate::report::Report;

/// Pretty-printed JSON with a line end.
///
/// # Errors
/// When serialisation fails, which plain data does not.
pub fn render(report: &Report) -> Result<String, String> {
    serde_json::to_string_pretty(report).map(|json| json + "\n").map_err(|error| error.to_string())
}
