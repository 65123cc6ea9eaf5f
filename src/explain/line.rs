//! A line of the text with its number, the time stamp it begins with, and what makes two of them the same.

use std::hash::Hasher;

/// A line, or a piece of one that is too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Counted from 1; the pieces of a line share it.
    pub number: usize,
    /// Without its end.
    pub text: String,
    /// It begins in the middle of a line, maybe in the middle of a secret.
    pub inside: bool,
    /// It holds a trigger.
    pub hit: bool,
}

impl Line {
    /// Reads a line from bytes, as far as they are text.
    pub fn read(number: usize, bytes: &[u8], inside: bool) -> Self {
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        Self { number, text: String::from_utf8_lossy(bytes).into_owned(), inside, hit: false }
    }

    /// Is there nothing in it?
    pub fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// The second of the day that the line begins with, as lines of logs do. A time within the line says nothing: it may
    /// come from another clock.
    pub fn second(&self) -> Option<u32> {
        const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let bytes = self.text.as_bytes();
        let begins = bytes.first().is_some_and(|byte| byte.is_ascii_digit() || b"[<".contains(byte))
            || MONTHS.iter().any(|month| self.text.starts_with(month));
        if !begins {
            return None;
        }
        let number = |digits: &[u8]| match digits {
            [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => Some(u32::from(tens - b'0') * 10 + u32::from(ones - b'0')),
            _ => None,
        };
        bytes[..bytes.len().min(48)].windows(8).find_map(|window| match window {
            [h1, h2, b':', m1, m2, b':', s1, s2] => {
                Some(number(&[*h1, *h2])? * 3600 + number(&[*m1, *m2])? * 60 + number(&[*s1, *s2])?)
            }
            _ => None,
        })
    }

    /// Feeds what matters of the line: not when it was, nor which process or request.
    pub fn feed(&self, hasher: &mut impl Hasher) {
        let bytes = self.text.as_bytes();
        let of_an_id = |byte: &u8| byte.is_ascii_hexdigit() || b":-".contains(byte);
        let mut at = 0;
        while at < bytes.len() {
            let run = bytes[at..].iter().take_while(|byte| of_an_id(byte)).count();
            let is_id = run >= 8 && bytes[at..at + run].iter().any(u8::is_ascii_digit);
            if is_id {
                at += run;
                // Fractions of a second.
                if let [b'.' | b',', after @ ..] = &bytes[at..] {
                    let digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
                    at += if digits > 0 { digits + 1 } else { 0 };
                }
                continue;
            }
            if let [b'[', after @ ..] = &bytes[at..] {
                let digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
                if digits > 0 && after.get(digits) == Some(&b']') {
                    at += digits + 2;
                    continue;
                }
            }
            let end = at + run.max(1);
            hasher.write(&bytes[at..end]);
            at = end;
        }
        hasher.write_u8(b'\n');
    }
}

/// Is there a minute or more between two seconds of a day, midnight considered?
pub fn apart(one: u32, other: u32) -> bool {
    let between = one.abs_diff(other);
    between.min(86_400_u32.saturating_sub(between)) > 60
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::DefaultHasher;

    fn line(text: &str) -> Line {
        Line::read(1, text.as_bytes(), false)
    }

    fn same(one: &str, other: &str) -> bool {
        let hash = |text: &str| {
            let mut hasher = DefaultHasher::new();
            line(text).feed(&mut hasher);
            hasher.finish()
        };
        hash(one) == hash(other)
    }

    #[test]
    fn a_line_begins_with_its_time_or_has_none() {
        for (text, second) in [
            ("2026-11-22T08:50:01.123Z app: x", Some(31_801)),
            ("[2026-11-22 08:50:01] x", Some(31_801)),
            ("Nov 22 08:50:01 vm-1 app[12]: x", Some(31_801)),
            ("08:50:01 x", Some(31_801)),
            ("Timestamp: 2026-11-22 08:50:01Z", None),
            ("date: Sun, 22 Nov 2026 08:50:01 GMT", None),
            ("8:50 x", None),
            ("", None),
        ] {
            assert_eq!(line(text).second(), second, "{text}");
        }
        assert!(!apart(10, 70) && apart(10, 71) && !apart(86_390, 10));
    }

    #[test]
    fn when_and_in_which_process_makes_no_difference_but_what_was_said_does() {
        assert!(same(
            "2026-11-22T08:50:01.123Z app[12]: 403, request 3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846",
            "2026-11-22T09:51:02.4Z app[7]: 403, request 0f9e8d7c-6b5a-4938-8271-605f4e3d2c1b"
        ));
        for (one, other) in [
            ("status 400", "status 403"),
            ("http://169.254.169.254:80", "http://169.254.169.253:80"),
            ("127.0.0.1:50342", "127.0.0.1:40342"),
            ("AADSTS7000215", "AADSTS7000216"),
            ("a", "b"),
        ] {
            assert!(!same(one, other), "{one} {other}");
        }
    }
}
