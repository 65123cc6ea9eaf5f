//! Proxies in the environment: none ever gets a question for the metadata service, but for the one that `-v` adds; questions to
//! Azure Resource Manager go the way that clients would send them.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::namespace::simulator::{self, Simulator, check, examine, examine_plainly};
use crate::namespace::{Case, place};

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("every proxy variable, and no metadata question at the proxy but the one of -v", metadata_never),
        Case::new("HTTPS_PROXY carries the questions to the manager", manager_by_proxy),
        Case::new("HTTPS_PROXY where only the proxy resolves the manager's name", name_by_proxy),
        Case::new("NO_PROXY keeps the manager off the proxy", exception),
        Case::new("deadlines that cut the run anywhere, with a proxy and without", deadlines),
        Case::new("HTTPS_PROXY that refuses", || refusing("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")),
        Case::new("HTTPS_PROXY that wants a password", || {
            refusing("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
        }),
        Case::new("HTTPS_PROXY where nobody listens", dead_proxy),
    ]
}

/// Whom the proxy tunnels to.
const BEHIND: [&str; 2] = ["management.azure.com", "kv-doctor.vault.azure.net"];

/// A proxy that tunnels to the simulated services, or gives the same answer to everyone, and remembers what it was asked.
pub struct Proxy {
    asked: Arc<Mutex<Vec<String>>>,
    pub url: String,
}

impl Proxy {
    pub fn start(refusal: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let memory = Arc::clone(&asked);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let memory = Arc::clone(&memory);
                // A client that goes away ends its own thread and nothing else.
                std::thread::spawn(move || serve(client, refusal, &memory));
            }
        });
        Self { asked, url }
    }

    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut client: TcpStream, refusal: Option<&str>, memory: &Mutex<Vec<String>>) -> io::Result<()> {
    client.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut reader = BufReader::new(client.try_clone()?);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let first = head.first().cloned().unwrap_or_default();
    memory.lock().unwrap().push(first.clone());
    if let Some(refusal) = refusal {
        return client.write_all(refusal.as_bytes());
    }
    if !BEHIND.iter().any(|host| first.starts_with(&format!("CONNECT {host}:443 "))) {
        return client.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    }
    let mut server = TcpStream::connect("127.0.0.1:443")?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (mut from_server, mut to_client) = (server.try_clone()?, client.try_clone()?);
    let back = std::thread::spawn(move || {
        let copied = io::copy(&mut from_server, &mut to_client);
        // The other side may have closed already.
        let _ = to_client.shutdown(Shutdown::Write);
        copied
    });
    let forth = io::copy(&mut reader, &mut server);
    let _ = server.shutdown(Shutdown::Write);
    // A panic there would only end the tunnel, which ends here anyway.
    let _ = back.join();
    forth.map(|_| ())
}

fn of<'a>(report: &'a Value, check: &str) -> &'a Value {
    report["checks"].as_array().unwrap().iter().find(|one| one["id"] == check).unwrap()
}

fn pretty(report: &Value) -> String {
    serde_json::to_string_pretty(&report["checks"]).unwrap()
}

fn metadata_never() {
    let simulator = Simulator::start("healthy", &[]);
    let command = |proxy: &Proxy| {
        let mut command = check(Some(&simulator.authority()), &["--identity", "all"]);
        for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env(name, &proxy.url);
        }
        command
    };
    let quiet = Proxy::start(None);
    let verbose = Proxy::start(None);
    let runs = [examine_plainly(&mut command(&quiet)), examine(&mut command(&verbose))];
    for ran in runs {
        ran.assert_end(1, "unhealthy", "env-proxy");
        for check in ran.report["checks"].as_array().unwrap().iter().filter(|check| check["id"] != "environment") {
            let expected = if check["id"] == "data" { "skip" } else { "pass" };
            assert_eq!(check["status"], expected, "{}", check["id"]);
        }
    }
    let to_manager = |line: &String| line == "CONNECT management.azure.com:443 HTTP/1.1";
    let asked = quiet.asked();
    assert!(!asked.is_empty() && asked.iter().all(to_manager), "{asked:?}");
    let others: Vec<String> = verbose.asked().into_iter().filter(|line| !to_manager(line)).collect();
    assert_eq!(others, ["GET http://169.254.169.254/metadata/instance?api-version=2019-03-11 HTTP/1.1"]);
    assert!(simulator.log().contains("GET http://169.254.169.254/metadata/identity/oauth2/token 200"));
}

