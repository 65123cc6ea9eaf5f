//! The report, version 1: a diagnosis and the pages' words made into plain data, which renderers see and nothing else.
//!
//! The format is frozen: fields are added inside a major version, never renamed or removed. Every text in it has been made
//! visible (`fill::visible`), so that no renderer meets a control character outside the evidence.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::azure::cloud::Cloud;
use crate::azure::metadata::Instance;
use crate::azure::resource_id::{self, VmId};
use crate::case::Case;
use crate::check::{Finding, Severity, Stage, Status, Subject, Verdict};
use crate::checks::identity;
use crate::engine::{Diagnosis, Judged, Overall};
use crate::evidence::Evidence;
use crate::fill::{Use, Values, fill, visible};
use crate::page::{self, Heals, Place, Shell};
use crate::plan::{Resource, Selector};
use crate::token::Claims;

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

/// When the run was, and how long it took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// A random ID.
    pub id: String,
    /// RFC 3339, by the machine's own clock.
    pub started: String,
    /// Milliseconds.
    pub duration_ms: u64,
    /// How many times the VM was examined.
    pub attempts: u32,
    /// Milliseconds spent waiting between them.
    pub waited_ms: u64,
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
}

/// What to do about a finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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
            Overall::Degraded => (Word::Degraded, 0),
            Overall::Unhealthy => (Word::Unhealthy, 1),
            Overall::Undetermined => (Word::Undetermined, 3),
        };
        let checks: Vec<CheckReport> = diagnosis.checks.iter().map(|judged| check_report(judged, &evidence)).collect();
        let machine = Subject::default();
        let instance = Case::new(&evidence, &machine).instance().unwrap_or_default();
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
            },
            identities: identities(&evidence),
            verdict,
            exit_code,
            root_cause: diagnosis.root_cause.map(str::to_owned),
            summary: summarise(&checks),
            checks,
            evidence,
        }
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

fn identities(evidence: &Evidence) -> Vec<Identity> {
    let mut all: Vec<Identity> = Vec::new();
    for subject in Subject::identities(&evidence.asked) {
        if let Some(claims) = Case::new(evidence, &subject).any_claims() {
            let one = identity_of(claims);
            if !all.contains(&one) {
                all.push(one);
            }
        }
    }
    all
}

fn identity_of(claims: &Claims) -> Identity {
    let text = |name: &str| claims.text(name).map(visible);
    let own = claims.text("xms_mirid").filter(|id| resource_id::is_user_assigned(id));
    Identity {
        kind: if own.is_some() { IdentityKind::User } else { IdentityKind::System },
        principal_id: text("oid"),
        client_id: text("appid").or_else(|| text("azp")),
        tenant_id: text("tid"),
        resource_id: own.map(visible),
    }
}

fn check_report(judged: &Judged, evidence: &Evidence) -> CheckReport {
    let page = page::of(judged.check);
    let case = Case::new(evidence, &judged.subject);
    let known = common_values(&case);
    let title = &page.title;
    let (summary, blocked_by, findings) = match &judged.verdict {
        Verdict::Pass(facts) => {
            let detail = fill(&page.healthy, &with(&known, facts), Use::Prose);
            (if detail.is_empty() { title.clone() } else { format!("{title}: {detail}") }, None, Vec::new())
        }
        Verdict::Unknown(why) => (format!("{title}: unknown, {}", visible(why)), None, Vec::new()),
        Verdict::Blocked(by) => (format!("{title}: blocked by {by}"), Some((*by).to_owned()), Vec::new()),
        Verdict::Skip(why) => (format!("{title}: skipped, {}", visible(why)), None, Vec::new()),
        Verdict::Found(findings) => {
            let reports = findings.iter().map(|finding| finding_report(finding, page, &known)).collect();
            let mut titles: Vec<&str> = findings
                .iter()
                .filter_map(|finding| page.sections.iter().find(|section| section.code == finding.code))
                .map(|section| section.title.as_str())
                .collect();
            titles.dedup();
            (titles.join(" "), None, reports)
        }
    };
    CheckReport {
        id: judged.check.id.into(),
        subject: subject_in_words(&judged.subject, &case),
        stage: judged.check.stage,
        status: judged.verdict.status(),
        summary,
        duration_ms: u64::try_from(judged.took.as_millis()).unwrap_or(u64::MAX),
        blocked_by,
        findings,
    }
}

