//! The machine's own network as its kernel tells it: interfaces, the way to the metadata service, the packet filter's rules
//! about it. Data only: the wires read it, the checks judge it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Interfaces and routes, as far as they matter to 169.254.169.254.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LocalNetwork {
    /// The way that a packet to 169.254.169.254 would take now, policy rules and all.
    pub way: Way,
    /// Every interface but loopback, in the kernel's order; of very many, the way's and the routes' own first of all.
    pub interfaces: Vec<Interface>,
    /// The routes that lead to 169.254.169.254, to a network that holds it, or anywhere (the default routes).
    pub routes: Vec<RouteEntry>,
}

/// The way that a packet would take.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Way {
    /// What becomes of the packet.
    pub kind: WayKind,
    /// The interface that it would leave by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// The next hop; none where the address is taken for a neighbour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// The address that it would come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Is the interface loopback, by the kernel's flag?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub loopback: bool,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WayKind {
    /// It leaves by an interface.
    Leaves,
    /// It stays here: the address is one of this machine's.
    Local,
    /// No route is there for it.
    #[default]
    NoRoute,
    /// A route says that the address is unreachable.
    Unreachable,
    /// A route prohibits it.
    Prohibited,
    /// A route drops it without a word.
    Blackhole,
}

/// A network interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Interface {
    /// Its name: `eth0`.
    pub name: String,
    /// The kernel's kind for virtual ones: `veth`, `bridge`, `vlan`, `tun`, `wireguard`; none for a card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Is it up?
    pub up: bool,
    /// Is it up without a carrier (`NO-CARRIER`), so that nothing passes it?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_carrier: bool,
    /// Its addresses with the length of their prefix: `10.0.0.4/24`.
    pub addresses: Vec<String>,
}

/// A route.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RouteEntry {
    /// Where it leads: `0.0.0.0/0`, `169.254.169.254/32`.
    pub to: String,
    /// The interface; none for a route that refuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// The next hop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// The lower, the sooner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<u32>,
    /// Who made it: `dhcp`, `static`, `kernel`, `boot`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// What becomes of packets that take it.
    pub kind: WayKind,
    /// The number of its table; none for the main one. Which table is asked, policy rules say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<u32>,
}

/// A rule of the packet filter that meets packets to the metadata service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FirewallRule {
    /// What it does.
    pub effect: Effect,
    /// Where it stands: `ip nat output`.
    pub chain: String,
    /// The rule in the filter's own words, at most 200 characters.
    pub rule: String,
    /// Does it hang on something that is not known here, such as the interface, whether the rule meets the packet?
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub conditional: bool,
}

/// What a rule does to a packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Sends it elsewhere; the address and port, or the port alone, as the rule has it.
    Redirects(String),
    /// Drops it without a word.
    Drops,
    /// Refuses it.
    Rejects,
}
