//! midoctor: parse, run, exit. Everything else is in the library.

use std::process::ExitCode;

use midoctor::exit::Exit;
use midoctor::{cli, dump, fault, interrupt, output, run};

fn main() -> ExitCode {
    fault::tell_plainly();
    dump::forbid();
    match cli::parse() {
        Ok(typed) => interrupt::guard(move |interruption| run::run(&typed, interruption)).into(),
        // Help and version were asked for.
        Err(told) if told.exit_code() == 0 => match output::printed(told.print()) {
            Ok(()) => Exit::Healthy.into(),
            Err(why) => {
                output::note(&format!("midoctor: {why}"));
                Exit::Usage.into()
            }
        },
        Err(slip) => {
            output::note(&cli::one_line(&slip));
            Exit::Usage.into()
        }
    }
}
