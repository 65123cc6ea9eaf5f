//! Whose environment is judged, and in which words: midoctor's own, that of a process, or that of a unit, where the running
//! process and the files can differ. What is wrong in an environment others find.

use std::collections::BTreeMap;

use crate::case::Case;
use crate::check::{Facts, Finding, Severity, Verdict};
use crate::evidence::{Evidence, Failure, Outcome, Request, UnitSettings};
use crate::plan::Whose;
use crate::reading::Reading;

use super::settings;

type Set = BTreeMap<String, String>;

/// At most so many names are listed in one line.
const NAMES: usize = 5;

/// What else is asked about somebody else's environment: whether the network is the same.
pub(super) fn ask(case: &Case) -> Option<Request> {
    let of = case.plan().environment.clone();
    (!of.is_own()).then_some(Request::SharedNetwork { of })
}

/// A process with a network of its own: what midoctor is told from here may not hold there.
fn other_network(case: &Case) -> Option<Finding> {
    match case.outcome(&ask(case)?)? {
        Outcome::Shares { process, network: false } => Some(Finding::warning("env-network").with("process", process)),
        _ => None,
    }
}

/// Judges the environment by what is found in it, and says whose it is.
pub(super) fn judge(case: &Case, find: fn(&Case) -> Vec<Finding>) -> Verdict {
    let whose = &case.plan().environment;
    let (set, unit) = match case.outcome(&case.environment()) {
        Some(Outcome::Variables { set, unit }) => (set, unit.as_ref()),
        // Nothing is wrong with a question that this platform has no answer to.
        Some(Outcome::Failed(failed)) if failed.why == Failure::Unsupported => {
            return Verdict::Skip(failed.detail.clone());
        }
        Some(Outcome::Failed(failed)) if !whose.is_own() => return Verdict::Unknown(failed.detail.clone()),
        _ => return Verdict::Unknown("the environment was not read".into()),
    };
    let found = find(case);
    // What the files would bring at the next restart, where that is something else.
    let other = unit.filter(|unit| unit.process.is_some() && *set != unit.declared);
    let coming = other.map(|unit| at_restart(case, unit, find));
    let mut all: Vec<Finding> = Vec::new();
    for finding in &found {
        let heals = coming.as_ref().is_some_and(|coming| !coming.iter().any(|other| same(other, finding)));
        let told = match settings::kept(case) {
            Some(kept) => about_own(set, kept, finding),
            None => about(whose, set, unit, finding, heals),
        };
        let mut finding = finding.clone();
        finding.facts.extend(told);
        all.push(finding);
    }
    // What is wrong at the next restart alone is worth a warning before it happens.
    if let Some(unit) = other {
        let new = coming.into_iter().flatten().filter(|coming| !found.iter().any(|known| same(known, coming)));
        all.extend(new.map(|finding| to_come(whose, unit, finding)));
    }
    // The same of what Windows keeps for programs that are started anew.
    if let Some(kept) = settings::kept(case) {
        let new = at_restart(case, kept, find).into_iter().filter(|new| !found.iter().any(|known| same(known, new)));
        all.extend(new.map(|finding| to_come_anew(kept, finding)));
    }
    all.extend(other_network(case));
    if !all.is_empty() {
        return Verdict::Found(all);
    }
    match unit {
        Some(UnitSettings { unread, .. }) if case.lacks_environment() => {
            Verdict::Unknown(format!("the environment of {} is not known in whole: {}", name(whose), unread.join("; ")))
        }
        _ => Verdict::Pass(Facts::from([("whose", summary(whose, set, unit))])),
    }
}

/// What is said of a host that is asked through the proxy and with the certificates of the environment: where that could not be
/// read, it was asked without them, and what stood in the way need not stand in the application's.
pub(super) fn as_far_as_read(case: &Case, verdict: Verdict) -> Verdict {
    const OF_THE_WAY: [&str; 4] = ["dns-failure", "arm-unreachable", "tls-intercepted", "network-blocked"];
    match &verdict {
        Verdict::Found(found)
            if case.lacks_environment() && found.iter().any(|finding| OF_THE_WAY.contains(&finding.code)) =>
        {
            let whose = name(&case.plan().environment);
            Verdict::Unknown(format!(
                "it was asked without the proxy and the certificates of {whose}, which could not be read"
            ))
        }
        _ => verdict,
    }
}

/// What would be found if the process had what its files declare.
fn at_restart(case: &Case, unit: &UnitSettings, find: fn(&Case) -> Vec<Finding>) -> Vec<Finding> {
    let request = case.environment();
    let reading = case.evidence;
    let mut evidence =
        Evidence { taken_at: reading.taken_at(), asked: case.plan().clone(), exchanges: reading.exchanges().to_vec() };
    for exchange in evidence.exchanges.iter_mut().filter(|exchange| exchange.request == request) {
        for attempt in &mut exchange.attempts {
            attempt.outcome = Outcome::Variables { set: unit.declared.clone(), unit: None };
        }
    }
    find(&Case::new(&Reading::new(&evidence), case.subject))
}

/// Is it the same illness of the same variable?
fn same(one: &Finding, other: &Finding) -> bool {
    one.code == other.code && ["variable", "subject"].iter().all(|fact| one.facts.get(*fact) == other.facts.get(*fact))
}

