//! The invariants of the state machine, I-1 to I-12 of `raft-core`.

use raft_core::ids::Zxid;

use super::{Invariant, View};

/// Every so many steps: the check walks over the whole state.
const STEPS: u64 = 25;

#[derive(Default)]
pub(super) struct StateHolds {
    step: u64,
    checked: Zxid,
}

impl Invariant for StateHolds {
    fn name(&self) -> &'static str {
        "state"
    }

    fn check(&mut self, view: &View<'_>) -> Result<(), String> {
        self.step += 1;
        if !self.step.is_multiple_of(STEPS) {
            return Ok(());
        }
        // Nodes at the same position are equal, which another property checks.
        let furthest = view
            .running
            .iter()
            .max_by_key(|seen| seen.state.last_zxid());
        let Some(seen) = furthest else { return Ok(()) };
        let zxid = seen.state.last_zxid();
        if zxid <= self.checked {
            return Ok(());
        }
        self.checked = zxid;
        let held = seen.state.check_invariants();
        held.map_err(|why| format!("node {} at {zxid}: {why}", seen.id))
    }
}
