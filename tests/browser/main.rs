//! The browser suite: the page of a report in headless Chromium, opened from a file as a user opens it.
//!
//! It loads nothing and runs nothing but its own script, leads with the verdict, can be read by everybody, typed through,
//! printed, and copied from; and what a hostile report holds is text on it. Every case is in a private network namespace.
//!
//! It installs nothing. `MIDOCTOR_BROWSER_NODE_MODULES` names a folder whose `node_modules` holds puppeteer-core and axe-core;
//! chromium, node and pdftotext (poppler-utils) are found by `PATH`. Run by `cargo test --test browser [-- WORD…]`.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod fleet;
#[path = "../common/hostile_report.rs"]
mod hostile_report;
#[path = "../namespace/mod.rs"]
mod namespace;
#[path = "../common/played.rs"]
mod played;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use midoctor::render::html;
use midoctor::report::{Report, WaitEnd, Waiting, Word};
use namespace::{Case, Suite};
use serde_json::{Value, json};

/// Where puppeteer-core and axe-core are.
const NODE_MODULES: &str = "MIDOCTOR_BROWSER_NODE_MODULES";
/// What a browser may be called.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Three identities, with many resources and requirements, not all of which they meet: some sixty rows.
const MANY: &str = "user_assigned = [\"id-app\", \"id-batch\"]\n\
    [command]\nidentity = [\"all\"]\nresource = [\"arm\", \"graph\", \"vault\", \"storage\", \"sql\"]\n\
    require = [\"Reader\", \"Contributor\", \"Microsoft.Compute/virtualMachines/start/action\"]\n\
    probe = [\"https://kv.vault.azure.net\"]\n[[data]]\nhost = \"kv.vault.azure.net\"\n\
    [[assignment]]\nrole = \"Key Vault Secrets User\"\nscope = \"resource-group\"\nidentity = \"id-app\"\n";

/// The metadata service refuses an identity, and the name of Azure Resource Manager is not known: two checks stand in the way.
const TWO: &str = "arm_name = \"unknown\"\n[command]\nidentity = [\"11111111-2222-4333-8444-555555555555\", \"9c0a4e7b-61d2-4f3c-8b95-7d2e1f60a8c4\"]\n";

/// The scenarios whose pages are looked at, each with a reason.
const SCENARIOS: [&str; 6] =
    ["identity-none", "role-missing", "healthy-both", "imds-timeout-firewall", "imds-throttled", "legacy-answering"];

