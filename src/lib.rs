//! midoctor tells why a managed identity does not work on an Azure VM, and what to do about it.
//!
//! The flow: arguments become [`options`], which name a wire (the machine or the [`simulator`]) and a [`plan`]. The [`engine`]
//! lets the [`checks`] ask, in rounds, through the [`recorder`], which seals tokens; what came back is [`evidence`]. The checks
//! judge it, the [`page`]s give the words, both make a [`report`], and one renderer in [`render`] paints it.

pub mod azure;
pub mod case;
pub mod check;
pub mod checks;
pub mod engine;
pub mod evidence;
pub mod fill;
pub mod page;
pub mod plan;
pub mod recorder;
pub mod report;
pub mod token;
pub mod wire;
