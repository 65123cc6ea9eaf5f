//! What can be typed. What it means is in `options`; parsing does nothing.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::fill::visible;
use crate::seal;

/// Tells why a managed identity does not work on an Azure VM, and what to do about it.
///
/// Without a command it examines this machine. Exit codes: 0 healthy (warnings allowed), 1 unhealthy, 2 the command line
/// cannot be used, 3 undetermined.
#[derive(Debug, Parser)]
#[command(name = "midoctor", version, about, args_conflicts_with_subcommands = true, max_term_width = 100)]
pub struct Cli {
    /// What to do; `check` when nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The flags of `check`, which can stand without the word.
    #[command(flatten)]
    pub check: CheckArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the checks on this machine (the default)
    Check(CheckArgs),
    /// Name the cause of an error text, or say what a code or a check means; without a word, list them all
    Explain(ExplainArgs),
    /// Run the checks against the embedded simulator; without a scenario, list them all
    Demo(DemoArgs),
    /// Serve a scenario's answers over TCP, for other clients and for tests
    Simulate(SimulateArgs),
    /// Print what other programs need: the report's JSON Schema
    Generate(GenerateArgs),
}

/// The flags of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Examine this identity: a client ID, an object ID, or the resource ID of a user-assigned identity; `all` adds every one that
    /// Azure Resource Manager lists for the VM. Repeatable
    #[arg(long, value_name = "ID")]
    pub identity: Vec<String>,
    /// Ask a token for this resource: a URI, or a name such as arm, vault, storage, sql, graph. Repeatable
    #[arg(long, value_name = "URI|NAME")]
    pub resource: Vec<String>,
    /// Require this: a role (name or GUID), an action, or data:ACTION, on the VM or @SCOPE; `none` requires nothing. Repeatable;
    /// Reader on the VM when not given
    #[arg(long, value_name = "ROLE|ACTION[@SCOPE]")]
    pub require: Vec<String>,
    /// Try this data endpoint: the URL of a key vault, storage container, queue or table, container registry, Service Bus or Event
    /// Hubs namespace, App Configuration store, Cosmos DB account, or, with --resource and --trust-host, any other. Repeatable
    #[arg(long, value_name = "URL")]
    pub probe: Vec<String>,
    /// Let this host have a token for a --probe of it, though it belongs to no service that midoctor knows. Repeatable
    #[arg(long, value_name = "HOST")]
    pub trust_host: Vec<String>,
    /// Ask Azure Resource Manager here, with its token: in a cloud that midoctor does not know, or by a private way
    #[arg(long, value_name = "URL")]
    pub arm_endpoint: Option<String>,
    /// Judge the environment of this process instead of this shell's, and obey it where clients would
    #[arg(long, value_name = "PID", conflicts_with = "unit")]
    pub pid: Option<String>,
    /// Judge the environment of this service instead of this shell's: a systemd unit (web means web.service), or a Windows service
    #[arg(long, value_name = "UNIT")]
    pub unit: Option<String>,
    /// Only print what each client would do in this environment: where it asks for a token, as whom, and how long it insists; asks
    /// nothing over the network
    #[arg(long, conflicts_with_all = ["identity", "resource", "require", "probe", "trust_host", "arm_endpoint", "quiet", "verbose"])]
    pub sources: bool,
    /// Give one question, with all its tries, this long
    #[arg(long, value_name = "DURATION", default_value = "10s")]
    pub timeout: String,
    /// Give the whole run this long
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    pub deadline: String,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Flags that say how a report is printed.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// Print the report as text or json, or write it to a file. Repeatable
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    pub output: Vec<String>,
    /// Print nothing when healthy, and leave out the checks that passed or were skipped
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print every question with its answer and timing as well, and show what a proxy makes of one that it catches
    #[arg(short, long)]
    pub verbose: bool,
    /// When to colour.
    #[command(flatten)]
    pub color: ColorArgs,
}

/// The flag for colour.
#[derive(Debug, Args)]
pub struct ColorArgs {
    /// When to use colour; `auto` obeys NO_COLOR
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: When,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A code such as identity-none, a check such as identity, or an error text in quotes; `-` reads one from standard input
    #[arg(value_name = "CODE|CHECK|TEXT|-")]
    pub word: Option<String>,
    /// Explain what is in this file, such as a log
    #[arg(long, value_name = "FILE", conflicts_with = "word")]
    pub file: Option<PathBuf>,
    /// Then run the checks on this machine, and say which of the causes they confirm
    #[arg(long)]
    pub and_check: bool,
    /// Print the answer as text or json, or write it to a file. Repeatable
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    pub output: Vec<String>,
    /// When to colour.
    #[command(flatten)]
    pub color: ColorArgs,
}

/// The arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// A scenario: healthy, or a code
    pub scenario: Option<String>,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The arguments of `simulate`.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// A scenario: healthy, or a code
    #[arg(default_value = "healthy")]
    pub scenario: String,
    /// Where the metadata service listens, over HTTP
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Where Azure Resource Manager listens, over TLS
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen_arm: SocketAddr,
    /// Write the certificate authority that clients must trust to this file
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Wait this long before every answer
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    pub delay: String,
    /// Print every request
    #[arg(short, long)]
    pub verbose: bool,
}

/// The arguments of `generate`.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// What to print
    pub what: Generated,
}

/// What `generate` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Generated {
    /// The JSON Schema of the report
    Schema,
}

/// A slip in what was typed, as one line: what is wrong, what is accepted, and where to read on.
pub fn one_line(slip: &clap::Error) -> String {
    let rendered = slip.render().to_string();
    let parts: Vec<&str> = rendered
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .filter(|line| !line.is_empty())
        .collect();
    let text = parts.join(" ");
    format!(
        "midoctor: {}; midoctor --help lists what can be typed",
        visible(&seal::text(text.trim_start_matches("error: ")))
    )
}
