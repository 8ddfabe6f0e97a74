//! `/v1/locks/{name}`: settings, views. `lock_list` has the list of them.

use axum::http::StatusCode;
use http_types::headers::{fence_tag, version_tag};
use http_types::paths;
use http_types::problem::{ErrorCode, Problem as Document};
use http_types::v1::dry_run::{DryRunQuery, OnlyIf, OrDryRun};
use http_types::v1::locks as v1;
use raft_core::command::{Command, LockSettings};
use raft_core::dry_run::DryRun;
use raft_core::ids::LockName;
use raft_core::lock::Lock;
use raft_core::outcome::Reply as Replied;
use raft_core::query::lock::LockView;
use raft_core::state::State;
use tokio::time::Instant;
use xxhash_rust::xxh3::Xxh3;

use crate::call::Call;
use crate::change;
use crate::convert::{event, fence, lock};
use crate::dry_run;
use crate::error::{Check, Problem};
use crate::explain::{self, Asked};
use crate::extract::headers::{self, IfMatch, IfNoneMatch};
use crate::limits::QUEUE_SHOWN_MAX;
use crate::reply::Reply;

/// A lock: settings, holders, queue. With `If-None-Match` and `Prefer: wait=60` waits for a change.
#[utoipa::path(
    get, path = "/v1/locks/{lock}", tag = "locks", operation_id = "lock",
    params(
        ("lock" = String, Path, description = "Name of the lock; may contain slashes"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag the reader has"),
        ("Prefer" = Option<String>, Header, description = "`wait=60`: how long to wait for a change"),
    ),
    responses(
        (status = 200, description = "As it is", body = v1::Lock),
        (status = 304, description = "It did not change within the wait"),
        (status = 404, description = "`no_lock`: nobody has claimed or configured it", body = Document),
    )
)]
pub(crate) async fn get(call: Call) -> Result<Reply, Problem> {
    let name = call.lock()?;
    let known = IfNoneMatch::from(&call.headers)?;
    let until = Instant::now() + call.wait().unwrap_or_default();
    let wall_ms = call.api.wall_ms();
    let answer = call.read(|state| shown(state, &name, wall_ms)).await?;
    let (view, etag) = answer.value;
    if !known.has(&etag) {
        return Ok(Reply::ok(&view)?
            .etag(&etag)
            .at(answer.zxid)
            .aged(answer.age));
    }
    let concerns = |kind: &_| event::lock(kind) == Some(&name);
    let changed = change::wait_for(&call, until, concerns, |state| {
        let (view, etag) = shown(state, &name, wall_ms)?;
        Ok((!known.has(&etag)).then(|| (view, etag, state.last_zxid())))
    });
    match changed.await? {
        Some((view, etag, zxid)) => Ok(Reply::ok(&view)?.etag(&etag).at(zxid)),
        None => Ok(Reply::empty(StatusCode::NOT_MODIFIED).etag(&etag)),
    }
}

fn shown(state: &State, name: &LockName, wall_ms: u64) -> Result<(v1::Lock, String), Problem> {
    let view = state.lock(name).ok_or_else(|| no_lock(name))?;
    let etag = etag_of(&view);
    Ok((lock::lock(state, wall_ms, name, &view), etag))
}

/// The version settings are changed against, and a hash of what else a reader sees.
fn etag_of(view: &LockView<'_>) -> String {
    let mut hash = Xxh3::new();
    for claim in view.holders.iter().chain(&view.waiters) {
        hash.update(&claim.fence.0.to_le_bytes());
        hash.update(&[u8::from(claim.is_held())]);
        if let Some(request) = &claim.release_request {
            hash.update(&request.asked.zxid.0.to_le_bytes());
            hash.update(&request.needs_until.unwrap_or_default().0.to_le_bytes());
        }
    }
    hash.update(&view.lock.holders.to_le_bytes());
    hash.update(&view.lock.waiters.to_le_bytes());
    hash.update(&[u8::from(view.delayed_ms.is_some())]);
    format!("\"v{}-{:016x}\"", lock::version(view), hash.digest())
}

/// Nobody has claimed or configured it.
pub(super) fn no_lock(name: &LockName) -> Problem {
    Problem::new(
        ErrorCode::NoLock,
        format!("nobody has claimed or configured lock {name}"),
    )
    .with(|more| more.lock = Some(name.to_string()))
}

