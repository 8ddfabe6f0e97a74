//! `DELETE /v1/nodes/{path}`: one znode or a whole subtree.

use axum::http::StatusCode;
use http_types::headers::version_tag;
use http_types::paths;
use http_types::problem::Problem as Document;
use http_types::v1::dry_run::{OnlyIf, OrDryRun};
use http_types::v1::nodes as v1;
use raft_core::command::{Command, ZnodeOp};
use raft_core::dry_run::DryRun;
use raft_core::ids::ZnodePath;
use raft_core::outcome::{Reply as Replied, ZnodeReply};

use crate::call::Call;
use crate::dry_run;
use crate::error::{Check, Problem};
use crate::extract::headers::{self, IfMatch};
use crate::limits::SUBTREE_DELETE_DEFAULT;
use crate::reply::Reply;
use crate::routes::nodes::unexpected;

/// Remove a znode; with `recursive=1` everything below it too, at most `max` znodes. With
/// `dry_run=1` only say what would be removed, and who would lose a lock.
#[utoipa::path(
    delete, path = "/v1/nodes/{path}", tag = "nodes", operation_id = "delete_node",
    params(
        ("path" = String, Path, description = "Path without its first slash; may contain slashes"),
        v1::DeleteQuery,
        ("If-Match" = Option<String>, Header, description = "The version to remove: `\"v7\"`"),
        ("Prefer" = Option<String>, Header, description = "`return=minimal`: no body"),
    ),
    responses(
        (status = 200, description = "Removed, or what would be", body = OrDryRun<v1::Deleted>),
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
    if query.dry_run {
        let tell = move |run: &DryRun, reply: &Replied| would(run, reply, path);
        return dry_run::answer(&call, command, tell).await;
    }
    let done = call.propose(command, Check::at(paths::node(&path))).await?;
    let count = count(&done.reply)?;
    if call.prefer.minimal {
        let reply = Reply::empty(StatusCode::NO_CONTENT).at(done.moment.zxid);
        return Ok(reply.preferred("return=minimal"));
    }
    Ok(Reply::ok(&v1::Deleted { path, count })?.at(done.moment.zxid))
}

fn count(reply: &Replied) -> Result<u32, Problem> {
    if let Replied::SubtreeDeleted { count } = reply {
        Ok(*count)
    } else if *reply == Replied::Znode(ZnodeReply::Deleted) {
        Ok(1)
    } else {
        Err(unexpected(reply))
    }
}

fn would(run: &DryRun, reply: &Replied, path: String) -> Result<(v1::Deleted, OnlyIf), Problem> {
    let count = count(reply)?;
    let only_if = if matches!(reply, Replied::SubtreeDeleted { .. }) {
        OnlyIf {
            max: Some(count),
            ..OnlyIf::default()
        }
    } else {
        let znode = run.before.znode(&ZnodePath::parse(&path)?);
        OnlyIf {
            if_match: znode.map(|znode| version_tag(znode.version)),
            ..OnlyIf::default()
        }
    };
    Ok((v1::Deleted { path, count }, only_if))
}
