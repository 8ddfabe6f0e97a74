//! How a wait is shown: a moving line on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::App;
use crate::args::ProgressKind;
use crate::output::clean;

/// Between two looks at what is waited for, on a terminal.
const EVERY_ON_TERMINAL: Duration = Duration::from_secs(2);
/// Between two plain lines.
const EVERY_PLAIN: Duration = Duration::from_secs(5);
/// Between two movements of the spinner.
const TICK: Duration = Duration::from_millis(100);

/// See the module.
pub(super) struct WaitLine<'a> {
    app: &'a App,
    spinner: Option<ProgressBar>,
    plain: bool,
}

impl<'a> WaitLine<'a> {
    /// `title` is shown until there is more to say.
    pub(super) fn new(app: &'a App, kind: ProgressKind, title: String) -> WaitLine<'a> {
        let terminal = std::io::stderr().is_terminal();
        let silent = app.out.quiet || kind == ProgressKind::None;
        let moves = !silent && terminal && kind == ProgressKind::Auto;
        let spinner = moves.then(|| spinner(title));
        WaitLine {
            app,
            plain: !silent && spinner.is_none(),
            spinner,
        }
    }

    /// How often there should be something to say.
    pub(super) fn every(&self) -> Duration {
        if self.spinner.is_some() {
            EVERY_ON_TERMINAL
        } else {
            EVERY_PLAIN
        }
    }

    /// Whether anybody would see it.
    pub(super) fn is_shown(&self) -> bool {
        self.spinner.is_some() || self.plain
    }

    /// How the wait stands. Others have written parts of it.
    pub(super) fn say(&self, line: String) {
        let line = clean(&line);
        match &self.spinner {
            Some(spinner) => spinner.set_message(line),
            None if self.plain => self.app.out.note(&line),
            None => {}
        }
    }

    /// The wait is over.
    pub(super) fn clear(&self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}

fn spinner(title: String) -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}  {elapsed}") {
        spinner.set_style(style);
    }
    spinner.set_message(title);
    spinner.enable_steady_tick(TICK);
    spinner
}
