//! Who the client is.

use std::io;

use raft_core::acl::{self, Identity};
use raft_core::limits;

use super::Connection;
use crate::proto::error::ErrorCode;
use crate::proto::header::Xid;
use crate::proto::request::AuthPacket;
use crate::proto::response::Response;

/// Identities a connection may have before it adds others; a further `auth` fails. The super user's
/// adds two, and a request carries them all.
const IDENTITIES_MAX: usize = limits::IDENTITIES_PER_REQUEST_MAX - 1;

impl Connection<'_> {
    /// Identities count from here on, for requests that follow on the heels of this one too.
    pub(super) fn auth(&mut self, xid: Xid, packet: &AuthPacket) -> io::Result<()> {
        let known = match (packet.scheme.as_str(), packet.auth.as_deref()) {
            ("digest", Some(proof)) => {
                let proof = String::from_utf8_lossy(proof);
                Some(Some(acl::digest_identity(&proof)))
            }
            // The address is known since the connection was made.
            ("ip", _) => Some(None),
            _ => None,
        };
        let known = known.filter(|_| self.identities.len() < IDENTITIES_MAX);
        let result = match known {
            Some(identity) => {
                if let Some(identity) = identity {
                    self.identified(identity);
                }
                Ok(Response::Empty)
            }
            None => {
                self.door.stats.auth_failed.one();
                self.closing = true;
                self.waiting.clear();
                Err(ErrorCode::AuthFailed)
            }
        };
        // These replies carry no position: they may overtake others.
        self.put(xid, 0, result)
    }

    fn identified(&mut self, identity: Identity) {
        let is_super = self
            .door
            .settings
            .super_digest
            .as_ref()
            .is_some_and(|digest| *digest == identity.id);
        if is_super {
            let identity = Identity {
                scheme: "super".to_owned(),
                id: String::new(),
            };
            self.add_identity(identity);
        }
        self.add_identity(identity);
    }

    fn add_identity(&mut self, identity: Identity) {
        if !self.identities.contains(&identity) {
            self.identities.push(identity);
            self.watcher.outbox.set_identities(self.identities.clone());
        }
    }
}
