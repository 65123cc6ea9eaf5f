//! The contract between checks, pages and simulator: listed = documented = provoked = emitted, in process.

#![cfg(all(feature = "simulator", feature = "archives"))]
#![allow(missing_docs, clippy::unwrap_used)]

use std::collections::BTreeSet;

use jiff::Timestamp;
use midoctor::check::{Severity, Stage, Status};
use midoctor::diagnosis::{self, Overall};
use midoctor::engine::{self, Limits};
use midoctor::evidence::{Evidence, Request};
use midoctor::report::{Report, Run};
use midoctor::simulator::{Azure, CANARY, SimulatedMachine};
use midoctor::{checks, options, page, render, scenarios};

/// The public vocabulary. A code is never renamed, removed or used for something else; this list says so. What is new joins it with
/// the release that first has it, and until then can still be thought over.
const VOCABULARY: &[(&str, &[&str])] = &[
    ("platform", &["not-on-azure"]),
    ("clock", &["clock-skewed"]),
    ("environment", &["env-proxy", "env-shadowed", "env-network"]),
    (
        "metadata",
        &[
            "imds-timeout",
            "imds-refused",
            "imds-proxied",
            "imds-not-azure",
            "imds-denied",
            "imds-slow",
            "imds-throttled",
            "imds-updating",
            "imds-server-error",
            "imds-header",
        ],
    ),
    ("retired", &["legacy-answering", "legacy-endpoint"]),
    ("identity", &["identity-none", "identity-ambiguous", "identity-unknown"]),
    ("principal", &["identity-stale", "identity-foreign"]),
    ("token", &["resource-invalid", "request-malformed", "token-refused"]),
    (
        "validity",
        &[
            "token-expired",
            "token-not-yet-valid",
            "audience-mismatch",
            "cloud-mismatch",
            "token-malformed",
            "token-cached",
        ],
    ),
    ("arm", &["dns-failure", "arm-unreachable", "tls-intercepted", "service-transient"]),
    ("reader", &["role-missing", "role-propagating"]),
    ("roles", &["role-insufficient", "role-denied"]),
    ("data", &["role-data-plane", "network-blocked"]),
    ("client", &["no-subscription", "client-outdated", "wrong-host-kind"]),
];

fn at() -> Timestamp {
    "2026-09-01T10:11:12Z".parse().unwrap()
}

/// What a VM in that state would report, at a fixed time.
fn play(name: &str) -> Report {
    let scenario = scenarios::find(name).unwrap().scenario().unwrap();
    let plan = scenarios::plan(&scenario).unwrap();
    let machine = SimulatedMachine::at(Azure::new(scenario), at());
    let (evidence, took) = engine::examine(&machine, &plan, Limits::default(), &|_: &Request| {});
    report(evidence, took.as_millis() as u64)
}

fn report(evidence: Evidence, duration_ms: u64) -> Report {
    let run =
        Run { id: "r".into(), started: evidence.taken_at.to_string(), duration_ms, attempts: 1, ..Run::default() };
    Report::new(&diagnosis::diagnose(&evidence), evidence, run)
}

fn codes(report: &Report) -> Vec<&str> {
    report.checks.iter().flat_map(|check| &check.findings).map(|finding| finding.code.as_str()).collect()
}

fn names() -> Vec<&'static str> {
    scenarios::all().into_iter().map(|scenario| scenario.name).collect()
}

#[test]
fn the_vocabulary_is_listed_and_documented() {
    let documented: Vec<(&str, Vec<&str>)> = checks::all()
        .map(|check| (check.id, page::of(check).sections.iter().map(|section| section.code.as_str()).collect()))
        .collect();
    let released =
        !include_str!("../CHANGELOG.md").lines().any(|line| line.starts_with("## ") && line.ends_with("(unreleased)"));
    let known = |id: &str| VOCABULARY.iter().find(|(listed, _)| *listed == id).map_or(&[][..], |(_, codes)| codes);
    // As it is documented, without what is new.
    let kept: Vec<(&str, Vec<&str>)> = documented
        .iter()
        .filter(|(id, _)| released || !known(id).is_empty())
        .map(|(id, codes)| (*id, codes.iter().copied().filter(|code| released || known(id).contains(code)).collect()))
        .collect();
    let listed: Vec<(&str, Vec<&str>)> = VOCABULARY.iter().map(|(id, codes)| (*id, codes.to_vec())).collect();
    assert_eq!(kept, listed);
    let mut names = BTreeSet::new();
    assert!(documented.iter().flat_map(|(_, codes)| codes).all(|code| names.insert(code)), "a code is on two pages");
}

#[test]
fn a_check_emits_what_its_page_says_it_emits() {
    for check in checks::all() {
        let emitted = page::of(check).sections.iter().filter(|section| !section.client_only);
        assert_eq!(
            check.codes.to_vec(),
            emitted.map(|section| section.code.as_str()).collect::<Vec<_>>(),
            "{}",
            check.id
        );
    }
}