fn to_come(whose: &Whose, unit: &UnitSettings, finding: Finding) -> Finding {
    let name = name(whose);
    let from = finding.facts.get("variable").and_then(|variable| unit.from.get(variable));
    let place = from.map_or_else(|| format!("the files of {name}"), Clone::clone);
    let pid = unit.process.unwrap_or_default();
    let told = format!(" in {place}, not yet in process {pid} of {name}, which gets it when it is restarted");
    let finding = Finding { severity: Severity::Warning, ..finding }.with("whose", told).with("unit", &name);
    let facts = from.map(|from| settings::set_in(from, &finding)).unwrap_or_default();
    let mut finding = finding;
    finding.facts.extend(facts);
    if !is_systemd(&name) {
        return finding;
    }
    match exceptions_in(unit, &finding) {
        Some(file) => finding.with("next_unit", &name).with("changed_unit", &name).with("exceptions_in", file),
        None => finding.with("next_unit", &name).with("edit_unit", &name),
    }
}

/// What midoctor's own environment does not have, and programs get that are started from a new session.
fn to_come_anew(kept: &UnitSettings, finding: Finding) -> Finding {
    let from = finding.facts.get("variable").and_then(|variable| kept.from.get(variable)).cloned();
    let place = from.clone().unwrap_or_else(|| "the registry".into());
    let told = format!(" in {place}, not in midoctor's own environment; programs get it that are started anew");
    let facts = from.map(|from| settings::set_in(&from, &finding)).unwrap_or_default();
    let mut finding = Finding { severity: Severity::Warning, ..finding }.with("whose", told);
    finding.facts.extend(facts);
    finding
}

/// Where Windows keeps a variable that midoctor's own environment has.
fn about_own(set: &Set, kept: &UnitSettings, finding: &Finding) -> Facts {
    let variable = finding.facts.get("variable").map(String::as_str).unwrap_or_default();
    let same = kept.declared.get(variable) == set.get(variable);
    match kept.from.get(variable).filter(|_| same) {
        Some(from) => {
            let mut facts = settings::set_in(from, finding);
            facts.insert("whose", format!(" by {from}"));
            facts
        }
        None => Facts::from([("whose", String::new())]),
    }
}

/// The files that set the exceptions from proxies and that a drop-in does not win over for sure: those of `EnvironmentFile=`, which
/// always win, and other drop-ins, of which the one with the last name does. A unit's own file loses to any of them.
fn exceptions_in(unit: &UnitSettings, finding: &Finding) -> Option<String> {
    let own = |file: &&String| !is_systemd(file) && finding.code == "env-proxy";
    let mut files: Vec<&str> = ["NO_PROXY", "no_proxy"]
        .iter()
        .filter_map(|name| unit.from.get(*name))
        .filter(own)
        .map(String::as_str)
        .collect();
    files.dedup();
    (!files.is_empty()).then(|| files.join(" and "))
}

/// Facts about one variable: who has it, which file sets it, and whether a restart would do.
fn about(whose: &Whose, set: &Set, unit: Option<&UnitSettings>, finding: &Finding, heals: bool) -> Facts {
    let variable = finding.facts.get("variable").map(String::as_str);
    let name = name(whose);
    let (Some(unit), Some(variable)) = (unit, variable) else {
        // What is no variable, such as an agent that is installed, is nobody's own.
        let told = if whose.is_own() || variable.is_none() { String::new() } else { format!(" for {name}") };
        return Facts::from([("whose", told)]);
    };
    let mut facts = Facts::from([("unit", name.clone())]);
    let from = unit.from.get(variable);
    let declared = unit.declared.get(variable);
    let same = declared == set.get(variable);
    let known = unit.unread.is_empty();
    let who = match unit.process {
        Some(pid) => format!(" for process {pid} of {name}"),
        None => format!(" for {name}"),
    };
    let told = match from {
        Some(file) if same && heals => format!("{who} by {file}, which its files now make up for"),
        Some(file) if same => format!("{who} by {file}"),
        Some(file) => format!("{who}, though {file} now says otherwise"),
        None if unit.process.is_some() && known => format!("{who}, though its files do not set it"),
        None => who,
    };
    facts.insert("whose", told);
    // What could not be read may bring it again.
    let stale = heals && known;
    if let Some(file) = from.filter(|_| !stale) {
        facts.extend(settings::set_in(file, finding));
    }
    if is_systemd(&name) {
        let there = exceptions_in(unit, finding).filter(|_| !stale);
        facts.insert(
            match there {
                Some(_) => "changed_unit",
                None if stale => "restart_unit",
                None => "edit_unit",
            },
            name,
        );
        facts.extend(there.map(|files| ("exceptions_in", files)));
    }
    facts
}

/// The end of the line of a check that passed.
fn summary(whose: &Whose, set: &Set, unit: Option<&UnitSettings>) -> String {
    let name = name(whose);
    let Some(unit) = unit else {
        return if whose.is_own() { String::new() } else { format!("of {name}") };
    };
    let Some(pid) = unit.process else { return format!("of {name}, by its files; no process of it was found") };
    let mut names: Vec<&str> = changed(set, unit).collect();
    names.truncate(NAMES);
    let changed = match &names[..] {
        [] => String::new(),
        some => format!("; its files now set {} otherwise, which a restart brings", some.join(", ")),
    };
    format!("of {name}, process {pid}{changed}")
}

/// The variables that the files set otherwise than the process has them.
fn changed<'a>(set: &'a Set, unit: &'a UnitSettings) -> impl Iterator<Item = &'a str> {
    let other = |(name, value): &(&String, &String)| set.get(*name) != Some(*value);
    unit.declared.iter().filter(other).map(|(name, _)| name.as_str())
}

fn name(whose: &Whose) -> String {
    match whose {
        Whose::Own => "midoctor".into(),
        Whose::Process(pid) => format!("process {pid}"),
        Whose::Unit(name) => name.clone(),
    }
}

/// Names of systemd's units end in their kind; those of Windows services do not.
fn is_systemd(name: &str) -> bool {
    [".service", ".socket", ".mount", ".swap"].iter().any(|kind| name.ends_with(kind))
}
