//! Publishing, replacing and revoking signing keys.

use std::collections::BTreeSet;

use crate::apply::Step;
use crate::ids::{LogTime, PublicKey};
use crate::limits;
use crate::outcome::{Refusal, Reply};
use crate::signing_key::{KeyStanding, SigningKey};
use crate::state::State;

impl Step<'_> {
    /// A member says what it will sign with from now on. What it signed with before stays for as long as
    /// tokens may bear its signature. Saying it again changes how long the key is to be used, no more.
    ///
    /// # Errors
    /// [`Refusal::BadArguments`] for what is no member or a lifetime out of range;
    /// [`Refusal::SigningKeyUsed`] for a key of another node, or one that is not used any more;
    /// [`Refusal::LimitReached`] when the node has replaced its key too often in a short time.
    pub(super) fn publish_signing_key(
        &mut self,
        node: u64,
        key: PublicKey,
        lifetime_ms: u64,
    ) -> Result<Reply, Refusal> {
        check_lifetime(lifetime_ms)?;
        if self.state.member(node).is_none() {
            return Err(Refusal::BadArguments(format!(
                "node {node} is not a member of the cluster"
            )));
        }
        let published = match self.state.signing_keys.get(&key) {
            Some(known) if known.node != node || !known.signs() => {
                return Err(Refusal::SigningKeyUsed {
                    key,
                    node: known.node,
                });
            }
            Some(known) if known.standing == KeyStanding::Due => {
                return Ok(Reply::SigningKey(*known));
            }
            Some(known) => known.published,
            None => {
                self.check_room_for_key(node)?;
                let now = self.now.log_time;
                self.state.end_keys(now, |_, known| known.node == node);
                self.now
            }
        };
        let record = SigningKey {
            node,
            published,
            standing: KeyStanding::Current {
                replace_at: published.log_time.after(lifetime_ms),
            },
        };
        self.state.set_signing_key(key, record);
        Ok(Reply::SigningKey(record))
    }

    /// Has every node make a new key, or this one. Until then they sign with what they have.
    ///
    /// # Errors
    /// [`Refusal::BadArguments`] for a node without a key.
    pub(super) fn replace_signing_keys(&mut self, node: Option<u64>) -> Result<Reply, Refusal> {
        let is_meant = |key: &SigningKey| key.signs() && node.is_none_or(|node| key.node == node);
        let keys = self.state.signing_keys.iter();
        let meant: Vec<PublicKey> = keys
            .filter(|(_, key)| is_meant(key))
            .map(|(key, _)| *key)
            .collect();
        if let (Some(node), []) = (node, meant.as_slice()) {
            return Err(Refusal::BadArguments(format!(
                "node {node} has no key that it signs with"
            )));
        }
        for key in &meant {
            self.state.stand_key(*key, KeyStanding::Due);
        }
        let count = u32::try_from(meant.len()).unwrap_or(u32::MAX);
        Ok(Reply::SigningKeysDue { count })
    }

    /// From now on nothing that this key has signed counts, and its node makes another. Repeating it
    /// changes nothing.
    ///
    /// # Errors
    /// [`Refusal::NoSigningKey`].
    pub(super) fn revoke_signing_key(&mut self, key: PublicKey) -> Result<Reply, Refusal> {
        let known = self.state.signing_keys.get(&key);
        let known = *known.ok_or(Refusal::NoSigningKey { key })?;
        if !known.verifies() {
            return Ok(Reply::SigningKey(known));
        }
        let forget_at = self.now.log_time.after(limits::SIGNING_KEY_KEPT_MS);
        let standing = KeyStanding::Revoked { forget_at };
        self.state.stand_key(key, standing);
        Ok(Reply::SigningKey(SigningKey { standing, ..known }))
    }

    fn check_room_for_key(&self, node: u64) -> Result<(), Refusal> {
        let keys = &self.state.signing_keys;
        let own = keys.iter().filter(|(_, key)| key.node == node).count();
        if own >= limits::SIGNING_KEYS_PER_NODE_MAX {
            let limit = limits::SIGNING_KEYS_PER_NODE_MAX as u64;
            return Err(Refusal::limit("signing keys of one node", limit));
        }
        if keys.len() >= limits::SIGNING_KEYS_MAX {
            let limit = limits::SIGNING_KEYS_MAX as u64;
            return Err(Refusal::limit("signing keys", limit));
        }
        Ok(())
    }
}

