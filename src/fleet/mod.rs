//! Many reports as one: of every VM the newest, what is wrong with how many, where they are, what changed.
//!
//! Only folds and counts. Files, threads and archives are `gather`'s and `run`'s; what a fold looks like is `render`'s.

pub mod changes;
pub mod documents;
pub mod fold;
pub mod groups;
pub mod known;
pub mod lenient;
pub mod row;
pub mod summary;
pub mod tame;

/// The name and major version of a fold as JSON.
pub const SCHEMA: &str = "midoctor.fleet/1";
