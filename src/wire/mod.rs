//! The machine midoctor runs on: the one wire that really talks. HTTP, TCP, names, the environment, files, the clock.
//!
//! It changes nothing, and it decides nothing: every failure is an outcome, told as the system told it.

mod firewall;
mod http;
mod local;
mod network;
mod proxy;
mod relay;
mod tls;

use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::OnceLock;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::evidence::{Failure, Outcome, Raw, Reply, Request, Wire};
use crate::plan::Whose;
use crate::token::Token;

/// This machine.
pub struct Machine {
    /// Whose environment counts where clients obey it: for proxies.
    environment: Whose,
    /// What it holds, read once. Passwords of proxies are in it.
    variables: OnceLock<Outcome>,
    trust: OnceLock<tls::Trust>,
    began: Instant,
}

/// How long a connection to a link-local or loopback address may take: the metadata service answers in milliseconds.
pub const NEAR: Duration = Duration::from_secs(2);

impl Machine {
    /// This machine, as clients in that environment have it.
    pub fn new(environment: Whose) -> Self {
        Self { environment, variables: OnceLock::new(), trust: OnceLock::new(), began: Instant::now() }
    }

    /// Starts to read the platform's certificates in the background, for the first question that needs them.
    pub fn warm_up<'scope>(&'scope self, scope: &'scope std::thread::Scope<'scope, '_>) {
        scope.spawn(|| {
            self.trust();
        });
    }

    /// The environment that counts; what cannot be read is obeyed by nobody.
    fn variables(&self) -> &Outcome {
        self.variables.get_or_init(|| local::variables(&self.environment))
    }

    /// The variables that are set in it.
    fn set(&self) -> &proxy::Variables {
        static NONE: proxy::Variables = proxy::Variables::new();
        match self.variables() {
            Outcome::Variables { set, .. } => set,
            _ => &NONE,
        }
    }

    fn trust(&self) -> &tls::Trust {
        self.trust.get_or_init(tls::Trust::of_this_platform)
    }
}

impl Wire for Machine {
    fn ask(&self, request: &Request, bearer: Option<&Token>, within: Duration) -> Reply {
        let start = Instant::now();
        let raw = match request {
            Request::Http(http) => http::put(http, bearer, within, || self.set(), || self.trust()),
            Request::Connect { host, port } => Raw::Plain(connect(host, *port, within)),
            Request::Resolve { host } => Raw::Plain(resolve(host, within)),
            Request::Environment { of } => Raw::Plain(local::variables(of)),
            Request::File { path } => Raw::Plain(local::file(path)),
            Request::Presence { path } => Raw::Plain(local::presence(path)),
            Request::Network => Raw::Plain(network::local()),
            Request::Firewall => Raw::Plain(firewall::rules()),
        };
        Reply { took: start.elapsed(), raw }
    }

    fn pause(&self, how_long: Duration) {
        std::thread::sleep(how_long);
    }

    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
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

/// The system's resolver has no time-out of its own, so it works in a thread that is left behind when it is late.
fn resolve(host: &str, within: Duration) -> Outcome {
    let (sender, receiver) = mpsc::channel();
    let name = host.to_owned();
    let spawned = std::thread::Builder::new().spawn(move || {
        // Nobody listens any more when the time is over.
        let _ = sender.send((name.as_str(), 443).to_socket_addrs().map(Iterator::collect::<Vec<_>>));
    });
    if let Err(error) = spawned {
        return Outcome::failed(Failure::Other, error.to_string());
    }
    match receiver.recv_timeout(within) {
        Ok(Ok(addresses)) => {
            Outcome::Resolved { addresses: addresses.iter().map(|address| address.ip().to_string()).collect() }
        }
        Ok(Err(error)) => Outcome::failed(Failure::NameUnknown, error.to_string()),
        Err(_) => Outcome::failed(Failure::NameUnknown, "the resolver did not answer in time"),
    }
}

/// What a system error means.
fn failure_of(error: &std::io::Error) -> Failure {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::ConnectionRefused => Failure::Refused,
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Failure::ConnectTimeout,
        ErrorKind::NetworkUnreachable
        | ErrorKind::HostUnreachable
        | ErrorKind::AddrNotAvailable
        | ErrorKind::NetworkDown
        // A route or a rule that prohibits the connection.
        | ErrorKind::PermissionDenied => Failure::Unroutable,
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof
        | ErrorKind::NotConnected => Failure::Closed,
        _ if error.to_string().starts_with("failed to lookup address") => Failure::NameUnknown,
        _ => Failure::Other,
    }
}
