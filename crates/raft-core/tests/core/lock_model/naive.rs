//! A lock service written the plain way. It shares no code with the state machine and knows
//! nothing of znodes, indices or counters.

use std::collections::BTreeMap;

use raft_core::command::LockMode;

use super::queue::{Ask, Claim, Lock, Settings, Standing, acknowledge};

/// What the model says of one operation: accepted, or the name of the refusal.
pub(super) type Verdict = Result<(), &'static str>;

const TOMBSTONE_MS: u64 = 15 * 60_000;

/// How an id ended, until when that is remembered.
#[derive(Clone, Debug)]
pub(super) struct Tombstone {
    pub(super) end: &'static str,
    pub(super) forget_at: u64,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) now: u64,
    pub(super) locks: BTreeMap<String, Lock>,
    /// Live sessions with their lock delay.
    pub(super) sessions: BTreeMap<u64, u64>,
    pub(super) tombstones: BTreeMap<(String, String), Tombstone>,
}

impl Model {
    pub(super) fn lock(&mut self, name: &str) -> &mut Lock {
        self.locks.entry(name.to_owned()).or_default()
    }

    fn find(&self, lock: &str, id: &str) -> Option<usize> {
        let queue = &self.locks.get(lock)?.queue;
        queue
            .iter()
            .position(|c| c.live_ids.iter().any(|live| live == id))
    }

    fn bury(&mut self, lock: &str, ids: Vec<String>, end: &'static str) {
        let forget_at = self.now + TOMBSTONE_MS;
        for id in ids {
            self.tombstones
                .insert((lock.to_owned(), id), Tombstone { end, forget_at });
        }
    }

    fn take_out(&mut self, lock: &str, at: usize, end: &'static str) {
        let now = self.now;
        let session_delay = |m: &Model, c: &Claim| {
            c.session
                .and_then(|s| m.sessions.get(&s))
                .copied()
                .unwrap_or(0)
        };
        let claim = self.lock(lock).queue.remove(at);
        let of_session = session_delay(self, &claim);
        let record = self.lock(lock);
        let of_lock = record.settings.as_ref().map_or(0, |s| s.delay);
        let delay = match end {
            "Expired" | "Broken" | "ZnodeDeletedByOther" => of_lock,
            "SessionExpired" => of_lock.max(of_session),
            _ => 0,
        };
        if claim.held() && delay > 0 {
            record.delayed_until = record.delayed_until.max(Some(now + delay));
        }
        self.bury(lock, claim.live_ids, end);
    }

    fn end(&mut self, lock: &str, at: usize, end: &'static str) {
        self.take_out(lock, at, end);
        let now = self.now;
        self.lock(lock).serve(now);
    }

