//! Finds the passages of a text that could hold an error: some lines around every trigger. The text comes in chunks of any
//! size and is never held as a whole; where nothing is found, lines are only counted.

use std::collections::VecDeque;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use memchr::{memchr, memchr_iter, memrchr, memrchr_iter};

use super::input::Decoder;
use super::line::{Line, apart};
use super::weigh::{Judge, Scales, Sighting};

/// Text is looked through in blocks of so many bytes.
const BLOCK: usize = 256 << 10;
/// A text of so many bytes and lines is one passage, with or without a trigger: somebody chose to paste just this.
const SHORT: (usize, usize) = (64 << 10, 120);
/// The lines before a trigger, and after the last one.
const AROUND: (usize, usize) = (40, 60);
/// So many bytes of them at most.
const AROUND_BYTES: usize = 32 << 10;
/// Nearer than this a blank line ends nothing: errors have blank lines in them.
const NEAR: (usize, usize) = (12, 20);
/// A passage is never longer.
const LONGEST: (usize, usize) = (256 << 10, 400);
/// A longer line is cut into pieces of so many bytes, each beginning so much before the end of the last.
const PIECE: usize = 32 << 10;
const OVERLAP: usize = 1 << 10;

/// What a text holds.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    /// Every cause that was seen, in the order of the text.
    pub sightings: Vec<Sighting>,
    /// How many lines there were.
    pub lines: usize,
    /// How many passages were not judged, because there were too many.
    pub left_out: usize,
}

/// Looks through a text.
pub struct Scanner<'a> {
    decoder: Decoder,
    triggers: &'a [String],
    /// Made from the triggers when the text turns out not to be short.
    finder: Option<AhoCorasick>,
    scales: Scales<'a>,
    /// Text that was not looked through yet.
    buffer: Vec<u8>,
    place: Place,
    /// The lines before that place.
    before: VecDeque<Line>,
    open: Option<Open>,
}

/// A place in the text.
#[derive(Debug)]
struct Place {
    /// The number of the line.
    number: usize,
    /// Is it within the line?
    inside: bool,
}

/// A passage whose end was not reached yet.
#[derive(Debug, Default)]
struct Open {
    lines: Vec<Line>,
    bytes: usize,
    /// Lines and bytes since the last trigger.
    after: (usize, usize),
    /// The last time stamp.
    second: Option<u32>,
}

impl<'a> Scanner<'a> {
    /// Looks for these triggers, whatever their case, and has the passages judged.
    pub fn new(triggers: &'a [String], judge: &'a Judge<'a>) -> Self {
        Self {
            decoder: Decoder::default(),
            triggers,
            finder: None,
            scales: Scales::new(judge),
            buffer: Vec::new(),
            place: Place { number: 1, inside: false },
            before: VecDeque::new(),
            open: None,
        }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When there are more triggers than can be looked for.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.decoder.decode(bytes, &mut self.buffer);
        if self.buffer.len() < BLOCK {
            return Ok(());
        }
        let end = match memrchr(b'\n', &self.buffer) {
            Some(last) => last + 1,
            None => boundary(&self.buffer, self.buffer.len() - OVERLAP),
        };
        self.look_through(end)
    }

    /// Takes the end of the text.
    ///
    /// # Errors
    /// When there are more triggers than can be looked for.
    pub fn finish(mut self) -> Result<Seen, String> {
        self.decoder.finish(&mut self.buffer);
        let nothing_before = self.finder.is_none();
        let short = self.buffer.len() <= SHORT.0 && memchr_iter(b'\n', &self.buffer).count() < SHORT.1;
        if nothing_before && short {
            let buffer = std::mem::take(&mut self.buffer);
            self.remember(&buffer);
            let mut lines = Vec::new();
            let mut rest = &buffer[..];
            while !rest.is_empty() {
                let end = memchr(b'\n', rest).unwrap_or(rest.len());
                lines.push(Line::read(lines.len() + 1, &rest[..end], false));
                rest = rest.get(end + 1..).unwrap_or_default();
            }
            if lines.iter().any(|line| !line.is_blank()) {
                self.scales.put(lines);
            }
        } else {
            self.look_through(self.buffer.len())?;
            self.close();
        }
        let lines = self.place.number - usize::from(!self.place.inside);
        let (sightings, left_out) = self.scales.finish();
        Ok(Seen { sightings, lines, left_out })
    }

    /// Looks through the buffer up to here.
    fn look_through(&mut self, end: usize) -> Result<(), String> {
        let finder = match self.finder.take() {
            Some(finder) => finder,
            None => AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .kind(Some(AhoCorasickKind::DFA))
                .build(self.triggers)
                .map_err(|error| format!("the text cannot be looked through: {error}"))?,
        };
        let mut buffer = std::mem::take(&mut self.buffer);
        self.block(&finder, &buffer, end);
        buffer.drain(..end);
        self.buffer = buffer;
        self.finder = Some(finder);
        Ok(())
    }

