//! Where a token may go: to Azure Resource Manager of the VM's own cloud, to the hosts of the service it was issued for in that
//! cloud, and to a host that the user named. Decides, and sends nothing.

use url::Url;

use crate::azure::cloud::{Cloud, same_audience};
use crate::azure::service::Service;
use crate::plan::{Plan, Resource};
use crate::reading::Reading;

/// The places that this run may send its tokens to.
pub struct Destinations<'a> {
    cloud: Option<&'a Cloud>,
    plan: &'a Plan,
}

impl<'a> Destinations<'a> {
    /// As far as the VM's cloud is known by now.
    pub fn new(reading: &'a Reading) -> Self {
        Self { cloud: reading.cloud(), plan: reading.plan() }
    }

    /// May the token that the question `source` brought go to this URL?
    ///
    /// # Errors
    /// Why not.
    pub fn admit(&self, url: &str, source: &str) -> Result<(), &'static str> {
        let parsed = Url::parse(url).map_err(|_| "the URL cannot be read")?;
        let host = parsed.host_str().unwrap_or_default();
        if parsed.scheme() != "https"
            || parsed.port().is_some()
            || !parsed.username().is_empty()
            || parsed.password().is_some()
        {
            return Err("a token is sent over TLS to the usual port only");
        }
        let issued_for = Url::parse(source).ok();
        let issued_for = issued_for.iter().flat_map(Url::query_pairs).find(|(name, _)| name == "resource");
        let Some((_, audience)) = issued_for else { return Err("it is not known what the token was issued for") };
        let manager = |cloud: &&Cloud| cloud.arm_host == host && cloud.accepts_audience(&audience);
        let is =
            |cloud: &Cloud, resource: &Resource| cloud.uri(resource).is_some_and(|uri| same_audience(&uri, &audience));
        let service = |cloud: &&Cloud| {
            Service::of(host).filter(|service| service.hosts(host, cloud)).is_some_and(|service| {
                service.resources().iter().any(|name| is(cloud, &Resource::Alias((*name).into())))
            })
        };
        let trusted = self.plan.trusted_hosts.iter().any(|trusted| trusted == host)
            && self.plan.probes.iter().any(|probe| {
                Url::parse(&probe.url).is_ok_and(|url| url.host_str() == Some(host))
                    && match &probe.resource {
                        Resource::Uri(uri) => same_audience(uri, &audience),
                        alias => self.cloud.is_some_and(|cloud| is(cloud, alias)),
                    }
            });
        if self.cloud.is_some_and(|cloud| manager(&cloud) || service(&cloud)) || trusted {
            Ok(())
        } else {
            Err("a token is sent to hosts of its own service in the VM's cloud only, or to one named with --trust-host")
        }
    }

    /// Is this URL at Azure Resource Manager of the VM's cloud?
    pub fn is_manager(&self, url: &str) -> bool {
        self.cloud.is_some_and(|cloud| url.starts_with(&format!("https://{}/", cloud.arm_host)))
    }
}
