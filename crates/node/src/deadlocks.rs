//! What this node has seen of deadlocks since it started: waits that were refused because they would never
//! have ended, and locks that are taken in both orders, so that they may one day.
//!
//! Neither is part of the replicated state: a refusal changes nothing there, and what may happen one day
//! is nothing a command depends on. Every node applies the same commands, so all of them see the same.

use std::collections::{BTreeMap, VecDeque};

use parking_lot::Mutex;
use raft_core::command::{Moment, Owner, SessionRef};
use raft_core::ids::{LockName, SessionName};
use raft_core::outcome::{Outcome, Refusal, Reply, Wait};
use raft_core::query::session::SessionStatus;
use raft_core::state::State;

/// Refusals that are kept.
pub const DEADLOCKS_KEPT_MAX: usize = 100;
/// Pairs of beginnings of names that are kept; further ones are not noted.
pub const LOCK_ORDERS_MAX: usize = 1_000;
/// Holds of a session that are looked at when it asks for another lock: bounds what that costs.
const HOLDS_LOOKED_AT_MAX: usize = 16;

/// A wait that was refused because it would never have ended.
#[derive(Clone, Debug)]
pub struct Deadlock {
    /// When.
    pub moment: Moment,
    /// Who waited for whom; the first is the one that was refused.
    pub cycle: Vec<Waiting>,
}

/// One step of a cycle, with who was behind it then.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Who, for what.
    pub wait: Wait,
    /// Name of the session.
    pub name: Option<SessionName>,
    /// Who was behind it.
    pub owner: Owner,
}

/// Locks that were asked for while others were held, by the beginnings of their names.
#[derive(Clone, Debug)]
pub struct LockOrder {
    /// The beginning of those that were held: up to the last slash, or the whole name.
    pub held: String,
    /// The beginning of those that were asked for.
    pub asked: String,
    /// How often.
    pub count: u64,
    /// The last time: when, what was held, what was asked for.
    pub last: (Moment, LockName, LockName),
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Deadlocks {
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Oldest first.
    refused: VecDeque<Deadlock>,
    orders: BTreeMap<(String, String), LockOrder>,
}

impl Deadlocks {
    /// Looks at what came of a command.
    pub(crate) fn note(&self, state: &State, outcome: &Outcome) {
        if let Err(Refusal::Deadlock { cycle }) = &outcome.result {
            self.note_refused(state, outcome.moment, cycle);
        } else if let Ok(Reply::Claim(reply)) = &outcome.result
            && reply.created
        {
            // Locks that are claimed together are taken in no order.
            let asked: Vec<&LockName> = reply.claim.locks().collect();
            let holds = state.holds_of(reply.claim.session, HOLDS_LOOKED_AT_MAX);
            for held in holds
                .into_iter()
                .filter(|hold| !asked.contains(&&hold.lock))
            {
                for lock in &asked {
                    self.note_order(outcome.moment, &held.lock, lock);
                }
            }
        }
    }

    fn note_refused(&self, state: &State, moment: Moment, cycle: &[Wait]) {
        let waiting = |wait: &Wait| {
            let (name, owner) = match state.session(&SessionRef::Id(wait.session)) {
                SessionStatus::Live(live) => (live.name.clone(), live.owner.clone()),
                SessionStatus::Ended(_) | SessionStatus::Unknown => (None, Owner::default()),
            };
            Waiting {
                wait: wait.clone(),
                name,
                owner,
            }
        };
        let mut seen = self.seen.lock();
        if seen.refused.len() >= DEADLOCKS_KEPT_MAX {
            seen.refused.pop_front();
        }
        let cycle = cycle.iter().map(waiting).collect();
        seen.refused.push_back(Deadlock { moment, cycle });
    }

