//! A fold as JSON, `midoctor.fleet/1`: what it comes to, then one line per VM. It is what `--since` reads. Fields are added inside a
//! major version, never renamed or removed.

use std::collections::BTreeMap;
use std::fmt::{Error, Result, Write};

use serde::Serialize;

use crate::check::Status;
use crate::fleet::SCHEMA;
use crate::fleet::changes::Listed;
use crate::fleet::fold::{Id, Named, Vm};
use crate::fleet::groups::Group;
use crate::fleet::summary::{Cause, Fleet};
use crate::render::json::inline;

#[derive(Serialize)]
struct Head<'a> {
    schema: &'a str,
    tool: BTreeMap<&'a str, &'a str>,
    exit_code: u8,
    reports: Reports,
    verdicts: BTreeMap<&'a str, u64>,
    root_causes: Vec<Found<'a>>,
    warnings: Vec<Found<'a>>,
    unjudged: Vec<Found<'a>>,
    versions: Vec<Count<'a>>,
    broken: Vec<Left<'a>>,
    others: Vec<Left<'a>>,
    changes: Option<BTreeMap<&'a str, Changed<'a>>>,
    checks: &'a [String],
}

#[derive(Serialize)]
struct Reports {
    read: u64,
    vms: u64,
    older: u64,
    /// Reports that do not know their VM: each is counted as one.
    nameless: u64,
    broken: u64,
    others: u64,
    first: Option<String>,
    last: Option<String>,
}

#[derive(Serialize)]
struct Found<'a> {
    code: &'a str,
    title: &'a str,
    vms: u64,
    also: u64,
    pattern: Option<&'a str>,
    examples: &'a [String],
    subscriptions: Vec<Count<'a>>,
    resource_groups: Vec<Count<'a>>,
    locations: Vec<Count<'a>>,
    images: Vec<Count<'a>>,
}

#[derive(Serialize)]
struct Count<'a> {
    name: Option<&'a str>,
    vms: u64,
    of: u64,
}

#[derive(Serialize)]
struct Left<'a> {
    file: &'a str,
    line: Option<u64>,
    why: &'a str,
}

#[derive(Serialize)]
struct Changed<'a> {
    count: u64,
    first: Vec<Said<'a>>,
}

#[derive(Serialize)]
struct Said<'a> {
    name: &'a str,
    what: &'a str,
}

#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    resource_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    vm_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<&'a str>,
    subscription_id: Option<&'a str>,
    resource_group: Option<&'a str>,
    location: Option<&'a str>,
    image: Option<&'a str>,
    version: Option<&'a str>,
    time: Option<String>,
    verdict: &'a str,
    root_cause: Option<&'a str>,
    codes: Vec<&'a str>,
    /// Checks that neither passed nor were skipped.
    checks: BTreeMap<&'a str, &'a str>,
    source: String,
}

/// Writes it.
///
/// # Errors
/// When it cannot be written.
pub fn write(fleet: &Fleet, out: &mut dyn Write) -> Result {
    let head = inline(&head(fleet)).map_err(|_| Error)?;
    // The list of VMs is written one by one: there can be many.
    out.write_str(head.strip_suffix('}').ok_or(Error)?)?;
    out.write_str(",\n\"vms\":[")?;
    for (index, vm) in fleet.vms().into_iter().enumerate() {
        out.write_str(if index == 0 { "\n" } else { ",\n" })?;
        out.write_str(&inline(&entry(fleet, vm)).map_err(|_| Error)?)?;
    }
    out.write_str("\n]}\n")
}

fn head<'a>(fleet: &'a Fleet) -> Head<'a> {
    let fold = fleet.fold;
    let verdicts = fleet.verdicts;
    let time = |microseconds: i64| jiff::Timestamp::from_microsecond(microseconds).ok().map(|time| time.to_string());
    Head {
        schema: SCHEMA,
        tool: BTreeMap::from([("name", env!("CARGO_PKG_NAME")), ("version", env!("CARGO_PKG_VERSION"))]),
        exit_code: fleet.exit() as u8,
        reports: Reports {
            read: fold.reports,
            vms: fold.len() as u64,
            older: fleet.older(),
            nameless: fleet.nameless,
            broken: fold.broken.count,
            others: fold.others.count,
            first: fleet.span.and_then(|(first, _)| time(first)),
            last: fleet.span.and_then(|(_, last)| time(last)),
        },
        verdicts: BTreeMap::from([
            ("healthy", verdicts.healthy),
            ("degraded", verdicts.degraded),
            ("unhealthy", verdicts.unhealthy),
            ("undetermined", verdicts.undetermined),
        ]),
        root_causes: fleet.root_causes.iter().map(found).collect(),
        warnings: fleet.warnings.iter().map(found).collect(),
        unjudged: fleet.unjudged.iter().map(found).collect(),
        versions: fleet.versions.iter().map(count).collect(),
        broken: left(&fold.broken),
        others: left(&fold.others),
        changes: fleet
            .changes
            .as_ref()
            .map(|changes| changes.all().into_iter().map(|(name, _, listed)| (name, changed(listed))).collect()),
        checks: &fleet.checks,
    }
}

fn found(cause: &Cause) -> Found<'_> {
    let [subscriptions, resource_groups, locations, images] =
        cause.groups.kinds.each_ref().map(|groups| groups.iter().map(count).collect());
    Found {
        code: &cause.code,
        title: &cause.title,
        vms: cause.vms,
        also: cause.also,
        pattern: cause.pattern.as_deref(),
        examples: &cause.examples,
        subscriptions,
        resource_groups,
        locations,
        images,
    }
}

fn count(group: &Group) -> Count<'_> {
    Count { name: known(&group.name), vms: group.vms, of: group.of }
}

fn left(named: &Named) -> Vec<Left<'_>> {
    named
        .first
        .iter()
        .map(|(place, why)| Left { file: &place.name, line: (place.line > 0).then_some(place.line), why })
        .collect()
}

fn changed(listed: &Listed) -> Changed<'_> {
    Changed { count: listed.count, first: listed.first.iter().map(|(name, what)| Said { name, what }).collect() }
}

fn known(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

fn entry<'a>(fleet: &'a Fleet, vm: &'a Vm) -> Entry<'a> {
    let fold = fleet.fold;
    let text = |id| known(fold.text(id));
    let pattern = fleet.pattern(vm);
    let checks = pattern.iter().flat_map(|pattern| &pattern.statuses);
    let checks = checks.filter(|(_, status)| !matches!(status, Status::Pass | Status::Skip));
    Entry {
        name: &vm.name,
        resource_id: fold.resource_id(vm),
        vm_id: if let Id::Unique(id) = &vm.id { Some(id) } else { None },
        run_id: if let Id::Run(id) = &vm.id { Some(id) } else { None },
        subscription_id: text(vm.groups[0]),
        resource_group: text(vm.groups[1]),
        location: text(vm.groups[2]),
        image: text(vm.groups[3]),
        version: text(vm.version),
        time: vm.time.and_then(|time| jiff::Timestamp::from_microsecond(time).ok()).map(|time| time.to_string()),
        verdict: vm.verdict.word(),
        root_cause: text(vm.root_cause),
        codes: pattern.iter().flat_map(|pattern| pattern.codes.keys()).map(String::as_str).collect(),
        checks: checks.map(|(check, status)| (check.as_str(), status.word())).collect(),
        source: vm.place.in_words(),
    }
}
