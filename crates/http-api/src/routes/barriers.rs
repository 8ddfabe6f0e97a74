//! `/v1/barriers/{barrier}` and its parties: coming in, going on together, leaving together.

use std::time::Duration;

use axum::http::StatusCode;
use http_types::problem::{ErrorCode, Problem as Document};
use http_types::v1::barriers as v1;
use raft_core::command::{Command, EnterBarrier};
use raft_core::ids::{BarrierName, MemberId, ZnodePath};
use raft_core::outcome::{BarrierReply, Reply as Replied};
use raft_core::state::State;
use tokio::time::Instant;
use xxhash_rust::xxh3::Xxh3;

use crate::call::Call;
use crate::change;
use crate::convert::{barrier as convert, event};
use crate::error::{Check, Problem, problem_of};
use crate::extract::headers::IfNoneMatch;
use crate::extract::path::party_url;
use crate::keeper::Keeper;
use crate::reply::Reply;
use crate::routes::group_members::require_session;

/// Who is in the barrier, and whether it is open; nobody, where there is none. With `If-None-Match` and
/// `Prefer: wait=60` waits for a change.
#[utoipa::path(
    get, path = "/v1/barriers/{barrier}", tag = "barriers", operation_id = "barrier",
    params(
        ("barrier" = String, Path, description = "Name of the barrier; may contain slashes"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag the reader has"),
        ("Prefer" = Option<String>, Header, description = "`wait=60`: how long to wait for a change"),
    ),
    responses(
        (status = 200, description = "As it is", body = v1::Barrier),
        (status = 304, description = "It did not change within the wait"),
        (status = 403, description = "`forbidden`: it takes the permission to read the barrier's znode", body = Document),
    )
)]
pub(crate) async fn get(call: Call) -> Result<Reply, Problem> {
    let name = call.barrier()?;
    let known = IfNoneMatch::from(&call.headers)?;
    let until = Instant::now() + call.wait().unwrap_or_default();
    let answer = call.read(|state| shown(&call, state, &name)).await?;
    let (view, etag) = answer.value;
    if !known.has(&etag) {
        let reply = Reply::ok(&view)?.etag(&etag).at(answer.zxid);
        return Ok(reply.aged(answer.age));
    }
    let concerns = |kind: &_| is_about(&name, event::znode(kind));
    let changed = change::wait_for(&call, until, concerns, |state| {
        let (view, etag) = shown(&call, state, &name)?;
        Ok((!known.has(&etag)).then(|| (view, etag, state.last_zxid())))
    });
    match changed.await? {
        Some((view, etag, zxid)) => Ok(Reply::ok(&view)?.etag(&etag).at(zxid)),
        None => Ok(Reply::empty(StatusCode::NOT_MODIFIED).etag(&etag)),
    }
}

