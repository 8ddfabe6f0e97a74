//! Signing keys: whose signature a fence token may bear.
//!
//! Each server node makes a key pair of its own and publishes the public half here; the private half
//! never leaves the node and is in no command. What is kept of a key outlives its use: a token that was
//! signed with it must be verifiable until it ends, and a key that was revoked must not come back.

use serde::{Deserialize, Serialize};

use crate::command::Moment;
use crate::ids::{LogTime, PublicKey};
use crate::state::Due;

/// What is kept of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKey {
    /// The node that published it. No other can.
    pub node: u64,
    /// When it was published first.
    pub published: Moment,
    /// What it is good for.
    pub standing: KeyStanding,
}

/// What a key is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyStanding {
    /// Its node signs with it, and is to make another at that time.
    Current {
        /// Log time.
        replace_at: LogTime,
    },
    /// Its node signs with it, and is to make another now.
    Due,
    /// Its node signs with it no more. What it has signed counts until it is forgotten.
    Former {
        /// Log time at which it is forgotten.
        forget_at: LogTime,
    },
    /// It may be in other hands: nothing it has signed counts.
    Revoked {
        /// Log time at which that it was revoked is forgotten.
        forget_at: LogTime,
    },
}

impl SigningKey {
    /// Whether its node may sign with it.
    #[must_use]
    pub fn signs(&self) -> bool {
        match self.standing {
            KeyStanding::Current { .. } | KeyStanding::Due => true,
            KeyStanding::Former { .. } | KeyStanding::Revoked { .. } => false,
        }
    }

    /// Whether what it has signed counts.
    #[must_use]
    pub fn verifies(&self) -> bool {
        match self.standing {
            KeyStanding::Current { .. } | KeyStanding::Due | KeyStanding::Former { .. } => true,
            KeyStanding::Revoked { .. } => false,
        }
    }

    /// What happens to it by itself.
    pub(crate) fn due(&self, key: PublicKey) -> Option<(LogTime, Due)> {
        match self.standing {
            KeyStanding::Current { replace_at } => Some((replace_at, Due::ReplaceKey(key))),
            KeyStanding::Due => None,
            KeyStanding::Former { forget_at } | KeyStanding::Revoked { forget_at } => {
                Some((forget_at, Due::ForgetKey(key)))
            }
        }
    }
}
