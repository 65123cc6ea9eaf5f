//! Names that people give to things on their machines: files, chains and comments of the packet filter, network interfaces. What
//! every machine has keeps its name, since that is what a finding speaks of.

use super::names::{Kind, Names};
use super::text;

/// Folders and files that systems and clients bring.
const COMMON: [&str; 52] = [
    "app",
    "azure",
    "azure-identity-token",
    "bin",
    "ca-bundle.crt",
    "ca-bundle.pem",
    "ca-bundle.trust.crt",
    "ca-certificates",
    "ca-certificates.crt",
    "ca.crt",
    "ca.pem",
    "cacert.pem",
    "cert.pem",
    "certs",
    "conf.d",
    "data",
    "default",
    "environment",
    "etc",
    "extracted",
    "home",
    "kubernetes.io",
    "lib",
    "lib64",
    "local",
    "media",
    "mnt",
    "namespace",
    "opt",
    "override.conf",
    "pem",
    "pki",
    "private",
    "program files",
    "programdata",
    "root",
    "run",
    "secrets",
    "serviceaccount",
    "share",
    "srv",
    "ssl",
    "sysconfig",
    "system",
    "systemd",
    "tls",
    "tls-ca-bundle.pem",
    "tmp",
    "token",
    "tokens",
    "users",
    "usr",
];

/// Where a variable is set: a file, or a key of Windows' registry, of which a service's name alone is somebody's own.
pub fn place(text: &str, names: &mut Names) -> String {
    match text.split_once(r"\Services\") {
        Some((root, service)) if root.starts_with("HK") => {
            format!(r"{root}\Services\{}", names.name(Kind::Resource, service))
        }
        None if text.starts_with(r"HKLM\SYSTEM\CurrentControlSet\Control\") || text == r"HKCU\Environment" => {
            text.to_owned()
        }
        _ => path(text, names),
    }
}

/// What stands for a file's path; relative ones and those of Windows as well.
pub fn path(path: &str, names: &mut Names) -> String {
    let (mut done, mut before) = (String::with_capacity(path.len()), String::new());
    for piece in path.split_inclusive(['/', '\\']) {
        let part = piece.trim_end_matches(['/', '\\']);
        let lower = part.to_lowercase();
        let drive = part.len() == 2 && part.ends_with(':');
        let stands = match before.as_str() {
            _ if part.is_empty() || drive || part == "." || part == ".." => part.to_owned(),
            "home" | "users" => text::person(part, names),
            _ if lower == "var"
                || COMMON.contains(&lower.as_str())
                || part.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                part.to_owned()
            }
            _ => unit(part, names).unwrap_or_else(|| names.name(Kind::Part, part)),
        };
        done.push_str(&stands);
        done.push_str(&piece[part.len()..]);
        before = lower;
    }
    done
}

/// What stands for a file or a folder of a unit that was named: `web.service`, `web.service.d`.
fn unit(part: &str, names: &mut Names) -> Option<String> {
    let (bare, folder) = part.strip_suffix(".d").map_or((part, ""), |bare| (bare, ".d"));
    let (stem, kind) = bare.rsplit_once('.')?;
    names.knows(Kind::Unit, &stem.to_lowercase()).then(|| format!("{}.{kind}{folder}", names.name(Kind::Unit, stem)))
}

/// Words of the languages in which rules are written, without their dashes.
const LANGUAGE: &str = " ! != == < > <= >= { } ; : a accept addrtype all and arp bridge bytes cgroup cgroupv2 comment conntrack counter \
    ct ctorigdst ctstate d daddr destination dnat dport dports drop dst dst-type dynset established esp eq flags fib forward fwd g gid-owner \
    goto hashlimit hook i icmp icmp-admin-prohibited icmp-host-unreachable icmp-net-unreachable icmp-port-unreachable icmpv6 \
    icmp6-port-unreachable icmpx iif iifname in in-interface inet input invalid ip ip6 ip6tables iprange iptables ipv4 ipv6 j jump \
    l4proto legacy length limit limit-burst local log log-level log-prefix m mangle mark masquerade match match-set meta multiport \
    nat ne new nexthdr nf_tables nfproto nft nftables not o oif oifname or out-interface output over owner p packets physdev pkttype \
    ports postrouting prefix prerouting priority protocol queue quick raw rate recent redirect reject reject-with related return root \
    route s saddr sctp second security set skgid skuid snat socket sport sports src src-type state statistic string syn tcp tcp-reset \
    th to to-destination to-ports to-port to-source tproxy type udp uid-owner uid untracked vmap with xt filter minute hour day aad-metadata ";

/// What stands for a rule of the packet filter, or for the table and the name of a chain: comments, sets, users and chains of one's
/// own are somebody's words.
pub fn rule(rule: &str, names: &mut Names) -> String {
    let (mut done, mut rest) = (String::with_capacity(rule.len()), rule);
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            done.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (word, quoted) = match rest.strip_prefix('"') {
            // A rule is cut where it is long, maybe amid a quoted text.
            Some(inner) => (inner.find('"').map_or(rest, |end| &rest[..end + 2]), true),
            None => (&rest[..rest.find(char::is_whitespace).unwrap_or(rest.len())], false),
        };
        done.push_str(&if quoted { in_quotes(word, names) } else { bare(word, names) });
        rest = &rest[word.len()..];
    }
    done
}

fn in_quotes(word: &str, names: &mut Names) -> String {
    let inner = word.trim_matches('"');
    let end = if word.len() > 1 && word.ends_with('"') { "\"" } else { "" };
    let stands = if is_usual(inner) { inner.to_owned() } else { names.name(Kind::Text, inner) };
    format!("\"{stands}{end}")
}