/// Come in, or ask how the barrier stands. The command that brings the last party in opens the barrier for all.
///
/// With `Prefer: wait=30` the request is answered when the barrier is open, or after that time with 202. While
/// it waits, the session is renewed. Leave before that takes the party out again.
#[utoipa::path(
    put, path = "/v1/barriers/{barrier}/-/members/{member}", tag = "barriers", operation_id = "enter",
    params(
        ("barrier" = String, Path, description = "Name of the barrier; may contain slashes"),
        ("member" = String, Path, description = "Id of the party, chosen by the client; not `ready`"),
        ("Holdfast-Session" = String, Header, description = "The owning session"),
        ("Prefer" = Option<String>, Header, description = "`wait=30`: how long this request may wait"),
    ),
    request_body = v1::EnterRequest,
    responses(
        (status = 200, description = "It is open, as an earlier request found", body = v1::Party),
        (status = 201, description = "It is open now", body = v1::Party),
        (status = 202, description = "Others are missing", body = v1::Party),
        (status = 400, description = "`session_required`", body = Document),
        (status = 404, description = "`no_party`: it was taken out while it waited", body = Document),
        (status = 409, description = "`parties_differ`, `barrier_open`, `member_taken`", body = Document),
        (status = 410, description = "`session_expired`", body = Document),
    )
)]
pub(crate) async fn enter(call: Call) -> Result<Reply, Problem> {
    let (barrier, member) = (call.barrier()?, call.group_member()?);
    let request: v1::EnterRequest = call.json()?;
    require_session(&call, "entering a barrier")?;
    let command = Command::EnterBarrier(EnterBarrier {
        barrier: barrier.clone(),
        party: member.clone(),
        parties: request.parties,
    });
    let url = party_url(&barrier, &member);
    let mut keeper = Keeper::of(&call);
    let proposed = call.propose(command, Check::or_repeat(url.clone()));
    let done = keeper.during(proposed).await?;
    let Replied::Barrier(reply) = done.reply else {
        return Err(Problem::internal("enter was answered with something else"));
    };
    if let Some(patience) = call.wait().filter(|_| !reply.is_open) {
        wait_to_open(&call, &mut keeper, (&barrier, &member), patience).await?;
    }
    let found = call.api.node.peek(|state| {
        let view = party(state, &barrier, &member)?;
        Ok::<_, Problem>((view, state.last_zxid()))
    });
    let (view, zxid) = found?;
    let was_open = reply.is_open && !reply.created;
    let status = match (view.state, was_open) {
        (v1::BarrierState::Open, true) => StatusCode::OK,
        (v1::BarrierState::Open, false) => StatusCode::CREATED,
        (v1::BarrierState::Waiting | v1::BarrierState::Free, _) => StatusCode::ACCEPTED,
    };
    let answer = Reply::json(status, &view)?.at(zxid).location(&url);
    Ok(preferred(&call, answer))
}

/// How the barrier stands for a party that is in it.
#[utoipa::path(
    get, path = "/v1/barriers/{barrier}/-/members/{member}", tag = "barriers", operation_id = "party",
    params(
        ("barrier" = String, Path, description = "Name of the barrier; may contain slashes"),
        ("member" = String, Path, description = "Id of the party"),
    ),
    responses(
        (status = 200, description = "It is in the barrier", body = v1::Party),
        (status = 404, description = "`no_party`", body = Document),
    )
)]
pub(crate) async fn member(call: Call) -> Result<Reply, Problem> {
    let (barrier, member) = (call.barrier()?, call.group_member()?);
    let answer = call.read(|state| party(state, &barrier, &member)).await?;
    Ok(Reply::ok(&answer.value)?.at(answer.zxid).aged(answer.age))
}

