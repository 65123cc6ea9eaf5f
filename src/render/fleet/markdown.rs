//! A fold as GitHub-flavoured Markdown, for an issue, a wiki or a step summary: the verdict first, then tables. Lists have an end,
//! so that it stays below what such places take; all of it is in the JSON and in the page.

use std::fmt::{Result, Write};

use crate::fleet::fold::Named;
use crate::fleet::groups::KINDS;
use crate::fleet::summary::{Cause, Fleet};
use crate::render::markdown_text::{cell, code, prose};
use crate::report::Word;

use super::verdict::Verdict;
use super::{listed, nameless, not_compared, number, span};

/// So many causes, VMs, files are listed.
const CAUSES: usize = 30;
const VMS: usize = 200;
const CHANGED: usize = 20;
const FILES: usize = 20;

/// Writes it.
///
/// # Errors
/// When it cannot be written.
pub fn write(fleet: &Fleet, out: &mut dyn Write) -> Result {
    let verdict = Verdict::new(fleet);
    writeln!(out, "# {}: {}\n", verdict.words, prose(&verdict.reason))?;
    let reports = format!("{} reports", number(fleet.fold.reports));
    let parts = [Some(Verdict::counts(fleet)), Some(reports), span(fleet)];
    writeln!(out, "{}", parts.into_iter().flatten().map(|part| prose(&part)).collect::<Vec<_>>().join(" · "))?;
    if let Some(nameless) = nameless(fleet) {
        writeln!(out, "\n{}", prose(&format!("Of the reports {nameless}.")))?;
    }
    causes("Root causes", &fleet.root_causes, out)?;
    causes("Warnings", &fleet.warnings, out)?;
    causes("Could not be judged", &fleet.unjudged, out)?;
    changes(fleet, out)?;
    left("Broken reports", &fleet.fold.broken, out)?;
    left("Other files", &fleet.fold.others, out)?;
    vms(fleet, out)
}

fn causes(title: &str, causes: &[Cause], out: &mut dyn Write) -> Result {
    if causes.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## {title}\n\n| | VMs | What | Where |\n|---|---:|---|---|")?;
    for cause in causes.iter().take(CAUSES) {
        let kinds = KINDS.iter().zip(&cause.groups.kinds).skip(1);
        let known = kinds.filter(|(_, groups)| groups.iter().any(|group| !group.name.is_empty()));
        let mut places: Vec<String> = cause.pattern.iter().map(|pattern| format!("**{}**", cell(pattern))).collect();
        places.extend(known.map(|((one, several), groups)| {
            cell(&format!("{}: {}", if groups.len() == 1 { one } else { several }, listed(groups)))
        }));
        let also = if cause.also == 0 { String::new() } else { format!(" (+{})", number(cause.also)) };
        let shown = if cause.code.is_empty() { "none named".to_owned() } else { code(&cause.code) };
        writeln!(out, "| {shown} | {}{also} | {} | {} |", number(cause.vms), cell(&cause.title), places.join("<br>"))?;
    }
    more(causes.len() as u64, CAUSES as u64, out)
}

fn changes(fleet: &Fleet, out: &mut dyn Write) -> Result {
    let Some(changes) = &fleet.changes else { return Ok(()) };
    writeln!(out, "\n## Changed since the earlier fold\n")?;
    let some: Vec<_> = changes.all().into_iter().filter(|(_, _, listed)| listed.count > 0).collect();
    if some.is_empty() {
        writeln!(out, "Nothing: the verdict and root cause of each VM are as they were.")?;
    }
    for (_, title, listed) in some {
        let named: Vec<String> =
            listed.first.iter().take(CHANGED).map(|(name, what)| format!("{} ({})", code(name), prose(what))).collect();
        let rest = listed.count - named.len() as u64;
        let rest = if rest == 0 { String::new() } else { format!(" and {} more", number(rest)) };
        writeln!(out, "- **{}** {title}: {}{rest}", number(listed.count), named.join(", "))?;
    }
    if changes.nameless > 0 {
        writeln!(out, "\n{}", prose(&not_compared(changes.nameless)))?;
    }
    Ok(())
}

fn left(title: &str, named: &Named, out: &mut dyn Write) -> Result {
    if named.count == 0 {
        return Ok(());
    }
    writeln!(out, "\n## {title}: {}\n", number(named.count))?;
    for (place, why) in named.first.iter().take(FILES) {
        writeln!(out, "- {}: {}", code(&place.in_words()), prose(why))?;
    }
    more(named.count, FILES as u64, out)
}

/// The VMs that are not healthy.
fn vms(fleet: &Fleet, out: &mut dyn Write) -> Result {
    let mut ill: Vec<_> = fleet.vms().into_iter().filter(|vm| vm.verdict != Word::Healthy).collect();
    ill.sort_by_key(|vm| match vm.verdict {
        Word::Unhealthy => 0,
        Word::Undetermined => 1,
        _ => 2,
    });
    if ill.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n## VMs that are not healthy: {}\n\n| VM | Resource group | Verdict | Root cause | Found |",
        number(ill.len() as u64)
    )?;
    writeln!(out, "|---|---|---|---|---|")?;
    for vm in ill.iter().take(VMS) {
        let pattern = fleet.pattern(vm);
        let found: Vec<String> = pattern.iter().flat_map(|pattern| pattern.codes.keys()).map(|one| code(one)).collect();
        writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            cell(&vm.name),
            cell(fleet.fold.text(vm.groups[1])),
            vm.verdict.word(),
            cell(fleet.fold.text(vm.root_cause)),
            found.join(" ")
        )?;
    }
    more(ill.len() as u64, VMS as u64, out)
}

fn more(all: u64, listed: u64, out: &mut dyn Write) -> Result {
    match all.checked_sub(listed) {
        Some(more @ 1..) => writeln!(out, "\nand {} more", number(more)),
        _ => Ok(()),
    }
}
