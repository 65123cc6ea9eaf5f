//! A clock that is years off, by Debian's faketime, while Azure's is right: the clock is the root cause, and nothing that follows
//! from it is taken for another.

use std::process::Command;

use serde_json::Value;

use crate::namespace::Case;
use crate::namespace::simulator::{self, PROGRAM, Ran, Simulator};

/// Clocks as faketime takes them, with what is then seen of the difference.
const CLOCKS: [(&str, &str); 8] = [
    ("+10y", "10 years ahead of Azure's"),
    ("-10y", "10 years behind Azure's"),
    ("+2h", "2 hours ahead of Azure's"),
    ("@1969-06-01 00:00:00", "behind Azure's"),
    ("@1970-01-01 00:00:01", "behind Azure's"),
    ("@2038-01-19 03:14:08", "ahead of Azure's"),
    ("@2232-01-01 00:00:00", "ahead of Azure's"),
    ("@9999-12-31 23:59:59", "ahead of Azure's"),
];

fn is_there() -> bool {
    Command::new("faketime").arg("--version").output().is_ok_and(|output| output.status.success())
}

pub fn cases() -> Vec<Case> {
    if !is_there() {
        return Vec::new();
    }
    let mut cases = vec![
        Case::new("a wrong clock is the root cause", root_cause),
        Case::new("a wrong clock hides no certificate that nobody trusts", stranger),
        Case::new("a wrong clock breaks no time that is written", written),
        Case::new("a wrong clock is not waited for", waited),
    ];
    // One each: faketime leaves the simulator behind when it is ended itself, and the namespace ends it.
    for clock in ["+10y", "@1969-06-01 00:00:00", "@9999-12-31 23:59:59"] {
        cases.push(Case::new(format!("a simulator whose clock shows {clock} serves on"), move || served(clock)));
    }
    cases
}

/// What cannot be tried here, and why.
pub fn missing() -> Vec<(String, String)> {
    let why = "faketime is not installed (Debian's package faketime)";
    if is_there() { Vec::new() } else { vec![("wrong clocks".into(), why.into())] }
}

/// The program by another clock.
fn by(clock: &str, simulator: &Simulator, arguments: &[&str]) -> Command {
    let inner = simulator::check(Some(&simulator.authority()), arguments);
    let mut command = Command::new("faketime");
    command.args(["-f", clock]).arg(inner.get_program()).args(inner.get_args()).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(std::process::Stdio::null());
    command
}

/// What the clock's finding saw.
fn seen(ran: &Ran) -> &str {
    ran.check("clock")["findings"][0]["seen"].as_str().unwrap_or_default()
}

fn root_cause() {
    for scenario in ["healthy", "role-missing"] {
        let simulator = Simulator::start(scenario, &[]);
        for (clock, difference) in CLOCKS {
            let ran = simulator::examine(&mut by(clock, &simulator, &[]));
            // Two hours are within the life of a token and of a certificate, so that more can be judged, and more is found.
            let deeper = clock == "+2h" && scenario == "role-missing";
            ran.assert_end(1, "unhealthy", if deeper { "role-missing" } else { "clock-skewed" });
            assert!(seen(&ran).ends_with(&format!("{difference}.")), "{clock}: {}", seen(&ran));
            for (id, status) in [("metadata", "pass"), ("token", "pass"), ("validity", "blocked"), ("arm", "blocked")] {
                if clock != "+2h" || status == "pass" {
                    assert_eq!(ran.check(id)["status"], status, "{clock} {id}: {}", ran.text);
                }
            }
            let found =
                ran.report["checks"].as_array().unwrap().iter().flat_map(|check| check["findings"].as_array().unwrap());
            let codes: Vec<&Value> =
                found.map(|finding| &finding["code"]).filter(|code| *code != "role-missing").collect();
            assert_eq!(codes, ["clock-skewed"], "{clock}: {}", ran.text);
        }
    }
}

fn stranger() {
    let simulator = Simulator::start("tls-intercepted", &[]);
    let ran = simulator::examine(&mut by("+10y", &simulator, &[]));
    // Both are true, and neither follows from the other; the first to be mended is the clock.
    ran.assert_end(1, "unhealthy", "clock-skewed");
    assert_eq!(ran.check("arm")["findings"][0]["code"], "tls-intercepted", "{}", ran.text);
}

