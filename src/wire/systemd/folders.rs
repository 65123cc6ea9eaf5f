//! Where the files of a unit are: its own, those that change it, and the manager's configuration. Reads folders and links, not
//! what is in the files.
//!
//! The folders and their order are those of the manual page systemd.unit(5); how names, links and drop-ins go together is as in
//! systemd's `unit-file.c` and `dropin.c`.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::unit_name::UnitName;

/// The folders of the system's units, the strongest first.
pub const FOLDERS: [&str; 13] = [
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/etc/systemd/system",
    "/etc/systemd/system.attached",
    "/run/systemd/system",
    "/run/systemd/system.attached",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    // Apart from /usr/lib on systems whose /lib is no link to it.
    "/lib/systemd/system",
    "/run/systemd/generator.late",
];
/// The folders of the manager's own configuration, the strongest first.
const OF_MANAGER: [&str; 5] =
    ["/etc/systemd", "/run/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd", "/lib/systemd"];
/// At most so many entries of a folder are looked at.
const ENTRIES: usize = 20_000;

/// A unit's own file.
#[derive(Debug, PartialEq, Eq)]
pub struct Fragment {
    /// The file, links followed.
    pub file: PathBuf,
    /// The name that the unit really has: another one where it was asked for by an alias.
    pub name: UnitName,
    /// Is it a link to `/dev/null`, or empty: a unit that must not be started?
    pub masked: bool,
}

/// What was found, and the folders that could not be listed.
#[derive(Debug, Default)]
pub struct Found {
    /// The files, in the order in which they are read.
    pub files: Vec<PathBuf>,
    /// Folders without the right to list them.
    pub denied: Vec<PathBuf>,
}

/// The unit's own file: by its name in any folder, then by its template's.
pub fn fragment(folders: &[&Path], unit: &UnitName) -> Option<Fragment> {
    let names = [Some(unit.clone()), unit.template()];
    names
        .into_iter()
        .flatten()
        .find_map(|name| folders.iter().find_map(|folder| at(&folder.join(name.to_string()), unit)))
}

fn at(path: &Path, unit: &UnitName) -> Option<Fragment> {
    let link = fs::symlink_metadata(path).ok()?;
    if link.is_dir() {
        return None;
    }
    // A link that leads nowhere is there for systemd too: the unit has no settings.
    let file = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let named = file.file_name().and_then(|name| UnitName::whole(name.to_str()?));
    // An alias of an instance is the same instance of another template.
    let name = match (named, unit.instance()) {
        (Some(name), Some(instance)) if name.instance() == Some("") => name.with_instance(instance),
        (Some(name), _) if name.kind() == unit.kind() => name,
        _ => unit.clone(),
    };
    let masked =
        file == Path::new("/dev/null") || fs::metadata(&file).is_ok_and(|file| file.is_file() && file.len() == 0);
    Some(Fragment { name: if masked { unit.clone() } else { name }, file, masked })
}

/// Every name of a unit: its own, the one that was asked for, and the links that lead to it.
pub fn names(folders: &[&Path], fragment: &Fragment, asked: &UnitName) -> Vec<UnitName> {
    let mut all = vec![fragment.name.clone()];
    let mut add = |name: UnitName| {
        if !all.contains(&name) {
            all.push(name);
        }
    };
    add(asked.clone());
    for entry in folders.iter().flat_map(|folder| entries(folder).unwrap_or_default()) {
        let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        if is_link && fs::canonicalize(entry.path()).is_ok_and(|file| file == fragment.file) {
            let name = entry.file_name().to_str().and_then(UnitName::whole);
            match (name, fragment.name.instance()) {
                (Some(name), Some(instance)) if name.instance() == Some("") => add(name.with_instance(instance)),
                // Other instances of the template are other units.
                (Some(name), own) if name.instance() == own => add(name),
                _ => {}
            }
        }
    }
    all
}

/// The files that change a unit, in the order in which they are read: by name, and of two with the same name the one in the
/// stronger folder.
pub fn drop_ins(folders: &[&Path], names: &[UnitName]) -> Found {
    let mut of_unit: Vec<PathBuf> = Vec::new();
    for name in names {
        for folder in folders {
            of_unit.extend(name.with_shorter_ones().iter().map(|name| folder.join(format!("{name}.d"))));
        }
    }
    // Those of all units of a kind are the weakest.
    let kind = names.first().map_or("service", UnitName::kind);
    of_unit.extend(folders.iter().map(|folder| folder.join(format!("{kind}.d"))));
    configuration(&of_unit)
}

/// The manager's configuration: its own file, then what changes it.
pub fn of_manager() -> Found {
    let own = OF_MANAGER.iter().map(|folder| Path::new(folder).join("system.conf")).find(|file| file.exists());
    let folders: Vec<PathBuf> = OF_MANAGER.iter().map(|folder| Path::new(folder).join("system.conf.d")).collect();
    let mut found = configuration(&folders);
    found.files.splice(0..0, own);
    found
}

/// The `*.conf` of these folders by name; the first folder that has a name decides, also when it hides it by a link to
/// `/dev/null`.
fn configuration(folders: &[PathBuf]) -> Found {
    let mut files: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut denied = Vec::new();
    for folder in folders {
        match entries(folder) {
            Ok(entries) => {
                for entry in entries {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    if name.ends_with(".conf")
                        && !name.starts_with('.')
                        && entry.file_type().is_ok_and(|kind| !kind.is_dir())
                    {
                        files.entry(name).or_insert_with(|| entry.path());
                    }
                }
            }
            Err(ErrorKind::PermissionDenied) => denied.push(folder.clone()),
            Err(_) => {}
        }
    }
    let hidden = |file: &PathBuf| fs::canonicalize(file).is_ok_and(|file| file == Path::new("/dev/null"));
    Found { files: files.into_values().filter(|file| !hidden(file)).collect(), denied }
}