fn main() -> ExitCode {
    let mut all: Vec<(String, Box<dyn Fn() + Send + Sync>)> = Vec::new();
    let mut add = |name: String, run: Box<dyn Fn() + Send + Sync>| all.push((name, run));
    for scenario in SCENARIOS {
        add(
            format!("{scenario}: loads nothing, says nothing, leads with its verdict"),
            Box::new(move || leads(demo(scenario))),
        );
    }
    for scenario in ["identity-none", "role-missing", "legacy-answering", "healthy-both"] {
        add(
            format!("{scenario}: axe-core finds nothing, light and dark"),
            Box::new(move || hold("axe", &demo(scenario), None)),
        );
        add(format!("{scenario}: no width scrolls the page"), Box::new(move || hold("narrow", &demo(scenario), None)));
    }
    for (name, toml) in [("many rows", MANY), ("two obstacles", TWO)] {
        add(
            format!("{name}: loads nothing, leads with its verdict"),
            Box::new(move || leads(waited(played::play(toml)))),
        );
        add(
            format!("{name}: axe-core finds nothing, light and dark"),
            Box::new(move || hold("axe", &waited(played::play(toml)), None)),
        );
        add(
            format!("{name}: no width scrolls the page"),
            Box::new(move || hold("narrow", &waited(played::play(toml)), None)),
        );
        add(
            format!("{name}: the drawing holds every check in its place"),
            Box::new(move || drawing(&played::play(toml))),
        );
    }
    add(
        "identity-none: the drawing holds every check in its place".into(),
        Box::new(|| drawing(&demo("identity-none"))),
    );
    add("its policy lets nothing else in".into(), Box::new(|| hold("policy", &demo("identity-none"), None)));
    for (case, name) in [
        ("copies", "a button copies its command and no other"),
        ("copies-by-hand", "a button copies where there is no clipboard for pages"),
        ("without-script", "without JavaScript everything is there but the buttons"),
        ("print", "on paper everything stands open and links say where they lead"),
    ] {
        for scenario in ["identity-none", "legacy-answering"] {
            let run = move || {
                let report = demo(scenario);
                hold(case, &report, Some(groups(&report)));
            };
            add(format!("{scenario}: {name}"), Box::new(run));
        }
    }
    add("what could not be copied is said".into(), Box::new(|| hold("copies-not", &demo("identity-none"), None)));
    add("every part is reached and opened by keys".into(), Box::new(|| hold("keyboard", &demo("role-missing"), None)));
    add(
        "many rows: every part is reached and opened by keys".into(),
        Box::new(|| hold("keyboard", &played::play(MANY), None)),
    );
    add("a hostile report is text".into(), Box::new(hostile));
    add("a hostile report: no width scrolls the page".into(), Box::new(|| hold("narrow", &spoilt().0, None)));
    add("a hostile report: axe-core finds nothing".into(), Box::new(|| hold("axe", &spoilt().0, None)));

    for (name, run) in fleet::cases() {
        add(name.into(), Box::new(run));
    }

    let why = missing();
    let (mut cases, mut missing) = (Vec::new(), Vec::new());
    for (name, run) in all {
        match &why {
            Some(why) => missing.push((name, why.clone())),
            None => cases.push(Case::new(name, run)),
        }
    }
    Suite { name: "browser", cases, missing, lanes: 2, patience: Duration::from_secs(180) }.main()
}

/// Why a browser cannot be driven here.
fn missing() -> Option<String> {
    let Some(folder) = std::env::var_os(NODE_MODULES).filter(|value| !value.is_empty()).map(PathBuf::from) else {
        return Some(format!("{NODE_MODULES} is not set"));
    };
    let modules = ["node_modules/puppeteer-core", "node_modules/axe-core"];
    if let Some(absent) = modules.into_iter().find(|inside| !folder.join(inside).exists()) {
        return Some(format!("{NODE_MODULES} names no folder with {absent}"));
    }
    if browser().is_none() {
        return Some(format!("no browser is in PATH: {}", BROWSERS.join(", ")));
    }
    ["node", "pdftotext"].into_iter().find(|name| found(name).is_none()).map(|name| format!("{name} is not in PATH"))
}

fn browser() -> Option<PathBuf> {
    BROWSERS.into_iter().find_map(found)
}

