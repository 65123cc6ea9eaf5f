//! The literals that the scanner looks for: every text that can be judged holds one of them.
//!
//! They are specific, so that ordinary logs hold few of them; a test holds them against the symptoms on the pages.

/// In lower case; the scanner looks for them in any.
pub const TRIGGERS: &[&str] = &[
    "169.254.169.254",
];
