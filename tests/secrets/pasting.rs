//! Lines that are meant to be pasted say what they mean, whatever stands in the names: real shells run them, with programs that
//! only write down how they were called.

#![cfg(unix)]

use std::collections::BTreeSet;

use crate::attacks::{UNSPEAKABLE, WORDS};
use crate::shells::{paste, shells};
use midoctor::checks;
use midoctor::fill::{Values, argument};
use midoctor::page::{self, Section, Shell};
use midoctor::wording;

/// What no stranger chooses: the name of a variable that midoctor knows, and a number.
const OWN: [(&str, &str); 2] = [("variable", "MSI_ENDPOINT"), ("process", "4711")];

fn sections() -> impl Iterator<Item = &'static Section> {
    checks::all().flat_map(|check| &page::of(check).sections)
}

/// This in the place of every name in every line of every page.
fn everywhere(value: &str) -> Values {
    let lines = sections().flat_map(|section| &section.commands);
    let names = lines.flat_map(|command| command.line.split("{{").skip(1)).map(|rest| rest.split_once("}}").unwrap().0);
    let mut values: Values = names.map(|name| (name.to_owned(), value.to_owned())).collect();
    values.extend(own());
    values
}

fn own() -> Values {
    OWN.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

/// The lines of all pages with these values, for shells that are at hand.
fn lines(values: &Values) -> BTreeSet<String> {
    let remedies = sections().flat_map(|section| [false, true].map(|in_set| wording::remedy(section, values, in_set)));
    let commands = remedies.flat_map(|remedy| remedy.commands).filter(|command| command.shell != Shell::Pwsh);
    commands.map(|command| command.line).collect()
}

/// Stands in the place of a name, and in nothing else.
const TWIN: &str = "Zwilling";

#[test]
fn a_line_hands_over_each_name_byte_for_byte() {
    let twins: Vec<String> = lines(&everywhere(TWIN)).into_iter().filter(|line| line.contains(TWIN)).collect();
    assert!(twins.len() > 30, "{twins:#?}");
    for shell in shells() {
        let meant = paste(shell, &twins);
        for word in WORDS {
            let (quoted, said) = (argument(word, Shell::Sh).expect(word), lines(&everywhere(word)));
            let filled: Vec<String> = twins.iter().map(|line| line.replace(TWIN, &quoted)).collect();
            assert!(filled.iter().all(|line| said.contains(line)), "{word:?}: other lines: {said:#?}");
            let with_word = |call: &Vec<String>| call.iter().map(|one| one.replace(TWIN, word)).collect::<Vec<_>>();
            let expected: Vec<Vec<_>> = meant.iter().map(|calls| calls.iter().map(with_word).collect()).collect();
            let ran = paste(shell, &filled);
            for ((line, ran), expected) in filled.iter().zip(&ran).zip(&expected) {
                assert_eq!(ran, expected, "{shell}: {word:?}: {line}");
            }
        }
    }
}

#[test]
fn what_no_line_can_hand_over_is_as_if_it_were_not_known() {
    let without = lines(&own());
    assert!(without.len() < lines(&everywhere(TWIN)).len());
    for word in UNSPEAKABLE {
        assert_eq!(lines(&everywhere(word)), without, "{word:?}");
    }
}
