//! What an archive holds and what was taken out of it, for the person who is about to send it. The verdict is last.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::archive::{Manifest, PAGE, RECORD, REPORT};
use crate::build_log::inert;
use crate::fill::{path_argument, visible};
use crate::redact::Record;
use crate::report::Word;

use super::style::{Label, Style};

/// Where an archive is, or would be.
pub struct Place {
    /// The archive.
    pub archive: PathBuf,
    /// The map of its pseudonyms.
    pub map: Option<PathBuf>,
    /// Was nothing written?
    pub is_dry: bool,
}

/// What is told of an archive.
pub struct Shown<'a> {
    /// Where it is.
    pub place: Place,
    /// Bytes.
    pub size: usize,
    /// What is in it.
    pub manifest: &'a Manifest,
    /// What was taken out.
    pub record: &'a Record,
}

/// The text, with a line end.
pub fn text(shown: &Shown, style: Style) -> String {
    let Shown { place, manifest, record, .. } = shown;
    let archive = visible(&place.archive.display().to_string());
    let head = if place.is_dry { "would write" } else { "wrote" };
    let mut lines = vec![format!("{head} {} ({})", style.bold(&style.plain(&archive)), bytes(shown.size))];
    if place.is_dry {
        lines.push(style.wrap("nothing was written, and nothing is ever sent", "", ""));
    }
    lines.push(String::new());
    lines.push(style.bold("In it"));
    let mut row = |name: &str, size: &str, what: &str| {
        let label = format!("{name:<16}{size:>10}  ");
        lines.push(style.labelled(&Label { lead: 2, text: &label, width: label.len() }, "", what));
    };
    for file in &manifest.files {
        row(&file.name, &bytes(file.size), what(&file.name));
    }
    row("manifest.json", "", "names, sizes and check sums of these");
    lines.push(String::new());
    lines.push(style.bold("Taken out"));
    lines.extend(taken_out(record).iter().map(|line| style.wrap(&style.plain(line), "  ", "    ")));
    if !record.judged_alike {
        let words = "What is left is judged differently than the whole: what decides was taken out. The report in the archive still \
                     says what was found.";
        lines.push(style.wrap(words, "  ", "    "));
    }
    if let Some(map) = &place.map {
        let map = visible(&map.display().to_string());
        let words = format!(
            "{map} {} what each pseudonym stands for. It is for you alone: keep it, and do not send it.",
            if place.is_dry { "would say" } else { "says" }
        );
        lines.extend([String::new(), style.wrap(&style.plain(&words), "", "")]);
    }
    if let Some(archive) = path_argument(&place.archive.display().to_string()).filter(|_| !place.is_dry) {
        let words = format!("midoctor report show {archive} prints the report");
        lines.extend([String::new(), style.dim(&style.wrap(&words, "", ""))]);
    }
    lines.extend([String::new(), style.bold(&verdict(manifest))]);
    inert(&(lines.join("\n") + "\n")).into_owned()
}

fn what(file: &str) -> &'static str {
    match file {
        REPORT => "the report, with every question and its answer",
        PAGE => "the same as a page to look at",
        RECORD => "where what was taken out, without what it was",
        _ => "",
    }
}

/// By level what was taken out, and how much.
fn taken_out(record: &Record) -> Vec<String> {
    let mut lines = vec!["tokens: no report ever holds one".to_owned()];
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for entry in record.redactions.iter().filter(|entry| entry.place.starts_with("/evidence/")) {
        *counts.entry((entry.rule.as_str(), entry.kind.as_str())).or_default() += entry.times;
    }
    let of = |rule: &str| counts.iter().filter(|((own, _), _)| *own == rule).map(|(_, times)| *times).sum::<usize>();
    if record.level != "none" {
        let counted = |rule: &str, one: &str, many: &str| match of(rule) {
            1 => format!("1 {one}"),
            n => format!("{n} {many}"),
        };
        lines.push(format!(
            "secrets: {}, {}, {}",
            counted("header", "value of a header", "values of headers"),
            counted("user-info", "user name and password in a URL", "user names and passwords in URLs"),
            counted("secret", "text that looked like a secret", "texts that looked like secrets"),
        ));
    }
    if record.level == "ids" {
        let names: Vec<String> = counts
            .iter()
            .filter(|((rule, _), _)| *rule == "name")
            .map(|((_, kind), times)| format!("{kind} {times}"))
            .collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        lines.push(format!("names, in how many places each kind: {names}"));
        if of("content") > 0 {
            lines.push(format!("pages of somebody in between: {}", of("content")));
        }
    } else {
        lines.push("names: none; --redact ids replaces names, GUIDs, hosts and addresses by pseudonyms".into());
    }
    lines
}

fn bytes(count: usize) -> String {
    match count {
        0..=9_999 => format!("{count} B"),
        10_000..=9_999_999 => format!("{} kB", count / 1000),
        _ => format!("{} MB", count / 1_000_000),
    }
}

fn verdict(manifest: &Manifest) -> String {
    let word = match manifest.verdict {
        Word::Healthy => "Healthy",
        Word::Degraded => "Degraded",
        Word::Unhealthy => "Unhealthy",
        Word::Undetermined => "Undetermined",
    };
    let cause = manifest.root_cause.as_deref().map(|code| format!(": {}", visible(code))).unwrap_or_default();
    format!("{word}{cause}")
}
