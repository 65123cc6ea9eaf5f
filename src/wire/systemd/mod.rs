//! The environment of a systemd unit, from its files and from its main process. Reads files only: no bus is asked, so that it
//! works in containers and on rescue systems, and without root as far as the files may be read.
//!
//! What only the running manager knows is not seen: `systemctl set-environment`, and changes that were made without a file.

pub mod declared;
pub mod environment_file;
mod folders;
mod running;
pub mod specifiers;
pub mod syntax;

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use declared::{Declared, Sourced, Unit, variable};
use folders::{FOLDERS, Fragment};
use syntax::assignments;

use super::process;
use crate::evidence::{Outcome, UnitSettings};
use crate::unit_name::UnitName;

/// Longer files are cut, and that is told.
const LIMIT: u64 = 1 << 20;
/// So many files of one kind are read, and so many sentences said of what was not.
const FILES: usize = 256;
const SENTENCES: usize = 20;
/// So long the files are looked for that a pattern stands for.
const LOOKING: Duration = Duration::from_secs(1);

/// Is there such a unit: does a file define it, or does a process belong to it?
pub fn exists(unit: &UnitName) -> bool {
    folders::fragment(&FOLDERS.map(Path::new), unit).is_some() || running::main_process(unit).is_some()
}

/// The names of the units that files define.
pub fn known() -> Vec<String> {
    folders::known()
}

/// The environment of a unit: that of its main process where it runs and can be read, else what its files declare.
pub fn environment(unit: &UnitName) -> Outcome {
    let folders = FOLDERS.map(Path::new);
    let fragment = folders::fragment(&folders, unit);
    let mut reader = Reader::default();
    let declared = reader.declared(&folders, unit, fragment.as_ref());
    // The group has the unit's own name, whatever alias it was asked for by.
    let name = fragment.as_ref().map_or(unit, |fragment| &fragment.name);
    let main = running::main_process(name).map(|pid| (pid, process::environment(pid)));
    let values: BTreeMap<String, String> =
        declared.iter().map(|(name, (value, _))| (name.clone(), value.clone())).collect();
    let from = declared.into_iter().map(|(name, (_, from))| (name, from)).collect();
    let (process, set) = match main {
        Some((pid, Ok(set))) => (Some(pid), set),
        Some((_, Err((_, why)))) => {
            // Of all that could not be read this matters most.
            reader.unread.insert(0, why);
            (None, values.clone())
        }
        None => (None, values.clone()),
    };
    if reader.unread.len() > SENTENCES {
        let more = reader.unread.len() - (SENTENCES - 1);
        reader.unread.truncate(SENTENCES - 1);
        reader.unread.push(format!("and {more} more"));
    }
    Outcome::Variables { set, unit: Some(UnitSettings { process, declared: values, from, unread: reader.unread }) }
}

/// The main process of the unit, by whatever alias it was asked for, when it runs.
pub fn main_process(unit: &UnitName) -> Option<u32> {
    let fragment = folders::fragment(&FOLDERS.map(Path::new), unit);
    running::main_process(fragment.as_ref().map_or(unit, |fragment| &fragment.name))
}

/// Reads files, and remembers which it could not.
#[derive(Default)]
struct Reader {
    unread: Vec<String>,
}

impl Reader {
    fn declared(&mut self, folders: &[&Path], asked: &UnitName, fragment: Option<&Fragment>) -> Sourced {
        let name = fragment.map_or(asked, |fragment| &fragment.name);
        if let Some(Fragment { masked: true, .. }) = fragment {
            self.unread.push(format!("{name} is masked, so systemd does not start it, and its files declare nothing"));
            return Sourced::new();
        }
        let machine = specifiers::machine(|path| fs::read_to_string(path).ok());
        let file = fragment.map_or_else(PathBuf::new, |fragment| fragment.file.clone());
        let unit = Unit { name, file: &file, machine: &machine };
        let names = fragment.map_or_else(|| vec![asked.clone()], |own| folders::names(folders, own, asked));
        let drop_ins = folders::drop_ins(folders, &names);
        self.deny(&drop_ins.denied);
        let mut declared = Declared::default();
        self.tell_cut(drop_ins.files.len(), &format!("the drop-ins of {name}"));
        for path in fragment.map(|own| &own.file).into_iter().chain(drop_ins.files.iter().take(FILES)) {
            if let Some(text) = self.text(path, "the file") {
                declared.read(&assignments(&text), name.section(), path, unit);
            }
        }
        let (defaults, of_manager) = self.manager(unit);
        let passed = if declared.pass.is_empty() { Sourced::new() } else { passed(of_manager) };
        let of_files = self.of_files(&declared, name);
        self.unread.append(&mut declared.remarks);
        let all = declared.together(&defaults, &passed, of_files);
        self.tell_missing(&declared, &all, &passed);
        all
    }

