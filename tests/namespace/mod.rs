//! A private network namespace for the suites that need the real addresses, and the runner of their cases.
//!
//! Every case is a process of its own in a namespace of its own, where 169.254.169.254 and the names of Azure Resource
//! Manager lead to loopback and nothing leads out. It changes nothing on the machine, sends nothing to a network, and says
//! nothing about speed.

#![allow(dead_code, missing_docs, clippy::unwrap_used, clippy::print_stdout)]

pub mod place;
pub mod simulator;

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Names the case that a process in a namespace is to run.
const MARK: &str = "MIDOCTOR_TEST_CASE";
/// The case that only proves that a namespace can be made.
const PROBE: &str = "(namespace)";

/// One case: a sentence, and what panics when it does not hold.
pub struct Case {
    pub name: String,
    pub users: Users,
    /// It may take that long, where it is not the suite's.
    pub patience: Option<Duration>,
    pub run: Box<dyn Fn() + Send + Sync>,
}

impl Case {
    pub fn new(name: impl Into<String>, run: impl Fn() + Send + Sync + 'static) -> Self {
        Self { name: name.into(), users: Users::Caller, patience: None, run: Box::new(run) }
    }

    /// The same where daemons can run that change to users of their own. All processes that it starts end with it, also those
    /// that leave its process group.
    pub fn with_all_users(self) -> Self {
        Self { users: Users::All, ..self }
    }

    /// The same with a time of its own, after which it hangs.
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience: Some(patience), ..self }
    }
}

/// Who there is in a case's namespaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Users {
    /// The caller, as root.
    Caller,
    /// Everybody whom the machine has, in a process namespace of their own.
    All,
}

/// A suite of cases.
pub struct Suite {
    pub name: &'static str,
    pub cases: Vec<Case>,
    /// Cases that cannot run on this machine, with the reason.
    pub missing: Vec<(String, String)>,
    /// So many cases run at once.
    pub lanes: usize,
    /// One case may take that long.
    pub patience: Duration,
}

/// Is this a machine where nothing may be left out?
fn strict() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

impl Suite {
    /// Runs the cases whose name contains the words on the command line. In a namespace, runs the one that is named.
    pub fn main(self) -> ExitCode {
        if let Ok(name) = std::env::var(MARK) {
            self.inside(&name);
            return ExitCode::SUCCESS;
        }
        let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
        let wanted = |name: &str| words.iter().all(|word| name.contains(word.as_str()));
        let (passed, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let leave_out = |name: &str, why: &str| {
            if strict() {
                failed.fetch_add(1, Ordering::SeqCst);
                println!("FAILED {name}: {why}");
            } else {
                println!("skipped {name}: {why}");
            }
        };
        match in_namespace(PROBE, Users::Caller, self.patience) {
            Err(why) => leave_out("everything", &format!("no private network namespace here: {why}")),
            Ok(()) => {
                for (name, why) in self.missing.iter().filter(|(name, _)| wanted(name)) {
                    leave_out(name, why);
                }
                let mut cases: Vec<&Case> = self.cases.iter().filter(|case| wanted(&case.name)).collect();
                if cases.iter().any(|case| case.users == Users::All)
                    && let Err(why) = in_namespace(PROBE, Users::All, self.patience)
                {
                    for case in cases.extract_if(.., |case| case.users == Users::All) {
                        leave_out(&case.name, &format!("no private namespaces with all users here: {why}"));
                    }
                }
                let waiting = Mutex::new(cases.into_iter());
                std::thread::scope(|scope| {
                    for _ in 0..self.lanes {
                        scope.spawn(|| {
                            while let Some(case) = next(&waiting) {
                                match in_namespace(&case.name, case.users, case.patience.unwrap_or(self.patience)) {
                                    Ok(()) => {
                                        passed.fetch_add(1, Ordering::SeqCst);
                                        println!("ok {}", case.name);
                                    }
                                    Err(why) => {
                                        failed.fetch_add(1, Ordering::SeqCst);
                                        println!("FAILED {}: {why}", case.name);
                                    }
                                }
                            }
                        });
                    }
                });
            }
        }
        let (passed, failed) = (passed.into_inner(), failed.into_inner());
        println!("{}: {passed} passed, {failed} failed", self.name);
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn inside(&self, name: &str) {
        place::furnish();
        if name != PROBE {
            let case = self.cases.iter().find(|case| case.name == name).expect("the case exists");
            (case.run)();
        }
    }
}

fn next<'a>(waiting: &Mutex<impl Iterator<Item = &'a Case>>) -> Option<&'a Case> {
    waiting.lock().unwrap().next()
}

/// Runs this program again in a new namespace, for one case. What it printed to standard error is why it failed.
fn in_namespace(case: &str, users: Users, patience: Duration) -> Result<(), String> {
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let said = folder.path().join("said");
    let log = File::create(&said).map_err(|error| error.to_string())?;
    // A failing case may print; only what it says on standard error is kept.
    let mut command = match users {
        Users::Caller => unshared(&own),
        Users::All => unshared_with_all_users(&own),
    };
    command
        .env(MARK, case)
        .env("TMPDIR", folder.path())
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log);
    let ended = bounded(&mut command, patience)?;
    if ended == Some(0) {
        return Ok(());
    }
    let said = std::fs::read_to_string(&said).unwrap_or_default();
    let how = match ended {
        Some(code) => format!("exit code {code}"),
        None => format!("still at it after {} s", patience.as_secs()),
    };
    Err(if said.trim().is_empty() { how } else { format!("{how}\n{}", said.trim_end()) })
}

/// A command in new user, network and mount namespaces.
pub fn unshared(program: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["-rnm", "--"]).arg(program);
    command
}

/// A command in new network, mount, host name and process namespaces, where all users of the machine are known: root's own, or
/// else those that the machine lends the caller (/etc/subuid). When it ends, so does all that it started.
fn unshared_with_all_users(program: &Path) -> Command {
    let mut command = Command::new("unshare");
    if !is_root() {
        command.args(["--map-root-user", "--map-auto"]);
    }
    command.args(["-nm", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]).arg(program);
    command
}

/// Is this process the machine's root, and not that of a user namespace which knows nobody else?
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let all = map.split_whitespace().eq(["0", "0", "4294967295"]);
    all && std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Runs a command to its end, in a process group that is gone afterwards. `None`: it was still at it.
pub fn bounded(command: &mut Command, patience: Duration) -> Result<Option<i32>, String> {
    let started = Instant::now();
    let mut child =
        command.process_group(0).spawn().map_err(|error| format!("{:?}: {error}", command.get_program()))?;
    let ended = loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => break Some(status.code().unwrap_or(128)),
            None if started.elapsed() > patience => break None,
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    end_group(&mut child);
    Ok(ended)
}

/// Ends a child with all that it started. The group outlives its leader as long as a member runs.
fn end_group(child: &mut Child) {
    // When nobody is left there is nothing to end.
    let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).stderr(Stdio::null()).status();
    let _ = child.wait();
}
