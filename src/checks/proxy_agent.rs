//! What the guest proxy agent of the Metadata Security Protocol does to callers of the metadata service: facts for the finding
//! `imds-denied` of the check `metadata`, and denials that it has written down.

use crate::azure::proxy_agent::{Denial, Mode, PROGRAM, STATUS_FILE, Status};
use crate::case::Case;
use crate::check::Finding;
use crate::evidence::{Answer, Failure, Outcome, Request};
use crate::words::plural;

/// Who was denied, where nobody says it.
pub(super) const CALLER: &str = "the application's user and program";

/// Questions about the agent, once it has shown itself.
pub(super) fn ask() -> Vec<Request> {
    vec![Request::presence(PROGRAM), Request::file(STATUS_FILE)]
}

/// May only somebody else read what the agent writes about itself?
fn is_closed(case: &Case) -> bool {
    let failed = case.outcome(&Request::file(STATUS_FILE)).and_then(Outcome::failure);
    failed.is_some_and(|failed| failed.why == Failure::Denied)
}

/// Did this answer come through the agent? It marks what it lets pass.
pub(super) fn passed_through(answer: &Answer) -> bool {
    answer.header("x-ms-azure-host-authorization").is_some()
}

/// What the agent has written about itself.
pub(super) fn status(case: &Case) -> Option<Status> {
    Status::read(case.text(STATUS_FILE)?)
}

/// What it does, in brackets behind its name; empty where that is not known.
pub(super) fn mode_in_words(case: &Case) -> String {
    let Some(status) = status(case) else { return String::new() };
    match (status.mode, &status.denials[..]) {
        (Some(Mode::Enforce), _) => " (enforcing)".into(),
        (Some(Mode::Audit), []) => " (auditing)".into(),
        (Some(Mode::Audit), some) => format!(" (auditing; it would deny {})", all_in_words(some)),
        (Some(Mode::Disabled), _) => " (without rules)".into(),
        (None, _) => String::new(),
    }
}

/// Adds what is known of the agent to a finding that says whom it denied.
pub(super) fn with_agent(case: &Case, finding: Finding) -> Finding {
    let status = status(case).unwrap_or_default();
    let mut finding = finding.with("agent", format!(" {}", in_words(case, &status))).with("reason", "");
    finding = match status.denials.first() {
        Some(denial) => finding.with("denied_program", &denial.program).with("denied_user", &denial.user),
        None => finding.with("caller", CALLER),
    };
    if !matches!(status.mode, Some(Mode::Audit | Mode::Disabled)) {
        finding = finding.with("enforcing", "Enforce");
    }
    if let Some(trouble) = &status.trouble {
        finding = finding.with("agent_trouble", trouble);
    }
    if is_closed(case) { finding.with("agent_status", STATUS_FILE) } else { finding }
}

/// One or two sentences, with their full stops.
fn in_words(case: &Case, status: &Status) -> String {
    let version = status.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
    let does = match status.mode {
        Some(Mode::Enforce) => format!("The guest proxy agent{version} enforces its rules for the metadata service."),
        Some(Mode::Audit) => format!("The guest proxy agent{version} only audits the metadata service."),
        Some(Mode::Disabled) => format!("The guest proxy agent{version} says that it has no rules in force."),
        None if case.is_there(PROGRAM) => "The guest proxy agent is installed here.".to_owned(),
        None => "Its program was not found here, so something else may answer in its way.".to_owned(),
    };
    let unread = match is_closed(case) {
        true => format!(" Whom it denied is in {STATUS_FILE}, which only root may read."),
        false => String::new(),
    };
    let verb = if status.mode == Some(Mode::Audit) { "would deny" } else { "has denied" };
    let denied = match &status.denials[..] {
        [] => String::new(),
        some => format!(" It {verb} {}.", all_in_words(some)),
    };
    format!("{does}{denied}{unread}")
}

fn all_in_words(denials: &[Denial]) -> String {
    let one =
        |denial: &Denial| format!("{} of user {} ({})", denial.program, denial.user, plural(denial.count, "time"));
    denials.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// A warning when the agent let this program through and has denied others. What it would deny while it only audits is in the
/// line of the check.
pub(super) fn others_denied(case: &Case) -> Option<Finding> {
    let status = status(case).filter(|status| !status.denials.is_empty())?;
    let denies = !matches!(status.mode, Some(Mode::Audit | Mode::Disabled));
    denies.then(|| {
        let what = "midoctor was let through, and others were not";
        with_agent(case, Finding::warning("imds-denied").with("denied", what))
    })
}