    /// Looks through a block up to its end. What is behind the end comes again, and is seen here only to find what begins
    /// before it.
    fn block(&mut self, finder: &AhoCorasick, block: &[u8], block_end: usize) {
        let mut at = 0;
        while at < block_end {
            if self.open.is_some() {
                at = self.go_on(finder, block, at, block_end);
                continue;
            }
            let hit = finder.find(&block[at..]).map(|hit| at + hit.start()).filter(|hit| *hit < block_end);
            let Some(hit) = hit else {
                self.remember(&block[at..block_end]);
                return;
            };
            let line = memrchr(b'\n', &block[at..hit]).map_or(at, |newline| at + newline + 1);
            let start = if hit - line > PIECE / 2 { boundary(block, hit - PIECE / 2) } else { line };
            self.remember(&block[at..start]);
            self.open = Some(self.begin());
            at = start;
        }
    }

    /// A passage that begins with the lines before this place, as far as they belong to what comes.
    fn begin(&mut self) -> Open {
        let mut open = Open::default();
        let mut second = None;
        for line in std::mem::take(&mut self.before).into_iter().rev() {
            let gap = matches!((second, line.second()), (Some(later), Some(earlier)) if apart(earlier, later));
            if gap || (line.is_blank() && open.lines.len() >= NEAR.0) {
                break;
            }
            second = line.second().or(second);
            open.second = open.second.or(second);
            open.bytes += line.text.len();
            open.lines.push(line);
        }
        open.lines.reverse();
        open
    }

    /// Adds a line, or a piece of one, to the open passage, and returns where the next begins.
    fn go_on(&mut self, finder: &AhoCorasick, block: &[u8], at: usize, block_end: usize) -> usize {
        let Some(open) = &mut self.open else { return at };
        let most = &block[at..block.len().min(at + PIECE)];
        let (end, next) = match memchr(b'\n', most) {
            Some(newline) => (at + newline, at + newline + 1),
            None if at + most.len() == block.len() => (block.len(), block_end),
            None => {
                let end = boundary(block, at + PIECE);
                (end, boundary(block, end - OVERLAP).min(block_end))
            }
        };
        let mut line = Line::read(self.place.number, &block[at..end], self.place.inside);
        line.hit = finder.is_match(&block[at..end]);
        let second = line.second();
        let has_hit = open.lines.iter().any(|line| line.hit);
        let gap = matches!((open.second, second), (Some(earlier), Some(later)) if apart(earlier, later));
        if gap && has_hit {
            self.close();
            return at;
        }
        if gap {
            open.lines.clear();
            open.bytes = 0;
        }
        open.second = second.or(open.second);
        open.after = if line.hit { (0, 0) } else { (open.after.0 + 1, open.after.1 + line.text.len()) };
        let ends = (line.is_blank() && open.after.0 >= NEAR.1)
            || open.after.0 >= AROUND.1
            || open.after.1 > AROUND_BYTES
            || open.bytes + line.text.len() + PIECE > LONGEST.0
            || open.lines.len() + 1 >= LONGEST.1;
        open.bytes += line.text.len();
        open.lines.push(line);
        self.place.pass(&block[at..next]);
        if ends {
            self.close();
        }
        next
    }

    /// Has the open passage judged. Its last lines come before what follows.
    fn close(&mut self) {
        let Some(mut open) = self.open.take() else { return };
        let last = open.lines.iter().rposition(|line| line.hit);
        self.before.clear();
        // What held a trigger is not context again.
        let start = last.map_or(0, |last| last + 1).max(open.lines.len().saturating_sub(AROUND.0));
        self.before.extend(open.lines.get(start..).unwrap_or_default().iter().cloned());
        if last.is_some() {
            self.scales.put(std::mem::take(&mut open.lines));
        }
    }

    /// Passes text without triggers, of which only the last lines matter.
    fn remember(&mut self, text: &[u8]) {
        let newest = &text[text.len().saturating_sub(AROUND_BYTES)..];
        let cut = text.len() - newest.len();
        let body = newest.strip_suffix(b"\n").unwrap_or(newest);
        let start = match memrchr_iter(b'\n', body).nth(AROUND.0 - 1) {
            Some(newline) => cut + newline + 1,
            // Only whole lines, unless the text is one long line.
            None if cut > 0 => memchr(b'\n', newest).map_or(cut, |newline| cut + newline + 1),
            None => 0,
        };
        let start = boundary(text, start);
        if start > 0 {
            self.before.clear();
        }
        self.place.pass(&text[..start]);
        let mut at = start;
        while at < text.len() {
            let end = memchr(b'\n', &text[at..]).map_or(text.len(), |newline| at + newline);
            let next = text.len().min(end + 1);
            self.before.push_back(Line::read(self.place.number, &text[at..end], self.place.inside));
            self.place.pass(&text[at..next]);
            at = next;
        }
        let mut bytes: usize = self.before.iter().map(|line| line.text.len()).sum();
        while self.before.len() > AROUND.0 || (bytes > AROUND_BYTES && self.before.len() > 1) {
            bytes -= self.before.pop_front().map_or(0, |line| line.text.len());
        }
    }
}

impl Place {
    /// Goes on behind this text.
    fn pass(&mut self, text: &[u8]) {
        let Some(last) = text.last() else { return };
        self.number += memchr_iter(b'\n', text).count();
        self.inside = *last != b'\n';
    }
}

/// The place at or a little before this one where a character begins.
fn boundary(text: &[u8], at: usize) -> usize {
    let is_start = |at: &usize| text.get(*at).is_none_or(|byte| byte & 0xc0 != 0x80);
    (at.saturating_sub(3)..=at).rev().find(is_start).unwrap_or(at)
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
