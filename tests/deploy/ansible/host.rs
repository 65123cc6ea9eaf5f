//! One managed host: a process in network, mount and host name namespaces of its own, with an sshd, a user and a simulated VM
//! state. It shares the machine's files, but for those of its user and of its state.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use crate::namespace::place;
use crate::namespace::simulator::Simulator;
use crate::of_machine;
use crate::patience::until;

/// Names the folder of the host that a process is to be.
const MARK: &str = "MIDOCTOR_TEST_HOST";
/// The user whom the controller signs in as, as on an Azure VM: not root, and with no way to become root.
pub const USER: &str = "azureuser";
/// Its number there.
const UID: u32 = 1000;
/// What its home is on the host.
pub const HOME: &str = "/home/azureuser";
/// Where the host keeps the authority of its simulated Azure.
pub const AUTHORITY: &str = "/home/azure.pem";
/// The state that no scenario can play: the packets to the metadata service vanish.
pub const SILENT: &str = "imds-timeout";

/// A host that runs. Ends when it is dropped, and with the case at the latest.
pub struct Host {
    pub name: &'static str,
    pub address: String,
    child: Child,
    pub folder: PathBuf,
}

impl Host {
    /// Starts a host in this state, with a leg on the bridge, and waits until its sshd answers.
    pub fn start(name: &'static str, scenario: &str, address: &str, bridge: &str, client_key: &str) -> Self {
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        let facts = [("name", name), ("scenario", scenario), ("address", address), ("client", client_key)];
        for (file, text) in facts {
            fs::write(folder.join(file), text).unwrap();
        }
        place::run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", folder.join("key").to_str().unwrap()]);
        let mut command = Command::new("unshare");
        command.args(["-nm", "--uts", "--"]).arg(std::env::current_exe().unwrap());
        command.env(MARK, &folder).env("TMPDIR", &folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        assert_eq!(said.next().as_deref(), Some("here"), "{name} has its namespaces");
        let pid = child.id().to_string();
        place::run("ip", &["link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", &pid]);
        place::run("ip", &["link", "set", name, "master", bridge, "up"]);
        assert_eq!(said.next().as_deref(), Some("ready"), "{name} runs");
        Self { name, address: address.to_owned(), child, folder }
    }

    /// The line by which clients know it.
    pub fn known(&self) -> String {
        let key = fs::read_to_string(self.folder.join("key.pub")).unwrap();
        format!("{} {key}", self.address)
    }

    /// A file as the host sees it.
    pub fn path(&self, path: &str) -> PathBuf {
        Path::new("/proc").join(self.child.id().to_string()).join("root").join(path.trim_start_matches('/'))
    }

    /// All files of its user, without those of the shell and of SSH.
    pub fn files(&self) -> Vec<String> {
        let home = self.path(HOME);
        let mut found = Vec::new();
        let mut folders = vec![home.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap().map_while(Result::ok) {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path.strip_prefix(&home).unwrap().display().to_string());
                }
            }
        }
        found.retain(|file| !file.starts_with(".ssh/"));
        found.sort();
        found
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended by itself. What it started ends with the case's process namespace.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs this process as a host, when it was started as one.
#[allow(clippy::print_stdout)]
pub fn main() -> Option<ExitCode> {
    let folder = PathBuf::from(std::env::var_os(MARK)?);
    let fact = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
    place::furnish();
    println!("here");
    until("its network card", || fs::exists("/proc/sys/net/ipv4/conf/eth0").unwrap_or_default());
    let address = fact("address");
    place::run("ip", &["address", "add", &format!("{address}/24"), "dev", "eth0"]);
    place::run("ip", &["link", "set", "eth0", "up"]);
    // Only for people who look into it: in a user namespace this file may not be written.
    let _ = fs::write("/proc/sys/kernel/hostname", fact("name"));
    let scenario = fact("scenario");
    let simulator = if scenario == SILENT {
        place::take_metadata_away();
        place::drop_packets_to("169.254.169.254");
        None
    } else {
        Some(Simulator::start(&scenario, &["--vm", &fact("name")]))
    };
    settle(&fact("client"), simulator.as_ref());
    let mut daemon = sshd(&folder, &address);
    let open: SocketAddr = format!("{address}:22").parse().unwrap();
    until("its sshd", || TcpStream::connect_timeout(&open, Duration::from_secs(1)).is_ok());
    println!("ready");
    // Until the controller lets go of it.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    let _ = daemon.kill();
    let _ = daemon.wait();
    Some(ExitCode::SUCCESS)
}

/// Gives the host its user, with a home on a file system of its own.
fn settle(client_key: &str, simulator: Option<&Simulator>) {
    place::empty("/run");
    fs::create_dir("/run/sshd").unwrap();
    place::empty("/home");
    let home = Path::new(HOME);
    let keys = home.join(".ssh");
    fs::create_dir_all(&keys).unwrap();
    fs::write(keys.join("authorized_keys"), client_key).unwrap();
    for (path, mode) in [(home.to_owned(), 0o700), (keys.clone(), 0o700), (keys.join("authorized_keys"), 0o600)] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        chown(&path, Some(UID), Some(UID)).unwrap();
    }
    if let Some(simulator) = simulator {
        fs::copy(simulator.authority(), AUTHORITY).unwrap();
        fs::set_permissions(AUTHORITY, fs::Permissions::from_mode(0o644)).unwrap();
    }
    let mine = format!("{USER}:x:{UID}:");
    for (file, line) in [
        ("/etc/passwd", format!("{mine}{UID}::{HOME}:/bin/sh")),
        ("/etc/group", mine.clone()),
        ("/etc/shadow", format!("{USER}:*:20000::::::")),
    ] {
        // Whoever has that number on this machine is not on the host.
        let others = fs::read_to_string(file).unwrap();
        let number = format!(":{UID}:");
        let others: Vec<&str> = others.lines().filter(|line| !line.contains(&number)).collect();
        place::private(file, &format!("{}\n{line}\n", others.join("\n")));
    }
}

/// The host's sshd, which lets one key in.
fn sshd(folder: &Path, address: &str) -> Child {
    let config = folder.join("sshd_config");
    let text = format!(
        "ListenAddress {address}:22\nHostKey {}\nPidFile none\nAuthenticationMethods publickey\nPasswordAuthentication no\n\
         KbdInteractiveAuthentication no\nPermitRootLogin no\nAllowUsers {USER}\nUsePAM no\nUseDNS no\nPrintMotd no\n\
         PrintLastLog no\nAuthorizedKeysFile .ssh/authorized_keys\nSubsystem sftp internal-sftp\nLogLevel VERBOSE\n",
        folder.join("key").display()
    );
    fs::write(&config, text).unwrap();
    let log = fs::File::create(folder.join("sshd.log")).unwrap();
    let mut command = Command::new(of_machine("sshd").unwrap());
    command.args(["-D", "-e", "-f"]).arg(&config).env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap()
}
