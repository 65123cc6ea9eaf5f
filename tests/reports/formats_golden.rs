//! What each format of a report looks like, word for word: for a VM without identity in files of tests/golden, and in short for the
//! other verdicts.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::common::{golden, run};
use crate::reports::{in_each, names, open, painted, report, report_with};
use midoctor::plan::Ignore;
use midoctor::render::Format;
use midoctor::report::{Report, Word};
use midoctor::simulator::CANARY;

#[test]
fn a_vm_without_identity_looks_so_in_each_format() {
    for (name, text) in in_each(&report("identity-none")) {
        // The page has tests of its own, and a style that may change.
        if !matches!(name, "text" | "json" | "html") {
            golden(&format!("identity-none.{name}"), &text);
        }
    }
}

#[test]
fn two_findings_of_several_identities_look_so_as_a_page_and_as_gauges() {
    let report = report("role-missing");
    golden("role-missing.markdown", &painted(&report, Format::Markdown));
    golden("role-missing.prom", &painted(&report, Format::Prom));
}

#[test]
fn every_format_has_something_to_say_of_every_scenario() {
    for name in names() {
        let report = report(name);
        for (format, text) in in_each(&report) {
            assert!(text.len() > 20 && text.ends_with('\n'), "{name} as {format}: {text}");
            assert!(!text.contains(CANARY) && !text.contains("eyJ"), "{name} as {format} holds a part of a token");
            if matches!(format, "line" | "compact" | "ndjson") {
                assert_eq!(text.lines().count(), 1, "{name} as {format}");
            }
            if let Some(code) = &report.root_cause {
                assert!(text.contains(code.as_str()), "{name} as {format} does not name the cause: {text}");
            }
        }
    }
}

/// The line that a verdict has as its line, on GitHub and in Azure Pipelines.
fn lines(report: &Report) -> [String; 3] {
    [Format::Line, Format::Github, Format::Azdo].map(|format| painted(report, format))
}

#[test]
fn a_healthy_vm_succeeds() {
    let [line, github, azdo] = lines(&report("healthy"));
    assert_eq!(line, "HEALTHY: 12 passed, 1 skipped (vm-doctor-01)\n");
    assert_eq!(github, "::notice title=midoctor::HEALTHY: 12 passed, 1 skipped (vm-doctor-01)\n");
    assert_eq!(azdo, "##vso[task.complete result=Succeeded;]HEALTHY: 12 passed, 1 skipped (vm-doctor-01)\n");
}

#[test]
fn a_warning_is_one_and_the_task_succeeds_with_issues() {
    let [line, github, azdo] = lines(&report("legacy-answering"));
    let verdict = "DEGRADED legacy-answering: Something still answers at the retired endpoint.\n";
    assert_eq!(line, verdict);
    let seen =
        "Seen: 127.0.0.1:50342 and [::1]:50342 answered 400, by the retired VM extension ManagedIdentityExtension.";
    let fix = "Fix: Find the clients that still use port 50342, update them, and see that they work with \
               `http://169.254.169.254/metadata/identity/oauth2/token`.";
    let title = "Something still answers at the retired endpoint.";
    assert_eq!(github, format!("::warning title=legacy-answering::{title}%0A{seen}%0A{fix}\n{verdict}"));
    let seen = seen.replace(']', "%5D");
    assert_eq!(
        azdo,
        format!(
            "##vso[task.logissue type=warning;code=legacy-answering;]{title} {seen} {fix}\n\
             ##vso[task.complete result=SucceededWithIssues;]{verdict}"
        )
    );
}

#[test]
fn a_warning_fails_a_build_that_shall_fail_on_warnings() {
    let report = report_with("legacy-answering", |plan| plan.fail_on = midoctor::plan::FailOn::Warn);
    assert_eq!((report.verdict, report.exit_code), (Word::Degraded, 1));
    assert!(painted(&report, Format::Azdo).contains("##vso[task.complete result=Failed;]DEGRADED"));
    assert!(painted(&report, Format::Junit).contains("<failure message=\"Something still answers"));
}

#[test]
fn what_could_not_be_judged_is_told_as_such_and_fails_the_task() {
    let report = open();
    let [line, github, azdo] = lines(&report);
    assert!(line.starts_with("UNDETERMINED platform: This machine is an Azure VM: unknown, "), "{line}");
    assert!(line.len() <= 81, "{line}");
    // Twelve checks are open: nine are shown, and the tenth line counts the others.
    let commands: Vec<&str> = github.lines().filter(|line| line.starts_with("::")).collect();
    assert_eq!(commands.len(), 10);
    assert!(commands[0].starts_with("::warning title=platform::This machine is an Azure VM: unknown, "), "{github}");
    let last = "::warning title=midoctor::3 more not shown here; midoctor -o text shows all";
    assert_eq!(commands[9], last);
    assert_eq!(azdo.matches("##vso[task.logissue type=warning;").count(), 10);
    assert!(azdo.contains("\n##vso[task.complete result=Failed;]UNDETERMINED platform: "), "{azdo}");
    let junit = painted(&report, Format::Junit);
    assert!(junit.contains("tests=\"13\" failures=\"0\" errors=\"12\""), "{junit}");
    let compact: serde_json::Value = serde_json::from_str(&painted(&report, Format::Compact)).unwrap();
    assert_eq!(
        (&compact["verdict"], &compact["root_cause"], &compact["fix"]),
        (&"undetermined".into(), &().into(), &().into())
    );
}

