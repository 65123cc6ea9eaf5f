//! midoctor tells why a managed identity does not work on an Azure VM, and what to do about it.
//!
//! The flow: what was typed ([`cli`]), with what a file says ([`config`]), becomes what it means ([`options`]): a [`plan`] and a
//! wire, the machine ([`wire`]) or the `simulator`. The [`engine`] lets the [`checks`] ask, in rounds, through the
//! [`recorder`], which seals tokens; what came back is [`evidence`], seen through a [`reading`] of it. The checks judge it, the
//! [`diagnosis`] says what follows from what, the [`page`]s give the words, both make a [`report`], and one renderer of
//! [`render`] paints it. Whether it is worth looking again, [`waiting`] says.

pub mod archive;
pub mod azure;
pub mod build_log;
pub mod case;
pub mod certificate;
pub mod check;
pub mod checks;
pub mod cli;
pub mod clients;
pub mod clock;
pub mod completion;
pub mod config;
pub mod destination;
pub mod diagnosis;
pub mod diff;
pub mod dump;
pub mod engine;
pub mod evidence;
pub mod exit;
pub mod explain;
pub mod fault;
pub mod fill;
pub mod fleet;
pub mod gather;
pub mod ignores;
pub mod input;
pub mod interrupt;
pub mod locale;
pub mod manual;
pub mod nearest;
pub mod network;
pub mod options;
pub mod output;
pub mod outputs;
pub mod pace;
pub mod page;
pub mod parts;
pub mod pattern;
pub mod plan;
pub mod probe;
pub mod reading;
pub mod recorder;
pub mod redact;
pub mod render;
pub mod report;
pub mod request;
pub mod requirement;
pub mod run;
pub mod saved;
#[cfg(feature = "simulator")]
pub mod scenarios;
pub mod seal;
pub mod selection;
#[cfg(feature = "simulator")]
pub mod simulator;
pub mod strings;
pub mod token;
pub mod unit_name;
pub mod waiting;
pub mod wire;
pub mod wording;
pub mod words;
