//! The endpoints that issue tokens: the metadata service, and the retired one of the old VM extension.

use crate::azure::metadata::{self, Responder};
use crate::case::Case;
use crate::check::{Check, Facts, Finding, Stage, Subject, Verdict};
use crate::clients::is_retired;
use crate::evidence::{Answer, Exchange, Failed, Failure, METADATA_ADDRESS, Outcome, Request};
use crate::words::{in_words, plural};

use super::silence::{self, Ending};
use super::{proxy_agent, slowness, surroundings};

/// The checks of this topic.
pub static CHECKS: &[Check] = &[
    Check {
        id: "metadata",
        stage: Stage::Endpoint,
        needs: &["platform"],
        essential: true,
        codes: &[
            "imds-timeout",
            "imds-refused",
            "imds-proxied",
            "imds-not-azure",
            "imds-denied",
            "imds-slow",
            "imds-throttled",
            "imds-updating",
            "imds-server-error",
        ],
        shared: &[],
        reads: &["identity"],
        page: include_str!("../../checks/metadata.md"),
        subjects: Subject::machine,
        ask: ask_metadata,
        judge: judge_metadata,
    },
    Check {
        id: "retired",
        stage: Stage::Endpoint,
        needs: &[],
        essential: true,
        codes: &["legacy-answering", "legacy-endpoint"],
        shared: &[],
        reads: &[],
        page: include_str!("../../checks/retired.md"),
        subjects: Subject::machine,
        ask: ask_retired,
        judge: judge_retired,
    },
];

fn connect() -> Request {
    Request::Connect { host: METADATA_ADDRESS.into(), port: 80 }
}

/// First a connection, then the instance document; a machine that cannot connect is not asked more. Where there is no answer,
/// the machine itself is asked why, and where somebody else answers, how that comes.
fn ask_metadata(case: &Case) -> Vec<Request> {
    let mut requests = vec![connect()];
    if matches!(case.outcome(&connect()), Some(Outcome::Connected)) {
        requests.push(Case::instance_request());
    }
    let answer = case.evidence.answer(&Case::instance_request());
    if answer.is_some_and(|answer| {
        proxy_agent::passed_through(answer) || metadata::responder(answer) == Responder::GuestProxyAgent
    }) {
        requests.extend(proxy_agent::ask());
    }
    if let Verdict::Found(found) = judge_first(case).0 {
        match found.first().map(|finding| (finding.code, finding.facts.contains_key("pod_identity"))) {
            Some(("imds-timeout" | "imds-refused", _)) => requests.extend(surroundings::questions(case)),
            Some(("imds-proxied" | "imds-not-azure", _) | ("imds-denied", true)) => {
                requests.extend([Request::Network, Request::Firewall]);
            }
            _ => {}
        }
    }
    requests
}

/// What is found when no answer of Azure's comes.
const UNANSWERED: [&str; 5] = ["imds-timeout", "imds-refused", "imds-proxied", "imds-not-azure", "imds-denied"];

fn judge_metadata(case: &Case) -> Verdict {
    match judge_first(case) {
        (Verdict::Found(found), Some(ending)) if found.iter().all(|finding| UNANSWERED.contains(&finding.code)) => {
            Verdict::Found(found.into_iter().map(|finding| silence::explained(finding, case, ending)).collect())
        }
        (verdict, _) => verdict,
    }
}

/// How a question ended that brought no answer of Azure's.
fn ending(exchange: Option<&Exchange>) -> Option<Ending> {
    match &exchange?.last()?.outcome {
        Outcome::Failed(failed) if matches!(failed.why, Failure::NotHttp | Failure::TooLarge) => Some(Ending::Stranger),
        Outcome::Failed(failed) => Some(Ending::of(failed.why)),
        Outcome::Answered(_) => Some(Ending::Stranger),
        _ => None,
    }
}

/// The verdict before anybody asks why, and how the question ended that it is about.
fn judge_first(case: &Case) -> (Verdict, Option<Ending>) {
    let exchange = case.exchange(&Case::instance_request()).or_else(|| case.exchange(&connect()));
    let connected = matches!(case.outcome(&connect()), Some(Outcome::Connected));
    let exchange = if connected { exchange } else { case.exchange(&connect()) };
    match judge_answers(case) {
        // The instance document came, and a token did not: then it is a token question that ended so.
        verdict if matches!(exchange.map(|one| judge_exchange(case, one)), Some(Verdict::Pass(_))) => {
            let mut tokens = case.evidence.exchanges().iter().filter(|one| one.request.asks_for_token());
            let worst = tokens.find(|one| matches!(judge_exchange(case, one), Verdict::Found(_)));
            (verdict, ending(worst))
        }
        verdict => (verdict, ending(exchange)),
    }
}

