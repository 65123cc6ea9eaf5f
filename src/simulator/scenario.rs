//! Scenarios: how a simulated VM differs from a healthy one, read from the `toml` and `http` blocks of a page's example.
//!
//! The language only. What follows from a scenario is in `azure` (the services) and `wire` (the machine).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::network::FirewallRule;
pub use crate::simulator::behind::Behind;
pub use crate::simulator::entries::{Access, Assignment, Data, Deny, Network, PageFault};
pub use crate::simulator::literal::Literal;
pub use crate::simulator::local::LocalTable;
use crate::simulator::{renamed, roles, vm};

/// How a simulated VM differs from a healthy one. The default is the healthy one.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// The VM's name.
    pub vm_name: String,
    /// Is the system-assigned identity on?
    pub system_assigned: bool,
    /// The user-assigned identities by name, among those of [`vm::USER`].
    pub user_assigned: Vec<String>,
    /// The roles that each identity of the VM holds on the VM.
    pub roles: Vec<String>,
    /// How long ago the roles were granted.
    pub role_age_seconds: i64,
    /// `false`: the roles are listed, but not yet in force.
    pub role_effective: bool,
    /// The name of a deny assignment in force; empty for none.
    pub role_denied: String,
    /// More role assignments.
    pub assignment: Vec<Assignment>,
    /// That many more assignments of Reader to the first identity, on the subscription: for load.
    pub extra_assignments: usize,
    /// Deny assignments, beyond that of `role_denied`.
    pub deny: Vec<Deny>,
    /// So many items to a page in Azure Resource Manager's lists of permissions and assignments; 0 for one page.
    pub page_size: usize,
    /// What such a list does wrong when it has a second page.
    pub page_fault: Option<PageFault>,
    /// The data services that exist.
    pub data: Vec<Data>,
    /// What is at 169.254.169.254:80.
    pub metadata: Metadata,
    /// The metadata service takes that much longer for every answer.
    pub metadata_delay_ms: u64,
    /// Answers of the metadata service come through the guest proxy agent, which marks them.
    pub guest_proxy_agent: bool,
    /// The machine's own interfaces and routes.
    pub network: LocalTable,
    /// The packet filter's rules that are about the metadata service.
    pub rule: Vec<FirewallRule>,
    /// `true`: the packet filter's rules may not be read, as by anybody but root.
    pub rules_unread: bool,
    /// Chains of the packet filter that cannot be followed: `inet filter input`.
    pub rules_unfollowed: Vec<String>,
    /// What is at localhost:50342.
    pub retired: Retired,
    /// Whether Azure Resource Manager is there.
    pub arm: Arm,
    /// Whether its name resolves.
    pub arm_name: ArmName,
    /// The certificate it shows.
    pub arm_certificate: ArmCertificate,
    /// How far the VM's clock runs ahead of Azure's; negative: behind.
    pub clock_offset_seconds: i64,
    /// The azEnvironment of the VM.
    pub cloud: String,
    /// How midoctor is called in this scenario.
    pub command: Command,
    /// Variables set on the machine.
    pub environment: BTreeMap<String, String>,
    /// What the process or unit that the command names is started with.
    pub unit: Unit,
    /// Files on the machine that differ; an empty text means that the file is absent.
    pub files: BTreeMap<String, String>,
    /// Files that are there and that this user may not read.
    pub unreadable: Vec<String>,
    /// What is behind the proxy that the variables name, for plain HTTP.
    pub proxy: Behind,
    /// What is odd about the tokens that are issued.
    pub token: TokenOddities,
    /// Answers given word for word, first match wins.
    #[serde(skip)]
    pub literals: Vec<Literal>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            vm_name: vm::NAME.to_owned(),
            system_assigned: true,
            user_assigned: Vec::new(),
            roles: vec!["Reader".to_owned()],
            role_age_seconds: 8_000_000,
            role_effective: true,
            role_denied: String::new(),
            assignment: Vec::new(),
            extra_assignments: 0,
            deny: Vec::new(),
            page_size: 0,
            page_fault: None,
            data: Vec::new(),
            metadata: Metadata::Answers,
            metadata_delay_ms: 0,
            guest_proxy_agent: false,
            network: LocalTable::default(),
            rule: Vec::new(),
            rules_unread: false,
            rules_unfollowed: Vec::new(),
            retired: Retired::Refused,
            arm: Arm::Answers,
            arm_name: ArmName::Resolves,
            arm_certificate: ArmCertificate::Trusted,
            clock_offset_seconds: 0,
            cloud: "AzurePublicCloud".to_owned(),
            command: Command::default(),
            environment: BTreeMap::new(),
            unit: Unit::default(),
            files: BTreeMap::new(),
            unreadable: Vec::new(),
            proxy: Behind::BadGateway,
            token: TokenOddities::default(),
            literals: Vec::new(),
        }
    }
}

/// What is at the metadata service's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metadata {
    /// The metadata service.
    Answers,
    /// Packets vanish.
    Silent,
    /// Nothing listens.
    Refused,
    /// There is no route.
    Unroutable,
}

/// What is at the retired VM extension's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retired {
    /// Nothing listens, as it should be.
    Refused,
    /// The retired VM extension.
    Extension,
    /// Azure Cloud Shell, which still serves a user's tokens there.
    CloudShell,
    /// A home-made relay that passes requests on to the metadata service.
    Shim,
}

