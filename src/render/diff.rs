//! What changed between two reports, as text and as Markdown. It decides nothing.

use crate::build_log::inert;
use crate::check::Status;
use crate::diff::{Became, CheckChange, Code, Diff, Role, Side};
use crate::fill::visible;
use crate::parts::OfPart;
use crate::report::{Identity, IdentityKind};

use super::markdown_text::prose;
use super::style::{Label, Style};

/// The formats of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For tickets.
    Markdown,
}

impl OfPart for Format {}

/// Their names.
pub const FORMATS: [(&str, Format); 3] =
    [("text", Format::Text), ("json", Format::Json), ("markdown", Format::Markdown)];

/// Columns for what a line is about.
const LABEL: usize = 10;

/// The comparison as text, with a line end; the verdict is last.
pub fn text(diff: &Diff, style: Style) -> String {
    let head = format!("{} {}  {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), of(diff));
    let mut lines = vec![style.dim(&style.wrap(&head, "", "  "))];
    for (label, side) in [("before", &diff.before), ("after", &diff.after)] {
        lines.push(style.dim(&style.labelled(&Label { lead: 0, text: label, width: LABEL }, "", &when(side))));
    }
    if let Some(warning) = other_vm(diff) {
        lines.extend([String::new(), style.wrap(warning, "", "")]);
    }
    for (title, items) in sections(diff) {
        lines.extend([String::new(), style.bold(title)]);
        for item in items {
            let sign = item.status.map_or_else(|| item.sign.to_owned(), |status| style.sign(status));
            let wrapped = style.wrap(&style.plain(&item.text), "    ", "    ");
            lines.push(format!("  {sign} {}", wrapped.trim_start()));
        }
    }
    lines.extend([String::new(), style.bold(&style.wrap(&conclusion(diff), "", ""))]);
    inert(&(lines.join("\n") + "\n")).into_owned()
}

/// The comparison as Markdown, with a line end; the verdict is first.
pub fn markdown(diff: &Diff) -> String {
    let mut lines = vec![format!("## {}", prose(&conclusion(diff))), String::new()];
    for (label, side) in [("Before", &diff.before), ("After", &diff.after)] {
        lines.push(format!("- {label}: {}", prose(&when(side))));
    }
    if let Some(warning) = other_vm(diff) {
        lines.extend([String::new(), warning.to_owned()]);
    }
    for (title, items) in sections(diff) {
        lines.extend([String::new(), format!("### {title}"), String::new()]);
        for item in items {
            let sign = if item.status.is_some() { String::new() } else { format!("{} ", item.word()) };
            lines.push(format!("- {sign}{}", prose(&item.text)));
        }
    }
    lines.join("\n") + "\n"
}

/// A line.
struct Item {
    /// The status that it now has, for a check.
    status: Option<Status>,
    /// Otherwise: `+`, `-`, `~`.
    sign: &'static str,
    text: String,
}

impl Item {
    fn came(text: String) -> Self {
        Self { status: None, sign: "+", text }
    }

    fn went(text: String) -> Self {
        Self { status: None, sign: "-", text }
    }

    fn changed(text: String) -> Self {
        Self { status: None, sign: "~", text }
    }

    /// The sign as a word: in Markdown it would begin a list.
    fn word(&self) -> &'static str {
        match self.sign {
            "+" => "New:",
            "-" => "Gone:",
            _ => "Changed:",
        }
    }
}

/// Everything that changed, under its headings; headings without anything are left out.
fn sections(diff: &Diff) -> Vec<(&'static str, Vec<Item>)> {
    let came_and_went = |came: Vec<String>, went: Vec<String>| -> Vec<Item> {
        went.into_iter().map(Item::went).chain(came.into_iter().map(Item::came)).collect()
    };
    let all = |codes: &[Code]| codes.iter().map(code).collect();
    let identities = |all: &[Identity]| all.iter().map(identity).collect();
    let roles = |all: &[Role]| all.iter().map(role).collect();
    let facts = diff.vm.iter().map(|fact| {
        let shown = |value: &Option<String>| value.as_deref().map_or_else(|| "unknown".to_owned(), visible);
        Item::changed(format!("{}: {} → {}", fact.field, shown(&fact.before), shown(&fact.after)))
    });
    let variables = diff.variables.iter().map(|variable| match variable.became {
        Became::Set => Item::came(variable.name.clone()),
        Became::Unset => Item::went(variable.name.clone()),
        Became::Changed => Item::changed(format!("{}, which has another value", variable.name)),
    });
    let sections = vec![
        ("Checks", diff.checks.iter().map(check).collect()),
        ("Codes", came_and_went(all(&diff.codes_came), all(&diff.codes_went))),
        ("VM", facts.collect()),
        ("Identities", came_and_went(identities(&diff.identities_came), identities(&diff.identities_went))),
        ("Environment", variables.collect()),
        ("Roles", came_and_went(roles(&diff.roles_came), roles(&diff.roles_went))),
    ];
    sections.into_iter().filter(|(_, items): &(_, Vec<Item>)| !items.is_empty()).collect()
}

fn check(change: &CheckChange) -> Item {
    let shown = |status: Option<Status>| status.map_or("not judged", Status::word);
    let what = about(&change.check, change.subject.as_deref());
    let text = format!("{what}: {} → {}", shown(change.before), shown(change.after));
    Item { status: Some(change.after.unwrap_or(Status::Skip)), sign: "", text }
}

fn code(code: &Code) -> String {
    format!("{} in {}", visible(&code.code), about(&code.check, code.subject.as_deref()))
}

fn about(check: &str, subject: Option<&str>) -> String {
    subject.map_or_else(|| visible(check), |subject| format!("{} ({})", visible(check), visible(subject)))
}

fn identity(identity: &Identity) -> String {
    let kind = match identity.kind {
        IdentityKind::System => "system-assigned identity",
        IdentityKind::User => "user-assigned identity",
    };
    let unknown = || "unknown".to_owned();
    let id = |id: &Option<String>| id.as_deref().map_or_else(unknown, visible);
    format!("{kind}, object ID {}, client ID {}", id(&identity.principal_id), id(&identity.client_id))
}

fn role(role: &Role) -> String {
    format!("{} on {}, held by {}", role.role, role.at, role.principal)
}

fn of(diff: &Diff) -> String {
    let name = |side: &Side| side.vm.as_deref().map_or_else(|| "a machine that is not known".to_owned(), visible);
    let (before, after) = (name(&diff.before), name(&diff.after));
    if before == after { format!("what changed on {before}") } else { format!("what differs: {before} → {after}") }
}

fn when(side: &Side) -> String {
    format!("{}, judged by midoctor {}: {}", visible(&side.started), visible(&side.version), verdict(side))
}

fn verdict(side: &Side) -> String {
    let cause = side.root_cause.as_deref().map(|code| format!(" ({})", visible(code))).unwrap_or_default();
    format!("{}{cause}", side.verdict.word())
}

fn other_vm(diff: &Diff) -> Option<&'static str> {
    (!diff.same_vm).then_some("These are reports of two VMs, so what follows is a difference and not a change.")
}

fn conclusion(diff: &Diff) -> String {
    let (before, after) = (verdict(&diff.before), verdict(&diff.after));
    match () {
        () if before != after => format!("Was {before}, is {after}."),
        () if diff.changed => format!("Still {after}; what changed is listed."),
        () => format!("Still {after}; nothing changed."),
    }
}
