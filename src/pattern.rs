//! Compiles this program's patterns. They go without the tables of Unicode that the crate `regex` can have, which are large and of
//! which little would be used; what a pattern may hold instead, and what it then means, is written here once.
//!
//! White space is all of Unicode's, for it may stand between a name and its secret. Digits and the edges of words are those of
//! ASCII: a name behind a letter of another script begins a word, so that more is found rather than less.

use regex::Regex;

/// All white space of Unicode, as a part of a class; `char::is_whitespace` knows the same.
const WHITE_SPACE: &str = r"\t-\r \x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}";

/// Compiles a pattern in which `\s`, `\S`, `\d` and `\b` mean what is said above, in classes as outside of them.
///
/// # Panics
///
/// Where it is none, or needs a table that is not there. Every pattern is compiled by a test, and nothing is let through unseen
/// because one was not.
pub fn pattern(text: &str) -> Regex {
    let compiled = without_tables(text).and_then(|text| Regex::new(&text).map_err(|error| error.to_string()));
    compiled.unwrap_or_else(|error| panic!("a pattern of this program is wrong: {error}"))
}

/// The pattern in words that need no table. Whether the tables are there makes no difference: tests have them, the program does not.
fn without_tables(text: &str) -> Result<String, String> {
    let mut done = String::with_capacity(2 * text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '(']) {
        done.push_str(&rest[..at]);
        rest = &rest[at..];
        let escaped = rest.strip_prefix('\\').and_then(|rest| rest.chars().next());
        match escaped {
            Some('s') => done.extend(["[", WHITE_SPACE, "]"]),
            Some('S') => done.extend(["[^", WHITE_SPACE, "]"]),
            Some('d') => done.push_str("[0-9]"),
            Some('b') => done.push_str(r"(?-u:\b)"),
            Some(other @ ('w' | 'W' | 'D' | 'B' | 'p' | 'P' | '<' | '>')) => {
                return Err(format!("\\{other} needs a table of Unicode"));
            }
            Some(other) => done.extend(['\\', other]),
            None if folds_by_a_table(rest) => return Err("letters need (?i-u:…) to be of either case".into()),
            None => done.push_str(&rest[..1]),
        }
        rest = &rest[1 + escaped.map_or(0, char::len_utf8)..];
    }
    done.push_str(rest);
    Ok(done)
}

/// Does a group begin here that is to match letters of either case in all scripts, or that takes back that it is of ASCII?
fn folds_by_a_table(rest: &str) -> bool {
    let Some(flags) = rest.strip_prefix("(?") else { return false };
    let flags = &flags[..flags.find(|c: char| !(c.is_ascii_alphabetic() || c == '-')).unwrap_or(flags.len())];
    let (on, off) = flags.split_once('-').unwrap_or((flags, ""));
    on.contains('u') || (on.contains('i') && !off.contains('u'))
}

/// Compiles these patterns of a file, and sees that there is none beside them.
#[cfg(test)]
pub fn are_all_of(source: &str, patterns: &[&std::sync::LazyLock<Regex>]) {
    let is_one = |line: &&str| {
        line.contains("static ") && (line.contains(": LazyLock<Regex> =") || line.contains(": Pattern ="))
    };
    assert_eq!(source.lines().filter(is_one).count(), patterns.len());
    for pattern in patterns {
        assert!(!pattern.as_str().is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_that_of_unicode() {
        let (white, other, all_but) = (pattern(r"^\s$"), pattern(r"^\S$"), pattern(r#"^[^\s"]$"#));
        for sign in '\0'..=char::MAX {
            let text = sign.to_string();
            assert_eq!(white.is_match(&text), sign.is_whitespace(), "{sign:?}");
            assert_eq!(other.is_match(&text), !sign.is_whitespace(), "{sign:?}");
            assert_eq!(all_but.is_match(&text), !sign.is_whitespace() && sign != '"', "{sign:?}");
        }
    }

    #[test]
    fn a_word_begins_behind_a_letter_of_another_script() {
        let word = pattern(r"\bkey\b");
        for (text, found) in
            [("key", true), ("密key键", true), ("a key.", true), ("akey", false), ("key_", false), ("1key", false)]
        {
            assert_eq!(word.is_match(text), found, "{text}");
        }
        // A backslash itself is none of these words.
        assert!(pattern(r"^\\b$").is_match(r"\b") && pattern(r"^[\\s]$").is_match("s"));
    }

    #[test]
    fn what_needs_a_table_is_refused_whether_it_is_there_or_not() {
        for text in
            [r"\w", r"[\W]", r"\D", r"\B", r"\pL", r"(?i)a", r"(?im:a)", r"(?-u:(?u:a))", r"(?i-m:a)", r"(?i-u:(?i:a))"]
        {
            assert!(without_tables(text).is_err(), "{text}");
        }
        for text in [r"(?i-u:a)", r"(?m)^a", r"(?P<id>a)", r"(?:a)", r"\(?i", r"(a)"] {
            assert_eq!(without_tables(text).as_deref(), Ok(text));
        }
    }
}
