//! `--wait`: examines this machine until all is well or it is of no use to wait longer. What decides is in `waiting`; here are the
//! clock, the pauses and what is shown meanwhile, on standard error.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::cli::When;
use crate::engine::Progress;
use crate::evidence::{Request, Wire};
use crate::fill::visible;
use crate::options::ExamineOptions;
use crate::output;
use crate::plan::Whose;
use crate::render::style::Style;
use crate::report::Report;
use crate::waiting::{History, Next};
use crate::wire::Machine;

use super::examination::Known;
use super::terminal;

/// Where nothing can be redrawn, so often a line says that it is still waiting.
const REMINDER: Duration = Duration::from_secs(60);

/// Examines this machine until nothing stands in the way any more, or waiting is of no use. What it finds on the way is kept
/// in `known`.
pub fn until_healthy(options: &ExamineOptions, limit: Duration, known: &Known, spinner: &ProgressBar) -> Report {
    let clock = Machine::new(Whose::Own);
    let mut shown = Shown::new(limit, terminal::redraws().then(|| spinner.clone()));
    let look = |progress: &Progress| {
        // Afresh each time: the environment, files and roots can change meanwhile.
        known.examine_this_machine(&options.plan, options.limits, progress)
    };
    wait(&clock, limit, &mut shown, &look, &|report| known.keep(report))
}

fn wait(
    clock: &dyn Wire,
    limit: Duration,
    shown: &mut Shown,
    look: &dyn Fn(&Progress) -> Report,
    keep: &dyn Fn(Report),
) -> Report {
    let now = || clock.elapsed().unwrap_or_default();
    let mut history = History::new(limit);
    loop {
        let mut report = look(&|request| shown.asking(request));
        let waited = history.waited();
        let next = history.next(&report, now());
        report.run.attempts = history.looks();
        report.run.waited_ms = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        match next {
            Next::End(waiting) => {
                report.run.waiting = Some(waiting);
                return report;
            }
            Next::Again { pause, what, changed } => {
                keep(report);
                shown.waiting(&what, history.looks(), changed, now());
                let until = now() + pause;
                while let Some(left) = until.checked_sub(now()).filter(|left| !left.is_zero()) {
                    clock.pause(left.min(shown.due(now())));
                    shown.remind(&what, history.looks(), now());
                }
            }
        }
    }
}

/// What is shown while it waits.
struct Shown {
    limit: Duration,
    style: Style,
    /// A line that redraws, on a terminal.
    bar: Option<ProgressBar>,
    /// Takes lines, elsewhere.
    tell: Box<dyn FnMut(&str) + Send + Sync>,
    /// When the last of them was told.
    last: Duration,
    waits: bool,
}

impl Shown {
    fn new(limit: Duration, bar: Option<ProgressBar>) -> Self {
        let style = terminal::style(When::Never);
        Self { limit, style, bar, tell: Box::new(output::note), last: Duration::ZERO, waits: false }
    }

    /// Until something is waited for, the question being asked.
    fn asking(&self, request: &Request) {
        if let Some(bar) = self.bar.as_ref().filter(|_| !self.waits) {
            bar.set_message(visible(&request.in_words()));
        }
    }

    /// It waits for this, after so many examinations.
    fn waiting(&mut self, what: &str, looks: u32, changed: bool, now: Duration) {
        if let Some(bar) = &self.bar {
            if !self.waits {
                bar.set_style(self.line());
            }
            self.waits = true;
            bar.set_prefix((looks + 1).to_string());
            bar.set_message(self.style.plain(what));
        } else if changed {
            self.say("waiting", what, looks, now);
        }
    }

    /// How long until the next reminder.
    fn due(&self, now: Duration) -> Duration {
        match &self.bar {
            Some(_) => Duration::MAX,
            None => (self.last + REMINDER).saturating_sub(now).max(Duration::from_millis(1)),
        }
    }

    fn remind(&mut self, what: &str, looks: u32, now: Duration) {
        if self.bar.is_none() && now >= self.last + REMINDER {
            self.say("still waiting", what, looks, now);
        }
    }

    fn say(&mut self, verb: &str, what: &str, looks: u32, now: Duration) {
        self.last = now;
        let (what, now, limit) = (self.style.plain(what), in_seconds(now), humantime::format_duration(self.limit));
        (self.tell)(&format!("midoctor: {verb} for {what}; {now} of {limit}, attempt {looks}"));
    }

