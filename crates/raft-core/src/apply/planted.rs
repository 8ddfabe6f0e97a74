//! What planted bugs do to the state (crate `mutant`). Nothing of this is in a build without them.

use crate::apply::Step;
use crate::ids::{Fence, LockName, ZnodePath, Zxid};
use crate::session::SessionEnd;
use crate::state::State;

/// Digits of a sequential suffix.
const SUFFIX_DIGITS: usize = 10;

impl State {
    /// `m08`: forgets who holds and waits for locks. The znodes of the claims stay.
    pub fn forget_claims(&mut self) {
        let keys: Vec<(LockName, Fence)> = self.claims.iter().map(|(key, _)| key.clone()).collect();
        for key in &keys {
            if let Some(claim) = self.claims.remove(key) {
                self.index.forget_claim(&claim);
            }
        }
        let now = self.clock;
        let mut step = Step::new(self, now, &[]);
        for (lock, _) in keys
            .chunk_by(|one, next| one.0 == next.0)
            .flat_map(<[_]>::first)
        {
            step.update_lock(lock, |record| {
                record.holders = 0;
                record.waiters = 0;
                record.permits_held = 0;
                record.agreed_limit = None;
            });
        }
    }

    /// `m10`: the highest number that something still there was made with.
    pub(crate) fn highest_number_in_use(&self) -> Zxid {
        let sessions = self.sessions.last().map_or(0, |id| id.0);
        let claims = self.claims.iter().map(|((_, fence), _)| fence.0);
        let locks = self.locks.iter().map(|(_, lock)| lock.granted_up_to.0);
        Zxid(claims.chain(locks).fold(sessions, u64::max))
    }

    /// `m15`: the state as it would be had nobody ever had a session.
    pub(crate) fn without_sessions(&self) -> State {
        let mut state = self.clone();
        let now = state.clock;
        let sessions: Vec<_> = state.sessions.iter().map(|(id, _)| *id).collect();
        let mut step = Step::new(&mut state, now, &[]);
        for id in sessions {
            // Sessions of single claims end with their claims.
            if step.state.sessions.contains_key(&id) {
                step.end_session(id, SessionEnd::Closed);
                step.forget_ended_session(id);
            }
        }
        state
    }

    /// `m21`: one more than the highest suffix among the children that are there.
    pub(crate) fn sequence_after_present_children(&self, parent: &ZnodePath) -> i32 {
        let children = self.children(parent, None, usize::MAX).unwrap_or_default();
        let suffix = |name: &String| -> Option<i32> {
            let at = name.len().checked_sub(SUFFIX_DIGITS)?;
            name.get(at..)?.parse().ok()
        };
        let highest = children.iter().filter_map(|(name, _)| suffix(name)).max();
        highest.map_or(0, |highest| highest.saturating_add(1))
    }
}
