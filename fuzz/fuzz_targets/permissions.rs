//! Patterns of permissions, held against a slow and obvious matching of texts that the fuzzer makes up.
//!
//! Each line is one text: first the text that is looked at, then what is required, then entries, each line a pattern of one. A line
//! that begins with `-` is taken out of the entry, one with `=` begins the next.

#![no_main]

use libfuzzer_sys::fuzz_target;
use midoctor::azure::pattern::Pattern;
use midoctor::azure::permissions::{Index, Operation, Permission, allow, denies, lacking, missing, satisfy};
use midoctor::azure::roles;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.lines();
    let (Some(text), Some(required)) = (lines.next(), lines.next()) else { return };
    let mut entries = vec![Permission::default()];
    for line in lines.take(24) {
        let last = entries.last_mut().unwrap();
        match line.as_bytes().first() {
            Some(b'=') => entries.push(Permission::default()),
            Some(b'-') => last.not_actions.push(Pattern::new(&line[1..])),
            _ => last.actions.push(Pattern::new(line)),
        }
    }
    two(Pattern::new(required), entries.iter().flat_map(|entry| &entry.actions), text);
    all(&entries, &Operation::Action(required.to_owned()), text);
});

/// Does the pattern match? Row by row: after each letter of the pattern, which beginnings of the text it takes.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut takes = vec![false; text.len() + 1];
    takes[0] = true;
    for letter in pattern.bytes() {
        if letter == b'*' {
            for end in 1..takes.len() {
                takes[end] |= takes[end - 1];
            }
        } else {
            for end in (1..takes.len()).rev() {
                takes[end] = takes[end - 1] && text.as_bytes()[end - 1] == letter;
            }
            takes[0] = false;
        }
    }
    takes[text.len()]
}

fn two<'a>(required: Pattern, granted: impl Iterator<Item = &'a Pattern>, text: &str) {
    assert!(required.covers(&required) && required.overlaps(&required), "{required:?}");
    for one in granted {
        let (fits, wanted) = (matches(one.as_str(), text), matches(required.as_str(), text));
        assert!(!one.covers(&required) || !wanted || fits, "{one:?} covers {required:?}, but for {text:?}");
        assert!(one.overlaps(&required) || !(wanted && fits), "{one:?} and {required:?} have {text:?}");
        assert_eq!(one.overlaps(&required), required.overlaps(one), "{one:?} and {required:?}");
        assert!(!one.covers(&required) || one.overlaps(&required), "{one:?} and {required:?}");
    }
}

fn permits(entry: &Permission, text: &str) -> bool {
    let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| matches(pattern.as_str(), text));
    any(&entry.actions) && !any(&entry.not_actions)
}

fn all(entries: &[Permission], required: &Operation, text: &str) {
    let allowed = allow(entries, required);
    if !text.contains('*') {
        let permitted = entries.iter().any(|entry| permits(entry, text));
        let exact = Operation::Action(text.to_owned());
        assert_eq!(allow(entries, &exact), permitted, "{text:?} by {entries:?}");
        assert_eq!(denies(entries, &exact), permitted, "{text:?} by {entries:?}");
        let expands = matches(required.as_str(), text);
        assert!(!(allowed && expands) || permitted, "{required:?} is allowed, {text:?} is not");
        assert!(denies(entries, required) || !(permitted && expands), "{text:?} of {required:?} is denied");
    }
    assert_eq!(missing(entries, std::slice::from_ref(required)).is_empty(), allowed);
    let (last, rest) = entries.split_last().unwrap();
    assert!(!allow(rest, required) || allowed, "an entry takes {required:?} away");
    assert!(!denies(rest, required) || denies(entries, required), "an entry lets {required:?} in");
    let reversed: Vec<Permission> = entries.iter().rev().cloned().collect();
    assert_eq!(allow(&reversed, required), allowed);
    assert_eq!(Index::new(entries).lacking(entries, last), lacking(entries, last));
    assert_eq!(satisfy(entries, last), lacking(entries, last).is_empty());
    if let Some(role) = roles::narrowest(std::slice::from_ref(required)) {
        assert!(role.allows(required), "{} does not allow {required:?}", role.name);
    }
}
