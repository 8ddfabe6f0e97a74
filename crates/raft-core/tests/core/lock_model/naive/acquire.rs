//! Joining a queue.

use raft_core::command::LockMode;

use super::{Model, Verdict};
use crate::lock_model::queue::{Ask, Claim, Standing, acknowledge};

impl Model {
    pub(in crate::lock_model) fn acquire(
        &mut self,
        (lock, id): (&str, &str),
        session: Option<u64>,
        ask: &Ask,
        fence: u64,
    ) -> Verdict {
        let now = self.now;
        if let Some(at) = self.find(lock, id) {
            let claim = &mut self.lock(lock).queue[at];
            let permits = matches!(ask.mode, LockMode::Permits(_));
            let same = if claim.id == id {
                claim.ask
                    == Ask {
                        ack_within: claim.ask.ack_within,
                        ..ask.clone()
                    }
            } else {
                ask.reentrant && !permits && session.is_some()
            };
            if !same {
                return Err("ClaimMismatch");
            }
            if claim.session != session {
                return Err("NotOwner");
            }
            acknowledge(claim);
            return Ok(());
        }
        if self
            .tombstones
            .contains_key(&(lock.to_owned(), id.to_owned()))
        {
            return Err("ClaimEnded");
        }
        let record = self.lock(lock);
        if record.queue.iter().any(|c| c.id == id) {
            return Err("ClaimMismatch");
        }
        if ask.reentrant
            && !matches!(ask.mode, LockMode::Permits(_))
            && let Some(hold) = record.queue.first_mut()
            && hold.held()
            && hold.ask.reentrant
            && hold.ask.mode == LockMode::Exclusive
            && hold.session == session
            && session.is_some()
        {
            hold.live_ids.push(id.to_owned());
            acknowledge(hold);
            return Ok(());
        }
        let ttl = ask.ttl.or(ask.implicit.then_some(60_000));
        self.queue_up(
            lock,
            Claim {
                id: id.to_owned(),
                fence,
                queued: now,
                session,
                standing: Standing::Waiting {
                    deadline: ask.wait.map(|ms| now + ms),
                },
                live_ids: vec![id.to_owned()],
                ask: ask.clone(),
                ttl,
                foreign: false,
                asked: None,
                reads_on: false,
            },
        )
    }

    /// The client of the write hold at the head makes its reader's znode; any other client's znode of
    /// such a name is no claim.
    pub(in crate::lock_model) fn read_on(&mut self, lock: &str, session: u64) {
        let first = self.lock(lock).queue.first_mut();
        if let Some(first) = first.filter(|first| first.session == Some(session)) {
            first.reads_on = true;
        }
    }

    /// A ZooKeeper client makes a claim as a znode.
    pub(in crate::lock_model) fn znode_created(
        &mut self,
        lock: &str,
        session: u64,
        (mode, fence): (LockMode, u64),
    ) -> Verdict {
        let queued = self.now;
        let ask = Ask {
            mode,
            limit: None,
            implicit: false,
            wait: None,
            ttl: None,
            ack_within: None,
            reentrant: false,
        };
        self.queue_up(
            lock,
            Claim {
                id: String::new(),
                fence,
                queued,
                session: Some(session),
                standing: Standing::Waiting { deadline: None },
                live_ids: Vec::new(),
                ask,
                ttl: None,
                foreign: true,
                asked: None,
                reads_on: false,
            },
        )
    }

    fn queue_up(&mut self, lock: &str, claim: Claim) -> Verdict {
        let now = self.now;
        let record = self.lock(lock);
        if !record.takes(claim.ask.mode) {
            return Err("ModeMismatch");
        }
        let delayed = record.delayed_until.is_some_and(|until| until > now);
        let waiters = record.queue.iter().filter(|c| !c.held()).count();
        let free = waiters == 0 && !delayed && record.compatible(claim.ask.mode);
        if !free && claim.ask.wait == Some(0) {
            return Err("LockHeld");
        }
        let most = record.settings.as_ref().and_then(|s| s.max_waiters);
        if !free && most.is_some_and(|most| waiters >= most as usize) {
            return Err("LimitReached");
        }
        if !free && !claim.foreign && self.would_never_end(lock, &claim) {
            return Err("Deadlock");
        }
        let record = self.lock(lock);
        if !delayed && record.delayed_until.take().is_some() {
            record.serve(now);
        }
        // The delay that was just ended may have let waiters in beside whom this claim fits.
        let all_held = record.queue.iter().all(Claim::held);
        let free = all_held && !delayed && record.compatible(claim.ask.mode);
        record.queue.push(claim);
        if free {
            let at = record.queue.len() - 1;
            record.give(at, now, false);
        }
        Ok(())
    }
}
