use super::*;

fn address(id: NodeId) -> PeerAddress {
    PeerAddress {
        peer: format!("10.0.0.{id}:7401"),
        api: String::new(),
    }
}

/// Nodes 1.. vote, then learners follow; 1 leads.
fn members(voters: &[NodeId], learners: &[NodeId]) -> Members {
    let all = voters.iter().chain(learners);
    Members {
        log_id: None,
        voters: voters.iter().copied().collect(),
        learners: learners.iter().copied().collect(),
        addresses: all.map(|id| (*id, address(*id))).collect(),
        configs: vec![voters.iter().copied().collect()],
    }
}

fn plan(members: &Members, heard: &[NodeId], lags: &[(NodeId, u64)], change: &Change) -> Plan {
    let peers = lags
        .iter()
        .map(|(id, lag)| {
            (
                *id,
                PeerProgress {
                    lag: *lag,
                    ..PeerProgress::default()
                },
            )
        })
        .collect();
    View {
        me: 1,
        members,
        peers: &peers,
        heard: heard.iter().copied().collect(),
        caught_up_entries: 10,
        ever_used: &|id| id == 66,
    }
    .plan(change)
}

#[test]
fn adding_a_learner_changes_no_arithmetic() {
    let change = Change::AddLearner {
        id: 4,
        address: address(4),
    };
    let plan = plan(&members(&[1, 2, 3], &[]), &[1], &[], &change);
    assert_eq!(plan.refusals, []);
    assert_eq!(plan.warnings, []);
    assert_eq!((plan.before.quorum, plan.after.quorum), (2, 2));
    assert_eq!((plan.before.tolerates, plan.after.tolerates), (1, 1));
    assert!(plan.after.learners.contains(&4));
}

#[test]
fn an_id_is_never_used_twice_not_even_by_force() {
    let change = Change::AddLearner {
        id: 66,
        address: address(66),
    };
    let refused = plan(&members(&[1, 2, 3], &[]), &[1, 2, 3], &[], &change);
    assert_eq!(refused.refusals, [Refusal::IdReused(66)]);
    assert!(!refused.is_allowed(true));

    let change = Change::Replace {
        old: 3,
        new: 66,
        address: address(66),
    };
    let refused = plan(&members(&[1, 2, 3], &[]), &[1, 2, 3], &[], &change);
    assert_eq!(refused.refusals, [Refusal::IdReused(66)]);

    let change = Change::AddLearner {
        id: 2,
        address: address(9),
    };
    let refused = plan(&members(&[1, 2, 3], &[]), &[1, 2, 3], &[], &change);
    assert_eq!(refused.refusals, [Refusal::AlreadyMember(2)]);
}

#[test]
fn an_address_must_be_there_and_free() {
    let three = members(&[1, 2, 3], &[]);
    let change = Change::AddLearner {
        id: 4,
        address: address(2),
    };
    let refused = plan(&three, &[1, 2, 3], &[], &change);
    assert_eq!(
        refused.refusals,
        [Refusal::AddressTaken {
            address: address(2).peer,
            by: 2
        }]
    );
    let change = Change::AddLearner {
        id: 4,
        address: PeerAddress::default(),
    };
    let refused = plan(&three, &[1, 2, 3], &[], &change);
    assert_eq!(refused.refusals, [Refusal::BadAddress(String::new())]);
}

#[test]
fn a_lagging_or_silent_learner_is_promoted_only_by_force() {
    let four = members(&[1, 2, 3], &[4]);
    let change = Change::Promote { id: 4 };
    let refused = plan(&four, &[1, 2, 3], &[(4, 11)], &change);
    assert_eq!(
        refused.refusals,
        [
            Refusal::Unreachable(4),
            Refusal::Lags {
                id: 4,
                lag: 11,
                max: 10
            }
        ]
    );
    assert!(!refused.is_allowed(false));
    assert!(refused.is_allowed(true));

    let allowed = plan(&four, &[1, 2, 3, 4], &[(4, 10)], &change);
    assert!(allowed.is_allowed(false));
    assert_eq!(allowed.warnings, [Warning::EvenVoters(4)]);
    assert_eq!((allowed.after.quorum, allowed.after.tolerates), (3, 1));
}

/// Found by a run under faults (membership, five nodes, seed 5014): openraft keeps no progress of the
/// leader itself, and one that had been demoted was taken for one that lacks everything.
#[test]
fn a_learner_that_leads_lacks_nothing() {
    let promote = Change::Promote { id: 1 };
    let plan = plan(
        &members(&[2, 3], &[1]),
        &[1, 2, 3],
        &[(2, 0), (3, 0)],
        &promote,
    );
    assert_eq!(plan.refusals, []);
}

#[test]
fn removing_a_voter_may_not_stop_the_cluster() {
    let three = members(&[1, 2, 3], &[]);
    // 3 is dead: removing 2, the only other one that answers, would leave 1 and 3.
    let refused = plan(&three, &[1, 2], &[], &Change::Remove { id: 2 });
    assert_eq!(
        refused.refusals,
        [Refusal::LosesQuorum {
            reachable: 1,
            quorum: 2
        }]
    );
    assert!(refused.is_allowed(true));
    // Removing the dead one is right.
    let allowed = plan(&three, &[1, 2], &[], &Change::Remove { id: 3 });
    assert_eq!(allowed.refusals, []);
    assert_eq!(
        allowed.warnings,
        [
            Warning::EvenVoters(2),
            Warning::ToleratesFewer {
                before: 1,
                after: 0
            }
        ]
    );
}

#[test]
fn the_last_voter_stays_even_by_force() {
    let one = members(&[1], &[2]);
    for change in [Change::Remove { id: 1 }, Change::Demote { id: 1 }] {
        let refused = plan(&one, &[1, 2], &[], &change);
        assert_eq!(refused.refusals, [Refusal::LastVoter(1)]);
        assert!(!refused.is_allowed(true));
    }
}

#[test]
fn removing_the_leader_is_announced() {
    let allowed = plan(
        &members(&[1, 2, 3], &[]),
        &[1, 2, 3],
        &[],
        &Change::Remove { id: 1 },
    );
    assert!(allowed.warnings.contains(&Warning::RemovesLeader));
}

#[test]
fn a_replacement_keeps_the_number_of_voters() {
    let change = Change::Replace {
        old: 3,
        new: 4,
        address: address(4),
    };
    let allowed = plan(&members(&[1, 2, 3], &[]), &[1, 2], &[], &change);
    assert_eq!(allowed.refusals, []);
    assert_eq!(allowed.after.voters, BTreeSet::from([1, 2, 4]));
    assert_eq!(allowed.warnings, []);
}

#[test]
fn one_change_at_a_time() {
    let mut joint = members(&[1, 2, 3], &[4]);
    joint.configs.push(BTreeSet::from([1, 2, 4]));
    let refused = plan(&joint, &[1, 2, 3, 4], &[(4, 0)], &Change::Promote { id: 4 });
    assert!(refused.refusals.contains(&Refusal::InProgress));
    assert!(!refused.is_allowed(true));
}

#[test]
fn strangers_are_neither_promoted_nor_removed() {
    let three = members(&[1, 2, 3], &[]);
    for (change, refusal) in [
        (Change::Promote { id: 9 }, Refusal::NotMember(9)),
        (Change::Promote { id: 2 }, Refusal::NotLearner(2)),
        (Change::Demote { id: 9 }, Refusal::NotVoter(9)),
        (Change::Remove { id: 9 }, Refusal::NotMember(9)),
    ] {
        assert_eq!(plan(&three, &[1, 2, 3], &[], &change).refusals, [refusal]);
    }
}
