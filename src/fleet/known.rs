//! Reads rows of a fleet faster: a check of one VM is mostly written as that of another, but for its summary and the time that it took.
//! A check that was read once is recognised when it comes again, whatever these two are, and only compared.
//!
//! It answers for a row only when it is sure: the start of the row is read as JSON, its end is as it must be, and each check between them
//! either was read as JSON just now, or differs from one that was in nothing but a plain text and a number. Whatever else is left to
//! others.

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

/// What stands before the summary, and between it and the time. How a check ended is in neither of the two.
const SUMMARY: &str = ",\"summary\":\"";
const TOOK: &str = "\",\"duration_ms\":";

/// So many ways in which a check can be written are kept, for each place in a row.
const KEPT: usize = 24;
/// Longer ones are not kept.
const LONGEST: usize = 2_000;

/// A check as it is written, but for its summary and the time that it took.
struct Written {
    before: Box<str>,
    after: Box<str>,
    /// Its part of a pattern.
    part: Box<str>,
}

impl Written {
    /// Learns from a check that is JSON.
    fn learn(check: &str, part: &str) -> Option<Self> {
        let (before, rest) = check.split_once(SUMMARY)?;
        let (summary, rest) = rest.split_once(TOOK)?;
        let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let took = &rest[..rest.len() - after.len()];
        let learnt = is_plain(summary) && is_number(took) && check.len() <= LONGEST;
        learnt.then(|| Self { before: format!("{before}{SUMMARY}").into(), after: after.into(), part: part.into() })
    }

    /// Is this check written so?
    fn is_way_of(&self, check: &str) -> bool {
        let middle = check.strip_prefix(&*self.before).and_then(|rest| rest.strip_suffix(&*self.after));
        let Some(middle) = middle else { return false };
        let digits = middle.bytes().rev().take_while(u8::is_ascii_digit).count();
        let (summary, took) = middle.split_at(middle.len() - digits);
        is_number(took) && summary.strip_suffix(TOOK).is_some_and(is_plain)
    }
}

/// Does this text stand in JSON as it is?
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\')
}

/// Is this a whole number in JSON?
fn is_number(text: &str) -> bool {
    let digits = (1..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    digits && (text.len() == 1 || !text.starts_with('0'))
}

/// What was learnt of checks from the rows before. Each thread has its own.
pub struct Known {
    /// By place in the row.
    checks: Vec<Vec<Written>>,
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
            self.checks.push(Vec::new());
        }
        let known = self.checks.get_mut(place)?;
        if let Some(index) = known.iter().position(|way| way.is_way_of(text)) {
            pattern.push_str(&known[index].part);
            // What is frequent comes to the front.
            known.swap(index, index.saturating_sub(1));
            return Some(());
        }
        let check: Check = serde_json::from_str(text).ok()?;
        let before = pattern.len();
        row::add_to_pattern(&check, pattern);
        if known.len() < KEPT {
            known.extend(Written::learn(text, &pattern[before..]));
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"{"TimeGenerated":"t","schema":"midoctor.row/1","vm":{"name":"a"},"verdict":"healthy""#;
    const ONE: &str = r#"{"id":"clock","status":"pass","summary":"a","duration_ms":7,"findings":[]}"#;
    const ODD: &str = r#"{"id":"retired","status":"pass","summary":"},{\"id\":\"x]}","duration_ms":7,"findings":[]}"#;
    const TWO: &str = r#"{"id":"reader","status":"fail","findings":[{"code":"role-missing","severity":"error"}]}"#;

    fn both(text: &str) -> (Option<Report<'_>>, Result<Row<'_>, serde_json::Error>) {
        (Known::default().read(text), serde_json::from_str(text))
    }

    #[test]
    fn a_row_as_usual_reads_as_it_does_otherwise() {
        let mut known = Known::default();
        for (summary, took) in [("a", "7"), ("b c – ]}", "0"), ("", "123456")] {
            let one = ONE.replace("\"a\"", &format!("\"{summary}\"")).replace('7', took);
            let text = format!("{HEAD},\"checks\":[{one},{ODD},{TWO}]}}");
            let read = known.read(&text).expect("as usual");
            let whole: Row = serde_json::from_str(&text).expect("JSON");
            assert_eq!((&*read.row.vm.name, &*read.row.verdict), ("a", "healthy"));
            let mut pattern = String::new();
            whole.checks.0.iter().for_each(|check| row::add_to_pattern(check, &mut pattern));
            assert_eq!(read.pattern, pattern);
            assert_eq!((known.checks[0].len(), known.checks[1].len()), (1, 0), "one way to write it was learnt");
            assert_eq!(pattern, "clock\npass\0retired\npass\0reader\nfail\n!role-missing\0");
        }
    }

    /// What is no JSON is never taken for a row, however near it comes; what is another row is left to others.
    #[test]
    fn nothing_else_is_answered_for() {
        let mut known = Known::default();
        assert!(known.read(&format!("{HEAD},\"checks\":[{ONE},{TWO}]}}")).is_some());
        for (text, is_json) in [
            (format!("{HEAD},\"checks\":[{},{TWO}]}}", ONE.replace("\"a\"", "\"a\"b\"")), false),
            (format!("{HEAD},\"checks\":[{},{TWO}]}}", ONE.replace("\"a\"", "\"a\\\"")), false),
            (format!("{HEAD},\"checks\":[{},{TWO}]}}", ONE.replace("\"a\"", "\"a\tb\"")), false),
            (format!("{HEAD},\"checks\":[{},{TWO}]}}", ONE.replace('7', "07")), false),
            (format!("{HEAD},\"checks\":[{},{TWO}]}}", ONE.replace('7', "")), false),
            (format!("{HEAD},\"checks\":[{},{TWO}]}}", ONE.replace('7', "1 2")), false),
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
