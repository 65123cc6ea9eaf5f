//! Proxy variables that catch requests to the metadata service: the finding `env-proxy` of the check `environment`, and what that
//! proxy answers when it is asked too.

use std::collections::{BTreeMap, BTreeSet};

use crate::azure::metadata;
use crate::case::Case;
use crate::check::Finding;
use crate::clients::proxy::{self, Caught, STACKS, VARIABLES, clients, for_metadata};
use crate::clients::{Setting, Stack};
use crate::evidence::{Answer, Exchange, Failure, METADATA_ADDRESS, Outcome, Request};
use crate::unit_name;
use crate::words::{in_words, listed};

/// What is quoted of a list of exceptions has at most so many characters.
const QUOTED: usize = 300;

/// Who is caught, and who would be if nothing were exempt.
struct Catch {
    caught: Vec<(Stack, Caught)>,
    without_exceptions: usize,
}

impl Catch {
    fn of(variables: &BTreeMap<String, String>) -> Self {
        let all = |variables: &BTreeMap<String, String>| -> Vec<(Stack, Caught)> {
            let setting = Setting { variables, files: &BTreeSet::new() };
            STACKS.into_iter().filter_map(|stack| Some((stack, for_metadata(stack, &setting)?))).collect()
        };
        let mut bare = variables.clone();
        bare.retain(|name, _| !name.eq_ignore_ascii_case("no_proxy"));
        Self { caught: all(variables), without_exceptions: all(&bare).len() }
    }

    /// The variable that is named: the first of those that catch somebody.
    fn main(&self) -> Option<&Caught> {
        let of = |name: &str| self.caught.iter().map(|(_, caught)| caught).find(|caught| caught.variable == name);
        VARIABLES.iter().find_map(|name| of(name))
    }

    /// One or two libraries, or those few that do not understand what exempts the address for the others.
    fn few(&self) -> bool {
        let caught = self.caught.len();
        caught <= 2 || 2 * caught <= self.without_exceptions
    }
}

/// The question for the VM's document, put through the proxy that catches it, when that is wanted.
pub(super) fn question(case: &Case) -> Option<Request> {
    let variables = case.variables().filter(|_| case.plan().through_proxy)?;
    let first = proxy::for_plain_http(&Setting { variables, files: &BTreeSet::new() });
    // The wire takes the first variable that is set; that is the one named, or the answer would be another proxy's.
    (Catch::of(variables).main() == first.as_ref())
        .then(Case::instance_request)?
        .through_proxy()
        .filter(|_| first.is_some())
}

pub(super) fn proxy_finding(case: &Case) -> Option<Finding> {
    let variables = case.variables()?;
    let catch = Catch::of(variables);
    let main = catch.main()?;
    let name = |(stack, caught): &(Stack, Caught)| {
        let own = if caught.proxy == main.proxy { String::new() } else { format!(" (by {})", caught.variable) };
        format!("{}{own}", clients(*stack))
    };
    let named: Vec<String> = catch.caught.iter().map(name).collect();
    let is_caught = |stack: &Stack| catch.caught.iter().any(|(caught, _)| caught == stack);
    let spared: Vec<String> =
        STACKS.iter().filter(|stack| !is_caught(stack)).map(|stack| clients(*stack).to_owned()).collect();
    let exceptions = Exceptions::of(variables);
    let mut finding = if catch.few() { Finding::warning("env-proxy") } else { Finding::error("env-proxy") };
    finding = finding
        .with("variable", main.variable)
        .with("value", &main.proxy)
        .with("no_proxy", exceptions.quoted())
        .with("clients", listed(&named))
        .with("spared", listed(&spared))
        .with("why", exceptions.why())
        .with("answer", answer(case).unwrap_or_default());
    Some(match exceptions.line() {
        Some(line) => {
            let set = unit_name::environment_line(&[("NO_PROXY", &line), ("no_proxy", &line)]);
            finding.with("exceptions", line).with("drop_in", set)
        }
        None => {
            let set = VARIABLES.iter().filter(|name| case.variable(name).is_some());
            finding.with("proxies", listed(&set.map(|name| (*name).to_owned()).collect::<Vec<_>>()))
        }
    })
}

/// The exceptions as they stand, in both spellings.
struct Exceptions<'a> {
    /// Spelling and text, where it is set.
    lists: Vec<(&'static str, &'a str)>,
}

impl<'a> Exceptions<'a> {
    fn of(variables: &'a BTreeMap<String, String>) -> Self {
        let set = |name: &'static str| Some((name, variables.get(name)?.as_str()));
        Self { lists: ["NO_PROXY", "no_proxy"].into_iter().filter_map(set).collect() }
    }

