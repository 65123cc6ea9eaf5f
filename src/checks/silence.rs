//! Why the metadata service does not answer, as far as this machine tells: its routes, its packet filter, where it runs.
//!
//! Pure. The strongest reason alone is named; it "explains" the silence only where the evidence leaves no other, and otherwise
//! "may explain" it. What could not be read is said, with the right that reads it.

use crate::case::Case;
use crate::check::{Facts, Finding};
use crate::evidence::{Failure, Outcome, Request};
use crate::network::{Effect, FirewallRule, Interface, LocalNetwork, WayKind};

use super::surroundings::Surroundings;
use super::ways::by_way;

/// How the question ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// Nothing came back.
    Silence,
    /// The machine's own network did not let it out.
    Unroutable,
    /// The connection was refused.
    Refused,
    /// The connection was made, and no answer came over it.
    Unanswered,
    /// Somebody else answered.
    Stranger,
}

impl Ending {
    /// The ending that goes with a failure to connect or to answer.
    pub fn of(why: Failure) -> Self {
        match why {
            Failure::ConnectTimeout => Self::Silence,
            Failure::Unroutable => Self::Unroutable,
            Failure::Refused => Self::Refused,
            _ => Self::Unanswered,
        }
    }
}

/// A reason in words, with the facts that choose the steps which fit it.
pub(super) struct Reason {
    words: String,
    facts: Vec<(&'static str, String)>,
    /// Is it only possible?
    doubtful: bool,
}

impl Reason {
    pub fn certain(words: impl Into<String>) -> Self {
        Self { words: words.into(), facts: Vec::new(), doubtful: false }
    }

    pub fn possible(words: impl Into<String>) -> Self {
        Self { doubtful: true, ..Self::certain(words) }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.facts.push((name, value.into()));
        self
    }
}

/// Adds the reason to a finding: a sentence that begins with a space, and facts for the steps that fit it.
pub(super) fn explained(mut finding: Finding, case: &Case, ending: Ending) -> Finding {
    let (mut sentence, facts) = explain(case, ending);
    if finding.facts.contains_key("pod_identity") && sentence.is_empty() {
        sentence = " Rules of the node's packet filter send its pods' connections there.".into();
    }
    finding.facts.extend(facts);
    if let Some(target) = finding.facts.get("route_target").filter(|_| case.is_windows()).cloned() {
        finding.facts.insert("windows_target", target);
    }
    finding.with("reason", sentence)
}

fn explain(case: &Case, ending: Ending) -> (String, Facts) {
    let network = match case.outcome(&Request::Network) {
        Some(Outcome::Network(network)) => Some(network),
        _ => None,
    };
    let rules = match case.outcome(&Request::Firewall) {
        Some(Outcome::Firewall { rules, .. }) => Some(rules.as_slice()),
        _ => None,
    };
    let mut here = Surroundings::read(case);
    // With a network card in sight this is the machine's own network, whatever else it is.
    let card = |one: &Interface| one.kind.is_none() && one.up && !one.addresses.is_empty();
    if network.is_some_and(|network| network.interfaces.iter().any(card)) {
        here.pod = None;
        here.container = None;
    }
    let of_routes = network.and_then(|network| by_way(network, ending, &here));
    let of_rules = || rules.and_then(|rules| by_rule(rules, ending));
    let reason = match of_routes {
        // A rule that decides for certain outweighs a way that is only odd.
        Some(reason) if reason.doubtful => of_rules().filter(|rule| !rule.doubtful).or(Some(reason)),
        Some(reason) => Some(reason),
        None => of_rules(),
    };
    let on_vm = reason.is_some();
    let reason = reason.or_else(|| by_place(&here, ending));
    let unread = unread(case);
    let Some(reason) = reason else {
        let (sentence, mut facts) = nothing(network, filter(case), ending, &unread, here.windows);
        // Nothing hints at a container.
        if network.is_some() && here.pod.is_none() && here.container.is_none() {
            facts.remove("container_address");
        }
        return (sentence, facts);
    };
    let mut sentence =
        format!("This {} it: {}.", if reason.doubtful { "may explain" } else { "explains" }, reason.words);
    // What is certain needs no excuse.
    if reason.doubtful && !unread.is_empty() {
        sentence = format!("{sentence} {unread}");
    }
    let mut facts: Facts = reason.facts.into_iter().collect();
    // What only may explain it leaves this to look for.
    if reason.doubtful && ending == Ending::Silence && on_vm {
        facts.insert("platform_tag", "AzurePlatformIMDS".into());
    }
    (format!(" {sentence}"), facts)
}

/// What was asked and could not be read, in sentences; empty where all was read, or nothing was asked.
fn unread(case: &Case) -> String {
    let one = |request: Request, what: &str| {
        let failed = case.outcome(&request)?.failure()?;
        Some(format!("{what} not read: {}.", failed.detail.trim_end_matches('.')))
    };
    let routes = one(Request::Network, "The routes were");
    let rules = one(Request::Firewall, "The packet filter's rules were");
    routes.into_iter().chain(rules).collect::<Vec<_>>().join(" ")
}

/// What the packet filter does where none of its rules explains anything.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Filter<'a> {
    /// It was read and followed, and lets the packets pass.
    Passes,
    /// These chains could not be followed.
    Unfollowed(&'a [String]),
    /// It was not read, or has a rule that does not go with what was seen.
    Unknown,
}

fn filter<'a>(case: &Case<'a>) -> Filter<'a> {
    match case.outcome(&Request::Firewall) {
        Some(Outcome::Firewall { unfollowed, .. }) if !unfollowed.is_empty() => Filter::Unfollowed(unfollowed),
        Some(Outcome::Firewall { rules, .. }) if rules.is_empty() => Filter::Passes,
        _ => Filter::Unknown,
    }
}

