//! Where this runs, as files tell it: a Kubernetes pod, a container, WSL, Docker Desktop, an Azure Arc machine. Asked only when the
//! metadata service gives no answer.
//!
//! It reads the signs; what they explain is judged in `silence`.

use crate::azure::proxy_agent;
use crate::case::Case;
use crate::clients::{ARC_AGENT_LINUX, ARC_AGENT_WINDOWS};
use crate::evidence::Request;

use super::host;

/// Signs of their makers: WSL's kernel is called `…-microsoft-standard-WSL2`, Docker Desktop's `…-linuxkit`.
const RELEASE: &str = "/proc/sys/kernel/osrelease";
const DOCKER: &str = "/.dockerenv";
/// Written by podman; it tells engine and name in a privileged container, and is empty in others.
const PODMAN: &str = "/run/.containerenv";
/// Written by container managers for systemd (systemd's container interface).
const MANAGER: &str = "/run/systemd/container";
/// Every pod has it unless its service account is kept from it.
const NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
/// A pod's is its name, a container's the beginning of its ID unless it was given another.
const HOSTNAME: &str = "/etc/hostname";
const CGROUP: &str = "/proc/1/cgroup";
/// Where the Azure Arc agent is.
const ARC: [&str; 3] = [
    ARC_AGENT_LINUX,
    "/var/opt/azcmagent/bin/himds",
    // Asked for last, and only where there is no Linux kernel.
    ARC_AGENT_WINDOWS,
];

/// All that is asked when there is no answer.
pub(super) fn questions(case: &Case) -> Vec<Request> {
    let files = [RELEASE, PODMAN, MANAGER, NAMESPACE, HOSTNAME, CGROUP];
    let no_linux = case.outcome(&Request::file(RELEASE)).is_some_and(|outcome| outcome.failure().is_some());
    let arc = &ARC[..if no_linux { 3 } else { 2 }];
    let present = [DOCKER, proxy_agent::PROGRAM].into_iter().chain(arc.iter().copied());
    [Request::Network, Request::Firewall, case.environment()]
        .into_iter()
        .chain(files.into_iter().map(Request::file))
        .chain(present.map(Request::presence))
        .collect()
}

/// A file's text, as far as a sentence can hold it.
fn short(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(100).collect()
}

/// Where this runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Surroundings {
    /// A pod in Kubernetes: `namespace/name`, as far as it is told.
    pub pod: Option<String>,
    /// A container, in words: `a Docker container (1a2b3c)`.
    pub container: Option<String>,
    /// The kernel of Windows Subsystem for Linux.
    pub wsl: Option<String>,
    /// The kernel of Docker Desktop's virtual machine.
    pub docker_desktop: Option<String>,
    /// The Azure Arc agent's program, on a machine that is not known to be an Azure VM.
    pub arc: Option<&'static str>,
    /// The guest proxy agent's program.
    pub proxy_agent: Option<&'static str>,
    /// Windows.
    pub windows: bool,
}

impl Surroundings {
    pub fn read(case: &Case) -> Self {
        let release = case.text(RELEASE).unwrap_or_default();
        let sign = |word: &str| release.to_ascii_lowercase().contains(word).then(|| short(release));
        let azure = host::is_tagged(case);
        Self {
            pod: pod(case),
            container: container(case),
            wsl: sign("microsoft"),
            docker_desktop: sign("linuxkit"),
            arc: ARC.into_iter().find(|path| !azure && case.is_there(path)),
            proxy_agent: Some(proxy_agent::PROGRAM).filter(|path| case.is_there(path)),
            windows: case.is_windows(),
        }
    }
}

fn pod(case: &Case) -> Option<String> {
    let namespace = case.text(NAMESPACE).filter(|text| !text.is_empty());
    if namespace.is_none() && case.variable("KUBERNETES_SERVICE_HOST").is_none() {
        return None;
    }
    let name = case.text(HOSTNAME).filter(|text| !text.is_empty()).unwrap_or("of unknown name");
    let name = short(name);
    Some(namespace.map_or_else(|| name.clone(), |namespace| format!("{}/{name}", short(namespace))))
}

fn container(case: &Case) -> Option<String> {
    let manager = case.text(MANAGER).filter(|manager| *manager != "wsl").unwrap_or_default();
    let cgroup = case.text(CGROUP).unwrap_or_default();
    let podman = case.text(PODMAN);
    let given = |key: &str| {
        let line = podman?.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        Some(line.trim_matches('"')).filter(|value| !value.is_empty())
    };
    let kind = if podman.is_some() || manager == "podman" || cgroup.contains("libpod") {
        "a Podman container".to_owned()
    } else if case.is_there(DOCKER) || manager == "docker" || cgroup.contains("/docker") {
        "a Docker container".to_owned()
    } else if cgroup.contains("/lxc") || manager.starts_with("lxc") {
        "an LXC container".to_owned()
    } else if !manager.is_empty() {
        format!("a container of {}", short(manager))
    } else if cgroup.contains("kubepods") || cgroup.contains("containerd") {
        "a container".to_owned()
    } else {
        return None;
    };
    let name = given("name").or_else(|| case.text(HOSTNAME)).filter(|name| !name.is_empty());
    Some(name.map_or_else(|| kind.clone(), |name| format!("{kind} ({})", short(name))))
}
