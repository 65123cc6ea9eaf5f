//! What on a machine keeps the metadata service away: routes, cards, rules, containers, pods. A real kernel tells, and the
//! program names the reason word for word.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use crate::namespace::simulator::{PROGRAM, Ran, assert_valid, check, examine};
use crate::namespace::{Case, place};

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::new("silence: nothing on the machine explains it", in_order),
        Case::new("silence: a card without a route", no_route),
        Case::new("silence: no card at all", no_card),
        Case::new("silence: a second card took the default route", second_card),
        Case::new("silence: a route by another card than the default route's", other_card),
        Case::new("silence: link-local addresses on another card", link_local),
        Case::new("silence: link-local addresses on the only card", link_local_alone),
        Case::new("silence: a policy rule that prohibits it", policy_rule),
        Case::new("silence: the address is on the machine itself", own_address),
        Case::new("silence: a route keeps it on the machine itself", own_route),
        Case::new("silence: hundreds of interfaces and tables", many),
        Case::new("silence: a card without a carrier", no_carrier),
        Case::new("silence: an IPsec policy refuses it", ipsec),
        Case::new("silence: a rule drops it", || {
            dropped(
                "ip filter",
                "ip daddr 169.254.169.254 tcp dport 80 counter drop",
                "ip daddr 169.254.169.254 tcp dport 80 drop",
            )
        }),
        Case::new("silence: a rule drops its network", || {
            dropped("inet hardening", "ip daddr 169.254.0.0/16 drop", "ip daddr 169.254.0.0/16 drop")
        }),
        Case::new("silence: a policy drops what is not allowed", policy_drops),
        Case::new("silence: a policy drops, and a rule lets it pass before", policy_passes),
        Case::new("silence: the answer is dropped on its way in", answer_dropped),
        Case::new("silence: a mark sends it by another table", marked),
        Case::new("silence: iptables-save alone does not tell all rules", only_iptables_save),
        Case::new("silence: sets of several things and maps drop it", sets_and_maps),
        Case::new("silence: a rule two jumps away drops it", jumps),
        Case::new("silence: a rule drops it for others than root", for_others),
        Case::new("silence: a rule rejects it", rejected),
        Case::new("silence: a rule redirects it to nobody", redirected),
        Case::new("silence: a rule redirects it to a program", redirected_to_a_program),
        Case::new("silence: pod identity's rules without its agent", pod_identity_left_behind),
        Case::new("silence: pod identity answers a pod", pod_identity),
        Case::new("silence: without the right to read the rules", without_the_right),
        Case::new("silence: as a user who is not root", not_root),
        Case::new("silence: a container without a network", container_without_network),
        Case::new("silence: a container with a network that leads nowhere", container),
        Case::new("silence: a pod", pod),
        Case::new("silence: a healthy machine is not looked into", healthy),
    ];
    for (kind, does) in [
        ("unreachable", "makes 169.254.169.254 unreachable"),
        ("prohibit", "prohibits packets to 169.254.169.254"),
        ("blackhole", "drops packets to 169.254.169.254 without a word"),
    ] {
        cases.push(Case::new(format!("silence: a route of the kind {kind}"), move || refusing(kind, does)));
    }
    cases
}

/// A VM with one card, as Azure's DHCP sets it up. Nobody answers.
fn vm() {
    place::take_metadata_away();
    place::card("eth0", "10.0.1.4/24");
    place::route_by(&[
        "default", "via", "10.0.1.1", "dev", "eth0", "proto", "dhcp", "src", "10.0.1.4", "metric", "100",
    ]);
    let own =
        ["169.254.169.254", "via", "10.0.1.1", "dev", "eth0", "proto", "dhcp", "src", "10.0.1.4", "metric", "100"];
    place::route_by(&own);
}

/// The run ends with this code alone; returns what it adds to the question's own words.
fn reason(ran: &Ran, code: &str) -> String {
    assert_valid(&ran.report);
    assert_eq!((ran.code, ran.report["root_cause"].as_str()), (Some(1), Some(code)), "{}", ran.text);
    let seen = ran.check("metadata")["findings"][0]["seen"].as_str().unwrap();
    seen.split_once(". ").map(|(_, reason)| reason.to_owned()).unwrap_or_default()
}

/// What this machine is told, with the first step of the remedy.
fn told(code: &str) -> (String, String) {
    let ran = examine(&mut check(None, &[]));
    (reason(&ran, code), first_step(&ran))
}

