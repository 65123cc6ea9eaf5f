//! What can be typed. What it means is in `options`; parsing does nothing.

mod generate;
mod offered;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::fill::visible;
use crate::seal;
pub use generate::{CandidatesArgs, CompletionsArgs, GenerateArgs, Generated, ManArgs, Shell};

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
    /// Write one archive for support, redacted; or show, redact or compare what is in one
    Report(ReportArgs),
    /// Fold the reports of many VMs into one summary
    ///
    /// Of each VM the newest report counts. Directories are walked through; files are known by what is in them. Exit codes: 1 a VM is
    /// unhealthy, 3 none is, but some are undetermined or a report is broken, 0 otherwise, 2 there is no report at all.
    Fleet(FleetArgs),
    /// Run the checks against the embedded simulator; without a scenario, list them all
    Demo(DemoArgs),
    /// Serve a scenario's answers over TCP, for other clients and for tests
    Simulate(SimulateArgs),
    /// Print what other programs need: completions for shells, manual pages, the report's JSON Schema
    Generate(GenerateArgs),
}

/// The flags of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// What to examine, and for how long.
    #[command(flatten)]
    pub examine: ExamineArgs,
    /// Judge what this report holds, by the rules of this version, instead of examining this machine: a report as JSON, or an
    /// archive of midoctor report
    #[arg(long, value_name = "FILE", conflicts_with_all = QUESTIONS)]
    pub from: Option<PathBuf>,
    /// Only print what each client would do in this environment: where it asks for a token, as whom, and how long it insists; asks
    /// nothing over the network
    #[arg(long, conflicts_with_all = ["identity", "resource", "require", "probe", "trust_host", "arm_endpoint", "only", "skip", "fail_on", "wait", "from", "quiet", "verbose"])]
    pub sources: bool,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Flags that put questions, which a saved report has been asked already.
const QUESTIONS: [&str; 11] = [
    "identity",
    "resource",
    "require",
    "probe",
    "trust_host",
    "arm_endpoint",
    "pid",
    "unit",
    "wait",
    "timeout",
    "deadline",
];

