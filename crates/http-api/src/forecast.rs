//! How long a wait for a lock may take, from how long holds took before.
//!
//! An estimate for people and for clients that choose between waiting and something else. Nothing is
//! decided by it and nothing of it is replicated.

use http_types::v1::locks as v1;
use raft_core::history::{History, HoldStatistics};
use raft_core::ids::LockName;
use raft_core::lock::{Claim, ClaimState};
use raft_core::state::State;

use crate::limits::HOLDERS_SHOWN_MAX;
use crate::millis::{left, since};

/// Past holds that a forecast needs.
pub(crate) const FORECAST_HOLDS_MIN: u32 = 3;

/// What the waits of one lock are estimated from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forecast {
    /// How long a turn takes.
    turn: v1::Eta,
    /// How long until the next one can begin.
    next: v1::Eta,
    /// How many are served in one turn.
    abreast: u32,
}

impl Forecast {
    /// `None` where fewer than [`FORECAST_HOLDS_MIN`] holds are remembered.
    pub(crate) fn of(state: &State, wall_ms: u64, lock: &LockName) -> Option<Forecast> {
        let statistics = state.history(lock).and_then(History::statistics)?;
        if statistics.holds < FORECAST_HOLDS_MIN {
            return None;
        }
        let holders = state.holders(lock, HOLDERS_SHOWN_MAX);
        let delayed_ms = state.lock(lock).and_then(|view| view.delayed_ms);
        let holds: Vec<Hold> = holders
            .iter()
            .filter_map(|c| Hold::of(c, wall_ms))
            .collect();
        let permits = holders.iter().any(|claim| claim.permits() > 0);
        Some(foreseen(
            &statistics,
            (&holds, permits),
            delayed_ms.unwrap_or(0),
        ))
    }

    /// For the waiter at this place, from 1.
    pub(crate) fn at(&self, position: u32) -> v1::Eta {
        let turns = position.max(1).div_ceil(self.abreast);
        let before = u64::from(turns.saturating_sub(1));
        let sum = |next: u64, turn: u64| next.saturating_add(turn.saturating_mul(before));
        v1::Eta {
            p50: sum(self.next.p50, self.turn.p50),
            p95: sum(self.next.p95, self.turn.p95),
        }
    }
}

/// How a hold stands, milliseconds.
#[derive(Clone, Copy, Debug)]
struct Hold {
    held: u64,
    /// Until it ends by itself.
    expires: Option<u64>,
}

impl Hold {
    fn of(claim: &Claim, wall_ms: u64) -> Option<Hold> {
        match &claim.state {
            ClaimState::Waiting { .. } => None,
            ClaimState::Held {
                granted, expires, ..
            } => Some(Hold {
                held: since(granted, wall_ms),
                expires: expires.map(|at| left(at, granted, wall_ms)),
            }),
        }
    }

    /// What is left of it if it takes `usual` in all.
    fn left(self, usual: u64) -> u64 {
        let left = usual.saturating_sub(self.held);
        left.min(self.expires.unwrap_or(u64::MAX))
    }
}

/// Of permits the first that comes back is enough; otherwise all who hold must end.
fn foreseen(of: &HoldStatistics, (holds, permits): (&[Hold], bool), delayed_ms: u64) -> Forecast {
    let next = |usual: u64| {
        let left = holds.iter().map(|hold| hold.left(usual));
        let left = if permits { left.min() } else { left.max() };
        left.unwrap_or(0).max(delayed_ms)
    };
    let holders = u32::try_from(holds.len()).unwrap_or(u32::MAX).max(1);
    Forecast {
        turn: v1::Eta {
            p50: of.held.p50,
            p95: of.held.p95,
        },
        next: v1::Eta {
            p50: next(of.held.p50),
            p95: next(of.held.p95),
        },
        abreast: if permits { holders } else { 1 },
    }
}

#[cfg(test)]
mod tests {
    use raft_core::command::Moment;
    use raft_core::history::Quantiles;
    use raft_core::ids::{LogTime, WallTime, Zxid};

    use super::*;

    fn statistics() -> HoldStatistics {
        HoldStatistics {
            holds: 5,
            held: Quantiles { p50: 100, p95: 500 },
            waited: Quantiles { p50: 0, p95: 0 },
            since: Moment {
                zxid: Zxid(1),
                log_time: LogTime(0),
                wall: WallTime(0),
            },
        }
    }

    fn at(holds: &[(u64, Option<u64>)], permits: bool, position: u32) -> (u64, u64) {
        let holds: Vec<Hold> = holds
            .iter()
            .map(|(held, expires)| Hold {
                held: *held,
                expires: *expires,
            })
            .collect();
        let eta = foreseen(&statistics(), (&holds, permits), 0).at(position);
        (eta.p50, eta.p95)
    }

    #[test]
    fn a_place_further_back_waits_a_whole_turn_more() {
        assert_eq!(at(&[(60, None)], false, 1), (40, 440));
        assert_eq!(at(&[(60, None)], false, 3), (240, 1_440));
    }

    #[test]
    fn a_hold_that_takes_longer_than_usual_is_over_any_moment() {
        assert_eq!(at(&[(300, None)], false, 1), (0, 200));
        assert_eq!(at(&[(900, None)], false, 2), (100, 500));
    }

    #[test]
    fn the_end_of_a_hold_bounds_what_is_left_of_it() {
        assert_eq!(at(&[(0, Some(50))], false, 1), (50, 50));
    }

    #[test]
    fn a_permit_comes_back_first_and_all_readers_must_end() {
        let holds = [(90, None), (0, None)];
        assert_eq!(at(&holds, true, 1), (10, 410));
        assert_eq!(at(&holds, true, 2), (10, 410));
        assert_eq!(at(&holds, true, 3), (110, 910));
        assert_eq!(at(&holds, false, 1), (100, 500));
    }

    #[test]
    fn a_lock_that_stays_closed_is_had_after_that() {
        let eta = foreseen(&statistics(), (&[], false), 70).at(2);
        assert_eq!((eta.p50, eta.p95), (170, 570));
    }
}
