//! Shows how far the reading of a file is.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget};

use super::{drawn, terminal};

/// What takes longer shows how far it is.
const UNSHOWN: Duration = Duration::from_secs(1);

/// Shows how far the reading is: on a terminal only, and only when it takes its time.
pub struct Bar(ProgressBar);

impl Bar {
    /// For so many bytes, where that is known.
    pub fn new(size: Option<u64>) -> Self {
        let bar = ProgressBar::with_draw_target(size, ProgressDrawTarget::hidden());
        let template = match size {
            Some(_) => "{wide_bar} {bytes} of {total_bytes}, {eta} left",
            None => "{spinner} {bytes} read",
        };
        Self(bar.with_style(terminal::styled(template)))
    }

    /// So many more were read.
    pub fn advance(&self, bytes: usize) {
        if self.0.is_hidden() && self.0.elapsed() > UNSHOWN && terminal::redraws() {
            self.0.set_draw_target(drawn::target());
        }
        self.0.inc(u64::try_from(bytes).unwrap_or_default());
    }

    /// Nothing is left of it.
    pub fn end(&self) {
        self.0.finish_and_clear();
    }
}
