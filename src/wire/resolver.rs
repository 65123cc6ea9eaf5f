//! Names for HTTP by the system's resolver, in a thread that is left behind when it is late. It is ureq's own in all but one thing:
//! where no thread can be had it fails, and does not panic.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// So many addresses of a name are tried at most, which is what ureq has room for.
const ADDRESSES: usize = 16;

/// The system's resolver.
#[derive(Debug, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().ok_or_else(|| ureq::Error::BadUri("it names no host".into()))?;
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let addresses = match bare.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => lookup(bare, port, *timeout.after).map_err(|failed| match failed {
                Some(error) => ureq::Error::Io(error),
                None => ureq::Error::Timeout(timeout.reason),
            })?,
        };
        let mut resolved = self.empty();
        for address in config.ip_family().keep_wanted(addresses.into_iter()).take(ADDRESSES) {
            resolved.push(address);
        }
        if resolved.is_empty() { Err(ureq::Error::HostNotFound) } else { Ok(resolved) }
    }
}

/// The addresses of a name.
///
/// # Errors
/// What the system says; nothing when it was late.
pub fn lookup(host: &str, port: u16, within: Duration) -> Result<Vec<SocketAddr>, Option<std::io::Error>> {
    let (sender, receiver) = mpsc::channel();
    let name = host.to_owned();
    std::thread::Builder::new().spawn(move || {
        // Nobody listens any more when the time is over.
        let _ = sender.send((name.as_str(), port).to_socket_addrs().map(Iterator::collect));
    })?;
    match receiver.recv_timeout(within) {
        Ok(found) => Ok(found?),
        Err(_) => Err(None),
    }
}
