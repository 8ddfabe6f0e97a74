//! Signed fence tokens, and the keys they are verified with.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `GET /v1/locks/{lock}/-/claims/{claim}/token` and `GET /v1/elections/{election}/-/candidates/{candidate}/token`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FenceToken {
    /// The token: a compact JWS. It says who was granted which fence; not that the hold still stands.
    pub token: String,
    /// The fence in it.
    #[schema(example = 18231)]
    pub fence: u64,
    /// Id of the key it is signed with.
    pub kid: String,
    /// From when on nobody should accept it. No lease: the hold may end before, and go on after.
    pub expires_at: String,
}

/// `GET /.well-known/jwks.json`: a JWK set (RFC 7517).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Jwks {
    /// Every key that a token may bear which is not over yet, of all nodes.
    pub keys: Vec<Jwk>,
}

/// One public key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Jwk {
    /// Kind of key.
    #[schema(example = "OKP")]
    pub kty: String,
    /// Curve.
    #[schema(example = "Ed25519")]
    pub crv: String,
    /// The key: 32 bytes in base64url.
    pub x: String,
    /// Its id: its thumbprint by RFC 7638.
    pub kid: String,
    /// Algorithm.
    #[schema(example = "EdDSA")]
    pub alg: String,
    /// What it is for.
    #[serde(rename = "use")]
    #[schema(example = "sig")]
    pub purpose: String,
}

/// What a key is good for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Its node signs with it.
    #[default]
    Current,
    /// Its node signs with it, and is making another.
    Due,
    /// Its node has another now. What it signed counts until it is forgotten.
    Former,
    /// Nothing it has signed counts, and it is not in the key set.
    Revoked,
}

impl KeyState {
    /// As in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            KeyState::Current => "current",
            KeyState::Due => "due",
            KeyState::Former => "former",
            KeyState::Revoked => "revoked",
        }
    }
}

/// A signing key as the cluster knows it, and the answer to a DELETE.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FenceKey {
    /// Its id.
    pub kid: String,
    /// The node whose key it is.
    #[schema(example = "n1")]
    pub node: String,
    /// What it is good for.
    pub state: KeyState,
    /// Position at which it was published.
    pub published_index: u64,
    /// When that was.
    pub published_at: String,
    /// How long until it is replaced (`current`) or forgotten (`former`, `revoked`), by the cluster's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_in_ms: Option<u64>,
}

/// `GET /v1/fence-keys`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FenceKeyList {
    /// By node, newest first.
    pub keys: Vec<FenceKey>,
}

/// `POST /v1/fence-keys/-/rotate`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RotateRequest {
    /// The node that is to make a new key; left out: every node.
    #[schema(example = "n1")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
}

/// Answer to [`RotateRequest`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rotating {
    /// Nodes that are making a new key now. Until it is published they sign with the one they have.
    pub nodes: u32,
}
