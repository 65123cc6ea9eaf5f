//! What holds of texts whatever is in them: nothing stays hidden, nothing is obeyed, what is quoted is read as it was meant, a secret
//! is sealed, and a log is read the same in any pieces.

use std::time::Duration;

use midoctor::build_log::{inert, inert_json};
use midoctor::explain::answer::Answer;
use midoctor::explain::cause;
use midoctor::explain::scan::Scanner;
use midoctor::fill::{Use, Values, fill, is_hidden, posix, visible};
use midoctor::pace::Pace;
use midoctor::page::Shell;
use midoctor::seal;
use midoctor::unit_name::environment_line;
use proptest::prelude::*;

/// Any characters, with those that matter more often than they would come by chance.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("##vso[a.b]"),
        Just("##["),
        Just("#"),
        Just("::error x::"),
        Just("::"),
        Just("\n"),
        Just("\r"),
        Just("\t "),
        Just("\u{85}\u{2028}"),
        Just("\u{1b}[2J\0"),
        Just("\u{202e}\u{200b}\u{feff}\u{e0041}"),
        Just("'"),
        Just("\""),
        Just("\\"),
        Just("\\u{23}"),
        Just("$(id)`id`"),
        Just("%i%%"),
        Just("~!{a,b}*?"),
        Just("-x"),
        Just("’"),
        Just("{{name}}"),
        Just("word"),
    ];
    let piece = prop_oneof![4 => piece.prop_map(str::to_owned), 1 => any::<String>()];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// The words of a line as a POSIX shell reads them, where nothing is expanded; `None` where it would expand something.
fn shell_words(line: &str) -> Option<Vec<String>> {
    let (mut all, mut word) = (Vec::new(), None::<String>);
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' | '\n' => all.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next()? {
                        '\'' => break,
                        c => word.push(c),
                    }
                }
            }
            '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match rest.next()? {
                        '"' => break,
                        // Interactive shells expand it there too.
                        '$' | '`' | '!' => return None,
                        '\\' => match rest.next()? {
                            c @ ('$' | '`' | '"' | '\\') => word.push(c),
                            '\n' => {}
                            c => word.extend(['\\', c]),
                        },
                        c => word.push(c),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(rest.next()?),
            c if "|&;<>()$`*?[]#~=%!{}^".contains(c)
                && !(word.is_some() && "#~=%]}^".contains(c))
                && !"=%]}^".contains(c) =>
            {
                return None;
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    all.extend(word);
    Some(all)
}

/// The text of a PowerShell word, where nothing is expanded.
fn powershell_word(line: &str) -> Option<String> {
    let Some(quoted) = line.strip_prefix('\'') else {
        return line.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c)).then(|| line.to_owned());
    };
    let is_quote = |c: char| matches!(c, '\'' | '\u{2018}'..='\u{201b}');
    let (mut read, mut rest) = (String::new(), quoted.strip_suffix('\'')?.chars());
    while let Some(c) = rest.next() {
        if is_quote(c) && !is_quote(rest.next()?) {
            return None;
        }
        read.push(c);
    }
    Some(read)
}

fn odd(text: &str) -> Option<char> {
    text.chars().find(|c| c.is_control() || is_hidden(*c))
}

/// What names secrets, begins and ends them, in any order.
fn secrets() -> impl Strategy<Value = String> {
    let token = format!("{HEADER}{SIGNATURE}");
    let encoded = token.replace('.', "%2E");
    let pieces = [
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "authorization: ",
        "Bearer ",
        "AWS4 ",
        "Signature=",
        "&sig=",
        "\\u0026sig=",
        "Cookie: a=b",
        "client_secret",
        "password=",
        "\"name\":\"client_secret\"",
        "\"value\":",
        "keyName: k",
        "('client_secret', 'x'",
        " := ",
        ": |",
        ":",
        "=",
        ",",
        ";",
        " ",
        "  ",
        "\n",
        "\n",
        "\"",
        "'",
        "\\\"",
        "{",
        "}",
        "b'",
        "curl -u a:",
        "--token ",
        "proxy=u:",
        "://u:p",
        "@host",
        "(sealed)",
        "word",
        "a1B2c3D4e5F6g7H8",
        "eyJ",
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ",
    ];
    let pieces = pieces.map(str::to_owned).into_iter().chain([token, encoded]).collect::<Vec<_>>();
    prop::collection::vec(prop::sample::select(pieces), 0..14).prop_map(|pieces| pieces.concat())
}