/// Nothing on this machine explains it, or nothing was read that could.
fn nothing(
    network: Option<&LocalNetwork>,
    unfollowed: Filter,
    ending: Ending,
    unread: &str,
    windows: bool,
) -> (String, Facts) {
    let mut sentences = Vec::new();
    let mut facts = Facts::new();
    let elsewhere = ending == Ending::Stranger;
    if let Some(network) = network.filter(|network| network.way.kind == WayKind::Leaves && !elsewhere) {
        let (read, filter) = match unfollowed {
            Filter::Passes => {
                ("Nothing on this machine explains it", ", and no rule of the packet filter stops them".to_owned())
            }
            Filter::Unfollowed(chains) => {
                let chains: Vec<String> = chains.iter().map(|chain| format!("`{chain}`")).collect();
                let more = ". The packet filter has rules that midoctor does not follow, and that may stop them or their \
                            answers, in ";
                ("The routes explain nothing", format!("{more}{}", chains.join(", ")))
            }
            Filter::Unknown => ("The routes explain nothing", String::new()),
        };
        if ending == Ending::Unroutable {
            sentences.push(not_let_out(network, windows));
            if let Filter::Unfollowed(_) = unfollowed {
                sentences.push(filter.trim_start_matches(". ").to_owned() + ".");
            }
        } else {
            sentences.push(format!("{read}: packets leave {}{filter}.", way(network)));
        }
    }
    if !unread.is_empty() && !elsewhere {
        sentences.push(unread.to_owned());
    }
    let all_read = network.is_some() && unfollowed == Filter::Passes;
    if all_read && ending == Ending::Silence {
        let left =
            "What remains is an outbound deny rule on the service tag `AzurePlatformIMDS`, or Azure's side of the VM.";
        sentences.push(left.into());
    }
    if all_read && ending == Ending::Silence {
        facts.insert("platform_tag", "AzurePlatformIMDS".into());
    } else {
        facts.extend(generic().map(|(name, value)| (name, value.to_owned())));
    }
    if let Some(network) = network.filter(|one| one.way.kind == WayKind::Leaves && ending == Ending::Unroutable) {
        facts.insert("silent_hop", network.way.gateway.clone().unwrap_or_else(|| "169.254.169.254".into()));
    }
    let words = sentences.join(" ");
    (if words.is_empty() { words } else { format!(" {words}") }, facts)
}

