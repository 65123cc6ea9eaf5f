//! Makes a text of a stranger's report one that can be shown to anybody.

use std::borrow::Cow;

use crate::fill::{is_hidden, visible};
use crate::seal;

/// A text of more bytes than this is cut.
const LONGEST: usize = 400;

/// The text with nothing hidden in it, no token, and an end.
pub fn tame(text: &str) -> Cow<'_, str> {
    let plain = |c: char| !(c.is_control() || is_hidden(c));
    // A token has this letter early on, and hardly any name has it.
    let no_token = memchr::memchr(b'J', text.as_bytes()).is_none() || !text.contains("eyJ");
    let ascii = || text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if text.len() <= LONGEST && no_token && (ascii() || text.chars().all(plain)) {
        return text.into();
    }
    let mut shown = visible(&seal::tokens(text));
    if shown.len() > LONGEST {
        let end = (0..=LONGEST).rev().find(|end| shown.is_char_boundary(*end)).unwrap_or_default();
        shown.truncate(end);
        shown.push('…');
    }
    shown.into()
}
