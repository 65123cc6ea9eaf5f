//! What the token opens: is Azure Resource Manager there, can the identity read its VM, do its roles suffice.

use crate::azure::arm::{self, ArmError};
use crate::azure::permissions;
use crate::azure::resource_id::{self, VmId};
use crate::case::Case;
use crate::check::{Check, Facts, Finding, Stage, Subject, Verdict};
use crate::evidence::{Answer, Exchange, Failed, Failure, Outcome, Request};
use crate::words::{in_words, plural};

/// The checks of this topic.
pub static CHECKS: [Check; 3] = [
    Check {
        id: "arm",
        stage: Stage::Access,
        needs: &["metadata"],
        essential: true,
        codes: &["dns-failure", "arm-unreachable", "tls-intercepted", "service-transient"],
        page: include_str!("../../checks/arm.md"),
        subjects: Subject::machine,
        ask: ask_arm,
        judge: judge_arm,
    },
    Check {
        id: "reader",
        stage: Stage::Access,
        needs: &["metadata", "identity", "arm", "principal", "validity"],
        essential: true,
        codes: &["role-missing", "role-propagating"],
        page: include_str!("../../checks/reader.md"),
        subjects: Subject::identities,
        ask: ask_reader,
        judge: judge_reader,
    },
    Check {
        id: "roles",
        stage: Stage::Access,
        needs: &["metadata", "identity", "arm", "principal", "validity"],
        essential: true,
        codes: &["role-insufficient", "role-denied"],
        page: include_str!("../../checks/roles.md"),
        subjects: Subject::identities,
        ask: ask_roles,
        judge: judge_roles,
    },
];

/// The name, and the front door without a token: Azure Resource Manager answers 401, which shows that it is there and
/// with which certificate. Through a proxy the name is the proxy's business.
fn ask_arm(case: &Case) -> Vec<Request> {
    let Some(cloud) = case.cloud() else { return Vec::new() };
    let mut requests = vec![Request::Environment];
    if !proxied(case) {
        requests.push(Request::Resolve { host: cloud.arm_host.into() });
    }
    requests.extend(probe(case));
    requests
}

fn probe(case: &Case) -> Option<Request> {
    let vm = VmId::parse(&case.vm_id()?)?;
    Some(Request::manager(arm::probe_url(case.cloud()?.arm_host, &vm.subscription), None))
}

fn proxied(case: &Case) -> bool {
    ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
        .iter()
        .any(|name| case.variable(name).is_some_and(|value| !value.is_empty()))
}

fn judge_arm(case: &Case) -> Verdict {
    let (Some(cloud), Some(probe)) = (case.cloud(), probe(case)) else {
        return Verdict::Unknown("which cloud and subscription the VM is in is not known".into());
    };
    let host = cloud.arm_host;
    if let Some(Outcome::Failed(failed)) = case.outcome(&Request::Resolve { host: host.into() })
        && failed.why == Failure::NameUnknown
    {
        return Verdict::found(Finding::error("dns-failure").with("host", host).with("detail", &failed.detail));
    }
    let Some(exchange) = case.exchange(&probe) else {
        return Verdict::Unknown("Azure Resource Manager was not asked".into());
    };
    match exchange.last().map(|attempt| &attempt.outcome) {
        Some(Outcome::Failed(failed)) => unreachable_verdict(case, host, failed, exchange),
        Some(Outcome::Answered(answer)) => {
            let busy =
                case.vm_request().and_then(|request| case.exchange(&request)).filter(|exchange| is_busy(exchange));
            match busy {
                Some(exchange) => transient(host, exchange),
                None if is_busy(exchange) => transient(host, exchange),
                None if arm::is_arm(answer) => {
                    Verdict::Pass(Facts::from([("arm_host", host.to_owned()), ("took", in_words(exchange.took()))]))
                }
                None => {
                    let detail = format!("the answer {} did not come from Azure Resource Manager", answer.status);
                    Verdict::found(Finding::error("arm-unreachable").with("host", host).with("detail", detail))
                }
            }
        }
        _ => Verdict::Unknown("Azure Resource Manager was not asked".into()),
    }
}

fn is_busy(exchange: &Exchange) -> bool {
    exchange
        .last()
        .and_then(|attempt| attempt.outcome.answer())
        .is_some_and(|answer| answer.status == 429 || answer.status >= 500)
}

fn transient(host: &str, exchange: &Exchange) -> Verdict {
    let answer = exchange.last().and_then(|attempt| attempt.outcome.answer());
    let error = answer.and_then(ArmError::read).map_or_else(|| "no error code".to_owned(), |error| error.code);
    Verdict::found(
        Finding::error("service-transient")
            .with("host", host)
            .with("status", answer.map_or(0, |answer| answer.status))
            .with("error", error)
            .with("request_id", request_id(answer))
            .with("attempts", plural(exchange.attempts.len() as u64, "attempt")),
    )
}

fn request_id(answer: Option<&Answer>) -> String {
    answer.and_then(|answer| answer.header("x-ms-request-id")).unwrap_or("not given").to_owned()
}

