//! Asking a holder to release, and its answer.

use axum::http::header::IF_MATCH;
use http_types::paths;
use http_types::problem::Problem as Document;
use http_types::v1::locks as v1;
use raft_core::command::{Command, RequestRelease};
use raft_core::ids::ClaimId;
use raft_core::outcome::Reply as Replied;

use crate::call::Call;
use crate::error::{Check, Problem};
use crate::extract::headers;
use crate::reply::Reply;
use crate::routes::claims::{unexpected, view};

/// Ask the holder to release. It is told on its session's stream, in its keep-alives, and wherever the claim
/// is shown, and can say how much longer it needs (`/-/answer`). Nothing is taken away at the deadline: for
/// that there are `max_hold` and `/-/break`. Asking again replaces what was asked.
#[utoipa::path(
    post, path = "/v1/locks/{lock}/-/request-release", tag = "locks", operation_id = "request_release",
    params(
        ("lock" = String, Path, description = "Name of the lock; may contain slashes"),
        ("If-Match" = Option<String>, Header, description = "Fence of the hold that is meant, `\"f18231\"`; needed where several hold"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable"),
    ),
    request_body = v1::AskReleaseRequest,
    responses(
        (status = 200, description = "The hold, with `release_request`", body = v1::Claim),
        (status = 400, description = "`bad_request`: nobody holds the lock, or several do and no fence is named", body = Document),
        (status = 403, description = "`forbidden`: it takes the permission to queue", body = Document),
        (status = 412, description = "`fence_stale`", body = Document),
    )
)]
pub(crate) async fn request_release(call: Call) -> Result<Reply, Problem> {
    let lock = call.lock()?;
    let named = call.headers.contains_key(IF_MATCH);
    let fence = named.then(|| headers::if_match_fence(&call.headers));
    let request: v1::AskReleaseRequest = call.json()?;
    if request.reason.trim().is_empty() {
        return Err(Problem::bad_request(
            "say why the lock should be released: reason must not be empty",
        ));
    }
    let check = Check::or_repeat(paths::lock_view(lock.as_str(), "holders"));
    let command = Command::RequestRelease(RequestRelease {
        lock,
        fence: fence.transpose()?,
        reason: request.reason,
        within_ms: request.deadline.as_millis(),
    });
    told(&call, command, check).await
}

/// The holder that was asked says how much longer it needs: those who wait see it. Repeating it counts
/// from then on.
#[utoipa::path(
    post, path = "/v1/locks/{lock}/-/answer", tag = "locks", operation_id = "answer_release",
    params(
        ("lock" = String, Path, description = "Name of the lock; may contain slashes"),
        ("Holdfast-Session" = Option<String>, Header, description = "The session of the claim"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable"),
    ),
    request_body = v1::AnswerReleaseRequest,
    responses(
        (status = 200, description = "The hold, with `release_request.needs_ms`", body = v1::Claim),
        (status = 409, description = "`not_owner`; `not_asked`: nobody asked for its release", body = Document),
        (status = 410, description = "`claim_ended`", body = Document),
    )
)]
pub(crate) async fn answer(call: Call) -> Result<Reply, Problem> {
    let lock = call.lock()?;
    let request: v1::AnswerReleaseRequest = call.json()?;
    let check = Check::or_repeat(paths::lock_view(lock.as_str(), "holders"));
    let command = Command::AnswerRelease {
        lock,
        claim: ClaimId::parse(&request.claim)?,
        needs_ms: request.needs.as_millis(),
    };
    told(&call, command, check).await
}

async fn told(call: &Call, command: Command, check: Check) -> Result<Reply, Problem> {
    let done = call.propose(command, check).await?;
    let Replied::Claim(reply) = done.reply else {
        return Err(unexpected("the request"));
    };
    let (lock, id) = (reply.claim.lock.clone(), reply.claim.id.clone());
    let view = view(call, (&lock, &id), &reply, None);
    Ok(Reply::ok(&view)?
        .at(done.moment.zxid)
        .replayed(done.replayed))
}
