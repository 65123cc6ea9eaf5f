//! Reports that were saved: shown, compared, and judged anew.

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
use crate::report::{Remedy, Report};
use crate::saved;
use crate::words::plural;

use super::publish::{self, not_over, open_report_beside, publish_report};
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
    let opened = open_report_beside(&args.output, &[&args.file])?;
    publish_report(&with_own_advice(read(&args.file)?), opened, &args.output)
}

/// The report with this version's advice on what its evidence shows, and no other: whoever wrote the file could have put any
/// step, command or link in its place. What was found, and what the verdict is, stays as it was saved.
pub fn with_own_advice(mut report: Report) -> Report {
    let is_found = report.checks.iter().any(|check| !check.findings.is_empty());
    if !is_found {
        return report;
    }
    let evidence = report.evidence.clone();
    let own = Report::new(&diagnosis::diagnose(&evidence), evidence, report.run.clone());
    let mut without = 0;
    for check in &mut report.checks {
        let same = own.checks.iter().find(|one| one.id == check.id && one.subject == check.subject);
        for finding in &mut check.findings {
            match same.and_then(|same| same.findings.iter().find(|one| one.code == finding.code)) {
                Some(one) => (finding.remedy, finding.docs) = (one.remedy.clone(), one.docs.clone()),
                None => {
                    without += 1;
                    finding.remedy = Remedy::default();
                    finding.docs.clear();
                }
            }
        }
    }
    if without > 0 {
        report.notes.push(format!(
            "the advice on {} is left out, since midoctor {} finds no such thing in the saved evidence; check --from judges it \
             anew",
            plural(without, "finding"),
            env!("CARGO_PKG_VERSION"),
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
    let outputs = Outputs::read(&args.output, &FORMATS, args.color.color)?;
    not_over(&outputs, &[&args.before, &args.after])?;
    let opened = publish::open(&outputs, |_| false)?;
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
    let opened = open_report_beside(&output, &[file]).map_err(|why| origins.blame(why))?;
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
