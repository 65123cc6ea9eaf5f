//! `explain`: what a code or a check means (`guide`), and the cause of a pasted error text.
//!
//! A text is read as lines ([`input`]); passages that could hold an error are cut out of it ([`scan`]); each is read into clues,
//! structure first, and judged into causes ([`cause`]); the pages give the words ([`answer`]). Nothing here asks anything.

pub mod cause;
pub mod guide;

pub use guide::{list, word};
