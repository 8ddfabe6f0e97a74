//! Locks of all kinds: sessions and claims, holders that work, pause for too long and write all the
//! same, waiters that never come back. (P-LOCK, P-FENCE, P-SESS, P-RETRY)
//!
//! One turn is one operation; what comes next depends on how the client's session and claim stand.

mod hold;

use std::sync::Arc;
use std::time::{Duration, Instant};

use checker::Outcome;
use serde_json::{Value, json};

use super::claim::{Claim, Mode};
use super::held::{Session, Standing};
use super::{Workload, until};
use crate::client::http::Request;
use crate::client::journal::Op;
use crate::client::outcome::Nature;
use crate::client::shared::Shared;
use crate::client::{Asked, Client};

use hold::Hold;

/// Of a hundred claims, so many are for the one lock that everybody wants.
const HOT_SHARE: u64 = 55;
/// Of a hundred, so many want a lock whose name is used once.
const ONCE_SHARE: u64 = 10;
/// Of a hundred readers and writers, so many read.
const READERS_SHARE: u64 = 80;
/// Attempts within one acquire, where it repeats at all.
const ATTEMPTS: u64 = 3;

/// What kind of lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One holder.
    Lock,
    /// Readers and writers.
    ReadWrite,
    /// Permits.
    Semaphore,
}

/// How this client's claim stands.
#[derive(Debug)]
enum Place {
    /// It has none.
    None,
    /// It waits, or nobody knows: to be asked again, not before that time.
    Unsettled(Claim, Instant),
    /// It holds.
    Held(Hold),
}

/// The locks of one client.
pub(super) struct Lock {
    kind: Kind,
    cold: u64,
    limit: u64,
    ttl_ms: u64,
    can_write_outside: bool,
    session: Option<Session>,
    place: Place,
    made: u64,
}

impl Lock {
    /// The locks of one client.
    pub(super) fn new(shared: &Arc<Shared>, kind: Kind) -> Lock {
        Lock {
            kind,
            cold: shared.size("cold_locks", 5),
            limit: shared.size("permits", 3).max(2),
            ttl_ms: shared.size("session_ttl_ms", 1_500).max(1_000),
            // The outside resource is this process's: one for each lock in a run.
            can_write_outside: shared.spec.first_process == 0,
            session: None,
            place: Place::None,
            made: 0,
        }
    }

    fn next_id(&mut self, client: &Client, letter: char) -> String {
        self.made += 1;
        let run = client.shared.spec.seed & 0xffff;
        format!("{letter}{run:x}-{}-{}", client.number, self.made)
    }

    fn lock_name(&mut self, client: &mut Client) -> String {
        let kind = match self.kind {
            Kind::Lock => "lock",
            Kind::ReadWrite => "rw",
            Kind::Semaphore => "sem",
        };
        let die = client.random.below(100);
        if die < HOT_SHARE {
            format!("jepsen-{kind}/hot")
        } else if die < HOT_SHARE + ONCE_SHARE {
            format!("jepsen-{kind}/once/{}-{}", client.number, self.made)
        } else {
            format!("jepsen-{kind}/cold-{}", client.random.below(self.cold))
        }
    }

    fn new_claim(&mut self, client: &mut Client, session: &str) -> Claim {
        let id = self.next_id(client, 'c');
        let lock = self.lock_name(client);
        let mode = match self.kind {
            Kind::Lock => Mode::Exclusive,
            Kind::ReadWrite if client.random.chance(READERS_SHARE) => Mode::Shared,
            Kind::ReadWrite => Mode::Exclusive,
            Kind::Semaphore => Mode::Permits(client.random.between(1, 2), self.limit),
        };
        let (with_session, with_ttl) = match client.random.below(10) {
            0..5 => (true, false),
            5..7 => (true, true),
            _ => (false, true),
        };
        let ttl_ms = client
            .random
            .between(self.ttl_ms / 2, self.ttl_ms.saturating_mul(2));
        let wait_ms = match client.random.below(10) {
            0..3 => 0,
            3..6 => client.random.between(50, 500),
            _ => client.random.between(2_000, 8_000),
        };
        let ack_ms = client.random.between(300, 900);
        Claim {
            id,
            lock,
            session: with_session.then(|| session.to_owned()),
            mode,
            ttl_ms: with_ttl.then_some(ttl_ms),
            wait_ms: Some(wait_ms),
            ack_within_ms: (wait_ms > 500 && client.random.chance(25)).then_some(ack_ms),
        }
    }

