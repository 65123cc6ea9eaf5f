//! What the files of a unit declare of its environment, put together in systemd's order. Text only: what the files say comes
//! in, what they name is handed out to be read.
//!
//! The order is that of the manual page systemd.exec(5) and of systemd's `exec-invoke.c`: the manager's defaults, then what is
//! passed on from the manager, then `Environment=`, then the files of `EnvironmentFile=`, and last what is taken away.
//! Variables that nobody asks for are dropped at once: they can be secrets.

use std::collections::BTreeMap;
use std::path::Path;

use super::specifiers::{Machine, resolve};
use super::syntax::{Assignment, Escapes, words};
use crate::evidence::VARIABLES;
use crate::unit_name::UnitName;

/// A variable's value with the file that sets it.
pub type Sourced = BTreeMap<String, (String, String)>;

/// What the files say, gathered in the order in which they are read.
#[derive(Debug, Default)]
pub struct Declared {
    /// `Environment=` and `DefaultEnvironment=`.
    pub environment: Sourced,
    /// `EnvironmentFile=`: path or pattern, and may it be missing?
    pub files: Vec<(String, bool)>,
    /// `PassEnvironment=`: name, and the file that says so.
    pub pass: Vec<(String, String)>,
    /// `UnsetEnvironment=`: `NAME` or `NAME=VALUE`.
    pub unset: Vec<String>,
    /// What is not known, or not as it seems, for a percent sign: a sentence part each.
    pub remarks: Vec<String>,
}

/// A unit as far as its specifiers need it.
#[derive(Clone, Copy)]
pub struct Unit<'a> {
    /// Its name.
    pub name: &'a UnitName,
    /// Its own file.
    pub file: &'a Path,
    /// What the machine is called.
    pub machine: &'a Machine,
}

/// `NAME=VALUE` of a variable that is asked for.
pub fn variable(text: &str) -> Option<(&str, &str)> {
    text.split_once('=').filter(|(name, _)| VARIABLES.contains(name))
}

impl Declared {
    /// Takes in the assignments of one file.
    pub fn read(&mut self, assignments: &[Assignment], section: &str, file: &Path, unit: Unit) {
        for one in assignments.iter().filter(|one| one.section == section) {
            self.assign(&one.key, &one.value, file, unit);
        }
    }

    fn assign(&mut self, key: &str, value: &str, file: &Path, unit: Unit) {
        let from = || file.display().to_string();
        match (key, value) {
            ("Environment" | "DefaultEnvironment" | "ManagerEnvironment", "") => self.environment.clear(),
            ("EnvironmentFile", "") => self.files.clear(),
            ("PassEnvironment", "") => self.pass.clear(),
            ("UnsetEnvironment", "") => self.unset.clear(),
            ("Environment" | "DefaultEnvironment" | "ManagerEnvironment", _) => {
                for word in words(value, Escapes::C) {
                    let Some(text) = self.resolved(&word, key, file, unit) else { continue };
                    if let Some((name, value)) = variable(&text) {
                        self.environment.insert(name.to_owned(), (value.to_owned(), from()));
                    }
                }
            }
            ("EnvironmentFile", _) => {
                let optional = value.starts_with('-');
                let path = self.resolved(value.strip_prefix('-').unwrap_or(value), key, file, unit);
                if let Some(path) = path.filter(|path| path.starts_with('/')) {
                    self.files.push((path, optional));
                }
            }
            ("PassEnvironment", _) => {
                let words = words(value, Escapes::Plain).into_iter();
                let names = words.filter_map(|word| self.resolved(&word, key, file, unit));
                let names: Vec<String> = names.filter(|name| VARIABLES.contains(&name.as_str())).collect();
                self.pass.extend(names.into_iter().map(|name| (name, from())));
            }
            ("UnsetEnvironment", _) => {
                let words = words(value, Escapes::Plain).into_iter();
                let names: Vec<String> = words.filter_map(|word| self.resolved(&word, key, file, unit)).collect();
                self.unset.extend(names);
            }
            _ => {}
        }
    }

    /// The text with its specifiers replaced; `None` where systemd ignores it. What is no concern of ours is not remarked on.
    fn resolved(&mut self, text: &str, key: &str, file: &Path, unit: Unit) -> Option<String> {
        let resolved = resolve(text, unit.name, unit.file, unit.machine);
        let name = text.split('=').next().unwrap_or_default();
        let ours = key == "EnvironmentFile" || VARIABLES.contains(&name);
        let file = file.display();
        match resolved {
            Ok((_, true)) if ours => {
                self.remarks.push(format!("a % in {name} in {file} stands for something that midoctor does not look up"));
            }
            Err(letter) if ours => self.remarks.push(format!(
                "systemd ignores what {file} says of {name}, since %{letter} stands for nothing there and a percent sign is \
                 written %%"
            )),
            _ => {}
        }
        resolved.ok().map(|(text, _)| text)
    }

    /// All of it in order: the manager's defaults, what it passes on, `Environment=`, the variables of the files, less what is
    /// taken away.
    pub fn together(&self, defaults: &Sourced, passed: &Sourced, of_files: Sourced) -> Sourced {
        let mut all = defaults.clone();
        for (name, from) in &self.pass {
            if let Some((value, _)) = passed.get(name) {
                all.insert(name.clone(), (value.clone(), from.clone()));
            }
        }
        all.extend(self.environment.clone());
        all.extend(of_files);
        for entry in &self.unset {
            match entry.split_once('=') {
                Some((name, value)) if all.get(name).is_some_and(|(set, _)| set == value) => drop(all.remove(name)),
                Some(_) => {}
                None => drop(all.remove(entry)),
            }
        }
        all
    }

