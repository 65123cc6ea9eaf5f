//! Azure Resource Manager: is its name known, is it there, is the certificate its own.

use std::collections::BTreeSet;

use crate::azure::arm::{self, ArmError};
use crate::azure::resource_id::VmId;
use crate::case::Case;
use crate::check::{Check, Facts, Finding, Stage, Subject, Verdict};
use crate::clients::{Setting, proxy};
use crate::evidence::{Answer, Exchange, Failed, Failure, Outcome, Request};
use crate::words::{in_words, plural};

use super::{certificates, whose};

/// The checks of this topic.
pub static CHECKS: &[Check] = &[Check {
    id: "arm",
    stage: Stage::Access,
    needs: &["metadata"],
    essential: true,
    codes: &["dns-failure", "arm-unreachable", "tls-intercepted", "service-transient"],
    shared: &[],
    reads: &[],
    page: include_str!("../../checks/arm.md"),
    subjects: Subject::machine,
    ask: ask_arm,
    judge: |case| whose::as_far_as_read(case, judge_arm(case)),
}];

/// Why checks are skipped with `--require none`.
pub(super) const NOTHING_REQUIRED: &str = "nothing is required of Azure Resource Manager";

/// Questions whose answers only teach: whether they come says nothing against Azure Resource Manager.
const ASIDE: [&str; 4] = ["/roleAssignments", "/roleDefinitions/", "/denyAssignments", "/resourcegroups?"];

/// The name, and the front door without a token: Azure Resource Manager answers 401, which shows that it is there and
/// with which certificate. Through a proxy the name is the proxy's business.
fn ask_arm(case: &Case) -> Vec<Request> {
    let Some(cloud) = case.cloud().filter(|_| case.asks_manager()) else { return Vec::new() };
    let mut requests = vec![case.environment()];
    if !proxied(case, &cloud.arm_host) {
        requests.push(Request::Resolve { host: cloud.arm_host.to_string() });
    }
    if let Some(probe) = probe(case) {
        requests.extend(certificates::ask(case, &probe));
        requests.push(probe);
    }
    requests
}

fn probe(case: &Case) -> Option<Request> {
    let vm = VmId::parse(case.vm_id()?)?;
    Some(Request::manager(arm::probe_url(&case.cloud()?.arm_host, &vm.subscription), None))
}

/// Is this host reached through a proxy? Then its name is the proxy's business.
pub(super) fn proxied(case: &Case, host: &str) -> bool {
    proxy_for(case, host).is_some()
}

/// The proxy that clients reach this host through, without scheme: `proxy.contoso.com:3128`.
fn proxy_for(case: &Case, host: &str) -> Option<String> {
    let found = proxy::for_https(host, &Setting { variables: case.variables()?, files: &BTreeSet::new() })?;
    let bare = found.proxy.split_once("://").map_or(found.proxy.as_str(), |(_, rest)| rest);
    Some(bare.split(['/', '?', '#']).next().unwrap_or_default().to_owned())
}

