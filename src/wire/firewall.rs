//! The rules of the machine's packet filter that are about the metadata service: what `nft` and `iptables-save` print. Read only.
//!
//! Both programs only list. They are run by absolute path, with an empty environment, for a bounded time and output, and only
//! when what they list is loaded already: to list what is not there would load kernel modules, and midoctor changes nothing.

use std::time::Duration;

use crate::evidence::Outcome;

/// The rules.
#[cfg(not(target_os = "linux"))]
pub fn rules(_within: Duration) -> Outcome {
    Outcome::failed(crate::evidence::Failure::Unsupported, "the packet filter is read on Linux only")
}

/// The rules.
#[cfg(target_os = "linux")]
pub fn rules(within: Duration) -> Outcome {
    match linux::rules(within) {
        Ok(judged) => Outcome::Firewall { rules: judged.rules, unfollowed: judged.unfollowed },
        Err((why, detail)) => Outcome::failed(why, detail),
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::Read;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    use crate::evidence::{Failure, Outcome};
    use crate::network::WayKind;
    use crate::wire::filter::{Filter, Judged, Packet, iptables, nft};

    type Wrong = (Failure, String);

    /// More than the largest Kubernetes nodes have.
    const OUTPUT_LIMIT: u64 = 64 << 20;
    /// Words of complaint that are kept.
    const COMPLAINT_LIMIT: u64 = 300;
    /// Where administrators' programs are.
    const FOLDERS: [&str; 3] = ["/usr/sbin", "/sbin", "/usr/bin"];
    /// The bit of CAP_NET_ADMIN (linux/capability.h).
    const NET_ADMIN: u32 = 12;
    /// So many chains are named that could not be followed.
    const PLACES: usize = 8;
    /// A listing takes milliseconds, on large nodes seconds.
    const PATIENCE: Duration = Duration::from_secs(8);

    pub fn rules(within: Duration) -> Result<Judged, Wrong> {
        let until = Instant::now() + within.min(PATIENCE);
        may_read()?;
        let packet = packet(until.saturating_duration_since(Instant::now()));
        let listed = Listed::read(until)?;
        let mut judged = listed.filter(&packet, until)?.judge();
        let unread = listed.unread.filter(|_| judged.rules.is_empty());
        if let Some(what) = unread {
            return Err((Failure::Absent, what.to_owned()));
        }
        // Of the answer nothing is taken for certain: where it may be dropped, the chain is named.
        let answer = listed.filter(&packet.answer(), until)?.judge();
        let places = answer.rules.into_iter().map(|rule| rule.chain).chain(answer.unfollowed);
        for place in places {
            if judged.unfollowed.len() < PLACES && !judged.unfollowed.contains(&place) {
                judged.unfollowed.push(place);
            }
        }
        Ok(judged)
    }

    /// The packet as the routes send it.
    fn packet(within: Duration) -> Packet {
        match crate::wire::network::local(within) {
            Outcome::Network(network) if network.way.kind == WayKind::Leaves => {
                let own = network.way.source.as_deref().and_then(|source| source.parse().ok());
                Packet::leaving(network.way.interface.as_deref(), own)
            }
            _ => Packet::leaving(None, None),
        }
    }

    /// What the programs print.
    #[derive(Default)]
    struct Listed {
        nft: Option<String>,
        /// What iptables-save says of nftables, where nft is not there.
        saved: Option<String>,
        /// Tables of the old iptables.
        legacy: Vec<String>,
        unread: Option<&'static str>,
    }

    impl Listed {
        fn read(until: Instant) -> Result<Self, Wrong> {
            let mut listed = Self::default();
            if nf_tables_is_there() {
                match program(&["nft"]) {
                    Some(nft) => listed.nft = Some(output(&nft, &["-j", "list", "ruleset"], until)?),
                    // iptables of today writes to nftables, and reads what it wrote there itself.
                    None => match program(&["iptables-nft-save", "iptables-save"]) {
                        Some(save) => {
                            listed.saved = Some(output(&save, &[], until)?);
                            listed.unread = Some("nft is not installed, and iptables-save shows only a part of them");
                        }
                        None => listed.unread = Some("neither nft nor iptables-save is installed"),
                    },
                }
            }
            // Only root may read this, and it is there once the old iptables has been used.
            let loaded = std::fs::read_to_string("/proc/net/ip_tables_names").unwrap_or_default();
            let tables: Vec<&str> = ["raw", "mangle", "nat", "filter", "security"]
                .into_iter()
                .filter(|table| loaded.lines().any(|line| line == *table))
                .collect();
            match program(&["iptables-legacy-save", "iptables-save"]) {
                _ if tables.is_empty() => {}
                Some(save) => {
                    for table in tables {
                        listed.legacy.push(output(&save, &["-t", table], until)?);
                    }
                }
                None => listed.unread = listed.unread.or(Some("iptables-legacy-save is not installed")),
            }
            Ok(listed)
        }

        /// What all of it does to this packet.
        fn filter(&self, packet: &Packet, until: Instant) -> Result<Filter, Wrong> {
            let mut filter = match (&self.nft, &self.saved) {
                (Some(text), _) => {
                    nft::read(text, packet).map_err(|why| (Failure::Other, format!("what nft prints: {why}")))?
                }
                (None, Some(text)) => iptables::read(text, packet),
                (None, None) => Filter::default(),
            };
            // What iptables wrote with its own modules, nft shows by name alone.
            if filter.opaque
                && let Some(save) = program(&["iptables-nft-save", "iptables-save"])
                && let Ok(text) = output(&save, &[], until)
            {
                filter.replace_by(iptables::read(&text, packet));
            }
            for text in &self.legacy {
                filter.add(iptables::read(text, packet));
            }
            Ok(filter)
        }
    }

    /// Root without the capability, as in a container, is not let in either.
    fn may_read() -> Result<(), Wrong> {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let root = field("Uid:").and_then(|ids| ids.split_whitespace().nth(1)) == Some("0");
        let capable = field("CapEff:")
            .and_then(|mask| u64::from_str_radix(mask, 16).ok())
            .is_some_and(|mask| mask & (1 << NET_ADMIN) != 0);
        match (root, capable) {
            (true, true) => Ok(()),
            (true, false) => {
                Err((Failure::Denied, "this takes the capability CAP_NET_ADMIN, which root lacks here".into()))
            }
            (false, _) => Err((Failure::Denied, "only root may read them, so try `sudo midoctor`".into())),
        }
    }

    /// Is nftables loaded, or built in, so that listing it loads nothing?
    fn nf_tables_is_there() -> bool {
        // A kernel without modules has no such file.
        let Ok(modules) = std::fs::read_to_string("/proc/modules") else { return true };
        let built_in = || {
            let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
            let list = Path::new("/lib/modules").join(release.trim()).join("modules.builtin");
            std::fs::read_to_string(list).is_ok_and(|list| list.contains("/nf_tables.ko"))
        };
        modules.lines().any(|line| line.starts_with("nf_tables ")) || built_in()
    }

    fn program(names: &[&str]) -> Option<PathBuf> {
        let all = names.iter().flat_map(|name| FOLDERS.iter().map(move |folder| Path::new(folder).join(name)));
        all.into_iter().find(|path| path.is_file())
    }

    /// What the program prints. It is ended when it takes too long or prints too much.
    fn output(program: &Path, arguments: &[&str], until: Instant) -> Result<String, Wrong> {
        let name = program.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let other = |why: String| (Failure::Other, format!("{name}: {why}"));
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .current_dir("/")
            .spawn()
            .map_err(|error| other(error.to_string()))?;
        let printed = reader(child.stdout.take(), OUTPUT_LIMIT).map_err(|error| other(error.to_string()))?;
        let complained = reader(child.stderr.take(), COMPLAINT_LIMIT).map_err(|error| other(error.to_string()))?;
        let bytes = printed.recv_timeout(until.saturating_duration_since(Instant::now()));
        let full = bytes.as_ref().is_ok_and(|bytes| bytes.len() as u64 >= OUTPUT_LIMIT);
        let ended = loop {
            match child.try_wait() {
                Ok(Some(status)) => break Some(status),
                Ok(None) if bytes.is_ok() && !full && Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                _ => {
                    // It may have ended meanwhile.
                    let _ = child.kill();
                    let _ = child.wait();
                    break None;
                }
            }
        };
        if full {
            return Err((Failure::TooLarge, format!("{name} printed more than {} MiB", OUTPUT_LIMIT >> 20)));
        }
        match (bytes, ended) {
            (Ok(bytes), Some(status)) if status.success() => Ok(String::from_utf8_lossy(&bytes).into_owned()),
            (Ok(_), Some(_)) => {
                let words = complained.recv_timeout(Duration::from_millis(100)).unwrap_or_default();
                Err(other(String::from_utf8_lossy(&words).trim().to_owned()))
            }
            _ => Err((Failure::AnswerTimeout, format!("{name} did not end in time"))),
        }
    }

    /// Reads in a thread of its own, which ends with the program.
    fn reader(from: Option<impl Read + Send + 'static>, limit: u64) -> std::io::Result<mpsc::Receiver<Vec<u8>>> {
        let (sender, receiver) = mpsc::channel();
        std::thread::Builder::new().spawn(move || {
            let mut bytes = Vec::new();
            if let Some(from) = from {
                // What was read until it broke is what there is.
                let _ = from.take(limit).read_to_end(&mut bytes);
            }
            // Nobody waits for it any more when the time is over.
            let _ = sender.send(bytes);
        })?;
        Ok(receiver)
    }
}
