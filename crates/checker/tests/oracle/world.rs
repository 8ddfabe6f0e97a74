//! A cluster made up from a seed: registers, one lock, clients that lose answers, nodes that lag. What it
//! writes down is right by construction.

use std::collections::{BTreeMap, VecDeque};

use checker::oracle::log::{Change, Command, Data, Entry, NodeLog, Op};
use checker::{Event, History, Outcome, Process};
use serde_json::{Value, json};

use crate::fixture::Run;

/// SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

struct World {
    random: Random,
    zxid: u64,
    versions: BTreeMap<String, i64>,
    /// Claims of the one lock: name and fence, the holder in front.
    queue: VecDeque<(String, u64)>,
    commands: Vec<Command>,
    events: Vec<Event>,
    operations: u64,
}

/// A run of so many operations.
pub(crate) fn run(seed: u64, operations: u64) -> Run {
    let mut world = World {
        random: Random(seed),
        zxid: 0,
        versions: BTreeMap::new(),
        queue: VecDeque::new(),
        commands: Vec::new(),
        events: Vec::new(),
        operations: 0,
    };
    for _ in 0..operations {
        match world.random.below(4) {
            0 => world.lock(),
            _ => world.write(),
        }
    }
    Run {
        history: History {
            events: std::mem::take(&mut world.events),
        },
        logs: world.logs(),
    }
}

fn change(event: &str) -> Change {
    Change {
        event: event.to_owned(),
        ..Change::default()
    }
}

impl World {
    /// Appends a command to the log; its position.
    fn log(&mut self, op: Op, done: Result<Vec<Change>, &str>) -> u64 {
        self.zxid += 1;
        let changes = done.clone().unwrap_or_default();
        self.commands.push(Command {
            request: format!("1-a-{}", self.zxid),
            op,
            outcome: Some(if done.is_ok() { "applied" } else { "refused" }.to_owned()),
            code: done.err().map(str::to_owned),
            zxid: Some(self.zxid),
            events: changes.len() as u64,
            changes,
            ..Command::default()
        });
        self.zxid
    }

    /// What a client asked and was told. Each operation is a process of its own.
    fn told(&mut self, ask: (&str, &str, Value), answer: (Outcome, Option<u64>, Value)) {
        let (f, key, value) = ask;
        let (outcome, zxid, answered) = answer;
        self.operations += 1;
        let event = |index: u64, outcome, value: Value| Event {
            index,
            time: index * 1000,
            process: Process::Client(self.operations),
            outcome,
            f: f.to_owned(),
            key: Some(key.to_owned()),
            value,
            facts: BTreeMap::new(),
        };
        let index = self.events.len() as u64;
        let mut completion = event(index + 1, outcome, answered);
        if let Some(zxid) = zxid {
            completion.facts.insert("zxid".to_owned(), zxid.into());
        }
        let invocation = event(index, Outcome::Invoke, value);
        self.events.extend([invocation, completion]);
    }

    fn write(&mut self) {
        let key = format!("r{}", self.random.below(3));
        // Some values are written again and again.
        let common = self.random.below(5) == 0;
        let value = if common {
            self.random.below(3)
        } else {
            1000 + self.operations
        };
        let found = self.versions.get(&key).copied();
        let expect = found.filter(|_| self.random.below(2) == 0);
        let wrong = expect.is_some() && self.random.below(3) == 0;
        let expect = expect.map(|version| version + i64::from(wrong));
        let ask = match expect {
            None => ("write", &*key, json!(value)),
            Some(_) => ("cas", &*key, json!({"old": 0, "new": value})),
        };
        let lost = self.random.below(8);
        if lost == 0 {
            // Never reached the log: the client knows, or does not.
            let unknown = self.random.below(2) == 0;
            let outcome = if unknown {
                Outcome::Info
            } else {
                Outcome::Fail
            };
            return self.told(ask, (outcome, None, Value::Null));
        }
        let path = format!("/jepsen/{key}");
        let op = Op {
            command: "put".to_owned(),
            path: Some(path.clone()),
            data: Some(Data {
                text: Some(value.to_string()),
                cut: false,
            }),
            expect,
            ..Op::default()
        };
        if wrong {
            let _ = self.log(op, Err("version_mismatch"));
            return self.told(ask, (Outcome::Fail, None, Value::Null));
        }
        let version = found.map_or(0, |version| version + 1);
        self.versions.insert(key.clone(), version);
        let event = if found.is_some() {
            "node.changed"
        } else {
            "node.created"
        };
        let changes = vec![Change {
            path: Some(path),
            version: Some(version),
            ..change(event)
        }];
        let zxid = self.log(op, Ok(changes));
        let answer = match lost {
            1 => (Outcome::Info, None, Value::Null),
            _ => (Outcome::Ok, Some(zxid), json!(value)),
        };
        self.told(ask, answer);
    }

