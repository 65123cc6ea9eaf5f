//! Values of nftables expressions, compared with the packet. Comparing only; sets with names are looked up elsewhere.

use serde_json::Value;

use super::Fits;
use super::packet::{End, Packet};

/// Is one of these the wanted one? `right` is a value, a list or a set of values.
pub(super) fn holds(right: &Value, wanted: &dyn Fn(&str) -> bool) -> Fits {
    match right {
        Value::String(text) => Fits::of(wanted(text)),
        Value::Number(number) => Fits::of(wanted(&number.to_string())),
        Value::Array(all) => all.iter().map(|one| holds(one, wanted)).fold(Fits::No, Fits::or),
        Value::Object(_) if right.get("set").is_some() => holds(&right["set"], wanted),
        Value::Object(_) if right.get("elem").is_some() => holds(&right["elem"]["val"], wanted),
        _ => Fits::Maybe,
    }
}

/// Do these hold the packet's address? And do they name it?
pub(super) fn holds_address(packet: &Packet, end: End, right: &Value) -> (Fits, bool) {
    let parsed = |value: &Value| value.as_str().and_then(|text| text.parse().ok());
    match right {
        Value::String(text) => packet.address(end, text),
        Value::Array(all) => all
            .iter()
            .map(|one| holds_address(packet, end, one))
            .fold((Fits::No, false), |sum, one| (sum.0.or(one.0), sum.1 || one.1)),
        Value::Object(object) => match object.iter().next().map(|(kind, body)| (kind.as_str(), body)) {
            Some(("set", one)) => holds_address(packet, end, one),
            Some(("elem", body)) => holds_address(packet, end, &body["val"]),
            Some(("prefix", body)) => match (parsed(&body["addr"]), body["len"].as_u64()) {
                (Some(base), Some(length @ 0..=32)) => packet.network(end, base, u32::try_from(length).unwrap_or(32)),
                _ => (Fits::Maybe, false),
            },
            Some(("range", body)) => match (parsed(&body[0]), parsed(&body[1])) {
                (Some(from), Some(to)) => packet.between(end, from, to),
                _ => (Fits::Maybe, false),
            },
            _ => (Fits::Maybe, false),
        },
        _ => (Fits::Maybe, false),
    }
}

/// Do these hold the packet's port?
pub(super) fn holds_port(packet: &Packet, end: End, right: &Value) -> Fits {
    match right {
        Value::Number(number) => number.as_u64().map_or(Fits::Maybe, |port| packet.ports(end, port, port)),
        Value::String(text) => packet.port(end, text),
        Value::Array(all) => all.iter().map(|one| holds_port(packet, end, one)).fold(Fits::No, Fits::or),
        Value::Object(object) => match object.iter().next().map(|(kind, body)| (kind.as_str(), body)) {
            Some(("set", all)) => holds_port(packet, end, all),
            Some(("elem", body)) => holds_port(packet, end, &body["val"]),
            Some(("range", body)) => match (body[0].as_u64(), body[1].as_u64()) {
                (Some(from), Some(to)) => packet.ports(end, from, to),
                _ => Fits::Maybe,
            },
            _ => Fits::Maybe,
        },
        _ => Fits::Maybe,
    }
}
