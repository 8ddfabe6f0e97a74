//! Random adding to counters of both forms, and writes of their znodes as other clients do them, beside
//! a naive model that keeps the bytes of each. On the way the state is replaced by what its snapshot
//! restores to (I-10), and containers are reaped.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::prelude::*;
use raft_core::command::{Command, CreateKind, Expect, SetData, ZnodeOp};
use raft_core::ids::{CounterName, ZnodePath};
use raft_core::outcome::{Outcome, Refusal, Reply};

use crate::harness::{Harness, restored, variant};
use crate::words::Words;

#[derive(Clone, Debug)]
enum Step {
    Add {
        name: &'static str,
        delta: i64,
    },
    Write {
        name: &'static str,
        data: Option<Vec<u8>>,
    },
    Delete {
        name: &'static str,
    },
    Time,
    Snapshot,
}

/// `deep` is a container as long as nobody counts at it.
const NAMES: [&str; 4] = ["a", "b", "deep", "deep/c"];
/// Those that are never a container: what is written there stays.
const LEAVES: [&str; 3] = ["a", "b", "deep/c"];

fn delta() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => -3..4_i64,
        1 => prop::sample::select(vec![i64::MAX, i64::MIN, i64::MAX / 2, -(1 << 40)]),
    ]
}

fn data() -> impl Strategy<Value = Option<Vec<u8>>> {
    let number = prop_oneof![-300..300_i64, any::<i64>()];
    prop_oneof![
        3 => number.clone().prop_map(|n| Some(n.to_string().into_bytes())),
        3 => number.prop_map(|n| Some(n.to_be_bytes().to_vec())),
        1 => Just(None),
        1 => Just(Some(Vec::new())),
        // Eight bytes that look like a text, and one more makes them one that is none.
        1 => Just(Some(b"1234567/".to_vec())),
        1 => prop::collection::vec(any::<u8>(), 0..10).prop_map(Some),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let name = || prop::sample::select(NAMES.to_vec());
    let leaf = || prop::sample::select(LEAVES.to_vec());
    prop_oneof![
        8 => (name(), delta()).prop_map(|(name, delta)| Step::Add { name, delta }),
        3 => (leaf(), data()).prop_map(|(name, data)| Step::Write { name, data }),
        1 => leaf().prop_map(|name| Step::Delete { name }),
        1 => Just(Step::Time),
        1 => Just(Step::Snapshot),
    ]
}

/// The bytes of every counter there is.
#[derive(Debug, Default)]
struct Model(BTreeMap<&'static str, Vec<u8>>);

impl Model {
    /// Value, and whether it is binary, read by hand.
    fn read(data: &[u8]) -> Option<(i64, bool)> {
        let digits = data
            .strip_prefix(b"-")
            .or_else(|| data.strip_prefix(b"+"))
            .unwrap_or(data);
        if data.is_empty() {
            return Some((0, false));
        }
        if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) {
            let mut value: i128 = 0;
            for digit in digits {
                value = value * 10 + i128::from(digit - b'0');
            }
            let signed = if data[0] == b'-' { -value } else { value };
            return Some((i64::try_from(signed).ok()?, false));
        }
        let bytes: [u8; 8] = data.try_into().ok()?;
        Some((i64::from_be_bytes(bytes), true))
    }

    fn add(&mut self, name: &'static str, delta: i64) -> Result<(i64, i64), &'static str> {
        let data = self.0.get(name).cloned().unwrap_or_default();
        let (former, is_binary) = Model::read(&data).ok_or("NotACounter")?;
        let sum = i128::from(former) + i128::from(delta);
        let value = i64::try_from(sum).map_err(|_| "CounterOverflow")?;
        let written = if is_binary {
            value.to_be_bytes().to_vec()
        } else {
            value.to_string().into_bytes()
        };
        if Model::read(&written) != Some((value, is_binary)) {
            return Err("CounterOverflow");
        }
        self.0.insert(name, written);
        Ok((former, value))
    }
}

struct Pair {
    harness: Harness,
    model: Model,
}

impl Pair {
    fn send(&mut self, command: Command) -> Outcome {
        let request = self.harness.request(Words::parse(""), command);
        self.harness.apply(&request)
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Add { name, delta } => {
                let counter = CounterName::parse(name).unwrap();
                let outcome = self.send(Command::AddToCounter {
                    counter,
                    delta: *delta,
                });
                let said = match &outcome.result {
                    Ok(Reply::CounterChanged {
                        previous, value, ..
                    }) => Ok((*previous, *value)),
                    Ok(other) => panic!("not asked for: {other:?}"),
                    Err(refusal) => Err(variant(refusal)),
                };
                let expected = self.model.add(name, *delta);
                assert_eq!(said, expected.map_err(str::to_owned), "{step:?}");
            }
            Step::Write { name, data } => {
                let outcome = self.send(Command::Znode(ZnodeOp::Put {
                    set: SetData {
                        path: format!("/counters/{name}"),
                        data: data.clone().map(Bytes::from),
                        content_type: None,
                        expect: Expect::Any,
                    },
                    kind: CreateKind::Persistent,
                    parents: true,
                }));
                assert!(outcome.result.is_ok(), "{outcome:?}");
                self.model.0.insert(name, data.clone().unwrap_or_default());
                if *name == "deep/c" && !self.model.0.contains_key("deep") {
                    // Made on the way, as a persistent znode, unless it is a container already.
                    self.adopt_parent();
                }
            }
            Step::Delete { name } => {
                let outcome = self.send(Command::Znode(ZnodeOp::Delete {
                    path: format!("/counters/{name}"),
                    expect: Expect::Any,
                }));
                let was_there = self.model.0.remove(name).is_some();
                assert_eq!(outcome.result.is_ok(), was_there, "{step:?}");
            }
            Step::Time => {
                self.harness.stamp.log_time.0 += 400_000;
                self.send(Command::ExpireDue);
            }
            Step::Snapshot => self.harness.state = restored(&self.harness.state),
        }
        self.compare();
    }

    /// Both kinds of parent count from 0, so the model knows neither.
    fn adopt_parent(&self) {
        let path = ZnodePath::parse("/counters/deep").unwrap();
        assert!(self.harness.state.znode(&path).is_some());
    }

    fn compare(&self) {
        for name in NAMES {
            let counter = CounterName::parse(name).unwrap();
            let found = self.harness.state.counter(&counter, &[]);
            match (found, self.model.0.get(name)) {
                (Ok(view), Some(data)) => {
                    let expected = Model::read(data).unwrap_or_else(|| panic!("{name}: {data:?}"));
                    assert_eq!(view.value, expected.0, "{name}");
                    let znode = self.harness.state.znode(&counter.znode()).unwrap();
                    let kept = znode.data.as_ref().map(|data| data.to_vec());
                    assert_eq!(kept.unwrap_or_default(), *data, "{name}");
                }
                (Err(Refusal::NotACounter { .. }), Some(data)) => {
                    assert_eq!(Model::read(data), None, "{name}");
                }
                // A parent counts as 0 while it stands.
                (Ok(view), None) => assert_eq!((name, view.value), ("deep", 0)),
                (Err(Refusal::NoNode { .. }), None) => {}
                (found, expected) => panic!("{name}: {found:?}, expected {expected:?}"),
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn counters_do_what_the_model_does(steps in prop::collection::vec(step(), 1..60)) {
        let mut pair = Pair { harness: Harness::new(), model: Model::default() };
        for step in &steps {
            pair.step(step);
        }
    }
}
