//! The bench of the start: `midoctor --version` against `curl --version`, in turn, with both in the page cache. Prints medians,
//! ranges and the ratio; and, for what the start of a real command takes, `midoctor explain CODE`, which reads all pages.
//!
//! Run by hand: `cargo bench --bench start`. `MIDOCTOR_BENCH_RUNS` says how many runs (200). Without `curl` it says so and ends.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// The built program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_midoctor");
/// Within so many times the time of curl.
const TARGET: f64 = 2.0;

fn main() -> ExitCode {
    if cfg!(debug_assertions) {
        println!("This build is not optimised; run cargo bench.");
        return ExitCode::FAILURE;
    }
    if Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: there is no curl on the path to compare with");
        return ExitCode::SUCCESS;
    }
    let runs: usize = std::env::var("MIDOCTOR_BENCH_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(200);
    let commands = [
        &[PROGRAM, "--version"][..],
        &["curl", "--version"],
        &[PROGRAM, "--help"],
        &[PROGRAM, "explain", "identity-none"],
    ];
    let mut times = commands.map(|_| Vec::new());
    // The first round only warms up.
    for round in 0..=runs {
        for (command, times) in commands.iter().zip(&mut times) {
            let took = timed(command);
            if round > 0 {
                times.push(took);
            }
        }
    }
    println!("{} bytes, {runs} runs", std::fs::metadata(PROGRAM).unwrap().len());
    for (command, times) in commands.iter().zip(&times) {
        let name = command.join(" ").replace(PROGRAM, "midoctor");
        let (least, most) = (times.iter().min().unwrap(), times.iter().max().unwrap());
        println!("{name:<32} {:>7} ({} … {})", shown(median(times)), shown(*least), shown(*most));
    }
    let ratio = median(&times[0]).as_secs_f64() / median(&times[1]).as_secs_f64();
    let word = if ratio <= TARGET { "reached" } else { "MISSED" };
    println!("{ratio:.2} times as long as curl --version; target {TARGET}: {word}");
    ExitCode::SUCCESS
}

fn timed(command: &[&str]) -> Duration {
    let mut program = Command::new(command[0]);
    program.args(&command[1..]).env("LANG", "C.UTF-8").stdin(Stdio::null()).stdout(Stdio::null());
    let begun = Instant::now();
    assert!(program.status().unwrap().success(), "{command:?}");
    begun.elapsed()
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted[sorted.len() / 2]
}

fn shown(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}
