//! What the packet filter does to one packet: a new TCP connection of this machine, of root's, to 169.254.169.254:80.
//!
//! Pure: rules in, those that meet the packet out. Reading the two notations is `nft`'s and `iptables`' business. Only the way
//! out is followed (the output hook, then postrouting and egress), and that of the answer: what is forwarded for others, such as pods, takes another way and
//! explains nothing about this machine's own silence. What cannot be told from a rule alone is never taken for certain.

pub mod iptables;
pub mod nft;
mod packet;
mod values;
mod words;

pub use packet::Packet;

use std::collections::HashMap;

use crate::network::{Effect, FirewallRule};

/// At most so many rules are kept, and so much of each.
const RULES: usize = 20;
const RULE_LENGTH: usize = 200;
/// How deep jumps are followed; the kernel allows 16.
const DEPTH: usize = 16;
/// So many rules are looked at on the packet's way, however the chains lead to one another.
const STEPS: usize = 500_000;
/// So many places that could not be followed are named.
const PLACES: usize = 8;

/// Does the packet match?
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fits {
    /// It does.
    #[default]
    Yes,
    /// It does not.
    No,
    /// That hangs on what the rule alone does not tell.
    Maybe,
}

impl Fits {
    fn of(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Maybe,
        }
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::No, Self::No) => Self::No,
            _ => Self::Maybe,
        }
    }

    fn negated(self, negated: bool) -> Self {
        match self {
            Self::Yes if negated => Self::No,
            Self::No if negated => Self::Yes,
            same => same,
        }
    }
}

/// What a rule does with what it matches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Verdict {
    /// Nothing that matters, such as counting.
    #[default]
    Continue,
    Accept,
    Drop,
    Reject,
    Redirect(String),
    Jump(String),
    Goto(String),
    Return,
    /// Something that may end the packet's way.
    Unclear,
}

/// A rule that the packet may match; the others are not kept.
#[derive(Clone, Debug, Default)]
struct Rule {
    text: String,
    fits: Fits,
    /// Does it name the address or its network?
    specific: bool,
    verdict: Verdict,
    /// Does it set a mark, which a policy rule of the routes can go by?
    marks: bool,
    /// Does it make another packet of it, such as one with another source?
    changes: bool,
}

#[derive(Debug, Default)]
struct Chain {
    base: Option<Base>,
    rules: Vec<Rule>,
}

/// Where a chain begins to see packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Base {
    hook: Hook,
    priority: i64,
    /// Does it drop what no rule has decided?
    drops: bool,
    /// Is the packet's route looked up again when its mark has changed?
    reroutes: bool,
}

/// The places that a packet passes, in its order: on its way out, then those of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hook {
    Output,
    Postrouting,
    Egress,
    Ingress,
    Prerouting,
    Input,
}

/// What meets the packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// The rules that meet it, in the order in which it meets them, up to the first that decides for certain.
    pub rules: Vec<FirewallRule>,
    /// The chains with something that may keep the packet and could not be followed: `inet filter input`.
    pub unfollowed: Vec<String>,
}

/// The chains of a machine by table (`ip filter`) and name.
#[derive(Debug, Default)]
pub struct Filter {
    chains: HashMap<(String, String), Chain>,
    /// Are there rules that only `iptables-save` can tell in full?
    pub opaque: bool,
}

impl Filter {
    /// Takes all tables of the other, in the place of its own of the same name.
    pub fn replace_by(&mut self, other: Self) {
        let tables: std::collections::HashSet<&String> = other.chains.keys().map(|(table, _)| table).collect();
        self.chains.retain(|(table, _), _| !tables.contains(table));
        self.chains.extend(other.chains);
    }

    /// Takes the other's chains where it has none of that name; the others come beside them under another table's name.
    pub fn add(&mut self, other: Self) {
        for ((table, name), chain) in other.chains {
            let key = (format!("{table} (legacy)"), name);
            self.chains.insert(key, chain);
        }
    }

    fn chain(&mut self, table: &str, name: &str) -> &mut Chain {
        self.chains.entry((table.to_owned(), name.to_owned())).or_default()
    }

    fn push(&mut self, table: &str, name: &str, rule: Rule) {
        if rule.fits != Fits::No && (rule.verdict != Verdict::Continue || rule.marks || rule.changes) {
            self.chain(table, name).rules.push(rule);
        }
    }

