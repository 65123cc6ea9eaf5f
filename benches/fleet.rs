//! The bench of `midoctor fleet`: 100,000 rows of 100,000 VMs folded, against DuckDB, which reads the same rows and groups them by root
//! cause, in turn, with the files in the page cache. Prints medians, ranges, the ratio, and the peak memory, also for 1,000,000 rows
//! of the same VMs.
//!
//! Run by hand: `cargo bench --bench fleet`. `MIDOCTOR_BENCH_RUNS` says how many runs (9), `MIDOCTOR_BENCH_DUCKDB_PYTHON` which Python
//! has duckdb, `MIDOCTOR_BENCH_MILLION=no` leaves the million out, which takes 4 GB of disk for a while. Without DuckDB it says so.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

#[path = "../tests/common/played.rs"]
mod played;

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use midoctor::render::ndjson;
use midoctor::scenarios;

/// The built program.
const PROGRAM: &str = env!("CARGO_BIN_EXE_midoctor");
const VMS: usize = 100_000;
const MEGABYTE: f64 = 1_000_000.0;

/// Of every twenty VMs, so many are in this state.
const STATES: [(&str, usize); 6] = [
    ("healthy", 13),
    ("healthy-user-assigned", 2),
    ("role-missing", 2),
    ("identity-none", 1),
    ("legacy-answering", 1),
    ("arm-unreachable", 1),
];

