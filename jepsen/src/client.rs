//! One logical client: asks a node over HTTP, writes down what it asked and what it concluded.

mod asked;
pub mod clock;
pub mod http;
pub mod journal;
pub mod nodes;
pub mod outcome;
pub mod random;
pub mod shared;
pub mod zookeeper;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use checker::Outcome;
use serde_json::Value;

pub use asked::Asked;
use http::Request;
use journal::{Done, Facts, Op, Scribe};
use nodes::Nodes;
use outcome::Nature;
use random::Random;
use shared::Shared;
use zookeeper::ZooKeeper;

/// Part of the time for an answer that the server is told of, per cent: so it answers "unknown" by
/// itself before the client stops listening.
const SERVER_SHARE: u32 = 90;
/// Of a hundred answers "not now", so many send a client to another node. The others stay: a node
/// that is cut off must be asked, too, or nobody would see what it says.
const LEAVES_UNAVAILABLE: u64 = 50;

/// See the module.
pub struct Client {
    /// What it is called among all clients of the run; its first process number.
    pub number: u64,
    /// Where its choices come from.
    pub random: Random,
    /// The nodes it may speak to.
    pub nodes: Nodes,
    /// What it shares with the other clients of its worker.
    pub shared: Arc<Shared>,
    /// The highest position any answer showed it.
    pub seen: u64,
    scribe: Scribe,
    interval: Duration,
    next: Instant,
}

impl Client {
    /// Client number `place` of a worker, from 0.
    #[must_use]
    pub fn new(shared: &Arc<Shared>, place: u64, sink: &journal::Sink) -> Client {
        let spec = &shared.spec;
        let number = spec.first_process.saturating_add(place);
        let each = spec.rate.max(1).checked_div(spec.clients.max(1));
        let interval = 1_000_000_u64
            .checked_div(each.unwrap_or(1).max(1))
            .unwrap_or(1);
        let mut random = Random::of(spec.seed, place);
        let interval = Duration::from_micros(interval);
        let first = interval.mul_f64(fraction(&mut random));
        Client {
            number,
            nodes: Nodes::new(spec, place),
            shared: Arc::clone(shared),
            seen: 0,
            scribe: Scribe::new(Arc::clone(sink), number, spec.concurrency.max(spec.clients)),
            interval,
            next: Instant::now() + first,
            random,
        }
    }

