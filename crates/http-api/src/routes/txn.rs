//! `/v1/txn`: guards, and what to do when all hold or when one does not.

use http_types::problem::Problem as Document;
use http_types::v1::dry_run::{DryRunQuery, OnlyIf, OrDryRun};
use http_types::v1::txn as v1;
use raft_core::command::{Command, Txn};
use raft_core::dry_run::DryRun;
use raft_core::ids::Zxid;
use raft_core::outcome::Reply as Replied;
use raft_core::state::State;

use crate::call::Call;
use crate::convert::{self, txn};
use crate::dry_run;
use crate::error::{Check, Problem};
use crate::reply::Reply;

/// Do several things, all or none: `then` if every guard holds, `else` otherwise. With `dry_run=1`
/// only say what would be done.
#[utoipa::path(
    post, path = "/v1/txn", tag = "nodes", operation_id = "txn",
    params(
        DryRunQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable"),
        ("Holdfast-Fence" = Option<String>, Header, description = "`lock=fence`: only while this hold stands"),
    ),
    request_body = v1::TxnRequest,
    responses(
        (status = 200, description = "One branch was done, or would be", body = OrDryRun<v1::TxnAnswer>),
        (status = 400, description = "`bad_request`, `invalid_path`, `invalid_name`", body = Document),
        (status = 412, description = "`guards_failed` without `else`, or a step's `version_mismatch`", body = Document),
        (status = 422, description = "`idempotency_mismatch`", body = Document),
    )
)]
pub(crate) async fn txn(call: Call) -> Result<Reply, Problem> {
    let query: DryRunQuery = call.query()?;
    let request: v1::TxnRequest = call.json()?;
    let asked = txn::txn_in(request)?;
    if query.dry_run {
        return would(&call, asked).await;
    }
    let done = call
        .propose(Command::Txn(asked.clone()), Check::at("/v1/nodes"))
        .await?;
    let index = done.moment.zxid;
    let answer = call
        .api
        .node
        .peek(|state| told(state, &asked, &done.reply, index))?;
    Ok(Reply::ok(&answer)?.at(index).replayed(done.replayed))
}

/// What it would do.
async fn would(call: &Call, asked: Txn) -> Result<Reply, Problem> {
    let command = Command::Txn(asked.clone());
    let who = call.identities.clone();
    let tell = move |run: &DryRun, reply: &Replied| {
        let answer = told(&run.after, &asked, reply, run.after.last_zxid());
        answer.map(|answer| {
            // They cannot protect the other branch, which is taken when one does not hold.
            let guards = (answer.branch == v1::Branch::Then)
                .then(|| convert::dry_run::guards(run, &who, asked.guards.len()));
            let only_if = OnlyIf {
                guards,
                ..OnlyIf::default()
            };
            (answer, only_if)
        })
    };
    dry_run::answer(call, command, tell).await
}

fn told(
    state: &State,
    asked: &Txn,
    reply: &Replied,
    index: Zxid,
) -> Result<v1::TxnAnswer, Problem> {
    let Replied::Txn { then, results } = reply else {
        return Err(Problem::internal(
            "a transaction was answered with something else",
        ));
    };
    let (branch, ops) = if *then {
        (v1::Branch::Then, asked.then.as_slice())
    } else {
        let otherwise = asked.otherwise.as_deref().unwrap_or_default();
        (v1::Branch::Else, otherwise)
    };
    Ok(v1::TxnAnswer {
        branch,
        index: index.0,
        results: txn::results(state, ops, results)?,
    })
}
