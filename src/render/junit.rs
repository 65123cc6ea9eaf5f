//! The report as JUnit's XML, as Surefire writes it and Jenkins' schema has it: one suite, one case for each check. Warnings pass, so
//! that a build fails when midoctor fails.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::build_log::inert;
use crate::check::{Severity, Status};
use crate::fill::visible;
use crate::report::{CheckReport, FindingReport, Report, Word};

use super::lead::{counts, excuse, severity, word};
use super::text::{place_in_words, shell_in_words};

/// The whole document, with a line end.
///
/// # Errors
/// When it cannot be written to memory, which does not happen.
pub fn render(report: &Report) -> Result<String, String> {
    let mut xml = Vec::new();
    let mut writer = Writer::new_with_indent(&mut xml, b' ', 2);
    document(report, &mut writer).map_err(|error| error.to_string())?;
    xml.push(b'\n');
    let xml = String::from_utf8(xml).map_err(|error| error.to_string())?;
    Ok(inert(&xml).into_owned())
}

/// How a case ended, in JUnit's words.
enum Ending {
    Passed,
    Failure,
    Error,
    Skipped,
}

/// What could not be judged is an error where that left the verdict open; else it is no more than a remark.
fn ending(report: &Report, check: &CheckReport) -> Ending {
    match check.status {
        Status::Fail => Ending::Failure,
        Status::Unknown if report.verdict == Word::Undetermined => Ending::Error,
        // With `--fail-on warn` the run fails for these, and a build with it.
        Status::Warn if report.exit_code == 1 && report.verdict == Word::Degraded => Ending::Failure,
        Status::Pass | Status::Warn | Status::Unknown => Ending::Passed,
        Status::Blocked | Status::Skip | Status::Ignored => Ending::Skipped,
    }
}

fn document(report: &Report, writer: &mut Writer<&mut Vec<u8>>) -> std::io::Result<()> {
    let count = |wanted: fn(&Ending) -> bool| {
        report.checks.iter().filter(|check| wanted(&ending(report, check))).count().to_string()
    };
    let tests = report.checks.len().to_string();
    let failures = count(|ending| matches!(ending, Ending::Failure));
    let errors = count(|ending| matches!(ending, Ending::Error));
    let skipped = count(|ending| matches!(ending, Ending::Skipped));
    let time = seconds(report.run.duration_ms);
    let (started, host) = (told(&report.run.started), told(report.vm.name.as_deref().unwrap_or_default()));
    let all = [("tests", &*tests), ("failures", &failures), ("errors", &errors), ("time", &time)];
    let own = [("skipped", &*skipped), ("timestamp", &started), ("hostname", &host)];
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let suites = writer.create_element("testsuites").with_attribute(("name", "midoctor")).with_attributes(all);
    suites.write_inner_content(|writer| {
        let suite = writer.create_element("testsuite").with_attribute(("name", "midoctor"));
        let suite = suite.with_attributes(all).with_attributes(own);
        suite.write_inner_content(|writer| {
            properties(report, writer)?;
            for check in &report.checks {
                case(report, check, writer)?;
            }
            let verdict = format!("{}: {}", word(report.verdict).to_ascii_uppercase(), counts(report));
            writer.create_element("system-out").write_text_content(BytesText::new(&told(&verdict)))?;
            Ok(())
        })?;
        Ok(())
    })?;
    Ok(())
}

fn properties(report: &Report, writer: &mut Writer<&mut Vec<u8>>) -> std::io::Result<()> {
    let named = [
        ("midoctor.version", Some(&report.tool.version)),
        ("midoctor.root-cause", report.root_cause.as_ref()),
        ("vm.resource-id", report.vm.resource_id.as_ref()),
        ("vm.location", report.vm.location.as_ref()),
    ];
    writer.create_element("properties").write_inner_content(|writer| {
        for (name, value) in named {
            let Some(value) = value else { continue };
            let property = writer.create_element("property").with_attribute(("name", name));
            property.with_attribute(("value", &*told(value))).write_empty()?;
        }
        Ok(())
    })?;
    Ok(())
}

fn case(report: &Report, check: &CheckReport, writer: &mut Writer<&mut Vec<u8>>) -> std::io::Result<()> {
    let subject = check.subject.as_ref().map(|subject| format!(" ({subject})")).unwrap_or_default();
    let name = told(&format!("{}{subject}", check.id));
    let stage = format!("midoctor.{}", check.stage.title().to_ascii_lowercase());
    let time = seconds(check.duration_ms);
    let attributes = [("name", &*name), ("classname", &stage), ("time", &time)];
    let summary = told(&check.summary);
    let body = body(check);
    let has_findings = !check.findings.is_empty();
    let case = writer.create_element("testcase").with_attributes(attributes);
    let (tag, kind) = match ending(report, check) {
        Ending::Passed if check.status == Status::Pass => return case.write_empty().map(drop),
        Ending::Passed => {
            return case
                .write_inner_content(|writer| {
                    let text = if has_findings { format!("{summary}\n{body}") } else { summary.clone() };
                    writer.create_element("system-out").write_text_content(BytesText::new(&text)).map(drop)
                })
                .map(drop);
        }
        Ending::Failure => ("failure", codes(check)),
        Ending::Error => ("error", "unknown".to_owned()),
        Ending::Skipped => ("skipped", check.status.word().to_owned()),
    };
    let message = match (check.status, check.findings.iter().find_map(excuse)) {
        (Status::Ignored, Some(excuse)) => format!("{summary} ({})", told(&excuse)),
        _ => summary,
    };
    case.write_inner_content(|writer| {
        let element = writer.create_element(tag).with_attributes([("message", &*message), ("type", &*kind)]);
        if has_findings {
            element.write_text_content(BytesText::new(&body)).map(drop)
        } else {
            element.write_empty().map(drop)
        }
    })
    .map(drop)
}

/// The codes that made it fail: of the errors, or of the warnings where there is no error.
fn codes(check: &CheckReport) -> String {
    let counted = || check.findings.iter().filter(|finding| finding.ignored.is_none());
    let worst = counted().map(|finding| finding.severity).max().unwrap_or(Severity::Warning);
    let codes: Vec<String> =
        counted().filter(|finding| finding.severity == worst).map(|finding| told(&finding.code)).collect();
    codes.join(", ")
}

/// What was found, a line for each thing to know.
fn body(check: &CheckReport) -> String {
    check.findings.iter().map(found).collect()
}

fn found(finding: &FindingReport) -> String {
    let mut lines =
        vec![format!("{} ({})", finding.code, severity(finding.severity)), format!("Seen: {}", finding.seen)];
    match excuse(finding) {
        Some(excuse) => lines.push(excuse),
        None => {
            lines.extend(
                finding.remedy.steps.iter().enumerate().map(|(index, step)| format!("Fix {}: {step}", index + 1)),
            );
            lines.extend(finding.remedy.commands.iter().map(|command| {
                let (shell, place) = (shell_in_words(command.shell), place_in_words(command.place));
                format!("Run ({shell}, {place}): {}", command.line)
            }));
            lines.extend(finding.docs.iter().map(|link| format!("Read: {link}")));
        }
    }
    lines.iter().map(|line| told(line) + "\n").collect()
}

/// A text that XML can hold: these two are no characters to it.
fn told(text: &str) -> String {
    visible(text).replace('\u{fffe}', r"\u{fffe}").replace('\u{ffff}', r"\u{ffff}")
}

fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}
