//! What clients did, in numbers.

use std::collections::BTreeMap;

use checker::{Call, History, Outcome, Process};
use serde::{Deserialize, Serialize};

/// Operations whose length is what was asked for and says nothing of the cluster.
pub const WAITING: &[&str] = &["watch", "pause", "silence"];

/// Operations of one name, or all of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// It happened.
    pub ok: u64,
    /// It did not.
    pub fail: u64,
    /// Nobody knows.
    pub info: u64,
    /// Ok operations per second of the run.
    pub ok_per_second: f64,
    /// Half of the ok ones took no longer; of all names together: without those that wait on
    /// purpose.
    pub p50_ms: f64,
    /// 99 of 100 of the ok ones took no longer.
    pub p99_ms: f64,
    /// The longest ok one.
    pub max_ms: f64,
}

impl Tally {
    /// All operations.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.ok + self.fail + self.info
    }
}

/// All operations of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Operations {
    /// Together.
    pub all: Tally,
    /// By name.
    pub by_f: BTreeMap<String, Tally>,
    /// Why operations failed or are unknown: the `error` of their completion, counted.
    pub errors: BTreeMap<String, u64>,
}

/// Most kinds of errors counted by name.
const ERRORS_MAX: usize = 50;

/// The operations of clients, without what the observer asked.
#[must_use]
pub fn client_calls(history: &History) -> Vec<Call<'_>> {
    let mut calls = history.calls();
    calls.retain(|call| matches!(call.invoke.process, Process::Client(_)));
    calls
}

/// How long a call took, in nanoseconds; `None`: it never ended.
#[must_use]
pub fn latency(call: &Call<'_>) -> Option<u64> {
    Some(call.complete?.time.saturating_sub(call.invoke.time))
}

/// Counts them; `length_ns` is the length of the run.
#[must_use]
pub fn operations(calls: &[Call<'_>], length_ns: u64) -> Operations {
    let mut all = Gathered::default();
    let mut by_f: BTreeMap<&str, Gathered> = BTreeMap::new();
    let mut errors: BTreeMap<String, u64> = BTreeMap::new();
    for call in calls {
        let f = call.invoke.f.as_str();
        by_f.entry(f).or_default().add(call, true);
        all.add(call, !WAITING.contains(&f));
        let error = match call.outcome() {
            Outcome::Ok | Outcome::Invoke => None,
            Outcome::Fail | Outcome::Info => Some(why(call)),
        };
        if let Some(error) =
            error.filter(|error| errors.contains_key(error) || errors.len() < ERRORS_MAX)
        {
            *errors.entry(error).or_default() += 1;
        }
    }
    Operations {
        all: all.tally(length_ns),
        by_f: by_f
            .into_iter()
            .map(|(f, one)| (f.to_owned(), one.tally(length_ns)))
            .collect(),
        errors,
    }
}

fn why(call: &Call<'_>) -> String {
    match call.complete {
        Some(event) => event.text("error").unwrap_or("without a reason").to_owned(),
        None => "never completed".to_owned(),
    }
}

#[derive(Default)]
struct Gathered {
    ok: u64,
    fail: u64,
    info: u64,
    latencies: Vec<u64>,
}

impl Gathered {
    fn add(&mut self, call: &Call<'_>, timed: bool) {
        match call.outcome() {
            Outcome::Ok => {
                self.ok += 1;
                self.latencies.extend(latency(call).filter(|_| timed));
            }
            Outcome::Fail => self.fail += 1,
            Outcome::Info | Outcome::Invoke => self.info += 1,
        }
    }

    fn tally(mut self, length_ns: u64) -> Tally {
        self.latencies.sort_unstable();
        let at = |permille| ms(quantile(&self.latencies, permille));
        Tally {
            ok: self.ok,
            fail: self.fail,
            info: self.info,
            ok_per_second: round(per_second(self.ok, length_ns), 10.0),
            p50_ms: at(500),
            p99_ms: at(990),
            max_ms: at(1000),
        }
    }
}

/// How many a second that is.
#[must_use]
pub fn per_second(count: u64, length_ns: u64) -> f64 {
    count as f64 * 1e9 / length_ns.max(1) as f64
}

/// The smallest of sorted numbers that so many of 1000 do not exceed; 0 of none.
#[must_use]
pub fn quantile(sorted: &[u64], permille: usize) -> u64 {
    let rank = (sorted.len() * permille).div_ceil(1000).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0)
}

/// Milliseconds of nanoseconds, to a microsecond.
#[must_use]
pub fn ms(ns: u64) -> f64 {
    round(ns as f64 / 1e6, 1000.0)
}

fn round(number: f64, steps: f64) -> f64 {
    (number * steps).round() / steps
}
