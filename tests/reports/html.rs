//! The page of a report, as text: it is the same for the same report, holds no answers, loads nothing, and lets in its own style
//! and script alone. What a browser makes of it is held in tests/browser.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::common;
use crate::hostile_report;
use crate::played::play;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use midoctor::evidence::Outcome;
use midoctor::render::html::{render, view};
use midoctor::report::{Ignored, Report, WaitEnd, Waiting, Word};
use regex::Regex;

const LITTLE: &str = "roles = []\n";

fn page(report: &Report) -> String {
    render(report).unwrap()
}

/// What stands between these two, once.
fn between<'a>(page: &'a str, start: &str, end: &str) -> &'a str {
    assert_eq!(page.matches(start).count(), 1, "{start}");
    page.split_once(start).unwrap().1.split_once(end).unwrap().0
}

/// The text of a page without its marks, its style and its script.
fn text(page: &str) -> String {
    let bare = Regex::new(r"(?s)<style>.*?</style>|<script>.*?</script>|<[^>]*>").unwrap();
    let text = bare.replace_all(page, " ");
    let text = [
        ("&#35;", "#"),
        ("&#58;", ":"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#38;", "&"),
    ]
    .iter()
    .fold(text.into_owned(), |text, (escaped, plain)| text.replace(escaped, plain));
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_same_report_gives_the_same_page() {
    let report = play(LITTLE);
    assert_eq!(page(&report), page(&report.clone()));
    assert_ne!(page(&report), page(&play("")));
}

#[test]
fn the_program_writes_it_as_a_format_of_its_own() {
    let ran = common::run(&["demo", "identity-none", "-o", "html"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""));
    assert!(ran.stdout.starts_with("<!doctype html>\n<html lang=\"en\">\n"));
    let title = between(&ran.stdout, "light dark\">\n<title>", "</title>\n<style>");
    assert_eq!(title, "Unhealthy (identity-none): vm-doctor-01 – midoctor");
}

#[test]
fn every_verdict_leads_its_page() {
    for (word, words) in [
        (Word::Healthy, "Healthy"),
        (Word::Degraded, "Healthy, with warnings"),
        (Word::Unhealthy, "Unhealthy"),
        (Word::Undetermined, "Undetermined"),
    ] {
        let mut report = play("");
        report.verdict = word;
        assert_eq!(view::verdict(word).words, words);
        let first = page(&report).split_once("<h1").unwrap().1.split_once("</h1>").unwrap().0.to_owned();
        assert!(first.ends_with(words), "{first}");
    }
}

#[test]
fn its_policy_names_its_own_style_and_script_and_nothing_else() {
    let page = page(&play(LITTLE));
    let hash = |text: &str| STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()));
    let style = hash(between(&page, "<style>", "</style>"));
    let script = hash(between(&page, "<script>", "</script>"));
    let policy = between(&page, "http-equiv=\"Content-Security-Policy\" content=\"", "\">").replace("&#39;", "'");
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; base-uri 'none'; form-action 'none'; \
             require-trusted-types-for 'script'; trusted-types 'none'"
        )
    );
}

#[test]
fn only_prose_and_the_pages_own_style_and_script_are_put_in_as_markup() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/render/html");
    let put_in = Regex::new(r"\{\{-? *([^}]*?) *\| *safe").unwrap();
    let allowed = Regex::new(r"^(style|script|Prose\([a-z_.]+\))$").unwrap();
    let mut found = 0;
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().extension().is_some_and(|extension| extension == "html") {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            assert_eq!(text.matches("safe").count(), put_in.find_iter(&text).count(), "{:?}", entry.path());
            for one in put_in.captures_iter(&text) {
                found += 1;
                assert!(allowed.is_match(&one[1]), "{:?}: {}", entry.path(), &one[1]);
            }
        }
    }
    assert!(found > 5, "{found}");
}

#[test]
fn it_has_no_external_parts() {
    let page = page(&play(LITTLE));
    for part in [" src=", "url(", "@import", "<link", "<img", "<iframe", " style=", " onclick=", "xlink:href"] {
        assert!(!page.contains(part), "{part}");
    }
}