    /// The line's form. What it waits for is cut where the terminal ends.
    fn line(&self) -> ProgressStyle {
        let template = format!(
            "{{spinner}} {{waited}} of {}, attempt {{prefix}}, waiting for {{wide_msg}}",
            humantime::format_duration(self.limit)
        );
        terminal::styled(&template).with_key("waited", |state: &ProgressState, line: &mut dyn std::fmt::Write| {
            // A line that cannot be written is drawn anew in a moment.
            let _ = line.write_str(&in_seconds(state.elapsed()));
        })
    }
}

/// `1m 20s`: whole seconds.
fn in_seconds(duration: Duration) -> String {
    humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
}

// What it waits for is simulated.
#[cfg(test)]
#[cfg(feature = "simulator")]
mod tests {
    use std::sync::{Arc, Mutex};

    use crate::engine::Limits;
    use crate::evidence::{Failure, Outcome, Raw, Reply};
    use crate::plan::Plan;
    use crate::report::WaitEnd;
    use crate::scenarios;
    use crate::simulator::{Azure, SimulatedMachine};
    use crate::token::Token;

    use super::*;

    /// Time that passes when it is slept through, and is not counted otherwise.
    #[derive(Default)]
    struct Clock(Mutex<Duration>);

    impl Wire for Clock {
        fn ask(&self, _: &Request, _: Option<&Token>, _: Duration) -> Reply {
            Reply { took: Duration::ZERO, raw: Raw::Plain(Outcome::failed(Failure::Unsupported, "")) }
        }

        fn pause(&self, how_long: Duration) {
            *self.0.lock().expect("no other thread") += how_long;
        }

        fn now(&self) -> jiff::Timestamp {
            jiff::Timestamp::UNIX_EPOCH
        }

        fn elapsed(&self) -> Option<Duration> {
            Some(*self.0.lock().expect("no other thread"))
        }
    }

    /// Waits that long while these scenarios are played, each up to its time in seconds. Returns the report and the lines.
    fn waited(limit: u64, states: &[(u64, &str)]) -> (Report, Vec<String>) {
        let clock = Clock::default();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let mut shown = Shown::new(Duration::from_secs(limit), None);
        let known = Known::default();
        let told = Arc::clone(&lines);
        shown.tell = Box::new(move |line| told.lock().expect("no other thread").push(line.to_owned()));
        let look = |progress: &Progress| {
            let now = clock.elapsed().unwrap_or_default().as_secs();
            let name = states.iter().find(|(until, _)| now < *until).map_or("healthy", |(_, name)| name);
            let scenario = scenarios::find(name).and_then(|found| found.scenario()).expect("a scenario");
            let machine = Arc::new(SimulatedMachine::new(Azure::new(scenario)));
            known.examine(machine, &Plan::default(), Limits::default(), progress)
        };
        let report = wait(&clock, Duration::from_secs(limit), &mut shown, &look, &|report| known.keep(report));
        let lines = lines.lock().expect("no other thread").clone();
        (report, lines)
    }

    #[test]
    fn a_line_is_told_at_each_change_and_once_a_minute() {
        let (report, lines) = waited(600, &[(30, "imds-throttled"), (170, "role-missing")]);
        let ended = report.run.waiting.as_ref().map(|waiting| waiting.ended);
        assert_eq!((report.exit_code, ended, report.run.waited_ms), (0, Some(WaitEnd::Healthy), 180_000));
        assert_eq!(
            lines,
            [
                "midoctor: waiting for imds-throttled: The metadata service is throttling this VM; 0s of 10m, attempt 1",
                "midoctor: waiting for role-missing: The identity holds no role that lets it read this VM; 30s of 10m, attempt 5",
                "midoctor: still waiting for role-missing: The identity holds no role that lets it read this VM; 1m 30s of 10m, attempt 9",
                "midoctor: still waiting for role-missing: The identity holds no role that lets it read this VM; 2m 30s of 10m, attempt 11",
            ]
        );
        assert_eq!(report.run.attempts, 13);
    }

    #[test]
    fn what_ends_at_once_tells_nothing() {
        for (name, ended) in [("healthy", WaitEnd::Healthy), ("identity-ambiguous", WaitEnd::DoesNotHeal)] {
            let (report, lines) = waited(600, &[(3600, name)]);
            assert_eq!(
                (report.run.waiting.map(|waiting| waiting.ended), report.run.attempts),
                (Some(ended), 1),
                "{name}"
            );
            assert!(lines.is_empty(), "{lines:?}");
        }
    }

    #[test]
    fn the_last_examination_begins_at_the_end_of_the_time() {
        let (report, _) = waited(20, &[(3600, "role-missing")]);
        let waiting = report.run.waiting.expect("it waited");
        assert_eq!((waiting.ended, waiting.unchanged_ms, report.run.waited_ms), (WaitEnd::OutOfTime, 20_000, 20_000));
    }
}
