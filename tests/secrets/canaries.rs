//! Every simulated token carries a canary. Whatever the program is asked for, in every format and at every verbosity, with reports,
//! explanations and panics, the canary is in nothing that it prints or writes, in no shape.

#![cfg(all(feature = "simulator", feature = "archives"))]

use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::canary::{self, SIGNS, leak, leak_in_folder};
use crate::common::midoctor;
use midoctor::case::token_request;
use midoctor::diagnosis;
use midoctor::engine::{self, Limits};
use midoctor::evidence::{Raw, Reply, Request, Wire};
use midoctor::plan::Plan;
use midoctor::render::FORMATS;
use midoctor::report::{Report, Run};
use midoctor::scenarios;
use midoctor::simulator::{Azure, CANARY, Scenario, SimulatedMachine};
use midoctor::token::Token;

/// Runs it in a folder of its own, which is its home and its place for temporary files too.
fn run(folder: &Path, command: &mut Command) -> String {
    let there = |name: &str| (name.to_owned(), folder.to_owned());
    let output = command.current_dir(folder).envs(["HOME", "TMPDIR", "XDG_CACHE_HOME"].map(there)).output().unwrap();
    let arguments: Vec<String> = command.get_args().map(|one| one.to_string_lossy().into_owned()).collect();
    for (what, bytes) in [("standard output", &output.stdout), ("standard error", &output.stderr)] {
        assert_eq!(leak(bytes), None, "{what} of {arguments:?}");
    }
    assert!(output.status.code().is_some_and(|code| code <= 3), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Does this work with two at a time.
fn side_by_side<T: Send>(work: Vec<T>, each: impl Fn(T) + Sync) {
    let work = Mutex::new(work.into_iter());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(one) = { work.lock().unwrap().next() } {
                    each(one);
                }
            });
        }
    });
}

/// All formats into files of that name, and text on standard output.
fn all_formats(stem: &str) -> Vec<String> {
    let files = FORMATS.iter().filter(|(name, _)| *name != "text").map(|(name, _)| format!("{name}={stem}.{name}"));
    std::iter::once("text".to_owned()).chain(files).flat_map(|format| ["-o".to_owned(), format]).collect()
}

#[test]
fn every_scenario_in_every_format_at_every_verbosity_with_all_that_is_made_of_it() {
    let scenarios = scenarios::all();
    let written = AtomicUsize::new(0);
    side_by_side(scenarios.iter().enumerate().collect(), |(index, scenario)| {
        let folder = tempfile::tempdir().unwrap();
        let run = |arguments: &[&str]| run(folder.path(), &mut midoctor(arguments));
        for verbosity in ["-q", "-v", "--color=always"] {
            let formats = all_formats(verbosity.trim_start_matches('-'));
            let formats: Vec<&str> = formats.iter().map(String::as_str).collect();
            let text = run(&[&["demo", scenario.name, verbosity][..], &formats].concat());
            std::fs::write(folder.path().join("text"), text).unwrap();
        }
        run(&["explain", "--file", "text", "-o", "text", "-o", "json=explained.json"]);
        // A level for every third scenario; the archive is what is looked at from then on.
        let level = ["none", "secrets", "ids"][index % 3];
        run(&["report", "redact", "v.json", "--redact", level, "-f", "a.zip"]);
        run(&["report", "show", "a.zip", "-v", "-o", "text", "-o", "html=shown.html"]);
        run(&["report", "diff", "v.json", "a.zip", "-o", "text", "-o", "json=diff.json", "-o", "markdown=diff.md"]);
        run(&["check", "--from", "v.json", "-v", "-o", "text", "-o", "json=judged.json"]);
        let fleet =
            ["text=fleet", "json=fleet.json", "markdown=fleet.md", "html=fleet.html"].map(|format| ["-o", format]);
        run(&[&["fleet", "q.json", "v.ndjson", "a.zip"][..], &fleet.concat()].concat());
        assert_eq!(leak_in_folder(folder.path()), None, "{}", scenario.name);
        written.fetch_add(std::fs::read_dir(folder.path()).unwrap().count(), Ordering::SeqCst);
    });
    // Nothing is easier to keep a secret from than files that were never written.
    let (written, least) = (written.into_inner(), scenarios.len() * 40);
    assert!(written >= least, "{written} files, at least {least} were meant");
}

#[test]
fn the_canary_was_there_to_be_found() {
    let within = Duration::from_secs(10);
    let mut issued = 0;
    for scenario in scenarios::all() {
        let machine = SimulatedMachine::new(Azure::new(scenario.scenario().unwrap()));
        let reply = machine.ask(&token_request("https://management.azure.com/", None), None, within);
        let Raw::Http { status: 200, body, .. } = reply.raw else { continue };
        if body.bytes().starts_with(b"{\"access_token\"") {
            let text = String::from_utf8_lossy(body.bytes());
            assert!(text.contains(CANARY) && leak(body.bytes()).is_some(), "{}", scenario.name);
            issued += 1;
        }
    }
    assert!(issued > 25, "{issued} scenarios issue a token");
}

