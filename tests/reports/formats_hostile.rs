//! Text that a stranger chose, in a name, an answer or a report that is read from a file, is data in every format: it commands no
//! terminal, no build server and no browser, and ends no table, no block and no element.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::attacks::TEXTS as HOSTILE;
use crate::common::{refused, run};
use crate::oracles::{blocks, command, elements, odd, same, series, tags};
use crate::reports::{in_each, infected, painted};
use midoctor::render::style::Style;
use midoctor::render::text::Detail;
use midoctor::render::{Format, paint};
use midoctor::report::Report;
use pulldown_cmark::{Event, Options, Parser, Tag};
use regex::Regex;

#[test]
fn no_format_lets_a_text_command_a_terminal_or_a_build_server() {
    for text in HOSTILE {
        let report = infected(text);
        let (github, azdo) = commands(&report);
        for (format, shown) in in_each(&report) {
            assert_eq!(odd(&shown), None, "{format} of {text:?}: {shown}");
            for line in shown.lines() {
                let own = (format == "github" && github.contains(&line)) || (format == "azdo" && azdo.contains(&line));
                let line = if own { line.get(6..).unwrap() } else { line };
                assert_eq!(command(line), None, "{format} of {text:?}");
            }
        }
    }
}

/// The lines that are commands of our own: three findings, one of them ignored, make two; and the end of a task.
fn commands(report: &Report) -> (Vec<&'static str>, Vec<&'static str>) {
    let lines = |format, start: &str| -> Vec<&'static str> {
        let shown: &'static str = painted(report, format).leak();
        shown.lines().filter(|line| line.starts_with(start)).collect()
    };
    let (github, azdo) = (lines(Format::Github, "::error title="), lines(Format::Azdo, "##vso[task."));
    assert_eq!((github.len(), azdo.len()), (2, 3), "{github:?} {azdo:?}");
    for line in &github {
        let (properties, _) = line.strip_prefix("::error ").unwrap().split_once("::").unwrap();
        assert!(!properties.contains([',', ':']), "one property: {line}");
    }
    for line in &azdo {
        let (command, _) = line.split_once(']').unwrap();
        let of = |kind: &str| Regex::new(kind).unwrap().is_match(command);
        let whole =
            of(r"^##vso\[task\.logissue type=error;code=[^;]*;$") || of(r"^##vso\[task\.complete result=Failed;$");
        assert!(whole, "{line}");
    }
    (github, azdo)
}

#[test]
fn wrapped_text_begins_no_line_with_a_command_at_any_width() {
    let report =
        infected("some words and then ::error title=x::y and ::set-env name=A::b and ##vso[a.b]c and ::notice::z");
    for width in 20..=140 {
        for unicode in [true, false] {
            let style = Style { width, unicode, color: false };
            let shown = paint(&report, Format::Text, style, Detail { quiet: false, verbose: true }).unwrap();
            for line in shown.lines() {
                assert_eq!(command(line), None, "at {width} columns: {line}");
            }
        }
    }
}

#[test]
fn what_is_typed_or_pasted_commands_no_build_server_either() {
    let line = refused(&["demo", "##vso[task.complete result=Succeeded;]"]);
    assert_eq!(command(&line), None, "{line}");
    assert!(line.contains(r"“#\u{23}vso[task.complete result=Succeeded;]”"), "{line}");
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let pasted = "x ##vso[task.complete result=Succeeded;]z MSI: Failed to retrieve a token from http://localhost:50342/oauth2/token";
    std::fs::write(&log, pasted).unwrap();
    for (format, sign) in [("text", r"\u{23}vso["), ("json", r"\u0023vso[")] {
        let shown = run(&["explain", "--file", log.to_str().unwrap(), "-o", format]).stdout;
        assert!(shown.contains(sign), "{shown}");
        for line in shown.lines() {
            assert_eq!(command(line), None, "{format}: {line}");
        }
    }
}

#[test]
fn json_reads_back_as_it_was() {
    for text in HOSTILE {
        let report = infected(text);
        let whole: Report = serde_json::from_str(&painted(&report, Format::Json)).unwrap();
        assert!(whole == report, "{text:?}");
        let row: serde_json::Value = serde_json::from_str(&painted(&report, Format::Ndjson)).unwrap();
        assert_eq!(row["checks"][0]["summary"], *text);
        assert_eq!(row["notes"][0], *text);
        let compact: serde_json::Value = serde_json::from_str(&painted(&report, Format::Compact)).unwrap();
        assert_eq!((&compact["root_cause"], &compact["cut"]), (&(*text).into(), &false.into()));
        let start = format!("{{\"TimeGenerated\":{},\"schema\":\"midoctor.row/1\",", compact["started"]);
        let plain = infected("x");
        assert!(painted(&plain, Format::Ndjson).starts_with(&start.replace(&compact["started"].to_string(), "\"x\"")));
    }
}

#[test]
fn a_page_has_the_same_blocks_whatever_stands_in_them() {
    let plain = blocks(&painted(&infected("plain"), Format::Markdown));
    assert!(plain.iter().filter(|block| block.contains("TableRow")).count() > 20, "the table is not found: {plain:?}");
    for text in HOSTILE {
        let shown = painted(&infected(text), Format::Markdown);
        assert_eq!(blocks(&shown), plain, "{text:?}:\n{shown}");
    }
}

#[test]
fn nothing_outside_of_code_is_more_than_words() {
    // What GitHub makes links, mentions and pictures of by itself, behind the parser's back.
    let alive = Regex::new(r"@\w|#\d|GH-\d|://|www\.|:\w+:|\b[0-9a-f]{7,40}\b|\$\S").unwrap();
    for text in HOSTILE {
        let shown = painted(&infected(text), Format::Markdown);
        let mut inside = false;
        for event in Parser::new_ext(&shown, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::CodeBlock(_)) => inside = true,
                Event::End(pulldown_cmark::TagEnd::CodeBlock) => inside = false,
                Event::Text(words) if !inside => assert!(!alive.is_match(&words), "{text:?}: {words}"),
                _ => {}
            }
        }
    }
}

#[test]
fn gauges_have_each_series_once_and_no_line_of_a_strangers() {
    for text in HOSTILE {
        let shown = painted(&infected(text), Format::Prom);
        series(&shown);
        assert!(shown.contains("\nmidoctor_exit_code 1\n"), "{shown}");
    }
}

#[test]
fn xml_has_the_same_elements_whatever_stands_in_them() {
    let plain = elements(&painted(&infected("plain"), Format::Junit));
    assert_eq!(plain.iter().filter(|(name, _)| name == b"testcase").count(), 13);
    for text in HOSTILE {
        let shown = painted(&infected(text), Format::Junit);
        assert_eq!(elements(&shown), plain, "{text:?}: {shown}");
    }
}

#[test]
fn the_page_has_the_same_tags_whatever_stands_in_them() {
    let plain = tags(&painted(&infected("plain"), Format::Html));
    for text in HOSTILE {
        same(&tags(&painted(&infected(text), Format::Html)), &plain, text);
    }
}
