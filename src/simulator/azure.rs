//! The services a VM talks to, as one pure function from request to reaction.
//!
//! Decides which room answers: the metadata service (`metadata`), the retired endpoint (`retired`), Azure Resource
//! Manager (`manager`), or a literal answer of the scenario. No sockets, no waiting, no clock of its own.

use jiff::Timestamp;
use url::Url;

use crate::azure::cloud::{Cloud, known};
use crate::evidence::METADATA_ADDRESS;
use crate::simulator::access::Rules;
use crate::simulator::renamed::Renamed;
use crate::simulator::scenario::{Arm, Literal, Metadata, Network, Retired, Scenario};
use crate::simulator::tokens::{LIFETIME, Mint, Minted, Noise};
use crate::simulator::vm::{self, Identity};
use crate::simulator::{data, manager, metadata, retired};

/// What comes back for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// An HTTP response; the headers include Content-Length.
    Answer {
        /// The status code.
        status: u16,
        /// The reason phrase.
        reason: String,
        /// The headers in order.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
    },
    /// The request is taken and never answered.
    Silence,
    /// The connection is closed without an answer.
    Drop,
}

/// The services in the state that a scenario puts them in.
#[derive(Clone, Debug)]
pub struct Azure {
    scenario: Scenario,
    cloud: Cloud,
    rules: Rules,
    renamed: Option<Renamed>,
}

/// A request, taken apart once for every room.
pub(super) struct Call<'a> {
    pub method: &'a str,
    pub url: Url,
    pub headers: &'a [(String, String)],
    pub body: &'a [u8],
    /// Azure's time.
    pub now: Timestamp,
    /// Parameters of the query, decoded, in order.
    pub query: Vec<(String, String)>,
}

impl Call<'_> {
    /// A header's value, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// A parameter's value, when it is there and not empty.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, value)| key == name && !value.is_empty());
        found.map(|(_, value)| value.as_str())
    }

    /// The ids for this answer; the same request at the same time gets the same.
    pub fn noise(&self) -> Noise {
        Noise::new(&[self.method, self.url.as_str(), &self.now.to_string()])
    }
}

impl Azure {
    /// The services as the scenario has them.
    pub fn new(scenario: Scenario) -> Self {
        let endpoint = scenario.command.arm_endpoint.as_deref();
        let host = endpoint.and_then(|url| Url::parse(url).ok()?.host_str().map(str::to_owned));
        let cloud = Cloud::of(Some(&scenario.cloud), host.as_deref()).unwrap_or_else(|| Cloud::public().clone());
        let rules = Rules::new(&scenario);
        let renamed = Renamed::new(&scenario.vm_name);
        Self { scenario, cloud, rules, renamed }
    }

    /// The scenario that is played.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The VM's cloud; the public one where the scenario names one that is not known, and no ARM host.
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// The role and deny assignments.
    pub(super) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Azure's time when the VM's clock shows `now`.
    pub fn time(&self, now: Timestamp) -> Timestamp {
        let second = now.as_second().saturating_sub(self.scenario.clock_offset_seconds);
        Timestamp::from_second(second).unwrap_or(now)
    }

    /// What comes back for a request to an absolute URL when the VM's clock shows `now`.
    pub fn answer(
        &self,
        method: &str,
        url: &str,
        headers: &[(String, String)],
        body: &[u8],
        now: Timestamp,
    ) -> Reaction {
        match &self.renamed {
            None => self.usual_answer(method, url, headers, body, now),
            Some(renamed) => renamed.outward(self.usual_answer(method, &renamed.inward(url), headers, body, now)),
        }
    }

