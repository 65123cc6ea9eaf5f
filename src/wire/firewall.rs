//! The rules of the machine's packet filter that are about the metadata service. Read only.

use crate::evidence::{Failure, Outcome};

/// The rules.
pub fn rules() -> Outcome {
    Outcome::failed(Failure::Unsupported, "the packet filter of this platform is not read")
}
