//! `/v1/counters`: whole numbers in znodes below `/counters`. To set one, write its znode.

use http_types::headers::version_tag;
use http_types::paths;
use http_types::problem::Problem as Document;
use http_types::v1::counters as v1;
use raft_core::command::{Command, ZnodeOp};
use raft_core::outcome::{Reply as Replied, ZnodeReply};
use raft_core::query::counter::{CounterView, CountersAsked};
use raft_core::state::State;

use crate::call::{Call, Done};
use crate::error::{Check, Problem, problem_of};
use crate::extract::headers;
use crate::limits::{COUNTER_BLOCK_MAX, FILTER_SCAN_MAX, PAGE_DEFAULT, PAGE_MAX};
use crate::reply::Reply;

/// Counters that the caller may read, page by page.
#[utoipa::path(
    get, path = "/v1/counters", tag = "counters", operation_id = "counters",
    params(v1::CountersQuery),
    responses((status = 200, description = "A page of them", body = v1::CounterList))
)]
pub(crate) async fn list(call: Call) -> Result<Reply, Problem> {
    let query: v1::CountersQuery = call.query()?;
    let limit = query.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
    let answer = call.read(|state| Ok(state.clone())).await?;
    let asked = CountersAsked {
        prefix: query.prefix.as_deref().unwrap_or_default(),
        after: query.after.as_deref(),
        limit,
        scan: FILTER_SCAN_MAX,
    };
    let page = answer.value.counters(asked, &call.identities);
    let list = v1::CounterList {
        counters: page.counters.iter().map(shown).collect(),
        next: page.next,
    };
    let mut reply = Reply::ok(&list)?.at(answer.zxid).aged(answer.age);
    if let Some(next) = &list.next {
        let parameters = [
            ("prefix", query.prefix),
            ("limit", Some(limit.to_string())),
            ("after", Some(next.clone())),
        ];
        let url = paths::with_query("/v1/counters", &parameters);
        reply = reply.text("link", &format!("<{url}>; rel=\"next\""));
    }
    Ok(reply)
}

fn shown(view: &CounterView) -> v1::Counter {
    v1::Counter {
        counter: view.counter.to_string(),
        value: view.value,
        version: view.stat.version,
    }
}

/// The value of a counter.
#[utoipa::path(
    get, path = "/v1/counters/{counter}", tag = "counters", operation_id = "counter",
    params(("counter" = String, Path, description = "Name of the counter; may contain slashes")),
    responses(
        (status = 200, description = "As it is; the ETag is the version of its znode", body = v1::Counter),
        (status = 403, description = "`forbidden`", body = Document),
        (status = 404, description = "`no_node`: nobody has counted there", body = Document),
        (status = 409, description = "`not_a_counter`", body = Document),
    )
)]
pub(crate) async fn get(call: Call) -> Result<Reply, Problem> {
    let name = call.counter()?;
    let wall_ms = call.api.wall_ms();
    let read = |state: &State| {
        let found = state.counter(&name, &call.identities);
        found.map_err(|refusal| problem_of(state, wall_ms, &refusal))
    };
    let answer = call.read(read).await?;
    let view = shown(&answer.value);
    Ok(Reply::ok(&view)?
        .etag(&version_tag(view.version))
        .at(answer.zxid)
        .aged(answer.age))
}

