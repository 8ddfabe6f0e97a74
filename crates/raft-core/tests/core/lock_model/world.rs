//! The state machine and the model side by side.

mod claims;
mod sessions;

use std::collections::{BTreeMap, VecDeque};

use raft_core::command::{Acquire, Command, Request, RequestId, SessionRef, Stamp};
use raft_core::event::EventKind;
use raft_core::ids::{ClaimId, Fence, LockName, LogTime, SessionId, WallTime};
use raft_core::outcome::{Outcome, Refusal, Reply};
use raft_core::state::State;

use crate::dry_run;

use super::naive::{Model, Verdict};
use super::ops::Op;
use super::queue::Standing;
use super::{LOCKS, SLOTS};

/// Requests kept to be tried again.
const LATELY: usize = 3;

/// The two side by side.
pub(super) struct World {
    pub(super) state: State,
    pub(super) model: Model,
    /// Sessions of each slot, the last one opened.
    slots: [Option<u64>; SLOTS],
    last: Option<Request>,
    /// The last requests, tried again before each one.
    lately: VecDeque<Request>,
    /// Fence of the last grant of each lock.
    granted: BTreeMap<LockName, Fence>,
    incarnations: u64,
}

pub(super) fn lock_name(lock: usize) -> LockName {
    LockName::parse(LOCKS[lock]).unwrap()
}

pub(super) fn claim_id(id: u8) -> ClaimId {
    ClaimId::parse(&format!("c{id}")).unwrap()
}

/// Name of a refusal, as the model calls it.
fn verdict(outcome: &Outcome) -> Verdict {
    match &outcome.result {
        Ok(_) => Ok(()),
        Err(Refusal::ClaimMismatch { .. }) => Err("ClaimMismatch"),
        Err(Refusal::NotOwner { .. }) => Err("NotOwner"),
        Err(Refusal::ClaimEnded(_)) => Err("ClaimEnded"),
        Err(Refusal::ModeMismatch { .. }) => Err("ModeMismatch"),
        Err(Refusal::LockHeld { .. }) => Err("LockHeld"),
        Err(Refusal::Deadlock { .. }) => Err("Deadlock"),
        Err(Refusal::LimitReached { .. }) => Err("LimitReached"),
        Err(Refusal::NoClaim { .. }) => Err("NoClaim"),
        Err(Refusal::NotHolder { .. }) => Err("NotHolder"),
        Err(Refusal::NotAsked { .. }) => Err("NotAsked"),
        Err(Refusal::FenceStale { .. }) => Err("FenceStale"),
        Err(Refusal::SessionEnded(_)) => Err("SessionEnded"),
        Err(Refusal::SessionActive { .. }) => Err("SessionActive"),
        Err(Refusal::NoSession { .. }) => Err("NoSession"),
        Err(other) => panic!("refusal the model does not know: {other}"),
    }
}

impl World {
    pub(super) fn new() -> World {
        World {
            state: State::new(),
            model: Model::default(),
            slots: [None; SLOTS],
            last: None,
            lately: VecDeque::new(),
            granted: BTreeMap::new(),
            incarnations: 0,
        }
    }

    fn apply(&mut self, session: Option<u64>, command: Command) -> Outcome {
        let request = Request {
            id: RequestId::default(),
            identities: Vec::new(),
            session: session.map(|id| SessionRef::Id(SessionId(id))),
            fences: Vec::new(),
            terms: Vec::new(),
            idempotency: None,
            command,
        };
        let outcome = self.apply_request(&request);
        self.last = Some(request);
        outcome
    }

    fn apply_request(&mut self, request: &Request) -> Outcome {
        let stamp = Stamp {
            log_time: LogTime(self.model.now),
            wall: WallTime(self.model.now),
        };
        // Any number of dry runs, of whatever was asked lately: the model does not know of them.
        for other in &self.lately {
            let _ = dry_run::of(&self.state, stamp, other);
        }
        let told = dry_run::of(&self.state, stamp, request);
        let outcome = self.state.apply(stamp, request);
        dry_run::check(&told, &outcome, &self.state);
        self.lately.push_back(request.clone());
        if self.lately.len() > LATELY {
            self.lately.pop_front();
        }
        self.check_grants(&outcome);
        outcome
    }

    /// Fences of one lock strictly increase in the order of its grants.
    fn check_grants(&mut self, outcome: &Outcome) {
        for event in &outcome.events {
            if let EventKind::ClaimGranted { lock, fence, .. } = &event.kind {
                let former = self.granted.insert(lock.clone(), *fence);
                assert!(
                    former < Some(*fence),
                    "{lock}: fence {fence} after {former:?}"
                );
            }
        }
    }

