//! What permissions allow and deny, held against a slow and obvious matching on texts that nobody thought of, and the laws
//! that must hold whatever the patterns are.

use midoctor::azure::pattern::Pattern;
use midoctor::azure::permissions::{Index, Operation, Permission, allow, denies, lacking, satisfy};
use proptest::prelude::*;

/// Letters that patterns are made of, and one that no pattern spells.
const LETTERS: [char; 2] = ['a', '/'];
const FRESH: char = 'z';

/// All texts of at most so many of these letters.
fn texts(letters: &[char], length: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut last = 0;
    for _ in 0..length {
        let next: Vec<String> =
            all[last..].iter().flat_map(|text| letters.iter().map(move |letter| format!("{text}{letter}"))).collect();
        last = all.len();
        all.extend(next);
    }
    all
}

/// Does the pattern match? The slow and obvious way.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => matches(rest, text) || (!text.is_empty() && matches(pattern, &text[1..])),
        (Some((letter, rest)), Some((first, left))) => letter.eq_ignore_ascii_case(first) && matches(rest, left),
        _ => false,
    }
}

fn any(patterns: &[Pattern], text: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern.as_str().as_bytes(), text.as_bytes()))
}

/// Does an entry let this one text through?
fn permits(entry: &Permission, text: &str) -> bool {
    any(&entry.actions, text) && !any(&entry.not_actions, text)
}

/// Patterns of at most four letters; what they match together shows in texts of six.
const LONGEST: usize = 6;

fn pattern() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!['a', 'A', '/', '*']), 0..=4).prop_map(String::from_iter)
}

fn some_entry() -> impl Strategy<Value = Permission> {
    let list = |most| prop::collection::vec(pattern(), 0..=most);
    (list(3), list(2)).prop_map(|(actions, not_actions)| Permission {
        actions: actions.iter().map(|text| Pattern::new(text)).collect(),
        not_actions: not_actions.iter().map(|text| Pattern::new(text)).collect(),
        ..Permission::default()
    })
}

fn some_entries() -> impl Strategy<Value = Vec<Permission>> {
    prop::collection::vec(some_entry(), 0..=3)
}

fn in_capitals(entries: &[Permission]) -> Vec<Permission> {
    let raise = |list: &[Pattern]| list.iter().map(|one| Pattern::new(&one.as_str().to_uppercase())).collect();
    let raised = |entry: &Permission| Permission {
        actions: raise(&entry.actions),
        not_actions: raise(&entry.not_actions),
        ..Permission::default()
    };
    entries.iter().map(raised).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn covering_and_overlapping_are_what_the_texts_say(one in pattern(), other in pattern()) {
        let matched = |pattern: &str, text: &str| matches(pattern.as_bytes(), text.as_bytes());
        let with_fresh = texts(&[LETTERS[0], LETTERS[1], FRESH], 4);
        let covers = with_fresh.iter().filter(|text| matched(&other, text)).all(|text| matched(&one, text));
        prop_assert_eq!(Pattern::new(&one).covers(&Pattern::new(&other)), covers, "{} over {}", one, other);
        let overlaps = texts(&LETTERS, LONGEST).iter().any(|text| matched(&one, text) && matched(&other, text));
        prop_assert_eq!(Pattern::new(&one).overlaps(&Pattern::new(&other)), overlaps, "{} and {}", one, other);
    }

    #[test]
    fn a_single_operation_is_allowed_and_denied_exactly_as_its_text_is(
        entries in some_entries(),
        required in prop::sample::select(texts(&['a', '/', FRESH], 4)),
    ) {
        let permitted = entries.iter().any(|entry| permits(entry, &required));
        let required = Operation::Action(required);
        prop_assert_eq!(allow(&entries, &required), permitted);
        prop_assert_eq!(denies(&entries, &required), permitted);
    }

    #[test]
    fn an_allowed_wildcard_has_every_expansion_permitted(entries in some_entries(), required in pattern()) {
        let expansions: Vec<String> = texts(&[LETTERS[0], LETTERS[1], FRESH], LONGEST)
            .into_iter()
            .filter(|text| matches(required.as_bytes(), text.as_bytes()))
            .collect();
        let all = expansions.iter().all(|text| entries.iter().any(|entry| permits(entry, text)));
        let allowed = allow(&entries, &Operation::Action(required));
        prop_assert!(!allowed || all);
        // Where nothing is taken out, it is exact.
        if entries.iter().all(|entry| entry.not_actions.is_empty()) {
            prop_assert_eq!(allowed, all);
        }
    }

    #[test]
    fn a_wildcard_that_is_not_denied_has_no_expansion_denied(entries in some_entries(), required in pattern()) {
        let some = texts(&[LETTERS[0], LETTERS[1], FRESH], LONGEST)
            .iter()
            .filter(|text| matches(required.as_bytes(), text.as_bytes()))
            .any(|text| entries.iter().any(|entry| permits(entry, text)));
        let denied = denies(&entries, &Operation::Action(required));
        prop_assert!(denied || !some);
        if entries.iter().all(|entry| entry.not_actions.is_empty()) {
            prop_assert_eq!(denied, some);
        }
    }

    #[test]
    fn one_entry_more_takes_nothing_away(entries in some_entries(), more in some_entry(), required in pattern()) {
        let required = Operation::Action(required);
        let (allowed, denied) = (allow(&entries, &required), denies(&entries, &required));
        let wanted = more.clone();
        let satisfied = satisfy(&entries, &wanted);
        let entries: Vec<Permission> = entries.into_iter().chain([more]).collect();
        prop_assert!(!allowed || allow(&entries, &required));
        prop_assert!(!denied || denies(&entries, &required));
        prop_assert!(!satisfied || satisfy(&entries, &wanted));
    }

    #[test]
    fn an_index_of_the_entries_changes_no_answer(entries in some_entries(), wanted in some_entry()) {
        prop_assert_eq!(Index::new(&entries).lacking(&entries, &wanted), lacking(&entries, &wanted));
    }

    #[test]
    fn order_and_case_do_not_matter(entries in some_entries(), required in pattern()) {
        let reversed: Vec<Permission> = entries.iter().rev().cloned().collect();
        let loud = in_capitals(&entries);
        let (plain, raised) = (Operation::Action(required.clone()), Operation::Action(required.to_uppercase()));
        for other in [&reversed, &loud] {
            for required in [&plain, &raised] {
                prop_assert_eq!(allow(&entries, &plain), allow(other, required));
                prop_assert_eq!(denies(&entries, &plain), denies(other, required));
            }
        }
    }

    #[test]
    fn data_is_judged_by_the_same_rules_and_apart(entries in some_entries(), required in pattern()) {
        let data: Vec<Permission> = entries
            .iter()
            .map(|entry| Permission {
                data_actions: entry.actions.clone(),
                not_data_actions: entry.not_actions.clone(),
                ..Permission::default()
            })
            .collect();
        let (action, on_data) = (Operation::Action(required.clone()), Operation::DataAction(required));
        prop_assert_eq!(allow(&entries, &action), allow(&data, &on_data));
        prop_assert_eq!(denies(&entries, &action), denies(&data, &on_data));
        prop_assert!(!allow(&entries, &on_data) && !allow(&data, &action));
    }
}