    pub(super) fn acquire(
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
                session,
                standing: Standing::Waiting {
                    deadline: ask.wait.map(|ms| now + ms),
                },
                live_ids: vec![id.to_owned()],
                ask: ask.clone(),
                ttl,
                foreign: false,
            },
        )
    }

    /// A ZooKeeper client makes a claim as a znode.
    pub(super) fn znode_created(
        &mut self,
        lock: &str,
        session: u64,
        (mode, fence): (LockMode, u64),
    ) -> Verdict {
        let ask = Ask {
            mode,
            limit: None,
            implicit: false,
            wait: None,
            ttl: None,
            ack_within: 0,
            reentrant: false,
        };
        self.queue_up(
            lock,
            Claim {
                id: String::new(),
                fence,
                session: Some(session),
                standing: Standing::Waiting { deadline: None },
                live_ids: Vec::new(),
                ask,
                ttl: None,
                foreign: true,
            },
        )
    }

    /// Somebody deletes the znode of a claim.
    pub(super) fn znode_deleted(&mut self, lock: &str, fence: u64, who: Option<u64>) {
        let queue = &self.lock(lock).queue;
        let Some(at) = queue.iter().position(|c| c.fence == fence) else {
            return;
        };
        let own = queue[at].session.is_some() && queue[at].session == who;
        self.end(
            lock,
            at,
            if own {
                "ZnodeDeleted"
            } else {
                "ZnodeDeletedByOther"
            },
        );
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

    /// The claim `who` may dispose of.
    fn own(&self, lock: &str, id: &str, who: Option<u64>) -> Result<usize, &'static str> {
        let Some(at) = self.find(lock, id) else {
            let known = self.tombstones.get(&(lock.to_owned(), id.to_owned()));
            return Err(known.map_or("NoClaim", |_| "ClaimEnded"));
        };
        let owner = self.locks[lock].queue[at].session;
        if owner.is_none() || owner == who {
            Ok(at)
        } else {
            Err("NotOwner")
        }
    }

    pub(super) fn release(&mut self, lock: &str, id: &str, who: Option<u64>) -> Verdict {
        let at = match self.own(lock, id, who) {
            Ok(at) => at,
            Err("ClaimEnded") => {
                let end = self.tombstones[&(lock.to_owned(), id.to_owned())].end;
                return if matches!(end, "Released" | "Left") {
                    Ok(())
                } else {
                    Err("ClaimEnded")
                };
            }
            Err(refused) => return Err(refused),
        };
        let claim = &mut self.lock(lock).queue[at];
        if claim.live_ids.len() > 1 {
            claim.live_ids.retain(|live| live != id);
            self.bury(lock, vec![id.to_owned()], "Released");
            return Ok(());
        }
        let end = if claim.held() { "Released" } else { "Left" };
        self.end(lock, at, end);
        Ok(())
    }

    pub(super) fn acknowledge(&mut self, lock: &str, id: &str, who: Option<u64>) -> Verdict {
        let at = self.own(lock, id, who)?;
        let claim = &mut self.lock(lock).queue[at];
        if !claim.held() {
            return Err("NotHolder");
        }
        acknowledge(claim);
        Ok(())
    }

    pub(super) fn extend(
        &mut self,
        lock: &str,
        id: &str,
        who: Option<u64>,
        ttl: Option<u64>,
    ) -> Verdict {
        let now = self.now;
        let at = self.own(lock, id, who)?;
        let record = self.lock(lock);
        let max = record.settings.as_ref().and_then(|s| s.max_hold);
        let claim = &mut record.queue[at];
        claim.ttl = ttl.or(claim.ttl);
        if let Standing::Held {
            granted,
            expires,
            acknowledge_by,
        } = &mut claim.standing
        {
            let own = claim.ttl.map(|ms| now + ms);
            *expires = [own, max.map(|ms| *granted + ms)]
                .into_iter()
                .flatten()
                .min();
            *acknowledge_by = None;
        }
        Ok(())
    }

    pub(super) fn break_hold(&mut self, lock: &str, fence: u64) -> Verdict {
        let queue = &self.lock(lock).queue;
        match queue.iter().position(|c| c.fence == fence && c.held()) {
            Some(at) => {
                self.end(lock, at, "Broken");
                Ok(())
            }
            None => Err("FenceStale"),
        }
    }

    pub(super) fn configure(&mut self, lock: &str, settings: &Settings) -> Verdict {
        let now = self.now;
        let record = self.lock(lock);
        let candidate = Lock {
            settings: Some(settings.clone()),
            ..Lock::default()
        };
        if record.queue.iter().any(|c| !candidate.takes(c.ask.mode)) {
            return Err("ModeMismatch");
        }
        record.settings = Some(settings.clone());
        for claim in &mut record.queue {
            if let (
                Standing::Held {
                    granted, expires, ..
                },
                Some(max),
            ) = (&mut claim.standing, settings.max_hold)
            {
                *expires = [*expires, Some(*granted + max)].into_iter().flatten().min();
            }
        }
        record.serve(now);
        Ok(())
    }

    pub(super) fn end_session(&mut self, session: u64, expired: bool) {
        let end = if expired {
            "SessionExpired"
        } else {
            "SessionClosed"
        };
        let names: Vec<String> = self.locks.keys().cloned().collect();
        for name in names {
            let mut touched = false;
            while let Some(at) = self
                .lock(&name)
                .queue
                .iter()
                .position(|c| c.session == Some(session))
            {
                self.take_out(&name, at, end);
                touched = true;
            }
            if touched {
                let now = self.now;
                self.lock(&name).serve(now);
            }
        }
        self.sessions.remove(&session);
    }

    /// Handles every deadline up to now, the earliest first; at one time waits, then holds, then
    /// hand-overs, then delays.
    pub(super) fn expire_due(&mut self) {
        while let Some((_, _, name, fence)) = self.first_due() {
            let (now, record) = (self.now, self.lock(&name));
            let Some(at) = record.queue.iter().position(|c| Some(c.fence) == fence) else {
                record.delayed_until = None;
                record.serve(now);
                continue;
            };
            let end = match record.queue[at].standing {
                Standing::Waiting { .. } => "WaitElapsed",
                Standing::Held {
                    expires,
                    acknowledge_by,
                    ..
                } => {
                    let first = expires.unwrap_or(u64::MAX) <= acknowledge_by.unwrap_or(u64::MAX);
                    if first { "Expired" } else { "Abandoned" }
                }
            };
            self.end(&name, at, end);
        }
        let now = self.now;
        self.tombstones
            .retain(|_, tombstone| tombstone.forget_at > now);
    }

    fn first_due(&self) -> Option<(u64, u8, String, Option<u64>)> {
        let mut due = Vec::new();
        for (name, lock) in &self.locks {
            due.extend(lock.delayed_until.map(|at| (at, 3, name.clone(), None)));
            for claim in &lock.queue {
                let mut add = |at: Option<u64>, kind: u8| {
                    due.extend(at.map(|at| (at, kind, name.clone(), Some(claim.fence))));
                };
                match claim.standing {
                    Standing::Waiting { deadline } => add(deadline, 0),
                    Standing::Held {
                        expires,
                        acknowledge_by,
                        ..
                    } => {
                        add(expires, 1);
                        add(acknowledge_by, 2);
                    }
                }
            }
        }
        due.into_iter().filter(|(at, ..)| *at <= self.now).min()
    }
}