    /// The defaults of the manager, and what it adds to its own environment.
    fn manager(&mut self, unit: Unit) -> (Sourced, Sourced) {
        let found = folders::of_manager();
        self.deny(&found.denied);
        let (mut defaults, mut own) = (Declared::default(), Declared::default());
        for path in &found.files {
            let Some(text) = self.text(path, "the manager's configuration") else { continue };
            let (of_services, of_manager): (Vec<_>, Vec<_>) =
                assignments(&text).into_iter().partition(|one| one.key == "DefaultEnvironment");
            defaults.read(&of_services, "Manager", path, unit);
            let of_manager: Vec<_> = of_manager.into_iter().filter(|one| one.key == "ManagerEnvironment").collect();
            own.read(&of_manager, "Manager", path, unit);
        }
        self.unread.extend([defaults.remarks, own.remarks].concat());
        (defaults.environment, own.environment)
    }

    /// The variables of the files that `EnvironmentFile=` names; a later one counts more.
    fn of_files(&mut self, declared: &Declared, unit: &UnitName) -> Sourced {
        let mut all = Sourced::new();
        self.tell_cut(declared.files.len(), &format!("the entries of EnvironmentFile of {unit}"));
        for (pattern, optional) in declared.files.iter().take(FILES) {
            let (paths, cut) =
                if pattern.contains(['*', '?', '[']) { matches(pattern) } else { (vec![PathBuf::from(pattern)], None) };
            if let Some(why) = cut {
                self.unread.push(format!("not all that the EnvironmentFile {pattern} stands for was read: {why}"));
                if paths.is_empty() {
                    continue;
                }
            }
            let missing = paths.iter().all(|path| fs::symlink_metadata(path).is_err_and(|error| absent(&error)));
            if missing && !optional {
                self.unread
                    .push(format!("the EnvironmentFile {pattern} is not there, and {unit} does not start without it"));
            }
            for path in paths.iter().filter(|_| !missing) {
                let Some(text) = self.text(path, "the EnvironmentFile") else { continue };
                for (name, value) in environment_file::variables(&text) {
                    if variable(&format!("{name}=")).is_some() {
                        all.insert(name, (value, path.display().to_string()));
                    }
                }
            }
        }
        all
    }

    /// What is passed on from the manager is in the memory of process 1, which root may read.
    fn tell_missing(&mut self, declared: &Declared, all: &Sourced, passed: &Sourced) {
        if declared.pass.is_empty() || process::environment(1).is_ok() {
            return;
        }
        let unknown =
            |name: &&str| !all.contains_key(*name) && !passed.contains_key(*name) && !declared.takes_away(name);
        let mut names: Vec<&str> = declared.pass.iter().map(|(name, _)| name.as_str()).filter(unknown).collect();
        names.sort_unstable();
        names.dedup();
        if !names.is_empty() {
            self.unread.push(format!(
                "{} may be passed on from the environment of process 1, which root may read (PassEnvironment)",
                names.join(", ")
            ));
        }
    }

    fn tell_cut(&mut self, number: usize, what: &str) {
        if number > FILES {
            self.unread.push(format!("of {what} the first {FILES} were read, and there are {number}"));
        }
    }

    fn deny(&mut self, folders: &[PathBuf]) {
        for folder in folders {
            self.unread.push(format!("the folder {} could not be listed; root may", folder.display()));
        }
    }