fn first_step(ran: &Ran) -> String {
    ran.check("metadata")["findings"][0]["remedy"]["text"].as_str().unwrap().to_owned()
}

fn assert_told(code: &str, expected: &str, step: &str) {
    let (reason, first) = told(code);
    assert_eq!(reason, expected);
    assert!(first.starts_with(step), "{first}");
}

fn in_order() {
    vm();
    assert_told(
        "imds-timeout",
        "Nothing on this machine explains it: packets leave by eth0 (10.0.1.4) through 10.0.1.1, and no rule of the packet \
         filter stops them. What remains is an outbound deny rule on the service tag `AzurePlatformIMDS`, or Azure's side of \
         the VM.",
        "Look for an outbound deny rule on the service tag `AzurePlatformIMDS`",
    );
}

fn no_route() {
    place::take_metadata_away();
    place::card("eth0", "10.0.1.4/24");
    assert_told(
        "imds-timeout",
        "This explains it: no route leads to 169.254.169.254; eth0 is up with 10.0.1.4/24.",
        "Put the route for 169.254.169.254/32 back",
    );
}

fn no_card() {
    place::take_metadata_away();
    assert_told(
        "imds-timeout",
        "This explains it: no route leads to 169.254.169.254; no network interface but loopback has an address.",
        "Put the route for 169.254.169.254/32 back",
    );
}

fn second_card() {
    place::take_metadata_away();
    place::card("eth0", "10.0.1.4/24");
    place::card("eth1", "10.0.2.4/24");
    place::route_by(&["default", "via", "10.0.2.1", "dev", "eth1"]);
    assert_told(
        "imds-timeout",
        "This may explain it: packets to 169.254.169.254 leave by eth1 (10.0.2.4), which has the default route, and \
         not by eth0 (10.0.1.4/24), which seems to be the primary network card; the service answers on that one alone.",
        "Let packets to 169.254.169.254 leave by the primary network card again, not by eth1",
    );
}

fn other_card() {
    place::take_metadata_away();
    place::card("eth0", "10.0.1.4/24");
    place::card("eth1", "10.0.2.4/24");
    place::route_by(&["default", "via", "10.0.1.1", "dev", "eth0"]);
    place::route_by(&["169.254.169.254", "via", "10.0.2.1", "dev", "eth1"]);
    assert_told(
        "imds-timeout",
        "This may explain it: packets to 169.254.169.254 leave by eth1 (10.0.2.4), while the default route leaves by \
         eth0.",
        "Let packets to 169.254.169.254 leave by the primary network card again, not by eth1",
    );
}

fn link_local() {
    place::take_metadata_away();
    place::card("eth0", "10.0.1.4/24");
    place::card("eth1", "10.0.2.4/24");
    place::route_by(&["default", "via", "10.0.1.1", "dev", "eth0"]);
    place::route_by(&["169.254.0.0/16", "dev", "eth1", "scope", "link"]);
    assert_told(
        "imds-timeout",
        "This may explain it: the route `169.254.0.0/16 dev eth1` takes 169.254.169.254 for a neighbour on eth1, while \
         the default route leaves by eth0.",
        "Keep the route `169.254.0.0/16 dev eth1` off this machine",
    );
}

fn link_local_alone() {
    place::take_metadata_away();
    place::card("eth0", "10.0.1.4/24");
    place::route_by(&["default", "via", "10.0.1.1", "dev", "eth0"]);
    place::route_by(&["169.254.0.0/16", "dev", "eth0", "metric", "1002"]);
    assert_told(
        "imds-timeout",
        "This may explain it: the route `169.254.0.0/16 dev eth0` takes 169.254.169.254 for a neighbour on eth0.",
        "Keep the route `169.254.0.0/16 dev eth0` off this machine",
    );
}

fn refusing(kind: &str, does: &str) {
    place::take_metadata_away();
    place::card("eth0", "10.0.1.4/24");
    place::route_by(&["default", "via", "10.0.1.1", "dev", "eth0"]);
    place::route_by(&[kind, "169.254.169.254"]);
    assert_told(
        "imds-timeout",
        &format!("This explains it: the route `{kind} 169.254.169.254` {does}."),
        &format!("Take the route `{kind} 169.254.169.254` out where it is made"),
    );
}

fn policy_rule() {
    vm();
    place::run("ip", &["rule", "add", "to", "169.254.0.0/16", "prohibit"]);
    assert_told(
        "imds-timeout",
        "This explains it: a policy rule (`ip rule`) of this machine prohibits packets to 169.254.169.254.",
        "Take the policy rule of the kind `prohibit` out where it is made",
    );
}

