//! What can be typed behind `generate`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

/// The arguments of `generate`.
#[derive(Debug, Args)]
#[command(arg_required_else_help = false)]
pub struct GenerateArgs {
    /// What to print.
    #[command(subcommand)]
    pub what: Generated,
}

/// What `generate` prints.
#[derive(Debug, Subcommand)]
pub enum Generated {
    /// Print the completions of a shell, which ask midoctor at every TAB what can come next
    ///
    /// Bash: write them to ~/.local/share/bash-completion/completions/midoctor where the package bash-completion is installed, else put
    /// source <(midoctor generate completions bash) into ~/.bashrc.
    ///
    /// Zsh: write them to a file named _midoctor in a directory of fpath, before compinit is called; or source them behind it.
    ///
    /// Fish: write them to ~/.config/fish/completions/midoctor.fish.
    ///
    /// PowerShell: put midoctor generate completions powershell | Out-String | Invoke-Expression into the file that $PROFILE names.
    Completions(CompletionsArgs),
    /// Print the manual page of midoctor, or write those of its commands as well to a directory
    ///
    /// They are read from a directory such as /usr/local/share/man/man1, or by their path: man ./midoctor.1.
    Man(ManArgs),
    /// Print the JSON Schema of the report
    Schema,
    /// Print what can come next in a command line that is being typed: what the completions ask
    #[command(hide = true)]
    Candidates(CandidatesArgs),
}

/// The arguments of `generate completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell that they are for
    pub shell: Shell,
}

/// The shells that there are completions for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// Bash 3.2 and newer, with the package bash-completion or without
    Bash,
    /// Zsh
    Zsh,
    /// Fish 3.1 and newer
    Fish,
    /// PowerShell 5.1 and newer
    #[value(alias = "pwsh")]
    Powershell,
}

/// The arguments of `generate man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write the pages of all commands to this directory: midoctor.1, midoctor-explain.1 and so on
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub dir: Option<PathBuf>,
}

/// The arguments of `generate candidates`.
#[derive(Debug, Args)]
pub struct CandidatesArgs {
    /// The word at the cursor, as far as it is typed
    #[arg(long, value_name = "WORD", default_value = "", hide_default_value = true)]
    pub current: OsString,
    /// The words before it, without the name of the program
    #[arg(last = true, value_name = "WORD")]
    pub words: Vec<OsString>,
}
