//! Fences of one lock grow, whoever is asked and whatever was restarted. P-FENCE.

use std::collections::BTreeMap;

use raft_core::ids::{ClaimId, Fence, LockName, Zxid};

use super::{Invariant, View};

/// Locks looked at in one step.
const LOCKS_MAX: usize = 64;
/// Holders of one lock looked at.
const HOLDERS_MAX: usize = 64;

#[derive(Default)]
pub(super) struct Fences {
    at: Zxid,
    highest: BTreeMap<LockName, (Fence, ClaimId)>,
    held: BTreeMap<(LockName, ClaimId), Fence>,
}

impl Invariant for Fences {
    fn name(&self) -> &'static str {
        "fences-grow"
    }

    fn check(&mut self, view: &View<'_>) -> Result<(), String> {
        let furthest = view
            .running
            .iter()
            .max_by_key(|seen| seen.state.last_zxid());
        let Some(seen) = furthest else { return Ok(()) };
        let state = &seen.state;
        if state.last_zxid() <= self.at {
            return Ok(());
        }
        self.at = state.last_zxid();
        for (name, _) in state.locks("", None, LOCKS_MAX) {
            let before = self.highest.get(&name).cloned();
            for claim in state.holders(&name, HOLDERS_MAX) {
                let key = (name.clone(), claim.id.clone());
                let known = self.held.insert(key, claim.fence);
                if known == Some(claim.fence) {
                    continue;
                }
                if let Some((fence, by)) = &before
                    && claim.fence <= *fence
                {
                    return Err(format!(
                        "lock {name}: {} was granted with fence {} after {by} had {fence}",
                        claim.id, claim.fence
                    ));
                }
                let highest = self.highest.entry(name.clone());
                let highest = highest.or_insert_with(|| (claim.fence, claim.id.clone()));
                if claim.fence > highest.0 {
                    *highest = (claim.fence, claim.id.clone());
                }
            }
        }
        Ok(())
    }
}
