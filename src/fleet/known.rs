//! Reads rows of a fleet faster: most checks of most VMs are written byte by byte as those of other VMs. A check that was read once
//! is recognised when it comes again, and only compared.
//!
//! It answers for a row only when it is sure: the start of the row is read as JSON, its end is as it must be, and each check between them
//! either is JSON that was read just now, or the same bytes as one that was. Whatever else is left to others.

use std::collections::HashMap;

use memchr::memmem::Finder;

use super::row::{self, Check, Report, Row};

/// Where the checks of a row begin. An unescaped quotation mark is in no text, so this is in none.
const CHECKS: &str = ",\"checks\":[{\"id\":\"";
/// So much of it stands before the first check.
const BEFORE: usize = CHECKS.len() - FIRST;
/// `{"id":"`
const FIRST: usize = 7;
/// What stands between two checks, and the start of the second.
const BETWEEN: &str = "},{\"id\":\"";
/// What stands behind the last check.
const END: &str = "]}";

/// So many ways in which a check can be written are kept, for each place in a row; what has a new time in it never comes again.
const KEPT: usize = 256;
/// Longer ones are not kept.
const LONGEST: usize = 2_000;

/// What was learnt of checks from the rows before. Each thread has its own.
pub struct Known {
    /// For a check as it is written, its part of a pattern; by its place in the row.
    checks: Vec<HashMap<Box<str>, Box<str>, foldhash::fast::RandomState>>,
    start: Finder<'static>,
    between: Finder<'static>,
}

impl Default for Known {
    fn default() -> Self {
        Self { checks: Vec::new(), start: Finder::new(CHECKS), between: Finder::new(BETWEEN) }
    }
}

impl Known {
    /// Reads a row, if it is written as usual.
    pub fn read<'a>(&mut self, text: &'a str) -> Option<Report<'a>> {
        let start = self.start.find(text.as_bytes())?;
        let mut rest = text.get(start + BEFORE..)?.strip_suffix(END)?;
        let mut pattern = String::with_capacity(512);
        for place in 0..row::CHECKS {
            let next = self.between.find(rest.as_bytes());
            let (check, after) = match next {
                Some(end) => (rest.get(..=end)?, rest.get(end + 2..)?),
                None => (rest, ""),
            };
            self.check(place, check, &mut pattern)?;
            if next.is_none() {
                let row = Row::read_start(text.get(..start)?)?;
                return Some(Report { row, pattern });
            }
            rest = after;
        }
        None
    }

    /// Adds a check to a pattern.
    fn check(&mut self, place: usize, text: &str, pattern: &mut String) -> Option<()> {
        if self.checks.len() <= place {
            self.checks.push(HashMap::default());
        }
        let known = self.checks.get_mut(place)?;
        if let Some(part) = known.get(text) {
            pattern.push_str(part);
            return Some(());
        }
        let check: Check = serde_json::from_str(text).ok()?;
        let before = pattern.len();
        row::add_to_pattern(&check, pattern);
        if known.len() < KEPT && text.len() <= LONGEST {
            known.insert(text.into(), pattern[before..].into());
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"{"TimeGenerated":"t","schema":"midoctor.row/1","vm":{"name":"a"},"verdict":"healthy""#;
    const ONE: &str = r#"{"id":"clock","status":"pass","summary":"},{\"id\":\"x]}","findings":[]}"#;
    const TWO: &str = r#"{"id":"reader","status":"fail","findings":[{"code":"role-missing","severity":"error"}]}"#;

    fn both(text: &str) -> (Option<Report<'_>>, Result<Row<'_>, serde_json::Error>) {
        (Known::default().read(text), serde_json::from_str(text))
    }

    #[test]
    fn a_row_as_usual_reads_as_it_does_otherwise() {
        let text = format!("{HEAD},\"checks\":[{ONE},{TWO}]}}");
        let mut known = Known::default();
        for _ in 0..2 {
            let read = known.read(&text).expect("as usual");
            let whole: Row = serde_json::from_str(&text).expect("JSON");
            assert_eq!((&*read.row.vm.name, &*read.row.verdict), ("a", "healthy"));
            let mut pattern = String::new();
            whole.checks.0.iter().for_each(|check| row::add_to_pattern(check, &mut pattern));
            assert_eq!(read.pattern, pattern);
            assert_eq!(pattern, "clock\npass\0reader\nfail\n!role-missing\0");
        }
    }

    /// What is no JSON is never taken for a row, however near it comes; what is another row is left to others.
    #[test]
    fn nothing_else_is_answered_for() {
        let mut known = Known::default();
        assert!(known.read(&format!("{HEAD},\"checks\":[{ONE},{TWO}]}}")).is_some());
        for (text, is_json) in [
            (format!("{HEAD},\"checks\":[{ONE},{TWO}]"), false),
            (format!("{HEAD},\"checks\":[{ONE},{TWO}}}"), false),
            (format!("{HEAD},\"checks\":[{ONE},{TWO},]}}"), false),
            (format!("{HEAD},\"checks\":[{ONE}{TWO}]}}"), false),
            (format!("{HEAD}}},\"checks\":[{ONE},{TWO}]}}"), false),
            (format!("{HEAD},\"a\":{{\"b\":1,\"checks\":[{ONE},{TWO}]}}"), false),
            (format!("{HEAD},\"a\":[1,\"checks\":[{ONE},{TWO}]}}"), false),
            (format!("{HEAD},,\"checks\":[{ONE},{TWO}]}}"), false),
            (format!("{HEAD},\"a\",\"checks\":[{ONE},{TWO}]}}"), false),
            (format!("{HEAD},\"a\":,\"checks\":[{ONE},{TWO}]}}"), false),
            (format!("{HEAD},\"checks\":[{ONE},{TWO}]}}x]}}"), false),
            (format!("{HEAD},\"checks\":[{ONE},{TWO}],\"more\":[{ONE}]}}"), true),
            (format!("{HEAD},\"a\":{{\"b\":1,\"checks\":[{ONE},{TWO}]}}}}"), true),
            (format!("{HEAD},\"checks\":[]}}"), true),
        ] {
            assert_eq!(known.read(&text), None, "{text}");
            assert_eq!(both(&text).1.is_ok(), is_json, "{text}");
        }
    }
}
