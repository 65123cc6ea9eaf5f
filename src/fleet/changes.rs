//! What changed since an earlier fold: VM by VM, by what tells VMs apart.
//!
//! The earlier fold is never held: each of its VMs is noted at its VM of now, or counted as gone.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::report::Word;

use super::fold::{Fold, Id, Vm};
use super::lenient::{Text, lenient};
use super::row;

/// So many VMs of a kind of change are named.
pub const NAMED: usize = 100;

lenient! {
    /// A VM in an earlier fold.
    Entry {
        /// Its name.
        name: Text<'a> = "name",
        /// Its resource ID.
        resource_id: Text<'a> = "resource_id",
        /// Its unique ID, when it has no resource ID.
        vm_id: Text<'a> = "vm_id",
        /// The ID of the run, when the report does not know the VM.
        run_id: Text<'a> = "run_id",
        /// Its verdict.
        verdict: Text<'a> = "verdict",
        /// Its root cause.
        root_cause: Text<'a> = "root_cause",
    }
}

/// What was read of an earlier fold, beside what is noted at the VMs of now.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Since {
    schema: String,
    /// How many VMs it had that can be told from others.
    pub vms: u64,
    /// Those of them that the fold of now does not have.
    gone: Listed,
}

/// Changed VMs, counted exactly and named up to a limit, the first by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// How many.
    pub count: u64,
    /// The names of the first, each with what is said of it.
    pub first: BTreeSet<(String, String)>,
}

impl Listed {
    fn add(&mut self, name: &str, what: String) {
        self.count += 1;
        self.first.insert((name.to_owned(), what));
        if self.first.len() > NAMED {
            self.first.pop_last();
        }
    }
}

/// Reads an earlier fold, and notes each of its VMs at the VM of now.
///
/// # Errors
/// Why it cannot be read, to stand behind the file's name.
pub fn read<'de, D: Deserializer<'de>>(earlier: D, fold: &mut Fold) -> Result<Since, String>
where
    D::Error: fmt::Display,
{
    let mut since = Since::default();
    let read = earlier.deserialize_map(Reader { fold, since: &mut since });
    let other = "is no earlier fold; give the JSON that midoctor fleet -o json wrote";
    match since.schema.as_str() {
        "midoctor.fleet/1" => {
            read.map(|()| since).map_err(|_| "is damaged or cut short; fold the earlier reports again".into())
        }
        newer if newer.starts_with("midoctor.fleet/") => {
            Err("is of a newer midoctor than this; use that one, or fold the earlier reports again".into())
        }
        _ => Err(other.into()),
    }
}

