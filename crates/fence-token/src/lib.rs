//! Signed fence tokens: what a node of a cluster says of a fence, in a form that a resource outside can
//! check without asking anybody.
//!
//! A token is a compact JWS (RFC 7515) with one algorithm, Ed25519 (RFC 8037): three pieces of base64url
//! with dots between them, header, claims and signature. The keys are a JWK set (RFC 7517) whose ids are
//! thumbprints (RFC 7638). Nothing here reads a clock, a file or the network, so a storage service can
//! take this crate alone.
//!
//! # What a token proves
//!
//! The cluster `iss` granted the fence to this claim of this lock (or this candidate of this election),
//! and a node of it knew the hold to stand at `iat` by its clock. It does **not** prove that the hold
//! stands now: nobody can recall a token, and `exp` is no lease, it only bounds for how long public keys
//! must be kept. So whoever verifies one also keeps the highest fence it has accepted for the resource,
//! and refuses lower ones. That, and not `exp`, keeps a late writer out.
//!
//! Reading order: `key`, `claims`, `token` (made), `key_set` (verified).

mod claims;
mod key;
mod key_set;
mod token;

pub use claims::{Claims, Subject};
pub use key::{SigningKey, key_id, public_key_text};
pub use key_set::{Expected, KeySet, KeySetError, TokenError};
pub use token::sign;

/// The only algorithm.
pub const ALGORITHM: &str = "EdDSA";
/// What the header says a token is, so that one of another kind is never taken for it.
pub const TOKEN_TYPE: &str = "holdfast-fence+jwt";
/// Bytes of a token. The names in it are bounded far below.
pub const TOKEN_BYTES_MAX: usize = 8 << 10;
/// Bytes of a key set.
pub const KEY_SET_BYTES_MAX: usize = 256 << 10;
/// How far in the future a token may have been signed, seconds: clocks differ.
pub const CLOCKS_DIFFER_S: u64 = 60;
