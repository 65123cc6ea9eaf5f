//! The environment that is judged: do its variables lead clients away from the VM's managed identity. Supporting evidence: it
//! never makes a verdict undetermined.

use crate::case::Case;
use crate::check::{Check, Finding, Stage, Subject, Verdict};
use crate::evidence::Outcome;

use super::proxies::proxy_finding;
use super::shadows;

/// The checks of this topic.
pub static CHECKS: [Check; 1] = [Check {
    id: "environment",
    stage: Stage::Host,
    needs: &[],
    essential: false,
    codes: &["env-proxy", "env-shadowed"],
    shared: &[],
    page: include_str!("../../checks/environment.md"),
    subjects: Subject::machine,
    ask: |case| vec![case.environment(), shadows::agent()],
    judge: judge_environment,
}];

fn judge_environment(case: &Case) -> Verdict {
    match case.outcome(&case.environment()) {
        Some(Outcome::Variables { .. }) => {}
        _ => return Verdict::Unknown("the environment was not read".into()),
    }
    let mut found: Vec<Finding> = proxy_finding(case).into_iter().collect();
    found.extend(shadows::findings(case));
    if found.is_empty() { Verdict::pass() } else { Verdict::Found(found) }
}
