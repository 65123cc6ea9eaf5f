//! Reads what `nft -j list ruleset` prints (libnftables-json(5)). Reading only; nothing is run here.

use std::collections::HashMap;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{Base, Filter, Fits, Hook, Rule, Verdict, address, network, port};

/// Reads the ruleset, object by object: large ones are never held as a whole.
///
/// # Errors
/// The parser's words when it is not JSON, or not of that shape.
pub fn read(text: &str) -> Result<Filter, String> {
    let mut reader = Reader::default();
    let mut parser = serde_json::Deserializer::from_str(text);
    (&mut parser).deserialize_map(Outer(&mut reader)).map_err(|error| error.to_string())?;
    Ok(reader.filter)
}

#[derive(Default)]
struct Reader {
    filter: Filter,
    /// Named sets by table and name: what they say to the address and to the port.
    sets: HashMap<(String, String), (Fits, bool)>,
    /// Tables that are switched off.
    dormant: Vec<String>,
}

struct Outer<'a>(&'a mut Reader);

impl<'de> Visitor<'de> for Outer<'_> {
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

struct Objects<'a>(&'a mut Reader);

impl<'de> DeserializeSeed<'de> for Objects<'_> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Objects<'_> {
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

impl Reader {
    fn object(&mut self, object: &Value) {
        let Some((kind, body)) = object.as_object().and_then(|object| object.iter().next()) else { return };
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        // A packet of IPv4 sees the tables of these two families alone on its way out.
        let family = text("family");
        if !matches!(family, "ip" | "inet") {
            return;
        }
        let table = format!("{family} {}", if kind == "table" { text("name") } else { text("table") });
        match kind.as_str() {
            "table" if body["flags"].to_string().contains("dormant") => self.dormant.push(table),
            "chain" => {
                let hook = match text("hook") {
                    _ if self.dormant.contains(&table) => None,
                    "output" => Some(Hook::Output),
                    "postrouting" => Some(Hook::Postrouting),
                    _ => None,
                };
                let priority = body["prio"].as_i64().unwrap_or_default();
                let drops = text("policy") == "drop";
                self.filter.chain(&table, text("name")).base = hook.map(|hook| Base { hook, priority, drops });
            }
            "set" => {
                // Which of the two it holds its type tells; a set of anything else is never asked for either.
                let elements = body.get("elem").cloned().unwrap_or(Value::Array(Vec::new()));
                let dynamic = body["flags"].to_string().contains("dynamic");
                let (fits, specific) = match body["type"].as_str() {
                    Some("ipv4_addr") => holds_address(&elements),
                    Some("inet_service") => (holds_port(&elements), false),
                    _ => (Fits::Maybe, false),
                };
                let fits = if dynamic && fits == Fits::No { Fits::Maybe } else { fits };
                self.sets.insert((table, text("name").to_owned()), (fits, specific));
            }
            "rule" => {
                let empty = Vec::new();
                let rule = self.rule(&table, body["expr"].as_array().unwrap_or(&empty));
                self.filter.push(&table, text("chain"), rule);
            }
            _ => {}
        }
    }

    fn rule(&mut self, table: &str, expressions: &[Value]) -> Rule {
        let mut rule = Rule { text: String::new(), fits: Fits::Yes, specific: false, verdict: Verdict::Continue };
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
                "dnat" | "redirect" | "tproxy" => rule.verdict = Verdict::Redirect(destination(body)),
                "queue" | "synproxy" => rule.verdict = Verdict::Unclear,
                "vmap" => rule.verdict = verdict_of_map(body),
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
                        (
                            Some("target"),
                            Some("LOG" | "MARK" | "CONNMARK" | "TCPMSS" | "CT" | "MASQUERADE" | "SNAT"),
                        ) => {}
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
        let (left, right) = (&body["left"], &body["right"]);
        let field = left["payload"]["field"].as_str().unwrap_or_default();
        let protocol = left["payload"]["protocol"].as_str().unwrap_or_default();
        let named = |right: &Value| {
            let set = right.as_str()?.strip_prefix('@')?;
            Some(self.sets.get(&(table.to_owned(), set.to_owned())).copied().unwrap_or((Fits::Maybe, false)))
        };
        let is = |wanted: &[&str]| holds(right, &|one| wanted.contains(&one));
        let (fits, specific) = match (protocol, field) {
            ("ip", "daddr") => named(right).unwrap_or_else(|| holds_address(right)),
            // Its source is not known here, but it is none of loopback's.
            ("ip", "saddr") => {
                let own = right.as_str().or_else(|| right["prefix"]["addr"].as_str()).unwrap_or_default();
                (if own.starts_with("127.") { Fits::No } else { Fits::Maybe }, false)
            }
            ("ip", "protocol") => (is(&["tcp", "6"]), false),
            ("tcp" | "th", "dport") => (named(right).map_or_else(|| holds_port(right), |(fits, _)| fits), false),
            ("udp" | "udplite" | "icmp" | "icmpv6" | "ip6" | "sctp" | "dccp" | "arp", _) => return (Fits::No, false),
            ("", _) => (self.other(left, right, &is), false),
            _ => (Fits::Maybe, false),
        };
        (fits.negated(negated), specific && !negated)
    }

