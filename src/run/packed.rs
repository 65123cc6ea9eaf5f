//! `report` and `report redact`: examines this machine and writes one archive for support, or one of a report that is there. It
//! sends nothing anywhere.

use std::path::{Path, PathBuf};

use crate::archive::{self, Manifest, Packed};
use crate::cli::{ArchiveArgs, ColorArgs, OutputArgs, Redact, ReportArgs, ReportRedactArgs};
use crate::exit::Exit;
use crate::fill::visible;
use crate::interrupt::Interruption;
use crate::output::{self, Beside, Fresh, Target};
use crate::redact::{self, Level, Redacted};
use crate::render::packed::{Place, Shown};
use crate::render::style::Style;
use crate::render::text::Detail;
use crate::render::{self, Format, json, packed};
use crate::report::Report;

use super::examination::{self, Examined};
use super::settings::Settings;
use super::{saved, terminal};

/// `report`: of this machine.
///
/// # Errors
/// A sentence that says what cannot be written.
pub fn examine(args: &ReportArgs, interruption: &Interruption) -> Result<Exit, String> {
    let output = OutputArgs {
        output: Vec::new(),
        quiet: false,
        verbose: false,
        color: ColorArgs { color: args.archive.color.color },
    };
    let settings = Settings::read(&args.examine, &output)?;
    let mut place = Destination::open(&args.archive)?;
    place.needs_a_map(level(args.archive.redact))?;
    let Examined { report, signal } = examination::of_this_machine(&settings.options, interruption);
    // The archive holds what is known, and says so.
    report.run.cut_short_in_words().inspect(|words| output::note(&format!("midoctor: {words}")));
    let exit = write(&report, place, &args.archive)?;
    Ok(signal.map_or(exit, Exit::from))
}

/// `report redact`: never over what it reads.
///
/// # Errors
/// A sentence that says what cannot be read or written.
pub fn redact(args: &ReportRedactArgs) -> Result<Exit, String> {
    let same = |file: &PathBuf| match (std::path::absolute(file), std::path::absolute(&args.report)) {
        (Ok(one), Ok(other)) => one == other || output::same_file(file, &args.report),
        _ => false,
    };
    if args.archive.file.as_ref().is_some_and(same) {
        let name = visible(&args.report.display().to_string());
        return Err(format!("{name} would be overwritten by its own redaction; name another file with -f"));
    }
    let report = saved::with_own_advice(saved::read(&args.report)?);
    let mut place = Destination::open(&args.archive)?;
    place.needs_a_map(level(args.archive.redact))?;
    write(&report, place, &args.archive)
}

fn level(typed: Redact) -> Level {
    match typed {
        Redact::None => Level::None,
        Redact::Secrets => Level::Secrets,
        Redact::Ids => Level::Ids,
    }
}

/// Where the archive goes, found writable before the work begins.
enum Destination {
    /// Nowhere: only shown.
    Dry { file: Option<PathBuf> },
    /// A file that was named, and that is replaced.
    Named { target: Target, file: PathBuf, map: Option<Fresh> },
    /// A file of this directory that is named by what is in it, and that is not there yet.
    Fresh { archive: Fresh, map: Option<Fresh> },
}

impl Destination {
    fn open(args: &ArchiveArgs) -> Result<Self, String> {
        Ok(match &args.file {
            file if args.dry_run => Self::Dry { file: file.clone() },
            Some(file) => Self::Named { target: Target::open(file)?, file: file.clone(), map: None },
            None => Self::Fresh { archive: Fresh::open(Path::new("."), false)?, map: None },
        })
    }

    /// Makes sure that the map of pseudonyms can be written beside it, where there is to be one.
    fn needs_a_map(&mut self, level: Level) -> Result<(), String> {
        if level != Level::Ids {
            return Ok(());
        }
        match self {
            Self::Dry { .. } => {}
            Self::Named { file, map, target } => {
                if matches!(target, Target::Stream(_)) {
                    let name = visible(&file.display().to_string());
                    return Err(format!(
                        "{name} is no regular file, so the map of pseudonyms has no place beside it; name a file"
                    ));
                }
                let beside = output::with_ending(file, MAP);
                if beside.symlink_metadata().is_ok() {
                    return Err(is_there(&beside));
                }
                *map = Some(Fresh::open(file.parent().unwrap_or(Path::new(".")), true)?);
            }
            Self::Fresh { map, .. } => *map = Some(Fresh::open(Path::new("."), true)?),
        }
        Ok(())
    }
}

