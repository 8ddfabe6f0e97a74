//! What happens at its time.

use crate::apply::Step;
use crate::apply::claim::ending::Ending;
use crate::ids::{Fence, LockName, LogTime};
use crate::limits;
use crate::lock::{ClaimEnd, ClaimState};
use crate::outcome::{Refusal, Reply};
use crate::service::InstanceEnd;
use crate::state::Due;

impl Step<'_> {
    /// Handles what is due by now, in order of time, as much as one command may.
    pub(crate) fn expire_due(&mut self) -> Result<Reply, Refusal> {
        let mut count = 0;
        while count < limits::DUE_PER_COMMAND_MAX
            && let Some((at, due)) = self.next_due()
        {
            self.handle(at, &due);
            // Otherwise this command, and every later one, would handle the same entry for ever.
            let left = self.state.index.due.contains(&(at, due.clone()));
            assert!(
                !left,
                "deadline {due:?} of {at} was handled and still stands"
            );
            count += 1;
        }
        Ok(Reply::ExpiredDue {
            count,
            more: self.next_due().is_some(),
        })
    }

    fn next_due(&self) -> Option<(LogTime, Due)> {
        let first = self.state.index.due.get_min()?;
        (first.0 <= self.now.log_time).then(|| first.clone())
    }

    fn handle(&mut self, at: LogTime, due: &Due) {
        match due {
            Due::ClaimWait(lock, fence) => self.end_wait(at, lock, *fence),
            Due::ClaimHold(lock, fence) => self.end_hold(at, lock, *fence),
            Due::ClaimAcknowledge(lock, fence) => self.abandon(at, lock, *fence),
            Due::LockDelay(lock) => {
                let until = self
                    .state
                    .locks
                    .get(lock)
                    .and_then(|record| record.delayed_until);
                assert!(
                    until == Some(at),
                    "lock {lock} is delayed until {until:?}, not {at}"
                );
                self.end_delay(lock);
            }
            Due::ZnodeTtl(path) | Due::Container(path) => {
                self.reap_znode(path);
            }
            Due::ForgetClaim(lock, id) => self.forget_ended_claim(&(lock.clone(), id.clone())),
            Due::ForgetSession(id) => self.forget_ended_session(*id),
            Due::ForgetAnswer(key) => self.state.forget_answer(key),
            Due::ForgetStaging(upload) => self.state.drop_staging(*upload),
            Due::Transfer(election) => self.transfer_due(at, election),
            Due::ForgetCandidate(election, id) => {
                self.forget_ended_candidate(&(election.clone(), id.clone()));
            }
            Due::ForgetHistory(lock) => self.forget_history(lock),
            Due::InstanceTtl(key) => self.end_instance(key, InstanceEnd::TtlElapsed),
            Due::SetAside(key) => self.bring_back(key),
            Due::Reservation(service, id) => {
                self.end_reservation(&(service.clone(), *id));
            }
            Due::ReplaceKey(key) => self.state.key_due(*key),
            Due::ForgetKey(key) => self.state.forget_key(*key),
        }
    }

    fn end_wait(&mut self, at: LogTime, lock: &LockName, fence: Fence) {
        let key = (lock.clone(), fence);
        let state = &self.claim(&key).state;
        let stands = matches!(state, ClaimState::Waiting { deadline } if *deadline == Some(at));
        assert!(
            stands,
            "claim {fence} of {lock} does not wait until {at}: {state:?}"
        );
        self.end_claim(&key, Ending::from(ClaimEnd::WaitElapsed));
    }

    fn end_hold(&mut self, at: LogTime, lock: &LockName, fence: Fence) {
        let key = (lock.clone(), fence);
        let state = &self.claim(&key).state;
        let stands = matches!(state, ClaimState::Held { expires, .. } if *expires == Some(at));
        assert!(
            stands,
            "claim {fence} of {lock} does not hold until {at}: {state:?}"
        );
        self.end_claim(&key, Ending::from(ClaimEnd::Expired));
    }

    fn abandon(&mut self, at: LogTime, lock: &LockName, fence: Fence) {
        let key = (lock.clone(), fence);
        let state = &self.claim(&key).state;
        let stands =
            matches!(state, ClaimState::Held { acknowledge_by, .. } if *acknowledge_by == Some(at));
        assert!(
            stands,
            "claim {fence} of {lock} need not be picked up by {at}: {state:?}"
        );
        self.end_claim(&key, Ending::from(ClaimEnd::Abandoned));
    }
}