    /// The same of the VM with the usual name.
    fn usual_answer(
        &self,
        method: &str,
        url: &str,
        headers: &[(String, String)],
        body: &[u8],
        now: Timestamp,
    ) -> Reaction {
        let Ok(url) = Url::parse(url) else { return Reaction::Drop };
        let query = url.query_pairs().into_owned().collect();
        let call = Call { method, url, headers, body, now: self.time(now), query };
        let place = self.place(&call.url);
        match (place, &self.scenario) {
            (Place::Metadata, Scenario { metadata: Metadata::Silent, .. })
            | (Place::Manager, Scenario { arm: Arm::Silent, .. }) => return Reaction::Silence,
            (Place::Metadata, Scenario { metadata: Metadata::Refused | Metadata::Unroutable, .. })
            | (Place::Manager, Scenario { arm: Arm::Refused, .. }) => return Reaction::Drop,
            (Place::Data, scenario) => {
                match scenario.data_at(call.url.host_str().unwrap_or_default()).map(|data| data.network) {
                    Some(Network::Silent) => return Reaction::Silence,
                    Some(Network::Refused | Network::UnknownName) => return Reaction::Drop,
                    _ => {}
                }
            }
            _ => {}
        }
        let literal = self.literal(method, call.url.as_str());
        if let Some(literal) = literal.filter(|literal| literal.prefix) {
            return self.spoken(literal, &call);
        }
        let exact = |call: &Call<'_>| literal.map(|literal| self.spoken(literal, call));
        match place {
            Place::Metadata => self.through_agent(metadata::answer(self, &call, exact)),
            Place::Manager => manager::answer(self, &call, exact),
            Place::Data => exact(&call).unwrap_or_else(|| data::answer(self, &call)),
            Place::OtherManager => manager::other_cloud(&call),
            Place::Retired if literal.is_none() => retired::answer(self, &call),
            Place::Retired | Place::Elsewhere => exact(&call).unwrap_or(Reaction::Drop),
        }
    }

    /// The literal answer that a request gets, before any checks.
    pub fn literal(&self, method: &str, url: &str) -> Option<&Literal> {
        self.scenario.literals.iter().find(|literal| literal.answers(method, url))
    }

