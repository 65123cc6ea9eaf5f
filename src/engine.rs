//! The half of a run that talks: [`examine`] puts questions, in rounds, until no check has one left; judging is in
//! [`crate::diagnosis`]. The order is fixed; nothing here knows what a question means, but for when it is worth asking again.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::azure::arm;
use crate::azure::metadata::{self, Responder};
use crate::case::Case;
use crate::check::Status;
use crate::destination::Destinations;
use crate::diagnosis;
use crate::evidence::{Attempt, Evidence, Exchange, Failure, Outcome, Request, Wire};
use crate::pace::{LANES, Pace};
use crate::plan::Plan;
use crate::reading::{PAGES, Reading};
use crate::recorder::Recorder;
use crate::selection::Selection;

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

/// More rounds than the longest chain of dependent questions; a check that always has a new question ends here.
const ROUNDS: usize = 16;
/// All pages of one list together may have so many bytes and a page more; what lies beyond is not read.
const LIST_BYTES: usize = 16 << 20;
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
    let mut lanes = Lanes::default();
    for _ in 0..ROUNDS {
        let reading = Reading::new(&evidence);
        let questions = open_questions(&reading);
        if questions.is_empty() {
            break;
        }
        let destinations = Destinations::new(&reading);
        // Judging takes time too, where time is real.
        elapsed = wire.elapsed().unwrap_or(elapsed);
        let round = Round { wire, recorder: &recorder, destinations, limits, started: elapsed, progress };
        let (exchanges, took) = round.put(questions, &mut lanes);
        elapsed += took;
        evidence.exchanges.extend(exchanges);
    }
    (evidence, wire.elapsed().unwrap_or(elapsed))
}

/// Puts these questions once, one after the other, and returns what came back, sealed: for those that the machine answers by
/// itself, such as its environment and its files.
pub fn ask_locally(wire: &dyn Wire, plan: &Plan, limits: Limits, questions: Vec<Request>) -> Evidence {
    let mut evidence = Evidence::new(wire.now(), plan.clone());
    let recorder = Recorder::new(wire);
    let mut exchanges = Vec::new();
    {
        let reading = Reading::new(&evidence);
        let destinations = Destinations::new(&reading);
        for request in questions {
            let (took, outcome) = recorder.ask(&request, &destinations, limits.question);
            let attempt = Attempt { started_ms: 0, duration_ms: millis(took), outcome };
            exchanges.push(Exchange { request, attempts: vec![attempt] });
        }
    }
    evidence.exchanges = exchanges;
    evidence
}

/// The questions that can be put now: of every check that nothing failed stands in the way of, in the catalogue's order.
fn open_questions(reading: &Reading) -> Vec<Request> {
    let so_far = diagnosis::judge(reading);
    let selection = Selection::new(reading.plan());
    let mut questions: Vec<Request> = Vec::new();
    let mut known: HashSet<Request> = HashSet::new();
    for judged in &so_far.checks {
        // What is left out is judged all the same where it stands in the way of what is not.
        let left_out = judged.verdict.status() == Status::Skip
            && selection.leaves_out(judged.check).is_some()
            && !selection.is_read(judged.check);
        if judged.verdict.status() == Status::Blocked || left_out {
            continue;
        }
        for request in (judged.check.ask)(&Case::new(reading, &judged.subject)) {
            if !reading.has(&request) && known.insert(request.clone()) {
                questions.push(request);
            }
        }
    }
    questions
}

/// What the threads of one round hand to those of the next.
#[derive(Default)]
struct Lanes {
    paces: [Pace; LANES],
    /// Questions dealt to the metadata service, and elsewhere: the next round goes on with the next lane.
    dealt: [usize; 2],
}

/// One round: independent questions, put together.
struct Round<'a> {
    wire: &'a dyn Wire,
    recorder: &'a Recorder<'a>,
    destinations: Destinations<'a>,
    limits: Limits,
    started: Duration,
    progress: &'a Progress<'a>,
}

