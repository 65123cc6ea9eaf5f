//! Reads what `nft -j list ruleset` prints (libnftables-json(5)). Reading only; nothing is run here.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::packet::{End, Packet, Side};
use super::values::{holds, holds_address, holds_port};
use super::words::words;
use super::{Base, Filter, Fits, Hook, Rule, Verdict};

/// So many elements of named sets are looked at, however many rules name them.
const ELEMENTS: usize = 5_000_000;

/// Reads what the ruleset does to the packet, object by object: large ones are never held as a whole.
///
/// # Errors
/// The parser's words when it is not JSON, or not of that shape.
pub fn read(text: &str, packet: &Packet) -> Result<Filter, String> {
    let mut reader =
        Reader { filter: Filter::default(), packet, sets: HashMap::new(), dormant: Vec::new(), looked: Cell::new(0) };
    let mut parser = serde_json::Deserializer::from_str(text);
    (&mut parser).deserialize_map(Outer(&mut reader)).map_err(|error| error.to_string())?;
    Ok(reader.filter)
}

struct Reader<'p> {
    filter: Filter,
    packet: &'p Packet,
    /// Named sets and maps by table and name: their elements, and whether packets change them.
    sets: HashMap<(String, String), (Value, bool)>,
    /// Tables that are switched off.
    dormant: Vec<String>,
    /// Elements of named sets that were looked at.
    looked: Cell<usize>,
}

struct Outer<'a, 'p>(&'a mut Reader<'p>);

impl<'de> Visitor<'de> for Outer<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an nftables ruleset")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if key == "nftables" {
                map.next_value_seed(Objects(self.0))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

struct Objects<'a, 'p>(&'a mut Reader<'p>);

impl<'de> DeserializeSeed<'de> for Objects<'_, '_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Objects<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list of nftables objects")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<(), S::Error> {
        while let Some(object) = seq.next_element::<Value>()? {
            self.0.object(&object);
        }
        Ok(())
    }
}

