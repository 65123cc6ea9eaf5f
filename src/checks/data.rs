//! Does a data endpoint admit the identity? Its name, the way there, its certificate, then a request without a token and one with.

use url::Url;

use crate::azure::cloud::same_audience;
use crate::azure::denial::{Challenge, Denial};
use crate::azure::service::Service;
use crate::case::Case;
use crate::check::{Check, Facts, Finding, Stage, Subject, Verdict};
use crate::destination::Destinations;
use crate::evidence::{Answer, Exchange, Failed, Failure, Outcome, Request};
use crate::plan::{Probe, Resource};
use crate::request::Carry;
use crate::words::in_words;

use super::manager::{in_the_way, on_the_way, proxied, request_id, transient};
use super::{certificates, whose};

/// The checks of this topic.
pub static CHECKS: &[Check] = &[Check {
    id: "data",
    stage: Stage::Access,
    needs: &["metadata", "identity", "token", "validity"],
    essential: true,
    codes: &["role-data-plane", "network-blocked"],
    shared: &["dns-failure", "tls-intercepted", "service-transient", "audience-mismatch", "cloud-mismatch"],
    reads: &[],
    page: include_str!("../../checks/data.md"),
    subjects: Subject::probes,
    ask: ask_data,
    judge: |case| whose::as_far_as_read(case, judge_data(case)),
}];

/// A probe with what follows from its URL.
struct Target<'a, 'e> {
    case: &'a Case<'e>,
    named: Url,
    host: String,
    service: Option<Service>,
}

impl<'a, 'e> Target<'a, 'e> {
    fn new(case: &'a Case<'e>, probe: &Probe) -> Option<Self> {
        let named = Url::parse(&probe.url).ok()?;
        let host = named.host_str()?.to_owned();
        Some(Self { case, service: Service::of(&host), named, host })
    }

    fn headers(&self) -> Vec<(&'static str, String)> {
        self.service.map(|service| service.headers(self.case.evidence.taken_at())).unwrap_or_default()
    }

    fn url(&self) -> Url {
        self.service.map_or_else(|| self.named.clone(), |service| service.question(&self.named))
    }

    /// Without a token: who is there, by which certificate, and for which tenant and resource it wants one.
    fn bare(&self) -> Request {
        Request::data(&self.url(), self.headers(), None, Carry::Bearer)
    }

    /// With the token, carried as the service wants it.
    fn with_token(&self) -> Option<Request> {
        let uri = self.case.resource_uri()?;
        self.case.claims_for(&uri).filter(|claims| claims.unreadable.is_none())?;
        let token = self.case.token_request(&uri)?;
        let (url, carry) = match self.service {
            Some(Service::Cosmos) => (self.url(), Carry::Cosmos),
            Some(Service::Registry) => (self.named.join("/oauth2/exchange").ok()?, Carry::RegistryForm),
            _ => (self.url(), Carry::Bearer),
        };
        Some(Request::data(&url, self.headers(), Some(&token), carry))
    }

    /// May the token go there?
    fn admitted(&self) -> bool {
        let uri = self.case.resource_uri();
        let source = uri.and_then(|uri| self.case.token_request(&uri));
        let destinations = Destinations::new(self.case.evidence);
        source.and_then(|source| destinations.admit(self.named.as_str(), source.url()?).ok()).is_some()
    }
}

fn ask_data(case: &Case) -> Vec<Request> {
    let Some(target) = case.subject.probe.as_ref().and_then(|probe| Target::new(case, probe)) else {
        return Vec::new();
    };
    if case.instance().is_none() {
        return Vec::new();
    }
    let mut requests = vec![case.environment()];
    if !proxied(case, &target.host) {
        requests.push(Request::Resolve { host: target.host.clone() });
    }
    requests.extend(certificates::ask(case, &target.bare()));
    requests.push(target.bare());
    // Somebody that is not there, or not who it should be, is sent no token.
    let there = case.evidence.answer(&target.bare()).is_some();
    requests.extend(target.with_token().filter(|_| there && target.admitted()));
    requests
}

