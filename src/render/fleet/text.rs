//! A fold as text, for people at a terminal: what is wrong with how many and where, what changed, what was not read, and the
//! verdict last. Lists have an end; all of it is in the JSON and in the page.

use std::fmt::{Result, Write};

use crate::check::Status;
use crate::fleet::fold::Named;
use crate::fleet::groups::KINDS;
use crate::fleet::summary::{Cause, Fleet};
use crate::render::style::{Label, Style};

use super::verdict::Verdict;
use super::{counted, listed, named, nameless, not_compared, number, plural, span};

/// So many causes, files, VMs are listed.
const CAUSES: usize = 12;
const FILES: usize = 5;
const VMS: usize = 5;

/// Under a sign.
const INDENT: &str = "    ";

/// Writes it.
///
/// # Errors
/// When it cannot be written.
pub fn write(fleet: &Fleet, style: Style, out: &mut dyn Write) -> Result {
    let mut text = Text { style, lines: Vec::new() };
    let reports = plural(fleet.fold.reports, "report");
    let parts = [Some(plural(fleet.fold.len() as u64, "VM")), Some(reports), span(fleet)];
    let head: Vec<String> = parts.into_iter().flatten().collect();
    let head = format!("{} {}  {}", env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"), head.join(" · "));
    text.push(style.dim(&style.wrap(&head, "", "  ")));
    text.causes("Root causes", Status::Fail, &fleet.root_causes);
    text.causes("Warnings", Status::Warn, &fleet.warnings);
    text.causes("Could not be judged", Status::Unknown, &fleet.unjudged);
    text.changes(fleet);
    text.reports(fleet);
    text.verdict(fleet);
    for line in text.lines {
        out.write_str(&style.plain(&line))?;
        out.write_char('\n')?;
    }
    Ok(())
}

struct Text {
    style: Style,
    lines: Vec<String>,
}

impl Text {
    fn push(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    fn heading(&mut self, title: &str) {
        self.push("");
        self.push(self.style.bold(&self.style.plain(title)));
    }

    fn labelled(&mut self, label: &str, text: &str) {
        let label = Label { lead: INDENT.len() + 2, text: label, width: 16 };
        self.push(self.style.labelled(&label, "", text));
    }

    fn causes(&mut self, title: &str, status: Status, causes: &[Cause]) {
        if causes.is_empty() {
            return;
        }
        self.heading(title);
        for cause in causes.iter().take(CAUSES) {
            self.cause(status, cause);
        }
        if let Some(more) = causes.len().checked_sub(CAUSES).filter(|more| *more > 0) {
            self.push(format!("{INDENT}and {more} more"));
        }
    }

    fn cause(&mut self, status: Status, cause: &Cause) {
        let (count, code) = counted(cause);
        let head = format!("{count} {code}");
        let line = self.style.wrap(&head, INDENT, INDENT);
        let line = line.strip_prefix(INDENT).unwrap_or(&line);
        self.push(format!("  {} {}", self.style.sign(status), self.style.bold(line)));
        if !cause.title.is_empty() {
            self.push(self.style.wrap(&cause.title, INDENT, INDENT));
        }
        if let Some(pattern) = &cause.pattern {
            self.push(self.style.bold(&self.style.wrap(pattern, INDENT, INDENT)));
        }
        if cause.vms == 0 {
            return;
        }
        for ((one, several), groups) in KINDS.iter().zip(&cause.groups.kinds) {
            if groups.iter().any(|group| !group.name.is_empty()) {
                self.labelled(if groups.len() == 1 { one } else { several }, &listed(groups));
            }
        }
        let more = cause.vms - cause.examples.len() as u64;
        let vms = cause.examples.join(", ");
        let vms = if more == 0 { vms } else { format!("{vms} and {} more", number(more)) };
        self.labelled(if cause.vms == 1 { "VM" } else { "VMs" }, &vms);
        if status != Status::Unknown && !cause.title.is_empty() {
            self.labelled("more", &format!("midoctor explain {}", cause.code));
        }
    }

    fn changes(&mut self, fleet: &Fleet) {
        let Some(changes) = &fleet.changes else { return };
        self.heading("Changed since the earlier fold");
        let before = self.lines.len();
        for (_, title, listed) in changes.all() {
            if listed.count == 0 {
                continue;
            }
            let names: Vec<String> =
                listed.first.iter().take(VMS).map(|(name, what)| format!("{name} ({what})")).collect();
            let more = listed.count - names.len() as u64;
            let more = if more == 0 { String::new() } else { format!(" and {} more", number(more)) };
            let first = format!("{INDENT}{:>7}  ", number(listed.count));
            let rest = " ".repeat(first.len());
            let words = format!("{title}: {}{more}", names.join(", "));
            let line = self.style.wrap(&words, &first, &rest);
            self.push(line);
        }
        if self.lines.len() == before {
            let words = "nothing: the verdict and root cause of each VM are as they were";
            self.push(self.style.wrap(words, INDENT, INDENT));
        }
        if changes.nameless > 0 {
            let words = not_compared(changes.nameless);
            self.push(self.style.wrap(&words, INDENT, INDENT));
        }
    }

    fn reports(&mut self, fleet: &Fleet) {
        let fold = fleet.fold;
        let mut lines = Vec::new();
        if fleet.older() > 0 {
            let older = number(fleet.older());
            lines.push(format!("{older} left aside: there is a newer one of the same VM, or it is there twice"));
        }
        lines.extend(nameless(fleet));
        if fleet.versions.len() > 1 {
            let versions: Vec<String> =
                fleet.versions.iter().map(|group| format!("{} {}", named(&group.name), number(group.vms))).collect();
            lines.push(format!("versions of midoctor: {}", versions.join(", ")));
        }
        if lines.is_empty() && fold.broken.count == 0 && fold.others.count == 0 {
            return;
        }
        self.heading("Reports");
        for line in lines {
            self.push(self.style.wrap(&line, INDENT, INDENT));
        }
        self.left(&format!("{} broken", number(fold.broken.count)), &fold.broken);
        self.left(&plural(fold.others.count, "other file"), &fold.others);
    }

    fn left(&mut self, title: &str, left: &Named) {
        if left.count == 0 {
            return;
        }
        self.push(format!("{INDENT}{title}"));
        for (place, why) in left.first.iter().take(FILES) {
            let line = self.style.wrap(
                &format!("{}: {why}", place.in_words()),
                &format!("{INDENT}  "),
                &format!("{INDENT}    "),
            );
            self.push(line);
        }
        if let Some(more) = left.count.checked_sub(FILES as u64).filter(|more| *more > 0) {
            self.push(format!("{INDENT}  and {} more", number(more)));
        }
    }

    fn verdict(&mut self, fleet: &Fleet) {
        let verdict = Verdict::new(fleet);
        let (word, reason) = (verdict.words, verdict.reason);
        self.push("");
        let line = self.style.wrap(&format!("{word}  {reason}"), "", "  ");
        self.push(format!("{}{}", self.style.status(verdict.status, word), &line[word.len()..]));
        self.push(self.style.dim(&self.style.wrap(&Verdict::counts(fleet), "", "")));
    }
}
