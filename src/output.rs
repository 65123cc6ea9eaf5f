//! Where a report goes: standard output, or files, which are complete or not there at all.
//!
//! A file is written beside its target and renamed over it, or, where many runs share one, added to under a lock and cut back when
//! that fails. What cannot be replaced (a pipe, a terminal, a file that is mounted by itself, such as a container's termination
//! log) is written to as it is.

mod drawn;
mod fresh;
mod pour;
mod unfinished;

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::build_log::inert;
use crate::fill::visible;
use crate::locale;
pub use drawn::draw;
pub use fresh::{Beside, Filled, Fresh, with_ending};
pub use pour::print_by;
use unfinished::{Temporary, undisturbed};

/// A file that can be written, found out before the run.
pub enum Target {
    /// Complete or not there.
    Whole {
        /// The file; its successor is made beside it when it is written, so that nothing lies there while a run takes its time.
        path: PathBuf,
    },
    /// Added to a file of lines, of which nothing is lost.
    Added {
        /// The file; made when it is written.
        path: PathBuf,
    },
    /// Written to directly.
    Stream(File),
    /// A file that is mounted by itself: nothing can be renamed over it, so it is emptied and written.
    Mounted {
        /// The file.
        file: File,
        /// Its path.
        path: PathBuf,
    },
}

impl Target {
    /// Makes sure that the file can be written, and touches nothing that was there.
    ///
    /// # Errors
    /// A sentence that names the file, what happened and what to do.
    pub fn open(path: &Path) -> Result<Self, String> {
        match Self::place(path)? {
            Place::Stream(file) => Ok(Self::Stream(file)),
            Place::File(path) if is_mounted(&path) => match OpenOptions::new().write(true).open(&path) {
                Ok(file) => Ok(Self::Mounted { file, path }),
                Err(error) => Err(complaint(&path, &error)),
            },
            Place::File(path) => {
                beside(&path).map_err(|error| complaint(&path, &error))?;
                Ok(Self::Whole { path })
            }
        }
    }

    /// As [`Target::open`], for a file that is added to.
    ///
    /// # Errors
    /// As there.
    pub fn append(path: &Path) -> Result<Self, String> {
        match Self::place(path)? {
            Place::Stream(file) => Ok(Self::Stream(file)),
            Place::File(path) => {
                let found = match open_to_add(&path, false) {
                    // It is made only once there is something to write, so here it is only found out whether it could be.
                    Err(error) if error.kind() == ErrorKind::NotFound => beside(&path).map(drop),
                    opened => opened.map(drop),
                };
                found.map_err(|error| complaint(&path, &error))?;
                Ok(Self::Added { path })
            }
        }
    }

    /// So many bytes are in the file that would be added to.
    pub fn length(&self) -> u64 {
        match self {
            Self::Added { path } => std::fs::metadata(path).map_or(0, |meta| meta.len()),
            Self::Whole { .. } | Self::Stream(_) | Self::Mounted { .. } => 0,
        }
    }

    fn place(path: &Path) -> Result<Place, String> {
        let wrong = |error: std::io::Error| complaint(path, &error);
        // A link is followed, so that its target is replaced and not the link.
        let path = match std::fs::canonicalize(path) {
            Ok(real) => real,
            Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(wrong(error)),
        };
        match std::fs::metadata(&path) {
            Ok(meta) if meta.is_dir() => {
                Err(format!("{} is a directory; name a file in it", visible(&path.display().to_string())))
            }
            Ok(meta) if !meta.is_file() => OpenOptions::new().write(true).open(&path).map(Place::Stream).map_err(wrong),
            Ok(meta) if meta.permissions().readonly() => {
                Err(format!("{} is read-only; name another file", visible(&path.display().to_string())))
            }
            _ => Ok(Place::File(path)),
        }
    }

    /// Writes all of it and puts it in place.
    ///
    /// # Errors
    /// A sentence that names what happened.
    pub fn write(self, text: &str) -> Result<(), String> {
        self.write_bytes(text.as_bytes())
    }

    /// The same for what is no text.
    ///
    /// # Errors
    /// A sentence that names what happened.
    pub fn write_bytes(self, bytes: &[u8]) -> Result<(), String> {
        match self {
            Self::Stream(mut file) => {
                file.write_all(bytes).map_err(|error| format!("the output cannot be written: {error}"))
            }
            Self::Added { path } => add(&path, bytes).map_err(|error| complaint(&path, &error)),
            Self::Mounted { mut file, path } => {
                let written = file.set_len(0).and_then(|()| file.write_all(bytes));
                written.map_err(|error| complaint(&path, &error))
            }
            Self::Whole { path } => {
                let fill = |mut file: &File| file.write_all(bytes).and_then(|()| file.sync_all());
                replace(&path, fill).map_err(|error| complaint(&path, &error))
            }
        }
    }
}

/// What a path leads to.
enum Place {
    /// A regular file, or none yet.
    File(PathBuf),
    /// Anything else, opened.
    Stream(File),
}

