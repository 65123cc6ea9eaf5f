//! Rows of NDJSON as `midoctor -o ndjson` writes them, for VMs of any name and place.

#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::common::run;

/// Makes rows out of scenarios, each of which is played once.
#[derive(Default)]
pub struct Rows(BTreeMap<String, Value>);

/// A VM with its place.
#[derive(Clone, Copy, Debug)]
pub struct Vm<'a> {
    pub name: &'a str,
    pub group: &'a str,
    pub subscription: &'a str,
    pub location: &'a str,
    pub image: &'a str,
}

pub const SUBSCRIPTION: &str = "3d9b6c1e-8a74-4f52-b0e3-91c7d5a2f846";
pub const UBUNTU: &str = "canonical:ubuntu-24_04-lts:server:latest";
pub const WINDOWS: &str = "MicrosoftWindowsServer:WindowsServer:2022-datacenter:latest";

impl<'a> Vm<'a> {
    pub fn new(name: &'a str, group: &'a str) -> Self {
        Self { name, group, subscription: SUBSCRIPTION, location: "westeurope", image: UBUNTU }
    }

    pub fn resource_id(&self) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Compute/virtualMachines/{}",
            self.subscription, self.group, self.name
        )
    }
}

impl Rows {
    /// The row of a scenario as it is.
    pub fn scenario(&mut self, name: &str) -> Value {
        let played = || serde_json::from_str(run(&["demo", name, "-o", "ndjson"]).stdout.trim_end()).unwrap();
        self.0.entry(name.to_owned()).or_insert_with(played).clone()
    }

    /// The row of this VM in this state at this time of 2026-11.
    pub fn row(&mut self, scenario: &str, vm: Vm, time: &str) -> Value {
        let mut row = self.scenario(scenario);
        let started = format!("2026-11-{time}Z");
        row["TimeGenerated"] = json!(started);
        row["run"]["started"] = json!(started);
        row["run"]["id"] = json!(format!("{}-{time}", vm.name));
        // A VM whose metadata service is silent does not know itself.
        if !row["vm"]["name"].is_null() {
            row["vm"]["name"] = json!(vm.name);
            row["vm"]["resource_group"] = json!(vm.group);
            row["vm"]["subscription_id"] = json!(vm.subscription);
            row["vm"]["location"] = json!(vm.location);
            row["vm"]["image"] = json!(vm.image);
            row["vm"]["resource_id"] = json!(vm.resource_id());
            row["vm"]["vm_id"] = json!(format!("id-of-{}", vm.name));
        }
        row
    }

    /// The same as a line.
    pub fn line(&mut self, scenario: &str, vm: Vm, time: &str) -> String {
        format!("{}\n", self.row(scenario, vm, time))
    }
}

/// Writes a file of a folder.
pub fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> String {
    let file = folder.join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}
