//! The names that are replaced, by kind, and their pseudonyms.
//!
//! A pseudonym is its name's rank among all of its kind. So the order of names is that of their pseudonyms, whoever sorts by them
//! sorts alike, and names that are pseudonyms already get themselves: redacting twice changes nothing.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

use crate::checks;

use super::address::Class;
use super::record::{Known, Pseudonyms};

/// What a name is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A virtual machine, or its computer name.
    Vm,
    /// A resource group.
    Group,
    /// A scale set.
    ScaleSet,
    /// A user-assigned identity.
    Identity,
    /// A management group.
    ManagementGroup,
    /// Any other resource in Azure.
    Resource,
    /// A GUID.
    Guid,
    /// A long run of hexadecimal digits: a container's ID, a thumbprint. With its length.
    Hex(usize),
    /// A label of a host's name.
    Label,
    /// A domain of one's own: the last two labels.
    Domain,
    /// An address of this class.
    Address(Class),
    /// The address of a network card, with the character that parts it.
    Card(Option<char>),
    /// A person or an account.
    User,
    /// A unit of systemd, or a Windows service.
    Unit,
    /// An authority in a certificate.
    Authority,
    /// An organization, or a part of one, in a certificate.
    Organization,
    /// A role of one's own making.
    Role,
    /// A deny assignment.
    Denial,
    /// What a server calls itself.
    Server,
    /// A part of a path at a host of one's own: a container, a secret.
    Part,
    /// Words of one's own: tags, descriptions, reasons.
    Text,
}

impl Kind {
    /// Its name in the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Vm => "vm",
            Self::Group => "resource-group",
            Self::ScaleSet => "scale-set",
            Self::Identity => "identity",
            Self::ManagementGroup => "management-group",
            Self::Resource => "resource",
            Self::Guid => "guid",
            Self::Hex(_) => "hexadecimal",
            Self::Label => "host",
            Self::Domain => "domain",
            Self::Address(_) => "address",
            Self::Card(_) => "network-card",
            Self::User => "user",
            Self::Unit => "unit",
            Self::Authority => "authority",
            Self::Organization => "organization",
            Self::Role => "role",
            Self::Denial => "deny-assignment",
            Self::Server => "server",
            Self::Part => "path",
            Self::Text => "text",
        }
    }

    /// The pseudonym of the n-th of so many, in the shape of what it stands for.
    fn pseudonym(self, n: usize, of: usize) -> String {
        let width = of.to_string().len();
        let named = |prefix: &str| format!("{prefix}-{n:0width$}");
        match self {
            Self::Vm => named("vm"),
            Self::Group => named("rg"),
            Self::ScaleSet => named("vmss"),
            Self::Identity => named("id"),
            Self::ManagementGroup => named("mg"),
            Self::Resource => named("resource"),
            Self::Guid => format!("00000000-0000-0000-0000-{n:012}"),
            Self::Hex(length) => format!("{n:0length$}"),
            Self::Label => named("host"),
            Self::Domain => format!("{}.example", named("domain")),
            Self::Address(class) => class.nth(n),
            Self::Card(sign) => card(n, sign),
            Self::User => named("user"),
            Self::Unit => named("unit"),
            Self::Authority => named("authority"),
            Self::Organization => named("organization"),
            Self::Role => named("role"),
            Self::Denial => named("denial"),
            Self::Server => named("server"),
            Self::Part => named("part"),
            Self::Text => named("text"),
        }
    }

    /// Is such a name looked for where nothing says what it is, as in sentences?
    fn is_sought(self) -> bool {
        !matches!(
            self,
            Self::Guid
                | Self::Hex(_)
                | Self::Domain
                | Self::Address(_)
                | Self::Card(_)
                | Self::Server
                | Self::Part
                | Self::Text
        )
    }

    /// Is it another name in another case? Azure and DNS do not say so.
    fn minds_case(self) -> bool {
        matches!(self, Self::Part | Self::Text)
    }
}

/// `02:00:00:00:00:01`: an address that no maker hands out.
fn card(n: usize, sign: Option<char>) -> String {
    let digits = format!("02{n:010X}");
    let pairs: Vec<&str> = (0..6).filter_map(|at| digits.get(2 * at..2 * at + 2)).collect();
    pairs.join(&sign.map(String::from).unwrap_or_default())
}

/// A name that is sought in sentences.
pub struct Sought {
    /// In lower case.
    pub text: String,
    /// What it stands for.
    pub kind: Kind,
    /// Is it a word that a sentence could hold for another reason? Then only quotation marks tell.
    pub is_common: bool,
    /// Is it like nothing else? Then it is the name wherever it stands, `web-01-nic` and `\\nweb-01` among them.
    pub is_distinct: bool,
}

/// All names of a report.
pub struct Names {
    /// By kind and by what makes it the same name; with the name as it was met first.
    found: BTreeMap<Kind, BTreeMap<String, String>>,
    /// Once all are found.
    pseudonyms: HashMap<(Kind, String), String>,
    settled: bool,
    /// Names to seek in sentences, and the machine that does.
    sought: Vec<Sought>,
    seeker: Option<aho_corasick::AhoCorasick>,
    /// What was replaced since somebody asked: kind and characters.
    replaced: Vec<(Kind, usize)>,
}

impl Names {
    /// None yet.
    pub fn new() -> Self {
        Self {
            found: BTreeMap::new(),
            pseudonyms: HashMap::new(),
            settled: false,
            sought: Vec::new(),
            seeker: None,
            replaced: Vec::new(),
        }
    }

    /// How many names are known.
    pub fn count(&self) -> usize {
        self.found.values().map(BTreeMap::len).sum()
    }

