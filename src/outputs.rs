//! Where a command's answer goes, as it is typed: `-o FORMAT[=FILE]`, several times. Which formats there are is the command's
//! business, and so is painting them.

use std::path::PathBuf;

use crate::cli::When;
use crate::fill::visible;
use crate::nearest::suggestion;
use crate::parts::OfPart;

/// The names of a command's formats; the first is what is printed when nothing is said.
pub type Names<F> = [(&'static str, F)];

/// The formats of answers that are for people or for programs and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plain {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl OfPart for Plain {}

/// Their names.
pub const PLAIN: [(&str, Plain); 2] = [("text", Plain::Text), ("json", Plain::Json)];

/// Where an answer goes, and when it is coloured there.
#[derive(Debug, PartialEq, Eq)]
pub struct Outputs<F> {
    /// Each format with its file; without one it goes to standard output.
    pub targets: Vec<(F, Option<PathBuf>)>,
    /// When to colour what goes to standard output.
    pub color: When,
}

impl<F: OfPart> Outputs<F> {
    /// Reads the flags.
    ///
    /// # Errors
    /// A sentence that says what is wrong and what is accepted.
    pub fn read(typed: &[String], names: &Names<F>, color: impl Into<Option<When>>) -> Result<Self, String> {
        let mut targets = typed.iter().map(|text| target(text, names)).collect::<Result<Vec<_>, _>>()?;
        if targets.is_empty() {
            targets.extend(names.first().map(|(_, format)| (*format, None)));
        }
        if targets.iter().filter(|(_, file)| file.is_none()).count() > 1 {
            return Err("two outputs go to standard output; give one of them a file, as in -o json=report.json".into());
        }
        let plain =
            |file: &Option<PathBuf>| file.as_deref().map(|file| file.strip_prefix("./").unwrap_or(file).to_owned());
        for (index, (_, file)) in targets.iter().enumerate() {
            if file.is_some() && targets[..index].iter().any(|(_, other)| plain(other) == plain(file)) {
                return Err("two outputs go to the same file; give each its own".into());
            }
        }
        Ok(Self { targets, color: color.into().unwrap_or(When::Auto) })
    }
}

fn target<F: OfPart>(text: &str, names: &Names<F>) -> Result<(F, Option<PathBuf>), String> {
    let (name, file) = text.split_once('=').map_or((text, None), |(name, file)| (name, Some(file)));
    let missing = |format: &F| format.part().filter(|part| !part.is_here());
    let Some((_, format)) = names.iter().find(|(known, _)| *known == name) else {
        let names: Vec<&str> =
            names.iter().filter(|(_, format)| missing(format).is_none()).map(|(name, _)| *name).collect();
        let known = match names.as_slice() {
            [most @ .., last] if !most.is_empty() => format!("{} or {last}", most.join(", ")),
            few => few.join(", "),
        };
        return Err(format!(
            "-o takes {known}, each with =FILE to write it there; “{}” is none of them{}",
            visible(name),
            suggestion(name, &names)
        ));
    };
    if let Some(part) = missing(format) {
        return Err(part.needed(&format!("-o {name}")));
    }
    match file {
        Some("") => Err(format!("-o {name}= names no file; write -o {name}=FILE, or -o {name} for standard output")),
        file => Ok((*format, file.map(PathBuf::from))),
    }
}
