//! Which variables are set together: every subset of those that clients look at, and what else was found to matter.

use std::collections::BTreeSet;

use midoctor::clients::ARC_AGENT_LINUX;

use crate::driver::Variables;

/// What a client finds.
#[derive(Clone, Debug)]
pub struct Combination {
    pub variables: Variables,
    pub files: BTreeSet<String>,
}

/// The variables that name a source of tokens.
const SOURCES: [&str; 6] = [
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSI_SECRET",
];
/// Those that stand in the place of another, or tell of a place.
const OTHERS: [&str; 5] = [
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "MSAL_MANAGED_IDENTITY_ENDPOINT",
    "AZUREPS_HOST_ENVIRONMENT",
    "ACC_CLOUD",
    "APPSETTING_WEBSITE_SITE_NAME",
];
/// Those that DefaultAzureCredential reads before it thinks of a managed identity. A user comes with the password.
const CHAIN: [&str; 7] = [
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_AUTHORITY_HOST",
    "AZURE_USERNAME",
];
/// Values of AZURE_TOKEN_CREDENTIALS.
const CHOICES: [&str; 9] = [
    "dev",
    "prod",
    "ManagedIdentityCredential",
    "EnvironmentCredential",
    "WorkloadIdentityCredential",
    "AzureCliCredential",
    "nonsense",
    " Prod ",
    "",
];
/// Where Service Fabric's endpoint is: it speaks TLS.
const FABRIC: &str = "https://127.0.0.1:41999/identity/token";

/// What the variables are set to.
pub struct Values {
    /// Of the listeners' certificate.
    pub thumbprint: String,
    /// A certificate with its key.
    pub certificate: String,
    /// A file that holds the text `federated`.
    pub federated: String,
}

impl Values {
    fn value(&self, name: &str) -> &str {
        match name {
            "IDENTITY_ENDPOINT" => "http://127.0.0.1:41999/identity/token",
            "IDENTITY_SERVER_THUMBPRINT" => &self.thumbprint,
            "IMDS_ENDPOINT" => "http://127.0.0.1:40342",
            "MSI_ENDPOINT" => "http://127.0.0.1:41998/msi/token",
            "AZURE_TENANT_ID" => "11111111-1111-1111-1111-111111111111",
            "AZURE_CLIENT_ID" => "22222222-2222-2222-2222-222222222222",
            "DEFAULT_IDENTITY_CLIENT_ID" => "33333333-3333-3333-3333-333333333333",
            "AZURE_CLIENT_CERTIFICATE_PATH" => &self.certificate,
            "AZURE_FEDERATED_TOKEN_FILE" => &self.federated,
            "AZURE_AUTHORITY_HOST" => "https://login.microsoftonline.us/",
            "AZURE_USERNAME" => "user@example.com",
            "AZURE_POD_IDENTITY_AUTHORITY_HOST" => "http://127.0.0.1:41997",
            "MSAL_MANAGED_IDENTITY_ENDPOINT" => "http://127.0.0.1:41996/msal",
            "AZUREPS_HOST_ENVIRONMENT" => "cloud-shell/1.0",
            "ACC_CLOUD" => "PROD",
            _ => "something",
        }
    }

    /// These, set to what they are for, and no file.
    fn set(&self, names: &[&str]) -> Combination {
        let user = names.contains(&"AZURE_USERNAME").then_some("AZURE_PASSWORD");
        let names = names.iter().copied().chain(user);
        let variables = names.map(|name| (name.to_owned(), self.value(name).to_owned())).collect();
        Combination { variables, files: BTreeSet::new() }
    }

    /// What decides where a managed identity is asked for: `few` leaves out what only repeats.
    pub fn managed(&self, few: bool) -> Vec<Combination> {
        let mut all = Vec::new();
        let sources =
            if few { &["IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT", "MSI_SECRET"][..] } else { &SOURCES };
        for names in subsets(sources) {
            let with_id = [&*names, &["AZURE_CLIENT_ID"]].concat();
            for names in if few { vec![names] } else { vec![names, with_id] } {
                all.push(self.set(&names));
                if ["IDENTITY_ENDPOINT", "IDENTITY_SERVER_THUMBPRINT"].iter().all(|name| names.contains(name)) {
                    all.push(self.set(&names).with("IDENTITY_ENDPOINT", FABRIC));
                }
            }
        }
        for names in subsets(&["IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IMDS_ENDPOINT", "MSI_ENDPOINT", "MSI_SECRET"]) {
            if !few || names.len() < 2 {
                all.push(self.set(&names).with_arc_agent());
            }
        }
        for other in OTHERS {
            for names in subsets(&["IDENTITY_ENDPOINT", "MSI_ENDPOINT", "MSI_SECRET"]) {
                if !few || names.len() < 2 {
                    all.push(self.set(&[&*names, &[other]].concat()));
                }
            }
        }
        all.push(self.set(&["AZUREPS_HOST_ENVIRONMENT", "ACC_CLOUD"]));
        for names in subsets(&["MSI_ENDPOINT", "MSI_SECRET"]) {
            all.push(self.set(&[&*names, &["DEFAULT_IDENTITY_CLIENT_ID"]].concat()));
        }
        all.push(self.set(&[]).with("MSI_ENDPOINT", "http://localhost:50342/oauth2/token"));
        for names in
            subsets(&["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"])
        {
            if !few && !names.is_empty() {
                all.push(self.set(&names));
                all.push(self.set(&[&*names, &["MSI_ENDPOINT"]].concat()));
            }
        }
        all
    }

