//! What leads clients away from the VM's managed identity: the finding `env-shadowed` of the check `environment`, made from
//! the table of clients, one finding for each variable that leads some of them away.

use std::collections::{BTreeMap, BTreeSet};

use crate::azure::arm::VmIdentity;
use crate::azure::metadata::Refusal;
use crate::azure::resource_id;
use crate::case::{Case, token_request};
use crate::check::{Finding, Severity, Subject};
use crate::clients::{self, ARC_AGENT_LINUX, ARC_AGENT_WINDOWS, AsWhom, Row, Setting, Source};
use crate::evidence::{Request, is_secret};
use crate::plan::Selector;
use crate::words::listed;

/// The variable that names an identity.
const CLIENT: &str = "AZURE_CLIENT_ID";

/// The variable that names the file with a pod's own token.
const WORKLOAD: &str = "AZURE_FEDERATED_TOKEN_FILE";

/// So many variables that come next are looked for.
const NEXT: usize = 8;

/// The question whether the Azure Arc agent is installed: its program takes some clients there.
pub(super) fn agent() -> Request {
    Request::presence(clients::arc_agent())
}

/// The variables, when they were read, and the files that are there.
fn setting<'a>(case: &Case<'a>) -> Option<(&'a BTreeMap<String, String>, BTreeSet<String>)> {
    let files = [ARC_AGENT_LINUX, ARC_AGENT_WINDOWS].into_iter().filter(|path| case.is_there(path));
    Some((case.variables()?, files.map(str::to_owned).collect()))
}

/// The question whether this VM has the identity that `AZURE_CLIENT_ID` names: the metadata service knows all of them, and Azure
/// Resource Manager tells them to an identity with a role alone. Its token goes nowhere. Nothing where no maintained client would
/// ask so, where another identity is named for the run, and where no client ID can be meant.
pub(super) fn question(case: &Case) -> Option<Request> {
    let uri = case.instance().and(case.arm_uri())?;
    let client = named_client(case).filter(|_| !is_named(case) && !is_workload(case))?;
    let (variables, files) = setting(case)?;
    let rows = clients::table(&Setting { variables, files: &files });
    rows.iter().any(|row| asks_as_named(row) && !row.retired).then(|| token_request(&uri, Some(("client_id", client))))
}

/// The value of `AZURE_CLIENT_ID` where it has the form of a client ID.
fn named_client<'a>(case: &Case<'a>) -> Option<&'a str> {
    case.variable(CLIENT).filter(|client| client.len() == 36 && uuid::Uuid::parse_str(client).is_ok())
}

/// That value, unless the metadata service knows no such identity.
pub(super) fn own_client<'a>(case: &Case<'a>) -> Option<&'a str> {
    let refused = question(case).and_then(|question| case.refusal(&question));
    named_client(case).filter(|_| refused != Some(Refusal::NotFound))
}

/// Is the run about identities that were named?
fn is_named(case: &Case) -> bool {
    !case.plan().all_identities && case.plan().identities.iter().any(|one| *one != Selector::Default)
}

fn asks_as_named(row: &Row) -> bool {
    row.source == Source::Metadata && matches!(row.identity, AsWhom::ManagedIdentity(_))
}

