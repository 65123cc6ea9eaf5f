//! Judging, in this process: what is found and said for a VM that is simulated, or for evidence that is made up. What the built
//! program does is in `program`, but for what it says to requirements that cannot be.

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../common/changed.rs"]
mod changed;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/played.rs"]
mod played;

mod access;
mod all_identities;
mod causes;
mod certificates;
mod challenges;
mod cut_short;
mod denials;
mod explain_check;
mod identities;
mod ignores;
mod laws_of_access;
mod laws_of_judging;
mod little_rights;
mod metadata_service;
mod permission_laws;
mod permissions;
mod probes;
mod proxies;
mod requirements;
mod selection;
mod shadows;
mod silence;
mod verdicts;
mod waiting;
mod whose_environment;
mod whose_token;
mod windows_settings;
