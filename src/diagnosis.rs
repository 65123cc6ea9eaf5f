//! What all checks say together: verdicts, what stands in the way of what, the one root cause. Pure: evidence in, diagnosis
//! out; asking is the engine's business, and words are the pages'.

use std::time::Duration;

use crate::azure::cloud::is_manager;
use crate::case::Case;
use crate::check::{Check, Finding, Severity, Status, Subject, Verdict};
use crate::checks;
use crate::checks::host::clocks;
use crate::evidence::{Evidence, Failure, Outcome, Request};
use crate::ignores::Ignores;
use crate::reading::Reading;
use crate::selection::Selection;

/// What a check says of a subject, with everything that stands in its way taken into account.
pub struct Judged {
    /// The check.
    pub check: &'static Check,
    /// What it was judged for.
    pub subject: Subject,
    /// What it says.
    pub verdict: Verdict,
    /// How long its questions took.
    pub took: Duration,
}

/// What all checks say, in the catalogue's order.
pub struct Diagnosis {
    /// One entry per check and subject.
    pub checks: Vec<Judged>,
    /// The failing check that the others are consequences of, with its first code.
    pub root_cause: Option<&'static str>,
    /// The verdict over all.
    pub overall: Overall,
    /// What is odd about the ignores: sentences.
    pub notes: Vec<String>,
}

/// The verdict over all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overall {
    /// Nothing found.
    Healthy,
    /// Warnings only.
    Degraded,
    /// At least one error.
    Unhealthy,
    /// No error, but something essential could not be judged.
    Undetermined,
}

/// Judges the evidence. Pure: the same evidence gives the same diagnosis, whenever and wherever.
pub fn diagnose(evidence: &Evidence) -> Diagnosis {
    judge(&Reading::new(evidence))
}

/// Judges evidence that was read already.
pub fn judge(reading: &Reading) -> Diagnosis {
    let mut selection = Selection::new(reading.plan());
    let mut judged = each(&selection, reading);
    // What stands in the way of a check that was named is worth a row of its own.
    while judged.iter().any(|one| matches!(one.verdict, Verdict::Blocked(by) if selection.take_along(by))) {
        judged = each(&selection, reading);
    }
    await_the_first(&mut judged, reading);
    block(&mut judged);
    settle(&mut judged);
    // Last, so that what does not count stands in the way of others all the same: they could not be judged.
    let mut notes = excuse(&mut judged, &selection, reading);
    if all_left_out(&judged, &selection) {
        notes.push("every check that the verdict hangs on is left out, so nothing speaks for this VM".into());
    }
    let root_cause = root_cause(&judged);
    let overall = overall(&judged, &selection, reading);
    Diagnosis { checks: judged, root_cause, overall, notes }
}

/// What each check says by itself.
fn each(selection: &Selection, reading: &Reading) -> Vec<Judged> {
    let subjects =
        checks::all().flat_map(|check| (check.subjects)(reading).into_iter().map(move |subject| (check, subject)));
    let judged = subjects.map(|(check, subject)| {
        if let Some(why) = selection.leaves_out(check) {
            return Judged { check, subject, verdict: Verdict::Skip(why), took: Duration::ZERO };
        }
        let case = Case::new(reading, &subject);
        let verdict = (check.judge)(&case);
        let took = time_spent(reading, &(check.ask)(&case));
        Judged { check, subject, verdict, took }
    });
    judged.collect()
}

/// What fails where a first question was never put, or had no time, may fail for that reason alone: whoever did not ask which cloud this is cannot
/// say that Azure's metadata service has failed. First questions wait for nobody, so in a run they are put before anything fails.
fn await_the_first(judged: &mut [Judged], reading: &Reading) {
    let unasked = |one: &&Judged| {
        let out_of_time = |question: &Request| {
            reading.outcome(question).and_then(Outcome::failure).is_some_and(|failed| failed.why == Failure::OutOfTime)
        };
        let is_open = |question: &Request| !reading.has(question) || out_of_time(question);
        let open = || (one.check.ask)(&Case::new(reading, &one.subject)).iter().any(is_open);
        one.check.needs.is_empty() && matches!(one.verdict, Verdict::Unknown(_)) && open()
    };
    let first: Vec<&str> = judged.iter().filter(unasked).map(|one| one.check.id).collect();
    for one in judged.iter_mut().filter(|one| one.verdict.status() == Status::Fail) {
        if let Some(need) = one.check.needs.iter().find(|need| first.contains(*need)) {
            one.verdict = Verdict::Unknown(format!("not all was asked that the check {need} needs, which comes first"));
        }
    }
}

/// Was nothing judged that the verdict hangs on?
fn all_left_out(judged: &[Judged], selection: &Selection) -> bool {
    judged.iter().filter(|one| selection.matters(one.check)).all(|one| one.verdict.status() == Status::Skip)
}

/// Marks what does not count, and says what is odd about the ignores.
fn excuse(judged: &mut [Judged], selection: &Selection, reading: &Reading) -> Vec<String> {
    // A last day is over when it is so in Azure: this machine's clock may be years off.
    let azures = clocks(&Case::new(reading, &Subject::default())).map(|(_, told)| told);
    let mut ignores = Ignores::new(&reading.plan().ignores, azures.unwrap_or(reading.taken_at()));
    for one in judged {
        if matches!(one.verdict, Verdict::Pass(_) | Verdict::Found(_)) {
            ignores.judged(one.check);
        }
        if let Verdict::Found(findings) = &mut one.verdict {
            for finding in findings {
                let ignored = ignores.excuse(finding.code);
                finding.excuse = selection.excuse(one.check, finding.code).or(ignored);
            }
        }
    }
    ignores.notes()
}