fn bare(word: &str, names: &mut Names) -> String {
    // Signs of the language around a word: `--to`, `(legacy)`, `{80,`.
    let signs = |c: char| "-(){},;@!:".contains(c);
    let core = word.trim_matches(signs);
    if !core.contains(char::is_alphanumeric) || is_usual(core) {
        return word.to_owned();
    }
    let known = if is_address(core) { text::replaced(core, names) } else { String::new() };
    let stands = if is_address(&known) { known } else { names.name(Kind::Text, core) };
    word.replacen(core, &stands, 1)
}

/// Could this be an address, with a port, a network or a range? All other words are somebody's as a whole, whatever is in them.
fn is_address(word: &str) -> bool {
    let digit = |c: char| c.is_ascii_digit() || (c.is_ascii_hexdigit() && word.contains(':'));
    word.starts_with(|c: char| digit(c) || c == '[')
        && word.contains(['.', ':'])
        && word.chars().all(|c| digit(c) || ".:/-[]".contains(c))
}

/// Numbers, words of the language, and interfaces that are called as the system calls them.
fn is_usual(word: &str) -> bool {
    let plain = |part: &str| {
        let lower = part.to_ascii_lowercase();
        let number = lower.strip_prefix("0x").unwrap_or(&lower);
        part.is_empty()
            || number.bytes().all(|byte| byte.is_ascii_digit() || b"-:/.".contains(&byte)) && !part.contains('.')
            || LANGUAGE.contains(&format!(" {lower} "))
    };
    word.split(',').all(plain) || is_usual_interface(word)
}

/// Is this a name that kernels, drivers and the usual programs give?
fn is_usual_interface(name: &str) -> bool {
    const FIRST: [&str; 32] = [
        "lo",
        "eth",
        "ens",
        "eno",
        "enp",
        "enP",
        "enx",
        "wlan",
        "wlp",
        "ib",
        "bond",
        "team",
        "dummy",
        "docker",
        "podman",
        "cni",
        "veth",
        "cali",
        "azv",
        "azure",
        "virbr",
        "br-",
        "tun",
        "tap",
        "ppp",
        "wg",
        "utun",
        "flannel.",
        "cilium_",
        "lxc",
        "vxlan",
        "Ethernet ",
    ];
    let tail = |rest: &str| rest.chars().all(|c| c.is_ascii_hexdigit() || "spnv@if.+".contains(c)) && rest.len() <= 16;
    matches!(name, "Ethernet" | "cilium_host" | "cilium_net" | "tailscale0" | "kube-ipvs0")
        || FIRST.iter().any(|first| name.strip_prefix(first).is_some_and(tail))
}

/// What stands for a network interface. What it is a tunnel by stays, since that is judged.
pub fn interface(name: &str, names: &mut Names) -> String {
    if is_usual_interface(name) {
        return name.to_owned();
    }
    let tunnel = ["tun", "tap", "ppp", "wg", "utun"].into_iter().find(|first| name.starts_with(first));
    format!("{}{}", tunnel.unwrap_or_default(), names.name(Kind::Text, &name[tunnel.map_or(0, str::len)..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn twice(change: impl Fn(&str, &mut Names) -> String, text: &str) -> String {
        let mut names = Names::new();
        change(text, &mut names);
        names.settle();
        change(text, &mut names)
    }

    #[test]
    fn paths_keep_what_every_system_has() {
        for (text, left) in [
            ("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/ca-certificates.crt"),
            (
                "/var/run/secrets/azure/tokens/azure-identity-token",
                "/var/run/secrets/azure/tokens/azure-identity-token",
            ),
            ("/opt/contoso/ca.pem", "/opt/part-1/ca.pem"),
            ("C:\\Users\\jdoe\\contoso.pfx", "C:\\Users\\user-1\\part-1"),
            ("contoso.pem", "part-1"),
        ] {
            assert_eq!(twice(path, text), left);
        }
    }

    #[test]
    fn rules_keep_their_language_and_interfaces_that_the_system_names() {
        for (text, left) in [
            (
                "-A CONTOSO-OUT -d 169.254.169.254/32 -o eth0 -p tcp -m comment --comment \"ask jdoe\" -j REJECT --reject-with icmp-port-unreachable",
                "-A text-1 -d 169.254.169.254/32 -o eth0 -p tcp -m comment --comment \"text-2\" -j REJECT --reject-with icmp-port-unreachable",
            ),
            ("ip filter OUTPUT", "ip filter OUTPUT"),
            ("ip filter (legacy) CONTOSO", "ip filter (legacy) text-1"),
            (
                "ip daddr { 169.254.169.254, 10.1.2.3 } meta skuid != 0 tcp dport 80,443 dnat to 10.1.2.3:80",
                "ip daddr { 169.254.169.254, 10.254.0.1 } meta skuid != 0 tcp dport 80,443 dnat to 10.254.0.1:80",
            ),
            ("ip daddr 10.1.2.3 log prefix gate.contoso.com:x", "ip daddr 10.254.0.1 log prefix text-1"),
            ("dnat to [fd00::7]:80", "dnat to [fdff::1]:80"),
            (
                "ip daddr @contoso oifname \"br-billing\" meta skuid \"jdoe\" drop",
                "ip daddr @text-2 oifname \"text-1\" meta skuid \"text-3\" drop",
            ),
        ] {
            assert_eq!(twice(rule, text), left);
            let again = twice(rule, left);
            assert_eq!(twice(rule, &again), again, "{text}");
        }
        assert_eq!(twice(interface, "br-0a1b2c3d4e5f"), "br-0a1b2c3d4e5f");
        assert_eq!(twice(interface, "Contoso VPN"), "text-1");
        assert_eq!(twice(interface, "tun-contoso"), "tuntext-1");
    }
}
