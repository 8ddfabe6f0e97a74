//! Votes are on disk before they count. Raft paper, figure 2: currentTerm and votedFor are updated
//! on stable storage before responding; section 5.1: terms never go back.

use std::collections::BTreeSet;

use super::{Invariant, View};

#[derive(Default)]
pub(super) struct Votes {
    seen: BTreeSet<u64>,
}

impl Invariant for Votes {
    fn name(&self) -> &'static str {
        "votes-on-disk"
    }

    fn check(&mut self, view: &View<'_>) -> Result<(), String> {
        for (id, machine) in view.machines {
            if let Some(what) = &machine.disk.durable().broken {
                return Err(format!("machine {id}: {what}"));
            }
        }
        for seen in view.running {
            let leadership = seen.status.leadership;
            if !leadership.is_leader() || self.seen.contains(&leadership.term) {
                continue;
            }
            self.seen.insert(leadership.term);
            let term = leadership.term;
            let voted = |id| {
                let machine = view.machines.get(&id);
                let vote = machine.and_then(|machine| machine.disk.durable().vote);
                vote.is_some_and(|vote| vote.leader_id.term >= term)
            };
            if !View::is_quorum(&seen.status.members.configs, voted) {
                let who: Vec<_> = view.machines.keys().filter(|id| voted(**id)).collect();
                return Err(format!(
                    "{} leads term {term}, but only the disks of {who:?} know of that term (voters {:?})",
                    seen.id, seen.status.members.configs
                ));
            }
        }
        Ok(())
    }
}
