//! The rules for proxies, held against what the libraries' sources say; where the real library is at hand, the interop suite asks
//! it too.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn with<T>(variables: &[(&str, &str)], ask: impl FnOnce(&Setting) -> T) -> T {
    let variables: BTreeMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    ask(&Setting { variables: &variables, files: &BTreeSet::new() })
}

/// The libraries that are caught, each by a letter: Requests, aIohttp, .Net, nodE's pipeline, node's Plain fetch, Go, ruSt, Curl.
fn caught(variables: &[(&str, &str)]) -> String {
    let letters = ["R", "I", "N", "J", "E", "P", "G", "S", "C"];
    with(variables, |setting| {
        let all = STACKS.into_iter().zip(letters);
        all.filter(|(stack, _)| for_metadata(*stack, setting).is_some()).map(|(_, letter)| letter).collect()
    })
}

const PROXY: &str = "http://proxy.contoso.com:3128";

#[test]
fn each_library_has_variables_of_its_own() {
    for (names, expected) in [
        (&[][..], ""),
        (&["http_proxy"], "RINEGSC"),
        (&["HTTP_PROXY"], "RINEGS"),
        (&["https_proxy"], "E"),
        (&["HTTPS_PROXY"], "E"),
        (&["all_proxy"], "RNESC"),
        (&["ALL_PROXY"], "RNESC"),
        (&["NODE_USE_ENV_PROXY"], ""),
        (&["REQUEST_METHOD", "HTTP_PROXY"], "NE"),
        (&["REQUEST_METHOD", "http_proxy"], "RINEC"),
        (&["GATEWAY_INTERFACE", "HTTP_PROXY"], "RIEGS"),
        (&["GATEWAY_INTERFACE", "http_proxy"], "RINEGSC"),
    ] {
        let set: Vec<(&str, &str)> = names.iter().map(|name| (*name, PROXY)).collect();
        assert_eq!(caught(&set), expected, "{names:?}");
    }
    for (switch, expected) in [("1", "RINEPGSC"), ("0", "RINEGSC")] {
        assert_eq!(caught(&[("NODE_USE_ENV_PROXY", switch), ("http_proxy", PROXY)]), expected, "{switch}");
    }
}

#[test]
fn one_spelling_goes_before_the_other() {
    let both = [("http_proxy", "http://lower:1"), ("HTTP_PROXY", "http://upper:1"), ("HTTPS_PROXY", "http://tls:1")];
    for (stack, expected) in [
        (Stack::Requests, "http_proxy"),
        (Stack::Aiohttp, "http_proxy"),
        (Stack::DotNet, "http_proxy"),
        (Stack::NodePipeline, "HTTPS_PROXY"),
        (Stack::Go, "HTTP_PROXY"),
        (Stack::Reqwest, "HTTP_PROXY"),
        (Stack::Curl, "http_proxy"),
    ] {
        let found = with(&both, |setting| for_metadata(stack, setting));
        let said = both.iter().find(|(name, _)| *name == expected).map(|(_, value)| (expected, *value));
        assert_eq!(found.as_ref().map(|found| (found.variable, found.proxy.as_str())), said, "{stack:?}");
    }
}

#[test]
fn an_empty_variable_hides_the_other_one_from_some() {
    let address = METADATA_ADDRESS;
    for (variables, expected) in [
        // Python takes the empty lower-case one for a word against the other; Rust the upper-case one.
        (&[("http_proxy", ""), ("HTTP_PROXY", PROXY)][..], "NEGS"),
        (&[("http_proxy", PROXY), ("HTTP_PROXY", "")], "RINEGC"),
        (&[("http_proxy", PROXY), ("no_proxy", ""), ("NO_PROXY", address)], "IN"),
        (&[("http_proxy", PROXY), ("no_proxy", address), ("NO_PROXY", "")], "S"),
        (&[("http_proxy", PROXY), ("no_proxy", "localhost"), ("NO_PROXY", address)], "RINC"),
        (&[("http_proxy", PROXY), ("no_proxy", address), ("NO_PROXY", "localhost")], "EGS"),
    ] {
        assert_eq!(caught(variables), expected, "{variables:?}");
    }
}

