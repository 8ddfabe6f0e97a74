//! `/v1/sessions`: who is alive.

use std::time::Duration;

use axum::http::StatusCode;
use http_types::paths;
use http_types::problem::{ErrorCode, Problem as Document};
use http_types::v1::locks::ClaimState;
use http_types::v1::sessions as v1;
use node::KeepAlive;
use raft_core::command::{Command, OpenSession, SessionRef};
use raft_core::ids::SessionId;
use raft_core::outcome::{Refusal, Reply as Replied};
use raft_core::query::session::SessionStatus;
use raft_core::session::Session;
use raft_core::state::State;

use crate::call::Call;
use crate::convert::session::{self, Liveness};
use crate::convert::{fence, lock};
use crate::error::{Check, Problem};
use crate::extract::path::{session_ref_label, session_text};
use crate::keeper::RENEW_AGAIN;
use crate::limits::{
    FILTER_SCAN_MAX, KEEPALIVE_MANY_MAX, OWNED_SHOWN_MAX, PAGE_DEFAULT, PAGE_MAX,
    SESSION_TTL_MS_DEFAULT,
};
use crate::millis::as_ms;
use crate::reply::Reply;

/// Open a session under a name the client chose, or find the open one of that name.
#[utoipa::path(
    put, path = "/v1/sessions/{session}", tag = "sessions", operation_id = "open_session",
    params(("session" = String, Path, description = "Name of the session, chosen by the client")),
    request_body = v1::OpenSessionRequest,
    responses(
        (status = 200, description = "It was open already, and is renewed", body = v1::Session),
        (status = 201, description = "It is open", body = v1::Session),
        (status = 409, description = "`session_mismatch`", body = Document),
        (status = 410, description = "`session_expired`: one of this name has ended lately", body = Document),
    )
)]
pub(crate) async fn open(call: Call) -> Result<Reply, Problem> {
    let SessionRef::Name(name) = call.session_in_path()? else {
        return Err(Problem::bad_request(
            "a session is opened by a name, not by a number",
        ));
    };
    let request: v1::OpenSessionRequest = call.json_or_empty()?;
    let v1::OnEnd::Release = request.on_end;
    let entropy = call.api.node.entropy();
    let password = (u128::from(entropy.next_u64()) << 64) | u128::from(entropy.next_u64());
    let command = Command::OpenSession(OpenSession {
        name: Some(name.clone()),
        timeout_ms: request
            .ttl
            .map_or(SESSION_TTL_MS_DEFAULT, |ttl| ttl.as_millis()),
        password: password.to_le_bytes(),
        owner: session::owner_in(request.owner),
        lock_delay_ms: request.lock_delay.unwrap_or_default().as_millis(),
    });
    let url = paths::session(name.as_str());
    let done = call.propose(command, Check::or_repeat(&url)).await?;
    let Replied::SessionOpened {
        session: opened,
        created,
    } = done.reply
    else {
        return Err(Problem::internal("open was answered with something else"));
    };
    // A new session has its full timeout from the moment its opening is applied.
    let safe_ms = if created {
        Some(opened.timeout_ms)
    } else {
        let renewed = renew(&call, &[opened.id]).await.ok();
        renewed.and_then(|(renewed, late)| safe_of(renewed.first()?, late))
    };
    let status = if created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    let view = session::live(
        &opened,
        Liveness {
            safe_ms,
            last_contact_ms: None,
        },
    );
    Ok(Reply::json(status, &view)?
        .at(done.moment.zxid)
        .location(&url))
}

/// Renews sessions; with the answer comes how long after the arrival of the request the round
/// began, by which what it is worth counts from the sending of the request.
async fn renew(call: &Call, sessions: &[SessionId]) -> Result<(Vec<KeepAlive>, Duration), Problem> {
    let late = call.received.elapsed();
    let renewed = call
        .api
        .node
        .keep_alive(sessions.to_vec(), call.time_left())
        .await?;
    Ok((renewed, late))
}

fn safe_of(renewed: &KeepAlive, late: Duration) -> Option<u64> {
    renewed
        .alive
        .then(|| renewed.safe_ms.saturating_add(as_ms(late)))
}

/// A session and everything it owns.
#[utoipa::path(
    get, path = "/v1/sessions/{session}", tag = "sessions", operation_id = "session",
    params(("session" = String, Path, description = "Name of the session, or `0x` and its number")),
    responses(
        (status = 200, description = "It is open", body = v1::SessionDetail),
        (status = 404, description = "`no_session`", body = Document),
        (status = 410, description = "`session_expired`", body = Document),
    )
)]
pub(crate) async fn get(call: Call) -> Result<Reply, Problem> {
    let session = call.session_in_path()?;
    let wall_ms = call.api.wall_ms();
    let answer = call
        .read(|state| detail(&call, state, &session, wall_ms))
        .await?;
    Ok(Reply::ok(&answer.value)?.at(answer.zxid).aged(answer.age))
}

