//! The records in the log and meta tables and in snapshot headers, as bytes.
//!
//! Own layouts, not serde of openraft's types: an openraft release cannot change what lies on disk.
//! Each layout has a golden file in `tests/golden`; a change of layout is a new version number.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use openraft::EntryPayload;
use raft_types::{
    ClusterId, Entry, EntryBytes, LeaderId, LogId, Membership, NodeId, PeerAddress,
    StoredMembership, Vote,
};

use crate::codec::{Reader, Writer};
use crate::error::RecordError;

const ENTRY_VERSION: u8 = 1;
const VOTE_VERSION: u8 = 1;
const LOG_ID_VERSION: u8 = 1;
const IDENTITY_VERSION: u8 = 1;
const MEMBERSHIP_VERSION: u8 = 1;

const KIND_BLANK: u8 = 0;
const KIND_NORMAL: u8 = 1;
const KIND_MEMBERSHIP: u8 = 2;

/// Which format of data directory this build writes; it reads this one only.
pub const FORMAT_VERSION: u32 = 1;

/// Key of the vote in the meta table.
pub const KEY_VOTE: &[u8] = b"vote";
/// Key of the last purged log id in the meta table.
pub const KEY_PURGED: &[u8] = b"last_purged";
/// Key of the last committed log id in the meta table.
pub const KEY_COMMITTED: &[u8] = b"committed";
/// Key of format version, node id and cluster id in the meta table.
pub const KEY_IDENTITY: &[u8] = b"identity";

/// Whose data a database holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Format of the data directory.
    pub format_version: u32,
    /// The node the data belongs to.
    pub node_id: NodeId,
    /// The cluster, once known: a joining node learns it.
    pub cluster_id: Option<ClusterId>,
}

/// Key of a log entry: its index, big-endian, so that keys sort as indexes do.
pub fn log_key(index: u64) -> [u8; 8] {
    index.to_be_bytes()
}

/// The index a log key stands for.
///
/// # Errors
/// [`RecordError::Key`] if it is not eight bytes long.
pub fn parse_log_key(key: &[u8]) -> Result<u64, RecordError> {
    <[u8; 8]>::try_from(key)
        .map(u64::from_be_bytes)
        .map_err(|_| RecordError::Key { len: key.len() })
}

/// Makes a log id of its parts.
pub fn log_id(term: u64, index: u64) -> LogId {
    LogId {
        leader_id: openraft::vote::leader_id_std::CommittedLeaderId::new(term),
        index,
    }
}

/// The term of a log id.
pub fn term_of(id: &LogId) -> u64 {
    *id.leader_id
}

/// Encodes an entry: version, term, kind, length and bytes of the payload, checksum over the key
/// and all of it.
///
/// # Errors
/// [`RecordError::TooLong`] if a part exceeds what a length field can say.
pub fn encode_entry(entry: &Entry) -> Result<Vec<u8>, RecordError> {
    let membership;
    let (kind, payload): (u8, &[u8]) = match &entry.payload {
        EntryPayload::Blank => (KIND_BLANK, &[]),
        EntryPayload::Normal(bytes) => (KIND_NORMAL, &bytes.0),
        EntryPayload::Membership(m) => {
            membership = encode_membership(m)?;
            (KIND_MEMBERSHIP, &membership)
        }
    };
    let mut out = Writer::with_capacity(payload.len() + 18);
    out.u8(ENTRY_VERSION);
    out.u64(term_of(&entry.log_id));
    out.u8(kind);
    out.prefixed(payload)?;
    Ok(out.seal(&log_key(entry.log_id.index)))
}

/// Decodes the entry stored under `index`.
///
/// # Errors
/// [`RecordError`] says what is wrong with the bytes.
pub fn decode_entry(index: u64, bytes: &[u8]) -> Result<Entry, RecordError> {
    let mut from = Reader::unseal(bytes, &log_key(index))?;
    from.version(ENTRY_VERSION)?;
    let term = from.u64()?;
    let kind = from.u8()?;
    let payload = from.prefixed()?;
    from.end()?;
    let payload = match kind {
        KIND_BLANK if payload.is_empty() => EntryPayload::Blank,
        KIND_BLANK => return Err(RecordError::Trailing { len: payload.len() }),
        KIND_NORMAL => EntryPayload::Normal(EntryBytes(Bytes::copy_from_slice(payload))),
        KIND_MEMBERSHIP => EntryPayload::Membership(decode_membership(payload)?),
        found => {
            return Err(RecordError::Tag {
                what: "kind of entry",
                found,
            });
        }
    };
    Ok(Entry {
        log_id: log_id(term, index),
        payload,
    })
}

/// Encodes a vote for the meta table.
pub fn encode_vote(vote: &Vote) -> Vec<u8> {
    let mut out = Writer::default();
    out.u8(VOTE_VERSION);
    out.u64(vote.leader_id.term);
    out.u64(vote.leader_id.voted_for);
    out.u8(u8::from(vote.committed));
    out.seal(KEY_VOTE)
}

