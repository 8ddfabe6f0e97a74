//! Locks and claims as they are stored.
//!
//! A lock is a znode below `/locks`; a claim is its ephemeral sequential child (decision 6). The
//! tree is the truth of who exists; the records here add what a znode's stat cannot say. A child
//! that a ZooKeeper client made under the name of a known recipe has a record too, with an id
//! derived from its znode name, so that both doors stand in one queue.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::command::{LockKind, LockMode, LockSettings, Moment};
use crate::ids::{ClaimId, Fence, LockName, LogTime, SessionId};

/// Where a live claim stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClaimState {
    /// In the queue.
    Waiting {
        /// When it leaves the queue unserved.
        deadline: Option<LogTime>,
    },
    /// It has the lock.
    Held {
        /// When it was granted.
        granted: Moment,
        /// When the hold ends by itself.
        expires: Option<LogTime>,
        /// When it is abandoned, unless the hand-over is picked up before. `None`: picked up.
        acknowledge_by: Option<LogTime>,
    },
}

/// A live claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The lock.
    pub lock: LockName,
    /// Its id.
    pub id: ClaimId,
    /// Ids of re-entries that share this hold; empty for most.
    pub reentries: BTreeSet<ClaimId>,
    /// Whether the first id itself was released while re-entries remain.
    pub first_released: bool,
    /// Who owns it.
    pub session: SessionId,
    /// How it wants or has the lock.
    pub mode: LockMode,
    /// czxid of its znode; of a hold that went on reading, of the znode it wrote by.
    pub fence: Fence,
    /// Name of its znode below the lock's.
    pub znode_name: String,
    /// Name of a second znode by which its ZooKeeper client goes on reading when the first is gone:
    /// Curator's `InterProcessReadWriteLock` lets a writer take the read lock too. Only of the
    /// exclusive hold of such a client.
    pub downgrade: Option<String>,
    /// When it queued.
    pub queued: Moment,
    /// Where it stands.
    pub state: ClaimState,
    /// Time to hold, milliseconds.
    pub ttl_ms: Option<u64>,
    /// Time to pick a hand-over up, milliseconds. `None`: nobody has to, it is held as long as its session lives.
    pub ack_within_ms: Option<u64>,
    /// Whether it may be re-entered.
    pub reentrant: bool,
    /// Shown to those who wait.
    pub reason: Option<String>,
    /// Shown to those who wait.
    pub labels: BTreeMap<String, String>,
    /// All locks that are claimed together, this one among them, in order of name; empty for a claim of
    /// one lock. The claims of the others have this one's id and fence, and all of them wait, hold and
    /// end together.
    pub all_of: Vec<LockName>,
    /// That it should release, where somebody asked; only of a hold.
    pub release_request: Option<Box<ReleaseRequest>>,
    /// Hash of what the client asked for, to tell a repeat from a misuse of the id; 0 for a claim
    /// that a ZooKeeper client made as a znode, which no request ever matches.
    pub fingerprint: u64,
}

impl Claim {
    /// Whether a ZooKeeper client made it as a znode: then it waits without deadline and its grant
    /// needs no acknowledgement, since its client watches the znodes.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        self.fingerprint == 0
    }

    /// Permits it takes of a semaphore; 0 for other modes.
    #[must_use]
    pub fn permits(&self) -> u32 {
        match self.mode {
            LockMode::Permits(permits) => permits,
            LockMode::Exclusive | LockMode::Shared => 0,
        }
    }

    /// Whether `id` is one of its ids that is not released yet.
    #[must_use]
    pub fn answers_to(&self, id: &ClaimId) -> bool {
        (self.id == *id && !self.first_released) || self.reentries.contains(id)
    }

    /// The locks that are claimed together with its own.
    pub fn others(&self) -> impl Iterator<Item = &LockName> {
        self.all_of.iter().filter(|lock| **lock != self.lock)
    }

    /// Its lock, and those that are claimed together with it.
    pub fn locks(&self) -> impl Iterator<Item = &LockName> {
        std::iter::once(&self.lock).chain(self.others())
    }

    /// Whether it has the lock.
    #[must_use]
    pub fn is_held(&self) -> bool {
        matches!(self.state, ClaimState::Held { .. })
    }
}

/// Somebody asked a holder to release. It ends with the hold; nothing happens when its time is up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseRequest {
    /// The session that asked, where one acted.
    pub by: Option<SessionId>,
    /// Who asked, in one line.
    pub who: String,
    /// Why.
    pub reason: String,
    /// When.
    pub asked: Moment,
    /// By when the release is wanted.
    pub until: LogTime,
    /// Until when the holder needs the lock, where it said so.
    pub needs_until: Option<LogTime>,
}

/// How a claim ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClaimEnd {
    /// Released by its owner.
    Released,
    /// Left the queue by its owner's wish.
    Left,
    /// Its wait was over before its turn.
    WaitElapsed,
    /// Its own deadline or the lock's longest hold was over.
    Expired,
    /// The hand-over was not picked up in time.
    Abandoned,
    /// Somebody with the right to do so broke it.
    Broken,
    /// Its session was closed.
    SessionClosed,
    /// Its session expired.
    SessionExpired,
    /// Its znode was deleted directly.
    ZnodeDeleted,
}

/// A claim that ended, remembered for [`TOMBSTONE_MS`](crate::limits::TOMBSTONE_MS).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedClaim {
    /// The lock.
    pub lock: LockName,
    /// The claim.
    pub id: ClaimId,
    /// Who owned it.
    pub session: SessionId,
    /// Its fence.
    pub fence: Fence,
    /// Whether it ever held the lock.
    pub held: bool,
    /// How it ended.
    pub end: ClaimEnd,
    /// When.
    pub ended: Moment,
    /// Why, where somebody said so (break).
    pub reason: Option<String>,
    /// As in [`Claim::fingerprint`].
    pub fingerprint: u64,
    /// When this memory may be dropped.
    pub forget_at: LogTime,
}

/// What is stored per lock that has claims or settings. The queue itself is the range of claims of
/// this lock ordered by fence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Settings, where somebody configured the lock; then its znode is persistent.
    pub settings: Option<LockSettings>,
    /// Permits agreed by the first claim of an unconfigured semaphore; `None` while none is live.
    pub agreed_limit: Option<u32>,
    /// Claims that hold it.
    pub holders: u32,
    /// Claims in its queue.
    pub waiters: u32,
    /// Permits its holders have together; 0 while it is held otherwise.
    pub permits_held: u32,
    /// Fence of the last claim that was granted. Grants go strictly in order of fences, so live
    /// claims up to and including this one hold the lock and those beyond it wait: that finds the
    /// first waiter without walking over the holders.
    pub granted_up_to: Fence,
    /// Granted to nobody before this time.
    pub delayed_until: Option<LogTime>,
}

impl Lock {
    /// Live claims: holders and waiters.
    #[must_use]
    pub fn claims(&self) -> u32 {
        self.holders.saturating_add(self.waiters)
    }

    /// Whether nothing is left that must be remembered: then the record goes, so that names used
    /// once leave nothing behind.
    #[must_use]
    pub fn is_vacant(&self) -> bool {
        self.claims() == 0 && self.settings.is_none() && self.delayed_until.is_none()
    }

    /// Permits in all, when the lock is a semaphore by its settings or by agreement.
    #[must_use]
    pub fn permit_limit(&self) -> Option<u32> {
        match self.settings.as_ref().map(|settings| settings.kind) {
            Some(LockKind::Semaphore { limit }) => Some(limit),
            Some(LockKind::Mutex | LockKind::ReadWrite) => None,
            None => self.agreed_limit,
        }
    }
}
