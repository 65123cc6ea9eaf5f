//! Reads the pages in `checks/`: one Markdown file per check, which owns all words that people read about it.
//!
//! Reading only. What a page looks like is fixed and strict, so that a slip is an error of a test and not of a user; what
//! is done with the words is `report`'s and `explain`'s business.

mod reader;

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{Check, Severity};

pub use reader::parse;

/// A check's page.
#[derive(Debug)]
pub struct Page {
    /// The healthy sentence.
    pub title: String,
    /// What is asked and how it is judged.
    pub intro: Vec<Block>,
    /// The template of the line after a passing check; may be empty.
    pub healthy: String,
    /// One section per code.
    pub sections: Vec<Section>,
}

/// A code's section.
#[derive(Debug, Default)]
pub struct Section {
    /// The code.
    pub code: String,
    /// The illness in one sentence.
    pub title: String,
    /// How bad it is.
    pub severity: Option<Severity>,
    /// Whether it heals by itself.
    pub heals: Heals,
    /// More words on that, such as how long; may be empty.
    pub heals_how: String,
    /// How long `--wait` gives it to pass, where it may be a change that is on its way.
    pub waits: Option<Waits>,
    /// Is it seen only in what clients print?
    pub client_only: bool,
    /// The template of the sentence that says what was seen here.
    pub seen: String,
    /// What it means.
    pub meaning: Vec<Block>,
    /// How a person can tell.
    pub tell: Vec<Block>,
    /// The fix, step by step; templates.
    pub steps: Vec<String>,
    /// The fix's commands; templates.
    pub commands: Vec<Command>,
    /// Where to read on.
    pub docs: Vec<String>,
    /// What clients print.
    pub symptoms: Vec<String>,
    /// What provokes it.
    pub example: Option<Example>,
}

/// Whether an illness heals by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Heals {
    /// Somebody must act.
    #[default]
    No,
    /// It passes within seconds or minutes.
    Transient,
    /// A change is on its way through Azure.
    Propagation,
}

/// How long an illness may last although what ends it has been done, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waits {
    /// The bound.
    pub bound: Duration,
    /// Why; a template. It holds for findings that know all its placeholders.
    pub why: String,
}

/// A command of a fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The shell it is meant for.
    pub shell: Shell,
    /// Where it is run.
    pub place: Place,
    /// The line; a template, quoted for the shell when it is filled.
    pub line: String,
}

/// The shell that a command is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Shell {
    /// Azure CLI, in a POSIX shell.
    Az,
    /// Azure PowerShell.
    Pwsh,
    /// A POSIX shell.
    Sh,
}

/// Where a command is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// On the VM.
    Vm,
    /// By somebody with rights in Azure, on any machine.
    Operator,
    /// In the environment of the application.
    Application,
}

/// What provokes a code: the input of the simulator.
#[derive(Debug, Default)]
pub struct Example {
    /// What differs from a healthy VM.
    pub toml: Option<String>,
    /// Literal answers.
    pub http: Vec<String>,
}

/// A piece of prose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// An item of a list.
    Item(String),
}

/// The page of a check.
///
/// # Panics
/// When an embedded page cannot be read, which the contract test rules out.
pub fn of(check: &Check) -> &'static Page {
    static PAGES: OnceLock<HashMap<&'static str, Page>> = OnceLock::new();
    let pages = PAGES.get_or_init(|| {
        crate::checks::all()
            .map(|check| (check.id, parse(check.page).expect("the contract test reads every embedded page")))
            .collect()
    });
    &pages[check.id]
}

/// The section of a code, on the page of its check.
pub fn section(code: &str) -> Option<(&'static Check, &'static Section)> {
    crate::checks::all().find_map(|check| {
        of(check).sections.iter().find(|section| section.code == code).map(|section| (check, section))
    })
}
