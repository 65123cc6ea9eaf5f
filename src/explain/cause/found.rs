//! The causes found so far, with how sure each is; puts them in order.
//!
//! What is said first and by structure stays ahead of what is said later and by wording. Nothing here reads text.

use std::ops::Range;

use super::Confidence;

/// A cause and where the text speaks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct One {
    /// The code.
    pub code: &'static str,
    /// How sure.
    pub confidence: Confidence,
    /// The higher, the further ahead among those of the same confidence.
    rank: i32,
    /// Where.
    pub at: Range<usize>,
    /// The client whose wording it is, where a wording decided.
    pub client: Option<&'static str>,
}

/// Everything found.
#[derive(Debug, Default)]
pub struct Found {
    all: Vec<One>,
    /// Counts down, so that what comes first stays ahead.
    next: i32,
    /// Is it settled by something stronger than what is being read now?
    settled: bool,
}

impl Found {
    /// From here on, weaker things are read: they add possibilities to what is settled, no more.
    pub fn weaker(&mut self) {
        self.settled = self.is_settled();
    }

    /// Does something speak for a cause, rather than allow it?
    pub fn is_settled(&self) -> bool {
        self.all.iter().any(|one| one.confidence > Confidence::Possible)
    }

    /// Is there anything at all?
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The text says so itself.
    pub fn certain(&mut self, code: &'static str, at: &Range<usize>) {
        self.add(code, Confidence::Certain, 0, at, None);
    }

    /// The text speaks for it.
    pub fn likely(&mut self, code: &'static str, at: &Range<usize>) {
        self.add(code, Confidence::Likely, 0, at, None);
    }

    /// The text allows these, best first.
    pub fn possible(&mut self, codes: &[&'static str], at: &Range<usize>) {
        for code in codes {
            self.add(code, Confidence::Possible, 0, at, None);
        }
    }

    /// One more cause.
    pub fn add(
        &mut self,
        code: &'static str,
        confidence: Confidence,
        rank: i32,
        at: &Range<usize>,
        client: Option<&'static str>,
    ) {
        self.next -= 1;
        let confidence = if self.settled { Confidence::Possible } else { confidence };
        let rank = rank * 1000 + self.next;
        let one = One { code, confidence, rank, at: at.clone(), client };
        match self.all.iter_mut().find(|known| known.code == code) {
            Some(known) if (known.confidence, known.rank) >= (confidence, rank) => {}
            Some(known) => *known = one,
            None => self.all.push(one),
        }
    }

    /// All of it, best first.
    pub fn in_order(mut self) -> Vec<One> {
        self.all.sort_by_key(|one| std::cmp::Reverse((one.confidence, one.rank)));
        self.all
    }
}