/// A token, of which the signature must be nowhere.
const HEADER: &str = "eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJ4In0.";
const SIGNATURE: &str = "bWlkb2N0b3ItY2FuYXJ5";

fn answer(text: &[u8], piece: usize) -> Answer {
    let triggers = cause::triggers();
    let mut scanner = Scanner::new(&triggers, &cause::causes);
    for piece in text.chunks(piece) {
        scanner.feed(piece).unwrap();
    }
    Answer::new(scanner.finish().unwrap())
}

fn cases(number: u32) -> ProptestConfig {
    ProptestConfig { cases: number, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(120))]

    #[test]
    fn what_is_visible_hides_nothing_and_stays_as_it_is(text in text()) {
        let shown = visible(&text);
        prop_assert_eq!(odd(&shown), None);
        prop_assert_eq!(visible(&shown), shown);
    }

    #[test]
    fn what_is_inert_commands_nobody_and_stays_as_it_is(text in text()) {
        let shown = inert(&text);
        prop_assert_eq!(inert(&shown), shown.as_ref());
        for line in shown.lines() {
            let begins = line.trim_start().strip_prefix("::").is_some_and(|rest| {
                rest.starts_with(|c: char| c.is_ascii_alphabetic()) && rest.contains("::")
            });
            let names = |rest: &str| rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).starts_with('[');
            let anywhere = line.match_indices("##").any(|(at, _)| names(&line[at + 2..]));
            prop_assert!(!begins && !anywhere, "{}", line);
        }
        let json = serde_json::to_string(&text).unwrap();
        prop_assert_eq!(&serde_json::from_str::<String>(&inert_json(&json)).unwrap(), &text);
    }

    #[test]
    fn a_value_is_one_word_of_its_shell(value in text()) {
        let meant = visible(&value);
        let one = || Some(vec![meant.clone()]);
        prop_assert_eq!(shell_words(&posix(&meant)), one(), "{}", posix(&meant));
        prop_assert_eq!(shlex::split(&posix(&meant)), one());
        // What would not get there as it is does not stand in the line at all.
        let is_option_or_file = value.starts_with(['-', '@']) || value.split_once('=').is_some_and(|(_, file)| file.starts_with('@'));
        let stays = !value.is_empty() && meant == value && inert(&value) == value && !is_option_or_file;
        let word = if stays { value.clone() } else { "<name>".to_owned() };
        let values = Values::from([("name".to_owned(), value)]);
        let line = fill("show --name {{name}} --yes", &values, Use::Command(Shell::Sh));
        let words = shell_words(&line).unwrap();
        prop_assert_eq!(words, ["show", "--name", word.as_str(), "--yes"]);
        let line = fill("{{name}}", &values, Use::Command(Shell::Pwsh));
        // A space at the end of a line is nobody's, but one within quotes is.
        prop_assert_eq!(powershell_word(&line), Some(word), "{}", line);
    }

    #[test]
    fn prose_is_filled_with_what_can_be_seen(value in text()) {
        let filled = fill("It is {{name}}.", &Values::from([("name".to_owned(), value.clone())]), Use::Prose);
        prop_assert_eq!(filled, format!("It is {}.", visible(&value)));
    }

    #[test]
    fn nothing_of_a_token_is_left_and_sealing_twice_changes_nothing(before in text(), between in text(), after in text()) {
        let token = format!("{HEADER}{SIGNATURE}");
        let text = format!("{before}{token}{between}{token}{after}");
        for sealed in [seal::tokens(&text).into_owned(), seal::text(&text)] {
            prop_assert!(!sealed.contains(SIGNATURE), "{}", sealed);
        }
        let sealed = seal::tokens(&text).into_owned();
        prop_assert_eq!(seal::tokens(&sealed), sealed.as_str());
        let sealed = seal::text(&text);
        prop_assert_eq!(&seal::text(&sealed), &sealed);
        prop_assert_eq!(sealed.matches('\n').count(), text.matches('\n').count());
    }

    #[test]
    fn secrets_in_any_order_are_sealed_once_and_for_all(text in secrets()) {
        let sealed = seal::text(&text);
        prop_assert!(!sealed.contains(SIGNATURE), "{}", sealed);
        prop_assert_eq!(&seal::text(&sealed), &sealed);
        prop_assert_eq!(sealed.matches('\n').count(), text.matches('\n').count());
    }

    #[test]
    fn the_line_of_a_unit_is_of_one_line(value in text()) {
        prop_assume!(!value.contains('\0'));
        let line = environment_line(&[("NO_PROXY", &value)]);
        prop_assert!(!line.contains(['\n', '\r', '\u{1b}']), "{}", line);
        prop_assert!(line.starts_with("Environment=\"NO_PROXY=") && line.ends_with('"'), "{}", line);
    }

    #[test]
    fn a_lane_puts_four_questions_a_second_and_waits_no_longer_than_that_takes(steps in prop::collection::vec(0_u64..600, 1..40)) {
        let (mut pace, mut now, mut starts) = (Pace::default(), Duration::ZERO, Vec::new());
        for step in steps {
            now += Duration::from_millis(step);
            let wait = pace.wait(now);
            prop_assert!(wait <= Duration::from_secs(1), "{:?}", wait);
            now += wait;
            starts.push(now);
        }
        for five in starts.windows(5) {
            prop_assert!(five[4] - five[0] >= Duration::from_secs(1), "{:?}", five);
        }
    }
}

