//! What nodes say to each other besides Raft. Carried as bytes by the peer protocol of
//! `membership`, which has already checked that both ends belong to the same cluster.

use std::collections::BTreeMap;

use bytes::Bytes;
use raft_core::ids::{SessionId, Zxid};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Kinds of calls. Numbers are never reused.
pub(crate) mod kind {
    pub(crate) const FORWARD: u8 = 1;
    pub(crate) const READ_INDEX: u8 = 2;
    pub(crate) const KEEP_ALIVE: u8 = 3;
    pub(crate) const STATUS: u8 = 4;
    pub(crate) const CHANGE_MEMBERS: u8 = 5;
    pub(crate) const TRANSFER: u8 = 6;
    pub(crate) const CLUSTER: u8 = 7;
    pub(crate) const RECONFIGURE: u8 = 8;
}

/// Requests of one node for the leader of `term`.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Forward {
    pub(crate) term: u64,
    pub(crate) incarnation: u64,
    /// Every sequence below has its outcome: a late copy of such a request must not be accepted.
    pub(crate) oldest: u64,
    pub(crate) requests: Vec<(u64, Bytes)>,
}

/// Answer to [`Forward`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ForwardAnswer {
    /// All are in the leader's queue, or were before.
    Accepted,
    /// This node does not lead that term.
    NotLeader,
    /// The leader's queue is full; none was taken.
    Full,
}

/// Answer to `READ_INDEX`: a node that has applied up to `index` is up to date with everything that
/// was acknowledged before the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ReadIndexAnswer {
    Index(u64),
    NotLeader,
}

/// Signs of life of sessions.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeepAliveAsk {
    pub(crate) sessions: Vec<SessionId>,
}

/// Answer to [`KeepAliveAsk`], given after leadership was confirmed by a quorum that was asked
/// after the signs of life arrived.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum KeepAliveAnswer {
    Confirmed {
        /// As in [`ReadIndexAnswer::Index`].
        index: u64,
        /// Those of the sessions that were renewed.
        alive: Vec<SessionId>,
    },
    NotLeader,
}

/// What one node says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StatusAnswer {
    pub(crate) applied_index: u64,
    pub(crate) applied: Zxid,
    pub(crate) digest: u128,
    pub(crate) digests: BTreeMap<Zxid, u128>,
    pub(crate) version: String,
}

/// Encodes a message. Messages are our own types without maps of unknown size or floats: encoding
/// them cannot fail.
pub(crate) fn encode<T: Serialize>(message: &T) -> Bytes {
    postcard::to_allocvec(message).map_or_else(|_| Bytes::new(), Bytes::from)
}

/// Decodes a message; `None` for anything else. The peer is another version or broken.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Some(message),
        Ok(_) | Err(_) => None,
    }
}
