//! The simulated machine as a [`Wire`]: the same questions that a real machine is asked, answered in process.
//!
//! No socket, no file and no environment of the real machine is touched. Time is virtual: an answer says how long it
//! would have taken, and a pause returns at once.

use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use crate::azure::cloud::known;
use crate::clock;
use crate::evidence::{
    CUT_LIMIT, Carry, Failed, Failure, HttpRequest, LIST_LIMIT, METADATA_ADDRESS, Outcome, Raw, Reply, Request, Route,
    Wire,
};
use crate::simulator::azure::{Azure, Reaction};
use crate::simulator::retired;
use crate::simulator::scenario::{Arm, ArmName, Data, Metadata, Network};
use crate::simulator::shown;
use crate::token::{Secret, Token};

/// Where names lead: addresses that are set aside for documentation (RFC 5737).
const ARM_ADDRESS: &str = "203.0.113.10";
const OTHER_ADDRESS: &str = "203.0.113.20";
/// How long a link-local and any other connection is waited for at most.
const LINK_LOCAL_PATIENCE: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(10);
/// How long answers take: next door, and in the region.
const NEAR: Duration = Duration::from_millis(3);
const FAR: Duration = Duration::from_millis(40);

/// A simulated Azure VM.
#[derive(Debug)]
pub struct SimulatedMachine {
    azure: Azure,
    started: Timestamp,
}

impl SimulatedMachine {
    /// A machine whose clock shows the real time.
    pub fn new(azure: Azure) -> Self {
        Self::at(azure, clock::now())
    }

    /// A machine whose clock shows this time, so that everything it answers is the same on every run.
    pub fn at(azure: Azure, now: Timestamp) -> Self {
        Self { azure, started: now }
    }

    /// The services the machine talks to.
    pub fn azure(&self) -> &Azure {
        &self.azure
    }

