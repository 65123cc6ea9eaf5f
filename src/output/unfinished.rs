//! What is being written and is not in its place yet, so that a run that ends before its time can take it away.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use tempfile::{Builder, NamedTempFile};

/// The files that are to go when the run ends now.
static UNFINISHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// A disk that does not answer is not waited for longer than this many times a few milliseconds.
const TRIES: u32 = 100;

fn lock() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes away what is not in its place, and lets nothing be put in place any more: whoever tries waits for the end of the process.
pub fn abandon() {
    for _ in 0..TRIES {
        let all = match UNFINISHED.try_lock() {
            Ok(all) => all,
            Err(TryLockError::Poisoned(all)) => all.into_inner(),
            Err(TryLockError::WouldBlock) => {
                std::thread::sleep(Duration::from_millis(10));
                continue;
            }
        };
        for path in &*all {
            let _ = std::fs::remove_file(path);
        }
        std::mem::forget(all);
        return;
    }
}

/// Does what is not to be ended half-way.
pub fn undisturbed<T>(work: impl FnOnce() -> T) -> T {
    let _held = lock();
    work()
}

/// A file in the list, until it is dropped.
pub struct Entry(PathBuf);

impl Drop for Entry {
    fn drop(&mut self) {
        lock().remove(&self.0);
    }
}

/// A file without a name of its own yet; gone when it is dropped.
pub struct Temporary {
    file: NamedTempFile,
    entry: Entry,
}

impl Temporary {
    /// Makes it in this directory.
    pub fn new(builder: &Builder, directory: &Path) -> std::io::Result<Self> {
        let mut all = lock();
        let file = builder.tempfile_in(directory)?;
        let path = std::path::absolute(file.path()).unwrap_or_else(|_| file.path().to_owned());
        all.insert(path.clone());
        Ok(Self { file, entry: Entry(path) })
    }

    pub fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Puts it in the place of whatever is there.
    pub fn replace(self, path: &Path) -> std::io::Result<()> {
        let Self { file, entry } = self;
        let put = undisturbed(|| file.persist(path).map_err(|error| (error.error, error.file)));
        drop(entry);
        put.map(drop).map_err(|(error, _)| error)
    }

    /// Puts it where nothing is yet; it is given back when that fails.
    pub fn settle(self, path: &Path) -> Result<(), (std::io::Error, Self)> {
        let Self { file, entry } = self;
        let put = undisturbed(|| file.persist_noclobber(path));
        put.map(drop).map_err(|failed| (failed.error, Self { file: failed.file, entry }))
    }

    /// The same, for a file that goes again when the run ends before its time.
    pub fn settle_for_now(self, path: &Path) -> Result<Entry, (std::io::Error, Self)> {
        let Self { file, entry } = self;
        let mut all = lock();
        match file.persist_noclobber(path) {
            Ok(_) => {
                let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
                all.insert(path.clone());
                drop(all);
                Ok(Entry(path))
            }
            Err(failed) => Err((failed.error, Self { file: failed.file, entry })),
        }
    }
}
