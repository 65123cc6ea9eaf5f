//! The bench: a healthy run of `midoctor check` against the same questions by curl and jq, and against the Azure CLI, in one
//! private network namespace, in turn. Prints medians, ratios, and whether the targets are reached.
//!
//! Run by hand: `cargo bench`. `MIDOCTOR_BENCH_RUNS` says how many runs (20), `MIDOCTOR_INTEROP_VENV` where the Azure CLI
//! is. No test depends on it. It measures the client side: the services are the simulator, on loopback.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

#[path = "../tests/namespace/mod.rs"]
mod namespace;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use midoctor::simulator::vm::NAME;
use namespace::place;
use namespace::simulator::{PROGRAM, Simulator, check};

/// Tells a process that it is in the namespace.
const MARK: &str = "MIDOCTOR_BENCH_INSIDE";
/// The Azure CLI takes its time: it has one run for so many of the others.
const AZ_EVERY: usize = 4;
/// What is added to every answer in the second part.
const DELAY: Duration = Duration::from_millis(50);
const MEGABYTE: f64 = 1_000_000.0;

fn main() -> ExitCode {
    if cfg!(debug_assertions) {
        println!("This build is not optimised; run cargo bench.");
        return ExitCode::FAILURE;
    }
    if std::env::var_os(MARK).is_some() {
        place::furnish();
        measure();
        return ExitCode::SUCCESS;
    }
    let folder = tempfile::tempdir().unwrap();
    let own = std::env::current_exe().unwrap();
    let mut command = namespace::unshared(&own);
    command.env(MARK, "yes").env("TMPDIR", folder.path()).stdin(Stdio::null());
    match namespace::bounded(&mut command, Duration::from_secs(1800)) {
        Ok(Some(0)) => ExitCode::SUCCESS,
        ended => {
            println!("The bench did not end well: {ended:?}. It needs unshare (util-linux) and ip (iproute2).");
            ExitCode::FAILURE
        }
    }
}

fn measure() {
    let runs: usize = std::env::var("MIDOCTOR_BENCH_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let az = std::env::var_os("MIDOCTOR_INTEROP_VENV").map(|venv| PathBuf::from(venv).join("bin/az"));
    let az = az.filter(|az| az.exists());
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::start("healthy", &[]);
    let trust = bundle(folder.path(), &simulator.authority());
    let (mut ours, mut script, mut cli) = (Vec::new(), Vec::new(), Vec::new());
    // The first round only warms up.
    for round in 0..=runs {
        let keep = |times: &mut Vec<Duration>, took: Duration| times.extend((round > 0).then_some(took));
        keep(&mut ours, timed(&mut [check(Some(&trust), &[])]));
        keep(&mut script, timed(&mut [same_questions(&trust)]));
        if let Some(az) = az.as_ref().filter(|_| round % AZ_EVERY == 0) {
            keep(&mut cli, timed(&mut azure_cli(az, folder.path(), &trust)));
        }
    }
    let peak = peak_memory(&trust, folder.path());
    drop(simulator);
    let simulator = Simulator::start("healthy", &["--delay", "50ms"]);
    let trust = bundle(folder.path(), &simulator.authority());
    let delayed: Vec<Duration> = (0..runs).map(|_| timed(&mut [check(Some(&trust), &[])])).collect();

    println!("{:<34}{:>5}  {:>10}  {:>9} … max", "", "runs", "median", "min");
    row("midoctor check", &ours);
    row("curl and jq, the same questions", &script);
    row("az login, az resource list", &cli);
    row("midoctor check, answers + 50 ms", &delayed);
    println!();
    let own = median(&ours).as_secs_f64();
    let share = |times: &[Duration]| median(times).as_secs_f64() / own;
    target("times as fast as curl and jq", share(&script), 10.0, true);
    if cli.is_empty() {
        println!("not measured: the Azure CLI; MIDOCTOR_INTEROP_VENV names no folder with bin/az");
    } else {
        target("times as fast as the Azure CLI", share(&cli), 40.0, true);
    }
    target("times 50 ms, with 50 ms added", median(&delayed).as_secs_f64() / DELAY.as_secs_f64(), 5.0, false);
    match peak {
        Some(peak) => target("MB peak memory", peak, 16.0, false),
        None => println!("not measured: peak memory; it takes GNU time as /usr/bin/time"),
    }
    let size = fs::metadata(PROGRAM).unwrap().len();
    target("MB binary", f64::from(u32::try_from(size).unwrap()) / MEGABYTE, 8.0, false);
}

/// What everybody trusts: the machine's own authorities, as in life, and the simulator's.
fn bundle(folder: &Path, authority: &Path) -> PathBuf {
    let usual = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];
    let mut text = usual.iter().find_map(|file| fs::read_to_string(file).ok()).unwrap_or_default();
    text.push_str(&fs::read_to_string(authority).unwrap());
    let file = folder.join("bundle.pem");
    fs::write(&file, text).unwrap();
    file
}

fn same_questions(trust: &Path) -> Command {
    let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/same_questions.sh"));
    scrub(&mut command).env("CURL_CA_BUNDLE", trust);
    command
}

fn azure_cli(az: &Path, home: &Path, trust: &Path) -> [Command; 2] {
    let list = ["resource", "list", "-n", NAME, "--query", "[*].identity.principalId", "--output", "tsv"];
    [&["login", "--identity"][..], &list[..]].map(|arguments| {
        let mut command = Command::new(az);
        scrub(command.args(arguments)).env("REQUESTS_CA_BUNDLE", trust).env("HOME", home);
        command.env("AZURE_CONFIG_DIR", home.join("az")).env("AZURE_CORE_COLLECT_TELEMETRY", "no");
        command
    })
}

fn scrub(command: &mut Command) -> &mut Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("LANG", "C.UTF-8").env("TMPDIR", std::env::temp_dir())
}

/// How long these take, one after the other. Each must succeed, or it measures something else.
fn timed(commands: &mut [Command]) -> Duration {
    let mut took = Duration::ZERO;
    for command in commands {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = Instant::now();
        let output = command.output().unwrap_or_else(|error| panic!("{:?}: {error}", command.get_program()));
        took += started.elapsed();
        let said = || String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{:?} failed: {}", command.get_program(), said());
    }
    took
}

/// The most memory that a run had resident, in megabytes, by GNU time.
fn peak_memory(trust: &Path, folder: &Path) -> Option<f64> {
    let file = folder.join("peak");
    let mut command = Command::new("/usr/bin/time");
    command.args(["-f", "%M", "-o"]).arg(&file).args([PROGRAM, "check"]).env_clear();
    command.envs(["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"].map(|name| (name, trust)));
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status().ok()?;
    let kibibytes: f64 = fs::read_to_string(&file).ok()?.trim().parse().ok()?;
    status.success().then_some(kibibytes * 1024.0 / MEGABYTE)
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2 }
}

fn row(what: &str, times: &[Duration]) {
    let (Some(least), Some(most)) = (times.iter().min(), times.iter().max()) else { return };
    let ms = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1000.0);
    let (median, least, most) = (ms(median(times)), ms(*least), ms(*most));
    println!("{what:<34}{:>5}  {median:>7} ms  {least:>9} … {most} ms", times.len());
}

/// One target: a value that must be at least so large, or at most.
fn target(what: &str, value: f64, limit: f64, at_least: bool) {
    let reached = if at_least { value >= limit } else { value <= limit };
    let (words, bound) = (if reached { "reached" } else { "missed" }, if at_least { "at least" } else { "at most" });
    println!("{words:<8} {value:>6.1} {what} ({bound} {limit})");
}
