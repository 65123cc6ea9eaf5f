//! A file that is not there yet, and whose name may not be known yet: found writable first, named at last, and never put over
//! one that is there.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::fill::visible;

use super::{complaint, reason};

/// A file without a name.
pub struct Fresh {
    temporary: NamedTempFile,
    directory: PathBuf,
}

impl Fresh {
    /// Makes sure that a file can be written in this directory. One that is private can be read by its owner alone, from its
    /// beginning.
    ///
    /// # Errors
    /// A sentence that names the directory, what happened and what to do.
    pub fn open(directory: &Path, is_private: bool) -> Result<Self, String> {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".midoctor-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(if is_private { 0o600 } else { 0o644 }));
        #[cfg(not(unix))]
        let _ = is_private;
        let temporary = builder.tempfile_in(directory).map_err(|error| nowhere(directory, &error))?;
        Ok(Self { temporary, directory: directory.to_owned() })
    }

    /// Puts everything in.
    ///
    /// # Errors
    /// A sentence that names the directory and what happened.
    pub fn fill(&mut self, bytes: &[u8]) -> Result<(), String> {
        let written = self.temporary.write_all(bytes).and_then(|()| self.temporary.as_file().sync_all());
        written.map_err(|error| nowhere(&self.directory, &error))
    }

    /// Gives it its name, and returns where it is.
    ///
    /// # Errors
    /// A sentence that says what happened, such as that there is such a file already.
    pub fn name(self, name: &str) -> Result<PathBuf, String> {
        let path = if self.directory == Path::new(".") { PathBuf::from(name) } else { self.directory.join(name) };
        match self.temporary.persist_noclobber(&path) {
            Ok(_) => Ok(path),
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Err(format!(
                "{} is there already; move it away, or name another file",
                visible(&path.display().to_string())
            )),
            Err(error) => Err(complaint(&path, &error.error)),
        }
    }
}

/// Why no file can be made there, and what to do. The directory was not named but is where the caller is, so it is told which.
fn nowhere(directory: &Path, error: &std::io::Error) -> String {
    let real = std::fs::canonicalize(directory).map_or_else(
        |_| "the current directory, which is gone,".to_owned(),
        |real| visible(&real.display().to_string()),
    );
    format!("a file in {real} cannot be written: {}; -f FILE writes it elsewhere", reason(error).0)
}
