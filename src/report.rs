//! The report, version 1: a diagnosis and the pages' words made into plain data, which renderers see and nothing else.
//!
//! The format is frozen: fields are added inside a major version, never renamed or removed. Every text in it has been made
//! visible (`fill::visible`), so that no renderer meets a control character outside the evidence.

mod run;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::azure::cloud::Cloud;
use crate::azure::resource_id::VmId;
use crate::case::Case;
use crate::check::{Severity, Stage, Status, Subject};
use crate::diagnosis::{Diagnosis, Overall};
use crate::evidence::Evidence;
use crate::fill::{argument, visible};
use crate::page::{Heals, Place, Shell};
use crate::plan::FailOn;
use crate::reading::Reading;
use crate::token::Claims;
use crate::wording::check_report;

pub use run::{CutShort, Run, Stretch, WaitEnd, Waiting};

/// The name and major version of the format.
pub const SCHEMA: &str = "midoctor.report/1";

/// A whole report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// `midoctor.report/1`.
    pub schema: String,
    /// What wrote it.
    pub tool: Tool,
    /// When, and how long.
    pub run: Run,
    /// The VM, as its metadata service describes it.
    pub vm: Vm,
    /// Who signs in, one entry per identity asked for that has a token.
    pub identities: Vec<Identity>,
    /// The verdict over all.
    pub verdict: Word,
    /// The exit code that goes with it.
    pub exit_code: u8,
    /// The code of the one finding that the others are consequences of.
    pub root_cause: Option<String>,
    /// How many checks ended how.
    pub summary: Summary,
    /// What is odd about the configuration, such as an ignore that has ended; sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Every check, in a fixed order; none is ever left out.
    pub checks: Vec<CheckReport>,
    /// What was asked and what came back.
    pub evidence: Evidence,
}

/// What wrote the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// `midoctor`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The VM.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Vm {
    /// Its name.
    pub name: Option<String>,
    /// Its ARM resource ID.
    pub resource_id: Option<String>,
    /// Its unique ID.
    pub vm_id: Option<String>,
    /// Its region.
    pub location: Option<String>,
    /// Its azEnvironment.
    pub cloud: Option<String>,
    /// Its subscription's ID.
    #[serde(default)]
    pub subscription_id: Option<String>,
    /// Its resource group.
    #[serde(default)]
    pub resource_group: Option<String>,
    /// The marketplace image that it was made from, `publisher:offer:sku:version`; null for an image of one's own.
    #[serde(default)]
    pub image: Option<String>,
}

/// An identity that signs in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Identity {
    /// System- or user-assigned.
    pub kind: IdentityKind,
    /// Its principal (object) ID.
    pub principal_id: Option<String>,
    /// Its client (application) ID.
    pub client_id: Option<String>,
    /// Its tenant's ID.
    pub tenant_id: Option<String>,
    /// Its ARM resource ID; a system-assigned identity has none of its own.
    pub resource_id: Option<String>,
}

/// System- or user-assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IdentityKind {
    /// Belongs to the VM and goes with it.
    System,
    /// A resource of its own.
    User,
}

/// The verdict over all, as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// Nothing found.
    Healthy,
    /// Warnings only.
    Degraded,
    /// At least one error.
    Unhealthy,
    /// No error, but something essential could not be judged.
    Undetermined,
}

impl Word {
    /// The word in the report.
    pub fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unhealthy => "unhealthy",
            Self::Undetermined => "undetermined",
        }
    }
}

/// How many checks ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// As it should be.
    pub pass: u32,
    /// With warnings.
    pub warn: u32,
    /// With errors.
    pub fail: u32,
    /// Not told by the evidence.
    pub unknown: u32,
    /// Consequences of a failed check.
    pub blocked: u32,
    /// Not asked for.
    pub skip: u32,
    /// Found, and ignored as configured.
    pub ignored: u32,
}

/// One check of one subject.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CheckReport {
    /// The check's stable name.
    pub id: String,
    /// What it was judged for; null for the machine as a whole.
    pub subject: Option<String>,
    /// The part of the chain.
    pub stage: Stage,
    /// How it ended.
    pub status: Status,
    /// One sentence.
    pub summary: String,
    /// Milliseconds that its questions took.
    pub duration_ms: u64,
    /// The failed check that this one is a consequence of.
    pub blocked_by: Option<String>,
    /// What was found.
    pub findings: Vec<FindingReport>,
}

/// One finding with its words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FindingReport {
    /// The stable code.
    pub code: String,
    /// How bad it is.
    pub severity: Severity,
    /// What was seen on this machine.
    pub seen: String,
    /// Whether it heals by itself.
    pub heals: Heals,
    /// What to do about it.
    pub remedy: Remedy,
    /// Where to read on.
    pub docs: Vec<String>,
    /// Why it does not count, where the configuration or the command line says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignored: Option<Ignored>,
}

/// Why a finding does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ignored {
    /// The reason that was given, or the flag.
    pub reason: String,
    /// The last day, UTC, on which that holds: `2027-01-31`; null for a flag.
    pub until: Option<String>,
}

/// What to do about a finding.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Remedy {
    /// The fix in one sentence: its first step.
    pub text: String,
    /// Step by step.
    pub steps: Vec<String>,
    /// Lines that can be pasted as they stand.
    pub commands: Vec<CommandReport>,
}