/// Is this file, whose path holds no link, a mount of its own? Containers' managers mount single files. Linux lists mounts in
/// `mountinfo`, the fifth word being the place, with blanks and backslashes as octal escapes (proc(5)).
fn is_mounted(path: &Path) -> bool {
    let escaped = path.to_string_lossy().replace('\\', "\\134").replace(' ', "\\040").replace('\t', "\\011");
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    mounts.lines().any(|mount| mount.split(' ').nth(4) == Some(&escaped))
}

/// Fills a temporary file and puts it in place.
fn replace(path: &Path, fill: impl FnOnce(&File) -> std::io::Result<()>) -> std::io::Result<()> {
    let temporary = beside(path)?;
    fill(temporary.file())?;
    temporary.replace(path)
}

/// A temporary file in the same directory, which will have the permissions of the file that was there.
fn beside(path: &Path) -> std::io::Result<Temporary> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".midoctor-");
    match std::fs::metadata(path) {
        Ok(meta) => builder.permissions(meta.permissions()),
        #[cfg(unix)]
        Err(_) => builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644)),
        #[cfg(not(unix))]
        Err(_) => &mut builder,
    };
    Temporary::new(&builder, directory)
}

/// To read its end and to write behind it. Windows lets a file that was opened for adding alone not be cut.
fn open_to_add(path: &Path, create: bool) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).create(create);
    // As of all files that are made here: others may read it, whatever the umask allows.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o644);
    if cfg!(windows) {
        options.write(true).truncate(false)
    } else {
        options.append(true)
    };
    options.open(path)
}

/// Adds lines to a file, under a lock that others who add to it keep as well. When it cannot be written whole, it is as before.
fn add(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = open_to_add(path, true)?;
    match file.lock() {
        // Some network file systems have none; then short lines are still written in one go.
        Err(error) if error.kind() != ErrorKind::Unsupported => return Err(error),
        _ => {}
    }
    let before = file.seek(SeekFrom::End(0))?;
    let mut last = [b'\n'];
    if before > 0 {
        file.seek(SeekFrom::Start(before - 1))?;
        file.read_exact(&mut last)?;
    }
    // Somebody else's line may lack its end.
    let whole = if last == [b'\n'] { bytes.to_vec() } else { [b"\n", bytes].concat() };
    // All of it or nothing: a run that is ended meanwhile ends behind it.
    undisturbed(|| match file.write_all(&whole) {
        Ok(()) => Ok(()),
        Err(error) => file.set_len(before).and(Err(error)),
    })?;
    let synced = file.sync_all();
    if synced.is_err() {
        file.set_len(before)?;
    }
    synced
}

/// What happened to which file, and what to do.
fn complaint(path: &Path, error: &std::io::Error) -> String {
    let (why, advice) = reason(error);
    format!("{} cannot be written: {why}; {advice}", visible(&path.display().to_string()))
}

/// What happened, and what to do.
fn reason(error: &std::io::Error) -> (String, &'static str) {
    let (why, advice) = match error.kind() {
        ErrorKind::NotFound => ("there is no such directory", "name a file in one that exists"),
        ErrorKind::PermissionDenied => ("this user may not write there", "name another file, or run as another user"),
        ErrorKind::ReadOnlyFilesystem => ("the file system is read-only", "name a file on another"),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ("the disk is full", "make room, or name another"),
        ErrorKind::FileTooLarge => ("no file may be so large here (ulimit -f)", "raise the limit"),
        ErrorKind::NotADirectory => ("a part of the path is no directory", "correct it"),
        _ => return (error.to_string(), "name another file"),
    };
    (why.to_owned(), advice)
}

/// The name of a file without links and detours, whether it is there already or not.
pub fn real(path: &Path) -> PathBuf {
    let directory = path.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
    let in_real_directory = || Some(std::fs::canonicalize(directory?).ok()?.join(path.file_name()?));
    std::fs::canonicalize(path).ok().or_else(in_real_directory).unwrap_or_else(|| path.to_owned())
}

/// Is there something of this name that is no file and no directory, such as a pipe, which waits for its reader?
pub fn is_special(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir())
}

/// Are these two names of one file?
pub fn same_file(one: &Path, other: &Path) -> bool {
    matches!((std::fs::canonicalize(one), std::fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

/// Leaves nothing half-done behind, neither a file nor a line on the terminal, and lets nothing be put in place any more: for the end
/// of the process.
pub fn abandon() {
    unfinished::abandon();
    drawn::take_away();
}

/// Writes to standard output. A reader that has gone away is no failure.
///
/// # Errors
/// A sentence that says what happened.
pub fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    printed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// What became of something that went to standard output. A reader that has gone away is no failure.
///
/// # Errors
/// A sentence that says what happened.
pub fn printed(result: std::io::Result<()>) -> Result<(), String> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("standard output cannot be written: {error}"))
        }
        _ => Ok(()),
    }
}

/// Writes a note to standard error, which build servers read for commands as well; there is nowhere to complain when that fails.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{}", inert(&locale::shown(text)));
}
