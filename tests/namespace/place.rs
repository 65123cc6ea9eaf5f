//! What a namespace looks like: an Azure VM as far as addresses, names and DMI go. To be called inside one only.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the metadata service is.
pub const METADATA: &str = "169.254.169.254/32";
/// An address set aside for documentation (RFC 5737), for a manager that is somewhere else.
pub const ELSEWHERE: &str = "192.0.2.1";
/// Azure Resource Manager of every cloud.
const MANAGERS: [&str; 4] = [
    "management.azure.com",
    "management.usgovcloudapi.net",
    "management.chinacloudapi.cn",
    "management.sovcloud-api.fr",
];
/// What DMI says on an Azure VM.
const DMI: [(&str, &str); 3] = [
    ("chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77"),
    ("product_name", "Virtual Machine"),
    ("sys_vendor", "Microsoft Corporation"),
];

/// Makes the place: loopback up, the metadata address on it, names from a private file alone, DMI of an Azure VM.
pub fn furnish() {
    // Images that began as one of Docker's keep its mark, and a VM has none.
    if fs::exists("/.dockerenv").unwrap_or_default() {
        leave_behind("/.dockerenv");
    }
    run("ip", &["link", "set", "lo", "up"]);
    run("ip", &["address", "add", METADATA, "dev", "lo"]);
    // Services that resolve names for others are outside of the namespace: no name may reach them.
    for socket in ["/run/nscd", "/run/systemd/resolve"] {
        if fs::exists(socket).unwrap_or_default() {
            run("mount", &["-t", "tmpfs", "tmpfs", socket]);
        }
    }
    private("/etc/nsswitch.conf", "hosts: files dns\n");
    // Nothing listens there, so a name that is not in the hosts file fails at once.
    private("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
    names_lead_to("127.0.0.1");
    run("mount", &["-t", "tmpfs", "tmpfs", "/sys/class"]);
    fs::create_dir_all("/sys/class/dmi/id").unwrap();
    for (field, text) in DMI {
        dmi(field, text);
    }
}

/// Moves to a root that has all of the machine's files but this one.
fn leave_behind(file: &str) {
    let root = std::env::temp_dir().join("root");
    fs::create_dir(&root).unwrap();
    run("mount", &["-t", "tmpfs", "tmpfs", root.to_str().unwrap()]);
    for entry in fs::read_dir("/").unwrap().map_while(Result::ok) {
        let (from, to) = (entry.path(), root.join(entry.file_name()));
        let kind = entry.file_type().unwrap();
        if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&from).unwrap(), &to).unwrap();
        } else if kind.is_dir() {
            fs::create_dir(&to).unwrap();
            run("mount", &["--rbind", from.to_str().unwrap(), to.to_str().unwrap()]);
        } else if from != Path::new(file) {
            fs::write(&to, "").unwrap();
            run("mount", &["--bind", from.to_str().unwrap(), to.to_str().unwrap()]);
        }
    }
    // Whoever has only changed its root may not make itself a user namespace; who has moved may.
    let old = root.join(".old");
    fs::create_dir(&old).unwrap();
    run("pivot_root", &[root.to_str().unwrap(), old.to_str().unwrap()]);
    std::env::set_current_dir(env!("CARGO_MANIFEST_DIR")).unwrap();
}

/// A network card with this address. What it sends reaches nobody, also not its neighbours.
pub fn card(name: &str, address: &str) {
    let far = format!("far-{name}");
    run("ip", &["link", "add", name, "type", "veth", "peer", "name", &far]);
    run("ip", &["address", "add", address, "dev", name]);
    run("ip", &["link", "set", name, "up"]);
    run("ip", &["link", "set", &far, "up"]);
}

/// A route in the words of `ip route`; its gateway seems to be there.
pub fn route_by(words: &[&str]) {
    run("ip", &[&["route", "add"], words].concat());
    let after = |word: &str| words.iter().position(|one| *one == word).and_then(|index| words.get(index + 1).copied());
    if let (Some(gateway), Some(card)) = (after("via"), after("dev")) {
        run("ip", &["neighbour", "replace", gateway, "lladdr", "12:34:56:78:9a:bc", "dev", card, "nud", "permanent"]);
    }
}

/// Rules of the packet filter, in the words of `nft`.
pub fn filter(rules: &str) {
    let file = std::env::temp_dir().join("rules.nft");
    fs::write(&file, rules).unwrap();
    run("nft", &["-f", file.to_str().unwrap()]);
}

/// Azure Resource Manager's names lead to this address.
pub fn names_lead_to(address: &str) {
    let managers = MANAGERS.map(|host| (host, address));
    names_lead(&managers);
}

