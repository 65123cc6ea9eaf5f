//! Which checks a run is about, by `--only` and `--skip`: globs over the names of checks and codes. What only these globs leave
//! out is never judged wrong by it: a check that needs another one takes it along, and so does one that another stands in the
//! way of.

use std::collections::BTreeSet;

use glob::Pattern;

use crate::check::{Check, Excuse};
use crate::checks;
use crate::plan::Plan;

/// Which checks a run is about, and which of their findings count.
pub struct Selection {
    only: Vec<Pattern>,
    skip: Vec<Pattern>,
    /// What comes along with the checks that `--only` names: what they need, near and far.
    along: BTreeSet<&'static str>,
}

impl Selection {
    /// What this plan selects. A glob that cannot be read, as in a report that somebody wrote by hand, matches nothing.
    pub fn new(plan: &Plan) -> Self {
        let patterns = |texts: &[String]| texts.iter().filter_map(|text| Pattern::new(text).ok()).collect();
        let mut selection = Self { only: patterns(&plan.only), skip: patterns(&plan.skip), along: BTreeSet::new() };
        for check in checks::all().filter(|check| selection.is_named(check)).collect::<Vec<_>>() {
            selection.take_needs_of(check);
        }
        selection
    }

    fn take_needs_of(&mut self, check: &Check) {
        for need in checks::all().filter(|other| check.needs.contains(&other.id)) {
            if self.along.insert(need.id) {
                self.take_needs_of(need);
            }
        }
    }

    /// Takes along a check that stands in another one's way. Was it left out before, and is it in now? What `--skip` names stays
    /// out.
    pub fn take_along(&mut self, id: &str) -> bool {
        let Some(check) = checks::all().find(|check| check.id == id && self.leaves_out(check).is_some()) else {
            return false;
        };
        self.along.insert(check.id);
        self.take_needs_of(check);
        self.leaves_out(check).is_none()
    }

    /// Why this check is not judged; none when it is.
    pub fn leaves_out(&self, check: &Check) -> Option<String> {
        if let Some(pattern) = self.skip.iter().find(|pattern| pattern.matches(check.id)) {
            return Some(format!("--skip {pattern}"));
        }
        let wanted = self.only.is_empty() || self.is_named(check) || self.along.contains(check.id);
        (!wanted).then(|| "not among what --only names".into())
    }

    /// Are the questions of this check, which is not judged, put all the same, since one that is judged reads their answers?
    pub fn is_read(&self, check: &Check) -> bool {
        let skipped = self.skip.iter().any(|pattern| pattern.matches(check.id));
        !skipped && checks::all().any(|other| other.reads.contains(&check.id) && self.leaves_out(other).is_none())
    }

    /// Does the verdict over all hang on this check? It does on those that are essential, and on others that `--only` names.
    pub fn matters(&self, check: &Check) -> bool {
        check.essential || self.is_named(check)
    }

    /// Why a finding of this code does not count; none when it does.
    pub fn excuse(&self, check: &Check, code: &str) -> Option<Excuse> {
        let flag = |reason: String| Some(Excuse { reason, until: None });
        if let Some(pattern) = self.skip.iter().find(|pattern| pattern.matches(code)) {
            return flag(format!("--skip {pattern}"));
        }
        let counts = self.only.is_empty()
            || self.along.contains(check.id)
            || self.only.iter().any(|pattern| pattern.matches(check.id) || pattern.matches(code));
        if counts { None } else { flag("not among what --only names".into()) }
    }

    /// Does `--only` name this check, or a code that it can find?
    fn is_named(&self, check: &Check) -> bool {
        let mut known = check.codes.iter().chain(check.shared).chain([&check.id]);
        known.any(|name| self.only.iter().any(|pattern| pattern.matches(name)))
    }
}
