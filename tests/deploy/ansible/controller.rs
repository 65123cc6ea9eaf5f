//! The machine that Ansible runs on: a bridge with the hosts on it, keys, an inventory, and ansible-playbook with nothing of the
//! caller's settings.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use midoctor::simulator::CANARY;
use serde_json::Value;

use super::host::{AUTHORITY, Host, USER};
use crate::namespace::place;
use crate::namespace::simulator::{PROGRAM, TOLD};
use crate::{from_venv, recipes};

/// The addresses of the world, set aside for documentation (RFC 5737).
const NETWORK: &str = "192.0.2";
/// An address on that network that nobody has.
const NOBODY: &str = "192.0.2.99";
/// The bridge.
const BRIDGE: &str = "fleet";

/// The controller, with its hosts.
pub struct World {
    pub hosts: Vec<Host>,
    folder: PathBuf,
}

impl World {
    /// Makes the world: a host for each of these, by name and state.
    pub fn new(hosts: &[(&'static str, &str)]) -> Self {
        let folder = std::env::temp_dir();
        move_home(&folder.join("home"));
        place::run("ip", &["link", "add", BRIDGE, "type", "bridge"]);
        place::run("ip", &["address", "add", &format!("{NETWORK}.1/24"), "dev", BRIDGE]);
        place::run("ip", &["link", "set", BRIDGE, "up"]);
        place::run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", folder.join("id").to_str().unwrap()]);
        let key = fs::read_to_string(folder.join("id.pub")).unwrap();
        let start = |(index, (name, state)): (usize, &(&'static str, &str))| {
            Host::start(name, state, &format!("{NETWORK}.{}", index + 11), BRIDGE, &key)
        };
        let hosts: Vec<Host> = hosts.iter().enumerate().map(start).collect();
        let known: String = hosts.iter().map(Host::known).collect();
        fs::write(folder.join("known_hosts"), known).unwrap();
        Self { hosts, folder }
    }

    pub fn host(&self, name: &str) -> &Host {
        self.hosts.iter().find(|host| host.name == name).unwrap()
    }

    /// Where the reports are kept, and the fold.
    pub fn reports(&self) -> PathBuf {
        self.folder.join("reports")
    }

    /// A file beside the inventory.
    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// The names of the hosts whose reports are kept.
    pub fn kept(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.reports().join("hosts")) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map_while(Result::ok).map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// The report of a host.
    pub fn report(&self, host: &str) -> Value {
        json(&self.reports().join("hosts").join(format!("{host}.json")))
    }

    /// The fold as JSON.
    pub fn fold(&self) -> Value {
        json(&self.reports().join("fleet.json"))
    }

    /// Plays the playbook against all hosts, and against others that nobody answers for.
    pub fn play(&self, words: &[&str], absent: &[&str]) -> Played {
        self.play_this(recipes().join("ansible/playbook.yml").to_str().unwrap(), words, absent)
    }

    /// The same with another playbook.
    pub fn play_this(&self, playbook: &str, words: &[&str], absent: &[&str]) -> Played {
        let mut hosts = serde_json::Map::new();
        for host in &self.hosts {
            hosts.insert(host.name.into(), serde_json::json!({ "ansible_host": host.address }));
        }
        for name in absent {
            hosts.insert((*name).into(), serde_json::json!({ "ansible_host": NOBODY }));
        }
        let told: BTreeMap<&str, &str> = TOLD.map(|name| (name, AUTHORITY)).into();
        let ssh = format!(
            "-F none -o UserKnownHostsFile={0}/known_hosts -o GlobalKnownHostsFile=none -o StrictHostKeyChecking=yes \
             -o IdentitiesOnly=yes -o IdentityAgent=none -o ConnectTimeout=3",
            self.folder.display()
        );
        // The inventory is YAML, of which JSON is a part.
        let inventory = serde_json::json!({ "midoctor": { "hosts": hosts, "vars": {
            "ansible_user": USER,
            "ansible_python_interpreter": "auto_silent",
            "ansible_ssh_private_key_file": self.folder.join("id"),
            "ansible_ssh_common_args": ssh,
            "midoctor_binary": PROGRAM,
            "midoctor_reports_dir": self.reports(),
            "midoctor_environment": told,
            "midoctor_timeout": "2s",
        }}});
        let inventory = self.file("inventory.yml", &inventory.to_string());
        ansible("ansible-playbook", &[&["-i", &inventory, playbook], words].concat())
    }
}

/// How ansible-playbook ended.
pub struct Played {
    pub code: Option<i32>,
    /// What it printed, with its warnings.
    pub said: String,
}

impl Played {
    /// How it counted this for a host, from the last lines.
    pub fn count(&self, host: &str, what: &str) -> usize {
        let recap = self.said.split("PLAY RECAP").nth(1).unwrap_or_else(|| panic!("no recap: {}", self.said));
        let line = recap.lines().find(|line| line.split_whitespace().next() == Some(host));
        let line = line.unwrap_or_else(|| panic!("{host} is not counted: {}", self.said));
        let count = line.split_whitespace().find_map(|word| word.strip_prefix(what)?.strip_prefix('='));
        count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("no {what}: {line}"))
    }

    /// Holds its end against this one.
    pub fn assert_code(&self, code: i32) {
        assert_eq!(self.code, Some(code), "{}", self.said);
    }
}

/// Gives root another home, where Ansible keeps its files: also those for which it asks the list of users and not the environment.
fn move_home(home: &Path) {
    fs::create_dir(home).unwrap();
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let root = format!("root:x:0:0:root:{}:/bin/sh\n", home.display());
    let others: String =
        users.lines().filter(|line| !line.starts_with("root:")).map(|line| format!("{line}\n")).collect();
    place::private("/etc/passwd", &(root + &others));
}

/// Runs a program of Ansible's, with a home of its own and nothing of the caller's settings.
pub fn ansible(program: &str, words: &[&str]) -> Played {
    let program = from_venv(program).unwrap();
    let home = std::env::temp_dir().join("home");
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", program.parent().unwrap().display());
    let mut command = Command::new(&program);
    command.args(words).env_clear().env("PATH", path).env("LANG", "C.UTF-8").env("HOME", home).env("COLUMNS", "200");
    command
        .env("TMPDIR", std::env::temp_dir())
        .env("ANSIBLE_ROLES_PATH", recipes().join("ansible/roles"))
        .current_dir(recipes().join("ansible"))
        .stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(!said.contains(CANARY), "a token is in what Ansible printed");
    Played { code: output.status.code(), said }
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    assert!(!text.contains(CANARY), "a token is in {}", path.display());
    serde_json::from_str(&text).unwrap()
}
