//! The command line, run as a person or script would.

use std::io::Write as _;
use std::process::{Child, Command, Output, Stdio};

use crate::process;

/// What a finished command left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Finished {
    /// Itself, if the exit code is `code`.
    ///
    /// # Panics
    /// Otherwise, with everything it printed.
    #[must_use]
    #[track_caller]
    pub fn expect(self, code: i32) -> Finished {
        assert_eq!(self.code, Some(code), "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// Standard output as JSON.
    ///
    /// # Panics
    /// When it is not JSON.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }
}

impl From<Output> for Finished {
    fn from(output: Output) -> Finished {
        Finished {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Runs commands against these nodes.
#[derive(Clone, Debug)]
pub struct Cli {
    endpoints: String,
}

impl Cli {
    /// Against nodes at these URLs.
    #[must_use]
    pub fn to(endpoints: &[String]) -> Cli {
        Cli {
            endpoints: endpoints.join(","),
        }
    }

    /// The command, not yet started.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = process::command();
        command
            .env("HOLDFAST_ENDPOINTS", &self.endpoints)
            .args(arguments);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Finished {
        self.command(arguments)
            .output()
            .expect("run holdfast")
            .into()
    }

    /// Runs it with something on standard input.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Finished {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .expect("start holdfast");
        if let Some(mut stdin) = child.stdin.take() {
            // A command that refuses its arguments does not read its input.
            let _ = stdin.write_all(input);
        }
        child.wait_with_output().expect("wait for holdfast").into()
    }

    /// Starts it and leaves it running.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use]
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).spawn().expect("start holdfast")
    }
}
