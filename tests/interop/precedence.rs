//! The table of what each client would do, held against the clients: for every combination of variables the real one is asked
//! for a token, with a listener at every address where it could ask, and where it went must be where the table says.

use std::fs;

use midoctor::clients::{self, ARC_AGENT_LINUX, AsWhom, Row, Setting, Source};

use crate::combinations::{Combination, Values};
use crate::driver::{Driver, Real, Seen};
use crate::listeners::{Asked, Place};
use crate::namespace::place;

/// A client, its name for people, and the row of the table that is about it. Those that take long come first.
pub const CLIENTS: [(Real, &str, &str); 11] = [
    (Real::DotNet, "Azure.Identity for .NET", "dotnet-default"),
    (Real::Node("default"), "@azure/identity for Node, DefaultAzureCredential", "node-default"),
    (Real::Node("managed"), "@azure/identity for Node, ManagedIdentityCredential", "node-managed"),
    (Real::Python("managed"), "azure-identity for Python, ManagedIdentityCredential", "python-managed"),
    (Real::Python("aio-managed"), "azure.identity.aio, ManagedIdentityCredential", "python-aio-managed"),
    (Real::Python("default"), "azure-identity for Python, DefaultAzureCredential", "python-default"),
    (Real::Python("aio-default"), "azure.identity.aio, DefaultAzureCredential", "python-aio-default"),
    (Real::Python("msal"), "MSAL for Python", "msal-python"),
    (Real::Python("azure-cli"), "az login --identity", "azure-cli"),
    (Real::Python("msrestazure"), "msrestazure", "msrestazure"),
    (Real::Node("msal"), "@azure/msal-node", "msal-node"),
];

/// What was seen on the wire, in the table's words.
#[derive(Debug, PartialEq, Eq)]
struct Went {
    /// The same requests can stand for more than one.
    sources: Vec<Source>,
    address: Option<String>,
    identity: AsWhom,
}

/// Plays every combination with this client and holds each against its row.
pub fn agrees(client: Real, row: &str) {
    let mut driver = Driver::start(client);
    let home = std::env::temp_dir();
    fs::write(home.join("federated"), "federated").unwrap();
    let values = Values {
        thumbprint: driver.listeners.thumbprint.clone(),
        certificate: driver.certificate.display().to_string(),
        federated: home.join("federated").display().to_string(),
    };
    // Azure CLI takes ten times as long as the library within it, the .NET client longer still.
    let combinations = match client {
        Real::DotNet => values.dotnet(),
        Real::Python("azure-cli") => values.managed(true),
        _ if row.ends_with("-default") => [values.default(), values.empty()].concat(),
        _ => [values.managed(false), values.empty()].concat(),
    };
    let mut wrong = Vec::new();
    for combination in &combinations {
        place::arc_agent(combination.files.contains(ARC_AGENT_LINUX));
        let seen = driver.play(&combination.variables);
        wrong.extend(disagreement(&row_of(row, combination), &seen, combination));
    }
    assert!(
        wrong.is_empty(),
        "{} of {} combinations differ from the table:\n{}",
        wrong.len(),
        combinations.len(),
        wrong.join("\n")
    );
}

fn row_of(id: &str, combination: &Combination) -> Row {
    let setting = Setting { variables: &combination.variables, files: &combination.files };
    clients::table(&setting).into_iter().find(|row| row.id == id).unwrap()
}

fn disagreement(row: &Row, seen: &Seen, combination: &Combination) -> Option<String> {
    let went = went(seen);
    // Whoever is signed in to Cloud Shell is named by nothing on the wire.
    let in_cloud_shell = row.source == Source::CloudShell && row.identity == AsWhom::Unknown;
    let identity = if in_cloud_shell { went.identity == AsWhom::HostsDefault } else { went.identity == row.identity };
    let agrees = went.sources.contains(&row.source) && went.address == row.address && identity;
    (!agrees).then(|| {
        let files: Vec<&String> = combination.files.iter().collect();
        let requests: Vec<String> =
            seen.requests.iter().map(|asked| format!("{} {}", asked.method, asked.address())).collect();
        format!(
            "with {:?} {files:?}\n  the client: {:?} {:?} {:?}: {requests:?} {:?} {}\n  the table:  {:?} {:?} {:?}: {}",
            combination.variables,
            went.sources,
            went.address,
            went.identity,
            seen.programs,
            seen.said.chars().take(300).collect::<String>(),
            row.source,
            row.address,
            row.identity,
            row.why,
        )
    })
}

/// The first request for a token tells where the client went and as whom.
fn went(seen: &Seen) -> Went {
    // Without the header that the metadata service demands a request only asks whether somebody is there.
    let is_probe =
        |asked: &&Asked| matches!(asked.place, Place::Metadata | Place::Pod) && asked.header("metadata").is_none();
    // Entra's discovery comes before the request that shows who asks.
    let is_discovery = |asked: &&Asked| asked.place == Place::Entra && asked.method == "GET";
    let first = seen.requests.iter().find(|asked| !is_probe(asked) && !is_discovery(asked));
    match first {
        Some(asked) if asked.place == Place::Entra => Went {
            sources: vec![entra(asked)],
            address: Some(format!("https://{}", asked.header("host").unwrap_or_default())),
            identity: match asked.field("client_id") {
                Some(id) if asked.field("username").is_none() => AsWhom::Application(id.to_owned()),
                _ => AsWhom::Unknown,
            },
        },
        Some(asked) => Went {
            sources: sources(asked),
            address: Some(asked.address()),
            identity: match asked.field("client_id").or(asked.field("clientid")) {
                Some(id) => AsWhom::ManagedIdentity(id.to_owned()),
                None => AsWhom::HostsDefault,
            },
        },
        // A browser is started as well for a person to sign in.
        _ if !seen.programs.is_empty() => {
            Went { sources: vec![Source::DeveloperTools], address: None, identity: AsWhom::Unknown }
        }
        _ => Went { sources: vec![Source::Nowhere], address: None, identity: AsWhom::Nobody },
    }
}

fn entra(asked: &Asked) -> Source {
    match asked.field("client_assertion") {
        Some("federated") => Source::WorkloadIdentity,
        None if asked.field("username").is_some() => Source::User,
        _ => Source::ServicePrincipal,
    }
}

/// What a request for a token is, by its form. Some forms serve two sources.
fn sources(asked: &Asked) -> Vec<Source> {
    let has = |header: &str| asked.header(header).is_some();
    match asked.place {
        Place::Metadata => vec![Source::Metadata],
        Place::Pod | Place::Msal => vec![Source::OtherHost],
        Place::Arc => vec![Source::AzureArc],
        Place::Retired => vec![Source::Retired, Source::CloudShell],
        _ if has("x-identity-header") => vec![Source::AppService],
        _ if has("secret") && asked.field("api-version") == Some("2019-07-01-preview") => vec![Source::ServiceFabric],
        // Azure ML took its protocol from the first one of App Service.
        _ if has("secret") => vec![Source::MachineLearning, Source::AppService],
        _ if has("metadata") && asked.method == "POST" => vec![Source::CloudShell],
        _ if has("metadata") => vec![Source::AzureArc],
        _ => Vec::new(),
    }
}
