//! What the machine says of itself without a network, in short files. Read only.

use std::io::{ErrorKind, Read};

use crate::evidence::{BODY_LIMIT, Failure, Outcome, PROXY_AGENT_STATUS};

/// At most so many bytes of a file are read; those that are asked for have a few lines, but for one.
const FILE_LIMIT: u64 = 4096;

/// Is there a file of this name?
pub fn presence(path: &str) -> Outcome {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Outcome::Present,
        Err(error) => failed(&error),
    }
}

/// A short text file.
pub fn file(path: &str) -> Outcome {
    // What is no file, such as a pipe, could keep the reader waiting for ever.
    match std::fs::metadata(path) {
        Ok(about) if !about.is_file() => return Outcome::failed(Failure::Other, "it is not a regular file"),
        Ok(_) => {}
        Err(error) => return failed(&error),
    }
    let mut bytes = Vec::new();
    let limit = if path == PROXY_AGENT_STATUS { BODY_LIMIT as u64 } else { FILE_LIMIT };
    let read = std::fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes));
    match read {
        Ok(_) => Outcome::Contents { text: String::from_utf8_lossy(&bytes).trim().to_owned() },
        Err(error) => failed(&error),
    }
}

/// What went wrong with a file.
pub fn failed(error: &std::io::Error) -> Outcome {
    let why = match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Failure::Absent,
        ErrorKind::PermissionDenied => Failure::Denied,
        _ => Failure::Other,
    };
    Outcome::failed(why, error.to_string())
}
