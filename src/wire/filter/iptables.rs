//! Reads what `iptables-save` prints. Reading only; nothing is run here.

use super::{Base, Filter, Fits, Hook, Rule, Verdict, address, port};

/// When each table sees a packet that leaves (linux/netfilter_ipv4.h).
const TABLES: [(&str, i64); 5] = [("raw", -300), ("mangle", -150), ("nat", -100), ("filter", 0), ("security", 50)];

/// Reads the tables. What is not understood is skipped, so that a strange line hides nothing else.
pub fn read(text: &str) -> Filter {
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
            let hook = match name {
                "OUTPUT" => Some(Hook::Output),
                "POSTROUTING" => Some(Hook::Postrouting),
                _ => None,
            };
            filter.chain(table, name).base =
                hook.map(|hook| Base { hook, priority: *priority, drops: policy == "DROP" });
        } else if line.starts_with("-A ")
            && let Some((chain, rule)) = rule(line)
        {
            filter.push(table, &chain, rule);
        }
    }
    filter
}

/// One `-A CHAIN …`.
fn rule(line: &str) -> Option<(String, Rule)> {
    let words = shlex::split(line)?;
    let mut words = words.iter().map(String::as_str).skip(1).peekable();
    let chain = words.next()?.to_owned();
    let mut rule = Rule { text: line.to_owned(), fits: Fits::Yes, specific: false, verdict: Verdict::Continue };
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
            // What else a target is told does not matter.
            (_, Some(_)) => {}
            _ => {
                let (fits, specific) = condition(word, value);
                rule.specific |= specific && !negated;
                rule.fits = rule.fits.and(fits.negated(negated));
            }
        }
        negated = false;
    }
    rule.verdict = match (target, rule.verdict) {
        (Some("DNAT" | "REDIRECT"), told @ Verdict::Redirect(_)) => told,
        (Some("REDIRECT" | "DNAT"), _) => Verdict::Redirect(super::PORT.to_string()),
        (Some("ACCEPT"), _) => Verdict::Accept,
        (Some("DROP"), _) => Verdict::Drop,
        (Some("REJECT"), _) => Verdict::Reject,
        (Some("RETURN"), _) => Verdict::Return,
        (Some("QUEUE" | "NFQUEUE" | "SYNPROXY"), _) => Verdict::Unclear,
        // All others in capitals that come with the kernel let the packet go on. A chain of that name is followed.
        (Some(name), _) => Verdict::Jump(name.to_owned()),
        (None, told @ Verdict::Goto(_)) => told,
        (None, _) => Verdict::Continue,
    };
    Some((chain, rule))
}

/// Does the packet meet one condition? And does that condition name the address?
fn condition(word: &str, value: &str) -> (Fits, bool) {
    let fits = match word {
        "-d" | "--destination" => return address(value),
        // Its source is not known here, but it is none of loopback's.
        "-s" | "--source" if value.starts_with("127.") => Fits::No,
        "-p" | "--protocol" => Fits::of(matches!(value, "tcp" | "6" | "all")),
        "--dport" | "--dports" | "--destination-port" => port(value),
        "-m" | "--match" | "--comment" => Fits::Yes,
        "-o" if value == "lo" => Fits::No,
        // Only root reads the rules, and the connection is of the same process.
        "--uid-owner" => value.parse::<u32>().map_or(Fits::Maybe, |uid| Fits::of(uid == 0)),
        "--ctstate" | "--state" => Fits::of(value.split(',').any(|state| state == "NEW")),
        // That an address is the machine's own is told by its routes, and comes first there.
        "--dst-type" if value == "LOCAL" => Fits::No,
        _ => Fits::Maybe,
    };
    (fits, false)
}