    pub(super) fn step(&mut self, op: &Op) {
        if !matches!(op, Op::Again) {
            self.last = None;
        }
        match op {
            Op::Open { slot, delay } => self.open(*slot, *delay),
            Op::Close { slot } => self.close(*slot),
            Op::Expire { slot, stale } => self.expire(*slot, *stale),
            Op::Acquire {
                slot,
                lock,
                id,
                ask,
            } => self.acquire(*slot, *lock, *id, ask),
            Op::Release { slot, lock, id } => {
                let command = Command::ReleaseClaim {
                    lock: lock_name(*lock),
                    claim: claim_id(*id),
                };
                self.on_claim(*slot, command, |model, who| {
                    model.release(LOCKS[*lock], claim_id(*id).as_str(), who)
                });
            }
            Op::Acknowledge { slot, lock, id } => {
                let (lock_, claim) = (lock_name(*lock), claim_id(*id));
                self.on_claim(
                    *slot,
                    Command::AcknowledgeGrant { lock: lock_, claim },
                    |m, who| m.acknowledge(LOCKS[*lock], claim_id(*id).as_str(), who),
                );
            }
            Op::Extend {
                slot,
                lock,
                id,
                ttl,
            } => {
                let (lock_, claim) = (lock_name(*lock), claim_id(*id));
                let command = Command::ExtendClaim {
                    lock: lock_,
                    claim,
                    ttl_ms: *ttl,
                    reason: None,
                };
                self.on_claim(*slot, command, |model, who| {
                    model.extend(LOCKS[*lock], claim_id(*id).as_str(), who, *ttl)
                });
            }
            Op::Break { lock, nth } => self.break_claim(*lock, *nth),
            Op::Ask { lock, nth, within } => self.ask(*lock, *nth, *within),
            Op::Answer {
                slot,
                lock,
                id,
                needs,
            } => self.answer(*slot, *lock, *id, *needs),
            Op::Configure { lock, settings } => self.configure(*lock, settings),
            Op::ZnodeCreate { slot, lock, recipe } => self.znode_create(*slot, *lock, *recipe),
            Op::ReadOn { slot, lock } => self.read_on(*slot, *lock),
            Op::StopReading { slot, lock } => self.stop_reading(*slot, *lock),
            Op::ZnodeDelete { slot, lock, nth } => self.znode_delete(*slot, *lock, *nth),
            Op::Again => self.again(),
            Op::Advance { ms, expire } => self.advance(*ms, *expire),
        }
    }

    /// The session of a slot, if it is open: one that is not is tried in the scripts.
    fn live(&self, slot: usize) -> Option<u64> {
        self.slots[slot].filter(|id| self.model.sessions.contains_key(id))
    }

    /// A repeated acquire, acknowledgement, release or close says the same and changes nothing.
    fn again(&mut self) {
        let Some(request) = self.last.clone() else {
            return;
        };
        let repeatable = matches!(
            request.command,
            Command::Acquire(_)
                | Command::AcknowledgeGrant { .. }
                | Command::ReleaseClaim { .. }
                | Command::CloseSession(_)
        );
        let acting = match &request.session {
            Some(SessionRef::Id(id) | SessionRef::Attached(id, _)) => {
                self.model.sessions.contains_key(&id.0)
            }
            Some(SessionRef::Name(_)) | None => true,
        };
        if !repeatable || !acting {
            return;
        }
        let (first, second) = (self.apply_request(&request), self.apply_request(&request));
        // The first repeat may pick a hand-over up that the command itself did not.
        assert!(
            first.events.is_empty() && second.events.is_empty(),
            "{first:?} {second:?}"
        );
        assert_eq!(first.result.is_ok(), second.result.is_ok());
        if let Command::Acquire(acquire) = &request.command
            && first.result.is_ok()
        {
            self.model_repeat(acquire);
        }
    }

    fn model_repeat(&mut self, acquire: &Acquire) {
        let lock = self.model.lock(acquire.lock.as_str());
        let claim = lock
            .queue
            .iter_mut()
            .find(|claim| claim.live_ids.iter().any(|id| id == acquire.claim.as_str()));
        if let Some(Standing::Held { acknowledge_by, .. }) = claim.map(|claim| &mut claim.standing)
        {
            *acknowledge_by = None;
        }
    }

    fn advance(&mut self, ms: u64, expire: bool) {
        self.model.now += ms;
        if expire {
            let outcome = self.apply(None, Command::ExpireDue);
            assert!(matches!(
                outcome.result,
                Ok(Reply::ExpiredDue { more: false, .. })
            ));
            self.model.expire_due();
        }
    }
}
