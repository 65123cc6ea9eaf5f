//! What a certificate says of a host: the finding `tls-intercepted`, for whichever check asked there.
//!
//! Whether a connection is made is the wire's business, and whether a token goes there is the recorder's: nothing here lets
//! anybody in.

use std::collections::BTreeSet;

use crate::case::Case;
use crate::check::{Finding, Status, Verdict};
use crate::clients::roots::{LISTS, Roots, roots_of};
use crate::clients::{Setting, Stack};
use crate::evidence::{Certificate, ChainFault, Exchange, Failed, Request, TrustedBy};

use super::host::judge_clock;

/// So many of a certificate's names are named; of more than are kept nobody knows whether the host is among them.
const NAMES_SHOWN: usize = 5;
const NAMES_KEPT: usize = 20;

/// How the wire begins to say that the machine trusts nobody at all.
const ROOTLESS: &str = "this machine has no root certificates";

/// A connection that failed because of the certificate.
pub(super) fn refused(case: &Case, host: &str, failed: &Failed) -> Verdict {
    let finding = Finding::error("tls-intercepted").with("host", host);
    let Some(shown) = &failed.certificate else {
        let finding = finding.with("subject", "unknown").with("signed", "unknown");
        return Verdict::found(finding.with("case", distrust(&failed.detail)));
    };
    let now = case.evidence.taken_at();
    let date = date(shown, now);
    let issuers = issuers_date(shown, now);
    let good_chain = match shown.trusted_by {
        Some(TrustedBy::Nobody) => shown.chain_fault == Some(ChainFault::OutOfDate),
        Some(TrustedBy::Mozilla) => false,
        _ => true,
    };
    let in_date = date.is_none() && issuers.is_none();
    // With a wrong clock every certificate looks expired or not yet valid; one that nobody trusts does not become good by that.
    if !in_date && good_chain && skewed(case) {
        return Verdict::Blocked("clock");
    }
    let other_name = is_for_others(shown, host, &failed.detail);
    let mut why = Vec::new();
    why.extend(authority(shown, &failed.detail));
    why.extend(date.clone());
    why.extend(issuers.clone());
    if shown.without_names {
        why.push(nameless(shown, host));
    } else if other_name {
        why.push(format!("it is made out to {} and not to this host", names(shown)));
    }
    if (in_date && !other_name && !shown.without_names && good_chain) || why.is_empty() {
        why.push(distrust(&failed.detail).to_owned());
    }
    let mut finding = about(finding, shown).with("case", why.join("; "));
    if shown.trusted_by == Some(TrustedBy::Nobody) {
        finding = whom_to_ask(finding, shown, &failed.detail);
    } else if shown.trusted_by == Some(TrustedBy::Platform) && !signed_itself(shown) {
        finding = finding.with("gateway", own_name(&shown.issuer));
    }
    if let (Some(_), Some(issuer)) = (&issuers, &shown.issuer_out_of_date) {
        finding = finding.with("old_issuer", own_name(&issuer.subject)).with("clock", format!("{now:.0}"));
    }
    let rootless = failed.detail.starts_with(ROOTLESS);
    if rootless || shown.trusted_by == Some(TrustedBy::Mozilla) {
        finding = match instead_of_the_machines(case) {
            Some(instead) => finding.with("other_list", instead),
            None if rootless => finding.with("what_is_missing", "This machine has no root certificates"),
            None => finding.with("what_is_missing", format!("The authority {} is missing on this machine", top(shown))),
        };
    }
    if date.is_some() {
        finding = finding.with("machine_time", format!("{now:.0}"));
    }
    if shown.without_names {
        finding = finding.with("nameless", host);
    }
    if other_name {
        finding = finding.with("made_out_to", names(shown));
    }
    Verdict::found(finding)
}

