//! Folds reports: of every VM the newest is kept, in some hundred bytes; texts that many VMs share are kept once.
//!
//! The order in which reports come does not matter, so that several threads can bring them.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};

use crate::azure::resource_id::VmId;
use crate::report::Word;

use super::row::{self, Fault, Report};
use super::tame::tame;

/// A text that is kept once; 0 is the empty one, which stands for what is not known.
pub type TextId = u32;

/// So many of those that could not be read, or are something else, are named.
pub const NAMED: usize = 100;

/// Where a report came from: a file in the order of reading, and a line in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which of all files, in the order in which they were opened.
    pub file: u64,
    /// From 1; 0 for the file as a whole.
    pub line: u64,
    /// Its name, for people.
    pub name: Arc<str>,
}

impl Place {
    /// `rows.ndjson:12`, or the file alone.
    pub fn in_words(&self) -> String {
        if self.line == 0 { self.name.to_string() } else { format!("{}:{}", self.name, self.line) }
    }
}

/// The newest report of a VM.
#[derive(Clone, Debug)]
pub struct Vm {
    /// What the VM is called in the fold: a name, else an ID.
    pub name: Box<str>,
    /// What tells it from all others.
    pub id: Id,
    /// Microseconds since 1970; none when the report does not tell.
    pub time: Option<i64>,
    /// The verdict.
    pub verdict: Word,
    /// The root cause's code.
    pub root_cause: TextId,
    /// How its checks ended: see [`Fold::pattern`].
    pub pattern: TextId,
    /// Its subscription, resource group, location and image.
    pub groups: [TextId; 4],
    /// The version of midoctor.
    pub version: TextId,
    /// Where the report is.
    pub place: Place,
    /// What an earlier fold said of it: verdict and root cause.
    pub earlier: Option<(Word, TextId)>,
}

/// What tells a VM from all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Id {
    /// The resource ID that its subscription, resource group and name make.
    Usual,
    /// Another resource ID, such as that of an instance of a scale set.
    Resource(Box<str>),
    /// Its unique ID, when it has no resource ID.
    Unique(Box<str>),
    /// Its name alone.
    Name,
    /// The ID of the run: the report does not know the VM.
    Run(Box<str>),
    /// Nothing: the report knows neither the VM nor the run.
    Place,
}

/// Makes keys of VMs: two hashes with secret keys, so that nobody can make two VMs look like one, and chance does in one of
/// 10^25 cases for a million VMs.
#[derive(Clone, Debug, Default)]
pub struct Keys(RandomState, RandomState);

impl Keys {
    /// The key of an ID of this kind, whatever its case.
    pub fn key(&self, kind: &str, id: &str) -> u128 {
        let id = id.trim_end_matches('/').to_ascii_lowercase();
        (u128::from(self.0.hash_one((kind, &id))) << 64) | u128::from(self.1.hash_one((kind, &id)))
    }
}

/// A report made ready to be folded, which takes most of the work and nothing of the fold but its keys.
pub struct Ready<'a> {
    key: u128,
    id: Id,
    time: Option<i64>,
    report: Report<'a>,
    verdict: Word,
}

impl<'a> Ready<'a> {
    /// Makes it ready.
    pub fn new(report: Report<'a>, keys: &Keys, place: &Place) -> Self {
        let row = &report.row;
        let vm = &row.vm;
        let nowhere = || format!("{} {}", place.file, place.line);
        let (key, id) = if !vm.resource_id.is_empty() {
            let usual = is_usual(&vm.resource_id, &vm.subscription_id, &vm.resource_group, &vm.name);
            let id = if usual { Id::Usual } else { Id::Resource(tame(&vm.resource_id).into()) };
            (keys.key("resource", &vm.resource_id), id)
        } else if !vm.vm_id.is_empty() {
            (keys.key("unique", &vm.vm_id), Id::Unique(tame(&vm.vm_id).into()))
        } else if !vm.name.is_empty() {
            (keys.key("name", &vm.name), Id::Name)
        } else if !row.run.id.is_empty() {
            (keys.key("run", &row.run.id), Id::Run(tame(&row.run.id).into()))
        } else {
            (keys.key("place", &nowhere()), Id::Place)
        };
        let time = if row.time.is_empty() { &row.run.started } else { &row.time };
        let time = time.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_microsecond);
        // `read` has seen that there is one.
        let verdict = row::verdict(&row.verdict).unwrap_or(Word::Undetermined);
        Self { key, id, time, verdict, report }
    }
}

/// Do these make this resource ID, to the letter?
fn is_usual(id: &str, subscription: &str, group: &str, name: &str) -> bool {
    let rest = id.strip_prefix("/subscriptions/").and_then(|rest| rest.strip_prefix(subscription));
    let rest = rest.and_then(|rest| rest.strip_prefix("/resourceGroups/")).and_then(|rest| rest.strip_prefix(group));
    let rest = rest.and_then(|rest| rest.strip_prefix("/providers/Microsoft.Compute/virtualMachines/"));
    !name.is_empty() && rest == Some(name) && tame(id) == id
}