/// DuckDB with what makes it fast: nothing is guessed from the file, all cores work, the order of rows need not be kept; of one column
/// alone it takes three times as long as of two, so it is given two. It prints how long the query alone took, without the start of Python.
const DUCKDB: &str = "
import duckdb, sys, time
connection = duckdb.connect()
connection.execute('SET preserve_insertion_order = false')
connection.execute('SET enable_progress_bar = false')
begun = time.perf_counter()
rows = connection.execute(\"SELECT root_cause, count(*) FROM read_json(?, format = 'newline_delimited', \
columns = {TimeGenerated: 'VARCHAR', root_cause: 'VARCHAR'}) GROUP BY root_cause\", [sys.argv[1]]).fetchall()
print(time.perf_counter() - begun, sum(count for _, count in rows))
";

fn main() -> ExitCode {
    if cfg!(debug_assertions) {
        println!("This build is not optimised; run cargo bench.");
        return ExitCode::FAILURE;
    }
    let runs: usize = std::env::var("MIDOCTOR_BENCH_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(9);
    let folder = tempfile::tempdir().unwrap();
    let rows = folder.path().join("rows.ndjson");
    write_rows(&rows, 1);
    let size = fs::metadata(&rows).unwrap().len();
    println!("{VMS} rows of {VMS} VMs, {} bytes each; {runs} runs", size / VMS as u64);
    let python = duckdb();
    let (mut own, mut process, mut query) = (Vec::new(), Vec::new(), Vec::new());
    // The first round only warms up.
    for round in 0..=runs {
        let (took, _) = timed(ours(&rows).arg("-o").arg("text"));
        if round > 0 {
            own.push(took);
        }
        let Some(python) = &python else { continue };
        let (took, said) = timed(Command::new(python).args(["-c", DUCKDB]).arg(&rows));
        let (inside, counted) = said.trim().split_once(' ').unwrap();
        assert_eq!(counted, VMS.to_string(), "DuckDB has read all rows");
        if round > 0 {
            process.push(took);
            query.push(Duration::from_secs_f64(inside.parse().unwrap()));
        }
    }
    row("midoctor fleet", &own);
    if python.is_some() {
        row("DuckDB in Python", &process);
        row("its query alone", &query);
        let share = |times: &[Duration]| median(times).as_secs_f64() / median(&own).as_secs_f64();
        target("times as fast as DuckDB in Python", share(&process), 1.0, true);
        println!("         {:>6.2} times as fast as its query alone", share(&query));
    } else {
        println!("not measured: DuckDB; MIDOCTOR_BENCH_DUCKDB_PYTHON names no Python that has duckdb");
    }
    for format in ["json", "html"] {
        let out = folder.path().join("fold");
        let (took, _) = timed(ours(&rows).args(["-o", &format!("{format}={}", out.display())]));
        println!(
            "{:<34}{:>5}  {:>7.0} ms  {} MB",
            format!("-o {format}"),
            1,
            took.as_secs_f64() * 1000.0,
            fs::metadata(&out).unwrap().len() >> 20
        );
    }
    memory("100,000 VMs", &rows, folder.path());
    fs::remove_file(&rows).unwrap();
    if std::env::var("MIDOCTOR_BENCH_MILLION").is_ok_and(|value| value == "no") {
        return ExitCode::SUCCESS;
    }
    write_rows(&rows, 10);
    memory("the same VMs, ten rows each", &rows, folder.path());
    ExitCode::SUCCESS
}

/// A Python that has duckdb.
fn duckdb() -> Option<PathBuf> {
    let python = PathBuf::from(std::env::var_os("MIDOCTOR_BENCH_DUCKDB_PYTHON")?);
    let there = Command::new(&python).args(["-c", "import duckdb"]).stderr(Stdio::null()).status();
    there.is_ok_and(|status| status.success()).then_some(python)
}

fn ours(rows: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("fleet").arg(rows).env_clear().env("LANG", "C.UTF-8");
    command
}

/// Rows of all VMs, so many of each, one day after the other.
fn write_rows(path: &Path, days: usize) {
    let mut states = Vec::new();
    for (state, share) in STATES {
        let toml = scenarios::find(state).unwrap().scenario().unwrap();
        let plan = scenarios::plan(&toml).unwrap();
        let machine = midoctor::simulator::SimulatedMachine::at(
            midoctor::simulator::Azure::new(toml),
            "2026-09-01T10:11:12Z".parse().unwrap(),
        );
        let evidence = midoctor::engine::examine(&machine, &plan, midoctor::engine::Limits::default(), &|_| {}).0;
        let mut report = played::judged(evidence);
        report.run.started = "2026-09-DAYT10:11:12.123456789Z".into();
        report.run.id = "00000000-0000-4000-8000-RUN".into();
        states.extend(std::iter::repeat_n(ndjson::render(&report).unwrap(), share));
    }
    let pieces: Vec<Vec<Piece>> = states.iter().map(|row| cut(row)).collect();
    let mut file = BufWriter::with_capacity(1 << 20, fs::File::create(path).unwrap());
    let mut random = 88_172_645_463_325_252_u64;
    for day in 0..days {
        for vm in 0..VMS {
            // Neighbours are in different states, and groups are not.
            for piece in &pieces[(vm / 40) % pieces.len()] {
                match piece {
                    Piece::Text(text) => file.write_all(text.as_bytes()).unwrap(),
                    Piece::Name => write!(file, "vm-{vm:06}").unwrap(),
                    Piece::Group => write!(file, "rg-{:03}", vm / 250).unwrap(),
                    Piece::Subscription => write!(file, "3d9b6c1e-8a74-4f52-b0e3-{:012x}", vm / 5_000).unwrap(),
                    Piece::Unique => write!(file, "5e1f7c92-0b3d-4a86-9f25-{vm:012x}").unwrap(),
                    Piece::Principal => write!(file, "9c0a4e7b-61d2-4f3c-8b95-{vm:012x}").unwrap(),
                    Piece::Location => {
                        file.write_all(["westus2", "westeurope", "northeurope"][vm % 3].as_bytes()).unwrap()
                    }
                    Piece::Day => write!(file, "{:02}", day + 1).unwrap(),
                    Piece::Clock => write!(file, "T{:02}:{:02}:{:02}Z", vm % 24, vm % 60, vm / 60 % 60).unwrap(),
                    Piece::Millis => {
                        // Marsaglia's xorshift.
                        random ^= random << 13;
                        random ^= random >> 7;
                        random ^= random << 17;
                        write!(file, "{}", random % 60).unwrap();
                    }
                    Piece::Run => write!(file, "{:012x}", day * VMS + vm).unwrap(),
                }
            }
        }
    }
    file.flush().unwrap();
}

/// A part of a row that is the same for all, or what differs.
#[derive(Clone)]
enum Piece {
    Text(String),
    Name,
    Group,
    Subscription,
    Unique,
    Principal,
    Location,
    Day,
    Run,
    /// Hours, minutes and seconds.
    Clock,
    /// Milliseconds: what a question took is never the same for long.
    Millis,
}

/// Takes a row apart at what differs from VM to VM.
fn cut(row: &str) -> Vec<Piece> {
    use midoctor::simulator::vm;
    let marks = [
        (vm::NAME, Piece::Name),
        ("rg-doctor", Piece::Group),
        (vm::SUBSCRIPTION, Piece::Subscription),
        (vm::VM_ID, Piece::Unique),
        (vm::SYSTEM.principal_id, Piece::Principal),
        ("westus2", Piece::Location),
        ("DAY", Piece::Day),
        ("RUN", Piece::Run),
        ("T10:11:12Z", Piece::Clock),
    ];
    let took = regex::Regex::new(r#"("duration_ms":| answered in )([0-9]+)"#).unwrap();
    let mut pieces = Vec::new();
    let mut rest = row;
    while let Some((at, mark, piece)) =
        marks.iter().filter_map(|(mark, piece)| rest.find(mark).map(|at| (at, mark, piece))).min_by_key(|(at, ..)| *at)
    {
        pieces.extend([Piece::Text(rest[..at].to_owned()), piece.clone()]);
        rest = &rest[at + mark.len()..];
    }
    pieces.push(Piece::Text(rest.to_owned()));
    let mut cut = Vec::new();
    for piece in pieces {
        let Piece::Text(text) = piece else {
            cut.push(piece);
            continue;
        };
        let mut end = 0;
        for found in took.captures_iter(&text) {
            let number = found.get(2).unwrap();
            cut.extend([Piece::Text(text[end..number.start()].to_owned()), Piece::Millis]);
            end = number.end();
        }
        cut.push(Piece::Text(text[end..].to_owned()));
    }
    cut
}

/// How long it takes, and what it prints. It ends well or with what it found; a crash would measure something else.
fn timed(command: &mut Command) -> (Duration, String) {
    let started = Instant::now();
    let output = command.stdin(Stdio::null()).stderr(Stdio::piped()).output().unwrap();
    let took = started.elapsed();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)) && said.is_empty(), "{command:?}: {said}");
    (took, String::from_utf8(output.stdout).unwrap())
}