    /// Longest wait for one answer.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.shared.spec.timeout_ms.max(1))
    }

    /// Waits for this client's turn; false when the load is over.
    pub fn turn(&mut self) -> bool {
        let jitter = self.interval.mul_f64(0.5 + fraction(&mut self.random));
        let now = Instant::now();
        let at = self.next.max(now);
        // Who was late does not catch up: that would be a burst, which nobody asked for.
        self.next = at + jitter;
        self.shared.wait_until(at)
    }

    /// Does nothing for so long; false when the load is over.
    pub fn rest(&mut self, time: Duration) -> bool {
        self.shared.wait_until(Instant::now() + time)
    }

    /// Asks a node, without writing anything down.
    pub fn ask(&mut self, nature: Nature, request: &Request) -> Asked {
        let deadline = Instant::now() + self.timeout();
        let hint = self.timeout() * SERVER_SHARE / 100;
        let request = request
            .clone()
            .header("holdfast-timeout", format!("{}ms", hint.as_millis()));
        let at = self.nodes.choose(&mut self.random);
        let reply = self.nodes.http(at).ask(&request, deadline);
        let asked = asked::judge(nature, reply, self.nodes.number(at));
        if let Some(zxid) = asked.facts.get("zxid").and_then(Value::as_u64) {
            self.seen = self.seen.max(zxid);
        }
        self.keep_or_leave(&asked);
        asked
    }

    fn keep_or_leave(&mut self, asked: &Asked) {
        let leaves = match asked.status() {
            0 => true,
            503 | 504 => self.random.chance(LEAVES_UNAVAILABLE),
            _ => false,
        };
        if leaves {
            self.nodes.leave(&mut self.random);
        }
    }

    /// Asks again, within one operation, until there is an answer that says how things stand, at
    /// most so many times: for requests that may be repeated (P-RETRY).
    pub fn ask_repeatedly(&mut self, nature: Nature, request: &Request, most: u64) -> Asked {
        let mut unknown = false;
        let mut attempts = 1;
        loop {
            let mut asked = self.ask(nature, request);
            let is_settled = asked.answer.is_some() && !matches!(asked.status(), 500..=599);
            if is_settled || attempts >= most.max(1) {
                asked.outcome = outcome::of_repeated(unknown, asked.outcome, asked.code.as_deref());
                return asked.with("attempts", attempts);
            }
            unknown |= asked.outcome == Outcome::Info;
            attempts += 1;
            let pause = self.random.between(20, 120);
            self.shared.wait(Duration::from_millis(pause));
        }
    }

    /// Asks through the ZooKeeper door, without writing anything down.
    pub fn ask_zookeeper(
        &mut self,
        nature: Nature,
        zookeeper: &mut ZooKeeper,
        op: &zookeeper::Op,
    ) -> (Asked, zookeeper::Answer) {
        let deadline = Instant::now() + self.timeout();
        let reply = zookeeper.ask(op, deadline);
        let (asked, answer) = asked::judge_zookeeper(nature, reply, zookeeper.node());
        if asked.code.as_deref() == Some("session_expired") {
            zookeeper.forget();
        }
        (asked, answer)
    }

    /// Writes down that an operation begins, and asks.
    pub fn begin(&mut self, op: &Op, nature: Nature, request: &Request) -> Asked {
        self.invoke(op);
        self.ask(nature, request)
    }

    /// Writes down that an operation begins.
    pub fn invoke(&mut self, op: &Op) {
        let written = self.scribe.invoke(op);
        self.heard(written);
    }

    /// Writes down that an operation began at that time: for what has its name from the answer.
    pub fn invoke_at(&mut self, op: &Op, time: u64) {
        let written = self.scribe.invoke_at(op, time);
        self.heard(written);
    }

    /// Writes down what came of an operation: `value` if it happened, what was asked for otherwise.
    pub fn end(&mut self, op: &Op, asked: Asked, value: Value) -> Outcome {
        let value = if asked.is_ok() {
            value
        } else {
            op.value.clone()
        };
        self.end_with(op, asked, value)
    }

    /// Writes down what came of an operation, with this value in any case.
    pub fn end_with(&mut self, op: &Op, asked: Asked, value: Value) -> Outcome {
        let outcome = asked.outcome;
        let written = self.scribe.complete(
            op,
            &Done {
                outcome,
                time: asked.time,
                value,
                facts: asked.facts,
            },
        );
        self.heard(written);
        outcome
    }

    /// Writes down the end of an operation that asked nobody.
    pub fn end_alone(&mut self, op: &Op, value: Value) {
        let done = Done {
            outcome: Outcome::Ok,
            time: clock::now(),
            value,
            facts: Facts::new(),
        };
        let written = self.scribe.complete(op, &done);
        self.heard(written);
    }

    /// Writes down what was seen without being asked for.
    pub fn note(&mut self, op: &Op) {
        self.note_at(op, clock::now());
    }

    /// The same of something that was read at that time.
    pub fn note_at(&mut self, op: &Op, time: u64) {
        let written = self.scribe.note(op, time);
        self.heard(written);
    }

    /// When nobody reads what a worker says, its work has no sense any more.
    fn heard(&self, written: io::Result<()>) {
        if written.is_err() {
            self.shared.end();
        }
    }
}

/// A number of `0..1`.
fn fraction(random: &mut Random) -> f64 {
    let thousandth = u32::try_from(random.below(1000)).unwrap_or(0);
    f64::from(thousandth) / 1000.0
}
