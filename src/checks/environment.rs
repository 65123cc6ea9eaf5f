//! The environment that is judged: do its variables lead clients away from the VM's managed identity. Supporting evidence: it
//! never makes a verdict undetermined.

use crate::azure::arm::VmIdentity;
use crate::azure::resource_id;
use crate::case::Case;
use crate::check::{Check, Finding, Stage, Subject, Verdict};
use crate::evidence::{METADATA_ADDRESS, Outcome};

use super::proxies::{proxy_finding, question};

/// The checks of this topic.
pub static CHECKS: [Check; 1] = [Check {
    id: "environment",
    stage: Stage::Host,
    needs: &[],
    essential: false,
    codes: &["env-proxy", "env-shadowed"],
    shared: &[],
    page: include_str!("../../checks/environment.md"),
    subjects: Subject::machine,
    ask: |case| std::iter::once(case.environment()).chain(question(case)).collect(),
    judge: judge_environment,
}];

/// Variables that make clients look elsewhere for a managed identity, with what that leads to.
const SHADOWS: [(&str, &str); 4] = [
    ("IDENTITY_ENDPOINT", "clients take this machine for App Service, Service Fabric or Azure Arc and ask there"),
    ("MSI_ENDPOINT", "clients take this machine for Cloud Shell or Azure Machine Learning and ask there"),
    ("AZURE_POD_IDENTITY_AUTHORITY_HOST", "clients ask this host instead of the metadata service"),
    ("MSAL_MANAGED_IDENTITY_ENDPOINT", "MSAL for Python asks this address instead of the metadata service"),
];

/// Credentials that DefaultAzureCredential takes from the environment before it asks for a managed identity, with the
/// variable to name.
const BEFORE: [(&[&str], &str); 3] = [
    (&["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"], "AZURE_CLIENT_SECRET"),
    (&["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_CERTIFICATE_PATH"], "AZURE_CLIENT_CERTIFICATE_PATH"),
    (&["AZURE_AUTHORITY_HOST", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE"], "AZURE_FEDERATED_TOKEN_FILE"),
];

/// `AZURE_CLIENT_ID` alone makes clients ask for that identity; is it one of this VM's? Azure Resource Manager's list of the
/// user-assigned ones tells, and the token of the one that answered.
fn client_finding(case: &Case) -> Option<Finding> {
    let client = case.variable("AZURE_CLIENT_ID")?;
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
        known.extend(one.any_claims().and_then(|claims| claims.text("appid")).map(str::to_owned));
    }
    let effect = "clients that read it ask for that identity, which this VM does not have";
    (!known.iter().any(|id| id.eq_ignore_ascii_case(client))).then(|| shadowed("AZURE_CLIENT_ID", client, effect))
}

/// Did one of the run's identities get a token for this principal?
fn speaks(case: &Case, principal: &str) -> bool {
    Subject::identities(case.evidence).iter().any(|subject| {
        let claims = Case::new(case.evidence, subject).any_claims();
        claims.and_then(|claims| claims.text("oid")).is_some_and(|oid| oid.eq_ignore_ascii_case(principal))
    })
}

fn judge_environment(case: &Case) -> Verdict {
    match case.outcome(&case.environment()) {
        Some(Outcome::Variables { .. }) => {}
        _ => return Verdict::Unknown("the environment was not read".into()),
    }
    let mut found: Vec<Finding> = proxy_finding(case).into_iter().collect();
    for (variable, effect) in SHADOWS {
        if let Some(value) =
            case.variable(variable).filter(|value| !points_at_metadata(value) && !points_at_retired(value))
        {
            found.push(shadowed(variable, value, effect));
        }
    }
    let set = |names: &[&str]| names.iter().all(|name| case.variable(name).is_some());
    let before = "DefaultAzureCredential signs in by it before it looks for a managed identity";
    for (names, variable) in BEFORE {
        if set(names) {
            found.push(shadowed(variable, case.variable(variable).unwrap_or_default(), before));
        }
    }
    if found.is_empty() {
        found.extend(client_finding(case));
    }
    if found.is_empty() { Verdict::pass() } else { Verdict::Found(found) }
}

fn shadowed(variable: &str, value: &str, effect: &str) -> Finding {
    Finding::error("env-shadowed").with("variable", variable).with("value", value).with("effect", effect)
}

fn points_at_metadata(value: &str) -> bool {
    let authority = value.trim().trim_start_matches("http://").split('/').next().unwrap_or_default();
    authority.strip_suffix(":80").unwrap_or(authority) == METADATA_ADDRESS
}

/// Does this value point at the retired endpoint? Then the check `retired` speaks of it.
pub(super) fn points_at_retired(value: &str) -> bool {
    let rest = value.trim().strip_prefix("http://").unwrap_or(value);
    rest.split('/').next().is_some_and(|authority| authority.ends_with(":50342"))
}
