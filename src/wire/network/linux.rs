//! Asks the Linux kernel by rtnetlink: the way to the metadata service, interfaces, addresses and routes.
//!
//! It only asks. What it cannot read of an answer it leaves out; its time and the number of messages are bounded.

#[path = "messages.rs"]
mod messages;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::io::{Error, ErrorKind};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::LinkFlags;
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteType, RouteVia,
};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};

use crate::network::{Interface, LocalNetwork, RouteEntry, Way, WayKind};

use messages::{Answer, Link, Question};

const TARGET: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
/// The kernel answers at once; this is for one that is very busy.
const PATIENCE: Duration = Duration::from_secs(3);
/// More messages than a node with many pods and a router's table has.
const MESSAGES: usize = 200_000;
/// The kernel never sends more at a time than fits 32 KiB, unless one message alone is larger.
const BUFFER: usize = 128 << 10;
/// What is kept of long lists.
const INTERFACES: usize = 256;
const ADDRESSES: usize = 16;
const ROUTES: usize = 64;
/// The table of a machine's own addresses (linux/rtnetlink.h).
const LOCAL_TABLE: u32 = 255;

pub fn local(within: Duration) -> Result<LocalNetwork, Error> {
    let mut kernel = Kernel::new(Instant::now() + within.min(PATIENCE))?;
    let mut names = HashMap::new();
    let mut interfaces: Vec<(u32, Interface)> = Vec::new();
    let mut loopback = HashSet::new();
    // Where each stands, as a node has thousands.
    let mut places = HashMap::new();
    kernel.dump(Question::Links, |answer| {
        if let Answer::Link(link) = answer {
            let (index, name) = (link.index, link.name.clone());
            match interface(link) {
                Some(interface) => {
                    places.insert(index, interfaces.len());
                    interfaces.push((index, interface));
                }
                None => drop(loopback.insert(name.clone())),
            }
            names.insert(index, name);
        }
    })?;
    let mut own = HashMap::new();
    let mut addresses = AddressMessage::default();
    addresses.header.family = AddressFamily::Inet;
    kernel.dump(Question::Addresses(addresses), |answer| {
        if let Answer::Address(message) = answer
            && let Some(address) = address(&message)
        {
            own.insert(address, message.header.index);
            let held = places.get(&message.header.index).and_then(|place| interfaces.get_mut(*place));
            if let Some((_, interface)) = held.filter(|(_, one)| one.addresses.len() < ADDRESSES) {
                interface.addresses.push(format!("{address}/{}", message.header.prefix_len));
            }
        }
    })?;
    let mut routes = Vec::new();
    let mut all = RouteMessage::default();
    all.header.address_family = AddressFamily::Inet;
    kernel.dump(Question::Routes(all), |answer| {
        if let Answer::Route(message) = answer
            && let Some(route) = route(&message, &names)
        {
            routes.push(route);
        }
    })?;
    let mut way = kernel.way(&names)?;
    let holder = own.get(&TARGET).and_then(|index| names.get(index).cloned());
    if holder.is_some() {
        // Its own route of the kind local says nothing more.
        routes.retain(|route: &RouteEntry| route.kind != WayKind::Local);
    }
    if way.kind == WayKind::Local {
        // The kernel says loopback; what matters is who holds the address.
        way.interface = holder.or(way.interface);
    }
    way.loopback = way.interface.as_ref().is_some_and(|name| loopback.contains(name));
    shorten(&way, &mut interfaces, &mut routes);
    Ok(LocalNetwork { way, interfaces: interfaces.into_iter().map(|(_, interface)| interface).collect(), routes })
}

/// Leaves out of long lists what matters least: never the way's own route and interface, nor those of the routes that are kept.
fn shorten(way: &Way, interfaces: &mut Vec<(u32, Interface)>, routes: &mut Vec<RouteEntry>) {
    if routes.len() > ROUTES {
        let taken = |route: &RouteEntry| {
            route.kind == way.kind
                && (way.kind != WayKind::Leaves || (route.interface == way.interface && route.gateway == way.gateway))
        };
        let length =
            |route: &RouteEntry| route.to.split_once('/').and_then(|(_, length)| length.parse().ok()).unwrap_or(0u8);
        // The main table first, then the longest prefix; the way's own alone may be hundreds, by as many tables.
        routes.sort_by_key(|route| (route.table.is_some(), !taken(route), Reverse(length(route))));
        let best = routes.iter().filter(|route| taken(route)).max_by_key(|route| length(route)).cloned();
        routes.truncate(ROUTES);
        if let Some(best) = best.filter(|best| !routes.contains(best)) {
            routes.pop();
            routes.push(best);
        }
    }
    if interfaces.len() > INTERFACES {
        let named: HashSet<&String> =
            way.interface.iter().chain(routes.iter().filter_map(|route| route.interface.as_ref())).collect();
        let mut others = INTERFACES.saturating_sub(named.len());
        interfaces.retain(|(_, interface)| {
            named.contains(&interface.name) || {
                let kept = others > 0;
                others = others.saturating_sub(1);
                kept
            }
        });
    }
}

