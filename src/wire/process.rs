//! A process as the kernel shows it under `/proc`: its environment, whose it is, when it started. Linux only; reads, and touches
//! no process.
//!
//! As the manual page proc(5) has it. What is read is the environment that the process was started with: what it changed
//! since, in its own memory, is not told.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;

use crate::evidence::{Failure, VARIABLES};

/// The kernel lets no program start with more (`fs/exec.c`: three quarters of 8 MiB, arguments and all).
const LIMIT: u64 = 8 << 20;
/// `PF_KTHREAD` of the kernel's `include/linux/sched.h`.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// What `/proc/PID/stat` tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// `R`, `S`, `Z` and so on.
    pub state: char,
    /// The parent's ID.
    pub parent: u32,
    /// When it started, in ticks since boot.
    pub started: u64,
    /// Is it one of the kernel's own threads?
    pub of_kernel: bool,
}

/// Is there a process with this ID, as far as this user is shown?
pub fn exists(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// The variables that clients read, as the process was started with them.
///
/// # Errors
/// Why they are not known: the process is gone, is the kernel's, shows none, or belongs to somebody else.
pub fn environment(pid: u32) -> Result<BTreeMap<String, String>, (Failure, String)> {
    match bytes(pid) {
        Ok(bytes) if bytes.contains(&b'=') => Ok(variables(&bytes)),
        Ok(_) => Err((Failure::Other, without(pid))),
        // ESRCH: the kernel says so of what has no memory of its own any more, or never had.
        Err(error) if error.raw_os_error() == Some(3) => Err((Failure::Other, without(pid))),
        Err(error) => Err(match error.kind() {
            ErrorKind::NotFound => (Failure::Absent, format!("process {pid} has ended")),
            ErrorKind::PermissionDenied => (Failure::Denied, denied(pid, user(pid).as_deref(), is_root())),
            _ => (Failure::Other, format!("the environment of process {pid} cannot be read: {error}")),
        }),
    }
}

fn bytes(pid: u32) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(format!("/proc/{pid}/environ"))?.take(LIMIT).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The variables in the kernel's form: each ends with a zero byte. Of two with one name the first counts, as for getenv.
pub fn variables(bytes: &[u8]) -> BTreeMap<String, String> {
    let mut set = BTreeMap::new();
    for entry in bytes.split(|byte| *byte == 0) {
        let Some(at) = entry.iter().position(|byte| *byte == b'=') else { continue };
        let (name, value) = (String::from_utf8_lossy(&entry[..at]), &entry[at + 1..]);
        if VARIABLES.contains(&&*name) && !set.contains_key(&*name) {
            set.insert(name.into_owned(), String::from_utf8_lossy(value).into_owned());
        }
    }
    set
}

/// Has this process the network that midoctor has? The kernel's names of their network namespaces tell.
///
/// # Errors
/// That of the kernel: the process is gone, or somebody else's.
pub fn shares_network(pid: u32) -> std::io::Result<bool> {
    Ok(fs::read_link(format!("/proc/{pid}/ns/net"))? == fs::read_link("/proc/self/ns/net")?)
}

/// Why a process shows no environment.
fn without(pid: u32) -> String {
    match stat(pid) {
        None => format!("process {pid} has ended"),
        Some(stat) if stat.of_kernel => format!("process {pid} is a thread of the kernel, which has no environment"),
        Some(Stat { state: 'Z' | 'X', .. }) => {
            format!("process {pid} has ended and only waits for its parent to notice; its environment is gone")
        }
        Some(_) => format!(
            "process {pid} shows an empty environment: it was started without one, or has overwritten it, as programs do that \
             change their title"
        ),
    }
}

/// Whose a process is, and who may read its environment. Root is refused in containers, where the kernel wants a capability, and
/// wants it in the process's own user namespace (ptrace(2), on ptrace access modes).
fn denied(pid: u32, user: Option<&str>, asked_by_root: bool) -> String {
    let whose = user.unwrap_or("another user");
    if asked_by_root {
        return format!(
            "process {pid} belongs to {whose}, and root may not read its environment from here: the capability CAP_SYS_PTRACE is \
             missing, or the process is in another user namespace, as with containers; run midoctor outside the container"
        );
    }
    let who = match user {
        Some("root") => "root alone".to_owned(),
        user => format!("{} or root", user.unwrap_or("its user")),
    };
    format!(
        "process {pid} belongs to {whose}; its environment may be read by {who}: run the same command with sudo (a process of your \
         own can be closed to you as well, when its program file may not be read or /proc is mounted with hidepid)"
    )
}

/// Does midoctor run with the rights of root, as far as its user ID tells?
fn is_root() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| uid(&status) == Some(0))
}

