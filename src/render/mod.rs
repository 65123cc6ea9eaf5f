//! Renderers: each sees a report, and how it may look, and nothing else. One format, one file, one function.

pub mod json;
pub mod sources;
pub mod style;
pub mod text;