fn judge_arm(case: &Case) -> Verdict {
    if !case.asks_manager() {
        return Verdict::Skip(NOTHING_REQUIRED.into());
    }
    let (Some(cloud), Some(probe)) = (case.cloud(), probe(case)) else {
        return Verdict::Unknown(match case.instance().and_then(|instance| instance.environment.as_deref()) {
            Some(name) if case.cloud().is_none() => {
                format!("the VM's cloud is “{name}”, which midoctor does not know; --arm-endpoint names its host")
            }
            _ => "which cloud and subscription the VM is in is not known".into(),
        });
    };
    let host = cloud.arm_host.to_string();
    if let Some(named) = case.plan().arm_endpoint.as_deref().filter(|named| *named != host) {
        return Verdict::Unknown(format!(
            "--arm-endpoint names {named}, the host of another cloud than the VM's, so {host} was asked instead"
        ));
    }
    if let Some(Outcome::Failed(failed)) = case.outcome(&Request::Resolve { host: host.clone() })
        && failed.why == Failure::NameUnknown
    {
        return Verdict::found(Finding::error("dns-failure").with("host", host).with("detail", &failed.detail));
    }
    let Some(first) = case.exchange(&probe) else {
        return Verdict::Unknown("Azure Resource Manager was not asked".into());
    };
    // It can let the front door's question through and keep silent to those that matter; names of roles do not.
    let matters = |exchange: &&Exchange| {
        let url = exchange.request.url().unwrap_or_default();
        url.starts_with(&format!("https://{host}/")) && !ASIDE.iter().any(|part| url.contains(part))
    };
    let exchanges = std::iter::once(first).chain(case.evidence.exchanges().iter().filter(matters));
    exchanges.filter_map(|exchange| trouble(case, &host, exchange)).next().unwrap_or_else(|| {
        let as_told = case.plan().arm_endpoint.as_ref().map_or("", |_| ", as --arm-endpoint says");
        let way = proxy_for(case, &host).map(|proxy| format!(" through {proxy}")).unwrap_or_default();
        let facts = Facts::from([("arm_host", host.clone()), ("took", in_words(first.took()) + &way + as_told)]);
        certificates::regarded(case, &host, first, Verdict::Pass(facts))
    })
}

/// What an exchange says against Azure Resource Manager; nothing when it answered, whatever it answered.
fn trouble(case: &Case, host: &str, exchange: &Exchange) -> Option<Verdict> {
    match exchange.last().map(|attempt| &attempt.outcome) {
        Some(Outcome::Failed(failed)) => Some(unreachable_verdict(case, host, failed, exchange)),
        Some(Outcome::Answered(answer)) if !arm::is_arm(answer) => {
            let via = answer
                .header("via")
                .or(answer.header("server"))
                .map(|name| format!(" by “{name}”"))
                .unwrap_or_default();
            let detail = format!("the answer {}{via} did not come from Azure Resource Manager", answer.status);
            Some(Verdict::found(Finding::error("arm-unreachable").with("host", host).with("detail", detail)))
        }
        Some(Outcome::Answered(answer)) if answer.status == 429 || answer.status >= 500 => {
            Some(transient(host, exchange))
        }
        _ => None,
    }
}

pub(super) fn transient(host: &str, exchange: &Exchange) -> Verdict {
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

/// What support asks for.
pub(super) fn request_id(answer: Option<&Answer>) -> String {
    answer.and_then(|answer| answer.header("x-ms-request-id")).unwrap_or("not given").to_owned()
}

fn unreachable_verdict(case: &Case, host: &str, failed: &Failed, exchange: &Exchange) -> Verdict {
    on_the_way(case, host, failed).unwrap_or_else(|| {
        let detail = in_the_way(failed, exchange);
        Verdict::found(Finding::error("arm-unreachable").with("host", host).with("detail", detail))
    })
}

/// What a failure says that is the same for every host: the name, the certificate, and what is no failure of the way there.
pub(super) fn on_the_way(case: &Case, host: &str, failed: &Failed) -> Option<Verdict> {
    Some(match failed.why {
        Failure::NameUnknown => {
            Verdict::found(Finding::error("dns-failure").with("host", host).with("detail", &failed.detail))
        }
        Failure::CertificateRefused => certificates::refused(case, host, failed),
        Failure::Unsupported => Verdict::Unknown(failed.detail.clone()),
        Failure::OutOfTime => Verdict::Unknown(failed.before_the_answer().into()),
        _ => return None,
    })
}

/// Why a host was not reached, in words.
pub(super) fn in_the_way(failed: &Failed, exchange: &Exchange) -> String {
    let took = in_words(exchange.took());
    match failed.why {
        Failure::ConnectTimeout => format!("no connection with TLS came about in {took}"),
        Failure::AnswerTimeout => format!("it accepted the connection and did not answer in {took}"),
        Failure::Refused => "the connection was refused".into(),
        Failure::Unroutable => "this machine has no route to it".into(),
        Failure::Closed => "the connection was closed before an answer was complete".into(),
        _ => failed.detail.clone(),
    }
}
