//! The environment of a Windows service, from the registry: the machine's variables, and the service's own on top. Read only.
//!
//! Services are started with both (Microsoft's pages on environment variables and on the registry's `Services` tree). What is
//! set for the account that a service runs as is not looked at.

use windows_registry::{Key, LOCAL_MACHINE};

use super::registry::{MACHINE, insert, of_key};
use crate::evidence::{Failure, Outcome, UnitSettings};

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
    let mut unit = UnitSettings::default();
    of_key(&machine, &format!(r"HKLM\{MACHINE}"), &mut unit);
    for entry in own.get_multi_string("Environment").unwrap_or_default() {
        if let Some((name, value)) = entry.split_once('=') {
            insert(name, value, &format!(r"HKLM\{SERVICES}\{service}"), &mut unit);
        }
    }
    Outcome::Variables { set: unit.declared.clone(), unit: Some(unit) }
}
