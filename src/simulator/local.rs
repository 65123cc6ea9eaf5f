//! The simulated machine's own network and packet filter: the scenario's tables `network` and `rule`.

use serde::Deserialize;

use crate::network::{Interface, LocalNetwork, RouteEntry, Way, WayKind};

/// The machine's own network; by default that of a healthy Azure VM with one network card (as recorded from one: DHCP gives
/// the metadata service a route of its own).
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LocalTable {
    /// The way that packets to the metadata service take.
    pub way: Way,
    /// The interfaces but loopback.
    pub interfaces: Vec<Interface>,
    /// The routes that matter.
    pub routes: Vec<RouteEntry>,
    /// Why the routes cannot be read, where they cannot.
    pub unread: Option<String>,
}

impl Default for LocalTable {
    fn default() -> Self {
        let (interface, gateway) = (Some("eth0".to_owned()), Some("10.0.1.1".to_owned()));
        let route = |to: &str| RouteEntry {
            to: to.into(),
            interface: interface.clone(),
            gateway: gateway.clone(),
            metric: Some(100),
            origin: Some("dhcp".into()),
            kind: WayKind::Leaves,
            table: None,
        };
        Self {
            routes: vec![route("0.0.0.0/0"), route("169.254.169.254/32")],
            interfaces: vec![Interface {
                name: "eth0".into(),
                kind: None,
                up: true,
                no_carrier: false,
                addresses: vec!["10.0.1.4/24".into()],
            }],
            way: Way { kind: WayKind::Leaves, interface, gateway, source: Some("10.0.1.4".into()), loopback: false },
            unread: None,
        }
    }
}

impl LocalTable {
    /// As the kernel would tell it.
    pub fn network(&self) -> LocalNetwork {
        LocalNetwork { way: self.way.clone(), interfaces: self.interfaces.clone(), routes: self.routes.clone() }
    }
}