    /// Is this variable taken away whatever its value?
    pub fn takes_away(&self, name: &str) -> bool {
        self.unset.iter().any(|entry| entry == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::systemd::syntax::assignments;

    fn read(texts: &[&str]) -> Declared {
        let machine = Machine::new();
        let name = UnitName::whole("web@blue.service").expect("a name");
        let mut declared = Declared::default();
        for (index, text) in texts.iter().enumerate() {
            let file = format!("/etc/{index}.conf");
            let file = Path::new(&file);
            declared.read(&assignments(text), "Service", file, Unit { name: &name, file, machine: &machine });
        }
        declared
    }

    fn sourced(entries: &[(&str, &str)]) -> Sourced {
        entries.iter().map(|(name, value)| ((*name).to_owned(), ((*value).to_owned(), "/f".to_owned()))).collect()
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "([\\[\\]=\\\\\"'%x0-9a-z\n ]|Environment=|\\[Service\\]\n|\\PC){0,60}") {
            read(&[&text, &format!("[Service]\nEnvironment=NO_PROXY={text}\nPassEnvironment={text}\n")]);
            super::super::environment_file::variables(&text);
        }
    }

    #[test]
    fn a_line_that_is_advised_is_read_back_as_it_was_meant() {
        for value in ["localhost,169.254.169.254", "a%40b,%i", r#"a"b\c"#, "a b\tc\n", "'x' $HOME"] {
            let line = crate::unit_name::environment_line(&[("NO_PROXY", value), ("no_proxy", value)]);
            assert_eq!(line.lines().count(), 1, "{line}");
            let declared = read(&["[Service]\nEnvironment=NO_PROXY=old\n", &format!("[Service]\n{line}\n")]);
            let shown: Vec<(&str, &str)> =
                declared.environment.iter().map(|(name, (value, _))| (&**name, &**value)).collect();
            assert_eq!(shown, [("NO_PROXY", value), ("no_proxy", value)], "{line}");
        }
    }

    #[test]
    fn later_files_add_override_and_reset() {
        let declared = read(&[
            "[Service]\nEnvironment=\"NO_PROXY=a b\" HTTP_PROXY=http://%i:80 PASSWORD=hunter2\nEnvironmentFile=-/etc/%p.env\n",
            "[Unit]\nEnvironment=MSI_ENDPOINT=x\n[Service]\nEnvironment=HTTP_PROXY=\nPassEnvironment=no_proxy HOME\n",
        ]);
        let shown: Vec<(&str, &str, &str)> =
            declared.environment.iter().map(|(name, (value, from))| (&**name, &**value, &**from)).collect();
        assert_eq!(shown, [("HTTP_PROXY", "", "/etc/1.conf"), ("NO_PROXY", "a b", "/etc/0.conf")]);
        assert_eq!(declared.files, [("/etc/web.env".to_owned(), true)]);
        assert_eq!(declared.pass, [("no_proxy".to_owned(), "/etc/1.conf".to_owned())]);
        let reset = read(&[
            "[Service]\nEnvironment=NO_PROXY=a\nEnvironmentFile=/a\nPassEnvironment=no_proxy\nUnsetEnvironment=X\n",
            "[Service]\nEnvironment=\nEnvironmentFile=\nPassEnvironment=\nUnsetEnvironment=\n",
        ]);
        assert!(
            reset.environment.is_empty() && reset.files.is_empty() && reset.pass.is_empty() && reset.unset.is_empty()
        );
    }

    #[test]
    fn the_order_is_systemds() {
        let text = "[Service]\nEnvironment=HTTP_PROXY=environment NO_PROXY=environment\nPassEnvironment=HTTP_PROXY ALL_PROXY \
                    https_proxy\nUnsetEnvironment=MSI_ENDPOINT AZURE_CLIENT_ID=other AZURE_TENANT_ID=x\n";
        let defaults = sourced(&[("ALL_PROXY", "default"), ("no_proxy", "default"), ("MSI_ENDPOINT", "default")]);
        let passed = sourced(&[("HTTP_PROXY", "passed"), ("ALL_PROXY", "passed"), ("all_proxy", "not passed")]);
        let of_files = sourced(&[("NO_PROXY", "file"), ("AZURE_CLIENT_ID", "x"), ("AZURE_TENANT_ID", "x")]);
        let all = read(&[text]).together(&defaults, &passed, of_files);
        let shown: Vec<(&str, &str)> = all.iter().map(|(name, (value, _))| (&**name, &**value)).collect();
        assert_eq!(
            shown,
            [
                ("ALL_PROXY", "passed"),
                ("AZURE_CLIENT_ID", "x"),
                ("HTTP_PROXY", "environment"),
                ("NO_PROXY", "file"),
                ("no_proxy", "default"),
            ]
        );
    }

    #[test]
    fn what_a_percent_sign_spoils_is_remarked_on() {
        let declared = read(&["[Service]\nEnvironment=NO_PROXY=%s HOME=%s\nEnvironmentFile=/etc/%s\n"]);
        let end = "stands for something that midoctor does not look up";
        assert_eq!(
            declared.remarks,
            [format!("a % in NO_PROXY in /etc/0.conf {end}"), format!("a % in /etc/%s in /etc/0.conf {end}")]
        );
        assert_eq!(declared.environment["NO_PROXY"].0, "%s");
        let declared = read(&["[Service]\nEnvironment=HTTPS_PROXY=http://u:p%40@proxy X=%20 NO_PROXY=b\n"]);
        assert_eq!(declared.environment.keys().collect::<Vec<_>>(), ["NO_PROXY"]);
        assert_eq!(
            declared.remarks,
            [
                "systemd ignores what /etc/0.conf says of HTTPS_PROXY, since %4 stands for nothing there and a percent sign is written \
              %%"
            ]
        );
    }
}
