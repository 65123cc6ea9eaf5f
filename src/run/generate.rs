//! `generate`: what other programs need. Says nothing itself: the completions, the manual and the schema are other rooms' business.

use std::path::Path;

use crate::cli::{CandidatesArgs, GenerateArgs, Generated, ManArgs};
use crate::completion::{self, Machine};
use crate::exit::Exit;
use crate::fill::visible;
use crate::locale;
use crate::manual;
use crate::output::{self, Target};
use crate::wire;

/// The report's JSON Schema, as the structs that write it have it; the contract test makes sure of that, and makes it anew. It is kept
/// as text, since what derives it would be twice as much of the program.
const SCHEMA: &str = include_str!("../../data/report.schema.json");

/// Does what was typed.
///
/// # Errors
/// A sentence that says what cannot be written.
pub fn generate(args: &GenerateArgs) -> Result<Exit, String> {
    match &args.what {
        Generated::Completions(args) => output::print(completion::script(args.shell)),
        Generated::Man(ManArgs { dir: None }) => output::print(&manual::main().text),
        Generated::Man(ManArgs { dir: Some(directory) }) => write_pages(directory),
        Generated::Schema => output::print(SCHEMA),
        Generated::Candidates(args) => output::print(&locale::shown(&candidates(args)?)),
    }
    .map(|()| Exit::Healthy)
}

fn candidates(args: &CandidatesArgs) -> Result<String, String> {
    let machine = Machine { services: wire::services };
    completion::candidates(&args.words, &args.current, machine).map(|found| completion::lines(&found))
}

/// All pages, into a directory that is there. Each is found writable before the first is written.
fn write_pages(directory: &Path) -> Result<(), String> {
    if !directory.is_dir() {
        let name = visible(&directory.display().to_string());
        return Err(format!("--dir takes a directory that is there; {name} is none; make it with mkdir -p"));
    }
    let pages = manual::pages();
    let open = |page: &manual::Page| Target::open(&directory.join(&page.file));
    let targets = pages.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    targets.into_iter().zip(pages).try_for_each(|(target, page)| target.write(&page.text))
}