#[test]
fn what_is_unknown_beside_an_error_is_a_remark() {
    let mut report = report("role-missing");
    report.checks[1].status = midoctor::check::Status::Unknown;
    let junit = painted(&report, Format::Junit);
    assert!(junit.contains("failures=\"1\" errors=\"0\""), "{junit}");
    assert!(!painted(&report, Format::Github).contains("title=clock"));
}

#[test]
fn what_is_ignored_does_not_count_and_keeps_its_reason() {
    let report = report_with("legacy-answering", |plan| {
        let until = "2026-12-31".parse().unwrap();
        plan.ignores = vec![Ignore { code: "legacy-*".into(), reason: "removed in December".into(), until }];
    });
    assert_eq!((report.verdict, report.summary.ignored), (Word::Healthy, 1));
    let [line, github, azdo] = lines(&report);
    assert_eq!(line, "HEALTHY: 11 passed, 1 skipped, 1 ignored (vm-doctor-01)\n");
    let why = "ignored until 2026-12-31: removed in December";
    assert_eq!(github, format!("legacy-answering: {why}\n::notice title=midoctor::{line}"));
    assert_eq!(azdo, format!("legacy-answering: {why}\n##vso[task.complete result=Succeeded;]{line}"));
    let junit = painted(&report, Format::Junit);
    let skipped = format!(
        "<skipped message=\"Something still answers at the retired endpoint. ({why})\" type=\"ignored\">legacy-answering (warning)\n"
    );
    assert!(junit.contains(&skipped) && junit.contains("failures=\"0\""), "{junit}");
    let markdown = painted(&report, Format::Markdown);
    assert!(markdown.contains("It does not count: ignored until `2026-12-31`: removed in December\n"), "{markdown}");
    assert!(!markdown.contains("**Fix:**"), "{markdown}");
    let prom = painted(&report, Format::Prom);
    assert!(prom.contains("midoctor_finding_ignored{check=\"retired\",subject=\"\",code=\"legacy-answering\"} 1\n"));
    assert!(!prom.contains("midoctor_finding{"), "{prom}");
    let compact: serde_json::Value = serde_json::from_str(&painted(&report, Format::Compact)).unwrap();
    assert_eq!(compact["codes"], serde_json::json!([]));
    let row: serde_json::Value = serde_json::from_str(&painted(&report, Format::Ndjson)).unwrap();
    let found = &row["checks"][4]["findings"][0];
    assert_eq!(found["ignored"], serde_json::json!({"reason": "removed in December", "until": "2026-12-31"}));
}

#[test]
fn the_root_cause_comes_first_on_a_build_server() {
    let mut report = report("role-missing");
    let mut earlier = report.checks.iter().find(|check| !check.findings.is_empty()).unwrap().clone();
    earlier.id = "clock".into();
    earlier.findings[0].code = "clock-skewed".into();
    report.checks.insert(0, earlier);
    let github = painted(&report, Format::Github);
    assert!(github.find("title=role-missing").unwrap() < github.find("title=clock-skewed").unwrap(), "{github}");
    let markdown = painted(&report, Format::Markdown);
    assert!(markdown.find("### `role-missing`").unwrap() < markdown.find("### `clock-skewed`").unwrap(), "{markdown}");
}

#[test]
fn every_link_of_a_page_is_a_link() {
    for check in midoctor::checks::all() {
        for section in &midoctor::page::of(check).sections {
            for link in &section.docs {
                assert_eq!(midoctor::render::markdown_text::link(link), format!("<{link}>"));
            }
        }
    }
}

#[test]
fn several_formats_are_written_in_one_run() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (junit, prom) = (format!("junit={}", at("x.xml")), format!("prom={}", at("y.prom")));
    let ran = run(&["demo", "role-missing", "-o", "line", "-o", &junit, "-o", &prom]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""));
    assert_eq!(ran.stdout, "UNHEALTHY role-missing: The identity holds no role that lets it read this VM.\n");
    assert!(std::fs::read_to_string(at("x.xml")).unwrap().ends_with("</testsuites>\n"));
    assert!(std::fs::read_to_string(at("y.prom")).unwrap().contains("midoctor_root_cause{code=\"role-missing\"} 1\n"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}
