//! `report`: a report that goes to somebody else, or one that is there.

use crate::cli::{ReportArgs, ReportCommand};
use crate::exit::Exit;
use crate::interrupt::Interruption;

use super::{packed, saved};

/// Does what was typed.
///
/// # Errors
/// A sentence that says what cannot be read or written.
pub fn report(args: &ReportArgs, interruption: &Interruption) -> Result<Exit, String> {
    match &args.command {
        Some(ReportCommand::Show(args)) => saved::show(args),
        Some(ReportCommand::Diff(args)) => saved::compare(args),
        Some(ReportCommand::Redact(args)) => packed::redact(args),
        None => packed::examine(args, interruption),
    }
}
