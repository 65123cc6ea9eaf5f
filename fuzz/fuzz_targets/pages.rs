//! The pages and their examples: a page as a whole, a scenario's TOML with its literal answers, and what it is like to play them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use midoctor::engine::{self, Limits};
use midoctor::page;
use midoctor::scenarios;
use midoctor::simulator::{Azure, Scenario, SimulatedMachine};
use midoctor_fuzz::{judged, kind, now, promises};

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = kind(data) else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    if kind % 2 == 0 { whole(text) } else { example(text) }
});

/// A page, which is read or refused in a sentence; what it says can be played or is refused as well.
fn whole(text: &str) {
    let page = match page::parse(text) {
        Ok(page) => page,
        Err(why) => return assert!(!why.is_empty()),
    };
    for section in &page.sections {
        if let Some(example) = &section.example {
            let http: Vec<&str> = example.http.iter().map(String::as_str).collect();
            play(example.toml.as_deref(), &http);
        }
    }
}

/// A scenario: the TOML, and behind each line of three dashes a literal answer.
fn example(text: &str) {
    let mut parts = text.split("\n---\n");
    let toml = parts.next();
    play(toml, &parts.collect::<Vec<_>>());
}

fn play(toml: Option<&str>, http: &[&str]) {
    let Ok(scenario) = Scenario::parse(toml, http) else { return };
    // That many are for load, and for whoever has the time.
    if scenario.extra_assignments > 1_000 {
        return;
    }
    let Ok(plan) = scenarios::plan(&scenario) else { return };
    let machine = SimulatedMachine::at(Azure::new(scenario), now());
    let (evidence, _) = engine::examine(&machine, &plan, Limits::default(), &|_| {});
    promises::of_own(&judged(evidence), true);
}
