//! The answer as text, for people: the best cause with its fix, the others in short, and what decides between them.

use crate::check::Status;
use crate::page::{self, Block};
use crate::render::phrases::{place_in_words, shell_in_words};
use crate::render::style::{Label, Style};
use crate::report::Word;

use super::answer::{Answer, Checked, Match};
use super::cause::Confidence;
use super::guide;

/// So many other causes are shown in full.
const OTHERS: usize = 5;
/// So many steps of the fix are shown; `explain CODE` has them all.
const STEPS: usize = 4;
/// Under a code.
const INDENT: &str = "  ";
/// Where a text begins behind its label.
const COLUMN: usize = 10;

/// The whole text, with a line end.
pub fn render(answer: &Answer, style: Style) -> String {
    let mut text = Text { style, lines: Vec::new() };
    match answer.matches.split_first() {
        None => text.nothing(answer.lines),
        Some((best, others)) => {
            text.best(best);
            if !others.is_empty() {
                text.others(best, others);
            }
            if answer.check.is_none() {
                text.what_decides(best, others);
            }
        }
    }
    if let Some(check) = &answer.check {
        text.checked(check, !answer.matches.is_empty());
    }
    style.plain(&(text.lines.join("\n") + "\n"))
}

struct Text {
    style: Style,
    lines: Vec<String>,
}

impl Text {
    fn push(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    fn wrapped(&mut self, text: &str) {
        self.push(self.style.wrap(text, "", ""));
    }

    fn labelled(&mut self, label: &str, text: &str) {
        self.item(label, "", text);
    }

    fn item(&mut self, label: &str, bullet: &str, text: &str) {
        let lead = INDENT.len();
        self.push(self.style.labelled(&Label { lead, text: label, width: COLUMN - lead }, bullet, text));
    }

    fn nothing(&mut self, lines: usize) {
        let what = match lines {
            0 => "There is no text to explain: what was read is empty".to_owned(),
            1 => "Nothing is recognised in this line".to_owned(),
            lines => format!("Nothing is recognised in these {lines} lines"),
        };
        self.wrapped(&format!("{what}. Run midoctor on the VM: it sees for itself."));
    }

    fn heading(&mut self, one: &Match) {
        let title = page::section(&one.code).map_or("", |(_, section)| section.title.as_str());
        self.push(self.style.headed(&one.code, title));
    }

    fn evidence(&mut self, one: &Match) {
        let times = if one.times > 1 { format!(", and {} times more", one.times - 1) } else { String::new() };
        self.labelled("Seen", &format!("line {}{times}: {}", one.line, one.evidence));
        if let Some(client) = &one.client {
            self.labelled("Client", client);
        }
    }

    fn best(&mut self, one: &Match) {
        self.heading(one);
        self.labelled("Sure", how_sure(one.confidence));
        self.evidence(one);
        let mut label = "Fix";
        for (index, step) in one.remedy.steps.iter().take(STEPS).enumerate() {
            self.item(label, &format!("{}. ", index + 1), step);
            label = "";
        }
        self.commands(one);
        self.labelled("More", &format!("midoctor explain {}", one.code));
    }

    fn commands(&mut self, one: &Match) {
        let mut last = None;
        for command in &one.remedy.commands {
            let kind = (command.shell, command.place);
            if last != Some(kind) {
                let label = if last.is_none() { "Run" } else { "" };
                self.labelled(label, &format!("{}, {}:", shell_in_words(kind.0), place_in_words(kind.1)));
                last = Some(kind);
            }
            // Never wrapped: it is meant to be pasted.
            let indent = if self.style.is_narrow(COLUMN) { INDENT.len() + 2 } else { COLUMN };
            self.push(format!("{:indent$}{}", "", self.style.command(&command.line)));
        }
    }

    fn others(&mut self, best: &Match, others: &[Match]) {
        self.push("");
        self.wrapped("The text also allows:");
        for one in others.iter().take(OTHERS) {
            self.push("");
            self.heading(one);
            self.labelled("Sure", how_sure(one.confidence));
            if (one.line, &one.evidence) != (best.line, &best.evidence) {
                self.evidence(one);
            }
            self.labelled("Fix", &one.remedy.text);
        }
        if let Some(rest) = others.get(OTHERS..).filter(|rest| !rest.is_empty()) {
            let codes: Vec<&str> = rest.iter().map(|one| one.code.as_str()).collect();
            self.push("");
            self.wrapped(&format!("And less likely: {}.", codes.join(", ")));
        }
    }

    fn what_decides(&mut self, best: &Match, others: &[Match]) {
        if best.confidence == Confidence::Certain && others.iter().all(|one| one.confidence != Confidence::Certain) {
            return;
        }
        self.push("");
        if others.is_empty() || best.confidence == Confidence::Certain {
            let told = page::section(&best.code).and_then(|(_, section)| section.tell.first());
            if let Some(Block::Text(how) | Block::Item(how)) = told {
                self.wrapped(&format!("How to tell: {}", guide::readable(how)));
            }
        }
        let command = self.style.command("midoctor");
        let sentence = if others.is_empty() {
            "run on the VM makes sure: it asks for itself, and sees what the client left out."
        } else {
            "run on the VM decides: it asks for itself, and sees what the client left out. \
             With --and-check that is done here and now."
        };
        // Wrapped with the bare word, whose colour has bytes but no columns.
        let line = self.style.wrap(&format!("midoctor {sentence}"), "", "");
        self.push(format!("{command}{}", &line["midoctor".len()..]));
    }

    fn checked(&mut self, check: &Checked, candidates: bool) {
        self.push("");
        let (status, word, rest) = match (&check.confirmed[..], &check.found[..]) {
            ([_, ..], _) => (Status::Fail, "Confirmed by the checks", format!(": {}.", check.confirmed.join(", "))),
            ([], [first, more @ ..]) => {
                let more = if more.is_empty() { String::new() } else { format!(" (then {})", more.join(", ")) };
                let title = page::section(first).map_or("", |(_, section)| section.title.as_str());
                let not = if candidates { " none of these" } else { "" };
                let but = if candidates { ", but" } else { "" };
                (Status::Warn, "The checks", format!(" on this machine found{not}{but} {first}{more}: {title}"))
            }
            ([], []) if check.verdict == Word::Undetermined => (
                Status::Unknown,
                "The checks",
                " on this machine found nothing, but could not judge everything.".into(),
            ),
            ([], []) => (Status::Pass, "The checks", " on this machine found nothing.".into()),
        };
        let line = self.style.wrap(&format!("{word}{rest}"), "", "");
        self.push(format!("{}{}", self.style.status(status, word), &line[word.len()..]));
        self.push(self.style.dim(&self.style.wrap("midoctor check shows all that they found.", "", "")));
    }
}

/// How sure a cause is, in words.
fn how_sure(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Certain => "certain: the text says so itself",
        Confidence::Likely => "likely: the text speaks for it",
        Confidence::Possible => "possible: the text allows it, among others",
    }
}