fn unreachable_verdict(case: &Case, host: &str, failed: &Failed, exchange: &Exchange) -> Verdict {
    let took = in_words(exchange.took());
    let unreachable =
        |detail: String| Verdict::found(Finding::error("arm-unreachable").with("host", host).with("detail", detail));
    match failed.why {
        Failure::NameUnknown => {
            Verdict::found(Finding::error("dns-failure").with("host", host).with("detail", &failed.detail))
        }
        Failure::CertificateRefused => {
            let shown = failed.certificate.as_ref();
            // With a wrong clock every certificate looks expired or not yet valid.
            if outside_validity(case, shown) && skewed(case) {
                return Verdict::Blocked("clock");
            }
            Verdict::found(
                Finding::error("tls-intercepted")
                    .with("host", host)
                    .with("issuer", shown.map_or("unknown", |shown| &shown.issuer))
                    .with("subject", shown.map_or("unknown", |shown| &shown.subject))
                    .with("detail", distrust(&failed.detail)),
            )
        }
        Failure::ConnectTimeout => unreachable(format!("no connection came about in {took}")),
        Failure::AnswerTimeout => unreachable(format!("it accepted the connection and did not answer in {took}")),
        Failure::Refused => unreachable("the connection was refused".into()),
        Failure::Unroutable => unreachable("this machine has no route to it".into()),
        Failure::Closed => unreachable("the connection was closed before an answer was complete".into()),
        Failure::ProxyFailed => unreachable(format!("the proxy did not let it through: {}", failed.detail)),
        Failure::NotAsked => Verdict::Unknown("the run's deadline passed before the question was put".into()),
        _ => unreachable(failed.detail.clone()),
    }
}

/// Rustls's words for why a certificate was refused, without its preamble, and readable where they are a bare name.
fn distrust(detail: &str) -> &str {
    match detail.trim_start_matches("invalid peer certificate: ") {
        "UnknownIssuer" => "this machine does not trust the authority that issued it",
        "BadSignature" => "its signature is wrong",
        "Revoked" => "it was revoked",
        other => other,
    }
}

fn skewed(case: &Case) -> bool {
    let clock = &super::host::CHECKS[1];
    (clock.judge)(case).status() == crate::check::Status::Fail
}

fn outside_validity(case: &Case, shown: Option<&crate::evidence::Certificate>) -> bool {
    let Some(shown) = shown else { return false };
    let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let now = case.evidence.taken_at;
    time(&shown.not_before).is_some_and(|from| now < from) || time(&shown.not_after).is_some_and(|until| now > until)
}

fn ask_reader(case: &Case) -> Vec<Request> {
    let mut requests: Vec<Request> =
        case.arm_uri().filter(|_| case.instance().is_some()).map_or_else(Vec::new, |uri| case.token_requests(&uri));
    requests.extend(case.vm_request());
    requests.extend(case.assignments_request());
    requests.extend(case.definition_requests().into_iter().map(|(_, request)| request));
    requests
}

fn ask_roles(case: &Case) -> Vec<Request> {
    case.permissions_request().into_iter().collect()
}

/// What stands between the identity and an answer of Azure Resource Manager, when the VM was not asked.
fn not_asked(case: &Case) -> Verdict {
    let token = case.arm_uri().and_then(|uri| case.evidence.answer(&case.token_request(&uri)?));
    match token {
        Some(answer) if answer.token.is_some() => Verdict::Unknown("Azure Resource Manager was not asked".into()),
        Some(answer) => {
            let why = crate::azure::metadata::IdentityError::read(answer).map(|error| error.error).unwrap_or_default();
            Verdict::Unknown(format!("no token for Azure Resource Manager was issued: {} {why}", answer.status))
        }
        None => Verdict::Unknown("no token for Azure Resource Manager was asked for".into()),
    }
}

fn judge_reader(case: &Case) -> Verdict {
    let Some(answer) = case.vm_request().and_then(|request| case.evidence.answer(&request)) else {
        return not_asked(case);
    };
    if answer.status == 200 && arm::VmIdentity::read(answer).is_some() {
        let roles = case.roles_held().unwrap_or_else(|| "roles not told".into());
        return Verdict::Pass(Facts::from([("roles", roles)]));
    }
    let Some(error) = ArmError::read(answer) else {
        return Verdict::Unknown(format!("Azure Resource Manager answered {} without saying why", answer.status));
    };
    match (answer.status, error.code.as_str()) {
        (403, "DenyAssignmentAuthorizationFailed") => Verdict::Blocked("roles"),
        (403, _) => missing(case, answer, &error),
        // Whose fault that is, the checks validity and principal say; the engine puts them in the way.
        (401, code) => Verdict::Unknown(format!("Azure Resource Manager refused the token: 401 {code}")),
        (status, code) => Verdict::Unknown(format!("Azure Resource Manager answered {status} {code}")),
    }
}

