//! What Windows keeps of itself in its registry: the firmware's tables, proxies, variables, services. Read only.
//!
//! What the bytes there mean is read in rooms of their own, on every system, so that it is tested on each.

#[cfg(windows)]
mod registry;
#[cfg(windows)]
mod services;
#[cfg(any(windows, test))]
mod smbios;
#[cfg(any(windows, test))]
mod system_proxy;

#[cfg(windows)]
pub use registry::{firmware, settings};
#[cfg(windows)]
pub use services::{environment, exists, known};

#[cfg(not(windows))]
use crate::evidence::{Failure, FirmwareField, Outcome};

/// A text of the firmware's.
#[cfg(not(windows))]
pub fn firmware(_: FirmwareField) -> Outcome {
    Outcome::failed(Failure::Unsupported, "the firmware's tables are read in a registry, which Windows alone has")
}

/// What Windows is set to.
#[cfg(not(windows))]
pub fn settings() -> Outcome {
    Outcome::failed(Failure::Unsupported, "Windows alone has such settings")
}