/// A command with the VM's names filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CommandReport {
    /// The shell it is quoted for.
    pub shell: Shell,
    /// Where it is run.
    #[serde(rename = "where")]
    pub place: Place,
    /// The line.
    pub line: String,
}

impl Report {
    /// Puts a diagnosis into words.
    pub fn new(diagnosis: &Diagnosis, evidence: Evidence, run: Run) -> Self {
        let (verdict, exit_code) = match diagnosis.overall {
            Overall::Healthy => (Word::Healthy, 0),
            Overall::Degraded => (Word::Degraded, u8::from(evidence.asked.fail_on == FailOn::Warn)),
            Overall::Unhealthy => (Word::Unhealthy, 1),
            Overall::Undetermined => (Word::Undetermined, 3),
        };
        let notes =
            run.cut_short_in_words().into_iter().chain(diagnosis.notes.iter().map(|note| visible(note))).collect();
        let reading = Reading::new(&evidence);
        let checks: Vec<CheckReport> = diagnosis.checks.iter().map(|judged| check_report(judged, &reading)).collect();
        let instance = reading.instance().cloned().unwrap_or_default();
        let identities = identities(&reading);
        let of_id = instance.resource_id.as_deref().and_then(VmId::parse);
        Self {
            schema: SCHEMA.into(),
            tool: Tool { name: "midoctor".into(), version: env!("CARGO_PKG_VERSION").into() },
            run,
            vm: Vm {
                name: shown(instance.name),
                resource_id: shown(instance.resource_id),
                vm_id: shown(instance.vm_id),
                location: shown(instance.location),
                cloud: shown(instance.environment),
                subscription_id: shown(instance.subscription.or(of_id.as_ref().map(|id| id.subscription.clone()))),
                resource_group: shown(instance.resource_group.or(of_id.map(|id| id.resource_group))),
                image: shown(instance.image),
            },
            identities,
            verdict,
            exit_code,
            root_cause: diagnosis.root_cause.map(str::to_owned),
            summary: summarise(&checks),
            notes,
            checks,
            evidence,
        }
    }
}

impl Report {
    /// The report that this tree is of. It is read as text: what reads it from a tree would be 0.1 MB of the program.
    ///
    /// # Errors
    /// When it is of something else.
    pub fn from_tree(json: &serde_json::Value) -> serde_json::Result<Self> {
        serde_json::from_slice(&serde_json::to_vec(json)?)
    }

    /// What to try next where all is well: how Azure CLI and Azure PowerShell sign in as these identities, with the cloud to
    /// set where it is not the public one, and the selector that a user-assigned identity needs.
    pub fn sign_in_lines(&self) -> Vec<String> {
        let cloud = self.vm.cloud.as_deref().and_then(Cloud::named).filter(|cloud| *cloud != Cloud::public());
        let cloud = cloud.and_then(|cloud| cloud.client_name);
        let environment = cloud.map(|name| format!(" -Environment {name}")).unwrap_or_default();
        let mut lines: Vec<String> = cloud.iter().map(|name| format!("az cloud set --name {name}")).collect();
        for identity in &self.identities {
            let client = identity.client_id.as_ref().filter(|_| identity.kind == IdentityKind::User);
            let option = |name: &str, shell: Shell| match client {
                Some(client) => argument(client, shell).map(|client| format!(" {name} {client}")),
                None => Some(String::new()),
            };
            // No line signs in as one whose name cannot be handed over.
            let selectors = option("--client-id", Shell::Az).zip(option("-AccountId", Shell::Pwsh));
            let Some((az, pwsh)) = selectors else { continue };
            lines.push(format!("az login --identity{az}"));
            lines.push(format!("Connect-AzAccount -Identity{pwsh}{environment}"));
        }
        lines
    }
}

fn shown(text: Option<String>) -> Option<String> {
    text.map(|text| visible(&text))
}

fn summarise(checks: &[CheckReport]) -> Summary {
    let mut summary = Summary::default();
    for check in checks {
        *match check.status {
            Status::Pass => &mut summary.pass,
            Status::Warn => &mut summary.warn,
            Status::Fail => &mut summary.fail,
            Status::Unknown => &mut summary.unknown,
            Status::Blocked => &mut summary.blocked,
            Status::Skip => &mut summary.skip,
            Status::Ignored => &mut summary.ignored,
        } += 1;
    }
    summary
}

fn identities(reading: &Reading) -> Vec<Identity> {
    let mut all: Vec<Identity> = Vec::new();
    for subject in Subject::identities(reading) {
        if let Some(claims) = Case::new(reading, &subject).any_claims() {
            let one = identity_of(claims, Case::new(reading, &subject).user_assigned(claims));
            if !all.contains(&one) {
                all.push(one);
            }
        }
    }
    all
}

fn identity_of(claims: &Claims, own: Option<String>) -> Identity {
    let text = |name: &str| claims.text(name).map(visible);
    Identity {
        kind: if own.is_some() { IdentityKind::User } else { IdentityKind::System },
        principal_id: text("oid"),
        client_id: claims.client_id().map(visible),
        tenant_id: text("tid"),
        resource_id: own.map(|id| visible(&id)),
    }
}
