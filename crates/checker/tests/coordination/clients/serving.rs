//! What the service does with the requests of clients, and when it answers.

use checker::Outcome;
use serde_json::{Value, json};

use super::{Item, Request, Run};
use crate::service::{Bug, Claim, Service, Session};

/// An answer: outcome, value, code of the error.
type Told = (Outcome, Value, &'static str);

impl Run {
    pub(super) fn arrive(&mut self, now: u64, mut request: Request) {
        request.arrived = now;
        let (outcome, value, error) = match self.act(now, &request) {
            Some(done) => done,
            None => return self.pending.push(request),
        };
        let zxid = self.service.zxid;
        self.reply(now, request, (outcome, value, error, zxid));
    }

    fn reply(&mut self, now: u64, request: Request, told: (Outcome, Value, &str, u64)) {
        let (outcome, value, error, zxid) = told;
        if request.is_lost {
            return;
        }
        let mut facts = json!({"zxid": zxid});
        if !error.is_empty() {
            facts["error"] = json!(error);
        }
        let delay = if self.random.once_in(30) {
            500
        } else {
            1 + self.random.below(6)
        };
        self.at(now + delay, Item::Answer(request, outcome, value, facts));
    }

    /// Does a request; `None`: it waits for its grant.
    fn act(&mut self, now: u64, request: &Request) -> Option<Told> {
        let (ok, fail) = (Outcome::Ok, Outcome::Fail);
        let (lock, value) = (request.lock.as_str(), &request.value);
        let id = value["claim"].as_str().unwrap_or("");
        if let Some(refused) = self.refuse_session(now, request) {
            return Some(refused);
        }
        match request.f {
            "session" | "keepalive" => {
                let session = value["session"].as_str().unwrap();
                Some((ok, json!({"session": session, "safe_ms": 1000}), ""))
            }
            "close" => {
                let session = value["session"].as_str().unwrap().to_owned();
                self.service.end_session(&session, "session_closed", now);
                Some((ok, json!({"session": session}), ""))
            }
            "acquire" | "check" => self.acquire(now, request, (lock.to_owned(), id.to_owned())),
            "extend" | "release" => Some(self.change(now, request)),
            "break" => {
                self.service.next();
                let fence = value["fence"].as_u64().unwrap();
                self.service.end("broken", now, |l, c| {
                    l == lock && c.fence == fence && c.granted.is_some()
                });
                Some((ok, json!({"ended": self.service.zxid}), ""))
            }
            "fenced-write" => {
                self.service.next();
                let holds = self
                    .service
                    .claim(lock, id)
                    .is_some_and(|claim| claim.granted.is_some());
                let is_stale = self.service.bug == Bug::StaleWrite;
                Some(if holds || is_stale {
                    (ok, value.clone(), "")
                } else {
                    (fail, Value::Null, "fence_stale")
                })
            }
            _ => {
                let highest = self
                    .highest_outside
                    .entry(request.lock.clone())
                    .or_default();
                let fence = value["fence"].as_u64().unwrap();
                let accepted = fence >= *highest;
                *highest = (*highest).max(fence);
                Some((ok, json!({"accepted": accepted, "highest": *highest}), ""))
            }
        }
    }

    /// Hears the session of a request, and opens it if that is asked; what to say if it is none.
    fn refuse_session(&mut self, now: u64, request: &Request) -> Option<Told> {
        if let Some(session) = request.value["session"].as_str() {
            let has_ended = self.service.ended_sessions.contains_key(session);
            if request.f == "session" && !has_ended {
                self.service.next();
                let opened = Session {
                    timeout: 1000,
                    heard: now,
                };
                self.service
                    .sessions
                    .entry(session.to_owned())
                    .or_insert(opened);
            }
            if !self.service.hear(session, now) {
                let error = if has_ended {
                    "session_expired"
                } else {
                    "no_session"
                };
                return Some((Outcome::Fail, Value::Null, error));
            }
        }
        None
    }

    /// Extends or releases a claim.
    fn change(&mut self, now: u64, request: &Request) -> Told {
        let (lock, value) = (request.lock.as_str(), &request.value);
        let id = value["claim"].as_str().unwrap();
        let key = (request.lock.clone(), id.to_owned());
        let view = |service: &Service| service.view(lock, id, (now, request.arrived));
        let ended = |service: &Service| (Outcome::Fail, view(service), "claim_ended");
        self.service.next();
        if request.f == "extend" {
            let Some(claim) = self.service.find(lock, id) else {
                return ended(&self.service);
            };
            let ttl = value["ttl_ms"].as_u64();
            claim.ttl = ttl;
            if claim.granted.is_some() {
                claim.expires = ttl.map(|ttl| now + ttl);
                claim.ack_by = None;
            }
        } else if self.service.claim(lock, id).is_some() {
            self.service
                .end("released", now, |l, c| l == lock && c.id == id);
        } else if !matches!(self.service.ended.get(&key), Some(e) if e.how == "released" || e.how == "left")
        {
            return ended(&self.service);
        }
        (Outcome::Ok, view(&self.service), "")
    }

    fn acquire(&mut self, now: u64, request: &Request, key: (String, String)) -> Option<Told> {
        let (lock, id) = (key.0.as_str(), key.1.as_str());
        let asked = if request.f == "check" {
            &request.value["asked"]
        } else {
            &request.value
        };
        if self.service.ended.contains_key(&key) {
            self.service.next();
            let value = self.service.view(lock, id, (now, request.arrived));
            return Some(if request.f == "check" {
                (Outcome::Ok, value, "")
            } else {
                (Outcome::Fail, value, "claim_ended")
            });
        }
        if self.service.claim(lock, id).is_none() {
            if let Some(refused) = self.enqueue(now, asked, &key) {
                return Some(refused);
            }
        } else {
            self.service.next();
            if let Some(claim) = self.service.find(lock, id) {
                claim.ack_by = None;
            }
        }
        let is_held = self
            .service
            .claim(lock, id)
            .is_some_and(|claim| claim.granted.is_some());
        if is_held || request.f == "check" {
            return Some((
                Outcome::Ok,
                self.service.view(lock, id, (now, request.arrived)),
                "",
            ));
        }
        None
    }

    /// Puts a new claim into the queue of its lock; what to say if it is refused.
    fn enqueue(&mut self, now: u64, asked: &Value, key: &(String, String)) -> Option<Told> {
        let (lock, id) = (key.0.as_str(), key.1.as_str());
        let service = &mut self.service;
        // A check repeats the acquire, for the same session.
        let session = asked["session"].as_str().map(str::to_owned);
        if session.as_ref().is_some_and(|s| !service.hear(s, now)) {
            let has_ended = service
                .ended_sessions
                .contains_key(asked["session"].as_str().unwrap());
            let error = if has_ended {
                "session_expired"
            } else {
                "no_session"
            };
            return Some((Outcome::Fail, Value::Null, error));
        }
        let wait = asked["wait_ms"].as_u64();
        service.acquire(
            lock,
            Claim {
                id: id.to_owned(),
                session,
                mode: asked["mode"].as_str().unwrap().to_owned(),
                permits: asked["permits"].as_u64().unwrap(),
                ttl: asked["ttl_ms"].as_u64(),
                wait_until: wait.map(|wait| now + wait),
                ack_ms: 200,
                fence: 0,
                queued: 0,
                granted: None,
                expires: None,
                ack_by: None,
            },
            now,
        );
        let is_held = service
            .claim(lock, id)
            .is_some_and(|claim| claim.granted.is_some());
        if !is_held && wait == Some(0) {
            service
                .locks
                .get_mut(lock)
                .unwrap()
                .retain(|claim| claim.id != id);
            return Some((Outcome::Fail, Value::Null, "lock_held"));
        }
        None
    }

    /// Answers requests whose claim was granted or has ended, or that waited long enough.
    pub(super) fn serve_waiters(&mut self, now: u64) {
        for request in std::mem::take(&mut self.pending) {
            let (lock, id) = (
                request.lock.clone(),
                request.value["claim"].as_str().unwrap().to_owned(),
            );
            let zxid = self.service.zxid;
            let Some(claim) = self.service.find(&lock, &id) else {
                let value = self.service.view(&lock, &id, (now, request.arrived));
                let elapsed = value["how"] == "wait_elapsed";
                let told = if elapsed {
                    (Outcome::Fail, Value::Null, "lock_held", zxid)
                } else {
                    (Outcome::Fail, value, "claim_ended", zxid)
                };
                self.reply(now, request, told);
                continue;
            };
            let is_held = claim.granted.is_some();
            if is_held && !request.is_lost {
                claim.ack_by = None;
            }
            if is_held || now > request.until {
                let value = self.service.view(&lock, &id, (now, request.arrived));
                self.reply(now, request, (Outcome::Ok, value, "", zxid));
            } else {
                self.pending.push(request);
            }
        }
    }
}
