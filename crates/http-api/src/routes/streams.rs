//! Event streams of one resource, and of a session.

use http_types::problem::Problem as Document;
use http_types::v1::events as v1;
use raft_core::command::SessionRef;
use raft_core::session::SessionKind;

use crate::call::Call;
use crate::convert::event::Include;
use crate::error::Problem;
use crate::reply::Reply;
use crate::routes::events::subscription;
use crate::routes::sessions::{known_session, live_session};
use crate::sse::{self, Filter, Renewal, Subject, Subscription};

/// What happens to this lock and its claims, as server-sent events.
#[utoipa::path(
    get, path = "/v1/locks/{lock}/-/events", tag = "events", operation_id = "lock_events",
    params(
        ("lock" = String, Path, description = "Name of the lock; may contain slashes"),
        v1::EventsQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "Continue after this event"),
    ),
    responses(
        (status = 200, description = "A stream", body = v1::Event, content_type = "text/event-stream"),
        (status = 410, description = "`history_compacted`", body = Document),
        (status = 429, description = "`rate_limited`", body = Document),
    )
)]
pub(crate) async fn of_lock(call: Call) -> Result<Reply, Problem> {
    let subject = Subject::Lock(call.lock()?);
    let subscription = without_prefix(&call, subject)?;
    sse::open(&call, subscription).await
}

/// Who stands in this election and who leads, as server-sent events.
#[utoipa::path(
    get, path = "/v1/elections/{election}/-/events", tag = "events", operation_id = "election_events",
    params(
        ("election" = String, Path, description = "Name of the election; may contain slashes"),
        v1::EventsQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "Continue after this event"),
    ),
    responses(
        (status = 200, description = "A stream", body = v1::Event, content_type = "text/event-stream"),
        (status = 410, description = "`history_compacted`", body = Document),
        (status = 429, description = "`rate_limited`", body = Document),
    )
)]
pub(crate) async fn of_election(call: Call) -> Result<Reply, Problem> {
    let subject = Subject::Election(call.election()?);
    let subscription = without_prefix(&call, subject)?;
    sse::open(&call, subscription).await
}

/// Who joins and leaves this group, as server-sent events: those of its znode and what is below it. A
/// member that joins is `node.created`, one that leaves or whose session ends `node.deleted`, a value that
/// changes `node.changed`. `include=value` shows the values.
#[utoipa::path(
    get, path = "/v1/groups/{group}/-/events", tag = "events", operation_id = "group_events",
    params(
        ("group" = String, Path, description = "Name of the group; may contain slashes"),
        v1::EventsQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "Continue after this event"),
    ),
    responses(
        (status = 200, description = "A stream", body = v1::Event, content_type = "text/event-stream"),
        (status = 410, description = "`history_compacted`", body = Document),
        (status = 429, description = "`rate_limited`", body = Document),
    )
)]
pub(crate) async fn of_group(call: Call) -> Result<Reply, Problem> {
    let subject = Subject::Znodes(call.group()?.znode());
    let subscription = without_prefix(&call, subject)?;
    sse::open(&call, subscription).await
}

/// Which instances of this service come, go and can be picked, as server-sent events.
#[utoipa::path(
    get, path = "/v1/services/{service}/-/events", tag = "events", operation_id = "service_events",
    params(
        ("service" = String, Path, description = "Name of the service; may contain slashes"),
        v1::EventsQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "Continue after this event"),
    ),
    responses(
        (status = 200, description = "A stream", body = v1::Event, content_type = "text/event-stream"),
        (status = 410, description = "`history_compacted`", body = Document),
        (status = 429, description = "`rate_limited`", body = Document),
    )
)]
pub(crate) async fn of_service(call: Call) -> Result<Reply, Problem> {
    let subject = Subject::Service(call.service()?);
    let subscription = without_prefix(&call, subject)?;
    sse::open(&call, subscription).await
}

/// What happens to this znode and below it, as server-sent events.
#[utoipa::path(
    get, path = "/v1/nodes/{path}/-/events", tag = "events", operation_id = "node_events",
    params(
        ("path" = String, Path, description = "Path without its first slash; may contain slashes"),
        v1::EventsQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "Continue after this event"),
    ),
    responses(
        (status = 200, description = "A stream", body = v1::Event, content_type = "text/event-stream"),
        (status = 410, description = "`history_compacted`", body = Document),
        (status = 429, description = "`rate_limited`", body = Document),
    )
)]
pub(crate) async fn of_node(call: Call) -> Result<Reply, Problem> {
    let subject = Subject::Znodes(call.znode_path()?);
    let subscription = without_prefix(&call, subject)?;
    sse::open(&call, subscription).await
}

fn without_prefix(call: &Call, subject: Subject) -> Result<Subscription, Problem> {
    let query: v1::EventsQuery = call.query()?;
    if query.prefix.is_some() {
        return Err(Problem::bad_request(
            "the path says what this stream is about: no prefix",
        ));
    }
    subscription(call, &query, subject)
}

/// What happens to this session and its claims, without renewing it: for browsers and dashboards.
#[utoipa::path(
    get, path = "/v1/sessions/{session}/stream", tag = "sessions", operation_id = "observe_session",
    params(
        ("session" = String, Path, description = "Name of the session, or `0x` and its number"),
        v1::EventsQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "Continue after this event"),
    ),
    responses(
        (status = 200, description = "A stream", body = v1::Event, content_type = "text/event-stream"),
        (status = 404, description = "`no_session`", body = Document),
        (status = 410, description = "`session_expired`, `history_compacted`", body = Document),
    )
)]
pub(crate) async fn observe_session(call: Call) -> Result<Reply, Problem> {
    let id = known_session(&call, &call.session_in_path()?).await?;
    let subscription = without_prefix(&call, Subject::Session(id))?;
    sse::open(&call, subscription).await
}

/// Renew this session for as long as the stream is open, and carry its events: `session.renewed`
/// with `safe_ms` counted from the moment this request was sent, grants, losses, and its end.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/stream", tag = "sessions", operation_id = "stream_session",
    params(
        ("session" = String, Path, description = "Name of the session, or `0x` and its number"),
        ("Last-Event-ID" = Option<String>, Header, description = "Continue after this event"),
    ),
    responses(
        (status = 200, description = "A stream", body = v1::Event, content_type = "text/event-stream"),
        (status = 404, description = "`no_session`", body = Document),
        (status = 410, description = "`session_expired`, `history_compacted`", body = Document),
    )
)]
pub(crate) async fn stream_session(call: Call) -> Result<Reply, Problem> {
    let id = known_session(&call, &call.session_in_path()?).await?;
    let wall_ms = call.api.wall_ms();
    let timeout = call.api.node.peek(|state| {
        let live = live_session(state, &SessionRef::Id(id), wall_ms)?;
        match live.kind {
            SessionKind::Client => Ok(std::time::Duration::from_millis(live.timeout_ms)),
            SessionKind::Implicit => Err(Problem::bad_request(
                "this session was made for one claim and lives as long as it: extend the claim",
            )),
        }
    })?;
    let subscription = Subscription {
        filter: Filter::new(Subject::Session(id), None)?,
        include: Include::default(),
        initial: false,
        renew: Some(Renewal {
            session: id,
            timeout,
        }),
        after: sse::resume_after(&call, None)?,
    };
    sse::open(&call, subscription).await
}
