//! What each kind of certificate is found to be, with its words and its remedy. In process, at a fixed time.

#![cfg(all(feature = "simulator", feature = "archives"))]

mod faults;

use crate::played::{ending, evidence, finding, judged, play};
use midoctor::check::{Severity, Status};
use midoctor::evidence::{Certificate, Outcome, Request, TrustedBy};
use midoctor::report::{FindingReport, Report, Word};

const VAULT: &str = "[command]\nprobe = [\"https://kv.vault.azure.net\"]\n[[assignment]]\nrole = \"Key Vault Secrets User\"\n\
                     scope = \"resource-group\"\n[[data]]\nhost = \"kv.vault.azure.net\"\n";
const GATEWAY: &str = "CN=Contoso Web Gateway CA under O=Contoso, CN=Contoso Root CA";
const AZURE: &str = "C=US, O=Microsoft Corporation, CN=Microsoft Azure RSA TLS Issuing CA 07 under C=US, O=DigiCert Inc, \
                     OU=www.digicert.com, CN=DigiCert Global Root G2";
/// Steps that every finding has.
const ALWAYS: [&str; 2] = ["Where a gateway signs anew ", "Do not switch off "];

fn arm(kind: &str, more: &str) -> Report {
    play(&format!("arm_certificate = \"{kind}\"\n{more}"))
}

/// The beginnings of the steps before those that are always there.
fn steps(found: &FindingReport, expected: &[&str]) {
    let steps = &found.remedy.steps;
    assert_eq!(steps.len(), expected.len() + ALWAYS.len(), "{steps:#?}");
    for (step, beginning) in steps.iter().zip(expected.iter().chain(&ALWAYS)) {
        assert!(step.starts_with(beginning), "{step} does not begin with {beginning}");
    }
    assert_eq!(found.remedy.text, steps[0]);
}

fn lines(found: &FindingReport) -> Vec<&str> {
    found
        .remedy
        .commands
        .iter()
        .map(|command| command.line.as_str())
        .filter(|line| line.starts_with("export"))
        .collect()
}

/// How the check ended, whether the run failed, and its finding.
fn assert_error<'a>(report: &'a Report, check: &str) -> &'a FindingReport {
    assert_eq!(ending(report, check), (Status::Fail, "tls-intercepted"));
    assert_eq!((report.exit_code, report.root_cause.as_deref()), (1, Some("tls-intercepted")));
    finding(report, check)
}

#[test]
fn a_certificate_that_both_lists_account_for_is_no_matter() {
    let report = play("");
    let (status, summary) = ending(&report, "arm");
    assert_eq!(status, Status::Pass);
    assert!(!summary.contains("certificate"), "{summary}");
}

#[test]
fn a_gateway_that_the_machine_trusts_is_a_warning_that_names_the_clients_it_stops() {
    let report = arm("inspected", "");
    assert_eq!(ending(&report, "arm"), (Status::Warn, "tls-intercepted"));
    assert_eq!((report.exit_code, report.verdict, report.root_cause.as_deref()), (0, Word::Degraded, None));
    assert!(report.checks.iter().all(|check| ["pass", "warn", "skip"].contains(&check.status.word())));
    let found = finding(&report, "arm");
    assert_eq!(found.severity, Severity::Warning);
    assert_eq!(
        found.seen,
        format!(
            "management.azure.com showed a certificate for CN=management.azure.com, issued by {GATEWAY}: this machine trusts that \
             authority and Mozilla's list does not, so clients that bring that list along refuse it: Azure CLI and Python \
             (requests), Node.js."
        )
    );
    steps(
        found,
        &[
            "For Azure CLI and Python (requests), set `REQUESTS_CA_BUNDLE` ",
            "For Node.js, set `NODE_EXTRA_CA_CERTS` ",
            "Ask who runs Contoso Web Gateway CA to leave management.azure.com and login.microsoftonline.com out ",
        ],
    );
    assert_eq!(lines(found), [""; 0], "nobody knows where the list is");
}

