//! What the simulated machine says of itself: its environment, files, routes and rules. Nothing of it goes over a wire.

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use crate::evidence::{Failure, Outcome, Raw, Reply, UnitSettings, VARIABLES, is_secret};
use crate::plan::Whose;
use crate::simulator::wire::SimulatedMachine;

/// The files of a healthy Azure VM that are looked at.
const FILES: [(&str, &str); 3] = [
    ("/sys/class/dmi/id/chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77"),
    ("/sys/class/dmi/id/product_name", "Virtual Machine"),
    ("/sys/class/dmi/id/sys_vendor", "Microsoft Corporation"),
];
/// The main process of the unit that is asked for, where it runs.
const PROCESS: u32 = 812;

impl SimulatedMachine {
    pub(super) fn environment(&self, of: &Whose) -> Reply {
        let scenario = self.azure().scenario();
        let unit = &scenario.unit;
        let outcome = match of {
            Whose::Own => Outcome::Variables { set: shown_variables(&scenario.environment), unit: None },
            Whose::Process(_) => match &unit.process {
                Some(set) => Outcome::Variables { set: shown_variables(set), unit: None },
                None => Outcome::failed(Failure::Denied, unit.unread.join("; ")),
            },
            Whose::Unit(name) => {
                let declared = shown_variables(&unit.environment);
                let file = format!("/etc/systemd/system/{name}");
                let settings = UnitSettings {
                    process: unit.process.as_ref().map(|_| PROCESS),
                    from: declared.keys().map(|variable| (variable.clone(), file.clone())).collect(),
                    declared: declared.clone(),
                    unread: unit.unread.clone(),
                };
                let set = unit.process.as_ref().map_or(declared, shown_variables);
                Outcome::Variables { set, unit: Some(settings) }
            }
        };
        at_once(outcome)
    }

    pub(super) fn file(&self, path: &str) -> Reply {
        if self.azure().scenario().unreadable.iter().any(|own| own == path) {
            return failed(Failure::Denied, "Permission denied");
        }
        let usual = || FILES.iter().find(|(known, _)| *known == path).map(|(_, text)| *text);
        let text =
            self.azure().scenario().files.get(path).map(String::as_str).or_else(usual).unwrap_or_default().trim();
        if text.is_empty() {
            return failed(Failure::Absent, "No such file or directory");
        }
        at_once(Outcome::Contents { text: text.to_owned() })
    }

    pub(super) fn network(&self) -> Reply {
        let table = &self.azure().scenario().network;
        match &table.unread {
            Some(why) => failed(Failure::Unsupported, why),
            None => at_once(Outcome::Network(table.network())),
        }
    }

    pub(super) fn firewall(&self) -> Reply {
        let scenario = self.azure().scenario();
        if scenario.rules_unread {
            return failed(Failure::Denied, "only root may read them, so try `sudo midoctor`");
        }
        let unfollowed = scenario.rules_unfollowed.clone();
        at_once(Outcome::Firewall { rules: scenario.rule.clone(), unfollowed })
    }

    /// Nothing is set. A scenario that is played on Windows is judged as elsewhere.
    pub(super) fn settings(&self) -> Reply {
        at_once(Outcome::Variables { set: BTreeMap::new(), unit: Some(UnitSettings::default()) })
    }

    pub(super) fn presence(&self, path: &str) -> Reply {
        let there = self.azure().scenario().files.get(path).is_some_and(|text| !text.is_empty());
        if there {
            return at_once(Outcome::Present);
        }
        failed(Failure::Absent, "No such file or directory")
    }

    pub(super) fn shared_network(&self) -> Reply {
        let unit = &self.azure().scenario().unit;
        at_once(match unit.process {
            Some(_) => Outcome::Shares { process: PROCESS, network: !unit.other_network },
            None => Outcome::failed(Failure::Absent, "no process of it was found"),
        })
    }
}

fn at_once(outcome: Outcome) -> Reply {
    Reply { took: Duration::ZERO, raw: Raw::Plain(outcome) }
}

fn failed(why: Failure, detail: &str) -> Reply {
    at_once(Outcome::failed(why, detail))
}

/// The variables that are asked for, without their secrets.
fn shown_variables(set: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let asked = set.iter().filter(|(name, _)| VARIABLES.contains(&name.as_str()));
    let secret = |name: &str, value: &str| is_secret(name) && !value.is_empty();
    let shown = |name: &str, value: &str| if secret(name, value) { "(set)".to_owned() } else { without_user(value) };
    asked.map(|(name, value)| (name.clone(), shown(name, value))).collect()
}

/// A URL without its user-info, other values as they stand.
fn without_user(value: &str) -> String {
    match Url::parse(value) {
        Ok(mut url) if !url.username().is_empty() || url.password().is_some() => {
            // Both fail only for URLs without a host, which have no user-info to take out.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.to_string()
        }
        _ => value.to_owned(),
    }
}
