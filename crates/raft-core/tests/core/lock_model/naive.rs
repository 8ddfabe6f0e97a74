//! A lock service written the plain way. It shares no code with the state machine and knows
//! nothing of znodes, indices or counters.

mod acquire;
mod deadlock;
mod end;

use std::collections::BTreeMap;

use super::queue::{Lock, Settings, Standing, acknowledge};

/// What the model says of one operation: accepted, or the name of the refusal.
pub(super) type Verdict = Result<(), &'static str>;

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

    /// Asks the claim with this fence to release.
    pub(super) fn ask(&mut self, lock: &str, fence: u64, within: u64) -> Verdict {
        let now = self.now;
        let mut queue = self.lock(lock).queue.iter_mut();
        let held = queue.find(|claim| claim.fence == fence && claim.held());
        let claim = held.ok_or("FenceStale")?;
        claim.asked = Some((now + within, None));
        Ok(())
    }

    /// The holder says how much longer it needs.
    pub(super) fn answer(&mut self, lock: &str, id: &str, who: Option<u64>, needs: u64) -> Verdict {
        let now = self.now;
        let at = self.own(lock, id, who)?;
        let asked = &mut self.lock(lock).queue[at].asked;
        asked.as_mut().ok_or("NotAsked")?.1 = Some(now + needs);
        Ok(())
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
}
