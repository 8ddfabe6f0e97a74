//! Who is there: exchanged before a byte of Raft.

use bytes::{BufMut, Bytes, BytesMut};
use raft_types::{ClusterId, NodeId};

use super::codec::{self, DecodeError, Decoder};
use super::{Lane, PEER_PROTOCOL_VERSION};

/// First bytes of every connection's first payload: what speaks something else is told apart here.
const MAGIC: u64 = u64::from_le_bytes(*b"HOLDFAST");
/// Frame limit until both sides know each other.
pub(crate) const HELLO_FRAME_BYTES_MAX: usize = 1024;
/// Length of the reason in a refusal, in bytes.
const REASON_BYTES_MAX: usize = 512;

/// One node process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) cluster: ClusterId,
    pub(crate) node: NodeId,
    /// Random, drawn at start: tells a restarted process from the one before it.
    pub(crate) incarnation: u64,
}

/// Sent by the dialling side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) version: u16,
    pub(crate) from: Identity,
    pub(crate) to: NodeId,
    pub(crate) lane: Lane,
}

impl Hello {
    pub(crate) fn new(from: Identity, to: NodeId, lane: Lane) -> Self {
        Hello {
            version: PEER_PROTOCOL_VERSION,
            from,
            to,
            lane,
        }
    }

    pub(crate) fn put(&self, out: &mut BytesMut) {
        put_head(out, self.version, &self.from);
        out.put_u64_le(self.to);
        out.put_u8(self.lane.code());
    }

    /// A newer version may have more fields: with a foreign version only what every version has is
    /// read, so that the refusal can say which version that was.
    pub(crate) fn decode(payload: Bytes) -> Result<Self, DecodeError> {
        let mut from = Decoder::new(payload);
        let (version, identity) = head(&mut from)?;
        let to = from.u64("addressee")?;
        let code = from.u8("lane")?;
        let lane = Lane::from_code(code);
        if version == PEER_PROTOCOL_VERSION {
            from.finish()?;
        }
        let lane = lane.ok_or(DecodeError::UnknownTag {
            what: "lane",
            tag: code,
        })?;
        Ok(Hello {
            version,
            from: identity,
            to,
            lane,
        })
    }

    /// Why `me` must not talk to the sender, if so.
    pub(crate) fn objection(&self, me: &Identity) -> Option<String> {
        if self.version != PEER_PROTOCOL_VERSION {
            let theirs = self.version;
            return Some(format!(
                "peer protocol version {theirs} is not {PEER_PROTOCOL_VERSION}, the one spoken here"
            ));
        }
        if self.from.cluster != me.cluster {
            let theirs = self.from.cluster;
            return Some(format!(
                "cluster {theirs} is not {}, the one served here",
                me.cluster
            ));
        }
        if self.to != me.node {
            return Some(format!(
                "node {} was meant but this is node {}",
                self.to, me.node
            ));
        }
        if self.from.node == me.node {
            return Some(format!(
                "node {} is this node itself: two share one id",
                me.node
            ));
        }
        None
    }
}

/// The accepting side's agreement: who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Welcome {
    pub(crate) version: u16,
    pub(crate) from: Identity,
}

impl Welcome {
    pub(crate) fn new(from: Identity) -> Self {
        Welcome {
            version: PEER_PROTOCOL_VERSION,
            from,
        }
    }

    pub(crate) fn put(&self, out: &mut BytesMut) {
        put_head(out, self.version, &self.from);
    }

    pub(crate) fn decode(payload: Bytes) -> Result<Self, DecodeError> {
        let mut from = Decoder::new(payload);
        let (version, identity) = head(&mut from)?;
        from.finish()?;
        Ok(Welcome {
            version,
            from: identity,
        })
    }

    /// Why the dialling side must not go on: it reached someone else.
    pub(crate) fn objection(&self, me: &Identity, expected: NodeId) -> Option<String> {
        if self.from.cluster != me.cluster {
            return Some(format!(
                "it serves cluster {} and not {}",
                self.from.cluster, me.cluster
            ));
        }
        if self.from.node != expected {
            return Some(format!("it is node {} and not {expected}", self.from.node));
        }
        None
    }
}

fn put_identity(out: &mut BytesMut, identity: &Identity) {
    out.put_u128_le(identity.cluster.0);
    out.put_u64_le(identity.node);
    out.put_u64_le(identity.incarnation);
}

fn identity(from: &mut Decoder) -> Result<Identity, DecodeError> {
    let cluster = ClusterId(from.u128("cluster")?);
    let node = from.u64("node")?;
    let incarnation = from.u64("incarnation")?;
    Ok(Identity {
        cluster,
        node,
        incarnation,
    })
}

/// What every hello and welcome begins with, in every version.
fn put_head(out: &mut BytesMut, version: u16, from: &Identity) {
    out.put_u64_le(MAGIC);
    out.put_u16_le(version);
    put_identity(out, from);
}

fn head(from: &mut Decoder) -> Result<(u16, Identity), DecodeError> {
    if from.u64("magic")? != MAGIC {
        return Err(DecodeError::Invalid("magic"));
    }
    let version = from.u16("version")?;
    Ok((version, identity(from)?))
}

/// Payload of a refusal or failure: a reason for people.
pub(crate) fn put_reason(out: &mut BytesMut, reason: &str) {
    let mut end = reason.len().min(REASON_BYTES_MAX);
    while !reason.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    codec::put_text(out, reason.get(..end).unwrap_or_default());
}

pub(crate) fn reason(payload: Bytes) -> String {
    let mut from = Decoder::new(payload);
    match from.text(REASON_BYTES_MAX, "reason") {
        Ok(reason) => reason,
        Err(error) => format!("(unreadable reason: {error})"),
    }
}
