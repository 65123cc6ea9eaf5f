//! The interop suite: Microsoft's own clients, unmodified, against `midoctor simulate` in a private network namespace.
//!
//! They must succeed where the VM is healthy and fail as they do in life where it is not: that is what makes the simulator
//! fit for other people's tests. And they must go where the table of clients says, for every combination of variables.
//!
//! It installs nothing. `MIDOCTOR_INTEROP_VENV` names a Python environment that holds azure-cli, azure-identity, aiohttp,
//! msrestazure and duckdb, `MIDOCTOR_INTEROP_NODE_MODULES` a folder whose `node_modules` holds @azure/identity and @azure/mcp.
//! Run by `cargo test --test interop [-- WORD…]`.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod combinations;
mod driver;
mod listeners;
#[path = "../namespace/mod.rs"]
mod namespace;
mod precedence;
mod proxy_rules;
mod queries;
mod roots;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use midoctor::simulator::CANARY;
use midoctor::simulator::vm::{NAME, SYSTEM};
use namespace::simulator::Simulator;
use namespace::{Case, Suite};

/// Where the Python clients are.
const VENV: &str = "MIDOCTOR_INTEROP_VENV";
/// Where the Node clients are.
const NODE_MODULES: &str = "MIDOCTOR_INTEROP_NODE_MODULES";

