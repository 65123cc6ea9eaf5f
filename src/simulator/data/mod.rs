//! Azure's data services and plain APIs, as a client with a token sees them: which one is asked, and by whom.
//!
//! What each says is in a file of its own. A service is a resource in rg-doctor; nothing is ever written to it.

mod bus;
mod configuration;
mod cosmos;
mod plain;
mod registry;
mod storage;
#[cfg(test)]
mod tests;
mod vault;

use crate::azure::cloud::Cloud;
use crate::azure::service::Service;
use crate::plan::Resource;
use crate::simulator::azure::{Azure, Call, Reaction, answer as reply, headers, http_date, reason};
use crate::simulator::scenario::{Access, Data};
use crate::simulator::{tokens, vm};
use crate::token::Token;

/// How far clocks may be apart; as Azure Resource Manager's.
const LEEWAY: i64 = 300;
/// The address that firewalls see the VM come from (RFC 5737).
const CLIENT: &str = "203.0.113.7";

/// A request to a data service.
struct Asked<'a> {
    azure: &'a Azure,
    call: &'a Call<'a>,
    data: &'a Data,
}

/// Whom a good token speaks for.
struct Bearer {
    oid: String,
    app: String,
    issuer: String,
    mirid: String,
}

/// What is wrong with a token.
enum Fault {
    Missing,
    /// It cannot be read, or is not yet valid.
    Malformed,
    /// It is for this audience.
    Audience(String),
    /// This one issued it.
    Issuer(String),
    Expired,
}

/// What a request needs.
enum Right {
    /// An action of the management plane on the service.
    Action(&'static str),
    /// An action on data.
    Data(&'static str),
}

/// What a data service answers.
pub(super) fn answer(azure: &Azure, call: &Call<'_>) -> Reaction {
    let Some(data) = azure.scenario().data_at(call.url.host_str().unwrap_or_default()) else { return Reaction::Drop };
    let asked = Asked { azure, call, data };
    match data.service() {
        Some(Service::KeyVault) => vault::answer(&asked, false),
        Some(Service::ManagedHsm) => vault::answer(&asked, true),
        Some(service @ (Service::Blob | Service::Queue | Service::Table | Service::DataLake)) => {
            storage::answer(&asked, service)
        }
        Some(Service::Registry) => registry::answer(&asked),
        Some(Service::ServiceBus) => bus::answer(&asked),
        Some(Service::AppConfiguration) => configuration::answer(&asked),
        Some(Service::Cosmos) => cosmos::answer(&asked),
        None => plain::answer(&asked),
    }
}

impl Asked<'_> {
    /// The path in lower case, in parts.
    fn path(&self) -> Vec<String> {
        let path = self.call.url.path().to_ascii_lowercase();
        path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// The token of an `Authorization: Bearer` header.
    fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.call.header("Authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
    }

    /// Whom a token speaks for, when it is for an audience that is accepted and comes from the service's tenant.
    ///
    /// assumed: the order of these checks where several things are wrong.
    fn authenticate(&self, token: Option<&str>, accepts: impl Fn(&str) -> bool) -> Result<Bearer, Fault> {
        let Some(token) = token else { return Err(Fault::Missing) };
        let claims = Token::new(token.to_owned()).claims();
        let (Some(issuer), Some(audience), Some(oid), Some(expires)) =
            (claims.text("iss"), claims.text("aud"), claims.text("oid"), claims.time("exp"))
        else {
            return Err(Fault::Malformed);
        };
        if !accepts(audience) {
            return Err(Fault::Audience(audience.to_owned()));
        }
        let tenant = self.data.tenant();
        if !self.azure.cloud().issues(issuer, tenant) || claims.text("tid").is_some_and(|own| own != tenant) {
            return Err(Fault::Issuer(issuer.to_owned()));
        }
        if expires < self.call.now {
            return Err(Fault::Expired);
        }
        if claims.time("nbf").is_some_and(|start| start.as_second() > self.call.now.as_second() + LEEWAY) {
            return Err(Fault::Malformed);
        }
        Ok(Bearer {
            oid: oid.to_owned(),
            app: claims.client_id().unwrap_or_default().to_owned(),
            issuer: issuer.to_owned(),
            mirid: claims.text("xms_mirid").unwrap_or_default().to_owned(),
        })
    }

    /// May the caller do this at the service's scope, or at one below it?
    fn admits(&self, bearer: &Bearer, right: &Right, scope: &str) -> bool {
        match self.data.access {
            Access::Admits => true,
            Access::Policy => false,
            Access::Roles => match right {
                Right::Action(action) => self.azure.rules().may(&bearer.oid, action, scope).is_ok(),
                Right::Data(action) => self.azure.rules().may_on_data(&bearer.oid, action, scope).is_ok(),
            },
        }
    }

    /// The service's ARM resource ID, as a resource of this type.
    fn resource_id(&self, kind: &str) -> String {
        format!("{}/providers/{kind}/{}", vm::group_id(), self.data.account())
    }

    /// The URI that this cloud has for a service, without trailing slash.
    fn uri(&self, alias: &str) -> String {
        let uri = self.azure.cloud().uri(&Resource::Alias(alias.to_owned())).unwrap_or_default();
        uri.trim_end_matches('/').to_owned()
    }

    /// The service's own address as audience.
    fn is_own_address(&self, audience: &str) -> bool {
        audience.trim_end_matches('/').strip_prefix("https://") == Some(self.data.host.as_str())
    }

    /// Who issues tokens in the service's tenant.
    fn issuer(&self) -> String {
        tokens::issuer(self.azure.cloud(), self.data.tenant())
    }

    /// Where to sign in to the service's tenant, as challenges name it. assumed outside the public cloud.
    fn authority(&self, public: &str) -> String {
        let cloud = self.azure.cloud();
        let host = match cloud.login_hosts.first() {
            _ if cloud == Cloud::public() => public,
            Some(host) => host,
            None => &cloud.arm_host,
        };
        format!("https://{host}/{}", self.data.tenant())
    }

    /// An answer with these headers, a request ID and the date.
    fn say<const N: usize>(&self, status: u16, fields: [(&str, String); N], body: impl Into<Vec<u8>>) -> Reaction {
        let mut all = headers(fields);
        all.extend(headers([("x-ms-request-id", self.request_id()), ("Date", http_date(self.call.now))]));
        reply(status, reason(status), all, body)
    }

    /// The ID of this request.
    fn request_id(&self) -> String {
        self.call.noise().guid()
    }
}
