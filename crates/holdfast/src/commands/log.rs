//! `holdfast log`: what lies in the log of a node that is not running, entry by entry.
//!
//! The entries are applied anew, from the newest snapshot that lies before the first one wanted or
//! from the empty state, so what came of each command is known although the log itself holds only
//! what was asked.

mod base;
mod change;
mod command;
mod election;
mod lines;
mod meeting;
mod queue;
mod service;
mod signing;
mod text;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use node::{Content, Replay};
use storage::{OfflineDirectory, Positions, StoredEntry};

use self::lines::{Begin, End, Entry, Line};
use crate::args::LogArgs;
use crate::exit::{Exit, Failure};
use crate::output::{self, Output};

/// Bytes gathered before they are written to standard output.
const OUT_BYTES: usize = 64 * 1024;

/// Prints the log.
///
/// # Errors
/// When the directory cannot be opened. What is wrong further in is told in the last line, and by
/// the exit code.
pub(super) fn run(out: Output, args: &LogArgs) -> Result<u8, Failure> {
    let cannot = |error: &dyn std::fmt::Display| {
        Failure::new(
            Exit::BadInput,
            format!("read the log in {}", args.data_dir.display()),
            error,
        )
        .remedy("nothing was changed; `holdfast doctor --data-dir DIR` looks at all of a directory")
    };
    let directory = OfflineDirectory::open(&args.data_dir).map_err(|e| cannot(&e))?;
    let positions = directory.positions().map_err(|e| cannot(&e))?;
    let snapshots = base::snapshots(&directory).map_err(|e| cannot(&e))?;
    let base = base::choose(&directory, &snapshots, positions.purged, args.from);
    let mut printer = Printer {
        out,
        from: args.from,
        committed: positions.committed.map(|id| id.index),
        replay: base.replay,
        replays_from: base.next,
        snapshots: base::digests(&snapshots),
        last: None,
        problem: base.problem,
        text: String::new(),
    };
    printer.line(&Line::Begin(Begin::of(
        &directory, &positions, &snapshots, base.from,
    )))?;
    printer.entries(&directory)?;
    printer.end(&directory, positions)
}

/// Applies entries and prints them.
struct Printer {
    out: Output,
    /// First entry to show.
    from: u64,
    committed: Option<u64>,
    /// `None`: no state is known to go on from, or no longer.
    replay: Option<Replay>,
    /// First entry the state can be gone on with.
    replays_from: u64,
    /// Digests of the snapshots by the last entry in them: what applying must give there.
    snapshots: BTreeMap<u64, String>,
    last: Option<(u64, u64)>,
    problem: Option<String>,
    text: String,
}

impl Printer {
    fn entries(&mut self, directory: &OfflineDirectory) -> Result<(), Failure> {
        let start = match self.replay {
            Some(_) => self.from.min(self.replays_from),
            None => self.from,
        };
        let mut stopped = None;
        let read = directory.entries(start, &mut |stored| match self.entry(&stored) {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => {
                stopped = Some(failure);
                ControlFlow::Break(())
            }
        });
        if let Some(failure) = stopped {
            return Err(failure);
        }
        if let Err(error) = read {
            self.found(error.to_string());
        }
        Ok(())
    }

    fn entry(&mut self, stored: &StoredEntry) -> Result<(), Failure> {
        let id = stored.entry.log_id;
        self.last = Some((id.index, *id.leader_id));
        let content = match Content::of(&stored.entry) {
            Ok(content) => content,
            Err(error) => {
                self.found(error.to_string());
                // What follows cannot be applied to a state that lacks this.
                self.replay = None;
                return Ok(());
            }
        };
        let replay = self.replay.as_mut();
        let applied = replay
            .filter(|_| id.index >= self.replays_from)
            .map(|replay| (replay.apply(&content), replay.state()));
        let entry = Entry::of(stored, &content, applied, self.committed);
        if let (Some(expected), Some(digest)) = (self.snapshots.get(&id.index), &entry.digest)
            && expected != digest
        {
            let what = format!(
                "the snapshot of entry {} has digest {expected}, applying the log gives {digest}: \
                 the copies of this node disagree, keep the directory and report it",
                id.index
            );
            self.found(what);
        }
        if id.index < self.from {
            return Ok(());
        }
        self.line(&Line::Entry(entry))
    }

    fn end(mut self, directory: &OfflineDirectory, positions: Positions) -> Result<u8, Failure> {
        let torn = match directory.torn_tails() {
            Ok(torn) => torn,
            Err(error) => {
                self.found(error.to_string());
                Vec::new()
            }
        };
        let state = self.replay.as_ref().map(Replay::state);
        let end = End::of(self.last, positions, state, &torn, self.problem.clone());
        self.line(&Line::End(end))?;
        output::write(self.text.as_bytes())?;
        Ok(match self.problem {
            None => 0,
            Some(_) => Exit::Unhealthy.code(),
        })
    }

    /// Keeps the first problem: what follows may come of it.
    fn found(&mut self, problem: String) {
        self.problem.get_or_insert(problem);
    }

    fn line(&mut self, line: &Line) -> Result<(), Failure> {
        self.text.push_str(&text::render(line, self.out.format)?);
        self.text.push('\n');
        if self.text.len() >= OUT_BYTES {
            output::write(self.text.as_bytes())?;
            self.text.clear();
        }
        Ok(())
    }
}
