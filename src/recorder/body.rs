//! Bodies as they came: whether anybody could read one, and whether it holds a secret. Nothing is taken out of them here.

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};

use crate::evidence::values_at_most;

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
    fn a_body_that_nobody_could_read_is_known_by_its_bytes() {
        let many = b"{},".repeat(VALUES_LIMIT);
        let unfit: [&[u8]; 4] = [b"a\0b", b"\xff", b"\xc3\x28", &many];
        assert!(unfit.iter().all(|body| is_unfit(body)));
        let fit: [&[u8]; 3] = [b"", b"{\"a\":\t1}\r\n", "\u{feff}gr\u{fc}n".as_bytes()];
        assert!(!fit.iter().any(|body| is_unfit(body)));
    }

    #[test]
    fn a_secret_is_found_by_its_name_wherever_it_stands_in_the_object() {
        assert!(holds_secret(r#"{"a":{"deep":[1]},"Refresh_Token":"x","Refresh_Token":""}"#));
        for none in [r#"{"a":{"access_token":"x"}}"#, r#"["access_token"]"#, "{\"access_token\":\"x\"", ""] {
            assert!(!holds_secret(none), "{none}");
        }
    }
}
