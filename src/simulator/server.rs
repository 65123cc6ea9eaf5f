//! The simulated services over TCP and TLS, for real clients: blocking, one thread per connection.
//!
//! HTTP/1.1 as far as clients of these services need it: keep-alive, bodies with Content-Length, nothing chunked. Not
//! for the open network: it hands out tokens to whoever asks, worthless as they are.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::azure::cloud::known;
use crate::clock;
use crate::evidence::METADATA_ADDRESS;
use crate::simulator::azure::{Azure, Reaction};
use crate::simulator::connection::{self, Asked, Stream};
use crate::simulator::retired;
use crate::simulator::scenario::{Arm, Metadata, Scenario};
use crate::simulator::tls;

/// So many connections are served at once; more are closed unanswered.
const CONNECTIONS: usize = 256;
/// How long a connection may be idle, and one request may take to come in.
const PATIENCE: Duration = Duration::from_secs(60);

/// One request that was served, for a log. Holds no header, no query and no body, hence no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// The method.
    pub method: String,
    /// Scheme, host and path as the simulator understood them.
    pub url: String,
    /// The status code; `None` for no answer.
    pub status: Option<u16>,
}

/// Is told of every request.
pub type Log = Arc<dyn Fn(&Served) + Send + Sync>;

/// What to serve, and where.
#[derive(Clone)]
pub struct Options {
    /// What is simulated.
    pub scenario: Scenario,
    /// Where the metadata service listens.
    pub metadata: SocketAddr,
    /// Where the retired endpoint listens, if the scenario has one. An IPv6 address that cannot be bound is left out.
    pub retired: Vec<SocketAddr>,
    /// Where Azure Resource Manager listens, with TLS.
    pub manager: SocketAddr,
    /// Waits that long before every answer.
    pub delay: Duration,
    /// Is told of every request.
    pub log: Option<Log>,
}

impl Options {
    /// The real addresses: 169.254.169.254:80, localhost:50342 and 127.0.0.1:443.
    pub fn new(scenario: Scenario) -> Self {
        Self {
            scenario,
            metadata: SocketAddr::from(([169, 254, 169, 254], 80)),
            retired: vec![
                SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), retired::PORT),
                SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), retired::PORT),
            ],
            manager: SocketAddr::from(([127, 0, 0, 1], 443)),
            delay: Duration::ZERO,
            log: None,
        }
    }
}

/// A running simulator. Stops listening when it is dropped.
pub struct Running {
    /// Where the metadata service listens; `None` where the scenario has nothing there.
    pub metadata: Option<SocketAddr>,
    /// Where the retired endpoint listens.
    pub retired: Vec<SocketAddr>,
    /// Where Azure Resource Manager listens; `None` where the scenario has nothing there.
    pub manager: Option<SocketAddr>,
    /// The certificate of the authority that clients are to trust, as PEM.
    pub authority_pem: String,
    shared: Arc<Shared>,
    threads: Vec<thread::JoinHandle<()>>,
}

/// What every connection knows.
struct Shared {
    azure: Azure,
    delay: Duration,
    log: Option<Log>,
    open: AtomicUsize,
    stopping: AtomicBool,
}

/// Whom a listener speaks for.
#[derive(Clone)]
enum Part {
    Metadata,
    Retired,
    Manager(Arc<ServerConfig>),
}

impl Part {
    /// What the scenario adds to every answer's time.
    fn delay(&self, azure: &Azure) -> Duration {
        match self {
            Self::Metadata => Duration::from_millis(azure.scenario().metadata_delay_ms),
            Self::Retired | Self::Manager(_) => Duration::ZERO,
        }
    }
}

