//! Real shells at a terminal, for what they make of TAB: lines are typed, and the shell itself says what stands there then and
//! which candidates there were.

#![cfg(unix)]
#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::terminal::ends;

/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A shell that reads keys. Its preparation has to bind Ctrl-G to what writes the line to `$LINE` and erases it, and to see to it that
/// TAB writes the candidates to `$CANDIDATES`.
pub struct Shell {
    child: Child,
    keys: File,
    screen: mpsc::Receiver<Vec<u8>>,
    folder: PathBuf,
}

/// What TAB made of a line.
#[derive(Debug, PartialEq, Eq)]
pub struct Completed {
    /// The line that stands there.
    pub line: String,
    /// The candidates, in the order in which the shell had them.
    pub candidates: Vec<String>,
}

impl Shell {
    /// Starts it in a folder, and waits until it says that it is `prepared`.
    pub fn start(program: &str, arguments: &[&str], folder: &Path, environment: &[(&str, &str)]) -> Self {
        let (keys, theirs) = ends(50, 250);
        // A session of its own, of which this is the terminal: shells want to be the master of it.
        let mut command = Command::new("setsid");
        command.args(["--ctty", program]).args(arguments).current_dir(folder).env_clear();
        command.envs([("TERM", "xterm"), ("LANG", "C.UTF-8")]).envs(environment.iter().copied());
        command.env("LINE", folder.join(".line")).env("CANDIDATES", folder.join(".candidates"));
        command.env("PREPARED", folder.join(".prepared"));
        command.stdin(theirs.try_clone().unwrap()).stdout(theirs.try_clone().unwrap()).stderr(theirs);
        let child = command.spawn().unwrap();
        drop(command);
        let mut reader = keys.try_clone().unwrap();
        let (sender, screen) = mpsc::channel();
        // Nobody may have to wait for a screen that is not read.
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count) = reader.read(&mut bytes) {
                if count == 0 || sender.send(bytes[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let shell = Self { child, keys, screen, folder: folder.to_owned() };
        shell.await_file(".prepared");
        shell
    }

    /// Types a line, TAB, and asks what stands there.
    pub fn complete(&mut self, line: &str) -> Completed {
        let _ = std::fs::remove_file(self.folder.join(".candidates"));
        let _ = std::fs::remove_file(self.folder.join(".line"));
        self.keys.write_all(format!("{line}\t\u{7}").as_bytes()).unwrap();
        let line = self.await_file(".line");
        let candidates = std::fs::read_to_string(self.folder.join(".candidates")).unwrap_or_default();
        Completed {
            line: line.strip_suffix('\n').unwrap().to_owned(),
            candidates: candidates.lines().map(str::to_owned).collect(),
        }
    }

    /// Waits for a file that ends with a line end.
    fn await_file(&self, name: &str) -> String {
        let began = Instant::now();
        loop {
            let text = std::fs::read_to_string(self.folder.join(name)).unwrap_or_default();
            if text.ends_with('\n') {
                return text;
            }
            if began.elapsed() > PATIENCE {
                let shown: Vec<u8> = self.screen.try_iter().flatten().collect();
                panic!("{name} does not come; on the screen is {}", String::from_utf8_lossy(&shown));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
