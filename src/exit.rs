//! The exit codes. Decided once, from the report or from a usage error; the same in every format. What a signal ends is 128+n.

use std::process::ExitCode;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Ended by SIGHUP: 128 + 1.
    HungUp = 129,
    /// Ended by SIGINT: 128 + 2.
    Interrupted = 130,
    /// Ended by SIGTERM: 128 + 15.
    Terminated = 143,
}

impl Exit {
    /// Every way to end.
    pub const ALL: [Self; 7] = [
        Self::Healthy,
        Self::Unhealthy,
        Self::Usage,
        Self::Undetermined,
        Self::HungUp,
        Self::Interrupted,
        Self::Terminated,
    ];

    /// What it means, for the manual.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Healthy => "Healthy, warnings allowed; or the command did what it was told.",
            Self::Unhealthy => "Unhealthy: at least one error was found.",
            Self::Usage => "The command line or the configuration cannot be used, or an output cannot be written.",
            Self::Undetermined => {
                "Undetermined: nothing failed, but something essential could not be judged, the environment named with --unit or \
                 --pid could not be read, or the deadline cut the run short."
            }
            Self::HungUp => "The terminal went away (SIGHUP). The report holds what was known by then, and says so.",
            Self::Interrupted => "Ended by Ctrl-C (SIGINT), in the same way.",
            Self::Terminated => "Ended by SIGTERM, in the same way.",
        }
    }
}

/// A signal that ends a run before its time, and that midoctor answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Signal {
    /// What Ctrl-C sends.
    #[serde(rename = "SIGINT")]
    Interrupt,
    /// What `kill`, `timeout` and service managers send.
    #[serde(rename = "SIGTERM")]
    Terminate,
    /// What a terminal sends that goes away.
    #[serde(rename = "SIGHUP")]
    HangUp,
}

impl Signal {
    /// For people.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Interrupt => "Ctrl-C (SIGINT)",
            Self::Terminate => "SIGTERM",
            Self::HangUp => "SIGHUP",
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::HangUp => "SIGHUP",
        }
    }
}

impl From<Signal> for Exit {
    fn from(signal: Signal) -> Self {
        match signal {
            Signal::Interrupt => Self::Interrupted,
            Signal::Terminate => Self::Terminated,
            Signal::HangUp => Self::HungUp,
        }
    }
}

impl From<u8> for Exit {
    /// From a report's `exit_code`; what no report holds counts as undetermined.
    fn from(code: u8) -> Self {
        match code {
            0 => Self::Healthy,
            1 => Self::Unhealthy,
            _ => Self::Undetermined,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
