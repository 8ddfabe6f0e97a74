//! A lock service in a few lines, correct unless told to be broken. Times are milliseconds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A bug to plant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bug {
    /// None.
    None,
    /// A free place is not asked for: every other waiter is granted beside the holder.
    DoubleGrant,
    /// Every eighth claim gets a fence that was given before.
    FenceReuse,
    /// The queue is served from its end.
    LastInFirstOut,
    /// Readers are let in before waiting writers.
    ReadersFirst,
    /// Sessions and claims end long before their time.
    EarlyExpiry,
    /// Fences of writes are not looked at.
    StaleWrite,
    /// One permit too many is given out.
    OnePermitMore,
    /// A session that ended is served all the same.
    UndeadSession,
}

#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) id: String,
    pub(crate) session: Option<String>,
    pub(crate) mode: String,
    pub(crate) permits: u64,
    pub(crate) ttl: Option<u64>,
    pub(crate) wait_until: Option<u64>,
    pub(crate) ack_ms: u64,
    pub(crate) fence: u64,
    pub(crate) queued: u64,
    pub(crate) granted: Option<u64>,
    pub(crate) expires: Option<u64>,
    pub(crate) ack_by: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) fence: u64,
    pub(crate) held: bool,
    pub(crate) how: &'static str,
    pub(crate) position: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) timeout: u64,
    pub(crate) heard: u64,
}

pub(crate) struct Service {
    pub(crate) bug: Bug,
    pub(crate) zxid: u64,
    pub(crate) limit: u64,
    /// How late deadlines are handled; never early.
    pub(crate) lateness: u64,
    pub(crate) locks: BTreeMap<String, Vec<Claim>>,
    pub(crate) ended: BTreeMap<(String, String), Ended>,
    pub(crate) sessions: BTreeMap<String, Session>,
    pub(crate) ended_sessions: BTreeMap<String, u64>,
}

impl Service {
    pub(crate) fn new(bug: Bug, limit: u64) -> Service {
        Service {
            bug,
            zxid: 100,
            limit,
            lateness: 0,
            locks: BTreeMap::new(),
            ended: BTreeMap::new(),
            sessions: BTreeMap::new(),
            ended_sessions: BTreeMap::new(),
        }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.zxid += 1;
        self.zxid
    }

    pub(crate) fn claim(&self, lock: &str, id: &str) -> Option<&Claim> {
        self.locks.get(lock)?.iter().find(|claim| claim.id == id)
    }

    /// Hears of a session; whether it is alive.
    pub(crate) fn hear(&mut self, session: &str, now: u64) -> bool {
        if self.bug == Bug::UndeadSession && self.ended_sessions.contains_key(session) {
            return true;
        }
        match self.sessions.get_mut(session) {
            Some(session) => {
                session.heard = now;
                true
            }
            None => false,
        }
    }

    /// Puts a claim into the queue; it is granted at once if the lock is free for it.
    pub(crate) fn acquire(&mut self, lock: &str, mut claim: Claim, now: u64) {
        claim.queued = self.next();
        claim.fence = claim.queued;
        if self.bug == Bug::FenceReuse && claim.queued.is_multiple_of(8) {
            claim.fence = 101;
        }
        let id = claim.id.clone();
        self.locks.entry(lock.to_owned()).or_default().push(claim);
        self.grant(lock, now);
        if let Some(claim) = self.find(lock, &id) {
            claim.ack_by = None;
        }
    }

    pub(crate) fn find(&mut self, lock: &str, id: &str) -> Option<&mut Claim> {
        let claims = self.locks.get_mut(lock)?;
        claims.iter_mut().find(|claim| claim.id == id)
    }

    fn fits(&self, lock: &str, claim: &Claim) -> bool {
        let held: Vec<&Claim> = self.locks[lock]
            .iter()
            .filter(|c| c.granted.is_some())
            .collect();
        match claim.mode.as_str() {
            "shared" => held.iter().all(|other| other.mode == "shared"),
            "permits" => {
                let taken: u64 = held.iter().map(|other| other.permits).sum();
                let more = u64::from(self.bug == Bug::OnePermitMore);
                taken + claim.permits <= self.limit + more
            }
            _ => held.is_empty() || (self.bug == Bug::DoubleGrant && self.zxid.is_multiple_of(2)),
        }
    }