impl Round<'_> {
    /// Deals the questions to a few threads, in a fixed way, and returns the exchanges in the order of the questions.
    fn put(&self, questions: Vec<Request>, state: &mut Lanes) -> (Vec<Exchange>, Duration) {
        let mut lanes: Vec<Vec<(usize, Request)>> = vec![Vec::new(); 2 * LANES];
        for (index, request) in questions.into_iter().enumerate() {
            let far = usize::from(!request.goes_to_metadata());
            lanes[far * LANES + state.dealt[far] % LANES].push((index, request));
            state.dealt[far] += 1;
        }
        let done: Mutex<Vec<(usize, Vec<Exchange>)>> = Mutex::default();
        let longest: Mutex<Duration> = Mutex::default();
        let paces = state.paces.iter_mut().map(Some).chain((0..LANES).map(|_| None));
        let waiting: Vec<_> = lanes.into_iter().zip(paces).filter(|(lane, _)| !lane.is_empty()).collect();
        let (lanes, waiting) = (waiting.len(), Mutex::new(waiting));
        let go = || {
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some((lane, mut pace)) = next else { return };
            let mut elapsed = self.started;
            for (index, request) in lane {
                let (exchanges, took) = self.ask_to_the_end(request, elapsed, pace.as_deref_mut());
                elapsed += took;
                done.lock().unwrap_or_else(PoisonError::into_inner).push((index, exchanges));
            }
            let mut longest = longest.lock().unwrap_or_else(PoisonError::into_inner);
            *longest = (*longest).max(elapsed - self.started);
        };
        std::thread::scope(|scope| {
            for _ in 0..lanes {
                // Where no thread can be had, this one goes down the lane.
                if std::thread::Builder::new().spawn_scoped(scope, go).is_err() {
                    go();
                }
            }
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by_key(|(index, _)| *index);
        let longest = longest.into_inner().unwrap_or_else(PoisonError::into_inner);
        (done.into_iter().flat_map(|(_, exchanges)| exchanges).collect(), longest)
    }

    /// Puts a question, and follows the list that it begins from page to page: each is a question of its own. What is wrong
    /// with a link that is not followed, the reading says.
    fn ask_to_the_end(
        &self,
        first: Request,
        started: Duration,
        mut pace: Option<&mut Pace>,
    ) -> (Vec<Exchange>, Duration) {
        let mut exchanges: Vec<Exchange> = Vec::new();
        let (mut took, mut bytes) = (Duration::ZERO, 0);
        let mut question = Some(first);
        while let Some(request) = question {
            let (exchange, spent) = self.ask(request, started + took, pace.as_deref_mut());
            took += spent;
            let next = self.next_page(&exchange);
            bytes += exchange.last().and_then(|attempt| attempt.outcome.answer()).map_or(0, |answer| answer.body.len());
            exchanges.push(exchange);
            let new = |next: &Request| exchanges.iter().all(|known| known.request != *next);
            question = next.filter(new).filter(|_| exchanges.len() < PAGES && bytes < LIST_BYTES);
        }
        (exchanges, took)
    }

    /// The question for the next page of a list of Azure Resource Manager's, at the same host.
    fn next_page(&self, exchange: &Exchange) -> Option<Request> {
        self.destinations.is_manager(exchange.request.url()?).then_some(())?;
        exchange.request.at_same_host(&arm::next_link(exchange.last()?.outcome.answer()?)?)
    }

    /// Puts one question until its answer stands or its time is over. Every try is kept.
    fn ask(&self, request: Request, started: Duration, mut pace: Option<&mut Pace>) -> (Exchange, Duration) {
        (self.progress)(&request);
        let held = self.hold(started, pace.as_deref_mut());
        let started = started + held;
        let budget = self.limits.question.min(self.limits.deadline.saturating_sub(started));
        let mut attempts = Vec::new();
        let mut spent = Duration::ZERO;
        if budget.is_zero() {
            let outcome = Outcome::failed(Failure::OutOfTime, "the run's deadline had passed");
            attempts.push(Attempt { started_ms: millis(started), duration_ms: 0, outcome });
            return (Exchange { request, attempts }, held);
        }
        loop {
            let (took, outcome) = self.recorder.ask(&request, &self.destinations, budget.saturating_sub(spent));
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
                    spent += self.hold(started + spent, pace.as_deref_mut());
                }
                _ => return (Exchange { request, attempts }, held + spent),
            }
        }
    }

    /// Waits until the pace allows the next question, or the run is over, and returns how long that was.
    fn hold(&self, now: Duration, pace: Option<&mut Pace>) -> Duration {
        let left = self.limits.deadline.saturating_sub(now);
        let wait = pace.filter(|_| !left.is_zero()).map(|pace| pace.wait(now)).unwrap_or_default().min(left);
        if !wait.is_zero() {
            self.wire.pause(wait);
        }
        wait
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