/// The names of all units that start processes, for whoever mistyped one.
pub fn known() -> Vec<String> {
    known_in(&FOLDERS.map(Path::new))
}

fn known_in(folders: &[&Path]) -> Vec<String> {
    let all = folders.iter().flat_map(|folder| entries(folder).unwrap_or_default());
    let mut names: Vec<String> = all
        .filter_map(|entry| {
            // A folder is no unit, whatever its name: `d.service` is a slip for drop-ins of all services.
            UnitName::whole(entry.file_name().to_str()?).filter(|_| !entry.path().is_dir())
        })
        .filter(|name| name.instance() != Some(""))
        .map(|name| name.to_string())
        .collect();
    names.sort();
    names.dedup();
    names
}

fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>, ErrorKind> {
    let listed = fs::read_dir(folder).map_err(|error| error.kind())?;
    Ok(listed.take(ENTRIES).filter_map(Result::ok).collect())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            for name in ["etc", "lib"] {
                fs::create_dir(folder.path().join(name)).expect("a folder");
            }
            Self(folder)
        }

        fn file(&self, path: &str) -> PathBuf {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(&path, "[Service]\n").expect("a file");
            path
        }

        fn link(&self, path: &str, to: &str) {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            symlink(to, path).expect("a link");
        }

        fn folders(&self) -> [PathBuf; 2] {
            ["etc", "lib"].map(|name| self.0.path().join(name))
        }

        fn fragment(&self, name: &str) -> Option<Fragment> {
            let [etc, lib] = self.folders();
            fragment(&[&etc, &lib], &UnitName::read(name).expect("a name"))
        }

        fn drop_ins(&self, name: &str) -> Vec<String> {
            let [etc, lib] = self.folders();
            let folders: [&Path; 2] = [&etc, &lib];
            let asked = UnitName::read(name).expect("a name");
            let names = self.fragment(name).map_or(vec![asked.clone()], |own| names(&folders, &own, &asked));
            let inside = |file: PathBuf| file.strip_prefix(self.0.path()).expect("inside").display().to_string();
            drop_ins(&folders, &names).files.into_iter().map(inside).collect()
        }
    }

    #[test]
    fn a_folder_is_no_unit() {
        let place = Place::new();
        place.file("etc/web.service");
        place.file("etc/d.service/web.conf");
        let [etc, lib] = place.folders();
        assert_eq!(known_in(&[&etc, &lib]), ["web.service"]);
    }

    #[test]
    fn the_strongest_folder_has_the_file_and_an_instance_its_template() {
        let place = Place::new();
        let (weak, template) = (place.file("lib/web.service"), place.file("lib/job@.service"));
        assert_eq!(place.fragment("web").map(|own| own.file), Some(weak.canonicalize().expect("a path")));
        let strong = place.file("etc/web.service");
        assert_eq!(place.fragment("web").map(|own| own.file), Some(strong.canonicalize().expect("a path")));
        let own = place.fragment("job@7").expect("a template");
        assert_eq!(
            (own.file, own.name.to_string().as_str()),
            (template.canonicalize().expect("a path"), "job@7.service")
        );
        assert_eq!(place.fragment("other"), None);
    }

    #[test]
    fn aliases_have_the_name_of_what_they_lead_to_and_masked_ones_lead_nowhere() {
        let place = Place::new();
        place.file("lib/real.service");
        place.file("lib/real@.service");
        place.link("etc/alias.service", "../lib/real.service");
        place.link("etc/alias@.service", "../lib/real@.service");
        place.link("etc/gone.service", "/dev/null");
        let name = |text: &str| place.fragment(text).map(|own| (own.name.to_string(), own.masked));
        assert_eq!(name("alias"), Some(("real.service".into(), false)));
        assert_eq!(name("alias@1"), Some(("real@1.service".into(), false)));
        assert_eq!(name("gone"), Some(("gone.service".into(), true)));
        place.file("etc/alias.service.d/a.conf");
        place.file("etc/real.service.d/b.conf");
        for asked in ["alias", "real"] {
            assert_eq!(place.drop_ins(asked), ["etc/alias.service.d/a.conf", "etc/real.service.d/b.conf"], "{asked}");
        }
    }

    #[test]
    fn drop_ins_are_sorted_by_name_and_the_stronger_folder_wins() {
        let place = Place::new();
        place.file("lib/a-web@.service");
        for path in [
            "lib/a-web@1.service.d/20.conf",
            "lib/a-web@1.service.d/40.conf",
            "etc/a-web@1.service.d/20.conf",
            "etc/a-web@.service.d/10.conf",
            "etc/a-web@.service.d/20.conf",
            "lib/a-.service.d/30.conf",
            "lib/a-@.service.d/31.conf",
            "etc/service.d/05.conf",
            "etc/service.d/10.conf",
            "etc/a-web@2.service.d/99.conf",
            "etc/a-web@1.service.d/no.txt",
        ] {
            place.file(path);
        }
        place.link("etc/a-web@1.service.d/40.conf", "/dev/null");
        assert_eq!(
            place.drop_ins("a-web@1"),
            [
                "etc/service.d/05.conf",
                "etc/a-web@.service.d/10.conf",
                "etc/a-web@1.service.d/20.conf",
                "lib/a-.service.d/30.conf",
                "lib/a-@.service.d/31.conf",
            ]
        );
        assert_eq!(place.drop_ins("a-web")[1..], ["etc/service.d/10.conf", "lib/a-.service.d/30.conf"]);
    }
}
