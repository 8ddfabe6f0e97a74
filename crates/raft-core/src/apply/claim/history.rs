//! What is remembered of holds that ended.

use std::sync::Arc;

use crate::apply::Step;
use crate::apply::claim::ending::Ending;
use crate::history::{History, PastHold, kept_of};
use crate::ids::{LockName, SessionName};
use crate::limits;
use crate::lock::{Claim, ClaimState};
use crate::session::Session;
use crate::state::State;

impl Step<'_> {
    /// Remembers a hold that ends now; a claim that only waited is no hold. When too many are
    /// remembered the lock that was not used for longest is forgotten.
    pub(super) fn remember_hold(&mut self, claim: &Claim, ending: Ending<'_>) {
        let ClaimState::Held { granted, .. } = claim.state else {
            return;
        };
        while self.state.index.past_holds >= limits::HISTORY_MAX {
            let Some((_, oldest)) = self.state.index.histories_by_age.get_min().cloned() else {
                break;
            };
            self.forget_history(&oldest);
        }
        let (now, lock) = (self.now, &claim.lock);
        let State {
            histories,
            index,
            sessions,
            ..
        } = &mut *self.state;
        let hold = |last: Option<&PastHold>| {
            let (session_name, owner) = match last {
                Some(last) if last.session == claim.session => {
                    (last.session_name.clone(), last.owner.clone())
                }
                Some(_) | None => sessions.get(&claim.session).map_or((None, None), behind),
            };
            Arc::new(PastHold {
                claim: claim.id.clone(),
                session: claim.session,
                session_name,
                owner,
                mode: claim.mode,
                fence: claim.fence,
                queued: claim.queued,
                granted,
                ended: now,
                end: ending.end,
                reason: claim.reason.as_deref().map(kept_of),
                end_reason: ending.reason.map(kept_of),
            })
        };
        // Put off in steps, so that most holds change no deadline.
        let at_least = now.log_time.after(limits::HISTORY_MS);
        let put_off = at_least.after(limits::HISTORY_STEP_MS);
        let known = histories.update(lock, |history| {
            let added = history.push(hold(history.last()));
            index.past_holds = index.past_holds.saturating_add(usize::from(added));
            if history.forget_at < at_least {
                index.forget_history_deadline(lock, history.forget_at);
                history.forget_at = put_off;
                index.note_history_deadline(lock, history.forget_at);
            }
        });
        if known.is_none() {
            let mut history = History::default();
            history.forget_at = put_off;
            history.push(hold(None));
            index.note_history(lock, &history);
            histories.insert(lock.clone(), history);
        }
    }

    /// Drops what is remembered of the holds of a lock, if there is something.
    pub(in crate::apply) fn forget_history(&mut self, lock: &LockName) {
        if let Some(former) = self.state.histories.remove(lock) {
            self.state.index.forget_history(lock, &former);
        }
    }
}

/// What is kept of a session beside its number.
fn behind(session: &Session) -> (Option<SessionName>, Option<Arc<str>>) {
    let text = session.owner.in_one_line();
    let owner = (!text.is_empty()).then(|| kept_of(&text));
    (session.name.clone(), owner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::LockMode;
    use crate::ids::{ClaimId, Fence, LogTime, SessionId, Zxid};
    use crate::lock::ClaimEnd;

    fn held(lock: &str, state: &State) -> Claim {
        let fence = Fence(state.clock.zxid.0);
        Claim {
            lock: LockName::parse(lock).unwrap(),
            id: ClaimId::parse("c").unwrap(),
            reentries: std::collections::BTreeSet::new(),
            first_released: false,
            session: SessionId(1),
            mode: LockMode::Exclusive,
            fence,
            znode_name: String::new(),
            downgrade: None,
            queued: state.clock,
            state: ClaimState::Held {
                granted: state.clock,
                expires: None,
                acknowledge_by: None,
            },
            ttl_ms: None,
            ack_within_ms: None,
            reentrant: false,
            reason: Some("r".repeat(limits::OWNER_FIELD_BYTES_MAX)),
            labels: std::collections::BTreeMap::new(),
            all_of: Vec::new(),
            release_request: None,
            fingerprint: 1,
        }
    }

    fn remember(state: &mut State, lock: &str, log_time: u64) {
        state.clock.zxid = Zxid(state.clock.zxid.0 + 1);
        state.clock.log_time = LogTime(log_time);
        let claim = held(lock, state);
        let now = state.clock;
        Step::new(state, now, &[]).remember_hold(&claim, Ending::from(ClaimEnd::Released));
    }

    #[test]
    fn the_lock_not_used_for_longest_is_forgotten_when_there_are_too_many_holds() {
        let mut state = State::new();
        let step = limits::HISTORY_STEP_MS + 1;
        remember(&mut state, "old", 0);
        remember(&mut state, "used", step);
        remember(&mut state, "old", 3 * step);
        let mut locks = 0;
        while state.index.past_holds < limits::HISTORY_MAX {
            remember(&mut state, &format!("l{locks}"), 4 * step);
            locks += 1;
        }
        let known = |state: &State, lock: &str| {
            let name = LockName::parse(lock).unwrap();
            state.histories.contains_key(&name)
        };
        assert!(known(&state, "used"));
        remember(&mut state, "more", 4 * step);
        assert!(!known(&state, "used"), "used longest ago");
        assert!(known(&state, "old"), "used again since");
        assert_eq!(state.index.past_holds, limits::HISTORY_MAX);
        state.check_invariants().unwrap();
    }

    #[test]
    fn a_lock_in_use_is_not_forgotten_and_keeps_its_last_holds() {
        let mut state = State::new();
        let hours = 3 * limits::HISTORY_MS / 3_600_000;
        for hour in 0..hours {
            remember(&mut state, "a", hour * 3_600_000);
            state.check_invariants().unwrap();
            assert!(state.next_due().unwrap() > state.log_time());
        }
        let (_, history) = state.histories.iter().next().unwrap();
        assert_eq!(history.remembered() as usize, limits::HISTORY_PER_LOCK_MAX);
        assert_eq!(history.count(), hours);
        let newest = history.newest_first().next().unwrap();
        assert_eq!(newest.ended, state.clock);
    }
}