/// The kernel refuses although a route is there.
fn not_let_out(network: &LocalNetwork, windows: bool) -> String {
    let hop = match &network.way.gateway {
        Some(gateway) => format!("the next hop {gateway} does not answer ARP"),
        None => "169.254.169.254 does not answer ARP as a neighbour".to_owned(),
    };
    if windows {
        return format!(
            "A route is there: packets leave {}. So {hop} (`Get-NetNeighbor`), or a rule of the firewall or an IPsec policy \
             refuses them.",
            way(network)
        );
    }
    format!(
        "A route is there: packets leave {}. So {hop} (`ip neigh`), or an IPsec policy (`ip xfrm policy`) or a program in the \
         kernel (eBPF) refuses them.",
        way(network)
    )
}

/// What the steps name that fit when nothing is known.
pub fn generic() -> [(&'static str, &'static str); 6] {
    [
        ("container_address", "169.254.169.254"),
        ("metadata_address", "169.254.169.254"),
        ("route_target", "169.254.169.254"),
        ("filter_chain", "OUTPUT"),
        ("filter_hook", "hook.output"),
        ("platform_tag", "AzurePlatformIMDS"),
    ]
}

/// The facts that name one reason each.
const REASONS: [&str; 22] = [
    "policy_rule",
    "dead_interface",
    "silent_hop",
    "missing_route",
    "refusing_route",
    "on_link_route",
    "windows_on_link",
    "permanent_route",
    "tunnel",
    "wrong_interface",
    "own_interface",
    "dropping_rule",
    "redirecting_rule",
    "rule_chain",
    "legacy_table",
    "pod_identity",
    "pod",
    "container",
    "wsl",
    "docker_desktop",
    "arc_agent",
    "proxy_agent",
];

/// Is this step or command about one reason, so that it says little to whoever does not know which it is?
pub fn is_about_one_reason(template: &str) -> bool {
    REASONS.iter().any(|name| template.contains(&format!("{{{{{name}}}}}")))
}

/// `by eth0 (10.0.1.4) through 10.0.1.1`.
fn way(network: &LocalNetwork) -> String {
    let way = &network.way;
    let source = way.source.as_ref().map(|source| format!(" ({source})")).unwrap_or_default();
    let gateway = way.gateway.as_ref().map(|gateway| format!(" through {gateway}")).unwrap_or_default();
    format!("by {}{source}{gateway}", way.interface.as_deref().unwrap_or("an interface without a name"))
}

/// What a rule of the packet filter explains: the first that fits how the question ended.
fn by_rule(rules: &[FirewallRule], ending: Ending) -> Option<Reason> {
    let fits = |rule: &&FirewallRule| match rule.effect {
        Effect::Redirects(_) => ending != Ending::Unroutable,
        Effect::Drops => ending == Ending::Silence,
        Effect::Rejects => matches!(ending, Ending::Refused | Ending::Unroutable),
    };
    let rule = rules.iter().find(fits)?;
    // What it does, and the fact that names it.
    let (does, fact) = match &rule.effect {
        Effect::Drops => ("drops packets to 169.254.169.254".to_owned(), "dropping_rule"),
        Effect::Rejects => ("rejects connections to 169.254.169.254".to_owned(), "dropping_rule"),
        Effect::Redirects(to) => {
            let to = if to.bytes().all(|byte| byte.is_ascii_digit()) {
                format!("port {to} of this machine")
            } else {
                to.clone()
            };
            let then = match ending {
                Ending::Refused => ", where nothing listens",
                Ending::Stranger => ", and what listens there answered",
                _ => ", where nothing answers",
            };
            (format!("sends connections to 169.254.169.254 to {to}{then}"), "redirecting_rule")
        }
    };
    let whose = owner(rule).map(|owner| format!(", as {owner} does")).unwrap_or_default();
    let condition = if rule.conditional { "; whether all its conditions hold is not known here" } else { "" };
    let words = format!("the packet filter {does}{whose}: `{}` in {}{condition}", rule.rule, rule.chain);
    let reason = if rule.conditional { Reason::possible(words) } else { Reason::certain(words) };
    let reason = reason.with(fact, rule.rule.clone());
    let reason = match rule.chain.split_once(" (legacy) ") {
        Some((table, _)) => reason.with("legacy_table", table.trim_start_matches("ip ")),
        None if is_chain_of_nft(&rule.chain) => reason.with("rule_chain", rule.chain.clone()),
        None => reason,
    };
    Some(if owner(rule).is_some() { reason.with("pod_identity", rule.chain.clone()) } else { reason })
}

