//! What all threads of a soak share.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::ledger::Ledger;
use super::notes::Notes;
use super::want::Place;

/// What the clients are to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Phase {
    /// Connect and arm; nothing is changed.
    Arrive,
    /// Everything.
    Run,
    /// No more changes and disturbances; come to rest.
    Settle,
    /// Read everything once more.
    Sweep,
    /// Readers close their sessions.
    Leave,
    /// Writers do.
    Last,
    /// Nobody is needed any more.
    End,
}

const PHASES: [Phase; 7] = [
    Phase::Arrive,
    Phase::Run,
    Phase::Settle,
    Phase::Sweep,
    Phase::Leave,
    Phase::Last,
    Phase::End,
];

/// How a client went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gone {
    /// Without a word: the session ends by its timeout.
    Silently,
    /// The session was closed, and that was confirmed.
    Closed,
    /// It was told to close and did not answer.
    MaybeClosed,
}

/// A session whose client has gone.
#[derive(Clone, Debug)]
pub(super) struct Departed {
    /// The ephemeral it owned.
    pub(super) path: String,
    pub(super) session: i64,
    pub(super) timeout: Duration,
    /// See the session of a link.
    pub(super) alive_from: Instant,
    /// Index of the node it was connected to.
    pub(super) node: usize,
    pub(super) gone: Gone,
}

/// What the clients of one node hold there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holdings {
    /// Connections with a session.
    pub connections: usize,
    /// Those among them that watch something.
    pub watching: usize,
    /// Watches: one for each connection and table with a watch on a path.
    pub watches: usize,
    /// Places watched, the same path in both tables twice.
    pub places: BTreeSet<Place>,
}

impl Holdings {
    fn absorb(&mut self, other: Holdings) {
        self.connections += other.connections;
        self.watching += other.watching;
        self.watches += other.watches;
        self.places.extend(other.places);
    }

    /// Paths watched.
    #[must_use]
    pub(super) fn paths(&self) -> usize {
        let spot = |place: &Place| match place {
            Place::Data(spot) | Place::Children(spot) => *spot,
        };
        self.places.iter().map(spot).collect::<BTreeSet<_>>().len()
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Shared {
    /// ZooKeeper addresses of the nodes.
    pub(super) addresses: Vec<SocketAddr>,
    phase: AtomicU8,
    /// Actors of each thread that have done what the phase asks for.
    ready: Vec<AtomicUsize>,
    pub(super) ledger: Mutex<Ledger>,
    pub(super) notes: Mutex<Notes>,
    pub(super) departed: Mutex<Vec<Departed>>,
    pub(super) holdings: Mutex<BTreeMap<usize, Holdings>>,
    /// When which node was killed.
    pub(super) kills: Mutex<Vec<(usize, Instant)>>,
    /// When another leader was last seen.
    pub(super) leader_since: Mutex<Instant>,
}

impl Shared {
    pub(super) fn new(addresses: Vec<SocketAddr>, ledger: Ledger, threads: usize) -> Shared {
        Shared {
            addresses,
            phase: AtomicU8::new(0),
            ready: (0..threads).map(|_| AtomicUsize::new(0)).collect(),
            ledger: Mutex::new(ledger),
            notes: Mutex::default(),
            departed: Mutex::default(),
            holdings: Mutex::default(),
            kills: Mutex::default(),
            leader_since: Mutex::new(Instant::now()),
        }
    }

    pub(super) fn phase(&self) -> Phase {
        let number = usize::from(self.phase.load(Ordering::SeqCst));
        PHASES.get(number).copied().unwrap_or(Phase::End)
    }

    pub(super) fn enter(&self, phase: Phase) {
        for ready in &self.ready {
            ready.store(0, Ordering::SeqCst);
        }
        self.phase.store(phase as u8, Ordering::SeqCst);
    }

    /// A thread says how many of its actors have done what `phase` asks for.
    pub(super) fn set_ready(&self, thread: usize, phase: Phase, actors: usize) {
        if self.phase() == phase {
            self.ready[thread].store(actors, Ordering::SeqCst);
        }
    }

    pub(super) fn ready(&self) -> usize {
        self.ready.iter().map(|r| r.load(Ordering::SeqCst)).sum()
    }

    pub(super) fn hold(&self, node: usize, holdings: Holdings) {
        let mut all = lock(&self.holdings);
        all.entry(node).or_default().absorb(holdings);
    }
}

/// A thread that panicked ends the soak by itself; the others need no second reason.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
