//! A metadata service that answers late, and one behind the guest proxy agent.

#![cfg(all(feature = "simulator", feature = "archives"))]

use crate::played::{self, ending, finding, play, rows};
use midoctor::check::{Severity, Status};
use midoctor::report::{Report, Word};

/// The agent's account of itself, as its source has the fields.
fn account(channel: &str, denials: &str) -> String {
    format!(
        r#"{{"timestamp":"2026-09-01T10:11:12Z","proxyAgentStatus":{{"version":"1.0.20","status":"SUCCESS","keyLatchStatus":{{"status":"RUNNING","message":"ready","states":{{"secureChannelState":"{channel}"}}}}}},"proxyConnectionSummary":[],"failedAuthenticateSummary":[{denials}]}}"#
    )
}

/// A scenario with the agent's account in its file.
fn with_account(more: &str, channel: &str, denials: &str) -> String {
    format!(
        "{more}\n[files]\n\"/usr/sbin/azure-proxy-agent\" = \"(program)\"\n\"/var/log/azure-proxy-agent/status.json\" = '{}'\n",
        account(channel, denials)
    )
}

const CURL: &str = r#"{"userName":"app","ip":"169.254.169.254","port":80,"processCmdLine":"curl --password pa55w0rd","responseStatus":"403 Forbidden","count":3,"userGroups":["app"],"processFullPath":"/usr/bin/curl"}"#;

const DENIED: &str = "HTTP/1.1 403 Forbidden\nConnection: close\n\n";

fn play_denied(toml: &str) -> Report {
    played::judged(played::evidence(toml, &[&format!("ANY http://169.254.169.254/*\n\n{DENIED}")]))
}

#[test]
fn an_answer_within_a_second_is_no_finding() {
    assert_eq!(ending(&play("metadata_delay_ms = 900"), "metadata").0, Status::Pass);
}

#[test]
fn a_late_first_answer_is_a_warning_that_names_who_gives_up() {
    let report = play("metadata_delay_ms = 1500");
    let late = finding(&report, "metadata");
    assert_eq!((late.code.as_str(), late.severity, report.verdict), ("imds-slow", Severity::Warning, Word::Degraded));
    assert_eq!(
        late.seen,
        "GET /metadata/instance was answered after 1.5 s, though a connection takes 3 ms. The first try of these clients is over \
         by then: @azure/identity 1 and 2 (Node.js), DefaultAzureCredential of @azure/identity 4 (Node.js), \
         DefaultAzureCredential of azure_identity 0.20 (Rust)."
    );
    assert!(rows(&report, "token").iter().all(|row| row.status == Status::Pass));
}

#[test]
fn what_passes_through_the_agent_says_so_with_its_mode() {
    let toml = with_account("guest_proxy_agent = true", "WireServer Enforce -  IMDS Audit - HostGA Enforce", "");
    let (status, words) = (ending(&play(&toml), "metadata").0, ending(&play(&toml), "metadata").1.to_owned());
    assert_eq!(status, Status::Pass);
    assert_eq!(
        words,
        "The metadata service answers: IMDS/150.870.65.1854, through the guest proxy agent (auditing), answered in 3 ms"
    );
}

#[test]
fn an_agent_whose_account_may_not_be_read_says_by_whom_it_could_be() {
    let toml = "unreadable = [\"/var/log/azure-proxy-agent/status.json\"]\n[files]\n\"/usr/sbin/azure-proxy-agent\" = \"(program)\"\n";
    let report = play_denied(toml);
    let denied = finding(&report, "metadata");
    assert_eq!((denied.code.as_str(), report.verdict), ("imds-denied", Word::Unhealthy));
    assert_eq!(
        denied.seen,
        "GET /metadata/instance was denied with 403 by the guest proxy agent. The guest proxy agent is installed here. Whom it \
         denied is in /var/log/azure-proxy-agent/status.json, which only root may read."
    );
    assert!(denied.remedy.steps[0].contains("run `midoctor` as root"), "{:?}", denied.remedy.steps);
}

#[test]
fn a_denial_names_the_program_and_user_that_the_agent_wrote_down() {
    let report = play_denied(&with_account("", "Wireserver Enforce - IMDS Enforce", CURL));
    let denied = finding(&report, "metadata");
    assert_eq!(
        denied.seen,
        "GET /metadata/instance was denied with 403 by the guest proxy agent. The guest proxy agent 1.0.20 enforces its rules for \
         the metadata service. It has denied /usr/bin/curl of user app (3 times)."
    );
    assert!(
        denied.remedy.text.starts_with("If /usr/bin/curl of user app is to have tokens, allow it: "),
        "{}",
        denied.remedy.text
    );
    assert_eq!(denied.remedy.steps.len(), 2, "{:?}", denied.remedy.steps);
}

#[test]
fn denials_of_others_are_a_warning_and_their_command_lines_are_not_kept() {
    let report = play(&with_account("guest_proxy_agent = true", "Wireserver Enforce - IMDS Enforce", CURL));
    let denied = finding(&report, "metadata");
    assert_eq!((denied.code.as_str(), denied.severity), ("imds-denied", Severity::Warning));
    assert!(denied.seen.starts_with("midoctor was let through, and others were not. "), "{}", denied.seen);
    let text = serde_json::to_string(&report).unwrap();
    assert!(text.contains("/usr/bin/curl") && !text.contains("pa55w0rd"), "{text}");
}

#[test]
fn while_the_agent_only_audits_its_line_says_whom_it_would_deny() {
    let report = play(&with_account("guest_proxy_agent = true", "Wireserver Enforce - IMDS Audit", CURL));
    let (status, words) = ending(&report, "metadata");
    assert_eq!((status, report.verdict), (Status::Pass, Word::Healthy));
    assert!(
        words.contains("guest proxy agent (auditing; it would deny /usr/bin/curl of user app (3 times)), answered"),
        "{words}"
    );
}

#[test]
fn an_account_that_is_no_status_is_withheld() {
    let toml =
        "guest_proxy_agent = true\n[files]\n\"/var/log/azure-proxy-agent/status.json\" = \"password=pa55w0rd\"\n";
    let text = serde_json::to_string(&play(toml)).unwrap();
    assert!(text.contains("(withheld: 17 bytes that are no status)") && !text.contains("pa55w0rd"), "{text}");
}
