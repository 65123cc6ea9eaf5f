//! What a set of permissions allows, judged as Azure judges it.
//!
//! Per entry actions minus that entry's own notActions, union over entries; `*` spans any characters, `/` included; case
//! does not matter; data actions are apart from actions, and no action brings a data action along (Microsoft's pages on role
//! definitions and deny assignments). A required pattern that holds a wildcard itself is met only when one entry grants every
//! expansion of it, but for what others fill in, and is denied when any expansion is. In doubt a wildcard counts as not met.
//! Conditions are not seen here.

use std::collections::HashMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::metadata::field;
use super::pattern::Pattern;

/// What somebody wants to do: an operation of Azure Resource Manager's, or one on the data in a service. May hold wildcards.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Such as `Microsoft.Compute/virtualMachines/read`.
    Action(String),
    /// Such as `Microsoft.KeyVault/vaults/secrets/getSecret/action`.
    DataAction(String),
}

impl Operation {
    /// Its pattern, without its kind.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Action(text) | Self::DataAction(text) => text,
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Action(_) => Kind::Action,
            Self::DataAction(_) => Kind::DataAction,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

/// Which two of an entry's four lists count.
#[derive(Clone, Copy)]
enum Kind {
    Action,
    DataAction,
}

/// One entry: what one role assignment allows, or one deny assignment denies. What is missing or null in its JSON is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Permission {
    /// Patterns that are allowed.
    #[serde(deserialize_with = "patterns")]
    pub actions: Vec<Pattern>,
    /// Patterns taken out of `actions` again.
    #[serde(deserialize_with = "patterns")]
    pub not_actions: Vec<Pattern>,
    /// Patterns that are allowed on data.
    #[serde(deserialize_with = "patterns")]
    pub data_actions: Vec<Pattern>,
    /// Patterns taken out of `data_actions` again.
    #[serde(deserialize_with = "patterns")]
    pub not_data_actions: Vec<Pattern>,
}

fn patterns<'de, D: Deserializer<'de>>(sent: D) -> Result<Vec<Pattern>, D::Error> {
    let texts: Option<Vec<String>> = Deserialize::deserialize(sent)?;
    Ok(texts.unwrap_or_default().iter().map(|text| Pattern::new(text)).collect())
}

impl Permission {
    /// An entry that allows these operations and nothing else.
    pub fn of(operations: &[Operation]) -> Self {
        let mut entry = Self::default();
        for operation in operations {
            let list = match operation {
                Operation::Action(_) => &mut entry.actions,
                Operation::DataAction(_) => &mut entry.data_actions,
            };
            list.push(Pattern::new(operation.as_str()));
        }
        entry
    }

    /// Reads `{"actions": […], "notActions": […], "dataActions": […], "notDataActions": […]}`; what is missing or null is
    /// empty. `None` for anything else.
    pub fn read(value: &Value) -> Option<Self> {
        value.as_object()?;
        let list = |name: &str| match field(value, name).filter(|list| !list.is_null()) {
            Some(list) => list.as_array()?.iter().map(|item| item.as_str().map(Pattern::new)).collect(),
            None => Some(Vec::new()),
        };
        Some(Self {
            actions: list("actions")?,
            not_actions: list("notActions")?,
            data_actions: list("dataActions")?,
            not_data_actions: list("notDataActions")?,
        })
    }

    /// What counts for this kind: the patterns, and what is taken out of them.
    fn lists(&self, kind: Kind) -> (&[Pattern], &[Pattern]) {
        match kind {
            Kind::Action => (&self.actions, &self.not_actions),
            Kind::DataAction => (&self.data_actions, &self.not_data_actions),
        }
    }

    /// Does a pattern of this entry cover the required one?
    fn covers(&self, kind: Kind, required: &Pattern) -> bool {
        self.lists(kind).0.iter().any(|granted| granted.covers(required))
    }

    /// What this entry takes out of the required pattern again.
    fn gaps<'a>(&'a self, kind: Kind, required: &'a Pattern) -> impl Iterator<Item = &'a Pattern> {
        self.lists(kind).1.iter().filter(move |excluded| excluded.overlaps(required))
    }
}

/// Where in a long list of entries a pattern could be allowed: entries by what their patterns spell before the first star. A
/// pattern covers only what begins with that.
#[derive(Debug, Default, PartialEq)]
pub struct Index([Starts; 2]);

/// Numbers of entries by such a beginning.
type Starts = HashMap<Box<[u8]>, Vec<usize>>;

impl Index {
    /// An index of these entries.
    pub fn new(entries: &[Permission]) -> Self {
        let mut index = Self::default();
        for (number, entry) in entries.iter().enumerate() {
            for kind in [Kind::Action, Kind::DataAction] {
                for pattern in entry.lists(kind).0 {
                    index.0[kind as usize].entry(pattern.start().into()).or_default().push(number);
                }
            }
        }
        index
    }

    /// `lacking`, of the entries that this is an index of.
    pub fn lacking(&self, entries: &[Permission], wanted: &Permission) -> Vec<Operation> {
        lacking_near(wanted, |kind, required| {
            let (starts, text) = (&self.0[kind as usize], required.folded().as_bytes());
            let near = (0..=text.len()).filter_map(|end| starts.get(&text[..end])).flatten();
            near.filter_map(|number| entries.get(*number)).collect()
        })
    }
}

