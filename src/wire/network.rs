//! The machine's interfaces and routes, asked of the kernel. Read only; nothing is sent to anybody, and no right is needed.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(windows)]
mod windows;

use std::time::Duration;

use crate::evidence::{Failure, Outcome};

/// What the kernel says.
#[cfg(not(any(target_os = "linux", windows)))]
pub fn local(_within: Duration) -> Outcome {
    Outcome::failed(Failure::Unsupported, "routes and interfaces are read on Linux and Windows only")
}

/// What the system says.
#[cfg(windows)]
pub fn local(_within: Duration) -> Outcome {
    match windows::local() {
        Ok(network) => Outcome::Network(network),
        Err(why) => Outcome::failed(Failure::Other, why),
    }
}

/// What the kernel says.
#[cfg(target_os = "linux")]
pub fn local(within: Duration) -> Outcome {
    match linux::local(within) {
        Ok(network) => Outcome::Network(network),
        Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {
            Outcome::failed(Failure::AnswerTimeout, "the kernel did not tell its routes in time")
        }
        Err(error) => Outcome::failed(Failure::Other, error.to_string()),
    }
}
