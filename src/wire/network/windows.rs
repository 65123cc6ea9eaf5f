//! Asks Windows for its network cards, its routes, and the way that a packet to the metadata service would take. Nothing is sent.
//!
//! The way's source is what the system chooses for a datagram socket that is connected; the card is the one that has it, and the
//! gateway that of the route which Windows would take: the longest prefix, then the lowest sum of the route's and the card's metric.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};

use ipconfig::{Adapter, IfType, OperStatus};
use route_manager::{Route, RouteManager};
use windows_registry::LOCAL_MACHINE;

use crate::network::{Interface, LocalNetwork, RouteEntry, Way, WayKind};

const TARGET: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
/// Routes that were added with `-p`: `destination,mask,gateway,metric` each (Microsoft's page on the command `route`).
const PERSISTENT: &str = r"SYSTEM\CurrentControlSet\Services\Tcpip\Parameters\PersistentRoutes";
/// What is kept of long lists.
const INTERFACES: usize = 256;
const ADDRESSES: usize = 16;
const ROUTES: usize = 64;

pub fn local() -> Result<LocalNetwork, String> {
    let adapters =
        ipconfig::get_adapters().map_err(|error| format!("Windows does not tell its network cards: {error}"))?;
    let table = RouteManager::new().and_then(|mut manager| manager.list());
    let table = table.map_err(|error| format!("Windows does not tell its routes: {error}"))?;
    let leading: Vec<&Route> = table.iter().filter(|route| leads(route)).collect();
    let way = way(&adapters, &leading)?;
    let persistent = persistent();
    let mut routes: Vec<RouteEntry> = leading.iter().map(|route| entry(route, &adapters, &persistent)).collect();
    routes.truncate(ROUTES);
    let mut interfaces: Vec<Interface> =
        adapters.iter().filter(|one| one.if_type() != IfType::SoftwareLoopback).map(interface).collect();
    // Those that are spoken of stay.
    let named = |one: &Interface| {
        let name = Some(&one.name);
        name == way.interface.as_ref() || routes.iter().any(|route| name == route.interface.as_ref())
    };
    if interfaces.len() > INTERFACES {
        interfaces.sort_by_key(|one| !named(one));
        interfaces.truncate(INTERFACES);
    }
    Ok(LocalNetwork { way, interfaces, routes })
}

/// Does the route lead to the metadata service, to a network that holds it, or anywhere?
fn leads(route: &Route) -> bool {
    route.destination().is_ipv4() && route.contains(&IpAddr::V4(TARGET))
}

fn way(adapters: &[Adapter], leading: &[&Route]) -> Result<Way, String> {
    let chosen = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).and_then(|socket| {
        socket.connect((TARGET, 80))?;
        socket.local_addr()
    });
    let source = match chosen {
        Ok(address) => address.ip(),
        Err(error) => {
            let kind = match error.kind() {
                ErrorKind::NetworkUnreachable | ErrorKind::AddrNotAvailable | ErrorKind::NetworkDown => {
                    WayKind::NoRoute
                }
                ErrorKind::HostUnreachable => WayKind::Unreachable,
                _ => return Err(format!("Windows does not tell the way to {TARGET}: {error}")),
            };
            return Ok(Way { kind, ..Way::default() });
        }
    };
    let from = adapters.iter().find(|adapter| adapter.ip_addresses().contains(&source));
    let interface = from.map(|adapter| adapter.friendly_name().to_owned());
    if source == IpAddr::V4(TARGET) {
        return Ok(Way { kind: WayKind::Local, interface, source: Some(source.to_string()), ..Way::default() });
    }
    let own = |route: &&&Route| from.is_some_and(|adapter| is_of(route, adapter));
    let taken = leading.iter().filter(own).min_by_key(|route| {
        let metric = route.metric().unwrap_or_default().saturating_add(from.map_or(0, Adapter::ipv4_metric));
        (32_u8.saturating_sub(route.prefix()), metric)
    });
    Ok(Way {
        kind: WayKind::Leaves,
        interface,
        gateway: taken.and_then(|route| gateway(route)),
        source: Some(source.to_string()),
        loopback: source.is_loopback() || from.is_some_and(|adapter| adapter.if_type() == IfType::SoftwareLoopback),
    })
}

/// Does the route lead out by this card?
fn is_of(route: &Route, adapter: &Adapter) -> bool {
    route.if_name().is_some_and(|name| name == adapter.friendly_name())
}

/// The next hop; an address of zeros means that there is none.
fn gateway(route: &Route) -> Option<String> {
    route.gateway().filter(|gateway| !gateway.is_unspecified()).map(|gateway| gateway.to_string())
}

fn entry(route: &Route, adapters: &[Adapter], persistent: &[String]) -> RouteEntry {
    let hop = gateway(route);
    let written = format!("{},{},{},", route.destination(), route.mask(), hop.as_deref().unwrap_or_default());
    let origin = persistent.iter().any(|one| one.starts_with(&written)).then(|| "persistent".to_owned());
    let adapter = adapters.iter().find(|adapter| is_of(route, adapter));
    RouteEntry {
        to: format!("{}/{}", route.destination(), route.prefix()),
        interface: route.if_name().cloned(),
        gateway: hop,
        metric: route.metric().map(|metric| metric.saturating_add(adapter.map_or(0, Adapter::ipv4_metric))),
        origin,
        kind: WayKind::Leaves,
        table: None,
    }
}

fn persistent() -> Vec<String> {
    let key = LOCAL_MACHINE.open(PERSISTENT);
    key.and_then(|key| Ok(key.values()?.map(|(name, _)| name).collect())).unwrap_or_default()
}

fn interface(adapter: &Adapter) -> Interface {
    let kind = match adapter.if_type() {
        IfType::EthernetCsmacd | IfType::Ieee80211 => None,
        IfType::Ppp => Some("ppp"),
        IfType::Tunnel => Some("tun"),
        _ => Some("virtual"),
    };
    let mut addresses: Vec<String> = adapter.ip_addresses().iter().filter_map(|ip| with_prefix(*ip, adapter)).collect();
    addresses.truncate(ADDRESSES);
    Interface {
        name: adapter.friendly_name().to_owned(),
        kind: kind.map(str::to_owned),
        up: matches!(adapter.oper_status(), OperStatus::IfOperStatusUp | OperStatus::IfOperStatusUnknown),
        no_carrier: false,
        addresses,
    }
}

/// `10.0.0.4/24`: of the card's networks the smallest that holds the address, besides the address alone.
fn with_prefix(address: IpAddr, adapter: &Adapter) -> Option<String> {
    let IpAddr::V4(own) = address else { return None };
    let length = adapter.prefixes().iter().filter_map(|(network, length)| {
        let IpAddr::V4(network) = network else { return None };
        let mask = u32::MAX.checked_shl(32_u32.checked_sub(*length)?).unwrap_or(0);
        (*length < 32 && own.to_bits() & mask == network.to_bits() & mask).then_some(*length)
    });
    Some(format!("{own}/{}", length.max().unwrap_or(32)))
}
