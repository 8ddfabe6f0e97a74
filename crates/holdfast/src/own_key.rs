//! The key pair of this node, in its data directory.

use std::io;

use fence_token::SigningKey;
use node::KeyStore;
use rand::TryRngCore as _;
use rand::rngs::OsRng;
use storage::SecretFile;

/// Makes keys from the operating system's randomness.
pub(crate) struct OwnKey(pub(crate) SecretFile);

impl KeyStore for OwnKey {
    fn load(&self) -> io::Result<Option<SigningKey>> {
        let seed = self.0.read().map_err(io::Error::other)?;
        Ok(seed.map(|seed| SigningKey::from_seed(&seed)))
    }

    fn make(&self) -> io::Result<SigningKey> {
        let mut seed = [0; 32];
        OsRng.try_fill_bytes(&mut seed).map_err(io::Error::other)?;
        self.0.write(&seed).map_err(io::Error::other)?;
        Ok(SigningKey::from_seed(&seed))
    }
}