    fn http(&self, request: &HttpRequest, bearer: Option<&Token>, within: Duration) -> Reply {
        let Ok(url) = Url::parse(&request.url) else { return fail(NEAR, Failure::Other, "the URL cannot be read") };
        let host = url.host_str().unwrap_or_default();
        if request.route == Route::HttpProxy
            && let Some(reply) = self.azure.scenario().proxy.instead(within)
        {
            return reply;
        }
        let plain = host == METADATA_ADDRESS || local(host);
        if host == METADATA_ADDRESS {
            if let Some(failed) = self.metadata_fault(within) {
                return failed;
            }
        } else if local(host) {
            let listens = url.port_or_known_default() == Some(retired::PORT) && self.azure.retired_listens();
            if !listens && !self.azure.speaks_for(&url.origin().ascii_serialization()) {
                return fail(NEAR, Failure::Refused, "Connection refused");
            }
        } else if !self.resolves(host) {
            return fail(NEAR, Failure::NameUnknown, "failed to lookup address information");
        } else if host == self.azure.cloud().arm_host
            && let Some(failed) = self.manager_fault(within)
        {
            return failed;
        } else if let Some(data) = self.azure.scenario().data_at(host)
            && let Some(failed) = network_fault(data.network, within)
        {
            return failed;
        }
        let mut took = if plain { NEAR } else { FAR };
        if host == METADATA_ADDRESS {
            took += Duration::from_millis(self.azure.scenario().metadata_delay_ms);
            if took > within {
                return fail(within, Failure::AnswerTimeout, "no answer came");
            }
        }
        let mut certificate = None;
        if url.scheme() == "https" {
            let shown = shown::certificate(&self.azure, host, self.now());
            if let Some(why) = shown.refused.clone() {
                let why = Failed { why: Failure::CertificateRefused, detail: why, certificate: Some(shown) };
                return Reply { took, raw: Raw::Plain(Outcome::Failed(why)) };
            }
            certificate = Some(shown);
        }
        // assumed: a proxy in the environment lets requests with TLS through; what it would do otherwise is not modelled.
        let mut headers: Vec<(String, String)> =
            request.headers.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let mut body = String::new();
        match (bearer, request.carry) {
            (None, _) => {}
            (Some(token), Carry::Bearer) => {
                headers.push(("Authorization".to_owned(), format!("Bearer {}", token.expose())));
            }
            (Some(token), Carry::Cosmos) => {
                // A token's own characters are the same when they are percent-encoded.
                headers
                    .push(("Authorization".to_owned(), format!("type%3Daad%26ver%3D1.0%26sig%3D{}", token.expose())));
            }
            (Some(token), Carry::RegistryForm) => {
                headers.push(("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
                body = format!("grant_type=access_token&service={host}&access_token={}", token.expose());
            }
        }
        match self.azure.answer(&request.method, &request.url, &headers, body.as_bytes(), self.now()) {
            Reaction::Silence => fail(within, Failure::AnswerTimeout, "no answer came"),
            Reaction::Drop => fail(took, Failure::Closed, "the connection was closed without an answer"),
            Reaction::Answer { status, headers, mut body, .. } => {
                let cut = body.len() > LIST_LIMIT;
                body.truncate(if cut { CUT_LIMIT } else { LIST_LIMIT });
                Reply { took, raw: Raw::Http { status, headers, body: Secret::new(body), cut, certificate } }
            }
        }
    }

    fn metadata_fault(&self, within: Duration) -> Option<Reply> {
        match self.azure.scenario().metadata {
            Metadata::Answers => None,
            Metadata::Silent => Some(timeout(within.min(LINK_LOCAL_PATIENCE))),
            Metadata::Refused => Some(fail(NEAR, Failure::Refused, "Connection refused")),
            Metadata::Unroutable => Some(fail(NEAR, Failure::Unroutable, "No route to host")),
        }
    }

    fn manager_fault(&self, within: Duration) -> Option<Reply> {
        match self.azure.scenario().arm {
            Arm::Answers => None,
            Arm::Silent => Some(timeout(within.min(PATIENCE))),
            Arm::Refused => Some(fail(FAR, Failure::Refused, "Connection refused")),
        }
    }

    /// What lies before the data services at an address.
    fn networks_at(&self, address: &str) -> impl Iterator<Item = Network> {
        let at = move |data: &&Data| data.addresses.iter().any(|own| own == address);
        self.azure.scenario().data.iter().filter(at).map(|data| data.network)
    }

    fn connect(&self, host: &str, port: u16, within: Duration) -> Reply {
        let failed = match (host.trim_matches(['[', ']']), port) {
            (METADATA_ADDRESS, 80) => self.metadata_fault(within),
            (ARM_ADDRESS, 443) => self.manager_fault(within),
            (OTHER_ADDRESS, 443) => None,
            (address, 443) if self.networks_at(address).next().is_some() => {
                // Where several services share an address, it answers when one of them does.
                let faults: Vec<_> = self.networks_at(address).map(|network| network_fault(network, within)).collect();
                if faults.iter().any(Option::is_none) { None } else { faults.into_iter().flatten().next() }
            }
            ("127.0.0.1" | "::1", retired::PORT) if self.azure.retired_listens() => None,
            ("127.0.0.1" | "::1", _) => Some(fail(NEAR, Failure::Refused, "Connection refused")),
            _ => Some(timeout(within.min(PATIENCE))),
        };
        failed.unwrap_or(Reply { took: NEAR, raw: Raw::Plain(Outcome::Connected) })
    }

    fn resolve(&self, host: &str) -> Reply {
        if !self.resolves(host) {
            return fail(NEAR, Failure::NameUnknown, "failed to lookup address information");
        }
        let addresses: Vec<&str> = match host {
            "localhost" => vec!["127.0.0.1", "::1"],
            _ if host == self.azure.cloud().arm_host => vec![ARM_ADDRESS],
            _ => match self.azure.scenario().data_at(host) {
                Some(data) => data.addresses.iter().map(String::as_str).collect(),
                None => vec![OTHER_ADDRESS],
            },
        };
        let addresses = addresses.into_iter().map(str::to_owned).collect();
        Reply { took: NEAR, raw: Raw::Plain(Outcome::Resolved { addresses }) }
    }

    /// Names that exist: this machine, Azure's own hosts, and whoever the scenario lets answer.
    fn resolves(&self, host: &str) -> bool {
        if host == self.azure.cloud().arm_host {
            return self.azure.scenario().arm_name == ArmName::Resolves;
        }
        if let Some(data) = self.azure.scenario().data_at(host) {
            return data.network != Network::UnknownName;
        }
        host == "localhost"
            || known().any(|cloud| cloud.arm_host == host || cloud.login_hosts.contains(&host))
            || ["http", "https"].iter().any(|scheme| self.azure.speaks_for(&format!("{scheme}://{host}")))
    }
}

impl Wire for SimulatedMachine {
    fn ask(&self, request: &Request, bearer: Option<&Token>, within: Duration) -> Reply {
        match request {
            Request::Http(http) => self.http(http, bearer, within),
            Request::Connect { host, port } => self.connect(host, *port, within),
            Request::Resolve { host } => self.resolve(host),
            Request::Environment { of } => self.environment(of),
            Request::SharedNetwork { .. } => self.shared_network(),
            Request::File { path } => self.file(path),
            Request::Presence { path } => self.presence(path),
            Request::Network => self.network(),
            Request::Firewall => self.firewall(),
            Request::Firmware { field } => self.file(&format!("/sys/class/dmi/id/{}", field.word())),
            Request::Settings => self.settings(),
        }
    }

    /// Returns at once. The clock stands still, so that questions put side by side get the same answers on every run.
    fn pause(&self, _: Duration) {}

    fn now(&self) -> Timestamp {
        self.started
    }
}

fn local(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "[::1]")
}

fn fail(took: Duration, why: Failure, detail: &str) -> Reply {
    Reply { took, raw: Raw::Plain(Outcome::failed(why, detail)) }
}

/// What a network does to a connection, before any service is asked.
fn network_fault(network: Network, within: Duration) -> Option<Reply> {
    match network {
        Network::Silent => Some(timeout(within.min(PATIENCE))),
        Network::Refused => Some(fail(FAR, Failure::Refused, "Connection refused")),
        Network::Open | Network::Firewall | Network::Private | Network::UnknownName => None,
    }
}

fn timeout(took: Duration) -> Reply {
    fail(took, Failure::ConnectTimeout, "the connection timed out")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Answer, TrustedBy};
    use crate::plan::Whose;
    use crate::simulator::azure::tests::{now, play};

