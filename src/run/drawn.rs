//! Where a line is drawn that shows how far something is: a terminal, without what the library puts behind the line. It fills the row
//! with blanks, so that the `^C` which a terminal shows would begin another row, and the line could not be taken away any more.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use console::Term;
use indicatif::{ProgressDrawTarget, TermLike};

use crate::output;

use super::terminal;

/// So often a second it is drawn at most.
const RATE: u8 = 20;

/// Standard error, or nothing where no line can be drawn anew.
pub fn target() -> ProgressDrawTarget {
    if !terminal::redraws() {
        return ProgressDrawTarget::hidden();
    }
    let line = Line { term: Term::buffered_stderr(), there: AtomicBool::new(false) };
    ProgressDrawTarget::term_like_with_hz(Box::new(line), RATE)
}

#[derive(Debug)]
struct Line {
    /// Shows what it is told when it is flushed.
    term: Term,
    /// Will there be something then?
    there: AtomicBool,
}

impl TermLike for Line {
    fn width(&self) -> u16 {
        TermLike::width(&self.term)
    }

    fn height(&self) -> u16 {
        TermLike::height(&self.term)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.there.store(true, Ordering::SeqCst);
        self.term.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        if text.chars().all(|c| c == ' ') {
            return Ok(());
        }
        self.there.store(true, Ordering::SeqCst);
        self.term.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.there.store(false, Ordering::SeqCst);
        self.term.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        output::draw(self.there.load(Ordering::SeqCst), || self.term.flush())
    }
}