fn judge_data(case: &Case) -> Verdict {
    let Some(probe) = &case.subject.probe else {
        return Verdict::Skip("no data endpoint was named with --probe".into());
    };
    let Some(target) = Target::new(case, probe) else {
        return Verdict::Unknown("its URL cannot be read".into());
    };
    let host = target.host.clone();
    if let Some(Outcome::Failed(failed)) = case.outcome(&Request::Resolve { host: host.clone() })
        && failed.why == Failure::NameUnknown
    {
        return Verdict::found(Finding::error("dns-failure").with("host", host).with("detail", &failed.detail));
    }
    let Some(bare) = case.exchange(&target.bare()) else {
        return Verdict::Unknown("it was not asked".into());
    };
    if let Some(failed) = failure(bare) {
        return target.unreachable(failed, bare);
    }
    if !target.admitted() {
        let cloud = case.instance().and_then(|instance| instance.environment.clone()).unwrap_or_default();
        return Verdict::Unknown(format!(
            "{host} is no host of a service in this VM's cloud, {cloud}, so no token was sent there; --trust-host {host} allows it"
        ));
    }
    let Some(request) = target.with_token() else {
        return Verdict::Unknown("no token for it was issued".into());
    };
    let Some(exchange) = case.exchange(&request) else {
        return Verdict::Unknown("it was not asked with a token".into());
    };
    if let Some(failed) = failure(exchange) {
        return target.unreachable(failed, exchange);
    }
    match exchange.last().and_then(|attempt| attempt.outcome.answer()) {
        Some(answer) if answer.status == 429 || answer.status >= 500 => transient(&host, exchange),
        Some(answer) if answer.status >= 400 => target.denied(answer),
        Some(answer) if answer.status >= 300 => {
            Verdict::Unknown(format!("{host} answered {} and points elsewhere; a token is not sent on", answer.status))
        }
        Some(answer) => certificates::regarded(case, &host, bare, target.admits(answer, exchange)),
        None => Verdict::Unknown("it brought no answer".into()),
    }
}

/// The least role of Service Bus or Event Hubs with this claim: `Send`, or else `Listen`.
fn bus_role(event_hubs: bool, claim: &str) -> &'static str {
    match (event_hubs, claim.eq_ignore_ascii_case("send")) {
        (false, false) => "Azure Service Bus Data Receiver",
        (false, true) => "Azure Service Bus Data Sender",
        (true, false) => "Azure Event Hubs Data Receiver",
        (true, true) => "Azure Event Hubs Data Sender",
    }
}

/// An Atom entry, not a feed.
fn is_entry(answer: &Answer) -> bool {
    answer.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("type=entry"))
}

fn failure(exchange: &Exchange) -> Option<&Failed> {
    exchange.last().and_then(|attempt| attempt.outcome.failure())
}

/// What keeps a VM out.
#[derive(Clone, Copy)]
enum Wall {
    /// The service's own rules for networks.
    Firewall,
    /// Public access is off.
    Private,
    /// Something on the way there.
    Way,
}

