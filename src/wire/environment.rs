//! The environment variables that clients read, in whichever environment is asked for: midoctor's own, a process's, a unit's or
//! a Windows service's. Values as they stand; the recorder seals them.

use std::collections::BTreeMap;

use crate::evidence::{Failure, Outcome, VARIABLES};
use crate::plan::Whose;

/// The variables of [`VARIABLES`] that are set there, or why they cannot be told.
pub fn variables(of: &Whose) -> Outcome {
    match of {
        Whose::Own => Outcome::Variables { set: own(), unit: None },
        Whose::Process(pid) => process(*pid),
        Whose::Unit(name) => unit(name),
    }
}

fn own() -> BTreeMap<String, String> {
    let value = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
    VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), value(name)?))).collect()
}

#[cfg(not(windows))]
fn process(pid: u32) -> Outcome {
    match super::process::environment(pid) {
        Ok(set) => Outcome::Variables { set, unit: None },
        Err((why, detail)) => Outcome::failed(why, detail),
    }
}

#[cfg(not(windows))]
fn unit(name: &str) -> Outcome {
    match crate::unit_name::UnitName::read(name) {
        Ok(unit) => super::systemd::environment(&unit),
        Err(why) => Outcome::failed(Failure::Unsupported, format!("{name} {why}")),
    }
}

#[cfg(windows)]
fn process(_: u32) -> Outcome {
    let why = "Windows shows the environment of a process to debuggers only; --unit SERVICE tells what a service is started with";
    Outcome::failed(Failure::Unsupported, why)
}

#[cfg(windows)]
fn unit(name: &str) -> Outcome {
    super::windows::environment(name)
}

/// Has the process, or the main process of the unit, the network that midoctor has?
#[cfg(not(windows))]
pub fn shared_network(of: &Whose) -> Outcome {
    let process = match of {
        Whose::Own => None,
        Whose::Process(pid) => Some(*pid),
        Whose::Unit(name) => {
            crate::unit_name::UnitName::read(name).ok().and_then(|unit| super::systemd::main_process(&unit))
        }
    };
    let Some(process) = process else { return Outcome::failed(Failure::Absent, "no process of it was found") };
    match super::process::shares_network(process) {
        Ok(network) => Outcome::Shares { process, network },
        Err(error) => super::local::failed(&error),
    }
}

/// On Windows every process has the same network.
#[cfg(windows)]
pub fn shared_network(_: &Whose) -> Outcome {
    Outcome::failed(Failure::Unsupported, "processes of Windows share one network")
}

/// What was asked for and is not there.
#[derive(Debug, PartialEq, Eq)]
pub struct Missing {
    /// The names of what is there instead, of the same kind.
    pub names: Vec<String>,
}

/// Is there such a process or unit? `Some` when there is not.
pub fn missing(of: &Whose) -> Option<Missing> {
    match of {
        Whose::Own => None,
        #[cfg(not(windows))]
        Whose::Process(pid) => (!super::process::exists(*pid)).then_some(Missing { names: Vec::new() }),
        #[cfg(not(windows))]
        Whose::Unit(name) => {
            let there = crate::unit_name::UnitName::read(name).is_ok_and(|unit| super::systemd::exists(&unit));
            (!there).then(|| Missing { names: super::systemd::known() })
        }
        // The answer says why no process can be looked into.
        #[cfg(windows)]
        Whose::Process(_) => None,
        #[cfg(windows)]
        Whose::Unit(name) => (!super::windows::exists(name)).then(|| Missing { names: super::windows::known() }),
    }
}

/// The names of the services of this machine that `--unit` takes.
pub fn services() -> Vec<String> {
    #[cfg(not(windows))]
    let known = super::systemd::known();
    #[cfg(windows)]
    let known = super::windows::known();
    known
}
