//! `/.well-known/jwks.json` and `/v1/fence-keys`: the keys that fence tokens are verified with.

use std::cmp::Reverse;

use axum::body::Body;
use axum::http::StatusCode;
use fence_token::{key_id, public_key_text};
use http_types::paths;
use http_types::problem::{ErrorCode, Problem as Document};
use http_types::v1::cluster::{node_name, parse_node};
use http_types::v1::fence_tokens as v1;
use raft_core::command::Command;
use raft_core::ids::{LogTime, PublicKey};
use raft_core::outcome::Reply as Replied;
use raft_core::signing_key::{KeyStanding, SigningKey};
use raft_core::state::State;
use xxhash_rust::xxh3::xxh3_64;

use crate::call::Call;
use crate::error::{Check, Problem};
use crate::extract::headers::IfNoneMatch;
use crate::limits::KEY_SET_MAX_AGE_S;
use crate::millis::rfc3339;
use crate::reply::Reply;

/// The public keys of all nodes, as verifiers of tokens want them (RFC 7517). Public, and the same at every
/// node.
///
/// A verifier keeps the set, and fetches it again when it meets a key that it does not know, and now and
/// then, so that it hears of keys that were revoked.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "fences", operation_id = "jwks",
    params(("If-None-Match" = Option<String>, Header, description = "The ETag the reader has")),
    responses(
        (status = 200, description = "All keys that a valid token may bear", body = v1::Jwks),
        (status = 304, description = "The reader has them"),
    )
)]
pub(crate) async fn jwks(call: Call) -> Result<Reply, Problem> {
    let known = IfNoneMatch::from(&call.headers)?;
    let answer = call.read(|state| Ok(key_set(state))).await?;
    let body = serde_json::to_vec(&answer.value)
        .map_err(|error| Problem::internal(&format!("a key set cannot be written: {error}")))?;
    let etag = format!("\"{:016x}\"", xxh3_64(&body));
    let reply = if known.has(&etag) {
        Reply::empty(StatusCode::NOT_MODIFIED)
    } else {
        Reply::raw(StatusCode::OK, "application/jwk-set+json", Body::from(body))
    };
    let cached = format!("public, max-age={KEY_SET_MAX_AGE_S}");
    Ok(reply
        .text("cache-control", &cached)
        .etag(&etag)
        .at(answer.zxid)
        .aged(answer.age))
}

fn key_set(state: &State) -> v1::Jwks {
    let keys = state.signing_keys().filter(|(_, key)| key.verifies());
    let jwk = |(key, _): (&PublicKey, &SigningKey)| v1::Jwk {
        kty: "OKP".to_owned(),
        crv: "Ed25519".to_owned(),
        x: public_key_text(&key.0),
        kid: key_id(&key.0),
        alg: fence_token::ALGORITHM.to_owned(),
        purpose: "sig".to_owned(),
    };
    v1::Jwks {
        keys: keys.map(jwk).collect(),
    }
}

/// Whose keys there are, and what each is good for.
#[utoipa::path(
    get, path = "/v1/fence-keys", tag = "fences", operation_id = "fence_keys",
    responses((status = 200, description = "All of them", body = v1::FenceKeyList))
)]
pub(crate) async fn list(call: Call) -> Result<Reply, Problem> {
    let read = |state: &State| {
        let mut found: Vec<_> = state.signing_keys().collect();
        found.sort_by_key(|(_, record)| (record.node, Reverse(record.published.zxid)));
        let now = state.log_time();
        let keys = found
            .into_iter()
            .map(|(key, record)| shown(now, key, record));
        Ok(v1::FenceKeyList {
            keys: keys.collect(),
        })
    };
    let answer = call.read(read).await?;
    Ok(Reply::ok(&answer.value)?.at(answer.zxid).aged(answer.age))
}

fn shown(now: LogTime, key: &PublicKey, record: &SigningKey) -> v1::FenceKey {
    let (state, ends) = match record.standing {
        KeyStanding::Current { replace_at } => (v1::KeyState::Current, Some(replace_at)),
        KeyStanding::Due => (v1::KeyState::Due, None),
        KeyStanding::Former { forget_at } => (v1::KeyState::Former, Some(forget_at)),
        KeyStanding::Revoked { forget_at } => (v1::KeyState::Revoked, Some(forget_at)),
    };
    v1::FenceKey {
        kid: key_id(&key.0),
        node: node_name(record.node),
        state,
        published_index: record.published.zxid.0,
        published_at: rfc3339(record.published.wall),
        ends_in_ms: ends.map(|at| at.0.saturating_sub(now.0)),
    }
}

/// Have nodes make new keys. They sign with the ones they have until the new ones are published; what was
/// signed before goes on to count. After a leak, revoke the key instead.
#[utoipa::path(
    post, path = "/v1/fence-keys/-/rotate", tag = "fences", operation_id = "rotate_fence_keys",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request repeatable")),
    request_body = v1::RotateRequest,
    responses(
        (status = 200, description = "They are about to", body = v1::Rotating),
        (status = 400, description = "`bad_request`: the node has no key", body = Document),
    )
)]
pub(crate) async fn rotate(call: Call) -> Result<Reply, Problem> {
    let request: v1::RotateRequest = call.json_or_empty()?;
    let number = |text: &String| {
        let wrong = || Problem::bad_request(format!("{text:?} names no node, expected n4 or 4"));
        parse_node(text).ok_or_else(wrong)
    };
    let node = request.node.as_ref().map(number).transpose()?;
    let check = Check::or_repeat(paths::FENCE_KEYS.to_owned());
    let done = call
        .propose(Command::ReplaceSigningKeys { node }, check)
        .await?;
    let Replied::SigningKeysDue { count } = done.reply else {
        return Err(Problem::internal(
            "a rotation was answered with something else",
        ));
    };
    Ok(Reply::ok(&v1::Rotating { nodes: count })?
        .at(done.moment.zxid)
        .replayed(done.replayed))
}

/// Revoke a key that may be in other hands: it leaves the key set at once, nothing it has signed counts
/// any more at verifiers that fetch the set again, and its node makes another. Repeating it changes nothing.
#[utoipa::path(
    delete, path = "/v1/fence-keys/{kid}", tag = "fences", operation_id = "revoke_fence_key",
    params(("kid" = String, Path, description = "Id of the key")),
    responses(
        (status = 200, description = "It is revoked", body = v1::FenceKey),
        (status = 404, description = "`no_fence_key`", body = Document),
    )
)]
pub(crate) async fn revoke(call: Call) -> Result<Reply, Problem> {
    let kid = call.segment("kid")?;
    let find = |state: &State| {
        let mut keys = state.signing_keys().map(|(key, _)| *key);
        keys.find(|key| key_id(&key.0) == kid).ok_or_else(|| {
            let why = format!("no node has published a key {kid:?}, or it is forgotten");
            Problem::new(ErrorCode::NoFenceKey, why)
        })
    };
    let key = call.read(find).await?.value;
    let check = Check::or_repeat(paths::FENCE_KEYS.to_owned());
    let done = call
        .propose(Command::RevokeSigningKey { key }, check)
        .await?;
    let Replied::SigningKey(record) = done.reply else {
        return Err(Problem::internal(
            "a revocation was answered with something else",
        ));
    };
    let view = shown(done.moment.log_time, &key, &record);
    Ok(Reply::ok(&view)?.at(done.moment.zxid))
}