/// One finding for each variable, or file, that leads clients away; empty when the environment was not read.
pub(super) fn findings(case: &Case) -> Vec<Finding> {
    let Some((set, files)) = setting(case) else { return Vec::new() };
    let rows = clients::table(&Setting { variables: set, files: &files });
    let away: Vec<&Row> = rows.iter().filter(|row| is_led_away(row)).collect();
    let mut leads: Vec<&'static str> = Vec::new();
    for lead in away.iter().filter_map(|row| row.decided_by.first()) {
        if !leads.contains(lead) {
            leads.push(lead);
        }
    }
    let led_by = |lead: &str| -> Vec<&Row> {
        away.iter().copied().filter(|row| row.decided_by.first().is_some_and(|first| *first == lead)).collect()
    };
    let mut found: Vec<Finding> = Vec::new();
    for lead in leads {
        let value = set.get(lead).map(String::as_str);
        let rows = led_by(lead);
        // The check `retired` speaks of the old port. What troubles nothing but libraries that are no longer maintained is in the
        // table alone: few programs have them, and others set such variables for good reason.
        let maintained = rows.iter().any(|row| !row.retired);
        // Where both of Cloud Shell's own variables are set, this is Cloud Shell.
        let cloud_shell = case.variable("AZUREPS_HOST_ENVIRONMENT").is_some_and(|host| host.starts_with("cloud-shell"));
        let spoken_of = value.is_some_and(clients::is_retired) || (lead == "ACC_CLOUD" && cloud_shell);
        if maintained && !spoken_of {
            let finding = shadowed(lead, value, &rows, "");
            found.push(match led_next(set, &files, lead, &rows) {
                _ if lead == WORKLOAD && is_workload(case) => of_workload(finding),
                next if next.is_empty() => finding,
                next => finding.with("more_variables", listed(&next)),
            });
        }
    }
    // Of a pod that signs in by workload identity the ID is that identity's.
    found.extend(client_finding(case, &rows).filter(|_| !is_workload(case)));
    found
}

/// What would lead the same clients away when this variable is gone, and what then, and so on.
fn led_next(set: &BTreeMap<String, String>, files: &BTreeSet<String>, lead: &str, rows: &[&Row]) -> Vec<String> {
    let mut set = set.clone();
    let mut next: Vec<String> = Vec::new();
    let mut gone = vec![lead.to_owned()];
    while !gone.is_empty() && next.len() < NEXT {
        set.retain(|name, _| !gone.contains(name));
        let table = clients::table(&Setting { variables: &set, files });
        let same = table.iter().filter(|row| is_led_away(row) && rows.iter().any(|led| led.id == row.id));
        let by: BTreeSet<&str> = same.filter_map(|row| row.decided_by.first().copied()).collect();
        let there = |name: &&str| set.get(*name).is_some_and(|value| !clients::is_retired(value));
        gone = by.into_iter().filter(there).map(str::to_owned).collect();
        next.extend(gone.iter().cloned());
    }
    next
}

/// Is all set that the webhook of workload identity for Azure Kubernetes Service sets in a pod (azure-workload-identity,
/// `pkg/webhook/consts.go`)?
fn is_workload(case: &Case) -> bool {
    [WORKLOAD, CLIENT, "AZURE_TENANT_ID", "AZURE_AUTHORITY_HOST", "KUBERNETES_SERVICE_HOST"]
        .iter()
        .all(|name| case.variable(name).is_some())
}

/// The pod is meant to sign in so: nothing is to be taken out.
fn of_workload(mut finding: Finding) -> Finding {
    for fact in ["variable", "pod_variable", "chain_variable"] {
        finding.facts.remove(fact);
    }
    Finding { severity: Severity::Warning, ..finding }.with("workload", WORKLOAD)
}

/// Would it not reach the metadata service, or fail before it asks? A variable that names the metadata service itself leads
/// nobody away, and of settings that are not read nothing is said.
fn is_led_away(row: &Row) -> bool {
    !matches!(row.source, Source::Metadata | Source::Unknown)
        && !row.address.as_deref().is_some_and(clients::is_metadata)
}

/// The finding about a variable, or a file that is there, with the clients that it concerns.
fn shadowed(lead: &'static str, value: Option<&str>, rows: &[&Row], tail: &str) -> Finding {
    let cause = match value {
        Some("") => format!("{lead} is set to nothing"),
        Some(_) if is_secret(lead) => format!("{lead} is set"),
        Some(value) => format!("{lead} is set to {value}"),
        None => format!("{lead} is there"),
    };
    let mut groups: Vec<Vec<&Row>> = Vec::new();
    let mut rest = rows.to_vec();
    while let Some(first) = rest.first().copied() {
        let same = |row: &&Row| {
            (row.source, &row.address, &row.identity) == (first.source, &first.address, &first.identity)
                && (row.source != Source::Nowhere || row.why == first.why)
        };
        let (alike, others): (Vec<&Row>, Vec<&Row>) = rest.into_iter().partition(same);
        groups.push(alike);
        rest = others;
    }
    // The first clients are named apart, so that the page's sentence can begin with them.
    let named = |group: &Vec<&Row>| (clients::in_words(group), clients::deed(group));
    let mut sentences = groups.iter().map(named);
    let (concerned, effect) = sentences.next().unwrap_or_default();
    let more: String = sentences.map(|(clients, deed)| format!("; {clients} {deed}")).collect();
    let mut finding = Finding::error("env-shadowed")
        .with("cause", cause)
        .with("subject", lead)
        .with("clients", concerned)
        .with("effect", format!("{effect}{more}{tail}"));
    match value {
        None => finding = finding.with("agent", lead),
        Some(value) => finding = finding.with("variable", lead).with("value", value),
    }
    if lead == WORKLOAD {
        finding = finding.with("pod_variable", lead);
    }
    let chains_alone = rows.iter().filter(|row| !row.retired).all(|row| row.id.ends_with("-default"));
    if chains_alone && value.is_some() { finding.with("chain_variable", lead) } else { finding }
}

