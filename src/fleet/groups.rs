//! Where VMs are: counts by subscription, resource group, location and image, and what all of them have in common.
//!
//! Azure compares the names of these without regard to case, and so does everything here.

use std::collections::{BTreeMap, HashMap};

use super::fold::{Fold, TextId, Vm};

/// What VMs are grouped by, in the order of `Vm::groups`, as one is called and as several are.
pub const KINDS: [(&str, &str); 4] = [
    ("subscription", "subscriptions"),
    ("resource group", "resource groups"),
    ("location", "locations"),
    ("image", "images"),
];

/// The place of resource groups among them: their names are unique within a subscription only.
const RESOURCE_GROUP: usize = 1;

/// VMs that have something in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// What they have in common; empty when it is not known.
    pub name: String,
    /// How many.
    pub vms: u64,
    /// How many VMs the fold has in that group at all.
    pub of: u64,
}

/// The groups of some VMs by each kind, the largest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// In the order of [`KINDS`].
    pub kinds: [Vec<Group>; 4],
    /// How many groups of each kind the whole fold has, and how many VMs in them; where it is not known tells nothing.
    all: [(usize, u64); 4],
}

/// Counts VMs by group. A resource group is counted with its subscription.
#[derive(Debug, Default)]
pub struct Counter([HashMap<(TextId, TextId), u64>; 4]);

impl Counter {
    /// Counts one.
    pub fn add(&mut self, vm: &Vm) {
        for (kind, counts) in self.0.iter_mut().enumerate() {
            let within = if kind == RESOURCE_GROUP { vm.groups[0] } else { 0 };
            *counts.entry((within, vm.groups[kind])).or_default() += 1;
        }
    }

    /// What the whole fold has of each.
    pub fn totals(&self, fold: &Fold) -> Totals {
        let mut totals = Totals::default();
        for (kind, counts) in self.0.iter().enumerate() {
            let mut spellings: BTreeMap<(String, String), (u64, String, String)> = BTreeMap::new();
            for ((within, name), vms) in counts {
                let (within, name) = (fold.text(*within), fold.text(*name));
                let entry = spellings.entry((within.to_lowercase(), name.to_lowercase())).or_default();
                entry.0 += vms;
                // Of several spellings the first in the alphabet is shown, whichever thread met which first.
                if entry.2.is_empty() || name < entry.2.as_str() {
                    (entry.1, entry.2) = (within.to_owned(), name.to_owned());
                }
            }
            let mut names: HashMap<String, usize> = HashMap::new();
            for (_, name) in spellings.keys() {
                *names.entry(name.clone()).or_default() += 1;
            }
            let mut index: HashMap<(String, String), usize> = HashMap::new();
            for (key, (vms, within, name)) in spellings {
                let twice = names.get(&key.1).is_some_and(|times| *times > 1) && !name.is_empty() && !within.is_empty();
                let shown = if twice { format!("{name} ({within})") } else { name };
                index.insert(key, totals.kinds[kind].len());
                totals.kinds[kind].push((shown, vms));
            }
            for (within, name) in counts.keys() {
                let key = (fold.text(*within).to_lowercase(), fold.text(*name).to_lowercase());
                if let Some(at) = index.get(&key) {
                    totals.places[kind].insert((*within, *name), *at);
                }
            }
        }
        totals
    }

    /// The groups of what was counted.
    pub fn groups(&self, totals: &Totals) -> Groups {
        let mut groups = Groups::default();
        for (kind, counts) in self.0.iter().enumerate() {
            let mut sums: BTreeMap<usize, u64> = BTreeMap::new();
            for (key, vms) in counts {
                if let Some(at) = totals.places[kind].get(key) {
                    *sums.entry(*at).or_default() += vms;
                }
            }
            let known = sums.into_iter().filter_map(|(at, vms)| {
                let (name, of) = totals.kinds[kind].get(at)?;
                Some(Group { name: name.clone(), vms, of: *of })
            });
            groups.kinds[kind] = known.collect();
            groups.kinds[kind].sort_by(|one, other| other.vms.cmp(&one.vms).then_with(|| one.name.cmp(&other.name)));
            let known = totals.kinds[kind].iter().filter(|(name, _)| !name.is_empty());
            groups.all[kind] = known.fold((0, 0), |(groups, vms), (_, more)| (groups + 1, vms + more));
        }
        groups
    }
}

/// The groups of the whole fold.
#[derive(Debug, Default)]
pub struct Totals {
    kinds: [Vec<(String, u64)>; 4],
    places: [HashMap<(TextId, TextId), usize>; 4],
}

/// A pattern is told of so many VMs and more; two in one place are nothing to learn from.
const ENOUGH: u64 = 3;

impl Groups {
    /// What so many VMs have in common that not all VMs of the fold have: the smallest groups that hold all of them, or else one
    /// that holds most of them and hardly anything else.
    pub fn pattern(&self, vms: u64) -> Option<String> {
        if vms < ENOUGH {
            return None;
        }
        let telling = |kind: &usize| self.all[*kind].0 > 1;
        let largest =
            |kind: usize| self.kinds[kind].first().filter(|group| !group.name.is_empty()).map(|group| (kind, group));
        let mut whole: Vec<(usize, &Group)> = (0..KINDS.len())
            .filter(telling)
            .filter_map(largest)
            // Where nearly all VMs are, those with any cause are likely to be.
            .filter(|(kind, group)| group.vms == vms && group.of * 10 < self.all[*kind].1 * 9)
            .collect();
        // What holds fewer other VMs says more; a resource group says its subscription as well.
        whole.sort_by_key(|(kind, group)| (group.of, *kind != RESOURCE_GROUP));
        if whole.iter().any(|(kind, _)| *kind == RESOURCE_GROUP) {
            whole.retain(|(kind, _)| *kind != 0);
        }
        if let Some((kind, smallest)) = whole.first() {
            if smallest.of == vms {
                return Some(format!("all VMs {}, and no others", in_words(*kind, smallest)));
            }
            let places: Vec<String> = whole.iter().take(2).map(|(kind, group)| in_words(*kind, group)).collect();
            return Some(format!("all {}", places.join(", ")));
        }
        let most =
            |(_, group): &(usize, &Group)| group.vms * 5 >= vms * 4 && group.vms >= ENOUGH && group.vms * 2 >= group.of;
        let (kind, group) = (0..KINDS.len())
            .filter(telling)
            .filter_map(largest)
            .filter(most)
            .min_by_key(|(kind, group)| (group.of, *kind))?;
        Some(format!("{} of {vms} {}", group.vms, in_words(kind, group)))
    }
}

fn in_words(kind: usize, group: &Group) -> String {
    let preposition = if kind == 3 { "with" } else { "in" };
    format!("{preposition} {} {}", KINDS[kind].0, group.name)
}
