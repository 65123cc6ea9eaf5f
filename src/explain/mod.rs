//! `explain`: what a code or a check means (`guide`), and the cause of a pasted error text.
//!
//! A text is read as lines ([`input`]); passages that could hold an error are cut out of it ([`scan`]); each is read into clues,
//! structure first, and judged into causes ([`cause`]); the pages give the words ([`answer`]). Nothing here asks anything.

pub mod answer;
pub mod cause;
pub mod facts;
pub mod general;
pub mod guide;
pub mod input;
pub mod line;
pub mod scan;
pub mod shown;
pub mod weigh;

pub use guide::{is_near, list, word};