#[test]
fn a_client_that_is_told_of_the_list_is_not_named() {
    for (set, named, step) in [
        ("REQUESTS_CA_BUNDLE = \"/a.pem\"", "Node.js.", "For Node.js, "),
        ("CURL_CA_BUNDLE = \"/a.pem\"", "Node.js.", "For Node.js, "),
        (
            "NODE_EXTRA_CA_CERTS = \"/a.pem\"",
            "Azure CLI and Python (requests).",
            "For Azure CLI and Python (requests), ",
        ),
        ("NODE_USE_SYSTEM_CA = \"1\"", "Azure CLI and Python (requests).", "For Azure CLI and Python (requests), "),
    ] {
        let report = arm("inspected", &format!("[environment]\n{set}\n"));
        let found = finding(&report, "arm");
        assert!(found.seen.ends_with(&format!("refuse it: {named}")), "{set}: {}", found.seen);
        steps(found, &[step, "Ask who runs "]);
    }
}

#[test]
fn where_all_clients_are_told_nothing_is_found_and_the_line_says_who_signed() {
    for node in ["NODE_EXTRA_CA_CERTS = \"/a.pem\"", "NODE_USE_SYSTEM_CA = \"1\""] {
        let report = arm("inspected", &format!("[environment]\nREQUESTS_CA_BUNDLE = \"/a.pem\"\n{node}\n"));
        let (status, summary) = ending(&report, "arm");
        assert_eq!((status, report.verdict), (Status::Pass, Word::Healthy));
        let note = ", with a certificate signed by Contoso Web Gateway CA, which this machine trusts and Mozilla's list does not";
        assert!(summary.ends_with(note), "{summary}");
    }
}

#[test]
fn the_machines_list_is_named_to_clients_where_it_is_known() {
    let report = arm("inspected", "[environment]\nSSL_CERT_FILE = \"/etc/my list.pem\"\n");
    let expected = ["export REQUESTS_CA_BUNDLE='/etc/my list.pem'", "export NODE_EXTRA_CA_CERTS='/etc/my list.pem'"];
    assert_eq!(lines(finding(&report, "arm")), expected);
    let list = "/etc/pki/tls/certs/ca-bundle.crt";
    let report = arm("inspected", &format!("[files]\n\"{list}\" = \"x\"\n[environment]\nNODE_USE_SYSTEM_CA = \"1\"\n"));
    assert_eq!(lines(finding(&report, "arm")), [format!("export REQUESTS_CA_BUNDLE={list}")]);
    let asked = |report: &Report| {
        let presence = |request: &Request| matches!(request, Request::Presence { path } if path == list);
        report.evidence.exchanges.iter().any(|exchange| presence(&exchange.request))
    };
    assert!(asked(&report) && !asked(&play("")), "the list is looked for only where somebody needs it");
}

#[test]
fn a_stranger_is_told_from_a_gateway_that_the_machine_trusts() {
    let report = arm("stranger", "");
    let found = assert_error(&report, "arm");
    assert_eq!(
        found.seen,
        format!(
            "management.azure.com showed a certificate for CN=management.azure.com, issued by {GATEWAY}: neither this machine nor \
             Mozilla's list trusts the authority that issued it."
        )
    );
    steps(
        found,
        &[
            "Ask who runs Contoso Web Gateway CA ",
            "If inspection has to stay, get the root certificate of Contoso Root CA ",
        ],
    );
    assert_eq!(lines(found), [""; 0]);
}

