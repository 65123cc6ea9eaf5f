//! The guest proxy agent of the Metadata Security Protocol: what it writes about itself. Reads only; what follows for a caller
//! the checks say.
//!
//! Sources: Azure/GuestProxyAgent, proxy_agent_shared/src/proxy_agent_aggregate_status.rs (names of the fields), and Microsoft's
//! pages on the Metadata Security Protocol (modes).

use serde_json::Value;

use crate::azure::metadata::field;
use crate::evidence::{METADATA_ADDRESS, PROXY_AGENT_STATUS};

/// The agent's program on Linux.
pub const PROGRAM: &str = "/usr/sbin/azure-proxy-agent";
/// Where it writes about itself: Linux, mode 0640, for root alone.
pub const STATUS_FILE: &str = PROXY_AGENT_STATUS;

/// What the agent does with callers that its rules do not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It denies them.
    Enforce,
    /// It lets them pass and writes them down.
    Audit,
    /// It has no rules in force.
    Disabled,
}

/// A caller that the rules do not allow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Denial {
    /// The user's name.
    pub user: String,
    /// The program's file.
    pub program: String,
    /// How many times.
    pub count: u64,
}

/// What the agent writes about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Its version.
    pub version: Option<String>,
    /// Its mode for the metadata service, where it says so.
    pub mode: Option<Mode>,
    /// Is all well with it? Its own message where it is not.
    pub trouble: Option<String>,
    /// Who was denied the metadata service, or would be: the most frequent first, five at most.
    pub denials: Vec<Denial>,
}

/// Denials beyond these are left out.
const DENIALS: usize = 5;

impl Status {
    /// Reads `status.json`; `None` when it is not that.
    pub fn read(text: &str) -> Option<Self> {
        let json: Value = serde_json::from_str(text).ok()?;
        let agent = field(&json, "proxyAgentStatus")?;
        let text = |value: &Value, name: &str| field(value, name).and_then(Value::as_str).map(str::to_owned);
        let latch = field(agent, "keyLatchStatus");
        let channel = latch
            .and_then(|latch| field(latch, "states"))
            .and_then(|states| text(states, "secureChannelState"))
            .unwrap_or_default();
        let well = text(agent, "status").is_none_or(|status| status.eq_ignore_ascii_case("SUCCESS"));
        let message = || latch.and_then(|latch| text(latch, "message")).unwrap_or_else(|| "no message".into());
        let entries = field(&json, "failedAuthenticateSummary").and_then(Value::as_array);
        let mut denials: Vec<Denial> = Vec::new();
        for entry in entries.into_iter().flatten().filter(|entry| to_metadata(entry)) {
            let user = text(entry, "userName").unwrap_or_default();
            let program = text(entry, "processFullPath").unwrap_or_default();
            let count = field(entry, "count").and_then(Value::as_u64).unwrap_or(1);
            match denials.iter_mut().find(|one| one.user == user && one.program == program) {
                Some(known) => known.count = known.count.saturating_add(count),
                None => denials.push(Denial { user, program, count }),
            }
        }
        denials.sort_by_key(|denial| std::cmp::Reverse(denial.count));
        denials.truncate(DENIALS);
        Some(Self { version: text(agent, "version"), mode: mode(&channel), trouble: (!well).then(message), denials })
    }
}

fn to_metadata(entry: &Value) -> bool {
    field(entry, "ip").and_then(Value::as_str) == Some(METADATA_ADDRESS)
}

/// The metadata service's part of a state such as `WireServer Enforce -  IMDS Audit - HostGA Enforce`, or `Disabled`.
fn mode(channel: &str) -> Option<Mode> {
    let lower = channel.to_ascii_lowercase();
    let word = match lower.split('-').map(str::trim).find_map(|part| part.strip_prefix("imds ")) {
        Some(word) => word.trim(),
        None => lower.trim(),
    };
    match word {
        "enforce" => Some(Mode::Enforce),
        "audit" => Some(Mode::Audit),
        "disabled" => Some(Mode::Disabled),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_is_that_of_the_metadata_service() {
        for (channel, expected) in [
            ("Wireserver Enforce - IMDS Enforce", Some(Mode::Enforce)),
            ("WireServer Enforce -  IMDS Audit - HostGA Enforce", Some(Mode::Audit)),
            ("WireServer Audit - IMDS Disabled", Some(Mode::Disabled)),
            ("Disabled", Some(Mode::Disabled)),
            ("Unknown", None),
            ("", None),
        ] {
            assert_eq!(mode(channel), expected, "{channel}");
        }
    }

    #[test]
    fn denials_are_of_the_metadata_service_and_the_most_frequent_come_first() {
        let entry = |user: &str, ip: &str, count: u64| {
            format!(
                r#"{{"userName":"{user}","ip":"{ip}","port":80,"count":{count},"processFullPath":"/usr/bin/curl"}}"#
            )
        };
        let entries = [
            entry("app", METADATA_ADDRESS, 2),
            entry("root", "168.63.129.16", 9),
            entry("web", METADATA_ADDRESS, 5),
            entry("app", METADATA_ADDRESS, 1),
        ];
        let text = format!(
            r#"{{"proxyAgentStatus":{{"version":"1.0.20","status":"SUCCESS"}},"failedAuthenticateSummary":[{}]}}"#,
            entries.join(",")
        );
        let denial = |user: &str, count| Denial { user: user.into(), program: "/usr/bin/curl".into(), count };
        let status = Status::read(&text).expect("a status");
        assert_eq!(status.denials, [denial("web", 5), denial("app", 3)]);
        assert_eq!((status.mode, status.trouble), (None, None));
    }

    #[test]
    fn an_agent_in_trouble_says_why() {
        let text = r#"{"proxyAgentStatus":{"status":"ERROR","keyLatchStatus":{"message":"no key"}}}"#;
        assert_eq!(Status::read(text).and_then(|status| status.trouble).as_deref(), Some("no key"));
        for other in ["", "[]", "{}", "<html>"] {
            assert_eq!(Status::read(other), None, "{other}");
        }
    }
}
