//! The proxies that the variables of an environment name, ready to be used. Which variable counts for whom is in
//! [`crate::clients::proxy`]; nothing is asked here.

use std::collections::{BTreeMap, BTreeSet};

use ureq::{Proxy, ProxyProtocol};

use crate::clients::Setting;
use crate::clients::proxy::{self, Caught};

/// The variables of the environment that counts.
pub type Variables = BTreeMap<String, String>;

/// The proxy that clients reach this HTTPS host through; `None` when they go there themselves.
///
/// # Errors
/// Why the proxy cannot be used.
pub fn for_https(host: &str, variables: &Variables) -> Result<Option<Proxy>, String> {
    with(variables, |setting| proxy::for_https(host, setting)).map(|found| read(&found.proxy)).transpose()
}

/// The proxy that plain HTTP goes through, whatever the exceptions say.
///
/// # Errors
/// Why the proxy cannot be used; also when there is none.
pub fn for_plain_http(variables: &Variables) -> Result<Proxy, String> {
    let found = with(variables, proxy::for_plain_http).ok_or("the environment names no proxy")?;
    let proxy = read(&found.proxy)?;
    if proxy.protocol() == ProxyProtocol::Http {
        Ok(proxy)
    } else {
        Err("the proxy is reached by TLS, which midoctor does not do for this question".into())
    }
}

fn with(variables: &Variables, ask: impl FnOnce(&Setting) -> Option<Caught>) -> Option<Caught> {
    ask(&Setting { variables, files: &BTreeSet::new() })
}

fn read(value: &str) -> Result<Proxy, String> {
    let wrong = || "the proxy variable holds no URL that can be used".to_owned();
    let proxy = Proxy::new(value).map_err(|_| wrong())?;
    // What stands before the last @ is a secret, so a host that begins there was read wrongly.
    let host = value.rsplit_once('@').map_or(value, |(_, host)| host);
    if proxy.host().is_empty() || !host.contains(proxy.host()) {
        return Err(wrong());
    }
    if !matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https) {
        return Err("the proxy variable names a SOCKS proxy, which midoctor cannot use".into());
    }
    Ok(proxy)
}