    /// A condition about something else than the packet's own bytes.
    fn other(&self, left: &Value, right: &Value, is: &dyn Fn(&[&str]) -> Fits) -> Fits {
        let loopback = || match right.as_str() {
            Some("lo") => Fits::No,
            _ => Fits::Maybe,
        };
        match (left["meta"]["key"].as_str(), left["ct"]["key"].as_str(), left["fib"]["result"].as_str()) {
            (Some("l4proto"), ..) => is(&["tcp", "6"]),
            (Some("nfproto"), ..) => is(&["ipv4", "2"]),
            (Some("oif" | "oifname"), ..) => loopback(),
            // Only root reads the rules, and the connection is of the same process.
            (Some("skuid"), ..) => is(&["0", "root"]),
            (_, Some("state"), _) => is(&["new"]),
            // That an address is the machine's own is told by its routes, and comes first there.
            (.., Some("type")) if right == "local" => Fits::No,
            _ => Fits::Maybe,
        }
    }
}

/// Where a `dnat` or a `redirect` leads.
fn destination(body: &Value) -> String {
    let port = match &body["port"] {
        Value::Number(port) => port.to_string(),
        _ => String::new(),
    };
    match (body["addr"].as_str(), port.as_str()) {
        (None, "") if body["addr"].is_null() => super::PORT.to_string(),
        (None, "") => "an address that a map tells".into(),
        (None, port) => port.to_owned(),
        (Some(address), "") => address.to_owned(),
        (Some(address), port) => format!("{address}:{port}"),
    }
}

/// What a map of verdicts says to the packet: only those by port or address are looked at.
fn verdict_of_map(body: &Value) -> Verdict {
    let key = &body["key"]["payload"];
    let entries = body["data"]["set"].as_array();
    let (Some(entries), Some(field)) = (entries, key["field"].as_str()) else { return Verdict::Unclear };
    for entry in entries {
        let fits = match (key["protocol"].as_str(), field) {
            (Some("tcp" | "th"), "dport") => holds_port(&entry[0]),
            (Some("ip"), "daddr") => holds_address(&entry[0]).0,
            _ => return Verdict::Unclear,
        };
        let verdict = entry[1].as_object().and_then(|verdict| verdict.iter().next());
        match (fits, verdict.map(|(name, body)| (name.as_str(), body))) {
            (Fits::No, _) => {}
            (Fits::Yes, Some(("drop", _))) => return Verdict::Drop,
            (Fits::Yes, Some(("accept", _))) => return Verdict::Accept,
            (Fits::Yes, Some(("return", _))) => return Verdict::Return,
            (Fits::Yes, Some(("jump", to))) => return Verdict::Jump(to["target"].as_str().unwrap_or_default().into()),
            (Fits::Yes, Some(("goto", to))) => return Verdict::Goto(to["target"].as_str().unwrap_or_default().into()),
            _ => return Verdict::Unclear,
        }
    }
    Verdict::Continue
}

/// Is one of these the wanted one? `right` is a value, a list or a set of values.
fn holds(right: &Value, wanted: &dyn Fn(&str) -> bool) -> Fits {
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
fn holds_address(right: &Value) -> (Fits, bool) {
    let fold = |all: &[Value]| {
        all.iter().map(holds_address).fold((Fits::No, false), |sum, one| (sum.0.or(one.0), sum.1 || one.1))
    };
    match right {
        Value::String(text) => address(text),
        Value::Array(all) => fold(all),
        Value::Object(object) => match object.iter().next().map(|(kind, body)| (kind.as_str(), body)) {
            Some(("set", Value::Array(all))) => fold(all),
            Some(("set", one)) => holds_address(one),
            Some(("elem", body)) => holds_address(&body["val"]),
            Some(("prefix", body)) => {
                match (body["addr"].as_str().and_then(|addr| addr.parse().ok()), body["len"].as_u64()) {
                    (Some(base), Some(length @ 0..=32)) => network(base, u32::try_from(length).unwrap_or(32)),
                    _ => (Fits::Maybe, false),
                }
            }
            Some(("range", body)) => {
                let end = |index: usize| body[index].as_str().and_then(|text| text.parse::<std::net::Ipv4Addr>().ok());
                match (end(0), end(1)) {
                    // A range that is no larger than a class A network names its addresses.
                    (Some(from), Some(to)) => {
                        let holds = (from..=to).contains(&super::TARGET);
                        (Fits::of(holds), holds && u32::from(to).saturating_sub(u32::from(from)) < 1 << 24)
                    }
                    _ => (Fits::Maybe, false),
                }
            }
            _ => (Fits::Maybe, false),
        },
        _ => (Fits::Maybe, false),
    }
}

/// Do these hold the packet's port?
fn holds_port(right: &Value) -> Fits {
    match right {
        Value::Number(number) => Fits::of(number.as_u64() == Some(u64::from(super::PORT))),
        Value::String(text) => port(text),
        Value::Array(all) => all.iter().map(holds_port).fold(Fits::No, Fits::or),
        Value::Object(object) => match object.iter().next().map(|(kind, body)| (kind.as_str(), body)) {
            Some(("set", all)) => holds_port(all),
            Some(("elem", body)) => holds_port(&body["val"]),
            Some(("range", body)) => match (body[0].as_u64(), body[1].as_u64()) {
                (Some(from), Some(to)) => Fits::of((from..=to).contains(&u64::from(super::PORT))),
                _ => Fits::Maybe,
            },
            _ => Fits::Maybe,
        },
        _ => Fits::Maybe,
    }
}

/// An expression much as `nft` itself would print it; counters and the like are left out.
fn words(expression: &Value) -> String {
    let Some((kind, body)) = expression.as_object().and_then(|one| one.iter().next()) else { return String::new() };
    match kind.as_str() {
        "counter" | "log" => String::new(),
        "match" => {
            let operator = match body["op"].as_str() {
                Some("!=") => "!= ",
                _ => "",
            };
            format!("{} {operator}{}", operand(&body["left"]), operand(&body["right"]))
        }
        "jump" | "goto" => format!("{kind} {}", body["target"].as_str().unwrap_or_default()),
        "dnat" | "tproxy" => format!("{kind} to {}", destination(body)),
        "redirect" => format!("redirect to :{}", destination(body)),
        "reject" => "reject".into(),
        "xt" => {
            format!("xt {} {}", body["type"].as_str().unwrap_or_default(), body["name"].as_str().unwrap_or_default())
        }
        _ if body.is_null() => kind.clone(),
        _ => format!("{kind} {}", operand(body)),
    }
}

fn operand(value: &Value) -> String {
    let list = |all: &[Value]| all.iter().take(8).map(operand).collect::<Vec<_>>().join(", ");
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => list(all),
        Value::Object(object) => match object.iter().next().map(|(kind, body)| (kind.as_str(), body)) {
            Some(("payload", body)) => {
                format!("{} {}", operand(&body["protocol"]), operand(&body["field"]))
            }
            Some(("meta" | "ct", body)) if body["key"].is_string() => {
                format!("{} {}", if object.contains_key("ct") { "ct" } else { "meta" }, operand(&body["key"]))
            }
            Some(("prefix", body)) => format!("{}/{}", operand(&body["addr"]), operand(&body["len"])),
            Some(("set", body)) => format!("{{ {} }}", operand(body)),
            _ => super::short(&value.to_string()),
        },
        other => other.to_string(),
    }
}
