//! Where a text comes from: standard input, or a file. What it means is the business of whoever asked for it.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::fill::visible;
use crate::seal;

/// Something to read from.
pub struct Source {
    reader: Box<dyn Read>,
    name: String,
    /// How many bytes it has, where that is known.
    pub size: Option<u64>,
}

impl Source {
    /// Standard input.
    pub fn stdin() -> Self {
        Self { reader: Box::new(std::io::stdin().lock()), name: "standard input".into(), size: None }
    }

    /// A file.
    ///
    /// # Errors
    /// A sentence that names the file, what happened and what to do.
    pub fn open(path: &Path) -> Result<Self, String> {
        let name = seal::text(&visible(&path.display().to_string()));
        let file = File::open(path).map_err(|error| complaint(&name, &error))?;
        let meta = file.metadata().map_err(|error| complaint(&name, &error))?;
        if meta.is_dir() {
            return Err(format!("{name} is a directory; name a file in it"));
        }
        Ok(Self { reader: Box::new(file), name, size: meta.is_file().then_some(meta.len()) })
    }

    /// Reads all of it, up to so many bytes.
    ///
    /// # Errors
    /// A sentence that says what happened, or that there is more.
    pub fn whole(mut self, limit: u64) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(limit + 1).read_to_end(&mut bytes);
        read.map_err(|error| complaint(&self.name, &error))?;
        if bytes.len() as u64 > limit {
            return Err(format!(
                "{} has more than {} MB, which is no report; name another file",
                self.name,
                limit >> 20
            ));
        }
        Ok(bytes)
    }

    /// Reads some bytes; none at the end.
    ///
    /// # Errors
    /// A sentence that says what happened.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, String> {
        loop {
            match self.reader.read(buffer) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => return read.map_err(|error| complaint(&self.name, &error)),
            }
        }
    }
}

impl Source {
    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All of it as text, which has at most so many bytes.
    ///
    /// # Errors
    /// A sentence that names the file, what happened and what to do.
    pub fn text(mut self, limit: usize) -> Result<String, String> {
        let mut bytes = Vec::new();
        let mut chunk = vec![0; 16 << 10];
        loop {
            match self.read(&mut chunk)? {
                0 => break,
                read => bytes.extend_from_slice(&chunk[..read]),
            }
            if bytes.len() > limit {
                return Err(format!("{} has more than {} KiB; name another file", self.name, limit >> 10));
            }
        }
        String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8 text; save it as UTF-8", self.name))
    }
}

/// What happened to which file, and what to do.
fn complaint(name: &str, error: &std::io::Error) -> String {
    let why = match error.kind() {
        ErrorKind::NotFound => "there is no such file; correct the path".into(),
        ErrorKind::PermissionDenied => "this user may not read it; run as another user, or copy it".into(),
        ErrorKind::IsADirectory => "it is a directory; name a file in it".into(),
        ErrorKind::NotADirectory => "a part of the path is no directory; correct it".into(),
        _ => error.to_string(),
    };
    format!("{name} cannot be read: {why}")
}
