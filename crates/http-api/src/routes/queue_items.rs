//! `/v1/queues/{queue}/-/items`: putting items, looking at them, and ending their deliveries.

use axum::http::StatusCode;
use http_types::paths;
use http_types::problem::{ErrorCode, Problem as Document};
use http_types::v1::queues as v1;
use raft_core::command::{Command, Delivery, GiveBackItem, PutItem};
use raft_core::ids::{ItemId, QueueName, Zxid};
use raft_core::limits::ITEM_PRIORITY_MAX;
use raft_core::outcome::Reply as Replied;
use raft_core::queue::PRIORITY_DEFAULT;
use raft_core::state::State;

use crate::call::Call;
use crate::convert::queue as convert;
use crate::error::{Check, Problem};
use crate::limits::{PAGE_DEFAULT, PAGE_MAX};
use crate::reply::Reply;
use crate::routes::group_members::require_session;
use crate::routes::nodes::data_of;
use crate::routes::queues::{may_look, with_next, within};

/// Put an item: what is to be done, as it is. It stands behind all of its priority.
#[utoipa::path(
    post, path = "/v1/queues/{queue}/-/items", tag = "queues", operation_id = "put_item",
    params(
        ("queue" = String, Path, description = "Name of the queue; may contain slashes"),
        v1::PutItemQuery,
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable: it puts one item"),
        ("Holdfast-Fence" = Option<String>, Header, description = "`lock=fence`: only while this hold stands"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The item"),
    responses(
        (status = 201, description = "It is in the queue", body = v1::ItemPut),
        (status = 403, description = "`forbidden`", body = Document),
        (status = 409, description = "`queue_full`", body = Document),
        (status = 413, description = "`too_large`", body = Document),
        (status = 422, description = "`idempotency_mismatch`", body = Document),
    )
)]
pub(crate) async fn put(call: Call) -> Result<Reply, Problem> {
    let queue = call.queue()?;
    let query: v1::PutItemQuery = call.query()?;
    let priority = query.priority.unwrap_or(PRIORITY_DEFAULT);
    within(
        "priority",
        u32::from(priority),
        0..=u32::from(ITEM_PRIORITY_MAX),
    )?;
    let (data, content_type) = data_of(&call)?;
    let command = Command::PutItem(PutItem {
        queue: queue.clone(),
        priority,
        data: Some(data),
        content_type,
    });
    let check = Check::at(paths::queue_view(queue.as_str(), "items"));
    let done = call.propose(command, check).await?;
    let Replied::ItemPut { item } = done.reply else {
        return Err(Problem::internal("a put was answered with something else"));
    };
    let url = paths::item(queue.as_str(), item.as_str());
    let view = v1::ItemPut {
        queue: queue.to_string(),
        item: item.to_string(),
    };
    Ok(Reply::json(StatusCode::CREATED, &view)?
        .at(done.moment.zxid)
        .location(&url)
        .replayed(done.replayed))
}

/// Items in the order in which they are taken, with who has them.
#[utoipa::path(
    get, path = "/v1/queues/{queue}/-/items", tag = "queues", operation_id = "items",
    params(
        ("queue" = String, Path, description = "Name of the queue; may contain slashes"),
        v1::ItemsQuery,
    ),
    responses(
        (status = 200, description = "A page of them", body = v1::ItemList),
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
        let mut found = state.items(&name, after, limit.saturating_add(1));
        let has_more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().filter(|_| has_more);
        Ok(v1::ItemList {
            next: last.map(|item| item.id.to_owned()),
            items: found
                .iter()
                .map(|item| convert::item(state, item))
                .collect(),
        })
    };
    let answer = call.read(read).await?;
    let reply = Reply::ok(&answer.value)?.at(answer.zxid).aged(answer.age);
    let next = answer.value.next.as_deref();
    let url = paths::queue_view(name.as_str(), "items");
    Ok(with_next(reply, &url, (next, limit), &[]))
}