/// Set how a lock behaves. `If-Match: "v7"` guards against overwriting somebody else's settings.
#[utoipa::path(
    put, path = "/v1/locks/{lock}", tag = "locks", operation_id = "configure_lock",
    params(
        ("lock" = String, Path, description = "Name of the lock; may contain slashes"),
        ("If-Match" = Option<String>, Header, description = "Version the settings were read at"),
    ),
    request_body = v1::LockSettingsRequest,
    responses(
        (status = 200, description = "As it is now", body = v1::Lock),
        (status = 409, description = "`lock_mode_mismatch`: claims of another kind are live", body = Document),
        (status = 412, description = "`version_mismatch`", body = Document),
    )
)]
pub(crate) async fn configure(call: Call) -> Result<Reply, Problem> {
    let name = call.lock()?;
    let request: v1::LockSettingsRequest = call.json()?;
    let settings: LockSettings = lock::settings_in(request)?;
    let expect = headers::if_match(&call.headers)?;
    if expect == IfMatch::Exists {
        call.read(|state| shown(state, &name, 0)).await?;
    }
    let command = Command::ConfigureLock {
        lock: name.clone(),
        settings,
        expect: expect.expect(),
    };
    let done = call
        .propose(command, Check::at(paths::lock(name.as_str())))
        .await?;
    let Replied::LockConfigured { stat } = done.reply else {
        return Err(Problem::internal(
            "configure was answered with something else",
        ));
    };
    let wall_ms = call.api.wall_ms();
    let (view, _) = call.api.node.peek(|state| shown(state, &name, wall_ms))?;
    Ok(Reply::ok(&view)?
        .etag(&version_tag(stat.version))
        .at(done.moment.zxid))
}

async fn view_of<T>(
    call: &Call,
    make: impl FnOnce(&State, u64, (&LockName, &Lock)) -> T + Send,
) -> Result<(T, raft_core::ids::Zxid, Option<std::time::Duration>), Problem> {
    let name = call.lock()?;
    let wall_ms = call.api.wall_ms();
    let read = |state: &State| {
        let view = state.lock(&name).ok_or_else(|| no_lock(&name))?;
        Ok(make(state, wall_ms, (&name, &view.lock)))
    };
    let answer = call.read(read).await?;
    Ok((answer.value, answer.zxid, answer.age))
}

/// Who has it and who waits, in order (the first of each).
#[utoipa::path(
    get, path = "/v1/locks/{lock}/-/queue", tag = "locks", operation_id = "queue",
    params(("lock" = String, Path, description = "Name of the lock; may contain slashes")),
    responses(
        (status = 200, description = "Holders and waiters", body = v1::Queue),
        (status = 404, description = "`no_lock`", body = Document),
    )
)]
pub(crate) async fn queue(call: Call) -> Result<Reply, Problem> {
    let (queue, zxid, age) = view_of(&call, |state, wall_ms, lock| {
        lock::queue(state, wall_ms, lock, state.queue(lock.0, QUEUE_SHOWN_MAX))
    })
    .await?;
    Ok(Reply::ok(&queue)?.at(zxid).aged(age))
}

/// Who has it (the first few).
#[utoipa::path(
    get, path = "/v1/locks/{lock}/-/holders", tag = "locks", operation_id = "holders",
    params(("lock" = String, Path, description = "Name of the lock; may contain slashes")),
    responses(
        (status = 200, description = "Holders; `waiters` is empty", body = v1::Queue),
        (status = 404, description = "`no_lock`", body = Document),
    )
)]
pub(crate) async fn holders(call: Call) -> Result<Reply, Problem> {
    let (queue, zxid, age) = view_of(&call, |state, wall_ms, lock| {
        lock::queue(state, wall_ms, lock, Vec::new())
    })
    .await?;
    Ok(Reply::ok(&queue)?.at(zxid).aged(age))
}

