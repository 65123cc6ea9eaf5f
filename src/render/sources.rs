//! The table of clients, for people and for programs: clients that would do the same share a block. It judges nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::check::Status;
use crate::clients::patience::{Patience, Span};
use crate::clients::{self, AsWhom, Row, Source};
use crate::fill::visible;
use crate::plan::Whose;

use super::phrases::capital;
use super::style::{Label, Style};

/// What each client would do in an environment.
#[derive(Debug, Serialize)]
pub struct Sources {
    /// `midoctor.sources/1`; fields are added inside a major version, never renamed or removed.
    pub schema: &'static str,
    /// The environment, as far as it decides.
    pub environment: Environment,
    /// A row for each client; empty when the environment could not be read.
    pub clients: Vec<Row>,
}

/// The environment that the table is about.
#[derive(Debug, Serialize)]
pub struct Environment {
    /// Whose it is.
    pub of: Whose,
    /// The variables that clients read, as far as they are set; `(set)` instead of a secret. `None` when they could not be read.
    pub variables: Option<BTreeMap<String, String>>,
    /// The files that clients look for and that are there.
    pub files: Vec<String>,
    /// Why it, or a part of it, could not be read.
    pub unread: Vec<String>,
    /// Is something that decides not known? What could not be read of a unit's files decides only where no process shows it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub incomplete: bool,
}

/// The version of the table's JSON.
pub const SCHEMA: &str = "midoctor.sources/1";

/// Under a block's sign.
const INDENT: &str = "  ";
/// Columns for a client's name, and for each time.
const NAME: usize = 45;
const TIME: usize = 11;
const TIMES: [&str; 3] = ["dropped", "no answer", "refused"];

/// The whole text, with a line end.
pub fn text(sources: &Sources, style: Style) -> String {
    let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    let head = format!("{name} {version}  who would sign in, in {}", whose(&sources.environment.of));
    let mut lines = vec![style.dim(&style.wrap(&head, "", INDENT))];
    for unread in &sources.environment.unread {
        lines.push(style.wrap(&format!("Not read: {}", visible(unread)), "", INDENT));
    }
    let (mut blocks, others): (Vec<_>, Vec<_>) =
        blocks(&sources.clients).into_iter().partition(|block| block.first().is_some_and(|row| arrives(row)));
    blocks.extend(others);
    for block in &blocks {
        lines.push(String::new());
        self::block(block, style, &mut lines);
    }
    if !blocks.is_empty() {
        lines.push(String::new());
        ending(&sources.clients, sources.environment.incomplete, style, &mut lines);
    }
    style.plain(&(lines.join("\n") + "\n"))
}

fn whose(of: &Whose) -> String {
    match of {
        Whose::Own => "this shell's environment".into(),
        Whose::Process(id) => format!("the environment of process {id}"),
        Whose::Unit(name) => format!("the environment of {}", visible(name)),
    }
}

/// Does its request reach the metadata service, as far as variables decide?
fn arrives(row: &Row) -> bool {
    row.source == Source::Metadata && row.proxy.is_none()
}

/// Rows that say the same, in the order of the first of each.
fn blocks(rows: &[Row]) -> Vec<Vec<&Row>> {
    let mut blocks: Vec<Vec<&Row>> = Vec::new();
    for row in rows {
        let same = |other: &&Row| {
            (other.source, &other.address, &other.identity, &other.why, &other.proxy)
                == (row.source, &row.address, &row.identity, &row.why, &row.proxy)
        };
        match blocks.iter_mut().find(|block| block.first().is_some_and(same)) {
            Some(block) => block.push(row),
            None => blocks.push(vec![row]),
        }
    }
    blocks
}

fn block(rows: &[&Row], style: Style, lines: &mut Vec<String>) {
    let Some(first) = rows.first() else { return };
    let status = match first.source {
        _ if arrives(first) => Status::Pass,
        Source::Nowhere => Status::Fail,
        _ => Status::Warn,
    };
    let title = match first.source {
        Source::Nowhere => "Nowhere: fails at once".to_owned(),
        Source::Metadata if first.proxy.is_some() => "The metadata service, through a proxy".to_owned(),
        source => capital(source.in_words()),
    };
    let title = style.wrap(&title, INDENT, INDENT);
    lines.push(format!("{} {}", style.sign(status), style.bold(title.trim_start())));
    let mut labelled = |label: &str, text: &str| {
        let label = Label { lead: INDENT.len(), text: label, width: 9 };
        lines.push(style.labelled(&label, "", &visible(text)));
    };
    if let Some(address) = first.address.as_deref() {
        labelled("at", address);
    }
    if let Some(caught) = &first.proxy {
        labelled("through", &format!("{} ({})", caught.proxy, caught.variable));
    }
    match &first.identity {
        AsWhom::Nobody => {}
        AsWhom::HostsDefault if first.source == Source::Metadata => labelled("as", "the VM's default identity"),
        AsWhom::HostsDefault => labelled("as", "its default identity"),
        whom => labelled("as", &whom.to_string()),
    }
    let mut decided: Vec<&str> = Vec::new();
    for name in rows.iter().flat_map(|row| &row.decided_by) {
        if !decided.contains(name) {
            decided.push(name);
        }
    }
    if !decided.is_empty() {
        labelled("because", &first.why);
        labelled("by", &decided.join(", "));
    }
    if arrives(first) {
        lines.push(String::new());
        times(rows, style, lines);
    } else {
        labelled("clients", &clients::in_words(rows));
    }
}