/// Starts the simulator and returns once everything listens.
pub fn simulate(options: Options) -> io::Result<Running> {
    let azure = Azure::new(options.scenario);
    let tls = tls::prepare(&azure)?;
    let scenario = azure.scenario();
    let mut listeners = Vec::new();
    if !matches!(scenario.metadata, Metadata::Refused | Metadata::Unroutable) {
        listeners.push((bind(options.metadata)?, Part::Metadata));
    }
    // Data services share the address. What only their network would do is left to who routes names there.
    if scenario.arm != Arm::Refused || !scenario.data.is_empty() {
        listeners.push((bind(options.manager)?, Part::Manager(tls.config)));
    }
    if azure.retired_listens() {
        for address in options.retired {
            match bind(address) {
                Ok(listener) => listeners.push((listener, Part::Retired)),
                // A machine without IPv6 has no [::1].
                Err(_) if address.is_ipv6() => {}
                Err(error) => return Err(error),
            }
        }
    }
    let shared = Arc::new(Shared {
        azure,
        delay: options.delay,
        log: options.log,
        open: AtomicUsize::new(0),
        stopping: AtomicBool::new(false),
    });
    let mut running = Running {
        metadata: None,
        retired: Vec::new(),
        manager: None,
        authority_pem: tls.authority_pem,
        shared: Arc::clone(&shared),
        threads: Vec::new(),
    };
    for (listener, part) in listeners {
        let address = listener.local_addr()?;
        match part {
            Part::Metadata => running.metadata = Some(address),
            Part::Retired => running.retired.push(address),
            Part::Manager(_) => running.manager = Some(address),
        }
        let shared = Arc::clone(&shared);
        let spawned =
            thread::Builder::new().name("simulator".into()).spawn(move || accept(&listener, &part, &shared))?;
        running.threads.push(spawned);
    }
    Ok(running)
}

impl Running {
    /// Serves until the process ends.
    pub fn wait(&self) -> ! {
        loop {
            thread::park();
        }
    }

    /// What is simulated.
    pub fn azure(&self) -> &Azure {
        &self.shared.azure
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        for address in self.metadata.iter().chain(&self.retired).chain(&self.manager) {
            // A connection wakes the thread that waits for one; when none comes about it was not waiting.
            let _ = TcpStream::connect_timeout(&reachable(*address), Duration::from_secs(1));
        }
        for thread in self.threads.drain(..) {
            // A panic there has already been reported, and there is nothing left to stop.
            let _ = thread.join();
        }
    }
}

/// An address that leads to a listener on all addresses.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() });
    }
    address
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address)
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen at {address}: {error}")))
}

fn accept(listener: &TcpListener, part: &Part, shared: &Arc<Shared>) {
    loop {
        let accepted = listener.accept();
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        let Ok((socket, _)) = accepted else {
            // Out of file descriptors, most likely: wait for connections to end.
            thread::sleep(Duration::from_millis(20));
            continue;
        };
        if shared.open.fetch_add(1, Ordering::SeqCst) >= CONNECTIONS {
            shared.open.fetch_sub(1, Ordering::SeqCst);
            continue;
        }
        let place = Place(Arc::clone(shared));
        let part = part.clone();
        // When no thread can be had the connection is closed, and its place with it.
        let _ = thread::Builder::new().name("simulator".into()).spawn(move || {
            // Whatever goes wrong with one connection concerns its client alone.
            let _ = serve(socket, &part, &place.0);
        });
    }
}

