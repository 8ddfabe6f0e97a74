//! `/v1/txn`: guards, and what to do when all hold or when one does not.

use http_types::problem::Problem as Document;
use http_types::v1::txn as v1;
use raft_core::command::Command;
use raft_core::outcome::Reply as Replied;

use crate::call::Call;
use crate::convert::txn;
use crate::error::{Check, Problem};
use crate::reply::Reply;

/// Do several things, all or none: `then` if every guard holds, `else` otherwise.
#[utoipa::path(
    post, path = "/v1/txn", tag = "nodes", operation_id = "txn",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable"),
        ("Holdfast-Fence" = Option<String>, Header, description = "`lock=fence`: only while this hold stands"),
    ),
    request_body = v1::TxnRequest,
    responses(
        (status = 200, description = "One branch was done", body = v1::TxnAnswer),
        (status = 400, description = "`bad_request`, `invalid_path`, `invalid_name`", body = Document),
        (status = 412, description = "`guards_failed` without `else`, or a step's `version_mismatch`", body = Document),
        (status = 422, description = "`idempotency_mismatch`", body = Document),
    )
)]
pub(crate) async fn txn(call: Call) -> Result<Reply, Problem> {
    let request: v1::TxnRequest = call.json()?;
    let asked = txn::txn_in(request)?;
    let done = call
        .propose(Command::Txn(asked.clone()), Check::at("/v1/nodes"))
        .await?;
    let Replied::Txn { then, results } = done.reply else {
        return Err(Problem::internal(
            "a transaction was answered with something else",
        ));
    };
    let (branch, ops) = if then {
        (v1::Branch::Then, asked.then)
    } else {
        (v1::Branch::Else, asked.otherwise.unwrap_or_default())
    };
    let results = call
        .api
        .node
        .peek(|state| txn::results(state, &ops, &results))?;
    let answer = v1::TxnAnswer {
        branch,
        index: done.moment.zxid.0,
        results,
    };
    Ok(Reply::ok(&answer)?
        .at(done.moment.zxid)
        .replayed(done.replayed))
}
