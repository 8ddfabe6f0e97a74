//! `/v1/nodes/{path}/-/…`: children, tree, access list.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use http_types::headers::version_tag;
use http_types::paths;
use http_types::problem::Problem as Document;
use http_types::v1::nodes as v1;
use raft_core::command::{Command, ZnodeOp};
use raft_core::ids::ZnodePath;
use raft_core::outcome::{Reply as Replied, ZnodeReply};
use raft_core::state::State;
use raft_core::znode::Stat;
use tokio::time::Instant;

use crate::call::Call;
use crate::change;
use crate::convert::{event, node};
use crate::error::{Check, Problem, problem_of};
use crate::extract::headers::{self, IfNoneMatch};
use crate::limits::{CHILDREN_PAGE_DEFAULT, CHILDREN_PAGE_MAX, TREE_DEPTH_DEFAULT, TREE_NODES_MAX};
use crate::reply::Reply;
use crate::routes::nodes::readable;

/// Children in order of name, a page at a time. The ETag is that of the set of children; with
/// `If-None-Match` and `Prefer: wait=30` waits for one to come or go.
#[utoipa::path(
    get, path = "/v1/nodes/{path}/-/children", tag = "nodes", operation_id = "children",
    params(
        ("path" = String, Path, description = "Path without its first slash; may contain slashes"),
        v1::ChildrenQuery,
        ("If-None-Match" = Option<String>, Header, description = "The ETag the reader has"),
        ("Prefer" = Option<String>, Header, description = "`wait=30`: how long to wait for a change"),
    ),
    responses(
        (status = 200, description = "A page of them", body = v1::Children),
        (status = 304, description = "No child came or went within the wait"),
        (status = 404, description = "`no_node`", body = Document),
    )
)]
pub(crate) async fn children(call: Call) -> Result<Reply, Problem> {
    let path = call.znode_path()?;
    let query: v1::ChildrenQuery = call.query()?;
    let known = IfNoneMatch::from(&call.headers)?;
    let until = Instant::now() + call.wait().unwrap_or_default();
    let answer = call
        .read(|state| page(&call, state, (&path, &query)))
        .await?;
    let (page, etag) = answer.value;
    if !known.has(&etag) {
        let reply = Reply::ok(&page)?
            .etag(&etag)
            .at(answer.zxid)
            .aged(answer.age);
        return Ok(with_next(reply, &path, &query, &page));
    }
    let concerns = |kind: &_| {
        event::znode(kind).is_some_and(|p| *p == path || p.parent().as_ref() == Some(&path))
    };
    let changed = change::wait_for(&call, until, concerns, |state| {
        let (page, etag) = self::page(&call, state, (&path, &query))?;
        Ok((!known.has(&etag)).then(|| (page, etag, state.last_zxid())))
    });
    match changed.await? {
        Some((page, etag, zxid)) => {
            let reply = Reply::ok(&page)?.etag(&etag).at(zxid);
            Ok(with_next(reply, &path, &query, &page))
        }
        None => Ok(Reply::empty(StatusCode::NOT_MODIFIED).etag(&etag)),
    }
}

fn page(
    call: &Call,
    state: &State,
    (path, query): (&ZnodePath, &v1::ChildrenQuery),
) -> Result<(v1::Children, String), Problem> {
    let stat = readable(call, state, path)?.stat();
    let limit = query
        .limit
        .unwrap_or(CHILDREN_PAGE_DEFAULT)
        .clamp(1, CHILDREN_PAGE_MAX);
    // One more than shown says whether there is a next page.
    let found = state.children(path, query.after.as_deref(), limit.saturating_add(1));
    let mut found = found.unwrap_or_default();
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|(name, _)| name.clone());
    let child = |(name, stat): (String, Stat)| v1::Child {
        name,
        stat: query.stat.then(|| node::stat(&stat)),
    };
    let children = found.into_iter().map(child).collect();
    let etag = format!("\"c{}-{}\"", stat.czxid, stat.cversion);
    let page = v1::Children {
        path: path.to_string(),
        stat: node::stat(&stat),
        children,
        next,
    };
    Ok((page, etag))
}

fn with_next(
    reply: Reply,
    path: &ZnodePath,
    query: &v1::ChildrenQuery,
    page: &v1::Children,
) -> Reply {
    let Some(next) = &page.next else { return reply };
    let url = paths::node_view(path.as_str(), "children");
    let limit = query.limit.unwrap_or(CHILDREN_PAGE_DEFAULT);
    let (after, stat) = (paths::encode_query(next), u8::from(query.stat));
    reply.text(
        "link",
        &format!("<{url}?limit={limit}&after={after}&stat={stat}>; rel=\"next\""),
    )
}

