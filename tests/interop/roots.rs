//! Which clients get through where an authority was added to the machine's own list alone, with and without the variables that
//! tell them of it: what `src/clients/roots.rs` says, asked of the clients themselves.

use std::process::{Command, Stdio};

use crate::namespace::simulator::Simulator;
use crate::namespace::{Case, Suite, place};
use crate::{NODE_MODULES, VENV, folder};

const LIST: &str = "/etc/ssl/certs/ca-certificates.crt";
/// No list at all, to see who reads a variable.
const NONE: &str = "/dev/null";
const REQUESTS: &str = "import requests; print(requests.get('https://management.azure.com/').status_code)";
const AIOHTTP: &str = "import asyncio, aiohttp\n\
                       async def ask():\n    async with aiohttp.ClientSession() as session:\n        \
                       print((await session.get('https://management.azure.com/')).status)\n\
                       asyncio.run(ask())";
const FETCH: &str = "fetch('https://management.azure.com/').then((answer) => console.log(answer.status), (error) => { \
                     console.error(error.cause); process.exit(1); })";

/// A client, and for each setting of variables whether it gets through.
type Row = (&'static str, &'static str, &'static [(&'static [(&'static str, &'static str)], bool)]);

/// Some packages of Node.js take the machine's list unless they are told otherwise, so the option says which is meant.
const ROWS: [Row; 5] = [
    ("az login --identity", "", &[(&[], false), (&[("REQUESTS_CA_BUNDLE", LIST)], true)]),
    (
        "requests",
        REQUESTS,
        &[
            (&[], false),
            (&[("SSL_CERT_FILE", LIST)], false),
            (&[("REQUESTS_CA_BUNDLE", LIST)], true),
            (&[("CURL_CA_BUNDLE", LIST)], true),
            (&[("REQUESTS_CA_BUNDLE", LIST), ("CURL_CA_BUNDLE", NONE)], true),
            (&[("NODE_EXTRA_CA_CERTS", LIST)], false),
        ],
    ),
    ("aiohttp", AIOHTTP, &[(&[], true), (&[("SSL_CERT_FILE", NONE), ("SSL_CERT_DIR", "/dev")], false)]),
    (
        "node",
        FETCH,
        &[
            (&[], false),
            (&[("SSL_CERT_FILE", LIST)], false),
            (&[("NODE_EXTRA_CA_CERTS", LIST)], true),
            (&[("REQUESTS_CA_BUNDLE", LIST)], false),
        ],
    ),
    ("curl", "", &[(&[], true), (&[("CURL_CA_BUNDLE", NONE)], false), (&[("REQUESTS_CA_BUNDLE", NONE)], true)]),
];

/// Adds a case for every client, or the reason why it cannot run here.
pub fn add(suite: &mut Suite) {
    for (client, script, settings) in ROWS {
        let variable = match client {
            "node" => Some(NODE_MODULES),
            "curl" => None,
            _ => Some(VENV),
        };
        let name = format!("an authority on the machine's list alone: {client}");
        match variable.filter(|variable| folder(variable).is_none()) {
            Some(variable) => suite.missing.push((name, format!("{variable} is not set"))),
            None => suite.cases.push(Case::new(name, move || ask(client, script, settings))),
        }
    }
}

fn ask(client: &str, script: &str, settings: &[(&[(&str, &str)], bool)]) {
    let simulator = Simulator::start("healthy", &[]);
    place::machine_trusts(&std::fs::read_to_string(simulator.authority()).unwrap());
    for (set, through) in settings {
        let mut command = match client {
            "node" => Command::new("node"),
            "curl" => Command::new("curl"),
            "requests" | "aiohttp" => Command::new(folder(VENV).unwrap().join("bin/python")),
            _ => Command::new(folder(VENV).unwrap().join("bin/az")),
        };
        match client {
            "node" => command.args(["--use-bundled-ca", "-e", script]),
            "curl" => command.args(["-sS", "https://management.azure.com/"]),
            "requests" | "aiohttp" => command.args(["-c", script]),
            _ => command.args(["login", "--identity"]),
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let home = std::env::temp_dir();
        command.env_clear().env("PATH", path).env("LANG", "C.UTF-8").env("HOME", &home);
        command.env("AZURE_CONFIG_DIR", home.join("az")).env("AZURE_CORE_COLLECT_TELEMETRY", "no");
        command.envs(set.iter().copied()).stdin(Stdio::null());
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), *through, "{client} with {set:?}: {said}");
        let about = said.to_lowercase();
        assert!(*through || about.contains("cert"), "{client} with {set:?} fails for another reason: {said}");
    }
}