/// Azure Resource Manager's names lead to loopback, and so do these.
pub fn names_lead_to_loopback(hosts: &[&str]) {
    let all: Vec<(&str, &str)> = MANAGERS.iter().chain(hosts).map(|host| (*host, "127.0.0.1")).collect();
    names_lead(&all);
}

/// These names lead to these addresses, and no others anywhere.
pub fn names_lead(names: &[(&str, &str)]) {
    let lines: String = names.iter().map(|(host, address)| format!("{address} {host}\n")).collect();
    private("/etc/hosts", &format!("127.0.0.1 localhost\n::1 localhost\n{lines}"));
}

/// Azure Resource Manager's names lead nowhere.
pub fn names_are_unknown() {
    private("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n");
}

/// Names are asked of this server.
pub fn names_are_asked_of(address: &str) {
    private("/etc/resolv.conf", &format!("nameserver {address}\n"));
}

/// A field of DMI; an empty text takes it away.
pub fn dmi(field: &str, text: &str) {
    let path = PathBuf::from("/sys/class/dmi/id").join(field);
    if text.is_empty() {
        fs::remove_file(path).unwrap();
    } else {
        fs::write(path, format!("{text}\n")).unwrap();
    }
}

/// The metadata service's address is not on this machine, and no route leads to it.
pub fn take_metadata_away() {
    run("ip", &["address", "del", METADATA, "dev", "lo"]);
}

/// Packets to this address vanish: they go out by loopback, where nobody takes them for his own.
pub fn drop_packets_to(address: &str) {
    run("ip", &["route", "add", &format!("{address}/32"), "dev", "lo", "src", "127.0.0.1"]);
}

/// A route of this kind, such as `unreachable`.
pub fn route(kind: &str, address: &str) {
    run("ip", &["route", "add", kind, &format!("{address}/32")]);
}

/// An empty folder in the place of one of the machine's, in this namespace only.
pub fn empty(folder: &str) {
    run("mount", &["-t", "tmpfs", "tmpfs", folder]);
}

/// A file below /var/log, which holds nothing else.
pub fn log_file(path: &str, text: &str) {
    empty("/var/log");
    fs::create_dir_all(Path::new(path).parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// The machine's own list of root certificates holds these alone, as PEM; with none it has no list.
pub fn machine_trusts(pem: &str) {
    run("mount", &["-t", "tmpfs", "tmpfs", "/etc/ssl"]);
    fs::create_dir("/etc/ssl/certs").unwrap();
    let mut lists = vec!["/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"];
    // Other distributions have theirs in the first, and Debian's OpenSSL looks in the second.
    for (other, list) in [("/etc/pki", None), ("/usr/lib/ssl", Some("/usr/lib/ssl/cert.pem"))] {
        if fs::exists(other).unwrap_or_default() {
            run("mount", &["-t", "tmpfs", "tmpfs", other]);
            lists.extend(list);
        }
    }
    for list in lists.into_iter().filter(|_| !pem.is_empty()) {
        fs::write(list, pem).unwrap();
    }
}

/// The program of the Azure Arc agent is on this machine, or is not. What else is in /opt stays there.
pub fn arc_agent(present: bool) {
    let (opt, kept) = (Path::new("/opt"), std::env::temp_dir().join("opt"));
    if !kept.exists() {
        fs::create_dir(&kept).unwrap();
        run("mount", &["--rbind", "/opt", kept.to_str().unwrap()]);
        run("mount", &["-t", "tmpfs", "tmpfs", "/opt"]);
        for folder in fs::read_dir(&kept).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
            let there = opt.join(folder.file_name());
            fs::create_dir(&there).unwrap();
            run("mount", &["--rbind", folder.path().to_str().unwrap(), there.to_str().unwrap()]);
        }
    }
    let folder = opt.join("azcmagent");
    if present {
        fs::create_dir_all(folder.join("bin")).unwrap();
        fs::write(folder.join("bin/himds"), "").unwrap();
    } else if folder.exists() {
        fs::remove_dir_all(folder).unwrap();
    }
}

/// Puts a private file in the place of one of the machine's, in this namespace only.
pub fn private(path: &str, text: &str) {
    let copy = std::env::temp_dir().join(path.trim_start_matches('/').replace('/', "-"));
    let first = !copy.exists();
    fs::write(&copy, text).unwrap();
    if first && fs::exists(path).unwrap_or_default() {
        run("mount", &["--bind", copy.to_str().unwrap(), path]);
    }
}

/// Runs a program of the machine, which has to succeed.
pub fn run(program: &str, arguments: &[&str]) {
    let ran = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = ran.unwrap_or_else(|error| panic!("{program} cannot be run: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {}", arguments.join(" "), said.trim());
}