/// An item, with what is to be done.
#[utoipa::path(
    get, path = "/v1/queues/{queue}/-/items/{item}", tag = "queues", operation_id = "item",
    params(
        ("queue" = String, Path, description = "Name of the queue; may contain slashes"),
        ("item" = String, Path, description = "Name of the item"),
    ),
    responses(
        (status = 200, description = "As it is", body = v1::Item),
        (status = 403, description = "`forbidden`", body = Document),
        (status = 404, description = "`no_item`", body = Document),
    )
)]
pub(crate) async fn get(call: Call) -> Result<Reply, Problem> {
    let (name, item) = (call.queue()?, call.item()?);
    let read = |state: &State| {
        may_look(&call, state, &name)?;
        let view = state
            .item(&name, &item)
            .ok_or_else(|| no_item(&name, &item))?;
        Ok(convert::item_with_value(
            state,
            &name,
            &view,
            &call.identities,
        ))
    };
    let answer = call.read(read).await?;
    Ok(Reply::ok(&answer.value)?.at(answer.zxid).aged(answer.age))
}

fn no_item(name: &QueueName, item: &ItemId) -> Problem {
    let detail = format!("there is no item {item} in queue {name}");
    Problem::new(ErrorCode::NoItem, detail).with(|more| {
        more.queue = Some(name.to_string());
        more.item = Some(item.to_string());
    })
}

/// The item is done, and goes. Only the session that has it can say so, and only of this delivery: who has lost it
/// is told so. Send an Idempotency-Key, so that a repeat is answered as the first was.
#[utoipa::path(
    post, path = "/v1/queues/{queue}/-/items/{item}/ack", tag = "queues", operation_id = "ack",
    params(
        ("queue" = String, Path, description = "Name of the queue; may contain slashes"),
        ("item" = String, Path, description = "Name of the item"),
        ("Holdfast-Session" = String, Header, description = "The session that took it"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable"),
    ),
    request_body = v1::AckRequest,
    responses(
        (status = 200, description = "It is gone", body = v1::Acked),
        (status = 400, description = "`session_required`", body = Document),
        (status = 409, description = "`item_not_yours`; `node_not_empty`: somebody put something below its znode", body = Document),
        (status = 410, description = "`delivery_ended`, `session_expired`", body = Document),
    )
)]
pub(crate) async fn ack(call: Call) -> Result<Reply, Problem> {
    let request: v1::AckRequest = call.json()?;
    let delivery = delivery_of(&call, request.delivery)?;
    let (queue, item) = (delivery.queue.to_string(), delivery.item.to_string());
    let check = Check::at(paths::item(&queue, &item));
    let done = call.propose(Command::AckItem(delivery), check).await?;
    let Replied::ItemAcked = done.reply else {
        return Err(Problem::internal("an ack was answered with something else"));
    };
    let view = v1::Acked { queue, item };
    Ok(Reply::ok(&view)?
        .at(done.moment.zxid)
        .replayed(done.replayed))
}

/// The item is not done: others can take it. That counts as a try, unless it is not to.
#[utoipa::path(
    post, path = "/v1/queues/{queue}/-/items/{item}/give-back", tag = "queues", operation_id = "give_back",
    params(
        ("queue" = String, Path, description = "Name of the queue; may contain slashes"),
        ("item" = String, Path, description = "Name of the item"),
        ("Holdfast-Session" = String, Header, description = "The session that took it"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable"),
    ),
    request_body = v1::GiveBackRequest,
    responses(
        (status = 200, description = "It is back, or a dead letter now", body = v1::GivenBack),
        (status = 400, description = "`session_required`", body = Document),
        (status = 409, description = "`item_not_yours`", body = Document),
        (status = 410, description = "`delivery_ended`, `session_expired`", body = Document),
    )
)]
pub(crate) async fn give_back(call: Call) -> Result<Reply, Problem> {
    let request: v1::GiveBackRequest = call.json()?;
    let delivery = delivery_of(&call, request.delivery)?;
    let (queue, item) = (delivery.queue.to_string(), delivery.item.to_string());
    let command = Command::GiveBackItem(GiveBackItem {
        delivery,
        counts: !request.uncounted,
        reason: request.reason,
    });
    let check = Check::at(paths::item(&queue, &item));
    let done = call.propose(command, check).await?;
    let Replied::ItemGivenBack { tries, died } = done.reply else {
        return Err(Problem::internal(
            "an item given back was answered with something else",
        ));
    };
    let view = v1::GivenBack {
        queue,
        item,
        tries,
        dead: died,
    };
    Ok(Reply::ok(&view)?
        .at(done.moment.zxid)
        .replayed(done.replayed))
}

fn delivery_of(call: &Call, number: u64) -> Result<Delivery, Problem> {
    let (queue, item) = (call.queue()?, call.item()?);
    require_session(call, "ending a delivery")?;
    Ok(Delivery {
        queue,
        item,
        number: Zxid(number),
    })
}
