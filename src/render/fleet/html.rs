//! A fold as one page: what it comes to as plain markup, which needs no script, and the table of all VMs, whose data is JSON in the
//! page and is drawn by the page's own script, as much of it as is seen. Nothing in the data is ever taken for markup: the script
//! makes text of it, and a `<` is not written.

use std::collections::HashMap;
use std::fmt::{Error, Result, Write};

use askama::Template;
use serde_json::json;

use crate::check::Status;
use crate::fleet::changes::Listed;
use crate::fleet::fold::{Id, Named, TextId, Vm};
use crate::fleet::groups::KINDS;
use crate::fleet::summary::{Cause, Fleet};
use crate::render::html::view::sign;
use crate::render::html::{BASE, policy};
use crate::render::json::inline;
use crate::render::style::Style;
use crate::report::Word;

use super::verdict::Verdict;
use super::{listed, nameless, not_compared, number, plural, span};

const STYLE: &str = include_str!("fleet.css");
const SCRIPT: &str = include_str!("fleet.js");
/// So many causes, files, VMs are listed above the table.
const CAUSES: usize = 30;
const FILES: usize = 50;

#[derive(Template)]
#[template(path = "fleet/page.html")]
struct Page {
    policy: String,
    style: String,
    version: &'static str,
    vms: String,
    verdict: Verdict,
    facts: Vec<(&'static str, String)>,
    parts: Vec<Part>,
    changes: Option<Vec<Change>>,
    not_compared: Option<String>,
    left: Vec<Left>,
    legend: Vec<(&'static str, &'static str, &'static str)>,
    footer: String,
}

struct Part {
    id: &'static str,
    title: &'static str,
    /// What its buttons filter by.
    kind: &'static str,
    class: &'static str,
    sign: String,
    causes: Vec<Line>,
    more: usize,
}

struct Line {
    code: String,
    count: String,
    /// Can its VMs be shown in the table?
    shown: bool,
    these: &'static str,
    title: String,
    pattern: Option<String>,
    places: Vec<(&'static str, String)>,
    explained: bool,
}

struct Change {
    title: &'static str,
    count: String,
    named: Vec<(String, String)>,
    more: u64,
}

struct Left {
    id: &'static str,
    title: String,
    named: Vec<(String, String)>,
    more: u64,
}

/// Writes it.
///
/// # Errors
/// When it cannot be written.
pub fn write(fleet: &Fleet, out: &mut dyn Write) -> Result {
    let style = format!("{BASE}{STYLE}");
    let page = Page {
        policy: policy(&style, SCRIPT),
        style,
        version: env!("CARGO_PKG_VERSION"),
        vms: plural(fleet.fold.len() as u64, "VM"),
        verdict: Verdict::new(fleet),
        facts: facts(fleet),
        parts: parts(fleet),
        changes: fleet.changes.as_ref().map(|changes| {
            let all = changes.all().into_iter().filter(|(_, _, listed)| listed.count > 0);
            all.map(|(_, title, listed)| change(title, listed)).collect()
        }),
        not_compared: fleet
            .changes
            .as_ref()
            .and_then(|changes| (changes.nameless > 0).then(|| not_compared(changes.nameless))),
        left: [
            left("broken", "that could not be read", "report", &fleet.fold.broken),
            left("others", "left out, which are no reports", "file", &fleet.fold.others),
        ]
        .into_iter()
        .flatten()
        .collect(),
        legend: LEGEND.map(|status| (class(status), sign(status), status.word())).to_vec(),
        footer: format!("Made by midoctor {}. It loads nothing and sends nothing.", env!("CARGO_PKG_VERSION")),
    };
    out.write_str(page.render().map_err(|_| Error)?.trim_end())?;
    data(fleet, out)?;
    write!(out, "</script>\n<script>{SCRIPT}</script>\n</body>\n</html>\n")
}

const LEGEND: [Status; 7] =
    [Status::Pass, Status::Warn, Status::Fail, Status::Unknown, Status::Blocked, Status::Skip, Status::Ignored];

fn class(status: Status) -> &'static str {
    match status {
        Status::Pass => "is-pass",
        Status::Warn => "is-warn",
        Status::Fail => "is-fail",
        Status::Unknown => "is-unknown",
        Status::Blocked => "is-blocked",
        Status::Skip => "is-skip",
        Status::Ignored => "is-ignored",
    }
}

fn facts(fleet: &Fleet) -> Vec<(&'static str, String)> {
    let verdicts = fleet.verdicts;
    let mut facts = vec![
        ("Healthy", number(verdicts.healthy)),
        ("With warnings", number(verdicts.degraded)),
        ("Unhealthy", number(verdicts.unhealthy)),
        ("Undetermined", number(verdicts.undetermined)),
        ("Reports", number(fleet.fold.reports)),
    ];
    if fleet.older() > 0 {
        facts.push(("Older or repeated, left aside", number(fleet.older())));
    }
    if let Some(nameless) = nameless(fleet) {
        facts.push(("Of the reports", nameless));
    }
    if let Some(span) = span(fleet) {
        facts.push(("Reported", span));
    }
    facts.push((
        "midoctor",
        fleet.versions.iter().map(|group| super::named(&group.name)).collect::<Vec<_>>().join(", "),
    ));
    facts
}

fn parts(fleet: &Fleet) -> Vec<Part> {
    let part = |id, title, kind, status: Status, causes: &[Cause]| Part {
        id,
        title,
        kind,
        class: class(status),
        sign: Style::default().sign(status),
        causes: causes.iter().take(CAUSES).map(|cause| line(cause, status)).collect(),
        more: causes.len().saturating_sub(CAUSES),
    };
    let parts = [
        part("causes", "Root causes", "found", Status::Fail, &fleet.root_causes),
        part("warnings", "Warnings", "found", Status::Warn, &fleet.warnings),
        part("unjudged", "Could not be judged", "unjudged", Status::Unknown, &fleet.unjudged),
    ];
    parts.into_iter().filter(|part| !part.causes.is_empty()).collect()
}

fn line(cause: &Cause, status: Status) -> Line {
    let (count, code) = super::counted(cause);
    let kinds = KINDS.iter().zip(&cause.groups.kinds);
    let known = kinds.filter(|(_, groups)| groups.iter().any(|group| !group.name.is_empty()));
    Line {
        code,
        count,
        shown: !cause.code.is_empty(),
        these: if cause.vms + cause.also == 1 { "this VM" } else { "these VMs" },
        title: cause.title.clone(),
        pattern: cause.pattern.clone(),
        places: known
            .map(|((one, several), groups)| (if groups.len() == 1 { *one } else { *several }, listed(groups)))
            .collect(),
        explained: status != Status::Unknown && !cause.title.is_empty(),
    }
}

fn change(title: &'static str, listed: &Listed) -> Change {
    let named: Vec<(String, String)> = listed.first.iter().cloned().collect();
    Change { title, count: number(listed.count), more: listed.count - named.len() as u64, named }
}

fn left(id: &'static str, title: &str, unit: &str, named: &Named) -> Option<Left> {
    let first: Vec<(String, String)> =
        named.first.iter().take(FILES).map(|(place, why)| (place.in_words(), why.clone())).collect();
    let title = format!("{} {title}", plural(named.count, unit));
    (named.count > 0).then(|| Left { id, title, more: named.count - first.len() as u64, named: first })
}

/// The data of the table. Texts and patterns are numbered; a VM is a list of its name, verdict, root cause, subscription, resource
/// group, location, image, version, pattern, time in seconds, source, and 0 or an ID that the others do not make.
fn data(fleet: &Fleet, out: &mut dyn Write) -> Result {
    let fold = fleet.fold;
    let vms = fleet.vms();
    let mut texts = Numbered::default();
    let mut patterns = Numbered::default();
    out.write_str("{\"vms\":[")?;
    for (index, vm) in vms.iter().enumerate() {
        let [subscription, group, location, image] = vm.groups.map(|id| texts.number(id));
        let row = json!([
            vm.name,
            rank(vm.verdict),
            texts.number(vm.root_cause),
            subscription,
            group,
            location,
            image,
            texts.number(vm.version),
            patterns.number(vm.pattern),
            vm.time.map(|microseconds| microseconds.div_euclid(1_000_000)),
            vm.place.in_words(),
            id(fleet, vm)
        ]);
        out.write_str(if index == 0 { "\n" } else { ",\n" })?;
        out.write_str(&inert(&row))?;
    }
    let mut codes: Vec<String> = Vec::new();
    let shown: Vec<serde_json::Value> = patterns
        .order
        .iter()
        .filter_map(|id| fleet.patterns.get(id))
        .map(|pattern| {
            let cell = |check: &String| {
                pattern.statuses.get(check).map_or(" ", |status| status.word().get(..1).unwrap_or("?"))
            };
            let cells: String = fleet.checks.iter().map(cell).collect();
            let found: Vec<usize> = pattern
                .codes
                .keys()
                .map(|code| {
                    let known = codes.iter().position(|known| known == code);
                    let at = known.unwrap_or_else(|| {
                        codes.push(code.clone());
                        codes.len() - 1
                    });
                    texts.order.len() + at
                })
                .collect();
            json!([cells, found])
        })
        .collect();
    let all: Vec<&str> = texts.order.iter().map(|id| fold.text(*id)).chain(codes.iter().map(String::as_str)).collect();
    write!(
        out,
        "\n],\n\"texts\":{},\n\"patterns\":{},\n\"checks\":{}}}\n",
        inert(&json!(all)),
        inert(&json!(shown)),
        inert(&json!(fleet.checks))
    )
}

/// JSON that ends no element of a page and begins none, and that commands nobody.
fn inert(json: &serde_json::Value) -> String {
    // Plain data can always be written.
    inline(json).unwrap_or_default().replace('<', "\\u003c")
}

/// The order of the script's verdicts.
fn rank(verdict: Word) -> u8 {
    match verdict {
        Word::Unhealthy => 0,
        Word::Undetermined => 1,
        Word::Degraded => 2,
        Word::Healthy => 3,
    }
}

fn id(fleet: &Fleet, vm: &Vm) -> serde_json::Value {
    match &vm.id {
        Id::Usual => json!(0),
        Id::Unique(id) | Id::Run(id) => json!(id),
        _ => json!(fleet.fold.resource_id(vm).unwrap_or_default()),
    }
}

/// Numbers in the order of first use.
#[derive(Default)]
struct Numbered {
    numbers: HashMap<TextId, usize>,
    order: Vec<TextId>,
}

impl Numbered {
    fn number(&mut self, id: TextId) -> usize {
        *self.numbers.entry(id).or_insert_with(|| {
            self.order.push(id);
            self.order.len() - 1
        })
    }
}
