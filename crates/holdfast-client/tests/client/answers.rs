//! Answers as a node would give them.

use http_types::v1::locks::{Claim, ClaimEnd, ClaimState, EndedClaim, Mode};
use http_types::v1::nodes::Written;
use http_types::v1::sessions::{Keepalive, OwnedClaim, Owner, Session, SessionKind, SessionState};

use crate::fake::{Reaction, Request, json};

pub(crate) fn session(ttl_ms: u64) -> Session {
    Session {
        id: "s_1".into(),
        number: 1,
        state: SessionState::Open,
        kind: SessionKind::Client,
        ttl_ms,
        safe_ms: Some(ttl_ms),
        last_contact_ms: None,
        created_index: 1,
        created_at: String::new(),
        owner: Owner::default(),
        lock_delay_ms: 0,
        keepalive: String::new(),
        stream: String::new(),
    }
}

pub(crate) fn claim(state: ClaimState, expires_ms: Option<u64>) -> Claim {
    Claim {
        lock: "orders/42".into(),
        claim: "c".into(),
        state,
        mode: Mode::Exclusive,
        permits: None,
        fence: 7,
        session: "s_1".into(),
        position: None,
        eta_ms: None,
        holders: 1,
        queue_length: 0,
        queued_index: 7,
        queued_at: String::new(),
        granted_index: Some(7),
        granted_at: None,
        waited_ms: 0,
        held_ms: None,
        safe_ms: None,
        ttl_ms: expires_ms,
        expires_ms,
        wait_remaining_ms: None,
        ack_remaining_ms: None,
        owner: None,
        reason: None,
        labels: std::collections::BTreeMap::new(),
        all_of: Vec::new(),
        release_request: None,
        release: String::new(),
    }
}

pub(crate) fn ended() -> EndedClaim {
    EndedClaim {
        lock: "orders/42".into(),
        claim: "c".into(),
        state: ClaimEnd::Released,
        fence: 7,
        held: true,
        session: "s_1".into(),
        ended_index: 8,
        ended_at: String::new(),
        reason: None,
    }
}

/// An answer to a keep-alive by a session that holds the lock, or does not.
pub(crate) fn keepalive(safe_ms: u64, holds: bool) -> Keepalive {
    let hold = OwnedClaim {
        lock: "orders/42".into(),
        claim: "c".into(),
        fence: 7,
        state: ClaimState::Held,
        release_request: None,
    };
    let holds = if holds { vec![hold] } else { vec![] };
    Keepalive {
        id: "s_1".into(),
        safe_ms,
        index: 9,
        holds,
        ended: vec![],
    }
}

pub(crate) fn written() -> Written {
    Written {
        path: "/a".into(),
        version: 1,
        ..Written::default()
    }
}

/// A node where everything works: sessions of `ttl_ms`, locks are free.
pub(crate) fn healthy(request: &Request, ttl_ms: u64) -> Reaction {
    let path = request.path.split('?').next().unwrap_or_default();
    match (request.method.as_str(), path) {
        ("POST", path) if path.ends_with("/keepalive") => json(200, &keepalive(ttl_ms, true)),
        ("PUT", path) if path.starts_with("/v1/sessions/") => json(201, &session(ttl_ms)),
        ("PUT", path) if path.contains("/-/claims/") => json(201, &claim(ClaimState::Held, None)),
        ("DELETE", path) if path.contains("/-/claims/") => json(200, &ended()),
        ("PUT" | "POST", path) if path.starts_with("/v1/nodes/") => json(200, &written()),
        _ => json(200, &serde_json::json!({})),
    }
}
