//! Signed fence tokens.
//!
//! A token is signed by the node that was asked, after a read that no other consistency may weaken: the
//! hold stood, and the key was published and not revoked, when that read was confirmed.

use std::sync::Arc;
use std::time::Duration;

use fence_token::{Claims, SigningKey, Subject};
use http_types::problem::{ErrorCode, Problem as Document};
use http_types::v1::fence_tokens as v1;
use node::{Answer, Consistency, ReadOptions};
use raft_core::command::LockMode;
use raft_core::ids::WallTime;
use raft_core::outcome::Refusal;
use raft_core::query::election::CandidateStatus;
use raft_core::query::lock::ClaimStatus;
use raft_core::state::State;

use crate::call::Call;
use crate::convert::{fence, session};
use crate::error::{Problem, problem_of};
use crate::millis::rfc3339;
use crate::reply::Reply;

/// What is signed, but for the times.
struct Granted {
    subject: Subject,
    session: String,
    fence: u64,
    key: Option<Arc<SigningKey>>,
}

/// A signed token that shows the fence of a hold to a resource outside, which can check it without asking.
///
/// It proves that this cluster granted the fence to this claim, not that the claim still holds. Whoever
/// accepts one keeps the highest fence so far and refuses lower ones.
#[utoipa::path(
    get, path = "/v1/locks/{lock}/-/claims/{claim}/token", tag = "fences", operation_id = "claim_token",
    params(
        ("lock" = String, Path, description = "Name of the lock; may contain slashes"),
        ("claim" = String, Path, description = "Id of the claim"),
    ),
    responses(
        (status = 200, description = "It holds, and this says so", body = v1::FenceToken),
        (status = 404, description = "`no_claim`", body = Document),
        (status = 409, description = "`not_holder`: it waits", body = Document),
        (status = 410, description = "`claim_ended`", body = Document),
        (status = 503, description = "`fence_key_pending`: this node has no published key at the moment", body = Document),
    )
)]
pub(crate) async fn of_claim(call: Call) -> Result<Reply, Problem> {
    let (lock, claim) = (call.lock()?, call.claim()?);
    let node = &call.api.node;
    let granted = |state: &State| {
        let held = match state.claim(&lock, &claim) {
            ClaimStatus::Live(view) if view.claim.is_held() => view.claim,
            ClaimStatus::Live(_) => {
                let (lock, claim) = (lock.clone(), claim.clone());
                return Err(Refusal::NotHolder { lock, claim });
            }
            ClaimStatus::Ended(ended) => return Err(Refusal::ClaimEnded(Box::new(ended.clone()))),
            ClaimStatus::Unknown => {
                let (lock, claim) = (lock.clone(), claim.clone());
                return Err(Refusal::NoClaim { lock, claim });
            }
        };
        let mode = match held.mode {
            LockMode::Exclusive => "exclusive",
            LockMode::Shared => "shared",
            LockMode::Permits(_) => "permits",
        };
        Ok(Granted {
            subject: Subject::Claim {
                lock: lock.to_string(),
                claim: claim.to_string(),
                mode: mode.to_owned(),
            },
            session: session::label(state, held.session),
            fence: fence::shown(held.fence),
            key: node.signing_key(state),
        })
    };
    let wall_ms = call.api.wall_ms();
    let read = |state: &State| granted(state).map_err(|why| problem_of(state, wall_ms, &why));
    signed(&call, read).await
}

/// A signed token that shows the term of a leader to a resource outside, as that of a claim does.
#[utoipa::path(
    get, path = "/v1/elections/{election}/-/candidates/{candidate}/token", tag = "fences", operation_id = "candidate_token",
    params(
        ("election" = String, Path, description = "Name of the election; may contain slashes"),
        ("candidate" = String, Path, description = "Id of the candidate"),
    ),
    responses(
        (status = 200, description = "It leads, and this says so; the fence is its term", body = v1::FenceToken),
        (status = 404, description = "`no_candidate`", body = Document),
        (status = 409, description = "`not_leading`: it stands by", body = Document),
        (status = 410, description = "`candidate_ended`", body = Document),
        (status = 503, description = "`fence_key_pending`: this node has no published key at the moment", body = Document),
    )
)]
pub(crate) async fn of_candidate(call: Call) -> Result<Reply, Problem> {
    let (election, candidate) = (call.election()?, call.candidate()?);
    let wall_ms = call.api.wall_ms();
    let node = &call.api.node;
    let read = |state: &State| {
        let names = || (election.clone(), candidate.clone());
        let refused = |why| Err(problem_of(state, wall_ms, &why));
        let (view, term) = match state.candidate(&election, &candidate) {
            CandidateStatus::Live(view) => match view.term() {
                Some(term) => (view, term),
                None => {
                    let why = format!("candidate {candidate} of election {election} does not lead");
                    let problem = Problem::new(ErrorCode::NotLeading, why);
                    return Err(problem.with(|more| {
                        more.election = Some(election.to_string());
                        more.candidate = Some(candidate.to_string());
                    }));
                }
            },
            CandidateStatus::Ended(ended) => {
                let (election, candidate) = names();
                return refused(Refusal::CandidateEnded {
                    election,
                    candidate,
                    ended: Box::new(ended.clone()),
                });
            }
            CandidateStatus::Unknown => {
                let (election, candidate) = names();
                return refused(Refusal::NoCandidate {
                    election,
                    candidate,
                });
            }
        };
        Ok(Granted {
            subject: Subject::Leader {
                election: election.to_string(),
                candidate: candidate.to_string(),
            },
            session: session::label(state, view.candidate.session),
            fence: term.0,
            key: node.signing_key(state),
        })
    };
    signed(&call, read).await
}

/// Signs what a linearizable read finds. The times are those from before the read: a key that was
/// replaced since is listed until even the longest token is over.
async fn signed(
    call: &Call,
    read: impl FnOnce(&State) -> Result<Granted, Problem> + Send,
) -> Result<Reply, Problem> {
    let issued_at = Duration::from_millis(call.api.wall_ms()).as_secs();
    let options = ReadOptions {
        consistency: Consistency::Linearizable,
        ..call.read_options()?
    };
    let read = call.api.node.query(options, call.time_left(), read);
    let Answer { value, zxid, .. } = read.await?;
    let granted = value.map_err(|problem| problem.at_index(zxid))?;
    let Some(key) = granted.key else {
        let why = "this node has no published key to sign with at this moment";
        return Err(Problem::new(ErrorCode::FenceKeyPending, why).at_index(zxid));
    };
    let lifetime = call.api.settings.fence_token_lifetime.as_secs();
    let expires = issued_at.saturating_add(lifetime);
    let claims = Claims {
        issuer: call.api.node.cluster_id().to_string(),
        subject: granted.subject,
        session: Some(granted.session),
        fence: granted.fence,
        issued_at,
        expires,
    };
    let token = fence_token::sign(&key, &claims)
        .map_err(|error| Problem::internal(&format!("a token cannot be written: {error}")))?;
    let token = v1::FenceToken {
        token,
        fence: claims.fence,
        kid: key.id().to_owned(),
        expires_at: rfc3339(WallTime(expires.saturating_mul(1000))),
    };
    Ok(Reply::ok(&token)?
        .text("cache-control", "no-store")
        .at(zxid))
}
