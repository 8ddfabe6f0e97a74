//! How far an import is: a bar on a terminal, a line now and then elsewhere.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

use crate::output::Output;

/// Between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Shows it.
#[derive(Debug)]
pub(super) struct Progress {
    out: Output,
    bar: ProgressBar,
    phase: &'static str,
    done: u64,
    last_line: Instant,
}

impl Progress {
    pub(super) fn new(out: Output) -> Progress {
        Progress {
            out,
            bar: ProgressBar::hidden(),
            phase: "",
            done: 0,
            last_line: Instant::now(),
        }
    }

    /// Begins to count anew.
    pub(super) fn phase(&mut self, phase: &'static str) {
        self.bar.finish_and_clear();
        self.phase = phase;
        self.done = 0;
        self.last_line = Instant::now();
        if self.out.quiet || !std::io::stderr().is_terminal() {
            return;
        }
        self.bar = ProgressBar::new(0);
        // The total grows as the tree is walked: nobody says beforehand how large it is.
        let style = "{msg} {bar:30} {human_pos} of {human_len} known  {per_sec}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            self.bar.set_style(style);
        }
        self.bar.set_message(phase);
    }

    /// So many more are done, and so many more are known.
    pub(super) fn step(&mut self, done: usize, left: usize) {
        self.done += done as u64;
        self.bar.set_length(self.done + left as u64);
        self.bar.set_position(self.done);
        if self.bar.is_hidden() && self.last_line.elapsed() > LINE_EVERY {
            self.last_line = Instant::now();
            let (phase, done) = (self.phase, self.done);
            self.out
                .note(&format!("{phase}: {done}, {left} more known"));
        }
    }

    /// Removes the bar.
    pub(super) fn end(&mut self) {
        self.bar.finish_and_clear();
    }
}