    /// How long one request may wait: well within the time for an answer and the session's.
    fn patience(&self, client: &mut Client) -> u64 {
        if client.random.chance(30) {
            return 0;
        }
        let most = (client.shared.spec.timeout_ms / 2).min(self.ttl_ms / 3);
        client.random.between(10, most.max(10))
    }

    fn acquire(&mut self, client: &mut Client, session: &str) -> Place {
        let claim = self.new_claim(client, session);
        // Stands in the queue and does not come back in time: its grant must not block the others.
        let forgets = claim.ack_within_ms.is_some() && client.random.chance(60);
        let patience = if forgets { 0 } else { self.patience(client) };
        let op = Op::new("acquire", Some(&claim.lock), claim.value());
        client.invoke(&op);
        let attempts = if client.random.chance(50) {
            ATTEMPTS
        } else {
            1
        };
        let mut asked = client.ask_repeatedly(Nature::Write, &claim.request(patience), attempts);
        if asked.has_code("claim_ended") {
            // It stood in the queue and may have held: not "did not happen". The check tells.
            asked.outcome = Outcome::Info;
        }
        let pause = claim.ack_within_ms.filter(|_| forgets).unwrap_or(0);
        let again = Instant::now() + Duration::from_millis(pause.saturating_mul(2));
        let (place, asked, value) = stands(client, claim, asked, again);
        client.end(&op, asked, value);
        place
    }

    fn check(&mut self, client: &mut Client, claim: Claim) -> Place {
        let op = Op::new("check", Some(&claim.lock), json!({"claim": claim.id}));
        let patience = self.patience(client);
        let asked = client.begin(&op, Nature::Write, &claim.request(patience));
        let asked = asked.accept("claim_ended");
        let ended = asked.json().get("ended_claim").cloned();
        if let Some(ended) = ended.filter(|_| asked.is_ok()) {
            client.end(&op, asked, claim.ended(&ended));
            return Place::None;
        }
        let (place, asked, value) = stands(client, claim, asked, Instant::now());
        client.end(&op, asked, value);
        place
    }

    /// Somebody has enough of waiting.
    fn break_hold(&self, client: &mut Client, lock: &str) {
        let Some(fence) = client.shared.told(lock) else {
            return;
        };
        let op = Op::new("break", Some(lock), json!({"fence": fence}));
        let request = Request::new("POST", format!("/v1/locks/{lock}/-/break"))
            .header("if-match", format!("\"f{fence}\""))
            .body(json!({"reason": "jepsen"}).to_string());
        let asked = client.begin(&op, Nature::Write, &request);
        let body = asked.json();
        let value = json!({"claim": body.get("claim"), "ended": body.get("ended_index")});
        client.end(&op, asked, value);
    }

    /// Sees to the session; true when that was this turn's operation.
    fn keep_session(&mut self, client: &mut Client) -> bool {
        match self.session.take() {
            None => {
                let id = self.next_id(client, 's');
                let ttl = client
                    .random
                    .between(self.ttl_ms, self.ttl_ms.saturating_mul(2));
                self.session = Session::open(client, id, ttl);
                true
            }
            Some(mut session) if session.is_due() => {
                let standing = session.keep_alive(client);
                self.session = (standing != Standing::Ended).then_some(session);
                true
            }
            Some(session) if client.random.below(400) == 0 => {
                session.close(client);
                true
            }
            Some(session) => {
                self.session = Some(session);
                false
            }
        }
    }

