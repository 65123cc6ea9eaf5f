//! What a run has learned so far, for whoever cannot wait for its end: a signal may come while a question is open. It asks nothing
//! and judges nothing; what is still open is marked as not answered, which is nobody's fault.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::evidence::{Attempt, CUT_SHORT, Evidence, Exchange, Failure, Outcome, Request, Wire};
use crate::plan::Plan;
use crate::reading::Reading;

use super::{millis, open_questions};

/// Shared by the run, which adds to it, and by whoever looks.
#[derive(Default)]
pub struct SoFar(Mutex<State>);

#[derive(Default)]
struct State {
    /// The rounds that are over.
    past: Option<Arc<Evidence>>,
    /// What came back in this one, with the number of its question; pages of a list have the same.
    done: Vec<(usize, Exchange)>,
    /// What did not come back yet.
    open: BTreeMap<usize, Open>,
    /// When the last answer came, where the wire does not count the time itself.
    latest: Duration,
}

struct Open {
    request: Request,
    /// When it was put, if it was.
    put: Option<Duration>,
    /// The tries that it was not left at.
    attempts: Vec<Attempt>,
}

impl SoFar {
    /// These questions are to be put now.
    pub(super) fn begin(&self, evidence: &Arc<Evidence>, questions: &[Request]) {
        let mut state = self.lock();
        state.past = Some(Arc::clone(evidence));
        let open = |request: &Request| Open { request: request.clone(), put: None, attempts: Vec::new() };
        state.open = questions.iter().map(open).enumerate().collect();
    }

    /// This one is put, in the place of the question of that number or of the page before it.
    pub(super) fn put(&self, index: usize, request: &Request, at: Duration) {
        let open = Open { request: request.clone(), put: Some(at), attempts: Vec::new() };
        self.lock().open.insert(index, open);
    }

    /// It is to be put again after this.
    pub(super) fn tried(&self, index: usize, attempt: &Attempt) {
        if let Some(open) = self.lock().open.get_mut(&index) {
            open.attempts.push(attempt.clone());
        }
    }

    /// What came back stands.
    pub(super) fn answered(&self, index: usize, exchange: Exchange, at: Duration) {
        let mut state = self.lock();
        state.open.remove(&index);
        state.done.push((index, exchange));
        state.latest = state.latest.max(at);
    }

    /// The round is over: what came back joins the evidence, in the order of the questions.
    pub(super) fn end(&self, evidence: &mut Arc<Evidence>) {
        let mut state = self.lock();
        // The only other owner, so that nothing is copied.
        state.past = None;
        let mut done = std::mem::take(&mut state.done);
        done.sort_by_key(|(index, _)| *index);
        Arc::make_mut(evidence).exchanges.extend(done.into_iter().map(|(_, exchange)| exchange));
        state.past = Some(Arc::clone(evidence));
    }

    /// What is known at this moment, with what is open marked as not answered, and how long it took so far. Is anything open?
    pub fn cut_short(&self, wire: &dyn Wire, plan: &Plan) -> (Evidence, Duration, bool) {
        let state = self.lock();
        let now = wire.elapsed().unwrap_or(state.latest);
        let mut evidence = match &state.past {
            Some(past) => Evidence::clone(past),
            None => Evidence::new(wire.now(), plan.clone()),
        };
        let mut all = state.done.clone();
        all.extend(state.open.iter().map(|(index, open)| (*index, open.cut_short(now))));
        let between_rounds = all.is_empty();
        all.sort_by_key(|(index, _)| *index);
        evidence.exchanges.extend(all.into_iter().map(|(_, exchange)| exchange));
        if between_rounds {
            let next = open_questions(&Reading::new(&evidence));
            let unasked =
                next.into_iter().map(|request| Open { request, put: None, attempts: Vec::new() }.cut_short(now));
            let unasked: Vec<Exchange> = unasked.collect();
            evidence.exchanges.extend(unasked);
        }
        let is_open = evidence.exchanges.iter().any(|exchange| {
            exchange.attempts.last().and_then(|last| last.outcome.failure()).is_some_and(|failed| failed.is_cut_short())
        });
        (evidence, now, is_open)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// The exchange that this is, ended now.
    fn cut_short(&self, now: Duration) -> Exchange {
        let ended = |attempt: &Attempt| attempt.started_ms.saturating_add(attempt.duration_ms);
        let started_ms = self.attempts.last().map(ended).or(self.put.map(millis)).unwrap_or(millis(now));
        let what = if self.put.is_some() { "before the answer came" } else { "before this could be asked" };
        let outcome = Outcome::failed(Failure::OutOfTime, format!("{CUT_SHORT} {what}"));
        let attempt = Attempt { started_ms, duration_ms: millis(now).saturating_sub(started_ms), outcome };
        let attempts = self.attempts.iter().cloned().chain([attempt]).collect();
        Exchange { request: self.request.clone(), attempts }
    }
}
