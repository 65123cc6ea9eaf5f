//! Whose environment is judged, and in which words: midoctor's own, that of a process, or that of a unit, where the running
//! process and the files can differ. What is wrong in an environment others find.

use std::collections::BTreeMap;

use crate::case::Case;
use crate::check::{Facts, Finding, Severity, Verdict};
use crate::evidence::{Evidence, Outcome, UnitSettings};
use crate::plan::Whose;
use crate::reading::Reading;

type Set = BTreeMap<String, String>;

/// At most so many names are listed in one line.
const NAMES: usize = 5;

/// Judges the environment by what is found in it, and says whose it is.
pub(super) fn judge(case: &Case, find: fn(&Case) -> Vec<Finding>) -> Verdict {
    let whose = &case.plan().environment;
    let (set, unit) = match case.outcome(&case.environment()) {
        Some(Outcome::Variables { set, unit }) => (set, unit.as_ref()),
        Some(Outcome::Failed(failed)) if !whose.is_own() => return Verdict::Unknown(failed.detail.clone()),
        _ => return Verdict::Unknown("the environment was not read".into()),
    };
    let mut found = find(case);
    for finding in &mut found {
        let told = about(whose, set, unit, finding.facts.get("variable").map(String::as_str));
        finding.facts.extend(told);
    }
    found.extend(unit.map(|unit| to_come(case, set, unit, &found, find)).unwrap_or_default());
    if !found.is_empty() {
        return Verdict::Found(found);
    }
    match unit {
        Some(UnitSettings { process: None, unread, .. }) if !unread.is_empty() => Verdict::Unknown(format!(
            "not all of the environment of {} could be read: {}",
            name(whose),
            unread.join("; ")
        )),
        _ => Verdict::Pass(Facts::from([("whose", summary(whose, set, unit))])),
    }
}

/// What the files would bring at the next restart: what is wrong with that alone is worth a warning before it happens.
fn to_come(
    case: &Case,
    set: &Set,
    unit: &UnitSettings,
    found: &[Finding],
    find: fn(&Case) -> Vec<Finding>,
) -> Vec<Finding> {
    if unit.process.is_none() || changed(set, unit).next().is_none() {
        return Vec::new();
    }
    let request = case.environment();
    let reading = case.evidence;
    let mut evidence =
        Evidence { taken_at: reading.taken_at(), asked: case.plan().clone(), exchanges: reading.exchanges().to_vec() };
    for exchange in evidence.exchanges.iter_mut().filter(|exchange| exchange.request == request) {
        for attempt in &mut exchange.attempts {
            attempt.outcome = Outcome::Variables { set: unit.declared.clone(), unit: None };
        }
    }
    let reading = Reading::new(&evidence);
    let known = |one: &Finding| {
        let same = |other: &Finding| other.code == one.code && other.facts.get("variable") == one.facts.get("variable");
        found.iter().any(same)
    };
    let new = find(&Case::new(&reading, case.subject)).into_iter().filter(|one| !known(one));
    let unit_name = name(&case.plan().environment);
    new.map(|one| {
        let from = one.facts.get("variable").and_then(|variable| unit.from.get(variable));
        let place = from.map_or_else(|| format!("the files of {unit_name}"), Clone::clone);
        let told =
            format!(" in {place}, not yet in process {} of {unit_name}, which gets it when it is restarted", pid(unit));
        let one = Finding { severity: Severity::Warning, ..one }.with("whose", told).with("unit", &unit_name);
        let one = from.iter().fold(one, |one, from| one.with("set_in", from));
        if is_systemd(&unit_name) { one.with("next_unit", &unit_name).with("edit_unit", &unit_name) } else { one }
    })
    .collect()
}

/// Facts about one variable: who has it, which file sets it, and what has to be restarted.
fn about(whose: &Whose, set: &Set, unit: Option<&UnitSettings>, variable: Option<&str>) -> Facts {
    let name = name(whose);
    let (Some(unit), Some(variable)) = (unit, variable) else {
        let told = if whose.is_own() { String::new() } else { format!(" for {name}") };
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
        Some(file) if same => format!("{who} by {file}"),
        Some(file) => format!("{who}, though {file} now says otherwise"),
        None if unit.process.is_some() && known => format!("{who}, though its files do not set it"),
        None => who,
    };
    facts.insert("whose", told);
    if let Some(file) = from.filter(|_| same) {
        facts.insert("set_in", file.clone());
    }
    if is_systemd(&name) {
        // What the files say otherwise, or say no more, goes with a restart.
        let stale = unit.process.is_some() && !same && known;
        facts.insert(if stale { "restart_unit" } else { "edit_unit" }, name);
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

fn pid(unit: &UnitSettings) -> u32 {
    unit.process.unwrap_or_default()
}

/// Names of systemd's units end in their kind; those of Windows services do not.
fn is_systemd(name: &str) -> bool {
    [".service", ".socket", ".mount", ".swap"].iter().any(|kind| name.ends_with(kind))
}
