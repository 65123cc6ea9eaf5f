//! The machine itself: is it an Azure VM, is its clock right, does its environment lead clients away. Supporting evidence:
//! platform and environment never make a verdict undetermined.

use std::time::Duration;

use crate::azure::arm::VmIdentity;
use crate::azure::metadata::{self, Responder};
use crate::azure::resource_id;
use crate::case::Case;
use crate::check::{Check, Facts, Finding, Stage, Subject, Verdict};
use crate::destination::Destinations;
use crate::evidence::{METADATA_ADDRESS, Outcome, Request};
use crate::words::in_words;

/// The checks of this topic.
pub static CHECKS: [Check; 3] = [
    Check {
        id: "platform",
        stage: Stage::Host,
        needs: &[],
        essential: false,
        codes: &["not-on-azure"],
        shared: &[],
        page: include_str!("../../checks/platform.md"),
        subjects: Subject::machine,
        ask: |_| [ASSET_TAG, VENDOR, PRODUCT].iter().map(|path| file(path)).collect(),
        judge: judge_platform,
    },
    Check {
        id: "clock",
        stage: Stage::Host,
        needs: &["platform", "metadata"],
        essential: true,
        codes: &["clock-skewed"],
        shared: &[],
        page: include_str!("../../checks/clock.md"),
        subjects: Subject::machine,
        // It reads the Date of whatever the others asked for.
        ask: |_| Vec::new(),
        judge: judge_clock,
    },
    Check {
        id: "environment",
        stage: Stage::Host,
        needs: &[],
        essential: false,
        codes: &["env-proxy", "env-shadowed"],
        shared: &[],
        page: include_str!("../../checks/environment.md"),
        subjects: Subject::machine,
        ask: |_| vec![Request::Environment],
        judge: judge_environment,
    },
];

const ASSET_TAG: &str = "/sys/class/dmi/id/chassis_asset_tag";
const VENDOR: &str = "/sys/class/dmi/id/sys_vendor";
const PRODUCT: &str = "/sys/class/dmi/id/product_name";
/// The asset tag of every Azure VM (cloud-init's ds-identify, systemd's hwdb).
const AZURE_TAG: &str = "7783-7084-3265-9085-8269-3286-77";

/// How other clouds name themselves in DMI (cloud-init's ds-identify). Hyper-V's vendor and product are not among them:
/// every Hyper-V machine has those.
const OTHER_CLOUDS: &[(&str, &str, &str)] = &[
    (VENDOR, "Amazon EC2", "AWS"),
    (PRODUCT, "Google Compute Engine", "Google Cloud"),
    (VENDOR, "Google", "Google Cloud"),
    (PRODUCT, "OpenStack Nova", "OpenStack"),
    (PRODUCT, "OpenStack Compute", "OpenStack"),
    (ASSET_TAG, "OpenTelekomCloud", "Open Telekom Cloud"),
    (ASSET_TAG, "HUAWEICLOUD", "Huawei Cloud"),
    (ASSET_TAG, "OracleCloud.com", "Oracle Cloud"),
    (ASSET_TAG, "Amazon EC2", "AWS"),
    (VENDOR, "DigitalOcean", "DigitalOcean"),
    (VENDOR, "UpCloud", "UpCloud"),
    (VENDOR, "Hetzner", "Hetzner"),
    (VENDOR, "Vultr", "Vultr"),
    (VENDOR, "Akamai", "Akamai"),
    (VENDOR, "Linode", "Linode"),
    (PRODUCT, "Alibaba Cloud ECS", "Alibaba Cloud"),
    (VENDOR, "Scaleway", "Scaleway"),
];

fn file(path: &str) -> Request {
    Request::File { path: path.into() }
}

