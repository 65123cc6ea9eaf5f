//! Why the metadata service does not answer: what a machine tells of itself, and the sentence that a person reads.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::played::{evidence, judged};
use midoctor::case::Case;
use midoctor::evidence::{Attempt, Exchange, Failure, Outcome, Request};
use midoctor::report::{FindingReport, Report};

fn play(toml: &str, http: &[&str]) -> Report {
    judged(evidence(toml, http))
}

/// The one finding about the metadata service.
fn finding(toml: &str, http: &[&str]) -> FindingReport {
    let report = play(toml, http);
    let check = report.checks.iter().find(|check| check.id == "metadata").unwrap();
    assert_eq!(check.findings.len(), 1, "{toml}: {}", check.summary);
    check.findings[0].clone()
}

/// The code, the reason alone, and the beginnings of the steps.
fn told(toml: &str) -> (String, String, Vec<String>) {
    let finding = finding(toml, &[]);
    let reason = finding.seen.split_once(". ").map(|(_, reason)| reason.to_owned()).unwrap_or_default();
    let start = |step: &String| step.split(' ').take(4).collect::<Vec<_>>().join(" ");
    (finding.code, reason, finding.remedy.steps.iter().map(start).collect())
}

const ROUTED: &str = "kind = \"leaves\"";
const TWO_CARDS: &str = r#"
    interfaces = [
      { name = "eth0", up = true, addresses = ["10.0.1.4/24"] },
      { name = "eth1", up = true, addresses = ["10.0.2.4/24"] },
    ]
"#;

