//! Renderers: each sees a report and nothing else. No renderer knows a check or a code, and none decides anything.

pub mod fleet;
pub mod html;
pub mod json;
pub mod sources;
pub mod style;
pub mod text;

use crate::report::Report;
use style::Style;
use text::Detail;

/// The formats of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: the report, version 1.
    Json,
    /// A page for a browser or a printer.
    Html,
}

/// The formats' names, in the order in which they are listed.
pub const FORMATS: [(&str, Format); 3] = [("text", Format::Text), ("json", Format::Json), ("html", Format::Html)];

impl Format {
    /// Is a file of this format added to, rather than replaced?
    pub fn appends(self) -> bool {
        false
    }
}

/// The report in this format. Style and detail are the text's alone.
///
/// # Errors
/// When serialisation or a template fails, which plain data does not make them.
pub fn paint(report: &Report, format: Format, style: Style, detail: Detail) -> Result<String, String> {
    Ok(match format {
        Format::Text => text::render(report, style, detail),
        Format::Json => json::render(report)?,
        Format::Html => html::render(report)?,
    })
}
