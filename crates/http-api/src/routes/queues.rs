//! `/v1/queues` and `/v1/queues/{queue}`: which there are, and how they behave.

use std::ops::RangeInclusive;

use http_types::paths;
use http_types::problem::Problem as Document;
use http_types::v1::queues as v1;
use raft_core::command::Command;
use raft_core::ids::QueueName;
use raft_core::outcome::Reply as Replied;
use raft_core::queue::QueueSettings;
use raft_core::state::State;

use crate::call::Call;
use crate::convert::queue as convert;
use crate::error::{Check, Problem, problem_of};
use crate::limits::{PAGE_DEFAULT, PAGE_MAX};
use crate::reply::Reply;

/// Work queues, in order of the segments of their names.
#[utoipa::path(
    get, path = "/v1/queues", tag = "queues", operation_id = "work_queues",
    params(v1::QueuesQuery),
    responses((status = 200, description = "A page of them", body = v1::QueueList))
)]
pub(crate) async fn list(call: Call) -> Result<Reply, Problem> {
    let query: v1::QueuesQuery = call.query()?;
    let limit = query.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
    let after = query.after.as_deref().map(QueueName::parse).transpose()?;
    let prefix = query.prefix.as_deref().unwrap_or_default();
    let read = |state: &State| {
        // One more than shown says whether there is a next page.
        let mut found = state.work_queues(prefix, after.as_ref(), limit.saturating_add(1));
        let has_more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| has_more);
        Ok(v1::QueueList {
            next: last.map(|(name, _)| name.to_string()),
            queues: found
                .iter()
                .map(|(name, view)| convert::queue(name, Some(*view)))
                .collect(),
        })
    };
    let answer = call.read(read).await?;
    let reply = Reply::ok(&answer.value)?.at(answer.zxid).aged(answer.age);
    let more = [("prefix", query.prefix.clone())];
    let next = answer.value.next.as_deref();
    Ok(with_next(reply, "/v1/queues", (next, limit), &more))
}

/// Adds the link to the next page, if there is one.
pub(super) fn with_next(
    reply: Reply,
    path: &str,
    (next, limit): (Option<&str>, usize),
    more: &[(&str, Option<String>)],
) -> Reply {
    let Some(next) = next else {
        return reply;
    };
    let own = [
        ("limit", Some(limit.to_string())),
        ("after", Some(next.to_owned())),
    ];
    let parameters: Vec<_> = more.iter().cloned().chain(own).collect();
    let url = paths::with_query(path, &parameters);
    reply.text("link", &format!("<{url}>; rel=\"next\""))
}

/// How many items wait, are taken, or have died, and the settings. A queue that nobody has put anything into is
/// empty.
#[utoipa::path(
    get, path = "/v1/queues/{queue}", tag = "queues", operation_id = "work_queue",
    params(("queue" = String, Path, description = "Name of the queue; may contain slashes")),
    responses(
        (status = 200, description = "As it is", body = v1::Queue),
        (status = 403, description = "`forbidden`: it takes the permission to read the queue's znode", body = Document),
    )
)]
pub(crate) async fn get(call: Call) -> Result<Reply, Problem> {
    let name = call.queue()?;
    let read = |state: &State| {
        may_look(&call, state, &name)?;
        Ok(convert::queue(&name, state.work_queue(&name)))
    };
    let answer = call.read(read).await?;
    Ok(Reply::ok(&answer.value)?.at(answer.zxid).aged(answer.age))
}

/// Whoever may read the queue's znode may look at what is in the queue.
pub(super) fn may_look(call: &Call, state: &State, name: &QueueName) -> Result<(), Problem> {
    let znode = name.znode();
    if state.znode(&znode).is_none() {
        return Ok(());
    }
    let readable = state.can_read(&znode, &call.identities);
    readable.map_err(|refusal| problem_of(state, call.api.wall_ms(), &refusal))
}

/// Set how the queue behaves. Its znodes stay from then on, also while nothing is in it.
#[utoipa::path(
    put, path = "/v1/queues/{queue}", tag = "queues", operation_id = "configure_queue",
    params(("queue" = String, Path, description = "Name of the queue; may contain slashes")),
    request_body = v1::QueueSettings,
    responses(
        (status = 200, description = "Set", body = v1::Queue),
        (status = 403, description = "`forbidden`", body = Document),
    )
)]
pub(crate) async fn configure(call: Call) -> Result<Reply, Problem> {
    let settings: v1::QueueSettings = call.json()?;
    let settings = convert::settings_in(&settings);
    settings.check().map_err(|refusal| call.refused(&refusal))?;
    set(&call, Some(settings)).await
}

/// Drop the settings: the queue lasts as long as there is something in it.
#[utoipa::path(
    delete, path = "/v1/queues/{queue}", tag = "queues", operation_id = "unconfigure_queue",
    params(("queue" = String, Path, description = "Name of the queue; may contain slashes")),
    responses(
        (status = 200, description = "Dropped, or there were none", body = v1::Queue),
        (status = 403, description = "`forbidden`", body = Document),
    )
)]
pub(crate) async fn unconfigure(call: Call) -> Result<Reply, Problem> {
    set(&call, None).await
}

async fn set(call: &Call, settings: Option<QueueSettings>) -> Result<Reply, Problem> {
    let name = call.queue()?;
    let queue = name.clone();
    let command = Command::ConfigureQueue { queue, settings };
    let check = Check::or_repeat(paths::queue(name.as_str()));
    let done = call.propose(command, check).await?;
    let Replied::QueueConfigured = done.reply else {
        return Err(Problem::internal(
            "settings were answered with something else",
        ));
    };
    let peeked = call
        .api
        .node
        .peek(|state| (state.work_queue(&name), state.last_zxid()));
    let (view, zxid) = peeked;
    Ok(Reply::ok(&convert::queue(&name, view))?.at(zxid))
}

/// Refuses a number that is out of its bounds before it takes a place in the log.
pub(super) fn within(what: &str, number: u32, bounds: RangeInclusive<u32>) -> Result<(), Problem> {
    if bounds.contains(&number) {
        return Ok(());
    }
    let (least, most) = (bounds.start(), bounds.end());
    let detail = format!("{what} is {number}, expected {least} to {most}");
    Err(Problem::bad_request(detail))
}
