//! Scanning, with a judge of its own: every line that holds `needle` is the cause `identity-none`.

#![allow(clippy::unwrap_used)]

use std::cell::RefCell;

use super::super::cause::{Cause, Confidence, Passage};
use super::*;

fn needle(passage: &Passage) -> Vec<Cause> {
    let found = passage.lines.iter().enumerate().filter(|(_, line)| line.contains("needle"));
    found
        .map(|(index, line)| Cause {
            code: "identity-none",
            confidence: Confidence::Certain,
            line: passage.first + index,
            evidence: line.chars().take(60).collect(),
            client: None,
        })
        .collect()
}

fn triggers() -> Vec<String> {
    vec!["NEEDLE".into(), "pin".into()]
}

/// What is seen when the text comes in chunks of this size, and the passages that were judged.
fn scanned(text: &[u8], size: usize) -> (Seen, Vec<Passage>) {
    let (triggers, passages) = (triggers(), RefCell::new(Vec::new()));
    let judge = |passage: &Passage| {
        passages.borrow_mut().push(passage.clone());
        needle(passage)
    };
    let mut scanner = Scanner::new(&triggers, &judge);
    text.chunks(size).for_each(|chunk| scanner.feed(chunk).unwrap());
    let seen = scanner.finish().unwrap();
    (seen, passages.into_inner())
}

/// The lines in which something was seen.
fn lines(seen: &Seen) -> Vec<usize> {
    let mut lines: Vec<usize> = seen.sightings.iter().map(|sighting| sighting.cause.line).collect();
    lines.dedup();
    lines
}

fn hay(count: usize) -> String {
    let words = ["alpha", "beta", "gamma", "delta", "epsilon"];
    (0..count).map(|n| format!("hay {} {} {n}\n", words[n % 5], words[n / 5 % 5])).collect()
}

#[test]
fn the_lines_are_counted_and_found_however_the_text_is_cut() {
    let text = format!("{}a needle\n{}the needle again\r\n{}Needle-free pin\n", hay(30_000), hay(20_000), hay(7));
    for size in [1 << 20, 128 << 10, 4_097] {
        let (seen, passages) = scanned(text.as_bytes(), size);
        assert_eq!((lines(&seen), seen.lines), (vec![30_001, 50_002], 50_010), "{size}");
        let shape: Vec<(usize, usize)> = passages.iter().map(|one| (one.first, one.lines.len())).collect();
        assert_eq!(shape, [(29_961, 101), (49_962, 49)], "{size}");
    }
}

#[test]
fn a_text_of_nothing_has_no_lines() {
    for (text, count) in [("", 0), ("\n", 1), ("a", 1), ("a\n", 1), ("a\n\nb", 3), ("\r\n\0\n", 2)] {
        let (seen, passages) = scanned(text.as_bytes(), 100);
        assert_eq!((seen.lines, seen.sightings.len()), (count, 0), "{text:?}");
        assert_eq!(passages.len(), usize::from(text.contains(['a', 'b'])), "{text:?}");
    }
}

#[test]
fn a_short_text_is_one_passage_with_or_without_a_trigger() {
    let (_, passages) = scanned(b"one\n\n\ntwo\nthree", 2);
    assert_eq!(passages, [Passage { first: 1, lines: ["one", "", "", "two", "three"].map(str::to_owned).into() }]);
}

#[test]
fn what_is_long_ago_does_not_belong_to_an_error() {
    let stamped = |range: std::ops::Range<usize>, hour: usize| -> String {
        range.map(|n| format!("2026-11-22T{hour:02}:{:02}:{:02}Z hay\n", n / 60, n % 60)).collect()
    };
    let text = format!(
        "{}{}2026-11-22T09:01:40Z needle\n\n\nbody\n{}",
        stamped(0..300, 7),
        stamped(70..100, 9),
        stamped(0..300, 11)
    );
    let (seen, passages) = scanned(text.as_bytes(), 1000);
    assert_eq!(lines(&seen), [331]);
    assert_eq!((passages[0].first, passages[0].lines.len()), (301, 34));
    assert_eq!(passages[0].lines[33], "body");
}

#[test]
fn a_blank_line_ends_a_passage_but_not_near_the_error() {
    let text = format!("{}\n{}\nneedle\n\n{}\n{}", hay(200), hay(20), hay(25), hay(100));
    let (_, passages) = scanned(text.as_bytes(), 1000);
    assert_eq!(passages[0].lines.first().map(String::as_str), Some("hay alpha alpha 0"));
    assert_eq!(passages[0].lines.len(), 20 + 1 + 1 + 1 + 25 + 1);
}

