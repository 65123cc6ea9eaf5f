//! A pattern of Azure's permissions: letters, and `*` for any characters, `/` and none at all included. Case does not matter.
//!
//! Folded to lower case once, so that comparing two patterns allocates nothing and mostly ends at their first letters.

use std::fmt;

/// One pattern, such as `Microsoft.Compute/*/read`. Two that differ in case only are equal.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    folded: String,
    /// How many bytes stand before the first star and after the last; `None` when there is no star.
    ends: Option<(usize, usize)>,
}

impl Pattern {
    /// Reads a pattern.
    pub fn new(text: &str) -> Self {
        let folded = text.to_lowercase();
        let ends = folded.find('*').zip(folded.rfind('*')).map(|(first, last)| (first, folded.len() - last - 1));
        Self { text: text.to_owned(), folded, ends }
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Does it hold a wildcard?
    pub fn is_wild(&self) -> bool {
        self.ends.is_some()
    }

    /// Lower-cased, for whoever looks it up.
    pub(super) fn folded(&self) -> &str {
        &self.folded
    }

    /// What every text that it matches begins with, lower-cased.
    pub(super) fn start(&self) -> &[u8] {
        &self.folded.as_bytes()[..self.ends.map_or(self.folded.len(), |(before, _)| before)]
    }

    /// Does this pattern match every text that `required` matches? A star in `required` counts as a letter that no pattern
    /// spells, so only a star here can take it in; and what takes in one letter takes in any text.
    pub fn covers(&self, required: &Self) -> bool {
        let Some((before, after)) = self.ends else { return self.folded == required.folded };
        let (own, text) = (self.folded.as_bytes(), required.folded.as_bytes());
        if text.len() < before + after
            || own[own.len() - after..] != text[text.len() - after..]
            || own[..before] != text[..before]
        {
            return false;
        }
        if before + after + 1 == own.len() {
            return true;
        }
        // The parts between stars, each at the first place after the one before it.
        let mut rest = &text[before..text.len() - after];
        for part in own[before..own.len() - after].split(|letter| *letter == b'*').filter(|part| !part.is_empty()) {
            let Some(at) = rest.windows(part.len()).position(|window| window == part) else { return false };
            rest = &rest[at + part.len()..];
        }
        true
    }

    /// Is there a text that both patterns match? Two patterns with stars have one as soon as their beginnings agree as far
    /// as the shorter goes, and their ends: the stars take in whatever the other wants in between.
    pub fn overlaps(&self, other: &Self) -> bool {
        let (Some((before, after)), Some((other_before, other_after))) = (self.ends, other.ends) else {
            return if self.is_wild() { self.covers(other) } else { other.covers(self) };
        };
        let (own, text) = (self.folded.as_bytes(), other.folded.as_bytes());
        let (before, after) = (before.min(other_before), after.min(other_after));
        own[..before] == text[..before] && own[own.len() - after..] == text[text.len() - after..]
    }
}

impl From<&str> for Pattern {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}

impl Eq for Pattern {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_every_expansion_of_the_other_is_in() {
        for (granted, required, expected) in [
            ("*", "*/read", true),
            ("*/read", "*/read", true),
            ("*/READ", "Microsoft.Compute/virtualMachines/read", true),
            ("Microsoft.Compute/*", "Microsoft.Compute/virtualMachines/start/action", true),
            ("Microsoft.Compute/*/read", "Microsoft.Compute/virtualMachines/*", false),
            ("Microsoft.Compute/virtualMachines/read", "*/read", false),
            ("Microsoft.Compute/virtualMachines/*", "Microsoft.Compute/virtualMachines/*/read", true),
            ("*/virtualMachines/*/read", "Microsoft.Compute/virtualMachines/read", false),
            ("a**b", "ab", true),
            ("a*b*b", "ab", false),
            ("", "", true),
            ("a", "", false),
            ("*", "", true),
        ] {
            assert_eq!(Pattern::new(granted).covers(&required.into()), expected, "{granted} over {required}");
        }
    }

    #[test]
    fn patterns_overlap_when_one_text_matches_both() {
        for (one, other, expected) in [
            ("Microsoft.Authorization/*/Write", "*/read", false),
            ("Microsoft.Authorization/*", "*/read", true),
            ("a*c", "ab*", true),
            ("a*", "b*", false),
            ("a*b", "aab", true),
            ("*", "", true),
            ("", "", true),
        ] {
            assert_eq!(Pattern::new(one).overlaps(&other.into()), expected, "{one} and {other}");
            assert_eq!(Pattern::new(other).overlaps(&one.into()), expected, "{other} and {one}");
        }
    }
}
