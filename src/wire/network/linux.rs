//! Asks the Linux kernel by rtnetlink: the way to the metadata service, interfaces, addresses and routes.
//!
//! It only asks. What it cannot read of an answer it leaves out; its time and the number of messages are bounded.

use std::collections::HashMap;
use std::io::{Error, ErrorKind};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::address::{AddressAttribute, AddressMessage};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkInfo, LinkMessage};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteType, RouteVia,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};

use crate::network::{Interface, LocalNetwork, RouteEntry, Way, WayKind};

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
    kernel.dump(RouteNetlinkMessage::GetLink(LinkMessage::default()), |message| {
        if let RouteNetlinkMessage::NewLink(link) = message {
            let (name, interface) = interface(&link);
            names.insert(link.header.index, name);
            if let Some(interface) = interface.filter(|_| interfaces.len() < INTERFACES) {
                interfaces.push((link.header.index, interface));
            }
        }
    })?;
    let mut own = HashMap::new();
    let mut addresses = AddressMessage::default();
    addresses.header.family = AddressFamily::Inet;
    kernel.dump(RouteNetlinkMessage::GetAddress(addresses), |message| {
        if let RouteNetlinkMessage::NewAddress(message) = message
            && let Some(address) = address(&message)
        {
            own.insert(address, message.header.index);
            let held = interfaces.iter_mut().find(|(index, _)| *index == message.header.index);
            if let Some((_, interface)) = held.filter(|(_, one)| one.addresses.len() < ADDRESSES) {
                interface.addresses.push(format!("{address}/{}", message.header.prefix_len));
            }
        }
    })?;
    let mut routes = Vec::new();
    let mut all = RouteMessage::default();
    all.header.address_family = AddressFamily::Inet;
    kernel.dump(RouteNetlinkMessage::GetRoute(all), |message| {
        if let RouteNetlinkMessage::NewRoute(message) = message
            && let Some(route) = route(&message, &names).filter(|_| routes.len() < ROUTES)
        {
            routes.push(route);
        }
    })?;
    let mut way = kernel.way(&names)?;
    if way.kind == WayKind::Local {
        // The kernel says loopback; what matters is who holds the address.
        way.interface = own.get(&TARGET).and_then(|index| names.get(index).cloned()).or(way.interface);
    }
    Ok(LocalNetwork { way, interfaces: interfaces.into_iter().map(|(_, interface)| interface).collect(), routes })
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

    fn send(&mut self, message: RouteNetlinkMessage, flags: u16) -> Result<(), Error> {
        self.sequence += 1;
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut packet = NetlinkMessage::new(header, NetlinkPayload::from(message));
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
    fn dump(&mut self, what: RouteNetlinkMessage, mut each: impl FnMut(RouteNetlinkMessage)) -> Result<(), Error> {
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
        self.send(RouteNetlinkMessage::GetRoute(question), 0)?;
        loop {
            let datagram = self.receive()?;
            for message in Messages(&datagram).flatten() {
                if message.header.sequence_number != self.sequence {
                    continue;
                }
                match message.payload {
                    NetlinkPayload::Error(error) => return refused(&error.to_io()),
                    NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewRoute(route)) => {
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
    type Item = Option<NetlinkMessage<RouteNetlinkMessage>>;

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
    Way { kind, interface: hop.interface, gateway: hop.gateway, source: hop.source }
}

/// An interface's name, and what is kept of it unless it is loopback.
fn interface(link: &LinkMessage) -> (String, Option<Interface>) {
    let mut name = String::new();
    let mut kind = None;
    for attribute in &link.attributes {
        match attribute {
            LinkAttribute::IfName(text) => name.clone_from(text),
            LinkAttribute::LinkInfo(infos) => {
                kind = kind.or(infos.iter().find_map(|info| match info {
                    LinkInfo::Kind(kind) => Some(kind.to_string()),
                    _ => None,
                }));
            }
            _ => {}
        }
    }
    let flags = link.header.flags;
    let interface = Interface { name: name.clone(), kind, up: flags.contains(LinkFlags::Up), addresses: Vec::new() };
    (name, (!flags.contains(LinkFlags::Loopback)).then_some(interface))
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
    if !holds || length > 32 || table == LOCAL_TABLE {
        return None;
    }
    let kind = kind(message.header.kind);
    let hop = if kind == WayKind::Leaves { Hop::of(&message.attributes, names) } else { Hop::default() };
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
mod tests {
    use super::*;

    /// A message of that type with this content, as the kernel would frame it.
    fn framed(kind: u16, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(16 + content.len()).expect("short");
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([0; 10]);
        bytes.extend(content);
        bytes
    }

    #[test]
    fn what_is_no_message_of_the_kernels_is_left_out_and_ends() {
        for bytes in [vec![], vec![0; 3], vec![0; 64], vec![255; 64], 16u32.to_ne_bytes().to_vec()] {
            assert_eq!(Messages(&bytes).flatten().count(), 0, "{bytes:?}");
        }
        // One that cannot be read does not hide the next.
        let mut bytes = framed(24, &[2, 32]);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(framed(24, &[2, 32, 0, 0, 254, 16, 0, 1, 0, 0, 0, 0]));
        assert_eq!(Messages(&bytes).map(|message| message.is_some()).collect::<Vec<_>>(), [false, true]);
    }

    proptest::proptest! {
        #[test]
        fn no_content_of_a_message_makes_it_panic(
            kind in proptest::sample::select(vec![2u16, 3, 16, 20, 24]),
            content in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
            length in 0u16..40,
        ) {
            let mut content = content;
            // Attributes begin after a header; a length that may fit makes them likelier to be read.
            if let Some(first) = content.get_mut(12..14) {
                first.copy_from_slice(&length.to_ne_bytes());
            }
            for message in Messages(&framed(kind, &content)).flatten() {
                match message.payload {
                    NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewRoute(message)) => {
                        let _ = (route(&message, &HashMap::new()), leaving(&message, &HashMap::new()));
                    }
                    NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(message)) => drop(interface(&message)),
                    NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewAddress(message)) => {
                        let _ = address(&message);
                    }
                    _ => {}
                }
            }
        }
    }
}
