//! What the way that packets to the metadata service would take explains: routes, interfaces, addresses.
//!
//! Pure. On Azure the service answers on the primary network card alone (Microsoft's instance-metadata-service page, FAQ).

use crate::network::{Interface, LocalNetwork, RouteEntry, WayKind};

use super::silence::{Ending, Reason};
use super::surroundings::Surroundings;

/// A network card, or what stands for one in a container: up, with an address, and not made by software alone.
fn is_card(interface: &Interface) -> bool {
    let card = matches!(interface.kind.as_deref(), None | Some("veth"));
    // A tunnel of old drivers has no kind; its name tells.
    let tunnel = ["tun", "tap", "ppp", "wg", "utun"].iter().any(|prefix| interface.name.starts_with(prefix));
    card && !tunnel && interface.up && !interface.addresses.is_empty()
}

fn is_tunnel(name: &str, interface: Option<&Interface>) -> bool {
    let kind = interface.and_then(|interface| interface.kind.as_deref()).unwrap_or_default();
    let kinds = ["tun", "wireguard", "ppp", "gre", "ipip", "sit", "vti", "xfrm", "geneve", "vxlan", "ip6tnl", "ip6gre"];
    kinds.contains(&kind) || ["tun", "tap", "ppp", "wg", "utun"].iter().any(|prefix| name.starts_with(prefix))
}

/// The default route that counts: of the main table, the one with the lowest metric.
fn default_route(network: &LocalNetwork) -> Option<&RouteEntry> {
    let defaults = network.routes.iter().filter(|route| {
        route.to == "0.0.0.0/0" && route.kind == WayKind::Leaves && route.table.is_none() && route.interface.is_some()
    });
    defaults.min_by_key(|route| route.metric.unwrap_or(0))
}

/// The card that Azure's DHCP made the primary one, by what it left behind; else the first card.
fn primary(network: &LocalNetwork) -> Option<&str> {
    let by_dhcp = |to: &str| {
        let mut all = network.routes.iter().filter(|route| route.to == to && route.origin.as_deref() == Some("dhcp"));
        let first = all.next()?.interface.as_deref();
        if all.any(|other| other.interface.as_deref() != first) { None } else { first }
    };
    let first_card = || network.interfaces.iter().find(|one| is_card(one)).map(|one| one.name.as_str());
    by_dhcp("169.254.169.254/32").or_else(|| by_dhcp("0.0.0.0/0")).or_else(first_card)
}

/// What the way that a packet takes explains. It explains nothing once a connection came about, but for the address being here.
pub(super) fn by_way(network: &LocalNetwork, ending: Ending, here: &Surroundings) -> Option<Reason> {
    let way = &network.way;
    let name = way.interface.as_deref();
    if way.kind == WayKind::Local {
        let place = name.unwrap_or("an interface");
        let listener = match ending {
            Ending::Refused => ", where nothing listens on port 80",
            Ending::Stranger => ", so a program on it answered",
            _ => "",
        };
        // The address is nobody's, and a route alone keeps packets here.
        if let Some(route) = longest(network, |route| route.kind == WayKind::Local) {
            let device = route.interface.as_deref().unwrap_or(place);
            let named = format!("local {} dev {device}", short(&route.to));
            let words = format!("the route `{named}` keeps packets to 169.254.169.254 on this machine{listener}");
            let reason = Reason::certain(words).with("refusing_route", named);
            return Some(reason.with("route_target", "169.254.169.254"));
        }
        let words = format!("169.254.169.254 is an address of this machine itself, on {place}{listener}");
        return Some(Reason::certain(words).with("own_interface", place));
    }
    if matches!(ending, Ending::Unanswered | Ending::Stranger) {
        return None;
    }
    let refuses = match way.kind {
        WayKind::NoRoute => return Some(no_route(network, here)),
        WayKind::Unreachable => Some(("unreachable", "makes 169.254.169.254 unreachable")),
        WayKind::Prohibited => Some(("prohibit", "prohibits packets to 169.254.169.254")),
        WayKind::Blackhole => Some(("blackhole", "drops packets to 169.254.169.254 without a word")),
        WayKind::Leaves | WayKind::Local => None,
    };
    if let Some((kind, effect)) = refuses {
        let route = longest(network, |route| route.kind == way.kind);
        let table = route.and_then(|route| route.table).map(|table| format!(" table {table}")).unwrap_or_default();
        let named = route.map(|route| format!("{kind} {}{table}", short(&route.to)));
        let words = named.as_ref().map_or_else(
            || format!("a policy rule (`ip rule`) of this machine {effect}"),
            |named| format!("the route `{named}` {effect}"),
        );
        let reason = Reason::certain(words).with("route_target", "169.254.169.254");
        return Some(match named {
            Some(named) => reason.with("refusing_route", named),
            None => reason.with("policy_rule", kind),
        });
    }
    wrong_way(network, name?, here)
}

