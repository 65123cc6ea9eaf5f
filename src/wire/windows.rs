//! The environment of a Windows service, from the registry: the machine's variables, and the service's own on top. Read only.
//!
//! Services are started with both (Microsoft's pages on environment variables and on the registry's `Services` tree). What is
//! set for the account that a service runs as is not looked at.

use std::collections::BTreeMap;

use windows_registry::{Key, LOCAL_MACHINE};

use crate::evidence::{Failure, Outcome, UnitSettings, VARIABLES};

const MACHINE: &str = r"SYSTEM\CurrentControlSet\Control\Session Manager\Environment";
const SERVICES: &str = r"SYSTEM\CurrentControlSet\Services";

/// Is there a service of this name?
pub fn exists(service: &str) -> bool {
    open(service).is_ok()
}

/// The names of all services.
pub fn known() -> Vec<String> {
    LOCAL_MACHINE.open(SERVICES).and_then(|key| Ok(key.keys()?.collect())).unwrap_or_default()
}

fn open(service: &str) -> windows_registry::Result<Key> {
    LOCAL_MACHINE.open(format!(r"{SERVICES}\{service}"))
}

/// What the service would be started with.
pub fn environment(service: &str) -> Outcome {
    let (machine, own) = match (LOCAL_MACHINE.open(MACHINE), open(service)) {
        (Ok(machine), Ok(own)) => (machine, own),
        (Err(error), _) | (_, Err(error)) => {
            return Outcome::failed(Failure::Denied, format!("the registry: {}", error.message()));
        }
    };
    let mut declared = BTreeMap::new();
    let mut from = BTreeMap::new();
    let mut set = |name: &str, value: String, place: String| {
        // Windows does not tell names apart by case.
        if let Some(known) = VARIABLES.iter().find(|known| known.eq_ignore_ascii_case(name)) {
            declared.insert((*known).to_owned(), value);
            from.insert((*known).to_owned(), place);
        }
    };
    for name in VARIABLES {
        if let Ok(value) = machine.get_string(name) {
            set(name, value, format!(r"HKLM\{MACHINE}"));
        }
    }
    for entry in own.get_multi_string("Environment").unwrap_or_default() {
        if let Some((name, value)) = entry.split_once('=') {
            set(name, value.to_owned(), format!(r"HKLM\{SERVICES}\{service}"));
        }
    }
    let unit = UnitSettings { process: None, declared: declared.clone(), from, unread: Vec::new() };
    Outcome::Variables { set: declared, unit: Some(unit) }
}
