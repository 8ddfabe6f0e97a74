//! What a token says.

use serde::{Deserialize, Serialize};

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Claims {
    /// The cluster.
    pub issuer: String,
    /// Who was granted the fence, and of what.
    pub subject: Subject,
    /// Its session, if it has one that has a name or number.
    pub session: Option<String>,
    /// The fence.
    pub fence: u64,
    /// When it was signed, seconds since 1970 by the wall clock of the node that did.
    pub issued_at: u64,
    /// From when on nobody should accept it, likewise. No lease: the hold may end before, and go on
    /// after.
    pub expires: u64,
}

/// Who was granted a fence, and of what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A claim that held a lock.
    Claim {
        /// The lock.
        lock: String,
        /// The claim.
        claim: String,
        /// How it held the lock: `exclusive`, `shared` or `permits`. Only with `exclusive` it was
        /// alone, so that a higher fence means a later hold.
        mode: String,
    },
    /// A candidate that led an election. The fence is its term.
    Leader {
        /// The election.
        election: String,
        /// The candidate.
        candidate: String,
    },
}

/// As it stands in a token. What is not known is passed over, as JWTs want it.
#[derive(Clone, Serialize, Deserialize)]
struct Wire {
    iss: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lock: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    claim: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    election: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    candidate: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<String>,
    fence: u64,
    iat: u64,
    exp: u64,
}

impl From<Claims> for Wire {
    fn from(claims: Claims) -> Wire {
        let (mut lock, mut claim, mut mode) = (None, None, None);
        let (mut election, mut candidate) = (None, None);
        match claims.subject {
            Subject::Claim {
                lock: of,
                claim: by,
                mode: how,
            } => (lock, claim, mode) = (Some(of), Some(by), Some(how)),
            Subject::Leader {
                election: of,
                candidate: by,
            } => (election, candidate) = (Some(of), Some(by)),
        }
        Wire {
            iss: claims.issuer,
            lock,
            claim,
            mode,
            election,
            candidate,
            session: claims.session,
            fence: claims.fence,
            iat: claims.issued_at,
            exp: claims.expires,
        }
    }
}

impl TryFrom<Wire> for Claims {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Claims, &'static str> {
        let of_claim = (wire.lock, wire.claim, wire.mode);
        let subject = match (of_claim, (wire.election, wire.candidate)) {
            ((Some(lock), Some(claim), Some(mode)), (None, None)) => {
                Subject::Claim { lock, claim, mode }
            }
            ((None, None, None), (Some(election), Some(candidate))) => Subject::Leader {
                election,
                candidate,
            },
            _ => {
                return Err(
                    "it names neither one claim of a lock nor one candidate of an election",
                );
            }
        };
        Ok(Claims {
            issuer: wire.iss,
            subject,
            session: wire.session,
            fence: wire.fence,
            issued_at: wire.iat,
            expires: wire.exp,
        })
    }
}
