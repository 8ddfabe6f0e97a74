//! The key pair of this node, in its data directory.

use std::io;

use fence_token::SigningKey;
use node::KeyStore;
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use storage::{SecretError, SecretFile};

/// Makes keys from the operating system's randomness.
pub(crate) struct OwnKey(pub(crate) SecretFile);

impl KeyStore for OwnKey {
    /// A key that others may have read is not used any more. That is no reason not to serve: some volumes
    /// give every file to a group when they are mounted, and some keep no modes at all.
    fn load(&self) -> io::Result<Option<SigningKey>> {
        let seed = match self.0.read() {
            Err(exposed @ SecretError::Exposed { .. }) => {
                tracing::warn!("{exposed}");
                None
            }
            read => read.map_err(io::Error::other)?,
        };
        Ok(seed.map(|seed| SigningKey::from_seed(&seed)))
    }

    fn make(&self) -> io::Result<SigningKey> {
        let mut seed = [0; 32];
        OsRng.try_fill_bytes(&mut seed).map_err(io::Error::other)?;
        self.0.write(&seed).map_err(io::Error::other)?;
        Ok(SigningKey::from_seed(&seed))
    }
}
