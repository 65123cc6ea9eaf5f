//! The scripts by which shells complete, in the eyes of those who read scripts for a living: PowerShell's grammar and shellcheck.
//! What the shells that Debian has make of them, `tests/program/completions.rs` holds.

use midoctor::cli::Shell;
use midoctor::completion::script;

use crate::from_venv;
use crate::namespace::{Case, Suite};
use crate::recipe::{clean_shell, offer};
use crate::run_command::{parses, powershell_grammar};

pub fn add(suite: &mut Suite) {
    let case = Case::new("the completions for PowerShell can be parsed", parsed);
    offer(suite, &[powershell_grammar()], case);
    let case = Case::new("the completions for Bash are clean", clean);
    offer(suite, &[from_venv("shellcheck")], case);
}

fn parsed() {
    let script = script(Shell::Powershell);
    assert!(parses(script), "the script has an error in its syntax");
    assert!(!parses(&script.replacen('}', "", 1)), "the grammar tells");
}

fn clean() {
    clean_shell("bash", script(Shell::Bash));
}
