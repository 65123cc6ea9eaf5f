//! The packet whose way through the filter is followed: the first of a connection to 169.254.169.254:80, or the answer to it.
//!
//! What it meets of addresses, ports and interfaces is told here; rules and chains are others' business.

use std::net::Ipv4Addr;

use super::{Fits, number};

/// Where the connection goes.
const TARGET: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
/// Its port.
pub(super) const PORT: u16 = 80;

/// A packet.
#[derive(Clone, Debug)]
pub struct Packet {
    /// This machine's own end: its address and the interface, as far as its routes tell.
    own: Option<Ipv4Addr>,
    interface: Option<String>,
    /// Is it the service's answer?
    pub(super) answer: bool,
}

/// An end of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Whence it comes.
    Source,
    /// Where it goes.
    Destination,
}

/// Which way an interface is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    In,
    Out,
}

impl Packet {
    /// The first packet of a connection, which leaves by this interface with this address where the routes tell it.
    pub fn leaving(interface: Option<&str>, own: Option<Ipv4Addr>) -> Self {
        Self { own, interface: interface.map(str::to_owned), answer: false }
    }

    /// The answer to it.
    pub fn answer(&self) -> Self {
        Self { answer: true, ..self.clone() }
    }

    /// How connection tracking calls it.
    pub(super) fn state(&self) -> &'static str {
        if self.answer { "established" } else { "new" }
    }

    /// Is this end the service's?
    fn is_service(&self, end: End) -> bool {
        (end == End::Source) == self.answer
    }

    /// Is its address in this range? And does the range name the service's, rather than everything?
    pub(super) fn between(&self, end: End, from: Ipv4Addr, to: Ipv4Addr) -> (Fits, bool) {
        let service = self.is_service(end);
        let Some(address) = Some(TARGET).filter(|_| service).or(self.own) else {
            // Its own address is not known, but it is none of loopback's.
            return (if from.is_loopback() && to.is_loopback() { Fits::No } else { Fits::Maybe }, false);
        };
        let holds = (from..=to).contains(&address);
        // No larger than a class A network.
        (Fits::of(holds), holds && service && u32::from(to).saturating_sub(u32::from(from)) < 1 << 24)
    }

    /// Does this network hold its address?
    pub(super) fn network(&self, end: End, base: Ipv4Addr, length: u32) -> (Fits, bool) {
        let mask = u32::MAX.checked_shl(32u32.saturating_sub(length)).unwrap_or(0);
        let first = u32::from(base) & mask;
        self.between(end, first.into(), (first | !mask).into())
    }

    /// The same of an address or a network in words: `169.254.0.0/16`.
    pub(super) fn address(&self, end: End, text: &str) -> (Fits, bool) {
        let (base, length) = match text.split_once('/') {
            Some((base, length)) => (base, length.parse::<u32>().ok().or_else(|| mask(length))),
            None => (text, Some(32)),
        };
        match (base.parse::<Ipv4Addr>(), length) {
            (Ok(base), Some(length)) if length <= 32 => self.network(end, base, length),
            _ => (Fits::Maybe, false),
        }
    }

    /// Is its port in this range?
    pub(super) fn ports(&self, end: End, from: u64, to: u64) -> Fits {
        if self.is_service(end) {
            return Fits::of((from..=to).contains(&u64::from(PORT)));
        }
        // The kernel chooses it, never below 1024 (ip_local_port_range); one port alone is not the reason for every silence.
        match (from, to) {
            _ if from == to || to < 1024 => Fits::No,
            (0..=1024, 65535..) => Fits::Yes,
            _ => Fits::Maybe,
        }
    }

    /// Is its port in this list (`80,443`, `1:1024`, `http`)?
    pub(super) fn port(&self, end: End, list: &str) -> Fits {
        let one = |text: &str| match text.split_once([':', '-']) {
            Some((from, to)) => match (number(from, 0), number(to, u16::MAX)) {
                (Some(from), Some(to)) => self.ports(end, from.into(), to.into()),
                _ => Fits::Maybe,
            },
            None => number(text, 0).map_or(Fits::Maybe, |port| self.ports(end, port.into(), port.into())),
        };
        list.split(',').map(one).fold(Fits::No, Fits::or)
    }

    /// Does it pass the interface of this name (`eth0`, `eth*`, `eth+`) that way?
    pub(super) fn passes(&self, side: Side, name: &str) -> Fits {
        if (side == Side::In) != self.answer {
            return Fits::Maybe;
        }
        match (&self.interface, name.strip_suffix(['*', '+'])) {
            _ if name == "lo" => Fits::No,
            (None, _) => Fits::Maybe,
            (Some(own), Some(beginning)) => Fits::of(own.starts_with(beginning)),
            (Some(own), None) => Fits::of(own == name),
        }
    }

    /// Is that its own address on this machine, as far as it is known?
    pub(super) fn is_own(&self, address: &str) -> bool {
        self.own.is_some_and(|own| address.parse() == Ok(own))
    }
}

/// The length of a mask in dotted form: `255.255.0.0`.
fn mask(text: &str) -> Option<u32> {
    Some(u32::from(text.parse::<Ipv4Addr>().ok()?).leading_ones())
}