/// Clients that ask the metadata service for the identity that `AZURE_CLIENT_ID` names, when that is known not to be the one.
fn client_finding(case: &Case, rows: &[Row]) -> Option<Finding> {
    let rows: Vec<&Row> = rows.iter().filter(|row| asks_as_named(row)).collect();
    // A service principal's ID, with those who sign in as it gone elsewhere, troubles only what is retired.
    let client = case.variable(CLIENT).filter(|_| rows.iter().any(|row| !row.retired))?;
    let finding = |tail: &str| shadowed(CLIENT, Some(client), &rows, tail);
    let is_not_of = |own: &[String]| !own.iter().any(|id| id.eq_ignore_ascii_case(client));
    if is_named(case) {
        return checked_clients(case)
            .filter(|own| is_not_of(own))
            .map(|_| finding(", not for the one that is checked"));
    }
    let told = question(case).and_then(|question| {
        let has_it = case.evidence.answer(&question)?.token.is_some();
        // A VM without any identity has not this one either, and the check `identity` says so.
        let has_none = case.refusal(&token_request(&case.arm_uri()?, None)) == Some(Refusal::NotFound);
        (has_it || (!has_none && case.refusal(&question) == Some(Refusal::NotFound))).then_some(!has_it)
    });
    let is_foreign = told.or_else(|| known_clients(case).map(|own| is_not_of(&own)))?;
    is_foreign.then(|| finding(", which this VM does not have"))
}

/// The client IDs of the identities that the run is about; `None` when one of them is not known.
fn checked_clients(case: &Case) -> Option<Vec<String>> {
    let mut known: Vec<String> = Vec::new();
    for subject in Subject::identities(case.evidence) {
        let claims = Case::new(case.evidence, &subject).any_claims();
        known.push(claims.and_then(|claims| claims.client_id())?.to_owned());
    }
    Some(known)
}

/// The client IDs of all identities of this VM; `None` when one of them is not known. Azure Resource Manager's list of the
/// user-assigned ones tells, and the token of the one that answered.
fn known_clients(case: &Case) -> Option<Vec<String>> {
    let mut known = Vec::new();
    for subject in Subject::identities(case.evidence) {
        let one = Case::new(case.evidence, &subject);
        let block = one.vm_identity()?;
        // Instances of a uniform scale set have their identities at the set, which is not read.
        let elsewhere =
            one.vm_id().is_some_and(|id| resource_id::scale_set(id).is_some()) && *block == VmIdentity::default();
        // Azure Resource Manager does not tell the client ID of the system-assigned identity; only its token does.
        let untold = block.principal_id.as_deref().is_some_and(|principal| !speaks(case, principal));
        if elsewhere || untold {
            return None;
        }
        known.extend(block.user_assigned.iter().filter_map(|listed| listed.client_id.clone()));
        known.extend(one.any_claims().and_then(|claims| claims.client_id()).map(str::to_owned));
    }
    Some(known)
}

/// Did one of the run's identities get a token for this principal?
fn speaks(case: &Case, principal: &str) -> bool {
    Subject::identities(case.evidence).iter().any(|subject| {
        let claims = Case::new(case.evidence, subject).any_claims();
        claims.and_then(|claims| claims.text("oid")).is_some_and(|oid| oid.eq_ignore_ascii_case(principal))
    })
}