fn own_address() {
    assert_told(
        "imds-refused",
        "This explains it: 169.254.169.254 is an address of this machine itself, on lo, where nothing listens on port 80.",
        "Take the address 169.254.169.254 off lo",
    );
}

/// One chain on the way out with these rules.
fn output(table: &str, kind: &str, priority: i32, policy: &str, rules: &str) {
    place::filter(&format!(
        "table {table} {{ chain out {{ type {kind} hook output priority {priority}; policy {policy}; {rules}\n}}\n}}\n"
    ));
}

fn dropped(table: &str, rule: &str, shown: &str) {
    vm();
    output(table, "filter", 0, "accept", &format!("ip daddr 10.0.0.0/8 accept; {rule};"));
    assert_told(
        "imds-timeout",
        &format!("This explains it: the packet filter drops packets to 169.254.169.254: `{shown}` in {table} out."),
        &format!("Take the rule `{shown}` out where it is made"),
    );
}

fn policy_drops() {
    vm();
    output(
        "inet filter",
        "filter",
        0,
        "drop",
        "ct state established,related accept; oif lo accept; tcp dport { 22, 443 } accept;",
    );
    assert_told(
        "imds-timeout",
        "This explains it: the packet filter drops packets to 169.254.169.254: `policy drop` in inet filter out.",
        "Take the rule `policy drop` out where it is made",
    );
}

fn policy_passes() {
    vm();
    output("inet filter", "filter", 0, "drop", "ct state established,related accept; tcp dport { 80, 443 } accept;");
    assert!(told("imds-timeout").0.starts_with("Nothing on this machine explains it: packets leave by eth0"));
}

/// The reason begins with this and names that chain.
fn assert_unfollowed(chain: &str) {
    let ran = examine(&mut check(None, &[]));
    let reason = reason(&ran, "imds-timeout");
    let expected = format!(
        "The routes explain nothing: packets leave by eth0 (10.0.1.4) through 10.0.1.1. The packet filter has rules that \
         midoctor does not follow, and that may stop them or their answers, in `{chain}`."
    );
    assert_eq!(reason, expected);
}

fn answer_dropped() {
    vm();
    let chain = "type filter hook input priority 0; policy drop;";
    place::filter(&format!("table inet filter {{ chain input {{ {chain} iif lo accept; tcp dport 22 accept; }}\n}}"));
    assert_unfollowed("inet filter input");
    place::filter("flush chain inet filter input\nadd rule inet filter input ct state established,related accept");
    let (reason, _) = told("imds-timeout");
    assert!(reason.starts_with("Nothing on this machine explains it"), "{reason}");
}

fn own_route() {
    place::take_metadata_away();
    place::card("eth0", "10.0.1.4/24");
    place::route_by(&["default", "via", "10.0.1.1", "dev", "eth0"]);
    place::route_by(&["local", "169.254.0.0/16", "dev", "lo"]);
    assert_told(
        "imds-refused",
        "This explains it: the route `local 169.254.0.0/16 dev lo` keeps packets to 169.254.169.254 on this machine, where \
         nothing listens on port 80.",
        "Take the route `local 169.254.0.0/16 dev lo` out where it is made",
    );
}

fn many() {
    // The card comes after them.
    for index in 0..150 {
        place::run("ip", &["link", "add", &format!("n{index}"), "type", "veth", "peer", "name", &format!("m{index}")]);
    }
    vm();
    for table in 100..180 {
        place::route_by(&["default", "via", "10.0.1.1", "table", &table.to_string()]);
    }
    let (reason, _) = told("imds-timeout");
    assert!(reason.starts_with("Nothing on this machine explains it: packets leave by eth0 (10.0.1.4)"), "{reason}");
    place::run("ip", &["rule", "add", "to", "169.254.169.254", "lookup", "777", "priority", "5"]);
    place::route_by(&["blackhole", "default", "table", "777"]);
    let (reason, _) = told("imds-timeout");
    let expected =
        "This explains it: the route `blackhole default table 777` drops packets to 169.254.169.254 without a word.";
    assert_eq!(reason, expected);
}

