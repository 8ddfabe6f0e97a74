use std::collections::BTreeMap;

use raft_core::members::{Member, PresentMember};
use raft_types::NodeId;

use super::{Now, Steps, steps};
use crate::members::MemberChange;
use crate::reconfigure::{Reconfiguration, ReconfigureFailure, WantedMember};

fn present(id: NodeId, voter: bool) -> (NodeId, PresentMember) {
    let member = Member {
        voter,
        peer: format!("10.0.0.{id}:7500"),
        api: format!("http://10.0.0.{id}:7400"),
    };
    let clients = Some(format!("10.0.0.{id}:2181"));
    (id, PresentMember { member, clients })
}

fn wanted(id: NodeId, voter: bool) -> WantedMember {
    WantedMember {
        id,
        peer: format!("10.0.0.{id}:7500"),
        api: format!("http://10.0.0.{id}:7400"),
        clients: format!("10.0.0.{id}:2181"),
        voter,
    }
}

/// Participants 1, 2, 3, observer 4; 9 has left.
fn planned(asked: &Reconfiguration) -> Result<Steps, ReconfigureFailure> {
    let members: BTreeMap<NodeId, PresentMember> = [
        present(1, true),
        present(2, true),
        present(3, true),
        present(4, false),
    ]
    .into();
    let now = Now {
        members: &members,
        is_retired: &|id| id == 9,
    };
    steps(&now, asked)
}

fn joining(joining: Vec<WantedMember>) -> Reconfiguration {
    Reconfiguration {
        joining,
        ..Reconfiguration::default()
    }
}

fn leaving(ids: &[NodeId]) -> Reconfiguration {
    Reconfiguration {
        leaving: ids.iter().copied().collect(),
        ..Reconfiguration::default()
    }
}

fn all_are(members: Vec<WantedMember>) -> Reconfiguration {
    Reconfiguration {
        replaces_all: true,
        ..joining(members)
    }
}

fn is_bad(asked: &Reconfiguration, part: &str) {
    match planned(asked) {
        Err(ReconfigureFailure::BadArguments(why)) => assert!(why.contains(part), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_observer_nobody_has_heard_of_comes() {
    let planned = planned(&joining(vec![wanted(5, false)])).unwrap();
    assert_eq!(planned.come, [wanted(5, false)]);
    assert_eq!(planned.voters, [1, 2, 3].into());
    assert!(planned.promote.is_empty() && planned.demote.is_empty() && planned.leave.is_empty());
}

#[test]
fn an_observer_gets_a_vote_and_a_participant_loses_its_own() {
    let asked = joining(vec![wanted(4, true), wanted(1, false)]);
    let planned = planned(&asked).unwrap();
    assert_eq!((planned.promote, planned.demote), (vec![4], vec![1]));
    assert_eq!(planned.voters, [2, 3, 4].into());
}

#[test]
fn a_participant_must_be_an_observer_first() {
    let refused = planned(&joining(vec![wanted(5, true)]));
    assert!(matches!(refused, Err(ReconfigureFailure::NoQuorum(_))));
}

#[test]
fn who_is_not_there_cannot_leave_and_that_is_no_matter() {
    assert_eq!(planned(&leaving(&[3, 77])).unwrap().leave, [3]);
}

#[test]
fn who_leaves_and_joins_stays() {
    let mut asked = joining(vec![wanted(3, false)]);
    asked.leaving = [3].into();
    let planned = planned(&asked).unwrap();
    assert_eq!((planned.demote, planned.leave), (vec![3], vec![]));
}

#[test]
fn whoever_is_not_named_leaves_when_all_are_named() {
    let asked = all_are(vec![wanted(1, true), wanted(4, true), wanted(6, false)]);
    let planned = planned(&asked).unwrap();
    assert_eq!(planned.leave, [2, 3]);
    assert_eq!((planned.promote.clone(), planned.come.len()), (vec![4], 1));
    assert_eq!(planned.voters, [1, 4].into());
}

/// With the leader first, the others would go in another leader's term, or not at all.
#[test]
fn votes_come_before_votes_go_and_the_leader_goes_last() {
    let planned = planned(&all_are(vec![wanted(4, true), wanted(6, false)])).unwrap();
    let changes = planned.changes(2);
    let named = |change: &MemberChange| match change {
        MemberChange::AddLearner { id, .. } => format!("add {id}"),
        MemberChange::Promote { id } => format!("promote {id}"),
        MemberChange::Demote { id } => format!("demote {id}"),
        MemberChange::Remove { id } => format!("remove {id}"),
        MemberChange::Replace { .. } => panic!("{change:?}"),
    };
    let named: Vec<String> = changes.iter().map(named).collect();
    assert_eq!(
        named,
        ["add 6", "promote 4", "remove 1", "remove 3", "remove 2"]
    );
}

#[test]
fn nonsense_is_refused() {
    is_bad(&leaving(&[1, 2, 3]), "no participant");
    is_bad(&all_are(vec![wanted(4, false)]), "no participant");
    is_bad(&all_are(Vec::new()), "no participant");
    is_bad(&joining(vec![wanted(9, false)]), "new number");
    is_bad(&all_are(vec![wanted(1, true), wanted(1, true)]), "twice");
}

#[test]
fn two_members_at_one_address_are_refused() {
    let mut here = wanted(5, false);
    here.clients = "10.0.0.1:7400".to_owned();
    is_bad(&joining(vec![here.clone()]), "address of server 1");
    let other = WantedMember { id: 6, ..here };
    is_bad(&joining(vec![wanted(5, false), other.clone()]), "address");
    // Whoever leaves leaves its addresses.
    let mut asked = joining(vec![other]);
    asked.leaving = [1].into();
    assert_eq!(planned(&asked).unwrap().come.len(), 1);
}

#[test]
fn a_member_keeps_its_addresses() {
    for change in [
        WantedMember {
            peer: "10.0.0.8:7500".to_owned(),
            ..wanted(4, true)
        },
        WantedMember {
            api: "http://10.0.0.4:7401".to_owned(),
            ..wanted(4, true)
        },
        WantedMember {
            clients: "10.0.0.4:2182".to_owned(),
            ..wanted(4, true)
        },
    ] {
        is_bad(&joining(vec![change]), "other addresses");
    }
}

#[test]
fn of_one_named_twice_the_last_word_counts() {
    let planned = planned(&joining(vec![wanted(4, true), wanted(4, false)])).unwrap();
    assert!(planned.promote.is_empty());
}
