//! Puts what a command has to say where it was told to: each format to its file, or to standard output. All files are found
//! writable before the work begins.

use std::collections::BTreeSet;
use std::path::Path;

use crate::build_log::inert;
use crate::cli::OutputArgs;
use crate::exit::Exit;
use crate::fill::visible;
use crate::output::{self, Target};
use crate::outputs::Outputs;
use crate::render::style::Style;
use crate::render::{self, FORMATS, Format, markdown, text};
use crate::report::Report;

use super::terminal;

/// Where things go, found writable.
pub struct Opened<F> {
    targets: Vec<(F, Option<Target>)>,
    /// How standard output may look.
    style: Style,
}

/// Makes sure that no output takes the place of what is read.
///
/// # Errors
/// A sentence that names the file.
pub fn not_over<F>(outputs: &Outputs<F>, read: &[&Path]) -> Result<(), String> {
    let mut files = outputs.targets.iter().filter_map(|(_, file)| file.as_deref());
    let over = files.find(|file| read.iter().any(|one| output::same_file(file, one)));
    over.map_or(Ok(()), |file| {
        let name = visible(&file.display().to_string());
        Err(format!("{name} is what is read, and would be overwritten; name another file with -o"))
    })
}

/// Finds all files of an answer writable. `appends` says which formats are added to a file that is there.
///
/// # Errors
/// A sentence that names the file, what happened and what to do.
pub fn open<F: Copy>(outputs: &Outputs<F>, appends: impl Fn(F) -> bool) -> Result<Opened<F>, String> {
    let mut known = BTreeSet::new();
    for file in outputs.targets.iter().filter_map(|(_, file)| file.as_deref()) {
        // The second would take the place of the first.
        if !known.insert(output::real(file)) {
            let name = visible(&file.display().to_string());
            return Err(format!("two outputs go to the same file, {name} by its other name; give each its own"));
        }
    }
    let open = |(format, file): &(F, Option<std::path::PathBuf>)| {
        let how = if appends(*format) { Target::append } else { Target::open };
        Ok((*format, file.as_deref().map(how).transpose()?))
    };
    let targets = outputs.targets.iter().map(open).collect::<Result<_, String>>()?;
    Ok(Opened { targets, style: terminal::style(outputs.color) })
}

/// Paints every format and puts it where it goes. What is painted is for people or for programs and no command to a build server.
///
/// # Errors
/// A sentence that says what could not be written.
pub fn publish<F: Copy>(
    opened: Opened<F>,
    mut paint: impl FnMut(F, Style) -> Result<String, String>,
) -> Result<(), String> {
    put(opened, |format, style| paint(format, style).map(|text| inert(&text).into_owned()))
}

fn put<F: Copy>(opened: Opened<F>, mut paint: impl FnMut(F, Style) -> Result<String, String>) -> Result<(), String> {
    for (format, target) in opened.targets {
        match target {
            Some(target) => target.write(&paint(format, Style::default())?)?,
            None => output::print(&paint(format, opened.style)?)?,
        }
    }
    Ok(())
}

/// As [`publish`], for what can be larger than should be held: it is written as it is painted.
///
/// # Errors
/// A sentence that says what could not be written.
pub fn stream<F: Copy>(
    opened: Opened<F>,
    mut paint: impl FnMut(F, Style, &mut dyn std::fmt::Write) -> std::fmt::Result,
) -> Result<(), String> {
    for (format, target) in opened.targets {
        match target {
            Some(target) => target.write_by(|out| paint(format, Style::default(), out))?,
            None => output::print_by(|out| paint(format, opened.style, out))?,
        }
    }
    Ok(())
}

/// The files of a report, found writable before anything is asked.
///
/// # Errors
/// A sentence that says what is wrong with the flags or with a file.
pub fn open_report(typed: &OutputArgs) -> Result<Opened<Format>, String> {
    open_report_beside(typed, &[])
}

/// The same, where none of them may be what is read.
///
/// # Errors
/// As there.
pub fn open_report_beside(typed: &OutputArgs, read: &[&Path]) -> Result<Opened<Format>, String> {
    let outputs = Outputs::read(&typed.output, &FORMATS, typed.color.color)?;
    not_over(&outputs, read)?;
    open(&outputs, Format::appends)
}

/// Puts a report where it goes, and says how the command ends.
///
/// # Errors
/// A sentence that says what could not be written.
pub fn publish_report(report: &Report, opened: Opened<Format>, typed: &OutputArgs) -> Result<Exit, String> {
    for note in &report.notes {
        output::note(&format!("midoctor: {}", visible(note)));
    }
    let detail = text::Detail { quiet: typed.quiet, verbose: typed.verbose };
    let for_github = opened.targets.iter().any(|(format, _)| *format == Format::Github);
    put(opened, |format, style| render::paint(report, format, style, detail))?;
    if for_github && let Some(file) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|file| !file.is_empty()) {
        // The report is where it was asked for; that its summary is not is no reason to fail the step.
        if let Err(why) = summarise(report, Path::new(&file)) {
            output::note(&format!("midoctor: the step's summary is left as it is: {why}"));
        }
    }
    Ok(report.exit_code.into())
}

/// Adds the report as Markdown to the summary of a step on GitHub, which the runner refuses as a whole when it is too long.
fn summarise(report: &Report, file: &Path) -> Result<(), String> {
    // One that waits for its reader would hold up the step.
    if output::is_special(file) {
        return Err("it is no regular file".into());
    }
    let target = Target::append(file)?;
    let taken = usize::try_from(target.length()).unwrap_or(usize::MAX);
    // One for a line end that is missing.
    let room = markdown::LIMIT.saturating_sub(taken).saturating_sub(2);
    if room < markdown::LEAST {
        return Err(format!("it holds {taken} bytes already, and GitHub takes {} in all", markdown::LIMIT));
    }
    target.write(&markdown::render_within(report, room))
}