fn no_carrier() {
    place::take_metadata_away();
    place::run("ip", &["link", "add", "eth0", "type", "veth", "peer", "name", "far"]);
    place::run("ip", &["link", "set", "eth0", "up"]);
    place::run("ip", &["address", "add", "10.0.1.4/24", "dev", "eth0"]);
    place::route_by(&["default", "via", "10.0.1.1", "dev", "eth0"]);
    assert_told(
        "imds-timeout",
        "This explains it: packets to 169.254.169.254 leave by eth0, which has no carrier (`ip link` shows NO-CARRIER).",
        "Give eth0 its carrier back",
    );
}

fn ipsec() {
    vm();
    let policy =
        ["xfrm", "policy", "add", "dir", "out", "src", "0.0.0.0/0", "dst", "169.254.169.254/32", "action", "block"];
    place::run("ip", &policy);
    let (reason, first) = told("imds-timeout");
    let start = "A route is there: packets leave by eth0 (10.0.1.4) through 10.0.1.1. So the next hop";
    assert!(reason.starts_with(start), "{reason}");
    assert!(first.starts_with("See whether 10.0.1.1 answers"), "{first}");
}

/// Rules that nft made are not shown by it, so that none there means little.
fn only_iptables_save() {
    use std::os::unix::fs::PermissionsExt;

    vm();
    place::filter("table ip t { chain o { type filter hook output priority 0; ip daddr 169.254.169.254 drop; }\n}");
    place::empty("/usr/sbin");
    std::fs::write("/usr/sbin/iptables-save", "#!/bin/sh\necho \"# Table t is incompatible, use 'nft' tool.\"\n")
        .unwrap();
    std::fs::set_permissions("/usr/sbin/iptables-save", PermissionsExt::from_mode(0o755)).unwrap();
    let (reason, _) = told("imds-timeout");
    assert_eq!(
        reason,
        "The routes explain nothing: packets leave by eth0 (10.0.1.4) through 10.0.1.1. The packet filter's rules were not \
         read: nft is not installed, and iptables-save shows only a part of them."
    );
}

fn marked() {
    vm();
    let chain = "type route hook output priority -150;";
    place::filter(&format!("table ip m {{ chain output {{ {chain} ip daddr 169.254.169.254 meta mark set 7; }}\n}}"));
    assert_unfollowed("ip m output");
}

fn sets_and_maps() {
    vm();
    let chain = "type filter hook output priority 0;";
    for rules in [
        format!("chain o {{ {chain} ip daddr . tcp dport {{ 169.254.169.254 . 80 }} drop; }}"),
        format!(
            "map m {{ type ipv4_addr : verdict; elements = {{ 169.254.169.254 : drop }}; }}\nchain o {{ {chain} ip daddr vmap @m; }}"
        ),
        format!(
            "chain f {{ ip daddr 169.254.169.254 drop; }}\nchain o {{ {chain} ct state vmap {{ new : jump f }}; }}"
        ),
    ] {
        place::filter(&format!("table ip t {{\n{rules}\n}}"));
        let (reason, _) = told("imds-timeout");
        let start = "This explains it: the packet filter drops packets to 169.254.169.254: `";
        assert!(reason.starts_with(start), "{rules}: {reason}");
        place::filter("delete table ip t");
    }
}

fn jumps() {
    vm();
    place::filter(
        "table ip filter {\n  chain two { ip daddr 169.254.169.254 drop; }\n  chain one { udp dport 53 accept; jump two; }\n  \
         chain out { type filter hook output priority 0; policy accept; meta l4proto tcp jump one; }\n}\n",
    );
    assert_told(
        "imds-timeout",
        "This explains it: the packet filter drops packets to 169.254.169.254: `ip daddr 169.254.169.254 drop` in ip filter two.",
        "Take the rule `ip daddr 169.254.169.254 drop` out",
    );
}

/// The same user asks and reads the rules, so a rule for others does not explain it.
fn for_others() {
    vm();
    output("ip filter", "filter", 0, "accept", "ip daddr 169.254.169.254 meta skuid != 0 drop;");
    assert!(told("imds-timeout").0.starts_with("Nothing on this machine explains it"));
}

fn rejected() {
    vm();
    output("ip filter", "filter", 0, "accept", "ip daddr 169.254.169.254 reject;");
    assert_told(
        "imds-refused",
        "This explains it: the packet filter rejects connections to 169.254.169.254: `ip daddr 169.254.169.254 reject` in ip \
         filter out.",
        "Take the rule `ip daddr 169.254.169.254 reject` out",
    );
}

