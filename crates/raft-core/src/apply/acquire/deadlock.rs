//! Waits that would never end.
//!
//! Who waits in a queue waits for every earlier claim that it cannot hold beside. Edges of this graph come
//! only with a claim that queues, at the end of its queue: so looking once, there, finds every cycle when
//! it closes, and the newcomer is refused, who can still let go of what it has.
//!
//! Nodes are the sessions, or their tasks where claims name some ([`TASK_LABEL`]): a session that several
//! threads share is not blocked as a whole. A wait for oneself is no cycle, for the same reason. Not
//! looked at are semaphores, where any of several holders may free what is waited for, and claims of
//! ZooKeeper clients, which cannot name tasks.

use std::collections::BTreeSet;

use crate::apply::Step;
use crate::command::{Acquire, LockMode};
use crate::ids::{Fence, LockName, SessionId};
use crate::limits;
use crate::lock::Claim;
use crate::outcome::{Refusal, Wait};
use crate::state::State;

/// The label that says which of a session's tasks a claim is of.
pub(crate) const TASK_LABEL: &str = "task";

/// Who waits or is waited for.
type Node<'a> = (SessionId, Option<&'a str>);

impl Step<'_> {
    /// Whether a claim that is not granted at once may wait, in all the queues it is to stand in.
    ///
    /// # Errors
    /// [`Refusal::Deadlock`] with the cycle.
    pub(super) fn check_deadlock(
        &self,
        acquires: &[Acquire],
        session: Option<SessionId>,
    ) -> Result<(), Refusal> {
        // Nobody can wait for a session that has nothing, and a new one has nothing.
        let Some(session) = session.filter(|id| self.state.index.ephemerals.contains_key(id))
        else {
            return Ok(());
        };
        let task = acquires
            .first()
            .and_then(|acquire| acquire.labels.get(TASK_LABEL));
        let task = task.map(String::as_str);
        let mut search = Search {
            state: self.state,
            newcomer: (session, task),
            seen: BTreeSet::new(),
            looked_at: 0,
            path: Vec::new(),
        };
        for acquire in acquires {
            let waits = Waits {
                node: search.newcomer,
                lock: &acquire.lock,
                mode: acquire.mode,
                before: Fence(u64::MAX),
            };
            if search.leads_back(&waits) {
                return Err(Refusal::Deadlock { cycle: search.path });
            }
        }
        Ok(())
    }
}

/// A place in a queue, from which somebody waits for those before it.
struct Waits<'a> {
    node: Node<'a>,
    lock: &'a LockName,
    mode: LockMode,
    before: Fence,
}

struct Search<'a> {
    state: &'a State,
    newcomer: Node<'a>,
    /// Nodes from which no way leads back.
    seen: BTreeSet<Node<'a>>,
    looked_at: usize,
    /// The way so far.
    path: Vec<Wait>,
}

impl<'a> Search<'a> {
    /// Whether the newcomer is found among those whom this place waits for; then `path` is the way. Gives
    /// up, and finds nothing, beyond [`limits::DEADLOCK_CLAIMS_MAX`] claims and
    /// [`limits::DEADLOCK_CYCLE_MAX`] waits.
    fn leads_back(&mut self, waits: &Waits<'a>) -> bool {
        if self.path.len() >= limits::DEADLOCK_CYCLE_MAX {
            return false;
        }
        let state = self.state;
        let ahead = state.claims_of_lock(waits.lock);
        for claim in ahead.take_while(|claim| claim.fence < waits.before) {
            self.looked_at = self.looked_at.saturating_add(1);
            if self.looked_at > limits::DEADLOCK_CLAIMS_MAX {
                return false;
            }
            let node = node_of(claim);
            // One that waits for several locks holds up all behind it, also whom it will hold beside.
            let passes = may_hold_together(claim.mode, waits.mode)
                && (claim.is_held() || claim.all_of.is_empty());
            if claim.is_foreign() || passes || node == waits.node {
                continue;
            }
            self.path.push(Wait {
                session: waits.node.0,
                task: waits.node.1.map(str::to_owned),
                lock: waits.lock.clone(),
                claim: claim.id.clone(),
            });
            if node == self.newcomer || self.leads_back_from(node) {
                return true;
            }
            self.path.pop();
        }
        false
    }

    fn leads_back_from(&mut self, node: Node<'a>) -> bool {
        if !self.seen.insert(node) {
            return false;
        }
        let state = self.state;
        let waiting = state.index.waiting.get(&node.0).into_iter().flatten();
        let claims = waiting.filter_map(|key| state.claims.get(key));
        for claim in claims.filter(|claim| node_of(claim) == node && !claim.is_foreign()) {
            let waits = Waits {
                node,
                lock: &claim.lock,
                mode: claim.mode,
                before: claim.fence,
            };
            if self.leads_back(&waits) {
                return true;
            }
        }
        false
    }
}

fn node_of(claim: &Claim) -> Node<'_> {
    let task = claim.labels.get(TASK_LABEL);
    (claim.session, task.map(String::as_str))
}

/// Whether a wait of one for the other is none that must end: readers are served together, and of a
/// semaphore any holder may free what is waited for.
fn may_hold_together(one: LockMode, other: LockMode) -> bool {
    match (one, other) {
        (LockMode::Shared, LockMode::Shared) => true,
        (LockMode::Permits(_), _) | (_, LockMode::Permits(_)) => true,
        (LockMode::Exclusive, _) | (_, LockMode::Exclusive) => false,
    }
}