    fn lock(&mut self) {
        if self.queue.len() > 2 || (!self.queue.is_empty() && self.random.below(2) == 0) {
            return self.release();
        }
        let claim = format!("c{}", self.operations);
        let ask = ("acquire", "l", json!({"claim": claim}));
        let op = Op {
            command: "acquire".to_owned(),
            lock: Some("l".to_owned()),
            claim: Some(claim.clone()),
            ..Op::default()
        };
        let event = if self.queue.is_empty() {
            "lock.granted"
        } else {
            "lock.queued"
        };
        let fence = self.zxid + 1;
        let zxid = self.log(op, Ok(vec![of(event, &claim, fence)]));
        self.queue.push_back((claim.clone(), fence));
        let answer = match self.random.below(6) {
            0 => (Outcome::Info, None, Value::Null),
            _ => (
                Outcome::Ok,
                Some(zxid),
                json!({"claim": claim, "fence": fence}),
            ),
        };
        self.told(ask, answer);
    }

    fn release(&mut self) {
        let Some((claim, fence)) = self.queue.pop_front() else {
            return;
        };
        let ask = ("release", "l", json!({"claim": claim}));
        let op = Op {
            command: "release".to_owned(),
            lock: Some("l".to_owned()),
            claim: Some(claim.clone()),
            ..Op::default()
        };
        let ended = Change {
            how: Some("released".to_owned()),
            ..of("lock.released", &claim, fence)
        };
        let next = self.queue.front().map(|(claim, fence)| Change {
            handed_over: true,
            ..of("lock.granted", claim, *fence)
        });
        let zxid = self.log(op, Ok([Some(ended), next].into_iter().flatten().collect()));
        let answer = match self.random.below(6) {
            0 => (Outcome::Info, None, Value::Null),
            _ => (
                Outcome::Ok,
                Some(zxid),
                json!({"claim": claim, "how": "released"}),
            ),
        };
        self.told(ask, answer);
    }

    /// Three logs: one may lag.
    fn logs(mut self) -> Vec<NodeLog> {
        let mut entries = vec![Entry {
            hash: "members".to_owned(),
            ..Entry::default()
        }];
        let mut commands: VecDeque<Command> = std::mem::take(&mut self.commands).into();
        let mut term = 1;
        while !commands.is_empty() {
            term += u64::from(self.random.below(10) == 0);
            let many = (self.random.below(3) + 1) as usize;
            let batch: Vec<Command> = commands.drain(..many.min(commands.len())).collect();
            let index = entries.len() as u64;
            let zxid = batch.last().unwrap().zxid;
            let hash = format!("{term}-{index}");
            entries.push(Entry {
                index,
                term,
                hash,
                commands: batch,
                zxid,
                ..Entry::default()
            });
        }
        for entry in &mut entries {
            entry.zxid = entry.zxid.or(Some(0));
            entry.digest = Some(format!("state {}", entry.index));
        }
        let last = entries.len() as u64 - 1;
        let lagging = self.random.below(4);
        (1..=3)
            .map(|node| self.node(node, &entries, (node == lagging).then_some(last / 2)))
            .collect()
    }

    fn node(&mut self, node: u64, entries: &[Entry], stops: Option<u64>) -> NodeLog {
        let last = entries.len() as u64 - 1;
        let last = stops.unwrap_or(last);
        let committed = last.saturating_sub(self.random.below(3));
        let mut entries: Vec<Entry> = entries[..=last as usize].to_vec();
        for entry in &mut entries {
            entry.committed = entry.index <= committed;
        }
        NodeLog {
            node,
            entries,
            committed: Some(committed),
            ended: true,
            ..NodeLog::default()
        }
    }
}

fn of(event: &str, claim: &str, fence: u64) -> Change {
    Change {
        lock: Some("l".to_owned()),
        claim: Some(claim.to_owned()),
        fence: Some(fence),
        owner: Some(1),
        mode: Some("exclusive".into()),
        ..change(event)
    }
}
