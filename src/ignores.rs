//! Findings that are known and shall not count for a while, each with a reason and a last day. Time is the evidence's, so a
//! report that is judged again in a year reads the same.

use glob::Pattern;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::check::{Check, Excuse};
use crate::plan::Ignore;

/// The ignores of a run, and which of them were of use.
pub struct Ignores<'a> {
    today: Date,
    each: Vec<One<'a>>,
}

struct One<'a> {
    pattern: Pattern,
    ignore: &'a Ignore,
    /// Was a check judged that could have found such a code?
    looked: bool,
    /// Was one found?
    used: bool,
}

impl<'a> Ignores<'a> {
    /// The ignores as they hold at that time.
    pub fn new(ignores: &'a [Ignore], now: Timestamp) -> Self {
        let each = ignores.iter().filter_map(|ignore| {
            Some(One { pattern: Pattern::new(&ignore.code).ok()?, ignore, looked: false, used: false })
        });
        Self { today: now.to_zoned(TimeZone::UTC).date(), each: each.collect() }
    }

    /// This check came to a verdict of its own.
    pub fn judged(&mut self, check: &Check) {
        for one in &mut self.each {
            one.looked |= check.codes.iter().chain(check.shared).any(|code| one.pattern.matches(code));
        }
    }

    /// Why a finding of this code does not count; none when it does.
    pub fn excuse(&mut self, code: &str) -> Option<Excuse> {
        let mut excuse = None;
        for one in self.each.iter_mut().filter(|one| one.pattern.matches(code)) {
            one.used = true;
            if excuse.is_none() && self.today <= one.ignore.until {
                excuse = Some(Excuse { reason: one.ignore.reason.clone(), until: Some(one.ignore.until) });
            }
        }
        excuse
    }

    /// What is odd about them: those that have ended, and those that matched nothing where there was something to match.
    pub fn notes(&self) -> Vec<String> {
        let odd = self.each.iter().filter_map(|one| {
            let Ignore { code, reason, until } = one.ignore;
            if self.today > *until {
                Some(format!(
                    "the ignore of {code} ended on {until} and no longer counts ({reason}); remove it, or give it a new date"
                ))
            } else if one.looked && !one.used {
                Some(format!("the ignore of {code} matched nothing ({reason}); remove it when it is no longer needed"))
            } else {
                None
            }
        });
        odd.collect()
    }
}
