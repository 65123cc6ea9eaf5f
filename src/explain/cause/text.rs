//! A passage in the form that is searched: lower case, one line, quotes and escapes alike; every place in it leads back to a line.
//!
//! Clients wrap, quote and escape the same sentence in many ways (`\"`, `&quot;`, `’`, a frame of `│`), so that is taken away
//! once and here. Nothing in this file knows what the text means.

use std::ops::Range;

use super::Passage;

/// Evidence is a line or the part of it around what speaks.
const EVIDENCE: usize = 240;

/// A passage, folded.
pub struct Text<'a> {
    passage: &'a Passage,
    /// The folded text.
    pub flat: String,
    /// For each byte of it, the line and the byte in that line.
    origin: Vec<(u32, u32)>,
}

impl<'a> Text<'a> {
    /// Folds a passage.
    pub fn read(passage: &'a Passage) -> Self {
        let mut text = Self { passage, flat: String::new(), origin: Vec::new() };
        for (index, line) in passage.lines.iter().enumerate() {
            text.push_line(index as u32, line);
        }
        text
    }

    fn push_line(&mut self, index: u32, line: &str) {
        let mut rest = line;
        while let Some(next) = rest.chars().next() {
            let at = (line.len() - rest.len()) as u32;
            let (piece, taken) = unescape(rest, next);
            for letter in piece.chars().flat_map(char::to_lowercase) {
                self.push(letter, (index, at));
            }
            rest = &rest[taken..];
        }
        self.push(' ', (index, line.len() as u32));
    }

    fn push(&mut self, letter: char, origin: (u32, u32)) {
        let blank = letter.is_whitespace() || matches!(letter, '│' | '║' | '|' | '\u{feff}');
        if blank && (self.flat.is_empty() || self.flat.ends_with(' ')) {
            return;
        }
        self.flat.push(if blank { ' ' } else { letter });
        self.origin.resize(self.flat.len(), origin);
    }

    /// The same passage with nothing but these parts of it.
    pub fn only(&self, parts: &[Range<usize>]) -> Self {
        let mut less = Self { passage: self.passage, flat: String::new(), origin: Vec::new() };
        for part in parts {
            less.flat.push_str(&self.flat[part.clone()]);
            less.flat.push(' ');
            less.origin.extend(&self.origin[part.clone()]);
            less.origin.resize(less.flat.len(), less.origin.last().copied().unwrap_or_default());
        }
        less
    }

    /// Is this in it? In folded letters.
    pub fn has(&self, needle: &str) -> bool {
        self.flat.contains(needle)
    }

    /// Is any of these in it?
    pub fn has_any(&self, needles: &[&str]) -> bool {
        needles.iter().any(|needle| self.has(needle))
    }

    /// Where this is, first.
    pub fn find(&self, needle: &str) -> Option<Range<usize>> {
        self.flat.find(needle).map(|at| at..at + needle.len())
    }

    /// Where the first of these is.
    pub fn find_any(&self, needles: &[&str]) -> Option<Range<usize>> {
        needles.iter().filter_map(|needle| self.find(needle)).min_by_key(|found| found.start)
    }

    /// The index of the line that a place is in, within the passage.
    pub fn index(&self, at: usize) -> usize {
        self.origin.get(at).or(self.origin.last()).map_or(0, |(line, _)| *line as usize)
    }

    /// The number of the line that a place is in.
    pub fn line(&self, at: usize) -> usize {
        self.passage.first + self.index(at)
    }

    /// The passage as it came, from the line of this place on.
    pub fn original_from(&self, at: usize) -> String {
        let (index, byte) = self.origin.get(at).copied().unwrap_or_default();
        let lines = &self.passage.lines[(index as usize).min(self.passage.lines.len())..];
        let joined = lines.join("\n");
        joined.get(byte as usize..).unwrap_or(&joined).to_owned()
    }

    /// The lines as they came.
    pub fn lines(&self) -> &[String] {
        &self.passage.lines
    }

    /// What a reader is shown of a place: its line, or the part of a long line around it.
    pub fn evidence(&self, at: Range<usize>) -> String {
        let (index, byte) = self.origin.get(at.start).copied().unwrap_or_default();
        let Some(line) = self.passage.lines.get(index as usize) else { return String::new() };
        if line.trim().chars().count() <= EVIDENCE {
            return line.trim().to_owned();
        }
        let length = (at.end - at.start).max(EVIDENCE);
        let from = boundary(line, (byte as usize).saturating_sub(20));
        let part: String = line[from..].chars().take(length).collect();
        let (before, after) = (if from > 0 { "…" } else { "" }, if from + part.len() < line.len() { "…" } else { "" });
        format!("{before}{}{after}", part.trim())
    }
}

/// The nearest place at or before this one where a character begins.
pub fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default()
}

/// The next piece of a line without its escapes, and how many bytes of the line it stands for.
fn unescape(rest: &str, next: char) -> (&str, usize) {
    if next == '\\' {
        let slashes = rest.len() - rest.trim_start_matches('\\').len();
        return match rest.as_bytes().get(slashes) {
            Some(b'"' | b'\'' | b'/') => ("", slashes),
            Some(b'n' | b'r' | b't') => (" ", slashes + 1),
            _ => ("\\", slashes),
        };
    }
    const ENTITIES: [(&str, &str); 6] =
        [("&quot;", "\""), ("&#34;", "\""), ("&#39;", "'"), ("&amp;", "&"), ("&#038;", "&"), ("&nbsp;", " ")];
    if next == '&'
        && let Some((entity, plain)) = ENTITIES.iter().find(|(entity, _)| rest.starts_with(entity))
    {
        return (plain, entity.len());
    }
    match next {
        '’' | '‘' | '´' | '`' => ("'", next.len_utf8()),
        '“' | '”' | '„' => ("\"", next.len_utf8()),
        _ => (&rest[..next.len_utf8()], next.len_utf8()),
    }
}

/// Folds a single line, for comparison with a folded passage.
pub fn fold(line: &str) -> String {
    let passage = Passage { first: 1, lines: vec![line.to_owned()] };
    Text::read(&passage).flat.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_escapes_and_wraps_are_taken_away_and_lead_back_to_their_lines() {
        let lines =
            vec![r#"│ Error: {\"error\":"#.to_owned(), "  \u{201c}Identity   not".into(), "found\u{201d}}".into()];
        let passage = Passage { first: 7, lines };
        let text = Text::read(&passage);
        assert_eq!(text.flat, "error: {\"error\": \"identity not found\"} ");
        let found = text.find("not found").expect("it is there");
        assert_eq!((text.line(found.start), text.line(found.end)), (8, 9));
        assert_eq!(text.evidence(found), "\u{201c}Identity   not");
    }

    #[test]
    fn a_long_line_is_cut_around_what_speaks() {
        let passage = Passage { first: 1, lines: vec![format!("{}ä imds {}", "ö".repeat(900), "x".repeat(900))] };
        let text = Text::read(&passage);
        let shown = text.evidence(text.find("imds").expect("it is there"));
        assert!(shown.contains("imds") && shown.chars().count() < 260 && shown.starts_with('…'), "{shown}");
    }
}