/// What a verdict becomes when the connection was made, but by a certificate that only this machine's list accounts for.
pub(super) fn regarded(case: &Case, host: &str, exchange: &Exchange, verdict: Verdict) -> Verdict {
    let Verdict::Pass(mut facts) = verdict else { return verdict };
    let Some(shown) = of_this_machine_alone(exchange) else { return Verdict::Pass(facts) };
    if let Some(finding) = inspected(case, host, shown) {
        return Verdict::found(finding);
    }
    let signer = if signed_itself(shown) { "itself" } else { own_name(&shown.issuer) };
    let note =
        format!(", with a certificate signed by {signer}, which this machine trusts and Mozilla's list does not");
    facts.entry("took").or_default().push_str(&note);
    Verdict::Pass(facts)
}

/// Questions that a certificate of this machine alone raises: where the machine's list is, to name it to clients.
pub(super) fn ask(case: &Case, request: &Request) -> Vec<Request> {
    let alone = case.exchange(request).and_then(of_this_machine_alone);
    let lists = LISTS.iter().map(|path| Request::presence(*path));
    alone.filter(|_| !lacking(case).is_empty()).map(|_| lists.collect()).unwrap_or_default()
}

fn of_this_machine_alone(exchange: &Exchange) -> Option<&Certificate> {
    let shown = exchange.last()?.outcome.answer()?.certificate.as_ref()?;
    (shown.trusted_by == Some(TrustedBy::Platform)).then_some(shown)
}

/// Clients that bring Mozilla's list along and are told of no other: their fact's name, and their own.
fn lacking(case: &Case) -> Vec<(&'static str, &'static str)> {
    let Some(set) = case.variables() else { return Vec::new() };
    let files = BTreeSet::new();
    let setting = Setting { variables: set, files: &files };
    let known = [
        (Stack::Requests, ("python_clients", "Azure CLI and Python (requests)")),
        (Stack::NodePipeline, ("node_clients", "Node.js")),
    ];
    known
        .into_iter()
        .filter(|(stack, _)| roots_of(*stack, &setting) == Roots::Mozilla)
        .map(|(_, client)| client)
        .collect()
}

fn inspected(case: &Case, host: &str, shown: &Certificate) -> Option<Finding> {
    let clients = lacking(case);
    let named: Vec<&str> = clients.iter().map(|(_, name)| *name).collect();
    if named.is_empty() {
        return None;
    }
    let words = format!(
        "this machine trusts that authority and Mozilla's list does not, so clients that bring that list along refuse it: {}",
        named.join(", ")
    );
    let finding = about(Finding::warning("tls-intercepted").with("host", host), shown).with("case", words);
    let mut finding = if signed_itself(shown) { finding } else { finding.with("gateway", own_name(&shown.issuer)) };
    let list = case.variable("SSL_CERT_FILE").or_else(|| LISTS.into_iter().find(|path| case.is_there(path)));
    for (fact, name) in clients {
        finding = finding.with(fact, name);
        if let Some(list) = list {
            finding = finding.with(if fact == "python_clients" { "roots_for_python" } else { "roots_for_node" }, list);
        }
    }
    Some(finding)
}

/// Whom it is for and who signed it, with the topmost authority seen.
fn about(finding: Finding, shown: &Certificate) -> Finding {
    let above = shown.chain.last().filter(|top| **top != shown.issuer);
    let above = above.map(|top| format!(" under {top}")).unwrap_or_default();
    finding.with("subject", &shown.subject).with("signed", format!("{}{above}", shown.issuer))
}

