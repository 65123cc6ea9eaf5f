//! Has passages judged: without their secrets, each kind once, and never more than is sensible.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hasher};

use crate::fill::Values;
use crate::seal::{self, Sealer};

use super::cause::{Cause, Passage};
use super::facts;
use super::input::unescaped;
use super::line::Line;

/// What judges a passage.
pub type Judge<'a> = dyn Fn(&Passage) -> Vec<Cause> + 'a;

/// So many bytes are judged as they come.
const FIRST: usize = 6 << 20;
/// A passage counts for so many at least: judging a short one takes its time, and what is found in it its place.
const LEAST: usize = 1 << 10;
/// So many of the last ones are judged as well: a log's end matters.
const LAST: usize = 2 << 20;
/// Passages whose telling lines are the same are judged so many times; those around them may differ.
const ALIKE: u32 = 8;
/// So many kinds of passages are remembered.
const REMEMBERED: usize = 1 << 16;

/// A cause that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// The cause, with the number of the line in the whole text.
    pub cause: Cause,
    /// How many passages like this there were.
    pub times: usize,
    /// What the text around it tells of names and IDs.
    pub facts: Values,
}

/// Has passages judged and keeps what was found.
pub struct Scales<'a> {
    judge: &'a Judge<'a>,
    /// The sightings, by the kind of passage that they came from.
    kinds: Vec<(usize, Vec<Sighting>)>,
    /// Whole passages, by hash, with their kind.
    known: HashMap<u64, usize>,
    /// Telling lines, by hash, with how many were judged and the last kind.
    alike: HashMap<u64, (u32, usize)>,
    judged: usize,
    /// With their kind, if that is remembered.
    waiting: VecDeque<(Option<usize>, Vec<Line>)>,
    waiting_bytes: usize,
    /// How many passages were not judged, because there were too many.
    pub left_out: usize,
}

impl<'a> Scales<'a> {
    /// Nothing was judged yet.
    pub fn new(judge: &'a Judge<'a>) -> Self {
        Self {
            judge,
            kinds: Vec::new(),
            known: HashMap::new(),
            alike: HashMap::new(),
            judged: 0,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            left_out: 0,
        }
    }

    /// Takes a passage.
    pub fn put(&mut self, lines: Vec<Line>) {
        let (whole, telling) = (hash(lines.iter()), hash(lines.iter().filter(|line| line.hit)));
        if let Some(kind) = self.known.get(&whole) {
            self.kinds[*kind].0 += 1;
            return;
        }
        if let Some((ALIKE.., kind)) = self.alike.get(&telling) {
            self.kinds[*kind].0 += 1;
            return;
        }
        let bytes = weight(&lines);
        let now = self.judged + bytes <= FIRST;
        let remembered = self.known.len() < REMEMBERED;
        let kind = self.kinds.len();
        if now || remembered {
            self.kinds.push((1, Vec::new()));
        }
        if remembered {
            self.known.insert(whole, kind);
            let entry = self.alike.entry(telling).or_insert((0, kind));
            *entry = (entry.0 + 1, kind);
        }
        if now {
            self.judged += bytes;
            self.kinds[kind].1 = judged(self.judge, &lines);
            return;
        }
        self.waiting.push_back((remembered.then_some(kind), lines));
        self.waiting_bytes += bytes;
        while self.waiting_bytes > LAST && self.waiting.len() > 1 {
            if let Some((_, lines)) = self.waiting.pop_front() {
                self.waiting_bytes -= weight(&lines);
                self.left_out += 1;
            }
        }
    }

    /// All that was seen, in the order of the text, and how many passages were left out.
    pub fn finish(mut self) -> (Vec<Sighting>, usize) {
        for (kind, lines) in std::mem::take(&mut self.waiting) {
            let sightings = judged(self.judge, &lines);
            match kind {
                Some(kind) => self.kinds[kind].1 = sightings,
                None => self.kinds.push((1, sightings)),
            }
        }
        let counted = self
            .kinds
            .into_iter()
            .flat_map(|(times, sightings)| sightings.into_iter().map(move |sighting| Sighting { times, ..sighting }));
        (counted.collect(), self.left_out)
    }
}

/// The bytes that a passage counts for.
fn weight(lines: &[Line]) -> usize {
    lines.iter().map(|line| line.text.len()).sum::<usize>().max(LEAST)
}

fn hash<'l>(lines: impl Iterator<Item = &'l Line>) -> u64 {
    let mut hasher = DefaultHasher::new();
    lines.for_each(|line| line.feed(&mut hasher));
    hasher.finish()
}

/// Seals the passage, offers what is escaped unescaped as well, and has it judged.
fn judged(judge: &Judge, lines: &[Line]) -> Vec<Sighting> {
    let mut sealer = Sealer::default();
    let (mut texts, mut numbers) = (Vec::new(), Vec::new());
    for line in lines {
        if line.inside {
            sealer = Sealer::in_the_middle();
        }
        if seal::ends_a_block(&line.text) {
            let end = texts.len();
            seal::block_before(&mut texts, end);
        }
        let sealed = sealer.line(&line.text);
        // Sealed before, as quotes show where a secret ends, and after, as there may be names that were not seen before.
        let inner = unescaped(&sealed);
        texts.push(sealed);
        numbers.push(line.number);
        let mut sealer = Sealer::default();
        for text in inner {
            texts.push(sealer.line(&text));
            numbers.push(line.number);
        }
    }
    let Some(first) = numbers.first().copied() else { return Vec::new() };
    let passage = Passage { first, lines: texts };
    let causes = (judge)(&passage);
    let sighting = |mut cause: Cause| {
        let index = cause.line.saturating_sub(first).min(numbers.len() - 1);
        let facts = facts::around(&passage.lines, index);
        cause.line = numbers[index];
        Sighting { cause, times: 1, facts }
    };
    causes.into_iter().map(sighting).collect()
}