/// The clients with the time that each insists.
fn times(rows: &[&Row], style: Style, lines: &mut Vec<String>) {
    let fits = style.width >= INDENT.len() + NAME + TIMES.len() * TIME;
    if fits {
        let head: String = TIMES.iter().map(|time| format!("{time:>TIME$}")).collect();
        lines.push(style.dim(&format!("{INDENT}{:<NAME$}{head}", "")));
    }
    for row in rows {
        let Patience { dropped, unanswered, refused } = row.insists;
        let cells = [dropped, unanswered, refused].map(|span| cell(span, style));
        if !fits {
            let named: Vec<String> = TIMES.iter().zip(&cells).map(|(time, cell)| format!("{time} {cell}")).collect();
            lines.push(style.wrap(row.name, INDENT, "    "));
            lines.push(style.wrap(&named.join(", "), "      ", "      "));
            continue;
        }
        let cells = cells.map(|cell| format!("{cell:>TIME$}"));
        lines.push(format!("{INDENT}{:<NAME$}{}", row.name, cells.concat()).trim_end().to_owned());
    }
}

fn cell(span: Option<Span>, style: Style) -> String {
    span.map_or_else(|| style.plain("–"), |span| span.to_string())
}

/// What the times mean, and how many go where.
fn ending(rows: &[Row], incomplete: bool, style: Style, lines: &mut Vec<String>) {
    let there = rows.iter().filter(|row| arrives(row)).count();
    if there > 0 {
        let legend = "The times are how long a client says nothing when packets to the metadata service are dropped, when it accepts \
                      a connection and gives no answer, and when it refuses one. Measured with one version of each, for at most \
                      112 s; – was not measured.";
        lines.push(style.wrap(legend, "", ""));
        lines.push(String::new());
    }
    let all = rows.len();
    let counted = match all - there {
        0 => format!("all {all} clients would ask the metadata service"),
        _ if there == 0 => format!("none of {all} clients would ask the metadata service"),
        away => format!("{there} of {all} clients would ask the metadata service, {away} would not"),
    };
    lines.push(if incomplete {
        style.wrap(&format!("By what was read, {counted}. What was not read may lead them elsewhere."), "", "")
    } else {
        style.wrap(&(capital(&counted) + "."), "", "")
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_that_could_not_be_read_has_no_clients_and_says_why() {
        let unread = vec!["/proc/1/environ may be read by root alone\u{1b}[0m".to_owned()];
        let environment =
            Environment { of: Whose::Process(1), variables: None, files: Vec::new(), unread, incomplete: true };
        let sources = Sources { schema: SCHEMA, environment, clients: Vec::new() };
        let expected = format!(
            "midoctor {}  who would sign in, in the environment of process 1\n\
             Not read: /proc/1/environ may be read by root alone\\u{{1b}}[0m\n",
            env!("CARGO_PKG_VERSION")
        );
        assert_eq!(text(&sources, Style::default()), expected);
    }

    #[test]
    fn where_a_part_was_not_read_the_ending_says_so() {
        let (variables, files) = (BTreeMap::new(), std::collections::BTreeSet::new());
        let clients = clients::table(&clients::Setting { variables: &variables, files: &files });
        let unread = vec!["the EnvironmentFile /etc/web.env could not be read; root may".to_owned()];
        let of = Whose::Unit("web.service".into());
        let environment = Environment { of, variables: Some(variables), files: Vec::new(), unread, incomplete: true };
        let text = text(&Sources { schema: SCHEMA, environment, clients }, Style::default()).replace('\n', " ");
        let end = " By what was read, all 20 clients would ask the metadata service. What was not read may lead them elsewhere. ";
        assert!(text.ends_with(end), "{text}");
        assert!(text.contains("Not read: the EnvironmentFile /etc/web.env"), "{text}");
    }
}
