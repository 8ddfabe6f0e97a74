//! Claims: what is asked for, and what answers say of them. (P-LOCK, P-RETRY)

use serde_json::{Map, Value, json};

use crate::client::http::Request;

/// How a lock is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Alone.
    Exclusive,
    /// With others who share.
    Shared,
    /// So many permits out of so many.
    Permits(u64, u64),
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Mode::Exclusive => "exclusive",
            Mode::Shared => "shared",
            Mode::Permits(..) => "permits",
        }
    }
}

/// A claim as its client asks for it.
#[derive(Clone, Debug)]
pub(super) struct Claim {
    /// Its id.
    pub(super) id: String,
    /// The lock.
    pub(super) lock: String,
    /// The session it lives with.
    pub(super) session: Option<String>,
    /// How.
    pub(super) mode: Mode,
    /// Its own time to hold.
    pub(super) ttl_ms: Option<u64>,
    /// How long it may stand in the queue.
    pub(super) wait_ms: Option<u64>,
    /// How soon a grant must be picked up.
    pub(super) ack_within_ms: Option<u64>,
}

impl Claim {
    /// The request, waiting so long for its turn. The same parameters every time: others under the
    /// same id are refused.
    pub(super) fn request(&self, patience_ms: u64) -> Request {
        let mut body = Map::new();
        body.insert("mode".to_owned(), self.mode.name().into());
        if let Mode::Permits(permits, limit) = self.mode {
            body.insert("permits".to_owned(), permits.into());
            body.insert("limit".to_owned(), limit.into());
        }
        let times = [
            ("ttl", self.ttl_ms),
            ("wait", self.wait_ms),
            ("ack_within", self.ack_within_ms),
        ];
        for (name, time) in times {
            if let Some(ms) = time {
                body.insert(name.to_owned(), format!("{ms}ms").into());
            }
        }
        let request = Request::new("PUT", self.path()).body(Value::Object(body).to_string());
        let request = match &self.session {
            Some(session) => request.header("holdfast-session", session.as_str()),
            None => request,
        };
        if patience_ms == 0 {
            return request;
        }
        request.header("prefer", format!("wait={patience_ms}ms"))
    }

    /// Where it is.
    pub(super) fn path(&self) -> String {
        format!("/v1/locks/{}/-/claims/{}", self.lock, self.id)
    }

    /// Its value in the invocation of an acquire.
    pub(super) fn value(&self) -> Value {
        let (permits, limit) = match self.mode {
            Mode::Permits(permits, limit) => (Some(permits), Some(limit)),
            Mode::Exclusive | Mode::Shared => (None, None),
        };
        json!({
            "claim": self.id, "session": self.session, "mode": self.mode.name(),
            "permits": permits, "limit": limit, "ttl_ms": self.ttl_ms, "wait_ms": self.wait_ms,
            "ack_within_ms": self.ack_within_ms,
        })
    }

    /// Its value when an answer says how it stands.
    pub(super) fn standing(&self, body: &Value) -> Value {
        let mut value = self.value();
        let fields = [
            ("state", "state"),
            ("fence", "fence"),
            ("safe_ms", "safe_ms"),
            ("queued", "queued_index"),
            ("granted", "granted_index"),
        ];
        if let Value::Object(value) = &mut value {
            for (name, field) in fields {
                let told = body.get(field).cloned().unwrap_or_default();
                value.insert(name.to_owned(), told);
            }
        }
        value
    }

    /// Its value when it has ended: from an `ended_claim`.
    pub(super) fn ended(&self, ended: &Value) -> Value {
        json!({
            "claim": self.id, "state": "ended", "how": ended.get("state"), "held": ended.get("held"),
            "fence": ended.get("fence"), "ended": ended.get("ended_index"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_asked_for_and_told_as_the_contract_says() {
        let claim = Claim {
            id: "c1".into(),
            lock: "jepsen/hot".into(),
            session: Some("s1".into()),
            mode: Mode::Permits(2, 3),
            ttl_ms: None,
            wait_ms: Some(0),
            ack_within_ms: Some(500),
        };
        let request = claim.request(250);
        assert_eq!(request.path, "/v1/locks/jepsen/hot/-/claims/c1");
        let body: Value = serde_json::from_str(&request.body).unwrap();
        let expected = json!({"mode": "permits", "permits": 2, "limit": 3, "wait": "0ms", "ack_within": "500ms"});
        assert_eq!(body, expected);
        assert!(request.headers.contains(&("prefer", "wait=250ms".into())));
        let told = claim.standing(&json!({"state": "held", "fence": 9, "queued_index": 9}));
        assert_eq!(told["session"], "s1");
        assert_eq!(
            (&told["state"], &told["fence"]),
            (&json!("held"), &json!(9))
        );
        assert_eq!(told["granted"], Value::Null);
    }
}
