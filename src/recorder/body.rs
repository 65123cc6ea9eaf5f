//! Bodies as they came: whether anybody could read one, and whether it holds a secret. Nothing is taken out of them here.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};

use crate::evidence::values_at_most;
use crate::pattern::pattern;

/// Is a member of this name a secret?
pub(super) fn names_secret(name: &str) -> bool {
    ["access_token", "refresh_token", "id_token", "client_secret"].iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// A body that could hold more values is not read: what is made of it would take many times its size. A page of 4,000 role
/// assignments has half as many.
const VALUES_LIMIT: usize = 300_000;

/// A body that nobody could read: JSON has no control characters but white space and is UTF-8, and has fewer values than bytes.
pub(super) fn is_unfit(body: &[u8]) -> bool {
    let control = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    values_at_most(body) > VALUES_LIMIT || body.iter().any(control) || std::str::from_utf8(body).is_err()
}

/// Does this JSON object have a member whose name says that it is a secret? Only the names are looked at.
pub(super) fn holds_secret(json: &str) -> bool {
    serde_json::from_str::<HoldsSecret>(json).is_ok_and(|found| found.0)
}

/// What a backslash and what follows it can be in JSON. All of them are looked at, so that none is taken for the beginning of another.
static ESCAPE: LazyLock<Regex> = LazyLock::new(|| pattern(r"\\(?:u00(?P<code>[2-7][0-9A-Fa-f])|(?P<sign>.))"));

/// JSON can write any sign as its number. Here those of ASCII that need none stand as they are; it reads back the same.
/// Borrowed where nothing is escaped.
pub(super) fn in_plain_signs(json: &str) -> Cow<'_, str> {
    let plain = |found: &Captures| {
        let code = found.name("code").and_then(|code| u8::from_str_radix(code.as_str(), 16).ok());
        let code = code.map(char::from).filter(|sign| !matches!(sign, '"' | '\\' | '\u{7f}'));
        let slash = found.name("sign").filter(|sign| sign.as_str() == "/").map(|_| '/');
        code.or(slash).map_or_else(|| found[0].to_owned(), String::from)
    };
    ESCAPE.replace_all(json, plain)
}

/// Whether there is one.
struct HoldsSecret(bool);

impl<'de> Deserialize<'de> for HoldsSecret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = HoldsSecret;

            fn expecting(&self, out: &mut std::fmt::Formatter) -> std::fmt::Result {
                out.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut members: M) -> Result<HoldsSecret, M::Error> {
                let mut found = false;
                while let Some((name, _)) = members.next_entry::<String, IgnoredAny>()? {
                    found = found || names_secret(&name);
                }
                Ok(HoldsSecret(found))
            }
        }
        deserializer.deserialize_map(Names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_is_one() {
        crate::pattern::are_all_of(include_str!("body.rs"), &[&ESCAPE]);
    }

    #[test]
    fn a_body_that_nobody_could_read_is_known_by_its_bytes() {
        let many = b"{},".repeat(VALUES_LIMIT);
        let unfit: [&[u8]; 4] = [b"a\0b", b"\xff", b"\xc3\x28", &many];
        assert!(unfit.iter().all(|body| is_unfit(body)));
        let fit: [&[u8]; 3] = [b"", b"{\"a\":\t1}\r\n", "\u{feff}gr\u{fc}n".as_bytes()];
        assert!(!fit.iter().any(|body| is_unfit(body)));
    }

    #[test]
    fn signs_that_are_written_as_numbers_stand_as_they_are_where_json_lets_them() {
        let json = r#"{"\u0061ccess\u005ftoken":"\u0065yJ\/x\\u0041\\\u0042\u0022\u005c\u007f\u00e9\u0000\n"}"#;
        let plain = in_plain_signs(json);
        assert_eq!(plain, r#"{"access_token":"eyJ/x\\u0041\\B\u0022\u005c\u007f\u00e9\u0000\n"}"#);
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
        assert!(read(json).is_some() && read(json) == read(&plain));
        assert!(matches!(in_plain_signs(r#"{"a":"b"}"#), Cow::Borrowed(_)));
    }

    #[test]
    fn a_secret_is_found_by_its_name_wherever_it_stands_in_the_object() {
        assert!(holds_secret(r#"{"a":{"deep":[1]},"Refresh_Token":"x","Refresh_Token":""}"#));
        for none in [r#"{"a":{"access_token":"x"}}"#, r#"["access_token"]"#, "{\"access_token\":\"x\"", ""] {
            assert!(!holds_secret(none), "{none}");
        }
    }
}
