//! The evidence, read once: an index of its exchanges, the VM's document, and the lists of Azure Resource Manager over all
//! their pages. Checks see evidence through this, so that hundreds of requirements do not read the same megabytes again.
//!
//! Nothing here judges, and nothing is kept that evidence does not say.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::azure::arm::{self, Assignment, DenyAssignment, VmIdentity};
use crate::azure::cloud::Cloud;
use crate::azure::metadata::{self, Instance, Responder};
use crate::azure::permissions::{Index, Operation, Permission};
use crate::azure::resource_id::VmId;
use crate::evidence::{Answer, Evidence, Exchange, Outcome, Request, values_at_most};
use crate::plan::Plan;

/// A list that Azure Resource Manager gives, as far as its pages were read.
#[derive(Debug, PartialEq)]
pub struct List<T> {
    /// The items of all pages that were read, in order.
    pub items: Vec<T>,
    /// Why the rest is not known, if there is more: a page that failed or was not asked for, or a link that leads back or
    /// elsewhere.
    pub broken: Option<String>,
}

impl<T> List<T> {
    /// Was it read to its end?
    pub fn is_whole(&self) -> bool {
        self.broken.is_none()
    }
}

/// What a role allows, where that is known.
pub type Role = Option<Rc<Vec<Permission>>>;

/// The role assignments of a list, with what every question about them begins with.
#[derive(Debug, PartialEq)]
pub struct Assignments {
    /// The list.
    pub list: List<Assignment>,
    /// Every role in it once, by definition ID: of the assignments without a condition, and of those with one.
    pub roles: [Vec<String>; 2],
    /// What these allow, as far as that is known, in the same order; for whoever looks it up to keep.
    pub allowed: OnceCell<[Vec<Role>; 2]>,
    /// The questions for what the first of them allow; the same.
    pub questions: OnceCell<Vec<Request>>,
}

impl Assignments {
    fn new(list: List<Assignment>) -> Self {
        let mut seen: [HashSet<&str>; 2] = Default::default();
        let mut roles: [Vec<String>; 2] = Default::default();
        for held in &list.items {
            let conditional = usize::from(held.condition.is_some());
            if seen[conditional].insert(&held.definition) {
                roles[conditional].push(held.definition.clone());
            }
        }
        Self { list, roles, allowed: OnceCell::new(), questions: OnceCell::new() }
    }
}

/// The permissions of a list, which many requirements are held against.
#[derive(Debug, PartialEq)]
pub struct Permissions {
    /// The list.
    pub list: List<Permission>,
    index: Index,
}

impl Permissions {
    fn new(list: List<Permission>) -> Self {
        Self { index: Index::new(&list.items), list }
    }

    /// What of the wanted entry these do not allow.
    pub fn lacking(&self, wanted: &Permission) -> Vec<Operation> {
        self.index.lacking(&self.list.items, wanted)
    }
}

type Lists<T> = RefCell<HashMap<Request, Option<Rc<T>>>>;

/// Evidence with what was read from it.
pub struct Reading<'a> {
    evidence: &'a Evidence,
    index: HashMap<&'a Request, &'a Exchange>,
    instance: Option<Instance>,
    cloud: Option<Cloud>,
    vm_id: Option<String>,
    blocks: Lists<VmIdentity>,
    permissions: Lists<Permissions>,
    assignments: Lists<Assignments>,
    denials: Lists<List<DenyAssignment>>,
    definitions: Lists<Vec<Permission>>,
    /// Values in the lists of patterns that were read.
    values: Cell<usize>,
}

/// All lists of permissions and of deny assignments together may hold so many values: each can be a pattern, which takes many times
/// its own length. 4,000 role assignments have half as many.
const VALUES: usize = 100_000;

/// At most so many pages of one list are read. With Azure's own pages that is far more than a subscription can hold.
pub const PAGES: usize = 100;

impl<'a> Reading<'a> {
    /// Reads what every check wants to know.
    pub fn new(evidence: &'a Evidence) -> Self {
        // Of the same question put twice, which an edited report could hold, the first counts.
        let index = evidence.exchanges.iter().rev().map(|exchange| (&exchange.request, exchange)).collect();
        let mut reading = Self {
            evidence,
            index,
            instance: None,
            cloud: None,
            vm_id: None,
            blocks: RefCell::default(),
            permissions: RefCell::default(),
            assignments: RefCell::default(),
            denials: RefCell::default(),
            definitions: RefCell::default(),
            values: Cell::default(),
        };
        let document = reading.answer(&Request::metadata(metadata::INSTANCE));
        let document = document.filter(|answer| metadata::responder(answer) == Responder::Azure);
        reading.instance = document.and_then(Instance::read);
        if let Some(instance) = &reading.instance {
            reading.cloud = Cloud::of(instance.environment.as_deref(), evidence.asked.arm_endpoint.as_deref());
            reading.vm_id = instance.resource_id.clone().filter(|id| is_vm(id));
        }
        reading
    }

