//! `/v1/deadlocks` and `/v1/lock-order`: who would wait for whom for ever, and who may one day.

use http_types::v1::deadlocks as v1;

use crate::call::Call;
use crate::convert::deadlock;
use crate::error::Problem;
use crate::reply::Reply;

/// Waits that were refused because they would never have ended: the last 100 that this node has applied
/// since it started, newest first.
#[utoipa::path(
    get, path = "/v1/deadlocks", tag = "locks", operation_id = "deadlocks",
    responses((status = 200, description = "What this node has seen", body = v1::Deadlocks))
)]
pub(crate) async fn list(call: Call) -> Result<Reply, Problem> {
    let answer = call.read(|_| Ok(())).await?;
    let known = call.api.node.deadlocks();
    let deadlocks = known.iter().map(deadlock::deadlock).collect();
    Ok(Reply::ok(&v1::Deadlocks { deadlocks })?
        .at(answer.zxid)
        .aged(answer.age))
}

/// Locks that sessions take in both orders, by the beginnings of their names up to the last slash: two of
/// them may wait for each other one day. As this node has seen since it started.
#[utoipa::path(
    get, path = "/v1/lock-order", tag = "locks", operation_id = "lock_order",
    responses((status = 200, description = "What this node has seen", body = v1::OrderConflicts))
)]
pub(crate) async fn order(call: Call) -> Result<Reply, Problem> {
    let answer = call.read(|_| Ok(())).await?;
    let known = call.api.node.lock_order_conflicts();
    let conflict = |(usual, rare): &(node::LockOrder, node::LockOrder)| v1::OrderConflict {
        usual: deadlock::order(usual),
        rare: deadlock::order(rare),
    };
    let conflicts = known.iter().map(conflict).collect();
    Ok(Reply::ok(&v1::OrderConflicts { conflicts })?
        .at(answer.zxid)
        .aged(answer.age))
}