impl Reader<'_> {
    fn object(&mut self, object: &Value) {
        let Some((kind, body)) = object.as_object().and_then(|object| object.iter().next()) else { return };
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        // The tables that a packet of IPv4 sees.
        let family = text("family");
        if !matches!(family, "ip" | "inet" | "netdev") {
            return;
        }
        let table = format!("{family} {}", if kind == "table" { text("name") } else { text("table") });
        match kind.as_str() {
            "table" if body["flags"].to_string().contains("dormant") => self.dormant.push(table),
            "chain" => {
                let hook = match (text("hook"), self.packet.answer) {
                    _ if self.dormant.contains(&table) => None,
                    // Only the first packet of a connection is translated.
                    (_, true) if text("type") == "nat" => None,
                    ("output", false) => Some(Hook::Output),
                    ("postrouting", false) => Some(Hook::Postrouting),
                    ("egress", false) => Some(Hook::Egress).filter(|_| self.at(Side::Out, &body["dev"])),
                    ("ingress", true) => Some(Hook::Ingress).filter(|_| self.at(Side::In, &body["dev"])),
                    ("prerouting", true) => Some(Hook::Prerouting),
                    ("input", true) => Some(Hook::Input),
                    _ => None,
                };
                let priority = body["prio"].as_i64().unwrap_or_default();
                let (drops, reroutes) = (text("policy") == "drop", text("type") == "route");
                self.filter.chain(&table, text("name")).base =
                    hook.map(|hook| Base { hook, priority, drops, reroutes });
            }
            "set" | "map" => {
                let elements = body.get("elem").cloned().unwrap_or(Value::Array(Vec::new()));
                let dynamic = body["flags"].to_string().contains("dynamic");
                self.sets.insert((table, text("name").to_owned()), (elements, dynamic));
            }
            "rule" => {
                let empty = Vec::new();
                let rule = self.rule(&table, body["expr"].as_array().unwrap_or(&empty));
                self.filter.push(&table, text("chain"), rule);
            }
            _ => {}
        }
    }

    /// Does the packet pass one of these interfaces?
    fn at(&self, side: Side, devices: &Value) -> bool {
        holds(devices, &|name| self.packet.passes(side, name) != Fits::No) != Fits::No
    }

    fn rule(&mut self, table: &str, expressions: &[Value]) -> Rule {
        let mut rule = Rule::default();
        let mut opaque = false;
        for expression in expressions {
            let Some((kind, body)) = expression.as_object().and_then(|one| one.iter().next()) else { continue };
            let target = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
            match kind.as_str() {
                "match" => {
                    let (fits, specific) = self.condition(table, body);
                    rule.fits = rule.fits.and(fits);
                    rule.specific |= specific;
                }
                "accept" => rule.verdict = Verdict::Accept,
                "drop" => rule.verdict = Verdict::Drop,
                "reject" => rule.verdict = Verdict::Reject,
                "return" => rule.verdict = Verdict::Return,
                "jump" => rule.verdict = Verdict::Jump(target("target")),
                "goto" => rule.verdict = Verdict::Goto(target("target")),
                "dnat" | "redirect" | "tproxy" => {
                    let (fits, to) = self.translated(table, body);
                    rule.fits = rule.fits.and(fits);
                    rule.verdict = Verdict::Redirect(to);
                }
                "queue" | "synproxy" => rule.verdict = Verdict::Unclear,
                "snat" => rule.changes |= !body["addr"].as_str().is_some_and(|to| self.packet.is_own(to)),
                "mangle" if body["key"]["meta"]["key"] == "mark" => rule.marks = true,
                "mangle" => rule.changes |= body["key"].get("payload").is_some(),
                "notrack" | "fwd" => rule.changes = true,
                "vmap" => {
                    let (verdict, specific) = self.verdict_of_map(table, body);
                    rule.verdict = verdict;
                    rule.specific |= specific;
                }
                "xt" => {
                    // A match or a target of iptables that this notation does not tell.
                    let comment = body["type"] == "match" && body["name"] == "comment";
                    opaque |= !comment;
                    match (body["type"].as_str(), body["name"].as_str()) {
                        _ if comment => {}
                        (Some("target"), Some("REJECT")) => rule.verdict = Verdict::Reject,
                        (Some("target"), Some("DNAT" | "REDIRECT")) => {
                            rule.verdict = Verdict::Redirect("an address that nft does not tell".into());
                        }
                        (Some("target"), Some("MARK" | "CONNMARK")) => rule.marks = true,
                        (Some("target"), Some("SNAT" | "CT" | "NOTRACK")) => rule.changes = true,
                        (Some("target"), Some("LOG" | "NFLOG" | "TCPMSS" | "MASQUERADE")) => {}
                        (Some("target"), _) => rule.verdict = Verdict::Unclear,
                        _ => rule.fits = rule.fits.and(Fits::Maybe),
                    }
                }
                "limit" | "quota" | "meter" => rule.fits = rule.fits.and(Fits::Maybe),
                _ => {}
            }
        }
        if rule.fits != Fits::No {
            self.filter.opaque |= opaque;
            let words: Vec<String> = expressions.iter().map(words).filter(|words| !words.is_empty()).collect();
            rule.text = words.join(" ");
        }
        rule
    }

    /// Does the packet meet one `match`? And does it name the address?
    fn condition(&self, table: &str, body: &Value) -> (Fits, bool) {
        let negated = match body["op"].as_str() {
            Some("==" | "in") => false,
            Some("!=") => true,
            _ => return (Fits::Maybe, false),
        };
        let (fits, specific) = self.meets(table, &body["left"], &body["right"]);
        (fits.negated(negated), specific && !negated)
    }

    /// The elements of a named set or map (`@name`), and whether packets change them.
    fn named(&self, table: &str, name: &str) -> Option<&(Value, bool)> {
        let set = self.sets.get(&(table.to_owned(), name.strip_prefix('@')?.to_owned()))?;
        self.looked.set(self.looked.get() + set.0.as_array().map_or(1, Vec::len));
        Some(set).filter(|_| self.looked.get() <= ELEMENTS)
    }

    /// Is what `left` says of the packet among the values on the right?
    fn meets(&self, table: &str, left: &Value, right: &Value) -> (Fits, bool) {
        if let Some(name) = right.as_str().filter(|text| text.starts_with('@')) {
            let Some((elements, dynamic)) = self.named(table, name) else { return (Fits::Maybe, false) };
            let (fits, specific) = self.meets(table, left, elements);
            return (if *dynamic && fits == Fits::No { Fits::Maybe } else { fits }, specific);
        }
        if let Some(parts) = left["concat"].as_array() {
            return self.meets_all(table, parts, right);
        }
        let field = left["payload"]["field"].as_str().unwrap_or_default();
        let protocol = left["payload"]["protocol"].as_str().unwrap_or_default();
        let is = |wanted: &[&str]| holds(right, &|one| wanted.contains(&one));
        match (protocol, field) {
            ("ip", "daddr") => holds_address(self.packet, End::Destination, right),
            ("ip", "saddr") => holds_address(self.packet, End::Source, right),
            ("ip", "protocol") => (is(&["tcp", "6"]), false),
            ("tcp" | "th", "dport") => (holds_port(self.packet, End::Destination, right), false),
            ("tcp" | "th", "sport") => (holds_port(self.packet, End::Source, right), false),
            ("udp" | "udplite" | "icmp" | "icmpv6" | "ip6" | "sctp" | "dccp" | "arp", _) => (Fits::No, false),
            ("", _) => (self.other(left, right, &is), false),
            _ => (Fits::Maybe, false),
        }
    }

    /// Several things at once: `ip daddr . tcp dport { 169.254.169.254 . 80 }`.
    fn meets_all(&self, table: &str, parts: &[Value], right: &Value) -> (Fits, bool) {
        let fold = |all: &[Value]| {
            all.iter()
                .map(|one| self.meets_all(table, parts, one))
                .fold((Fits::No, false), |sum, one| (sum.0.or(one.0), sum.1 || (one.1 && one.0 != Fits::No)))
        };
        match right.as_object().and_then(|object| object.iter().next()).map(|(kind, body)| (kind.as_str(), body)) {
            None => right.as_array().map_or((Fits::Maybe, false), |all| fold(all)),
            Some(("set", body)) => self.meets_all(table, parts, body),
            Some(("elem", body)) => self.meets_all(table, parts, &body["val"]),
            Some(("concat", Value::Array(values))) if values.len() == parts.len() => parts
                .iter()
                .zip(values)
                .map(|(part, value)| self.meets(table, part, value))
                .fold((Fits::Yes, false), |sum, one| (sum.0.and(one.0), sum.1 || one.1)),
            _ => (Fits::Maybe, false),
        }
    }

    /// A condition about something else than the packet's own bytes.
    fn other(&self, left: &Value, right: &Value, is: &dyn Fn(&[&str]) -> Fits) -> Fits {
        let passes = |side: Side| {
            let open = self.packet.passes(side, "") == Fits::Maybe;
            match holds(right, &|name| self.packet.passes(side, name) != Fits::No) {
                Fits::Yes if open => Fits::Maybe,
                fits => fits,
            }
        };
        match (left["meta"]["key"].as_str(), left["ct"]["key"].as_str(), left["fib"]["result"].as_str()) {
            (Some("l4proto"), ..) => is(&["tcp", "6"]),
            (Some("nfproto"), ..) => is(&["ipv4", "2"]),
            (Some("protocol"), ..) => is(&["ip", "2048"]),
            (Some("oif" | "oifname"), ..) => passes(Side::Out),
            (Some("iif" | "iifname"), ..) => passes(Side::In),
            // Only root reads the rules, and the connection is of the same process.
            (Some("skuid"), ..) if !self.packet.answer => is(&["0", "root"]),
            (_, Some("state"), _) => is(&[self.packet.state()]),
            // That an address is the machine's own is told by its routes, and comes first there.
            (.., Some("type")) if right == "local" && !self.packet.answer => Fits::No,
            _ => Fits::Maybe,
        }
    }

    /// The element of a map that is for the packet, and whether its key names the address; `Err` where none is, or none is
    /// known to be.
    fn looked_up<'v>(&'v self, table: &str, map: &'v Value) -> Result<(&'v Value, bool), Fits> {
        let data = &map["data"];
        let (elements, dynamic) = match data.as_str() {
            Some(name) => self.named(table, name).map(|(elements, dynamic)| (elements, *dynamic)).ok_or(Fits::Maybe)?,
            None => (&data["set"], false),
        };
        let mut missed = Fits::of(false);
        for entry in elements.as_array().ok_or(Fits::Maybe)? {
            match self.meets(table, &map["key"], &entry[0]) {
                (Fits::Yes, specific) => return Ok((&entry[1], specific)),
                (fits, _) => missed = missed.or(fits),
            }
        }
        Err(if dynamic { Fits::Maybe } else { missed })
    }

    /// What a map of verdicts says to the packet.
    fn verdict_of_map(&self, table: &str, body: &Value) -> (Verdict, bool) {
        let (verdict, specific) = match self.looked_up(table, body) {
            Ok(found) => found,
            Err(Fits::No) => return (Verdict::Continue, false),
            Err(_) => return (Verdict::Unclear, false),
        };
        let target = |to: &Value| to["target"].as_str().unwrap_or_default().to_owned();
        let verdict = match verdict.as_object().and_then(|one| one.iter().next()) {
            Some((name, to)) => match name.as_str() {
                "drop" => Verdict::Drop,
                "accept" => Verdict::Accept,
                "return" => Verdict::Return,
                "continue" => Verdict::Continue,
                "jump" => Verdict::Jump(target(to)),
                "goto" => Verdict::Goto(target(to)),
                _ => Verdict::Unclear,
            },
            None => Verdict::Unclear,
        };
        (verdict, specific)
    }

    /// Where a translation leads; a map that holds nothing for the packet does not translate it.
    fn translated(&self, table: &str, body: &Value) -> (Fits, String) {
        let Some(map) = body["addr"].get("map").or_else(|| body["port"].get("map")) else {
            return (Fits::Yes, destination(body));
        };
        match self.looked_up(table, map) {
            Ok((Value::String(to), _)) => (Fits::Yes, to.clone()),
            Ok((Value::Number(to), _)) => (Fits::Yes, to.to_string()),
            Ok((to, _)) => match (to["concat"][0].as_str(), to["concat"][1].as_u64()) {
                (Some(address), Some(port)) => (Fits::Yes, format!("{address}:{port}")),
                _ => (Fits::Yes, destination(body)),
            },
            Err(fits) => (fits, destination(body)),
        }
    }
}

/// Where a `dnat` or a `redirect` leads.
pub(super) fn destination(body: &Value) -> String {
    let port = match &body["port"] {
        Value::Number(port) => port.to_string(),
        _ => String::new(),
    };
    match (body["addr"].as_str(), port.as_str()) {
        (None, "") if body["addr"].is_null() => super::packet::PORT.to_string(),
        (None, "") => "an address that a map tells".into(),
        (None, port) => port.to_owned(),
        (Some(address), "") => address.to_owned(),
        (Some(address), port) => format!("{address}:{port}"),
    }
}
