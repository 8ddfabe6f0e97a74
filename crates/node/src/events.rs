//! Recent events, kept for streams that follow and resume.
//!
//! One ring serves every stream of the node: a stream is a position in it and owns no queue, so a
//! slow reader costs nothing and is told honestly when it has fallen off the end. Apply pushes a
//! command's events while it holds the state's write lock, so nobody can read a state whose events
//! are not yet here.

use std::collections::VecDeque;
use std::sync::Arc;

use mutant::Mutant;
use parking_lot::Mutex;
use raft_core::command::Moment;
use raft_core::event::{Event, EventKind};
use raft_core::ids::Zxid;
use tokio::sync::watch;

/// Position of an event: `zxid.ordinal`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventId {
    /// The command.
    pub zxid: Zxid,
    /// The event within it.
    pub ordinal: u32,
}

impl EventId {
    /// The position after every event of the command at `zxid`.
    #[must_use]
    pub fn after_command(zxid: Zxid) -> EventId {
        EventId {
            zxid,
            ordinal: u32::MAX,
        }
    }
}

/// All events of one command.
#[derive(Debug, PartialEq, Eq)]
pub struct Commit {
    /// Its position and time.
    pub moment: Moment,
    /// Its events, in order; never empty.
    pub events: Vec<Event>,
}

/// The history a stream asked for is no longer (or was never) in this node's memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("events up to {} are no longer in memory", .oldest.zxid)]
pub struct HistoryGone {
    /// Events after this position are available.
    pub oldest: EventId,
}

/// How much of it to keep.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RingLimits {
    pub(crate) commits: usize,
    pub(crate) bytes: usize,
}

#[derive(Debug)]
struct Ring {
    commits: VecDeque<Arc<Commit>>,
    bytes: usize,
    /// Every event after this zxid is here.
    floor: Zxid,
}

/// The ring and its wake-up.
#[derive(Debug)]
pub(crate) struct EventLog {
    ring: Mutex<Ring>,
    head: watch::Sender<Zxid>,
    limits: RingLimits,
}

impl EventLog {
    pub(crate) fn new(applied: Zxid, limits: RingLimits) -> Arc<EventLog> {
        let ring = Ring {
            commits: VecDeque::new(),
            bytes: 0,
            floor: applied,
        };
        Arc::new(EventLog {
            ring: Mutex::new(ring),
            head: watch::Sender::new(applied),
            limits,
        })
    }

    /// Adds the events of one command. Called by apply, in zxid order; the streams are woken by
    /// [`announce`](EventLog::announce).
    pub(crate) fn push(&self, moment: Moment, events: Vec<Event>) {
        if !events.is_empty() {
            let mut ring = self.ring.lock();
            ring.bytes = ring
                .bytes
                .saturating_add(events.iter().map(size_of_event).sum());
            ring.commits.push_back(Arc::new(Commit { moment, events }));
            while ring.commits.len() > self.limits.commits || ring.bytes > self.limits.bytes {
                let Some(gone) = ring.commits.pop_front() else {
                    break;
                };
                let freed: usize = gone.events.iter().map(size_of_event).sum();
                ring.bytes = ring.bytes.saturating_sub(freed);
                ring.floor = gone.moment.zxid;
            }
        }
    }

    /// Wakes the streams: everything up to `applied` is here. Once for all commands of an entry: waking costs more
    /// than adding.
    pub(crate) fn announce(&self, applied: Zxid) {
        self.head.send_replace(applied);
    }

    /// Forgets everything: the state was replaced by a snapshot at `applied`.
    pub(crate) fn reset(&self, applied: Zxid) {
        let mut ring = self.ring.lock();
        ring.commits.clear();
        ring.bytes = 0;
        ring.floor = applied;
        drop(ring);
        self.head.send_replace(applied);
    }

    /// A stream of everything after `after`.
    ///
    /// # Errors
    /// When part of that is no longer here.
    pub(crate) fn stream(self: &Arc<Self>, after: EventId) -> Result<EventStream, HistoryGone> {
        let floor = self.ring.lock().floor;
        if after.zxid < floor {
            return Err(HistoryGone {
                oldest: EventId::after_command(floor),
            });
        }
        let mut stream = EventStream {
            log: Arc::clone(self),
            after,
            head: self.head.subscribe(),
        };
        if mutant::is(Mutant::WatchGap) {
            stream.try_next()?;
        }
        if mutant::is(Mutant::WatchReplays) {
            stream.after = self.two_commits_before(after);
        }
        Ok(stream)
    }

    /// A stream of what is to come. The caller holds the state's read lock where the stream must
    /// continue exactly after a state.
    pub(crate) fn stream_from(self: &Arc<Self>, applied: Zxid) -> EventStream {
        EventStream {
            log: Arc::clone(self),
            after: EventId::after_command(applied),
            head: self.head.subscribe(),
        }
    }

