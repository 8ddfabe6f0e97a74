//! Random commands on locks and sessions, applied to the state machine and to a naive model:
//! after each the two agree on every queue, holder, fence and deadline, and the invariants hold.

mod naive;
mod ops;
mod queue;
mod world;

use proptest::prelude::*;
use raft_core::command::LockMode;
use raft_core::history::Quantiles;
use raft_core::ids::{LockName, LogTime};
use raft_core::limits::HISTORY_PER_LOCK_MAX;
use raft_core::lock::{Claim, ClaimState};
use raft_core::query::lock::ClaimStatus;

use ops::op;
use queue::Standing;
use world::{World, claim_id, lock_name};

const LOCKS: [&str; 3] = ["a", "b/c", "d"];
/// Sessions at a time.
const SLOTS: usize = 4;

impl World {
    fn check(&self) {
        self.state.check_invariants().unwrap();
        for (at, name) in LOCKS.iter().enumerate() {
            let lock = lock_name(at);
            let expected = self.model.locks.get(*name).cloned().unwrap_or_default();
            let found = self.state.holders(&lock, usize::MAX).into_iter();
            let found: Vec<_> = found.chain(self.state.queue(&lock, usize::MAX)).collect();
            let shown =
                |c: &queue::Claim| (c.id.clone(), c.fence, c.standing.clone(), c.ttl, c.asked);
            let expected_queue: Vec<_> = expected.queue.iter().map(shown).collect();
            let found_queue: Vec<_> = found
                .iter()
                .map(|c| {
                    let standing = standing(&c.state);
                    (own_id(c), c.fence.0, standing, c.ttl_ms, asked(c))
                })
                .collect();
            assert_eq!(found_queue, expected_queue, "queue of {name}");
            self.check_ids(&lock, &expected);
            self.check_past(&lock, &expected);
            // Nobody starves: somebody holds whatever is waited for, or a delay runs.
            let (holders, waiters): (Vec<&Claim>, Vec<&Claim>) =
                found.iter().partition(|c| c.is_held());
            let delayed = self
                .state
                .lock(&lock)
                .and_then(|view| view.lock.delayed_until);
            assert_eq!(
                delayed.map(|at| at.0),
                expected.delayed_until,
                "delay of {name}"
            );
            assert!(
                waiters.is_empty() || !holders.is_empty() || delayed.is_some(),
                "{name} starves"
            );
            let exclusive = holders
                .iter()
                .filter(|c| c.mode == LockMode::Exclusive)
                .count();
            assert!(
                exclusive == 0 || holders.len() == 1,
                "{name} is not exclusive"
            );
        }
    }

    /// The last of all holds that ended, and what they have in common.
    fn check_past(&self, lock: &LockName, expected: &queue::Lock) {
        let first = expected.past.len().saturating_sub(HISTORY_PER_LOCK_MAX);
        let kept = &expected.past[first..];
        let Some(history) = self.state.history(lock) else {
            assert!(kept.is_empty(), "the past of {lock} is forgotten");
            return;
        };
        let found: Vec<_> = history
            .newest_first()
            .map(|hold| {
                let end = format!("{:?}", hold.end);
                (hold.fence.0, hold.waited_ms(), hold.held_ms(), end)
            })
            .collect();
        let shown = |p: &queue::Past| (p.fence, p.waited, p.held, p.end.to_owned());
        let expected_past: Vec<_> = kept.iter().rev().map(shown).collect();
        assert_eq!(found, expected_past, "past of {lock}");
        assert_eq!(history.count(), expected.past.len() as u64);
        let statistics = history.statistics().unwrap();
        check_quantiles(statistics.held, kept.iter().map(|p| p.held).collect());
        check_quantiles(statistics.waited, kept.iter().map(|p| p.waited).collect());
    }

    fn check_ids(&self, lock: &LockName, expected: &queue::Lock) {
        for number in 0..12 {
            let id = claim_id(number);
            let key = (lock.as_str().to_owned(), id.as_str().to_owned());
            let live = expected.queue.iter().find(|c| c.live_ids.contains(&key.1));
            match (self.state.claim(lock, &id), live) {
                (ClaimStatus::Live(view), Some(claim)) => {
                    assert_eq!(view.claim.fence.0, claim.fence);
                    let ahead = expected
                        .queue
                        .iter()
                        .filter(|c| !c.held() && c.fence <= claim.fence);
                    let position = if claim.held() { 0 } else { ahead.count() };
                    assert_eq!(view.position as usize, position);
                }
                (ClaimStatus::Ended(ended), None) => {
                    let tombstone = self.model.tombstones.get(&key).map(|t| t.end.to_owned());
                    let end = tombstone.unwrap_or_default();
                    assert_eq!(
                        format!("{:?}", ended.end),
                        end.trim_end_matches("ByOther"),
                        "{key:?}"
                    );
                }
                (ClaimStatus::Unknown, None) => {
                    assert!(
                        !self.model.tombstones.contains_key(&key),
                        "{key:?} is forgotten"
                    );
                }
                (found, expected) => panic!("{key:?} is {found:?}, expected {expected:?}"),
            }
        }
    }
}

/// By counting: as many as said are not larger, and with any smaller value fewer would be.
fn check_quantiles(found: Quantiles, values: Vec<u64>) {
    for (percent, quantile) in [(50, found.p50), (95, found.p95)] {
        let not_larger = values.iter().filter(|v| **v <= quantile).count();
        let smaller = values.iter().filter(|v| **v < quantile).count();
        assert!(values.contains(&quantile), "{quantile} of {values:?}");
        assert!(
            not_larger * 100 >= percent * values.len(),
            "{found:?} of {values:?}"
        );
        assert!(
            smaller * 100 < percent * values.len(),
            "{found:?} of {values:?}"
        );
    }
}

/// Its id as the model has it.
fn own_id(claim: &Claim) -> String {
    if claim.is_foreign() {
        String::new()
    } else {
        claim.id.as_str().to_owned()
    }
}

/// Until when its release is wanted, and until when it is needed.
fn asked(claim: &Claim) -> Option<(u64, Option<u64>)> {
    let request = claim.release_request.as_ref()?;
    Some((request.until.0, request.needs_until.map(|at| at.0)))
}

fn standing(state: &ClaimState) -> Standing {
    let at = |time: &Option<LogTime>| time.map(|time| time.0);
    match state {
        ClaimState::Waiting { deadline } => Standing::Waiting {
            deadline: at(deadline),
        },
        ClaimState::Held {
            granted,
            expires,
            acknowledge_by,
        } => Standing::Held {
            granted: granted.log_time.0,
            expires: at(expires),
            acknowledge_by: at(acknowledge_by),
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn locks_behave_like_the_naive_model(ops in prop::collection::vec(op(), 1..120)) {
        let mut world = World::new();
        for op in &ops {
            world.step(op);
            world.check();
        }
    }
}