/// Decodes the vote of the meta table.
///
/// # Errors
/// [`RecordError`] says what is wrong with the bytes.
pub fn decode_vote(bytes: &[u8]) -> Result<Vote, RecordError> {
    let mut from = Reader::unseal(bytes, KEY_VOTE)?;
    from.version(VOTE_VERSION)?;
    let leader_id = LeaderId {
        term: from.u64()?,
        voted_for: from.u64()?,
    };
    let committed = from.flag()?;
    from.end()?;
    Ok(Vote {
        leader_id,
        committed,
    })
}

/// Encodes a log id stored under `key` of the meta table.
pub fn encode_log_id(key: &[u8], id: &LogId) -> Vec<u8> {
    let mut out = Writer::default();
    out.u8(LOG_ID_VERSION);
    out.u64(term_of(id));
    out.u64(id.index);
    out.seal(key)
}

/// Decodes the log id stored under `key` of the meta table.
///
/// # Errors
/// [`RecordError`] says what is wrong with the bytes.
pub fn decode_log_id(key: &[u8], bytes: &[u8]) -> Result<LogId, RecordError> {
    let mut from = Reader::unseal(bytes, key)?;
    from.version(LOG_ID_VERSION)?;
    let id = log_id(from.u64()?, from.u64()?);
    from.end()?;
    Ok(id)
}

/// Encodes whose data this is, for the meta table.
pub fn encode_identity(identity: &Identity) -> Vec<u8> {
    let mut out = Writer::default();
    out.u8(IDENTITY_VERSION);
    out.u32(identity.format_version);
    out.u64(identity.node_id);
    out.u8(u8::from(identity.cluster_id.is_some()));
    out.u128(identity.cluster_id.map_or(0, |id| id.0));
    out.seal(KEY_IDENTITY)
}

/// Decodes whose data this is.
///
/// # Errors
/// [`RecordError`] says what is wrong with the bytes.
pub fn decode_identity(bytes: &[u8]) -> Result<Identity, RecordError> {
    let mut from = Reader::unseal(bytes, KEY_IDENTITY)?;
    from.version(IDENTITY_VERSION)?;
    let format_version = from.u32()?;
    let node_id = from.u64()?;
    let known = from.flag()?;
    let cluster = ClusterId(from.u128()?);
    from.end()?;
    Ok(Identity {
        format_version,
        node_id,
        cluster_id: known.then_some(cluster),
    })
}

/// Encodes a membership: joint configurations, then nodes with their addresses.
///
/// # Errors
/// [`RecordError::TooLong`] if a part exceeds what a length field can say.
pub fn encode_membership(membership: &Membership) -> Result<Vec<u8>, RecordError> {
    let mut out = Writer::default();
    out.u8(MEMBERSHIP_VERSION);
    let configs = membership.get_joint_config();
    out.count(configs.len())?;
    for config in configs {
        out.count(config.len())?;
        for id in config {
            out.u64(*id);
        }
    }
    out.count(membership.nodes().count())?;
    for (id, address) in membership.nodes() {
        out.u64(*id);
        out.prefixed(address.peer.as_bytes())?;
        out.prefixed(address.api.as_bytes())?;
    }
    Ok(out.finish())
}

/// Decodes a membership. It carries no checksum of its own: what contains it does.
///
/// # Errors
/// [`RecordError`] says what is wrong with the bytes.
pub fn decode_membership(bytes: &[u8]) -> Result<Membership, RecordError> {
    let mut from = Reader::new(bytes);
    from.version(MEMBERSHIP_VERSION)?;
    let mut configs = Vec::new();
    for _ in 0..from.u32()? {
        let mut config = BTreeSet::new();
        for _ in 0..from.u32()? {
            config.insert(from.u64()?);
        }
        configs.push(config);
    }
    let mut nodes = BTreeMap::new();
    for _ in 0..from.u32()? {
        let id = from.u64()?;
        nodes.insert(
            id,
            PeerAddress {
                peer: from.text()?,
                api: from.text()?,
            },
        );
    }
    from.end()?;
    if configs.is_empty() && nodes.is_empty() {
        return Ok(Membership::default());
    }
    Membership::new(configs, nodes).map_err(|e| RecordError::Membership {
        cause: e.to_string(),
    })
}

/// Writes an optional log id and the membership with its position, as in a snapshot's header.
pub(crate) fn put_stored_membership(
    out: &mut Writer,
    stored: &StoredMembership,
) -> Result<(), RecordError> {
    put_optional_log_id(out, stored.log_id().as_ref());
    out.prefixed(&encode_membership(stored.membership())?)
}

pub(crate) fn take_stored_membership(
    from: &mut Reader<'_>,
) -> Result<StoredMembership, RecordError> {
    let log_id = take_optional_log_id(from)?;
    let membership = decode_membership(from.prefixed()?)?;
    Ok(StoredMembership::new(log_id, membership))
}

pub(crate) fn put_optional_log_id(out: &mut Writer, id: Option<&LogId>) {
    out.u8(u8::from(id.is_some()));
    out.u64(id.map_or(0, term_of));
    out.u64(id.map_or(0, |id| id.index));
}

pub(crate) fn take_optional_log_id(from: &mut Reader<'_>) -> Result<Option<LogId>, RecordError> {
    let present = from.flag()?;
    let id = log_id(from.u64()?, from.u64()?);
    Ok(present.then_some(id))
}
