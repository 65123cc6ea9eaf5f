//! Data endpoints, trusted hosts and the ARM endpoint as they are typed, made into what they mean. Nothing is asked here.

use url::Url;

use crate::azure::service::Service;
use crate::fill::visible;
use crate::plan::{Probe, Resource};

/// What names of parameters that carry a secret have in them: a report keeps the URL, so they have no place in it.
const SECRET_PARAMETERS: [&str; 9] = ["sig", "code", "key", "token", "pass", "pwd", "secret", "auth", "sas"];

/// Reads the URL of a data endpoint. `resources` are those that were named, `trusted` the hosts.
///
/// # Errors
/// A sentence that says what is wrong and what is accepted.
pub fn read(text: &str, resources: &[Resource], trusted: &[String]) -> Result<Probe, String> {
    let shown = visible(&harmless(text));
    let url = Url::parse(text).ok().filter(|url| url.scheme() == "https" && url.has_host());
    let Some(url) = url else {
        let near = Url::parse(&format!("https://{}", harmless(text).trim_start_matches("http://"))).ok();
        let near = near.filter(|url| url.host_str().is_some_and(|host| host.contains('.')));
        let near = near.map(|url| format!("; did you mean “{}”?", visible(url.as_str()))).unwrap_or_default();
        return Err(format!("--probe takes an https URL, as a token goes over TLS only; “{shown}” is none{near}"));
    };
    let host = url.host_str().unwrap_or_default().to_owned();
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() || url.port().is_some() {
        return Err(format!("--probe takes a URL without user, port and fragment; write https://{host}{}", url.path()));
    }
    let parameters: Vec<String> = url.query_pairs().map(|(name, _)| name.to_lowercase()).collect();
    let Some(service) = Service::of(&host) else {
        if let Some(name) = parameters.iter().find(|name| SECRET_PARAMETERS.iter().any(|part| name.contains(part))) {
            let name = visible(name);
            return Err(format!(
                "--probe takes no secrets, and “{name}” in the query of {host} looks like one; leave it out"
            ));
        }
        let [resource] = resources else {
            return Err(format!(
                "--probe {shown}: {host} is no service that midoctor knows; name the one resource to ask a token for with --resource"
            ));
        };
        if !trusted.contains(&host) {
            return Err(format!(
                "--probe {shown}: {host} is no host of a service that midoctor knows; --trust-host {host} says that it may be sent a \
                 token"
            ));
        }
        return Ok(Probe { url: url.into(), resource: resource.clone() });
    };
    if url.query().is_some() {
        let title = service.title();
        return Err(format!("--probe {shown}: leave the query out; midoctor knows what to ask of {title}"));
    }
    let own = |resource: &&Resource| matches!(resource, Resource::Alias(name) if service.resources().contains(&name.as_str()));
    let usual = || Resource::Alias(service.resources()[0].into());
    let resource = resources.iter().find(own).cloned().unwrap_or_else(usual);
    Ok(Probe { url: url.into(), resource })
}

/// A typed URL without what could be a secret: user, password, query and fragment.
fn harmless(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    let (host, path) = rest.split_once('/').map_or((rest, ""), |(host, path)| (host, path));
    let host = host.rsplit('@').next().unwrap_or_default();
    let scheme = if scheme.is_empty() { String::new() } else { format!("{scheme}://") };
    if path.is_empty() { format!("{scheme}{host}") } else { format!("{scheme}{host}/{path}") }
}

/// Reads a host name.
///
/// # Errors
/// A sentence that says what is accepted.
pub fn host(flag: &str, text: &str) -> Result<String, String> {
    let bare = Url::parse(&format!("https://{text}/")).ok();
    let bare = bare.filter(|url| url.host_str().is_some_and(|host| host.eq_ignore_ascii_case(text)));
    bare.and_then(|url| url.host_str().map(str::to_owned)).ok_or_else(|| {
        format!(
            "{flag} takes a host name such as api.contoso.com, without https:// and path; “{}” is none",
            visible(text)
        )
    })
}

/// Reads the address of Azure Resource Manager: `https://HOST` or the host alone.
///
/// # Errors
/// A sentence that says what is accepted.
pub fn arm_endpoint(text: &str) -> Result<String, String> {
    let bare = text.strip_prefix("https://").unwrap_or(text).trim_end_matches('/');
    host("--arm-endpoint", bare)
        .ok()
        .filter(|host| host.contains('.'))
        .ok_or_else(|| format!("--arm-endpoint takes https://HOST, at the usual port; “{}” is none", visible(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_known_by_its_host_and_has_its_own_resource() {
        let probe = |text: &str| read(text, &[], &[]).map(|probe| (probe.url, probe.resource));
        let alias = |name: &str| Resource::Alias(name.into());
        assert_eq!(probe("https://KV.vault.azure.net"), Ok(("https://kv.vault.azure.net/".into(), alias("vault"))));
        assert_eq!(probe("https://a.blob.core.chinacloudapi.cn/c").map(|it| it.1), Ok(alias("storage")));
        let hub = read("https://ns.servicebus.windows.net/hub", &[alias("arm"), alias("eventhubs")], &[]);
        assert_eq!(hub.map(|it| it.resource), Ok(alias("eventhubs")));
    }

    #[test]
    fn another_host_needs_a_resource_and_trust() {
        let api = [Resource::Uri("api://my-app".into())];
        let url = "https://api.contoso.com/health?api-version=1";
        assert!(read(url, &[], &[]).is_err_and(|why| why.contains("--resource")));
        assert!(read(url, &api, &[]).is_err_and(|why| why.contains("--trust-host api.contoso.com")));
        let probe = read(url, &api, &["api.contoso.com".into()]).expect("a probe");
        assert_eq!((probe.url.as_str(), &probe.resource), (url, &api[0]));
    }

    #[test]
    fn what_could_carry_a_secret_is_refused_and_not_repeated() {
        let trusted = ["api.contoso.com".to_owned()];
        let api = [Resource::Uri("api://my-app".into())];
        for wrong in [
            "https://a.blob.core.windows.net/c?sv=1&sig=hush",
            "https://api.contoso.com/x?Code=hush",
            "https://user:hush@api.contoso.com/",
            "http://acct.blob.core.windows.net/c?sv=1&sig=hush",
            "http://user:hush@kv.vault.azure.net/",
            "https://user:hush@[bad/",
            "https://api.contoso.com/x?subscription-key=hush",
            "https://api.contoso.com/x?x-functions-key=hush",
        ] {
            assert!(read(wrong, &api, &trusted).is_err_and(|why| !why.contains("hush")), "{wrong}");
        }
    }

    #[test]
    fn a_url_that_a_token_cannot_go_to_is_told_with_the_nearest_that_it_can() {
        let near = read("kv.vault.azure.net", &[], &[]);
        assert!(near.is_err_and(|why| why.ends_with("did you mean “https://kv.vault.azure.net/”?")));
        for wrong in ["", "http://kv.vault.azure.net/", "https://", "https://kv.vault.azure.net:8443/", "ftp://a.b/"] {
            assert!(read(wrong, &[], &[]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_arm_endpoint_is_a_host() {
        assert_eq!(
            arm_endpoint("https://Management.local.contoso.com/").as_deref(),
            Ok("management.local.contoso.com")
        );
        assert_eq!(arm_endpoint("management.sovcloud-api.fr").as_deref(), Ok("management.sovcloud-api.fr"));
        for wrong in ["", "http://a.b", "https://a.b/path", "https://a.b:443x", "a b", "localhost", "https://a.b:8443"]
        {
            assert!(arm_endpoint(wrong).is_err(), "{wrong}");
        }
    }
}