/// What to examine, and for how long. Those that have a default have it in `options`: here it is known whether they were typed,
/// since flags win over the configuration.
#[derive(Clone, Debug, Args)]
pub struct ExamineArgs {
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
    /// Examine these checks alone, with what they need: a glob over the names of checks and codes. Repeatable
    #[arg(long, value_name = "GLOB")]
    pub only: Vec<String>,
    /// Leave these checks out, or let these codes not count: a glob over the names of checks and codes. Repeatable
    #[arg(long, value_name = "GLOB")]
    pub skip: Vec<String>,
    /// End with 1 on errors, or on warnings as well [default: error]
    #[arg(long, value_name = "WHAT")]
    pub fail_on: Option<Failing>,
    /// Examine again until the run would end with 0 or this time is up, as long as all that stands in the way can pass by itself; one
    /// examination that has begun is ended
    #[arg(long, value_name = "DURATION")]
    pub wait: Option<String>,
    /// Give one question, with all its tries, this long [default: 10s]
    #[arg(long, value_name = "DURATION")]
    pub timeout: Option<String>,
    /// Give the whole run this long, with --wait each examination [default: 30s]
    #[arg(long, value_name = "DURATION")]
    pub deadline: Option<String>,
    /// Read settings from this TOML file: the same names; flags win
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What makes a run fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Failing {
    /// Warnings as well.
    Warn,
    /// Errors alone.
    Error,
}

/// Flags that say how a report is printed.
#[derive(Clone, Debug, Args)]
pub struct OutputArgs {
    /// Print the report in this format, or write it to a file: text, line, json, compact, ndjson (added to the file), junit, markdown,
    /// html, github, azdo, prom. Repeatable
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
#[derive(Clone, Debug, Args)]
pub struct ColorArgs {
    /// When to use colour; auto obeys NO_COLOR [default: auto]
    #[arg(long, value_name = "WHEN")]
    pub color: Option<When>,
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

/// The arguments of `report`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ReportArgs {
    /// What to do with a report that is there; without it, examine this machine and write one.
    #[command(subcommand)]
    pub command: Option<ReportCommand>,
    /// What to examine, and for how long.
    #[command(flatten)]
    pub examine: ExamineArgs,
    /// How to write it.
    #[command(flatten)]
    pub archive: ArchiveArgs,
}

/// How an archive is written.
#[derive(Debug, Args)]
pub struct ArchiveArgs {
    /// Write the archive here [default: midoctor-VM-TIME.zip in this directory]
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Take out what others should not see: secrets, or also ids: names, GUIDs, hosts and addresses, replaced by the same
    /// pseudonyms everywhere
    #[arg(long, value_name = "LEVEL", default_value = "secrets")]
    pub redact: Redact,
    /// Only show what the archive would contain, and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// When to colour.
    #[command(flatten)]
    pub color: ColorArgs,
}

/// How much is taken out of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Redact {
    /// Nothing; a token is never in a report.
    None,
    /// User-info in URLs and the values of headers that no check reads.
    Secrets,
    /// These, and whatever names the customer: GUIDs, names, hosts, addresses.
    Ids,
}

/// What can be done with a report that is there.
#[derive(Debug, Subcommand)]
pub enum ReportCommand {
    /// Print a report: JSON, or an archive
    Show(ReportShowArgs),
    /// Write a redacted archive of a report that is there
    Redact(ReportRedactArgs),
    /// Say what changed from one report to another
    Diff(ReportDiffArgs),
}

/// The arguments of `report show`.
#[derive(Debug, Args)]
pub struct ReportShowArgs {
    /// A report as JSON, an archive of midoctor report, or `-` for standard input
    pub file: PathBuf,
    /// How to print.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The arguments of `report redact`.
#[derive(Debug, Args)]
pub struct ReportRedactArgs {
    /// A report as JSON, or an archive of midoctor report; it is left as it is
    pub report: PathBuf,
    /// How to write it.
    #[command(flatten)]
    pub archive: ArchiveArgs,
}

/// The arguments of `report diff`.
#[derive(Debug, Args)]
pub struct ReportDiffArgs {
    /// The report from before
    pub before: PathBuf,
    /// The report from after
    pub after: PathBuf,
    /// Print the changes as text, json or markdown, or write them to a file. Repeatable
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    pub output: Vec<String>,
    /// When to colour.
    #[command(flatten)]
    pub color: ColorArgs,
}

/// The arguments of `fleet`.
#[derive(Debug, Args)]
pub struct FleetArgs {
    /// Reports as JSON, NDJSON or archives, directories of them, or `-` for standard input
    #[arg(required = true, value_name = "FILE|DIR|-")]
    pub reports: Vec<PathBuf>,
    /// Say what changed since this earlier fold: the JSON that midoctor fleet -o json wrote
    #[arg(long, value_name = "FILE")]
    pub since: Option<PathBuf>,
    /// Print the summary as text, json, markdown or html, or write it to a file. Repeatable
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
    /// Let the VM have this name, so that several simulated VMs are a fleet [default: vm-doctor-01]
    #[arg(long, value_name = "NAME")]
    pub vm: Option<String>,
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

/// The command line, with the help of this build.
pub fn command() -> clap::Command {
    offered::offered(Cli::command())
}

/// Reads what was typed.
///
/// # Errors
/// A slip; or the help or the version, which were asked for.
pub fn parse() -> Result<Cli, clap::Error> {
    Cli::from_arg_matches(&command().try_get_matches()?).map_err(|slip| slip.format(&mut command()))
}

/// A slip in what was typed, as one line: what is wrong, what is accepted, and where to read on.
pub fn one_line(slip: &clap::Error) -> String {
    if slip.kind() == clap::error::ErrorKind::InvalidUtf8 {
        return "midoctor: an argument is not UTF-8; pipe a text of another encoding to midoctor explain -, and give a file of such a \
                name another"
            .into();
    }
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