fn found(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The report of a scenario, by the built program, which writes the page as well.
fn demo(scenario: &str) -> Report {
    let folder = std::env::temp_dir();
    let (page, report) = (folder.join("page.html"), folder.join("report.json"));
    let mut command = Command::new(namespace::simulator::PROGRAM);
    command.args(["demo", scenario, "-o", &format!("html={}", page.display())]);
    command.args(["-o", &format!("json={}", report.display())]);
    let output = command.env_clear().stdin(Stdio::null()).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Report = serde_json::from_slice(&std::fs::read(&report).unwrap()).unwrap();
    assert_eq!(
        std::fs::read_to_string(&page).unwrap(),
        html::render(&report).unwrap(),
        "the program writes the same page"
    );
    report
}

/// The same with notes and a wait.
fn waited(mut report: Report) -> Report {
    report.notes.push("the ignore of role-missing ended on 2026-08-31".into());
    report.run.waiting = Some(Waiting { limit_ms: 600_000, unchanged_ms: 90_000, ended: WaitEnd::OutOfTime });
    report
}

fn spoilt() -> (Report, Vec<String>) {
    hostile_report::hostile(waited(played::play("roles = []\n")))
}

/// Opens the report's page and holds a case of `cases.mjs` or `print.mjs` against it.
fn hold(case: &str, report: &Report, expected: Option<Value>) {
    let page = std::env::temp_dir().join("midoctor page <1>.html");
    std::fs::write(&page, html::render(report).unwrap()).unwrap();
    hold_page(case, &page, expected);
}

/// Opens a page and holds a case against it.
fn hold_page(case: &str, page: &Path, expected: Option<Value>) {
    let folder = std::env::temp_dir();
    let mut command = Command::new("node");
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/drive.mjs")).arg(case).arg(page);
    if let Some(expected) = expected {
        let file = folder.join("expected.json");
        std::fs::write(&file, expected.to_string()).unwrap();
        command.arg(file);
    }
    let keep = |name: &str| std::env::var_os(name).map(|value| (name.to_owned(), value));
    let kept: Vec<_> = ["PATH", NODE_MODULES].into_iter().filter_map(keep).collect();
    command.env_clear().envs(kept).env("LANG", "C.UTF-8").env("HOME", &folder).env("TMPDIR", &folder);
    command.env("MIDOCTOR_BROWSER_CHROMIUM", browser().unwrap());
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The commands in the page's order: lines that are typed in the same place are a group.
fn groups(report: &Report) -> Value {
    let findings = report.checks.iter().flat_map(|check| &check.findings);
    let (ignored, counted): (Vec<_>, Vec<_>) = findings.partition(|found| found.ignored.is_some());
    let in_groups = |found: &Vec<&midoctor::report::FindingReport>| -> Vec<Vec<String>> {
        let chunks = found
            .iter()
            .flat_map(|found| found.remedy.commands.chunk_by(|a, b| (a.shell, a.place) == (b.shell, b.place)));
        chunks.map(|lines| lines.iter().map(|command| midoctor::fill::visible(&command.line)).collect()).collect()
    };
    let mut groups = in_groups(&counted);
    if report.verdict != Word::Unhealthy {
        groups.extend(report.sign_in_lines().into_iter().map(|line| vec![line]));
    }
    groups.extend(in_groups(&ignored));
    json!(groups)
}

fn leads(report: Report) {
    let verdict = match report.verdict {
        Word::Healthy => "Healthy",
        Word::Degraded => "Healthy, with warnings",
        Word::Unhealthy => "Unhealthy",
        Word::Undetermined => "Undetermined",
    };
    let attempts = report.evidence.exchanges.iter().map(|exchange| exchange.attempts.len());
    let expected = json!({
        "verdict": verdict,
        "vm": report.vm.name.as_deref().unwrap_or("unknown VM"),
        "cause": report.root_cause.as_deref().unwrap_or_default(),
        "rows": report.checks.len(),
        "asked": attempts.clone().sum::<usize>(),
        "again": attempts.map(|tries| tries.saturating_sub(1)).sum::<usize>(),
    });
    hold("leads", &report, Some(expected));
}

fn drawing(report: &Report) {
    let mut rows: Vec<(&str, usize)> = Vec::new();
    let mut stopped: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for check in &report.checks {
        match rows.iter_mut().find(|(id, _)| *id == check.id) {
            Some((_, count)) => *count += 1,
            None => rows.push((&check.id, 1)),
        }
        if let Some(by) = &check.blocked_by {
            let all = stopped.entry(by).or_default();
            if !all.contains(&check.id.as_str()) {
                all.push(&check.id);
            }
        }
    }
    let marks: BTreeMap<&str, usize> =
        rows.iter().map(|(id, count)| (*id, if (2..=36).contains(count) { *count } else { 0 })).collect();
    let mut heads: Vec<usize> = stopped.values().map(Vec::len).collect();
    heads.sort_unstable();
    let names: Vec<&str> = rows.iter().map(|(id, _)| *id).collect();
    hold("drawing", report, Some(json!({ "names": names, "marks": marks, "heads": heads })));
}

fn hostile() {
    let (report, shown) = spoilt();
    hold("hostile", &report, Some(json!({ "shown": shown, "groups": groups(&report) })));
}
