//! Brings the bytes of many reports: from files, directories, archives and standard input, piece by piece, so that several
//! threads can ask for the next one in turn. It goes by what is in a file, not by its name.
//!
//! Only reads and cuts. What is in the pieces is `fleet`'s business.

mod content;
mod stream;

use std::collections::VecDeque;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use walkdir::{DirEntry, WalkDir};

use crate::fleet::fold::Place;
use crate::fleet::row::Fault;
use crate::fleet::tame::tame;

pub use content::load;
use stream::Stream;

/// A file up to this size is one piece.
const SMALL: u64 = 1 << 20;

/// Where the bytes of a piece are from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The file's number and name; its line is that before the piece.
    pub place: Place,
    /// Was the file named on the command line? Then it should hold reports. In a directory there may be others.
    pub expected: bool,
}

/// What comes next.
#[derive(Debug)]
pub enum Piece {
    /// Whole documents, which are in the buffer.
    Bytes(Origin),
    /// A small file, for [`load`].
    File(PathBuf, Origin),
    /// Something that could not be read, or is something else.
    Fault(Fault, Place),
}

/// All that there is to read.
pub struct Supply {
    left: VecDeque<PathBuf>,
    walk: Option<walkdir::IntoIter>,
    stream: Option<Stream>,
    files: u64,
    /// How many bytes the files have that were named on the command line; none when there are others than files.
    pub size: Option<u64>,
}

impl Supply {
    /// Everything under these names; `-` is standard input.
    ///
    /// # Errors
    /// A sentence that names what is not there.
    pub fn new(names: &[PathBuf]) -> Result<Self, String> {
        if names.iter().filter(|name| is_stdin(name)).count() > 1 {
            return Err("- stands for standard input, which can be read once; give it once".into());
        }
        let mut size = Some(0);
        for name in names {
            let meta = if is_stdin(name) {
                None
            } else {
                Some(std::fs::metadata(name).map_err(|error| missing(name, &error))?)
            };
            let bytes = meta.filter(std::fs::Metadata::is_file).map(|meta| meta.len());
            size = size.zip(bytes).map(|(sum, bytes)| sum + bytes);
        }
        Ok(Self { left: names.iter().cloned().collect(), walk: None, stream: None, files: 0, size })
    }

    /// The next piece; its bytes, if it has some, are put into `buffer`.
    pub fn next(&mut self, buffer: &mut Vec<u8>) -> Option<Piece> {
        loop {
            if let Some(stream) = &mut self.stream {
                if let Some(piece) = stream.next(buffer) {
                    return Some(piece);
                }
                self.stream = None;
            }
            if let Some(walk) = &mut self.walk {
                match walk.next() {
                    None => self.walk = None,
                    Some(entry) => {
                        if let Some(piece) = self.entry(entry) {
                            return Some(piece);
                        }
                    }
                }
                continue;
            }
            let name = self.left.pop_front()?;
            if is_stdin(&name) {
                let origin = self.origin("standard input", true);
                self.stream = Some(Stream::new(Box::new(std::io::stdin()), origin));
            } else if name.is_dir() {
                // Links to directories are not followed, so that no loop and no other place is walked through.
                self.walk = Some(WalkDir::new(&name).sort_by_file_name().into_iter());
            } else if let Some(piece) = self.file(name, true) {
                return Some(piece);
            }
        }
    }

    fn origin(&mut self, name: &str, expected: bool) -> Origin {
        self.files += 1;
        Origin { place: Place { file: self.files, line: 0, name: Arc::from(&*tame(name)) }, expected }
    }

    /// What is met on a walk.
    fn entry(&mut self, entry: walkdir::Result<DirEntry>) -> Option<Piece> {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let name = error.path().map(|path| path.display().to_string()).unwrap_or_default();
                let why = error.io_error().map_or_else(|| "it cannot be read".to_owned(), content::why);
                return Some(Piece::Fault(Fault::Broken(why), self.origin(&name, false).place));
            }
        };
        let path = entry.path().to_owned();
        let other = |why: &str| Some(Fault::Other(why.to_owned()));
        let hidden = entry.depth() > 0 && entry.file_name().as_encoded_bytes().starts_with(b".");
        let fault = if hidden {
            if let (true, Some(walk)) = (entry.file_type().is_dir(), &mut self.walk) {
                walk.skip_current_dir();
            }
            // What is being written by a run of midoctor is none of anybody's business.
            if entry.file_name().as_encoded_bytes().starts_with(b".midoctor-") {
                return None;
            }
            other("it is hidden")
        } else if entry.file_type().is_dir() {
            return None;
        } else if entry.path_is_symlink() && path.is_dir() {
            other("it is a link to a directory")
        } else if entry.path_is_symlink() && !path.exists() {
            other("it is a link that leads nowhere")
        } else if !path.is_file() {
            // Opening a pipe would wait for somebody to write.
            other("it is no regular file")
        } else {
            None
        };
        match fault {
            Some(fault) => Some(Piece::Fault(fault, self.origin(&path.display().to_string(), false).place)),
            None => self.file(path, false),
        }
    }

    /// A small file is a piece, a large one a stream of them.
    fn file(&mut self, path: PathBuf, expected: bool) -> Option<Piece> {
        let origin = self.origin(&path.display().to_string(), expected);
        if std::fs::metadata(&path).is_ok_and(|meta| meta.is_file() && meta.len() <= SMALL) {
            return Some(Piece::File(path, origin));
        }
        match File::open(&path) {
            Ok(file) if content::is_archive(&file) => Some(Piece::File(path, origin)),
            Ok(file) => {
                self.stream = Some(Stream::new(Box::new(file), origin));
                None
            }
            Err(error) => Some(Piece::Fault(Fault::Broken(content::why(&error)), origin.place)),
        }
    }
}

fn is_stdin(name: &Path) -> bool {
    name.as_os_str() == "-"
}

fn missing(name: &Path, error: &std::io::Error) -> String {
    format!("{} cannot be read: {}", tame(&name.display().to_string()), content::why(error))
}

/// The JSON of an earlier fold, found readable before the work begins.
pub struct Earlier {
    reader: std::io::BufReader<File>,
    name: String,
}

impl Earlier {
    /// Opens it.
    ///
    /// # Errors
    /// A sentence that names the file, what happened and what to do.
    pub fn open(path: &Path) -> Result<Self, String> {
        let name = tame(&path.display().to_string()).into_owned();
        if path.is_dir() {
            return Err(format!("--since {name} is a directory; name the file that midoctor fleet -o json wrote"));
        }
        let file = File::open(path).map_err(|error| format!("--since {}", missing(path, &error)))?;
        Ok(Self { reader: std::io::BufReader::with_capacity(64 << 10, file), name })
    }

    /// Shows it to `read`, which is as far as it is read.
    ///
    /// # Errors
    /// What `read` says, behind the name of the file.
    pub fn read<T>(
        &mut self,
        read: impl FnOnce(
            &mut serde_json::Deserializer<serde_json::de::IoRead<&mut std::io::BufReader<File>>>,
        ) -> Result<T, String>,
    ) -> Result<T, String> {
        let mut json = serde_json::Deserializer::from_reader(&mut self.reader);
        read(&mut json).map_err(|why| format!("--since {} {why}", self.name))
    }
}
