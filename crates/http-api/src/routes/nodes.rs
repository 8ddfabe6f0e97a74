//! `/v1/nodes`: znodes, their data and their versions.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{StatusCode, header};
use bytes::Bytes;
use http_types::headers::{self as names, version_tag};
use http_types::paths;
use http_types::problem::Problem as Document;
use http_types::v1::nodes as v1;
use raft_core::acl::AclEntry;
use raft_core::command::{Command, Create, CreateKind, SetData, ZnodeOp};
use raft_core::ids::{ZnodePath, Zxid};
use raft_core::limits::{CONTENT_TYPE_BYTES_MAX, ZNODE_DATA_BYTES_MAX};
use raft_core::outcome::{Refusal, Reply as Replied, ZnodeReply};
use raft_core::state::State;
use raft_core::znode::{Stat, Znode};
use tokio::time::Instant;

use crate::call::{Call, Done};
use crate::change;
use crate::convert::{event, node};
use crate::error::{Check, Problem, problem_of};
use crate::extract::headers::{self, IfMatch, IfNoneMatch};
use crate::reply::Reply;

/// Media type of data nobody gave one for.
const UNTYPED: &str = "application/octet-stream";
/// What `curl -d` says of any data; it says nothing about it.
const FORM: &str = "application/x-www-form-urlencoded";

/// The data of a znode as stored; as JSON with `Accept: application/json`.
///
/// With `If-None-Match` and `Prefer: wait=30` waits for a change.
#[utoipa::path(
    get, path = "/v1/nodes/{path}", tag = "nodes", operation_id = "node",
    params(
        ("path" = String, Path, description = "Path without its first slash; may contain slashes"),
        ("If-None-Match" = Option<String>, Header, description = "The version the reader has: `\"v7\"`"),
        ("Prefer" = Option<String>, Header, description = "`wait=30`: how long to wait for a change"),
    ),
    responses(
        (status = 200, description = "Raw data, or JSON if asked for", content(
            (v1::Node = "application/json"), (Vec<u8> = "application/octet-stream"),
        )),
        (status = 304, description = "It did not change within the wait"),
        (status = 403, description = "`forbidden`", body = Document),
        (status = 404, description = "`no_node`", body = Document),
    )
)]
pub(crate) async fn get(call: Call) -> Result<Reply, Problem> {
    let path = call.znode_path()?;
    let known = IfNoneMatch::from(&call.headers)?;
    let until = Instant::now() + call.wait().unwrap_or_default();
    let read = |state: &State| Ok((readable(&call, state, &path)?.clone(), state.last_zxid()));
    let answer = call.read(read).await?;
    let (znode, zxid) = answer.value;
    if !known.has(&version_tag(znode.version)) {
        return Ok(shown(&call, &path, &znode, zxid)?.aged(answer.age));
    }
    let concerns = |kind: &_| event::znode(kind) == Some(&path);
    let changed = change::wait_for(&call, until, concerns, |state| {
        let now = readable(&call, state, &path)?;
        // A znode that was made anew has its old versions again.
        let same = now.czxid == znode.czxid && known.has(&version_tag(now.version));
        Ok((!same).then(|| (now.clone(), state.last_zxid())))
    });
    match changed.await? {
        Some((znode, zxid)) => shown(&call, &path, &znode, zxid),
        None => Ok(Reply::empty(StatusCode::NOT_MODIFIED)
            .etag(&version_tag(znode.version))
            .at(zxid)),
    }
}

/// Whether there is such a znode, and its stat in the headers.
#[utoipa::path(
    head, path = "/v1/nodes/{path}", tag = "nodes", operation_id = "node_exists",
    params(("path" = String, Path, description = "Path without its first slash; may contain slashes")),
    responses(
        (status = 200, description = "It exists"),
        (status = 404, description = "`no_node`"),
    )
)]
pub(crate) async fn head(call: Call) -> Result<Reply, Problem> {
    get(call).await
}

