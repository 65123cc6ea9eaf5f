//! What goes at the level `secrets`: user-info in any URL, the values of headers that no check reads, and whatever looks like a
//! secret in text that somebody else wrote.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::pattern::pattern;
use crate::strings;

use super::body;
use super::record::Record;

/// What stands where a header's value stood.
const REMOVED: &str = "(removed)";

/// The headers of answers that a check, or who reads its finding, needs. The IDs of requests are among them: support asks for
/// them, and they open nothing.
const READ: [&str; 16] = [
    "content-type",
    "date",
    "metadata-flavor",
    "retry-after",
    "server",
    "via",
    "www-authenticate",
    "x-ms-azure-host-authorization",
    "x-ms-correlation-request-id",
    "x-ms-error-code",
    "x-ms-failure-cause",
    "x-ms-forbidden-ip",
    "x-ms-request-id",
    "x-ms-substatus",
    "x-squid-error",
    "content-length",
];

/// The headers that midoctor itself writes into questions.
const OWN: [&str; 3] = ["metadata", "x-ms-version", "x-ms-date"];

/// What stands before the host of a URL, plain or percent-encoded.
static USER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?P<scheme>(?i-u:[a-z][a-z0-9+.-]*)(?:://|%3[Aa]%2[Ff]%2[Ff]))(?:[^\s/?\#"'<>@&%]|%[0-9A-Fa-f]{2})*(?:@|%40)"#,
    )
});

/// Takes the secrets out of a report that was made into JSON.
pub fn redact(json: &mut Value, record: &mut Record) {
    strings::each(json, &mut |place, text| {
        let bare = without_user_info(text);
        if bare != text {
            record.add(place, "user-info", "user-info", text.chars().count() - bare.chars().count());
        }
        let kept = if place.starts_with("/evidence/") { of_evidence(place, &bare) } else { of_words(place, &bare) };
        // What was sealed before a host is user-info as well, and went with the rest where it looked like it.
        let kept = without_user_info(&kept).into_owned();
        if kept == REMOVED && bare != REMOVED {
            record.add(place, "header", "header", bare.chars().count());
        } else if kept != bare {
            record.add(place, "secret", "secret", differing(&bare, &kept));
        }
        kept
    });
}

fn without_user_info(text: &str) -> Cow<'_, str> {
    USER.replace_all(text, "${scheme}")
}

/// How many characters of the first text are not in the second, taking what both begin and end with for the same.
fn differing(before: &str, after: &str) -> usize {
    let same = |one: &mut dyn Iterator<Item = char>, other: &mut dyn Iterator<Item = char>| {
        one.zip(other).take_while(|(one, other)| one == other).count()
    };
    let (all, rest) = (before.chars().count(), after.chars().count());
    let start = same(&mut before.chars(), &mut after.chars());
    let end = same(&mut before.chars().rev(), &mut after.chars().rev()).min(all - start).min(rest - start);
    all - start - end
}

/// A text of the evidence, by its place.
fn of_evidence(place: &str, text: &str) -> String {
    let parts: Vec<&str> = place.split('/').skip(2).collect();
    match parts[..] {
        ["asked", "ignores", _, "reason"] => super::sealed(text),
        ["exchanges", _, "request", "headers", name] if !is_in(&OWN, name) => REMOVED.into(),
        ["exchanges", _, "attempts", _, "outcome", "headers", name] if !is_in(&READ, name) => REMOVED.into(),
        ["exchanges", _, "attempts", _, "outcome", "headers", ..] => super::sealed(text),
        ["exchanges", _, "attempts", _, "outcome", "body" | "text"] => body::without_secrets(text),
        ["exchanges", _, "attempts", _, "outcome", "detail" | "set" | "unit" | "rules", ..] => super::sealed(text),
        _ => crate::seal::tokens(text).into_owned(),
    }
}

/// A text outside of the evidence: what is midoctor's own, or a command to paste, is left alone.
fn of_words(place: &str, text: &str) -> String {
    let is_said = ["/summary", "/seen", "/reason", "/subject"].iter().any(|end| place.ends_with(end));
    if is_said || place.starts_with("/notes/") { super::sealed(text) } else { crate::seal::tokens(text).into_owned() }
}

fn is_in(list: &[&str], name: &str) -> bool {
    list.iter().any(|known| known.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        crate::pattern::are_all_of(include_str!("secrets.rs"), &[&USER]);
    }

    #[test]
    fn user_info_goes_wherever_a_url_stands() {
        for (text, bare) in [
            ("see https://u:p@host/x and http://host", "see https://host/x and http://host"),
            ("?r=https%3A%2F%2Fu%3Ap%40host%2Fx&a=b@c", "?r=https%3A%2F%2Fhost%2Fx&a=b@c"),
            ("https://host/a@b", "https://host/a@b"),
            ("mail a@b", "mail a@b"),
        ] {
            assert_eq!(without_user_info(text), bare);
            assert_eq!(without_user_info(bare), bare);
        }
    }

    #[test]
    fn what_was_taken_out_is_counted() {
        assert_eq!(differing("a secret b", "a (sealed) b"), 6);
        assert_eq!(differing("aaa", "aa"), 1);
        assert_eq!(differing("x", ""), 1);
    }
}
