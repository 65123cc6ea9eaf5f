//! The two halves of a run: [`examine`] talks, in rounds, until no check has a question left; [`diagnose`] judges, and is
//! pure. The order is fixed; nothing here knows what a question means, but for when it is worth asking again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::azure::cloud::is_manager;
use crate::azure::metadata::{self, Responder};
use crate::case::Case;
use crate::check::{Check, Status, Subject, Verdict};
use crate::checks;
use crate::evidence::{Attempt, Evidence, Exchange, Failure, Outcome, Request, Wire};
use crate::plan::Plan;
use crate::recorder::Recorder;

/// How long a run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// One question with all its tries.
    pub question: Duration,
    /// The whole run.
    pub deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { question: Duration::from_secs(10), deadline: Duration::from_secs(30) }
    }
}

/// The metadata service takes five requests at a time (documented limit for tokens); Azure Resource Manager and the
/// machine itself get as many again.
const LANES: usize = 5;
/// More rounds than the longest chain of dependent questions; a check that always has a new question ends here.
const ROUNDS: usize = 12;
/// The documented back-off: about 0, 2, 6, 14 and 30 seconds after the first try.
const BACK_OFF: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(4), Duration::from_secs(8), Duration::from_secs(16)];

/// A server may ask for any pause; longer ones are as good as never.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// A try with less time than this is not worth it.
const LEAST: Duration = Duration::from_millis(500);

/// Told of every question when it is put, for people who wait.
pub type Progress<'a> = dyn Fn(&Request) + Sync + 'a;

/// Asks all that the checks want to know. Returns the evidence and how long it took.
pub fn examine(wire: &dyn Wire, plan: &Plan, limits: Limits, progress: &Progress) -> (Evidence, Duration) {
    let recorder = Recorder::new(wire);
    let mut evidence = Evidence::new(wire.now(), plan.clone());
    let mut elapsed = Duration::ZERO;
    for _ in 0..ROUNDS {
        let questions = open_questions(&evidence);
        if questions.is_empty() {
            break;
        }
        let round = Round { wire, recorder: &recorder, limits, started: elapsed, progress };
        let (exchanges, took) = round.put(questions);
        elapsed += took;
        evidence.exchanges.extend(exchanges);
    }
    (evidence, elapsed)
}

/// The questions that can be put now: of every check that nothing failed stands in the way of, in the catalogue's order.
fn open_questions(evidence: &Evidence) -> Vec<Request> {
    let so_far = diagnose(evidence);
    let mut questions: Vec<Request> = Vec::new();
    for judged in &so_far.checks {
        if judged.verdict.status() == Status::Blocked {
            continue;
        }
        for request in (judged.check.ask)(&Case::new(evidence, &judged.subject)) {
            if !evidence.has(&request) && !questions.contains(&request) {
                questions.push(request);
            }
        }
    }
    questions
}

/// One round: independent questions, put together.
struct Round<'a> {
    wire: &'a dyn Wire,
    recorder: &'a Recorder<'a>,
    limits: Limits,
    started: Duration,
    progress: &'a Progress<'a>,
}