/// Forget a counter: the next one of this name begins at 0, and numbers come again.
#[utoipa::path(
    delete, path = "/v1/counters/{counter}", tag = "counters", operation_id = "remove_counter",
    params(
        ("counter" = String, Path, description = "Name of the counter; may contain slashes"),
        ("If-Match" = Option<String>, Header, description = "The version to remove: `\"v7\"`"),
    ),
    responses(
        (status = 200, description = "Removed", body = v1::Removed),
        (status = 404, description = "`no_node`", body = Document),
        (status = 409, description = "`node_not_empty`: there are counters below it", body = Document),
        (status = 412, description = "`version_mismatch`", body = Document),
    )
)]
pub(crate) async fn remove(call: Call) -> Result<Reply, Problem> {
    let name = call.counter()?;
    let command = Command::Znode(ZnodeOp::Delete {
        path: name.znode().to_string(),
        expect: headers::if_match(&call.headers)?.expect(),
    });
    let check = Check::at(paths::counter(name.as_str()));
    let done = call.propose(command, check).await?;
    let Replied::Znode(ZnodeReply::Deleted) = done.reply else {
        return Err(Problem::internal(
            "a removal was answered with something else",
        ));
    };
    let removed = v1::Removed {
        counter: name.to_string(),
    };
    Ok(Reply::ok(&removed)?.at(done.moment.zxid))
}

/// Add to a counter. It is made, at 0, when it does not exist.
#[utoipa::path(
    post, path = "/v1/counters/{counter}/-/add", tag = "counters", operation_id = "add_to_counter",
    params(
        ("counter" = String, Path, description = "Name of the counter; may contain slashes"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable: it counts once"),
    ),
    request_body = v1::AddRequest,
    responses(
        (status = 200, description = "Added", body = v1::Added),
        (status = 403, description = "`forbidden`", body = Document),
        (status = 409, description = "`not_a_counter`, `counter_overflow`", body = Document),
        (status = 422, description = "`idempotency_mismatch`", body = Document),
    )
)]
pub(crate) async fn add(call: Call) -> Result<Reply, Problem> {
    let request: v1::AddRequest = call.json()?;
    let (change, done) = changed(&call, request.delta).await?;
    answered(&change, change.version, &done)
}

/// Take a block of numbers that nobody else gets, for example for ids.
#[utoipa::path(
    post, path = "/v1/counters/{counter}/-/block", tag = "counters", operation_id = "counter_block",
    params(
        ("counter" = String, Path, description = "Name of the counter; may contain slashes"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable: it takes one block"),
    ),
    request_body = v1::BlockRequest,
    responses(
        (status = 200, description = "Taken: `first` to `last`", body = v1::Block),
        (status = 403, description = "`forbidden`", body = Document),
        (status = 409, description = "`not_a_counter`, `counter_overflow`", body = Document),
        (status = 422, description = "`idempotency_mismatch`", body = Document),
    )
)]
pub(crate) async fn block(call: Call) -> Result<Reply, Problem> {
    let request: v1::BlockRequest = call.json()?;
    let size = request.size;
    if !(1..=COUNTER_BLOCK_MAX).contains(&size) {
        return Err(Problem::bad_request(format!(
            "size is {size}, expected 1 to {COUNTER_BLOCK_MAX}"
        )));
    }
    let (change, done) = changed(&call, i64::from(size)).await?;
    let block = v1::Block {
        counter: change.counter,
        // What was added is at least 1, so there is a number after the previous one.
        first: change.previous.saturating_add(1),
        last: change.value,
        size,
        version: change.version,
    };
    answered(&block, block.version, &done)
}

async fn changed(call: &Call, delta: i64) -> Result<(v1::Added, Done), Problem> {
    let counter = call.counter()?;
    let name = counter.to_string();
    let check = Check::at(paths::counter(&name));
    let command = Command::AddToCounter { counter, delta };
    let done = call.propose(command, check).await?;
    let Replied::CounterChanged {
        previous,
        value,
        version,
    } = done.reply
    else {
        return Err(Problem::internal(
            "an addition was answered with something else",
        ));
    };
    let added = v1::Added {
        counter: name,
        value,
        previous,
        version,
    };
    Ok((added, done))
}

fn answered(body: &impl serde::Serialize, version: i32, done: &Done) -> Result<Reply, Problem> {
    Ok(Reply::ok(body)?
        .etag(&version_tag(version))
        .at(done.moment.zxid)
        .replayed(done.replayed))
}