/// Leave. With `Prefer: wait=30` an open barrier is left together: the request is answered when all have
/// left, or after that time with 202; repeat it then. Before the barrier is open, leaving takes the party
/// back and is answered at once.
#[utoipa::path(
    delete, path = "/v1/barriers/{barrier}/-/members/{member}", tag = "barriers", operation_id = "leave_barrier",
    params(
        ("barrier" = String, Path, description = "Name of the barrier; may contain slashes"),
        ("member" = String, Path, description = "Id of the party"),
        ("Holdfast-Session" = String, Header, description = "The owning session"),
        ("Prefer" = Option<String>, Header, description = "`wait=30`: how long this request may wait"),
    ),
    responses(
        (status = 200, description = "It is out, and so are all others of its round", body = v1::PartyLeft),
        (status = 202, description = "It is out, and others are still in", body = v1::PartyLeft),
        (status = 400, description = "`session_required`", body = Document),
        (status = 409, description = "`member_taken`", body = Document),
        (status = 410, description = "`session_expired`: it went with its session", body = Document),
    )
)]
pub(crate) async fn leave(call: Call) -> Result<Reply, Problem> {
    let (barrier, member) = (call.barrier()?, call.group_member()?);
    require_session(&call, "leaving a barrier")?;
    let command = Command::LeaveBarrier {
        barrier: barrier.clone(),
        party: member.clone(),
    };
    let check = Check::or_repeat(party_url(&barrier, &member));
    let mut keeper = Keeper::of(&call);
    let done = keeper.during(call.propose(command, check)).await?;
    let Replied::BarrierLeft { left, barrier: now } = done.reply else {
        return Err(Problem::internal("leave was answered with something else"));
    };
    let mut all_left = !now.is_open;
    if let Some(patience) = call.wait().filter(|_| !all_left) {
        let until = Instant::now() + patience;
        let concerns = |kind: &_| is_about(&barrier, event::znode(kind));
        let emptied = change::wait_for(&call, until, concerns, |state| {
            Ok((!goes_on(state, &barrier, &now)).then_some(()))
        });
        all_left = keeper.during(emptied).await?.is_some();
    }
    let (zxid, (state, inside)) = call.api.node.peek(|state| {
        let view = state.barrier(&barrier);
        (state.last_zxid(), convert::state_of(view.as_ref()))
    });
    let view = v1::PartyLeft {
        barrier: barrier.to_string(),
        member: member.to_string(),
        left,
        state: match (all_left, state) {
            (false, _) => v1::BarrierState::Open,
            // Others have met since, without this party.
            (true, v1::BarrierState::Open) => v1::BarrierState::Free,
            (true, state) => state,
        },
        inside,
    };
    let status = if all_left {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    let answer = Reply::json(status, &view)?.at(zxid.max(done.moment.zxid));
    Ok(preferred(&call, answer))
}

/// Whether the round that a party left is still under way.
fn goes_on(state: &State, name: &BarrierName, left: &BarrierReply) -> bool {
    let view = state.barrier(name);
    view.is_some_and(|view| view.is_open && view.opened == left.opened)
}

/// Waits until the barrier is open for a party, and renews its session meanwhile; also returns when the
/// time is up.
///
/// # Errors
/// That the party is out, or that the node is stopping.
async fn wait_to_open(
    call: &Call,
    keeper: &mut Keeper,
    (barrier, member): (&BarrierName, &MemberId),
    patience: Duration,
) -> Result<(), Problem> {
    let until = Instant::now() + patience;
    let concerns = |kind: &_| is_about(barrier, event::znode(kind));
    let open = change::wait_for(call, until, concerns, |state| {
        let view = party(state, barrier, member)?;
        Ok((view.state == v1::BarrierState::Open).then_some(()))
    });
    keeper.during(open).await.map(|_| ())
}

/// Whether a change of this znode can change a barrier.
fn is_about(name: &BarrierName, path: Option<&ZnodePath>) -> bool {
    let znode = name.znode();
    path == Some(&znode) || path.and_then(ZnodePath::parent) == Some(znode)
}

fn party(state: &State, barrier: &BarrierName, member: &MemberId) -> Result<v1::Party, Problem> {
    convert::party(state, barrier, member).ok_or_else(|| {
        let detail = format!("{member} is not in barrier {barrier}");
        Problem::new(ErrorCode::NoParty, detail).with(|more| {
            more.barrier = Some(barrier.to_string());
            more.member = Some(member.to_string());
        })
    })
}

fn preferred(call: &Call, reply: Reply) -> Reply {
    match call.prefer.wait {
        Some(wait) => reply.preferred(&format!("wait={}", wait.as_secs())),
        None => reply,
    }
}

/// The barrier, and a hash of all that a reader sees of it.
fn shown(call: &Call, state: &State, name: &BarrierName) -> Result<(v1::Barrier, String), Problem> {
    let znode = name.znode();
    if state.znode(&znode).is_some() {
        let readable = state.can_read(&znode, &call.identities);
        readable.map_err(|refusal| problem_of(state, call.api.wall_ms(), &refusal))?;
    }
    let view = convert::barrier(state, name);
    let mut hash = Xxh3::new();
    for member in state.barrier(name).iter().flat_map(|view| &view.members) {
        hash.update(&member.znode.czxid.0.to_le_bytes());
        hash.update(member.id.as_bytes());
        hash.update(&[0]);
    }
    let how = match view.state {
        v1::BarrierState::Free => "f",
        v1::BarrierState::Waiting => "w",
        v1::BarrierState::Open => "o",
    };
    let parties = view.parties.unwrap_or_default();
    let etag = format!("\"{how}{parties}-{:016x}\"", hash.digest());
    Ok((view, etag))
}
