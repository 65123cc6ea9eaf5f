//! Examinations that a signal can cut short: they go on in a thread of their own, and what is known is seen from outside of it.
//! How a signal comes, [`crate::interrupt`] knows; what it decides about the process, nobody here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::diagnosis;
use crate::engine::{self, Limits, Progress, SoFar};
use crate::evidence::{Evidence, Request, Wire};
use crate::exit::Signal;
use crate::fill::visible;
use crate::interrupt::Interruption;
use crate::options::ExamineOptions;
use crate::plan::{Plan, Whose};
use crate::report::{CutShort, Report, Run, Stretch};
#[cfg(feature = "simulator")]
use crate::simulator::SimulatedMachine;
use crate::wire::Machine;

use super::{drawn, terminal, wait};

/// A wire that outlives whoever waits for its answers.
type SharedWire = Arc<dyn Wire + Send + Sync>;

/// A report, and the signal that it is the result of.
pub struct Examined {
    /// Of all, or of what was known.
    pub report: Report,
    /// It came before the end.
    pub signal: Option<Signal>,
}

/// What is known at any moment.
#[derive(Default)]
pub struct Known(Mutex<Looks>);

#[derive(Default)]
struct Looks {
    /// The examination that is under way.
    now: Option<(SharedWire, Plan, Arc<SoFar>)>,
    /// The last whole one, of several.
    last: Option<Report>,
}

impl Known {
    /// Asks, judges, and puts it into words.
    pub fn examine(&self, wire: SharedWire, plan: &Plan, limits: Limits, progress: &Progress) -> Report {
        let so_far = Arc::new(SoFar::default());
        self.lock().now = Some((Arc::clone(&wire), plan.clone(), Arc::clone(&so_far)));
        let (evidence, took) = engine::examine_openly(&*wire, plan, limits, progress, &so_far);
        // Others may see the evidence until its report is there.
        judged(Evidence::clone(&evidence), took, None)
    }

    /// Examines this machine once: as it is now, with nothing kept from another time.
    pub fn examine_this_machine(&self, plan: &Plan, limits: Limits, progress: &Progress) -> Report {
        let machine = Arc::new(Machine::new(plan.environment.clone()));
        Machine::warm_up(&machine);
        self.examine(machine, plan, limits, progress)
    }

    /// This is what the last whole examination found.
    pub fn keep(&self, report: Report) {
        self.lock().last = Some(report);
    }

    /// The report that a signal leaves behind.
    fn cut_short(&self, by: Signal, after: Duration) -> Report {
        let mut looks = self.lock();
        let cut = |during| CutShort { by, during, after_ms: millis(after) };
        if let Some(mut last) = looks.last.take() {
            last.run.cut_short = Some(cut(Stretch::Waiting));
            last.notes.splice(..0, last.run.cut_short_in_words());
            return last;
        }
        let nothing = || {
            let wire: SharedWire = Arc::new(Machine::new(Whose::Own));
            (wire, Plan::default(), Arc::default())
        };
        let (wire, plan, so_far) = looks.now.take().unwrap_or_else(nothing);
        let (evidence, took, is_open) = so_far.cut_short(&*wire, &plan);
        judged(evidence, took, is_open.then(|| cut(Stretch::Examination)))
    }

    fn lock(&self) -> MutexGuard<'_, Looks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Examines this machine: once, or, with `--wait`, until nothing stands in the way any more, or waiting is of no use.
///
/// The report is the last examination's, and what happened before it is in `run.waiting`.
pub fn of_this_machine(options: &ExamineOptions, interruption: &Interruption) -> Examined {
    let options = options.clone();
    examined(interruption, move |known, spinner| match options.wait {
        None => known.examine_this_machine(&options.plan, options.limits, &shown_by(spinner)),
        Some(limit) => wait::until_healthy(&options, limit, known, spinner),
    })
}

/// Examines a simulated machine.
#[cfg(feature = "simulator")]
pub fn of(machine: SimulatedMachine, plan: Plan, interruption: &Interruption) -> Examined {
    let machine = Arc::new(machine);
    examined(interruption, move |known, spinner| known.examine(machine, &plan, Limits::default(), &shown_by(spinner)))
}

/// Examines this machine once, where nobody asks for what is known in between.
pub fn at_once(plan: &Plan, limits: Limits) -> Report {
    let spinner = spinner();
    let report = Known::default().examine_this_machine(plan, limits, &shown_by(&spinner));
    clear(&spinner);
    report
}

fn examined(
    interruption: &Interruption,
    work: impl FnOnce(&Known, &ProgressBar) -> Report + Send + 'static,
) -> Examined {
    let clock = Machine::new(Whose::Own);
    let (known, spinner) = (Arc::new(Known::default()), spinner());
    let (theirs, shown) = (Arc::clone(&known), spinner.clone());
    let done = interruption.until(move || work(&theirs, &shown));
    clear(&spinner);
    match done {
        Ok(report) => Examined { report, signal: None },
        Err(signal) => {
            let report = known.cut_short(signal, clock.elapsed().unwrap_or_default());
            Examined { report, signal: Some(signal) }
        }
    }
}

fn judged(evidence: Evidence, took: Duration, cut_short: Option<CutShort>) -> Report {
    let diagnosis = diagnosis::diagnose(&evidence);
    let run = Run {
        id: uuid::Uuid::new_v4().to_string(),
        started: evidence.taken_at.to_string(),
        duration_ms: millis(took),
        attempts: 1,
        waited_ms: 0,
        waiting: None,
        cut_short,
    };
    Report::new(&diagnosis, evidence, run)
}

/// Shows the question being asked, on a terminal only.
fn spinner() -> ProgressBar {
    let spinner = ProgressBar::with_draw_target(None, drawn::target());
    if spinner.is_hidden() {
        return spinner;
    }
    spinner.set_style(terminal::styled("{spinner} {wide_msg}"));
    let turning = spinner.clone();
    // The library's own ticker panics where no thread can be had; without one it turns with the questions.
    let ticker = std::thread::Builder::new().spawn(move || {
        while !turning.is_finished() {
            turning.tick();
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    drop(ticker);
    spinner
}

/// Takes the line away, for good: whoever is left behind may still tell it of questions.
fn clear(spinner: &ProgressBar) {
    spinner.finish_and_clear();
    spinner.set_draw_target(ProgressDrawTarget::hidden());
}

fn shown_by(spinner: &ProgressBar) -> impl Fn(&Request) + Sync + use<'_> {
    |request| spinner.set_message(visible(&request.in_words()))
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
