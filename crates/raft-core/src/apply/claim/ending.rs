//! How claims end.
//!
//! Claims that end together are all taken out of the queue before it is served, so that none of
//! them is granted on its way out.

use mutant::Mutant;

use crate::apply::Step;
use crate::apply::claim::records::ClaimKey;
use crate::event::EventKind;
use crate::ids::{LockName, LogTime, SessionId, ZnodePath};
use crate::lock::{Claim, ClaimEnd, EndedClaim};
use crate::session::{SessionEnd, SessionKind};

/// How a claim is to end.
#[derive(Clone, Copy, Debug)]
pub(in crate::apply) struct Ending<'a> {
    /// How.
    pub(in crate::apply) end: ClaimEnd,
    /// Why, where somebody said so.
    pub(in crate::apply) reason: Option<&'a str>,
    /// Whether its znode is gone already.
    pub(in crate::apply) znode_removed: bool,
}

impl From<ClaimEnd> for Ending<'_> {
    fn from(end: ClaimEnd) -> Self {
        Ending {
            end,
            reason: None,
            znode_removed: false,
        }
    }
}

/// What the record of a lock still counts of claims that were taken out of its queue.
#[derive(Debug, Default)]
pub(in crate::apply) struct Departures {
    holders: u32,
    waiters: u32,
    permits: u32,
    delayed_until: Option<LogTime>,
}

impl Departures {
    fn count(&mut self, claim: &Claim) {
        if claim.is_held() {
            self.holders += 1;
            self.permits += claim.permits();
        } else {
            self.waiters += 1;
        }
    }
}

impl Step<'_> {
    /// Ends a claim, those of other locks that it was made together with, and serves the queues behind
    /// them; its implicit session ends with it.
    pub(in crate::apply) fn end_claim(&mut self, key: &ClaimKey, ending: Ending<'_>) -> EndedClaim {
        let others: Vec<LockName> = self.claim(key).others().cloned().collect();
        let ended = self.detach_and_count(key, ending);
        // A client that deletes one of the znodes has not deleted those of the others.
        let of_others = Ending {
            znode_removed: false,
            ..ending
        };
        for lock in &others {
            self.detach_and_count(&(lock.clone(), key.1), of_others);
        }
        // Served after all are out, so that a delay of one holds off who wants it with another.
        self.grant_waiters(&key.0);
        for lock in &others {
            self.grant_waiters(lock);
        }
        self.end_implicit_session(ended.session);
        ended
    }

    fn detach_and_count(&mut self, key: &ClaimKey, ending: Ending<'_>) -> EndedClaim {
        let mut departures = Departures::default();
        let ended = self.detach_claim(key, ending, &mut departures);
        self.count_departures(&key.0, &departures);
        ended
    }

    /// Ends a session that was made for one claim alone, after that claim ended.
    pub(in crate::apply) fn end_implicit_session(&mut self, session: SessionId) {
        let kind = self
            .state
            .sessions
            .get(&session)
            .map(|session| session.kind);
        if kind == Some(SessionKind::Implicit) {
            self.end_session(session, SessionEnd::Closed);
        }
    }

    /// Takes a claim out of the queue. The record of its lock counts it until
    /// [`Step::count_departures`], which the caller owes once for all claims of the lock that end
    /// together: a session may have a hundred thousand in one queue.
    pub(in crate::apply) fn detach_claim(
        &mut self,
        key: &ClaimKey,
        ending: Ending<'_>,
        departures: &mut Departures,
    ) -> EndedClaim {
        let claim = self.remove_claim(key);
        let ended = self.ended(&claim, ending);
        if !ending.znode_removed {
            self.remove_znode(&znode_of(&claim, &claim.znode_name));
        }
        if let Some(name) = &claim.downgrade {
            self.remove_znode(&znode_of(&claim, name));
        }
        departures.count(&claim);
        if mutant::is(Mutant::PermitReturnedTwice) && ending.end == ClaimEnd::SessionExpired {
            departures.permits += if claim.is_held() { claim.permits() } else { 0 };
        }
        let delay_ms = if ended.held {
            self.delay_ms_after(&claim, ending.end)
        } else {
            0
        };
        let delayed_until = (delay_ms > 0).then(|| self.now.log_time.after(delay_ms));
        departures.delayed_until = departures.delayed_until.max(delayed_until);
        self.remember_ids(&claim, &ended);
        self.remember_hold(&claim, ending);
        self.events.push(EventKind::ClaimEnded {
            lock: ended.lock.clone(),
            claim: ended.id.clone(),
            fence: ended.fence,
            session: ended.session,
            held: ended.held,
            end: ended.end,
            reason: ended.reason.clone(),
        });
        ended
    }

    /// Brings the record of a lock up to date after claims of it ended. Its queue is to be served then.
    pub(in crate::apply) fn count_departures(&mut self, lock: &LockName, departures: &Departures) {
        self.update_lock(lock, |record| {
            record.holders -= departures.holders;
            record.waiters -= departures.waiters;
            record.permits_held = if mutant::is(Mutant::PermitReturnedTwice) {
                record.permits_held.saturating_sub(departures.permits)
            } else {
                record.permits_held - departures.permits
            };
            if record.claims() == 0 {
                record.agreed_limit = None;
            }
            record.delayed_until = record.delayed_until.max(departures.delayed_until);
        });
    }

    #[expect(
        clippy::expect_used,
        reason = "keys come from the index or the table itself"
    )]
    fn remove_claim(&mut self, key: &ClaimKey) -> Claim {
        let removed = self.state.claims.remove(key);
        let claim = removed.expect("a key that was just looked up names a live claim");
        self.state.index.forget_claim(&claim);
        claim
    }

    /// How long nobody may have the lock after a hold ended like this. Not after an abandoned
    /// hand-over, which nobody worked under, and not after a session deleted the znode of its own
    /// claim, which is how ZooKeeper clients release; somebody else who deletes it breaks the lock.
    fn delay_ms_after(&self, claim: &Claim, end: ClaimEnd) -> u64 {
        let of_lock = || {
            let settings = self
                .state
                .locks
                .get(&claim.lock)
                .and_then(|l| l.settings.as_ref());
            settings.map_or(0, |settings| settings.lock_delay_ms)
        };
        let of_session = || {
            self.state
                .sessions
                .get(&claim.session)
                .map_or(0, |session| session.lock_delay_ms)
        };
        match end {
            ClaimEnd::Released
            | ClaimEnd::Left
            | ClaimEnd::WaitElapsed
            | ClaimEnd::Abandoned
            | ClaimEnd::SessionClosed => 0,
            ClaimEnd::ZnodeDeleted if self.session == Some(claim.session) => 0,
            ClaimEnd::Expired | ClaimEnd::Broken | ClaimEnd::ZnodeDeleted => of_lock(),
            ClaimEnd::SessionExpired => of_lock().max(of_session()),
        }
    }
}

/// A znode of a claim.
#[expect(
    clippy::expect_used,
    reason = "the znode exists, so its path was valid"
)]
fn znode_of(claim: &Claim, name: &str) -> ZnodePath {
    claim
        .lock
        .znode()
        .child(name)
        .expect("the path of a claim's znode is valid")
}