/// Who can help where nobody's roots are led to: by what is known of the reason, and no more.
fn whom_to_ask(finding: Finding, shown: &Certificate, detail: &str) -> Finding {
    if signed_itself(shown) {
        return finding.with("self_signed", own_name(&shown.subject));
    }
    match shown.chain_fault {
        Some(ChainFault::Signature) => finding.with("other_key", top(shown)),
        Some(ChainFault::TooLong) => {
            finding.with("too_long", "The chain of authorities is longer than midoctor follows")
        }
        Some(ChainFault::OutOfDate) => finding,
        Some(ChainFault::Unusable) => finding.with("unusable", distrust(detail)),
        None if shown.chain.is_empty() => {
            finding.with("not_sent", own_name(&shown.issuer)).with("root_above", own_name(&shown.issuer))
        }
        // What stands above the last one that was sent is its root, as servers leave that out; unless there is more.
        None => finding
            .with("gateway", own_name(&shown.issuer))
            .with(if shown.chain_cut { "root_above" } else { "gateway_root" }, top(shown)),
    }
}

/// What is to be said of the authority that signed it; nothing where its word counts everywhere, or nobody asked.
fn authority(shown: &Certificate, detail: &str) -> Option<String> {
    let rootless = detail.starts_with(ROOTLESS);
    let words = match shown.trusted_by? {
        TrustedBy::Both => return None,
        TrustedBy::Platform => {
            return Some("this machine trusts the authority that issued it, Mozilla's list does not".into());
        }
        TrustedBy::Mozilla if rootless => "Mozilla's list trusts the authority that issued it".into(),
        TrustedBy::Mozilla => "Mozilla's list trusts the authority that issued it, this machine does not".into(),
        TrustedBy::Nobody => nobodys(shown, detail),
    };
    let parts = [if rootless { detail } else { "" }, &words].into_iter().filter(|part| !part.is_empty());
    Some(parts.collect::<Vec<_>>().join("; ")).filter(|all| !all.is_empty())
}

/// What is known of a chain that leads to nobody's roots; empty where only a date is.
fn nobodys(shown: &Certificate, detail: &str) -> String {
    let rootless = detail.starts_with(ROOTLESS);
    let distrust = if rootless { "one of its chain may not be used for this" } else { distrust(detail) };
    match shown.chain_fault {
        Some(ChainFault::Unusable) if signed_itself(shown) => format!("it signed itself, and {distrust}"),
        _ if signed_itself(shown) && rootless => "it signed itself, and is not on Mozilla's list".into(),
        _ if signed_itself(shown) => "it signed itself, and is neither on this machine's list nor on Mozilla's".into(),
        Some(ChainFault::Signature) => {
            "a signature in its chain is not by the key of the authority that it names".into()
        }
        Some(ChainFault::TooLong) => {
            "its chain of authorities is longer than midoctor follows, so whom it leads to is not known".into()
        }
        Some(ChainFault::OutOfDate) => String::new(),
        Some(ChainFault::Unusable) => distrust.to_owned(),
        None => {
            let none = match (rootless, shown.chain.is_empty()) {
                (true, true) => "Mozilla's list does not trust it",
                (true, false) => return "Mozilla's list does not trust the authority that issued it".into(),
                (false, true) => "neither this machine nor Mozilla's list trusts it",
                (false, false) => {
                    return "neither this machine nor Mozilla's list trusts the authority that issued it".into();
                }
            };
            format!("the server did not send the certificate of its issuer, or {none}")
        }
    }
}

/// Rustls's words for why a certificate was refused, without its preamble, and readable where they are a bare name.
fn distrust(detail: &str) -> &str {
    match detail.trim_start_matches("invalid peer certificate: ") {
        "UnknownIssuer" => "this machine does not trust the authority that issued it",
        "BadSignature" => "its signature is wrong",
        "Revoked" => "it was revoked",
        "CaUsedAsEndEntity" => "it is the certificate of an authority and not of a server",
        "EndEntityUsedAsCa" => "one of its issuers is not an authority",
        "PathLenConstraintViolated" => "an authority above it allows fewer below itself",
        "NameConstraintViolation" => "an authority above it may not sign for this name",
        // Reports from before have the times in seconds here.
        other => other.split_once(": verification time ").map_or(other, |(words, _)| words),
    }
}