/// A conversation with the kernel.
struct Kernel {
    socket: Socket,
    until: Instant,
    sequence: u32,
    seen: usize,
}

impl Kernel {
    fn new(until: Instant) -> Result<Self, Error> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        socket.set_non_blocking(true)?;
        Ok(Self { socket, until, sequence: 0, seen: 0 })
    }

    fn send(&mut self, question: Question, flags: u16) -> Result<(), Error> {
        self.sequence += 1;
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut packet = NetlinkMessage::new(header, NetlinkPayload::from(question));
        packet.finalize();
        let mut bytes = vec![0; packet.buffer_len()];
        packet.serialize(&mut bytes);
        self.socket.send(&bytes, 0).map(drop)
    }

    /// The next datagram of the kernel's own. Nobody else may speak in its name.
    fn receive(&self) -> Result<Vec<u8>, Error> {
        loop {
            let mut bytes = Vec::with_capacity(BUFFER);
            match self.socket.recv_from(&mut bytes, 0) {
                Ok((_, from)) if from.port_number() == 0 => return Ok(bytes),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if Instant::now() >= self.until {
                return Err(ErrorKind::TimedOut.into());
            }
        }
    }

    /// Asks for a list and hands over each entry.
    fn dump(&mut self, what: Question, mut each: impl FnMut(Answer)) -> Result<(), Error> {
        self.send(what, NLM_F_DUMP)?;
        loop {
            let datagram = self.receive()?;
            for message in Messages(&datagram) {
                self.seen += 1;
                if self.seen > MESSAGES {
                    return Err(Error::other("the kernel lists more routes than are read"));
                }
                match message.filter(|message| message.header.sequence_number == self.sequence) {
                    Some(NetlinkMessage { payload: NetlinkPayload::Done(_), .. }) => return Ok(()),
                    Some(NetlinkMessage { payload: NetlinkPayload::Error(error), .. }) => return Err(error.to_io()),
                    Some(NetlinkMessage { payload: NetlinkPayload::InnerMessage(inner), .. }) => each(inner),
                    // What cannot be read is left out.
                    _ => {}
                }
            }
        }
    }

    /// What `ip route get 169.254.169.254` shows, for a TCP connection to port 80.
    fn way(&mut self, names: &HashMap<u32, String>) -> Result<Way, Error> {
        let mut question = RouteMessage::default();
        question.header.address_family = AddressFamily::Inet;
        question.header.destination_prefix_length = 32;
        // Policy rules can look at the protocol and the port.
        question.attributes = vec![
            RouteAttribute::Destination(RouteAddress::Inet(TARGET)),
            RouteAttribute::IpProto(6),
            RouteAttribute::Dport(80),
        ];
        self.send(Question::Routes(question), 0)?;
        loop {
            let datagram = self.receive()?;
            for message in Messages(&datagram).flatten() {
                if message.header.sequence_number != self.sequence {
                    continue;
                }
                match message.payload {
                    NetlinkPayload::Error(error) => return refused(&error.to_io()),
                    NetlinkPayload::InnerMessage(Answer::Route(route)) => {
                        return Ok(leaving(&route, names));
                    }
                    _ => {}
                }
            }
        }
    }
}

/// The messages of a datagram; `None` for one that cannot be read.
struct Messages<'a>(&'a [u8]);

impl Iterator for Messages<'_> {
    type Item = Option<NetlinkMessage<Answer>>;

    fn next(&mut self) -> Option<Self::Item> {
        let length = self.0.first_chunk::<4>().map(|bytes| u32::from_ne_bytes(*bytes) as usize)?;
        // A header has 16 bytes; what claims less or more than there is ends the datagram.
        let message = self.0.get(..length).filter(|message| message.len() >= 16)?;
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(NetlinkMessage::deserialize(message).ok())
    }
}

/// What the kernel's error says of the way (fib_props in net/ipv4/fib_semantics.c).
fn refused(error: &Error) -> Result<Way, Error> {
    let kind = match error.kind() {
        ErrorKind::NetworkUnreachable => WayKind::NoRoute,
        ErrorKind::HostUnreachable => WayKind::Unreachable,
        ErrorKind::PermissionDenied => WayKind::Prohibited,
        ErrorKind::InvalidInput => WayKind::Blackhole,
        _ => return Err(Error::new(error.kind(), error.to_string())),
    };
    Ok(Way { kind, ..Way::default() })
}

