//! Many speakers, one history: the worker processes, the observer and the nemesis each leave a
//! stream of events with times of one clock; [`merge`] puts them in order, counts time from the
//! start of the run and numbers them.
//!
//! **Order.** By time, and at equal times so that nothing is claimed that was not measured. A
//! checker of linearizability concludes from "completion before invocation" that the one operation
//! came before the other; from "invocation before completion" it concludes nothing. So of events of
//! different processes at the same nanosecond, invocations come first: the operations count as
//! concurrent. The order within one process is never touched (its next invocation stays behind its
//! last completion), and there the rule gives way: when two processes both complete and begin again
//! within one nanosecond, completions of both come first, then the invocations. That claims an
//! order, but a true one: a completion is stamped after its last byte was read, an invocation
//! before its first byte is written, by the same clock.
//!
//! **What is impossible is not a finding.** A completion without invocation, a process that speaks
//! after its unknown outcome, whose time goes back or that two workers use at once, tells of a
//! broken harness and not of the cluster: an error, and the run has no verdict.
//!
//! **What was killed.** A worker that was killed leaves invocations without completion: they stay
//! open, and count as unknown. Its last line may be torn: it is dropped and counted. Nothing is
//! lost by that: an invocation is written out whole before its first byte is sent, so one that is
//! torn was never sent, and an operation whose completion is torn stays open.

use std::collections::BTreeMap;
use std::io::BufRead;

use anyhow::{Context, Result, bail};
use checker::{Event, History, Outcome, Process};

use crate::history_file::{EVENTS_MAX, Lines};

/// Operations that come without being asked for: what a stream or a one-shot watch tells.
const UNINVITED: &[&str] = &["event", "gap", "fired", "gone"];

/// What one speaker left behind: events in the order in which it said them, times absolute.
pub struct Source {
    name: String,
    events: Vec<Event>,
    torn: bool,
}

impl Source {
    /// Events that the harness itself holds, as those of the nemesis.
    #[must_use]
    pub fn of(name: &str, events: Vec<Event>) -> Source {
        Source {
            name: name.to_owned(),
            events,
            torn: false,
        }
    }

    /// Reads what a worker printed. Of one that was `killed` the last line may be torn.
    ///
    /// # Errors
    /// A line is no event: named by its number.
    pub fn read(name: &str, killed: bool, input: impl BufRead) -> Result<Source> {
        let mut source = Source::of(name, Vec::new());
        let mut lines = Lines::new(input);
        while let Some(line) = lines.next(&name)? {
            match line.event() {
                Ok(event) => source.events.push(event),
                // Only the end of a stream can lack its line end.
                Err(_) if killed && !line.whole => source.torn = true,
                Err(error) => {
                    return Err(error).with_context(|| format!("{name}, line {}", line.number));
                }
            }
            if source.events.len() > EVENTS_MAX {
                bail!("{name} has more than {EVENTS_MAX} events: make the run shorter");
            }
        }
        Ok(source)
    }
}

/// One history of all of them.
#[derive(Debug)]
pub struct Merged {
    /// In order, from index 0, times from the start of the run.
    pub history: History,
    /// Last lines of killed workers that were dropped.
    pub torn_lines: u64,
    /// Operations that nobody completed: unknown.
    pub open: u64,
}

/// Merges what all speakers left behind; `start_ns` is when the run began, by their clock.
///
/// # Errors
/// Something impossible is in it (see above): the harness is broken, and there is no verdict.
pub fn merge(sources: Vec<Source>, start_ns: u64) -> Result<Merged> {
    let total: usize = sources.iter().map(|source| source.events.len()).sum();
    if total > EVENTS_MAX {
        bail!("{total} events are more than {EVENTS_MAX}: make the run shorter");
    }
    let mut keyed: Vec<(u64, u32, Event)> = Vec::with_capacity(total);
    let mut speakers: BTreeMap<u64, Speaker> = BTreeMap::new();
    let mut torn_lines = 0;
    for (number, source) in sources.into_iter().enumerate() {
        torn_lines += u64::from(source.torn);
        for (place, mut event) in source.events.into_iter().enumerate() {
            let words = || format!("{}, event {} from 1", source.name, place + 1);
            let Some(time) = event.time.checked_sub(start_ns) else {
                bail!("{}: it is from before the run began", words());
            };
            event.time = time;
            let round = match event.process {
                Process::Client(process) => speakers
                    .entry(process)
                    .or_insert_with(|| Speaker::new(number))
                    .hear(&event, number)
                    .with_context(|| format!("{}: process {process}", words()))?,
                Process::Named(_) => u32::from(event.outcome != Outcome::Invoke),
            };
            keyed.push((time, round, event));
        }
    }
    keyed.sort_by_key(|(time, round, _)| (*time, *round));
    let number = |(index, (_, _, mut event)): (usize, (u64, u32, Event))| {
        event.index = index as u64;
        event
    };
    Ok(Merged {
        history: History {
            events: keyed.into_iter().enumerate().map(number).collect(),
        },
        torn_lines,
        open: speakers.values().filter(|who| who.open.is_some()).count() as u64,
    })
}

/// What is known of a client while its events go by.
struct Speaker {
    source: usize,
    time: u64,
    /// Place among the events of one nanosecond: even for invocations, odd for all others.
    round: u32,
    open: Option<String>,
    dead: bool,
}

impl Speaker {
    fn new(source: usize) -> Speaker {
        Speaker {
            source,
            time: 0,
            round: 0,
            open: None,
            dead: false,
        }
    }

    /// Takes its next event and says in which round of its nanosecond it stands.
    fn hear(&mut self, event: &Event, source: usize) -> Result<u32> {
        if source != self.source {
            bail!("is used by two workers at once");
        }
        // What comes unasked is written down when there is time for it, with the time of its
        // reading: that may lie before something the client itself said since.
        let uninvited = event.outcome == Outcome::Ok && UNINVITED.contains(&event.f.as_str());
        if uninvited && event.time < self.time {
            return Ok(1);
        }
        if event.time < self.time {
            bail!("goes back in time by {} ns", self.time - event.time);
        }
        if self.dead {
            bail!("speaks after its unknown outcome, where it is dead");
        }
        self.follow(event)?;
        let begins = event.outcome == Outcome::Invoke;
        self.round = match (event.time > self.time, begins) {
            (true, _) => u32::from(!begins),
            // Behind what the same process said in this nanosecond, in a round of the right kind.
            (false, _) if self.round.is_multiple_of(2) == begins => self.round,
            (false, _) => self.round + 1,
        };
        self.time = event.time;
        Ok(self.round)
    }

    /// What was begun and what is completed must fit.
    fn follow(&mut self, event: &Event) -> Result<()> {
        let f = &event.f;
        match (&self.open, event.outcome) {
            (None, Outcome::Invoke) => self.open = Some(f.clone()),
            (Some(open), Outcome::Invoke) => {
                bail!("begins {f:?} while its {open:?} is not completed")
            }
            (Some(open), outcome) if open == f => {
                self.open = None;
                self.dead = outcome == Outcome::Info;
            }
            (_, Outcome::Ok) if UNINVITED.contains(&f.as_str()) => {}
            (open, outcome) => {
                let open = open.as_deref().unwrap_or("nothing");
                bail!("says {outcome:?} of {f:?}, which it did not begin; begun is: {open}")
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
