//! How waiting is told: the last line of the text, and what `explain` says of a code that is waited for.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::common::run;
use crate::played::{judged, named};
use midoctor::render::style::Style;
use midoctor::render::text::{Detail, render};
use midoctor::report::{WaitEnd, Waiting};

/// The last line of the text after so many examinations.
fn last_line(scenario: &str, attempts: u32, waited_ms: u64, unchanged_ms: u64, ended: WaitEnd) -> String {
    let mut report = judged(named(scenario, |_| {}));
    report.run.attempts = attempts;
    report.run.waited_ms = waited_ms;
    report.run.waiting = Some(Waiting { limit_ms: 600_000, unchanged_ms, ended });
    let style = Style { width: 200, ..Style::default() };
    render(&report, style, Detail::default()).lines().last().unwrap().to_owned()
}

#[test]
fn the_last_line_says_how_long_how_often_since_when_and_why_it_ended() {
    use WaitEnd::{DoesNotHeal, Healthy, OutOfTime, Overdue};
    for (scenario, attempts, waited, unchanged, ended, line) in [
        ("healthy", 5, 40_000, 0, Healthy, "waited 40 s over 5 attempts"),
        ("role-missing", 1, 0, 0, OutOfTime, "did not wait: no second attempt fitted into 10 minutes"),
        ("role-missing", 1, 0, 0, DoesNotHeal, "did not wait: it does not heal by itself"),
        (
            "identity-ambiguous",
            12,
            240_000,
            0,
            DoesNotHeal,
            "waited 4 minutes over 12 attempts; it has been so since the last of them; stopped because it does not heal by itself",
        ),
        (
            "role-missing",
            12,
            240_000,
            180_000,
            OutOfTime,
            "waited 4 minutes over 12 attempts; it has been so for 3 minutes; stopped because no other fitted into 10 minutes",
        ),
        (
            "role-missing",
            25,
            640_000,
            640_000,
            Overdue,
            "waited 10 minutes over 25 attempts; it has been so for 10 minutes; stopped because it has lasted longer than such a change usually takes",
        ),
    ] {
        assert_eq!(last_line(scenario, attempts, waited, unchanged, ended), line);
    }
    // What is well at once needs no word about waiting.
    assert!(last_line("healthy", 1, 0, 0, Healthy).contains(" passed, "));
}

#[test]
fn explain_says_how_long_a_code_is_given() {
    let words = |code: &str| run(&["explain", code]).stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words("imds-updating").contains(
        "With --wait, midoctor gives it 70 s: Azure states that an update of the metadata service is over within 70 seconds."
    ));
    assert!(words("identity-none").contains("With --wait, midoctor gives it 5 minutes: the identity may have been enabled moments ago; how long that takes to reach the metadata service is not documented, and 5 minutes are assumed."));
    assert!(!words("role-denied").contains("--wait"));
}
