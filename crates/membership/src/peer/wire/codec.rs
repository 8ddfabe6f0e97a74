//! Encodings of Raft's own values: vote, log id, entry, membership.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use openraft::EntryPayload;
use raft_types::{Entry, EntryBytes, LeaderId, LogId, Membership, NodeId, PeerAddress};
use raft_types::{StoredMembership, Vote};

/// Configurations in a membership: one, or two while joint. Two more for a future openraft.
const JOINT_CONFIGS_MAX: usize = 4;
/// Members of a cluster, learners included.
pub const MEMBERS_MAX: usize = 255;
/// Length of a peer address or API URL in bytes.
pub const ADDRESS_BYTES_MAX: usize = 512;

const ENTRY_BLANK: u8 = 0;
const ENTRY_NORMAL: u8 = 1;
const ENTRY_MEMBERSHIP: u8 = 2;

/// Why bytes are not a message of this protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DecodeError {
    #[error("message ends in the middle of {0}")]
    Short(&'static str),
    #[error("{bytes} bytes are left over after the message")]
    Trailing { bytes: usize },
    #[error("{what} has the unknown tag {tag}")]
    UnknownTag { what: &'static str, tag: u8 },
    #[error("{what} is longer than {max}")]
    TooLong { what: &'static str, max: usize },
    #[error("{0} is not valid")]
    Invalid(&'static str),
}

/// Reads values off the front of a message; slices share the message's buffer.
pub(crate) struct Decoder {
    rest: Bytes,
}

macro_rules! integers {
    ($($name:ident: $type:ty, $size:literal, $get:ident;)*) => {
        $(pub(crate) fn $name(&mut self, what: &'static str) -> Result<$type, DecodeError> {
            if self.rest.len() < $size {
                return Err(DecodeError::Short(what));
            }
            Ok(self.rest.$get())
        })*
    };
}

impl Decoder {
    pub(crate) fn new(message: Bytes) -> Self {
        Decoder { rest: message }
    }

    integers! {
        u8: u8, 1, get_u8;
        u16: u16, 2, get_u16_le;
        u32: u32, 4, get_u32_le;
        u64: u64, 8, get_u64_le;
        u128: u128, 16, get_u128_le;
    }

    pub(crate) fn bool(&mut self, what: &'static str) -> Result<bool, DecodeError> {
        match self.u8(what)? {
            0 => Ok(false),
            1 => Ok(true),
            tag => Err(DecodeError::UnknownTag { what, tag }),
        }
    }

    pub(crate) fn take(&mut self, len: usize, what: &'static str) -> Result<Bytes, DecodeError> {
        if self.rest.len() < len {
            return Err(DecodeError::Short(what));
        }
        Ok(self.rest.split_to(len))
    }

    /// A count of things that each take at least `each` bytes: refused before anything is
    /// allocated for it when the message cannot hold that many.
    pub(crate) fn count(
        &mut self,
        max: usize,
        each: usize,
        what: &'static str,
    ) -> Result<usize, DecodeError> {
        let count = self.u32(what)? as usize;
        if count > max {
            return Err(DecodeError::TooLong { what, max });
        }
        if count.saturating_mul(each) > self.rest.len() {
            return Err(DecodeError::Short(what));
        }
        Ok(count)
    }

    pub(crate) fn text(&mut self, max: usize, what: &'static str) -> Result<String, DecodeError> {
        let len = self.count(max, 1, what)?;
        let bytes = self.take(len, what)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| DecodeError::Invalid(what))?;
        Ok(text.to_owned())
    }

    pub(crate) fn optional<T>(
        &mut self,
        what: &'static str,
        read: impl FnOnce(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Option<T>, DecodeError> {
        if self.bool(what)? {
            read(self).map(Some)
        } else {
            Ok(None)
        }
    }

    /// What has not been read yet.
    pub(crate) fn rest(self) -> Bytes {
        self.rest
    }

    /// Ends the message: leftovers mean that the two sides disagree about its form.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Trailing {
                bytes: self.rest.len(),
            })
        }
    }
}

/// Lengths are checked against the frame limit (far below 4 GiB) before a frame is sent.
fn put_len(out: &mut BytesMut, len: usize) {
    out.put_u32_le(u32::try_from(len).unwrap_or(u32::MAX));
}

pub(crate) fn put_text(out: &mut BytesMut, text: &str) {
    put_len(out, text.len());
    out.put_slice(text.as_bytes());
}

pub(crate) fn put_vote(out: &mut BytesMut, vote: &Vote) {
    out.put_u64_le(vote.leader_id.term);
    out.put_u64_le(vote.leader_id.voted_for);
    out.put_u8(u8::from(vote.committed));
}

