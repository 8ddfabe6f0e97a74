//! Reads of signing keys.

use crate::ids::PublicKey;
use crate::signing_key::SigningKey;
use crate::state::State;

impl State {
    /// What is kept of a public key.
    #[must_use]
    pub fn signing_key(&self, key: &PublicKey) -> Option<&SigningKey> {
        self.signing_keys.get(key)
    }

    /// All of them, by key; there are never more than
    /// [`SIGNING_KEYS_MAX`](crate::limits::SIGNING_KEYS_MAX).
    pub fn signing_keys(&self) -> impl Iterator<Item = (&PublicKey, &SigningKey)> {
        self.signing_keys.iter()
    }
}
