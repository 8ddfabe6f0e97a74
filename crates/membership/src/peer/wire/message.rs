//! The messages of the lanes.

use bytes::{BufMut, Bytes, BytesMut};
use openraft::raft::{
    AppendEntriesRequest, StreamAppendError, StreamAppendResult, TransferLeaderError,
    TransferLeaderRequest, TransferLeaderResponse, VoteRequest, VoteResponse,
};
use raft_types::snapshot::SnapshotMeta;
use raft_types::{NodeId, TypeConfig, Vote};

use super::codec::{self, DecodeError, Decoder};

pub(crate) type AppendRequest = AppendEntriesRequest<TypeConfig>;
pub(crate) type AppendReply = StreamAppendResult<TypeConfig>;
pub(crate) type Ballot = VoteRequest<TypeConfig>;
pub(crate) type BallotReply = VoteResponse<TypeConfig>;
pub(crate) type Transfer = TransferLeaderRequest<TypeConfig>;
pub(crate) type TransferReply = TransferLeaderResponse<TypeConfig>;

/// Entries in one AppendEntries message; openraft is configured far below this.
const APPEND_ENTRIES_MAX: usize = 1 << 20;
/// The smallest entry: log id and kind.
const ENTRY_BYTES_MIN: usize = 17;

const OK: u8 = 0;
const CONFLICT: u8 = 1;
const HIGHER_VOTE: u8 = 2;
const VOTE_CHANGED: u8 = 1;
const LOG_NOT_FLUSHED: u8 = 2;

/// Expected size of the encoding, so that it is built without regrowing.
pub(crate) fn append_size_hint(request: &AppendRequest) -> usize {
    let payload = |entry: &raft_types::Entry| match &entry.payload {
        openraft::EntryPayload::Normal(bytes) => bytes.0.len(),
        openraft::EntryPayload::Blank | openraft::EntryPayload::Membership(_) => 0,
    };
    request
        .entries
        .iter()
        .map(|entry| payload(entry) + ENTRY_BYTES_MIN + 4)
        .sum::<usize>()
        + 64
}

pub(crate) fn put_append(out: &mut BytesMut, request: &AppendRequest) {
    codec::put_vote(out, &request.vote);
    codec::put_optional_log_id(out, request.prev_log_id.as_ref());
    codec::put_optional_log_id(out, request.leader_commit.as_ref());
    out.put_u32_le(u32::try_from(request.entries.len()).unwrap_or(u32::MAX));
    for entry in &request.entries {
        codec::put_entry(out, entry);
    }
}

pub(crate) fn append(payload: Bytes) -> Result<AppendRequest, DecodeError> {
    let mut from = Decoder::new(payload);
    let vote = codec::vote(&mut from)?;
    let prev_log_id = codec::optional_log_id(&mut from)?;
    let leader_commit = codec::optional_log_id(&mut from)?;
    let count = from.count(APPEND_ENTRIES_MAX, ENTRY_BYTES_MIN, "entries")?;
    let mut entries = Vec::with_capacity(count);
    let mut index = prev_log_id.map_or(0, |id| id.index.saturating_add(1));
    for _ in 0..count {
        let entry = codec::entry(&mut from)?;
        // A gap or a jump would reach the log store as a hole.
        if entry.log_id.index != index {
            return Err(DecodeError::Invalid("entry index"));
        }
        index = index
            .checked_add(1)
            .ok_or(DecodeError::Invalid("entry index"))?;
        entries.push(entry);
    }
    from.finish()?;
    Ok(AppendRequest {
        vote,
        prev_log_id,
        entries,
        leader_commit,
    })
}

pub(crate) fn put_append_reply(out: &mut BytesMut, reply: &AppendReply) {
    match reply {
        Ok(matching) => {
            out.put_u8(OK);
            codec::put_optional_log_id(out, matching.as_ref());
        }
        Err(StreamAppendError::Conflict(log_id)) => {
            out.put_u8(CONFLICT);
            codec::put_log_id(out, log_id);
        }
        Err(StreamAppendError::HigherVote(vote)) => {
            out.put_u8(HIGHER_VOTE);
            codec::put_vote(out, vote);
        }
    }
}

pub(crate) fn append_reply(payload: Bytes) -> Result<AppendReply, DecodeError> {
    let mut from = Decoder::new(payload);
    let reply = match from.u8("append reply")? {
        OK => Ok(codec::optional_log_id(&mut from)?),
        CONFLICT => Err(StreamAppendError::Conflict(codec::log_id(&mut from)?)),
        HIGHER_VOTE => Err(StreamAppendError::HigherVote(codec::vote(&mut from)?)),
        tag => {
            return Err(DecodeError::UnknownTag {
                what: "append reply",
                tag,
            });
        }
    };
    from.finish()?;
    Ok(reply)
}

pub(crate) fn put_ballot(out: &mut BytesMut, ballot: &Ballot) {
    codec::put_vote(out, &ballot.vote);
    codec::put_optional_log_id(out, ballot.last_log_id.as_ref());
    out.put_u8(u8::from(ballot.leadership_transfer));
}

pub(crate) fn ballot(payload: Bytes) -> Result<Ballot, DecodeError> {
    let mut from = Decoder::new(payload);
    let mut ballot = Ballot::new(codec::vote(&mut from)?, codec::optional_log_id(&mut from)?);
    ballot.leadership_transfer = from.bool("leadership transfer")?;
    from.finish()?;
    Ok(ballot)
}