/// One of the places for connections; given back when dropped.
struct Place(Arc<Shared>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

fn serve(socket: TcpStream, part: &Part, shared: &Shared) -> io::Result<()> {
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    socket.set_nodelay(true)?;
    let scenario = shared.azure.scenario();
    match part {
        Part::Metadata if scenario.metadata == Metadata::Silent => connection::ignore(&socket),
        Part::Manager(_) if scenario.arm == Arm::Silent && scenario.data.is_empty() => connection::ignore(&socket),
        Part::Metadata | Part::Retired => converse(socket, part, shared),
        Part::Manager(config) => {
            let tls = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
            let mut stream = StreamOwned::new(tls, socket);
            let ended = converse(&mut stream, part, shared);
            stream.conn.send_close_notify();
            // The client may be gone already, which is as good as a farewell.
            let _ = stream.conn.write_tls(&mut stream.sock);
            let _ = stream.sock.shutdown(Shutdown::Write);
            ended
        }
    }
}

/// Answers requests until one side has had enough.
fn converse(stream: impl Stream, part: &Part, shared: &Shared) -> io::Result<()> {
    let mut connection = connection::Connection::new(stream);
    loop {
        let asked = match connection.receive()? {
            Ok(Some(asked)) => asked,
            Ok(None) => return Ok(()),
            Err((status, reason)) => return connection.refuse(status, reason),
        };
        let url = absolute(part, &asked, &shared.azure);
        let reaction = shared.azure.answer(&asked.method, &url, &asked.headers, &asked.body, clock::now());
        thread::sleep(shared.delay + part.delay(&shared.azure));
        if let Some(log) = &shared.log {
            let status = match &reaction {
                Reaction::Answer { status, .. } => Some(*status),
                _ => None,
            };
            let url = url.split('?').next().unwrap_or_default().to_owned();
            log(&Served { method: asked.method.clone(), url, status });
        }
        match reaction {
            Reaction::Answer { status, reason, headers, body } => {
                let without_body = asked.method == "HEAD";
                connection.answer(status, &reason, &headers, if without_body { &[] } else { &body }, asked.keep)?;
            }
            Reaction::Silence => return connection.starve(),
            Reaction::Drop => return Ok(()),
        }
        if !asked.keep {
            return Ok(());
        }
    }
}

/// The URL a request means. Whatever address the simulator was put at, clients see the real one.
fn absolute(part: &Part, asked: &Asked, azure: &Azure) -> String {
    let path = &asked.target;
    match part {
        Part::Metadata => format!("http://{METADATA_ADDRESS}{path}"),
        Part::Retired => format!("http://localhost:{}{path}", retired::PORT),
        Part::Manager(_) => {
            let named = asked.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"));
            let host = named.and_then(|(_, host)| host.split(':').next()).unwrap_or_default().to_ascii_lowercase();
            let known = known().any(|cloud| cloud.arm_host == host)
                || azure.scenario().data_at(&host).is_some()
                || azure.speaks_for(&format!("https://{host}"));
            format!("https://{}{path}", if known { host.as_str() } else { &*azure.cloud().arm_host })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    fn start(toml: &str) -> Running {
        let mut options = Options::new(Scenario::parse(Some(toml), &[]).expect("the scenario parses"));
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        (options.metadata, options.manager, options.retired) = (any, any, vec![any]);
        simulate(options).expect("it starts")
    }

    fn ask(address: SocketAddr, request: &str) -> String {
        let mut socket = TcpStream::connect(address).expect("it connects");
        socket.write_all(request.as_bytes()).expect("it is sent");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("it is answered");
        answer
    }

    #[test]
    fn requests_on_one_connection_are_answered_in_order() {
        let running = start("");
        let address = running.metadata.expect("it listens");
        let first = "GET /metadata/identity HTTP/1.1\r\nHost: x\r\nMetadata: true\r\nContent-Length: 3\r\n\r\nabc";
        let second = "GET http://169.254.169.254/metadata/versions HTTP/1.1\r\nHost: x\r\nmetadata: true\r\nConnection: close\r\n\r\n";
        let answer = ask(address, &format!("{first}{second}"));
        assert!(answer.starts_with("HTTP/1.1 404 Not Found\r\nContent-Type: application/json"), "{answer}");
        assert!(answer.contains("{\"error\":\"Not Found\"}HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with("\"2025-04-07\"]}"), "{answer}");
    }

    #[test]
    fn what_is_not_http_1_1_or_too_large_is_refused() {
        let running = start("");
        let address = running.metadata.expect("it listens");
        let long = "x".repeat(connection::HEAD_LIMIT);
        for (request, status) in [
            ("GET / HTTP/1.0\r\n\r\n".to_owned(), "505"),
            ("nonsense\r\n\r\n".to_owned(), "400"),
            (format!("GET /{long} HTTP/1.1\r\n"), "431"),
            ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(), "411"),
            ("POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n".to_owned(), "413"),
            ("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab".to_owned(), "400"),
        ] {
            let answer = ask(address, &request);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
        }
    }

    #[test]
    fn only_what_the_scenario_has_listens() {
        let running = start("metadata = \"refused\"\narm = \"refused\"");
        assert_eq!((running.metadata, running.manager, running.retired.len()), (None, None, 0));
        let running = start("retired = \"extension\"\nmetadata = \"silent\"");
        assert!(ask(running.retired[0], "GET / HTTP/1.1\r\nConnection: close\r\n\r\n").contains("bad_request_102"));
        let mut socket = TcpStream::connect(running.metadata.expect("it listens")).expect("it connects");
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("a time-out");
        socket.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("it is sent");
        assert!(socket.read(&mut [0]).is_err(), "nothing comes");
    }
}
