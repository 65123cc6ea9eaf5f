//! Where a report goes: standard output, or files, which are complete or not there at all.
//!
//! A file is written beside its target and renamed over it. What is not a regular file (a pipe, a terminal, a container's
//! termination log that is mounted) is written to as it is.

mod pour;

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::fill::visible;

pub use pour::print_by;

/// A file that can be written, found out before the run.
pub enum Target {
    /// Complete or not there.
    Whole {
        /// Beside the target.
        temporary: NamedTempFile,
        /// The target.
        path: PathBuf,
    },
    /// Written to directly.
    Stream(File),
}

impl Target {
    /// Makes sure that the file can be written, and touches nothing that was there.
    ///
    /// # Errors
    /// A sentence that names the file, what happened and what to do.
    pub fn open(path: &Path) -> Result<Self, String> {
        let wrong = |error: std::io::Error| complaint(path, &error);
        // A link is followed, so that its target is replaced and not the link.
        let path = match std::fs::canonicalize(path) {
            Ok(real) => real,
            Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(wrong(error)),
        };
        match std::fs::metadata(&path) {
            Ok(meta) if meta.is_dir() => {
                return Err(format!("{} is a directory; name a file in it", visible(&path.display().to_string())));
            }
            Ok(meta) if !meta.is_file() => {
                return OpenOptions::new().write(true).open(&path).map(Self::Stream).map_err(wrong);
            }
            Ok(meta) if meta.permissions().readonly() => {
                return Err(format!("{} is read-only; name another file", visible(&path.display().to_string())));
            }
            _ => {}
        }
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".midoctor-");
        // A file that was there keeps its permissions.
        match std::fs::metadata(&path) {
            Ok(meta) => builder.permissions(meta.permissions()),
            #[cfg(unix)]
            Err(_) => builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644)),
            #[cfg(not(unix))]
            Err(_) => &mut builder,
        };
        Ok(Self::Whole { temporary: builder.tempfile_in(directory).map_err(wrong)?, path })
    }

    /// Writes all of it and puts it in place.
    ///
    /// # Errors
    /// A sentence that names what happened.
    pub fn write(self, text: &str) -> Result<(), String> {
        match self {
            Self::Stream(mut file) => {
                file.write_all(text.as_bytes()).map_err(|error| format!("the output cannot be written: {error}"))
            }
            Self::Whole { mut temporary, path } => {
                let written = temporary.write_all(text.as_bytes()).and_then(|()| temporary.as_file().sync_all());
                written.map_err(|error| complaint(&path, &error))?;
                temporary.persist(&path).map(|_| ()).map_err(|error| complaint(&path, &error.error))
            }
        }
    }
}

/// What happened to which file, and what to do.
fn complaint(path: &Path, error: &std::io::Error) -> String {
    let why = match error.kind() {
        ErrorKind::NotFound => "there is no such directory; name a file in one that exists".into(),
        ErrorKind::PermissionDenied => {
            "this user may not write there; name another file, or run as another user".into()
        }
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only; name a file on another".into(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full; make room, or name another".into(),
        ErrorKind::NotADirectory => "a part of the path is no directory; correct it".into(),
        _ => error.to_string(),
    };
    format!("{} cannot be written: {why}", visible(&path.display().to_string()))
}

/// Writes to standard output. A reader that has gone away is no failure.
///
/// # Errors
/// A sentence that says what happened.
pub fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("standard output cannot be written: {error}"))
        }
        _ => Ok(()),
    }
}

/// Writes a note to standard error; there is nowhere to complain when that fails.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
