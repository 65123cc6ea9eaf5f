//! One managed host: a network namespace with an sshd and a simulated VM state of its own.

use std::process::ExitCode;

/// Runs this process as a host, when it was started as one.
pub fn main() -> Option<ExitCode> {
    None
}
