//! Clients of the lock service of `service.rs`: slow, forgetful, mortal. Virtual time, from a seed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use checker::generate::Seeded;
use checker::{History, Outcome};
use serde_json::{Value, json};

use crate::record::{MS, Record};
use crate::service::{Bug, Claim, Service};

/// What kind of lock a run is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Lock,
    ReadWrite,
    Semaphore,
}

#[derive(Clone, Debug)]
struct Request {
    client: usize,
    process: u64,
    f: &'static str,
    lock: String,
    value: Value,
    arrived: u64,
    /// The answer never arrives.
    is_lost: bool,
    /// Up to when an acquire waits for its grant.
    until: u64,
}

enum Item {
    Step(usize),
    Arrive(Request),
    Answer(Request, Outcome, Value, Value),
    Tick,
}

#[derive(Clone, Default)]
struct Client {
    process: u64,
    session: Option<String>,
    claim: Option<(String, String)>,
    asked: Value,
    held: bool,
    fence: u64,
}

pub(crate) struct Run {
    kind: Kind,
    random: Seeded,
    service: Service,
    record: Record,
    queue: BinaryHeap<Reverse<(u64, u64)>>,
    items: BTreeMap<u64, Item>,
    sequence: u64,
    clients: Vec<Client>,
    pending: Vec<Request>,
    names: u64,
    highest_outside: BTreeMap<String, u64>,
}

const CLIENTS: usize = 6;
const LIMIT: u64 = 3;

/// A run of so many milliseconds.
pub(crate) fn run(seed: u64, kind: Kind, bug: Bug, length_ms: u64) -> History {
    let mut run = Run {
        kind,
        random: Seeded::new(seed),
        service: Service::new(bug, LIMIT),
        record: Record::default(),
        queue: BinaryHeap::new(),
        items: BTreeMap::new(),
        sequence: 0,
        clients: (0..CLIENTS)
            .map(|n| Client {
                process: n as u64,
                ..Client::default()
            })
            .collect(),
        pending: Vec::new(),
        names: 0,
        highest_outside: BTreeMap::new(),
    };
    run.service.lateness = run.random.below(80);
    for client in 0..CLIENTS {
        run.at(client as u64, Item::Step(client));
    }
    run.at(5, Item::Tick);
    while let Some(Reverse((now, sequence))) = run.queue.pop() {
        if now > length_ms {
            break;
        }
        let item = run.items.remove(&sequence).unwrap();
        run.handle(now, item, length_ms);
    }
    run.record.finish()
}

impl Run {
    fn at(&mut self, time: u64, item: Item) {
        self.sequence += 1;
        self.items.insert(self.sequence, item);
        self.queue.push(Reverse((time, self.sequence)));
    }

    fn handle(&mut self, now: u64, item: Item, length_ms: u64) {
        match item {
            Item::Step(client) => self.step(now, client),
            Item::Arrive(request) => {
                self.service.tick(now);
                self.arrive(now, request);
                self.serve_waiters(now);
            }
            Item::Answer(request, outcome, value, facts) => {
                self.answered(now, &request, (outcome, value, facts));
            }
            Item::Tick => {
                self.service.tick(now);
                self.serve_waiters(now);
                if now + 10 <= length_ms {
                    self.at(now + 10, Item::Tick);
                }
            }
        }
    }

    fn name(&mut self, kind: &str) -> String {
        self.names += 1;
        format!("{kind}{}", self.names)
    }

