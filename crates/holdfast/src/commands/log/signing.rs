//! Signing keys in the printed log: public halves alone, there are no others.

use fence_token::key_id;
use raft_core::ids::PublicKey;
use raft_core::signing_key::{KeyStanding, SigningKey};
use serde_json::{Value, json};

pub(super) fn publish(node: u64, key: &PublicKey, lifetime_ms: u64) -> Value {
    json!({
        "command": "publish-signing-key", "node": node, "kid": key_id(&key.0),
        "lifetime_ms": lifetime_ms,
    })
}

pub(super) fn replace(node: Option<u64>) -> Value {
    json!({"command": "replace-signing-keys", "node": node})
}

pub(super) fn revoke(key: &PublicKey) -> Value {
    json!({"command": "revoke-signing-key", "kid": key_id(&key.0)})
}

pub(super) fn reply(key: &SigningKey) -> Value {
    let (standing, at) = match key.standing {
        KeyStanding::Current { replace_at } => ("current", Some(replace_at.0)),
        KeyStanding::Due => ("due", None),
        KeyStanding::Former { forget_at } => ("former", Some(forget_at.0)),
        KeyStanding::Revoked { forget_at } => ("revoked", Some(forget_at.0)),
    };
    json!({"node": key.node, "state": standing, "until_log_time": at})
}