/// Marks as blocked what cannot be judged, or has failed only, because something it needs has failed. Who is named is
/// the check that failed, not one that is itself blocked.
fn block(judged: &mut [Judged]) {
    for _ in 0..judged.len() {
        let mut changed = false;
        for index in 0..judged.len() {
            let blocker = match judged[index].verdict {
                Verdict::Blocked(by) => blocker_of(judged, index, &[by]).or(Some(by)),
                Verdict::Unknown(_) => blocker_of(judged, index, judged[index].check.needs),
                Verdict::Found(_) if judged[index].verdict.status() == Status::Fail => {
                    blocker_of(judged, index, judged[index].check.needs)
                }
                _ => None,
            };
            if let Some(by) = blocker
                && judged[index].verdict != Verdict::Blocked(by)
            {
                judged[index].verdict = Verdict::Blocked(by);
                changed = true;
            }
        }
        if !changed {
            return;
        }
    }
}

/// A check that waits for one that did not fail after all is unknown, not blocked.
fn settle(judged: &mut [Judged]) {
    let of = |wanted: Status| -> Vec<(&str, Subject)> {
        let such = judged.iter().filter(|one| one.verdict.status() == wanted);
        such.map(|one| (one.check.id, one.subject.clone())).collect()
    };
    let (failed, left_out) = (of(Status::Fail), of(Status::Skip));
    for one in judged {
        // What failed for another identity stands in nobody else's way.
        let Verdict::Blocked(by) = one.verdict else { continue };
        let among =
            |rows: &[(&str, Subject)]| rows.iter().any(|(id, subject)| *id == by && subject.concerns(&one.subject));
        if !among(&failed) {
            let why = if among(&left_out) { "was left out" } else { "could not be judged" };
            one.verdict = Verdict::Unknown(format!("it depends on the check {by}, which {why}"));
        }
    }
}

/// The failed check that stands in the way, seen through those that are blocked themselves.
fn blocker_of(judged: &[Judged], index: usize, needs: &[&str]) -> Option<&'static str> {
    let Judged { subject, check, .. } = &judged[index];
    // What an identity may do hangs on its token for Azure Resource Manager, not on those for other resources.
    let other_resource = |other: &Judged| {
        subject.identity.is_some()
            && subject.resource.is_none()
            && other.subject.resource.as_ref().is_some_and(|resource| !is_manager(resource))
    };
    let in_the_way =
        |other: &&Judged| needs.contains(&other.check.id) && other.subject.concerns(subject) && !other_resource(other);
    judged.iter().filter(in_the_way).find_map(|other| match &other.verdict {
        // One that waits for this very check does not stand in its way.
        Verdict::Blocked(by) => Some(*by).filter(|by| *by != check.id),
        verdict if verdict.status() == Status::Fail => Some(other.check.id),
        _ => None,
    })
}

/// The failing check with the most consequences; the earliest of those that have as many.
fn root_cause(judged: &[Judged]) -> Option<&'static str> {
    let consequences =
        |id: &str| judged.iter().filter(|other| matches!(other.verdict, Verdict::Blocked(by) if by == id)).count();
    let mut best: Option<(usize, &Judged)> = None;
    for one in judged.iter().filter(|one| one.verdict.status() == Status::Fail) {
        let weight = consequences(one.check.id);
        if best.is_none_or(|(most, _)| weight > most) {
            best = Some((weight, one));
        }
    }
    match &best?.1.verdict {
        Verdict::Found(findings) => {
            let counts = |finding: &&Finding| finding.severity == Severity::Error && finding.excuse.is_none();
            findings.iter().find(counts).map(|finding| finding.code)
        }
        _ => None,
    }
}

fn overall(judged: &[Judged], selection: &Selection, reading: &Reading) -> Overall {
    let any = |status: Status| judged.iter().any(|one| one.verdict.status() == status);
    let cut_short = reading.exchanges().iter().any(|exchange| {
        exchange
            .attempts
            .iter()
            .any(|attempt| attempt.outcome.failure().is_some_and(|failed| failed.why == Failure::OutOfTime))
    });
    let is_open = |one: &Judged| {
        selection.matters(one.check) && matches!(one.verdict.status(), Status::Unknown | Status::Blocked)
    };
    // Where everything is left out nothing speaks for the VM.
    let open = judged.iter().any(is_open) || all_left_out(judged, selection);
    // Whoever names an environment wants to know about that one.
    let open = open || Case::new(reading, &Subject::default()).lacks_environment();
    if any(Status::Fail) {
        Overall::Unhealthy
    } else if open || cut_short {
        Overall::Undetermined
    } else if any(Status::Warn) {
        Overall::Degraded
    } else {
        Overall::Healthy
    }
}

/// From the first of these questions' start to the last one's end; questions that were not put do not count.
fn time_spent(reading: &Reading, requests: &[Request]) -> Duration {
    let spans = requests.iter().filter_map(|request| reading.exchange(request)).filter_map(|exchange| {
        let first = exchange.attempts.first()?;
        let last = exchange.attempts.last()?;
        Some((first.started_ms, last.started_ms.saturating_add(last.duration_ms)))
    });
    let (start, end) = spans.fold((u64::MAX, 0), |(start, end), (from, to)| (start.min(from), end.max(to)));
    Duration::from_millis(end.saturating_sub(start))
}