    /// `m18`: where a stream begins that tells the last two commits up to `after` again.
    fn two_commits_before(&self, after: EventId) -> EventId {
        let ring = self.ring.lock();
        let told = ring
            .commits
            .partition_point(|c| c.moment.zxid <= after.zxid);
        let before = told.checked_sub(3).and_then(|at| ring.commits.get(at));
        EventId::after_command(before.map_or(ring.floor, |commit| commit.moment.zxid))
    }

    fn next_after(&self, after: EventId) -> Result<Option<Arc<Commit>>, HistoryGone> {
        let ring = self.ring.lock();
        if after.zxid < ring.floor {
            return Err(HistoryGone {
                oldest: EventId::after_command(ring.floor),
            });
        }
        let start = ring.commits.partition_point(|c| c.moment.zxid < after.zxid);
        for commit in ring.commits.range(start..).take(2) {
            if commit.moment.zxid > after.zxid {
                return Ok(Some(Arc::clone(commit)));
            }
            let rest: Vec<Event> = commit
                .events
                .iter()
                .filter(|e| e.ordinal > after.ordinal)
                .cloned()
                .collect();
            if !rest.is_empty() {
                return Ok(Some(Arc::new(Commit {
                    moment: commit.moment,
                    events: rest,
                })));
            }
        }
        Ok(None)
    }
}

/// What an event weighs in the ring: its record, its share of the commit's and its names, and the data.
fn size_of_event(event: &Event) -> usize {
    const RECORD: usize = size_of::<Event>() + 80;
    let data = match &event.kind {
        EventKind::NodeCreated { value, .. } => value.as_ref().map_or(0, |v| v.len()),
        EventKind::NodeChanged {
            value, previous, ..
        } => value.as_ref().map_or(0, |v| v.len()) + previous.as_ref().map_or(0, |v| v.len()),
        EventKind::NodeDeleted { previous, .. } => previous.as_ref().map_or(0, |v| v.len()),
        EventKind::NodeAclChanged { .. }
        | EventKind::ClaimQueued { .. }
        | EventKind::ClaimGranted { .. }
        | EventKind::ClaimEnded { .. }
        | EventKind::ClaimExtended { .. }
        | EventKind::ReleaseRequested { .. }
        | EventKind::ReleaseAnswered { .. }
        | EventKind::LockConfigured { .. }
        | EventKind::SessionOpened { .. }
        | EventKind::SessionEnded { .. }
        | EventKind::CandidateJoined { .. }
        | EventKind::CandidateChanged { .. }
        | EventKind::CandidateLeft { .. }
        | EventKind::LeaderElected { .. }
        | EventKind::LeadershipEnded { .. }
        | EventKind::TransferAsked { .. }
        | EventKind::TransferCancelled { .. }
        | EventKind::Instance { .. } => 0,
    };
    RECORD + data
}

/// A reader of the event log. Owns a position, no queue.
#[derive(Debug)]
pub struct EventStream {
    log: Arc<EventLog>,
    after: EventId,
    head: watch::Receiver<Zxid>,
}

impl EventStream {
    /// The events of the next command, waiting for it. After a resume in the middle of a command
    /// the first answer holds the rest of that command.
    ///
    /// Cancel safe: a cancelled call has consumed nothing.
    ///
    /// # Errors
    /// When the reader fell so far behind that events it has not seen are gone.
    pub async fn next(&mut self) -> Result<Arc<Commit>, HistoryGone> {
        loop {
            self.head.mark_unchanged();
            if let Some(commit) = self.log.next_after(self.after)? {
                self.after = EventId::after_command(commit.moment.zxid);
                return Ok(commit);
            }
            if self.head.changed().await.is_err() {
                // The log outlives its streams through the Arc above.
                std::future::pending::<()>().await;
            }
        }
    }

    /// The events of the next command, if there are any yet. As [`EventStream::next`], without
    /// waiting.
    ///
    /// # Errors
    /// As there.
    pub fn try_next(&mut self) -> Result<Option<Arc<Commit>>, HistoryGone> {
        let next = self.log.next_after(self.after)?;
        if let Some(commit) = &next {
            self.after = EventId::after_command(commit.moment.zxid);
        }
        Ok(next)
    }

    /// Waits until this node has applied another command. Cancel safe.
    pub async fn changed(&mut self) {
        if self.head.changed().await.is_err() {
            // The log outlives its streams through the Arc it has.
            std::future::pending::<()>().await;
        }
    }

    /// How far this node has applied.
    #[must_use]
    pub fn head(&self) -> EventId {
        EventId::after_command(*self.head.borrow())
    }

    /// Everything up to here was delivered.
    #[must_use]
    pub fn position(&self) -> EventId {
        self.after
    }
}
