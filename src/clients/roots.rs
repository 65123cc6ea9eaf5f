//! Where each client takes the certificate authorities from that it trusts: the machine's list, one that it brings along, or a
//! file that the environment names. It does not look into any of these, and says nothing about a certificate.

use crate::clients::{Setting, Stack};

/// A client's source of trusted authorities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roots<'a> {
    /// The machine's own list, or what `SSL_CERT_FILE` and `SSL_CERT_DIR` put in its place.
    Platform,
    /// Mozilla's list, which comes with the client.
    Mozilla,
    /// This file, in place of another list or added to it.
    Named {
        /// The variable that names it.
        variable: &'static str,
        /// As the variable has it.
        path: &'a str,
    },
    /// A key store of its own, which can be one that the distribution makes from the machine's list.
    Keystore,
}

/// Where a client takes its authorities from in this environment.
pub fn roots_of<'a>(stack: Stack, setting: &Setting<'a>) -> Roots<'a> {
    let named = |names: &[&'static str]| {
        names.iter().find_map(|name| Some(Roots::Named { variable: name, path: setting.variable(name)? }))
    };
    match stack {
        // requests/sessions.py merge_environment_settings, this order; otherwise certifi's copy of Mozilla's list
        // (requests/certs.py). SSL_CERT_FILE is not read. Some distributions' packages of certifi use the machine's list.
        Stack::Requests => named(&["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]).unwrap_or(Roots::Mozilla),
        // nodejs doc/api/cli.md: the bundled list is the default; NODE_EXTRA_CA_CERTS adds to it, and the machine's list is added by
        // --use-system-ca (22.15, 23.8; not on Windows and macOS: 23.9) or NODE_USE_SYSTEM_CA=1 (22.19, 24.6). Packages of some
        // distributions are built with --openssl-use-def-ca-store and take the machine's list anyway.
        Stack::NodePipeline | Stack::NodePlain => match setting.variable("NODE_USE_SYSTEM_CA") {
            Some("1") => Roots::Platform,
            _ => named(&["NODE_EXTRA_CA_CERTS"]).unwrap_or(Roots::Mozilla),
        },
        // OpenJDK's lib/security/cacerts unless javax.net.ssl.trustStore names another; Debian's and Red Hat's packages link it to
        // one that is made from the machine's list (ca-certificates-java, /etc/pki/java).
        Stack::Java => Roots::Keystore,
        // curl's manual, ENVIRONMENT: the tool alone reads CURL_CA_BUNDLE, then SSL_CERT_DIR and SSL_CERT_FILE.
        Stack::Curl => named(&["CURL_CA_BUNDLE"]).unwrap_or(Roots::Platform),
        // aiohttp/connector.py: ssl.create_default_context, so OpenSSL's defaults. Go: crypto/x509 root_unix.go. .NET: the Root store,
        // on Linux what OpenSSL has (dotnet/runtime, OpenSslCachedSystemStoreProvider.cs). reqwest: native-tls, or rustls with the
        // platform's verifier; an application may choose otherwise.
        Stack::Aiohttp | Stack::DotNet | Stack::Go | Stack::Reqwest => Roots::Platform,
    }
}

/// Files that hold the machine's list on Linux, the first that is there counts: Debian, Ubuntu and Alpine; Red Hat, Azure Linux
/// and others; SUSE (the first three of Go's crypto/x509 root_linux.go).
pub const LISTS: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn roots(stack: Stack, set: &[(&str, &str)]) -> String {
        let variables: BTreeMap<String, String> =
            set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let files = BTreeSet::new();
        match roots_of(stack, &Setting { variables: &variables, files: &files }) {
            Roots::Platform => "platform".into(),
            Roots::Mozilla => "mozilla".into(),
            Roots::Named { variable, path } => format!("{variable} {path}"),
            Roots::Keystore => "keystore".into(),
        }
    }

    #[test]
    fn without_variables_python_requests_and_node_bring_their_own_list() {
        for (stack, expected) in [
            (Stack::Requests, "mozilla"),
            (Stack::Aiohttp, "platform"),
            (Stack::DotNet, "platform"),
            (Stack::Java, "keystore"),
            (Stack::NodePipeline, "mozilla"),
            (Stack::NodePlain, "mozilla"),
            (Stack::Go, "platform"),
            (Stack::Reqwest, "platform"),
            (Stack::Curl, "platform"),
        ] {
            assert_eq!(roots(stack, &[]), expected, "{stack:?}");
            assert_eq!(roots(stack, &[("SSL_CERT_FILE", "/a")]), expected, "{stack:?}");
        }
    }

    #[test]
    fn the_variables_of_a_client_name_its_list() {
        for (stack, set, expected) in [
            (Stack::Requests, &[("REQUESTS_CA_BUNDLE", "/a"), ("CURL_CA_BUNDLE", "/b")][..], "REQUESTS_CA_BUNDLE /a"),
            (Stack::Requests, &[("REQUESTS_CA_BUNDLE", ""), ("CURL_CA_BUNDLE", "/b")], "CURL_CA_BUNDLE /b"),
            (Stack::Requests, &[("NODE_EXTRA_CA_CERTS", "/a")], "mozilla"),
            (Stack::NodePipeline, &[("NODE_EXTRA_CA_CERTS", "/a")], "NODE_EXTRA_CA_CERTS /a"),
            (Stack::NodePlain, &[("NODE_USE_SYSTEM_CA", "1")], "platform"),
            (Stack::NodePlain, &[("NODE_USE_SYSTEM_CA", "0")], "mozilla"),
            (Stack::NodePlain, &[("REQUESTS_CA_BUNDLE", "/a")], "mozilla"),
            (Stack::Curl, &[("CURL_CA_BUNDLE", "/b")], "CURL_CA_BUNDLE /b"),
        ] {
            assert_eq!(roots(stack, set), expected, "{stack:?} {set:?}");
        }
    }
}
