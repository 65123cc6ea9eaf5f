//! What a file holds, by its first bytes, and all of a small one.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek};
use std::path::Path;

use crate::archive;
use crate::fleet::documents::LIMIT;
use crate::fleet::row::Fault;

/// Reads a small file, or the report in an archive.
///
/// # Errors
/// Why it cannot be read, or what it is instead.
pub fn load(path: &Path, buffer: &mut Vec<u8>) -> Result<(), Fault> {
    let broken = |error: std::io::Error| Fault::Broken(why(&error));
    buffer.clear();
    let mut file = File::open(path).map_err(broken)?;
    if is_archive(&file) {
        let packed = archive::report_within(file, LIMIT as u64);
        *buffer = packed.map_err(|fault| match fault {
            archive::Fault::WithoutReport => Fault::Other("it is an archive without a report".into()),
            archive::Fault::Broken => Fault::Broken("it is not a whole archive; copy it again".into()),
            archive::Fault::Locked => Fault::Broken("its report is encrypted or packed unusually".into()),
            archive::Fault::Damaged => Fault::Broken("its report was damaged on its way; copy it again".into()),
            archive::Fault::NotInThisBuild => {
                Fault::Broken("it is an archive, and this build of midoctor is without archives; unpack it".into())
            }
            archive::Fault::TooLarge => Fault::Broken(TOO_LARGE.into()),
        })?;
        return start(buffer);
    }
    // It may have grown since it was looked at.
    file.by_ref().take(LIMIT as u64 + 1).read_to_end(buffer).map_err(broken)?;
    if buffer.len() > LIMIT {
        return Err(Fault::Broken(TOO_LARGE.into()));
    }
    start(buffer)
}

/// What is longer is no report.
pub const TOO_LARGE: &str = "it has more than 32 MB, which is no report";

/// Is it an archive? Reads nothing of the file, so that it can be read from its start.
pub fn is_archive(mut file: &File) -> bool {
    let mut first = [0; 4];
    // Of what has no position, such as a pipe, nothing may be taken away.
    if file.stream_position().is_err() {
        return false;
    }
    let read = file.read_exact(&mut first);
    file.rewind().is_ok() && read.is_ok() && archive::looks_like_one(&first)
}

/// Looks at the start of a file, and takes a byte-order mark away.
///
/// # Errors
/// What it is instead of JSON.
pub fn start(buffer: &mut Vec<u8>) -> Result<(), Fault> {
    if buffer.starts_with(b"\xef\xbb\xbf") {
        buffer.drain(..3);
    }
    if buffer.iter().all(u8::is_ascii_whitespace) {
        return Err(Fault::Broken("it is empty; what wrote it may have failed, or found the disk full".into()));
    }
    let told = [
        (&b"\xff\xfe"[..], "it is UTF-16, as PowerShell's > writes; write it with -o json=FILE"),
        (b"\xfe\xff", "it is UTF-16; write it with -o json=FILE"),
    ];
    if let Some((_, why)) = told.iter().find(|(mark, _)| buffer.starts_with(mark)) {
        return Err(Fault::Broken((*why).into()));
    }
    if archive::looks_like_one(buffer) {
        return Err(Fault::Broken("it is an archive, which cannot be read from a pipe; give it as a file".into()));
    }
    if buffer.starts_with(b"\x1f\x8b") {
        return Err(Fault::Other("it is packed with gzip; unpack it".into()));
    }
    Ok(())
}

/// What happened, and what to do.
pub fn why(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "there is no such file or directory; correct the path".into(),
        ErrorKind::PermissionDenied => "this user may not read it; run as another user, or copy it".into(),
        ErrorKind::NotADirectory => "a part of the path is no directory; correct it".into(),
        _ => error.to_string(),
    }
}
