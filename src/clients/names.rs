//! Several clients and what they would do, said in few words: an SDK by its language where both of its credentials do the same.

use super::row::{AsWhom, Row, Source};

/// The SDKs: the rows of their two credentials, and the language.
const SDKS: [(&str, &str, &str); 7] = [
    ("python-managed", "python-default", "Python"),
    ("python-aio-managed", "python-aio-default", "Python asyncio"),
    ("dotnet-managed", "dotnet-default", ".NET"),
    ("java-managed", "java-default", "Java"),
    ("node-managed", "node-default", "Node.js"),
    ("go-managed", "go-default", "Go"),
    // It has no DefaultAzureCredential.
    ("rust-managed", "rust-managed", "Rust"),
];

/// The others, by row.
const OTHERS: [(&str, &str); 7] = [
    ("msal-python", "MSAL for Python"),
    ("msal-node", "MSAL for Node.js"),
    ("azure-cli", "Azure CLI"),
    ("azure-powershell", "Azure PowerShell"),
    ("msrestazure", "msrestazure"),
    ("app-authentication", "AppAuthentication"),
    ("go-autorest", "go-autorest"),
];

/// Every one of these clients, named: `the Azure SDKs for Python and Go, DefaultAzureCredential for Java, and Azure CLI`.
pub fn in_words(rows: &[&Row]) -> String {
    let has = |id: &str| rows.iter().any(|row| row.id == id);
    let (mut both, mut managed, mut default) = (Vec::new(), Vec::new(), Vec::new());
    for (first, second, language) in SDKS {
        match (has(first), has(second)) {
            (true, true) => both.push(language),
            (true, false) => managed.push(language),
            (false, true) => default.push(language),
            (false, false) => {}
        }
    }
    for languages in [&mut both, &mut managed, &mut default] {
        // Where asyncio makes no difference it goes without saying.
        if languages.first() == Some(&"Python") {
            languages.retain(|language| *language != "Python asyncio");
        }
    }
    let mut parts = Vec::new();
    match both[..] {
        [] => {}
        [one] => parts.push(format!("the Azure SDK for {one}")),
        _ => parts.push(format!("the Azure SDKs for {}", list(&both))),
    }
    for (credential, languages) in [("ManagedIdentityCredential", managed), ("DefaultAzureCredential", default)] {
        if !languages.is_empty() {
            parts.push(format!("{credential} for {}", list(&languages)));
        }
    }
    parts.extend(OTHERS.iter().filter(|(id, _)| has(id)).map(|(_, name)| (*name).to_owned()));
    // After a part that could go on, a comma says that it does not.
    match &parts[..] {
        [before @ .., last] if before.iter().any(|part| part.contains(" for ")) => {
            format!("{}, and {last}", before.join(", "))
        }
        _ => list(&parts),
    }
}

/// `a`, `a and b`, `a, b and c`.
fn list(items: &[impl AsRef<str>]) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [before @ .., last] => {
            let before: Vec<&str> = before.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", before.join(", "), last.as_ref())
        }
    }
}

/// What these clients, who all do the same, would do, as the end of a sentence about them: `asks App Service's token endpoint at
/// http://…`.
pub fn deed(rows: &[&Row]) -> String {
    let Some(row) = rows.first() else { return String::new() };
    // No name holds either of these.
    let names = in_words(rows);
    let one = !names.contains(" and ") && !names.contains(", ");
    let verb = |singular: &str, plural: &str| if one { singular.to_owned() } else { plural.to_owned() };
    let address = row.address.as_deref().unwrap_or("an address that is not known");
    let whom = match &row.identity {
        AsWhom::ManagedIdentity(id) => format!(" for the identity with client ID {id}"),
        AsWhom::Application(id) => format!(" as the application {id}"),
        AsWhom::HostsDefault | AsWhom::Unknown | AsWhom::Nobody => String::new(),
    };
    match row.source {
        Source::Metadata => format!("{} the metadata service{whom}", verb("asks", "ask")),
        Source::OtherHost => format!("{} {address} in place of the metadata service{whom}", verb("asks", "ask")),
        Source::AppService
        | Source::ServiceFabric
        | Source::CloudShell
        | Source::MachineLearning
        | Source::AzureArc
        | Source::Retired => format!("{} {} at {address}{whom}", verb("asks", "ask"), row.source.in_words()),
        Source::WorkloadIdentity => {
            format!("{} in at {address}{whom}, by workload identity", verb("signs", "sign"))
        }
        Source::ServicePrincipal => format!("{} in at {address}{whom}", verb("signs", "sign")),
        Source::User => format!("{} in at {address} with a user's password", verb("signs", "sign")),
        Source::DeveloperTools => {
            format!(
                "{} no managed identity and {} a developer's sign-in",
                verb("takes", "take"),
                verb("looks for", "look for")
            )
        }
        Source::Unknown => format!("{} where {} own settings say", verb("goes", "go"), verb("its", "their")),
        Source::Nowhere => format!("{} at once: {}", verb("fails", "fail"), row.why),
    }
}