fn judge_answers(case: &Case) -> Verdict {
    let Some(connected) = case.outcome(&connect()) else {
        return Verdict::Unknown("the metadata service was not asked".into());
    };
    if let Some(failed) = connected.failure() {
        return failure_verdict("A TCP connection to 169.254.169.254:80", failed, case.exchange(&connect()));
    }
    let instance = Case::instance_request();
    let Some(exchange) = case.exchange(&instance) else {
        return Verdict::Unknown("it accepts connections; no question was put to it".into());
    };
    let verdict = judge_exchange(case, exchange);
    if !matches!(verdict, Verdict::Pass(_)) {
        return verdict;
    }
    // The token path is another back end behind the same address: it can be busy or updating on its own.
    let mut tokens = case.evidence.exchanges().iter().filter(|exchange| exchange.request.asks_for_token()).peekable();
    if tokens.peek().is_none() {
        return Verdict::Unknown("it describes the VM; it was not asked for a token".into());
    }
    if let Some(found) = tokens.map(|own| judge_exchange(case, own)).find(|own| matches!(own, Verdict::Found(_))) {
        return found;
    }
    let warnings = slowness::finding(case, &connect(), &instance).into_iter().chain(proxy_agent::others_denied(case));
    let warnings: Vec<Finding> = warnings.collect();
    if warnings.is_empty() { verdict } else { Verdict::Found(warnings) }
}

/// What one exchange says of the service that should have answered.
fn judge_exchange(case: &Case, exchange: &Exchange) -> Verdict {
    let question = exchange.request.in_words();
    match exchange.last().map(|attempt| &attempt.outcome) {
        Some(Outcome::Failed(failed)) => failure_verdict(&question, failed, Some(exchange)),
        Some(Outcome::Answered(answer)) => judge_answer(case, &question, answer, exchange),
        _ => Verdict::Unknown("the metadata service was not asked".into()),
    }
}

fn failure_verdict(question: &str, failed: &Failed, exchange: Option<&Exchange>) -> Verdict {
    let took = exchange.map(|exchange| in_words(exchange.took())).unwrap_or_default();
    let (code, detail) = match failed.why {
        Failure::ConnectTimeout => ("imds-timeout", format!("nothing came back in {took}")),
        Failure::AnswerTimeout => ("imds-timeout", format!("it accepted the connection and did not answer in {took}")),
        Failure::Unroutable => ("imds-timeout", "this machine's own network does not let it out".into()),
        Failure::Refused => ("imds-refused", "the connection was refused".into()),
        Failure::Closed => ("imds-refused", "the connection was closed before an answer was complete".into()),
        Failure::NotHttp | Failure::TooLarge => {
            let responder = "a server that does not answer as the metadata service does";
            return Verdict::found(
                Finding::error("imds-not-azure")
                    .with("question", question)
                    .with("status", "no status")
                    .with("responder", responder),
            );
        }
        Failure::OutOfTime => return Verdict::Unknown(failed.before_the_answer().into()),
        _ => return Verdict::Unknown(failed.detail.clone()),
    };
    Verdict::found(Finding::error(code).with("question", question).with("detail", detail))
}

fn judge_answer(case: &Case, question: &str, answer: &Answer, exchange: &Exchange) -> Verdict {
    let responder = metadata::responder(answer);
    let stranger = |code: &'static str| {
        let finding = Finding::error(code)
            .with("question", question)
            .with("status", answer.status)
            .with("responder", responder.in_words());
        Verdict::found(finding)
    };
    match responder {
        Responder::Proxy(_) | Responder::DockerDesktop => return stranger("imds-proxied"),
        Responder::GuestProxyAgent | Responder::PodIdentity => return denied(case, question, answer, &responder),
        Responder::OtherCloud(_) | Responder::Stranger(_) => return stranger("imds-not-azure"),
        Responder::Azure | Responder::AzureRestarting => {}
    }
    let busy = |code: &'static str| {
        Verdict::found(
            Finding::error(code)
                .with("question", question)
                .with("status", answer.status)
                .with("attempts", plural(exchange.attempts.len() as u64, "attempt"))
                .with("over", in_words(exchange.took()))
                .with("server", answer.header("server").unwrap_or("a server without a name")),
        )
    };
    match answer.status {
        429 => busy("imds-throttled"),
        410 => busy("imds-updating"),
        404 if exchange.request.asks_for_token() => busy("imds-updating"),
        500..=599 => busy("imds-server-error"),
        403 => denied(case, question, answer, &responder),
        200..=299 | 400 | 401 | 404 => passed(case, answer, exchange),
        other => Verdict::Unknown(format!("the metadata service answered {other}, which it is not known to do")),
    }
}

/// Somebody between this program and the service says no.
fn denied(case: &Case, question: &str, answer: &Answer, responder: &Responder) -> Verdict {
    let what = format!("{question} was denied with {} by {}", answer.status, responder.in_words());
    let finding = Finding::error("imds-denied").with("denied", what).with("agent", "").with("reason", "");
    Verdict::found(match responder {
        Responder::GuestProxyAgent => proxy_agent::with_agent(case, finding),
        Responder::PodIdentity => finding.with("pod_identity", "nat aad-metadata"),
        _ => finding.with("caller", proxy_agent::CALLER),
    })
}