#[test]
fn every_form_of_exception_is_read_as_the_library_reads_it() {
    for (list, expected) in [
        ("169.254.169.254", ""),
        (" 169.254.169.254 ", ""),
        ("localhost,169.254.169.254", ""),
        ("localhost, 169.254.169.254", ""),
        ("169.254.169.254,localhost", ""),
        ("localhost", "RINEPGSC"),
        ("169.254.169.25", "RINEPGSC"),
        // Ranges: urllib, .NET and Node.js do not know them.
        ("169.254.0.0/16", "INEP"),
        ("localhost,169.254.0.0/16", "INEP"),
        ("169.254.169.254/16", "INEP"),
        ("169.254.169.254/32", "INEP"),
        ("169.254.169.0/24", "INEP"),
        ("169.254.168.0/24", "RINEPGSC"),
        ("169.254.0.0/33", "RINEPGSC"),
        ("0.0.0.0/0", "RINEPC"),
        ("169.254/16", "RINEPGSC"),
        ("169.254.0/16", "INEPGSC"),
        // A star alone; among others it counts for Go and for Node.js' fetch.
        ("*", "NES"),
        ("localhost,*", "RINESC"),
        // Only the port of plain HTTP, and only where ports are read.
        ("169.254.169.254:80", "RINESC"),
        ("169.254.169.254:8080", "RINEPGSC"),
        ("169.254.*", "RINEPGSC"),
        ("169.254.169.*", "RINEPGSC"),
        // By accident: the end of a name fits the end of the address.
        (".254", "SC"),
        ("254", "NEPSC"),
        (".169.254", "SC"),
        ("169.254", "NEPSC"),
        ("*.169.254", "RINESC"),
        (".169.254.169.254", "PGSC"),
        ("169.254.169.254.", "RINEPGSC"),
        ("http://169.254.169.254", "RINEPGSC"),
        // A blank between entries is left out by requests, and parts them for curl and Node.js' fetch.
        ("169.254.169.254 localhost", "RINEGS"),
        ("localhost 169.254.169.254", "RINEGS"),
        ("::1", "RINEPGSC"),
        (",,", "RINEPGSC"),
        (".", "RINEPGSC"),
    ] {
        let set = [("http_proxy", PROXY), ("NODE_USE_ENV_PROXY", "1"), ("NO_PROXY", list), ("no_proxy", list)];
        assert_eq!(caught(&set), expected, "{list:?}");
    }
}

#[test]
fn a_proxy_that_a_library_cannot_use_does_not_catch_it() {
    assert_eq!(caught(&[("http_proxy", "https://proxy:3129")]), "RNEGSC");
    assert_eq!(caught(&[("http_proxy", "ftp://proxy")]), "RINEGC");
    assert_eq!(caught(&[("http_proxy", "proxy:3128")]), "RINEGSC");
}

#[test]
fn a_host_with_tls_is_reached_as_curl_and_python_do() {
    let host = "management.azure.com";
    for (variables, expected) in [
        (&[][..], None),
        (&[("HTTPS_PROXY", "http://upper:1"), ("https_proxy", "http://lower:1")], Some("https_proxy")),
        (&[("HTTPS_PROXY", "http://upper:1"), ("https_proxy", "")], Some("HTTPS_PROXY")),
        (&[("ALL_PROXY", "http://all:1")], Some("ALL_PROXY")),
        (&[("HTTP_PROXY", "http://plain:1")], None),
    ] {
        let found = with(variables, |setting| for_https(host, setting)).map(|found| found.variable);
        assert_eq!(found, expected, "{variables:?}");
    }
    for (list, exempt) in [
        ("management.azure.com", true),
        ("Management.Azure.COM", true),
        ("localhost, azure.com", true),
        (".azure.com", true),
        ("*.azure.com", true),
        ("azure.com:443", true),
        ("*", true),
        ("localhost,*", true),
        ("azure.com:80", false),
        ("zure.com", false),
        ("", false),
        (".", false),
        (" , ", false),
    ] {
        let set = [("HTTPS_PROXY", PROXY), ("NO_PROXY", list)];
        assert_eq!(with(&set, |setting| for_https(host, setting)).is_none(), exempt, "{list:?}");
    }
}
