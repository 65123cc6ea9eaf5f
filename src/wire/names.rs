//! Names to addresses. The system's resolver has no time-out of its own, so it works in a thread that is left behind when it is
//! late. What it says is told as it was told.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::sync::mpsc;
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::evidence::{Failure, Outcome};

use super::is_exhausted;

/// So many addresses of a name are tried; ureq holds no more.
const MAX: usize = 16;

/// What a name resolves to.
pub fn resolve(host: &str, within: Duration) -> Outcome {
    match look_up(host, 443, within) {
        Ok(Some(found)) => Outcome::Resolved { addresses: found.iter().map(|one| one.ip().to_string()).collect() },
        Ok(None) => Outcome::failed(Failure::NameUnknown, "the resolver did not answer in time"),
        Err(error) if is_exhausted(&error) => Outcome::failed(Failure::Unsupported, error.to_string()),
        Err(error) => Outcome::failed(Failure::NameUnknown, error.to_string()),
    }
}

/// The addresses; none when they did not come in time.
fn look_up(host: &str, port: u16, within: Duration) -> io::Result<Option<Vec<SocketAddr>>> {
    if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok(Some(vec![SocketAddr::new(address, port)]));
    }
    let (sender, receiver) = mpsc::channel();
    let name = host.to_owned();
    let spawned = std::thread::Builder::new().spawn(move || {
        // Nobody listens any more when the time is over.
        let _ = sender.send((name.as_str(), port).to_socket_addrs().map(Iterator::collect));
    });
    spawned.map_err(|error| io::Error::new(io::ErrorKind::OutOfMemory, format!("no thread can be had: {error}")))?;
    match receiver.recv_timeout(within) {
        Ok(found) => found.map(Some).map_err(what_was_lacking),
        Err(_) => Ok(None),
    }
}

/// As many as the resolver has open at once, and one for whoever closed another meanwhile.
const OPEN: usize = 3;

/// The resolver says that a name has no address for now when it could open neither a file nor a socket. What cannot be opened here
/// either was what it lacked.
fn what_was_lacking(error: io::Error) -> io::Error {
    let all: io::Result<Vec<UdpSocket>> = (0..OPEN).map(|_| UdpSocket::bind(("127.0.0.1", 0))).collect();
    all.err().filter(is_exhausted).unwrap_or(error)
}

/// The same for ureq, whose own resolver ends the program where no thread can be had.
#[derive(Debug, Default)]
pub struct Names;

impl Resolver for Names {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let host = uri.host().ok_or(ureq::Error::HostNotFound)?;
        let found = look_up(host, port, *timeout.after)?.ok_or(ureq::Error::Timeout(timeout.reason))?;
        let mut addresses = DefaultResolver::default().empty();
        config.ip_family().keep_wanted(found.into_iter()).take(MAX).for_each(|address| addresses.push(address));
        if addresses.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(addresses) }
    }
}