    /// What the run was asked to look at.
    pub fn plan(&self) -> &'a Plan {
        &self.evidence.asked
    }

    /// The machine's own clock when the run started.
    pub fn taken_at(&self) -> jiff::Timestamp {
        self.evidence.taken_at
    }

    /// Every question that was put, in the order of the rounds.
    pub fn exchanges(&self) -> &'a [Exchange] {
        &self.evidence.exchanges
    }

    /// The exchange that put this question.
    pub fn exchange(&self, request: &Request) -> Option<&'a Exchange> {
        self.index.get(request).copied()
    }

    /// The outcome of this question that counts.
    pub fn outcome(&self, request: &Request) -> Option<&'a Outcome> {
        self.exchange(request).and_then(Exchange::last).map(|attempt| &attempt.outcome)
    }

    /// The HTTP response to this question, when it brought one.
    pub fn answer(&self, request: &Request) -> Option<&'a Answer> {
        self.outcome(request).and_then(Outcome::answer)
    }

    /// Has this question been put?
    pub fn has(&self, request: &Request) -> bool {
        self.index.contains_key(request)
    }

    /// What the metadata service says of the VM; `None` unless Azure itself answered.
    pub fn instance(&self) -> Option<&Instance> {
        self.instance.as_ref()
    }

    /// The VM's cloud, once it is known and one we know, or one whose ARM host the user named.
    pub fn cloud(&self) -> Option<&Cloud> {
        self.cloud.as_ref()
    }

    /// The VM's ARM resource ID, checked to be one: it becomes part of URLs.
    pub fn vm_id(&self) -> Option<&str> {
        self.vm_id.as_deref()
    }

    /// The VM's identities, as the answer to this question shows them.
    pub fn vm_identity(&self, request: &Request) -> Option<Rc<VmIdentity>> {
        once(&self.blocks, request, || self.answer(request).and_then(VmIdentity::read))
    }

    /// What a role definition allows, as the answer to this question says.
    pub fn definition(&self, request: &Request) -> Option<Rc<Vec<Permission>>> {
        once(&self.definitions, request, || self.answer(request).and_then(arm::definition_permissions))
    }

    /// A list of permissions, one entry per assignment; `None` when the first page is not one.
    pub fn permissions(&self, first: &Request) -> Option<Rc<Permissions>> {
        once(&self.permissions, first, || {
            self.walk(first, |answer| self.has_room(answer).then(|| arm::permissions(answer))?).map(Permissions::new)
        })
    }

    /// A list of role assignments; `None` when the first page is not one.
    pub fn assignments(&self, first: &Request) -> Option<Rc<Assignments>> {
        once(&self.assignments, first, || self.walk(first, arm::assignments).map(Assignments::new))
    }

    /// A list of deny assignments; `None` when the first page is not one.
    pub fn denials(&self, first: &Request) -> Option<Rc<List<DenyAssignment>>> {
        once(&self.denials, first, || {
            self.walk(first, |answer| self.has_room(answer).then(|| arm::deny_assignments(answer))?)
        })
    }

    /// May the patterns in this answer be read as well?
    fn has_room(&self, answer: &Answer) -> bool {
        let values = self.values.get() + values_at_most(answer.body.as_bytes());
        let there_is = values <= VALUES;
        if there_is {
            self.values.set(values);
        }
        there_is
    }

    /// Follows the links from page to page. A link is followed to the same host only, with the same token.
    fn walk<T>(&self, first: &Request, read: impl Fn(&Answer) -> Option<arm::Page<T>>) -> Option<List<T>> {
        let mut page = read(self.answer(first)?)?;
        let mut list = List { items: std::mem::take(&mut page.items), broken: None };
        let mut odd = page.odd;
        let mut seen = vec![first.clone()];
        while let Some(link) = page.next {
            let Some(next) = first.at_same_host(&link) else {
                list.broken = Some("the link to its next page leads to another host".into());
                break;
            };
            if seen.contains(&next) {
                list.broken = Some(format!("the link on its page {} leads back to an earlier page", seen.len()));
                break;
            }
            if seen.len() == PAGES {
                list.broken = Some(format!("it has more than {PAGES} pages"));
                break;
            }
            if !self.has(&next) {
                list.broken = Some(format!("its page {} was not asked for", seen.len() + 1));
                break;
            }
            seen.push(next.clone());
            match self.answer(&next).and_then(&read) {
                Some(more) => {
                    list.items.extend(more.items);
                    odd += more.odd;
                    page.next = more.next;
                }
                None => {
                    let status = self.answer(&next).map(|answer| format!("was answered {}", answer.status));
                    let status = status.unwrap_or_else(|| "brought no answer".into());
                    list.broken = Some(format!("the question for its page {} {status}", seen.len()));
                    break;
                }
            }
        }
        // An item that is not understood could be the one that matters.
        if odd > 0 && list.broken.is_none() {
            list.broken = Some(format!("{odd} of its items cannot be read"));
        }
        Some(list)
    }
}

/// What was read from the answer to this question before, or else is read now.
fn once<T>(known: &Lists<T>, request: &Request, read: impl FnOnce() -> Option<T>) -> Option<Rc<T>> {
    if let Some(found) = known.borrow().get(request) {
        return found.clone();
    }
    let found = read().map(Rc::new);
    known.borrow_mut().insert(request.clone(), found.clone());
    found
}

fn is_vm(id: &str) -> bool {
    // Resource groups may have letters of any language; what could change a URL may not be in it.
    let plain = |c: char| c.is_alphanumeric() || "/-_.()".contains(c);
    let steps_out = id.split('/').any(|part| part == "." || part == "..");
    VmId::parse(id).is_some() && id.starts_with('/') && id.chars().all(plain) && !steps_out
}
