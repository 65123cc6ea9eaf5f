//! Reports that were saved: shown, compared, and judged anew.

use std::collections::BTreeSet;
use std::path::Path;

use crate::archive;
use crate::cli::{CheckArgs, ReportDiffArgs, ReportShowArgs};
use crate::diagnosis;
use crate::diff;
use crate::exit::Exit;
use crate::fill::visible;
use crate::input::Source;
use crate::output;
use crate::outputs::Outputs;
use crate::render::diff::{self as painted, FORMATS, Format};
use crate::render::json;
use crate::report::Report;
use crate::saved;
use crate::words::plural;

use super::publish::{self, open_report, publish_report};
use super::settings::Settings;

/// Reads a report: JSON or an archive, `-` for standard input.
///
/// # Errors
/// A sentence that names the file, what is wrong and what to do.
pub fn read(file: &Path) -> Result<Report, String> {
    let source = if file.as_os_str() == "-" { Source::stdin() } else { Source::open(file)? };
    let name = source.name().to_owned();
    saved::read(&source.whole(archive::LIMIT)?).map_err(|why| format!("{name} {why}"))
}

/// `report show`.
///
/// # Errors
/// A sentence that says what cannot be read or written.
pub fn show(args: &ReportShowArgs) -> Result<Exit, String> {
    let opened = open_report(&args.output)?;
    publish_report(&with_own_lines(read(&args.file)?), opened, &args.output)
}

/// The report with those lines to paste alone that this version makes of its evidence: whoever wrote the file could have put
/// anything in their place.
pub fn with_own_lines(mut report: Report) -> Report {
    let lines = |report: &Report| -> BTreeSet<String> {
        let findings = report.checks.iter().flat_map(|check| &check.findings);
        findings.flat_map(|finding| &finding.remedy.commands).map(|command| command.line.clone()).collect()
    };
    if lines(&report).is_empty() {
        return report;
    }
    let evidence = report.evidence.clone();
    let own = lines(&Report::new(&diagnosis::diagnose(&evidence), evidence, report.run.clone()));
    let mut others = 0;
    for finding in report.checks.iter_mut().flat_map(|check| &mut check.findings) {
        let before = finding.remedy.commands.len();
        finding.remedy.commands.retain(|command| own.contains(&command.line));
        others += before - finding.remedy.commands.len();
    }
    if others > 0 {
        report.notes.push(format!(
            "{} in the saved report {} not shown, since midoctor {} makes no such {} of its evidence; check --from judges it anew",
            plural(others as u64, "command"),
            if others == 1 { "is" } else { "are" },
            env!("CARGO_PKG_VERSION"),
            if others == 1 { "line" } else { "lines" },
        ));
    }
    report
}

/// `report diff`. It ends as the report from after says: a script that changed something wants to know how the VM is now.
///
/// # Errors
/// A sentence that says what cannot be read or written.
pub fn compare(args: &ReportDiffArgs) -> Result<Exit, String> {
    if args.before.as_os_str() == "-" && args.after.as_os_str() == "-" {
        return Err("both reports cannot come from standard input; name a file for one of them".into());
    }
    let opened = publish::open(&Outputs::read(&args.output, &FORMATS, args.color.color)?, |_| false)?;
    let (before, after) = (read(&args.before)?, read(&args.after)?);
    let changes = diff::compare(&before, &after);
    publish::publish(opened, |format, style| match format {
        Format::Text => Ok(painted::text(&changes, style)),
        Format::Json => json::pretty(&changes),
        Format::Markdown => Ok(painted::markdown(&changes)),
    })?;
    Ok(after.exit_code.into())
}

/// `check --from`: what this version says of the evidence that was saved.
///
/// # Errors
/// A sentence that says what cannot be read or written.
pub fn judge(file: &Path, args: &CheckArgs) -> Result<Exit, String> {
    let Settings { options, output, origins, names_fail_on } =
        Settings::for_saved_evidence(&args.examine, &args.output)?;
    let opened = open_report(&output).map_err(|why| origins.blame(why))?;
    let old = read(file)?;
    let mut evidence = old.evidence.clone();
    // What was typed wins over what was typed then.
    let (asked, typed) = (&mut evidence.asked, options.plan);
    for (kept, typed) in [(&mut asked.only, typed.only), (&mut asked.skip, typed.skip)] {
        if !typed.is_empty() {
            *kept = typed;
        }
    }
    if !typed.ignores.is_empty() {
        asked.ignores = typed.ignores;
    }
    if names_fail_on {
        asked.fail_on = typed.fail_on;
    }
    let new = Report::new(&diagnosis::diagnose(&evidence), evidence, old.run.clone());
    if let Some(words) = otherwise(&old, &new) {
        output::note(&format!("midoctor: {words}"));
    }
    publish_report(&new, opened, &output)
}

/// What the report said when it was saved, where that was something else.
fn otherwise(old: &Report, new: &Report) -> Option<String> {
    let said = |report: &Report| {
        let cause = report.root_cause.as_deref().map(|code| format!(" ({})", visible(code))).unwrap_or_default();
        format!("{}{cause}", report.verdict.word())
    };
    let (before, now) = (said(old), said(new));
    (before != now).then(|| {
        let version = visible(&old.tool.version);
        format!("the saved report says {before}, by midoctor {version}; what follows is judged by this version and flags: {now}")
    })
}
