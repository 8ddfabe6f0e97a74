//! `/v1/queues/{queue}/-/take`: having the first items, or waiting for one.

use std::time::Duration;

use http_types::paths;
use http_types::problem::{ErrorCode, Problem as Document};
use http_types::v1::queues as v1;
use raft_core::command::Command;
use raft_core::event::EventKind;
use raft_core::ids::{QueueName, ZnodePath};
use raft_core::limits::ITEMS_PER_TAKE_MAX;
use raft_core::outcome::Reply as Replied;
use raft_core::query::session::SessionStatus;
use raft_core::state::State;
use tokio::time::{Instant, timeout_at};

use crate::call::{Call, Done};
use crate::change;
use crate::convert::{event, queue as convert};
use crate::error::{Check, Problem};
use crate::keeper::Keeper;
use crate::reply::Reply;
use crate::routes::group_members::require_session;
use crate::routes::queues::within;

/// Take the first items that nobody has. The session has them until it acknowledges them, gives them back, or ends.
///
/// With `Prefer: wait=30` the request is answered as soon as there is one, or after that time with none. While it
/// waits, the session is renewed. Send an Idempotency-Key: when the answer is lost, a repeat has the same items.
#[utoipa::path(
    post, path = "/v1/queues/{queue}/-/take", tag = "queues", operation_id = "take",
    params(
        ("queue" = String, Path, description = "Name of the queue; may contain slashes"),
        ("Holdfast-Session" = String, Header, description = "The session that is to have them"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable: it takes once"),
        ("Prefer" = Option<String>, Header, description = "`wait=30`: how long this request may wait"),
    ),
    request_body = v1::TakeRequest,
    responses(
        (status = 200, description = "What was taken, if there was anything", body = v1::Taken),
        (status = 400, description = "`session_required`", body = Document),
        (status = 403, description = "`forbidden`: it takes the permission to read an item", body = Document),
        (status = 410, description = "`session_expired`", body = Document),
        (status = 422, description = "`idempotency_mismatch`", body = Document),
    )
)]
pub(crate) async fn take(call: Call) -> Result<Reply, Problem> {
    let queue = call.queue()?;
    let request: v1::TakeRequest = call.json_or_empty()?;
    let most = request.n.unwrap_or(1);
    within("n", most, 1..=ITEMS_PER_TAKE_MAX)?;
    require_session(&call, "taking an item")?;
    let taking = Taking {
        call: &call,
        queue: &queue,
        most,
    };
    let mut keeper = Keeper::of(&call);
    let taken = keeper.during(taking.run()).await?;
    let Replied::ItemsTaken { delivery, items } = &taken.reply else {
        return Err(Problem::internal("a take was answered with something else"));
    };
    let (view, zxid) = call.api.node.peek(|state| {
        let mut view = v1::Taken {
            queue: queue.to_string(),
            ..v1::Taken::default()
        };
        for item in items {
            let found = state.item(&queue, item);
            match found.and_then(|item| convert::delivery(&item, *delivery)) {
                Some(delivery) => view.deliveries.push(delivery),
                None => view.ended.push(item.to_string()),
            }
        }
        (view, state.last_zxid())
    });
    let reply = Reply::ok(&view)?.at(zxid).replayed(taken.replayed);
    Ok(match call.prefer.wait {
        Some(wait) => reply.preferred(&format!("wait={}", wait.as_secs())),
        None => reply,
    })
}

/// One request on its way to an item.
struct Taking<'a> {
    call: &'a Call,
    queue: &'a QueueName,
    most: u32,
}

impl Taking<'_> {
    async fn run(&self) -> Result<Done, Problem> {
        let first = self.attempt(self.call.time_left()).await?;
        let Some(patience) = self.call.wait().filter(|_| took_nothing(&first)) else {
            return Ok(first);
        };
        let until = Instant::now() + patience;
        let line = self.call.api.turns.line(self.queue);
        let stop = self.call.api.node.shutting_down();
        let turn = tokio::select! {
            () = stop.cancelled() => {
                return Err(Problem::new(ErrorCode::ShuttingDown, "this node is shutting down"));
            }
            turn = timeout_at(until, line.turn()) => turn,
        };
        let mut last = first;
        // Others may be faster, and the turn is kept until there is something or the time is up.
        while turn.is_ok() && took_nothing(&last) && self.until_there_is(until).await? {
            last = self.attempt(self.call.timeout).await?;
        }
        Ok(last)
    }

    async fn attempt(&self, within: Duration) -> Result<Done, Problem> {
        let command = Command::TakeItems {
            queue: self.queue.clone(),
            most: self.most,
        };
        let check = Check::at(paths::queue_view(self.queue.as_str(), "items"));
        self.call.propose_within(command, check, within).await
    }

    /// Waits until somebody could take an item; says whether there is one.
    async fn until_there_is(&self, until: Instant) -> Result<bool, Problem> {
        let concerns = |kind: &EventKind| match event::znode(kind) {
            Some(path) => self.is_about(path),
            None => matches!(kind, EventKind::SessionEnded { .. }),
        };
        let there = change::wait_for(self.call, until, concerns, |state| self.look(state));
        Ok(there.await?.is_some())
    }

    /// Also ends the wait of a session that has ended: the attempt is refused then.
    fn look(&self, state: &State) -> Result<Option<()>, Problem> {
        let session = self.call.session.as_ref();
        let is_over = session.is_some_and(|session| match state.session(session) {
            SessionStatus::Live(_) => false,
            SessionStatus::Ended(_) | SessionStatus::Unknown => true,
        });
        Ok((is_over || state.has_free_items(self.queue)).then_some(()))
    }

    fn is_about(&self, path: &ZnodePath) -> bool {
        let queue = self.queue.znode();
        path.depth() == queue.depth().saturating_add(2) && path.is_within(&queue)
    }
}

fn took_nothing(done: &Done) -> bool {
    matches!(&done.reply, Replied::ItemsTaken { items, .. } if items.is_empty())
}
