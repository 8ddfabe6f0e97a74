//! What is remembered of the holds of locks.

use http_types::problem::Problem as Document;
use http_types::v1::locks as v1;
use raft_core::limits::HISTORY_PER_LOCK_MAX;
use raft_core::state::State;

use crate::call::Call;
use crate::convert;
use crate::error::Problem;
use crate::reply::Reply;
use crate::routes::locks::no_lock;

/// The last holds of a lock that ended, the last one first, and how long they took. Remembered for two
/// days after the last of them, also when nothing else is left of the lock.
#[utoipa::path(
    get, path = "/v1/locks/{lock}/-/history", tag = "locks", operation_id = "lock_history",
    params(
        ("lock" = String, Path, description = "Name of the lock; may contain slashes"),
        v1::HistoryQuery,
    ),
    responses(
        (status = 200, description = "Holds, and what they have in common", body = v1::LockHistory),
        (status = 404, description = "`no_lock`: there is no such lock, and no hold of it is remembered", body = Document),
    )
)]
pub(crate) async fn history(call: Call) -> Result<Reply, Problem> {
    let name = call.lock()?;
    let query: v1::HistoryQuery = call.query()?;
    let limit = query.limit.unwrap_or(HISTORY_PER_LOCK_MAX);
    let read = |state: &State| {
        let found = state.history(&name);
        if found.is_none() && state.lock(&name).is_none() {
            return Err(no_lock(&name));
        }
        Ok(convert::history::history(&name, found, limit))
    };
    let answer = call.read(read).await?;
    Ok(Reply::ok(&answer.value)?.at(answer.zxid).aged(answer.age))
}
