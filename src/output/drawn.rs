//! The line on a terminal that is drawn anew while something takes its time: whether it is there, so that a run which ends before its
//! time leaves none behind. What it shows is the drawer's business.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError, TryLockError};

/// Is a line there?
static LINE: Mutex<bool> = Mutex::new(false);

/// Draws the line, or takes it away. When the run has been ended meanwhile, this waits for the end of the process.
///
/// # Errors
/// What the drawing comes to.
pub fn draw(there: bool, drawing: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let mut line = LINE.lock().unwrap_or_else(PoisonError::into_inner);
    *line = there;
    drawing()
}

/// Takes the line away, for good. On Windows not every console knows how, and the line stays.
pub fn take_away() {
    let line = match LINE.try_lock() {
        Ok(line) => line,
        Err(TryLockError::Poisoned(line)) => line.into_inner(),
        // Somebody is about to draw and does not come to an end: the terminal is stopped.
        Err(TryLockError::WouldBlock) => return,
    };
    if *line && cfg!(unix) {
        let _ = io::stderr().write_all(b"\r\x1b[2K");
    }
    std::mem::forget(line);
}
