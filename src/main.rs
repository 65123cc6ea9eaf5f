//! midoctor: parse, run, exit. Everything else is in the library.

use std::process::ExitCode;

use clap::Parser;
use midoctor::{cli::Cli, run};

fn main() -> ExitCode {
    run::run(&Cli::parse()).into()
}
