//! Puts a diagnosis into the pages' words: the rows of a report, with every placeholder filled in from the evidence.
//!
//! What a report is made of is in `report`; what the words are is on the pages.

use crate::azure::cloud::Cloud;
use crate::azure::metadata::Instance;
use crate::azure::resource_id::{self, VmId};
use crate::case::Case;
use crate::check::{Finding, Subject, Verdict};
use crate::checks::identity;
use crate::diagnosis::Judged;
use crate::fill::{Use, Values, argument, fill, visible};
use crate::page::{self, Command, Heals, Place, Section, Shell};
use crate::plan::{Plan, Resource, Selector};
use crate::reading::Reading;
use crate::report::{CheckReport, CommandReport, FindingReport, Ignored, Remedy};
use crate::requirement;

/// One check of one subject, in words.
pub fn check_report(judged: &Judged, reading: &Reading) -> CheckReport {
    let page = page::of(judged.check);
    let case = Case::new(reading, &judged.subject);
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
            let reports = findings.iter().map(|finding| finding_report(finding, &known)).collect();
            let mut titles: Vec<&str> = findings
                .iter()
                .filter_map(|finding| page::section(finding.code))
                .map(|(_, section)| section.title.as_str())
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

fn finding_report(finding: &Finding, known: &Values) -> FindingReport {
    let values = with(known, &finding.facts);
    let Some((_, section)) = page::section(finding.code) else {
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
            ignored: None,
        };
    };
    FindingReport {
        code: finding.code.into(),
        severity: finding.severity,
        seen: fill(&section.seen, &values, Use::Prose),
        heals: section.heals,
        remedy: remedy(section, &values, known.contains_key("scale_set")),
        docs: section.docs.clone(),
        ignored: finding
            .excuse
            .as_ref()
            .map(|excuse| Ignored { reason: visible(&excuse.reason), until: excuse.until.map(|day| day.to_string()) }),
    }
}

/// The fix of a section with these values. What is about something that they do not tell is left out.
pub fn remedy(section: &Section, values: &Values, in_scale_set: bool) -> Remedy {
    let steps: Vec<String> = section
        .steps
        .iter()
        .filter(|step| placeholders_known(step, values))
        .map(|step| fill(step, values, Use::Prose))
        .collect();
    let commands = section
        .commands
        .iter()
        .filter(|command| fits(&command.line, in_scale_set) && can_be_pasted(command, values))
        .filter(|command| !(values.contains_key("unit") && is_of_a_shell(&command.line)))
        .filter(|command| !(values.contains_key(WINDOWS) && is_for_unix(command)))
        .map(|command| CommandReport {
            shell: command.shell,
            place: command.place,
            line: fill(&command.line, values, Use::Command(command.shell)),
        })
        .collect();
    Remedy { text: steps.first().cloned().unwrap_or_default(), steps, commands }
}

/// A VM of its own and an instance of a scale set have different commands.
fn fits(line: &str, in_scale_set: bool) -> bool {
    let has = |words: &[&str]| words.iter().any(|word| line.contains(word));
    if in_scale_set { !has(&["az vm ", "AzVM"]) } else { !has(&["az vmss ", "AzVmss"]) }
}

/// That the machine is one with Windows, told to [`remedy`] among the values.
const WINDOWS: &str = "windows";

/// Is this a line for the VM that PowerShell does not know? What only starts a program of Azure's or midoctor is the same there.
fn is_for_unix(command: &Command) -> bool {
    let same = ["az ", "midoctor"].iter().any(|program| command.line.starts_with(program));
    command.shell == Shell::Sh && command.place != Place::Operator && !same
}

/// Does this line set or unset a variable in a shell? That changes nothing for a unit.
fn is_of_a_shell(line: &str) -> bool {
    ["export ", "unset ", "$env:", "Get-ChildItem Env:", "Set-Item Env:"].iter().any(|start| line.starts_with(start))
}

/// A line about something that this finding does not know is no line to paste. A name of the VM that is not known can be
/// filled in by hand, as it is the same everywhere.
fn placeholders_known(line: &str, values: &Values) -> bool {
    placeholders(line).all(|name| values.contains_key(name) || COMMON.contains(&name))
}

/// The same of a command: what cannot be handed over as it is counts as not known.
fn can_be_pasted(command: &Command, values: &Values) -> bool {
    let is_argument = |name| values.get(name).is_some_and(|value| argument(value, command.shell).is_some());
    placeholders(&command.line).all(|name| is_argument(name) || COMMON.contains(&name))
}

fn placeholders(line: &str) -> impl Iterator<Item = &str> {
    line.split("{{").skip(1).filter_map(|rest| rest.split_once("}}")).map(|(name, _)| name)
}

/// What every template can name.
const COMMON: [&str; 16] = [
    "vm_name",
    "resource_group",
    "subscription_id",
    "vm_resource_id",
    "vm_id",
    "location",
    "cloud",
    "portal",
    "arm_host",
    "login_host",
    "principal_id",
    "client_id",
    "tenant_id",
    "identity_resource_id",
    "identity",
    "resource",
];

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
    let what = subject.probe.as_ref().map(|probe| visible(&probe.url)).or(resource);
    let every = subject.every_identity.then(|| "every identity".to_owned());
    // The requirement that stands when none is given goes without saying.
    let given = subject.requirement.as_ref().filter(|_| case.plan().requirements != Plan::default().requirements);
    let required = given.map(|requirement| requirement::in_words(requirement, case.vm_id().unwrap_or_default()));
    match (what.or(required).or(every), identity) {
        (Some(what), Some(identity)) => Some(format!("{what} as {identity}")),
        (one, other) => one.or(other),
    }
}

/// What every template can name, as far as it is known of this machine.
fn common_values(case: &Case) -> Values {
    let instance: Instance = case.instance().cloned().unwrap_or_default();
    let vm = case.vm_id().and_then(VmId::parse);
    // Where nothing at all is known of the VM, the public cloud is meant; of a cloud that is not known only what it is.
    let cloud = case.cloud().or_else(|| case.instance().is_none().then(Cloud::public));
    let or_words = |value: Option<&str>, what: &str| Some(value.map_or_else(|| what.to_owned(), str::to_owned));
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
        ("vm_resource_id", case.vm_id().map(str::to_owned)),
        ("vm_id", instance.vm_id),
        ("location", instance.location),
        ("cloud", instance.environment),
        ("portal", or_words(cloud.and_then(|cloud| cloud.portal), "that of this VM's cloud")),
        ("arm_host", or_words(cloud.map(|cloud| &*cloud.arm_host), "a host of this VM's cloud")),
        (
            "login_host",
            or_words(cloud.and_then(|cloud| cloud.login_hosts.first().copied()), "the sign-in host of this VM's cloud"),
        ),
        ("principal_id", claim("oid")),
        ("client_id", claims.and_then(|claims| claims.client_id()).map(str::to_owned)),
        ("tenant_id", claim("tid")),
        ("identity_resource_id", claims.and_then(|claims| case.user_assigned(claims)).or(named)),
        ("identity", claims.map(|claims| identity::in_words(case, claims))),
        ("resource", case.resource_uri()),
        (WINDOWS, case.is_windows().then(|| "Windows".to_owned())),
        ("scale_set", case.vm_id().and_then(|id| resource_id::scale_set(id).map(str::to_owned))),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name.to_owned(), value?)))
    .collect()
}
