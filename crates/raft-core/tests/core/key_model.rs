//! Random publications, replacements and revocations by nodes that come and go, beside a naive list of
//! keys. On the way the state is replaced by what its snapshot restores to (I-10), and a snapshot from
//! before is restored into the running cluster, which leaves the keys as they are.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use raft_core::command::Command;
use raft_core::limits;
use raft_core::outcome::{Outcome, Refusal, Reply};
use raft_core::signing_key::KeyStanding;

use crate::harness::{Harness, restored, snapshot_bytes};
use crate::key_commands::key;
use crate::member_commands::members;
use crate::restore;
use crate::words::Words;

const LIFETIME_MS: u64 = limits::SIGNING_KEY_LIFETIME_MS_MIN;

#[derive(Clone, Debug)]
enum Step {
    Publish { node: u64, number: u8 },
    Replace { node: Option<u64> },
    Revoke { number: u8 },
    Members { present: BTreeSet<u64> },
    Time { ms: u64 },
    Snapshot,
    Backup,
    Restore,
}

fn step() -> impl Strategy<Value = Step> {
    let node = || 1..5_u64;
    let number = || 0..40_u8;
    prop_oneof![
        16 => (node(), number()).prop_map(|(node, number)| Step::Publish { node, number }),
        3 => prop::option::of(node()).prop_map(|node| Step::Replace { node }),
        3 => number().prop_map(|number| Step::Revoke { number }),
        2 => prop::collection::btree_set(node(), 1..4).prop_map(|present| Step::Members { present }),
        4 => (0..LIFETIME_MS).prop_map(|ms| Step::Time { ms }),
        1 => Just(Step::Snapshot),
        1 => Just(Step::Backup),
        1 => Just(Step::Restore),
    ]
}

/// What the model knows of a key: when its standing ends by itself, if it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Current(u64),
    Due,
    Former(u64),
    Revoked(u64),
}

#[derive(Default)]
struct Model {
    now: u64,
    members: BTreeSet<u64>,
    left: BTreeSet<u64>,
    keys: BTreeMap<u8, (u64, Standing)>,
}

impl Model {
    fn signing(&self, node: u64) -> Option<u8> {
        let signs = |standing| matches!(standing, Standing::Current(_) | Standing::Due);
        let mut found = self.keys.iter();
        let found = found.find(|(_, (own, standing))| *own == node && signs(*standing));
        found.map(|(number, _)| *number)
    }

    fn end(&mut self, node: u64) {
        if let Some(number) = self.signing(node) {
            let until = self.now + limits::SIGNING_KEY_KEPT_MS;
            self.keys.insert(number, (node, Standing::Former(until)));
        }
    }

    fn pass(&mut self, ms: u64) {
        self.now += ms;
        let now = self.now;
        self.keys.retain(|_, (_, standing)| match standing {
            Standing::Former(until) | Standing::Revoked(until) => *until > now,
            Standing::Current(_) | Standing::Due => true,
        });
        for (_, standing) in self.keys.values_mut() {
            if matches!(standing, Standing::Current(until) if *until <= now) {
                *standing = Standing::Due;
            }
        }
    }

    /// Whether a publication is accepted.
    fn publish(&mut self, node: u64, number: u8) -> bool {
        let known = self.keys.get(&number).copied();
        match known {
            _ if !self.members.contains(&node) => false,
            Some((own, Standing::Current(_) | Standing::Due)) => own == node,
            Some(_) => false,
            None => {
                let own = self.keys.values().filter(|(own, _)| *own == node).count();
                if own == limits::SIGNING_KEYS_PER_NODE_MAX {
                    return false;
                }
                self.end(node);
                let standing = Standing::Current(self.now + LIFETIME_MS);
                self.keys.insert(number, (node, standing));
                true
            }
        }
    }
}

struct Pair {
    harness: Harness,
    model: Model,
    backup: Option<Vec<u8>>,
}

