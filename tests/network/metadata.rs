//! A metadata service that answers late, and the guest proxy agent's account of itself in its own file.

use std::os::unix::fs::PermissionsExt;

use crate::namespace::simulator::{Services, check, examine};
use crate::namespace::{Case, place};

pub fn cases() -> Vec<Case> {
    vec![
        Case::new("metadata that answers after a second and a half", slow),
        Case::new("metadata through the guest proxy agent, with its account", audited),
        Case::new("denials that the guest proxy agent wrote down", denied_to_others),
        Case::new("denied by the guest proxy agent, with its account", denied),
        Case::new("a pipe in the place of the guest proxy agent's account", piped),
    ]
}

fn slow() {
    let services = Services::start("metadata_delay_ms = 1500", &[], |_| {});
    let ran = examine(&mut check(Some(&services.authority), &[]));
    ran.assert_end(0, "degraded", "");
    let finding = &ran.check("metadata")["findings"][0];
    assert_eq!((finding["code"].as_str(), finding["severity"].as_str()), (Some("imds-slow"), Some("warning")));
    assert!(finding["seen"].as_str().unwrap().contains("@azure/identity 1 and 2 (Node.js)"), "{}", ran.text);
}

/// The agent's file, with the mode that it gives it.
fn account(mode: &str, denials: &str) {
    place::empty("/var/log");
    let folder = "/var/log/azure-proxy-agent";
    std::fs::create_dir(folder).unwrap();
    let text = format!(
        r#"{{"proxyAgentStatus":{{"version":"1.0.20","status":"SUCCESS","keyLatchStatus":{{"states":{{"secureChannelState":"WireServer Enforce -  IMDS {mode} - HostGA Enforce"}}}}}},"failedAuthenticateSummary":[{denials}]}}"#
    );
    let file = format!("{folder}/status.json");
    std::fs::write(&file, text).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
}

const DENIAL: &str = r#"{"userName":"app","ip":"169.254.169.254","port":80,"processCmdLine":"web --key=pa55w0rd","responseStatus":"403 Forbidden","count":3,"processFullPath":"/opt/web/web"}"#;

fn audited() {
    account("Audit", "");
    let services = Services::start("guest_proxy_agent = true", &[], |_| {});
    let ran = examine(&mut check(Some(&services.authority), &[]));
    ran.assert_end(0, "healthy", "");
    let summary = ran.check("metadata")["summary"].as_str().unwrap();
    assert!(summary.contains(", through the guest proxy agent (auditing), answered in "), "{summary}");
}

fn denied_to_others() {
    account("Enforce", DENIAL);
    let services = Services::start("guest_proxy_agent = true", &[], |_| {});
    let ran = examine(&mut check(Some(&services.authority), &[]));
    ran.assert_end(0, "degraded", "");
    let seen = ran.check("metadata")["findings"][0]["seen"].as_str().unwrap();
    assert!(seen.ends_with("It has denied /opt/web/web of user app (3 times)."), "{seen}");
    assert!(!ran.report.to_string().contains("pa55w0rd"), "the command line is not kept");
}

/// Nobody writes into it: who waits for that waits for ever.
fn piped() {
    place::empty("/var/log");
    std::fs::create_dir("/var/log/azure-proxy-agent").unwrap();
    let made = std::process::Command::new("mkfifo").arg("/var/log/azure-proxy-agent/status.json").status().unwrap();
    assert!(made.success());
    let services = Services::start("guest_proxy_agent = true", &[], |_| {});
    let ran = examine(&mut check(Some(&services.authority), &[]));
    ran.assert_end(0, "healthy", "");
    assert!(ran.text.contains("status.json: it is not a regular file"), "{}", ran.text);
}

fn denied() {
    account("Enforce", DENIAL);
    let refusal = "ANY http://169.254.169.254/*\n\nHTTP/1.1 403 Forbidden\nConnection: close\n\n";
    let services = Services::start("", &[refusal], |_| {});
    let ran = examine(&mut check(Some(&services.authority), &[]));
    ran.assert_end(1, "unhealthy", "imds-denied");
    let remedy = ran.check("metadata")["findings"][0]["remedy"]["text"].as_str().unwrap();
    assert!(remedy.starts_with("If /opt/web/web of user app is to have tokens, allow it: "), "{remedy}");
}
