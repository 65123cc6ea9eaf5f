//! What a check is: data with two pure functions, `ask` and `judge`, and the words for what they say.
//!
//! A check never touches a socket, a file, the clock or the environment; it sees a [`Case`] and nothing else.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::azure::cloud::is_manager;
use crate::case::Case;
use crate::evidence::Request;
use crate::plan::{Probe, Requirement, Resource, Selector};
use crate::reading::Reading;

/// One check.
pub struct Check {
    /// Its stable name: `identity`.
    pub id: &'static str,
    /// The part of the chain it belongs to.
    pub stage: Stage,
    /// Checks that must not have failed for this one to be judged.
    pub needs: &'static [&'static str],
    /// Is the verdict undetermined when this check is unknown? Supporting checks are not essential.
    pub essential: bool,
    /// The codes it can find, in the order of its page. Those seen only in client output are on the page alone.
    pub codes: &'static [&'static str],
    /// Codes of other checks' pages that it can find as well: the same illness in another place.
    pub shared: &'static [&'static str],
    /// Checks whose answers it reads as well, though it does not need them to be as they should.
    pub reads: &'static [&'static str],
    /// Its page, as Markdown.
    pub page: &'static str,
    /// What it is judged for, once each.
    pub subjects: fn(&Reading) -> Vec<Subject>,
    /// All questions it has, given the evidence; the engine leaves out those already put.
    pub ask: fn(&Case) -> Vec<Request>,
    /// What the evidence says.
    pub judge: fn(&Case) -> Verdict,
}

/// The parts of the chain from the machine to the role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// The machine itself.
    Host,
    /// The endpoints that issue tokens.
    Endpoint,
    /// Who signs in.
    Identity,
    /// What is issued.
    Token,
    /// What it opens.
    Access,
    /// Whoever asks: seen in its own words alone.
    Client,
}

impl Stage {
    /// For a heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Host => "Host",
            Self::Endpoint => "Endpoint",
            Self::Identity => "Identity",
            Self::Token => "Token",
            Self::Access => "Access",
            Self::Client => "Client",
        }
    }
}

/// What a check is judged for: the machine, an identity, an identity with a resource, a requirement or a data endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// The identity, for checks that are judged once per identity.
    pub identity: Option<Selector>,
    /// The resource, for checks that are judged once per resource.
    pub resource: Option<Resource>,
    /// The requirement, for checks that are judged once per requirement.
    pub requirement: Option<Requirement>,
    /// The data endpoint, for checks that are judged once per endpoint.
    pub probe: Option<Probe>,
    /// Is it about which identities there are, rather than about one of them?
    pub every_identity: bool,
}

impl Subject {
    /// The machine as a whole.
    pub fn machine(_: &Reading) -> Vec<Self> {
        vec![Self::default()]
    }

    /// Every identity that the run is about.
    pub fn identities(reading: &Reading) -> Vec<Self> {
        let selectors = Case::identities(reading).into_iter();
        selectors.map(|identity| Self { identity: Some(identity), ..Self::default() }).collect()
    }

    /// Every identity, and the question which there are as long as all are wanted and not listed.
    pub fn identities_and_their_list(reading: &Reading) -> Vec<Self> {
        let mut subjects = Self::identities(reading);
        if reading.plan().all_identities && Case::listed_identities(reading).is_none() {
            subjects.push(Self { every_identity: true, ..Self::default() });
        }
        subjects
    }

    /// Every identity with every resource that a token is needed for.
    pub fn tokens(reading: &Reading) -> Vec<Self> {
        let plan = reading.plan();
        // Azure Resource Manager is asked about roles and identities, with a token of its own.
        let mut needed = plan.resources.clone();
        if (!plan.requirements.is_empty() || plan.all_identities) && !needed.iter().any(is_manager) {
            needed.push(Resource::Alias("arm".into()));
        }
        for probe in &plan.probes {
            if !needed.contains(&probe.resource) {
                needed.push(probe.resource.clone());
            }
        }
        each(Self::identities(reading), &needed, |subject, resource| Self {
            resource: Some(resource.clone()),
            ..subject.clone()
        })
    }

    /// Every identity with every requirement; the identities alone when nothing is required.
    pub fn requirements(reading: &Reading) -> Vec<Self> {
        let identities = Self::identities(reading);
        if reading.plan().requirements.is_empty() {
            return identities;
        }
        each(identities, &reading.plan().requirements, |subject, requirement| Self {
            requirement: Some(requirement.clone()),
            ..subject.clone()
        })
    }

