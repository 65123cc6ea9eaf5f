//! Packs and unpacks: the same files give the same bytes, whenever they are packed. Whoever reads an archive reads a stranger's
//! file, so nothing in it is believed: not its sizes, not its names. Which files there are, others say.

use std::io::{Cursor, Read, Seek, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::{Fault, REPORT};

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

/// The bytes of the report in an archive, if they are not more than `limit`.
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
    use crate::archive::{RECORD, looks_like_one, report};

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