fn check_lifetime(lifetime_ms: u64) -> Result<(), Refusal> {
    let range = limits::SIGNING_KEY_LIFETIME_MS_MIN..=limits::SIGNING_KEY_LIFETIME_MS_MAX;
    if range.contains(&lifetime_ms) {
        return Ok(());
    }
    Err(Refusal::BadArguments(format!(
        "a signing key is used for {} to {} ms, not {lifetime_ms}",
        range.start(),
        range.end()
    )))
}

impl State {
    /// Nobody signs any more with those keys that are meant.
    pub(crate) fn end_keys(
        &mut self,
        now: LogTime,
        is_meant: impl Fn(&PublicKey, &SigningKey) -> bool,
    ) {
        let keys = self.signing_keys.iter();
        let ended: Vec<PublicKey> = keys
            .filter(|(id, key)| key.signs() && is_meant(id, key))
            .map(|(id, _)| *id)
            .collect();
        let forget_at = now.after(limits::SIGNING_KEY_KEPT_MS);
        for key in ended {
            self.stand_key(key, KeyStanding::Former { forget_at });
        }
    }

    /// Nobody signs any more with a key of a node that is no member.
    pub(crate) fn end_keys_of_others(&mut self, now: LogTime) {
        let nodes: BTreeSet<u64> = self.members().map(|(id, _)| id).collect();
        self.end_keys(now, |_, key| !nodes.contains(&key.node));
    }

    /// It is time for another key.
    pub(crate) fn key_due(&mut self, key: PublicKey) {
        self.stand_key(key, KeyStanding::Due);
    }

    /// Nothing of a key is left.
    pub(crate) fn forget_key(&mut self, key: PublicKey) {
        if let Some(former) = self.signing_keys.remove(&key)
            && let Some(due) = former.due(key)
        {
            self.index.due.remove(&due);
        }
    }

    fn stand_key(&mut self, key: PublicKey, standing: KeyStanding) {
        if let Some(former) = self.signing_keys.get(&key).copied() {
            self.set_signing_key(key, SigningKey { standing, ..former });
        }
    }

    fn set_signing_key(&mut self, key: PublicKey, record: SigningKey) {
        if let Some(former) = self.signing_keys.insert(key, record)
            && let Some(due) = former.due(key)
        {
            self.index.due.remove(&due);
        }
        self.index.due.extend(record.due(key));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::apply::tree::tests::step;
    use crate::ids::PublicKey;
    use crate::limits;
    use crate::members::Member;
    use crate::outcome::Refusal;
    use crate::state::State;

    fn key(node: u64, n: usize) -> PublicKey {
        let mut bytes = [0; 32];
        bytes[0] = u8::try_from(node).unwrap();
        bytes[1] = u8::try_from(n).unwrap();
        PublicKey(bytes)
    }

    /// Nodes come and go, each replacing its key as often as it may.
    #[test]
    fn keys_of_one_node_and_of_all_have_a_limit() {
        let lifetime = limits::SIGNING_KEY_LIFETIME_MS_MIN;
        let mut state = State::new();
        let nodes = (limits::SIGNING_KEYS_MAX / limits::SIGNING_KEYS_PER_NODE_MAX) as u64;
        for node in 1..=nodes {
            state.note_members(&BTreeMap::from([(node, Member::default())]));
            let mut step = step(&mut state);
            for n in 0..limits::SIGNING_KEYS_PER_NODE_MAX {
                step.publish_signing_key(node, key(node, n), lifetime)
                    .unwrap();
            }
            let more = key(node, limits::SIGNING_KEYS_PER_NODE_MAX);
            let refused = step.publish_signing_key(node, more, lifetime);
            let Err(Refusal::LimitReached { what, .. }) = refused else {
                panic!("{refused:?}");
            };
            assert_eq!(what, "signing keys of one node");
        }
        state.note_members(&BTreeMap::from([(nodes + 1, Member::default())]));
        let refused = step(&mut state).publish_signing_key(nodes + 1, key(nodes + 1, 0), lifetime);
        let Err(Refusal::LimitReached { what, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(what, "signing keys");
        state.check_invariants().unwrap();
    }
}