#[test]
fn how_long_a_code_is_waited_for_is_said_with_the_reason_and_only_of_what_a_check_finds() {
    let sections = checks::all().flat_map(|check| &page::of(check).sections);
    for (section, waits) in sections.filter_map(|section| Some((section, section.waits.as_ref()?))) {
        assert!(!section.client_only && section.severity == Some(Severity::Error), "{}", section.code);
        let seconds = waits.bound.as_secs();
        assert!((1..=3600).contains(&seconds), "{}: {seconds} s", section.code);
        assert!(
            waits.why.len() > 20 && !waits.why.ends_with('.'),
            "{}: a clause, which a sentence goes on with",
            section.code
        );
    }
}

#[test]
fn every_page_in_the_folder_belongs_to_a_check() {
    let folder: BTreeSet<String> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/checks"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(folder, checks::all().map(|check| format!("{}.md", check.id)).collect());
}

#[test]
fn every_check_needs_only_checks_that_exist() {
    let ids: Vec<&str> = checks::all().map(|check| check.id).collect();
    for check in checks::all() {
        assert!(check.needs.iter().all(|need| ids.contains(need) && *need != check.id), "{}", check.id);
    }
}

#[test]
fn every_code_is_provoked_by_its_example_and_nothing_else_is_found() {
    for check in checks::all() {
        for section in &page::of(check).sections {
            assert_eq!(section.example.is_none(), section.client_only, "{}: example", section.code);
            if section.client_only {
                continue;
            }
            let report = play(&section.code);
            assert_eq!(codes(&report), [section.code.as_str()], "{}", section.code);
            let finding = report.checks.iter().flat_map(|check| &check.findings).next().unwrap();
            assert_eq!(Some(finding.severity), section.severity, "{}: severity", section.code);
            let expected = match finding.severity {
                Severity::Error => (1, Some(section.code.as_str())),
                Severity::Warning => (0, None),
            };
            assert_eq!((report.exit_code, report.root_cause.as_deref()), expected, "{}", section.code);
        }
    }
}

/// How many rows a report has where one identity and nothing but the VM is looked at, the endpoint aside that nobody named.
fn rows() -> usize {
    checks::all().filter(|check| check.id != "data" && check.stage != Stage::Client).count()
}

#[test]
fn healthy_scenarios_are_healthy_and_nothing_is_left_open() {
    let rows = u32::try_from(rows()).unwrap();
    for (name, pass, skip) in [
        ("healthy", rows, 1),
        ("healthy-user-assigned", rows, 1),
        ("healthy-both", rows, 1),
        // A token with its validity for each service, and each endpoint.
        ("healthy-data", rows + 3 * 3, 0),
        ("healthy-government", rows + 3, 0),
        ("healthy-china", rows + 3, 0),
        ("healthy-bleu", rows, 1),
    ] {
        let report = play(name);
        let open = report.checks.iter().find(|check| check.status != Status::Pass && check.id != "data");
        assert_eq!(open, None, "{name}");
        // No data endpoint is tried unless it is named.
        assert_eq!((report.exit_code, report.summary.pass, report.summary.skip), (0, pass, skip), "{name}");
    }
}

#[test]
fn what_a_failure_leaves_open_is_blocked_by_it_and_not_unknown() {
    for name in names() {
        for check in play(name).checks {
            let supporting = ["platform", "environment"].contains(&check.id.as_str());
            assert!(check.status != Status::Unknown || supporting, "{name}: {}: {}", check.id, check.summary);
        }
    }
}

#[test]
fn every_template_is_filled_with_this_machines_names() {
    for name in names() {
        for finding in play(name).checks.iter().flat_map(|check| &check.findings) {
            assert!(!finding.seen.contains(['<', '>']), "{name}: {}", finding.seen);
            let lines = finding.remedy.commands.iter().map(|command| &command.line);
            for text in lines.chain(&finding.remedy.steps).chain([&finding.seen]) {
                assert!(!text.contains("{{") && !text.contains("}}"), "{name}: {text}");
            }
        }
    }
}

#[test]
fn a_saved_report_judged_again_says_the_same() {
    for name in names() {
        let first = play(name);
        let saved = render::json::render(&first).unwrap();
        let read: Report = serde_json::from_str(&saved).unwrap();
        assert!(read == first, "{name}: read back");
        assert!(report(read.evidence, first.run.duration_ms) == first, "{name}: judged again");
    }
}