    /// The few that show the rules of a client that takes seconds: sources, a client ID, workload identity, the agent.
    pub fn dotnet(&self) -> Vec<Combination> {
        let sources = ["IDENTITY_ENDPOINT", "IDENTITY_HEADER", "IMDS_ENDPOINT", "MSI_ENDPOINT"];
        let mut all: Vec<Combination> = subsets(&sources).iter().map(|names| self.set(names)).collect();
        for names in [
            &["AZURE_CLIENT_ID"][..],
            &["AZURE_CLIENT_ID", "MSI_ENDPOINT"],
            &["AZURE_CLIENT_ID", "MSI_ENDPOINT", "MSI_SECRET"],
            &["AZURE_CLIENT_ID", "IDENTITY_ENDPOINT", "IDENTITY_HEADER"],
            &["MSI_ENDPOINT", "MSI_SECRET"],
            &["MSI_ENDPOINT", "MSI_SECRET", "DEFAULT_IDENTITY_CLIENT_ID"],
            &["AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE"],
            &["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"],
            &["AZURE_POD_IDENTITY_AUTHORITY_HOST"],
        ] {
            all.push(self.set(names));
        }
        for names in [&[][..], &["AZURE_CLIENT_ID"]] {
            let fabric = [&["IDENTITY_HEADER", "IDENTITY_SERVER_THUMBPRINT"], names].concat();
            all.push(self.set(&fabric).with("IDENTITY_ENDPOINT", FABRIC));
            all.push(self.set(names).with_arc_agent());
        }
        let choice = |one: Combination| one.with("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential");
        all.into_iter().map(choice).collect()
    }

    /// Variables that are set to nothing. An address that is nothing is left out: azure-identity tries it for five seconds.
    pub fn empty(&self) -> Vec<Combination> {
        let mut all: Vec<Combination> = OTHERS[1..].iter().map(|name| self.set(&[]).with(name, "")).collect();
        for (empty, names) in [
            ("IDENTITY_HEADER", subsets(&["IDENTITY_ENDPOINT", "MSI_ENDPOINT", "MSI_SECRET"])),
            ("MSI_SECRET", subsets(&["IDENTITY_ENDPOINT", "IDENTITY_HEADER", "MSI_ENDPOINT"])),
            ("IMDS_ENDPOINT", subsets(&["IDENTITY_ENDPOINT", "MSI_ENDPOINT"])),
            ("IDENTITY_SERVER_THUMBPRINT", subsets(&["IDENTITY_ENDPOINT", "IDENTITY_HEADER"])),
            ("MSI_ENDPOINT", subsets(&["IDENTITY_ENDPOINT", "IDENTITY_HEADER"])),
            ("IDENTITY_ENDPOINT", subsets(&["MSI_ENDPOINT", "IMDS_ENDPOINT"])),
        ] {
            all.extend(names.iter().map(|names| self.set(names).with(empty, "")));
        }
        all
    }

    /// What decides for DefaultAzureCredential.
    pub fn default(&self) -> Vec<Combination> {
        let mut all = Vec::new();
        for names in subsets(&SOURCES) {
            all.push(self.set(&names));
            all.push(self.set(&[&*names, &["AZURE_CLIENT_ID"]].concat()));
        }
        all.extend(OTHERS.iter().map(|name| self.set(&[name])));
        all.push(self.set(&[]).with_arc_agent());
        all.extend(subsets(&CHAIN).iter().map(|names| self.set(names)));
        for choice in CHOICES {
            let mut sets = subsets(&["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"]);
            sets.push(vec!["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"]);
            sets.push(vec!["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"]);
            sets.extend([
                vec!["MSI_ENDPOINT"],
                vec!["IDENTITY_ENDPOINT"],
                vec!["IDENTITY_ENDPOINT", "IDENTITY_HEADER"],
            ]);
            all.extend(sets.iter().map(|names| self.set(names).with("AZURE_TOKEN_CREDENTIALS", choice)));
        }
        for (empty, names) in [
            ("AZURE_TENANT_ID", ["AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE"]),
            ("AZURE_CLIENT_ID", ["AZURE_TENANT_ID", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE"]),
            ("AZURE_CLIENT_SECRET", ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE"]),
            ("AZURE_FEDERATED_TOKEN_FILE", ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"]),
        ] {
            all.extend(subsets(&names).iter().map(|names| self.set(names).with(empty, "")));
        }
        all
    }
}

impl Combination {
    fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    fn with_arc_agent(mut self) -> Self {
        self.files.insert(ARC_AGENT_LINUX.to_owned());
        self
    }
}

/// All subsets, the empty one first.
fn subsets<'a>(names: &[&'a str]) -> Vec<Vec<&'a str>> {
    names.iter().fold(vec![Vec::new()], |mut all, name| {
        let more: Vec<Vec<&str>> = all.iter().map(|one| [&**one, &[*name]].concat()).collect();
        all.extend(more);
        all
    })
}
