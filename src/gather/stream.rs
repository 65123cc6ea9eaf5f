//! A file, or standard input, of any size as pieces of whole documents. What is longer than a document can be is skipped
//! without being held.

use std::io::Read;

use crate::fleet::documents::{LIMIT, last_start, line_ends, names_a_report, next_start};
use crate::fleet::row::Fault;

use super::content::{TOO_LARGE, start, why};
use super::{Origin, Piece};

/// So many bytes are read at once: as many as the fast memory of a processor holds beside what is made of them.
const BLOCK: usize = 256 << 10;

/// Something that is read piece by piece.
pub struct Stream {
    reader: Box<dyn Read + Send>,
    origin: Origin,
    /// What was read and belongs to the next piece.
    carry: Vec<u8>,
    begun: bool,
    ended: bool,
}

impl Stream {
    /// From its start.
    pub fn new(reader: Box<dyn Read + Send>, origin: Origin) -> Self {
        Self { reader, origin, carry: Vec::new(), begun: false, ended: false }
    }

    /// The next piece, whose bytes are put into `buffer`; none at the end.
    pub fn next(&mut self, buffer: &mut Vec<u8>) -> Option<Piece> {
        buffer.clear();
        buffer.append(&mut self.carry);
        while !self.ended {
            if let Err(fault) = self.block(buffer) {
                self.ended = true;
                self.carry.append(buffer);
                return Some(Piece::Fault(fault, self.origin.place.clone()));
            }
            if !self.begun {
                self.begun = true;
                if let Err(fault) = self.begin(buffer) {
                    self.ended = true;
                    buffer.clear();
                    return Some(Piece::Fault(fault, self.origin.place.clone()));
                }
            }
            if self.ended {
                break;
            }
            if let Some(end) = whole(buffer) {
                self.carry.extend_from_slice(&buffer[end..]);
                buffer.truncate(end);
                return Some(self.piece(buffer));
            }
            if buffer.len() > LIMIT {
                return Some(self.skip(buffer));
            }
        }
        if buffer.is_empty() { None } else { Some(self.piece(buffer)) }
    }

    fn piece(&mut self, buffer: &[u8]) -> Piece {
        let origin = self.origin.clone();
        self.origin.place.line += line_ends(buffer);
        Piece::Bytes(origin)
    }

    /// Looks at the first block.
    fn begin(&self, buffer: &mut Vec<u8>) -> Result<(), Fault> {
        start(buffer)?;
        if self.origin.expected {
            return Ok(());
        }
        // In a file of a directory a report is among the first documents, or it is something else.
        if names_a_report(buffer) {
            return Ok(());
        }
        let is_json = buffer.trim_ascii_start().starts_with(b"{");
        let why =
            if is_json { "it is JSON, and does not begin with a report of midoctor" } else { "it is no JSON object" };
        Err(Fault::Other(why.into()))
    }

    /// Reads a block behind what is there.
    fn block(&mut self, buffer: &mut Vec<u8>) -> Result<(), Fault> {
        buffer.reserve(BLOCK + 64);
        let read = self.reader.by_ref().take(BLOCK as u64).read_to_end(buffer);
        self.ended = read.map_err(|error| Fault::Broken(why(&error)))? < BLOCK;
        Ok(())
    }

    /// Passes over a document that is too long.
    fn skip(&mut self, buffer: &mut Vec<u8>) -> Piece {
        let mut place = self.origin.place.clone();
        place.line += 1;
        // The end of a line may be the last byte of the block before.
        let mut after_line_end = false;
        loop {
            let begins = if after_line_end && buffer.first() == Some(&b'{') { Some(0) } else { next_start(buffer) };
            if let Some(begins) = begins {
                self.origin.place.line += line_ends(&buffer[..begins]);
                self.carry.extend_from_slice(&buffer[begins..]);
                break;
            }
            self.origin.place.line += line_ends(buffer);
            after_line_end = buffer.last() == Some(&b'\n');
            buffer.clear();
            buffer.shrink_to(BLOCK);
            if self.ended || self.block(buffer).is_err() {
                self.ended = true;
                break;
            }
        }
        buffer.clear();
        Piece::Fault(Fault::Broken(TOO_LARGE.into()), place)
    }
}

/// Up to where these bytes are whole documents. Before the first brace at the start of a line each line stands for itself.
fn whole(buffer: &[u8]) -> Option<usize> {
    let start = last_start(buffer).filter(|start| *start > 0);
    start.or_else(|| {
        let open = buffer.trim_ascii_start().starts_with(b"{");
        if open { None } else { memchr::memrchr(b'\n', buffer).map(|end| end + 1) }
    })
}
