//! The tables of the scenario language that come in numbers: role assignments, deny assignments, data services.
//!
//! The language only; what follows from them is in `access` and `data`.

use serde::Deserialize;

use crate::azure::service::Service;
use crate::simulator::scenario::ArmCertificate;
use crate::simulator::{roles, scopes, vm};

/// A role assignment beyond those that `roles` makes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Assignment {
    /// The role's name, as in data/roles.json, or that of a custom role.
    pub role: String,
    /// `vm`, `child` (below the VM), `resource-group`, `other-group`, `subscription`, `management-group`, or an ARM ID.
    pub scope: String,
    /// `system`, `id-app` or `id-batch`; none for every identity of the VM.
    pub identity: Option<String>,
    /// The object ID of the group that holds the role, of which the identity is a member.
    pub group: Option<String>,
    /// A condition, which is listed and (assumed) has no effect on permissions and on what is let through.
    pub condition: Option<String>,
    /// How long ago it was made; none for `role_age_seconds`.
    pub age_seconds: Option<i64>,
    /// `false`: it is listed, but not yet in force.
    pub effective: bool,
}

impl Default for Assignment {
    fn default() -> Self {
        Self {
            role: String::new(),
            scope: "vm".to_owned(),
            identity: None,
            group: None,
            condition: None,
            age_seconds: None,
            effective: true,
        }
    }
}

/// A deny assignment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Deny {
    /// Its name.
    pub name: String,
    /// As an assignment's.
    pub scope: String,
    /// The actions it denies.
    pub actions: Vec<String>,
    /// The actions it leaves out.
    pub not_actions: Vec<String>,
    /// The actions on data it denies.
    pub data_actions: Vec<String>,
    /// The actions on data it leaves out.
    pub not_data_actions: Vec<String>,
    /// Whom it denies them: `everyone`, `system`, `id-app`, `id-batch`, a GUID, or `group:GUID`.
    pub principals: Vec<String>,
    /// Whom it leaves out, in the same words.
    pub exclude: Vec<String>,
    /// `false`: it does not apply below its scope.
    pub children: bool,
}

impl Default for Deny {
    fn default() -> Self {
        Self {
            name: String::new(),
            scope: "resource-group".to_owned(),
            actions: Vec::new(),
            not_actions: Vec::new(),
            data_actions: Vec::new(),
            not_data_actions: Vec::new(),
            principals: vec!["everyone".to_owned()],
            exclude: Vec::new(),
            children: true,
        }
    }
}

/// A data service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// Its host, which says which service it is; one of no known service is a plain API.
    pub host: String,
    /// The audience that a plain API wants; `https://HOST` when none is given. Azure's services know their own.
    pub audience: Option<String>,
    /// Who is let in.
    pub access: Access,
    /// What lies between the VM and the service.
    pub network: Network,
    /// The tenant it belongs to; none for that of the VM.
    pub tenant: Option<String>,
    /// The certificate it shows.
    pub certificate: ArmCertificate,
    /// What its name resolves to.
    pub addresses: Vec<String>,
}

impl Default for Data {
    fn default() -> Self {
        Self {
            host: String::new(),
            audience: None,
            access: Access::Roles,
            network: Network::Open,
            tenant: None,
            certificate: ArmCertificate::Trusted,
            addresses: vec!["20.50.1.10".to_owned()],
        }
    }
}

/// Whom a data service lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Who holds a role that allows the action on the service, which is a resource in rg-doctor; a plain API knows no
    /// roles and lets nobody in.
    Roles,
    /// Who is in Key Vault's access policy: nobody.
    Policy,
    /// Everybody.
    Admits,
}

/// What lies between the VM and a data service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// Nothing.
    Open,
    /// The service's firewall, which does not know the VM's address.
    Firewall,
    /// Public network access is disabled.
    Private,
    /// Packets vanish.
    Silent,
    /// The connection is refused.
    Refused,
    /// The name does not resolve.
    UnknownName,
}

/// What a list that comes in pages does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PageFault {
    /// The second page leads back to the first.
    Loop,
    /// The second page leads to another host.
    OtherHost,
}

/// The identity that a word means.
pub(super) fn identity(word: &str) -> Option<&'static vm::Identity> {
    if word == "system" { Some(&vm::SYSTEM) } else { vm::USER.iter().find(|identity| identity.name == Some(word)) }
}

fn is_guid(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok()
}

fn scope(word: &str) -> Result<(), String> {
    scopes::named(word).map(|_| ()).ok_or_else(|| format!("scope: there is no scope {word:?}"))
}

impl Assignment {
    /// What is wrong with it.
    pub(super) fn check(&self) -> Result<(), String> {
        roles::named(&self.role).ok_or_else(|| format!("role: there is no role {:?}", self.role))?;
        scope(&self.scope)?;
        if let Some(word) = &self.identity {
            identity(word).ok_or_else(|| format!("identity: there is no identity {word:?}"))?;
        }
        match &self.group {
            Some(group) if !is_guid(group) => Err(format!("group: {group:?} is not a GUID")),
            _ => Ok(()),
        }
    }
}

impl Deny {
    /// What is wrong with it.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.name.is_empty() {
            return Err("name: a deny assignment has one".into());
        }
        scope(&self.scope)?;
        for word in self.principals.iter().chain(&self.exclude) {
            let guid = is_guid(word.strip_prefix("group:").unwrap_or(word));
            if !guid && word != "everyone" && identity(word).is_none() {
                return Err(format!("principals: {word:?} is nobody"));
            }
        }
        Ok(())
    }
}

impl Data {
    /// What is wrong with it.
    pub(super) fn check(&self) -> Result<(), String> {
        let host = url::Url::parse(&format!("https://{}/", self.host));
        if self.host.is_empty() || host.is_ok_and(|url| url.host_str() != Some(self.host.as_str())) {
            return Err(format!("host: {:?} is not a name in lower case", self.host));
        }
        if self.audience.is_some() && self.service().is_some() {
            return Err("audience: Azure's services know their own".into());
        }
        if let Some(tenant) = self.tenant.as_ref().filter(|tenant| !is_guid(tenant)) {
            return Err(format!("tenant: {tenant:?} is not a GUID"));
        }
        match self.addresses.iter().find(|address| address.parse::<std::net::IpAddr>().is_err()) {
            Some(address) => Err(format!("addresses: {address:?} is not an IP address")),
            None => Ok(()),
        }
    }

    /// The service it is; none for a plain API.
    pub fn service(&self) -> Option<Service> {
        Service::of(&self.host)
    }

    /// The tenant it belongs to.
    pub fn tenant(&self) -> &str {
        self.tenant.as_deref().unwrap_or(vm::TENANT)
    }

    /// The account's own name: the first label of the host.
    pub fn account(&self) -> &str {
        self.host.split('.').next().unwrap_or_default()
    }
}
