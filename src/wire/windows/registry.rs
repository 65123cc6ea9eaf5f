//! What Windows keeps in its registry of the machine: the firmware's tables, the proxies of the machine and of the user, the
//! variables that programs are started with. Read only; of the tables a user who is no administrator may see a part alone.

use std::collections::BTreeMap;

use windows_registry::{CURRENT_USER, Key, LOCAL_MACHINE};

use super::smbios;
use super::system_proxy::{listed, win_http};
use crate::evidence::{
    Failure, FirmwareField, Outcome, USER_BYPASS, USER_PROXY, UnitSettings, VARIABLES, WINHTTP_BYPASS,
    WINHTTP_OTHER_PROXY, WINHTTP_PROXY,
};

/// The driver that reads the firmware's tables leaves a copy of them here.
const FIRMWARE: &str = r"SYSTEM\CurrentControlSet\Services\mssmbios\Data";
/// What Windows shows of them to everybody.
const BIOS: &str = r"HARDWARE\DESCRIPTION\System\BIOS";
/// E_ACCESSDENIED.
const ACCESS_DENIED: u32 = 0x8007_0005;
/// The machine's variables (Microsoft's page on environment variables).
pub(super) const MACHINE: &str = r"SYSTEM\CurrentControlSet\Control\Session Manager\Environment";
/// The user's.
const USER: &str = "Environment";
const INTERNET: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Internet Settings";
const POLICIES: &str = r"SOFTWARE\Policies\Microsoft\Windows\CurrentVersion\Internet Settings";

/// A text of the firmware's.
pub fn firmware(field: FirmwareField) -> Outcome {
    let told = match LOCAL_MACHINE.open(FIRMWARE).and_then(|key| key.get_value("SMBiosData")) {
        Ok(raw) => smbios::text(&raw, field).ok_or((Failure::Absent, "the firmware's tables do not say".to_owned())),
        Err(error) if error.code().0 as u32 == ACCESS_DENIED => {
            Err((Failure::Denied, format!(r"HKLM\{FIRMWARE} may be read by administrators alone")))
        }
        Err(error) => Err((Failure::Absent, format!(r"HKLM\{FIRMWARE}: {}", error.message().trim_end_matches('.')))),
    };
    match told.or_else(|why| of_everybody(field).ok_or(why)) {
        Ok(text) => Outcome::Contents { text },
        Err((why, detail)) => Outcome::failed(why, detail),
    }
}

/// What everybody may read of it; the asset tag is not there.
fn of_everybody(field: FirmwareField) -> Option<String> {
    let name = match field {
        FirmwareField::SysVendor => "SystemManufacturer",
        FirmwareField::ProductName => "SystemProductName",
        FirmwareField::ChassisAssetTag => return None,
    };
    let text = LOCAL_MACHINE.open(BIOS).and_then(|key| key.get_string(name)).ok()?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// What Windows is set to.
pub fn settings() -> Outcome {
    let mut set = BTreeMap::new();
    let machine =
        LOCAL_MACHINE.open(format!(r"{INTERNET}\Connections")).and_then(|key| key.get_value("WinHttpSettings"));
    if let Some((proxies, bypass)) = machine.ok().and_then(|bytes| win_http(&bytes)) {
        proxy(&mut set, [WINHTTP_PROXY, WINHTTP_BYPASS], &proxies, bypass);
        if listed(&proxies).others && set.contains_key(WINHTTP_PROXY) {
            set.insert(WINHTTP_OTHER_PROXY.to_owned(), "(set)".to_owned());
        }
    }
    if let Some(key) = internet_settings()
        && key.get_u32("ProxyEnable") == Ok(1)
        && let Ok(proxies) = key.get_string("ProxyServer")
    {
        proxy(&mut set, [USER_PROXY, USER_BYPASS], &proxies, key.get_string("ProxyOverride").unwrap_or_default());
    }
    Outcome::Variables { set, unit: Some(variables()) }
}

/// The user's Internet settings; the machine's, where its policy is that all users have the same.
fn internet_settings() -> Option<Key> {
    let for_all = LOCAL_MACHINE.open(POLICIES).and_then(|key| key.get_u32("ProxySettingsPerUser")) == Ok(0);
    if for_all { LOCAL_MACHINE } else { CURRENT_USER }.open(INTERNET).ok()
}

fn proxy(set: &mut BTreeMap<String, String>, [name, exceptions]: [&str; 2], proxies: &str, bypass: String) {
    if let Some(plain) = listed(proxies).plain {
        set.insert(name.to_owned(), plain);
        if !bypass.is_empty() {
            set.insert(exceptions.to_owned(), bypass);
        }
    }
}

/// The variables that a program gets which is started from the desktop or a new session: the machine's, and the user's over them.
fn variables() -> UnitSettings {
    let mut kept = UnitSettings::default();
    for (root, name, path) in [(LOCAL_MACHINE, "HKLM", MACHINE), (CURRENT_USER, "HKCU", USER)] {
        match root.open(path) {
            Ok(key) => of_key(&key, &format!(r"{name}\{path}"), &mut kept),
            Err(error) => kept.unread.push(format!(r"{name}\{path}: {}", error.message().trim_end_matches('.'))),
        }
    }
    kept
}

/// Adds the variables of a key, over those that are there.
pub(super) fn of_key(key: &Key, place: &str, kept: &mut UnitSettings) {
    for name in VARIABLES {
        if let Ok(value) = key.get_string(name) {
            insert(name, &value, place, kept);
        }
    }
}

/// Adds a variable in every spelling that clients know it by: Windows does not tell names apart by case.
pub(super) fn insert(name: &str, value: &str, place: &str, kept: &mut UnitSettings) {
    for known in VARIABLES.iter().filter(|known| known.eq_ignore_ascii_case(name)) {
        kept.declared.insert((*known).to_owned(), value.to_owned());
        kept.from.insert((*known).to_owned(), place.to_owned());
    }
}
