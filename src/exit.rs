//! The exit codes. Decided once, from the report or from a usage error; the same in every format. Signals stay 128+n.

use std::process::ExitCode;

/// How midoctor ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Healthy, warnings allowed; or a command did what it was told.
    Healthy = 0,
    /// At least one error was found.
    Unhealthy = 1,
    /// The command line or the configuration cannot be used; nothing was examined.
    Usage = 2,
    /// Nothing failed, but something essential could not be judged.
    Undetermined = 3,
}

impl From<u8> for Exit {
    /// From a report's `exit_code`; what no report holds counts as undetermined.
    fn from(code: u8) -> Self {
        match code {
            0 => Self::Healthy,
            1 => Self::Unhealthy,
            2 => Self::Usage,
            _ => Self::Undetermined,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
