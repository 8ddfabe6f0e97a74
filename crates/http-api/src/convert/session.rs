//! Sessions.

use http_types::paths;
use http_types::v1::sessions as v1;
use raft_core::command::{Owner, SessionRef};
use raft_core::ids::SessionId;
use raft_core::lock::EndedClaim;
use raft_core::query::session::SessionStatus;
use raft_core::session::{EndedSession, Session, SessionEnd, SessionKind};
use raft_core::state::State;

use crate::convert::{fence, lock};
use crate::extract::path::session_label;
use crate::millis::rfc3339;

/// What only the answering request knows of a session.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Liveness {
    pub(crate) safe_ms: Option<u64>,
    pub(crate) last_contact_ms: Option<u64>,
}

/// The way a session is written, found by its number; a forgotten one shows its number.
pub(crate) fn label(state: &State, id: SessionId) -> String {
    match state.session(&SessionRef::Id(id)) {
        SessionStatus::Live(session) => session_label(id, session.name.as_ref()),
        SessionStatus::Ended(ended) => session_label(id, ended.name.as_ref()),
        SessionStatus::Unknown => session_label(id, None),
    }
}

/// Who is behind a session, if it lives and said so.
pub(crate) fn owner_of(state: &State, id: SessionId) -> Option<v1::Owner> {
    match state.session(&SessionRef::Id(id)) {
        SessionStatus::Live(session) => {
            Some(owner(&session.owner)).filter(|owner| *owner != v1::Owner::default())
        }
        SessionStatus::Ended(_) | SessionStatus::Unknown => None,
    }
}

/// An owner, outward.
pub(crate) fn owner(owner: &Owner) -> v1::Owner {
    let Owner {
        service,
        host,
        pid,
        version,
        url,
        reason,
        labels,
    } = owner.clone();
    v1::Owner {
        service,
        host,
        pid,
        version,
        url,
        reason,
        labels,
    }
}

/// An owner, inward.
pub(crate) fn owner_in(owner: v1::Owner) -> Owner {
    let v1::Owner {
        service,
        host,
        pid,
        version,
        url,
        reason,
        labels,
    } = owner;
    Owner {
        service,
        host,
        pid,
        version,
        url,
        reason,
        labels,
    }
}

/// A live session.
pub(crate) fn live(session: &Session, liveness: Liveness) -> v1::Session {
    let id = session_label(session.id, session.name.as_ref());
    v1::Session {
        number: session.id.0,
        state: v1::SessionState::Open,
        kind: match session.kind {
            SessionKind::Client => v1::SessionKind::Client,
            SessionKind::Implicit => v1::SessionKind::Implicit,
        },
        ttl_ms: session.timeout_ms,
        safe_ms: liveness.safe_ms,
        last_contact_ms: liveness.last_contact_ms,
        created_index: session.opened.zxid.0,
        created_at: rfc3339(session.opened.wall),
        owner: owner(&session.owner),
        lock_delay_ms: session.lock_delay_ms,
        keepalive: paths::session_action(&id, "keepalive"),
        stream: paths::session_action(&id, "stream"),
        id,
    }
}

/// A claim that a session lost.
pub(crate) fn lost(ended: &EndedClaim) -> v1::LostClaim {
    v1::LostClaim {
        lock: ended.lock.to_string(),
        claim: ended.id.to_string(),
        state: lock::end(ended.end),
        reason: ended.reason.clone(),
        index: ended.ended.zxid.0,
    }
}

/// How a session ended.
pub(crate) fn ended(ended: &EndedSession) -> v1::EndedSession {
    let hold = |hold: &raft_core::session::ReleasedHold| v1::ReleasedHold {
        lock: hold.lock.to_string(),
        claim: hold.claim.to_string(),
        fence: fence::shown(hold.fence),
    };
    v1::EndedSession {
        id: session_label(ended.id, ended.name.as_ref()),
        number: ended.id.0,
        state: match ended.end {
            SessionEnd::Closed => v1::SessionState::Closed,
            SessionEnd::Expired => v1::SessionState::Expired,
        },
        ended_index: ended.ended.zxid.0,
        ended_at: rfc3339(ended.ended.wall),
        ephemerals_removed: ended.ephemerals_removed,
        released: ended.released.iter().map(hold).collect(),
    }
}
