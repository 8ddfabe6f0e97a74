//! From the members there are and those that are wanted to the changes between them. Pure.

use std::collections::{BTreeMap, BTreeSet};

use raft_core::members::PresentMember;
use raft_types::NodeId;

use super::{Reconfiguration, ReconfigureFailure, WantedMember};
use crate::members::MemberChange;

/// What is known before.
pub(super) struct Now<'a> {
    pub(super) members: &'a BTreeMap<NodeId, PresentMember>,
    /// Whether an id was used by a member that has left.
    pub(super) is_retired: &'a dyn Fn(NodeId) -> bool,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Steps {
    /// Observers that come; nothing is lost if one never answers.
    pub(super) come: Vec<WantedMember>,
    /// Observers that get a vote: before any vote is lost.
    pub(super) promote: Vec<NodeId>,
    /// Participants that lose theirs.
    pub(super) demote: Vec<NodeId>,
    /// Members that leave.
    pub(super) leave: Vec<NodeId>,
    /// Who votes at the end.
    pub(super) voters: BTreeSet<NodeId>,
}

impl Steps {
    /// As changes of the membership; `leader` is the last to go, so that the others go in its term.
    pub(super) fn changes(&self, leader: NodeId) -> Vec<MemberChange> {
        let come = self.come.iter().map(|wanted| MemberChange::AddLearner {
            id: wanted.id,
            peer: wanted.peer.clone(),
            api: wanted.api.clone(),
        });
        let promote = self.promote.iter().map(|&id| MemberChange::Promote { id });
        let demote = self.demote.iter().map(|&id| MemberChange::Demote { id });
        let leave = self.leave.iter().map(|&id| MemberChange::Remove { id });
        let mut changes: Vec<MemberChange> =
            come.chain(promote).chain(demote).chain(leave).collect();
        let costs_the_leader = |change: &MemberChange| matches!(change, MemberChange::Remove { id } | MemberChange::Demote { id } if *id == leader);
        changes.sort_by_key(costs_the_leader);
        changes
    }
}

/// Works out the steps.
///
/// # Errors
/// `BadArguments` or `NoQuorum`: what is asked makes no sense, or cannot be.
pub(super) fn steps(now: &Now, asked: &Reconfiguration) -> Result<Steps, ReconfigureFailure> {
    let bad = |why: String| Err(ReconfigureFailure::BadArguments(why));
    let joins: BTreeSet<NodeId> = asked.joining.iter().map(|wanted| wanted.id).collect();
    if joins.len() < asked.joining.len() && asked.replaces_all {
        return bad("a member is named twice".to_owned());
    }
    let leaves = |id: &NodeId| {
        let is_told = asked.replaces_all || asked.leaving.contains(id);
        is_told && !joins.contains(id)
    };
    let mut stay: BTreeMap<NodeId, Ends> = now
        .members
        .iter()
        .filter(|(id, _)| !leaves(id))
        .map(|(id, present)| (*id, Ends::of_present(present)))
        .collect();
    for wanted in &asked.joining {
        let ends = Ends::of_wanted(wanted);
        let taken = stay
            .iter()
            .find(|(id, other)| **id != wanted.id && ends.meets(other));
        if let Some((other, _)) = taken {
            return bad(format!(
                "server {} has an address of server {other}",
                wanted.id
            ));
        }
        stay.insert(wanted.id, ends);
    }
    let mut steps = Steps::default();
    for wanted in last_words(&asked.joining) {
        join(now, wanted, &mut steps)?;
    }
    for (id, present) in now.members {
        if leaves(id) {
            steps.leave.push(*id);
        } else if present.member.voter && !steps.demote.contains(id) {
            steps.voters.insert(*id);
        }
    }
    steps.voters.extend(steps.promote.iter().copied());
    if steps.voters.is_empty() && !asked.joining.iter().any(|wanted| wanted.voter) {
        return bad("no participant would be left".to_owned());
    }
    // Last, as ZooKeeper has it.
    let unknown = |wanted: &&WantedMember| wanted.voter && !now.members.contains_key(&wanted.id);
    match last_words(&asked.joining).find(unknown) {
        Some(wanted) => Err(ReconfigureFailure::NoQuorum(format!(
            "server {} is to vote and is no member yet: start it with `join`, and make it a \
             participant when it has caught up",
            wanted.id
        ))),
        None => Ok(steps),
    }
}

/// Of those named several times the last counts.
fn last_words(joining: &[WantedMember]) -> impl Iterator<Item = &WantedMember> {
    let is_last = |(at, wanted): &(usize, &WantedMember)| {
        let later = joining.iter().skip(at.saturating_add(1));
        later.into_iter().all(|other| other.id != wanted.id)
    };
    joining
        .iter()
        .enumerate()
        .filter(is_last)
        .map(|(_, wanted)| wanted)
}

fn join(now: &Now, wanted: &WantedMember, steps: &mut Steps) -> Result<(), ReconfigureFailure> {
    let bad = |why: String| Err(ReconfigureFailure::BadArguments(why));
    let id = wanted.id;
    let Some(present) = now.members.get(&id) else {
        if (now.is_retired)(id) {
            return bad(format!(
                "server {id} was a member and has left; a new server needs a new number"
            ));
        }
        if !wanted.voter {
            steps.come.push(wanted.clone());
        }
        return Ok(());
    };
    let has_moved = present.member.peer != wanted.peer
        || raft_core::members::api_port(&present.member.api)
            != raft_core::members::api_port(&wanted.api)
        || present
            .clients
            .as_ref()
            .is_some_and(|clients| *clients != wanted.clients);
    if has_moved {
        return bad(format!(
            "server {id} is a member with other addresses; a member keeps its own: it leaves, and \
             comes back under a new number"
        ));
    }
    match (present.member.voter, wanted.voter) {
        (false, true) => steps.promote.push(id),
        (true, false) => steps.demote.push(id),
        (true, true) | (false, false) => {}
    }
    Ok(())
}

/// The addresses of a member.
struct Ends(Vec<String>);

impl Ends {
    fn of(peer: &str, api: &str, clients: Option<&str>) -> Ends {
        let host = peer.rsplit_once(':').map_or(peer, |(host, _)| host);
        let api = format!("{host}:{}", raft_core::members::api_port(api));
        let clients = clients.map(str::to_owned);
        Ends([peer.to_owned(), api].into_iter().chain(clients).collect())
    }

    fn of_present(present: &PresentMember) -> Ends {
        let PresentMember { member, clients } = present;
        Ends::of(&member.peer, &member.api, clients.as_deref())
    }

    fn of_wanted(wanted: &WantedMember) -> Ends {
        Ends::of(&wanted.peer, &wanted.api, Some(&wanted.clients))
    }

    fn meets(&self, other: &Ends) -> bool {
        self.0.iter().any(|end| other.0.contains(end))
    }
}

#[cfg(test)]
mod tests;