/// No role, or one that has not taken effect: Azure lets ten minutes pass at most.
fn missing(case: &Case, answer: &Answer, error: &ArmError) -> Verdict {
    if !case.assignments_request().is_some_and(|request| case.evidence.has(&request)) {
        return Verdict::Unknown("it was refused with 403; whether a role was granted just now was not asked".into());
    }
    let vm = case.vm_id().unwrap_or_default();
    let newest = case
        .assignments()
        .unwrap_or_default()
        .into_iter()
        .filter_map(|held| Some((held.created?, held)))
        .max_by_key(|(created, _)| *created);
    if let Some((created, held)) = newest {
        let age = case.evidence.taken_at.duration_since(created).unsigned_abs();
        if age <= PROPAGATION && grants_reading(case, &held) {
            let role = case
                .definition_requests()
                .into_iter()
                .find(|(id, _)| *id == held.definition)
                .and_then(|(_, request)| arm::role_name(case.evidence.answer(&request)?))
                .unwrap_or_else(|| resource_id::name(&held.definition).to_owned());
            return Verdict::found(
                Finding::error("role-propagating")
                    .with("role", format!("{role} ({})", resource_id::scope_in_words(&held.scope, &vm)))
                    .with("granted", format!("{} ago", in_words(age))),
            );
        }
    }
    Verdict::found(
        Finding::error("role-missing")
            .with("status", answer.status)
            .with("error", &error.code)
            .with("action", error.quoted_after("perform action").unwrap_or("Microsoft.Compute/virtualMachines/read"))
            .with("request_id", request_id(Some(answer))),
    )
}

/// A role assignment takes effect within ten minutes (Microsoft's page on troubleshooting Azure RBAC).
const PROPAGATION: std::time::Duration = std::time::Duration::from_secs(600);

/// Would this assignment let the VM be read? Unknown definitions get the benefit of the doubt: waiting costs little.
fn grants_reading(case: &Case, held: &arm::Assignment) -> bool {
    let definition = case.definition_requests().into_iter().find(|(id, _)| *id == held.definition);
    definition
        .and_then(|(_, request)| arm::definition_permissions(case.evidence.answer(&request)?))
        .is_none_or(|entries| permissions::allow(&entries, READ_VM))
}

const READ_VM: &str = "Microsoft.Compute/virtualMachines/read";
/// What Reader allows (Microsoft's list of built-in roles): the action, not the role's name, is required.
const READER: &str = "*/read";

fn judge_roles(case: &Case) -> Verdict {
    let vm = case.vm_request().and_then(|request| case.evidence.answer(&request));
    let denied = vm.and_then(ArmError::read).filter(|error| error.code == "DenyAssignmentAuthorizationFailed");
    if let Some(error) = denied {
        return Verdict::found(
            Finding::error("role-denied")
                .with("deny_assignment", error.deny_assignment().unwrap_or("unnamed"))
                .with("deny_scope", error.deny_scope().unwrap_or("unknown"))
                .with("action", error.quoted_after("perform action").unwrap_or(READ_VM)),
        );
    }
    match vm {
        Some(answer) if answer.status == 403 => return Verdict::Blocked("reader"),
        Some(answer) if answer.status == 401 => {
            return Verdict::Unknown("Azure Resource Manager refused the token".into());
        }
        Some(_) => {}
        None => return not_asked(case),
    }
    let Some(answer) = case.permissions_request().and_then(|request| case.evidence.answer(&request)) else {
        return not_asked(case);
    };
    let held = case.roles_held();
    let Some(entries) = arm::permissions(answer) else {
        return match ArmError::read(answer) {
            // Whoever may not even ask is no Reader.
            Some(_) if answer.status == 403 => {
                insufficient(held.unwrap_or_else(|| "roles that it may not list".into()))
            }
            _ => Verdict::Unknown(format!(
                "Azure Resource Manager answered {} to the question for permissions",
                answer.status
            )),
        };
    };
    let words = held.unwrap_or_else(|| unlisted(&entries));
    if permissions::allow(&entries, READER) {
        return Verdict::Pass(Facts::from([("required", "Reader".to_owned()), ("roles", words)]));
    }
    if arm::goes_on(answer) {
        return Verdict::Unknown("the list of permissions goes on over more pages than are read".into());
    }
    insufficient(words)
}

/// Roles whose names may not be read, by what they allow; the longest lists are cut.
fn unlisted(entries: &[permissions::Permission]) -> String {
    let mut actions: Vec<&str> = entries.iter().flat_map(|entry| &entry.actions).map(String::as_str).collect();
    actions.dedup();
    match actions[..] {
        [] => "no role".into(),
        [ref some @ .., _, _, _, _, _, _] if !some.is_empty() => {
            format!("roles that it may not list, with {} actions, {} among them", actions.len(), actions[0])
        }
        _ => format!("roles that it may not list, which allow {}", actions.join(", ")),
    }
}

fn insufficient(held: String) -> Verdict {
    Verdict::found(
        Finding::error("role-insufficient").with("required", "Reader").with("missing", READER).with("held", held),
    )
}