/// `inet filter output`: three words without a sign that `nft` would read, which takes all words of its command line together as
/// lines of its own language, however a shell quotes them.
fn is_chain_of_nft(chain: &str) -> bool {
    let is_name =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./".contains(&b));
    chain.split(' ').count() == 3 && chain.split(' ').all(is_name)
}

/// Who writes such rules: the chain `aad-metadata` is AAD Pod Identity's NMI, which listens on port 2579, and that of the token
/// adapter in some AKS add-ons (Azure/aad-pod-identity, pkg/nmi/iptables; AKS add-ons' token adapter).
fn owner(rule: &FirewallRule) -> Option<&'static str> {
    let nmi = matches!(&rule.effect, Effect::Redirects(to) if to == "2579" || to.ends_with(":2579"));
    let chain = rule.chain.ends_with(" aad-metadata");
    match (nmi, chain) {
        (true, _) => Some("AAD Pod Identity's node agent (NMI)"),
        (false, true) => Some("AAD Pod Identity or the token adapter of an AKS add-on"),
        _ => None,
    }
}

/// What the place explains.
fn by_place(here: &Surroundings, ending: Ending) -> Option<Reason> {
    if ending == Ending::Stranger {
        return None;
    }
    let inside = here.container.as_ref().map(|container| format!(", in {container}")).unwrap_or_default();
    if let Some(release) = &here.docker_desktop {
        let words = format!(
            "this runs in Docker Desktop's virtual machine (kernel {release}){inside}, and not on an Azure VM itself"
        );
        return Some(Reason::possible(words).with("docker_desktop", release.clone()));
    }
    if let Some(release) = &here.wsl {
        let words = format!(
            "this runs in Windows Subsystem for Linux (kernel {release}){inside}, and not on an Azure VM itself"
        );
        return Some(Reason::possible(words).with("wsl", release.clone()));
    }
    // Whoever keeps pods or containers away makes no connection first.
    let kept_away = ending != Ending::Unanswered;
    if let Some(pod) = here.pod.as_ref().filter(|_| kept_away) {
        let words = format!(
            "this is the Kubernetes pod {pod} with a network of its own, and a cluster can keep its pods from the metadata \
             service (podLinkLocalAccess None, or a network policy)"
        );
        return Some(Reason::possible(words).with("pod", pod));
    }
    if let Some(container) = here.container.as_ref().filter(|_| kept_away) {
        let words =
            format!("this is {container} with a network of its own, which need not lead to the metadata service");
        return Some(Reason::possible(words).with("container", container));
    }
    if let Some(path) = here.arc {
        let words = format!(
            "this machine is connected by Azure Arc ({path} is there) and is not known to be an Azure VM; its agent issues \
             tokens at http://localhost:40342, and there is no metadata service"
        );
        return Some(Reason::possible(words).with("arc_agent", path));
    }
    let taken = matches!(ending, Ending::Refused | Ending::Unanswered);
    let path = here.proxy_agent.filter(|_| taken)?;
    let words = format!(
        "the guest proxy agent ({path}) takes such connections to 127.0.0.1:3080 by eBPF, which no rule shows, and they fail \
         when it does not run"
    );
    Some(Reason::possible(words).with("proxy_agent", path))
}