fn redirected() {
    vm();
    output("ip nat", "nat", -100, "accept", "ip daddr 169.254.169.254 tcp dport 80 redirect to :3080;");
    assert_told(
        "imds-refused",
        "This explains it: the packet filter sends connections to 169.254.169.254 to port 3080 of this machine, where nothing \
         listens: `ip daddr 169.254.169.254 tcp dport 80 redirect to :3080` in ip nat out.",
        "Take the redirect `ip daddr 169.254.169.254 tcp dport 80 redirect to :3080` out",
    );
}

/// A server that gives everybody this answer.
fn serve(address: &str, answer: &'static str) {
    let listener = TcpListener::bind(address).unwrap();
    std::thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || {
                // A client that only connects is gone already.
                let _ = client.read(&mut [0; 4096]);
                let _ = client.write_all(answer.as_bytes());
            });
        }
    });
}

fn redirected_to_a_program() {
    vm();
    output("ip nat", "nat", -100, "accept", "ip daddr 169.254.0.0/16 tcp dport 80 dnat to 127.0.0.1:1338;");
    serve(
        "127.0.0.1:1338",
        "HTTP/1.1 404 Not Found\r\nServer: EC2ws\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    );
    assert_told(
        "imds-not-azure",
        "This explains it: the packet filter sends connections to 169.254.169.254 to 127.0.0.1:1338, and what listens there \
         answered: `ip daddr 169.254.0.0/16 tcp dport 80 dnat to 127.0.0.1:1338` in ip nat out.",
        "Take the redirect `ip daddr 169.254.0.0/16 tcp dport 80 dnat to 127.0.0.1:1338` out",
    );
}

/// The chain as AAD Pod Identity's node agent writes it (Azure/aad-pod-identity, pkg/nmi/iptables).
fn pod_identity_rules(hook: &str, to: &str) {
    place::filter(&format!(
        "table ip nat {{\n  chain aad-metadata {{ ip saddr != 127.0.0.1 ip daddr 169.254.169.254 tcp dport 80 dnat to {to}:2579; \
         return; }}\n  chain {hook} {{ type nat hook {hook} priority -100; policy accept; jump aad-metadata; }}\n}}\n"
    ));
}

fn pod_identity_left_behind() {
    vm();
    pod_identity_rules("output", "127.0.0.1");
    assert_told(
        "imds-refused",
        "This explains it: the packet filter sends connections to 169.254.169.254 to 127.0.0.1:2579, where nothing listens, as \
         AAD Pod Identity's node agent (NMI) does: `ip saddr != 127.0.0.1 ip daddr 169.254.169.254 tcp dport 80 dnat to \
         127.0.0.1:2579` in ip nat aad-metadata.",
        "Take the redirect `ip saddr != 127.0.0.1 ip daddr 169.254.169.254 tcp dport 80 dnat to 127.0.0.1:2579` out",
    );
}

fn pod_identity() {
    vm();
    let inner = Inside::start(
        "mkdir -p /run/secrets/kubernetes.io/serviceaccount; echo shop > /run/secrets/kubernetes.io/serviceaccount/namespace",
    );
    inner.connect();
    std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
    pod_identity_rules("prerouting", "10.88.0.1");
    serve(
        "10.88.0.1:2579",
        "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 60\r\nConnection: close\r\n\r\n\
         no azure identity found for request clientID 00000000-0000-0\n",
    );
    let ran = inner.examine();
    assert_eq!(reason(&ran, "imds-denied"), "Rules of the node's packet filter send its pods' connections there.");
    assert!(first_step(&ran).starts_with("AAD Pod Identity is retired"), "{}", ran.text);
}

fn without_the_right() {
    vm();
    output("ip filter", "filter", 0, "accept", "ip daddr 169.254.169.254 drop;");
    let mut command = Command::new("setpriv");
    command.args(["--bounding-set=-net_admin", PROGRAM, "check"]).env_clear().env("LANG", "C.UTF-8");
    command.env("PATH", std::env::var_os("PATH").unwrap()).stdin(Stdio::null());
    assert_eq!(
        reason(&examine(&mut command), "imds-timeout"),
        "The routes explain nothing: packets leave by eth0 (10.0.1.4) through 10.0.1.1. The packet filter's rules were not read: \
         this takes the capability CAP_NET_ADMIN, which root lacks here."
    );
}

/// Routes and interfaces are told to everybody.
fn not_root() {
    vm();
    let mut command = Command::new("unshare");
    command.args(["-U", "--map-user=1000", "--map-group=1000", "--", PROGRAM, "check"]).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap()).env("LANG", "C.UTF-8").stdin(Stdio::null());
    let ran = examine(&mut command);
    assert_eq!(
        reason(&ran, "imds-timeout"),
        "The routes explain nothing: packets leave by eth0 (10.0.1.4) through 10.0.1.1. The packet filter's rules were not read: \
         only root may read them, so try `sudo midoctor`."
    );
    assert!(first_step(&ran).starts_with("Restore the route for 169.254.169.254"), "{}", ran.text);
}

