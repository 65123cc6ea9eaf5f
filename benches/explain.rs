//! The bench of `midoctor explain --file`: a log of 100 MB with three errors in it, against ripgrep with the same literals, in
//! turn, with the file in the page cache. Prints medians, ranges, the ratio, and the peak memory.
//!
//! Run by hand: `cargo bench --bench explain`. `MIDOCTOR_BENCH_RUNS` says how many runs (15). Without `rg` it says so and ends.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::fs;
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use midoctor::explain::cause;
use midoctor::explain::scan::Scanner;

/// The built program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_midoctor");
/// The log is so long.
const BYTES: usize = 100_000_000;
const MEGABYTE: f64 = 1_000_000.0;

/// What is looked for as long as the judge names no triggers: this program then reads the log itself, as midoctor would.
const STAND_IN: &str = "identity not found
169.254.169.254
localhost:50342
managedidentitycredential
aadsts
does not have authorization to perform action
authorizationfailed
no managed identity endpoint
kan geen verbinding maken met de externe server
connection to imds endpoint cannot be established
msi: failed to retrieve a token
management.azure.com
login.microsoftonline.com";

const ERRORS: [&str; 3] = [
    "ERROR: {\"error\":\"invalid_request\",\"error_description\":\"Identity not found\"} from http://169.254.169.254/metadata",
    "MSI: Failed to retrieve a token from 'http://localhost:50342/oauth2/token' with an error of 'refused'",
    "(AuthorizationFailed) The client 'x' does not have authorization to perform action 'y' over scope '/z'",
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let [scan, log] = &words[..]
        && scan == "scan"
    {
        look_through(log);
        return ExitCode::SUCCESS;
    }
    if cfg!(debug_assertions) {
        println!("This build is not optimised; run cargo bench.");
        return ExitCode::FAILURE;
    }
    if Command::new("rg").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("skipped: there is no rg (ripgrep) on the path to compare with");
        return ExitCode::SUCCESS;
    }
    let runs: usize = std::env::var("MIDOCTOR_BENCH_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(15);
    let folder = tempfile::tempdir().unwrap();
    let (log, literals) = (folder.path().join("log"), folder.path().join("literals"));
    write_log(&log);
    fs::write(&literals, triggers().join("\n") + "\n").unwrap();
    let mut ours = ours(&log);
    let mut theirs = Command::new("rg");
    theirs
        .args(["--no-config", "--ignore-case", "--fixed-strings", "--line-number", "--file"])
        .arg(&literals)
        .arg(&log);
    let (mut own, mut others) = (Vec::new(), Vec::new());
    // The first round only warms up.
    for round in 0..=runs {
        let (one, other) = (timed(&mut ours), timed(&mut theirs));
        if round > 0 {
            own.push(one);
            others.push(other);
        }
    }
    println!("{} literals, {} runs", triggers().len(), runs);
    row("midoctor explain --file", &own);
    row("rg with the same literals", &others);
    let ratio = median(&own).as_secs_f64() / median(&others).as_secs_f64();
    let each: Vec<f64> = own.iter().zip(&others).map(|(one, other)| one.as_secs_f64() / other.as_secs_f64()).collect();
    let (least, most) = each.iter().fold((f64::MAX, 0_f64), |(least, most), one| (least.min(*one), most.max(*one)));
    target(&format!("times as long as rg ({least:.2} … {most:.2})"), ratio, 2.0);
    match peak_memory(&ours, folder.path()) {
        Some(peak) => target("MB peak memory", peak, 64.0),
        None => println!("not measured: peak memory; it takes GNU time as /usr/bin/time"),
    }
    ExitCode::SUCCESS
}

fn triggers() -> Vec<String> {
    let known = cause::triggers();
    if known.is_empty() { STAND_IN.lines().map(str::to_owned).collect() } else { known }
}

