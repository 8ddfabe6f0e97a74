//! What is to be run.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What the clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// Replace the value of one of [`Plan::keys`] znodes, chosen at random.
    Write,
    /// Make new znodes.
    Create,
    /// Read one of [`Plan::keys`] znodes, chosen at random.
    Read,
    /// Nine reads to one write.
    Mixed,
    /// Take a lock nobody else wants, and release it. One operation is both.
    Lock,
    /// All clients want one lock, hold it for no time, and queue again. The latency is that of a hand-over:
    /// from the moment a holder sends its release until the next one knows that it holds.
    Contend,
    /// One writer changes a znode, all others watch it. The latency is that from sending the write to one watcher
    /// being told.
    Watch,
    /// Sessions that are kept alive and do nothing else.
    Sessions,
    /// A trickle of writes, and how long none was acknowledged.
    Failover,
}

impl Workload {
    /// Every workload, in the order they are documented.
    pub const ALL: [Workload; 9] = [
        Workload::Write,
        Workload::Create,
        Workload::Read,
        Workload::Mixed,
        Workload::Lock,
        Workload::Contend,
        Workload::Watch,
        Workload::Sessions,
        Workload::Failover,
    ];

    /// Its name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Workload::Write => "write",
            Workload::Create => "create",
            Workload::Read => "read",
            Workload::Mixed => "mixed",
            Workload::Lock => "lock",
            Workload::Contend => "contend",
            Workload::Watch => "watch",
            Workload::Sessions => "sessions",
            Workload::Failover => "failover",
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Workload {
    type Err = String;

    fn from_str(text: &str) -> Result<Workload, String> {
        let found = Workload::ALL.into_iter().find(|w| w.name() == text);
        found.ok_or_else(|| {
            let names: Vec<&str> = Workload::ALL.iter().map(|w| w.name()).collect();
            format!("{text:?} is not one of {}", names.join(", "))
        })
    }
}

/// How fresh what is read must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// As of some moment between question and answer.
    #[default]
    Linearizable,
    /// What the node that is asked has, never older than what this client has seen.
    Session,
}

impl FromStr for Reading {
    type Err = String;

    fn from_str(text: &str) -> Result<Reading, String> {
        match text {
            "linearizable" => Ok(Reading::Linearizable),
            "session" => Ok(Reading::Session),
            other => Err(format!("{other:?} is neither linearizable nor session")),
        }
    }
}

/// How often clients ask.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// Each client asks again as soon as it has an answer (closed loop).
    Closed,
    /// So many operations a second, all clients together, whether or not answers come in time (open loop). An
    /// operation's latency counts from when it was due, so that a stall is seen by all it kept waiting
    /// (coordinated omission).
    Open {
        /// Operations a second.
        rate: f64,
    },
}

/// A run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What the clients do.
    pub workload: Workload,
    /// How many there are, each with a connection of its own.
    pub clients: usize,
    /// How long is measured.
    pub time: Duration,
    /// How long the load runs before that.
    pub warm_up: Duration,
    /// Bytes of a value.
    pub value_bytes: usize,
    /// Znodes that are written and read.
    pub keys: u64,
    /// How often clients ask.
    pub pace: Pace,
    /// How fresh what is read must be.
    pub reading: Reading,
    /// How long a client waits for an answer before it calls the outcome unknown.
    pub answer_within: Duration,
    /// Threads the clients share.
    pub threads: usize,
    /// The znode below which everything is made, without a slash.
    pub root: String,
    /// Tells what this run makes from what others made.
    pub run: u32,
}

impl Plan {
    /// A number for [`run`](Plan::run) that no other run is likely to have.
    #[must_use]
    pub fn fresh_run() -> u32 {
        rand::random()
    }

    /// The znode number `key` of those that are written and read.
    #[must_use]
    pub fn key(&self, key: u64) -> String {
        format!("{}/k{key}", self.root)
    }
}
