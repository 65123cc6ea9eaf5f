//! What the logs of build servers obey, and how a text is kept from commanding one. Output of a program is read for commands
//! there, so a name that a stranger chose could end a build or set its variables.
//!
//! The rules are those of the runners' own sources: GitHub's takes `::NAME …::` at the start of a line, behind any white space, and
//! `##[NAME …]` anywhere in it; Azure Pipelines' takes `##vso[AREA.NAME …]` anywhere; TeamCity's takes `##teamcity[…]`.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use crate::pattern::pattern;

/// What follows the first `#` of a command.
static HASHES: LazyLock<Regex> = LazyLock::new(|| pattern(r"##(?P<rest>[A-Za-z]*\[)"));

/// A line that begins as GitHub's commands do. An IPv6 address begins so as well, but has no second pair of colons.
static COLONS: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^(?P<before>[^\S\n]*:):(?P<rest>[A-Za-z][^\n]*::)"));

/// The text with one sign of each command written as its number, as `fill::visible` writes what cannot be seen: it can be read, and
/// no build server obeys it. Lines are taken as they stand, so this comes last, after they have been wrapped.
pub fn inert(text: &str) -> Cow<'_, str> {
    let text = replaced(&HASHES, Cow::Borrowed(text), r"#\u{23}${rest}");
    replaced(&COLONS, text, r"${before}\u{3a}${rest}")
}

/// JSON in which no string holds a command; it reads back the same. Its lines begin with no colon.
pub fn inert_json(json: &str) -> Cow<'_, str> {
    replaced(&HASHES, Cow::Borrowed(json), r"#\u0023${rest}")
}

fn replaced<'a>(pattern: &LazyLock<Regex>, text: Cow<'a, str>, by: &str) -> Cow<'a, str> {
    if !pattern.is_match(&text) {
        return text;
    }
    Cow::Owned(pattern.replace_all(&text, by).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        crate::pattern::are_all_of(include_str!("build_log.rs"), &[&HASHES, &COLONS]);
    }

    #[test]
    fn no_text_is_a_command_of_a_build_server() {
        for (text, shown) in [
            ("##vso[task.complete result=Failed;]x", r"#\u{23}vso[task.complete result=Failed;]x"),
            ("a ##[error]x", r"a #\u{23}[error]x"),
            ("###[error]x", r"##\u{23}[error]x"),
            ("##teamcity[x]", r"#\u{23}teamcity[x]"),
            ("::error title=x::y", r":\u{3a}error title=x::y"),
            ("a\n \t\u{2003}::error::y", "a\n \t\u{2003}:\\u{3a}error::y"),
            ("::stop-commands::x\n::set-env name=a::b", ":\\u{3a}stop-commands::x\n:\\u{3a}set-env name=a::b"),
        ] {
            assert_eq!(inert(text), shown);
            assert_eq!(inert(shown), shown, "a second time changes nothing");
        }
        let json = inert_json(r#"{"a":"\\##vso[x]"}"#);
        assert_eq!(json, r#"{"a":"\\#\u0023vso[x]"}"#);
        let read = serde_json::from_str::<serde_json::Value>(&json);
        assert_eq!(read.ok(), Some(serde_json::json!({"a": r"\##vso[x]"})));
    }

    #[test]
    fn what_only_looks_alike_stays() {
        for text in
            ["::1 is loopback", "fe80::1 and ::ffff:10.0.0.1", "## Heading", "a::b::c", "# [link]", "std::env::var"]
        {
            assert!(matches!(inert(text), Cow::Borrowed(_)), "{text}");
        }
    }
}
