//! `/v1/queues/{queue}/-/dead`: items that were tried too often.

use http_types::paths;
use http_types::problem::Problem as Document;
use http_types::v1::queues as v1;
use raft_core::command::Command;
use raft_core::ids::{ItemId, QueueName};
use raft_core::limits::REDRIVE_MAX;
use raft_core::outcome::{Refusal, Reply as Replied};
use raft_core::state::State;

use crate::call::Call;
use crate::convert::queue as convert;
use crate::error::{Check, Problem};
use crate::limits::{PAGE_DEFAULT, PAGE_MAX};
use crate::reply::Reply;
use crate::routes::queues::{may_look, with_next, within};

/// A dead letter and what became of it; somebody may have put more below it, and then it stays.
const LETTER_ZNODES: u32 = 2;

/// Dead letters, in order of priority and then of age.
#[utoipa::path(
    get, path = "/v1/queues/{queue}/-/dead", tag = "queues", operation_id = "dead_letters",
    params(
        ("queue" = String, Path, description = "Name of the queue; may contain slashes"),
        v1::ItemsQuery,
    ),
    responses(
        (status = 200, description = "A page of them", body = v1::DeadLetterList),
        (status = 403, description = "`forbidden`", body = Document),
    )
)]
pub(crate) async fn list(call: Call) -> Result<Reply, Problem> {
    let name = call.queue()?;
    let query: v1::ItemsQuery = call.query()?;
    let limit = query.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
    let after = query.after.as_deref();
    let read = |state: &State| {
        may_look(&call, state, &name)?;
        let mut found = state.dead_letters(&name, after, limit.saturating_add(1));
        let has_more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| has_more);
        Ok(v1::DeadLetterList {
            next: last.map(|letter| letter.id.to_owned()),
            dead: found.iter().map(convert::dead_letter).collect(),
        })
    };
    let answer = call.read(read).await?;
    let reply = Reply::ok(&answer.value)?.at(answer.zxid).aged(answer.age);
    let next = answer.value.next.as_deref();
    let url = paths::queue_view(name.as_str(), "dead");
    Ok(with_next(reply, &url, (next, limit), &[]))
}

/// A dead letter, with what was to be done.
#[utoipa::path(
    get, path = "/v1/queues/{queue}/-/dead/{item}", tag = "queues", operation_id = "dead_letter",
    params(
        ("queue" = String, Path, description = "Name of the queue; may contain slashes"),
        ("item" = String, Path, description = "Name of the dead letter"),
    ),
    responses(
        (status = 200, description = "As it is", body = v1::DeadLetter),
        (status = 403, description = "`forbidden`", body = Document),
        (status = 404, description = "`no_dead_letter`", body = Document),
    )
)]
pub(crate) async fn get(call: Call) -> Result<Reply, Problem> {
    let (name, item) = (call.queue()?, call.item()?);
    let read = |state: &State| {
        may_look(&call, state, &name)?;
        let view = state
            .dead_letter(&name, &item)
            .ok_or_else(|| call.refused(&no_dead_letter(&name, &item)))?;
        let who = &call.identities;
        Ok(convert::dead_letter_with_value(state, &name, &view, who))
    };
    let answer = call.read(read).await?;
    Ok(Reply::ok(&answer.value)?.at(answer.zxid).aged(answer.age))
}

fn no_dead_letter(queue: &QueueName, item: &ItemId) -> Refusal {
    Refusal::NoDeadLetter {
        queue: queue.clone(),
        item: item.clone(),
    }
}

/// Delete a dead letter.
#[utoipa::path(
    delete, path = "/v1/queues/{queue}/-/dead/{item}", tag = "queues", operation_id = "delete_dead_letter",
    params(
        ("queue" = String, Path, description = "Name of the queue; may contain slashes"),
        ("item" = String, Path, description = "Name of the dead letter"),
    ),
    responses(
        (status = 200, description = "It is gone", body = v1::DeadLetterDeleted),
        (status = 403, description = "`forbidden`", body = Document),
        (status = 404, description = "`no_dead_letter`", body = Document),
        (status = 409, description = "`node_not_empty`: somebody put something below its znode", body = Document),
    )
)]
pub(crate) async fn delete(call: Call) -> Result<Reply, Problem> {
    let (name, item) = (call.queue()?, call.item()?);
    let draft = call.draft(Command::DeleteSubtree {
        path: name.dead().child(item.as_str())?,
        max: LETTER_ZNODES,
    })?;
    let check = Check::at(paths::dead_letter(name.as_str(), item.as_str()));
    let outcome = call.api.node.propose(draft, call.time_left()).await;
    let outcome = outcome.map_err(|error| Problem::of_propose(error, check))?;
    if matches!(outcome.result, Err(Refusal::NoNode { .. })) {
        let problem = call.refused(&no_dead_letter(&name, &item));
        return Err(problem.at_index(outcome.moment.zxid));
    }
    let done = call.done(outcome)?;
    let view = v1::DeadLetterDeleted {
        queue: name.to_string(),
        item: item.to_string(),
    };
    Ok(Reply::ok(&view)?.at(done.moment.zxid))
}

/// Put one dead letter back into the queue, as an item that was never tried, behind those of its priority.
#[utoipa::path(
    post, path = "/v1/queues/{queue}/-/dead/{item}/redrive", tag = "queues", operation_id = "redrive_one",
    params(
        ("queue" = String, Path, description = "Name of the queue; may contain slashes"),
        ("item" = String, Path, description = "Name of the dead letter"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable"),
    ),
    responses(
        (status = 200, description = "It is back", body = v1::Redriven),
        (status = 403, description = "`forbidden`", body = Document),
        (status = 404, description = "`no_dead_letter`", body = Document),
        (status = 409, description = "`queue_full`", body = Document),
    )
)]
pub(crate) async fn redrive_one(call: Call) -> Result<Reply, Problem> {
    let item = call.item()?;
    redriven(&call, Some(item), 1).await
}

/// Put dead letters back into the queue, the first ones first.
#[utoipa::path(
    post, path = "/v1/queues/{queue}/-/redrive", tag = "queues", operation_id = "redrive",
    params(
        ("queue" = String, Path, description = "Name of the queue; may contain slashes"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable"),
    ),
    request_body = v1::RedriveRequest,
    responses(
        (status = 200, description = "They are back; `left` says how many are not", body = v1::Redriven),
        (status = 403, description = "`forbidden`", body = Document),
        (status = 409, description = "`queue_full`: it cannot take all of them", body = Document),
    )
)]
pub(crate) async fn redrive(call: Call) -> Result<Reply, Problem> {
    let request: v1::RedriveRequest = call.json_or_empty()?;
    let limit = request.limit.unwrap_or(REDRIVE_MAX);
    within("limit", limit, 1..=REDRIVE_MAX)?;
    redriven(&call, None, limit).await
}

async fn redriven(call: &Call, item: Option<ItemId>, most: u32) -> Result<Reply, Problem> {
    let name = call.queue()?;
    let queue = name.clone();
    let command = Command::Redrive { queue, item, most };
    let check = Check::at(paths::queue_view(name.as_str(), "dead"));
    let done = call.propose(command, check).await?;
    let Replied::Redriven { moved, left } = done.reply else {
        return Err(Problem::internal(
            "a redrive was answered with something else",
        ));
    };
    let view = v1::Redriven {
        queue: name.to_string(),
        moved,
        left,
    };
    Ok(Reply::ok(&view)?
        .at(done.moment.zxid)
        .replayed(done.replayed))
}
