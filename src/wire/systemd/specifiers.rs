//! What a percent sign stands for in a unit's file: parts of its name, places of the system, what the machine is called.
//!
//! As the table in the manual page systemd.unit(5) has it, for units of the system, whose manager is root's. What stands for
//! something that is not looked up here is left as it is, and that is told.

use std::collections::BTreeMap;
use std::path::Path;

use super::environment_file;
use crate::unit_name::{UnitName, unescape};

/// What the machine is called, by the letter that stands for it.
pub type Machine = BTreeMap<char, String>;

/// Letters that stand for something in systemd which is not looked up: control groups, the shell of root, and the folder of
/// data, which only new versions know.
const UNTOLD: &str = "cDrRs";

/// A text in which the specifiers are replaced, and whether one was left that systemd knows.
///
/// # Errors
/// The first letter or digit after a percent sign that stands for nothing: systemd then ignores the whole assignment (seen with
/// systemd 252). A percent-encoded password of a proxy comes to grief so.
pub fn resolve(text: &str, unit: &UnitName, file: &Path, machine: &Machine) -> Result<(String, bool), char> {
    let mut resolved = String::with_capacity(text.len());
    let mut left = false;
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            resolved.push(c);
            continue;
        }
        let Some(letter) = rest.next() else {
            resolved.push('%');
            break;
        };
        match value(letter, unit, file).or_else(|| machine.get(&letter).cloned()) {
            Some(value) => resolved.push_str(&value),
            None if letter.is_ascii_alphanumeric() && !UNTOLD.contains(letter) => return Err(letter),
            None => {
                left |= UNTOLD.contains(letter);
                resolved.extend(['%', letter]);
            }
        }
    }
    Ok((resolved, left))
}

fn value(letter: char, unit: &UnitName, file: &Path) -> Option<String> {
    let instance = || unit.instance().unwrap_or_default();
    let last = || unit.prefix().rsplit('-').next().unwrap_or_default();
    Some(match letter {
        '%' => "%".to_owned(),
        'n' => unit.to_string(),
        'N' => unit.without_kind(),
        'p' => unit.prefix().to_owned(),
        'P' => unescape(unit.prefix()),
        'i' => instance().to_owned(),
        'I' => unescape(instance()),
        'j' => last().to_owned(),
        'J' => unescape(last()),
        'f' => format!("/{}", unescape(unit.instance().unwrap_or(unit.prefix())).trim_start_matches('/')),
        'y' => file.display().to_string(),
        'Y' => file.parent()?.display().to_string(),
        'u' | 'g' => "root".to_owned(),
        'U' | 'G' => "0".to_owned(),
        'h' => "/root".to_owned(),
        't' => "/run".to_owned(),
        'S' => "/var/lib".to_owned(),
        'C' => "/var/cache".to_owned(),
        'L' => "/var/log".to_owned(),
        'E' => "/etc".to_owned(),
        'd' => format!("/run/credentials/{unit}"),
        'T' => "/tmp".to_owned(),
        'V' => "/var/tmp".to_owned(),
        _ => return None,
    })
}

/// What the machine is called, from the texts of the kernel's and the system's files.
pub fn machine(read: impl Fn(&str) -> Option<String>) -> Machine {
    let short = |path: &str| read(path).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let host = short("/proc/sys/kernel/hostname");
    let release = read("/etc/os-release").or_else(|| read("/usr/lib/os-release")).unwrap_or_default();
    let release: BTreeMap<String, String> = environment_file::variables(&release).into_iter().collect();
    // An entry that the file has not is empty, as it is for systemd.
    let field = |name: &str| Some(release.get(name).cloned().unwrap_or_default());
    let pretty = environment_file::variables(&read("/etc/machine-info").unwrap_or_default());
    let pretty = pretty.into_iter().find(|(name, value)| name == "PRETTY_HOSTNAME" && !value.is_empty());
    let pretty = pretty.map(|(_, value)| value);
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "x86-64",
        "aarch64" => "arm64",
        other => other,
    };
    [
        ('a', Some(architecture.to_owned())),
        ('A', field("IMAGE_VERSION")),
        ('b', short("/proc/sys/kernel/random/boot_id").map(|id| id.replace('-', ""))),
        ('B', field("BUILD_ID")),
        ('l', host.as_deref().and_then(|host| host.split('.').next()).map(str::to_owned)),
        ('H', host.clone()),
        ('m', short("/etc/machine-id")),
        ('M', field("IMAGE_ID")),
        ('o', field("ID")),
        ('q', pretty.or(host)),
        ('v', short("/proc/sys/kernel/osrelease")),
        ('w', field("VERSION_ID")),
        ('W', field("VARIANT_ID")),
    ]
    .into_iter()
    .filter_map(|(letter, value)| Some((letter, value?)))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specifiers_stand_for_what_the_manual_page_says() {
        let machine = machine(|path| match path {
            "/proc/sys/kernel/hostname" => Some("vm1.contoso.com\n".into()),
            "/etc/os-release" => Some("ID=debian\nVERSION_ID=\"12\"\n".into()),
            "/proc/sys/kernel/random/boot_id" => Some("a-b\n".into()),
            _ => None,
        });
        let unit = UnitName::whole("my-web@a-b\\x2dc.service").expect("a name");
        let file = Path::new("/etc/systemd/system/my-web@.service");
        for (text, expected) in [
            ("%n %N", "my-web@a-b\\x2dc.service my-web@a-b\\x2dc"),
            ("%p %P %j %i", "my-web my/web web a-b\\x2dc"),
            ("%I %f", "a/b-c /a/b-c"),
            ("%u %U %h %t", "root 0 /root /run"),
            ("%y %Y", "/etc/systemd/system/my-web@.service /etc/systemd/system"),
            ("%H %l %o%w %b", "vm1.contoso.com vm1 debian12 ab"),
            ("100%% a%é %", "100% a%é %"),
            ("%q", "vm1.contoso.com"),
            ("[%A]", "[]"),
        ] {
            assert_eq!(resolve(text, &unit, file, &machine), Ok((expected.to_owned(), false)), "{text}");
        }
        assert_eq!(resolve("%s", &unit, file, &machine), Ok(("%s".to_owned(), true)));
        for (text, letter) in [("http://u:p%40ss@proxy", '4'), ("%n%z", 'z')] {
            assert_eq!(resolve(text, &unit, file, &machine), Err(letter), "{text}");
        }
    }
}