    fn ask(toml: &str, http: &[&str], request: &Request) -> Reply {
        SimulatedMachine::at(play(toml, http), now()).ask(request, None, Duration::from_secs(15))
    }

    fn outcome(reply: &Reply) -> Outcome {
        match &reply.raw {
            Raw::Plain(outcome) => outcome.clone(),
            Raw::Http { status, certificate, .. } => {
                Outcome::Answered(Answer { status: *status, certificate: certificate.clone(), ..Answer::default() })
            }
        }
    }

    fn why(reply: &Reply) -> Option<Failure> {
        outcome(reply).failure().map(|failed| failed.why)
    }

    #[test]
    fn the_ways_not_to_reach_the_metadata_service_differ() {
        let request = Request::metadata("/metadata/instance?api-version=2021-02-01");
        let connect = Request::Connect { host: METADATA_ADDRESS.into(), port: 80 };
        for (metadata, expected) in [
            ("answers", None),
            ("silent", Some(Failure::ConnectTimeout)),
            ("refused", Some(Failure::Refused)),
            ("unroutable", Some(Failure::Unroutable)),
        ] {
            let toml = format!("metadata = \"{metadata}\"");
            assert_eq!(why(&ask(&toml, &[], &request)), expected, "{metadata}");
            assert_eq!(why(&ask(&toml, &[], &connect)), expected, "{metadata}");
        }
        assert_eq!(ask("metadata = \"silent\"", &[], &request).took, Duration::from_secs(2));
    }

    #[test]
    fn certificates_are_judged_before_anything_is_sent() {
        let request = Request::manager("https://management.azure.com/subscriptions?api-version=2022-12-01", None);
        for (kind, whose, refused) in [
            ("trusted", TrustedBy::Both, false),
            ("inspected", TrustedBy::Platform, false),
            ("stranger", TrustedBy::Nobody, true),
            ("platform-lacks", TrustedBy::Mozilla, true),
            ("expired", TrustedBy::Both, true),
            ("not-yet-valid", TrustedBy::Both, true),
            ("other-name", TrustedBy::Both, true),
        ] {
            let reply = ask(&format!("arm_certificate = \"{kind}\""), &[], &request);
            let certificate = match outcome(&reply) {
                Outcome::Answered(answer) => answer.certificate,
                Outcome::Failed(failed) => failed.certificate,
                other => panic!("{other:?}"),
            };
            let certificate = certificate.expect("a certificate");
            assert_eq!((certificate.trusted_by, certificate.refused.is_some()), (Some(whose), refused), "{kind}");
            assert_eq!(why(&reply), refused.then_some(Failure::CertificateRefused), "{kind}");
        }
        assert_eq!(why(&ask("arm_name = \"unknown\"", &[], &request)), Some(Failure::NameUnknown));
        assert_eq!(why(&ask("arm = \"silent\"", &[], &request)), Some(Failure::ConnectTimeout));
    }

    #[test]
    fn only_what_the_scenario_names_exists() {
        let file = |path: &str| Request::File { path: path.into() };
        let vendor = "/sys/class/dmi/id/sys_vendor";
        assert_eq!(outcome(&ask("", &[], &file(vendor))), Outcome::Contents { text: "Microsoft Corporation".into() });
        assert_eq!(why(&ask(&format!("[files]\n\"{vendor}\" = \"\""), &[], &file(vendor))), Some(Failure::Absent));
        assert_eq!(why(&ask("", &[], &file("/etc/passwd"))), Some(Failure::Absent));
        let toml = "[environment]\nMSI_SECRET = \"s\"\nHTTP_PROXY = \"http://u:p@proxy:3128\"\nHOME = \"/root\"";
        let Outcome::Variables { set, .. } = outcome(&ask(toml, &[], &Request::Environment { of: Whose::Own })) else {
            panic!("variables")
        };
        assert_eq!(
            set.into_iter().collect::<Vec<_>>(),
            [("HTTP_PROXY".to_owned(), "http://proxy:3128/".to_owned()), ("MSI_SECRET".to_owned(), "(set)".to_owned())]
        );
        let vault = Request::get("https://kv.vault.azure.net/secrets");
        assert_eq!(why(&ask("", &[], &vault)), Some(Failure::NameUnknown));
        assert_eq!(why(&ask("", &["GET https://kv.vault.azure.net/*\n\nHTTP/1.1 403 Forbidden\n\n"], &vault)), None);
    }
}