fn detail(
    call: &Call,
    state: &State,
    session: &SessionRef,
    wall_ms: u64,
) -> Result<v1::SessionDetail, Problem> {
    let live = live_session(state, session, wall_ms)?;
    let contact = call.api.node.session_contact(live.id);
    let liveness = Liveness {
        safe_ms: None,
        last_contact_ms: contact.map(as_ms),
    };
    let claims = state.claims_of(live.id).into_iter().take(OWNED_SHOWN_MAX);
    let ephemerals = state.ephemerals(live.id).into_iter().take(OWNED_SHOWN_MAX);
    Ok(v1::SessionDetail {
        session: session::live(live, liveness),
        claims: claims
            .map(|claim| lock::claim_standing(state, wall_ms, claim))
            .collect(),
        ephemerals: ephemerals.map(|path| path.to_string()).collect(),
    })
}

/// The live session, or how it ended.
pub(crate) fn live_session<'a>(
    state: &'a State,
    session: &SessionRef,
    wall_ms: u64,
) -> Result<&'a Session, Problem> {
    let refusal = match state.session(session) {
        SessionStatus::Live(live) => return Ok(live),
        SessionStatus::Ended(ended) => Refusal::SessionEnded(Box::new(ended.clone())),
        SessionStatus::Unknown => Refusal::NoSession {
            session: session_ref_label(session),
        },
    };
    Err(crate::error::problem_of(state, wall_ms, &refusal))
}

/// Live sessions in the order they were opened.
#[utoipa::path(
    get, path = "/v1/sessions", tag = "sessions", operation_id = "sessions",
    params(v1::SessionsQuery),
    responses((status = 200, description = "A page of them", body = v1::SessionList))
)]
pub(crate) async fn list(call: Call) -> Result<Reply, Problem> {
    let query: v1::SessionsQuery = call.query()?;
    let after = match query.after.as_deref().map(session_text).transpose()? {
        None => None,
        Some(SessionRef::Id(id) | SessionRef::Attached(id, _)) => Some(id),
        Some(SessionRef::Name(_)) => {
            return Err(Problem::bad_request(
                "after takes what the page before gave as next",
            ));
        }
    };
    let limit = query.limit.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
    let answer = call.read(|state| Ok(state.clone())).await?;
    let page = page(&call, &answer.value, (&query, after, limit));
    let mut reply = Reply::ok(&page)?.at(answer.zxid).aged(answer.age);
    if let Some(next) = &page.next {
        let filter = |name: &str, value: Option<&String>| {
            value.map_or_else(String::new, |v| {
                format!("&{name}={}", paths::encode_query(v))
            })
        };
        let host = filter("owner.host", query.owner_host.as_ref());
        let service = filter("owner.service", query.owner_service.as_ref());
        let url = format!("/v1/sessions?limit={limit}&after={next}{host}{service}");
        reply = reply.text("link", &format!("<{url}>; rel=\"next\""));
    }
    Ok(reply)
}

fn page(
    call: &Call,
    state: &State,
    (query, mut after, limit): (&v1::SessionsQuery, Option<SessionId>, usize),
) -> v1::SessionList {
    let is_wanted = |session: &Session| {
        let has =
            |wanted: &Option<String>, found: &Option<String>| wanted.is_none() || wanted == found;
        has(&query.owner_host, &session.owner.host)
            && has(&query.owner_service, &session.owner.service)
    };
    let mut list = v1::SessionList::default();
    let mut scanned = 0usize;
    loop {
        let found = state.sessions(after, PAGE_MAX);
        let is_last = found.len() < PAGE_MAX;
        for session in found {
            if list.sessions.len() == limit || scanned == FILTER_SCAN_MAX {
                list.next = after.map(|id| v1::number_text(id.0));
                return list;
            }
            scanned = scanned.saturating_add(1);
            after = Some(session.id);
            if is_wanted(session) {
                let contact = call.api.node.session_contact(session.id);
                let liveness = Liveness {
                    safe_ms: None,
                    last_contact_ms: contact.map(as_ms),
                };
                list.sessions.push(session::live(session, liveness));
            }
        }
        if is_last {
            return list;
        }
    }
}

/// End a session and release everything it owns. Repeating it gives the same answer for 15
/// minutes.
#[utoipa::path(
    delete, path = "/v1/sessions/{session}", tag = "sessions", operation_id = "close_session",
    params(("session" = String, Path, description = "Name of the session, or `0x` and its number")),
    responses(
        (status = 200, description = "It is closed", body = v1::EndedSession),
        (status = 404, description = "`no_session`", body = Document),
        (status = 410, description = "`session_expired` before", body = Document),
    )
)]
pub(crate) async fn close(call: Call) -> Result<Reply, Problem> {
    let session = call.session_in_path()?;
    let check = Check::or_repeat(paths::session(&session_ref_label(&session)));
    let done = call.propose(Command::CloseSession(session), check).await?;
    let Replied::SessionEnded(ended) = done.reply else {
        return Err(Problem::internal("close was answered with something else"));
    };
    Ok(Reply::ok(&session::ended(&ended))?.at(done.moment.zxid))
}

