//! The digest of the state: what replicas compare at the same zxid (I-9).
//!
//! An entry's fingerprint is the 128-bit XXH3 of its canonical encoding (postcard of key and
//! value). A znode's data enters by the hash taken when it was written, so that a change of its
//! counters does not read a megabyte again.

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

use crate::acl::AclEntry;
use crate::election::{Candidate, Election, EndedCandidate};
use crate::fence_register::FenceRegister;
use crate::history::History;
use crate::ids::{
    CandidateId, ClaimId, ElectionName, Fence, LockName, LogTime, PublicKey, ReservationId,
    ResourceName, ServiceName, SessionId, WallTime, ZnodePath, Zxid,
};
use crate::lock::{Claim, EndedClaim, Lock};
use crate::members::MemberEver;
use crate::service::{GlobalCursor, Instance, InstanceKey, Reservation};
use crate::session::{EndedSession, Session};
use crate::signing_key::SigningKey;
use crate::staging::{StagedPart, Staging};
use crate::state::{Answer, State};
use crate::table::Fingerprint;
use crate::znode::{Znode, ZnodeKind};

/// Room for the encoding of a usual entry, bytes: one allocation for most.
const ENTRY_BYTES_USUAL: usize = 256;

/// The digest of each table in the order of [`State`]'s fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct TableDigests {
    znodes: u128,
    sessions: u128,
    ended_sessions: u128,
    locks: u128,
    claims: u128,
    ended_claims: u128,
    answers: u128,
    members_ever: u128,
    staging: u128,
    staged_parts: u128,
    elections: u128,
    candidates: u128,
    ended_candidates: u128,
    fence_registers: u128,
    histories: u128,
    instances: u128,
    reservations: u128,
    cursors: u128,
    signing_keys: u128,
}

impl State {
    /// Digest of everything that commands make, position and time included. Two replicas at the same
    /// zxid have the same digest, or one of them is broken. O(1).
    ///
    /// The members are not in it: an entry that changes them takes no zxid, so that one replica has
    /// applied it and another has not while both are at one zxid. What a command makes of them,
    /// `/zookeeper/config`, is.
    #[must_use]
    pub fn digest(&self) -> u128 {
        let made_by_commands = TableDigests {
            members_ever: 0,
            ..self.table_digests()
        };
        hash(&(self.clock, made_by_commands))
    }

    /// The same with the members: of replicas that have applied the same entries of the log.
    pub(crate) fn digest_with_members(&self) -> u128 {
        hash(&(self.clock, self.table_digests()))
    }

    pub(crate) fn table_digests(&self) -> TableDigests {
        TableDigests {
            znodes: self.znodes.digest(),
            sessions: self.sessions.digest(),
            ended_sessions: self.ended_sessions.digest(),
            locks: self.locks.digest(),
            claims: self.claims.digest(),
            ended_claims: self.ended_claims.digest(),
            answers: self.answers.digest(),
            members_ever: self.members_ever.digest(),
            staging: self.staging.digest(),
            staged_parts: self.staged_parts.digest(),
            elections: self.elections.digest(),
            candidates: self.candidates.digest(),
            ended_candidates: self.ended_candidates.digest(),
            fence_registers: self.fence_registers.digest(),
            histories: self.histories.digest(),
            instances: self.instances.digest(),
            reservations: self.reservations.digest(),
            cursors: self.cursors.digest(),
            signing_keys: self.signing_keys.digest(),
        }
    }

    /// [`State::table_digests`] computed anew from every entry.
    pub(crate) fn recomputed_table_digests(&self) -> TableDigests {
        TableDigests {
            znodes: self.znodes.recomputed_digest(),
            sessions: self.sessions.recomputed_digest(),
            ended_sessions: self.ended_sessions.recomputed_digest(),
            locks: self.locks.recomputed_digest(),
            claims: self.claims.recomputed_digest(),
            ended_claims: self.ended_claims.recomputed_digest(),
            answers: self.answers.recomputed_digest(),
            members_ever: self.members_ever.recomputed_digest(),
            staging: self.staging.recomputed_digest(),
            staged_parts: self.staged_parts.recomputed_digest(),
            elections: self.elections.recomputed_digest(),
            candidates: self.candidates.recomputed_digest(),
            ended_candidates: self.ended_candidates.recomputed_digest(),
            fence_registers: self.fence_registers.recomputed_digest(),
            histories: self.histories.recomputed_digest(),
            instances: self.instances.recomputed_digest(),
            reservations: self.reservations.recomputed_digest(),
            cursors: self.cursors.recomputed_digest(),
            signing_keys: self.signing_keys.recomputed_digest(),
        }
    }
}

/// Everything of a znode but its data.
#[derive(Serialize)]
struct ZnodeView<'a> {
    has_data: bool,
    data_hash: u64,
    content_type: Option<&'a str>,
    acl: &'a [AclEntry],
    kind: ZnodeKind,
    zxids: [Zxid; 3],
    times: [WallTime; 2],
    counters: [i32; 3],
    num_children: u32,
    reap_at: Option<LogTime>,
}

impl Fingerprint<ZnodePath> for Znode {
    fn fingerprint(&self, key: &ZnodePath) -> u128 {
        let rare = &*self.rare;
        let view = ZnodeView {
            has_data: self.data.is_some(),
            data_hash: self.data_hash(),
            content_type: rare.content_type.as_deref(),
            acl: &self.acl,
            kind: rare.kind,
            zxids: [self.czxid, self.mzxid, self.pzxid()],
            times: [self.ctime, self.mtime],
            counters: [self.version, rare.aversion, rare.creates],
            num_children: rare.num_children,
            reap_at: rare.reap_at,
        };
        hash(&(key, view))
    }
}

impl Znode {
    /// What this znode contributes to the digest of the state: a hash of path and content. Data
    /// enters by the hash that is stored beside it.
    #[must_use]
    pub fn fingerprint_at(&self, path: &ZnodePath) -> u128 {
        self.fingerprint(path)
    }
}

/// Holds enter by the sum of their hashes: otherwise each change would hash all of them again.
impl Fingerprint<LockName> for History {
    fn fingerprint(&self, key: &LockName) -> u128 {
        hash(&(key, self.fingerprint()))
    }
}

macro_rules! fingerprint_of_encoding {
    ($($value:ty: $key:ty),* $(,)?) => {$(
        impl Fingerprint<$key> for $value {
            fn fingerprint(&self, key: &$key) -> u128 {
                hash(&(key, self))
            }
        }
    )*};
}

fingerprint_of_encoding! {
    Session: SessionId,
    EndedSession: SessionId,
    Lock: LockName,
    Claim: (LockName, Fence),
    EndedClaim: (LockName, ClaimId),
    Answer: String,
    MemberEver: u64,
    Staging: Zxid,
    StagedPart: u64,
    Election: ElectionName,
    Candidate: (ElectionName, CandidateId),
    EndedCandidate: (ElectionName, CandidateId),
    FenceRegister: ResourceName,
    Instance: InstanceKey,
    Reservation: (ServiceName, ReservationId),
    GlobalCursor: ServiceName,
    SigningKey: PublicKey,
}

#[expect(
    clippy::expect_used,
    reason = "a Vec takes any bytes, and no type here has a fallible encoding"
)]
pub(crate) fn hash<T: Serialize>(value: &T) -> u128 {
    let bytes = postcard::to_extend(value, Vec::with_capacity(ENTRY_BYTES_USUAL));
    xxh3_128(&bytes.expect("encoding into a Vec cannot fail"))
}
