//! What is shown while it asks: one line that is drawn anew where a terminal can do that, and nothing elsewhere.

use std::process::Command;

use crate::namespace::simulator::{self, Simulator};
use crate::namespace::{Case, place};
use crate::terminal::{Written, on_terminal};

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("progress fits a narrow terminal and leaves nothing behind", progress),
        Case::new("progress is not shown where lines cannot be drawn anew", nowhere),
        Case::new("waiting is told in one line on a terminal, in lines elsewhere", waiting),
    ]
}

/// Runs it on a terminal, in these surroundings.
fn written(columns: u16, environment: &[(&str, &str)], arguments: &[&str]) -> Written {
    let mut command: Command = simulator::check(None, arguments);
    command.env_clear().envs(environment.iter().copied());
    on_terminal(command, columns)
}

/// The drawings of the line, and what was printed at last.
fn drawings(text: &str) -> (Vec<&str>, &str) {
    let mut parts: Vec<&str> = text.split("\r\u{1b}[2K").collect();
    let last = parts.pop().unwrap();
    (parts, last)
}

const ARGUMENTS: [&str; 6] = ["-o", "line", "--deadline", "4s", "--require", "none"];

fn progress() {
    place::take_metadata_away();
    place::drop_packets_to("169.254.169.254");
    for (columns, locale) in [(20, "C.UTF-8"), (40, "C.UTF-8"), (40, "C"), (80, "C.UTF-8")] {
        let written = written(columns, &[("TERM", "xterm-256color"), ("LANG", locale)], &ARGUMENTS);
        let (drawn, last) = drawings(&written.text);
        assert_eq!(
            (written.code, last),
            (Some(1), "UNHEALTHY imds-timeout: The metadata service at 169.254.169.254 does not answer.\n")
        );
        assert!(drawn.len() > 10, "{columns}: {:?}", written.text);
        assert!(drawn.iter().any(|line| line.contains("connect to 169.254")), "{drawn:?}");
        for line in drawn {
            assert!(line.chars().count() <= usize::from(columns), "{columns}: {line:?}");
            assert!(!line.contains(['\n', '\r', '\u{1b}']), "{columns}: {line:?}");
            assert!(locale == "C.UTF-8" || line.is_ascii(), "{line:?}");
        }
    }
}

fn nowhere() {
    place::take_metadata_away();
    place::drop_packets_to("169.254.169.254");
    let last = "UNHEALTHY imds-timeout: The metadata service at 169.254.169.254 does not answer.\n";
    for (columns, environment) in [
        (40, &[("TERM", "dumb")][..]),
        (40, &[("TERM", "")]),
        (40, &[]),
        // Nobody knows where its lines end.
        (0, &[("TERM", "xterm")]),
    ] {
        let written = written(columns, environment, &ARGUMENTS);
        assert_eq!((written.code, written.text.as_str()), (Some(1), last), "{columns} {environment:?}");
    }
}

fn waiting() {
    let simulator = Simulator::start("imds-throttled", &[]);
    let arguments = ["-o", "line", "--wait", "5s", "--timeout", "1s", "--require", "none"];
    let drawn = written(40, &[("TERM", "xterm-256color"), ("LANG", "C.UTF-8")], &arguments);
    let (lines, last) = drawings(&drawn.text);
    assert_eq!((drawn.code, last.lines().count()), (Some(1), 1), "{last:?}");
    assert!(lines.iter().all(|line| line.chars().count() <= 40 && !line.contains('\n')), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains(" of 5s, attempt 2, waiting for")), "{lines:?}");
    let told = written(40, &[("TERM", "dumb"), ("LANG", "C.UTF-8")], &arguments);
    assert!(told.text.starts_with("midoctor: waiting for imds-throttled: "), "{:?}", told.text);
    assert!(!told.text.contains(['\r', '\u{1b}']), "{:?}", told.text);
    drop(simulator);
}
