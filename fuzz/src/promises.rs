//! What is promised of every report, whatever was answered, and of every format of it.

use midoctor::check::Status;
use midoctor::checks;
use midoctor::fill::is_hidden;
use midoctor::plan::FailOn;
use midoctor::render::style::Style;
use midoctor::render::text::Detail;
use midoctor::render::{self, Format, compact};
use midoctor::report::{Report, Word};
use midoctor::saved;
use midoctor::simulator::CANARY;

use crate::judged;

/// Of a report that midoctor made itself. `secret`: the canary went in, in a token, and must be nowhere.
pub fn of_own(report: &Report, secret: bool) {
    let asked = &report.evidence.asked;
    // What clients alone print has codes that no check finds.
    for check in checks::all().filter(|check| !check.codes.is_empty() && asked.only.is_empty() && !asked.all_identities)
    {
        assert!(report.checks.iter().any(|row| row.id == check.id), "{} is missing", check.id);
    }
    let has = |status: Status| report.checks.iter().any(|row| row.status == status);
    let code = match report.verdict {
        Word::Healthy => 0,
        Word::Degraded => u8::from(report.evidence.asked.fail_on == FailOn::Warn),
        Word::Unhealthy => 1,
        Word::Undetermined => 3,
    };
    assert_eq!(report.exit_code, code);
    assert_eq!(report.verdict == Word::Unhealthy, has(Status::Fail), "{:?}", report.verdict);
    if report.verdict == Word::Unhealthy {
        let root = report.root_cause.as_ref().expect("an unhealthy VM has a root cause");
        let failed = report.checks.iter().filter(|row| row.status == Status::Fail);
        assert!(failed.flat_map(|row| &row.findings).any(|finding| finding.code == *root), "{root}");
    }
    let summary = report.summary;
    let counted =
        [summary.pass, summary.warn, summary.fail, summary.unknown, summary.blocked, summary.skip, summary.ignored];
    assert_eq!(counted.iter().sum::<u32>() as usize, report.checks.len());

    let anew = judged(report.evidence.clone());
    assert_eq!(anew.checks, report.checks, "judged again");
    assert_eq!((anew.verdict, &anew.root_cause, &anew.vm), (report.verdict, &report.root_cause, &report.vm));

    let json = of_any(report, secret);
    let read: Report = serde_json::from_str(&json).expect("it reads its own report");
    let anew = judged(read.evidence.clone());
    assert_eq!((anew.verdict, &anew.checks), (report.verdict, &report.checks), "judged from its JSON");
    // Floating point numbers aside, which no service sends, it is the same to the letter.
    assert_eq!(render::json::render(&read).unwrap(), json);
    let given = saved::read(json.as_bytes()).expect("it takes in its own report");
    assert_eq!((given.verdict, given.exit_code, given.checks.len()), (read.verdict, read.exit_code, read.checks.len()));
}

/// Of a report that anybody made. Returns it as JSON.
pub fn of_any(report: &Report, secret: bool) -> String {
    let paint =
        |format| render::paint(report, format, Style::default(), Detail { quiet: false, verbose: true }).unwrap();
    let mut json = String::new();
    for (name, format) in render::FORMATS {
        let text = paint(format);
        assert!(!secret || !text.contains(CANARY), "{name} holds a token");
        let odd = text.chars().find(|c| (c.is_control() && *c != '\n') || is_hidden(*c));
        assert_eq!(odd, None, "{name}");
        match format {
            Format::Line => {
                let line = text.strip_suffix('\n').expect("a line has an end");
                assert!(line.len() <= 80 && line.chars().all(|c| c.is_ascii_graphic() || c == ' '), "{line:?}");
            }
            Format::Compact => {
                assert!(text.len() <= compact::LIMIT, "{} bytes", text.len());
                one_line(&text);
            }
            Format::Ndjson => one_line(&text),
            Format::Junit => well_formed(&text),
            Format::Github | Format::Azdo => {
                assert!(
                    text.lines()
                        .filter(|line| line.starts_with("::") || line.starts_with("##vso[task.logissue"))
                        .count()
                        <= 10
                );
            }
            Format::Json => json = text,
            Format::Markdown => assert!(text.len() < render::markdown::LIMIT),
            Format::Text | Format::Html | Format::Prom => {}
        }
    }
    for style in [Style { width: 20, ..Style::default() }, Style { unicode: false, ..Style::default() }] {
        render::paint(report, Format::Text, style, Detail { quiet: true, verbose: false }).unwrap();
    }
    json
}

fn one_line(text: &str) {
    assert_eq!(text.matches('\n').count(), 1, "one line: {text}");
    serde_json::from_str::<serde_json::Value>(text).expect("it is JSON");
}

fn well_formed(xml: &str) {
    let mut reader = quick_xml::Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    loop {
        match reader.read_event() {
            Ok(quick_xml::events::Event::Eof) => return,
            Ok(_) => {}
            Err(error) => panic!("{error}: {xml}"),
        }
    }
}
