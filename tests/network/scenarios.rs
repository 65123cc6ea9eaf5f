//! Every scenario over the network: what the real wire brings home is judged as what the simulated one says in process.

use midoctor::scenarios;
use midoctor::simulator::Scenario;
use serde_json::{Value, json};

use crate::namespace::simulator::{self, Simulator};
use crate::namespace::{Case, place};

pub fn cases() -> Vec<Case> {
    // Processes and units of others are played in `environments`.
    let own = |named: &scenarios::Named| {
        let command = named.scenario().unwrap().command;
        command.pid.is_none() && command.unit.is_none()
    };
    scenarios::all()
        .into_iter()
        .filter(own)
        .map(|named| Case::new(format!("scenario {}", named.name), move || play(named.name)))
        .collect()
}

fn play(name: &'static str) {
    let scenario = scenarios::find(name).unwrap().scenario().unwrap();
    let simulator = Simulator::start(name, &[]);
    prepare(&scenario, &simulator);
    let mut arguments = Vec::new();
    let command = &scenario.command;
    let endpoint: Vec<String> = command.arm_endpoint.iter().cloned().collect();
    let flags = [
        ("--identity", &command.identity),
        ("--resource", &command.resource),
        ("--require", &command.require),
        ("--probe", &command.probe),
        ("--trust-host", &command.trust_host),
        ("--arm-endpoint", &endpoint),
    ];
    for (flag, values) in flags {
        arguments.extend(values.iter().flat_map(|value| [flag, value.as_str()]));
    }
    let mut command = simulator::check(Some(&simulator.authority()), &arguments);
    let ran = simulator::examine(command.envs(&scenario.environment));
    simulator::assert_valid(&ran.report);
    let expected = simulator::json(&["demo", name, "-o", "json"]);
    let (seen, expected) = (gist(&ran.report), gist(&expected));
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    assert!(
        seen == expected,
        "over the network:\n{}\nin process:\n{}\nrequests:\n{}\nfindings: {}",
        difference(&pretty(&seen), &pretty(&expected)),
        difference(&pretty(&expected), &pretty(&seen)),
        simulator.log(),
        ran.report["checks"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|check| check["findings"].as_array().unwrap())
            .fold(String::new(), |text, finding| text + "\n" + finding["seen"].as_str().unwrap_or_default())
    );
    if name.starts_with("healthy") {
        assert_eq!(ran.code, Some(0));
    }
}

/// The rest of the scenario: what is not an answer of a service.
fn prepare(scenario: &Scenario, simulator: &Simulator) {
    use midoctor::simulator::scenario::{ArmName, Metadata, Network};
    for (path, text) in &scenario.files {
        match (path.strip_prefix("/sys/class/dmi/id/"), path.strip_prefix("/var/log/")) {
            (Some(field), _) => place::dmi(field, text),
            (None, Some(_)) => place::log_file(path, text),
            // A program that is installed decides no more than a sentence.
            (None, None) => assert!(path.starts_with("/usr/sbin/"), "{path}"),
        }
    }
    let there = scenario.data.iter().filter(|data| data.network != Network::UnknownName);
    let hosts: Vec<&str> = there.map(|data| data.host.as_str()).collect();
    place::names_lead_to_loopback(&hosts);
    if scenario.arm_name == ArmName::Unknown {
        place::names_are_unknown();
    }
    if scenario.metadata == Metadata::Unroutable {
        place::take_metadata_away();
    }
    let announced: Vec<String> = scenario
        .environment
        .iter()
        .map(|(name, value)| format!("set        {name}={}", midoctor::fill::posix(value)))
        .collect();
    let set: Vec<&String> = simulator.announced.iter().filter(|line| line.starts_with("set ")).collect();
    assert_eq!(set, announced.iter().collect::<Vec<_>>(), "simulate names the scenario's environment");
}

/// What two reports of the same scenario have in common: all but ids, times and texts that hold them.
fn gist(report: &Value) -> Value {
    let checks: Vec<Value> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| {
            let findings: Vec<Value> = check["findings"]
                .as_array()
                .unwrap()
                .iter()
                .map(|finding| {
                    // What keeps the metadata service away here is this namespace, and that chooses the steps.
                    let remedy = if check["id"] == "metadata" { &Value::Null } else { &finding["remedy"] };
                    json!([finding["code"], finding["severity"], remedy])
                })
                .collect();
            json!([check["id"], check["subject"], check["status"], check["blocked_by"], findings])
        })
        .collect();
    let part = |name: &str| report[name].clone();
    json!({
        "exit_code": part("exit_code"), "verdict": part("verdict"), "root_cause": part("root_cause"),
        "summary": part("summary"), "vm": part("vm"), "identities": part("identities"), "checks": checks,
    })
}

/// The lines that the other text has not.
fn difference(text: &str, other: &str) -> String {
    let others: Vec<&str> = other.lines().collect();
    text.lines().filter(|line| !others.contains(line)).collect::<Vec<_>>().join("\n")
}
