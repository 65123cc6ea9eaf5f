//! Reports: every format, files and archives of them, fleets of them, and reports without names. The contract itself is in
//! `tests/contract.rs`.

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../common/attacks.rs"]
mod attacks;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/fleet_rows.rs"]
mod fleet_rows;
#[path = "../common/hostile_report.rs"]
mod hostile_report;
#[path = "../common/oracles.rs"]
mod oracles;
#[path = "../common/played.rs"]
mod played;
#[path = "../common/reports.rs"]
mod reports;
#[path = "../common/tools.rs"]
mod tools;

mod archives;
mod fleet;
mod fleet_bad_input;
mod fleet_counts;
mod fleet_memory;
mod formats_agree;
mod formats_files;
mod formats_golden;
mod formats_hostile;
mod formats_schemas;
mod formats_sizes;
mod html;
mod old_reports;
mod queries;
mod redaction;
mod redaction_of_machines;
mod redaction_of_odd_names;
mod redaction_of_places;
mod saved_reports;