    fn text(&mut self, path: &Path, what: &str) -> Option<String> {
        let mut bytes = Vec::new();
        let read = fs::metadata(path).and_then(|about| {
            // A pipe may never begin, a device never end.
            if !about.is_file() {
                return Err(std::io::Error::other("it is not a file"));
            }
            fs::File::open(path)?.take(LIMIT + 1).read_to_end(&mut bytes)
        });
        let path = path.display();
        match read {
            Ok(read) if read as u64 > LIMIT => {
                self.unread.push(format!("{what} {path} is longer than 1 MiB; the rest was not read"))
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                self.unread.push(format!("{what} {path} could not be read; root may"));
                return None;
            }
            Err(error) => {
                self.unread.push(format!("{what} {path} could not be read: {error}"));
                return None;
            }
        }
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// The files that a pattern stands for, by name, and why they may not be all. A pattern can stand for the whole machine, and to find
/// nothing takes as long, so it is another thread that looks.
fn matches(pattern: &str) -> (Vec<PathBuf>, Option<String>) {
    // Two asterisks are one for systemd.
    let Ok(paths) = glob::glob(&pattern.replace("**", "*")) else { return (vec![PathBuf::from(pattern)], None) };
    let (send, receive) = mpsc::sync_channel(FILES);
    let look = move || paths.filter_map(Result::ok).try_for_each(|path| send.send(path));
    if let Err(error) = std::thread::Builder::new().spawn(look) {
        return (Vec::new(), Some(format!("they could not be looked for: {error}")));
    }
    let end = Instant::now() + LOOKING;
    let mut found = Vec::new();
    loop {
        match receive.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(_) if found.len() == FILES => return (found, Some(format!("it stands for more than {FILES} files"))),
            Ok(path) => found.push(path),
            Err(mpsc::RecvTimeoutError::Disconnected) => return (found, None),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let why = format!("to look for them took longer than {} s", LOOKING.as_secs());
                return (found, Some(why));
            }
        }
    }
}

/// What the manager can pass on: what it was started with, and what its configuration adds.
fn passed(of_manager: Sourced) -> Sourced {
    let own = process::environment(1).unwrap_or_default();
    let mut all: Sourced = own.into_iter().map(|(name, value)| (name, (value, String::new()))).collect();
    all.extend(of_manager);
    all
}

fn absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        for number in 0..FILES + 4 {
            fs::write(folder.path().join(format!("{number:03}.env")), "NO_PROXY=a\n").expect("a file");
        }
        let all = folder.path().join("*.env").display().to_string();
        let some = folder.path().join("00*.env").display().to_string();
        assert_eq!((matches(&some).0.len(), matches(&some).1), (10, None));
        let (paths, why) = matches(&all);
        assert_eq!((paths.len(), why.as_deref()), (FILES, Some("it stands for more than 256 files")));
        let unit = UnitName::whole("web.service").expect("a name");
        let mut reader = Reader::default();
        let declared = Declared { files: vec![(all.clone(), false); 1], ..Declared::default() };
        assert_eq!(reader.of_files(&declared, &unit).len(), 1);
        let told =
            format!("not all that the EnvironmentFile {all} stands for was read: it stands for more than 256 files");
        assert_eq!(reader.unread, [told]);
        let mut reader = Reader::default();
        reader.of_files(&Declared { files: vec![("/nowhere".into(), true); 257], ..Declared::default() }, &unit);
        let told = "of the entries of EnvironmentFile of web.service the first 256 were read, and there are 257";
        assert_eq!(reader.unread, [told]);
    }

    #[test]
    fn every_drop_in_beyond_the_limit_is_told_of() {
        let folder = tempfile::tempdir().expect("a folder");
        let drop_ins = folder.path().join("web.service.d");
        fs::create_dir(&drop_ins).expect("a folder");
        for number in 0..=FILES {
            fs::write(drop_ins.join(format!("{number:03}.conf")), "[Service]\n").expect("a file");
        }
        let unit = UnitName::whole("web.service").expect("a name");
        let mut reader = Reader::default();
        reader.declared(&[folder.path()], &unit, None);
        let told = "of the drop-ins of web.service the first 256 were read, and there are 257".to_owned();
        assert!(reader.unread.contains(&told), "{:?}", reader.unread);
    }
}