/// The znode, if the caller may read it.
pub(crate) fn readable<'a>(
    call: &Call,
    state: &'a State,
    path: &ZnodePath,
) -> Result<&'a Znode, Problem> {
    let refused = |refusal: &Refusal| problem_of(state, call.api.wall_ms(), refusal);
    state
        .can_read(path, &call.identities)
        .map_err(|refusal| refused(&refusal))?;
    state
        .znode(path)
        .ok_or_else(|| refused(&Refusal::NoNode { path: path.clone() }))
}

fn shown(call: &Call, path: &ZnodePath, znode: &Znode, zxid: Zxid) -> Result<Reply, Problem> {
    let reply = if call.accepts_json() {
        Reply::ok(&node::node(path, znode))?
    } else {
        let content_type = znode.content_type().unwrap_or(UNTYPED);
        let data = znode.data.clone().unwrap_or_default();
        Reply::raw(StatusCode::OK, content_type, Body::from(Bytes::from(data)))
    };
    let reply = reply
        .etag(&version_tag(znode.version))
        .text("vary", "accept")
        .at(zxid);
    with_stat(reply, &znode.stat())
}

fn with_stat(reply: Reply, stat: &Stat) -> Result<Reply, Problem> {
    match serde_json::to_string(&node::stat(stat)) {
        Ok(text) => Ok(reply.text(names::STAT, &text)),
        Err(error) => Err(Problem::internal(&format!(
            "a stat cannot be written: {error}"
        ))),
    }
}

/// Set the data. `If-None-Match: *` only creates, `If-Match: "v7"` only replaces version 7;
/// without either a missing znode is created.
#[utoipa::path(
    put, path = "/v1/nodes/{path}", tag = "nodes", operation_id = "put_node",
    params(
        ("path" = String, Path, description = "Path without its first slash; may contain slashes"),
        v1::PutQuery,
        ("If-Match" = Option<String>, Header, description = "The version to replace: `\"v7\"`, or `*`"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: create only"),
        ("Holdfast-Fence" = Option<String>, Header, description = "`lock=fence`: only while this hold stands"),
        ("Prefer" = Option<String>, Header, description = "`return=minimal`: no body"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The data"),
    responses(
        (status = 200, description = "Set", body = v1::Written),
        (status = 201, description = "Created", body = v1::Written),
        (status = 404, description = "`no_node`: it, or its parent, does not exist", body = Document),
        (status = 409, description = "`node_exists`", body = Document),
        (status = 412, description = "`version_mismatch` with the actual version, `fence_stale`", body = Document),
        (status = 413, description = "`too_large`", body = Document),
    )
)]
pub(crate) async fn put(call: Call) -> Result<Reply, Problem> {
    let path = call.znode_text()?;
    let query: v1::PutQuery = call.query()?;
    let kind = node::kind_in(query.mode, query.ttl.map(|ttl| ttl.as_millis()))?;
    let if_match = headers::if_match(&call.headers)?;
    let create_only = IfNoneMatch::from(&call.headers)?;
    if create_only.is_given() && !create_only.is_create_only() {
        return Err(Problem::bad_request("a PUT takes If-None-Match: * only"));
    }
    let (data, content_type) = data_of(&call)?;
    let shapes = query.mode.is_some() || query.ttl.is_some() || query.parents;
    let op = match (if_match, create_only.is_create_only()) {
        (IfMatch::Absent, true) => {
            let acl = vec![AclEntry::open()];
            let (sequential, parents) = (false, query.parents);
            let data = Some(data);
            ZnodeOp::Create(Create {
                path,
                data,
                content_type,
                acl,
                kind,
                sequential,
                parents,
            })
        }
        (IfMatch::Absent, false) => {
            let expect = if_match.expect();
            let set = SetData {
                path,
                data: Some(data),
                content_type,
                expect,
            };
            ZnodeOp::Put {
                set,
                kind,
                parents: query.parents,
            }
        }
        (IfMatch::Exists | IfMatch::Version(_), false) if shapes => {
            return Err(Problem::bad_request(
                "mode, ttl and parents are for znodes that are made, and If-Match makes none",
            ));
        }
        (IfMatch::Exists | IfMatch::Version(_), false) => {
            let expect = if_match.expect();
            ZnodeOp::SetData(SetData {
                path,
                data: Some(data),
                content_type,
                expect,
            })
        }
        (IfMatch::Exists | IfMatch::Version(_), true) => {
            return Err(Problem::bad_request(
                "If-Match and If-None-Match exclude each other",
            ));
        }
    };
    write(&call, op).await
}

/// Create a znode; with `sequential=1` the server appends the parent's ten-digit counter.
#[utoipa::path(
    post, path = "/v1/nodes/{path}", tag = "nodes", operation_id = "create_node",
    params(
        ("path" = String, Path, description = "Path without its first slash; with `sequential` the beginning of it"),
        v1::CreateQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The data"),
    responses(
        (status = 201, description = "Created; `Location` says where", body = v1::Written),
        (status = 404, description = "`no_node`: its parent does not exist", body = Document),
        (status = 409, description = "`node_exists`, `no_children_for_ephemerals`", body = Document),
        (status = 422, description = "`idempotency_mismatch`", body = Document),
    )
)]
pub(crate) async fn create(call: Call) -> Result<Reply, Problem> {
    let path = call.znode_text()?;
    let query: v1::CreateQuery = call.query()?;
    let kind: CreateKind = node::kind_in(query.mode, query.ttl.map(|ttl| ttl.as_millis()))?;
    let (data, content_type) = data_of(&call)?;
    let op = ZnodeOp::Create(Create {
        path,
        data: Some(data),
        content_type,
        acl: vec![AclEntry::open()],
        kind,
        sequential: query.sequential,
        parents: query.parents,
    });
    write(&call, op).await
}