/// Do these entries together allow every expansion of the required pattern? An entry must cover it whole; what its
/// notActions take out again, another entry may fill, if that one leaves no gap there itself.
pub fn allow(entries: &[Permission], required: &Operation) -> bool {
    allowed(required.kind(), &Pattern::new(required.as_str()), &[], &|_, _| entries.iter().collect())
}

/// Those of the required operations that the entries do not allow, in their order.
pub fn missing(entries: &[Permission], required: &[Operation]) -> Vec<Operation> {
    required.iter().filter(|operation| !allow(entries, operation)).cloned().collect()
}

/// What of the wanted entry these do not allow. What that takes out itself is not asked of them, so that Contributor is
/// enough for Contributor.
pub fn lacking(entries: &[Permission], wanted: &Permission) -> Vec<Operation> {
    lacking_near(wanted, |_, _| entries.iter().collect())
}

/// `lacking`, of the entries that come into question for a pattern.
fn lacking_near<'a>(wanted: &Permission, near: impl Fn(Kind, &Pattern) -> Vec<&'a Permission>) -> Vec<Operation> {
    let mut lacking = Vec::new();
    for kind in [Kind::Action, Kind::DataAction] {
        let (patterns, excused) = wanted.lists(kind);
        let asked = patterns.iter().filter(|pattern| !excused.iter().any(|excluded| excluded.covers(pattern)));
        let refused = asked.filter(|pattern| !allowed(kind, pattern, excused, &near));
        lacking.extend(refused.map(|pattern| match kind {
            Kind::Action => Operation::Action(pattern.as_str().to_owned()),
            Kind::DataAction => Operation::DataAction(pattern.as_str().to_owned()),
        }));
    }
    lacking
}

/// Do these entries allow all that the wanted one does?
pub fn satisfy(entries: &[Permission], wanted: &Permission) -> bool {
    lacking(entries, wanted).is_empty()
}

/// Do a deny assignment's entries deny any expansion of the required pattern? One of their patterns must overlap it, and
/// none of the same entry's notActions cover that pattern, or all that is required. Where notActions take out a part of
/// what overlaps, the rest is taken to be denied.
pub fn denies(entries: &[Permission], required: &Operation) -> bool {
    let (kind, required) = (required.kind(), Pattern::new(required.as_str()));
    entries.iter().any(|entry| {
        let (denied, excluded) = entry.lists(kind);
        let spared = |pattern: &Pattern| excluded.iter().any(|excluded| excluded.covers(pattern));
        denied.iter().any(|pattern| pattern.overlaps(&required) && !spared(pattern)) && !spared(&required)
    })
}

/// `allow`, where the gaps that `excused` covers do not matter.
fn allowed<'a>(
    kind: Kind,
    required: &Pattern,
    excused: &[Pattern],
    near: &impl Fn(Kind, &Pattern) -> Vec<&'a Permission>,
) -> bool {
    let whole = |entries: &[&Permission], pattern: &Pattern| {
        entries.iter().any(|entry| entry.covers(kind, pattern) && entry.gaps(kind, pattern).next().is_none())
    };
    let entries = near(kind, required);
    if whole(&entries, required) {
        return true;
    }
    // What fills a gap that holds a single operation allows the operation itself: then the line above has said so.
    if !required.is_wild() {
        return false;
    }
    // Many assignments share a role, and so its gaps.
    let mut known: HashMap<&str, bool> = HashMap::new();
    entries.iter().filter(|entry| entry.covers(kind, required)).any(|entry| {
        entry.gaps(kind, required).all(|gap| {
            *known
                .entry(gap.folded())
                .or_insert_with(|| excused.iter().any(|excluded| excluded.covers(gap)) || whole(&near(kind, gap), gap))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_with_its_four_lists_and_what_is_missing_is_empty() {
        let read = |json| Permission::read(&json);
        let entry = read(serde_json::json!({"actions": ["a/READ"], "notDataActions": ["b"], "notActions": null}));
        let entry = entry.unwrap_or_default();
        assert_eq!(entry.actions, [Pattern::new("A/read")]);
        assert_eq!(entry.actions[0].as_str(), "a/READ");
        assert_eq!(entry.not_data_actions, [Pattern::new("b")]);
        assert!(entry.not_actions.is_empty() && entry.data_actions.is_empty());
        assert_eq!(read(serde_json::json!({})), Some(Permission::default()));
        // An entry of which a part is not understood could allow more, or less.
        assert_eq!(read(serde_json::json!({"actions": ["a/read", 7]})), None);
        assert_eq!(read(serde_json::json!({"notActions": "a/read"})), None);
        assert_eq!(read(Value::Null), None);
    }

    #[test]
    fn an_operation_is_written_with_its_kind() {
        let required = Operation::DataAction("a/read".into());
        let written = serde_json::to_value(&required).unwrap_or_default();
        assert_eq!(written, serde_json::json!({"data-action": "a/read"}));
        assert_eq!(serde_json::from_value::<Operation>(written).ok(), Some(required));
    }
}