    fn step(&mut self, now: u64, at: usize) {
        let client = self.clients[at].clone();
        if client.session.is_none() {
            let name = self.name("s");
            self.clients[at].session = Some(name.clone());
            return self.send(
                now,
                at,
                "session",
                "",
                json!({"session": name, "ttl_ms": 1000}),
            );
        }
        let session = client.session.clone();
        let Some((lock, id)) = client.claim.clone() else {
            return self.ask(now, at);
        };
        let roll = self.random.below(12);
        match (client.held, roll) {
            (_, 0) => {
                let asked = client.asked.clone();
                self.send(
                    now,
                    at,
                    "check",
                    &lock,
                    json!({"claim": id, "asked": asked}),
                );
            }
            (true, 1) if client.asked["ttl_ms"].is_u64() => {
                let ttl = 100 + self.random.below(900);
                self.send(
                    now,
                    at,
                    "extend",
                    &lock,
                    json!({"claim": id, "ttl_ms": ttl}),
                );
            }
            (true, 2..=4) => {
                let value = json!({"claim": id, "fence": client.fence, "value": now});
                self.send(now, at, "fenced-write", &lock, value);
            }
            (true, 5) => {
                let value = json!({"claim": id, "fence": client.fence});
                self.send(now, at, "outside-write", &lock, value);
            }
            (_, 6) => self.send(now, at, "keepalive", "", json!({"session": session})),
            // A client that is paused for longer than anything it has lives.
            (true, 7) => {
                let pause = 800 + self.random.below(1500);
                self.at(now + pause, Item::Step(at));
            }
            (_, 8) if self.random.below(4) == 0 => {
                // Some go on with a session that they have closed.
                if self.random.once_in(2) {
                    self.clients[at].session = None;
                }
                self.clients[at].claim = None;
                self.send(now, at, "close", "", json!({"session": session}));
            }
            // A waiter that forgets its claim: a ghost.
            (false, 9) => {
                self.clients[at].claim = None;
                self.at(now + 30, Item::Step(at));
            }
            (false, 10..) => {
                let asked = client.asked.clone();
                self.send(now, at, "acquire", &lock, asked);
            }
            (true, 10) if self.random.below(6) == 0 => {
                let value = json!({"fence": client.fence});
                self.send(now, at, "break", &lock, value);
            }
            _ => self.send(now, at, "release", &lock, json!({"claim": id})),
        }
    }

    fn ask(&mut self, now: u64, at: usize) {
        let lock = format!("l{}", self.random.below(2));
        let id = self.name("c");
        let has_session = self.random.below(3) > 0;
        let session = self.clients[at].session.clone().filter(|_| has_session);
        let ttl = (!has_session || self.random.below(3) == 0).then(|| 150 + self.random.below(900));
        let wait = [Some(0), Some(300), Some(1500), None][self.random.below(4) as usize];
        let mode = match self.kind {
            Kind::Lock => "exclusive",
            Kind::ReadWrite if self.random.below(3) > 0 => "shared",
            Kind::ReadWrite => "exclusive",
            Kind::Semaphore => "permits",
        };
        let permits = 1 + self.random.below(2);
        let value = json!({"claim": id, "session": session, "mode": mode, "permits": permits,
            "limit": LIMIT, "ttl_ms": ttl, "wait_ms": wait, "ack_within_ms": 200});
        self.clients[at].claim = Some((lock.clone(), id));
        self.clients[at].asked = value.clone();
        self.clients[at].held = false;
        self.send(now, at, "acquire", &lock, value);
    }

    fn send(&mut self, now: u64, at: usize, f: &'static str, lock: &str, value: Value) {
        let process = self.clients[at].process;
        let key = (!lock.is_empty()).then_some(lock);
        // A process that was paused between reading the clock and sending.
        let delay = if self.random.once_in(40) {
            300
        } else {
            self.random.below(8)
        };
        let told = (key, value.clone(), Value::Null);
        self.record
            .event(now * MS, process, (Outcome::Invoke, f), told);
        let fate = self.random.below(40);
        let request = Request {
            client: at,
            process,
            f,
            lock: lock.to_owned(),
            value,
            arrived: now + delay,
            is_lost: fate < 2,
            until: now + delay + self.random.below(600),
        };
        match fate {
            // Lost on the way; sometimes it arrives much later all the same.
            0 => {}
            1 => self.at(
                now + delay + 400,
                Item::Arrive(Request {
                    arrived: now + delay + 400,
                    ..request.clone()
                }),
            ),
            _ => self.at(now + delay, Item::Arrive(request.clone())),
        }
        if request.is_lost {
            let info = json!({"error": "timeout"});
            self.at(
                now + 350,
                Item::Answer(request, Outcome::Info, Value::Null, info),
            );
        }
    }