#[test]
fn a_machine_whose_own_list_is_lacking_is_told_so() {
    let report = arm("platform-lacks", "");
    let found = assert_error(&report, "arm");
    assert_eq!(
        found.seen,
        format!(
            "management.azure.com showed a certificate for CN=management.azure.com, issued by {AZURE}: Mozilla's list trusts the \
             authority that issued it, this machine does not."
        )
    );
    steps(found, &["The authority DigiCert Global Root G2 is missing on this machine: install or update "]);
    for (set, step) in [
        ("SSL_CERT_FILE = \"/own.pem\"", "`SSL_CERT_FILE=/own.pem` stands in the place of the machine's list "),
        ("SSL_CERT_DIR = \"/own\"", "`SSL_CERT_DIR=/own` stands in the place of the machine's list "),
        ("SSL_CERT_FILE = \"/etc/ssl/certs/ca-certificates.crt\"", "The authority DigiCert Global Root G2 is missing "),
        ("SSL_CERT_DIR = \"/etc/ssl/certs/\"", "The authority DigiCert Global Root G2 is missing "),
    ] {
        let report = arm("platform-lacks", &format!("[environment]\n{set}\n"));
        steps(assert_error(&report, "arm"), &[step]);
    }
}

#[test]
fn a_certificate_for_another_name_says_for_which() {
    let report = arm("other-name", "");
    let found = assert_error(&report, "arm");
    assert_eq!(
        found.seen,
        format!(
            "management.azure.com showed a certificate for CN=gateway.contoso.com, issued by {AZURE}: it is made out to \
             gateway.contoso.com and not to this host."
        )
    );
    steps(
        found,
        &["The certificate is made out to gateway.contoso.com. See where the name management.azure.com leads "],
    );
}

#[test]
fn dates_are_told_beside_the_machines_clock() {
    for (kind, words) in [
        ("expired", "it expired at 2026-07-28T10:11:12Z, and this machine's clock shows 2026-09-01T10:11:12Z"),
        (
            "not-yet-valid",
            "it is not valid before 2026-10-06T10:11:12Z, and this machine's clock shows 2026-09-01T10:11:12Z",
        ),
    ] {
        let report = arm(kind, "");
        let found = assert_error(&report, "arm");
        let whole = format!(
            "management.azure.com showed a certificate for CN=management.azure.com, issued by {AZURE}: {words}."
        );
        assert_eq!(found.seen, whole);
        steps(found, &["This machine's clock shows 2026-09-01T10:11:12Z. If that is wrong, "]);
    }
}

#[test]
fn a_wrong_clock_is_the_cause_unless_nobody_trusts_the_certificate_anyway() {
    let years = "clock_offset_seconds = 63072000";
    let report = arm("trusted", years);
    assert_eq!(ending(&report, "arm").0, Status::Blocked);
    assert_eq!(report.root_cause.as_deref(), Some("clock-skewed"));
    let report = arm("stranger", years);
    assert_eq!(ending(&report, "arm"), (Status::Fail, "tls-intercepted"));
    let found = finding(&report, "arm");
    let both = "trusts the authority that issued it; it expired at 2025-07-28T10:11:12Z, and this machine's clock shows 2026-09-01T10:11:12Z.";
    assert!(found.seen.ends_with(both), "{}", found.seen);
    steps(found, &["Ask who runs ", "If inspection has to stay, ", "This machine's clock shows "]);
}

#[test]
fn a_data_service_is_judged_alike() {
    let report = play(&format!("{VAULT}certificate = \"inspected\"\n"));
    assert_eq!(ending(&report, "data"), (Status::Warn, "tls-intercepted"));
    assert_eq!((ending(&report, "arm").0, report.exit_code), (Status::Pass, 0));
    let found = finding(&report, "data");
    assert!(
        found.seen.starts_with("kv.vault.azure.net showed a certificate for CN=kv.vault.azure.net, "),
        "{}",
        found.seen
    );
    let told = "[environment]\nREQUESTS_CA_BUNDLE = \"/a\"\nNODE_EXTRA_CA_CERTS = \"/a\"\n";
    let report = play(&format!("{VAULT}certificate = \"inspected\"\n{told}"));
    let (status, summary) = ending(&report, "data");
    assert_eq!(status, Status::Pass);
    assert!(summary.contains(", with a certificate signed by Contoso Web Gateway CA, "), "{summary}");
    for (kind, step) in [
        ("stranger", "Ask who runs "),
        ("platform-lacks", "The authority "),
        ("other-name", "The certificate is made out to "),
        ("expired", "This machine's clock shows "),
        ("not-yet-valid", "This machine's clock shows "),
    ] {
        let report = play(&format!("{VAULT}certificate = \"{kind}\"\n"));
        assert!(assert_error(&report, "data").remedy.text.starts_with(step), "{kind}");
    }
}

