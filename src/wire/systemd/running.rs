//! The processes of a unit, by its control group: which there are, and which of them is the main one. Reads folders and short
//! files of the kernel.
//!
//! Where systemd puts the groups of units is in the manual page systemd.slice(5); both versions of control groups are looked
//! through.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use crate::unit_name::UnitName;
use crate::wire::process::{Stat, stat};

/// Where the tree of groups can begin: version 2, version 1 with systemd's own tree, and both side by side.
const ROOTS: [&str; 3] = ["/sys/fs/cgroup", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/unified"];
/// So many folders are looked through for a group, so many processes of one are looked at.
const FOLDERS: usize = 5_000;
const PROCESSES: usize = 10_000;

/// The main process of the unit, when it runs.
///
/// Systemd keeps its number to itself (`MainPID` is told by the bus alone). Of the unit's processes it is the one that none of
/// the others started; where there are several, as with a script that runs after the start, the one that started first.
pub fn main_process(unit: &UnitName) -> Option<u32> {
    let group = group(&ROOTS.map(Path::new), &unit.to_string())?;
    main_of(&processes(&group), stat)
}

fn main_of(pids: &[u32], stat: impl Fn(u32) -> Option<Stat>) -> Option<u32> {
    let known: Vec<(u32, Stat)> = pids.iter().filter_map(|pid| Some((*pid, stat(*pid)?))).collect();
    let alive = known.iter().filter(|(_, stat)| !matches!(stat.state, 'Z' | 'X'));
    let first = alive.filter(|(_, stat)| !pids.contains(&stat.parent)).min_by_key(|(pid, stat)| (stat.started, *pid));
    first.map(|(pid, _)| *pid)
}

/// The folder of that name below the roots. Units are in slices, so only these are gone into.
fn group(roots: &[&Path], name: &str) -> Option<PathBuf> {
    let mut waiting: VecDeque<PathBuf> = roots.iter().map(|root| root.to_path_buf()).collect();
    for _ in 0..FOLDERS {
        let folder = waiting.pop_front()?;
        let group = folder.join(name);
        if group.join("cgroup.procs").exists() {
            return Some(group);
        }
        waiting
            .extend(folders(&folder).into_iter().filter(|inner| inner.extension().is_some_and(|end| end == "slice")));
    }
    None
}

/// The processes of a group and of those below it: a unit to which its tree is delegated has none in its own.
fn processes(group: &Path) -> Vec<u32> {
    let mut all = Vec::new();
    let mut waiting = vec![group.to_path_buf()];
    for _ in 0..FOLDERS {
        let Some(folder) = waiting.pop() else { break };
        let text = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
        // A process of another namespace has the number 0.
        all.extend(text.lines().filter_map(|line| line.trim().parse::<u32>().ok()).filter(|pid| *pid > 0));
        waiting.extend(folders(&folder));
    }
    all.truncate(PROCESSES);
    all
}

fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).take(FOLDERS);
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_main_process_is_the_one_that_none_of_the_others_started() {
        let table = [(10, 1, 'S', 500), (11, 10, 'S', 400), (12, 1, 'S', 700), (13, 1, 'Z', 100)];
        let stat = |pid| {
            let (_, parent, state, started) = table.into_iter().find(|(own, ..)| *own == pid)?;
            Some(Stat { state, parent, started, of_kernel: false })
        };
        assert_eq!(main_of(&[10, 11, 12, 13, 99], stat), Some(10));
        assert_eq!(main_of(&[11], stat), Some(11));
        assert_eq!(main_of(&[13, 99], stat), None);
        assert_eq!(main_of(&[], stat), None);
    }

    #[test]
    fn groups_are_found_in_nested_slices_only() {
        let root = tempfile::tempdir().expect("a folder");
        let place = |path: &str, processes: &str| {
            let folder = root.path().join(path);
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join("cgroup.procs"), processes).expect("a file");
            folder
        };
        place("user.slice/user-0.slice/user@0.service/app.slice/web.service", "7\n");
        let group_of = |name: &str| group(&[root.path()], name);
        assert_eq!(group_of("web.service"), None);
        let web = place("system.slice/system-web.slice/web.service", "0\n12\n");
        place("system.slice/system-web.slice/web.service/inner", "13\n");
        assert_eq!(group_of("web.service").as_deref(), Some(web.as_path()));
        let mut found = processes(&web);
        found.sort_unstable();
        assert_eq!(found, [12, 13]);
    }
}