struct Reader<'a> {
    fold: &'a mut Fold,
    since: &'a mut Since,
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = ();

    fn expecting(&self, words: &mut fmt::Formatter) -> fmt::Result {
        words.write_str("an earlier fold")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(key) = members.next_key::<String>()? {
            match key.as_str() {
                "schema" => self.since.schema = members.next_value::<Text>()?.to_string(),
                "vms" => members.next_value_seed(Vms { fold: self.fold, since: self.since })?,
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct Vms<'a> {
    fold: &'a mut Fold,
    since: &'a mut Since,
}

impl<'de> DeserializeSeed<'de> for Vms<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Vms<'_> {
    type Value = ();

    fn expecting(&self, words: &mut fmt::Formatter) -> fmt::Result {
        words.write_str("a list of VMs")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(entry) = items.next_element::<Entry>()? {
            note(self.fold, self.since, &entry);
        }
        Ok(())
    }
}

fn note(fold: &mut Fold, since: &mut Since, entry: &Entry) {
    let Some(verdict) = row::verdict(&entry.verdict) else { return };
    let keys = fold.keys();
    let kinds = [("resource", &entry.resource_id), ("unique", &entry.vm_id)];
    let key = match kinds.into_iter().find(|(_, id)| !id.is_empty()) {
        Some((kind, id)) => keys.key(kind, id),
        // A run happens once: a VM that its report does not know cannot be found again.
        None if entry.run_id.is_empty() && !entry.name.is_empty() => keys.key("name", &entry.name),
        None => return,
    };
    since.vms += 1;
    let cause = fold.keep(&entry.root_cause);
    match fold.vms.get_mut(&key) {
        Some(vm) => vm.earlier = Some((verdict, cause)),
        None => {
            let name = fold.keep(&entry.name);
            let (name, cause) = (fold.text(name).to_owned(), fold.text(cause));
            since.gone.add(&name, said(verdict, cause));
        }
    }
}

/// What changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// How many VMs the earlier fold had that can be told from others.
    pub vms: u64,
    /// Unhealthy now, and not before; each with its root cause.
    pub newly_unhealthy: Listed,
    /// Healthy now, with warnings or without, and not before, or without warnings now and with some before; each with what it had.
    pub healed: Listed,
    /// Unhealthy then and now, with another root cause.
    pub other_cause: Listed,
    /// Undetermined now, and not before.
    pub newly_undetermined: Listed,
    /// Healthy with warnings now, and without before.
    pub newly_degraded: Listed,
    /// VMs that the earlier fold did not have; each with how it is.
    pub new: Listed,
    /// VMs that no longer report; each with how it was.
    pub gone: Listed,
    /// VMs that their reports do not know, which cannot be found in an earlier fold.
    pub nameless: u64,
}

impl Changes {
    /// Compares.
    pub fn new(fold: &Fold, since: Since) -> Self {
        let mut changes = Self { vms: since.vms, gone: since.gone, ..Self::default() };
        for vm in fold.vms.values() {
            if matches!(vm.id, Id::Run(_) | Id::Place) {
                changes.nameless += 1;
            } else {
                changes.add(fold, vm);
            }
        }
        changes
    }

    fn add(&mut self, fold: &Fold, vm: &Vm) {
        let now = fold.text(vm.root_cause);
        let Some((verdict, cause)) = vm.earlier else {
            return self.new.add(&vm.name, said(vm.verdict, now));
        };
        let cause = fold.text(cause);
        match vm.verdict {
            Word::Unhealthy if verdict != Word::Unhealthy => self.newly_unhealthy.add(&vm.name, now.to_owned()),
            Word::Unhealthy if now != cause => self.other_cause.add(&vm.name, format!("{cause} → {now}")),
            Word::Undetermined if verdict != Word::Undetermined => {
                self.newly_undetermined.add(&vm.name, format!("was {}", said(verdict, cause)));
            }
            Word::Degraded if verdict == Word::Healthy => {
                self.newly_degraded.add(&vm.name, format!("was {}", said(verdict, cause)));
            }
            Word::Healthy if verdict != Word::Healthy => {
                self.healed.add(&vm.name, format!("was {}", said(verdict, cause)));
            }
            Word::Degraded if verdict != Word::Degraded => {
                self.healed.add(&vm.name, format!("was {}", said(verdict, cause)));
            }
            _ => {}
        }
    }

    /// All kinds of change, as they are called in JSON and for people.
    pub fn all(&self) -> [(&'static str, &'static str, &Listed); 7] {
        [
            ("newly_unhealthy", "newly unhealthy", &self.newly_unhealthy),
            ("healed", "healed", &self.healed),
            ("other_cause", "another cause", &self.other_cause),
            ("newly_undetermined", "newly undetermined", &self.newly_undetermined),
            ("newly_degraded", "newly with warnings", &self.newly_degraded),
            ("new", "new", &self.new),
            ("gone", "no longer reporting", &self.gone),
        ]
    }
}

/// `unhealthy, role-missing`.
fn said(verdict: Word, cause: &str) -> String {
    let word = verdict.word();
    if cause.is_empty() { word.to_owned() } else { format!("{word}, {cause}") }
}
