//! What a run is asked to look at: which identities, which resources, which checks, what does not count. Meaning only; what was
//! typed is in `cli`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a run is asked to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Plan {
    /// The identities to ask for; never empty.
    pub identities: Vec<Selector>,
    /// And every identity that Azure Resource Manager lists for the VM.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub all_identities: bool,
    /// The resources to ask tokens for; never empty.
    pub resources: Vec<Resource>,
    /// What the identities must be allowed to do; empty when nothing is required of Azure Resource Manager.
    pub requirements: Vec<Requirement>,
    /// Data endpoints to try.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<Probe>,
    /// Hosts, beyond those of Azure's services, that may be sent a token for a probe of theirs.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusted_hosts: Vec<String>,
    /// The host of Azure Resource Manager, for clouds that midoctor does not know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arm_endpoint: Option<String>,
    /// Whose environment is judged, and obeyed where clients would obey it.
    #[serde(skip_serializing_if = "Whose::is_own")]
    pub environment: Whose,
    /// Is the metadata service also asked through the proxy that the environment names, to show what clients get there?
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub through_proxy: bool,
    /// Examine these checks alone, with what they need: globs over the names of checks and codes; all when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// Leave these checks out, and let these codes not count: globs as above.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skip: Vec<String>,
    /// What is known and shall not count for a while.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignores: Vec<Ignore>,
    /// What makes a run fail.
    #[serde(skip_serializing_if = "FailOn::is_usual")]
    pub fail_on: FailOn,
}

/// Findings that shall not count until a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ignore {
    /// Their code: a glob.
    pub code: String,
    /// Why.
    pub reason: String,
    /// The last day, UTC, on which it holds.
    #[schemars(with = "String")]
    pub until: jiff::civil::Date,
}

/// What makes a run fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FailOn {
    /// Errors alone.
    #[default]
    Error,
    /// Warnings as well.
    Warn,
}

impl FailOn {
    fn is_usual(&self) -> bool {
        *self == Self::Error
    }
}

/// Whose environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Whose {
    /// The one that midoctor was started in.
    #[default]
    Own,
    /// That of the process with this ID.
    Process(u32),
    /// That of this service: a systemd unit, or a Windows service.
    Unit(String),
}

impl Whose {
    /// Is it midoctor's own?
    pub fn is_own(&self) -> bool {
        *self == Self::Own
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            identities: vec![Selector::Default],
            all_identities: false,
            resources: vec![Resource::Alias("arm".into())],
            requirements: vec![Requirement { what: Required::Role(READER.into()), scope: None }],
            probes: Vec::new(),
            trusted_hosts: Vec::new(),
            arm_endpoint: None,
            environment: Whose::Own,
            through_proxy: false,
            only: Vec::new(),
            skip: Vec::new(),
            ignores: Vec::new(),
            fail_on: FailOn::Error,
        }
    }
}

/// Reader's GUID, the same in every cloud (Microsoft's list of built-in roles).
pub const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

/// Something an identity must be allowed to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Requirement {
    /// What.
    pub what: Required,
    /// An ARM scope; none for the VM itself.
    pub scope: Option<String>,
}

/// What is required at a scope.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Required {
    /// An action of the management plane, which may hold wildcards: `Microsoft.Compute/virtualMachines/start/action`.
    Action(String),
    /// An action on data.
    DataAction(String),
    /// All that the role with this GUID allows.
    Role(String),
}

/// A data endpoint to try.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Probe {
    /// Its URL, https, without user, fragment or port.
    pub url: String,
    /// What a token for it is asked for.
    pub resource: Resource,
}

/// How an identity is named to the metadata service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Selector {
    /// None named: the system-assigned one, else the only user-assigned one.
    Default,
    /// A client ID or an object (principal) ID: one cannot tell a GUID which it is, so both are asked.
    Guid(String),
    /// The ARM resource ID of a user-assigned identity.
    ResourceId(String),
}

/// What a token is asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Resource {
    /// A well-known name (`arm`, `vault`, …) whose URI depends on the VM's cloud; see `azure::cloud`.
    Alias(String),
    /// The URI itself, sent as it was typed.
    Uri(String),
}
