//! The proxy rules of each HTTP library, held against clients that use it: with a proxy in the variables and a listener at the
//! proxy and at the metadata service, the request must come to where the rules say.

use std::collections::BTreeSet;

use midoctor::clients::proxy::for_metadata;
use midoctor::clients::{Setting, Stack};

use crate::driver::{Driver, Real, Seen, Variables};
use crate::listeners::Place;

/// A client, its name for people, and its HTTP library.
pub const CLIENTS: [(Real, &str, Stack); 9] = [
    (Real::DotNet, "Azure.Identity for .NET", Stack::DotNet),
    (Real::Curl, "curl", Stack::Curl),
    (Real::Python("managed"), "azure-identity for Python", Stack::Requests),
    (Real::Python("msal"), "MSAL for Python", Stack::Requests),
    (Real::Python("msrestazure"), "msrestazure", Stack::Requests),
    (Real::Python("azure-cli"), "az login --identity", Stack::Requests),
    (Real::Python("aio-managed"), "azure.identity.aio", Stack::Aiohttp),
    (Real::Node("managed"), "@azure/identity for Node", Stack::NodePipeline),
    (Real::Node("msal"), "@azure/msal-node", Stack::NodePlain),
];

const PROXY: &str = "http://127.0.0.1:3128";
const NAMES: [&str; 6] = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
/// Lists of exceptions, as people write them.
const EXCEPTIONS: [&str; 27] = [
    "",
    "169.254.169.254",
    " 169.254.169.254 ",
    "169.254.169.254.",
    "169.254.169.254:80",
    "169.254.169.254:8080",
    "http://169.254.169.254",
    "169.254.169.254/32",
    "169.254.169.0/24",
    "169.254.0.0/16",
    "169.254.169.254/16",
    "0.0.0.0/0",
    "169.254.*",
    "169.254.169.*",
    "169.254.",
    "169.254",
    ".169.254",
    "*.169.254",
    ".254",
    "254",
    "*",
    "* ",
    "localhost,*",
    "localhost,169.254.169.254",
    "localhost, 169.254.169.254",
    "localhost 169.254.169.254",
    "localhost,169.254.0.0/16",
];

/// Plays every combination with this client and holds each against its library's rules.
pub fn agrees(client: Real, stack: Stack) {
    let mut driver = Driver::start(client);
    // Azure CLI takes ten times as long as the library within it, the .NET client longer still.
    let every = match client {
        Real::DotNet => 6,
        Real::Python("azure-cli") => 4,
        _ => 1,
    };
    let all: Vec<Variables> = combinations().into_iter().step_by(every).collect();
    let mut wrong = Vec::new();
    for variables in &all {
        let seen = driver.play(variables);
        wrong.extend(disagreement(stack, variables, &seen));
    }
    assert!(wrong.is_empty(), "{} of {} combinations differ:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

fn disagreement(stack: Stack, variables: &Variables, seen: &Seen) -> Option<String> {
    let files = BTreeSet::new();
    let caught = for_metadata(stack, &Setting { variables, files: &files });
    let places: Vec<Place> = seen.requests.iter().map(|asked| asked.place).collect();
    // A client that cannot read the proxy's address asks nobody: it does not reach the metadata service either.
    let direct = !places.is_empty() && places.iter().all(|place| *place == Place::Metadata);
    let agrees = caught.is_none() == direct;
    (!agrees).then(|| {
        format!("with {variables:?}\n  the client asked {places:?}: {}\n  the rules say {caught:?}", seen.said)
    })
}

fn combinations() -> Vec<Variables> {
    let set = |pairs: &[(&str, &str)]| -> Variables {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let both = [("http_proxy", PROXY), ("HTTP_PROXY", PROXY)];
    let except = |more: &[(&str, &str)]| set(&[&both, more].concat());
    let mut all = vec![set(&[]), set(&NAMES.map(|name| (name, PROXY)))];
    for name in NAMES {
        all.push(set(&[(name, PROXY)]));
        all.push(set(&[(name, PROXY), ("NO_PROXY", "169.254.169.254"), ("no_proxy", "169.254.169.254")]));
    }
    all.extend([
        set(&[("HTTP_PROXY", PROXY), ("HTTPS_PROXY", PROXY)]),
        set(&[("http_proxy", ""), ("HTTP_PROXY", PROXY)]),
        set(&[("http_proxy", PROXY), ("HTTP_PROXY", "")]),
        set(&[("http_proxy", ""), ("ALL_PROXY", PROXY)]),
        // In a CGI program HTTP_PROXY is what a visitor's Proxy header says.
        set(&[("http_proxy", PROXY), ("REQUEST_METHOD", "GET")]),
        set(&[("HTTP_PROXY", PROXY), ("REQUEST_METHOD", "GET")]),
        set(&[("http_proxy", "127.0.0.1:3128")]),
        set(&[("HTTP_PROXY", "127.0.0.1:3128")]),
        set(&[("http_proxy", "http://user:password@127.0.0.1:3128")]),
        except(&[("NO_PROXY", "169.254.169.254"), ("no_proxy", "localhost")]),
        except(&[("NO_PROXY", "localhost"), ("no_proxy", "169.254.169.254")]),
        except(&[("NO_PROXY", "169.254.169.254"), ("no_proxy", "")]),
        except(&[("NO_PROXY", ""), ("no_proxy", "169.254.169.254")]),
        except(&[("NO_PROXY", "169.254.0.0/16")]),
        except(&[("no_proxy", "169.254.0.0/16")]),
    ]);
    all.extend(EXCEPTIONS.map(|list| except(&[("NO_PROXY", list), ("no_proxy", list)])));
    for list in EXCEPTIONS.iter().step_by(3) {
        all.extend([except(&[("NO_PROXY", list)]), except(&[("no_proxy", list)])]);
    }
    all
}
