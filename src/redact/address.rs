//! Addresses of machines: which of them say something about somebody, and what stands for those.
//!
//! Those that mean the same on every machine stay: loopback, link-local, Azure's own two, networks by name of an RFC.

use core::net::{Ipv4Addr, Ipv6Addr};

use super::names::{Kind, Names};

/// A range that addresses are replaced within, so that private ones stay private.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// 10.0.0.0/8.
    Ten,
    /// 172.16.0.0/12.
    OneSevenTwo,
    /// 192.168.0.0/16.
    OneNineTwo,
    /// 100.64.0.0/10: a carrier's.
    Carrier,
    /// Any other of version 4.
    Public,
    /// fc00::/7.
    Unique,
    /// fe80::/10.
    Link,
    /// Any other of version 6.
    Global,
}

impl Class {
    /// The n-th address that stands for one of this class: at the far end of private ranges, and in those that RFC 2544 and RFC
    /// 3849 keep for tests and documents.
    pub fn nth(self, n: usize) -> String {
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        let four = |base: [u8; 4]| Ipv4Addr::from(u32::from(Ipv4Addr::from(base)).saturating_add(n)).to_string();
        let six = |base: u16, next: u16| {
            let [high, low] = [(n >> 16) as u16, n as u16];
            Ipv6Addr::new(base, next, 0, 0, 0, 0, high, low).to_string()
        };
        match self {
            Self::Ten => four([10, 254, 0, 0]),
            Self::OneSevenTwo => four([172, 31, 128, 0]),
            Self::OneNineTwo => four([192, 168, 128, 0]),
            Self::Carrier => four([100, 127, 0, 0]),
            Self::Public => four([198, 18, 0, 0]),
            Self::Unique => six(0xfdff, 0),
            Self::Link => six(0xfe80, 0),
            Self::Global => six(0x2001, 0xdb8),
        }
    }
}

/// The range of an address that says something about somebody; none for those that stay. `network` is the length of the prefix
/// that stands behind it, if any.
fn class_of_four(address: Ipv4Addr, network: Option<u8>) -> Option<Class> {
    let [a, b, c, d] = address.octets();
    let private = matches!((a, b, c, d), (10, 0, 0, 0) | (172, 16, 0, 0) | (192, 168, 0, 0) | (100, 64, 0, 0));
    // The documented address of Azure's platform (wire server, DNS, health probes) is the same everywhere.
    let same_everywhere = matches!((a, b), (0 | 127 | 224..=255, _) | (169, 254)) || (a, b, c, d) == (168, 63, 129, 16);
    if same_everywhere || (private && network.is_some_and(|length| length <= 16)) {
        return None;
    }
    // A network as wide as this one says nothing, and whether it holds the metadata service's address counts.
    if network.is_some_and(|length| length < 8) {
        return None;
    }
    Some(match (a, b) {
        (10, _) => Class::Ten,
        (172, 16..=31) => Class::OneSevenTwo,
        (192, 168) => Class::OneNineTwo,
        (100, 64..=127) => Class::Carrier,
        _ => Class::Public,
    })
}

fn class_of_six(address: Ipv6Addr, network: Option<u8>) -> Option<Class> {
    let first = address.segments()[0];
    if address.is_loopback()
        || address.is_unspecified()
        || network.is_some_and(|length| length <= 10)
        || first >= 0xff00
    {
        return None;
    }
    Some(match first {
        0xfc00..=0xfdff => Class::Unique,
        0xfe80..=0xfebf => Class::Link,
        _ => Class::Global,
    })
}

/// What stands for an address, with or without the length of a prefix behind it; none when the text is no address.
pub fn replaced(text: &str, names: &mut Names) -> Option<String> {
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let network: Option<u8> = match length {
        Some(length) => Some(length.parse().ok()?),
        None => None,
    };
    let (class, key) = if let Ok(four) = address.parse::<Ipv4Addr>() {
        (class_of_four(four, network), format!("{:08x}", u32::from(four)))
    } else {
        let six = address.parse::<Ipv6Addr>().ok()?;
        (class_of_six(six, network), format!("{:032x}", u128::from(six)))
    };
    let Some(class) = class else { return Some(text.to_owned()) };
    let stands = names.keyed(Kind::Address(class), key, address);
    Some(length.map_or_else(|| stands.clone(), |length| format!("{stands}/{length}")))
}