impl Target<'_, '_> {
    fn title(&self) -> &'static str {
        self.service.map_or("The service", Service::title)
    }

    /// Was the account as a whole named?
    fn whole(&self) -> bool {
        self.named.path().trim_matches('/').is_empty()
    }

    /// Is it Event Hubs that is meant, of the two services with these hosts? The resource that was named says so.
    fn for_event_hubs(&self) -> bool {
        matches!(&self.case.subject.resource, Some(Resource::Alias(name)) if name == "eventhubs")
    }

    /// The account's own name: the first label of its host.
    fn account(&self) -> &str {
        self.host.split('.').next().unwrap_or_default()
    }

    fn admits(&self, answer: &Answer, exchange: &Exchange) -> Verdict {
        let pass = || Verdict::Pass(Facts::from([("host", self.host.clone()), ("took", in_words(exchange.took()))]));
        // A page for people, or nothing at all, is what gateways answer; no service gives such a thing for data.
        let page = answer.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
        if self.service.is_some() && (page || answer.body.is_empty()) {
            let what = if page { "a page for people" } else { "nothing" };
            return Verdict::Unknown(format!(
                "{} answered {} with {what}, as no service does",
                self.host, answer.status
            ));
        }
        match self.service {
            // The registry asks Azure Resource Manager at the exchange what the caller may do, and writes that down.
            Some(Service::Registry) => match answer.token.as_ref().and_then(|claims| claims.text("permissions")) {
                Some(may) if may.split(' ').any(|word| word == "*" || word == "read" || word.ends_with("/read")) => {
                    pass()
                }
                Some("") => self.no_role(None, None),
                _ => Verdict::Unknown(format!(
                    "{} issued a token that does not say whether images may be pulled",
                    self.host
                )),
            },
            // Of an entity that is not there an identity without rights is shown an empty feed.
            Some(Service::ServiceBus) if !self.whole() && !is_entry(answer) => {
                Verdict::Unknown(format!("{} shows no entity at {}", self.host, self.named.path()))
            }
            Some(service) if !service.proves_data_access(self.named.path()) => Verdict::Unknown(format!(
                "{} is reached and takes the token, but the account as a whole is shown to whoever has Reader; name a container, \
                 queue or table in the URL to see whether its data may be read",
                self.host
            )),
            _ => pass(),
        }
    }

    fn unreachable(&self, failed: &Failed, exchange: &Exchange) -> Verdict {
        let why = in_the_way(failed, exchange);
        on_the_way(self.case, &self.host, failed).unwrap_or_else(|| match failed.why {
            Failure::TooLarge | Failure::NotHttp | Failure::Other => {
                Verdict::Unknown(format!("{} did not answer as a service does: {why}", self.host))
            }
            // Of a service that is not Azure's nobody knows how long it may take.
            Failure::AnswerTimeout if self.service.is_none() => Verdict::Unknown(format!("{}: {why}", self.host)),
            // Who showed a certificate of its own was reached, so it is not the network that keeps the VM out.
            Failure::AnswerTimeout | Failure::Closed if failed.certificate.is_some() => {
                Verdict::Unknown(format!("{} was reached and proved who it is; then {why}", self.host))
            }
            _ => self.blocked(&format!("it was not reached: {why}"), Wall::Way),
        })
    }

    fn denied(&self, answer: &Answer) -> Verdict {
        let challenge = self.case.evidence.answer(&self.bare()).map(Challenge::read).unwrap_or_default();
        let claims = self.case.resource_uri().and_then(|uri| self.case.claims_for(&uri));
        let claim = |name: &str| claims.and_then(|claims| claims.text(name)).unwrap_or("not in the token").to_owned();
        match Denial::read(self.service, answer) {
            Denial::NoRole { action, resource } => self.no_role(action, resource),
            Denial::NoPolicy { permission } => self.no_policy(permission),
            Denial::Firewall { address } => {
                let seen = address.map(|address| format!(", which it sees at {address}")).unwrap_or_default();
                self.blocked(&format!("its firewall does not let this VM in{seen}"), Wall::Firewall)
            }
            Denial::PrivateOnly => {
                self.blocked("public access is off and the request came by no private endpoint", Wall::Private)
            }
            Denial::WrongTenant { expected } => {
                let wants = expected.or(challenge.tenant).unwrap_or_else(|| "another tenant".into());
                let finding = Finding::error("cloud-mismatch").with("issuer", claim("iss"));
                let finding = finding.with("expected_issuer", format!("{wants} at {}", self.host));
                Verdict::found(match self.service {
                    Some(Service::KeyVault) => finding.with("foreign_vault", self.account()),
                    _ => finding,
                })
            }
            Denial::WrongAudience { expected } => {
                let wants = expected.or(challenge.resource).unwrap_or_else(|| self.host.clone());
                Verdict::found(
                    Finding::error("audience-mismatch").with("audience", claim("aud")).with("resource", wants),
                )
            }
            Denial::Unproven(why) => Verdict::Unknown(why.into()),
            Denial::NotFound => Verdict::Unknown(format!("{} has nothing at {}", self.host, self.named.path())),
            Denial::Unexplained(said) => match challenge.resource {
                // It says itself what it wants a token for, and that is not what it got.
                Some(wants) if answer.status == 401 && !same_audience(&wants, &claim("aud")) => Verdict::found(
                    Finding::error("audience-mismatch").with("audience", claim("aud")).with("resource", wants),
                ),
                _ => Verdict::Unknown(format!("{} answered {said}", self.host)),
            },
        }
    }

    /// The facts that every finding here has, and those that choose the service's own commands.
    fn finding(&self, code: &'static str) -> Finding {
        let answer = self.with_token().and_then(|request| self.case.evidence.answer(&request));
        Finding::error(code)
            .with("host", &self.host)
            .with("service", self.title())
            .with("request_id", request_id(answer))
    }

    fn no_role(&self, action: Option<String>, resource: Option<String>) -> Verdict {
        let claim = action.clone();
        let what = action.map(|action| format!(" It says that `{action}` is not allowed.")).unwrap_or_default();
        let finding =
            self.finding("role-data-plane").with("how", format!("no role on its data lets this identity in.{what}"));
        let Some(service) = self.service else { return Verdict::found(finding.with("application", &self.host)) };
        let role = match (service, claim.as_deref()) {
            (Service::ServiceBus, claim) => bus_role(self.for_event_hubs(), claim.unwrap_or_default()),
            _ => service.role(self.named.path()),
        };
        let finding = finding.with("data_role", role);
        let account = self.account();
        Verdict::found(match (resource, service) {
            (Some(id), _) => finding.with("data_scope", id),
            (None, Service::KeyVault) => finding.with("vault", account),
            (None, Service::ManagedHsm) => finding.with("hsm", account),
            (None, Service::Blob | Service::Queue | Service::Table | Service::DataLake) => {
                finding.with("storage_account", account)
            }
            (None, Service::Registry) => finding.with("registry", account),
            (None, Service::ServiceBus) if self.for_event_hubs() => finding.with("hub_namespace", account),
            (None, Service::ServiceBus) => finding.with("namespace", account),
            (None, Service::AppConfiguration) => finding.with("store", account),
            (None, Service::Cosmos) => finding.with("cosmos_account", account),
        })
    }

    fn no_policy(&self, permission: Option<String>) -> Verdict {
        let permission = permission.unwrap_or_else(|| "secrets get".into());
        let how = format!("none of its access policies gives this identity the permission `{permission}`.");
        let finding = self.finding("role-data-plane").with("how", how).with("policy_vault", self.account());
        Verdict::found(match permission.split_once(' ') {
            Some(("secrets", right)) => finding.with("secret_right", right),
            Some(("keys", right)) => finding.with("key_right", right),
            Some(("certificates", right)) => finding.with("certificate_right", right),
            _ => finding,
        })
    }

    /// Kept out by the network: by the service's own rules, or on the way there.
    fn blocked(&self, how: &str, wall: Wall) -> Verdict {
        let mut finding = self.finding("network-blocked").with("how", how);
        let addresses = match self.case.outcome(&Request::Resolve { host: self.host.clone() }) {
            Some(Outcome::Resolved { addresses }) => addresses.join(", "),
            _ => String::new(),
        };
        if !addresses.is_empty() {
            finding = finding.with("addresses", format!(" The name leads to {addresses}."));
        } else {
            finding = finding.with("addresses", "");
        }
        let zone = self.service.and_then(|service| service.private_zone(&self.host));
        let account = self.account();
        Verdict::found(match (wall, self.service) {
            (Wall::Private, _) => match zone {
                Some(zone) => finding.with("private_zone", zone),
                None => finding,
            },
            (Wall::Firewall, Some(Service::KeyVault)) => finding.with("walled_vault", account),
            (Wall::Firewall, Some(Service::Blob | Service::Queue | Service::Table | Service::DataLake)) => {
                finding.with("walled_storage", account)
            }
            (Wall::Firewall, Some(Service::Registry)) => finding.with("walled_registry", account),
            (Wall::Firewall, _) => finding.with("walled", &self.host),
            (Wall::Way, _) => finding.with("way", &self.host),
        })
    }
}
