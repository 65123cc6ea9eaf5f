//! Long lists and many questions: what they cost in memory, and the pace at which the metadata service is asked. Counts, and
//! says nothing of speed.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::namespace::Case;
use crate::namespace::simulator::{Services, assert_valid, check, examine};

/// So much memory may be resident at the most, in kB.
const MEMORY: u64 = 64 * 1024;

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("4000 role assignments in one page", || assignments(0, 1)),
        Case::new("4000 role assignments in pages of 500", || assignments(500, 9)),
        Case::new("three identities and eight resources keep the pace of the metadata service", pace),
    ]
}

fn assignments(page_size: usize, pages: usize) {
    let toml = format!("extra_assignments = 4000\npage_size = {page_size}");
    let services = Services::start(&toml, &[], |_| {});
    let required = ["Reader", "Microsoft.Compute/virtualMachines/instanceView/read", "Microsoft.Network/*/read"];
    let mut arguments = vec!["-o", "json"];
    arguments.extend(required.iter().flat_map(|one| ["--require", one]));
    let mut child = check(Some(&services.authority), &arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    // The report is larger than a pipe, so once it begins to come, it is complete, and the process waits to be read.
    let mut report = vec![0];
    stdout.read_exact(&mut report).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    stdout.read_to_end(&mut report).unwrap();
    assert!(report.len() > 1 << 20, "{} bytes fit into a pipe", report.len());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let report: Value = serde_json::from_slice(&report).unwrap();
    assert_valid(&report);
    assert_eq!((&report["verdict"], &report["root_cause"]), (&"healthy".into(), &Value::Null));
    let held = |line: &&String| line.contains("/virtualMachines/") && line.contains("/roleAssignments");
    assert_eq!(services.asked().iter().filter(held).count(), pages, "{:?}", services.asked());
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < MEMORY, "{peak} kB");
}

/// What a relay before the metadata service saw.
#[derive(Default)]
struct Seen {
    arrivals: Vec<Instant>,
    open: usize,
    most: usize,
}

/// A relay at the metadata service's address. A question is open from its arrival until its answer is about to go out, so that
/// whoever asks the next one only then is never seen with two.
fn relay(behind: SocketAddr) -> Arc<Mutex<Seen>> {
    let listener = TcpListener::bind("169.254.169.254:80").unwrap();
    let seen = Arc::new(Mutex::new(Seen::default()));
    let memory = Arc::clone(&seen);
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let memory = Arc::clone(&memory);
            // A client that goes away ends its own thread and nothing else.
            std::thread::spawn(move || pass_on(client, behind, &memory));
        }
    });
    seen
}

fn pass_on(mut client: TcpStream, behind: SocketAddr, memory: &Mutex<Seen>) -> io::Result<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.ends_with(b"\r\n\r\n") {
        match client.read(&mut buffer)? {
            // A connection that asks nothing.
            0 => return Ok(()),
            count => request.extend_from_slice(&buffer[..count]),
        }
    }
    let arrived = Instant::now();
    {
        let mut seen = memory.lock().unwrap();
        seen.arrivals.push(arrived);
        seen.open += 1;
        seen.most = seen.most.max(seen.open);
    }
    let mut server = TcpStream::connect(behind)?;
    server.write_all(&request)?;
    server.shutdown(Shutdown::Write)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    memory.lock().unwrap().open -= 1;
    client.write_all(&answer)
}

/// The most of these, in order, that lie within one window of this length.
fn most_within<T: Copy + Ord>(times: &[T], end: impl Fn(T) -> T) -> usize {
    let windows = times.iter().enumerate().map(|(index, first)| {
        let end = end(*first);
        times[index..].iter().filter(|time| **time < end).count()
    });
    windows.max().unwrap_or_default()
}

fn pace() {
    let behind = SocketAddr::from(([127, 0, 0, 1], 8080));
    let services = Services::start("user_assigned = [\"id-app\", \"id-batch\"]", &[], |options| {
        options.metadata = behind;
        options.delay = Duration::from_millis(30);
    });
    let seen = relay(behind);
    let resources = ["arm", "vault", "storage", "sql", "servicebus", "eventhubs", "cosmos", "graph"];
    let mut arguments = vec!["--identity", "all"];
    arguments.extend(resources.iter().flat_map(|one| ["--resource", one]));
    let ran = examine(&mut check(Some(&services.authority), &arguments));
    ran.assert_end(0, "healthy", "");
    let tokens = "GET http://169.254.169.254/metadata/identity/oauth2/token 200".to_owned();
    assert!(services.asked().iter().filter(|line| **line == tokens).count() >= 24, "{:?}", services.asked());

    // By the program's own clock, within every second.
    let exchanges = ran.report["evidence"]["exchanges"].as_array().unwrap();
    let near = exchanges
        .iter()
        .filter(|one| one["request"]["url"].as_str().is_some_and(|url| url.starts_with("http://169.254.169.254/")));
    let attempts = near.flat_map(|one| one["attempts"].as_array().unwrap());
    let mut starts: Vec<u64> = attempts.map(|attempt| attempt["started_ms"].as_u64().unwrap()).collect();
    starts.sort_unstable();
    assert!(most_within(&starts, |start| start + 1000) <= 20, "{starts:?}");

    // And as they arrived: all of them would come within half the time if nothing held them back. Not a whole second, for one
    // that was late on its way is closer to those after it.
    let mut seen = seen.lock().unwrap();
    seen.arrivals.sort_unstable();
    assert_eq!(seen.arrivals.len(), starts.len());
    let most = most_within(&seen.arrivals, |start| start + Duration::from_millis(600));
    assert!(starts.len() > 20 && most <= 20, "{most} of {:?}", seen.arrivals);
    assert!((2..=5).contains(&seen.most), "{} at a time", seen.most);
}