/// The user that a process runs as: the name, or `UID 1001` where it has none.
fn user(pid: u32) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let uid = uid(&status)?;
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    Some(name(&users, uid).unwrap_or_else(|| format!("UID {uid}")))
}

/// The effective user ID in `/proc/PID/status`.
fn uid(status: &str) -> Option<u32> {
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().nth(1)?.parse().ok()
}

/// The name of a user in the text of `/etc/passwd`.
fn name(users: &str, uid: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

/// What `/proc/PID/stat` tells of a process; `None` when it is gone.
pub fn stat(pid: u32) -> Option<Stat> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The fields of that line. The program's name in parentheses can hold anything, so they are counted from its end.
fn parse(text: &str) -> Option<Stat> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
    Some(Stat {
        state: fields.first()?.chars().next()?,
        parent: u32::try_from(number(1)?).ok()?,
        started: number(19)?,
        of_kernel: number(6)? & KERNEL_THREAD != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_read_as_the_kernel_shows_it() {
        let set = variables(b"HOME=/root\0NO_PROXY=a=b\0NO_PROXY=second\0broken\0HTTP_PROXY=\0=x\0MSI_SECRET=\xff\0");
        let shown: Vec<(&str, &str)> = set.iter().map(|(name, value)| (&**name, &**value)).collect();
        assert_eq!(shown, [("HTTP_PROXY", ""), ("MSI_SECRET", "\u{fffd}"), ("NO_PROXY", "a=b")]);
        assert!(variables(b"").is_empty());
    }

    #[test]
    fn a_programs_name_can_hold_anything() {
        let rest = "S 1 812 812 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 1 1";
        let expected = Stat { state: 'S', parent: 1, started: 4711, of_kernel: false };
        assert_eq!(parse(&format!("812 (a) R (b) {rest}")), Some(expected));
        assert_eq!(
            parse(&format!("812 (x) {}", rest.replace("4194560", "2129984"))).map(|stat| stat.of_kernel),
            Some(true)
        );
        assert_eq!(parse("812 (x) S 1"), None);
    }

    #[test]
    fn whoever_is_refused_is_told_who_may_read() {
        let start = "process 812 belongs to";
        let sudo = ": run the same command with sudo (";
        for (user, by_root, expected) in [
            (Some("web"), false, format!("{start} web; its environment may be read by web or root{sudo}")),
            (Some("root"), false, format!("{start} root; its environment may be read by root alone{sudo}")),
            (None, false, format!("{start} another user; its environment may be read by its user or root{sudo}")),
            (
                Some("root"),
                true,
                format!("{start} root, and root may not read its environment from here: the capability "),
            ),
        ] {
            let told = denied(812, user, by_root);
            assert!(told.starts_with(&expected), "{told}");
            assert_eq!(told.contains("sudo"), !by_root, "{told}");
        }
    }

    #[test]
    fn a_user_is_named_or_numbered() {
        assert_eq!(uid("Name:\tx\nUid:\t1001\t1002\t1002\t1002\n"), Some(1002));
        assert_eq!(uid("Name:\tx\n"), None);
        let users = "root:x:0:0::/root:/bin/sh\nweb:x:1002:1002::/:/bin/false\nbroken\n";
        assert_eq!(name(users, 1002).as_deref(), Some("web"));
        assert_eq!(name(users, 7), None);
    }
}