    fn quoted(&self) -> String {
        let quote = |text: &str| match text.char_indices().nth(QUOTED) {
            Some((end, _)) => format!("“{}…”", &text[..end]),
            None if text.is_empty() => "empty".to_owned(),
            None => format!("“{text}”"),
        };
        match self.lists[..] {
            [] => "NO_PROXY: not set".to_owned(),
            [(name, text)] => format!("{name}: {}", quote(text)),
            [(name, text), (_, other), ..] if text == other => format!("{name}: {}", quote(text)),
            [(name, text), (other, second), ..] => format!("{name}: {}; {other}: {}", quote(text), quote(second)),
        }
    }

    /// Every entry once, in order.
    fn entries(&self) -> Vec<&'a str> {
        let mut entries: Vec<&str> = Vec::new();
        for (_, text) in &self.lists {
            for entry in text.split([',', ' ', '\t']).filter(|entry| !entry.is_empty()) {
                if !entries.contains(&entry) {
                    entries.push(entry);
                }
            }
        }
        entries
    }

    /// What to set: every entry kept, and the address. A list with `*` in it cannot be mended, since `*` counts only alone.
    fn line(&self) -> Option<String> {
        let mut entries = self.entries();
        if entries.contains(&"*") {
            return None;
        }
        if !entries.contains(&METADATA_ADDRESS) {
            entries.push(METADATA_ADDRESS);
        }
        Some(entries.join(","))
    }

    /// Why what stands does not help; a sentence after a space, or nothing.
    fn why(&self) -> String {
        let names = |text: &str| text.split(',').any(|entry| entry.trim() == METADATA_ADDRESS);
        let entries = self.entries();
        let range = entries.iter().find(|entry| proxy::is_range_around_metadata(entry));
        let port =
            entries.iter().find(|entry| entry.strip_prefix(METADATA_ADDRESS).is_some_and(|rest| rest.starts_with(':')));
        let part = entries.iter().find(|entry| entry.starts_with("169.254.") && entry.ends_with('*'));
        let blank = |(_, text): &(&str, &str)| text.split(',').any(|entry| entry.split_whitespace().count() > 1);
        match self.lists[..] {
            [(one, text), (other, second)] if names(text) != names(second) => {
                let (good, bad) = if names(text) { (one, other) } else { (other, one) };
                format!(" {good} names the address and {bad} does not; clients differ in which of them counts.")
            }
            _ if range.is_some() => {
                format!(" Only some clients understand a range such as {}.", range.unwrap_or(&""))
            }
            _ if entries.contains(&"*") => " Only some clients understand * as every host.".to_owned(),
            _ if port.is_some() => format!(" Only some clients understand a port, as in {}.", port.unwrap_or(&"")),
            _ if part.is_some() => format!(" No client understands {} as a range.", part.unwrap_or(&"")),
            _ if entries.contains(&METADATA_ADDRESS) && self.lists.iter().any(blank) => {
                " Entries are separated by commas; a blank alone separates them for some clients only.".to_owned()
            }
            _ => String::new(),
        }
    }
}

/// What came back through the proxy; a sentence after a space.
fn answer(case: &Case) -> Option<String> {
    let exchange = case.exchange(&question(case)?)?;
    let said = match &exchange.last()?.outcome {
        Outcome::Answered(answer) => return Some(of_answer(case, answer)),
        Outcome::Failed(failed) => match failed.why {
            Failure::OutOfTime => return None,
            Failure::Refused => "was not taken: the connection to the proxy was refused".to_owned(),
            Failure::ConnectTimeout | Failure::AnswerTimeout => format!("got no answer in {}", took(exchange)),
            Failure::NameUnknown => "was not taken: the proxy's name could not be resolved".to_owned(),
            Failure::Unroutable => "was not taken: this machine has no route to the proxy".to_owned(),
            Failure::Closed => "got no answer: the connection was closed".to_owned(),
            Failure::Unsupported => format!("was not put: {}", failed.detail),
            _ => format!("got no answer: {}", failed.detail),
        },
        _ => return None,
    };
    Some(format!(" Through it, the metadata service's question {said}."))
}

fn took(exchange: &Exchange) -> String {
    in_words(exchange.took())
}

fn of_answer(case: &Case, answer: &Answer) -> String {
    let own = case.instance().and_then(|own| own.vm_id.as_deref());
    match metadata::Instance::read(answer) {
        Some(shown) if own.is_some() && own == shown.vm_id.as_deref() => {
            " Through it came this VM's own document: that works today, and Microsoft does not support it.".to_owned()
        }
        Some(shown) if own.is_some() => format!(
            " Through it came the document of another VM, “{}”: clients would ask for that one's identity.",
            shown.name.unwrap_or_default()
        ),
        Some(shown) => format!(" Through it came the document of a VM, “{}”.", shown.name.unwrap_or_default()),
        None => {
            let name = answer.header("server").or_else(|| answer.header("via")).filter(|name| !name.is_empty());
            let who =
                name.map_or_else(|| "a server that does not say what it is".to_owned(), |name| format!("“{name}”"));
            format!(" Through it, the metadata service's question got {} from {who}.", answer.status)
        }
    }
}