fn judge_platform(case: &Case) -> Verdict {
    let contents = |path: &str| match case.outcome(&file(path)) {
        Some(Outcome::Contents { text }) => Some(text.as_str()),
        _ => None,
    };
    if contents(ASSET_TAG) == Some(AZURE_TAG) {
        return Verdict::Pass(Facts::from([("sign", format!("chassis asset tag {AZURE_TAG}"))]));
    }
    // A metadata service that proves to be Azure's outweighs whatever DMI says.
    if case.instance().is_some() {
        return Verdict::Pass(Facts::from([("sign", "Azure's metadata service knows this VM".to_owned())]));
    }
    for (path, value, cloud) in OTHER_CLOUDS {
        if contents(path) == Some(value) {
            let field = path.rsplit('/').next().unwrap_or(path);
            return Verdict::found(
                Finding::error("not-on-azure")
                    .with("sign", format!("{field} reads “{value}”"))
                    .with("other_cloud", cloud),
            );
        }
    }
    Verdict::Unknown("nothing on this machine tells which cloud it is in".into())
}

/// Entra and Azure Resource Manager forgive five minutes; tokens are valid from five minutes before they are issued.
const SKEW_LIMIT: Duration = Duration::from_secs(300);

fn judge_clock(case: &Case) -> Verdict {
    let destinations = Destinations::new(case.evidence);
    // Only Azure's own Date counts: a proxy or another cloud may have any time.
    let azure = |request: &Request| {
        let attempt = case.exchange(request)?.last()?;
        let answer = attempt.outcome.answer()?;
        let genuine = if request.goes_to_metadata() {
            metadata::responder(answer) == Responder::Azure
        } else {
            request.url().is_some_and(|url| destinations.is_manager(url)) && crate::azure::arm::is_arm(answer)
        };
        let date = answer.header("date").filter(|_| genuine)?;
        let told = jiff::fmt::rfc2822::parse(date).ok()?.timestamp();
        let offset = i64::try_from(attempt.started_ms.saturating_add(attempt.duration_ms)).ok()?;
        let local = case.evidence.taken_at().checked_add(jiff::SignedDuration::from_millis(offset)).ok()?;
        Some((local, told))
    };
    let Some((local, told)) = case.evidence.exchanges().iter().find_map(|exchange| azure(&exchange.request)) else {
        return Verdict::Unknown("no answer from Azure carried the time".into());
    };
    let difference = local.duration_since(told);
    let skew = difference.unsigned_abs();
    if skew <= SKEW_LIMIT {
        // Date has whole seconds, so less than that says nothing.
        let words = if skew < Duration::from_secs(2) { "less than 2 s".to_owned() } else { in_words(skew) };
        return Verdict::Pass(Facts::from([("skew", words)]));
    }
    Verdict::found(
        Finding::error("clock-skewed")
            .with("skew", in_words(skew))
            .with("direction", if difference.is_negative() { "behind" } else { "ahead of" })
            .with("azure_time", format!("{told:.0}"))
            .with("local_time", format!("{local:.0}")),
    )
}

/// Variables that send plain HTTP through a proxy, in the order in which clients look.
const PROXIES: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];

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
    match case.outcome(&Request::Environment) {
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

fn proxy_finding(case: &Case) -> Option<Finding> {
    let (variable, value) =
        PROXIES.into_iter().find_map(|name| Some((name, case.variable(name).filter(|value| !value.is_empty())?)))?;
    let exceptions = case.variable("no_proxy").or_else(|| case.variable("NO_PROXY")).unwrap_or_default();
    let entries: Vec<&str> = exceptions.split(',').map(str::trim).collect();
    if entries.iter().any(|entry| *entry == METADATA_ADDRESS || *entry == "*") {
        return None;
    }
    // A range is understood by some clients (curl, Go, Python requests) and not by others (.NET, Java).
    let by_some = entries.iter().any(|entry| entry.contains('/') && entry.starts_with("169.254."));
    let finding = if by_some { Finding::warning("env-proxy") } else { Finding::error("env-proxy") };
    let no_proxy = if exceptions.is_empty() { "not set".to_owned() } else { format!("“{exceptions}”") };
    Some(finding.with("variable", variable).with("value", value).with("no_proxy", no_proxy))
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
