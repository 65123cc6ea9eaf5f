//! The pace at which the metadata service is asked: five questions at a time and twenty a second, its documented limit for
//! tokens. Time here is the run's own, so that a simulated run keeps the same pace.

use std::collections::VecDeque;
use std::time::Duration;

/// So many questions are put at a time, to the metadata service and to all others.
pub const LANES: usize = 5;
/// So many questions go down one lane to the metadata service within a second; with all lanes that is twenty.
const A_SECOND: usize = 4;

/// The questions that one lane put within the last second.
#[derive(Debug, Default)]
pub struct Pace {
    started: VecDeque<Duration>,
}

impl Pace {
    /// How long a question that could be put now, counted from the start of the run, has to wait. It counts as put then.
    pub fn wait(&mut self, now: Duration) -> Duration {
        let due = match self.started.len() {
            A_SECOND.. => self.started.pop_front().unwrap_or_default() + Duration::from_secs(1),
            _ => Duration::ZERO,
        };
        let start = now.max(due);
        self.started.push_back(start);
        start - now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_lanes_stay_within_twenty_a_second_and_the_first_twenty_do_not_wait() {
        let mut starts = Vec::new();
        for _ in 0..LANES {
            let mut pace = Pace::default();
            let mut now = Duration::ZERO;
            for _ in 0..10 {
                now += pace.wait(now);
                starts.push(now);
                now += Duration::from_millis(7);
            }
        }
        starts.sort();
        assert!(starts[19] < Duration::from_millis(100), "{starts:?}");
        for (index, start) in starts.iter().enumerate() {
            let within = starts[index..].iter().filter(|other| **other < *start + Duration::from_secs(1)).count();
            assert!(within <= 20, "{within} within a second of {start:?}");
        }
    }
}