/// Things that are counted exactly and named up to a limit: the first of them, in the order of reading.
#[derive(Debug, Default)]
pub struct Named {
    /// How many.
    pub count: u64,
    /// The first, each with why.
    pub first: BTreeMap<Place, String>,
}

impl Named {
    fn add(&mut self, place: Place, why: &str) {
        self.count += 1;
        self.first.insert(place, tame(why).into_owned());
        if self.first.len() > NAMED {
            self.first.pop_last();
        }
    }
}

/// Texts, each kept once.
type Texts = IndexSet<Box<str>, foldhash::fast::RandomState>;

/// Many reports as one.
#[derive(Debug)]
pub struct Fold {
    keys: Keys,
    texts: Texts,
    /// Not among the texts: nobody is shown them.
    patterns: Texts,
    /// The VMs, by key.
    pub(super) vms: IndexMap<u128, Vm>,
    /// How many reports were read, the older ones of the same VM too.
    pub reports: u64,
    /// Reports that could not be read.
    pub broken: Named,
    /// Files that are something else.
    pub others: Named,
}

impl Default for Fold {
    fn default() -> Self {
        Self {
            keys: Keys::default(),
            texts: [Box::from("")].into_iter().collect(),
            patterns: Texts::default(),
            vms: IndexMap::new(),
            reports: 0,
            broken: Named::default(),
            others: Named::default(),
        }
    }
}

impl Fold {
    /// What makes its keys.
    pub fn keys(&self) -> Keys {
        self.keys.clone()
    }

    /// Adds a report. The newest of a VM stays; of two with the same time the one that is read first.
    pub fn add(&mut self, ready: &Ready, place: &Place) {
        self.reports += 1;
        let known = self.vms.get(&ready.key);
        let newer = |old: &Vm| ready.time.cmp(&old.time).then(old.place.cmp(place)).is_gt();
        if !known.is_none_or(newer) {
            return;
        }
        let vm = self.vm(ready, place.clone());
        self.vms.insert(ready.key, vm);
    }

    fn vm(&mut self, ready: &Ready, place: Place) -> Vm {
        let row = &ready.report.row;
        let from_id;
        let (mut subscription, mut group, mut name) =
            (&*row.vm.subscription_id, &*row.vm.resource_group, &*row.vm.name);
        if (subscription.is_empty() || group.is_empty() || name.is_empty())
            && let Some(id) = VmId::parse(&row.vm.resource_id)
        {
            from_id = id;
            for (field, known) in [
                (&mut subscription, &from_id.subscription),
                (&mut group, &from_id.resource_group),
                (&mut name, &from_id.name),
            ] {
                if field.is_empty() {
                    *field = known;
                }
            }
        }
        let name: Box<str> = match &ready.id {
            Id::Unique(id) | Id::Resource(id) if name.is_empty() => id.clone(),
            Id::Run(id) => format!("run {id}").into(),
            Id::Place => format!("{}:{}", place.name, place.line).into(),
            _ => tame(name).into(),
        };
        Vm {
            name,
            id: ready.id.clone(),
            time: ready.time,
            verdict: ready.verdict,
            root_cause: self.keep(&row.root_cause),
            pattern: numbered(&mut self.patterns, &ready.report.pattern),
            groups: [subscription, group, &row.vm.location, &row.vm.image].map(|text| self.keep(text)),
            version: self.keep(&row.tool.version),
            place,
            earlier: None,
        }
    }

    /// Adds something that was no report.
    pub fn fault(&mut self, fault: &Fault, place: Place) {
        match fault {
            Fault::Other(why) => self.others.add(place, why),
            _ => self.broken.add(place, fault.words()),
        }
    }

    /// Keeps a text once.
    pub(super) fn keep(&mut self, text: &str) -> TextId {
        // What is kept is tame, so a text that is there as it stands is tame as well.
        match self.texts.get_index_of(text) {
            Some(index) => u32::try_from(index).unwrap_or_default(),
            None => numbered(&mut self.texts, &tame(text)),
        }
    }

    /// The text that was kept.
    pub fn text(&self, id: TextId) -> &str {
        self.texts.get_index(id as usize).map_or("", |text| text)
    }

    /// The text of a pattern.
    pub fn pattern(&self, id: TextId) -> &str {
        self.patterns.get_index(id as usize).map_or("", |text| text)
    }

    /// How many VMs there are.
    pub fn len(&self) -> usize {
        self.vms.len()
    }

    /// Is there no report?
    pub fn is_empty(&self) -> bool {
        self.vms.is_empty()
    }

    /// The resource ID of a VM, where it is known.
    pub fn resource_id(&self, vm: &Vm) -> Option<String> {
        match &vm.id {
            Id::Usual => Some(format!(
                "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Compute/virtualMachines/{}",
                self.text(vm.groups[0]),
                self.text(vm.groups[1]),
                vm.name
            )),
            Id::Resource(id) => Some(id.to_string()),
            _ => None,
        }
    }
}

/// The number of a text, which is kept if it is new.
fn numbered(texts: &mut Texts, text: &str) -> TextId {
    let index = texts.get_index_of(text).unwrap_or_else(|| texts.insert_full(text.into()).0);
    u32::try_from(index).unwrap_or_default()
}
