//! What a build of midoctor does, whatever parts it has: with saved reports in every format, with errors and codes, and with what
//! it is without. Nothing here needs the simulator, so the minimal build (`cargo test --no-default-features`) is held to all of it.
//!
//! The reports of tests/saved are those of the scenarios of these names, at a fixed time.

use crate::common::{Ran, golden, midoctor, ran, refused, run};
use midoctor::parts::Part;
use midoctor::render::FORMATS;
use serde_json::Value;

const SICK: &str = "tests/saved/identity-none.json";
const WELL: &str = "tests/saved/healthy.json";

/// Every command, as its help is asked for.
const COMMANDS: [&[&str]; 8] =
    [&[], &["check"], &["explain"], &["report"], &["report", "show"], &["report", "diff"], &["fleet"], &["generate"]];

/// One line on standard error, exit code 2, and nothing else.
fn needs(part: Part, arguments: &[&str], typed: &str) {
    let expected = format!("midoctor: {}", part.needed(typed));
    assert_eq!(refused(arguments), expected, "{arguments:?}");
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_help_offers_what_is_there_and_nothing_else() {
    let mut all = String::new();
    for command in COMMANDS {
        let Ran { code, stdout, stderr } = run(&[command, &["--help"]].concat());
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{command:?}");
        all.push_str(&stdout.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    for (part, words) in [
        (Part::Simulator, &["demo", "simulat", "scenario"][..]),
        (Part::Html, &["html"]),
        (Part::Archives, &["archive", "redact"]),
    ] {
        for word in words {
            assert_eq!(all.contains(word), part.is_here(), "{word} in {all}");
        }
    }
    assert!(all.contains("json, compact, ndjson") && !all.contains(" or or ") && !all.contains(",,"), "{all}");
}

#[test]
fn an_archive_holds_a_page_so_it_comes_with_pages() {
    assert!(Part::Html.is_here() || !Part::Archives.is_here());
}

#[test]
fn what_a_build_is_without_it_says_before_it_does_anything() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    if !Part::Simulator.is_here() {
        needs(Part::Simulator, &["demo"], "midoctor demo");
        let page = format!("json={}", file("report.json"));
        needs(Part::Simulator, &["demo", "healthy", "-o", &page], "midoctor demo");
        needs(Part::Simulator, &["simulate", "--ca", &file("ca.pem")], "midoctor simulate");
    }
    if !Part::Html.is_here() {
        let page = format!("html={}", file("report.html"));
        for arguments in [
            &["-o", &page][..],
            &["check", "-o", "html"],
            &["check", "--from", SICK, "-o", "json", "-o", &page],
            &["report", "show", SICK, "-o", &page],
            &["fleet", SICK, "-o", &page],
        ] {
            needs(Part::Html, arguments, "-o html");
        }
        // It is not among what is offered, nor what is near.
        let slip = refused(&["check", "-o", "htm"]);
        assert!(slip.contains("markdown, github, azdo or prom,") && !slip.contains("did you mean"), "{slip}");
    }
    if !Part::Archives.is_here() {
        needs(Part::Archives, &["report"], "midoctor report");
        needs(Part::Archives, &["report", "-f", &file("vm.zip"), "--redact", "ids"], "midoctor report");
        needs(Part::Archives, &["report", "redact", SICK, "-f", &file("vm.zip")], "midoctor report redact");
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "something was written");
}

#[test]
fn who_asks_for_the_help_of_what_is_not_there_is_told_why() {
    for (part, arguments, typed) in [
        (Part::Simulator, &["demo", "--help"][..], "midoctor demo"),
        (Part::Simulator, &["help", "simulate"], "midoctor simulate"),
        (Part::Archives, &["report", "redact", "--help"], "midoctor report redact"),
    ] {
        let told = format!("midoctor: {}\n", part.needed(typed));
        let Ran { code, stdout, .. } = run(arguments);
        assert_eq!((code, stdout == told), (Some(0), !part.is_here()), "{stdout}");
    }
}

#[test]
fn an_archive_that_cannot_be_unpacked_here_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vm.zip").display().to_string();
    std::fs::write(&file, b"PK\x03\x04 and so on, like an archive").unwrap();
    let is = if Part::Archives.is_here() {
        "is not a whole archive; it may have been cut short on its way: copy it again"
    } else {
        "is an archive, and this build of midoctor is without archives; unpack it and give its report.json, or use the full build"
    };
    for arguments in [&["check", "--from", &file][..], &["report", "show", &file], &["report", "diff", SICK, &file]] {
        assert_eq!(refused(arguments), format!("midoctor: {file} {is}"));
    }
    // Of a fleet it is one broken file, which is counted and named.
    let Ran { code, stdout, .. } = run(&["fleet", WELL, &file, "-o", "json"]);
    let fleet = json(&stdout);
    assert_eq!((code, &fleet["reports"]["vms"], &fleet["reports"]["broken"]), (Some(3), &1.into(), &1.into()));
    let why = if Part::Archives.is_here() { "it is not a whole archive" } else { "without archives; unpack it" };
    assert!(fleet["broken"][0]["why"].as_str().unwrap().contains(why), "{stdout}");
}

#[test]
fn a_saved_report_looks_the_same_in_each_format_in_every_build() {
    for (name, format) in FORMATS {
        if matches!(name, "text" | "json" | "html") {
            continue;
        }
        let Ran { code, stdout, stderr } = run(&["report", "show", SICK, "-o", name]);
        assert_eq!((code, stderr.as_str()), (Some(1), ""), "{format:?}");
        golden(&format!("identity-none.{name}"), &stdout);
    }
    let text = run(&["report", "show", SICK]).stdout;
    let verdict = "UNHEALTHY  identity-none: No managed identity is enabled on this VM.";
    assert!(text.contains(verdict) && text.contains("az vm identity assign"), "{text}");
    assert_eq!(
        json(&run(&["report", "show", SICK, "-o", "json"]).stdout),
        json(&std::fs::read_to_string(SICK).unwrap())
    );
}

#[test]
fn a_saved_report_is_judged_anew_to_the_same_end() {
    for (file, code, cause) in [(WELL, 0, Value::Null), (SICK, 1, "identity-none".into())] {
        let Ran { code: ended, stdout, stderr } = run(&["check", "--from", file, "-o", "json"]);
        let (new, old) = (json(&stdout), json(&std::fs::read_to_string(file).unwrap()));
        assert_eq!((ended, stderr.as_str(), &new["root_cause"]), (Some(code), "", &cause));
        assert_eq!((&new["checks"], &new["verdict"]), (&old["checks"], &old["verdict"]), "{file}");
    }
    let Ran { code, stdout, .. } = run(&["check", "--from", SICK, "--skip", "identity-none", "-o", "line"]);
    assert_eq!((code, stdout.contains("identity-none")), (Some(3), false), "{stdout}");
}

#[test]
fn two_saved_reports_are_compared_and_folded() {
    let Ran { code, stdout, .. } = run(&["report", "diff", WELL, SICK, "-o", "json"]);
    assert_eq!((code, &json(&stdout)["after"]["root_cause"]), (Some(1), &"identity-none".into()), "{stdout}");
    let Ran { stdout, .. } = run(&["report", "diff", WELL, SICK, "-o", "markdown"]);
    assert!(stdout.contains("identity-none"), "{stdout}");
    let folder = tempfile::tempdir().unwrap();
    let other = std::fs::read_to_string(SICK).unwrap().replace("vm-doctor-01", "vm-doctor-02");
    std::fs::write(folder.path().join("other.json"), other).unwrap();
    let folder = folder.path().to_str().unwrap();
    for (format, verdict) in [
        ("text", "1 × identity-none"),
        ("json", "\"verdicts\":{\"degraded\":0,\"healthy\":1,\"undetermined\":0,\"unhealthy\":1}"),
        ("markdown", "identity-none"),
    ] {
        let Ran { code, stdout, .. } = run(&["fleet", WELL, folder, "-o", format]);
        assert_eq!((code, stdout.contains(verdict)), (Some(1), true), "{stdout}");
    }
}

#[test]
fn the_schema_is_that_of_the_saved_reports() {
    let schema = json(&run(&["generate", "schema"]).stdout);
    let schema = jsonschema::validator_for(&schema).unwrap();
    for file in [SICK, WELL] {
        let report = json(&std::fs::read_to_string(file).unwrap());
        let wrong: Vec<String> = schema.iter_errors(&report).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{file}: {wrong:?}");
    }
}

#[test]
fn codes_and_errors_are_explained_in_every_build() {
    let Ran { code, stdout, .. } = run(&["explain", "identity-none"]);
    assert_eq!(code, Some(0));
    assert!(stdout.contains("az vm identity assign"), "{stdout}");
    assert_eq!(stdout.contains("midoctor demo identity-none plays it."), Part::Simulator.is_here(), "{stdout}");
    let text = r#"{"error":"invalid_request","error_description":"Identity not found"}"#;
    let Ran { code, stdout, .. } = run(&["explain", text, "-o", "json"]);
    assert_eq!(code, Some(0));
    assert!(stdout.contains("\"identity-none\""), "{stdout}");
}

#[test]
fn slips_are_told_in_every_build() {
    for (arguments, what) in [
        (&["frobnicate"][..], "unrecognized subcommand 'frobnicate'"),
        (&["--timeout", "soon"], "--timeout"),
        (&["report", "show", "tests/saved/none.json"], "tests/saved/none.json"),
        (&["report", "show", "Cargo.toml"], "is no report of midoctor"),
        (&["check", "-o", "jsn"], "did you mean “json”?"),
        (&["fleet", "README.md"], "no report can be read"),
    ] {
        let why = refused(arguments);
        assert!(why.contains(what), "{why}");
    }
}

#[test]
fn the_environment_is_looked_at_in_every_build() {
    let mut program = midoctor(&["check", "--sources", "-o", "json"]);
    let Ran { code, stdout, .. } =
        ran(program.env("IDENTITY_ENDPOINT", "http://127.0.0.1:4141/token").env("IDENTITY_HEADER", "hunter2"));
    assert_eq!(code, Some(0));
    assert!(stdout.contains("127.0.0.1:4141") && !stdout.contains("hunter2"), "{stdout}");
}