/// Whether Azure Resource Manager can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arm {
    /// It answers.
    Answers,
    /// Packets vanish.
    Silent,
    /// The connection is refused.
    Refused,
}

/// Whether Azure Resource Manager's name resolves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArmName {
    /// It does.
    Resolves,
    /// It does not.
    Unknown,
}

/// The certificate shown in the name of Azure Resource Manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ArmCertificate {
    /// Signed by an authority the machine knows.
    Trusted,
    /// Signed by an authority nobody knows.
    Stranger,
    /// Signed by a gateway's authority that was added to the machine's list and is on no other.
    Inspected,
    /// Signed by an authority that Mozilla's list knows and the machine does not.
    PlatformLacks,
    /// Out of date.
    Expired,
    /// Not valid yet.
    NotYetValid,
    /// Made out to another name.
    OtherName,
}

/// How midoctor is called in a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Command {
    /// Values of `--identity`.
    pub identity: Vec<String>,
    /// Values of `--resource`.
    pub resource: Vec<String>,
    /// Values of `--require`.
    pub require: Vec<String>,
    /// Values of `--probe`.
    pub probe: Vec<String>,
    /// Values of `--trust-host`.
    pub trust_host: Vec<String>,
    /// Value of `--arm-endpoint`.
    pub arm_endpoint: Option<String>,
    /// Value of `--pid`.
    pub pid: Option<u32>,
    /// Value of `--unit`.
    pub unit: Option<String>,
    /// With `-v`?
    pub verbose: bool,
}

/// The process or unit whose environment is judged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Unit {
    /// What the unit's files declare.
    pub environment: BTreeMap<String, String>,
    /// What the process was started with; absent when it does not run or may not be read.
    pub process: Option<BTreeMap<String, String>>,
    /// Is the process in a network namespace of its own?
    pub other_network: bool,
    /// What could not be read, with the right that is missing.
    pub unread: Vec<String>,
}

/// What is odd about issued tokens; the default is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenOddities {
    /// Issued that long ago; negative: in the future.
    pub age_seconds: i64,
    /// Replaces `aud`.
    pub audience: Option<String>,
    /// Replaces `iss`.
    pub issuer: Option<String>,
    /// Replaces `tid`, and with it the tenant in `iss`.
    pub tid: Option<String>,
    /// Replaces `oid` and `sub`.
    pub oid: Option<String>,
    /// Replaces `xms_mirid`.
    pub xms_mirid: Option<String>,
    /// Replaces `xms_az_rid`.
    pub xms_az_rid: Option<String>,
    /// What is issued is not a JWT.
    pub malformed: bool,
}

impl Scenario {
    /// Reads a scenario from the text of its toml block and of its http blocks.
    pub fn parse(toml: Option<&str>, http: &[&str]) -> Result<Self, String> {
        let mut scenario: Self = match toml {
            // By way of JSON's values: a reader of its own for these structs would be an eighth of a megabyte of the program.
            Some(text) => toml::from_str::<Value>(text)
                .map_err(|error| error.to_string())
                .and_then(|value| serde_json::from_value(value).map_err(|error| error.to_string()))
                .map_err(|why| format!("toml block: {why}"))?,
            None => Self::default(),
        };
        renamed::check(&scenario.vm_name).map_err(|why| format!("toml block: vm_name: {why}"))?;
        for name in &scenario.user_assigned {
            if !vm::USER.iter().any(|identity| identity.name == Some(name)) {
                return Err(format!("toml block: user_assigned: there is no identity {name:?}"));
            }
        }
        for name in &scenario.roles {
            if roles::named(name).is_none() {
                return Err(format!("toml block: roles: there is no role {name:?}"));
            }
        }
        scenario.check_tables().map_err(|why| format!("toml block: {why}"))?;
        for block in http {
            let first = block.lines().next().unwrap_or_default();
            scenario.literals.push(Literal::parse(block).map_err(|why| format!("http block {first:?}: {why}"))?);
        }
        Ok(scenario)
    }

    /// Gives the VM this name.
    ///
    /// # Errors
    /// Why no VM can have it.
    pub fn rename(&mut self, name: &str) -> Result<(), String> {
        renamed::check(name)?;
        name.clone_into(&mut self.vm_name);
        Ok(())
    }

    /// What is wrong in the tables that come in numbers.
    fn check_tables(&self) -> Result<(), String> {
        for entry in &self.assignment {
            entry.check().map_err(|why| format!("assignment: {why}"))?;
        }
        for entry in &self.deny {
            entry.check().map_err(|why| format!("deny: {why}"))?;
        }
        for (index, entry) in self.data.iter().enumerate() {
            entry.check().map_err(|why| format!("data: {why}"))?;
            if self.data[..index].iter().any(|other| other.host == entry.host) {
                return Err(format!("data: host: {:?} comes twice", entry.host));
            }
        }
        Ok(())
    }

    /// The data service at a host.
    pub fn data_at(&self, host: &str) -> Option<&Data> {
        self.data.iter().find(|data| data.host.eq_ignore_ascii_case(host))
    }
}

#[cfg(test)]
#[path = "scenario_tests.rs"]
mod tests;