/// Lines such as logs have, with errors among them.
fn log() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        4 => Just("2026-09-01T10:11:12Z INFO all is well".to_owned()),
        1 => Just("ManagedIdentityCredential: 400 {\"error\":\"invalid_request\",\"error_description\":\"Identity not found\"}".to_owned()),
        1 => Just("Get \"http://169.254.169.254/metadata/identity/oauth2/token\": dial tcp: connect: connection refused".to_owned()),
        1 => Just("(AuthorizationFailed) The client 'a' with object id 'b' does not have authorization to perform action 'Microsoft.Compute/virtualMachines/read' over scope '/subscriptions/x' or the scope is invalid.".to_owned()),
        1 => Just("Traceback (most recent call last):\r".to_owned()),
        1 => Just(String::new()),
        1 => Just(format!("token: {HEADER}{SIGNATURE} Identity not found")),
        1 => text(),
    ];
    let odd = prop_oneof![9 => Just(Vec::new()), 1 => prop::collection::vec(any::<u8>(), 0..40)];
    (prop::collection::vec(line, 0..60), odd, 0_usize..50).prop_map(|(lines, odd, at)| {
        let mut bytes = lines.join("\n").into_bytes();
        let at = at.min(bytes.len());
        bytes.splice(at..at, odd);
        bytes
    })
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn a_log_is_read_the_same_in_any_pieces(log in log(), pieces in prop::collection::vec(1_usize..200, 3)) {
        let whole = answer(&log, log.len().max(1));
        for piece in pieces {
            prop_assert_eq!(&answer(&log, piece), &whole);
        }
        let json = serde_json::to_string(&whole).unwrap();
        prop_assert!(!json.contains(SIGNATURE), "{}", json);
        prop_assert!(whole.matches.iter().all(|one| odd(&one.evidence).is_none() && one.evidence.chars().count() <= 240));
    }
}
