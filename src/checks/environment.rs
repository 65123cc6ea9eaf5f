//! The environment that is judged: do its variables lead clients away from the VM's managed identity. Supporting evidence:
//! it makes a verdict undetermined only where the user named an environment that could not be read.

use crate::case::Case;
use crate::check::{Check, Finding, Stage, Subject, Verdict};
use crate::evidence::Request;

use super::proxies::{proxy_finding, question};
use super::{settings, shadows, whose};

/// The checks of this topic.
pub static CHECKS: &[Check] = &[Check {
    id: "environment",
    stage: Stage::Host,
    needs: &[],
    essential: false,
    codes: &["env-proxy", "env-shadowed", "env-network"],
    shared: &[],
    reads: &[],
    page: include_str!("../../checks/environment.md"),
    subjects: Subject::machine,
    ask: ask_environment,
    judge: judge_environment,
}];

fn ask_environment(case: &Case) -> Vec<Request> {
    let questions = whose::ask(case).into_iter().chain(question(case)).chain(shadows::question(case));
    let questions = questions.chain(settings::question());
    [case.environment(), shadows::agent()].into_iter().chain(questions).collect()
}

fn judge_environment(case: &Case) -> Verdict {
    whose::judge(case, find)
}

/// What leads clients away in the environment that the evidence holds.
fn find(case: &Case) -> Vec<Finding> {
    proxy_finding(case).into_iter().chain(settings::findings(case)).chain(shadows::findings(case)).collect()
}
