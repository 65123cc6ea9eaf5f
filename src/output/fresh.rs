//! A file that is not there yet, and whose name may not be known yet: found writable first, named at last, and never put over
//! one that is there.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::fill::visible;

use super::unfinished::{Entry, Temporary};
use super::{complaint, reason};

/// Two that were made in one second are told apart by a number; more than so many are not.
const NAMES: usize = 100;

/// A directory in which a file can be written.
pub struct Fresh {
    directory: PathBuf,
    /// Can the file be read by its owner alone?
    is_private: bool,
}

/// A file that is written and has no name yet.
pub struct Filled {
    temporary: Temporary,
    directory: PathBuf,
}

impl Fresh {
    /// Makes sure that a file can be written in this directory, and leaves nothing there. One that is private can be read by its
    /// owner alone, from its beginning.
    ///
    /// # Errors
    /// A sentence that names the directory, what happened and what to do.
    pub fn open(directory: &Path, is_private: bool) -> Result<Self, String> {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let fresh = Self { directory: directory.to_owned(), is_private };
        fresh.temporary().map(|_| fresh)
    }

    fn temporary(&self) -> Result<Temporary, String> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".midoctor-");
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(if self.is_private { 0o600 } else { 0o644 }));
        // Windows has no modes: who may read a file is inherited from its folder.
        #[cfg(not(unix))]
        let _ = self.is_private;
        Temporary::new(&builder, &self.directory).map_err(|error| nowhere(&self.directory, &error))
    }

    /// Puts everything in.
    ///
    /// # Errors
    /// A sentence that names the directory and what happened.
    pub fn fill(&self, bytes: &[u8]) -> Result<Filled, String> {
        let temporary = self.temporary()?;
        let mut file = temporary.file();
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        written.map_err(|error| nowhere(&self.directory, &error))?;
        Ok(Filled { temporary, directory: self.directory.clone() })
    }
}

impl Filled {
    /// Gives it its name, with a number where there is such a file already: `a.zip`, `a-2.zip`. With a companion, what is to lie
    /// beside it is put in place first, under the name with that ending, and goes again when the file cannot follow. Returns where
    /// both are.
    ///
    /// # Errors
    /// A sentence that says what happened.
    pub fn name(
        mut self,
        name: &str,
        companion: Option<(&Fresh, &[u8], &str)>,
    ) -> Result<(PathBuf, Option<PathBuf>), String> {
        let (stem, kind) =
            name.rsplit_once('.').map_or((name, String::new()), |(stem, kind)| (stem, format!(".{kind}")));
        for number in 1..=NAMES {
            let name = if number == 1 { name.to_owned() } else { format!("{stem}-{number}{kind}") };
            let path = if self.directory == Path::new(".") { PathBuf::from(&name) } else { self.directory.join(&name) };
            // Rather a name that is taken by neither; between this and what follows another run may be faster.
            if path.symlink_metadata().is_ok() {
                continue;
            }
            let beside = match companion {
                None => None,
                Some((fresh, bytes, ending)) => match fresh.fill(bytes)?.beside(&with_ending(&path, ending))? {
                    Some(beside) => Some(beside),
                    None => continue,
                },
            };
            match self.temporary.settle(&path) {
                Ok(()) => return Ok((path, beside.map(Beside::keep))),
                Err((error, temporary)) if error.kind() == ErrorKind::AlreadyExists => self.temporary = temporary,
                Err((error, _)) => return Err(complaint(&path, &error)),
            }
        }
        let name = visible(&self.directory.join(name).display().to_string());
        Err(format!(
            "{name} is there already, and so are {} of its kind; move them away, or name another file",
            NAMES - 1
        ))
    }

    /// Puts it under this name, for a file that is to follow; nothing where there is such a file already.
    ///
    /// # Errors
    /// A sentence that says what happened.
    pub fn beside(self, path: &Path) -> Result<Option<Beside>, String> {
        match self.temporary.settle_for_now(path) {
            Ok(entry) => Ok(Some(Beside { path: path.to_owned(), entry: Some(entry) })),
            Err((error, _)) if error.kind() == ErrorKind::AlreadyExists => Ok(None),
            Err((error, _)) => Err(complaint(path, &error)),
        }
    }
}

/// A file that is of no use without another, which is to follow. It goes when it is dropped, or when the run ends.
pub struct Beside {
    path: PathBuf,
    entry: Option<Entry>,
}

impl Beside {
    /// The other is there. Returns where this one is.
    pub fn keep(mut self) -> PathBuf {
        self.entry = None;
        std::mem::take(&mut self.path)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if self.entry.is_some() {
            // There is nothing to be done when that fails.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// `a.zip` and `.map.json` make `a.zip.map.json`.
pub fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Why no file can be made there, and what to do. The directory was not named but is where the caller is, so it is told which.
fn nowhere(directory: &Path, error: &std::io::Error) -> String {
    let real = std::fs::canonicalize(directory).map_or_else(
        |_| "the current directory, which is gone,".to_owned(),
        |real| visible(&real.display().to_string()),
    );
    format!("a file in {real} cannot be written: {}; -f FILE writes it elsewhere", reason(error).0)
}
