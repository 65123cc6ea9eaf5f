//! The archive that support is sent: a ZIP file in memory, with the report, a manifest, and the record of what was taken out.
//!
//! Only what is in one and what can be wrong with it; a build that packs and unpacks does so in `zipped`. What is in the files is
//! for others to say.

#[cfg(feature = "archives")]
mod zipped;

use std::io::{Read, Seek};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::Word;

#[cfg(feature = "archives")]
pub use zipped::{pack, report_within};

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
    /// It is one, and this build unpacks none.
    NotInThisBuild,
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
            Self::NotInThisBuild => format!(
                "is an archive, and this build of midoctor is without archives; unpack it and give its {REPORT}, or use the full \
                 build"
            ),
        }
    }
}

/// Does a file that begins so look like an archive?
pub fn looks_like_one(start: &[u8]) -> bool {
    start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06")
}

/// The bytes of the report in an archive.
///
/// # Errors
/// Why there is none.
pub fn report(archive: impl Read + Seek) -> Result<Vec<u8>, Fault> {
    report_within(archive, LIMIT)
}

/// The same, in a build that unpacks none.
///
/// # Errors
/// Always.
#[cfg(not(feature = "archives"))]
pub fn report_within(_: impl Read + Seek, _: u64) -> Result<Vec<u8>, Fault> {
    Err(Fault::NotInThisBuild)
}
