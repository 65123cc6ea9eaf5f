//! Pasted texts and logs: the same whether they come at once or in pieces, and nothing of a token or of a control character in what is
//! said of them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use midoctor::explain::answer::Answer;
use midoctor::explain::cause;
use midoctor::explain::scan::Scanner;
use midoctor::explain::shown;
use midoctor::fill::is_hidden;
use midoctor::page;
use midoctor::render::style::Style;
use midoctor::simulator::CANARY;
use midoctor_fuzz::{kind, with_tokens};

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = kind(data) else { return };
    let (mut bytes, secret) = match std::str::from_utf8(rest) {
        Ok(text) => match with_tokens(text) {
            Some(text) => (text.into_bytes(), true),
            None => return,
        },
        Err(_) => (rest.to_owned(), false),
    };
    // A long log is one with other lines before, beyond what is looked through at once.
    if kind >= 0xfc {
        let line = b"2026-09-01T10:11:12Z INFO all is well\n";
        bytes = [line.repeat(if kind == 0xff { 8_000 } else { 130 }), bytes].concat();
    }
    let whole = answer(&bytes, bytes.len().max(1));
    promised(&whole, secret);
    let piece = usize::from(kind) % 64 + if kind >= 0xfc { 4_000 } else { 1 };
    assert_eq!(answer(&bytes, piece), whole, "in pieces of {piece} bytes");
});

fn answer(bytes: &[u8], piece: usize) -> Answer {
    let triggers = cause::triggers();
    let mut scanner = Scanner::new(&triggers, &cause::causes);
    for piece in bytes.chunks(piece) {
        scanner.feed(piece).unwrap();
    }
    Answer::new(scanner.finish().unwrap())
}

fn promised(answer: &Answer, secret: bool) {
    for (index, one) in answer.matches.iter().enumerate() {
        assert!(page::section(&one.code).is_some(), "{}", one.code);
        assert!(one.line >= 1 && one.line <= answer.lines, "line {} of {}", one.line, answer.lines);
        assert!(one.evidence.chars().count() <= 240, "{}", one.evidence);
        assert!(
            answer.matches[..index].iter().all(|other| other.code != one.code && other.confidence >= one.confidence)
        );
    }
    let json = serde_json::to_string(answer).unwrap();
    for text in [
        &json,
        &shown::render(answer, Style::default()),
        &shown::render(answer, Style { width: 20, unicode: false, color: false }),
    ] {
        let odd = text.chars().find(|c| (c.is_control() && *c != '\n') || is_hidden(*c));
        assert_eq!(odd, None, "{text}");
        assert!(!secret || !text.contains(CANARY), "{text}");
    }
}