/// The znode and what is below it, parents before children; what the caller may not list is left
/// out.
#[utoipa::path(
    get, path = "/v1/nodes/{path}/-/tree", tag = "nodes", operation_id = "tree",
    params(
        ("path" = String, Path, description = "Path without its first slash; may contain slashes"),
        v1::TreeQuery,
    ),
    responses(
        (status = 200, description = "The top and what is below it", body = v1::Tree),
        (status = 404, description = "`no_node`", body = Document),
    )
)]
pub(crate) async fn tree(call: Call) -> Result<Reply, Problem> {
    let path = call.znode_path()?;
    let query: v1::TreeQuery = call.query()?;
    let limit = query
        .limit
        .unwrap_or(TREE_NODES_MAX)
        .clamp(1, TREE_NODES_MAX);
    let depth = query.depth.unwrap_or(TREE_DEPTH_DEFAULT);
    let read = |state: &State| readable(&call, state, &path).map(|_| state.clone());
    let answer = call.read(read).await?;
    let state = answer.value;
    let mut found = state
        .subtree(&path, depth, limit.saturating_add(1))
        .unwrap_or_default();
    let truncated = found.len() > limit;
    found.truncate(limit);
    let tree = v1::Tree {
        path: path.to_string(),
        nodes: listable(&call, &state, found),
        truncated,
    };
    Ok(Reply::ok(&tree)?.at(answer.zxid).aged(answer.age))
}

/// Without what is below a znode the caller may not list.
fn listable(call: &Call, state: &State, found: Vec<(ZnodePath, Stat)>) -> Vec<v1::TreeNode> {
    let mut open = BTreeSet::new();
    let mut nodes = Vec::with_capacity(found.len());
    for (at, (path, stat)) in found.into_iter().enumerate() {
        let is_shown = at == 0 || path.parent().is_some_and(|parent| open.contains(&parent));
        if !is_shown {
            continue;
        }
        if stat.num_children > 0 && state.can_read(&path, &call.identities).is_ok() {
            open.insert(path.clone());
        }
        nodes.push(v1::TreeNode {
            path: path.to_string(),
            stat: node::stat(&stat),
        });
    }
    nodes
}

/// The access list.
#[utoipa::path(
    get, path = "/v1/nodes/{path}/-/acl", tag = "nodes", operation_id = "acl",
    params(("path" = String, Path, description = "Path without its first slash; may contain slashes")),
    responses(
        (status = 200, description = "The list; the ETag is its version", body = v1::Acl),
        (status = 403, description = "`forbidden`", body = Document),
        (status = 404, description = "`no_node`", body = Document),
    )
)]
pub(crate) async fn acl(call: Call) -> Result<Reply, Problem> {
    let path = call.znode_path()?;
    let wall_ms = call.api.wall_ms();
    let read = |state: &State| {
        let found = state.acl(&path, &call.identities);
        found.map_err(|refusal| problem_of(state, wall_ms, &refusal))
    };
    let answer = call.read(read).await?;
    let (acl, stat) = answer.value;
    let view = v1::Acl {
        path: path.to_string(),
        acl: node::acl(&acl),
        version: stat.aversion,
    };
    let reply = Reply::ok(&view)?.etag(&version_tag(stat.aversion));
    Ok(reply.at(answer.zxid).aged(answer.age))
}

/// Replace the access list. `If-Match: "v2"` guards against overwriting somebody else's change.
#[utoipa::path(
    put, path = "/v1/nodes/{path}/-/acl", tag = "nodes", operation_id = "set_acl",
    params(
        ("path" = String, Path, description = "Path without its first slash; may contain slashes"),
        ("If-Match" = Option<String>, Header, description = "Version of the list to replace: `\"v2\"`"),
    ),
    request_body = v1::SetAclRequest,
    responses(
        (status = 200, description = "Set", body = v1::Acl),
        (status = 400, description = "`invalid_acl`", body = Document),
        (status = 403, description = "`forbidden`", body = Document),
        (status = 412, description = "`version_mismatch`", body = Document),
    )
)]
pub(crate) async fn set_acl(call: Call) -> Result<Reply, Problem> {
    let path = call.znode_text()?;
    let request: v1::SetAclRequest = call.json()?;
    let expect = headers::if_match(&call.headers)?.expect();
    let acl = node::acl_in(request.acl)?;
    let shown = node::acl(&acl);
    let op = ZnodeOp::SetAcl {
        path: path.clone(),
        acl,
        expect,
    };
    let check = Check::at(paths::node_view(&path, "acl"));
    let done = call.propose(Command::Znode(op), check).await?;
    let Replied::Znode(ZnodeReply::AclSet { stat }) = done.reply else {
        return Err(Problem::internal(
            "set_acl was answered with something else",
        ));
    };
    let view = v1::Acl {
        path,
        acl: shown,
        version: stat.aversion,
    };
    Ok(Reply::ok(&view)?
        .etag(&version_tag(stat.aversion))
        .at(done.moment.zxid))
}
