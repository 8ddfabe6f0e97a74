//! `DELETE /v1/nodes/{path}`: one znode or a whole subtree.

use axum::http::StatusCode;
use http_types::paths;
use http_types::problem::Problem as Document;
use http_types::v1::nodes as v1;
use raft_core::command::{Command, ZnodeOp};
use raft_core::limits::SUBTREE_DELETE_MAX;
use raft_core::outcome::{Refusal, Reply as Replied, ZnodeReply};

use crate::call::Call;
use crate::error::{Check, Problem, problem_of};
use crate::extract::headers::{self, IfMatch};
use crate::limits::SUBTREE_DELETE_DEFAULT;
use crate::reply::Reply;
use crate::routes::nodes::{readable, unexpected};

/// Remove a znode; with `recursive=1` everything below it too, at most `max` znodes.
#[utoipa::path(
    delete, path = "/v1/nodes/{path}", tag = "nodes", operation_id = "delete_node",
    params(
        ("path" = String, Path, description = "Path without its first slash; may contain slashes"),
        v1::DeleteQuery,
        ("If-Match" = Option<String>, Header, description = "The version to remove: `\"v7\"`"),
        ("Prefer" = Option<String>, Header, description = "`return=minimal`: no body"),
    ),
    responses(
        (status = 200, description = "Removed, or counted", body = v1::Deleted),
        (status = 404, description = "`no_node`", body = Document),
        (status = 409, description = "`node_not_empty`", body = Document),
        (status = 412, description = "`version_mismatch`", body = Document),
    )
)]
pub(crate) async fn delete(call: Call) -> Result<Reply, Problem> {
    let query: v1::DeleteQuery = call.query()?;
    let if_match = headers::if_match(&call.headers)?;
    if query.recursive && matches!(if_match, IfMatch::Version(_)) {
        return Err(Problem::bad_request(
            "a version guards one znode, not a whole subtree",
        ));
    }
    if query.max.is_some() && !query.recursive {
        return Err(Problem::bad_request("max belongs to recursive=1"));
    }
    let max = query.max.unwrap_or(SUBTREE_DELETE_DEFAULT);
    if query.dry_run {
        return count_only(&call, query.recursive, max).await;
    }
    let path = call.znode_text()?;
    let command = if query.recursive {
        Command::DeleteSubtree {
            path: call.znode_path()?,
            max,
        }
    } else {
        Command::Znode(ZnodeOp::Delete {
            path: path.clone(),
            expect: if_match.expect(),
        })
    };
    let done = call.propose(command, Check::at(paths::node(&path))).await?;
    let count = if let Replied::SubtreeDeleted { count } = done.reply {
        count
    } else if done.reply == Replied::Znode(ZnodeReply::Deleted) {
        1
    } else {
        return Err(unexpected(&done.reply));
    };
    if call.prefer.minimal {
        let reply = Reply::empty(StatusCode::NO_CONTENT).at(done.moment.zxid);
        return Ok(reply.preferred("return=minimal"));
    }
    Ok(Reply::ok(&v1::Deleted {
        path,
        count,
        dry_run: false,
    })?
    .at(done.moment.zxid))
}

/// What a delete would remove, or why it would be refused.
async fn count_only(call: &Call, recursive: bool, max: u32) -> Result<Reply, Problem> {
    let path = call.znode_path()?;
    let limit = usize::try_from(max.min(SUBTREE_DELETE_MAX)).unwrap_or(usize::MAX);
    let answer = call.read(|state| {
        let znode = readable(call, state, &path)?;
        let refused = |count| {
            let refusal = Refusal::NotEmpty {
                path: path.clone(),
                count,
            };
            Err(problem_of(state, call.api.wall_ms(), &refusal))
        };
        if !recursive && znode.num_children() > 0 {
            return refused(znode.num_children());
        }
        let found = state.subtree(&path, usize::MAX, limit.saturating_add(1));
        let count = found.map_or(0, |found| found.len());
        let count_shown = u32::try_from(count).unwrap_or(u32::MAX);
        if count > limit {
            refused(count_shown.saturating_sub(1))
        } else {
            Ok(count_shown)
        }
    });
    let answer = answer.await?;
    let deleted = v1::Deleted {
        path: path.to_string(),
        count: answer.value,
        dry_run: true,
    };
    Ok(Reply::ok(&deleted)?.at(answer.zxid).aged(answer.age))
}
