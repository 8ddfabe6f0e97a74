//! How claims end, and what is remembered of them.

use raft_core::command::LockMode;

use super::{Model, Tombstone, Verdict};
use crate::lock_model::queue::{Claim, Lock, Past, Standing};

const TOMBSTONE_MS: u64 = 15 * 60_000;
const HISTORY_MS: u64 = 48 * 3_600_000;
const HISTORY_STEP_MS: u64 = 3_600_000;

/// Kind of the deadline at which the past of a lock is forgotten: handled last among those of one time.
const FORGET_PAST: u8 = 4;

impl Model {
    pub(in crate::lock_model) fn release(
        &mut self,
        lock: &str,
        id: &str,
        who: Option<u64>,
    ) -> Verdict {
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

    pub(in crate::lock_model) fn break_hold(&mut self, lock: &str, fence: u64) -> Verdict {
        let queue = &self.lock(lock).queue;
        match queue.iter().position(|c| c.fence == fence && c.held()) {
            Some(at) => {
                self.end(lock, at, "Broken");
                Ok(())
            }
            None => Err("FenceStale"),
        }
    }

    /// Somebody deletes the znode of a claim.
    pub(in crate::lock_model) fn znode_deleted(
        &mut self,
        lock: &str,
        fence: u64,
        who: Option<u64>,
    ) {
        let queue = &self.lock(lock).queue;
        let Some(at) = queue.iter().position(|c| c.fence == fence) else {
            return;
        };
        if queue[at].reads_on {
            let now = self.now;
            let record = self.lock(lock);
            record.queue[at].reads_on = false;
            record.queue[at].ask.mode = LockMode::Shared;
            record.serve(now);
            return;
        }
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

    pub(in crate::lock_model) fn end_session(&mut self, session: u64, expired: bool) {
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
    pub(in crate::lock_model) fn expire_due(&mut self) {
        while let Some((_, kind, name, fence)) = self.first_due() {
            let (now, record) = (self.now, self.lock(&name));
            if kind == FORGET_PAST {
                record.past.clear();
                continue;
            }
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
            if !lock.past.is_empty() {
                due.push((lock.forget_past_at, FORGET_PAST, name.clone(), None));
            }
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
        record.note_past(&claim, now, end);
        self.bury(lock, claim.live_ids, end);
    }

    fn end(&mut self, lock: &str, at: usize, end: &'static str) {
        self.take_out(lock, at, end);
        let now = self.now;
        self.lock(lock).serve(now);
    }
}

impl Lock {
    /// Remembers a hold: for 48 hours after the last one, put off by an hour at a time.
    fn note_past(&mut self, claim: &Claim, now: u64, end: &'static str) {
        let Standing::Held { granted, .. } = claim.standing else {
            return;
        };
        self.past.push(Past {
            fence: claim.fence,
            waited: granted - claim.queued,
            held: now - granted,
            end: end.trim_end_matches("ByOther"),
        });
        if self.past.len() == 1 || self.forget_past_at < now + HISTORY_MS {
            self.forget_past_at = now + HISTORY_MS + HISTORY_STEP_MS;
        }
    }
}