fn manager_by_proxy() {
    let simulator = Simulator::start("healthy", &[]);
    let proxy = Proxy::start(None);
    let ran = examine_plainly(check(Some(&simulator.authority()), &[]).env("HTTPS_PROXY", &proxy.url));
    // One client library sends plain HTTP through it too, which is a warning.
    ran.assert_end(0, "degraded", "");
    let way = format!("management.azure.com answered in TIME through {}", proxy.url.trim_start_matches("http://"));
    let said = ran.check("arm")["summary"].as_str().unwrap();
    let (before, after) = way.split_once("TIME").unwrap();
    assert!(said.contains(before) && said.contains(after), "{said}");
    let asked = proxy.asked();
    assert!(
        !asked.is_empty() && asked.iter().all(|line| line == "CONNECT management.azure.com:443 HTTP/1.1"),
        "{asked:?}"
    );
}

fn name_by_proxy() {
    let simulator = Simulator::start("healthy", &[]);
    let proxy = Proxy::start(None);
    place::names_are_unknown();
    let ran = examine(check(Some(&simulator.authority()), &[]).env("HTTPS_PROXY", &proxy.url));
    ran.assert_end(0, "degraded", "");
}

fn exception() {
    let simulator = Simulator::start("healthy", &[]);
    let proxy = Proxy::start(None);
    for exceptions in [
        "localhost,management.azure.com",
        "localhost, azure.com",
        ".azure.com",
        "*.azure.com",
        ".management.azure.com",
        "management.azure.com:443",
        "*",
    ] {
        let mut command = check(Some(&simulator.authority()), &[]);
        let ran = examine_plainly(command.env("HTTPS_PROXY", &proxy.url).env("NO_PROXY", exceptions));
        assert_eq!(ran.code, Some(0), "{exceptions}: {}", pretty(&ran.report));
        assert_eq!(proxy.asked(), Vec::<String>::new(), "{exceptions}");
    }
}

/// Whatever a deadline leaves unfinished is nobody's fault: neither the proxy's nor the manager's.
fn deadlines() {
    let simulator = Simulator::start("healthy", &["--delay", "80ms"]);
    let proxy = Proxy::start(None);
    for deadline in (20..=420).step_by(40) {
        for url in [None, Some(&proxy.url)] {
            let limit = format!("{deadline}ms");
            let mut command = check(Some(&simulator.authority()), &["--deadline", &limit]);
            command.envs(url.map(|url| ("HTTPS_PROXY", url)));
            let ran = examine(&mut command);
            assert!(ran.report["root_cause"].is_null(), "{limit}, {url:?}: {}", pretty(&ran.report));
            assert!(matches!(ran.code, Some(0 | 3)), "{limit}: {:?}", ran.code);
        }
    }
}

fn refusing(refusal: &'static str) {
    let simulator = Simulator::start("healthy", &[]);
    let proxy = Proxy::start(Some(refusal));
    let ran = examine(check(Some(&simulator.authority()), &[]).env("HTTPS_PROXY", &proxy.url));
    assert_unreachable(&ran);
    assert!(!proxy.asked().is_empty());
}

fn dead_proxy() {
    let simulator = Simulator::start("healthy", &[]);
    let ran = examine(check(Some(&simulator.authority()), &[]).env("HTTPS_PROXY", "http://127.0.0.1:3128"));
    assert_unreachable(&ran);
}

fn assert_unreachable(ran: &simulator::Ran) {
    simulator::assert_valid(&ran.report);
    assert_eq!(
        (ran.code, ran.report["root_cause"].as_str()),
        (Some(1), Some("arm-unreachable")),
        "{}",
        pretty(&ran.report)
    );
    assert_eq!(of(&ran.report, "arm")["status"], "fail");
}