    fn free(&mut self, client: &mut Client) -> Place {
        if client.random.below(100) == 0 {
            let lock = self.lock_name(client);
            self.break_hold(client, &lock);
            return Place::None;
        }
        let session = self.session.as_ref().map(|session| session.id.clone());
        self.acquire(client, &session.unwrap_or_default())
    }
}

/// Where an answer leaves a claim, and what it is in the history.
fn stands(
    client: &mut Client,
    claim: Claim,
    asked: Asked,
    again: Instant,
) -> (Place, Asked, Value) {
    let body = asked.json();
    let value = claim.standing(&body);
    match asked.outcome {
        Outcome::Ok if body.get("state").and_then(Value::as_str) == Some("held") => {
            let fence = body.get("fence").and_then(Value::as_u64).unwrap_or(0);
            client.shared.tell(&claim.lock, fence);
            let turns = client.random.between(1, 8);
            (Place::Held(Hold::new(claim, fence, turns)), asked, value)
        }
        Outcome::Ok | Outcome::Info => (Place::Unsettled(claim, again), asked, value),
        Outcome::Invoke | Outcome::Fail => {
            let holder = body.pointer("/holders/0/fence").and_then(Value::as_u64);
            if let Some(fence) = holder {
                client.shared.tell(&claim.lock, fence);
            }
            (Place::None, asked, claim.value())
        }
    }
}

impl Workload for Lock {
    fn step(&mut self, client: &mut Client) {
        let pauses = matches!(&self.place, Place::Held(hold) if hold.must_write());
        if !pauses && self.keep_session(client) {
            return;
        }
        self.place = match std::mem::replace(&mut self.place, Place::None) {
            Place::None => self.free(client),
            Place::Unsettled(claim, again) if Instant::now() < again => {
                Place::Unsettled(claim, again)
            }
            Place::Unsettled(claim, again) => {
                let owner = self.session.as_ref().map(|session| session.id.as_str());
                if claim.session.is_some() && claim.session.as_deref() != owner {
                    // Its session is gone, and the claim with it: one last word on it.
                    hold::learn(client, &claim);
                    Place::None
                } else if client.random.chance(3) {
                    hold::release(client, &claim);
                    Place::Unsettled(claim, again)
                } else {
                    self.check(client, claim)
                }
            }
            Place::Held(hold) => match hold.work(client, self.ttl_ms, self.can_write_outside) {
                Some(hold) => Place::Held(hold),
                None => Place::None,
            },
        };
    }

    /// Everything is let go, and then the hot lock can be had.
    fn last(&mut self, client: &mut Client) {
        let began = Instant::now();
        match std::mem::replace(&mut self.place, Place::None) {
            Place::Held(hold) => hold.let_go(client),
            Place::Unsettled(claim, _) => hold::release(client, &claim),
            Place::None => {}
        }
        until(client, began, |client| {
            if self.session.is_none() {
                let id = self.next_id(client, 's');
                self.session = Session::open(client, id, self.ttl_ms);
            }
            let Some(session) = self.session.as_mut() else {
                return false;
            };
            if session.keep_alive(client) == Standing::Ended {
                self.session = None;
                return false;
            }
            let id = session.id.clone();
            let held = match std::mem::replace(&mut self.place, Place::None) {
                Place::None => self.acquire(client, &id),
                Place::Unsettled(claim, _) => self.check(client, claim),
                held @ Place::Held(_) => held,
            };
            match held {
                Place::Held(hold) => {
                    hold.let_go(client);
                    true
                }
                other @ (Place::None | Place::Unsettled(..)) => {
                    self.place = other;
                    false
                }
            }
        });
        if let Some(session) = self.session.take() {
            session.close(client);
        }
    }
}