pub(crate) fn vote(from: &mut Decoder) -> Result<Vote, DecodeError> {
    let term = from.u64("vote term")?;
    let voted_for = from.u64("vote node")?;
    let committed = from.bool("vote committed")?;
    Ok(Vote {
        leader_id: LeaderId { term, voted_for },
        committed,
    })
}

pub(crate) fn put_log_id(out: &mut BytesMut, id: &LogId) {
    out.put_u64_le(id.leader_id.term);
    out.put_u64_le(id.index);
}

pub(crate) fn log_id(from: &mut Decoder) -> Result<LogId, DecodeError> {
    let term = from.u64("log id term")?;
    let index = from.u64("log id index")?;
    Ok(LogId {
        leader_id: term.into(),
        index,
    })
}

pub(crate) fn put_optional_log_id(out: &mut BytesMut, id: Option<&LogId>) {
    out.put_u8(u8::from(id.is_some()));
    if let Some(id) = id {
        put_log_id(out, id);
    }
}

pub(crate) fn optional_log_id(from: &mut Decoder) -> Result<Option<LogId>, DecodeError> {
    from.optional("log id presence", log_id)
}

pub(crate) fn put_membership(out: &mut BytesMut, membership: &Membership) {
    let configs = membership.get_joint_config();
    put_len(out, configs.len());
    for config in configs {
        put_len(out, config.len());
        for id in config {
            out.put_u64_le(*id);
        }
    }
    let nodes: Vec<_> = membership.nodes().collect();
    put_len(out, nodes.len());
    for (id, address) in nodes {
        out.put_u64_le(*id);
        put_text(out, &address.peer);
        put_text(out, &address.api);
    }
}

pub(crate) fn membership(from: &mut Decoder) -> Result<Membership, DecodeError> {
    let mut configs = Vec::new();
    for _ in 0..from.count(JOINT_CONFIGS_MAX, 4, "voter configurations")? {
        let mut voters: BTreeSet<NodeId> = BTreeSet::new();
        for _ in 0..from.count(MEMBERS_MAX, 8, "voters")? {
            voters.insert(from.u64("voter")?);
        }
        configs.push(voters);
    }
    let mut nodes: BTreeMap<NodeId, PeerAddress> = BTreeMap::new();
    for _ in 0..from.count(MEMBERS_MAX, 16, "members")? {
        let id = from.u64("member")?;
        let peer = from.text(ADDRESS_BYTES_MAX, "peer address")?;
        let api = from.text(ADDRESS_BYTES_MAX, "api address")?;
        nodes.insert(id, PeerAddress { peer, api });
    }
    if configs.is_empty() && nodes.is_empty() {
        return Ok(Membership::default());
    }
    Membership::new(configs, nodes).map_err(|_| DecodeError::Invalid("membership"))
}

pub(crate) fn put_stored_membership(out: &mut BytesMut, stored: &StoredMembership) {
    put_optional_log_id(out, stored.log_id().as_ref());
    put_membership(out, stored.membership());
}

pub(crate) fn stored_membership(from: &mut Decoder) -> Result<StoredMembership, DecodeError> {
    let log_id = optional_log_id(from)?;
    let membership = membership(from)?;
    Ok(StoredMembership::new(log_id, membership))
}

pub(crate) fn put_entry(out: &mut BytesMut, entry: &Entry) {
    put_log_id(out, &entry.log_id);
    match &entry.payload {
        EntryPayload::Blank => out.put_u8(ENTRY_BLANK),
        EntryPayload::Normal(bytes) => {
            out.put_u8(ENTRY_NORMAL);
            put_len(out, bytes.0.len());
            out.put_slice(&bytes.0);
        }
        EntryPayload::Membership(membership) => {
            out.put_u8(ENTRY_MEMBERSHIP);
            put_membership(out, membership);
        }
    }
}

pub(crate) fn entry(from: &mut Decoder) -> Result<Entry, DecodeError> {
    let log_id = log_id(from)?;
    let payload = match from.u8("entry kind")? {
        ENTRY_BLANK => EntryPayload::Blank,
        ENTRY_NORMAL => {
            let len = from.count(usize::MAX, 1, "entry payload")?;
            EntryPayload::Normal(EntryBytes(from.take(len, "entry payload")?))
        }
        ENTRY_MEMBERSHIP => EntryPayload::Membership(membership(from)?),
        tag => return Err(DecodeError::UnknownTag { what: "entry", tag }),
    };
    Ok(Entry { log_id, payload })
}
