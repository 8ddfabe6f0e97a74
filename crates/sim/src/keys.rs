//! Key pairs of a simulated node, which survive its crashes.

use std::io;
use std::sync::{Mutex, PoisonError};

use fence_token::SigningKey;
use node::KeyStore;
use raft_types::NodeId;

/// Makes key pairs that anybody can compute.
pub(crate) struct SimKeys {
    node: NodeId,
    made: Mutex<u64>,
}

impl SimKeys {
    /// None was made yet.
    pub(crate) fn of(node: NodeId) -> SimKeys {
        SimKeys {
            node,
            made: Mutex::default(),
        }
    }

    fn key(&self, number: u64) -> SigningKey {
        let mut seed = [0; 32];
        let (node, rest) = seed.split_at_mut(8);
        node.copy_from_slice(&self.node.to_le_bytes());
        let (count, _) = rest.split_at_mut(8);
        count.copy_from_slice(&number.to_le_bytes());
        SigningKey::from_seed(&seed)
    }
}

impl KeyStore for SimKeys {
    fn load(&self) -> io::Result<Option<SigningKey>> {
        let made = *self.made.lock().unwrap_or_else(PoisonError::into_inner);
        Ok((made > 0).then(|| self.key(made)))
    }

    fn make(&self) -> io::Result<SigningKey> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        *made += 1;
        Ok(self.key(*made))
    }
}