/// A client, by what it is called with.
#[derive(Clone, Copy)]
enum Client {
    AzLogin,
    Python(&'static str),
    Node(&'static str),
}
use Client::{AzLogin, Node, Python};

/// What each client says in a scenario. The phrases are the clients' own, read off runs of them.
const FAILURES: [(&str, &[(Client, &str)]); 3] = [
    (
        "identity-none",
        &[
            (AzLogin, "ERROR: Identity not found"),
            (Python("managed"), "Token request error: (invalid_request) Identity not found"),
            (Python("default"), "Token request error: (invalid_request) Identity not found"),
            (Node("managed"), "Authentication failed. Message invalid_request: "),
            (Node("default"), "Description: Identity not found"),
        ],
    ),
    (
        "identity-ambiguous",
        &[
            (AzLogin, "ERROR: Multiple user assigned identities exist, please specify the clientId / resourceId"),
            (Python("managed"), "(invalid_request) Multiple user assigned identities exist, please specify"),
            (Python("default"), "(invalid_request) Multiple user assigned identities exist, please specify"),
            (Node("managed"), "Description: Multiple user assigned identities exist, please specify"),
            (Node("default"), "Description: Multiple user assigned identities exist, please specify"),
        ],
    ),
    // Not one of them names the cause.
    (
        "imds-throttled",
        &[
            (AzLogin, "ERROR: Expecting value: line 1 column 1 (char 0)"),
            (Python("managed"), "CredentialUnavailableError: ManagedIdentityCredential authentication unavailable."),
            (Python("default"), "ManagedIdentityCredential: ManagedIdentityCredential authentication unavailable."),
            (Node("managed"), "CredentialUnavailableError: ManagedIdentityCredential: Authentication failed."),
            (Node("default"), "CredentialUnavailableError: ManagedIdentityCredential: Authentication failed."),
        ],
    ),
];

fn main() -> ExitCode {
    let mut suite =
        Suite { name: "interop", cases: Vec::new(), missing: Vec::new(), lanes: 2, patience: Duration::from_secs(300) };
    let mut add = |client: Client, name: String, run: Box<dyn Fn() + Send + Sync>| match client.missing() {
        Some(why) => suite.missing.push((name, why)),
        None => suite.cases.push(Case::new(name, run)),
    };
    add(AzLogin, format!("healthy: {}, then az resource list", AzLogin.name()), Box::new(az_finds_the_principal));
    for client in [Python("managed"), Python("default"), Node("managed"), Node("default")] {
        add(client, format!("healthy: {}", client.name()), Box::new(move || succeeds(client)));
    }
    for (scenario, clients) in FAILURES {
        for &(client, phrase) in clients {
            let name = format!("{scenario}: {}", client.name());
            add(client, name, Box::new(move || fails(scenario, client, phrase)));
        }
    }
    roots::add(&mut suite);
    queries::add(&mut suite);
    for (client, name, row) in precedence::CLIENTS {
        let name = format!("the table is right about {name}");
        match client.missing() {
            Some(why) => suite.missing.push((name, why)),
            None => suite.cases.push(Case::new(name, move || precedence::agrees(client, row))),
        }
    }
    for (client, name, stack) in proxy_rules::CLIENTS {
        let name = format!("the proxy rules are right about {name}");
        match client.missing() {
            Some(why) => suite.missing.push((name, why)),
            None => suite.cases.push(Case::new(name, move || proxy_rules::agrees(client, stack))),
        }
    }
    suite.main()
}

impl Client {
    fn name(self) -> String {
        let credential = |kind| if kind == "managed" { "ManagedIdentityCredential" } else { "DefaultAzureCredential" };
        match self {
            AzLogin => "az login --identity".into(),
            Python(kind) => format!("azure-identity for Python, {}", credential(kind)),
            Node(kind) => format!("@azure/identity for Node, {}", credential(kind)),
        }
    }

    /// Why it cannot be run here.
    fn missing(self) -> Option<String> {
        let (variable, inside) = match self {
            AzLogin => (VENV, "bin/az"),
            Python(_) => (VENV, "bin/python"),
            Node(_) => (NODE_MODULES, "node_modules/@azure/identity"),
        };
        match folder(variable) {
            None => Some(format!("{variable} is not set")),
            Some(folder) if !folder.join(inside).exists() => Some(format!("{variable} names no folder with {inside}")),
            Some(_) => None,
        }
    }

    fn command(self) -> Command {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop");
        match self {
            AzLogin => az(&["login", "--identity"]),
            Python(kind) => {
                let mut command = Command::new(folder(VENV).unwrap().join("bin/python"));
                command.arg(scripts.join("credential.py")).arg(kind);
                command
            }
            Node(kind) => {
                let mut command = Command::new("node");
                command.arg(scripts.join("credential.mjs")).arg(kind);
                command
            }
        }
    }
}

fn folder(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn az(arguments: &[&str]) -> Command {
    let mut command = Command::new(folder(VENV).unwrap().join("bin/az"));
    command.args(arguments);
    command
}

/// How a client ended.
struct Ran {
    success: bool,
    stdout: String,
    stderr: String,
}

/// Runs a client that trusts the simulator, with a home of its own and nothing of the caller's sign-ins.
fn run(mut command: Command, simulator: &Simulator) -> Ran {
    let home = std::env::temp_dir();
    let keep = |name: &str| std::env::var_os(name).map(|value| (name.to_owned(), value));
    let kept: Vec<_> = ["PATH", NODE_MODULES].into_iter().filter_map(keep).collect();
    command.env_clear().envs(kept).env("LANG", "C.UTF-8").env("HOME", &home).env("TMPDIR", &home);
    command.env("AZURE_CONFIG_DIR", home.join("az")).env("AZURE_CORE_COLLECT_TELEMETRY", "no");
    command.env("AZURE_CORE_SURVEY_MESSAGE", "no");
    command.env("REQUESTS_CA_BUNDLE", simulator.authority()).env("NODE_EXTRA_CA_CERTS", simulator.authority());
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let ran = Ran { success: output.status.success(), stdout: text(output.stdout), stderr: text(output.stderr) };
    assert!(!ran.stdout.contains(CANARY) && !ran.stderr.contains(CANARY), "the client printed a token");
    ran
}

fn az_finds_the_principal() {
    let simulator = Simulator::start("healthy", &[]);
    let login = run(AzLogin.command(), &simulator);
    assert!(login.success, "az login: {}", login.stderr);
    let query = ["resource", "list", "-n", NAME, "--query", "[*].identity.principalId", "--output", "tsv"];
    let list = run(az(&query), &simulator);
    assert!(list.success, "az resource list: {}", list.stderr);
    assert_eq!(list.stdout.trim(), SYSTEM.principal_id);
}

fn succeeds(client: Client) {
    let simulator = Simulator::start("healthy", &[]);
    let ran = run(client.command(), &simulator);
    assert!(ran.success, "{}\n{}", ran.stderr, simulator.log());
    assert_eq!(ran.stdout.trim(), SYSTEM.principal_id);
}

fn fails(scenario: &str, client: Client, phrase: &str) {
    let simulator = Simulator::start(scenario, &[]);
    let ran = run(client.command(), &simulator);
    assert!(!ran.success, "it signed in: {}", ran.stdout);
    assert!(ran.stderr.contains(phrase), "it does not say {phrase:?}:\n{}\n{}", ran.stderr, simulator.log());
    assert!(simulator.log().contains("/metadata/identity/oauth2/token "), "it asked for a token:\n{}", simulator.log());
}
