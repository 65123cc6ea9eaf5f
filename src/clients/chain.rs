//! DefaultAzureCredential, language by language: what it tries before a managed identity, what AZURE_TOKEN_CREDENTIALS leaves of
//! it, and what is next where a managed identity cannot be had without asking.

use super::Setting;
use super::pick::Pick;
use super::row::{AsWhom, Source};
use super::source;

const TENANT: &str = "AZURE_TENANT_ID";
const CLIENT: &str = "AZURE_CLIENT_ID";
const SECRET: &str = "AZURE_CLIENT_SECRET";
const CERTIFICATE: &str = "AZURE_CLIENT_CERTIFICATE_PATH";
const USERNAME: &str = "AZURE_USERNAME";
const PASSWORD: &str = "AZURE_PASSWORD";
const TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
const CHOICE: &str = "AZURE_TOKEN_CREDENTIALS";

/// A language's SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Python,
    /// Python's asyncio, `azure.identity.aio`.
    PythonAsync,
    DotNet,
    Java,
    Node,
    Go,
}

impl Language {
    fn is_python(self) -> bool {
        matches!(self, Self::Python | Self::PythonAsync)
    }
}

/// What AZURE_TOKEN_CREDENTIALS leaves of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    All,
    Production,
    Developer,
    Environment,
    Workload,
    Managed,
    Invalid,
}

impl Choice {
    fn has(self, one: Self) -> bool {
        self == one || matches!(self, Self::All | Self::Production)
    }
}

/// Names of developers' credentials that the languages know (their DefaultAzureCredential sources).
fn is_developer_credential(language: Language, name: &str) -> bool {
    let own: &[&str] = match language {
        Language::Python => {
            &["visualstudiocodecredential", "azurepowershellcredential", "interactivebrowsercredential"]
        }
        Language::PythonAsync => &["visualstudiocodecredential", "azurepowershellcredential"],
        Language::DotNet => &[
            "visualstudiocredential",
            "visualstudiocodecredential",
            "azurepowershellcredential",
            "interactivebrowsercredential",
            "brokercredential",
        ],
        Language::Java => &["intellijcredential", "azurepowershellcredential", "visualstudiocodecredential"],
        Language::Node => &["visualstudiocodecredential", "azurepowershellcredential"],
        Language::Go => &["azurepowershellcredential"],
    };
    ["azureclicredential", "azuredeveloperclicredential"].contains(&name) || own.contains(&name)
}

/// Go takes `dev` and `prod` as they are spelled, and an empty value for a wrong one; the others trim, and ignore case.
fn choice(setting: &Setting, language: Language) -> Choice {
    let Some(value) = setting.raw(CHOICE) else { return Choice::All };
    let name = match language {
        Language::Go => value.to_ascii_lowercase(),
        _ => value.trim().to_lowercase(),
    };
    match name.as_str() {
        "" if language != Language::Go => Choice::All,
        "dev" | "prod" if language == Language::Go && value != name => Choice::Invalid,
        "dev" => Choice::Developer,
        "prod" => Choice::Production,
        "environmentcredential" => Choice::Environment,
        "workloadidentitycredential" => Choice::Workload,
        "managedidentitycredential" => Choice::Managed,
        other if is_developer_credential(language, other) => Choice::Developer,
        _ => Choice::Invalid,
    }
}

/// Does it look whether the metadata service is there before it insists? Alone in the chain, managed identity does not.
pub(super) fn probes(setting: &Setting, language: Language) -> bool {
    choice(setting, language) != Choice::Managed
}

/// What DefaultAzureCredential of this language does first.
pub(super) fn default(setting: &Setting, language: Language) -> Pick {
    let choice = choice(setting, language);
    if choice == Choice::Invalid {
        return Pick::nowhere(vec![CHOICE], "“Invalid value for AZURE_TOKEN_CREDENTIALS”");
    }
    // Python checks this before anything else (_internal/utils.py, normalize_authority).
    let insecure = |value: &str| value.split_once("://").is_some_and(|(scheme, _)| scheme != "https");
    if language.is_python() && setting.variable("AZURE_AUTHORITY_HOST").is_some_and(insecure) {
        return Pick::nowhere(vec!["AZURE_AUTHORITY_HOST"], "“is an invalid authority”: it is not https");
    }
    let pick = by_chain(setting, language, choice);
    if choice == Choice::All { pick } else { pick.and(&[CHOICE]) }
}

