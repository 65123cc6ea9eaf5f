//! A simulated VM of another name, so that several of them are a fleet: what is asked of it is asked of the usual VM, and what is
//! answered speaks of the other.
//!
//! It changes texts on their way in and out, and decides nothing. The identities stay the same.

use crate::simulator::azure::Reaction;
use crate::simulator::tokens::Noise;
use crate::simulator::vm;

/// The longest name that Azure gives a VM (Microsoft.Compute/virtualMachines, Linux).
const LONGEST: usize = 64;

/// The other name, and the unique id that goes with it.
#[derive(Clone, Debug)]
pub(super) struct Renamed {
    name: String,
    vm_id: String,
}

impl Renamed {
    /// A VM of this name; none when it is the usual one.
    pub fn new(name: &str) -> Option<Self> {
        (name != vm::NAME).then(|| Self { name: name.to_owned(), vm_id: Noise::new(&[name]).guid() })
    }

    /// The URL that asks the same of the usual VM: the name is a segment of its path, or a text in quotes.
    pub fn inward(&self, url: &str) -> String {
        let lower = url.to_ascii_lowercase();
        let name = self.name.to_ascii_lowercase();
        let (mut written, mut end) = (String::with_capacity(url.len()), 0);
        for (start, found) in lower.match_indices(&name) {
            let (before, after) = (&lower[..start], &lower[start + found.len()..]);
            let opened = ["/", "'", "%27"].iter().any(|mark| before.ends_with(mark));
            let closed = after.is_empty() || ["/", "?", "'", "%27"].iter().any(|mark| after.starts_with(mark));
            if opened && closed && start >= end {
                written.push_str(&url[end..start]);
                written.push_str(vm::NAME);
                end = start + found.len();
            }
        }
        written.push_str(&url[end..]);
        written
    }

    /// The answer that speaks of this VM.
    pub fn outward(&self, reaction: Reaction) -> Reaction {
        let Reaction::Answer { status, reason, mut headers, body } = reaction else { return reaction };
        // What is no text names nobody.
        let body =
            String::from_utf8(body).map_or_else(|error| error.into_bytes(), |text| self.text(&text).into_bytes());
        for (name, value) in &mut headers {
            if name == "Content-Length" {
                *value = body.len().to_string();
            }
        }
        Reaction::Answer { status, reason, headers, body }
    }

    /// A text that speaks of this VM.
    pub fn text(&self, text: &str) -> String {
        text.replace(vm::NAME, &self.name).replace(vm::VM_ID, &self.vm_id)
    }
}

/// Is this a name that a VM can have?
///
/// # Errors
/// Why not.
pub(super) fn check(name: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let within = name.len() <= LONGEST && name.chars().all(plain);
    let begins = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if within && begins && !name.ends_with(['-', '.']) {
        return Ok(());
    }
    Err(format!("{name:?} is no name of a VM: letters, digits, and - _ . between them, {LONGEST} at most"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_a_whole_segment_or_a_text_in_quotes() {
        let other = Renamed::new("net").expect("another name");
        let url = "https://x.net/networks/Net/net?api-version=1&$filter=name eq 'net' and n eq %27NET%27&a=net";
        let asked = "https://x.net/networks/vm-doctor-01/vm-doctor-01?api-version=1&$filter=name eq 'vm-doctor-01' and n eq \
                     %27vm-doctor-01%27&a=net";
        assert_eq!(other.inward(url), asked);
        assert_eq!(other.inward("/vm-doctor-01/nets"), "/vm-doctor-01/nets");
        assert!(Renamed::new(vm::NAME).is_none());
    }

    #[test]
    fn names_are_those_that_a_vm_can_have() {
        for name in ["a", "web-1", "WEB_1.a_", &"a".repeat(64)] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
        for name in ["", "-a", "a-", "a.", "a b", "a/b", "a\"", "ä", &"a".repeat(65)] {
            assert!(check(name).is_err(), "{name}");
        }
    }
}