fn written() {
    let simulator = Simulator::start("healthy", &[]);
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("midoctor.toml");
    for (clock, year) in [
        ("+10y", None),
        ("@1969-06-01 00:00:00", Some("1969-06-01T00:00:0")),
        ("@9999-12-31 23:59:59", Some("9998-12-31T23:59:59Z")),
    ] {
        let ran = simulator::examine(&mut by(clock, &simulator, &[]));
        let (taken, started) = (&ran.report["evidence"]["taken_at"], &ran.report["run"]["started"]);
        assert!(year.is_none_or(|year| taken.as_str().unwrap().starts_with(year)), "{taken}");
        assert_eq!(taken, started);
        assert!(ran.report["run"]["duration_ms"].as_u64().unwrap() < 60_000, "{}", ran.report["run"]);
        // Version 4: it is drawn, and no clock is in it.
        let id = ran.report["run"]["id"].as_str().unwrap();
        assert_eq!((id.len(), &id[14..15]), (36, "4"), "{id}");
        for format in ["text", "line", "compact", "ndjson", "junit", "markdown", "html", "github", "azdo", "prom"] {
            let output = by(clock, &simulator, &["-o", format]).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!((output.status.code(), said.as_str()), (Some(1), ""), "{clock} {format}");
        }
        // The archive is named for that time, and is read back by the right one.
        let mut command = by(clock, &simulator, &[]);
        let words: Vec<_> =
            command.get_args().map(|word| if word == "check" { "report".into() } else { word.to_owned() }).collect();
        let mut report = Command::new("faketime");
        report.args(words).env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        assert_eq!(report.current_dir(folder.path()).output().unwrap().status.code(), Some(1), "{clock}");
        let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        let archive = names.iter().find(|path| path.extension().is_some_and(|kind| kind == "zip")).unwrap();
        let mut show = Command::new(PROGRAM);
        let shown = show.args(["report", "show"]).arg(archive).args(["-o", "line"]).env_clear().output().unwrap();
        let line = "UNHEALTHY clock-skewed: The VM's clock is wrong. (vm-doctor-01)\n";
        assert_eq!((shown.status.code(), String::from_utf8_lossy(&shown.stdout).as_ref()), (Some(1), line));
        std::fs::remove_file(archive).unwrap();
        // The day until which something is ignored is one of Azure's.
        command.args(["--config", config.to_str().unwrap(), "-o", "json"]);
        let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
        for (day, ignored) in [(today.tomorrow().unwrap(), 1), (today.yesterday().unwrap(), 0)] {
            let ignore = format!("[[ignore]]\ncode = \"clock-skewed\"\nreason = \"known\"\nuntil = {day}\n");
            std::fs::write(&config, ignore).unwrap();
            let report: Value = serde_json::from_slice(&command.output().unwrap().stdout).unwrap();
            assert_eq!(report["summary"]["ignored"], ignored, "{clock}: {}", report["notes"]);
        }
    }
}

fn waited() {
    let simulator = Simulator::start("role-missing", &[]);
    for clock in ["+10y", "@1969-06-01 00:00:00", "@9999-12-31 23:59:59"] {
        let output = by(clock, &simulator, &["--wait", "3s", "-o", "json"]).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let run = &report["run"];
        let ended = (&run["waiting"]["ended"], &run["waited_ms"], &run["attempts"]);
        assert_eq!(ended, (&"does-not-heal".into(), &0.into(), &1.into()), "{clock}: {run}");
        assert_eq!(output.status.code(), Some(1), "{clock}");
    }
}

fn served(clock: &str) {
    let simulator = Simulator::start_by(Command::new("faketime").args(["-f", clock, PROGRAM]), "healthy", &[]);
    let ran = simulator::examine(&mut simulator::check(Some(&simulator.authority()), &[]));
    // One of the two is wrong, and it is told how they differ.
    ran.assert_end(1, "unhealthy", "clock-skewed");
}
