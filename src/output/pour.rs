//! Writes what is too large to be held as a whole: piece by piece, with the same promises as everything else that is written.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};

use super::{Target, complaint, printed, replace};

impl Target {
    /// Writes what `fill` writes, which is never held as a whole, and puts it in place.
    ///
    /// # Errors
    /// A sentence that names what happened.
    pub fn write_by(self, fill: impl FnOnce(&mut dyn fmt::Write) -> fmt::Result) -> Result<(), String> {
        match self {
            Self::Added { .. } => {
                let mut text = String::new();
                fill(&mut text).map_err(|_| "it cannot be put into words".to_owned())?;
                self.write(&text)
            }
            Self::Stream(file) => {
                poured(file, fill).map(|_| ()).map_err(|error| format!("the output cannot be written: {error}"))
            }
            Self::Mounted { file, path } => {
                let written = file.set_len(0).and_then(|()| poured(&file, fill).map(|_| ()));
                written.map_err(|error| complaint(&path, &error))
            }
            Self::Whole { path } => {
                let fill = |file: &File| poured(file, fill).and_then(|file| file.sync_all());
                replace(&path, fill).map_err(|error| complaint(&path, &error))
            }
        }
    }
}

/// Texts on their way out, with what went wrong.
struct Pouring<W: Write> {
    out: BufWriter<W>,
    wrong: Option<io::Error>,
}

impl<W: Write> fmt::Write for Pouring<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.out.write_all(text.as_bytes()).map_err(|error| {
            self.wrong = Some(error);
            fmt::Error
        })
    }
}

fn poured<W: Write>(out: W, fill: impl FnOnce(&mut dyn fmt::Write) -> fmt::Result) -> io::Result<W> {
    let mut pouring = Pouring { out: BufWriter::with_capacity(64 << 10, out), wrong: None };
    match (fill(&mut pouring), pouring.wrong) {
        (Ok(()), _) => pouring.out.into_inner().map_err(io::IntoInnerError::into_error),
        (Err(_), wrong) => {
            // What is left in the buffer would be tried again when it is dropped.
            let _ = pouring.out.into_parts();
            Err(wrong.unwrap_or_else(|| io::Error::other("it cannot be put into words")))
        }
    }
}

/// Writes what `fill` writes to standard output, as [`print`].
///
/// # Errors
/// A sentence that says what happened.
pub fn print_by(fill: impl FnOnce(&mut dyn fmt::Write) -> fmt::Result) -> Result<(), String> {
    printed(poured(io::stdout().lock(), fill).and_then(|mut out| out.flush()))
}
