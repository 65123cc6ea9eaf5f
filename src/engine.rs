//! The half of a run that talks: [`examine`] puts questions, in rounds, until no check has one left; judging is in
//! [`crate::diagnosis`]. The order is fixed; nothing here knows what a question means, but for when it is worth asking again.

mod so_far;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
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

pub use so_far::SoFar;

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

/// The wire makes nothing of the last millisecond that it has, and a clock is read before and after.
const TICK: Duration = Duration::from_millis(2);

/// A try with less time than this is not worth it.
const LEAST: Duration = Duration::from_millis(500);

/// Told of every question when it is put, for people who wait.
pub type Progress<'a> = dyn Fn(&Request) + Sync + 'a;

/// Asks all that the checks want to know. Returns the evidence and how long it took.
pub fn examine(wire: &dyn Wire, plan: &Plan, limits: Limits, progress: &Progress) -> (Evidence, Duration) {
    let (evidence, took) = examine_openly(wire, plan, limits, progress, &SoFar::default());
    (Arc::unwrap_or_clone(evidence), took)
}

/// The same, where others can see at any moment what is known so far.
pub fn examine_openly(
    wire: &dyn Wire,
    plan: &Plan,
    limits: Limits,
    progress: &Progress,
    so_far: &SoFar,
) -> (Arc<Evidence>, Duration) {
    let recorder = Recorder::new(wire);
    let mut evidence = Arc::new(Evidence::new(wire.now(), plan.clone()));
    let mut elapsed = Duration::ZERO;
    let mut lanes = Lanes::default();
    for _ in 0..ROUNDS {
        let took = {
            let reading = Reading::new(&evidence);
            let questions = open_questions(&reading);
            if questions.is_empty() {
                break;
            }
            let destinations = Destinations::new(&reading);
            // Judging takes time too, where time is real.
            elapsed = wire.elapsed().unwrap_or(elapsed);
            so_far.begin(&evidence, &questions);
            let round = Round { wire, recorder: &recorder, destinations, limits, started: elapsed, progress, so_far };
            round.put(questions, &mut lanes)
        };
        elapsed += took;
        so_far.end(&mut evidence);
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
    so_far: &'a SoFar,
}

/// The questions of one thread, each with its number, and the pace that they keep.
struct Lane<'a> {
    questions: Vec<(usize, Request)>,
    pace: Option<&'a mut Pace>,
}

impl Round<'_> {
    /// Deals the questions to a few threads, in a fixed way, and returns how long the longest of them took.
    fn put(&self, questions: Vec<Request>, state: &mut Lanes) -> Duration {
        let mut lanes: Vec<Vec<(usize, Request)>> = vec![Vec::new(); 2 * LANES];
        for (index, request) in questions.into_iter().enumerate() {
            let far = usize::from(!request.goes_to_metadata());
            lanes[far * LANES + state.dealt[far] % LANES].push((index, request));
            state.dealt[far] += 1;
        }
        let paces = state.paces.iter_mut().map(Some).chain((0..LANES).map(|_| None));
        let lanes = lanes.into_iter().zip(paces).filter(|(lane, _)| !lane.is_empty());
        let lanes: Vec<Mutex<Option<Lane>>> =
            lanes.map(|(questions, pace)| Mutex::new(Some(Lane { questions, pace }))).collect();
        let longest: Mutex<Duration> = Mutex::default();
        let work = |lane: &Mutex<Option<Lane>>| {
            if let Some(lane) = lane.lock().unwrap_or_else(PoisonError::into_inner).take() {
                let took = self.work(lane);
                let mut longest = longest.lock().unwrap_or_else(PoisonError::into_inner);
                *longest = (*longest).max(took);
            }
        };
        std::thread::scope(|scope| {
            let spawn = |lane| std::thread::Builder::new().spawn_scoped(scope, move || work(lane));
            // What no thread can be had for is asked here, one after the other.
            let left: Vec<&Mutex<Option<Lane>>> = lanes.iter().filter(|lane| spawn(*lane).is_err()).collect();
            left.into_iter().for_each(work);
        });
        longest.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the questions of a lane, and returns how long that took.
    fn work(&self, lane: Lane) -> Duration {
        let Lane { questions, mut pace } = lane;
        let mut elapsed = self.started;
        for (index, request) in questions {
            elapsed += self.ask_to_the_end(index, request, elapsed, pace.as_deref_mut());
        }
        elapsed - self.started
    }

    /// Puts a question, and follows the list that it begins from page to page: each is a question of its own. What is wrong
    /// with a link that is not followed, the reading says. Returns how long that took.
    fn ask_to_the_end(&self, index: usize, first: Request, started: Duration, mut pace: Option<&mut Pace>) -> Duration {
        let mut pages: Vec<Request> = Vec::new();
        let (mut took, mut bytes) = (Duration::ZERO, 0);
        let mut question = Some(first);
        while let Some(request) = question {
            let (exchange, spent) = self.ask(index, request, started + took, pace.as_deref_mut());
            took += spent;
            let next = self.next_page(&exchange);
            bytes += exchange.last().and_then(|attempt| attempt.outcome.answer()).map_or(0, |answer| answer.body.len());
            pages.push(exchange.request.clone());
            self.so_far.answered(index, exchange, started + took);
            question = next.filter(|next| !pages.contains(next)).filter(|_| pages.len() < PAGES && bytes < LIST_BYTES);
        }
        took
    }

    /// The question for the next page of a list of Azure Resource Manager's, at the same host.
    fn next_page(&self, exchange: &Exchange) -> Option<Request> {
        self.destinations.is_manager(exchange.request.url()?).then_some(())?;
        exchange.request.at_same_host(&arm::next_link(exchange.last()?.outcome.answer()?)?)
    }

    /// Puts one question until its answer stands or its time is over. Every try is kept.
    fn ask(
        &self,
        index: usize,
        request: Request,
        started: Duration,
        mut pace: Option<&mut Pace>,
    ) -> (Exchange, Duration) {
        (self.progress)(&request);
        self.so_far.put(index, &request, started);
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
                    attempts.last().inspect(|attempt| self.so_far.tried(index, attempt));
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
            ) && spent + TICK >= budget.mul_f64(0.85) =>
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
    fn what_the_deadline_leaves_no_time_for_is_nobodys_failure() {
        let failed = |why| Outcome::failed(why, "");
        for (outcome, spent, budget, out_of_time) in [
            (failed(Failure::ProxyFailed), 600, 1_500, true),
            (failed(Failure::AnswerTimeout), 0, 900, true),
            (failed(Failure::ConnectTimeout), 8_600, 10_000, true),
            (failed(Failure::ConnectTimeout), 4_000, 10_000, false),
            (failed(Failure::ProxyFailed), 600, 10_000, false),
            (failed(Failure::Refused), 9_990, 10_000, false),
        ] {
            let judged = cut_short(outcome.clone(), Duration::from_micros(spent), Duration::from_micros(budget));
            let why = judged.failure().map(|failed| failed.why == Failure::OutOfTime);
            assert_eq!(why, Some(out_of_time), "{outcome:?} after {spent} of {budget} µs");
        }
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
