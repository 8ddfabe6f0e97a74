//! Everything that is printed: answers to standard output, everything else to standard error.
//!
//! Tables are for terminals; elsewhere the same rows come tab-separated and without a header, so
//! that scripts need no flag.

mod shown;
mod text;

use std::io::{self, IsTerminal, Write};

use serde_json::Value;

pub(crate) use shown::Shown;
use text::clean_lines;
pub(crate) use text::{ago, clean, quote};

use crate::args::globals::{Format, Globals};
use crate::exit::{Exit, Failure};

/// How to print, decided once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) quiet: bool,
    /// Whether standard output is a terminal.
    pub(crate) terminal: bool,
    /// Whether standard error takes colours.
    colour: bool,
}

impl Output {
    pub(crate) fn new(globals: &Globals) -> Output {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Output {
            format: globals.output,
            quiet: globals.quiet,
            terminal: io::stdout().is_terminal(),
            colour: io::stderr().is_terminal() && !globals.no_color && !no_color,
        }
    }

    /// Prints an answer.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub(crate) fn show(&self, shown: &Shown) -> Result<(), Failure> {
        write(shown.render(self.format, self.terminal)?.as_bytes())
    }

    /// Prints one line of a stream at once.
    ///
    /// # Errors
    /// As [`show`](Output::show).
    pub(crate) fn line(&self, json: &Value, text: &str) -> Result<(), Failure> {
        match self.format {
            Format::Json | Format::Ndjson => write(format!("{json}\n").as_bytes()),
            Format::Table | Format::Name | Format::Env if self.terminal => {
                write((clean(text) + "\n").as_bytes())
            }
            Format::Table | Format::Name | Format::Env => write(format!("{text}\n").as_bytes()),
        }
    }

    /// Tells what is going on, unless told to be quiet.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            to_stderr(&clean_lines(text));
        }
    }

    /// Tells of something that is wrong and does not end the command.
    pub(crate) fn warn(&self, text: &str) {
        let head = self.paint("33", "warning:");
        to_stderr(&format!("{head} {}", clean_lines(text)));
    }

    /// Reports why a command failed: what, why, what to do, and whether it happened.
    pub(crate) fn failure(&self, failure: &Failure) {
        if let (Format::Json | Format::Ndjson, Some(problem)) = (self.format, &failure.problem)
            && let Ok(json) = serde_json::to_string(problem)
        {
            to_stderr(&format!("{json}\n"));
            return;
        }
        let head = format!("{} cannot {}", self.paint("31;1", "error:"), failure.what);
        to_stderr(&text::failure(&head, failure));
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// Reports an error of a command that knows no output options.
pub(crate) fn error(text: &str) {
    to_stderr(&format!("error: {text}\n"));
}

/// Writes to standard output. A reader that went away (`| head`) is no error: it has what it wanted.
///
/// # Errors
/// When it cannot be written for another reason.
pub(crate) fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure {
            code: 0,
            ..Failure::new(Exit::Internal, "print the answer", error)
        }),
        Err(error) => Err(Failure::new(Exit::Internal, "print the answer", error)),
    }
}

/// Nothing can be done about a standard error that is gone.
pub(crate) fn to_stderr(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
