//! Waiting for what a machine does in its own time. No test passes or fails by how long that took; what has not come by then hangs.

#![allow(dead_code, missing_docs)]

use std::time::{Duration, Instant};

/// Tries for a minute.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what}: not within a minute");
        std::thread::sleep(Duration::from_millis(10));
    }
}