#[test]
fn without_one_of_its_exchanges_no_report_says_anything_wrong() {
    for name in names() {
        let whole = play(name);
        for left_out in 0..whole.evidence.exchanges.len() {
            let mut evidence = whole.evidence.clone();
            let gone = evidence.exchanges.remove(left_out).request.in_words();
            let less = report(evidence, whole.run.duration_ms);
            for (before, after) in whole.checks.iter().zip(&less.checks) {
                let what = format!(
                    "{name} without “{gone}”: {} {:?} became {:?}: {}",
                    before.id, before.status, after.status, after.summary
                );
                let found = |check: &midoctor::report::CheckReport| {
                    check.findings.iter().map(|finding| finding.code.clone()).collect::<Vec<_>>()
                };
                assert!(found(after).is_empty() || found(after) == found(before), "{what}: a new finding");
                assert!(
                    after.status != Status::Pass || before.status != Status::Fail,
                    "{what}: a failure became a pass"
                );
            }
            let essential_fail = whole.checks.iter().any(|check| {
                check.status == Status::Fail && checks::all().any(|known| known.id == check.id && known.essential)
            });
            if essential_fail {
                assert_ne!(less.exit_code, 0, "{name} without “{gone}” reads healthy");
            }
        }
    }
}

#[test]
fn no_byte_of_a_token_is_in_any_report() {
    for name in names() {
        let report = play(name);
        let style = render::style::Style::default();
        let detail = render::text::Detail { quiet: false, verbose: true };
        for text in [render::json::render(&report).unwrap(), render::text::render(&report, style, detail)] {
            assert!(!text.contains(CANARY), "{name}: the canary");
            assert!(!text.contains("eyJ"), "{name}: the beginning of a JWT");
        }
    }
}

/// `MIDOCTOR_BLESS=1 cargo test` writes it anew; read the difference, which may only add.
#[test]
fn the_published_schema_is_that_of_the_structs_that_write_the_report() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/report.schema.json");
    let derived = serde_json::to_string_pretty(&schemars::schema_for!(Report)).unwrap() + "\n";
    if std::env::var_os("MIDOCTOR_BLESS").is_some() {
        std::fs::write(path, &derived).unwrap();
    }
    assert_eq!(derived, std::fs::read_to_string(path).unwrap());
}

#[test]
fn every_report_validates_against_the_published_schema() {
    let schema = serde_json::to_value(schemars::schema_for!(Report)).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for name in names() {
        let report = serde_json::to_value(play(name)).unwrap();
        let errors: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
    assert!(!validator.is_valid(&serde_json::json!({"schema": "midoctor.report/1"})), "the schema refuses nothing");
}

#[test]
fn the_same_evidence_gives_the_same_diagnosis_whatever_came_before() {
    for name in names() {
        assert!(play(name) == play(name), "{name}");
    }
}

#[test]
fn nothing_learned_is_undetermined_and_names_no_cause() {
    let diagnosis = diagnosis::diagnose(&Evidence::new(at(), options::plan(&[], &[], &[]).unwrap()));
    assert_eq!((diagnosis.overall, diagnosis.root_cause), (Overall::Undetermined, None));
    // Only the data endpoint that nobody named is not open.
    let open = diagnosis.checks.iter().filter(|judged| judged.check.id != "data");
    assert!(
        open.clone().count() == rows() && open.into_iter().all(|judged| judged.verdict.status() == Status::Unknown)
    );
}

#[test]
fn a_run_out_of_time_is_undetermined_and_says_what_was_not_asked() {
    let machine = SimulatedMachine::at(Azure::new(scenarios::find("healthy").unwrap().scenario().unwrap()), at());
    let limits = Limits { deadline: std::time::Duration::from_millis(5), ..Limits::default() };
    let (evidence, _) = engine::examine(&machine, &options::plan(&[], &[], &[]).unwrap(), limits, &|_: &Request| {});
    let report = report(evidence, 5);
    assert_eq!((report.exit_code, report.root_cause.as_deref()), (3, None));
    assert!(report.summary.unknown > 0 && report.summary.fail == 0, "{:?}", report.summary);
}

/// Advice that names a flag which does not exist is worse than none.
#[test]
fn every_midoctor_command_on_a_page_can_be_typed() {
    use clap::Parser;
    let mut typed = 0;
    for check in checks::all() {
        let page = page::of(check);
        for section in &page.sections {
            let lines = section.commands.iter().map(|command| command.line.as_str());
            let quoted = check.page.split('`').filter(|part| part.starts_with("midoctor"));
            for line in lines.chain(quoted).filter(|line| line.split(' ').next() == Some("midoctor")) {
                // A flag at the end of a quotation stands without its value.
                let line = match line {
                    "midoctor --identity" => "midoctor --identity x",
                    "midoctor --resource" => "midoctor --resource x",
                    "midoctor --require" => "midoctor --require x",
                    line => line,
                };
                let words = shlex::split(&line.replace("{{", "").replace("}}", "")).unwrap();
                let slip = midoctor::cli::Cli::try_parse_from(words).err();
                assert!(slip.is_none(), "{}: {line}: {}", section.code, slip.unwrap());
                typed += 1;
            }
        }
    }
    assert!(typed > 5, "the commands are not found");
}