/// What its dates say against it by this machine's clock.
fn date(shown: &Certificate, now: jiff::Timestamp) -> Option<String> {
    dates("it", &shown.not_before, &shown.not_after, now)
}

/// What the dates of an issuer say against it, where that is why the certificate was refused.
fn issuers_date(shown: &Certificate, now: jiff::Timestamp) -> Option<String> {
    let issuer = shown.issuer_out_of_date.as_ref()?;
    let whose = if issuer.subject == shown.issuer { "its issuer" } else { "the authority" };
    let what = format!("the certificate of {whose} {}", own_name(&issuer.subject));
    dates(&what, &issuer.not_before, &issuer.not_after, now)
}

fn dates(what: &str, from: &str, until: &str, now: jiff::Timestamp) -> Option<String> {
    let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let clock = format!("this machine's clock shows {now:.0}");
    match (time(from).filter(|from| now < *from), time(until).filter(|until| now > *until)) {
        (Some(from), _) => Some(format!("{what} is not valid before {from}, and {clock}")),
        (_, Some(until)) => Some(format!("{what} expired at {until}, and {clock}")),
        _ => None,
    }
}

/// Is it made out to other hosts? Where rustls did not get as far as that, the names tell.
fn is_for_others(shown: &Certificate, host: &str, detail: &str) -> bool {
    // Addresses among its names are not kept.
    let is_name = host.contains(|c: char| c.is_ascii_alphabetic());
    // Without alternative names the common name tells what was meant.
    if shown.without_names {
        return is_name && !covers(own_name(&shown.subject), host);
    }
    let all_known = is_name && (1..NAMES_KEPT).contains(&shown.names.len());
    detail.contains("not valid for name") || (all_known && !shown.names.iter().any(|name| covers(name, host)))
}

/// What is to be said where only the common name names somebody: clients do not read it (RFC 9525, section 2).
fn nameless(shown: &Certificate, host: &str) -> String {
    let words = "it has no subject alternative name, which clients require";
    let common = own_name(&shown.subject);
    if covers(common, host) { words.to_owned() } else { format!("{words}, and its common name is {common}") }
}

/// Is it its own issuer? That it is by name; whoever cannot be read is nobody's issuer.
fn signed_itself(shown: &Certificate) -> bool {
    shown.subject == shown.issuer && !shown.not_after.is_empty()
}

/// Does a name in a certificate stand for this host? A star stands for one label (RFC 6125).
fn covers(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(rest) => host.split_once('.').is_some_and(|(_, below)| below.eq_ignore_ascii_case(rest)),
        None => name.eq_ignore_ascii_case(host),
    }
}

fn names(shown: &Certificate) -> String {
    if shown.names.is_empty() {
        return own_name(&shown.subject).to_owned();
    }
    let more = if shown.names.len() > NAMES_SHOWN { " and others" } else { "" };
    shown.names.iter().take(NAMES_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ") + more
}

/// The topmost authority that was seen, by its own name.
fn top(shown: &Certificate) -> &str {
    own_name(shown.chain.last().unwrap_or(&shown.issuer))
}

/// The common name in a distinguished name; the whole of it where it has none.
fn own_name(name: &str) -> &str {
    name.split(", ").find_map(|part| part.strip_prefix("CN=")).unwrap_or(name)
}

/// What stands in the place of the machine's list, unless that is what it names.
fn instead_of_the_machines(case: &Case) -> Option<String> {
    let own = |value: &str| {
        let folder =
            |list: &&str| list.rsplit_once('/').is_some_and(|(folder, _)| folder == value.trim_end_matches('/'));
        LISTS.contains(&value) || LISTS.iter().any(folder)
    };
    let set = |name: &str| case.variable(name).filter(|value| !own(value)).map(|value| format!("{name}={value}"));
    set("SSL_CERT_FILE").or_else(|| set("SSL_CERT_DIR"))
}

fn skewed(case: &Case) -> bool {
    judge_clock(case).status() == Status::Fail
}
