//! Clients of the lock service of `service.rs`: slow, forgetful, mortal. Virtual time, from a seed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use checker::generate::Seeded;
use checker::{History, Outcome};
use serde_json::{Value, json};

use crate::record::{MS, Record};
use crate::service::{Bug, Service};

mod serving;

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