    fn note_order(&self, moment: Moment, held: &LockName, asked: &LockName) {
        let key = (beginning(held), beginning(asked));
        if key.0 == key.1 {
            return;
        }
        let mut seen = self.seen.lock();
        if seen.orders.len() >= LOCK_ORDERS_MAX && !seen.orders.contains_key(&key) {
            return;
        }
        let last = (moment, held.clone(), asked.clone());
        let order = seen.orders.entry(key.clone()).or_insert_with(|| LockOrder {
            held: key.0,
            asked: key.1,
            count: 0,
            last: last.clone(),
        });
        order.count = order.count.saturating_add(1);
        order.last = last;
    }

    /// Refusals since the node started, newest first.
    pub(crate) fn refused(&self) -> Vec<Deadlock> {
        self.seen.lock().refused.iter().rev().cloned().collect()
    }

    /// Pairs that were taken in both orders: the more usual order first.
    pub(crate) fn conflicts(&self) -> Vec<(LockOrder, LockOrder)> {
        let seen = self.seen.lock();
        let both = seen.orders.values().filter_map(|order| {
            let reverse = seen
                .orders
                .get(&(order.asked.clone(), order.held.clone()))?;
            let rank = |order: &LockOrder| (order.count, order.held.clone());
            (rank(order) > rank(reverse)).then(|| (order.clone(), reverse.clone()))
        });
        both.collect()
    }

    /// How often the one was asked for while the other was held, and the other way round.
    pub(crate) fn orders_of(&self, one: &LockName, other: &LockName) -> (u64, u64) {
        let (one, other) = (beginning(one), beginning(other));
        let seen = self.seen.lock();
        let count = |held: &String, asked: &String| {
            let found = seen.orders.get(&(held.clone(), asked.clone()));
            found.map_or(0, |order| order.count)
        };
        (count(&one, &other), count(&other, &one))
    }
}

/// Up to the last slash, or the whole name: locks of one kind are named alike up to there.
#[must_use]
pub fn beginning(lock: &LockName) -> String {
    let name = lock.as_str();
    match name.rsplit_once('/') {
        Some((kind, _)) => format!("{kind}/"),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use raft_core::ids::{LogTime, WallTime, Zxid};

    use super::*;

    fn lock(name: &str) -> LockName {
        LockName::parse(name).unwrap()
    }

    fn moment() -> Moment {
        Moment {
            zxid: Zxid(7),
            log_time: LogTime(7),
            wall: WallTime(7),
        }
    }

    #[test]
    fn what_is_taken_in_both_orders_is_told_and_nothing_else() {
        let deadlocks = Deadlocks::default();
        for _ in 0..3 {
            deadlocks.note_order(moment(), &lock("orders/1"), &lock("stock/9"));
        }
        deadlocks.note_order(moment(), &lock("orders/1"), &lock("audit"));
        deadlocks.note_order(moment(), &lock("orders/1"), &lock("orders/2"));
        assert!(deadlocks.conflicts().is_empty());
        deadlocks.note_order(moment(), &lock("stock/7"), &lock("orders/3"));
        let conflicts = deadlocks.conflicts();
        let [(usual, rare)] = conflicts.as_slice() else {
            panic!("{conflicts:?}")
        };
        assert_eq!(
            (usual.held.as_str(), usual.asked.as_str(), usual.count),
            ("orders/", "stock/", 3)
        );
        assert_eq!(
            (rare.last.1.as_str(), rare.last.2.as_str()),
            ("stock/7", "orders/3")
        );
        assert_eq!(
            deadlocks.orders_of(&lock("stock/1"), &lock("orders/1")),
            (1, 3)
        );
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let deadlocks = Deadlocks::default();
        for n in 0..LOCK_ORDERS_MAX + 10 {
            deadlocks.note_order(moment(), &lock(&format!("a{n}")), &lock("b"));
        }
        assert_eq!(deadlocks.seen.lock().orders.len(), LOCK_ORDERS_MAX);
        let state = State::new();
        for _ in 0..DEADLOCKS_KEPT_MAX + 10 {
            deadlocks.note_refused(&state, moment(), &[]);
        }
        assert_eq!(deadlocks.refused().len(), DEADLOCKS_KEPT_MAX);
    }
}
