//! Finds a token that comes back: cut off, in parts, percent-encoded or in base64. Of the token itself nothing is kept here.

use std::borrow::Cow;
use std::collections::HashSet;
use std::hash::BuildHasher;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::Zeroizing;

use crate::seal::SEAL;

/// So many bytes that a text has in common with a token make an echo of it. Any twice as many are found, wherever they begin.
const COMMON: usize = 20;

/// What a token's pieces hash to, by a secret of this run.
pub struct Echoes {
    hasher: foldhash::quality::RandomState,
    pieces: HashSet<u64>,
}

impl Echoes {
    /// The pieces of a token, as it is and in base64, at each of the three places where its first byte can stand in a group.
    pub fn of(token: &str) -> Self {
        let mut echoes = Self { hasher: foldhash::quality::RandomState::default(), pieces: HashSet::new() };
        echoes.take(token.as_bytes());
        for skipped in 0..3 {
            let bytes = token.as_bytes().get(skipped..).unwrap_or_default();
            let encoded = Zeroizing::new(STANDARD_NO_PAD.encode(&bytes[..bytes.len() / 3 * 3]));
            echoes.take(encoded.as_bytes());
        }
        echoes
    }

    fn take(&mut self, form: &[u8]) {
        let Self { hasher, pieces } = self;
        pieces.extend(form.windows(COMMON).map(|piece| hasher.hash_one(canonical(piece))));
    }

    /// The text without the runs of a token's characters that have enough in common with it.
    pub fn seal<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut sealed = String::new();
        let mut done = 0;
        for (start, run) in runs(text) {
            let bytes = run.as_bytes();
            let last = bytes.len().saturating_sub(COMMON);
            let mut places = (0..last).step_by(COMMON).chain([last]);
            let is_known = |at: usize| {
                let piece = bytes.get(at..at + COMMON);
                piece.is_some_and(|piece| self.pieces.contains(&self.hasher.hash_one(canonical(piece))))
            };
            if places.any(is_known) {
                sealed.push_str(&text[done..start]);
                sealed.push_str(SEAL);
                done = start + run.len();
            }
        }
        if done == 0 { Cow::Borrowed(text) } else { Cow::Owned(sealed + &text[done..]) }
    }
}

/// Both alphabets of base64 are one here.
fn canonical(piece: &[u8]) -> [u8; COMMON] {
    let mut same = [0; COMMON];
    for (to, from) in same.iter_mut().zip(piece) {
        *to = match from {
            b'+' => b'-',
            b'/' => b'_',
            other => *other,
        };
    }
    same
}

/// The runs of characters of which tokens are made, long enough to be a part of one, with where they begin.
fn runs(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_of_one = |c: char| c.is_ascii_alphanumeric() || "-_.~+/=%".contains(c);
    let mut start = 0;
    let pieces = text.split(move |c: char| !is_of_one(c)).map(move |run| {
        let at = start;
        let after = text[at + run.len()..].chars().next().map_or(0, char::len_utf8);
        start = at + run.len() + after;
        (at, run)
    });
    pieces.filter(|(_, run)| run.len() >= COMMON)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0.AXoAc3R1ZmZ-pqrs+tuvw/4789012345678901234567890xyzABCDEFGHIJKLMNOP==";

    #[test]
    fn an_echo_is_found_in_any_shape() {
        let echoes = Echoes::of(TOKEN);
        let percent: String = TOKEN.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        let base64 = |before: &str| STANDARD_NO_PAD.encode(format!("{before}{TOKEN}"));
        for echo in [
            TOKEN.to_owned(),
            TOKEN[..45].to_owned(),
            TOKEN[7..50].to_owned(),
            TOKEN[25..].to_owned(),
            percent,
            base64(""),
            base64("a"),
            base64("user:"),
            base64("ab:").replace('/', "_").replace('+', "-"),
        ] {
            assert_eq!(echoes.seal(&format!("é “{echo}” is wrong")), "é “(sealed)” is wrong", "{echo}");
        }
    }

    #[test]
    fn what_only_looks_alike_stays() {
        let echoes = Echoes::of(TOKEN);
        let id = "/subscriptions/3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846/resourceGroups/rg-doctor";
        for text in [id, "", "short", "é", &TOKEN[..19]] {
            assert!(matches!(echoes.seal(text), Cow::Borrowed(_)), "{text}");
        }
        assert!(Echoes::of("").pieces.is_empty() && Echoes::of("short").pieces.is_empty());
    }
}