    fn grant(&mut self, lock: &str, now: u64) {
        loop {
            let waiting = |(at, claim): (usize, &Claim)| claim.granted.is_none().then_some(at);
            let mut order: Vec<usize> = self.locks[lock]
                .iter()
                .enumerate()
                .filter_map(waiting)
                .collect();
            if self.bug == Bug::LastInFirstOut {
                order.reverse();
            }
            if self.bug == Bug::ReadersFirst {
                order.sort_by_key(|at| self.locks[lock][*at].mode != "shared");
            }
            let Some(first) = order.first().copied() else {
                return;
            };
            if !self.fits(lock, &self.locks[lock][first].clone()) {
                return;
            }
            let zxid = self.zxid;
            let claim = &mut self.locks.get_mut(lock).unwrap()[first];
            claim.granted = Some(zxid);
            claim.expires = claim.ttl.map(|ttl| now + ttl);
            claim.ack_by = Some(now + claim.ack_ms);
        }
    }

    /// Ends claims that a predicate picks, together, and serves their queues.
    pub(crate) fn end(
        &mut self,
        how: &'static str,
        now: u64,
        picks: impl Fn(&str, &Claim) -> bool,
    ) {
        let position = self.zxid;
        let mut touched = Vec::new();
        for (lock, claims) in &mut self.locks {
            for claim in claims.iter().filter(|claim| picks(lock, claim)) {
                let ended = Ended {
                    fence: claim.fence,
                    held: claim.granted.is_some(),
                    how: if how == "released" && claim.granted.is_none() {
                        "left"
                    } else {
                        how
                    },
                    position,
                };
                self.ended.insert((lock.clone(), claim.id.clone()), ended);
                touched.push(lock.clone());
            }
            claims.retain(|claim| !picks(lock, claim));
        }
        for lock in touched {
            self.grant(&lock, now);
        }
    }

    pub(crate) fn end_session(&mut self, session: &str, how: &'static str, now: u64) {
        let zxid = self.next();
        self.sessions.remove(session);
        self.ended_sessions.insert(session.to_owned(), zxid);
        let session = session.to_owned();
        self.end(how, now, |_, claim| {
            claim.session.as_ref() == Some(&session)
        });
    }

    /// Handles what is due.
    pub(crate) fn tick(&mut self, now: u64) {
        let late = self.lateness;
        let early = if self.bug == Bug::EarlyExpiry { 700 } else { 0 };
        let silent = |session: &Session| now + early > session.heard + session.timeout + late;
        let dead: Vec<String> = self
            .sessions
            .iter()
            .filter(|(_, session)| silent(session))
            .map(|(name, _)| name.clone())
            .collect();
        for session in dead {
            self.end_session(&session, "session_expired", now);
        }
        let due = |at: Option<u64>| at.is_some_and(|at| now > at + late);
        for how in ["expired", "wait_elapsed", "abandoned"] {
            let is_due = |claim: &Claim| match how {
                "expired" => due(claim.expires) && claim.granted.is_some(),
                "wait_elapsed" => due(claim.wait_until) && claim.granted.is_none(),
                _ => due(claim.ack_by) && claim.granted.is_some(),
            };
            if self.locks.values().flatten().any(is_due) {
                self.next();
                self.end(how, now, |_, claim| is_due(claim));
            }
        }
    }

    /// How a claim stands, as an answer tells it. `sent_before`: how long ago the request arrived.
    pub(crate) fn view(&self, lock: &str, id: &str, (now, arrived): (u64, u64)) -> Value {
        if let Some(claim) = self.claim(lock, id) {
            let own = claim.expires.map(|at| at.saturating_sub(arrived));
            let session = claim
                .session
                .as_ref()
                .and_then(|name| self.sessions.get(name));
            let of_session = session.map(|s| (s.heard + s.timeout).saturating_sub(arrived));
            let safe = match (own, of_session) {
                (Some(own), Some(of_session)) => own.min(of_session),
                (own, of_session) => own.or(of_session).unwrap_or(0),
            };
            let _ = now;
            let mut value = json!({"claim": id, "session": claim.session, "mode": claim.mode,
                "fence": claim.fence, "queued": claim.queued});
            if let Some(granted) = claim.granted {
                value["state"] = json!("held");
                value["granted"] = json!(granted);
                value["safe_ms"] = json!(safe);
            } else {
                value["state"] = json!("waiting");
            }
            return value;
        }
        match self.ended.get(&(lock.to_owned(), id.to_owned())) {
            Some(ended) => json!({"claim": id, "state": "ended", "how": ended.how,
                "held": ended.held, "fence": ended.fence, "ended": ended.position}),
            None => Value::Null,
        }
    }
}
