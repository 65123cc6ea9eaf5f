//! Which checks a run is about, by `--only` and `--skip`: globs over the names of checks and codes. What only these globs leave
//! out is never judged wrong by it: a check that needs another one takes it along.

use std::collections::BTreeSet;

use glob::Pattern;

use crate::check::{Check, Excuse};
use crate::checks;
use crate::plan::Plan;

/// Which checks a run is about, and which of their findings count.
pub struct Selection {
    only: Vec<Pattern>,
    skip: Vec<Pattern>,
    /// What the checks that `--only` names need, near and far.
    needed: BTreeSet<&'static str>,
}

impl Selection {
    /// What this plan selects. A glob that cannot be read, as in a report that somebody wrote by hand, matches nothing.
    pub fn new(plan: &Plan) -> Self {
        let patterns = |texts: &[String]| texts.iter().filter_map(|text| Pattern::new(text).ok()).collect();
        let mut selection = Self { only: patterns(&plan.only), skip: patterns(&plan.skip), needed: BTreeSet::new() };
        let mut open: Vec<&Check> = checks::all().filter(|check| names(&selection.only, check)).collect();
        while let Some(check) = open.pop() {
            for need in checks::all().filter(|other| check.needs.contains(&other.id)) {
                if selection.needed.insert(need.id) {
                    open.push(need);
                }
            }
        }
        selection
    }

    /// Why this check is not judged, and its questions not put; none when it is.
    pub fn leaves_out(&self, check: &Check) -> Option<String> {
        if let Some(pattern) = self.skip.iter().find(|pattern| pattern.matches(check.id)) {
            return Some(format!("--skip {pattern}"));
        }
        let wanted = self.only.is_empty() || names(&self.only, check) || self.needed.contains(check.id);
        (!wanted).then(|| "not among what --only names".into())
    }

    /// Does the run's verdict hang on whether this check could be judged? On those that are essential it always does, and on
    /// others when `--only` names them.
    pub fn counts(&self, check: &Check) -> bool {
        self.leaves_out(check).is_none() && (check.essential || names(&self.only, check))
    }

    /// Why a finding of this code does not count; none when it does.
    pub fn excuse(&self, check: &Check, code: &str) -> Option<Excuse> {
        let flag = |reason: String| Some(Excuse { reason, until: None });
        if let Some(pattern) = self.skip.iter().find(|pattern| pattern.matches(code)) {
            return flag(format!("--skip {pattern}"));
        }
        let counts = self.only.is_empty()
            || self.needed.contains(check.id)
            || self.only.iter().any(|pattern| pattern.matches(check.id) || pattern.matches(code));
        if counts { None } else { flag("not among what --only names".into()) }
    }
}

/// Does one of the globs name this check, or a code that it can find?
fn names(patterns: &[Pattern], check: &Check) -> bool {
    let mut known = check.codes.iter().chain(check.shared).chain([&check.id]);
    known.any(|name| patterns.iter().any(|pattern| pattern.matches(name)))
}
