//! Completions: what can come next in a command line that is being typed, and the scripts by which shells ask for it.
//!
//! The definition of the command line says which words there are ([`crate::cli`]), the catalogues of the program which values
//! (`values`). A script of a shell holds no list: it hands over what was typed, shows what comes back, and finds files itself,
//! since each shell has its own ways with their names. Nothing that was typed is ever evaluated. Nothing here touches the machine.

mod values;

use std::ffi::{OsStr, OsString};

use clap_complete::engine::{self, CompletionCandidate};

use crate::cli::{self, Shell};

/// What can come next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// What it is.
    pub kind: Kind,
    /// The whole word at the cursor; of files what stands before their names, which may be empty.
    pub value: String,
    /// A few words about it, without an end; may be empty.
    pub help: String,
}

/// What a candidate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A word that is whole.
    Word,
    /// A word that is whole, or goes on with `=` and a file.
    Stem,
    /// Files, which the shell finds.
    File,
    /// Directories, which the shell finds.
    Directory,
}

impl Kind {
    /// All of them.
    const ALL: [Self; 4] = [Self::Word, Self::Stem, Self::File, Self::Directory];

    /// Does the shell find what it is?
    fn is_left_to_the_shell(self) -> bool {
        matches!(self, Self::File | Self::Directory)
    }

    /// As the scripts know it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Word => "word",
            Self::Stem => "stem",
            Self::File => "file",
            Self::Directory => "directory",
        }
    }
}

/// What the machine knows, asked when it is needed.
#[derive(Clone, Copy)]
pub struct Machine {
    /// The names of its services.
    pub services: fn() -> Vec<String>,
}

/// The script of a shell, which can be sourced or put where the shell looks for it.
pub fn script(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => include_str!("midoctor.bash"),
        Shell::Zsh => include_str!("midoctor.zsh"),
        Shell::Fish => include_str!("midoctor.fish"),
        Shell::Powershell => include_str!("midoctor.ps1"),
    }
}

/// What can stand in the place of the word at the cursor, behind these words.
///
/// # Errors
/// When the engine cannot read the words.
pub fn candidates(words: &[OsString], current: &OsStr, machine: Machine) -> Result<Vec<Candidate>, String> {
    let mut definition = values::known(cli::command().disable_help_subcommand(true), machine);
    // Behind one dash the engine would name the short flags, which say less.
    let asked = if current == "-" { OsStr::new("--") } else { current };
    let mut typed = vec![OsString::from("midoctor")];
    typed.extend(words.iter().cloned());
    typed.push(asked.to_owned());
    let at = typed.len() - 1;
    let found = engine::complete(&mut definition, typed, at, None).map_err(|error| error.to_string())?;
    // A command cannot follow flags, and flags are not in the way of words where there are such.
    let after_flags = words.iter().any(|word| word.as_encoded_bytes().starts_with(b"-"));
    let of = |candidate: &CompletionCandidate, what: &str| candidate.get_id().is_some_and(|id| id.starts_with(what));
    let mut found: Vec<_> =
        found.into_iter().filter(|candidate| !(after_flags && of(candidate, "command::"))).collect();
    if current.is_empty() && found.iter().any(|candidate| !of(candidate, "arg::")) {
        found.retain(|candidate| !of(candidate, "arg::"));
    }
    let mut candidates: Vec<Candidate> = found.iter().map(told).collect();
    // A file does not begin as a flag does; behind the name of a flag it is a value.
    if current.as_encoded_bytes().starts_with(b"-") {
        candidates.retain(|one| !(one.kind.is_left_to_the_shell() && one.value.is_empty()));
    }
    Ok(candidates)
}

fn told(found: &CompletionCandidate) -> Candidate {
    let tag = found.get_tag().map(ToString::to_string);
    let kind = Kind::ALL.into_iter().find(|kind| tag.as_deref() == Some(kind.name())).unwrap_or(Kind::Word);
    let help = found.get_help().map(ToString::to_string).unwrap_or_default();
    // The rest of a long text is for the manual.
    let first = help.lines().next().unwrap_or_default();
    Candidate {
        kind,
        value: found.get_value().to_string_lossy().into_owned(),
        help: first.trim_end_matches('.').replace('\t', " "),
    }
}

/// The candidates as the scripts read them: a line each, with its kind, its value and the words about it between tabs.
pub fn lines(candidates: &[Candidate]) -> String {
    let line = |one: &Candidate| format!("{}\t{}\t{}\n", one.kind.name(), one.value, one.help);
    candidates.iter().map(line).collect()
}
