//! What a worker says: one event a line, in the order in which it happened, flushed before anything
//! else is done.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use checker::Outcome;
use serde::Serialize;
use serde_json::Value;

use super::clock;

/// Facts beside a value.
pub type Facts = BTreeMap<String, Value>;

/// An operation, as it is asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Op {
    /// What is done, by the names of `histories.md`.
    pub f: &'static str,
    /// To what, where there are several.
    pub key: Option<String>,
    /// What is asked for.
    pub value: Value,
    /// Facts of the invocation.
    pub facts: Facts,
}

impl Op {
    /// An operation without facts.
    #[must_use]
    pub fn new(f: &'static str, key: Option<&str>, value: Value) -> Op {
        Op {
            f,
            key: key.map(str::to_owned),
            value,
            facts: Facts::new(),
        }
    }

    /// With a fact.
    #[must_use]
    pub fn with(mut self, fact: &str, value: impl Into<Value>) -> Op {
        self.facts.insert(fact.to_owned(), value.into());
        self
    }
}

/// What came of an operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// Whether it happened.
    pub outcome: Outcome,
    /// When that was known.
    pub time: u64,
    /// What came of it.
    pub value: Value,
    /// Facts beside it.
    pub facts: Facts,
}

/// An [`checker::Event`] before it has a position.
#[derive(Serialize)]
struct Line<'a> {
    time: u64,
    process: u64,
    #[serde(rename = "type")]
    outcome: Outcome,
    f: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    value: &'a Value,
    #[serde(flatten)]
    facts: &'a Facts,
}

/// Where lines go; shared by all clients of a worker.
pub type Sink = Arc<Mutex<Box<dyn Write + Send>>>;

/// Writes down what one logical client does, under the number it has at the time.
pub struct Scribe {
    sink: Sink,
    process: u64,
    step: u64,
}

impl Scribe {
    /// A client that begins as `process` and goes on, after an unknown outcome, `step` further.
    #[must_use]
    pub fn new(sink: Sink, process: u64, step: u64) -> Scribe {
        Scribe {
            sink,
            process,
            step,
        }
    }

    fn write(&self, line: &Line<'_>) -> io::Result<()> {
        let mut text = serde_json::to_vec(line).map_err(io::Error::other)?;
        text.push(b'\n');
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        sink.write_all(&text)?;
        sink.flush()
    }

    /// An operation begins now: to be called before the first byte of its request is written.
    ///
    /// # Errors
    /// Nobody listens any more.
    pub fn invoke(&mut self, op: &Op) -> io::Result<()> {
        self.invoke_at(op, clock::now())
    }

    /// An operation began at that time: for what has its name from the answer.
    ///
    /// # Errors
    /// Nobody listens any more.
    pub fn invoke_at(&mut self, op: &Op, time: u64) -> io::Result<()> {
        self.write(&Line {
            time,
            process: self.process,
            outcome: Outcome::Invoke,
            f: op.f,
            key: op.key.as_deref(),
            value: &op.value,
            facts: &op.facts,
        })
    }

    /// An operation has ended. After an unknown outcome this client is another process.
    ///
    /// # Errors
    /// Nobody listens any more.
    pub fn complete(&mut self, op: &Op, done: &Done) -> io::Result<()> {
        self.write(&Line {
            time: done.time,
            process: self.process,
            outcome: done.outcome,
            f: op.f,
            key: op.key.as_deref(),
            value: &done.value,
            facts: &done.facts,
        })?;
        if done.outcome == Outcome::Info {
            self.process = self.process.saturating_add(self.step);
        }
        Ok(())
    }

    /// Something was seen that nobody asked for: an event of a stream.
    ///
    /// # Errors
    /// Nobody listens any more.
    pub fn note(&mut self, op: &Op, time: u64) -> io::Result<()> {
        self.write(&Line {
            time,
            process: self.process,
            outcome: Outcome::Ok,
            f: op.f,
            key: op.key.as_deref(),
            value: &op.value,
            facts: &op.facts,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A place to write that the test can look at.
    #[derive(Clone, Default)]
    struct Page(Arc<Mutex<Vec<u8>>>);

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_are_events_and_a_client_dies_of_an_unknown_outcome() {
        let page = Page::default();
        let sink: Sink = Arc::new(Mutex::new(Box::new(page.clone())));
        let mut scribe = Scribe::new(sink, 3, 10);
        let op = Op::new("write", Some("r2"), json!(41)).with("consistency", "stale");
        for outcome in [Outcome::Info, Outcome::Ok] {
            scribe.invoke(&op).unwrap();
            let done = Done {
                outcome,
                time: clock::now(),
                value: json!(41),
                facts: Facts::from([("error".to_owned(), json!("timeout"))]),
            };
            scribe.complete(&op, &done).unwrap();
        }
        let text = String::from_utf8(page.0.lock().unwrap().clone()).unwrap();
        let events: Vec<checker::Event> = text
            .lines()
            .enumerate()
            .map(|(at, line)| {
                let mut event: Value = serde_json::from_str(line).unwrap();
                event["index"] = at.into();
                serde_json::from_value(event).unwrap()
            })
            .collect();
        let processes: Vec<_> = events.iter().map(|event| event.process.clone()).collect();
        let of = checker::Process::Client;
        assert_eq!(processes, [of(3), of(3), of(13), of(13)]);
        assert_eq!(events[1].text("error"), Some("timeout"));
        assert_eq!(events[0].key.as_deref(), Some("r2"));
        assert!(events.is_sorted_by_key(|event| event.time));
    }
}
