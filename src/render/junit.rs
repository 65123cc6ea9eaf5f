//! The report as JUnit's XML, as Surefire writes it and Jenkins' schema has it: one suite, one case for each check. Warnings pass, so
//! that a build fails when midoctor fails.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use crate::build_log::inert;
use crate::check::{Severity, Status};
use crate::fill::visible;
use crate::report::{CheckReport, FindingReport, Report, Word};

use super::phrases::{counts, excuse, place_in_words, reason, shell_in_words, waited};

/// The whole document, with a line end.
///
/// # Errors
/// When it cannot be written to memory, which does not happen.
pub fn render(report: &Report) -> Result<String, String> {
    let mut xml = Xml(Writer::new_with_indent(Vec::new(), b' ', 2));
    document(report, &mut xml)?;
    let text = String::from_utf8(xml.0.into_inner()).map_err(|error| error.to_string())?;
    Ok(inert(&text).into_owned() + "\n")
}

/// How a case ended, in JUnit's words.
enum Ending {
    Passed,
    Failure,
    Error,
    Skipped,
}

/// What could not be judged is an error where that left the verdict open, whether it is unknown or stands behind something that does
/// not count; else it is no more than a remark.
fn ending(report: &Report, check: &CheckReport) -> Ending {
    match check.status {
        Status::Fail => Ending::Failure,
        Status::Unknown | Status::Blocked if report.verdict == Word::Undetermined => Ending::Error,
        // With `--fail-on warn` the run fails for these, and a build with it.
        Status::Warn if report.exit_code == 1 && report.verdict == Word::Degraded => Ending::Failure,
        Status::Pass | Status::Warn | Status::Unknown => Ending::Passed,
        Status::Blocked | Status::Skip | Status::Ignored => Ending::Skipped,
    }
}

fn document(report: &Report, xml: &mut Xml) -> Result<(), String> {
    let count =
        |wanted: fn(&Ending) -> bool| report.checks.iter().filter(|check| wanted(&ending(report, check))).count();
    let (failures, errors) =
        (count(|ending| matches!(ending, Ending::Failure)), count(|ending| matches!(ending, Ending::Error)));
    // A build must not pass where midoctor does not: where no check says so, such as when the time was up, the whole does.
    let is_alone = report.exit_code != 0 && failures + errors == 0;
    let tests = (report.checks.len() + usize::from(is_alone)).to_string();
    let (failures, errors) = (failures.to_string(), (errors + usize::from(is_alone)).to_string());
    let skipped = count(|ending| matches!(ending, Ending::Skipped)).to_string();
    let time = seconds(report.run.duration_ms);
    let (started, host) = (told(&report.run.started), told(report.vm.name.as_deref().unwrap_or_default()));
    let all = [("name", "midoctor"), ("tests", &*tests), ("failures", &failures), ("errors", &errors), ("time", &time)];
    let own = [("skipped", &*skipped), ("timestamp", &started), ("hostname", &host)];
    xml.write(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.open("testsuites", &all)?;
    xml.open("testsuite", &[&all[..], &own].concat())?;
    properties(report, xml)?;
    for check in &report.checks {
        case(report, check, xml)?;
    }
    let verdict = format!("{}: {}", report.verdict.word().to_ascii_uppercase(), counts(report));
    if is_alone {
        let notes: Vec<String> = report.notes.iter().map(|note| told(note) + "\n").collect();
        xml.open("testcase", &[("name", "verdict"), ("classname", "midoctor"), ("time", "0.000")])?;
        let message = reason(report).unwrap_or(&verdict);
        xml.element("error", &[("message", message), ("type", report.verdict.word())], &notes.concat())?;
        xml.close("testcase")?;
    }
    let waited = waited(report).map(|waited| format!("\n{waited}")).unwrap_or_default();
    let cut = report.run.cut_short_in_words().map(|cut| format!("\n{cut}")).unwrap_or_default();
    xml.element("system-out", &[], &format!("{verdict}{waited}{cut}"))?;
    xml.close("testsuite")?;
    xml.close("testsuites")
}

fn properties(report: &Report, xml: &mut Xml) -> Result<(), String> {
    let named = [
        ("midoctor.version", Some(&report.tool.version)),
        ("midoctor.root-cause", report.root_cause.as_ref()),
        ("vm.resource-id", report.vm.resource_id.as_ref()),
        ("vm.location", report.vm.location.as_ref()),
    ];
    xml.open("properties", &[])?;
    for (name, value) in named {
        if let Some(value) = value {
            xml.element("property", &[("name", name), ("value", &told(value))], "")?;
        }
    }
    xml.close("properties")
}

fn case(report: &Report, check: &CheckReport, xml: &mut Xml) -> Result<(), String> {
    let subject = check.subject.as_ref().map(|subject| format!(" ({subject})")).unwrap_or_default();
    let name = told(&format!("{}{subject}", check.id));
    let stage = format!("midoctor.{}", check.stage.title().to_ascii_lowercase());
    let time = seconds(check.duration_ms);
    let attributes = [("name", &*name), ("classname", &stage), ("time", &time)];
    let (summary, body) = (told(&check.summary), body(check));
    let (tag, kind) = match ending(report, check) {
        Ending::Passed if check.status == Status::Pass => return xml.element("testcase", &attributes, ""),
        Ending::Passed => {
            xml.open("testcase", &attributes)?;
            xml.element("system-out", &[], &format!("{summary}\n{body}"))?;
            return xml.close("testcase");
        }
        Ending::Failure => ("failure", codes(check)),
        Ending::Error => ("error", check.status.word().to_owned()),
        Ending::Skipped => ("skipped", check.status.word().to_owned()),
    };
    let message = match (check.status, check.findings.iter().find_map(excuse)) {
        (Status::Ignored, Some(excuse)) => format!("{summary} ({})", told(&excuse)),
        _ => summary,
    };
    xml.open("testcase", &attributes)?;
    xml.element(tag, &[("message", &message), ("type", &kind)], &body)?;
    xml.close("testcase")
}

/// Elements, written one after the other.
struct Xml(Writer<Vec<u8>>);

impl Xml {
    fn write(&mut self, event: Event) -> Result<(), String> {
        self.0.write_event(event).map_err(|error| error.to_string())
    }

    fn open(&mut self, tag: &str, attributes: &[(&str, &str)]) -> Result<(), String> {
        self.write(Event::Start(BytesStart::new(tag).with_attributes(attributes.iter().copied())))
    }

    fn close(&mut self, tag: &str) -> Result<(), String> {
        self.write(Event::End(BytesEnd::new(tag)))
    }

    /// An element with a text, or with none.
    fn element(&mut self, tag: &str, attributes: &[(&str, &str)], text: &str) -> Result<(), String> {
        if text.is_empty() {
            return self.write(Event::Empty(BytesStart::new(tag).with_attributes(attributes.iter().copied())));
        }
        self.open(tag, attributes)?;
        self.write(Event::Text(BytesText::new(text)))?;
        self.close(tag)
    }
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
    let mut lines = vec![format!("{} ({})", finding.code, finding.severity.word()), format!("Seen: {}", finding.seen)];
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