fn no_route(network: &LocalNetwork, here: &Surroundings) -> Reason {
    let mut cards = network.interfaces.iter().filter(|one| one.up && !one.addresses.is_empty());
    let with = match cards.next() {
        Some(card) => format!("; {} is up with {}", card.name, card.addresses[0]),
        None => "; no network interface but loopback has an address".to_owned(),
    };
    let (from, whose) = match (&here.pod, &here.container) {
        (Some(pod), _) => (" from it", format!("this is the Kubernetes pod {pod}, and ")),
        (None, Some(container)) => (" from it", format!("this is {container}, and ")),
        _ => ("", String::new()),
    };
    let reason = Reason::certain(format!("{whose}no route leads{from} to 169.254.169.254{with}"));
    match (&here.pod, &here.container) {
        (Some(pod), _) => reason.with("pod", pod),
        (None, Some(container)) => reason.with("container", container),
        _ => {
            let reason = reason.with("missing_route", "169.254.169.254/32").with("route_target", "169.254.169.254");
            match primary(network) {
                Some(card) => reason.with("right_interface", card),
                None => reason,
            }
        }
    }
}

/// The route with the longest prefix among those that lead to the address.
fn longest(network: &LocalNetwork, wanted: impl Fn(&RouteEntry) -> bool) -> Option<&RouteEntry> {
    let length =
        |route: &&RouteEntry| route.to.split_once('/').and_then(|(_, length)| length.parse().ok()).unwrap_or(0u8);
    network.routes.iter().filter(|route| wanted(route)).max_by_key(length)
}

/// `169.254.169.254/32` is written without its length, as `ip route` does.
fn short(to: &str) -> &str {
    to.strip_suffix("/32").unwrap_or(if to == "0.0.0.0/0" { "default" } else { to })
}

/// A route that Windows keeps over restarts leads elsewhere than the default route does. One through a card's own address is meant:
/// Microsoft's page has failover clusters add it (instance-metadata-service, FAQ).
fn permanent(network: &LocalNetwork, route: &RouteEntry) -> Option<Reason> {
    let default = default_route(network)?;
    let same = route.interface == default.interface;
    let through_card = route.gateway.is_none() || route.gateway == network.way.source;
    if same && (through_card || route.gateway == default.gateway) {
        return None;
    }
    let by = |route: &RouteEntry| {
        let hop = route.gateway.as_ref().map(|gateway| format!(" through {gateway}")).unwrap_or_default();
        format!("{}{hop}", route.interface.as_deref().unwrap_or("no interface"))
    };
    let named = format!("{} by {}", route.to, by(route));
    let words = format!(
        "the permanent route {named} takes packets to 169.254.169.254, while the default route leaves by {}",
        by(default)
    );
    Some(Reason::possible(words).with("permanent_route", named).with("route_target", "169.254.169.254"))
}

/// The first address of that card.
fn address_of<'a>(network: &'a LocalNetwork, name: &str) -> Option<&'a str> {
    let card = network.interfaces.iter().find(|one| one.name == name)?;
    card.addresses.first()?.split('/').next()
}