/// Renew a session. `safe_ms` counts from the moment the request was sent.
#[utoipa::path(
    post, path = "/v1/sessions/{session}/keepalive", tag = "sessions", operation_id = "keepalive",
    params(("session" = String, Path, description = "Name of the session, or `0x` and its number")),
    responses(
        (status = 200, description = "It is renewed", body = v1::Keepalive),
        (status = 404, description = "`no_session`", body = Document),
        (status = 410, description = "`session_expired`", body = Document),
        (status = 503, description = "`no_leader`: nothing is promised", body = Document),
    )
)]
pub(crate) async fn keepalive(call: Call) -> Result<Reply, Problem> {
    let session = call.session_in_path()?;
    let id = known_session(&call, &session).await?;
    loop {
        let (renewed, late) = renew(&call, &[id]).await?;
        if let Some(safe_ms) = renewed.first().and_then(|renewed| safe_of(renewed, late)) {
            return answer_keepalive(&call, id, safe_ms);
        }
        // Ended, about to end, or so new that the leader's clock has not taken it up.
        let wall_ms = call.api.wall_ms();
        call.api
            .node
            .peek(|state| live_session(state, &SessionRef::Id(id), wall_ms).map(|_| ()))?;
        if call.time_left().is_zero() {
            return Err(Problem::new(
                ErrorCode::NoLeader,
                "the leader neither renewed the session nor ended it in time",
            ));
        }
        tokio::time::sleep(RENEW_AGAIN).await;
    }
}

/// The number of a session: as this node knows it, or else after catching up.
pub(crate) async fn known_session(call: &Call, session: &SessionRef) -> Result<SessionId, Problem> {
    if let Some((id, _)) = call.local_session(session) {
        return Ok(id);
    }
    let wall_ms = call.api.wall_ms();
    let answer = call.read(|state| live_session(state, session, wall_ms).map(|live| live.id));
    Ok(answer.await?.value)
}

fn answer_keepalive(call: &Call, id: SessionId, safe_ms: u64) -> Result<Reply, Problem> {
    let wall_ms = call.api.wall_ms();
    let (view, zxid) = call.api.node.peek(|state| {
        let owned = |claim: &raft_core::lock::Claim| v1::OwnedClaim {
            lock: claim.lock.to_string(),
            claim: claim.id.to_string(),
            fence: fence::shown(claim.fence),
            state: if claim.is_held() {
                ClaimState::Held
            } else {
                ClaimState::Waiting
            },
            release_request: lock::asked(claim, wall_ms),
        };
        let claims = state.claims_of(id).into_iter().take(OWNED_SHOWN_MAX);
        let lost = state.lost_claims(id, OWNED_SHOWN_MAX);
        let view = v1::Keepalive {
            id: session::label(state, id),
            safe_ms,
            index: state.last_zxid().0,
            holds: claims.map(owned).collect(),
            ended: lost.into_iter().map(session::lost).collect(),
        };
        (view, state.last_zxid())
    });
    Ok(Reply::ok(&view)?.at(zxid))
}

/// Renew many sessions at once.
#[utoipa::path(
    post, path = "/v1/sessions/-/keepalive", tag = "sessions", operation_id = "keepalive_many",
    request_body = v1::KeepaliveManyRequest,
    responses(
        (status = 200, description = "One answer for each, in order", body = v1::KeepaliveMany),
        (status = 503, description = "`no_leader`: nothing is promised", body = Document),
    )
)]
pub(crate) async fn keepalive_many(call: Call) -> Result<Reply, Problem> {
    let request: v1::KeepaliveManyRequest = call.json()?;
    if request.ids.len() > KEEPALIVE_MANY_MAX {
        return Err(Problem::bad_request(format!(
            "at most {KEEPALIVE_MANY_MAX} sessions are renewed by one request"
        )));
    }
    let refs: Vec<SessionRef> = request
        .ids
        .iter()
        .map(|id| session_text(id))
        .collect::<Result<_, _>>()?;
    let resolve = |state: &State| -> Vec<Option<SessionId>> {
        let id = |session: &SessionRef| match state.session(session) {
            SessionStatus::Live(live) => Some(live.id),
            SessionStatus::Ended(_) | SessionStatus::Unknown => None,
        };
        refs.iter().map(id).collect()
    };
    let look = |state: &State| (resolve(state), state.last_zxid());
    let (mut ids, mut zxid) = call.api.node.peek(look);
    if ids.contains(&None) {
        (ids, zxid) = call.read(|state| Ok(look(state))).await?.value;
    }
    let live: Vec<SessionId> = ids.iter().flatten().copied().collect();
    let (renewed, late) = if live.is_empty() {
        Default::default()
    } else {
        renew(&call, &live).await?
    };
    let mut renewed = renewed.into_iter();
    let one = |(id, known): (String, Option<SessionId>)| {
        let safe_ms = known.and_then(|_| safe_of(&renewed.next()?, late));
        v1::KeepaliveOne {
            id,
            alive: safe_ms.is_some(),
            safe_ms: safe_ms.unwrap_or(0),
        }
    };
    let sessions = request.ids.into_iter().zip(ids).map(one).collect();
    Ok(Reply::ok(&v1::KeepaliveMany {
        sessions,
        index: zxid.0,
    })?
    .at(zxid))
}
