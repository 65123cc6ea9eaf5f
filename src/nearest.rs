//! The nearest known word when one is misspelt.

use crate::fill::visible;

/// `; did you mean “vault”?`, or nothing when no name is near.
pub fn suggestion(word: &str, names: &[&str]) -> String {
    nearest(word, names).map(|name| format!("; did you mean “{name}”?")).unwrap_or_default()
}

/// So much of a word is repeated.
const SHOWN: usize = 80;

/// The complaint about a word that is none of these names: what it is not, the nearest one, and what lists them all.
pub fn unknown(word: &str, what: &str, names: &[&str], lister: &str) -> String {
    let near = nearest(&word.to_lowercase(), names);
    let near = near.map_or_else(|| ";".to_owned(), |name| format!("; did you mean “{name}”?"));
    // Somebody may have pasted a whole file without a blank.
    let (shown, cut) = word.char_indices().nth(SHOWN).map_or((word, ""), |(end, _)| (&word[..end], "…"));
    format!("“{}{cut}” is {what}{near} {lister} lists them all", visible(shown))
}

/// The name that differs least, when it does not differ much.
pub fn nearest<'a>(word: &str, names: &[&'a str]) -> Option<&'a str> {
    names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(word, name), *name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
