//! The questions that the program asks by HTTP: how each is told from the others, and what makes the program ask it.

use super::server::Asked;

/// A question, or several of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// The VM's own document.
    Instance,
    /// The tenant of the system-assigned identity.
    Info,
    /// A token.
    Token,
    /// Azure Resource Manager, without a token.
    Door,
    /// The VM at Azure Resource Manager.
    Vm,
    Permissions,
    Assignments,
    Definitions,
    Deny,
    /// A data service, without a token.
    Data,
    /// A data service, with a token.
    DataWithToken,
    /// The endpoint of the old VM extension.
    Retired,
}

pub const MANAGER: &str = "management.azure.com";
pub const VAULT: &str = "kv-doctor.vault.azure.net";
/// A role that no table knows, so that its definition decides.
const CUSTOM_ROLE: &str = "6b1e0f3a-92c4-4d58-8a7e-5f0d3c9b2e17";

impl Question {
    pub const ALL: [Self; 12] = [
        Self::Instance,
        Self::Info,
        Self::Token,
        Self::Door,
        Self::Vm,
        Self::Permissions,
        Self::Assignments,
        Self::Definitions,
        Self::Deny,
        Self::Data,
        Self::DataWithToken,
        Self::Retired,
    ];

    /// For the name of a case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Info => "info",
            Self::Token => "token",
            Self::Door => "manager without a token",
            Self::Vm => "VM",
            Self::Permissions => "permissions",
            Self::Assignments => "assignments",
            Self::Definitions => "definitions",
            Self::Deny => "deny assignments",
            Self::Data => "data without a token",
            Self::DataWithToken => "data with a token",
            Self::Retired => "retired endpoint",
        }
    }

    /// Is this it?
    pub fn is(self, asked: &Asked) -> bool {
        let authorization = |kind: &str| asked.url.contains(&format!("/providers/Microsoft.Authorization/{kind}"));
        let at = |start: &str| asked.url.starts_with(start);
        match self {
            Self::Instance => at("http://169.254.169.254/metadata/instance?"),
            Self::Info => at("http://169.254.169.254/metadata/identity/info?"),
            Self::Token => at("http://169.254.169.254/metadata/identity/oauth2/token?"),
            Self::Door => at("https://management.azure.com/subscriptions/") && !asked.has_token(),
            Self::Vm => at("https://management.azure.com/") && asked.url.contains("/virtualMachines/vm-doctor-01?"),
            Self::Permissions => authorization("permissions?"),
            Self::Assignments => authorization("roleAssignments?"),
            Self::Definitions => authorization("roleDefinitions/"),
            Self::Deny => authorization("denyAssignments?"),
            Self::Data => at("https://kv-doctor.vault.azure.net/") && !asked.has_token(),
            Self::DataWithToken => at("https://kv-doctor.vault.azure.net/") && asked.has_token(),
            Self::Retired => at("http://localhost:50342/"),
        }
    }

    /// What the VM has beyond the usual.
    pub fn scenario(self) -> &'static str {
        match self {
            Self::Data | Self::DataWithToken => {
                "[[assignment]]\nrole = \"Key Vault Secrets User\"\nscope = \"resource-group\"\n\
                 [[data]]\nhost = \"kv-doctor.vault.azure.net\"\n"
            }
            // One that does not forbid what is required, and that has to be read to know so.
            Self::Deny => "[[deny]]\nname = \"keep it\"\nactions = [\"Microsoft.Compute/virtualMachines/delete\"]\n",
            Self::Retired => "retired = \"extension\"",
            _ => "",
        }
    }

    /// What has to be typed for it to be asked, and to matter.
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Definitions => &["--require", CUSTOM_ROLE],
            Self::Data | Self::DataWithToken => &["--probe", "https://kv-doctor.vault.azure.net"],
            // It is worth a warning at most.
            Self::Retired => &["--fail-on", "warn"],
            _ => &[],
        }
    }
}
