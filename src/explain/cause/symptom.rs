//! The symptoms on the pages as patterns: what clients print, in their own words.
//!
//! An item of a page's list `### Symptoms` reads
//!
//! ```text
//! - CLIENT: `text`
//! - CLIENT (possible): `text`
//! - CLIENT (possible 3): `text … more text`
//! ```
//!
//! - `CLIENT` is who prints it; `Any client` names nobody.
//! - `text` is looked for without regard to case, line breaks, runs of spaces, escapes and the kind of quotes. `…` stands for up to
//!   400 characters of anything.
//! - Without a mark the text speaks for the code (`likely`). `(certain)` is for words that say it themselves. `(possible)` is for
//!   words that stand for several causes: the same text is on each of their pages, and a number ranks the page among them, 1
//!   when left out.
//! - Structure is read before symptoms: when a body, a code or a host has spoken, a symptom adds a possibility and no more.
//! - A text that does not mention managed identity or Azure itself speaks for nothing alone: it is a possibility, and none at all
//!   beside a host that has nothing to do with Azure.
//!
//! A test feeds every text to `causes` and asks for its page's code: first, when it is marked so that it speaks.

use std::ops::Range;
use std::sync::LazyLock;

use super::Confidence;
use super::found::Found;
use super::text::{Text, fold};
use super::transport::names_a_stranger;
use crate::checks;
use crate::page;

/// How far apart the parts of a pattern may stand.
const GAP: usize = 400;

/// An item of a page's list of symptoms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symptom<'a> {
    /// Who prints it.
    pub client: &'a str,
    /// How far it speaks for the code.
    pub confidence: Confidence,
    /// Its place among the pages that the text stands on; the first is 1.
    pub rank: i32,
    /// The text.
    pub text: &'a str,
}

impl<'a> Symptom<'a> {
    /// Reads an item.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(item: &'a str) -> Result<Self, String> {
        let wrong = || format!("“{item}” is not “client: `text`” or “client (possible 2): `text`”");
        let (head, text) = item.split_once(": `").ok_or_else(wrong)?;
        let text = text.strip_suffix('`').filter(|text| !text.trim().is_empty()).ok_or_else(wrong)?;
        let (client, mark) = match head.strip_suffix(')').and_then(|head| head.rsplit_once(" (")) {
            Some((client, mark)) => (client, mark),
            None => (head, "likely"),
        };
        let (word, rank) = mark.split_once(' ').unwrap_or((mark, "1"));
        let confidence = match word {
            "certain" => Confidence::Certain,
            "likely" => Confidence::Likely,
            "possible" => Confidence::Possible,
            _ => return Err(wrong()),
        };
        Ok(Self { client, confidence, rank: rank.parse().map_err(|_| wrong())?, text })
    }
}

/// A symptom, ready to be looked for.
struct Pattern {
    code: &'static str,
    symptom: Symptom<'static>,
    parts: Vec<String>,
    /// Does it mention Azure or managed identity itself?
    own_context: bool,
}

static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let sections = checks::all().flat_map(|check| &page::of(check).sections);
    let items = sections.flat_map(|section| section.symptoms.iter().map(|item| (section.code.as_str(), item)));
    items
        .filter_map(|(code, item)| Some((code, Symptom::parse(item).ok()?)))
        .map(|(code, symptom)| {
            let parts: Vec<String> = symptom.text.split('…').map(fold).filter(|part| !part.is_empty()).collect();
            let own_context = CONTEXT.iter().any(|word| parts.iter().any(|part| part.contains(word)));
            Pattern { code, symptom, parts, own_context }
        })
        .collect()
});

/// Words that only a text about Azure or its identities has.
const CONTEXT: [&str; 27] = [
    "169.254.169.254",
    "/metadata/identity",
    "managedidentity",
    "managed identity",
    "managed service identity",
    "managed service principal",
    "imds",
    "msi:",
    " msi ",
    "msi endpoint",
    "to msi",
    "from msi",
    "msiauthentication",
    "/msi/token",
    "azure",
    "aadsts",
    "azcopy",
    "access_token",
    "token-identified principal",
    "az login",
    "resterror",
    "azcmagent",
    "msal4j",
    "activedirectorym",
    "nmi response",
    "managed_identity",
    ":50342",
];

/// Is the text about Azure or its identities?
pub fn is_about_azure(text: &Text) -> bool {
    text.has_any(&CONTEXT)
}

/// Adds what the symptoms on the pages allow.
pub fn read(text: &Text, found: &mut Found) {
    let about = is_about_azure(text);
    let mut stranger = None;
    for pattern in PATTERNS.iter() {
        let Some(at) = find(&text.flat, &pattern.parts) else { continue };
        let trusted = about || pattern.own_context;
        if !trusted && *stranger.get_or_insert_with(|| names_a_stranger(text)) {
            continue;
        }
        let confidence = if trusted { pattern.symptom.confidence } else { Confidence::Possible };
        let client = Some(pattern.symptom.client).filter(|client| *client != "Any client");
        // Longer texts know more.
        let length = pattern.parts.iter().map(String::len).sum::<usize>() as i32;
        let rank = match confidence {
            Confidence::Possible => -10 * pattern.symptom.rank,
            _ => length.min(400) - 1000,
        };
        found.add(pattern.code, confidence, rank, &at, client);
    }
}

/// Where the parts stand, one after the other.
fn find(text: &str, parts: &[String]) -> Option<Range<usize>> {
    let (first, rest) = parts.split_first()?;
    'starts: for (start, _) in text.match_indices(first.as_str()) {
        let mut end = start + first.len();
        for part in rest {
            let until = super::text::boundary(text, end + GAP + part.len());
            match text[end..until].find(part.as_str()) {
                Some(at) => end += at + part.len(),
                None => continue 'starts,
            }
        }
        return Some(start..end);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_read_with_its_mark() {
        let read = |item| Symptom::parse(item).map(|it| (it.client, it.confidence, it.rank, it.text));
        assert_eq!(read("Go (adal): `a`").ok(), None);
        assert_eq!(read("curl: `a: b`"), Ok(("curl", Confidence::Likely, 1, "a: b")));
        assert_eq!(read("Any client (possible 3): `a … b`"), Ok(("Any client", Confidence::Possible, 3, "a … b")));
        assert!(read("no text").is_err());
    }

    #[test]
    fn parts_stand_near_each_other_and_in_order() {
        let parts = ["ab".to_owned(), "cd".to_owned()];
        assert_eq!(find("ab ab xx cd", &parts), Some(0..11));
        assert_eq!(find("cd ab", &parts), None);
        assert_eq!(find(&format!("ab{}cd", "x".repeat(GAP + 5)), &parts), None);
    }
}