    /// Every identity with every data endpoint; the machine when there is none to try.
    pub fn probes(reading: &Reading) -> Vec<Self> {
        if reading.plan().probes.is_empty() {
            return Self::machine(reading);
        }
        each(Self::identities(reading), &reading.plan().probes, |subject, probe| Self {
            resource: Some(probe.resource.clone()),
            probe: Some(probe.clone()),
            ..subject.clone()
        })
    }

    /// Are these about the same thing, as far as both say what they are about?
    pub fn concerns(&self, other: &Self) -> bool {
        let agree = |one: bool, other: bool, same: bool| !one || !other || same;
        agree(self.identity.is_some(), other.identity.is_some(), self.identity == other.identity)
            && agree(self.resource.is_some(), other.resource.is_some(), self.resource == other.resource)
            && agree(self.requirement.is_some(), other.requirement.is_some(), self.requirement == other.requirement)
    }
}

/// Every subject with every one of these.
fn each<T>(subjects: Vec<Subject>, with: &[T], make: impl Fn(&Subject, &T) -> Subject) -> Vec<Subject> {
    subjects.iter().flat_map(|subject| with.iter().map(|one| make(subject, one))).collect()
}

/// Facts that fill the placeholders of a page.
pub type Facts = BTreeMap<&'static str, String>;

/// One illness with the facts of this machine; the words are on the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The code: `identity-none`.
    pub code: &'static str,
    /// How bad it is; the page says the same, and a test holds them together.
    pub severity: Severity,
    /// Facts for this finding's placeholders.
    pub facts: Facts,
    /// Why it does not count, where the configuration or the command line says so. Checks leave it alone.
    pub excuse: Option<Excuse>,
}

/// Why a finding does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excuse {
    /// The reason that was given, or the flag.
    pub reason: String,
    /// The last day on which it holds; none for a flag.
    pub until: Option<jiff::civil::Date>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; the VM is healthy all the same.
    Warning,
    /// The VM is not healthy.
    Error,
}

impl Severity {
    /// The word in the report.
    pub fn word(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl Finding {
    /// An illness.
    pub fn error(code: &'static str) -> Self {
        Self { code, severity: Severity::Error, facts: Facts::new(), excuse: None }
    }

    /// A thing worth knowing.
    pub fn warning(code: &'static str) -> Self {
        Self { code, severity: Severity::Warning, facts: Facts::new(), excuse: None }
    }

    /// Adds a fact.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.facts.insert(name, value.to_string());
        self
    }
}

/// What a check says of one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be, with facts for the page's summary line.
    Pass(Facts),
    /// One or more findings; it fails when one of them is an error.
    Found(Vec<Finding>),
    /// The evidence does not tell, and why.
    Unknown(String),
    /// Cannot be judged because of what that check found.
    Blocked(&'static str),
    /// Not asked for, and why.
    Skip(String),
}

impl Verdict {
    /// A single finding.
    pub fn found(finding: Finding) -> Self {
        Self::Found(vec![finding])
    }

    /// As it should be, nothing to add.
    pub fn pass() -> Self {
        Self::Pass(Facts::new())
    }

    /// The one word for it.
    pub fn status(&self) -> Status {
        match self {
            Self::Pass(_) => Status::Pass,
            Self::Found(findings) => {
                let worst =
                    findings.iter().filter(|finding| finding.excuse.is_none()).map(|finding| finding.severity).max();
                match worst {
                    Some(Severity::Error) => Status::Fail,
                    Some(Severity::Warning) => Status::Warn,
                    None => Status::Ignored,
                }
            }
            Self::Unknown(_) => Status::Unknown,
            Self::Blocked(_) => Status::Blocked,
            Self::Skip(_) => Status::Skip,
        }
    }
}

/// Every ending has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Pass,
    /// Findings, none of them an error.
    Warn,
    /// At least one error.
    Fail,
    /// The evidence does not tell.
    Unknown,
    /// Cannot be judged because another check failed.
    Blocked,
    /// Not asked for.
    Skip,
    /// A finding that the configuration says to ignore.
    Ignored,
}

impl Status {
    /// The word in the report.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Unknown => "unknown",
            Self::Blocked => "blocked",
            Self::Skip => "skip",
            Self::Ignored => "ignored",
        }
    }
}