    /// Follows the packet.
    pub fn judge(&self) -> Judged {
        let mut bases: Vec<(Base, &(String, String))> =
            self.chains.iter().filter_map(|(key, chain)| Some((chain.base?, key))).collect();
        bases.sort();
        let mut walk = Walk { filter: self, found: Vec::new(), unfollowed: Vec::new(), reroutes: false, steps: 0 };
        for (base, (table, name)) in bases {
            let mut pass = Pass::default();
            walk.reroutes = base.reroutes;
            match walk.chain(table, name, 0, &mut pass) {
                Flow::Stopped => break,
                Flow::Accepted => {}
                Flow::Through if base.drops => {
                    walk.keep(Effect::Drops, format!("{table} {name}"), "policy drop", pass.perhaps_accepted);
                    if !pass.perhaps_accepted {
                        break;
                    }
                }
                Flow::Through => {}
            }
        }
        Judged { rules: walk.found, unfollowed: walk.unfollowed }
    }
}

/// How the packet left a chain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// Nothing decided.
    Through,
    /// This base chain lets it pass.
    Accepted,
    /// It is dropped, refused or sent elsewhere for certain.
    Stopped,
}

/// What is known of the packet's way so far.
#[derive(Clone, Copy, Default)]
struct Pass {
    /// It is not certain that it came here.
    doubtful: bool,
    /// A jump on the way named the address.
    specific: bool,
    /// Something may have let it pass already.
    perhaps_accepted: bool,
}

struct Walk<'a> {
    filter: &'a Filter,
    found: Vec<FirewallRule>,
    unfollowed: Vec<String>,
    /// Does the base chain that it is in look the route up again?
    reroutes: bool,
    steps: usize,
}

impl Walk<'_> {
    fn chain(&mut self, table: &str, name: &str, depth: usize, pass: &mut Pass) -> Flow {
        let Some(chain) = self.filter.chains.get(&(table.to_owned(), name.to_owned())).filter(|_| depth <= DEPTH)
        else {
            // A target that is not known, or a maze.
            self.give_up(table, name);
            return Flow::Through;
        };
        for rule in &chain.rules {
            self.steps += 1;
            if self.steps > STEPS {
                self.give_up(table, name);
                pass.perhaps_accepted = true;
                return Flow::Through;
            }
            let doubtful = pass.doubtful || pass.perhaps_accepted || rule.fits == Fits::Maybe;
            let here = Pass { doubtful: pass.doubtful || rule.fits == Fits::Maybe, ..*pass };
            if rule.changes || (rule.marks && self.reroutes) {
                self.give_up(table, name);
            }
            let effect = match &rule.verdict {
                Verdict::Continue => continue,
                Verdict::Accept if here.doubtful => {
                    pass.perhaps_accepted = true;
                    continue;
                }
                Verdict::Accept => return Flow::Accepted,
                Verdict::Unclear => {
                    self.give_up(table, name);
                    pass.perhaps_accepted = true;
                    continue;
                }
                Verdict::Return if rule.fits == Fits::Yes => return Flow::Through,
                Verdict::Return => {
                    // From here on it may have left this chain.
                    pass.doubtful = true;
                    continue;
                }
                Verdict::Jump(to) | Verdict::Goto(to) => {
                    let mut inner = Pass { specific: pass.specific || rule.specific, ..here };
                    let flow = self.chain(table, to, depth + 1, &mut inner);
                    pass.perhaps_accepted |= inner.perhaps_accepted;
                    match flow {
                        Flow::Through if matches!(rule.verdict, Verdict::Goto(_)) && rule.fits == Fits::Yes => {
                            return Flow::Through;
                        }
                        Flow::Through => {
                            // It may have left by there.
                            pass.doubtful |= matches!(rule.verdict, Verdict::Goto(_));
                            continue;
                        }
                        decided => return decided,
                    }
                }
                Verdict::Drop => Effect::Drops,
                Verdict::Reject => Effect::Rejects,
                Verdict::Redirect(to) => Effect::Redirects(to.clone()),
            };
            // A rule about everything that may or may not apply says nothing about this address.
            if !doubtful || rule.specific || pass.specific {
                self.keep(effect, format!("{table} {name}"), &rule.text, doubtful);
            } else {
                self.give_up(table, name);
            }
            if !doubtful {
                return Flow::Stopped;
            }
        }
        Flow::Through
    }

    /// Something in this chain may keep the packet, and that cannot be told.
    fn give_up(&mut self, table: &str, name: &str) {
        let place = short(&format!("{table} {name}"));
        if self.unfollowed.len() < PLACES && !self.unfollowed.contains(&place) {
            self.unfollowed.push(place);
        }
    }

    fn keep(&mut self, effect: Effect, chain: String, text: &str, conditional: bool) {
        if self.found.len() < RULES {
            self.found.push(FirewallRule { effect, chain: short(&chain), rule: short(text), conditional });
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(RULE_LENGTH).collect()
}

fn number(text: &str, empty: u16) -> Option<u16> {
    match text.trim() {
        "" => Some(empty),
        "http" => Some(packet::PORT),
        text => text.parse().ok(),
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
