//! The value of an environment variable without the places in it that hold secrets: what stands before a host, and behind a `?`.
//! Secrets in other places are for those to find who look for what they look like.

use std::borrow::Cow;

use crate::seal::SEAL;

/// The value of the variable of this name, as far as it says where clients go.
pub(super) fn without_places_of_secrets(name: &str, value: &str) -> String {
    without_query(&without_user_info(name, value)).into_owned()
}

/// `http://user:password@proxy:3128` becomes `http://proxy:3128`. Passwords hold anything, also what ends a host in a
/// well-formed URL, so all goes that stands before the last `@`, but for the scheme. Where somebody encoded that sign too, what
/// stands before it is no less a password; and of a proxy whose port is no number nobody knows what it is. Elsewhere a sign behind
/// a `?` may be a part of a query as well as the end of a password, so neither side is kept.
fn without_user_info(name: &str, value: &str) -> String {
    let names_proxy = name.to_ascii_lowercase().ends_with("_proxy") && !name.eq_ignore_ascii_case("no_proxy");
    let encoded = || value.rsplit_once("%40").filter(|_| names_proxy || value.contains("://"));
    let bare = match value.rsplit_once('@').or_else(encoded) {
        Some((before, _)) if !names_proxy && before.contains(['?', '#']) => match before.split_once("://") {
            Some((scheme, _)) if is_scheme(scheme) => format!("{scheme}://{SEAL}"),
            _ => SEAL.to_owned(),
        },
        Some((before, host)) => {
            let scheme = before.split(':').next().unwrap_or_default();
            if before[scheme.len()..].starts_with(":/") && is_scheme(scheme) {
                format!("{scheme}://{host}")
            } else {
                host.to_owned()
            }
        }
        None => value.to_owned(),
    };
    let (scheme, rest) = bare.split_once("://").map_or(("", bare.as_str()), |(scheme, rest)| (scheme, rest));
    if !names_proxy || is_host_and_port(rest.split(['/', '?', '#']).next().unwrap_or_default()) {
        bare
    } else if scheme.is_empty() {
        SEAL.to_owned()
    } else {
        format!("{scheme}://{SEAL}")
    }
}

fn is_scheme(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric())
}

/// `proxy.contoso.com:3128`, `[::1]:3128`, or without a port.
fn is_host_and_port(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':').unwrap_or(rest)),
        None => text.split_once(':').unwrap_or((text, "")),
    };
    !host.contains('%') && port.len() <= 5 && port.chars().all(|c| c.is_ascii_digit())
}

/// A URL's query can hold a key or a signature, and so can what stands behind a `#`; nothing in them decides where clients go.
fn without_query(value: &str) -> Cow<'_, str> {
    let end = value.find("://").and_then(|start| Some(start + value.get(start..)?.find(['?', '#'])?));
    end.map_or(Cow::Borrowed(value), |end| Cow::Owned(format!("{}?…", &value[..end])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_password_is_left_out() {
        for (value, kept) in [
            ("http://u:p@proxy:3128/", "http://proxy:3128/"),
            ("u:p@proxy", "proxy"),
            ("http://u:p@ss@proxy", "http://proxy"),
            ("http://user:pa/ss#wd@proxy:3128", "http://proxy:3128"),
            ("http:/user:pw@p", "http://p"),
            ("user:http://x@p", "p"),
            ("http://proxy:3128/", "http://proxy:3128/"),
            ("", ""),
            ("http://user:hunter2%40proxy:8080", "http://proxy:8080"),
            ("user:hunter2%40proxy:8080", "proxy:8080"),
            ("http://user:hunter2", "http://(sealed)"),
            ("user:hunter2:proxy:8080", "(sealed)"),
            ("http://user%3Ahunter2%2540proxy:8080", "http://(sealed)"),
            ("http://[::1]:3128", "http://[::1]:3128"),
            ("proxy.contoso.com:3128", "proxy.contoso.com:3128"),
        ] {
            assert_eq!(without_user_info("HTTP_PROXY", value), kept);
        }
        assert_eq!(without_user_info("NO_PROXY", "a:b,fd00::/8"), "a:b,fd00::/8");
        assert_eq!(without_user_info("IDENTITY_ENDPOINT", "http://u:hunter2%40h/msi"), "http://h/msi");
    }
}