    /// Does a literal answer speak for this host and port, `http://localhost:50342`?
    pub fn speaks_for(&self, origin: &str) -> bool {
        self.scenario.literals.iter().any(|literal| {
            literal.url.strip_prefix(origin).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// Does something listen at the retired endpoint?
    pub fn retired_listens(&self) -> bool {
        self.scenario.retired != Retired::Refused || self.speaks_for("http://localhost:50342")
    }

    /// The guest proxy agent marks what it lets pass (Azure/GuestProxyAgent, proxy_server.rs).
    fn through_agent(&self, mut reaction: Reaction) -> Reaction {
        if let Reaction::Answer { headers, .. } = &mut reaction
            && self.scenario.guest_proxy_agent
        {
            headers.push(("x-ms-azure-host-authorization".to_owned(), "value".to_owned()));
        }
        reaction
    }

    fn place(&self, url: &Url) -> Place {
        let host = url.host_str().unwrap_or_default();
        let local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        match (url.scheme(), url.port_or_known_default()) {
            ("http", Some(80)) if host == METADATA_ADDRESS => Place::Metadata,
            ("http", Some(retired::PORT)) if local => Place::Retired,
            ("https", Some(443)) if host.eq_ignore_ascii_case(&self.cloud().arm_host) => Place::Manager,
            ("https", Some(443)) if known().any(|cloud| cloud.arm_host == host) => Place::OtherManager,
            ("https", Some(443)) if self.scenario.data_at(host).is_some() => Place::Data,
            _ => Place::Elsewhere,
        }
    }

    fn spoken(&self, literal: &Literal, call: &Call<'_>) -> Reaction {
        let mut body = literal.body.clone();
        if let Ok(text) = std::str::from_utf8(&body)
            && text.contains("{{JWT}}")
        {
            let identity = vm::identities(&self.scenario).first().copied().unwrap_or(&vm::SYSTEM);
            let resource = call.parameter("resource").unwrap_or("https://management.azure.com/");
            body = text.replace("{{JWT}}", &self.mint(Some(identity), resource, call.now, LIFETIME).text).into_bytes();
        }
        answer(literal.status, &literal.reason, literal.headers.clone(), body)
    }

    /// A token of this scenario.
    pub(super) fn mint(&self, identity: Option<&Identity>, resource: &str, now: Timestamp, lifetime: i64) -> Minted {
        let odd = &self.scenario.token;
        Mint { cloud: self.cloud(), identity, resource, now, lifetime, odd, renamed: self.renamed.as_ref() }.mint()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Metadata,
    Retired,
    Manager,
    OtherManager,
    Data,
    Elsewhere,
}

/// An answer with its Content-Length.
pub(super) fn answer(
    status: u16,
    reason: &str,
    mut headers: Vec<(String, String)>,
    body: impl Into<Vec<u8>>,
) -> Reaction {
    let body = body.into();
    headers.push(("Content-Length".to_owned(), body.len().to_string()));
    Reaction::Answer { status, reason: reason.to_owned(), headers, body }
}

/// Headers from pairs.
pub(super) fn headers<const N: usize>(pairs: [(&str, String); N]) -> Vec<(String, String)> {
    pairs.map(|(name, value)| (name.to_owned(), value)).into()
}

/// The usual reason phrase. Those of the metadata service are not recorded; assumed: the standard's.
pub(super) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        500 => "Internal Server Error",
        _ => "",
    }
}

/// A time as a Date header has it.
pub(super) fn http_date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn now() -> Timestamp {
        Timestamp::from_second(1_788_257_472).expect("in range")
    }

    pub fn headers(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// Status and body of a GET.
    pub fn get(azure: &Azure, url: &str, pairs: &[(&str, &str)]) -> (u16, String) {
        match azure.answer("GET", url, &headers(pairs), b"", now()) {
            Reaction::Answer { status, body, .. } => (status, String::from_utf8(body).expect("text")),
            other => panic!("{url}: {other:?}"),
        }
    }

    pub fn play(toml: &str, http: &[&str]) -> Azure {
        Azure::new(Scenario::parse(Some(toml), http).expect("the scenario parses"))
    }

    const TOKEN: &str = "http://169.254.169.254/metadata/identity/oauth2/token";

    #[test]
    fn an_exact_literal_replaces_only_the_answer_to_a_well_formed_request() {
        let block = format!("GET {TOKEN}\n\nHTTP/1.1 429 Too Many Requests\n\nslow\n");
        let azure = play("", &[&block]);
        assert_eq!(get(&azure, TOKEN, &[]).0, 400);
        assert_eq!(get(&azure, TOKEN, &[("Metadata", "true")]).0, 400);
        let whole = format!("{TOKEN}?resource=x&api-version=2018-02-01");
        assert_eq!(get(&azure, &whole, &[("metadata", "true")]), (429, "slow".into()));
    }

    #[test]
    fn a_prefix_literal_answers_unchecked() {
        let azure = play("", &["ANY http://169.254.169.254/*\n\nHTTP/1.1 404 Not Found\nServer: EC2ws\n\n<html>"]);
        assert_eq!(get(&azure, TOKEN, &[]), (404, "<html>".into()));
        let Reaction::Answer { headers, .. } = azure.answer("PUT", "http://169.254.169.254/latest", &[], b"", now())
        else {
            panic!("no answer")
        };
        assert_eq!(headers, self::headers(&[("Server", "EC2ws"), ("Content-Length", "6")]));
    }

    #[test]
    fn silence_and_absence_come_before_any_answer() {
        let refused = play("metadata = \"refused\"", &["ANY http://169.254.169.254/*\n\nHTTP/1.1 200 OK\n\n"]);
        assert_eq!(refused.answer("GET", TOKEN, &[], b"", now()), Reaction::Drop);
        let silent = play("arm = \"silent\"", &[]);
        assert_eq!(silent.answer("GET", "https://management.azure.com/", &[], b"", now()), Reaction::Silence);
        assert_eq!(silent.answer("GET", "https://nobody.example/", &[], b"", now()), Reaction::Drop);
    }

    #[test]
    fn dates_are_azures_not_the_machines() {
        let azure = play("clock_offset_seconds = 3600", &[]);
        let Reaction::Answer { headers, .. } = azure.answer("GET", TOKEN, &[], b"", now()) else { panic!("no answer") };
        assert!(headers.contains(&("Date".into(), "Tue, 01 Sep 2026 09:11:12 GMT".into())), "{headers:?}");
    }
}
