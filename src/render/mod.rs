//! Renderers: each sees a report and nothing else. No renderer knows a check or a code, and none decides anything.

pub mod azdo;
pub mod compact;
pub mod diff;
pub mod fleet;
pub mod github;
#[cfg(feature = "html")]
pub mod html;
pub mod issues;
pub mod json;
pub mod junit;
pub mod lead;
pub mod line;
pub mod markdown;
pub mod markdown_text;
pub mod ndjson;
pub mod packed;
pub mod phrases;
pub mod prom;
pub mod sources;
pub mod style;
pub mod text;
pub mod visible;

use crate::build_log::inert;
use crate::parts::{OfPart, Part};
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
    /// One line of at most 80 characters.
    Line,
    /// One line of JSON of at most 4,000 bytes.
    Compact,
    /// One line of JSON for tables of many reports.
    Ndjson,
    /// JUnit's XML.
    Junit,
    /// GitHub-flavoured Markdown.
    Markdown,
    /// A page for a browser or a printer.
    Html,
    /// Workflow commands of GitHub Actions.
    Github,
    /// Logging commands of Azure Pipelines.
    Azdo,
    /// Gauges for Prometheus.
    Prom,
}

/// The formats' names, in the order in which they are listed.
pub const FORMATS: [(&str, Format); 11] = [
    ("text", Format::Text),
    ("line", Format::Line),
    ("json", Format::Json),
    ("compact", Format::Compact),
    ("ndjson", Format::Ndjson),
    ("junit", Format::Junit),
    ("markdown", Format::Markdown),
    ("html", Format::Html),
    ("github", Format::Github),
    ("azdo", Format::Azdo),
    ("prom", Format::Prom),
];

impl OfPart for Format {
    fn part(self) -> Option<Part> {
        (self == Self::Html).then_some(Part::Html)
    }
}

impl Format {
    /// Who reads it, in a few words.
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Text => "for people",
            Self::Line => "one line, for consoles and node-problem-detector",
            Self::Json => "for programs",
            Self::Compact => "one line of JSON, for Azure Run Command and termination messages",
            Self::Ndjson => "a row that is added to a file, for tables of many VMs",
            Self::Junit => "for test reports",
            Self::Markdown => "for issues and pull requests",
            Self::Html => "a page for browsers and printers",
            Self::Github => "annotations of GitHub Actions, and its step's summary",
            Self::Azdo => "issues of Azure Pipelines",
            Self::Prom => "for node_exporter's textfile directory",
        }
    }

    /// Is a file of this format added to, rather than replaced?
    pub fn appends(self) -> bool {
        self == Self::Ndjson
    }
}

/// The report in this format. Style and detail are the text's alone, but that on Windows JSON is ASCII where the text is: Windows
/// PowerShell reads what is piped to it in the console's code page.
///
/// # Errors
/// When serialisation or a template fails, which plain data does not make them.
pub fn paint(report: &Report, format: Format, style: Style, detail: Detail) -> Result<String, String> {
    Ok(match format {
        Format::Text => inert(&text::render(report, style, detail)).into_owned(),
        Format::Json if cfg!(windows) && !style.unicode => json::in_ascii(&json::render(report)?),
        Format::Json => json::render(report)?,
        Format::Line => line::render(report),
        Format::Compact => compact::render(report)?,
        Format::Ndjson if cfg!(windows) && !style.unicode => json::in_ascii(&ndjson::render(report)?),
        Format::Ndjson => ndjson::render(report)?,
        Format::Junit => junit::render(report)?,
        Format::Github => github::render(report),
        Format::Azdo => azdo::render(report),
        Format::Markdown => markdown::render(report),
        Format::Prom => prom::render(report),
        #[cfg(feature = "html")]
        Format::Html => html::render(report)?,
        #[cfg(not(feature = "html"))]
        Format::Html => return Err(Part::Html.needed("-o html")),
    })
}