/// The program that explains the log; as long as there is no judge, this one.
fn ours(log: &Path) -> Command {
    let mut command = if cause::triggers().is_empty() {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.arg("scan").arg(log);
        command
    } else {
        let mut command = Command::new(PROGRAM);
        command.args(["explain", "--file"]).arg(log);
        command
    };
    command.env("LANG", "C.UTF-8");
    command
}

fn look_through(log: &str) {
    let triggers = triggers();
    let mut scanner = Scanner::new(&triggers, &cause::causes);
    let mut file = fs::File::open(log).unwrap();
    let mut chunk = vec![0; 128 << 10];
    loop {
        match file.read(&mut chunk).unwrap() {
            0 => break,
            read => scanner.feed(&chunk[..read]).unwrap(),
        }
    }
    println!("{} lines", scanner.finish().unwrap().lines);
}

/// A log as services write them, with an error at a tenth, a half and nine tenths of it.
fn write_log(path: &Path) {
    let mut log = BufWriter::new(fs::File::create(path).unwrap());
    let (mut written, mut number, mut errors) = (0, 0_usize, 0);
    while written < BYTES {
        let (second, kind) = (number / 50, number % 5);
        let time = format!("Nov 22 {:02}:{:02}:{:02}", second / 3600 % 24, second / 60 % 60, second % 60);
        let due = [BYTES / 10, BYTES / 2, BYTES / 10 * 9].get(errors).is_some_and(|due| written >= *due);
        let said = match kind {
            _ if due => {
                errors += 1;
                format!("app[811]: {}", ERRORS[errors - 1])
            }
            0 => format!(
                "nginx: 10.0.0.{} - - \"GET /api/items/{number} HTTP/1.1\" 200 {} \"-\" \"curl/8\"",
                number % 250,
                number % 9973
            ),
            1 => format!("systemd[1]: Started Session {number} of user azureuser."),
            2 => format!("kernel: [{number}.123456] eth0: renamed from veth{:07x}", number * 7919),
            3 => format!(
                "app[811]: INFO handled request id={:016x} in {} ms, status=200",
                number * 104_729,
                number % 800
            ),
            _ => format!(
                "sshd[{}]: Connection closed by 203.0.113.{} port {} [preauth]",
                number % 30_000,
                number % 250,
                1024 + number % 60_000
            ),
        };
        written += time.len() + said.len() + 7;
        writeln!(log, "{time} vm-1 {said}").unwrap();
        number += 1;
    }
    log.flush().unwrap();
}

/// How long it takes. Both end well or find nothing to name; a crash would measure something else.
fn timed(command: &mut Command) -> Duration {
    let started = Instant::now();
    let output = command.stdin(Stdio::null()).output().unwrap();
    let took = started.elapsed();
    assert!(matches!(output.status.code(), Some(0 | 3)), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    took
}

/// The most memory that a run had resident, in megabytes, by GNU time.
fn peak_memory(ours: &Command, folder: &Path) -> Option<f64> {
    let file = folder.join("peak");
    let mut command = Command::new("/usr/bin/time");
    command.args(["-q", "-f", "%M", "-o"]).arg(&file).arg(ours.get_program()).args(ours.get_args());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
    let kibibytes: f64 = fs::read_to_string(&file).ok()?.lines().last()?.trim().parse().ok()?;
    Some(kibibytes * 1024.0 / MEGABYTE)
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted[sorted.len() / 2]
}

fn row(what: &str, times: &[Duration]) {
    let (Some(least), Some(most)) = (times.iter().min(), times.iter().max()) else { return };
    let ms = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1000.0);
    println!("{what:<34}{:>8} ms  {:>8} … {} ms", ms(median(times)), ms(*least), ms(*most));
}

/// One target: a value that must be at most so large.
fn target(what: &str, value: f64, limit: f64) {
    let word = if value <= limit { "reached" } else { "missed" };
    println!("{word:<8} {value:>6.2} {what} (at most {limit})");
}
