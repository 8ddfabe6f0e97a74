//! What came of a soak.

use std::fmt;
use std::time::Duration;

use super::memory::Growth;
use super::notes::Notes;

/// See the module.
#[derive(Debug, Default)]
pub struct Report {
    /// Rows of the table: what, and how much.
    pub rows: Vec<(String, String)>,
    /// What must not be.
    pub wrong: Vec<String>,
    /// All of it, with what is not listed.
    pub wrong_count: u64,
}

impl Report {
    pub(super) fn row(&mut self, name: &str, value: impl fmt::Display) {
        self.rows.push((name.to_owned(), value.to_string()));
    }

    pub(super) fn wrong(&mut self, what: String) {
        self.wrong_count += 1;
        self.wrong.push(what);
    }

    /// Takes what clients and judges have written down.
    pub(super) fn notes(&mut self, mut notes: Notes) {
        let counts = notes.counts;
        self.row("sessions opened", counts.opened);
        self.row("sessions taken up again", counts.taken_up);
        self.row("sessions closed", counts.closed);
        self.row("sessions abandoned", counts.abandoned);
        self.row("sessions that timed out", counts.timed_out);
        self.row("connections lost", counts.lost);
        self.row("attempts to connect in vain", counts.turned_away);
        self.row(
            "from a lost connection to the session",
            spread(std::mem::take(&mut notes.outages)),
        );
        self.row(
            "from connecting to an answer or none",
            spread(std::mem::take(&mut notes.attempts)),
        );
        let calls = notes.calls();
        let most = calls.iter().map(|(clients, _)| *clients).max().unwrap_or(0);
        let times = calls.into_iter().map(|(_, time)| time).collect();
        self.row(
            &format!("until the last of up to {most} was told"),
            spread(times),
        );
        self.row("one-shot watches armed", counts.armed);
        self.row("watch events", counts.events);
        self.row("replies", counts.replies);
        self.row("changes acknowledged", counts.writes);
        self.row(
            "changes looked up after a lost connection",
            counts.looked_up,
        );
        self.wrong_count += notes.wrong_count;
        self.wrong.extend(notes.wrong);
    }

    pub(super) fn memory(&mut self, node: usize, growth: Growth) {
        let Growth { early, late, peak } = growth;
        self.row(
            &format!("memory of node {node}, MiB"),
            format!(
                "second quarter {}, last {}, peak {}",
                early / 1024,
                late / 1024,
                peak / 1024
            ),
        );
        if !growth.is_flat() {
            self.wrong(format!(
                "the memory of node {node} is not flat: {growth:?} KiB"
            ));
        }
    }
}

fn spread(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |percent: usize| {
        let index = times.len().saturating_sub(1) * percent / 100;
        times.get(index).copied().unwrap_or_default().as_millis()
    };
    let (median, late, max) = (at(50), at(99), at(100));
    format!(
        "median {median} ms, p99 {late} ms, max {max} ms (n = {})",
        times.len()
    )
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.rows {
            writeln!(f, "{name:<44}{value}")?;
        }
        for wrong in &self.wrong {
            writeln!(f, "WRONG: {wrong}")?;
        }
        write!(f, "{:<44}{}", "wrong", self.wrong_count)
    }
}