/// The map of an archive's pseudonyms lies beside it, under its name with this behind it.
const MAP: &str = ".map.json";

/// Redacts, packs, shows and writes.
fn write(report: &Report, place: Destination, args: &ArchiveArgs) -> Result<Exit, String> {
    let level = level(args.redact);
    let redacted = redact::redact(report, level)?;
    let (manifest, bytes) = pack(&redacted, level)?;
    let default = default_name(&redacted.report);
    let map = (level == Level::Ids).then(|| json::pretty(&redacted.pseudonyms)).transpose()?;
    let place = match place {
        Destination::Dry { file } => {
            let archive = file.unwrap_or_else(|| PathBuf::from(&default));
            Place { map: map.is_some().then(|| output::with_ending(&archive, MAP)), archive, is_dry: true }
        }
        Destination::Named { target, file, map: beside } => {
            let beside = match (beside, &map) {
                (Some(fresh), Some(map)) => Some(keep_map(&fresh, map, &file)?),
                _ => None,
            };
            target.write_bytes(&bytes)?;
            Place { archive: file, map: beside.map(Beside::keep), is_dry: false }
        }
        Destination::Fresh { archive, map: beside } => {
            let beside = beside.as_ref().zip(map.as_ref()).map(|(fresh, map)| (fresh, map.as_bytes(), MAP));
            let (archive, map) = archive.fill(&bytes)?.name(&default, beside)?;
            Place { archive, map, is_dry: false }
        }
    };
    let style: Style = terminal::style(args.color.color);
    let size = bytes.len();
    output::print(&packed::text(&Shown { place, size, manifest: &manifest, record: &redacted.record }, style))?;
    Ok(redacted.report.exit_code.into())
}

/// Puts the map in its place, before the archive that it belongs to, without which it goes again.
fn keep_map(fresh: &Fresh, map: &str, archive: &Path) -> Result<Beside, String> {
    let path = output::with_ending(archive, MAP);
    fresh.fill(map.as_bytes())?.beside(&path)?.ok_or_else(|| is_there(&path))
}

fn is_there(map: &Path) -> String {
    format!(
        "{} is there already, and may be the only key to an archive; move it away, or name another file with -f",
        visible(&map.display().to_string())
    )
}

/// The files of the archive with its manifest, packed.
fn pack(redacted: &Redacted, level: Level) -> Result<(Manifest, Vec<u8>), String> {
    let Redacted { report, record, .. } = redacted;
    let page = render::paint(report, Format::Html, Style::default(), Detail::default())?;
    let files = [
        (archive::REPORT, json::render(report)?.into_bytes()),
        (archive::PAGE, page.into_bytes()),
        (archive::RECORD, json::pretty(record)?.into_bytes()),
    ];
    let manifest = Manifest {
        schema: archive::SCHEMA.into(),
        tool: env!("CARGO_PKG_NAME").into(),
        version: env!("CARGO_PKG_VERSION").into(),
        taken_at: report.run.started.clone(),
        redaction: level.word().into(),
        redactions: record.redactions.iter().map(|entry| entry.times).sum(),
        verdict: report.verdict,
        root_cause: report.root_cause.clone(),
        files: files.iter().map(|(name, bytes)| Packed::new(name, bytes)).collect(),
    };
    let first = (archive::MANIFEST, json::pretty(&manifest)?.into_bytes());
    let bytes = archive::pack(&[first].into_iter().chain(files).collect::<Vec<_>>())?;
    Ok((manifest, bytes))
}

/// `midoctor-VM-TIME.zip`, of what every file system takes. A VM may be called anything.
fn default_name(report: &Report) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    let vm: String = report.vm.name.as_deref().unwrap_or("unknown").chars().take(64).map(plain).collect();
    let time: String = report.run.started.chars().take_while(|c| *c != '.' && *c != 'Z').collect();
    let time: String = time.chars().filter(|c| c.is_ascii_alphanumeric()).take(20).collect();
    let time = if time.is_empty() { "unknown".to_owned() } else { format!("{time}Z") };
    format!("midoctor-{}-{time}.zip", vm.trim_matches('-'))
}
