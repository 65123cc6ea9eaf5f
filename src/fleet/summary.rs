//! What a fold comes to: how many VMs are how, the root causes with where they are, what changed. All of it in plain data, which
//! renderers see.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::check::{Severity, Status};
use crate::checks;
use crate::exit::Exit;
use crate::page;
use crate::report::Word;

use super::changes::{Changes, Since};
use super::fold::{Fold, Id, TextId, Vm};
use super::groups::{Counter, Group, Groups};
use super::row::Pattern;

/// So many VMs are named where they are counted.
pub const EXAMPLES: usize = 5;

/// How many VMs have which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// Nothing found.
    pub healthy: u64,
    /// Warnings only.
    pub degraded: u64,
    /// At least one error.
    pub unhealthy: u64,
    /// Not everything could be judged.
    pub undetermined: u64,
}

/// A root cause, a warning, or a check that could not be judged, with the VMs that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The code, or the check.
    pub code: String,
    /// What it means in a sentence; empty for one that this version does not know.
    pub title: String,
    /// How many VMs.
    pub vms: u64,
    /// On how many more it was found beside another root cause.
    pub also: u64,
    /// The first of the VMs by name; of those that their reports do not know, where the reports are.
    pub examples: Vec<String>,
    /// Where they are, by subscription, resource group, location and image.
    pub groups: Groups,
    /// What they have in common, in words, where that helps.
    pub pattern: Option<String>,
}

/// What a fold comes to.
#[derive(Debug)]
pub struct Fleet<'a> {
    /// The fold.
    pub fold: &'a Fold,
    /// Its patterns of checks, by the ID of their text.
    pub patterns: HashMap<TextId, Pattern>,
    /// How many VMs are how.
    pub verdicts: Verdicts,
    /// The root causes of what is unhealthy, the most frequent first.
    pub root_causes: Vec<Cause>,
    /// Warnings, likewise.
    pub warnings: Vec<Cause>,
    /// What could not be judged on undetermined VMs, by check.
    pub unjudged: Vec<Cause>,
    /// The versions of midoctor, each with how many VMs.
    pub versions: Vec<Group>,
    /// The checks of all VMs, in the catalogue's order, then those that this version does not know.
    pub checks: Vec<String>,
    /// When the oldest and the newest of the reports that count began, microseconds since 1970.
    pub span: Option<(i64, i64)>,
    /// How many of the VMs are reports that do not know their VM: the same VM may have written several.
    pub nameless: u64,
    /// What changed since an earlier fold.
    pub changes: Option<Changes>,
}

/// What is gathered of a cause.
#[derive(Default)]
struct Gathered<'a> {
    vms: u64,
    also: u64,
    /// The first by name: of the VM, then where it is.
    examples: Vec<&'a Vm>,
    counter: Counter,
}

impl<'a> Gathered<'a> {
    fn add(&mut self, vm: &'a Vm) {
        self.vms += 1;
        self.counter.add(vm);
        let before = |other: &&Vm| order(other, vm).is_lt();
        let place = self.examples.partition_point(before);
        if place < EXAMPLES {
            self.examples.insert(place, vm);
            self.examples.truncate(EXAMPLES);
        }
    }
}

/// What is gathered of all causes, by code or check.
#[derive(Default)]
struct Tally<'a> {
    causes: HashMap<&'a str, Gathered<'a>>,
    warnings: HashMap<&'a str, Gathered<'a>>,
    unjudged: HashMap<&'a str, Gathered<'a>>,
}

impl<'a> Tally<'a> {
    fn add(&mut self, vm: &'a Vm, cause: &'a str, pattern: &'a Pattern) {
        if vm.verdict == Word::Unhealthy {
            self.causes.entry(cause).or_default().add(vm);
        }
        for (code, severity) in &pattern.codes {
            match severity {
                Severity::Warning => self.warnings.entry(code).or_default().add(vm),
                Severity::Error if code != cause => self.causes.entry(code).or_default().also += 1,
                Severity::Error => {}
            }
        }
        if vm.verdict == Word::Undetermined {
            for (check, _) in pattern.statuses.iter().filter(|(_, status)| **status == Status::Unknown) {
                self.unjudged.entry(check).or_default().add(vm);
            }
        }
    }
}

/// By name, then by where they are in what was read, so that the order is the same each time.
fn order(one: &Vm, other: &Vm) -> std::cmp::Ordering {
    let nameless = |vm: &Vm| matches!(vm.id, Id::Run(_) | Id::Place);
    match (nameless(one), nameless(other)) {
        // The ID of a run says nothing to anybody.
        (true, true) => one.place.cmp(&other.place),
        (one_is, other_is) => {
            one_is.cmp(&other_is).then_with(|| one.name.cmp(&other.name)).then_with(|| one.place.cmp(&other.place))
        }
    }
}