/// The packet leaves, but not by the primary network card.
fn wrong_way(network: &LocalNetwork, name: &str, here: &Surroundings) -> Option<Reason> {
    let way = &network.way;
    let interface = network.interfaces.iter().find(|one| one.name == name);
    let reason = |reason: Reason, right: Option<&str>| {
        let reason = reason.with("route_target", "169.254.169.254");
        match right {
            // By the right one already.
            Some(right) if right == name => reason,
            Some(right) => reason.with("wrong_interface", name).with("right_interface", right),
            None => reason.with("wrong_interface", name),
        }
    };
    // Reports of old do not tell the flag.
    if way.loopback || (interface.is_none() && name == "lo") {
        let words = format!("packets to 169.254.169.254 stay on this machine: a route sends them to {name}");
        return Some(reason(Reason::certain(words), primary(network)));
    }
    let interface = interface?;
    if interface.no_carrier {
        let words =
            format!("packets to 169.254.169.254 leave by {name}, which has no carrier (`ip link` shows NO-CARRIER)");
        return Some(Reason::certain(words).with("dead_interface", name));
    }
    let source = way.source.as_ref().map(|source| format!(" ({source})")).unwrap_or_default();
    if is_tunnel(name, Some(interface)) {
        let words = format!("packets to 169.254.169.254 leave by the tunnel {name}{source}, not by a network card");
        return Some(Reason::certain(words).with("tunnel", name).with("route_target", "169.254.169.254"));
    }
    let default = default_route(network).and_then(|route| route.interface.as_deref());
    let taken = longest(network, |route| {
        route.kind == WayKind::Leaves && route.interface.as_deref() == Some(name) && route.gateway == way.gateway
    });
    // The whole network is taken for neighbours: link-local addresses, as zeroconf sets them up.
    if let Some(route) =
        taken.filter(|route| way.gateway.is_none() && !matches!(short(&route.to), "default" | "169.254.169.254"))
    {
        let elsewhere = match default {
            Some(right) if right != name => format!(", while the default route leaves by {right}"),
            _ => String::new(),
        };
        let right = default.or_else(|| primary(network));
        if here.windows {
            let words =
                format!("the route {} of {name} takes 169.254.169.254 for a neighbour there{elsewhere}", route.to);
            let reason = Reason::possible(words).with("windows_on_link", format!("{} of {name}", route.to));
            let reason = reason.with("route_target", "169.254.169.254");
            return Some(match right.and_then(|right| address_of(network, right)).filter(|_| right != Some(name)) {
                Some(address) => reason.with("card_address", address),
                None => reason,
            });
        }
        let words =
            format!("the route `{} dev {name}` takes 169.254.169.254 for a neighbour on {name}{elsewhere}", route.to);
        return Some(reason(Reason::possible(words), right).with("on_link_route", format!("{} dev {name}", route.to)));
    }
    if let Some(route) = taken.filter(|route| route.origin.as_deref() == Some("persistent")) {
        return permanent(network, route);
    }
    if let Some(right) = default.filter(|right| *right != name) {
        let words =
            format!("packets to 169.254.169.254 leave by {name}{source}, while the default route leaves by {right}");
        return Some(reason(Reason::possible(words), Some(right)));
    }
    // Several networks are usual in a container.
    let cards: Vec<&Interface> = network.interfaces.iter().filter(|one| is_card(one)).collect();
    let alone = here.pod.is_none() && here.container.is_none();
    let right = primary(network).filter(|right| *right != name && alone && is_card(interface))?;
    let right = cards.iter().find(|card| card.name == right)?;
    let has = if default == Some(name) { ", which has the default route," } else { "" };
    let words = format!(
        "packets to 169.254.169.254 leave by {name}{source}{has} and not by {} ({}), which seems to \
         be the primary network card; the service answers on that one alone",
        right.name, right.addresses[0]
    );
    Some(reason(Reason::possible(words), Some(&right.name)))
}
