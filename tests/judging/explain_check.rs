//! `explain --and-check`: which of the causes that a text allows the checks confirm. The machine is simulated, in process.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::played;
use midoctor::explain::answer::Answer;
use midoctor::explain::cause::{Cause, Confidence};
use midoctor::explain::scan::Seen;
use midoctor::explain::shown;
use midoctor::explain::weigh::Sighting;
use midoctor::render::style::Style;
use midoctor::scenarios;

/// The end of the text when these causes were read, and the machine is in this state.
fn ending(codes: &[&'static str], scenario: &str) -> (Vec<String>, String) {
    let sighting = |code: &&'static str| Sighting {
        cause: Cause { code, confidence: Confidence::Possible, line: 1, evidence: "x".into(), client: None },
        times: 1,
        facts: Default::default(),
    };
    let sightings = codes.iter().map(sighting).collect();
    let mut answer = Answer::new(Seen { sightings, lines: 1, left_out: 0 });
    let example = scenarios::find(scenario).unwrap().scenario().unwrap();
    let plan = scenarios::plan(&example).unwrap();
    let machine = midoctor::simulator::SimulatedMachine::new(midoctor::simulator::Azure::new(example));
    let evidence = midoctor::engine::examine(&machine, &plan, Default::default(), &|_: &_| {}).0;
    answer.check(&played::judged(evidence));
    let text = shown::render(&answer, Style::default());
    let last = text.trim_end().lines().rev().take_while(|line| !line.is_empty()).collect::<Vec<_>>();
    (answer.check.unwrap().confirmed, last.into_iter().rev().collect::<Vec<_>>().join("\n"))
}

const MORE: &str = "\nmidoctor check shows all that they found.";

#[test]
fn a_candidate_that_the_checks_found_is_confirmed() {
    let (confirmed, said) = ending(&["imds-timeout", "identity-none"], "identity-none");
    assert_eq!(
        (confirmed, said),
        (vec!["identity-none".into()], format!("Confirmed by the checks: identity-none.{MORE}"))
    );
}

#[test]
fn what_else_the_checks_found_is_named() {
    let (confirmed, said) = ending(&["imds-timeout"], "identity-none");
    let found = "The checks on this machine found none of these, but identity-none: No managed identity is enabled on\nthis VM.";
    assert_eq!((confirmed, said), (Vec::new(), format!("{found}{MORE}")));
    let found = "The checks on this machine found identity-none: No managed identity is enabled on this VM.";
    assert_eq!(ending(&[], "identity-none").1, format!("{found}{MORE}"));
}

#[test]
fn a_healthy_machine_confirms_nothing() {
    let (confirmed, said) = ending(&["identity-none"], "healthy");
    assert_eq!((confirmed, said), (Vec::new(), format!("The checks on this machine found nothing.{MORE}")));
}
