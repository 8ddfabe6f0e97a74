//! The terminal, taken over and given back: also when this program panics, and when a signal ends it, since
//! those are listened to elsewhere and end the view as a key does.

use std::io::{self, Stdout, Write};
use std::panic;

use crossterm::cursor::Show;
use crossterm::execute;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use crate::exit::{Exit, Failure};

/// A terminal in raw mode, on its other screen. Dropping it gives it back.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    pub(super) fn open() -> Result<Screen, Failure> {
        restore_on_panic(give_back);
        let open = || -> io::Result<Screen> {
            enable_raw_mode()?;
            execute!(io::stdout(), EnterAlternateScreen)?;
            let mut terminal = Terminal::new(CrosstermBackend::new(io::stdout()))?;
            terminal.hide_cursor()?;
            Ok(Screen { terminal })
        };
        open().map_err(|error| {
            give_back();
            failed(&error)
        })
    }

    /// Shows what `draw` draws.
    pub(super) fn show(
        &mut self,
        draw: impl FnOnce(&mut ratatui::Frame<'_>),
    ) -> Result<(), Failure> {
        let drawn = self.terminal.draw(draw);
        drawn.map(|_| ()).map_err(|error| failed(&error))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

pub(super) fn failed(error: &io::Error) -> Failure {
    Failure::new(Exit::Internal, "use the terminal", error)
        .remedy("--once prints plain text, which needs no terminal")
}

/// Nothing can be done about a terminal that is gone.
fn give_back() {
    let _ = disable_raw_mode();
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
    let _ = io::stdout().flush();
}

/// Before a panic is reported, so that the report can be read, and because no destructor runs where a panic
/// aborts.
fn restore_on_panic(restore: fn()) {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        restore();
        report(info);
    }));
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    static DONE: Mutex<Vec<&str>> = Mutex::new(Vec::new());

    fn done(what: &'static str) {
        DONE.lock().unwrap().push(what);
    }

    #[test]
    fn the_terminal_is_given_back_before_a_panic_is_reported() {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(|_| done("reported")));
        restore_on_panic(|| done("given back"));
        let panicked = std::thread::spawn(|| panic!("in the view")).join();
        panic::set_hook(usual);
        assert!(panicked.is_err());
        assert_eq!(*DONE.lock().unwrap(), ["given back", "reported"]);
    }
}