impl Pair {
    fn send(&mut self, command: Command) -> Outcome {
        let request = self.harness.request(Words::parse(""), command);
        self.harness.apply(&request)
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Publish { node, number } => self.publish(*node, *number),
            Step::Replace { node } => {
                let signing: Vec<u64> = (1..5)
                    .filter(|n| self.model.signing(*n).is_some())
                    .collect();
                let meant = signing
                    .into_iter()
                    .filter(|n| node.is_none_or(|node| node == *n));
                let meant: Vec<u64> = meant.collect();
                let outcome = self.send(Command::ReplaceSigningKeys { node: *node });
                match outcome.result {
                    Ok(Reply::SigningKeysDue { count }) => assert_eq!(count as usize, meant.len()),
                    Err(Refusal::BadArguments(_)) => assert!(node.is_some() && meant.is_empty()),
                    other => panic!("{other:?}"),
                }
                for node in meant {
                    let number = self.model.signing(node).unwrap();
                    self.model.keys.insert(number, (node, Standing::Due));
                }
            }
            Step::Revoke { number } => self.revoke(*number),
            Step::Members { present } => {
                let present: BTreeSet<u64> = present - &self.model.left;
                let gone: Vec<u64> = self.model.members.difference(&present).copied().collect();
                for node in gone {
                    self.model.end(node);
                    self.model.left.insert(node);
                }
                let voters: Vec<u64> = present.iter().copied().collect();
                self.harness.note_members(members(&voters, &[]));
                self.model.members = present;
                self.send(Command::PublishMembers);
            }
            Step::Time { ms } => {
                self.harness.stamp.log_time.0 += ms;
                self.model.pass(*ms);
                self.send(Command::ExpireDue);
            }
            Step::Snapshot => self.harness.state = restored(&self.harness.state),
            Step::Backup => self.backup = Some(snapshot_bytes(&self.harness.state)),
            Step::Restore => {
                if let Some(bytes) = self.backup.clone() {
                    restore::restored(&mut self.harness, &bytes, true);
                }
            }
        }
        self.compare();
    }

    fn publish(&mut self, node: u64, number: u8) {
        let outcome = self.send(Command::PublishSigningKey {
            node,
            key: key(number),
            lifetime_ms: LIFETIME_MS,
        });
        let accepted = self.model.publish(node, number);
        match outcome.result {
            Ok(Reply::SigningKey(record)) => {
                assert!(accepted && record.node == node && record.signs());
            }
            Err(
                Refusal::BadArguments(_)
                | Refusal::SigningKeyUsed { .. }
                | Refusal::LimitReached { .. },
            ) => assert!(!accepted),
            other => panic!("{other:?}"),
        }
    }

    fn revoke(&mut self, number: u8) {
        let outcome = self.send(Command::RevokeSigningKey { key: key(number) });
        let known = self.model.keys.get(&number).copied();
        match outcome.result {
            Ok(Reply::SigningKey(record)) => assert!(!record.verifies() && known.is_some()),
            Err(Refusal::NoSigningKey { .. }) => assert_eq!(known, None),
            other => panic!("{other:?}"),
        }
        if let Some((node, standing)) = known
            && !matches!(standing, Standing::Revoked(_))
        {
            let until = self.model.now + limits::SIGNING_KEY_KEPT_MS;
            self.model
                .keys
                .insert(number, (node, Standing::Revoked(until)));
        }
    }

    fn compare(&self) {
        let standing = |standing| match standing {
            KeyStanding::Current { replace_at } => Standing::Current(replace_at.0),
            KeyStanding::Due => Standing::Due,
            KeyStanding::Former { forget_at } => Standing::Former(forget_at.0),
            KeyStanding::Revoked { forget_at } => Standing::Revoked(forget_at.0),
        };
        let found = self.harness.state.signing_keys();
        let found =
            found.map(|(key, record)| (key.0[31], (record.node, standing(record.standing))));
        assert_eq!(found.collect::<BTreeMap<_, _>>(), self.model.keys);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn keys_do_what_the_model_does(steps in prop::collection::vec(step(), 1..80)) {
        let (harness, model) = (Harness::new(), Model::default());
        let mut pair = Pair { harness, model, backup: None };
        let present = BTreeSet::from([1, 2, 3]);
        pair.step(&Step::Members { present });
        for step in &steps {
            pair.step(step);
        }
    }
}