/// The most memory that a fold had resident, by GNU time.
fn memory(what: &str, rows: &Path, folder: &Path) {
    let file = folder.join("peak");
    let mut command = Command::new("/usr/bin/time");
    command.args(["-q", "-f", "%M", "-o"]).arg(&file).arg(PROGRAM).arg("fleet").arg(rows);
    let ran = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    let text = ran.ok().and_then(|_| fs::read_to_string(&file).ok()).unwrap_or_default();
    let peak = text.lines().last().and_then(|line| line.trim().parse::<f64>().ok());
    match peak {
        Some(kibibytes) => target(&format!("MB peak memory, {what}"), kibibytes * 1024.0 / MEGABYTE, 64.0, false),
        None => println!("not measured: peak memory; it takes GNU time as /usr/bin/time"),
    }
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort();
    sorted[sorted.len() / 2]
}

fn row(what: &str, times: &[Duration]) {
    let (Some(least), Some(most)) = (times.iter().min(), times.iter().max()) else { return };
    let ms = |time: Duration| format!("{:.0}", time.as_secs_f64() * 1000.0);
    println!("{what:<34}{:>5}  {:>7} ms  {:>9} … {} ms", times.len(), ms(median(times)), ms(*least), ms(*most));
}

/// One target: a value that must be at least so large, or at most.
fn target(what: &str, value: f64, limit: f64, at_least: bool) {
    let reached = if at_least { value >= limit } else { value <= limit };
    let (words, bound) = (if reached { "reached" } else { "missed" }, if at_least { "at least" } else { "at most" });
    println!("{words:<8} {value:>6.2} {what} ({bound} {limit})");
}