#[test]
fn a_canary_in_any_shape_in_any_file_is_found() {
    use std::io::Write;
    for (sign, shape) in SIGNS.iter().zip(canary::shapes()) {
        assert_eq!(leak(format!("x{shape}y").as_bytes()).as_deref(), Some(&**sign), "{shape}");
    }
    let escaped: String = CANARY.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect();
    let percent: String = CANARY.chars().map(|c| format!("%{:02X}", u32::from(c))).collect();
    for text in [escaped, percent, format!("&#98;{}", &CANARY[1..])] {
        assert!(leak(text.as_bytes()).is_some(), "{text}");
    }
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(leak_in_folder(folder.path()), None);
    std::fs::create_dir(folder.path().join("deep")).unwrap();
    let mut zip = zip::ZipWriter::new(std::fs::File::create(folder.path().join("deep/x.zip")).unwrap());
    zip.start_file("report.json", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(format!("{}{CANARY}", "a".repeat(10_000)).as_bytes()).unwrap();
    zip.finish().unwrap();
    let found = leak_in_folder(folder.path());
    assert!(found.as_ref().is_some_and(|found| found.contains("report.json")), "{found:?}");
}

#[test]
fn what_is_pasted_typed_or_set_does_not_come_back() {
    let body = SimulatedMachine::new(Azure::new(Scenario::default()));
    let reply = body.ask(&token_request("https://management.azure.com/", None), None, Duration::from_secs(10));
    let Raw::Http { body, .. } = reply.raw else { panic!("no answer") };
    let answer = String::from_utf8(body.bytes().to_vec()).unwrap();
    let token = answer.split('"').nth(3).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let texts = [
        format!("curl answered: {answer}\nidentity not found"),
        format!("Authorization: Bearer {token}\nManagedIdentityCredential authentication failed: {token}"),
        format!("ClientAuthenticationError: {{\"error\":\"x\",\"access_token\":\"{token}\"}} 403 AuthorizationFailed"),
        format!("https://st.blob.core.windows.net/c?sv=1&sig={CANARY}%3D AuthorizationPermissionMismatch"),
        format!("http://user:{CANARY}@proxy:3128 ECONNREFUSED 169.254.169.254"),
        format!("MSI_SECRET={CANARY} MSI: Failed to retrieve a token from 'http://localhost:50342/oauth2/token'"),
    ];
    for text in &texts {
        assert!(leak(text.as_bytes()).is_some());
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        let path = file.path().to_str().unwrap();
        for format in ["text", "json"] {
            run(folder.path(), &mut midoctor(&["explain", "--file", path, "-o", format]));
            run(folder.path(), &mut midoctor(&["explain", text, "-o", format]));
        }
    }
    let mut set = midoctor(&["check", "--sources"]);
    for name in midoctor::evidence::VARIABLES {
        set.env(name, format!("http://user:{CANARY}@host.example:3128/?sig={CANARY}"));
    }
    run(folder.path(), &mut set);
    for wrong in [
        vec!["check".to_owned(), "--probe".into(), format!("https://user:{CANARY}@kv.vault.azure.net/")],
        vec!["check".to_owned(), "--probe".into(), format!("https://st.blob.core.windows.net/c?sig={CANARY}")],
    ] {
        run(folder.path(), midoctor(&[]).args(wrong));
    }
    run(folder.path(), &mut midoctor(&["generate", "schema"]));
    assert_eq!(leak_in_folder(folder.path()), None);
}

/// Panics where somebody asks.
struct Panicking<'a> {
    machine: SimulatedMachine,
    at: &'a str,
}

impl Wire for Panicking<'_> {
    fn ask(&self, request: &Request, bearer: Option<&Token>, within: Duration) -> Reply {
        let reply = self.machine.ask(request, bearer, within);
        assert!(self.at != "a bearer goes out" || bearer.is_none(), "forced: {request:?}");
        let issues = request.asks_for_token();
        assert!(self.at != "a token comes in" || !issues, "forced: {request:?} took {:?}", reply.took);
        reply
    }

    fn pause(&self, _: Duration) {}

    fn now(&self) -> jiff::Timestamp {
        self.machine.now()
    }
}

/// Names the place of the panic to the program that is run again.
const PLACE: &str = "MIDOCTOR_TEST_PANIC";
const PLACES: [&str; 4] =
    ["a bearer goes out", "a token comes in", "the evidence is shown", "a renderer has the report"];

/// Run again by the test below, which reads what its panic prints.
#[test]
fn panics_when_told_to() {
    let Ok(at) = std::env::var(PLACE) else { return };
    let machine = SimulatedMachine::new(Azure::new(scenarios::find("healthy-data").unwrap().scenario().unwrap()));
    let plan = scenarios::plan(&scenarios::find("healthy-data").unwrap().scenario().unwrap()).unwrap();
    let wire = Panicking { machine, at: &at };
    let (evidence, _) = engine::examine(&wire, &plan, Limits::default(), &|_: &Request| {});
    assert!(at != PLACES[2], "forced: {evidence:?}");
    let run = Run { id: "r".into(), attempts: 1, ..Run::default() };
    let report = Report::new(&diagnosis::diagnose(&evidence), evidence, run);
    panic!("forced: {report:?} {:?}", Plan::default());
}

#[test]
fn a_panic_tells_no_secret_wherever_it_happens() {
    for place in PLACES {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child
            .args(["--exact", "canaries::panics_when_told_to", "--nocapture"])
            .env(PLACE, place)
            .env("RUST_BACKTRACE", "full");
        let output = child.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(String::from_utf8_lossy(&said).contains("forced: "), "{place}: no panic");
        assert_eq!(leak(&said), None, "{place}");
        assert!(!output.status.success());
    }
}