/// The report of a run at whose end Azure Resource Manager's certificate was changed in the evidence.
fn changed(kind: &str, change: impl Fn(&mut Certificate, &mut String)) -> Report {
    let mut evidence = evidence(&format!("arm_certificate = \"{kind}\""), &[]);
    for attempt in evidence.exchanges.iter_mut().flat_map(|exchange| &mut exchange.attempts) {
        match &mut attempt.outcome {
            Outcome::Failed(failed) => {
                if let Some(shown) = &mut failed.certificate {
                    change(shown, &mut failed.detail);
                }
            }
            Outcome::Answered(answer) => {
                if let Some(shown) = &mut answer.certificate {
                    change(shown, &mut String::new());
                }
            }
            _ => {}
        }
    }
    judged(evidence)
}

#[test]
fn a_report_from_before_the_lists_were_compared_is_judged_as_then() {
    let old = |shown: &mut Certificate, _: &mut String| {
        shown.trusted_by = None;
        shown.chain.clear();
    };
    let report = changed("stranger", old);
    let found = assert_error(&report, "arm");
    assert!(
        found.seen.ends_with(
            "issued by CN=Contoso Web Gateway CA: this machine does not trust the authority that issued it."
        ),
        "{}",
        found.seen
    );
    steps(found, &[]);
    assert_eq!(ending(&changed("inspected", old), "arm").0, Status::Pass);
}

#[test]
fn a_machine_without_any_roots_says_so() {
    let none = "this machine has no root certificates: no such file";
    let missing = "This machine has no root certificates: install or update ";
    for (whose, words, first) in [
        (TrustedBy::Mozilla, "Mozilla's list trusts the authority that issued it.", &[missing][..]),
        (
            TrustedBy::Nobody,
            "Mozilla's list does not trust the authority that issued it.",
            &["Ask who runs ", "If inspection has to stay, ", missing],
        ),
    ] {
        let report = changed("stranger", |shown, detail| {
            shown.trusted_by = Some(whose);
            *detail = none.into();
        });
        let found = assert_error(&report, "arm");
        assert!(found.seen.ends_with(&format!("{none}; {words}")), "{}", found.seen);
        steps(found, first);
    }
}

#[test]
fn a_gateways_certificate_for_the_wrong_name_is_no_warning() {
    let report = changed("other-name", |shown, _| shown.trusted_by = Some(TrustedBy::Platform));
    let found = assert_error(&report, "arm");
    let words = "this machine trusts the authority that issued it, Mozilla's list does not; it is made out to gateway.contoso.com and \
                 not to this host.";
    assert!(found.seen.ends_with(words), "{}", found.seen);
    assert_eq!(found.severity, Severity::Error);
}

#[test]
fn names_with_a_star_stand_for_one_label_and_many_are_cut() {
    for (names, told) in [
        (&["*.azure.com"][..], ""),
        (&["MANAGEMENT.azure.com", "b"], ""),
        (&["*.management.azure.com"], "it is made out to *.management.azure.com and not to this host"),
        (&["*.com"], "it is made out to *.com and not to this host"),
        (&["a", "b", "c", "d", "e", "f"], "it is made out to a, b, c, d, e and others and not to this host"),
        (&[], ""),
    ] {
        let report =
            changed("stranger", |shown, _| shown.names = names.iter().map(|name| (*name).to_owned()).collect());
        let seen = &finding(&report, "arm").seen;
        let end = if told.is_empty() { "issued it.".to_owned() } else { format!("issued it; {told}.") };
        assert!(seen.ends_with(&end), "{names:?}: {seen}");
    }
}
