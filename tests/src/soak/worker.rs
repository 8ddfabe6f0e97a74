//! A thread that looks after many clients at once.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{Timespec, epoll};

use super::actor::Context;
use super::notes::Notes;
use super::reader::Reader;
use super::shared::{Holdings, Phase, Shared, lock};
use super::writer::Writer;

/// Between two looks at the clock.
const TICK: Duration = Duration::from_millis(20);
/// Sockets looked at after one wait.
const READY_MAX: usize = 1024;

/// A client of whatever kind.
#[derive(Debug)]
pub(super) enum Actor {
    Reader(Box<Reader>),
    Writer(Box<Writer>),
}

impl Actor {
    fn ready(&mut self, context: &mut Context<'_>) {
        match self {
            Actor::Reader(reader) => reader.ready(context),
            Actor::Writer(writer) => writer.ready(context),
        }
    }

    fn tick(&mut self, context: &mut Context<'_>) {
        match self {
            Actor::Reader(reader) => reader.tick(context),
            Actor::Writer(writer) => writer.tick(context),
        }
    }

    fn is_done(&self, phase: Phase) -> bool {
        match self {
            Actor::Reader(reader) => reader.is_done(phase),
            Actor::Writer(writer) => writer.is_done(phase),
        }
    }

    fn holdings(&self) -> (usize, Holdings) {
        match self {
            Actor::Reader(reader) => reader.holdings(),
            Actor::Writer(writer) => {
                let holdings = Holdings {
                    connections: 1,
                    ..Holdings::default()
                };
                (writer.node(), holdings)
            }
        }
    }
}

/// One thread's clients. A client's number says which thread it belongs to and where it is there.
pub(super) struct Worker {
    pub(super) thread: usize,
    pub(super) threads: usize,
    pub(super) shared: Arc<Shared>,
    pub(super) actors: Vec<Actor>,
}

impl Worker {
    /// Works until the end of the soak.
    pub(super) fn run(mut self) {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).expect("an epoll instance");
        let mut notes = Notes::default();
        let mut ticked = Instant::now();
        let mut held = false;
        loop {
            self.wait(&epoll, &mut notes);
            let now = Instant::now();
            if now - ticked < TICK {
                continue;
            }
            ticked = now;
            let phase = self.shared.phase();
            let mut done = 0;
            for actor in &mut self.actors {
                actor.tick(&mut Context {
                    now,
                    phase,
                    epoll: &epoll,
                    shared: &self.shared,
                    notes: &mut notes,
                });
                done += usize::from(actor.is_done(phase));
            }
            // Handed over before it is said that everything is done.
            if phase == Phase::Sweep && done == self.actors.len() && !held {
                held = true;
                self.hand_over_holdings(&epoll, &mut notes);
            }
            lock(&self.shared.notes).absorb(std::mem::take(&mut notes));
            self.shared.set_ready(self.thread, phase, done);
            if phase == Phase::End {
                return;
            }
        }
    }

    fn wait(&mut self, epoll: &OwnedFd, notes: &mut Notes) {
        let mut ready = Vec::with_capacity(READY_MAX);
        let timeout = Timespec {
            tv_sec: 0,
            tv_nsec: i64::try_from(TICK.as_nanos()).unwrap_or(0),
        };
        // Interrupted: the same as nothing to do.
        let _ = epoll::wait(
            epoll,
            rustix::buffer::spare_capacity(&mut ready),
            Some(&timeout),
        );
        let phase = self.shared.phase();
        for event in ready {
            let number = usize::try_from(event.data.u64()).unwrap_or(usize::MAX);
            let Some(actor) = self.actors.get_mut(number / self.threads) else {
                continue;
            };
            actor.ready(&mut Context {
                now: Instant::now(),
                phase,
                epoll,
                shared: &self.shared,
                notes,
            });
        }
    }

    fn hand_over_holdings(&mut self, epoll: &OwnedFd, notes: &mut Notes) {
        for actor in &mut self.actors {
            let (node, holdings) = actor.holdings();
            self.shared.hold(node, holdings);
            if let Actor::Reader(reader) = actor {
                reader.finish(&mut Context {
                    now: Instant::now(),
                    phase: Phase::Sweep,
                    epoll,
                    shared: &self.shared,
                    notes,
                });
            }
        }
    }
}
