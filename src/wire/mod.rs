//! The machine midoctor runs on: the one wire that really talks. HTTP, TCP, names, the environment, files, the clock.
//!
//! It changes nothing, and it decides nothing: every failure is an outcome, told as the system told it.

mod bounds;
mod environment;
#[cfg(any(target_os = "linux", test))]
pub mod filter;
mod firewall;
mod http;
mod local;
mod names;
mod network;
#[cfg(not(windows))]
pub mod process;
pub mod proxy;
mod relay;
mod roots;
#[cfg(not(windows))]
pub mod systemd;
mod tls;
pub mod trust;
mod windows;

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::evidence::{Failure, Outcome, Raw, Reply, Request, Wire};
use crate::plan::Whose;
use crate::token::Token;

pub use environment::{Missing, missing, services};

/// This machine.
pub struct Machine {
    /// Whose environment counts where clients obey it: for proxies, and for the certificates that are trusted.
    environment: Whose,
    /// What it holds, read once. Passwords of proxies are in it, and it is shown to the recorder alone, which seals them.
    variables: OnceLock<Outcome>,
    /// The platform's certificates, while they are read.
    roots: OnceLock<roots::Reading>,
    trust: OnceLock<trust::Trust>,
    /// For the bodies of answers.
    room: bounds::Room,
    began: Instant,
}

/// How long a connection to a link-local or loopback address may take: the metadata service answers in milliseconds.
pub const NEAR: Duration = Duration::from_secs(2);

impl Machine {
    /// This machine, as clients in that environment have it.
    pub fn new(environment: Whose) -> Self {
        Self {
            environment,
            variables: OnceLock::new(),
            roots: OnceLock::new(),
            trust: OnceLock::new(),
            room: bounds::Room::default(),
            began: Instant::now(),
        }
    }

    /// Starts to read the platform's certificates in the background, for the first question that needs them.
    pub fn warm_up(machine: &Arc<Self>) {
        let own = Arc::clone(machine);
        // Where no thread can be had, that question begins to read them.
        drop(std::thread::Builder::new().spawn(move || {
            own.roots();
        }));
    }

    fn trust(&self) -> &trust::Trust {
        self.trust.get_or_init(|| trust::Trust::in_roots(self.roots().wait()))
    }

    /// Begins to read the roots, once, and does not wait for them.
    fn roots(&self) -> &roots::Reading {
        self.roots.get_or_init(|| match self.environment {
            Whose::Own => roots::Reading::of_this_platform(),
            _ => roots::Reading::of_others(self.variable("SSL_CERT_FILE"), self.variable("SSL_CERT_DIR")),
        })
    }

    /// The environment that counts; what cannot be read is obeyed by nobody.
    fn variables(&self) -> &Outcome {
        self.variables.get_or_init(|| environment::variables(&self.environment))
    }

    /// A variable of it that is set and not empty.
    fn variable(&self, name: &str) -> Option<&str> {
        self.set().get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The variables that are set in it.
    fn set(&self) -> &proxy::Variables {
        static NONE: proxy::Variables = proxy::Variables::new();
        match self.variables() {
            Outcome::Variables { set, .. } => set,
            _ => &NONE,
        }
    }
}

impl Wire for Machine {
    fn ask(&self, request: &Request, bearer: Option<&Token>, within: Duration) -> Reply {
        let start = Instant::now();
        let raw = match request {
            Request::Http(http) => http::put(http, bearer, within, &self.room, || self.set(), || self.trust()),
            Request::Connect { host, port } => Raw::Plain(connect(host, *port, within)),
            Request::Resolve { host } => Raw::Plain(names::resolve(host, within)),
            Request::Environment { of } if *of == self.environment => Raw::Plain(self.variables().clone()),
            Request::Environment { of } => Raw::Plain(environment::variables(of)),
            Request::SharedNetwork { of } => Raw::Plain(environment::shared_network(of)),
            Request::File { path } => Raw::Plain(local::file(path)),
            Request::Presence { path } => Raw::Plain(local::presence(path)),
            Request::Network => Raw::Plain(network::local(within)),
            Request::Firewall => Raw::Plain(firewall::rules(within)),
            Request::Firmware { field } => Raw::Plain(windows::firmware(*field)),
            Request::Settings => Raw::Plain(windows::settings()),
        };
        Reply { took: start.elapsed(), raw }
    }

    fn pause(&self, how_long: Duration) {
        std::thread::sleep(how_long);
    }

    fn now(&self) -> jiff::Timestamp {
        crate::clock::now()
    }

    fn elapsed(&self) -> Option<Duration> {
        Some(self.began.elapsed())
    }
}

/// How long the TCP connection of a question may take.
fn connect_limit(host: &str, within: Duration) -> Duration {
    let near = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_loopback(),
        IpAddr::V6(v6) => v6.is_loopback(),
    });
    if near { within.min(NEAR) } else { within }
}

fn connect(host: &str, port: u16, within: Duration) -> Outcome {
    let Ok(address) = host.parse::<IpAddr>() else {
        return Outcome::failed(Failure::Unsupported, "only an IP address can be connected to");
    };
    match TcpStream::connect_timeout(&SocketAddr::new(address, port), connect_limit(host, within)) {
        Ok(_) => Outcome::Connected,
        Err(error) => Outcome::failed(failure_of(&error), error.to_string()),
    }
}

/// What a system error means.
fn failure_of(error: &std::io::Error) -> Failure {
    use std::io::ErrorKind;
    match error.kind() {
        _ if is_exhausted(error) => Failure::Unsupported,
        ErrorKind::ConnectionRefused => Failure::Refused,
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Failure::ConnectTimeout,
        ErrorKind::NetworkUnreachable
        | ErrorKind::HostUnreachable
        | ErrorKind::AddrNotAvailable
        | ErrorKind::NetworkDown
        // A route or a rule that prohibits the connection.
        | ErrorKind::PermissionDenied => Failure::Unroutable,
        // A route that drops packets without a word (EINVAL); midoctor itself asks for nothing invalid.
        ErrorKind::InvalidInput if error.raw_os_error().is_some() => Failure::Unroutable,
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof
        | ErrorKind::NotConnected => Failure::Closed,
        _ if is_unresolved(error) => Failure::NameUnknown,
        _ => Failure::Other,
    }
}

/// Does the error come from the resolver? Rust says so before its words; of Windows' own it tells the number alone, which is one from
/// WSAHOST_NOT_FOUND to WSANO_DATA.
fn is_unresolved(error: &std::io::Error) -> bool {
    let by_number = || cfg!(windows) && error.raw_os_error().is_some_and(|code| (11001..=11004).contains(&code));
    error.to_string().starts_with("failed to lookup address") || by_number()
}

/// Did the question fail for want of what this machine or this process may have, such as open files, and not on its way?
fn is_exhausted(error: &std::io::Error) -> bool {
    // EMFILE, ENFILE and ENOBUFS of Linux; the last as macOS has it; WSAEMFILE and WSAENOBUFS.
    let codes =
        if cfg!(windows) { [10024, 10055, 10055] } else { [24, 23, if cfg!(target_os = "macos") { 55 } else { 105 }] };
    error.kind() == std::io::ErrorKind::OutOfMemory || error.raw_os_error().is_some_and(|code| codes.contains(&code))
}