/// Azure's service answered. Whether the answer is the wanted one is for other checks, but for the instance document:
/// without it nothing is known of the VM.
fn passed(case: &Case, answer: &Answer, exchange: &Exchange) -> Verdict {
    if exchange.request == Case::instance_request() && metadata::Instance::read(answer).is_none() {
        return Verdict::Unknown(format!(
            "the metadata service answered {} where it should have described the VM",
            answer.status
        ));
    }
    let name = answer.header("server").unwrap_or("Azure's metadata service");
    let agent = match proxy_agent::passed_through(answer) {
        true => format!(", through the guest proxy agent{},", proxy_agent::mode_in_words(case)),
        false => String::new(),
    };
    let took = exchange.last().map_or(0, |attempt| attempt.duration_ms);
    Verdict::Pass(Facts::from([
        ("server", format!("{name}{agent}")),
        ("took", in_words(std::time::Duration::from_millis(took))),
    ]))
}

/// The port that the old VM extension used unless it was configured otherwise.
const RETIRED_PORT: u16 = 50342;
const LOOPBACK: [&str; 2] = ["127.0.0.1", "::1"];

fn retired_connect(host: &str) -> Request {
    Request::Connect { host: host.into(), port: RETIRED_PORT }
}

/// Asked without the Metadata header on purpose: it shows who answers, and nobody issues a token for it.
fn retired_question(host: &str) -> Request {
    Request::get(format!("http://{}/oauth2/token", authority(host)))
}

fn authority(host: &str) -> String {
    if host.contains(':') { format!("[{host}]:{RETIRED_PORT}") } else { format!("{host}:{RETIRED_PORT}") }
}

fn ask_retired(case: &Case) -> Vec<Request> {
    let mut requests = vec![case.environment()];
    for host in LOOPBACK {
        requests.push(retired_connect(host));
        if matches!(case.outcome(&retired_connect(host)), Some(Outcome::Connected)) {
            requests.push(retired_question(host));
        }
    }
    requests
}

fn judge_retired(case: &Case) -> Verdict {
    let mut found = Vec::new();
    if let Some(value) = case.variable("MSI_ENDPOINT").filter(|value| is_retired(value))
        && !in_cloud_shell(case)
    {
        found.push(Finding::error("legacy-endpoint").with("variable", "MSI_ENDPOINT").with("value", value));
    }
    let outcomes: Vec<_> =
        LOOPBACK.iter().filter_map(|host| Some((*host, case.outcome(&retired_connect(host))?))).collect();
    let listening: Vec<&str> =
        outcomes.iter().filter(|(_, outcome)| **outcome == Outcome::Connected).map(|(host, _)| *host).collect();
    if let [first, ..] = listening[..] {
        found.push(listener(case, first, &listening));
    }
    if !found.is_empty() {
        return Verdict::Found(found);
    }
    // A machine without IPv6 has no ::1; that is as good as refused.
    let told = outcomes.len() == LOOPBACK.len()
        && outcomes.iter().all(|(_, outcome)| outcome.failure().is_some_and(|failed| failed.why != Failure::OutOfTime));
    match (told, case.outcome(&case.environment())) {
        (false, _) => Verdict::Unknown("the retired endpoint was not asked".into()),
        (true, Some(Outcome::Variables { .. })) => Verdict::pass(),
        (true, _) => Verdict::Unknown("the environment, which may still point there, was not read".into()),
    }
}

fn in_cloud_shell(case: &Case) -> bool {
    case.variable("AZUREPS_HOST_ENVIRONMENT").is_some_and(|value| value.starts_with("cloud-shell"))
        || case.variable("ACC_CLOUD").is_some()
}

/// Tells the old extension from Cloud Shell from a developer's shim, by their error dialects.
fn listener(case: &Case, host: &str, listening: &[&str]) -> Finding {
    let addresses: Vec<String> = listening.iter().map(|host| authority(host)).collect();
    let answer = case.outcome(&retired_question(host)).and_then(Outcome::answer);
    let json = answer.and_then(Answer::json);
    let error = json.as_ref().and_then(|json| json.get("error"));
    let extension = error.and_then(|error| error.as_str()).is_some_and(|code| {
        matches!(code, "bad_request_102" | "unknown_source" | "unknown" | "invalid_request" | "invalid_resource")
    });
    let responder = if in_cloud_shell(case) || error.is_some_and(serde_json::Value::is_object) {
        "Azure Cloud Shell's own token endpoint"
    } else if extension {
        "the retired VM extension ManagedIdentityExtension"
    } else if answer.is_none() {
        "a program that gave no HTTP answer"
    } else {
        "a program that does not answer as the retired VM extension did, such as a developer's stand-in"
    };
    let status = answer.map_or_else(|| "no HTTP answer".to_owned(), |answer| answer.status.to_string());
    Finding::warning("legacy-answering")
        .with("address", addresses.join(" and "))
        .with("responder", responder)
        .with("status", status)
}