#[test]
fn the_same_again_is_judged_once_and_counted() {
    let one = |n: usize| format!("2026-11-22T08:{:02}:{:02}.{n}Z app[{n}]: needle\n{}\n", n / 60 % 60, n % 60, hay(30));
    let blanks = "hay\n".repeat(70);
    let text: String = (0..1000).map(|n| one(n) + &blanks).collect();
    let (seen, passages) = scanned(text.as_bytes(), 64 << 10);
    assert!(passages.len() <= 3, "{}", passages.len());
    assert_eq!(seen.sightings.iter().map(|sighting| sighting.times).sum::<usize>(), 1000);
    assert_eq!(lines(&seen)[0], 1);
}

#[test]
fn the_same_lines_in_other_company_are_judged_some_times_and_counted() {
    let text: String = (0..500).map(|n| format!("{}pin\n{}", hay(n % 90), hay(90 + n))).collect();
    let (seen, passages) = scanned(text.as_bytes(), 64 << 10);
    assert!(passages.len() <= 8, "{}", passages.len());
    assert_eq!((seen.left_out, seen.sightings.len()), (0, 0));
}

#[test]
fn a_line_of_fifty_megabytes_is_cut_and_keeps_its_number() {
    let mut text = b"first\n".to_vec();
    text.resize(20 << 20, b'x');
    text.extend_from_slice(b" a needle in it ");
    text.resize(50 << 20, b'y');
    text.extend_from_slice(b"\nlast needle\n");
    let (seen, passages) = scanned(&text, 100_000);
    assert_eq!((lines(&seen), seen.lines), (vec![2, 3], 3));
    assert!(passages.iter().all(|one| one.lines.iter().map(String::len).sum::<usize>() <= LONGEST.0));
}

#[test]
fn a_trigger_is_found_wherever_a_long_line_is_cut() {
    for before in (BLOCK - 2 * OVERLAP - 20..BLOCK + 20).step_by(222) {
        let text = format!("{}needle {}", "x ".repeat(before / 2), "y ".repeat(BLOCK / 2));
        let (seen, _) = scanned(text.as_bytes(), CHUNK);
        assert_eq!(lines(&seen), [1], "{before}");
    }
}

const CHUNK: usize = 128 << 10;

#[test]
fn a_log_full_of_triggers_has_an_end() {
    let text: String = (0..200_000).map(|n| format!("a pin of kind x{n}x{}y in the log\n", n * 7)).collect();
    let (seen, passages) = scanned((text + "the needle\n").as_bytes(), CHUNK);
    assert_eq!((lines(&seen), seen.lines), (vec![200_001], 200_001), "the end is always judged");
    assert!(passages.iter().flat_map(|one| &one.lines).map(String::len).sum::<usize>() <= 9 << 20);
}

#[test]
fn short_passages_without_number_are_not_all_judged() {
    let line = |n: usize| format!("{:02}:{:02}:00 the needle of kind x{n}y\n", n / 60 % 24, n % 60);
    let text: String = (0..40_000).map(|n| line(n * 2)).collect();
    let (seen, passages) = scanned(text.as_bytes(), CHUNK);
    assert!(passages.len() <= 8 << 10, "{}", passages.len());
    assert_eq!((passages.len() + seen.left_out, lines(&seen).last()), (40_000, Some(&40_000)));
}

#[test]
fn no_secret_reaches_the_judge() {
    let secret = format!("{}.{}.{}", "eyJ0eXAiOiJKV1Qi", "Q2FuYXJ5Q2FuYXJ5", "U2lnbmF0dXJl");
    let escaped = serde_json::json!({ "m": format!("needle\n{{\"access_token\":\"{secret}\"}}") });
    let text = format!("{}needle {secret}\n{escaped}\nclient_secret=hunter2 x\n", hay(300));
    let (seen, passages) = scanned(text.as_bytes(), 100);
    let all = format!("{passages:?} {seen:?}");
    for part in ["eyJ0", "Q2FuYXJ5", "U2lnbmF0", "hunter2"] {
        assert!(!all.contains(part), "{part}: {all}");
    }
    assert!(passages[0].lines.iter().any(|line| line.starts_with("{\"access_token\":\"(sealed)")), "{passages:?}");
}
