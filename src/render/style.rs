//! How text may look: colour, symbols, width. Decides nothing about content.

use colored::{ColoredString, Colorize};
use textwrap::core::display_width;

use crate::check::Status;
use crate::fill::in_ascii;

/// How text may look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Use colour.
    pub color: bool,
    /// The locale is UTF-8, so symbols beyond ASCII can be shown.
    pub unicode: bool,
    /// Columns.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Self { color: false, unicode: true, width: 100 }
    }
}

impl Style {
    fn paint(self, text: &str, how: impl FnOnce(&str) -> ColoredString) -> String {
        if !self.color {
            return text.to_owned();
        }
        // `colored` decides by a switch of its own, which is set here so that only this one counts.
        colored::control::set_override(true);
        how(text).to_string()
    }

    /// For headings and verdicts.
    pub fn bold(self, text: &str) -> String {
        self.paint(text, |text| text.bold())
    }

    /// For what matters less.
    pub fn dim(self, text: &str) -> String {
        self.paint(text, |text| text.dimmed())
    }

    /// In the colour of a status.
    pub fn status(self, status: Status, text: &str) -> String {
        self.paint(text, |text| match status {
            Status::Pass => text.green(),
            Status::Warn | Status::Unknown => text.yellow(),
            Status::Fail => text.red().bold(),
            Status::Blocked | Status::Skip | Status::Ignored => text.dimmed(),
        })
    }

    /// For commands to paste.
    pub fn command(self, text: &str) -> String {
        self.paint(text, |text| text.cyan())
    }

    /// The sign before a check; its meaning is also in the words, never in the colour alone.
    pub fn sign(self, status: Status) -> String {
        let (symbol, ascii) = match status {
            Status::Pass => ("✓", "+"),
            Status::Warn => ("!", "!"),
            Status::Fail => ("✗", "x"),
            Status::Unknown => ("?", "?"),
            Status::Blocked => ("·", "-"),
            Status::Skip | Status::Ignored => ("–", "~"),
        };
        self.status(status, if self.unicode { symbol } else { ascii })
    }

    /// Replaces the typographic signs of the pages where the locale has none.
    pub fn plain(self, text: &str) -> String {
        if self.unicode {
            return text.to_owned();
        }
        in_ascii(text)
    }

    /// Wraps prose behind a first indent and under a second one.
    pub fn wrap(self, text: &str, first: &str, rest: &str) -> String {
        let options = textwrap::Options::new(self.width)
            .initial_indent(first)
            .subsequent_indent(rest)
            .break_words(false)
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        textwrap::fill(&self.plain(text), options)
    }

    /// A code in bold, and behind it what it stands for.
    pub fn headed(self, code: &str, title: &str) -> String {
        let word = title.split(' ').next().unwrap_or_default();
        if display_width(code) + 2 + display_width(word) > self.width {
            return format!("{}\n{}", self.bold(code), self.wrap(title, "  ", "  "));
        }
        // Wrapped with the bare code, whose looks have bytes but no columns.
        let line = self.wrap(title, &format!("{code}  "), "  ");
        line.strip_prefix(code).map_or_else(|| line.clone(), |rest| format!("{}{rest}", self.bold(code)))
    }

    /// Is there little room behind so many columns?
    pub fn is_narrow(self, column: usize) -> bool {
        self.width < column + ROOM
    }

    /// A label, and behind its column a text that hangs there, each of its lines under the first. Where that leaves little room
    /// the label has a line of its own, and the text is under it. `bullet` is what the text begins with, such as `1. `.
    pub fn labelled(self, label: &Label, bullet: &str, text: &str) -> String {
        let lead = " ".repeat(label.lead);
        if !self.is_narrow(label.lead + label.width) {
            let first = format!("{lead}{:<width$}{bullet}", label.text, width = label.width);
            return self.wrap(text, &first, &" ".repeat(display_width(&first)));
        }
        let mut under = label.lead + 2;
        if !text.contains(' ') {
            // One word that cannot be broken, such as an ID, is whole where it begins further left.
            under = under.min(self.width.saturating_sub(display_width(text)).max(label.lead.min(2)));
        }
        let first = " ".repeat(under) + bullet;
        let body = self.wrap(text, &first, &" ".repeat(display_width(&first)));
        match label.text.trim() {
            "" => body,
            text => format!("{lead}{}\n{body}", self.plain(text)),
        }
    }
}

/// So many columns are enough for a text beside its label.
const ROOM: usize = 36;

/// What stands before a text.
#[derive(Clone, Copy, Debug)]
pub struct Label<'a> {
    /// So many blanks are before it.
    pub lead: usize,
    /// May be empty.
    pub text: &'a str,
    /// So many columns are its own, with the blanks behind it.
    pub width: usize,
}
