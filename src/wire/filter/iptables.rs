//! Reads what `iptables-save` prints. Reading only; nothing is run here.

use super::packet::{End, Packet, Side};
use super::{Base, Filter, Fits, Hook, Rule, Verdict};

/// When each table sees a packet that leaves (linux/netfilter_ipv4.h).
const TABLES: [(&str, i64); 5] = [("raw", -300), ("mangle", -150), ("nat", -100), ("filter", 0), ("security", 50)];

/// Targets that let the packet go on as it is (iptables-extensions(8)).
const PASSING: [&str; 18] = [
    "AUDIT",
    "CHECKSUM",
    "CLASSIFY",
    "CONNSECMARK",
    "DSCP",
    "ECN",
    "IDLETIMER",
    "LED",
    "LOG",
    "MASQUERADE",
    "NFLOG",
    "RATEEST",
    "SECMARK",
    "SET",
    "TCPMSS",
    "TEE",
    "TOS",
    "TRACE",
];

/// Reads the tables. What is not understood is skipped, so that a strange line hides nothing else.
pub fn read(text: &str, packet: &Packet) -> Filter {
    let mut filter = Filter::default();
    let mut table: Option<(String, i64)> = None;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('*') {
            let known = TABLES.iter().find(|(known, _)| *known == name.trim());
            table = known.map(|(name, priority)| (format!("ip {name}"), *priority));
            continue;
        }
        let Some((table, priority)) = &table else { continue };
        if let Some(chain) = line.strip_prefix(':') {
            let mut words = chain.split_whitespace();
            let (name, policy) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            let hook = match (name, packet.answer) {
                // Only the first packet of a connection is translated.
                (_, true) if table == "ip nat" => None,
                ("OUTPUT", false) => Some(Hook::Output),
                ("POSTROUTING", false) => Some(Hook::Postrouting),
                ("PREROUTING", true) => Some(Hook::Prerouting),
                ("INPUT", true) => Some(Hook::Input),
                _ => None,
            };
            let (drops, reroutes) = (policy == "DROP", table == "ip mangle" && name == "OUTPUT");
            filter.chain(table, name).base = hook.map(|hook| Base { hook, priority: *priority, drops, reroutes });
        } else if line.starts_with("-A ")
            && let Some((chain, rule)) = rule(line, packet)
        {
            filter.push(table, &chain, rule);
        }
    }
    filter
}

/// One `-A CHAIN …`.
fn rule(line: &str, packet: &Packet) -> Option<(String, Rule)> {
    let words = shlex::split(line)?;
    let mut words = words.iter().map(String::as_str).skip(1).peekable();
    let chain = words.next()?.to_owned();
    let mut rule = Rule { text: line.to_owned(), ..Rule::default() };
    let (mut target, mut negated) = (None, false);
    while let Some(word) = words.next() {
        if word == "!" {
            negated = true;
            continue;
        }
        let mut values = Vec::new();
        while let Some(value) = words.next_if(|next| !next.starts_with('-') && *next != "!") {
            values.push(value);
        }
        let value = values.first().copied().unwrap_or_default();
        match (word, target) {
            ("-j", _) => target = Some(value),
            ("-g", _) => rule.verdict = Verdict::Goto(value.to_owned()),
            ("--to-destination" | "--to-ports" | "--to-port", Some(_)) => {
                rule.verdict = Verdict::Redirect(value.to_owned());
            }
            ("--to-source", Some("SNAT")) => rule.changes = !packet.is_own(value),
            // What else a target is told does not matter.
            (_, Some(_)) => {}
            _ => {
                let (fits, specific) = condition(packet, word, value);
                rule.specific |= specific && !negated;
                rule.fits = rule.fits.and(fits.negated(negated));
            }
        }
        negated = false;
    }
    rule.verdict = match (target, rule.verdict) {
        (Some("DNAT" | "REDIRECT"), told @ Verdict::Redirect(_)) => told,
        (Some("REDIRECT" | "DNAT"), _) => Verdict::Redirect(super::packet::PORT.to_string()),
        (Some("ACCEPT"), _) => Verdict::Accept,
        (Some("DROP"), _) => Verdict::Drop,
        (Some("REJECT"), _) => Verdict::Reject,
        (Some("RETURN"), _) => Verdict::Return,
        (Some("QUEUE" | "NFQUEUE" | "SYNPROXY"), _) => Verdict::Unclear,
        // Its address was compared above.
        (Some("SNAT"), _) => Verdict::Continue,
        (Some("NOTRACK" | "NETMAP"), _) => {
            rule.changes = true;
            Verdict::Continue
        }
        (Some("CT"), _) => {
            rule.changes = line.contains("--notrack");
            Verdict::Continue
        }
        (Some("MARK" | "CONNMARK"), _) => {
            rule.marks = true;
            Verdict::Continue
        }
        (Some(name), _) if PASSING.contains(&name) => Verdict::Continue,
        // A chain of that name is followed.
        (Some(name), _) => Verdict::Jump(name.to_owned()),
        (None, told @ Verdict::Goto(_)) => told,
        (None, _) => Verdict::Continue,
    };
    Some((chain, rule))
}

/// Does the packet meet one condition? And does that condition name the address?
fn condition(packet: &Packet, word: &str, value: &str) -> (Fits, bool) {
    let fits = match word {
        "-d" | "--destination" => return packet.address(End::Destination, value),
        "-s" | "--source" => return packet.address(End::Source, value),
        "-p" | "--protocol" => Fits::of(matches!(value, "tcp" | "6" | "all")),
        "--dport" | "--dports" | "--destination-port" => packet.port(End::Destination, value),
        "--sport" | "--sports" | "--source-port" => packet.port(End::Source, value),
        "-m" | "--match" | "--comment" => Fits::Yes,
        "-o" => packet.passes(Side::Out, value),
        "-i" => packet.passes(Side::In, value),
        // Only root reads the rules, and the connection is of the same process.
        "--uid-owner" if !packet.answer => value.parse::<u32>().map_or(Fits::Maybe, |uid| Fits::of(uid == 0)),
        "--ctstate" | "--state" => Fits::of(value.split(',').any(|state| state.eq_ignore_ascii_case(packet.state()))),
        // That an address is the machine's own is told by its routes, and comes first there.
        "--dst-type" if value == "LOCAL" => Fits::of(packet.answer),
        _ => Fits::Maybe,
    };
    (fits, false)
}