pub(crate) fn put_ballot_reply(out: &mut BytesMut, reply: &BallotReply) {
    codec::put_vote(out, &reply.vote);
    out.put_u8(u8::from(reply.vote_granted));
    codec::put_optional_log_id(out, reply.last_log_id.as_ref());
}

pub(crate) fn ballot_reply(payload: Bytes) -> Result<BallotReply, DecodeError> {
    let mut from = Decoder::new(payload);
    let vote = codec::vote(&mut from)?;
    let vote_granted = from.bool("vote granted")?;
    let last_log_id = codec::optional_log_id(&mut from)?;
    from.finish()?;
    Ok(BallotReply {
        vote,
        vote_granted,
        last_log_id,
    })
}

pub(crate) fn put_transfer(out: &mut BytesMut, transfer: &Transfer) {
    codec::put_vote(out, transfer.from_leader());
    out.put_u64_le(*transfer.to_node_id());
    codec::put_optional_log_id(out, transfer.last_log_id());
}

pub(crate) fn transfer(payload: Bytes) -> Result<Transfer, DecodeError> {
    let mut from = Decoder::new(payload);
    let vote = codec::vote(&mut from)?;
    let to: NodeId = from.u64("transfer target")?;
    let last_log_id = codec::optional_log_id(&mut from)?;
    from.finish()?;
    Ok(Transfer::new(vote, to, last_log_id))
}

pub(crate) fn put_transfer_reply(out: &mut BytesMut, reply: &TransferReply) {
    match reply {
        Ok(()) => out.put_u8(OK),
        Err(TransferLeaderError::VoteChanged { expected, actual }) => {
            out.put_u8(VOTE_CHANGED);
            codec::put_vote(out, expected);
            codec::put_vote(out, actual);
        }
        Err(TransferLeaderError::LogNotFlushed { expected, actual }) => {
            out.put_u8(LOG_NOT_FLUSHED);
            codec::put_optional_log_id(out, expected.as_ref());
            codec::put_optional_log_id(out, actual.as_ref());
        }
    }
}

pub(crate) fn transfer_reply(payload: Bytes) -> Result<TransferReply, DecodeError> {
    let mut from = Decoder::new(payload);
    let reply = match from.u8("transfer reply")? {
        OK => Ok(()),
        VOTE_CHANGED => {
            let expected = codec::vote(&mut from)?;
            let actual = codec::vote(&mut from)?;
            Err(TransferLeaderError::VoteChanged { expected, actual })
        }
        LOG_NOT_FLUSHED => {
            let expected = codec::optional_log_id(&mut from)?;
            let actual = codec::optional_log_id(&mut from)?;
            Err(TransferLeaderError::LogNotFlushed { expected, actual })
        }
        tag => {
            return Err(DecodeError::UnknownTag {
                what: "transfer reply",
                tag,
            });
        }
    };
    from.finish()?;
    Ok(reply)
}

/// What a snapshot transfer announces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SnapshotBegin {
    pub(crate) vote: Vote,
    pub(crate) meta: SnapshotMeta,
    pub(crate) content_len: u64,
}

impl SnapshotBegin {
    pub(crate) fn put(&self, out: &mut BytesMut) {
        codec::put_vote(out, &self.vote);
        codec::put_optional_log_id(out, self.meta.last_log_id.as_ref());
        codec::put_stored_membership(out, &self.meta.last_membership);
        out.put_u64_le(self.content_len);
    }

    pub(crate) fn decode(payload: Bytes) -> Result<Self, DecodeError> {
        let mut from = Decoder::new(payload);
        let vote = codec::vote(&mut from)?;
        let last_log_id = codec::optional_log_id(&mut from)?;
        let last_membership = codec::stored_membership(&mut from)?;
        let content_len = from.u64("snapshot length")?;
        from.finish()?;
        Ok(SnapshotBegin {
            vote,
            meta: SnapshotMeta {
                last_log_id,
                last_membership,
            },
            content_len,
        })
    }
}

/// Length and checksum of the whole content: a chunk lost between two intact frames shows here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SnapshotEnd {
    pub(crate) content_len: u64,
    pub(crate) checksum: u32,
}

impl SnapshotEnd {
    pub(crate) fn put(&self, out: &mut BytesMut) {
        out.put_u64_le(self.content_len);
        out.put_u32_le(self.checksum);
    }

    pub(crate) fn decode(payload: Bytes) -> Result<Self, DecodeError> {
        let mut from = Decoder::new(payload);
        let content_len = from.u64("snapshot length")?;
        let checksum = from.u32("snapshot checksum")?;
        from.finish()?;
        Ok(SnapshotEnd {
            content_len,
            checksum,
        })
    }
}

pub(crate) fn put_snapshot_reply(out: &mut BytesMut, vote: &Vote) {
    codec::put_vote(out, vote);
}

pub(crate) fn snapshot_reply(payload: Bytes) -> Result<Vote, DecodeError> {
    let mut from = Decoder::new(payload);
    let vote = codec::vote(&mut from)?;
    from.finish()?;
    Ok(vote)
}

pub(crate) fn put_call(out: &mut BytesMut, kind: u8, body: &[u8]) {
    out.put_u8(kind);
    out.put_slice(body);
}

pub(crate) fn call(payload: Bytes) -> Result<(u8, Bytes), DecodeError> {
    let mut from = Decoder::new(payload);
    let kind = from.u8("call kind")?;
    Ok((kind, from.rest()))
}
