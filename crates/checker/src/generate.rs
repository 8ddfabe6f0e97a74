//! Register histories made from a seed: correct by construction, for benchmarks and self-tests.
//!
//! Every operation takes effect at one moment between its beginning and its end; one of unknown
//! outcome at one moment after its beginning, or never.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::history::{Event, History, Outcome, Process};

/// Random numbers from a seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct Seeded(u64);

impl Seeded {
    /// Numbers of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Seeded {
        Seeded(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next number below a bound; 0 if the bound is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.draw().checked_rem(bound).unwrap_or(0)
    }

    /// Whether something happens that happens once in so many times.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// What a register history looks like.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Operations of each register.
    pub ops: u64,
    /// Registers.
    pub keys: u64,
    /// Clients of each register.
    pub clients: u64,
    /// Operations of unknown outcome of each register, at random places.
    pub crashed: u64,
    /// Whether answers name versions and positions.
    pub versions: bool,
    /// Values are drawn from so many; `None`: every write has its own.
    pub values: Option<u64>,
}

impl Default for Shape {
    fn default() -> Self {
        Shape {
            ops: 100,
            keys: 1,
            clients: 5,
            crashed: 0,
            versions: true,
            values: None,
        }
    }
}

/// One operation before it is turned into events.
struct Planned {
    key: u64,
    process: u64,
    call: u64,
    effect: u64,
    ret: u64,
    crashed: bool,
    happens: bool,
    kind: u64,
    value: u64,
}

#[derive(Clone, Default)]
struct Now {
    value: Option<u64>,
    version: u64,
}

/// A history of this shape.
#[must_use]
pub fn register_history(shape: &Shape, seed: u64) -> History {
    let mut random = Seeded::new(seed);
    let mut plan = Vec::new();
    for key in 0..shape.keys {
        plan_register(shape, key, &mut random, &mut plan);
    }
    plan.sort_by_key(|op| op.effect);
    let mut registers: BTreeMap<u64, Now> = BTreeMap::new();
    let mut events = Vec::new();
    for (zxid, op) in plan.iter().enumerate() {
        let now = registers.entry(op.key).or_default();
        happen(shape, op, now, zxid as u64 + 1, &mut events);
    }
    sorted(events)
}

/// Events in order of their time, numbered anew.
#[must_use]
pub fn sorted(mut events: Vec<Event>) -> History {
    events.sort_by_key(|event| (event.time, event.outcome != Outcome::Invoke));
    for (index, event) in (0..).zip(&mut events) {
        event.index = index;
    }
    History { events }
}

fn plan_register(shape: &Shape, key: u64, random: &mut Seeded, plan: &mut Vec<Planned>) {
    let clients = shape.clients.max(1);
    let mut free: Vec<(u64, u64)> = (0..clients)
        .map(|client| (client, random.below(1000)))
        .collect();
    let end = shape.ops.saturating_mul(1000) / clients;
    let mut crashes = shape.crashed;
    for number in 0..shape.ops {
        let Some(client) = free.iter_mut().min_by_key(|(_, at)| *at) else {
            return;
        };
        let call = client.1 + 1 + random.below(100);
        let ret = call + 2 + random.below(2000);
        let crashed = crashes > 0 && random.below(shape.ops - number) < crashes;
        let kind = random.below(4);
        // A crashed operation writes; half of those that happen do so long after everybody forgot.
        let kind = if crashed && kind < 2 { 2 } else { kind };
        let late = crashed && random.once_in(2);
        let effect = call + 1 + random.below(if late { end } else { ret - call - 1 });
        plan.push(Planned {
            key,
            process: key * 1_000_000 + client.0,
            call,
            effect,
            ret,
            crashed,
            happens: !crashed || !random.once_in(3),
            kind,
            value: shape
                .values
                .map_or(key * 10_000_000 + number, |range| random.below(range)),
        });
        client.1 = ret;
        if crashed {
            crashes -= 1;
            client.0 += clients;
        }
    }
}

/// Lets an operation take effect, and writes down what its client saw.
fn happen(shape: &Shape, op: &Planned, now: &mut Now, zxid: u64, events: &mut Vec<Event>) {
    let before = now.clone();
    let shown = before.value.map_or(json!("absent"), |value| json!(value));
    let (f, asked) = match op.kind {
        0 | 1 => ("read", Value::Null),
        3 if before.value.is_some() => {
            // Once in three times what was read is old by now.
            let stale = op.value.is_multiple_of(3);
            let old = if stale {
                json!(u64::MAX)
            } else {
                shown.clone()
            };
            ("cas", json!({"old": old, "new": op.value}))
        }
        _ => ("write", json!(op.value)),
    };
    let refused = f == "cas" && asked.get("old") != Some(&shown);
    if f != "read" && !refused && op.happens {
        now.version = if before.value.is_some() {
            before.version + 1
        } else {
            0
        };
        now.value = Some(op.value);
    }
    let mut facts = BTreeMap::new();
    if f == "cas" && shape.versions {
        let expect = if refused {
            before.version + 1000
        } else {
            before.version
        };
        facts.insert("expect".to_owned(), json!(expect));
    }
    let mut event = Event {
        index: 0,
        time: op.call,
        process: Process::Client(op.process),
        outcome: Outcome::Invoke,
        f: f.to_owned(),
        key: Some(format!("r{}", op.key)),
        value: asked.clone(),
        facts,
    };
    events.push(event.clone());
    event.time = op.ret;
    event.facts.clear();
    (event.outcome, event.value) = match (op.crashed, refused, f) {
        (true, ..) => (Outcome::Info, asked),
        (_, true, _) => (Outcome::Fail, asked),
        (_, _, "read") => (Outcome::Ok, shown),
        _ => (Outcome::Ok, asked),
    };
    let error = match event.outcome {
        Outcome::Info => Some("timeout"),
        Outcome::Fail => Some("version_mismatch"),
        Outcome::Ok | Outcome::Invoke => None,
    };
    event
        .facts
        .extend(error.map(|error| ("error".to_owned(), json!(error))));
    if shape.versions && event.outcome == Outcome::Ok {
        event.facts.insert("zxid".to_owned(), json!(zxid));
        if now.value.is_some() {
            event.facts.insert("version".to_owned(), json!(now.version));
        }
    }
    events.push(event);
}
