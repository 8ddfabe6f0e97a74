//! Sessions as they are stored.

use serde::{Deserialize, Serialize};

use crate::command::{Moment, Owner};
use crate::ids::{ClaimId, Fence, LockName, LogTime, SessionId, SessionName, Zxid};

/// How a session stays alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionKind {
    /// By signs of life of its client; the leader proposes its expiry after silence.
    Client,
    /// With the one claim it was made for; the claim's own deadline ends both.
    Implicit,
}

/// A live session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its number: the zxid of the command that opened it.
    pub id: SessionId,
    /// The client's name for it.
    pub name: Option<SessionName>,
    /// How it stays alive.
    pub kind: SessionKind,
    /// Silence after which it may be expired, milliseconds.
    pub timeout_ms: u64,
    /// Secret for re-attaching by number.
    pub password: [u8; 16],
    /// Who is behind it.
    pub owner: Owner,
    /// Lock delay after an involuntary end, milliseconds.
    pub lock_delay_ms: u64,
    /// When it was opened.
    pub opened: Moment,
    /// Where its client last attached to it: at first the zxid it was opened at.
    pub attached: Zxid,
    /// Commands applied for it. An expiry carries the count the leader saw and is refused when the
    /// session has acted since: the last-seen counter of the log.
    pub activity: u64,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionEnd {
    /// Its client closed it.
    Closed,
    /// It was silent for longer than its timeout.
    Expired,
}

/// A session that ended, remembered for [`TOMBSTONE_MS`](crate::limits::TOMBSTONE_MS).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedSession {
    /// Its number.
    pub id: SessionId,
    /// Its name.
    pub name: Option<SessionName>,
    /// Why.
    pub end: SessionEnd,
    /// When.
    pub ended: Moment,
    /// Ephemeral znodes removed with it, claims not counted.
    pub ephemerals_removed: u32,
    /// Holds released with it, in order of lock and fence; only the first
    /// [`RELEASED_PER_ENDED_SESSION_MAX`](crate::limits::RELEASED_PER_ENDED_SESSION_MAX).
    pub released: Vec<ReleasedHold>,
    /// When this memory may be dropped.
    pub forget_at: LogTime,
}

/// A hold that ended with its session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleasedHold {
    /// The lock.
    pub lock: LockName,
    /// The claim.
    pub claim: ClaimId,
    /// Its fence.
    pub fence: Fence,
}

impl Session {
    /// Who is behind it, in one line: its owner, its name, or its number.
    #[must_use]
    pub fn described(&self) -> String {
        let owner = self.owner.in_one_line();
        if !owner.is_empty() {
            return owner;
        }
        match &self.name {
            Some(name) => name.to_string(),
            None => format!("session {}", self.id),
        }
    }
}