    /// Is this, in lower case, among the names of that kind that were found?
    pub fn knows(&self, kind: Kind, key: &str) -> bool {
        self.found.get(&kind).is_some_and(|known| known.contains_key(key))
    }

    /// Meets a name: keeps it in mind, or says its pseudonym once all are known.
    pub fn name(&mut self, kind: Kind, name: &str) -> String {
        let key = if kind.minds_case() { name.to_owned() } else { name.to_lowercase() };
        self.keyed(kind, key, name)
    }

    /// The same, where something else than its letters makes it the same name.
    pub fn keyed(&mut self, kind: Kind, key: String, name: &str) -> String {
        if name.is_empty() {
            return String::new();
        }
        if !self.settled {
            self.found.entry(kind).or_default().entry(key).or_insert_with(|| name.to_owned());
            return name.to_owned();
        }
        // Whatever escaped the search has no rank; it goes all the same.
        let pseudonym = self.pseudonyms.get(&(kind, key)).cloned().unwrap_or_else(|| "(removed)".into());
        if pseudonym != name {
            self.replaced.push((kind, name.chars().count()));
        }
        pseudonym
    }

    /// All are known now: gives each its pseudonym.
    pub fn settle(&mut self) {
        self.settled = true;
        for (kind, names) in &self.found {
            for (index, key) in names.keys().enumerate() {
                self.pseudonyms.insert((*kind, key.clone()), kind.pseudonym(index + 1, names.len()));
            }
        }
        let common = &*VOCABULARY;
        let mut seen = HashSet::new();
        for (kind, names) in self.found.iter().filter(|(kind, _)| kind.is_sought()) {
            for key in names.keys().filter(|key| seen.insert((*key).clone())) {
                let is_common = key.chars().count() < 3 || common.contains(key.as_str());
                let is_distinct = key.len() >= 6
                    && key.contains(|c: char| c.is_ascii_alphabetic())
                    && key.contains(|c: char| c.is_ascii_digit() || c == '-' || c == '_');
                self.sought.push(Sought { text: key.clone(), kind: *kind, is_common, is_distinct });
            }
        }
        let texts = self.sought.iter().map(|sought| sought.text.as_str());
        let mut builder = aho_corasick::AhoCorasick::builder();
        builder.ascii_case_insensitive(true).match_kind(aho_corasick::MatchKind::LeftmostLongest);
        self.seeker = builder.build(texts).ok();
    }

    /// Replaces the names in a text of which nothing else is known.
    pub fn bare(&mut self, text: &str) -> String {
        let Some(seeker) = self.seeker.clone() else { return text.to_owned() };
        let mut done = String::with_capacity(text.len());
        let (mut from, mut at) = (0, 0);
        while let Some(found) = seeker.find(aho_corasick::Input::new(text).range(at..)) {
            let sought = &self.sought[found.pattern().as_usize()];
            let (before, after) = (&text[..found.start()], &text[found.end()..]);
            let alone = match sought {
                Sought { is_common: true, .. } => is_quoted(before, after),
                Sought { is_distinct: true, .. } => true,
                _ => is_alone(before, after),
            };
            if alone {
                let (kind, key) = (sought.kind, sought.text.clone());
                done.push_str(&text[from..found.start()]);
                let pseudonym = self.keyed(kind, key, &text[found.start()..found.end()]);
                done.push_str(&pseudonym);
                // `vm-1` of `web-1` must not become that of `web-10`.
                if after.starts_with(|c: char| c.is_ascii_digit()) {
                    done.push('-');
                }
                from = found.end();
                at = found.end();
            } else {
                at = found.start() + text[found.start()..].chars().next().map_or(1, char::len_utf8);
            }
        }
        done.push_str(&text[from..]);
        done
    }

    /// What was replaced since this was asked last.
    pub fn replaced(&mut self) -> Vec<(Kind, usize)> {
        std::mem::take(&mut self.replaced)
    }

    /// What each pseudonym stands for.
    pub fn pseudonyms(&self) -> Pseudonyms {
        let each = |kind: &Kind, key: &str, name: &str| {
            let pseudonym = self.pseudonyms.get(&(*kind, key.to_owned())).cloned().unwrap_or_default();
            Known { kind: kind.word().into(), original: name.to_owned(), pseudonym }
        };
        let all =
            self.found.iter().flat_map(|(kind, names)| names.iter().map(move |(key, name)| each(kind, key, name)));
        Pseudonyms { names: all.collect(), ..Pseudonyms::default() }
    }
}

/// Does nothing that could belong to the name touch it?
fn is_alone(before: &str, after: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '-';
    // What a percent sign makes of two digits is a sign of its own.
    let encoded = before.len() >= 3 && before.as_bytes()[before.len() - 3] == b'%';
    (encoded || !before.ends_with(joins)) && !after.starts_with(joins)
}

fn is_quoted(before: &str, after: &str) -> bool {
    [('\'', '\''), ('"', '"'), ('“', '”'), ('`', '`')]
        .iter()
        .any(|(open, close)| before.ends_with(*open) && after.starts_with(*close))
}

/// The words of the pages, with the names of checks, codes and providers: what a sentence of midoctor's or of Azure's holds without
/// naming anybody. Longer names on the pages are their examples' own, and may be somebody's.
pub static VOCABULARY: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let names = checks::all().flat_map(|check| [check.id].into_iter().chain(check.codes.iter().copied()));
    let pages = || checks::all().map(|check| check.page);
    let words = pages().flat_map(|page| page.split(|c: char| !c.is_alphanumeric()));
    let parts = pages().flat_map(|page| page.split(|c: char| !c.is_alphanumeric() && c != '.'));
    let providers = parts.filter(|part| part.starts_with("Microsoft.")).map(|part| part.trim_end_matches('.'));
    names.chain(words).chain(providers).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
});