fn finding_report(finding: &Finding, page: &page::Page, known: &Values) -> FindingReport {
    let values = with(known, &finding.facts);
    let Some(section) = page.sections.iter().find(|section| section.code == finding.code) else {
        // The contract test rules this out; a report is written all the same.
        let remedy = Remedy { text: String::new(), steps: Vec::new(), commands: Vec::new() };
        let code = finding.code.into();
        return FindingReport {
            code,
            severity: finding.severity,
            seen: String::new(),
            heals: Heals::No,
            remedy,
            docs: Vec::new(),
        };
    };
    let steps: Vec<String> = section.steps.iter().map(|step| fill(step, &values, Use::Prose)).collect();
    let commands = section
        .commands
        .iter()
        .map(|command| CommandReport {
            shell: command.shell,
            place: command.place,
            line: fill(&command.line, &values, Use::Command(command.shell)),
        })
        .collect();
    FindingReport {
        code: finding.code.into(),
        severity: finding.severity,
        seen: fill(&section.seen, &values, Use::Prose),
        heals: section.heals,
        remedy: Remedy { text: steps.first().cloned().unwrap_or_default(), steps, commands },
        docs: section.docs.clone(),
    }
}

fn with(known: &Values, facts: &crate::check::Facts) -> Values {
    let mut values = known.clone();
    values.extend(facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    values
}

fn subject_in_words(subject: &Subject, case: &Case) -> Option<String> {
    let identity = match &subject.identity {
        Some(Selector::Guid(id) | Selector::ResourceId(id)) => Some(visible(id)),
        _ => None,
    };
    let resource = subject.resource.as_ref().map(|resource| match resource {
        Resource::Uri(uri) => visible(uri),
        Resource::Alias(alias) => case.resource_uri().unwrap_or_else(|| alias.clone()),
    });
    match (resource, identity) {
        (Some(resource), Some(identity)) => Some(format!("{resource} as {identity}")),
        (one, other) => one.or(other),
    }
}

/// What every template can name, as far as it is known of this machine.
fn common_values(case: &Case) -> Values {
    let instance: Instance = case.instance().unwrap_or_default();
    let vm = case.vm_id().and_then(|id| VmId::parse(&id));
    let cloud = case.cloud().unwrap_or(Cloud::public());
    let claims = case.any_claims();
    let claim = |name: &str| claims.and_then(|claims| claims.text(name)).map(str::to_owned);
    let named = match case.selector() {
        Selector::ResourceId(id) => Some(id.clone()),
        _ => None,
    };
    [
        ("vm_name", vm.as_ref().map(|vm| vm.name.clone()).or(instance.name)),
        ("resource_group", vm.as_ref().map(|vm| vm.resource_group.clone()).or(instance.resource_group)),
        ("subscription_id", vm.map(|vm| vm.subscription).or(instance.subscription)),
        ("vm_resource_id", case.vm_id()),
        ("vm_id", instance.vm_id),
        ("location", instance.location),
        ("cloud", instance.environment),
        ("portal", Some(cloud.portal.to_owned())),
        ("arm_host", Some(cloud.arm_host.to_owned())),
        ("login_host", cloud.login_hosts.first().map(|host| (*host).to_owned())),
        ("principal_id", claim("oid")),
        ("client_id", claim("appid").or_else(|| claim("azp"))),
        ("tenant_id", claim("tid")),
        ("identity_resource_id", claim("xms_mirid").filter(|id| resource_id::is_user_assigned(id)).or(named)),
        ("identity", claims.map(identity::in_words)),
        ("resource", case.resource_uri()),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}
