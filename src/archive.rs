//! The archive that support is sent: a ZIP file in memory, with the report, a manifest, and the record of what was taken out.
//!
//! Only packs and unpacks: what is in the files is for others to say. The same files give the same bytes, whenever they are
//! packed. Whoever reads one reads a stranger's file, so nothing in it is believed: not its sizes, not its names.

use std::io::{Cursor, Read, Seek, Write};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::report::Word;

/// The name and major version of the manifest's format.
pub const SCHEMA: &str = "midoctor.archive/1";
/// The report, as JSON.
pub const REPORT: &str = "report.json";
/// The report as a page to look at.
pub const PAGE: &str = "report.html";
/// What is in the archive.
pub const MANIFEST: &str = "manifest.json";
/// What was taken out.
pub const RECORD: &str = "redactions.json";

/// A report of more bytes than this is not read: an archive of some kilobytes can unpack to any size.
pub const LIMIT: u64 = 256 << 20;

/// What is in an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// `midoctor.archive/1`; fields are added inside a major version, never renamed or removed.
    pub schema: String,
    /// What packed it: `midoctor`.
    pub tool: String,
    /// Its version.
    pub version: String,
    /// When the run began whose report this is, RFC 3339.
    pub taken_at: String,
    /// How much was taken out: `none`, `secrets` or `ids`.
    pub redaction: String,
    /// How many redactions the record holds.
    pub redactions: usize,
    /// The report's verdict.
    pub verdict: Word,
    /// The report's root cause.
    pub root_cause: Option<String>,
    /// The other files, in the archive's order.
    pub files: Vec<Packed>,
}

/// A file in an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Packed {
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: usize,
    /// In hexadecimal digits.
    pub sha256: String,
}

impl Packed {
    /// The manifest's entry of this file.
    pub fn new(name: &str, bytes: &[u8]) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
        let sha256 = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Self { name: name.to_owned(), size: bytes.len(), sha256 }
    }
}

/// Why there is no report to be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is no ZIP file, or not all of one.
    Broken,
    /// It is one, and holds no `report.json`.
    WithoutReport,
    /// Its report is packed in a way that this program does not unpack, such as with a password.
    Locked,
    /// Its report is not as its check sum says.
    Damaged,
    /// Its report has more bytes than [`LIMIT`].
    TooLarge,
}

impl Fault {
    /// What is wrong and what to do, to stand behind the file's name.
    pub fn in_words(&self) -> String {
        match self {
            Self::Broken => "is not a whole archive; it may have been cut short on its way: copy it again".into(),
            Self::WithoutReport => {
                format!("is an archive without {REPORT}; give one that midoctor report wrote, or the report itself")
            }
            Self::Locked => format!("holds a {REPORT} that is encrypted or packed unusually; unpack it, and give that"),
            Self::Damaged => format!("holds a {REPORT} that was damaged on its way; copy the archive again"),
            Self::TooLarge => format!("holds a {REPORT} of more than {} MB, which no run writes", LIMIT >> 20),
        }
    }
}

/// Does a file that begins so look like an archive?
pub fn looks_like_one(start: &[u8]) -> bool {
    start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06")
}

/// The bytes of an archive of these files, in this order.
///
/// # Errors
/// When something cannot be packed, which happens to files beyond 4 GB.
pub fn pack(files: &[(&str, Vec<u8>)]) -> Result<Vec<u8>, String> {
    // The time of an entry would make two archives of the same report differ; when the run was is in the manifest.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default())
        .unix_permissions(0o644);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let wrong = |error: String| format!("the archive cannot be packed: {error}");
    for (name, bytes) in files {
        writer.start_file(*name, options).map_err(|error| wrong(error.to_string()))?;
        writer.write_all(bytes).map_err(|error| wrong(error.to_string()))?;
    }
    writer.finish().map(Cursor::into_inner).map_err(|error| wrong(error.to_string()))
}

/// The bytes of the report in an archive.
///
/// # Errors
/// Why there is none.
pub fn report(archive: impl Read + Seek) -> Result<Vec<u8>, Fault> {
    report_within(archive, LIMIT)
}

/// The same, with another limit.
///
/// # Errors
/// Why there is none.
pub fn report_within(archive: impl Read + Seek, limit: u64) -> Result<Vec<u8>, Fault> {
    let mut archive = ZipArchive::new(archive).map_err(|_| Fault::Broken)?;
    // Whoever packs a folder again gets its name before that of the file.
    let folder = format!("/{REPORT}");
    let depth = |name: &str| name.matches('/').count();
    let names = archive.file_names().filter_map(Result::ok).filter(|name| *name == REPORT || name.ends_with(&folder));
    let name = names.min_by_key(|name| depth(name)).ok_or(Fault::WithoutReport)?.into_owned();
    let entry = archive.by_name(&name).map_err(|_| Fault::Locked)?;
    let mut bytes = Vec::new();
    // What the archive says of its sizes is not believed, nor is memory set aside for it.
    entry.take(limit + 1).read_to_end(&mut bytes).map_err(|_| Fault::Damaged)?;
    if bytes.len() as u64 > limit { Err(Fault::TooLarge) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_give_the_same_bytes_and_come_out_as_they_went_in() {
        let files = [(REPORT, b"{}".to_vec()), (RECORD, vec![b'x'; 100_000])];
        let packed = pack(&files).expect("an archive");
        assert_eq!(pack(&files).as_ref(), Ok(&packed));
        assert!(looks_like_one(&packed) && packed.len() < 1_000);
        assert_eq!(report(Cursor::new(&packed)), Ok(b"{}".to_vec()));
    }

    #[test]
    fn what_is_wrong_with_an_archive_is_told() {
        let packed = pack(&[(REPORT, b"{\"a\": 1}".to_vec())]).expect("an archive");
        for end in 0..packed.len() {
            assert_eq!(report(Cursor::new(&packed[..end])), Err(Fault::Broken), "{end} bytes");
        }
        let other = pack(&[("xreport.json", Vec::new())]).expect("an archive");
        assert_eq!(report(Cursor::new(other)), Err(Fault::WithoutReport));
        let at = packed.windows(4).position(|bytes| bytes == b"PK\x01\x02").expect("a directory");
        let mut damaged = packed.clone();
        damaged[at - 3] ^= 0x55;
        assert_eq!(report(Cursor::new(damaged)), Err(Fault::Damaged));
        let inside = pack(&[("midoctor-vm/report.json", b"{}".to_vec())]).expect("an archive");
        assert_eq!(report(Cursor::new(inside)), Ok(b"{}".to_vec()));
    }

    #[test]
    fn an_archive_that_unpacks_to_any_size_is_refused() {
        let bomb = pack(&[(REPORT, vec![b' '; 1_000_000])]).expect("an archive");
        assert!(bomb.len() < 2_000);
        assert_eq!(report_within(Cursor::new(&bomb), 999_999), Err(Fault::TooLarge));
        assert_eq!(report_within(Cursor::new(&bomb), 1_000_000).map(|bytes| bytes.len()), Ok(1_000_000));
    }
}
