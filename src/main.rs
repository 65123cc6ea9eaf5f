//! midoctor: parse, run, exit. Everything else is in the library.

use std::process::ExitCode;

use clap::Parser;
use midoctor::cli::Cli;
use midoctor::exit::Exit;
use midoctor::{cli, output, run};

fn main() -> ExitCode {
    match Cli::try_parse() {
        Ok(typed) => run::run(&typed).into(),
        // Help and version were asked for; a reader that has gone away is no failure.
        Err(told) if told.exit_code() == 0 => {
            let _ = told.print();
            Exit::Healthy.into()
        }
        Err(slip) => {
            output::note(&cli::one_line(&slip));
            Exit::Usage.into()
        }
    }
}
