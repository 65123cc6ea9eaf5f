//! The clients, and the table itself: a row for each, always in this order.

use super::chain::{self, Language};
use super::pick::Pick;
use super::row::{AsWhom, Row, Source};
use super::{Patience, Setting, Stack, others, patience, proxy, source};

/// A client and its rules.
struct Client {
    id: &'static str,
    name: &'static str,
    stack: Stack,
    pick: fn(&Setting) -> Pick,
    /// The row whose patience it has in this setting.
    patience: fn(&Setting) -> &'static str,
}

/// Every client, in the order of the table.
const CLIENTS: [Client; 20] = [
    Client {
        id: "python-managed",
        name: "Python ManagedIdentityCredential",
        stack: Stack::Requests,
        pick: |setting| source::python(setting, None, true),
        patience: |_| "python-managed",
    },
    Client {
        id: "python-default",
        name: "Python DefaultAzureCredential",
        stack: Stack::Requests,
        pick: |setting| chain::default(setting, Language::Python),
        patience: |setting| {
            if chain::probes(setting, Language::Python) { "python-default" } else { "python-managed" }
        },
    },
    Client {
        id: "python-aio-managed",
        name: "Python asyncio ManagedIdentityCredential",
        stack: Stack::Aiohttp,
        pick: |setting| source::python_aio(setting, None, true),
        patience: |_| "python-aio-managed",
    },
    Client {
        id: "python-aio-default",
        name: "Python asyncio DefaultAzureCredential",
        stack: Stack::Aiohttp,
        pick: |setting| chain::default(setting, Language::PythonAsync),
        patience: |setting| {
            if chain::probes(setting, Language::PythonAsync) { "python-aio-default" } else { "python-aio-managed" }
        },
    },
    Client {
        id: "dotnet-managed",
        name: ".NET ManagedIdentityCredential",
        stack: Stack::DotNet,
        pick: |setting| source::dotnet(setting, None),
        patience: |_| "dotnet-managed",
    },
    Client {
        id: "dotnet-default",
        name: ".NET DefaultAzureCredential",
        stack: Stack::DotNet,
        pick: |setting| chain::default(setting, Language::DotNet),
        patience: |setting| {
            if chain::probes(setting, Language::DotNet) { "dotnet-default" } else { "dotnet-managed" }
        },
    },
    Client {
        id: "java-managed",
        name: "Java ManagedIdentityCredential",
        stack: Stack::Java,
        pick: |setting| source::java(setting, None),
        patience: |_| "java-managed",
    },
    Client {
        id: "java-default",
        name: "Java DefaultAzureCredential",
        stack: Stack::Java,
        pick: |setting| chain::default(setting, Language::Java),
        patience: |_| "java-default",
    },
    Client {
        id: "node-managed",
        name: "Node.js ManagedIdentityCredential",
        stack: Stack::NodePipeline,
        pick: |setting| source::node(setting, None),
        patience: |_| "node-managed",
    },
    Client {
        id: "node-default",
        name: "Node.js DefaultAzureCredential",
        stack: Stack::NodePipeline,
        pick: |setting| chain::default(setting, Language::Node),
        patience: |setting| {
            if chain::probes(setting, Language::Node) { "node-default" } else { "node-managed" }
        },
    },
    Client {
        id: "go-managed",
        name: "Go ManagedIdentityCredential",
        stack: Stack::Go,
        pick: |setting| source::go(setting, None),
        patience: |_| "go-managed",
    },
    Client {
        id: "go-default",
        name: "Go DefaultAzureCredential",
        stack: Stack::Go,
        pick: |setting| chain::default(setting, Language::Go),
        patience: |_| "go-default",
    },
    Client {
        id: "rust-managed",
        name: "Rust ManagedIdentityCredential",
        stack: Stack::Reqwest,
        pick: source::rust,
        patience: |_| "rust-managed",
    },
    Client {
        id: "msal-python",
        name: "MSAL for Python",
        stack: Stack::Requests,
        pick: |setting| source::msal_python(setting, None),
        patience: |_| "msal-python",
    },
    Client {
        id: "msal-node",
        name: "MSAL for Node.js",
        stack: Stack::NodePlain,
        pick: |setting| source::msal_node(setting, None),
        patience: |_| "msal-node",
    },
    Client {
        id: "azure-cli",
        name: "Azure CLI, az login --identity",
        stack: Stack::Requests,
        pick: others::azure_cli,
        patience: |_| "azure-cli",
    },
    Client {
        id: "azure-powershell",
        name: "Azure PowerShell, Connect-AzAccount -Identity",
        stack: Stack::DotNet,
        // It creates Azure.Identity's ManagedIdentityCredential (ManagedServiceIdentityAuthenticator.cs).
        pick: |setting| source::dotnet(setting, None),
        patience: |_| "azure-powershell",
    },
    Client {
        id: "msrestazure",
        name: "msrestazure, Azure CLI until 2.61 (retired)",
        stack: Stack::Requests,
        pick: others::msrestazure,
        patience: |_| "msrestazure",
    },
    Client {
        id: "app-authentication",
        name: "AppAuthentication for .NET (retired)",
        stack: Stack::DotNet,
        pick: others::app_authentication,
        patience: |_| "app-authentication",
    },
    Client {
        id: "go-autorest",
        name: "go-autorest from the environment (retired)",
        stack: Stack::Go,
        pick: others::go_autorest,
        patience: |_| "go-autorest",
    },
];

/// What each client would do in this setting.
pub fn table(setting: &Setting) -> Vec<Row> {
    CLIENTS.iter().map(|client| row(client, setting)).collect()
}

fn row(client: &Client, setting: &Setting) -> Row {
    let Pick { source, address, identity, decided_by, why } = (client.pick)(setting);
    let why = match &identity {
        AsWhom::ManagedIdentity(_) if source == Source::Metadata => {
            "AZURE_CLIENT_ID names the identity to ask for".to_owned()
        }
        _ => why,
    };
    let proxy = if source == Source::Metadata { proxy::for_metadata(client.stack, setting) } else { None };
    let insists = match proxy {
        None if source == Source::Metadata => patience::of((client.patience)(setting)),
        _ => Patience::default(),
    };
    // Its name says so.
    let retired = client.name.ends_with("(retired)");
    Row {
        id: client.id,
        name: client.name,
        retired,
        stack: client.stack,
        source,
        address,
        identity,
        decided_by,
        why,
        proxy,
        insists,
    }
}