#[test]
fn routes_that_explain_it_are_named() {
    let route = |route: &str| format!("routes = [{route}]\n");
    for (metadata, network, reason, first) in [
        (
            "unroutable",
            "way = { kind = \"no-route\" }\nroutes = []".to_owned(),
            "This explains it: no route leads to 169.254.169.254; eth0 is up with 10.0.1.4/24.",
            "Put the route for",
        ),
        (
            "unroutable",
            "way = { kind = \"no-route\" }\nroutes = []\ninterfaces = []".to_owned(),
            "This explains it: no route leads to 169.254.169.254; no network interface but loopback has an address.",
            "Put the route for",
        ),
        (
            "unroutable",
            "way = { kind = \"unreachable\" }\n".to_owned()
                + &route(r#"{ to = "169.254.169.254/32", kind = "unreachable" }"#),
            "This explains it: the route `unreachable 169.254.169.254` makes 169.254.169.254 unreachable.",
            "Take the route `unreachable",
        ),
        (
            "unroutable",
            "way = { kind = \"prohibited\" }\n".to_owned()
                + &route(r#"{ to = "169.254.0.0/16", kind = "prohibited" }"#),
            "This explains it: the route `prohibit 169.254.0.0/16` prohibits packets to 169.254.169.254.",
            "Take the route `prohibit",
        ),
        (
            "unroutable",
            "way = { kind = \"blackhole\" }\n".to_owned()
                + &route(r#"{ to = "0.0.0.0/0", kind = "blackhole", table = 7 }"#),
            "This explains it: the route `blackhole default table 7` drops packets to 169.254.169.254 without a word.",
            "Take the route `blackhole",
        ),
        (
            "unroutable",
            "way = { kind = \"prohibited\" }".to_owned(),
            "This explains it: a policy rule (`ip rule`) of this machine prohibits packets to 169.254.169.254.",
            "Take the policy rule",
        ),
        (
            "silent",
            format!(
                "way = {{ {ROUTED}, interface = \"tun0\", source = \"10.8.0.2\" }}\ninterfaces = [{{ name = \"tun0\", kind = \"tun\", up = true, addresses = [\"10.8.0.2/24\"] }}]"
            ),
            "This explains it: packets to 169.254.169.254 leave by the tunnel tun0 (10.8.0.2), not by a network card.",
            "Exclude 169.254.169.254 from what",
        ),
        (
            "silent",
            format!("way = {{ {ROUTED}, interface = \"eth1\", source = \"10.0.2.4\" }}\n{TWO_CARDS}")
                + &route(
                    r#"{ to = "0.0.0.0/0", interface = "eth0", kind = "leaves" }, { to = "169.254.0.0/16", interface = "eth1", kind = "leaves" }"#,
                ),
            "This may explain it: the route `169.254.0.0/16 dev eth1` takes 169.254.169.254 for a neighbour on eth1, \
             while the default route leaves by eth0.",
            "Keep the route `169.254.0.0/16",
        ),
        (
            "silent",
            format!(
                "way = {{ {ROUTED}, interface = \"eth1\", gateway = \"10.0.2.1\", source = \"10.0.2.4\" }}\n{TWO_CARDS}"
            ) + &route(
                r#"{ to = "0.0.0.0/0", interface = "eth0", gateway = "10.0.1.1", kind = "leaves" }, { to = "169.254.169.254/32", interface = "eth1", gateway = "10.0.2.1", kind = "leaves" }"#,
            ),
            "This may explain it: packets to 169.254.169.254 leave by eth1 (10.0.2.4), while the default route leaves \
             by eth0.",
            "Let packets to 169.254.169.254",
        ),
        (
            "silent",
            format!(
                "way = {{ {ROUTED}, interface = \"eth1\", gateway = \"10.0.2.1\", source = \"10.0.2.4\" }}\n{TWO_CARDS}"
            ) + &route(r#"{ to = "0.0.0.0/0", interface = "eth1", gateway = "10.0.2.1", kind = "leaves" }"#),
            "This may explain it: packets to 169.254.169.254 leave by eth1 (10.0.2.4), which has the default route, \
             and not by eth0 (10.0.1.4/24), which seems to be the primary network card; the service answers on that one alone.",
            "Let packets to 169.254.169.254",
        ),
        (
            "silent",
            format!("way = {{ {ROUTED}, interface = \"lo\", loopback = true, source = \"127.0.0.1\" }}"),
            "This explains it: packets to 169.254.169.254 stay on this machine: a route sends them to lo.",
            "Let packets to 169.254.169.254",
        ),
        (
            "silent",
            format!(
                "way = {{ {ROUTED}, interface = \"eth0\" }}\ninterfaces = [{{ name = \"eth0\", up = true, no_carrier = true, addresses = [\"10.0.1.4/24\"] }}]"
            ),
            "This explains it: packets to 169.254.169.254 leave by eth0, which has no carrier (`ip link` shows NO-CARRIER).",
            "Give eth0 its",
        ),
        (
            "refused",
            "way = { kind = \"local\", interface = \"lo\", loopback = true }\n".to_owned()
                + &route(r#"{ to = "169.254.0.0/16", interface = "lo", kind = "local", table = 255 }"#),
            "This explains it: the route `local 169.254.0.0/16 dev lo` keeps packets to 169.254.169.254 on this machine, \
             where nothing listens on port 80.",
            "Take the route `local",
        ),
        (
            "refused",
            "way = { kind = \"local\", interface = \"lo\" }".to_owned(),
            "This explains it: 169.254.169.254 is an address of this machine itself, on lo, where nothing listens on port 80.",
            "Take the address 169.254.169.254",
        ),
    ] {
        let toml = format!("metadata = \"{metadata}\"\n[network]\n{network}");
        let (_, told, steps) = told(&toml);
        assert_eq!(told, reason);
        assert!(steps[0].starts_with(first), "{steps:?}");
        // Automatic addresses can be switched off, or outweighed; what only may explain it leaves Azure's side.
        let more = if reason.starts_with("This may") { 2 } else { 0 };
        assert_eq!(steps.len(), more + if first.starts_with("Keep") { 2 } else { 1 }, "{toml}: {steps:?}");
    }
}

#[test]
fn rules_of_the_packet_filter_that_explain_it_are_named() {
    let rule = |effect: &str, chain: &str, text: &str| {
        format!("[[rule]]\neffect = {effect}\nchain = \"{chain}\"\nrule = \"{text}\"\n")
    };
    for (metadata, rules, code, reason, first) in [
        (
            "silent",
            rule("\"drops\"", "ip filter output", "ip daddr 169.254.169.254 drop"),
            "imds-timeout",
            "This explains it: the packet filter drops packets to 169.254.169.254: `ip daddr 169.254.169.254 drop` in ip filter output.",
            "Take the rule `ip",
        ),
        (
            "silent",
            rule("\"drops\"", "ip filter OUTPUT", "policy drop") + "conditional = true\n",
            "imds-timeout",
            "This may explain it: the packet filter drops packets to 169.254.169.254: `policy drop` in ip filter OUTPUT; \
             whether all its conditions hold is not known here.",
            "Take the rule `policy",
        ),
        (
            "unroutable",
            rule("\"rejects\"", "ip filter output", "ip daddr 169.254.0.0/16 reject"),
            "imds-timeout",
            "This explains it: the packet filter rejects connections to 169.254.169.254: `ip daddr 169.254.0.0/16 reject` in ip filter output.",
            "Take the rule `ip",
        ),
        (
            "refused",
            rule("{ redirects = \"3080\" }", "ip nat output", "tcp dport 80 redirect to :3080"),
            "imds-refused",
            "This explains it: the packet filter sends connections to 169.254.169.254 to port 3080 of this machine, where nothing \
             listens: `tcp dport 80 redirect to :3080` in ip nat output.",
            "Take the redirect `tcp",
        ),
        (
            "refused",
            rule("{ redirects = \"10.0.1.4:2579\" }", "ip nat aad-metadata", "-j DNAT"),
            "imds-refused",
            "This explains it: the packet filter sends connections to 169.254.169.254 to 10.0.1.4:2579, where nothing listens, \
             as AAD Pod Identity's node agent (NMI) does: `-j DNAT` in ip nat aad-metadata.",
            "Take the redirect `-j",
        ),
    ] {
        let told = told(&format!("metadata = \"{metadata}\"\n{rules}"));
        assert_eq!((told.0.as_str(), told.1.as_str()), (code, reason));
        assert!(told.2[0].starts_with(first), "{:?}", told.2);
    }
    // What only may explain it leaves Azure's side to look at.
    let doubtful = rule("\"drops\"", "ip filter OUTPUT", "policy drop") + "conditional = true\n";
    let (_, _, steps) = told(&format!("metadata = \"silent\"\n{doubtful}"));
    assert_eq!(steps[1..], ["Look for an outbound", "If there is no"]);
    // A rule that drops explains no refusal, and the other way round.
    let drops = rule("\"drops\"", "ip filter output", "drop");
    assert!(!told(&format!("metadata = \"refused\"\n{drops}")).1.contains("drop"));
}

#[test]
fn where_it_runs_may_explain_it() {
    let card =
        "[network]\ninterfaces = [{ name = \"eth0\", kind = \"veth\", up = true, addresses = [\"10.244.0.7/24\"] }]\n";
    let tag = "\"/sys/class/dmi/id/chassis_asset_tag\" = \"\"\n";
    for (files, environment, reason, first) in [
        (
            "\"/var/run/secrets/kubernetes.io/serviceaccount/namespace\" = \"shop\"\n\"/etc/hostname\" = \"cart-7d9\"\n",
            "KUBERNETES_SERVICE_HOST = \"10.0.0.1\"",
            "This may explain it: this is the Kubernetes pod shop/cart-7d9 with a network of its own, and a cluster can \
             keep its pods from the metadata service (podLinkLocalAccess None, or a network policy).",
            "In the Kubernetes pod",
        ),
        (
            "\"/run/.containerenv\" = \"engine=\\\"podman-4.3.1\\\"\\nname=\\\"web\\\"\"\n",
            "",
            "This may explain it: this is a Podman container (web) with a network of its own, which need not lead to the \
             metadata service.",
            "Run the check on",
        ),
        (
            "\"/.dockerenv\" = \"there\"\n\"/etc/hostname\" = \"0a1b2c3d4e5f\"\n",
            "",
            "This may explain it: this is a Docker container (0a1b2c3d4e5f) with a network of its own, which need not lead \
             to the metadata service.",
            "Run the check on",
        ),
        (
            "\"/run/systemd/container\" = \"systemd-nspawn\"\n",
            "",
            "This may explain it: this is a container of systemd-nspawn with a network of its own, which need not lead to \
             the metadata service.",
            "Run the check on",
        ),
        (
            "\"/proc/sys/kernel/osrelease\" = \"5.15.153.1-microsoft-standard-WSL2\"\n\"/run/systemd/container\" = \"wsl\"\n",
            "",
            "This may explain it: this runs in Windows Subsystem for Linux (kernel 5.15.153.1-microsoft-standard-WSL2), \
             and not on an Azure VM itself.",
            "Windows Subsystem for Linux",
        ),
        (
            "\"/proc/sys/kernel/osrelease\" = \"6.6.12-linuxkit\"\n\"/.dockerenv\" = \"there\"\n",
            "",
            "This may explain it: this runs in Docker Desktop's virtual machine (kernel 6.6.12-linuxkit), in a Docker \
             container, and not on an Azure VM itself.",
            "Docker Desktop's virtual machine",
        ),
        (
            &format!("\"/opt/azcmagent/bin/himds\" = \"there\"\n{tag}"),
            "",
            "This may explain it: this machine is connected by Azure Arc (/opt/azcmagent/bin/himds is there) and is not \
             known to be an Azure VM; its agent issues tokens at http://localhost:40342, and there is no metadata service.",
            "On a machine connected",
        ),
    ] {
        let toml = format!("metadata = \"silent\"\n{card}[files]\n{files}[environment]\n{environment}\n");
        let (_, told, steps) = told(&toml);
        assert_eq!(told, reason);
        assert!(steps.len() == 1 && steps[0].starts_with(first), "{steps:?}");
    }
}

#[test]
fn a_container_in_the_machines_own_network_is_not_the_reason() {
    let toml =
        "metadata = \"silent\"\n[files]\n\"/.dockerenv\" = \"there\"\n\"/opt/azcmagent/bin/himds\" = \"there\"\n";
    assert!(told(toml).1.starts_with("Nothing on this machine explains it"), "{}", told(toml).1);
}

#[test]
fn the_guest_proxy_agent_may_explain_a_refusal_and_no_silence() {
    let toml =
        |metadata: &str| format!("metadata = \"{metadata}\"\n[files]\n\"/usr/sbin/azure-proxy-agent\" = \"there\"\n");
    let reason = "This may explain it: the guest proxy agent (/usr/sbin/azure-proxy-agent) takes such connections to \
                  127.0.0.1:3080 by eBPF, which no rule shows, and they fail when it does not run.";
    assert_eq!(told(&toml("refused")).1, reason);
    assert!(!told(&toml("silent")).1.contains("agent"));
}

#[test]
fn where_nothing_here_explains_it_what_remains_is_named() {
    let (_, told_, steps) = told("metadata = \"silent\"");
    assert_eq!(
        told_,
        "Nothing on this machine explains it: packets leave by eth0 (10.0.1.4) through 10.0.1.1, and no rule of the packet \
         filter stops them. What remains is an outbound deny rule on the service tag `AzurePlatformIMDS`, or Azure's side of \
         the VM."
    );
    assert_eq!(steps, ["Look for an outbound", "If there is no"]);
}

/// The kernel has a route and refuses, as for a gateway that is not there.
#[test]
fn a_next_hop_that_does_not_answer_is_named() {
    let (_, told_, steps) = told("metadata = \"unroutable\"");
    assert_eq!(
        told_,
        "A route is there: packets leave by eth0 (10.0.1.4) through 10.0.1.1. So the next hop 10.0.1.1 does not answer ARP \
         (`ip neigh`), or an IPsec policy (`ip xfrm policy`) or a program in the kernel (eBPF) refuses them."
    );
    assert_eq!(steps[0], "See whether 10.0.1.1 answers");
    assert!(!steps.iter().any(|step| step.starts_with("Run the check")), "{steps:?}");
}

/// Interfaces of a node are too many to keep; one that is not told is not loopback for that.
#[test]
fn an_interface_that_is_not_told_is_not_taken_for_loopback() {
    let way = format!("way = {{ {ROUTED}, interface = \"eth0\", gateway = \"10.0.1.1\" }}\n");
    let (_, told_, _) = told(&format!("metadata = \"silent\"\n[network]\n{way}interfaces = []"));
    assert!(!told_.contains("stay on this machine"), "{told_}");
}

/// The card is the right one already; what takes the address for a neighbour is not.
#[test]
fn link_local_addresses_on_the_only_card_do_not_make_it_a_second_one() {
    let way = format!("way = {{ {ROUTED}, interface = \"eth0\", source = \"10.0.1.4\" }}\n");
    let toml = format!("metadata = \"silent\"\n[network]\n{way}")
        + r#"routes = [{ to = "0.0.0.0/0", interface = "eth0", gateway = "10.0.1.1", kind = "leaves" }, { to = "169.254.0.0/16", interface = "eth0", kind = "leaves" }]"#;
    let (_, _, steps) = told(&toml);
    assert_eq!(steps, ["Keep the route `169.254.0.0/16", "Look for an outbound", "If there is no"]);
}

#[test]
fn only_the_main_tables_default_route_is_called_the_default_route() {
    let way = format!("way = {{ {ROUTED}, interface = \"eth1\", gateway = \"10.0.2.1\", source = \"10.0.2.4\" }}\n");
    let toml = format!("metadata = \"silent\"\n[network]\n{way}{TWO_CARDS}")
        + r#"routes = [{ to = "0.0.0.0/0", interface = "eth1", gateway = "10.0.2.1", kind = "leaves", table = 7 }]"#;
    let (_, told_, _) = told(&toml);
    assert!(told_.contains("leave by eth1 (10.0.2.4) and not by eth0"), "{told_}");
}

#[test]
fn what_the_filter_has_and_midoctor_does_not_follow_is_said() {
    let (_, told_, steps) = told("metadata = \"silent\"\nrules_unfollowed = [\"inet filter input\", \"ip t o\"]");
    assert_eq!(
        told_,
        "The routes explain nothing: packets leave by eth0 (10.0.1.4) through 10.0.1.1. The packet filter has rules that \
         midoctor does not follow, and that may stop them or their answers, in `inet filter input`, `ip t o`."
    );
    assert_eq!(steps.len(), 4, "{steps:?}");
}

#[test]
fn what_could_not_be_read_is_said_with_the_right_that_reads_it() {
    let denied = "The packet filter's rules were not read: only root may read them, so try `sudo midoctor`.";
    let (_, unread, steps) = told("metadata = \"silent\"\nrules_unread = true");
    assert_eq!(
        unread,
        format!("The routes explain nothing: packets leave by eth0 (10.0.1.4) through 10.0.1.1. {denied}")
    );
    // Nothing hints at a container.
    assert_eq!(steps.len(), 4, "{steps:?}");
    // A reason that is certain needs no excuse, and one that is not does.
    let no_route = "metadata = \"unroutable\"\nrules_unread = true\n[network]\nway = { kind = \"no-route\" }";
    assert!(!told(no_route).1.contains("not read"));
    let wsl =
        "metadata = \"silent\"\nrules_unread = true\n[files]\n\"/proc/sys/kernel/osrelease\" = \"x-microsoft-y\"\n";
    assert!(told(wsl).1.ends_with(&format!("and not on an Azure VM itself. {denied}")), "{}", told(wsl).1);
    let elsewhere = "metadata = \"silent\"\nrules_unread = true\n[network]\nunread = \"routes and interfaces are read on Linux only\"";
    assert_eq!(
        told(elsewhere).1,
        format!("The routes were not read: routes and interfaces are read on Linux only. {denied}")
    );
}

#[test]
fn who_answers_in_azures_place_is_explained_by_a_redirect() {
    let answer =
        "ANY http://169.254.169.254/*\n\nHTTP/1.1 404 Not Found\nContent-Type: text/html\nServer: EC2ws\n\nno\n";
    let rule = "[[rule]]\neffect = { redirects = \"127.0.0.1:1338\" }\nchain = \"ip nat output\"\nrule = \"dnat to 127.0.0.1:1338\"\n";
    let found = finding(rule, &[answer]);
    assert_eq!(
        (found.code.as_str(), found.seen.as_str()),
        (
            "imds-not-azure",
            "GET /metadata/instance was answered with 404 by the metadata service of AWS. This explains it: the packet filter \
             sends connections to 169.254.169.254 to 127.0.0.1:1338, and what listens there answered: `dnat to 127.0.0.1:1338` \
             in ip nat output."
        )
    );
    assert!(found.remedy.text.starts_with("Take the redirect `dnat to 127.0.0.1:1338` out"), "{}", found.remedy.text);
    // Without one, nothing is added.
    assert!(finding("", &[answer]).seen.ends_with("by the metadata service of AWS."));
}

#[test]
fn pod_identity_that_answers_is_told_how_to_go() {
    let answer = "ANY http://169.254.169.254/*\n\nHTTP/1.1 403 Forbidden\nContent-Type: text/plain; charset=utf-8\n\nno azure identity found for request clientID\n";
    let found = finding("", &[answer]);
    let seen = "GET /metadata/instance was denied with 403 by AAD Pod Identity's node agent (NMI). \
                Rules of the node's packet filter send its pods' connections there.";
    assert_eq!((found.code.as_str(), found.seen.as_str()), ("imds-denied", seen));
    assert_eq!(found.remedy.steps.len(), 1, "{:?}", found.remedy.steps);
    assert!(found.remedy.text.starts_with("AAD Pod Identity is retired; its replacement is"), "{}", found.remedy.text);
}

/// A connection that was made has passed whatever keeps containers away.
#[test]
fn a_connection_without_an_answer_is_not_laid_to_the_container() {
    let toml = "metadata = \"silent\"\n[network]\ninterfaces = []\n[files]\n\"/.dockerenv\" = \"there\"\n";
    let mut evidence = evidence(toml, &[]);
    let connect = evidence.exchanges.iter_mut().find(|one| matches!(one.request, Request::Connect { port: 80, .. }));
    connect.unwrap().attempts[0].outcome = Outcome::Connected;
    let outcome = Outcome::failed(Failure::AnswerTimeout, "");
    let attempts = vec![Attempt { started_ms: 0, duration_ms: 10_000, outcome }];
    evidence.exchanges.push(Exchange { request: Case::instance_request(), attempts });
    let report = judged(evidence);
    let found = &report.checks.iter().find(|check| check.id == "metadata").unwrap().findings[0];
    assert_eq!(
        found.seen,
        "GET /metadata/instance got no answer: it accepted the connection and did not answer in 10 s. Nothing on this machine \
         explains it: packets leave by eth0 (10.0.1.4) through 10.0.1.1, and no rule of the packet filter stops them."
    );
}

/// Reading routes and rules takes time and rights that a healthy run has no use for.
#[test]
fn a_machine_whose_metadata_service_answers_is_asked_nothing_of_this() {
    let report = play("", &[]);
    let asked = |request: &Request| report.evidence.exchanges.iter().any(|exchange| exchange.request == *request);
    assert!(!asked(&Request::Network) && !asked(&Request::Firewall));
    assert!(!asked(&Request::File { path: "/etc/hostname".into() }));
    let silent = play("metadata = \"silent\"", &[]);
    let network = silent.evidence.exchanges.iter().find(|exchange| exchange.request == Request::Network).unwrap();
    assert!(matches!(network.attempts[0].outcome, Outcome::Network(_)));
}

#[test]
fn a_report_from_before_this_was_asked_is_judged_as_it_was() {
    let mut report = play("metadata = \"silent\"", &[]);
    report.evidence.exchanges.retain(|exchange| !matches!(exchange.request, Request::Network | Request::Firewall));
    let report = judged(report.evidence);
    let found = &report.checks.iter().find(|check| check.id == "metadata").unwrap().findings[0];
    assert_eq!(found.seen, "A TCP connection to 169.254.169.254:80 got no answer: nothing came back in 2.0 s.");
    assert_eq!(found.remedy.steps.len(), 5);
}

/// What `explain` shows is for everybody: nothing in it waits for a case that only a machine tells.
#[test]
fn steps_about_one_case_are_told_from_those_for_everybody() {
    use midoctor::explain::general;
    let known = general::values();
    let of_the_vm = ["vm_id", "vm_name", "resource_group", "subscription_id"];
    for code in
        ["imds-timeout", "imds-refused", "imds-proxied", "imds-not-azure", "imds-denied", "env-proxy", "env-shadowed"]
            .into_iter()
            .chain(["tls-intercepted"])
    {
        let (_, section) = midoctor::page::section(code).unwrap();
        let lines = section.steps.iter().chain(section.commands.iter().map(|command| &command.line));
        for line in lines.filter(|line| !general::is_about_one_case(line)) {
            for name in line.split("{{").skip(1).map(|rest| rest.split_once("}}").unwrap().0) {
                let fits =
                    known.contains_key(name) || of_the_vm.contains(&name) || ["variable", "host"].contains(&name);
                assert!(fits, "{code}: {name}: {line}");
            }
        }
    }
}

/// A container can be called anything.
#[test]
fn a_strangers_name_fills_no_page_and_no_terminal() {
    let name = "x".repeat(3000) + "\u{1b}[2J";
    let card = "[network]\ninterfaces = []\n";
    let toml =
        format!("metadata = \"silent\"\n{card}[files]\n\"/.dockerenv\" = \"there\"\n\"/etc/hostname\" = {name:?}\n")
            .replace("\\u{1b}", "\\u001b");
    let (_, told, _) = told(&toml);
    assert!(told.len() < 400 && !told.contains('\u{1b}'), "{told}");
}