/// Why the lock is as it is, in sentences: who has it and for how long, how long holds took before, what
/// would free it, and what the caller may do.
#[utoipa::path(
    get, path = "/v1/locks/{lock}/-/explain", tag = "locks", operation_id = "explain",
    params(("lock" = String, Path, description = "Name of the lock; may contain slashes")),
    responses(
        (status = 200, description = "In sentences", body = v1::Explanation),
        (status = 404, description = "`no_lock`", body = Document),
    )
)]
pub(crate) async fn explain(call: Call) -> Result<Reply, Problem> {
    let contact = |session| call.api.node.session_contact(session);
    let (explanation, zxid, age) = view_of(&call, |state, wall_ms, (name, record)| {
        let asked = Asked {
            state,
            wall_ms,
            name,
            identities: &call.identities,
            contact: &contact,
        };
        explain::explanation(&asked, record)
    })
    .await?;
    Ok(Reply::ok(&explanation)?.at(zxid).aged(age))
}

/// Does this fence still hold the lock?
#[utoipa::path(
    post, path = "/v1/locks/{lock}/-/verify", tag = "locks", operation_id = "verify",
    params(("lock" = String, Path, description = "Name of the lock; may contain slashes")),
    request_body = v1::VerifyRequest,
    responses(
        (status = 200, description = "It does", body = v1::Verified),
        (status = 412, description = "`fence_stale`, with the present holders", body = Document),
    )
)]
pub(crate) async fn verify(call: Call) -> Result<Reply, Problem> {
    let name = call.lock()?;
    let request: v1::VerifyRequest = call.json()?;
    let wanted = fence::meant(request.fence);
    let wall_ms = call.api.wall_ms();
    let read = |state: &State| match state.verify(&name, wanted) {
        Ok(claim) => Ok(v1::Verified {
            valid: true,
            lock: name.to_string(),
            claim: claim.id.to_string(),
            fence: fence::shown(claim.fence),
            session: crate::convert::session::label(state, claim.session),
        }),
        Err(refusal) => Err(crate::error::problem_of(state, wall_ms, &refusal)),
    };
    let answer = call.read(read).await?;
    Ok(Reply::ok(&answer.value)?.at(answer.zxid).aged(answer.age))
}

/// Take the lock from its holder. Demands `If-Match: "f18231"`, so that nobody else's hold is
/// broken by mistake; a lock delay applies. With `dry_run=1` only say who would lose it and get it.
#[utoipa::path(
    post, path = "/v1/locks/{lock}/-/break", tag = "locks", operation_id = "break_lock",
    params(
        ("lock" = String, Path, description = "Name of the lock; may contain slashes"),
        DryRunQuery,
        ("If-Match" = String, Header, description = "Fence of the hold to break: `\"f18231\"`"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable"),
    ),
    request_body = v1::BreakRequest,
    responses(
        (status = 200, description = "The hold that was, or would be, broken", body = OrDryRun<v1::EndedClaim>),
        (status = 412, description = "`fence_stale`", body = Document),
        (status = 428, description = "`precondition_required`", body = Document),
    )
)]
pub(crate) async fn break_lock(call: Call) -> Result<Reply, Problem> {
    let name = call.lock()?;
    let query: DryRunQuery = call.query()?;
    let held = headers::if_match_fence(&call.headers)?;
    let request: v1::BreakRequest = call.json()?;
    if request.reason.trim().is_empty() {
        return Err(Problem::bad_request(
            "say why the lock is broken: reason must not be empty",
        ));
    }
    let check = Check::or_repeat(paths::lock_view(name.as_str(), "holders"));
    let command = Command::BreakClaim {
        lock: name,
        fence: held,
        reason: request.reason,
    };
    if query.dry_run {
        let tell = move |run: &DryRun, reply: &Replied| {
            let if_match = Some(fence_tag(fence::shown(held)));
            let only_if = OnlyIf {
                if_match,
                ..OnlyIf::default()
            };
            broken(&run.after, reply).map(|ended| (ended, only_if))
        };
        return dry_run::answer(&call, command, tell).await;
    }
    let done = call.propose(command, check).await?;
    let view = call.api.node.peek(|state| broken(state, &done.reply))?;
    Ok(Reply::ok(&view)?
        .at(done.moment.zxid)
        .replayed(done.replayed))
}

fn broken(state: &State, reply: &Replied) -> Result<v1::EndedClaim, Problem> {
    let Replied::ClaimEnded(ended) = reply else {
        return Err(Problem::internal("break was answered with something else"));
    };
    Ok(lock::ended(state, ended))
}