#[test]
fn script_and_style_hold_nothing_of_the_report() {
    let (plain, (spoilt, _)) = (page(&play(LITTLE)), hostile_report::hostile(play(LITTLE)));
    let spoilt = page(&spoilt);
    for (start, end) in [("<style>", "</style>"), ("<script>", "</script>")] {
        assert_eq!(between(&plain, start, end), between(&spoilt, start, end));
    }
}

#[test]
fn whatever_is_in_a_report_stands_on_the_page_as_text() {
    let (spoilt, shown) = hostile_report::hostile(play(LITTLE));
    let page = page(&spoilt);
    let hidden = |c: char| midoctor::fill::is_hidden(c) || (c.is_control() && c != '\n');
    assert!(!page.contains(hidden), "nothing hidden is on it");
    let text = text(&page).replace('`', "");
    assert!(shown.len() > 60, "{}", shown.len());
    for one in shown {
        // A mark where code begins or ends reads as a blank.
        let pieces: Vec<&str> = one.split("<b>x</b>").map(str::trim).collect();
        assert!(pieces.iter().all(|piece| text.contains(piece)), "{one}");
    }
    let links = Regex::new("href=\"([^\"]*)\"").unwrap();
    for link in links.captures_iter(&page) {
        assert!(link[1].starts_with('#') || link[1].starts_with("https://"), "{}", &link[1]);
    }
}

#[test]
fn answers_stay_in_the_evidence() {
    let mut report = play(LITTLE);
    let small = page(&report).len();
    for attempt in report.evidence.exchanges.iter_mut().flat_map(|exchange| &mut exchange.attempts) {
        if let Outcome::Answered(answer) = &mut attempt.outcome {
            answer.body = "x".repeat(4 << 20);
        }
    }
    assert_eq!(page(&report).len(), small);
    assert!(small < 100_000, "{small} bytes");
}

#[test]
fn notes_and_waiting_are_on_it() {
    let mut report = play(LITTLE);
    assert!(!text(&page(&report)).contains("Notes"));
    report.notes.push("the ignore of role-x matches nothing".into());
    (report.run.attempts, report.run.waited_ms) = (5, 540_000);
    for (ended, why) in [
        (WaitEnd::Healthy, "nothing stands in the way any more"),
        (WaitEnd::DoesNotHeal, "what was found does not heal by itself"),
        (WaitEnd::Overdue, "what was found has lasted longer than Azure says that it takes"),
        (WaitEnd::OutOfTime, "the time was up"),
    ] {
        report.run.waiting = Some(Waiting { limit_ms: 600_000, unchanged_ms: 90_000, ended });
        let text = text(&page(&report));
        assert!(text.contains("Notes the ignore of role-x matches nothing"), "{text}");
        let sentence = format!(
            "Examined 5 times and waited 9 minutes of 10 minutes in between; it ended because {why}. This state has lasted for 90 s."
        );
        assert!(text.contains(&sentence), "{text}");
    }
}

#[test]
fn an_ignored_finding_says_why_and_until_when() {
    let mut report = play(LITTLE);
    for found in report.checks.iter_mut().flat_map(|check| &mut check.findings) {
        found.ignored = Some(Ignored { reason: "granted next week".into(), until: Some("2027-01-31".into()) });
    }
    let text = text(&page(&report));
    assert!(text.contains("Found, and ignored as configured (1)"), "{text}");
    assert!(text.contains("Does not count: granted next week (until 2027-01-31)"), "{text}");
    assert!(!text.contains("What was found, and what to do"), "{text}");
}

#[test]
fn numbers_beyond_all_measure_do_not_break_it() {
    let mut report = play(LITTLE);
    for attempt in report.evidence.exchanges.iter_mut().flat_map(|exchange| &mut exchange.attempts) {
        (attempt.started_ms, attempt.duration_ms) = (u64::MAX - 5, u64::MAX);
    }
    report.run.duration_ms = u64::MAX;
    for check in &mut report.checks {
        check.duration_ms = u64::MAX;
        check.blocked_by = Some(check.id.clone());
    }
    assert!(page(&report).contains("</html>"));
    (report.checks, report.evidence.exchanges) = (Vec::new(), Vec::new());
    assert!(page(&report).contains("</html>"));
}
