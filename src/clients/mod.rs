//! What each client of managed identities would do in an environment: where it would ask for a token, as whom, through which
//! proxy, and how long it insists. Pure: variables and the presence of a few files in, a table out.
//!
//! It does not judge: which of this is wrong on a VM the checks say.

mod chain;
pub mod first_try;
mod names;
mod others;
pub mod patience;
mod pick;
pub mod proxy;
pub mod roots;
mod row;
mod source;
pub mod system_proxy;
mod table;

pub use names::{deed, in_words};
pub use patience::Patience;
pub use pick::{ARC_AGENT_LINUX, ARC_AGENT_WINDOWS, arc_agent, is_metadata, is_retired};
pub use row::{AsWhom, Row, Source};
pub use table::table;

use std::collections::{BTreeMap, BTreeSet};

/// An environment as a client would find it.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// Its variables; a secret's value reads `(set)`. Most clients take an empty one for unset, some do not.
    pub variables: &'a BTreeMap<String, String>,
    /// Those of the files that clients look for which are there.
    pub files: &'a BTreeSet<String>,
}

impl<'a> Setting<'a> {
    /// A variable that is set and not empty.
    pub fn variable(&self, name: &str) -> Option<&'a str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// The HTTP library of a client: it decides which proxy variables count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stack {
    /// Python requests: Azure CLI, azure-identity, msal, msrestazure.
    Requests,
    /// Python aiohttp: azure.identity.aio.
    Aiohttp,
    /// .NET's HttpClient: Azure.Identity, MSAL.NET, PowerShell 7.
    DotNet,
    /// Java: azure-identity, MSAL4J.
    Java,
    /// Node.js, @azure/core-rest-pipeline: @azure/identity.
    NodePipeline,
    /// Node.js, plain fetch or http: @azure/msal-node.
    NodePlain,
    /// Go's net/http: azidentity, MSAL Go, Terraform, Prometheus.
    Go,
    /// Rust's reqwest: azure_identity, object_store.
    Reqwest,
    /// curl and libcurl: the C++ SDK, shell scripts.
    Curl,
}

#[cfg(test)]
mod tests;
