//! The Ansible role against hosts with a namespace, an sshd and a simulated VM state each.

pub mod host;

use crate::namespace::Suite;
use crate::{from_venv, of_machine};

/// Adds the cases, or why they cannot run.
pub fn add(suite: &mut Suite) {
    let missing = from_venv("ansible-playbook").and(of_machine("sshd")).and(of_machine("ssh"));
    if let Err(why) = missing {
        suite.missing.push(("the Ansible role".into(), why));
    }
}