fn by_chain(setting: &Setting, language: Language, choice: Choice) -> Pick {
    if choice.has(Choice::Environment)
        && let Some(pick) = environment(setting, language)
    {
        return pick;
    }
    let client = setting.variable(CLIENT);
    if choice.has(Choice::Workload)
        && setting.all(&[TENANT, TOKEN_FILE])
        && let Some(client) = client
    {
        return source::workload(setting, client);
    }
    match choice {
        Choice::Environment | Choice::Workload => {
            Pick::nowhere(vec![CHOICE], "AZURE_TOKEN_CREDENTIALS names a credential that nothing else is set for")
        }
        Choice::Developer => Pick::developer(vec![CHOICE], "AZURE_TOKEN_CREDENTIALS leaves managed identity out"),
        _ => managed(setting, language, choice),
    }
}

/// The managed identity in the chain: it asks for the one that AZURE_CLIENT_ID names.
fn managed(setting: &Setting, language: Language, choice: Choice) -> Pick {
    let client = match language {
        // Set to nothing it still counts as named (default_azure_credential.go).
        Language::Go => setting.raw(CLIENT),
        _ => setting.variable(CLIENT),
    };
    let pick = match language {
        Language::Python => source::python(setting, client, choice != Choice::Managed),
        Language::PythonAsync => source::python_aio(setting, client, choice != Choice::Managed),
        Language::DotNet => source::dotnet(setting, client),
        Language::Java => source::java(setting, client),
        Language::Node => source::node(setting, client),
        Language::Go => source::go(setting, client),
    };
    let pick = if client.is_some() { pick.and(&[CLIENT]) } else { pick };
    let goes_on = pick.source == Source::Nowhere && choice == Choice::All && goes_on(setting, &pick, language);
    if goes_on { Pick::developer(pick.decided_by, pick.why) } else { pick }
}

/// Is the next credential tried after this failure? In Python it is where the failure is one of the metadata service's part
/// (imds.py) or of none, and not where it is another host's; where the constructor fails there is no chain.
fn goes_on(setting: &Setting, pick: &Pick, language: Language) -> bool {
    let has = |name: &str| setting.variable(name).is_some();
    match language {
        Language::Python | Language::PythonAsync if has("IDENTITY_ENDPOINT") => !has("IDENTITY_HEADER"),
        Language::Python | Language::PythonAsync => {
            !has("MSI_ENDPOINT") && pick.decided_by.first() != Some(&TOKEN_FILE)
        }
        // assumed: MSAL's refusal of a client ID ends the chain.
        Language::DotNet => false,
        Language::Java | Language::Node | Language::Go => true,
    }
}

/// EnvironmentCredential: a secret, a certificate, a user's password. `None` when it is not set up, so that the chain goes on.
fn environment(setting: &Setting, language: Language) -> Option<Pick> {
    let application = || AsWhom::Application(setting.variable(CLIENT).unwrap_or_default().to_owned());
    let principal = |variable, why| {
        Pick::entra(setting, Source::ServicePrincipal, application(), vec![variable, TENANT, CLIENT], why)
    };
    for (variable, why) in [
        (SECRET, "a service principal's secret comes before managed identity"),
        (CERTIFICATE, "a service principal's certificate comes before managed identity"),
    ] {
        let names = [variable, TENANT, CLIENT];
        if setting.all(&names) {
            return Some(principal(variable, why));
        }
        // Python takes an empty one for set, and fails at it (environment.py, client_secret.py).
        if language.is_python() && names.iter().all(|name| setting.is_set(name)) {
            return Some(Pick::nowhere(names.to_vec(), "one of the service principal's variables is set to nothing"));
        }
    }
    if language == Language::PythonAsync {
        return None;
    }
    // Python and Java need no tenant for this (environment.py, EnvironmentCredential.java), and asyncio has it not.
    let by = match language {
        Language::Python | Language::Java => vec![USERNAME, PASSWORD, CLIENT],
        _ => vec![USERNAME, PASSWORD, CLIENT, TENANT],
    };
    setting.all(&by).then(|| {
        Pick::entra(setting, Source::User, AsWhom::Unknown, by, "a user's password comes before managed identity")
    })
}