type Data = (Bytes, Option<Arc<str>>);

/// The body as data of a znode, with its media type.
pub(super) fn data_of(call: &Call) -> Result<Data, Problem> {
    if call.body.len() > ZNODE_DATA_BYTES_MAX {
        return Err(Problem::too_large("data", ZNODE_DATA_BYTES_MAX));
    }
    let content_type = headers::text(&call.headers, &header::CONTENT_TYPE)?;
    if content_type.is_some_and(|text| text.len() > CONTENT_TYPE_BYTES_MAX) {
        return Err(Problem::bad_request(format!(
            "a content type may have at most {CONTENT_TYPE_BYTES_MAX} bytes"
        )));
    }
    let content_type = content_type.filter(|text| *text != FORM && !text.is_empty());
    Ok((call.body.clone(), content_type.map(Arc::from)))
}

async fn write(call: &Call, op: ZnodeOp) -> Result<Reply, Problem> {
    let path = call.znode_text()?;
    let check = Check::at(paths::node(&path));
    let Done {
        reply,
        moment,
        replayed,
    } = call.propose(Command::Znode(op), check).await?;
    let (status, path, stat) = if let Replied::Znode(ZnodeReply::Created { path, stat }) = reply {
        (StatusCode::CREATED, path.to_string(), stat)
    } else if let Replied::Znode(ZnodeReply::DataSet { stat }) = reply {
        (StatusCode::OK, path, stat)
    } else {
        return Err(unexpected(&reply));
    };
    let reply = if call.prefer.minimal {
        let status = if status == StatusCode::OK {
            StatusCode::NO_CONTENT
        } else {
            status
        };
        Reply::empty(status).preferred("return=minimal")
    } else {
        let (version, path) = (stat.version, path.clone());
        Reply::json(
            status,
            &v1::Written {
                path,
                version,
                stat: node::stat(&stat),
            },
        )?
    };
    let reply = reply
        .etag(&version_tag(stat.version))
        .at(moment.zxid)
        .replayed(replayed);
    Ok(if status == StatusCode::CREATED {
        reply.location(&paths::node(&path))
    } else {
        reply
    })
}

pub(super) fn unexpected(reply: &Replied) -> Problem {
    Problem::internal(&format!("a write of a znode was answered with {reply:?}"))
}
