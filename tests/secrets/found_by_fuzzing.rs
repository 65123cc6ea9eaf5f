//! What the fuzzer and the laws have found, as it stays mended: the smallest input of each, in plain.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::played::{evidence, judged};
use midoctor::evidence::Outcome;
use midoctor::redact::{Level, redact};
use midoctor::seal;

const JWT: &str = "eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJ4In0.c2lnbmF0dXJl";

#[test]
fn tokens_that_follow_each_other_without_a_sign_between_are_all_sealed() {
    let many = JWT.repeat(5);
    assert_eq!(seal::tokens(&many), "(sealed)");
    assert_eq!(seal::text(&many), "(sealed)");
    assert_eq!(seal::tokens(&format!("x {many}, y")), "x (sealed), y");
}

#[test]
fn a_token_behind_a_long_word_and_a_dot_is_sealed_whole() {
    let long = "eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJ4eHgifQ.c2lnbmF0dXJl";
    for word in ["some-long-host-name", "Aomssssssssssnbf"] {
        let sealed = seal::text(&format!("{word}.x{long} {word}"));
        assert_eq!(sealed, format!("(sealed) {word}"));
    }
}

#[test]
fn user_info_that_only_sealing_finds_goes_with_the_rest() {
    let mut report = judged(evidence("", &[]));
    report.notes.push("see http://u:pa/ss@proxy:3128 and http://u:p#w@proxy".into());
    let once = redact(&report, Level::Secrets).unwrap().report;
    assert!(!once.notes[0].contains('@'), "{}", once.notes[0]);
    assert_eq!(redact(&once, Level::Secrets).unwrap().report, once);
}

/// The redacted evidence of a healthy VM whose metadata service answered the question for a token with this body.
fn redacted_body(body: &str) -> String {
    let mut evidence = evidence("", &[]);
    let asked = |url: &str| url.contains("/oauth2/token");
    for exchange in evidence.exchanges.iter_mut().filter(|one| one.request.url().is_some_and(asked)) {
        if let Outcome::Answered(answer) = &mut exchange.attempts[0].outcome {
            (answer.body, answer.token) = (body.to_owned(), None);
        }
    }
    let once = redact(&judged(evidence), Level::Ids).unwrap();
    let twice = redact(&once.report, Level::Ids).unwrap();
    let of = |report: &midoctor::report::Report| {
        let exchange = report.evidence.exchanges.iter().find(|one| one.request.url().is_some_and(asked)).unwrap();
        exchange.attempts[0].outcome.answer().unwrap().body.clone()
    };
    assert_eq!(of(&twice.report), of(&once.report), "redacted again");
    of(&once.report)
}

#[test]
fn a_host_in_the_words_of_somebody_in_between_is_redacted_once_and_for_all() {
    assert_eq!(redacted_body("Azure-Contoso.example"), "domain-1.example");
    assert_eq!(
        redacted_body("Ask at gate.contoso.com or contoso.com"),
        "Ask at host-1.domain-1.example or domain-1.example"
    );
}

#[test]
fn a_name_that_only_a_sentence_seems_to_hold_takes_no_pseudonym() {
    let mut evidence = evidence("", &[]);
    let last = evidence.exchanges.iter_mut().rfind(|one| one.request.goes_to_metadata()).unwrap();
    if let Outcome::Answered(answer) = &mut last.attempts[0].outcome {
        let id = "/subscriptions/x/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/a";
        answer.headers.insert("server".into(), id.into());
        answer.status = 404;
    }
    let once = redact(&judged(evidence), Level::Ids).unwrap();
    assert_eq!(once.report.vm.name.as_deref(), Some("vm-1"));
    assert_eq!(redact(&once.report, Level::Ids).unwrap().report, once.report);
}

#[test]
fn a_damaged_line_of_a_key_is_sealed_with_the_rest() {
    let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\0AQEFAASC\nother words\n";
    assert_eq!(seal::text(key), "(sealed)\n(sealed)\0AQEFAASC\nother words\n");
    let line = "a".repeat(40);
    let sealed = "(sealed)\n(sealed)\nit went on\n";
    assert_eq!(seal::text(&format!("-----END PRIVATE KEY-----\n{line}\nit went on\n")), sealed);
    assert_eq!(seal::text(sealed), sealed);
}

#[test]
fn what_stands_behind_the_end_of_a_key_is_sealed_as_any_other_text() {
    let token = JWT;
    let end = "-----END PRIVATE KEY-----";
    for (text, sealed) in [
        (format!("{end} Bearer {token}"), "(sealed) Bearer (sealed)"),
        (
            format!("-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\n{end} Bearer {token}"),
            "(sealed)\n(sealed)\n(sealed) Bearer (sealed)",
        ),
        (format!("{end} Bearer {token} {end} x"), "(sealed) x"),
    ] {
        assert_eq!(seal::text(&text), sealed, "{text}");
        assert_eq!(seal::text(sealed), sealed);
    }
}

#[test]
fn the_end_of_a_key_before_the_beginning_of_the_next_is_sealed_at_once() {
    let (begin, end) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
    for (text, sealed) in [
        (format!("{end}aaa; authorization: Bearer x {begin}"), "(sealed)aaa; authorization: Bearer (sealed) (sealed)"),
        (format!("a {begin} b {end} c {end} d"), "(sealed) d"),
        (format!("{begin}\nMIIEvQIBADANBg\n{end} x {begin}"), "(sealed)\n(sealed)\n(sealed) x (sealed)"),
    ] {
        assert_eq!(seal::text(&text), sealed, "{text}");
        assert_eq!(seal::text(sealed), sealed);
    }
    let crash = include_str!("../../fuzz/seeds/tokens/end-before-begin");
    let once = seal::text(crash);
    assert_eq!(seal::text(&once), once);
}

#[test]
fn the_name_of_a_host_that_is_not_ascii_is_an_error_whatever_its_capitals() {
    for host in ["manemnT\u{49e}.example", "T\u{d1}.example", "\u{d1}.example", "b\u{fc}cher.example"] {
        assert!(url::Url::parse(&format!("https://{host}/")).is_err(), "{host}");
    }
    assert_eq!(url::Url::parse("https://MANAGEMENT.azure.com/").unwrap().host_str(), Some("management.azure.com"));
    assert_eq!(url::Url::parse("https://xn--bcher-kva.example/").unwrap().host_str(), Some("xn--bcher-kva.example"));
}
