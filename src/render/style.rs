//! How text may look: colour, symbols, width. Decides nothing about content.

use colored::{ColoredString, Colorize};

use crate::check::Status;

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
        let mut plain = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '“' | '”' => plain.push('"'),
                '‘' | '’' => plain.push('\''),
                '–' | '—' => plain.push('-'),
                '…' => plain.push_str("..."),
                '·' => plain.push('-'),
                c if c.is_ascii() => plain.push(c),
                c => plain.extend(c.escape_unicode()),
            }
        }
        plain
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
}
