//! What a client decided, before it is put into a row; and how the addresses it goes to are spelled. No rules of any client.

use crate::evidence::{METADATA_ADDRESS, TOKEN_PATH};

use super::Setting;
use super::row::{AsWhom, Source};

/// The agent's program on Linux, whose presence takes clients to Azure Arc (MSAL for .NET, Node.js and Python).
pub const ARC_AGENT_LINUX: &str = "/opt/azcmagent/bin/himds";
/// The same on Windows, where programs are in their usual folder.
pub const ARC_AGENT_WINDOWS: &str = r"C:\Program Files\AzureConnectedMachineAgent\himds.exe";

/// The agent's program on this kind of machine.
pub fn arc_agent() -> &'static str {
    if cfg!(windows) { ARC_AGENT_WINDOWS } else { ARC_AGENT_LINUX }
}

/// Where Microsoft Entra ID is.
const AUTHORITY: &str = "AZURE_AUTHORITY_HOST";

/// Where a client would go, as whom, and by which variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pick {
    pub source: Source,
    pub address: Option<String>,
    pub identity: AsWhom,
    /// The one to look at first comes first.
    pub decided_by: Vec<&'static str>,
    pub why: String,
}

impl Pick {
    /// It asks at the address that this variable holds.
    pub fn at(setting: &Setting, source: Source, variable: &'static str, identity: AsWhom) -> Self {
        let value = setting.raw(variable).unwrap_or_default();
        let address = bare(value);
        if address.is_empty() {
            return Self::nowhere(vec![variable], format!("{variable} is set and holds no address"));
        }
        let retired = source == Source::CloudShell && is_retired(value) && !setting.in_cloud_shell();
        let source = if retired { Source::Retired } else { source };
        let why = format!("{variable} is taken for {}", source.in_words());
        Self { source, address: Some(address), identity, decided_by: vec![variable], why }
    }

    /// It asks the metadata service, or the host that `AZURE_POD_IDENTITY_AUTHORITY_HOST` names in its place.
    pub fn metadata(setting: &Setting, identity: AsWhom, obeys_pod_host: bool) -> Self {
        const HOST: &str = "AZURE_POD_IDENTITY_AUTHORITY_HOST";
        let usual = format!("http://{METADATA_ADDRESS}{TOKEN_PATH}");
        match setting.variable(HOST).filter(|_| obeys_pod_host) {
            Some(host) if !is_metadata(host) => Self {
                source: Source::OtherHost,
                address: Some(format!("{}{TOKEN_PATH}", bare(host))),
                identity,
                decided_by: vec![HOST],
                why: format!("{HOST} names another host in place of the metadata service"),
            },
            _ => Self {
                source: Source::Metadata,
                address: Some(usual),
                identity,
                decided_by: Vec::new(),
                why: "nothing leads it elsewhere".into(),
            },
        }
    }

    /// It asks the Azure Arc agent because its program is installed.
    pub fn arc_agent(setting: &Setting, address: &str, identity: AsWhom) -> Self {
        let file = if setting.has_file(ARC_AGENT_WINDOWS) { ARC_AGENT_WINDOWS } else { ARC_AGENT_LINUX };
        Self {
            source: Source::AzureArc,
            address: Some(bare(address)),
            identity,
            decided_by: vec![file],
            why: "the Azure Arc agent is installed".into(),
        }
    }

    /// It signs in at Microsoft Entra ID.
    pub fn entra(
        setting: &Setting,
        source: Source,
        identity: AsWhom,
        decided_by: Vec<&'static str>,
        why: &str,
    ) -> Self {
        let pick = Self { source, address: Some(authority(setting)), identity, decided_by, why: why.into() };
        if setting.variable(AUTHORITY).is_some() { pick.and(&[AUTHORITY]) } else { pick }
    }

    /// It fails at once.
    pub fn nowhere(decided_by: Vec<&'static str>, why: impl Into<String>) -> Self {
        Self { source: Source::Nowhere, address: None, identity: AsWhom::Nobody, decided_by, why: why.into() }
    }

    /// It goes by what a developer is signed in to.
    pub fn developer(decided_by: Vec<&'static str>, why: impl Into<String>) -> Self {
        Self { source: Source::DeveloperTools, identity: AsWhom::Unknown, ..Self::nowhere(decided_by, why) }
    }

    /// These variables decided too.
    pub fn and(mut self, variables: &[&'static str]) -> Self {
        for variable in variables {
            if !self.decided_by.contains(variable) {
                self.decided_by.push(variable);
            }
        }
        self
    }
}

impl Setting<'_> {
    /// A variable's value, also an empty one.
    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// Is it set, be it to nothing?
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.variables.contains_key(name)
    }

    /// Are all of these set to something?
    pub(super) fn all(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.variable(name).is_some())
    }

    /// Is this file there?
    pub(super) fn has_file(&self, path: &str) -> bool {
        self.files.contains(path)
    }

    /// Is the Azure Arc agent's program there?
    pub(super) fn has_arc_agent(&self) -> bool {
        self.has_file(ARC_AGENT_LINUX) || self.has_file(ARC_AGENT_WINDOWS)
    }

    /// Is this Azure Cloud Shell, by its own signs (Azure CLI util.py, MSAL for Python cloudshell.py)?
    pub(super) fn in_cloud_shell(&self) -> bool {
        self.variable("ACC_CLOUD").is_some()
            || self.variable("AZUREPS_HOST_ENVIRONMENT").is_some_and(|value| value.starts_with("cloud-shell"))
    }
}

/// The managed identity that is named, or else the host's default one.
pub(super) fn named(client_id: Option<&str>) -> AsWhom {
    client_id.map_or(AsWhom::HostsDefault, |id| AsWhom::ManagedIdentity(id.to_owned()))
}

/// Microsoft Entra ID's address, as clients take it: without a scheme it is https.
fn authority(setting: &Setting) -> String {
    let host = setting.variable(AUTHORITY).unwrap_or("https://login.microsoftonline.com");
    let host = bare(host);
    if host.contains("://") { host } else { format!("https://{host}") }
}

/// At most so many characters of an address are shown.
const LONGEST: usize = 300;

/// An address without its query, and without a slash at its end.
fn bare(value: &str) -> String {
    let value = value.trim().split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    value.chars().take(LONGEST).collect()
}

/// The host and port of an address.
fn host_and_port(value: &str) -> &str {
    let rest = value.trim().split_once("://").map_or(value.trim(), |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// Does this address lead to the metadata service?
pub fn is_metadata(address: &str) -> bool {
    let place = host_and_port(address);
    place.strip_suffix(":80").unwrap_or(place) == METADATA_ADDRESS
}

/// Does this address lead to the port of the retired VM extension?
pub fn is_retired(address: &str) -> bool {
    host_and_port(address).ends_with(":50342")
}