impl Round<'_> {
    /// Deals the questions to a few threads, in a fixed way, and returns the exchanges in the order of the questions.
    fn put(&self, questions: Vec<Request>) -> (Vec<Exchange>, Duration) {
        let mut lanes: Vec<Vec<(usize, Request)>> = vec![Vec::new(); 2 * LANES];
        let (mut to_metadata, mut elsewhere) = (0, 0);
        for (index, request) in questions.into_iter().enumerate() {
            let lane = if request.goes_to_metadata() {
                to_metadata += 1;
                (to_metadata - 1) % LANES
            } else {
                elsewhere += 1;
                LANES + (elsewhere - 1) % LANES
            };
            lanes[lane].push((index, request));
        }
        let done: Mutex<Vec<(usize, Exchange)>> = Mutex::default();
        let longest: Mutex<Duration> = Mutex::default();
        std::thread::scope(|scope| {
            for lane in lanes.into_iter().filter(|lane| !lane.is_empty()) {
                scope.spawn(|| {
                    let mut elapsed = self.started;
                    for (index, request) in lane {
                        let (exchange, took) = self.ask(request, elapsed);
                        elapsed += took;
                        done.lock().unwrap_or_else(PoisonError::into_inner).push((index, exchange));
                    }
                    let mut longest = longest.lock().unwrap_or_else(PoisonError::into_inner);
                    *longest = (*longest).max(elapsed - self.started);
                });
            }
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by_key(|(index, _)| *index);
        let longest = longest.into_inner().unwrap_or_else(PoisonError::into_inner);
        (done.into_iter().map(|(_, exchange)| exchange).collect(), longest)
    }

    /// Puts one question until its answer stands or its time is over. Every try is kept.
    fn ask(&self, request: Request, started: Duration) -> (Exchange, Duration) {
        (self.progress)(&request);
        let budget = self.limits.question.min(self.limits.deadline.saturating_sub(started));
        let mut attempts = Vec::new();
        let mut spent = Duration::ZERO;
        if budget.is_zero() {
            let outcome = Outcome::failed(Failure::OutOfTime, "the run's deadline had passed");
            attempts.push(Attempt { started_ms: millis(started), duration_ms: 0, outcome });
            return (Exchange { request, attempts }, spent);
        }
        loop {
            let (took, outcome) = self.recorder.ask(&request, budget.saturating_sub(spent));
            let again = again_after(&request, &outcome, attempts.len());
            let started_ms = millis(started + spent);
            spent += took;
            let outcome = if budget < self.limits.question { cut_short(outcome, spent, budget) } else { outcome };
            attempts.push(Attempt { started_ms, duration_ms: millis(took), outcome });
            match again {
                // A try that has less time than this one took would only end in a time-out.
                Some(pause) if spent.saturating_add(pause).saturating_add(took.max(LEAST)) <= budget => {
                    self.wire.pause(pause);
                    spent += pause;
                }
                _ => return (Exchange { request, attempts }, spent),
            }
        }
    }
}

/// An answer that did not come because the run's deadline left less than a question's time says nothing of the other side.
/// Nine tenths of the time is what a connection gets, so from there on it was the deadline.
fn cut_short(outcome: Outcome, spent: Duration, budget: Duration) -> Outcome {
    match &outcome {
        Outcome::Failed(failed)
            if matches!(
                failed.why,
                Failure::ConnectTimeout | Failure::AnswerTimeout | Failure::NameUnknown | Failure::ProxyFailed
            ) && spent >= budget.mul_f64(0.85) =>
        {
            Outcome::failed(Failure::OutOfTime, "the run's deadline passed before the answer came")
        }
        _ => outcome,
    }
}

/// When to put a question again, by the documented rules: 429 and 5xx with back-off, and 404 on the token path, which the
/// metadata service gives while it is updated. A 410 is reported with its 70 seconds, not waited for. Strangers are not
/// asked again.
fn again_after(request: &Request, outcome: &Outcome, tries: usize) -> Option<Duration> {
    let answer = outcome.answer()?;
    let scheduled = BACK_OFF.get(tries).copied()?;
    let busy = answer.status == 429 || (500..600).contains(&answer.status);
    if request.goes_to_metadata() {
        let azure = matches!(metadata::responder(answer), Responder::Azure | Responder::AzureRestarting);
        let updating = answer.status == 404 && request.asks_for_token();
        return (azure && (busy || updating)).then_some(scheduled);
    }
    let told = answer.header("retry-after").and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
    let told = told.map(|told: Duration| told.min(LONGEST_PAUSE));
    (busy && request.url().is_some_and(|url| url.starts_with("https://")))
        .then(|| told.unwrap_or(scheduled).max(BACK_OFF[0]))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

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
    let mut judged: Vec<Judged> = checks::all()
        .flat_map(|check| (check.subjects)(&evidence.asked).into_iter().map(move |subject| (check, subject)))
        .map(|(check, subject)| {
            let case = Case::new(evidence, &subject);
            let verdict = (check.judge)(&case);
            let took = time_spent(evidence, &(check.ask)(&case));
            Judged { check, subject, verdict, took }
        })
        .collect();
    block(&mut judged);
    settle(&mut judged);
    let root_cause = root_cause(&judged);
    let overall = overall(&judged, evidence);
    Diagnosis { checks: judged, root_cause, overall }
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
    let failed: Vec<&str> =
        judged.iter().filter(|one| one.verdict.status() == Status::Fail).map(|one| one.check.id).collect();
    for one in judged {
        if let Verdict::Blocked(by) = one.verdict
            && !failed.contains(&by)
        {
            one.verdict = Verdict::Unknown(format!("it depends on the check {by}, which could not be judged"));
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
        Verdict::Found(findings) => findings
            .iter()
            .find(|finding| finding.severity == crate::check::Severity::Error)
            .map(|finding| finding.code),
        _ => None,
    }
}

fn overall(judged: &[Judged], evidence: &Evidence) -> Overall {
    let any = |status: Status| judged.iter().any(|one| one.verdict.status() == status);
    let cut_short = evidence.exchanges.iter().any(|exchange| {
        exchange
            .attempts
            .iter()
            .any(|attempt| attempt.outcome.failure().is_some_and(|failed| failed.why == Failure::OutOfTime))
    });
    let open = judged
        .iter()
        .any(|one| one.check.essential && matches!(one.verdict.status(), Status::Unknown | Status::Blocked));
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
fn time_spent(evidence: &Evidence, requests: &[Request]) -> Duration {
    let spans = requests.iter().filter_map(|request| evidence.exchange(request)).filter_map(|exchange| {
        let first = exchange.attempts.first()?;
        let last = exchange.attempts.last()?;
        Some((first.started_ms, last.started_ms.saturating_add(last.duration_ms)))
    });
    let (start, end) = spans.fold((u64::MAX, 0), |(start, end), (from, to)| (start.min(from), end.max(to)));
    Duration::from_millis(end.saturating_sub(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::Answer;

    fn answered(status: u16, headers: &[(&str, &str)]) -> Outcome {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Outcome::Answered(Answer { status, headers, ..Answer::default() })
    }

    #[test]
    fn a_question_is_put_again_only_where_microsoft_says_so() {
        let token = Request::metadata("/metadata/identity/oauth2/token?x");
        let instance = Request::metadata("/metadata/instance?x");
        let manager = Request::manager("https://management.azure.com/x", None);
        let imds = [("server", "IMDS/1")];
        for (request, outcome, tries, seconds) in [
            (&token, answered(404, &imds), 0, Some(2)),
            (&token, answered(429, &imds), 1, Some(4)),
            (&token, answered(503, &imds), 2, Some(8)),
            (&token, answered(500, &[("server", "Microsoft-IIS/10.0"), ("content-type", "text/plain")]), 0, Some(2)),
            (&token, answered(503, &imds), 4, None),
            (&token, answered(410, &imds), 0, None),
            (&token, answered(400, &imds), 0, None),
            (&instance, answered(404, &imds), 0, None),
            (&instance, answered(504, &[("via", "1.1 proxy")]), 0, None),
            (&manager, answered(503, &[]), 0, Some(2)),
            (&manager, answered(429, &[("retry-after", "6")]), 0, Some(6)),
            (&manager, answered(429, &[("retry-after", "0")]), 0, Some(2)),
            (&manager, answered(503, &[("retry-after", "18446744073709551615")]), 0, Some(3600)),
            (&manager, answered(429, &[("retry-after", "soon")]), 1, Some(4)),
            (&manager, answered(403, &[]), 0, None),
            (&manager, Outcome::failed(Failure::Closed, ""), 0, None),
        ] {
            let again = again_after(request, &outcome, tries).map(|pause| pause.as_secs());
            assert_eq!(again, seconds, "{} {outcome:?} after {tries}", request.in_words());
        }
    }
}