    fn arrive(&mut self, now: u64, mut request: Request) {
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
    fn act(&mut self, now: u64, request: &Request) -> Option<(Outcome, Value, &'static str)> {
        let (ok, fail) = (Outcome::Ok, Outcome::Fail);
        let (lock, value) = (request.lock.as_str(), &request.value);
        let id = value["claim"].as_str().unwrap_or("");
        if let Some(session) = value["session"].as_str() {
            let has_ended = self.service.ended_sessions.contains_key(session);
            if request.f == "session" && !has_ended {
                self.service.next();
                let opened = crate::service::Session {
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
                return Some((fail, Value::Null, error));
            }
        }
        let view = |service: &Service| service.view(lock, id, (now, request.arrived));
        let ended = |service: &Service| Some((fail, view(service), "claim_ended"));
        let key = (request.lock.clone(), id.to_owned());
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
            "acquire" | "check" => self.acquire(now, request, key),
            "extend" => {
                self.service.next();
                let ttl = value["ttl_ms"].as_u64();
                let Some(claim) = self.service.find(lock, id) else {
                    return ended(&self.service);
                };
                claim.ttl = ttl;
                if claim.granted.is_some() {
                    claim.expires = ttl.map(|ttl| now + ttl);
                    claim.ack_by = None;
                }
                Some((ok, view(&self.service), ""))
            }
            "release" => {
                self.service.next();
                if self.service.claim(lock, id).is_some() {
                    self.service
                        .end("released", now, |l, c| l == lock && c.id == id);
                } else if !matches!(self.service.ended.get(&key), Some(e) if e.how == "released" || e.how == "left")
                {
                    return ended(&self.service);
                }
                Some((ok, view(&self.service), ""))
            }
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

    fn acquire(
        &mut self,
        now: u64,
        request: &Request,
        key: (String, String),
    ) -> Option<(Outcome, Value, &'static str)> {
        let (lock, id) = (key.0.as_str(), key.1.as_str());
        let service = &mut self.service;
        let asked = if request.f == "check" {
            &request.value["asked"]
        } else {
            &request.value
        };
        if service.ended.contains_key(&key) {
            service.next();
            let value = service.view(lock, id, (now, request.arrived));
            return Some(if request.f == "check" {
                (Outcome::Ok, value, "")
            } else {
                (Outcome::Fail, value, "claim_ended")
            });
        }
        if service.claim(lock, id).is_none() {
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
        } else {
            service.next();
            if let Some(claim) = service.find(lock, id) {
                claim.ack_by = None;
            }
        }
        let is_held = service
            .claim(lock, id)
            .is_some_and(|claim| claim.granted.is_some());
        if is_held || request.f == "check" {
            return Some((
                Outcome::Ok,
                service.view(lock, id, (now, request.arrived)),
                "",
            ));
        }
        None
    }

    /// Answers requests whose claim was granted or has ended, or that waited long enough.
    fn serve_waiters(&mut self, now: u64) {
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

    fn answered(
        &mut self,
        now: u64,
        request: &Request,
        (outcome, value, facts): (Outcome, Value, Value),
    ) {
        let at = request.client;
        if self.clients[at].process != request.process {
            return;
        }
        // Killed with the answer on its way: nobody ever reads it.
        let is_killed = self.random.once_in(150);
        if !is_killed {
            let key = (!request.lock.is_empty()).then_some(request.lock.as_str());
            let told = (key, value.clone(), facts.clone());
            self.record
                .event(now * MS, request.process, (outcome, request.f), told);
        }
        let client = &mut self.clients[at];
        if is_killed || outcome == Outcome::Info {
            client.process += CLIENTS as u64;
        }
        if is_killed {
            client.session = None;
            client.claim = None;
        }
        if facts["error"] == "session_expired" {
            client.claim = None;
            // Some do not believe it and try again.
            if self.random.once_in(2) {
                client.session = None;
            }
        }
        if facts["error"] == "no_session" {
            client.claim = None;
            client.session = None;
        }
        match (request.f, outcome) {
            ("acquire" | "check" | "extend", Outcome::Ok) if value["state"] == "held" => {
                client.held = true;
                client.fence = value["fence"].as_u64().unwrap();
            }
            ("acquire" | "check", Outcome::Ok) if value["state"] == "waiting" => {
                client.held = false
            }
            ("check" | "release" | "break", Outcome::Ok)
            | ("acquire" | "extend" | "release", Outcome::Fail) => {
                client.claim = None;
                client.held = false;
            }
            _ => {}
        }
        let think = self.random.below(60);
        self.at(now + think, Item::Step(at));
    }
}
