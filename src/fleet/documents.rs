//! Finds the JSON documents in bytes: one per line, as NDJSON has them, or over many lines, as people print them, or both, one
//! after the other. A document begins with a brace at the start of a line. Knows nothing of what is in them but how reports are marked.

use memchr::memmem;

/// The longest document that is read; a longer one is no report.
pub const LIMIT: usize = 32 << 20;

/// Where the last document of these bytes begins: what comes before is whole. None when there is one alone.
pub fn last_start(bytes: &[u8]) -> Option<usize> {
    memchr::memrchr_iter(b'\n', bytes).map(|end| end + 1).find(|start| bytes.get(*start) == Some(&b'{'))
}

/// Where the first document that does not begin these bytes begins.
pub fn next_start(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', bytes).map(|end| end + 1).find(|start| bytes.get(*start) == Some(&b'{'))
}

/// How many lines end in these bytes.
pub fn line_ends(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// Does a line of these bytes begin a document in which the schema of a report or of a row, of whatever version, is named?
pub fn names_a_report(bytes: &[u8]) -> bool {
    const KEY: &[u8] = b"\"schema\"";
    let begins = bytes.first() == Some(&b'{') || next_start(bytes).is_some();
    begins
        && memmem::find_iter(bytes, KEY).any(|at| {
            let value = bytes[at + KEY.len()..].trim_ascii_start();
            let value = value.strip_prefix(b":").unwrap_or_default().trim_ascii_start();
            value.starts_with(b"\"midoctor.report/") || value.starts_with(b"\"midoctor.row/")
        })
}

/// Shows `read` every document with the number of its line, from 1. It is shown a line first; when it answers that the line ends in the
/// middle, it is shown, for the last time, all up to where the next document begins.
pub fn each<'a>(bytes: &'a [u8], mut read: impl FnMut(u64, &'a [u8], Last) -> Ended) {
    let mut rest = bytes;
    let mut line = 1;
    while !rest.is_empty() {
        let (first, after) = rest.split_at(memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1));
        line += 1;
        if first.trim_ascii().is_empty() || read(line - 1, first.trim_ascii(), Last(false)) == Ended::Well {
            rest = after;
            continue;
        }
        let (document, after) = rest.split_at(next_start(rest).unwrap_or(rest.len()));
        read(line - 1, document.trim_ascii(), Last(true));
        line += line_ends(document).max(1) - 1;
        rest = after;
    }
}

/// Is this all that there is of a document?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last(pub bool);

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was dealt with.
    Well,
    /// It ends in the middle of a document, and what follows may complete it.
    Early,
}