impl<'a> Fleet<'a> {
    /// Sums up a fold; `since` is what was read of an earlier one.
    pub fn new(fold: &'a Fold, since: Option<Since>) -> Self {
        let mut fleet = Self {
            fold,
            patterns: HashMap::new(),
            verdicts: Verdicts::default(),
            root_causes: Vec::new(),
            warnings: Vec::new(),
            unjudged: Vec::new(),
            versions: Vec::new(),
            checks: Vec::new(),
            span: None,
            nameless: 0,
            changes: None,
        };
        for vm in fold.vms.values() {
            fleet.patterns.entry(vm.pattern).or_insert_with(|| Pattern::parse(fold.pattern(vm.pattern)));
        }
        let mut all = Counter::default();
        let mut versions: BTreeMap<TextId, u64> = BTreeMap::new();
        let mut tally = Tally::default();
        for vm in fold.vms.values() {
            all.add(vm);
            fleet.nameless += u64::from(matches!(vm.id, Id::Run(_) | Id::Place));
            *versions.entry(vm.version).or_default() += 1;
            if let Some(time) = vm.time {
                let (first, last) = fleet.span.unwrap_or((time, time));
                fleet.span = Some((first.min(time), last.max(time)));
            }
            *match vm.verdict {
                Word::Healthy => &mut fleet.verdicts.healthy,
                Word::Degraded => &mut fleet.verdicts.degraded,
                Word::Unhealthy => &mut fleet.verdicts.unhealthy,
                Word::Undetermined => &mut fleet.verdicts.undetermined,
            } += 1;
            if let Some(pattern) = fleet.patterns.get(&vm.pattern) {
                tally.add(vm, fold.text(vm.root_cause), pattern);
            }
        }
        let totals = all.totals(fold);
        let sum_up = |gathered: HashMap<&str, Gathered>| {
            let mut causes: Vec<Cause> =
                gathered.into_iter().map(|(code, gathered)| cause(code, gathered, &totals)).collect();
            causes.sort_by(|one, other| {
                (other.vms, other.also).cmp(&(one.vms, one.also)).then_with(|| one.code.cmp(&other.code))
            });
            causes
        };
        let (causes, warnings, unjudged) = (sum_up(tally.causes), sum_up(tally.warnings), sum_up(tally.unjudged));
        let known: Vec<&str> = checks::all().map(|check| check.id).collect();
        let met: HashSet<&str> =
            fleet.patterns.values().flat_map(|pattern| pattern.statuses.keys()).map(String::as_str).collect();
        let mut columns: Vec<String> = met.into_iter().map(str::to_owned).collect();
        let rank = |id: &str| known.iter().position(|known| *known == id).unwrap_or(known.len());
        columns.sort_by(|one, other| (rank(one), one).cmp(&(rank(other), other)));
        (fleet.root_causes, fleet.warnings, fleet.unjudged, fleet.checks) = (causes, warnings, unjudged, columns);
        let versions = versions.into_iter().map(|(id, vms)| Group { name: fold.text(id).to_owned(), vms, of: vms });
        fleet.versions = versions.collect();
        fleet.versions.sort_by(|one, other| other.vms.cmp(&one.vms).then_with(|| one.name.cmp(&other.name)));
        fleet.changes = since.map(|since| Changes::new(fold, since));
        fleet
    }

    /// All VMs, by name.
    pub fn vms(&self) -> Vec<&'a Vm> {
        let mut vms: Vec<&Vm> = self.fold.vms.values().collect();
        vms.sort_unstable_by(|one, other| order(one, other));
        vms
    }

    /// How the checks of a VM ended.
    pub fn pattern(&self, vm: &Vm) -> Option<&Pattern> {
        self.patterns.get(&vm.pattern)
    }

    /// Reports of VMs of which there is a newer one, or the same again.
    pub fn older(&self) -> u64 {
        self.fold.reports - self.fold.len() as u64
    }

    /// How the command ends.
    pub fn exit(&self) -> Exit {
        match self.verdicts {
            Verdicts { unhealthy: 1.., .. } => Exit::Unhealthy,
            Verdicts { undetermined: 1.., .. } => Exit::Undetermined,
            _ if self.fold.broken.count > 0 => Exit::Undetermined,
            _ => Exit::Healthy,
        }
    }
}

/// The VM's name; of one that its report does not know, where the report is: files are often named for machines.
fn example(vm: &Vm) -> String {
    if matches!(vm.id, Id::Run(_) | Id::Place) { vm.place.in_words() } else { vm.name.to_string() }
}

fn cause(code: &str, gathered: Gathered, totals: &super::groups::Totals) -> Cause {
    let title = page::section(code).map(|(_, section)| section.title.clone());
    let title = title.or_else(|| {
        let check = checks::all().find(|check| check.id == code)?;
        Some(page::of(check).title.clone())
    });
    let groups = gathered.counter.groups(totals);
    Cause {
        code: code.to_owned(),
        title: title.unwrap_or_default(),
        vms: gathered.vms,
        also: gathered.also,
        examples: gathered.examples.iter().map(|vm| example(vm)).collect(),
        pattern: groups.pattern(gathered.vms),
        groups,
    }
}
