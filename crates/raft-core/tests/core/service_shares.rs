//! Shares by weight, through encoding, apply and snapshots.

use std::collections::BTreeMap;

use proptest::prelude::*;
use raft_core::outcome::{Reply, ServiceReply};

use crate::harness::{Harness, restored};
use crate::service_commands;
use crate::words::Words;

fn picked(harness: &mut Harness, line: &str) -> String {
    let command = service_commands::command(&mut Words::parse(line)).unwrap();
    let request = harness.request(Words::parse(""), command);
    match harness.apply(&request).result {
        Ok(Reply::Service(ServiceReply::Picked(picked))) => picked.chosen[0].instance.to_string(),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Over as many picks as the weights add up to, each instance is picked exactly as often as its weight
    /// says, wherever in the cycle the state is taken from a snapshot.
    #[test]
    fn round_robin_gives_exact_shares(
        weights in prop::collection::vec(1_u32..8, 1..8),
        snapshot_at in 0_u32..56,
    ) {
        let mut harness = Harness::new();
        for (number, weight) in weights.iter().enumerate() {
            harness.run(&format!("serve api web-{number} h:1 weight={weight} ttl=60000"));
        }
        for cycle in 0..2 {
            let mut shares = BTreeMap::new();
            for number in 0..weights.iter().sum::<u32>() {
                if cycle == 0 && number == snapshot_at {
                    harness.state = restored(&harness.state);
                }
                let line = "pick api round_robin reserve=1000";
                *shares.entry(picked(&mut harness, line)).or_insert(0) += 1;
            }
            for (number, weight) in weights.iter().enumerate() {
                prop_assert_eq!(shares.get(&format!("web-{number}")), Some(weight));
            }
        }
    }
}