/// A process in network and mount namespaces of its own, as a container has them. Ends when it is dropped.
struct Inside(Child);

impl Inside {
    /// Starts it with a private `/run`, furnished by this line of a shell.
    fn start(furnish: &str) -> Self {
        let script =
            format!("mount -t tmpfs tmpfs /run && {furnish} && ip link set lo up && echo ready && exec sleep 80");
        let mut command = Command::new("unshare");
        command.args(["-nm", "--", "sh", "-c", &script]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut ready = [0; 6];
        child.stdout.take().unwrap().read_exact(&mut ready).unwrap();
        assert_eq!(&ready, b"ready\n");
        Self(child)
    }

    /// A pair of interfaces between it and this machine.
    fn connect(&self) {
        let id = self.0.id().to_string();
        place::run("ip", &["link", "add", "veth0", "type", "veth", "peer", "name", "eth0", "netns", &id]);
        place::run("ip", &["address", "add", "10.88.0.1/16", "dev", "veth0"]);
        place::run("ip", &["link", "set", "veth0", "up"]);
        for words in ["link set eth0 up", "address add 10.88.0.7/16 dev eth0", "route add default via 10.88.0.1"] {
            let words: Vec<&str> = words.split(' ').collect();
            place::run("nsenter", &[&["-t", &id, "-n", "ip"], &words[..]].concat());
        }
    }

    fn examine(&self) -> Ran {
        let mut command = Command::new("nsenter");
        let root = format!("--root=/proc/{}/root", self.0.id());
        command.args(["-t", &self.0.id().to_string(), "-n", "-m", &root, PROGRAM, "check"]).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("LANG", "C.UTF-8").stdin(Stdio::null());
        examine(&mut command)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What podman writes into a privileged container.
const PODMAN: &str = r#"printf 'engine="podman-4.3.1"\nname="web"\nid="c0ffee"\n' > /run/.containerenv"#;

fn container_without_network() {
    vm();
    let ran = Inside::start(PODMAN).examine();
    assert_eq!(
        reason(&ran, "imds-timeout"),
        "This explains it: this is a Podman container (web), and no route leads from it to 169.254.169.254; no network interface \
         but loopback has an address."
    );
    assert!(first_step(&ran).starts_with("Run the check on the VM itself, outside a Podman container (web)."));
}

fn container() {
    vm();
    let inner = Inside::start(PODMAN);
    inner.connect();
    let ran = inner.examine();
    assert_eq!(
        reason(&ran, "imds-timeout"),
        "This may explain it: this is a Podman container (web) with a network of its own, which need not lead to the \
         metadata service."
    );
    assert!(first_step(&ran).starts_with("Run the check on the VM itself, outside a Podman container (web)."));
}

fn pod() {
    vm();
    place::private("/etc/hostname", "cart-7d9f\n");
    let inner = Inside::start(
        "mkdir -p /run/secrets/kubernetes.io/serviceaccount; echo shop > /run/secrets/kubernetes.io/serviceaccount/namespace",
    );
    inner.connect();
    let ran = inner.examine();
    assert_eq!(
        reason(&ran, "imds-timeout"),
        "This may explain it: this is the Kubernetes pod shop/cart-7d9f with a network of its own, and a cluster can keep \
         its pods from the metadata service (podLinkLocalAccess None, or a network policy)."
    );
    assert!(first_step(&ran).starts_with("In the Kubernetes pod `shop/cart-7d9f`, use Microsoft Entra Workload ID"));
}

/// Neither the routes nor the rules are read where the metadata service answers.
fn healthy() {
    let simulator = crate::namespace::simulator::Simulator::start("healthy", &[]);
    let ran = examine(&mut check(Some(&simulator.authority()), &[]));
    ran.assert_end(0, "healthy", "");
    let exchanges = ran.report["evidence"]["exchanges"].as_array().unwrap();
    let asked = |what: &str| exchanges.iter().any(|exchange| exchange["request"]["ask"] == what);
    assert!(asked("connect") && !asked("network") && !asked("firewall"));
}
