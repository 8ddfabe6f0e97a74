//! How a run goes while it does: one line, on a terminal again and again in its place, elsewhere
//! every ten seconds.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use checker::{Event, Outcome, Process};
use serde::Deserialize;

use super::faults;

/// Most faults named in the line.
const FAULTS_MAX: usize = 16;

/// Operations that tell without having been asked; no completions, so not counted.
const UNINVITED: &[&str] = &["event", "gap", "fired", "gone"];

/// The counts of a run while it goes. Whoever receives an event shows it here; shared by an `Arc`.
#[derive(Default)]
pub struct Live {
    ok: AtomicU64,
    fail: AtomicU64,
    info: AtomicU64,
    words: Mutex<Words>,
}

#[derive(Clone, Default)]
struct Words {
    phase: String,
    faults: Vec<String>,
    leader: Option<(u64, u64)>,
}

/// The part of an event that is counted.
#[derive(Deserialize)]
struct Glance<'a> {
    #[serde(rename = "type")]
    outcome: Outcome,
    #[serde(borrow)]
    f: std::borrow::Cow<'a, str>,
}

impl Live {
    /// Counts a line that a worker printed. What is no event is not counted: that is found out
    /// when the histories are merged.
    pub fn hear_line(&self, line: &[u8]) {
        if let Ok(glance) = serde_json::from_slice::<Glance<'_>>(line) {
            self.count(&glance.f, glance.outcome);
        }
    }

    /// Takes an event of anybody: counts those of clients, and learns from the nemesis's and the
    /// observer's what is wrong now and who leads.
    pub fn hear(&self, event: &Event) {
        match &event.process {
            Process::Client(_) => self.count(&event.f, event.outcome),
            Process::Named(name) if name == "nemesis" => self.hear_nemesis(event),
            Process::Named(name) if name == "observer" => self.hear_observer(event),
            Process::Named(_) => {}
        }
    }

    /// Says what the run is doing: `start the cluster`, `faults`, `last reads`, `check`.
    pub fn phase(&self, phase: &str) {
        phase.clone_into(&mut self.words().phase);
    }

    fn count(&self, f: &str, outcome: Outcome) {
        let counter = match outcome {
            Outcome::Ok if UNINVITED.contains(&f) => return,
            Outcome::Invoke => return,
            Outcome::Ok => &self.ok,
            Outcome::Fail => &self.fail,
            Outcome::Info => &self.info,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn hear_nemesis(&self, event: &Event) {
        let label = [vec![event.f.clone()], faults::targets(event)]
            .concat()
            .join(" ");
        let mut words = self.words();
        match faults::phase(event) {
            Some("start") if words.faults.len() < FAULTS_MAX => words.faults.push(label),
            Some("end") => {
                let same = words.faults.iter().position(|one| *one == label);
                let alike = |one: &String| one.split(' ').next() == Some(event.f.as_str());
                if let Some(at) = same.or_else(|| words.faults.iter().position(alike)) {
                    words.faults.remove(at);
                }
            }
            _ => {}
        }
    }

    fn hear_observer(&self, event: &Event) {
        let number = |name| event.value.get(name).and_then(serde_json::Value::as_u64);
        let leads = event.value.get("state").and_then(serde_json::Value::as_str) == Some("leader");
        if let (true, Some(node), Some(term)) = (leads, number("node"), number("term")) {
            let mut words = self.words();
            // An old leader that does not know yet is not news.
            if words.leader.is_none_or(|(_, known)| term >= known) {
                words.leader = Some((node, term));
            }
        }
    }

    fn words(&self) -> MutexGuard<'_, Words> {
        self.words.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            ok: self.ok.load(Ordering::Relaxed),
            fail: self.fail.load(Ordering::Relaxed),
            info: self.info.load(Ordering::Relaxed),
            words: self.words().clone(),
        }
    }
}

struct Snapshot {
    ok: u64,
    fail: u64,
    info: u64,
    words: Words,
}

impl Snapshot {
    fn total(&self) -> u64 {
        self.ok + self.fail + self.info
    }

    /// The line; `rate` is in operations per second since the last one.
    fn line(&self, elapsed: Duration, rate: u64) -> String {
        let Words {
            phase,
            faults,
            leader,
        } = &self.words;
        let mut line = format!(
            "{:>4} s  {phase}  {} ok  {} fail  {} info  {rate}/s",
            elapsed.as_secs(),
            self.ok,
            self.fail,
            self.info
        );
        if let Some((node, term)) = leader {
            line.push_str(&format!("  leader n{node} (term {term})"));
        }
        if !faults.is_empty() {
            line.push_str(&format!("  now: {}", faults.join(", ")));
        }
        line
    }
}

/// Prints [`Live`] until it is stopped or dropped.
pub struct Progress {
    stop: Option<SyncSender<()>>,
    printer: Option<JoinHandle<()>>,
}

impl Progress {
    /// Starts to print to standard error.
    #[must_use]
    pub fn start(live: Arc<Live>) -> Progress {
        let (stop, stopped) = sync_channel::<()>(1);
        let printer = thread::spawn(move || {
            let mut printer = Printer::new(io::stderr().is_terminal());
            while stopped.recv_timeout(printer.every()) == Err(RecvTimeoutError::Timeout) {
                printer.print(&live);
            }
            printer.print(&live);
            printer.end();
        });
        Progress {
            stop: Some(stop),
            printer: Some(printer),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(printer) = self.printer.take() {
            let _ = printer.join();
        }
    }
}

struct Printer {
    terminal: bool,
    begun: Instant,
    last: (Instant, u64),
}

impl Printer {
    fn new(terminal: bool) -> Printer {
        let begun = Instant::now();
        Printer {
            terminal,
            begun,
            last: (begun, 0),
        }
    }

    fn every(&self) -> Duration {
        Duration::from_secs(if self.terminal { 1 } else { 10 })
    }

    fn print(&mut self, live: &Live) {
        let (snapshot, now) = (live.snapshot(), Instant::now());
        let (before, counted) = self.last;
        let passed = now.duration_since(before).as_millis().max(1);
        let more = u128::from(snapshot.total().saturating_sub(counted));
        let rate = u64::try_from(more * 1000 / passed).unwrap_or(u64::MAX);
        self.last = (now, snapshot.total());
        let line = snapshot.line(now.duration_since(self.begun), rate);
        // Nobody to read it is no reason to end a run.
        let _ = if self.terminal {
            let shown: String = line.chars().take(columns()).collect();
            write!(io::stderr(), "\r\x1b[2K{shown}")
        } else {
            writeln!(io::stderr(), "{line}")
        };
    }

    fn end(&self) {
        if self.terminal {
            let _ = writeln!(io::stderr());
        }
    }
}

/// Characters that fit into a line of the terminal: a wrapped one could not be written over.
fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(io::stderr()).map(|size| usize::from(size.ws_col));
    size.ok().filter(|columns| *columns > 20).unwrap_or(80) - 1
}

#[cfg(test)]
mod tests;
