//! Random fences shown for few resources, beside a naive map of the highest. On the way the state is
//! replaced by what its snapshot restores to (I-10), and a snapshot from before is restored into the
//! running cluster.

use std::collections::BTreeMap;

use proptest::prelude::*;
use raft_core::command::Command;
use raft_core::ids::{Fence, ResourceName};
use raft_core::outcome::{Outcome, Refusal, Reply};

use crate::harness::{Harness, restored, snapshot_bytes};
use crate::restore;
use crate::words::Words;

#[derive(Clone, Debug)]
enum Step {
    Advance {
        name: &'static str,
        fence: u64,
    },
    Forget {
        name: &'static str,
    },
    /// The state becomes what its snapshot holds.
    Snapshot,
    /// A snapshot is put away.
    Backup,
    /// The one that was put away last is restored.
    Restore,
}

const NAMES: [&str; 3] = ["a", "a/b", "c"];

fn step() -> impl Strategy<Value = Step> {
    let name = || prop::sample::select(NAMES.to_vec());
    let fence =
        prop_oneof![8 => 0..10_u64, 1 => prop::sample::select(vec![u64::MAX, u64::MAX - 1])];
    prop_oneof![
        12 => (name(), fence).prop_map(|(name, fence)| Step::Advance { name, fence }),
        2 => name().prop_map(|name| Step::Forget { name }),
        2 => Just(Step::Snapshot),
        1 => Just(Step::Backup),
        1 => Just(Step::Restore),
    ]
}

type Model = BTreeMap<&'static str, u64>;

struct Pair {
    harness: Harness,
    model: Model,
    backup: Option<(Vec<u8>, Model)>,
}

impl Pair {
    fn send(&mut self, command: Command) -> Outcome {
        let request = self.harness.request(Words::parse(""), command);
        self.harness.apply(&request)
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Advance { name, fence } => self.advance(name, *fence),
            Step::Forget { name } => {
                let resource = ResourceName::parse(name).unwrap();
                let outcome = self.send(Command::ForgetFence { resource });
                let said = match outcome.result {
                    Ok(Reply::FenceForgotten(register)) => Some(register.highest.0),
                    Err(Refusal::NoFenceRegister { .. }) => None,
                    other => panic!("{other:?}"),
                };
                assert_eq!(said, self.model.remove(name), "{step:?}");
            }
            Step::Snapshot => self.harness.state = restored(&self.harness.state),
            Step::Backup => {
                let bytes = snapshot_bytes(&self.harness.state);
                self.backup = Some((bytes, self.model.clone()));
            }
            Step::Restore => {
                if let Some((bytes, model)) = self.backup.clone() {
                    restore::restored(&mut self.harness, &bytes, true);
                    self.model = model;
                }
            }
        }
        self.compare();
    }

    fn advance(&mut self, name: &'static str, fence: u64) {
        let resource = ResourceName::parse(name).unwrap();
        let outcome = self.send(Command::AdvanceFence {
            resource,
            fence: Fence(fence),
        });
        let former = self.model.get(name).copied();
        match outcome.result {
            Ok(Reply::FenceAdvanced { register, moved }) => {
                assert!(former.is_none_or(|former| former <= fence));
                assert_eq!(register.highest.0, fence);
                assert_eq!(moved, former != Some(fence));
                assert_eq!(moved, register.moved == outcome.moment);
                self.model.insert(name, fence);
            }
            Err(Refusal::FenceRegisterStale { highest, .. }) => {
                assert!(fence < highest.0);
                assert_eq!(former, Some(highest.0));
            }
            other => panic!("{other:?}"),
        }
    }

    fn compare(&self) {
        let found = self.harness.state.fence_registers("", None, 10);
        let found: Vec<(&str, u64)> = found
            .iter()
            .map(|(name, register)| (name.as_str(), register.highest.0))
            .collect();
        let expected: Vec<(&str, u64)> = self.model.iter().map(|(n, f)| (*n, *f)).collect();
        assert_eq!(found, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn registers_do_what_the_model_does(steps in prop::collection::vec(step(), 1..60)) {
        let (harness, model) = (Harness::new(), Model::new());
        let mut pair = Pair { harness, model, backup: None };
        for step in &steps {
            pair.step(step);
        }
    }
}
