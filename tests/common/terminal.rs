//! A terminal for the tests: a program runs on one of a given size, and what it writes there is kept.

#![cfg(unix)]
#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use std::fs::File;
use std::io::Read;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// What was written to the terminal, by standard output and standard error alike, and how the program ended.
pub struct Written {
    pub code: Option<i32>,
    pub text: String,
}

/// Both ends of a new terminal: the one that reads and types, and the one for a program. No child of another test inherits them.
pub fn ends(rows: u16, columns: u16) -> (File, File) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = openpt(flags).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let theirs = File::from(ioctl_tiocgptpeer(&ours, flags).unwrap());
    tcsetwinsize(&theirs, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    (File::from(ours), theirs)
}

/// Runs a program on a terminal with so many columns; with none it says nothing of its size, as a serial console does.
pub fn on_terminal(mut command: Command, columns: u16) -> Written {
    let (mut ours, theirs) = ends(if columns == 0 { 0 } else { 24 }, columns);
    command.stdin(theirs.try_clone().unwrap()).stdout(theirs.try_clone().unwrap()).stderr(theirs);
    let mut child = command.spawn().unwrap();
    // It holds the other end, whose closing ends the reading.
    drop(command);
    let reading = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // Linux says so with an error when nobody has the other end any more.
        let _ = ours.read_to_end(&mut bytes);
        bytes
    });
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > PATIENCE {
            child.kill().unwrap();
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let text = String::from_utf8(reading.join().unwrap()).unwrap().replace("\r\n", "\n");
    Written { code: status.code(), text }
}

/// Lines that are wider than the terminal though they could have been broken.
pub fn too_wide(text: &str, columns: usize, commands: &[String]) -> Vec<String> {
    let width = textwrap::core::display_width;
    let may_be = |line: &str| {
        let line = line.trim();
        let word = line.split(' ').map(width).max().unwrap_or_default();
        // A word that fits no line behind its label cannot be broken, nor a question with such a word, behind its times.
        let indent = if line.contains(" ms  ") { 24 } else { 12 };
        !line.contains(' ') || word + indent > columns || commands.iter().any(|command| command == line)
    };
    text.lines().filter(|line| width(line) > columns && !may_be(line)).map(str::to_owned).collect()
}