fn leaving(message: &RouteMessage, names: &HashMap<u32, String>) -> Way {
    let hop = Hop::of(&message.attributes, names);
    let kind = kind(message.header.kind);
    Way { kind, interface: hop.interface, gateway: hop.gateway, source: hop.source, loopback: false }
}

/// What is kept of an interface, unless it is loopback.
fn interface(link: Link) -> Option<Interface> {
    let up = link.flags.contains(LinkFlags::Up);
    let no_carrier = up && !link.flags.contains(LinkFlags::LowerUp);
    let interface = Interface { name: link.name, kind: link.kind, up, no_carrier, addresses: Vec::new() };
    (!link.flags.contains(LinkFlags::Loopback)).then_some(interface)
}

/// An interface's own address; on a point-to-point link the other one is the neighbour's.
fn address(message: &AddressMessage) -> Option<Ipv4Addr> {
    let mut found = None;
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(IpAddr::V4(address)) => return Some(*address),
            AddressAttribute::Address(IpAddr::V4(address)) => found = Some(*address),
            _ => {}
        }
    }
    found
}

/// A route that leads to the metadata service, to a network that holds it, or anywhere.
fn route(message: &RouteMessage, names: &HashMap<u32, String>) -> Option<RouteEntry> {
    let mut to = Ipv4Addr::UNSPECIFIED;
    let mut table = u32::from(message.header.table);
    let mut metric = None;
    for attribute in &message.attributes {
        match attribute {
            RouteAttribute::Destination(RouteAddress::Inet(address)) => to = *address,
            RouteAttribute::Table(number) => table = *number,
            RouteAttribute::Priority(number) => metric = Some(*number),
            _ => {}
        }
    }
    let length = u32::from(message.header.destination_prefix_length);
    let mask = u32::MAX.checked_shl(32u32.saturating_sub(length)).unwrap_or(0);
    let holds = u32::from(to) & mask == u32::from(TARGET) & mask;
    let kind = kind(message.header.kind);
    if !holds || length > 32 || (table == LOCAL_TABLE && kind != WayKind::Local) {
        return None;
    }
    let hop = if matches!(kind, WayKind::Leaves | WayKind::Local) {
        Hop::of(&message.attributes, names)
    } else {
        Hop::default()
    };
    let origin = match message.header.protocol {
        RouteProtocol::Dhcp => Some("dhcp"),
        RouteProtocol::Static => Some("static"),
        RouteProtocol::Kernel => Some("kernel"),
        RouteProtocol::Boot => Some("boot"),
        RouteProtocol::Ra => Some("ra"),
        RouteProtocol::Bird | RouteProtocol::Zebra | RouteProtocol::Bgp => Some("routing daemon"),
        _ => None,
    };
    Some(RouteEntry {
        to: format!("{to}/{length}"),
        interface: hop.interface,
        gateway: hop.gateway,
        metric,
        origin: origin.map(str::to_owned),
        kind,
        table: (table != u32::from(RouteHeader::RT_TABLE_MAIN)).then_some(table),
    })
}

fn kind(kind: RouteType) -> WayKind {
    match kind {
        RouteType::Local => WayKind::Local,
        RouteType::BlackHole => WayKind::Blackhole,
        RouteType::Unreachable => WayKind::Unreachable,
        RouteType::Prohibit => WayKind::Prohibited,
        _ => WayKind::Leaves,
    }
}

#[derive(Default)]
struct Hop {
    interface: Option<String>,
    gateway: Option<String>,
    source: Option<String>,
}

impl Hop {
    /// The hop of a route; of one with several, the first.
    fn of(attributes: &[RouteAttribute], names: &HashMap<u32, String>) -> Self {
        let mut hop = Self::default();
        let name = |index: &u32| names.get(index).cloned();
        for attribute in attributes {
            match attribute {
                RouteAttribute::Oif(index) => hop.interface = name(index),
                RouteAttribute::Gateway(RouteAddress::Inet(address)) => hop.gateway = Some(address.to_string()),
                RouteAttribute::Via(RouteVia::Inet6(address)) => hop.gateway = Some(address.to_string()),
                RouteAttribute::PrefSource(RouteAddress::Inet(address)) => hop.source = Some(address.to_string()),
                RouteAttribute::MultiPath(hops) if hop.interface.is_none() => {
                    if let Some(first) = hops.first() {
                        hop = Self::of(&first.attributes, names);
                        hop.interface = name(&first.interface_index);
                    }
                }
                _ => {}
            }
        }
        hop
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
