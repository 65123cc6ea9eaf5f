//! Ctrl-C, SIGTERM and SIGHUP: the command works in a thread of its own, and this waits for its end or for a signal. The first signal
//! lets an examination write down what it knows; the second, or the first to anything else, ends the run at once.
//!
//! It knows neither reports nor evidence. What is half written it has taken away, by [`crate::output`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Builder;
use std::time::Duration;

use crate::exit::{Exit, Signal};
use crate::output;

/// So long may it take to write down what is known. A pipe that nobody reads or a lock that another keeps can take for ever.
const GRACE: Duration = Duration::from_secs(5);

/// What a command's first thread has by itself.
const STACK: usize = 8 << 20;

/// Has a signal come? Shared by whoever waits for signals and whoever works.
#[derive(Clone, Default)]
pub struct Interruption(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    signal: Option<Signal>,
    /// Is there somebody who writes down what is known?
    heeded: bool,
}

impl Interruption {
    /// Does the work in a thread of its own, and waits for its end or for a signal; then the thread is left behind. From here on
    /// the first signal no longer ends the run at once: the caller is to write down what is known.
    ///
    /// # Errors
    /// The signal that came first.
    pub fn until<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Signal> {
        self.lock().heeded = true;
        let work = Arc::new(Mutex::new(Some(work)));
        let (ended, bell) = (Arc::new(AtomicBool::new(false)), Arc::clone(&self.0));
        let (theirs, rung) = (Arc::clone(&work), Arc::clone(&ended));
        let spawned = Builder::new().name("examination".into()).stack_size(STACK).spawn(move || {
            let _end = AtEnd(Some(move || {
                rung.store(true, Ordering::SeqCst);
                // Whoever is about to wait has the lock until he waits.
                drop(bell.state.lock());
                bell.changed.notify_all();
            }));
            take(&theirs).map(|work| work())
        });
        let thread = match spawned {
            Ok(thread) => thread,
            // No thread can be had: then it cannot be left behind either, and a signal ends the run when its time is over.
            Err(_) => return Ok(take(&work).map(|work| work()).unwrap_or_else(|| unreachable!("nobody else took it"))),
        };
        let mut state = self.lock();
        loop {
            if ended.load(Ordering::SeqCst) {
                drop(state);
                return match thread.join() {
                    Ok(Some(done)) => Ok(done),
                    Ok(None) => unreachable!("nobody else took it"),
                    Err(panic) => std::panic::resume_unwind(panic),
                };
            }
            if let Some(signal) = state.signal {
                return Err(signal);
            }
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A signal has come. Is there somebody who writes down what is known?
    fn cut_short(&self, signal: Signal) -> bool {
        let mut state = self.lock();
        state.signal = Some(signal);
        self.0.changed.notify_all();
        state.heeded
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take<F>(work: &Mutex<Option<F>>) -> Option<F> {
    work.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// Does something when it is dropped, also by a panic.
struct AtEnd<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for AtEnd<F> {
    fn drop(&mut self) {
        if let Some(last) = self.0.take() {
            last();
        }
    }
}

enum Event {
    /// The command's thread has ended.
    Ended,
    Came(Signal),
}

/// Runs a command so that signals can end it, and says how it ended. When it returns, the command's thread may still be at work;
/// nothing that it writes from then on is put in place.
pub fn guard(command: impl FnOnce(&Interruption) -> Exit + Send + 'static) -> Exit {
    let interruption = Interruption::default();
    let (send, events) = mpsc::channel();
    let command = Arc::new(Mutex::new(Some(command)));
    let (theirs, theirs_too, told) = (Arc::clone(&command), interruption.clone(), send.clone());
    let spawned = Builder::new().name("command".into()).stack_size(STACK).spawn(move || {
        // Nobody listens any more when a signal was faster.
        let _end = AtEnd(Some(move || drop(told.send(Event::Ended))));
        take(&theirs).map(|command| command(&theirs_too))
    });
    let Ok(thread) = spawned else {
        // No thread can be had. Then signals do what they do to every program.
        return take(&command).map_or(Exit::Usage, |command| command(&interruption));
    };
    watch(move |signal| send.send(Event::Came(signal)).is_ok());
    let end = || match thread.join() {
        Ok(exit) => exit.unwrap_or(Exit::Usage),
        Err(panic) => std::panic::resume_unwind(panic),
    };
    let Ok(Event::Came(signal)) = events.recv() else { return end() };
    if !interruption.cut_short(signal) {
        output::abandon();
        return signal.into();
    }
    match events.recv_timeout(GRACE) {
        Ok(Event::Came(second)) => {
            output::abandon();
            second.into()
        }
        Err(RecvTimeoutError::Timeout) => {
            output::abandon();
            output::note(&format!(
                "midoctor: ended by {}; what was known could not be written within {} seconds, because an output does not take it",
                signal.in_words(),
                GRACE.as_secs()
            ));
            signal.into()
        }
        // What went wrong meanwhile was told; that a signal came is what a script has to know.
        Ok(Event::Ended) | Err(RecvTimeoutError::Disconnected) => signal.into(),
    }
}

/// Tells of each signal that comes, in a thread of its own, as long as somebody listens. Where no thread can be had, signals do
/// what they do to every program.
fn watch(tell: impl Fn(Signal) -> bool + Send + 'static) {
    // Registered in the thread: what is registered and not listened to would be lost.
    drop(Builder::new().name("signals".into()).spawn(move || listen(tell)));
}

#[cfg(unix)]
fn listen(tell: impl Fn(Signal) -> bool + Send + 'static) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
    let wanted = [SIGINT, SIGTERM, SIGHUP, SIGXFSZ].into_iter().filter(|number| !is_ignored(*number));
    let Ok(mut signals) = signal_hook::iterator::Signals::new(wanted) else { return };
    for number in signals.forever() {
        let signal = match number {
            // A file may not grow any more (ulimit -f). Whoever writes it is told so as well, and says it.
            SIGXFSZ => continue,
            SIGTERM => Signal::Terminate,
            SIGHUP => Signal::HangUp,
            _ => Signal::Interrupt,
        };
        if !tell(signal) {
            return;
        }
    }
}

/// Was it decided that this signal does nothing to this process? A shell does so with SIGINT for what it runs in the background,
/// so that Ctrl-C is for the foreground alone. Linux says so in `status` (proc(5)); elsewhere it is not known.
#[cfg(unix)]
fn is_ignored(number: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    u32::try_from(number - 1).is_ok_and(|bit| mask.checked_shr(bit).unwrap_or_default() & 1 == 1)
}

/// A console of Windows sends Ctrl-C and Ctrl-Break, which mean the same here. Whoever ends a process by other means asks it nothing.
#[cfg(not(unix))]
fn listen(tell: impl Fn(Signal) -> bool + Send + 'static) {
    // Where it cannot be had, Ctrl-C does what it does to every program.
    drop(ctrlc::set_handler(move || {
        tell(Signal::Interrupt);
    }));
}
