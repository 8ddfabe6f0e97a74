//! The openraft type configuration.

use std::fmt;

use bytes::Bytes;
use openraft::RaftTypeConfig;

/// A server process of the cluster. Chosen by the operator, never used twice in one cluster:
/// a node that comes back with an empty disk is a new node (openraft FAQ "wiped disk").
pub type NodeId = u64;

/// Identity of one cluster, chosen at random when it is founded. Every peer connection and every
/// data directory carries it, so that nodes of two clusters can never exchange a byte of Raft.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId(pub u128);

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for ClusterId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(ClusterId)
    }
}

/// Where a node is reached: by its peers, and by clients.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerAddress {
    /// `host:port` of the peer port.
    pub peer: String,
    /// Base URL of the HTTP API, for example `http://10.0.0.4:7400`.
    pub api: String,
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.peer)
    }
}

/// The payload of a log entry: an encoded batch of commands.
///
/// The bytes made at the edge are the bytes on the wire, in the log and in apply (decision 15);
/// cloning is a reference count.
#[derive(Clone, PartialEq, Eq)]
pub struct EntryBytes(pub Bytes);

impl fmt::Debug for EntryBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EntryBytes({} bytes)", self.0.len())
    }
}

impl fmt::Display for EntryBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// What openraft hands back for an applied entry. Outcomes of commands do not travel through
/// openraft: each node takes the outcomes of its own clients' commands from its own apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied;

impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("applied")
    }
}

/// How openraft is instantiated. One leader per term (`leader_id_std`), so a log id is
/// (term, index); the one-shot responder instead of the default two-channel one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TypeConfig;

/// Leader of a term.
pub type LeaderId = openraft::impls::leader_id_std::LeaderId<u64, u64>;
/// A vote for a leader, committed once a quorum granted it.
pub type Vote = openraft::impls::Vote<LeaderId>;
type Committed = <LeaderId as openraft::vote::RaftLeaderId>::Committed;
/// Position of an entry: (term, index).
pub type LogId = openraft::LogId<Committed>;
type Payload = openraft::EntryPayload<EntryBytes, NodeId, PeerAddress>;
/// One log entry.
pub type Entry = openraft::Entry<Committed, Payload>;
/// Voters and learners.
pub type Membership = openraft::Membership<NodeId, PeerAddress>;
/// Membership with the log position it came from.
pub type StoredMembership = openraft::alias::StoredMembershipOf<TypeConfig>;

impl RaftTypeConfig for TypeConfig {
    type D = EntryBytes;
    type R = Applied;
    type NodeId = NodeId;
    type Node = PeerAddress;
    type Term = u64;
    type LeaderId = LeaderId;
    type Vote = Vote;
    type Payload = Payload;
    type Entry = Entry;
    type Responder<T>
        = openraft::impls::OneshotResponder<Self, T>
    where
        T: openraft::OptionalSend + 'static;
    type Batch<T>
        = openraft::impls::InlineBatch<T>
    where
        T: openraft::OptionalSend + 'static;
    type AsyncRuntime = openraft::impls::TokioRuntime;
    type ErrorSource = openraft::impls::BoxedErrorSource;
}
