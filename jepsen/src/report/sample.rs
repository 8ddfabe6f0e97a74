//! A run that never was, for the tests of its pages: a register under faults, from a seed, with a
//! stale read planted in it.

use std::collections::BTreeMap;

use checker::{Event, Finding, History, Limits, Report};
use serde_json::{Value, json};

use super::results::{Facts, Results};
use super::versions::Versions;
use crate::merge::{Source, merge};
use crate::plan::{Fault, Plan};

/// SplitMix64: the same numbers for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }
}

const MS: u64 = 1_000_000;
const CLIENTS: u64 = 10;

/// The schedule of the sample: kind, targets, from and to in ms of a run of a minute.
const FAULTS: &[(&str, &[u64], u64, u64)] = &[
    ("kill", &[1], 5_000, 9_000),
    ("partition-leader", &[2], 14_000, 20_000),
    ("pause", &[3], 18_000, 22_500),
    ("clock-jump", &[1], 27_000, 33_000),
    ("disk-slow", &[2], 31_000, 38_000),
    ("leader-transfer", &[3], 41_000, 41_200),
    ("loss", &[1, 2, 3], 46_000, 52_000),
];

fn event(time: u64, process: Value, words: Value) -> Event {
    let mut event = json!({"index": 0, "time": time, "process": process});
    let fields = event.as_object_mut().unwrap();
    fields.extend(words.as_object().unwrap().clone());
    serde_json::from_value(event).unwrap()
}

/// Ends of the faults that are in force at a time, except those that clients do not feel.
fn trouble(ms: u64) -> Option<u64> {
    let felt = FAULTS
        .iter()
        .filter(|(kind, ..)| !kind.starts_with("clock"));
    felt.filter(|(_, _, from, to)| (*from..*to).contains(&ms))
        .map(|(.., to)| *to)
        .max()
}

/// What one client saw, of a register that is never wrong.
fn client(number: u64, (operations, seconds): (u64, u64), version: &mut u64) -> Vec<Event> {
    let mut random = Random(number);
    let mut process = number;
    let mut events = Vec::new();
    let pause = seconds * 1000 * MS / operations.max(1);
    let mut time = random.next(pause.max(1));
    for _ in 0..operations {
        let key = format!("r{}", random.next(3));
        let hurt = trouble(time / MS * 60 / seconds).is_some();
        let slow = random.next(100);
        let took = match (hurt, slow) {
            (true, 0..8) => 1_000 * MS + random.next(4_000 * MS),
            (true, _) => 8 * MS + random.next(60 * MS),
            (false, 0..2) => 20 * MS + random.next(80 * MS),
            (false, _) => MS / 2 + random.next(6 * MS),
        };
        let kind = match (hurt, slow) {
            (true, 0..4) => "info",
            (true, 4..10) => "fail",
            _ => "ok",
        };
        let writes = random.next(2) == 0;
        *version += u64::from(writes);
        let (f, asked) = if writes {
            ("write", json!(*version))
        } else {
            ("read", Value::Null)
        };
        let mut done = json!({"type": kind, "f": f, "key": key, "value": *version, "door": "http"});
        if kind == "ok" {
            done["version"] = json!(*version);
            done["node"] = json!(1 + random.next(3));
        } else {
            done["error"] = json!("timeout");
            done["value"] = asked.clone();
        }
        let begun = json!({"type": "invoke", "f": f, "key": key, "value": asked});
        events.push(event(time, json!(process), begun));
        events.push(event(time + took, json!(process), done));
        process += if kind == "info" { CLIENTS } else { 0 };
        time += took.max(pause / 2) + random.next(pause.max(1));
    }
    events
}

fn nemesis(seconds: u64) -> Vec<Event> {
    let mut events = Vec::new();
    for (kind, targets, from, to) in FAULTS {
        for (phase, ms) in [("start", *from), ("end", *to)] {
            let seen = *kind != "disk-slow";
            let value = json!({"phase": phase, "targets": targets, "observed": seen,
                "evidence": format!("probe of {kind} at its {phase}: <as it should be> & seen")});
            let time = ms * MS * seconds / 60;
            let words = json!({"type": "info", "f": kind, "value": value});
            events.push(event(time, json!("nemesis"), words));
        }
    }
    events
}

fn observer(seconds: u64) -> Vec<Event> {
    let mut events = Vec::new();
    for ms in (0..seconds * 1000).step_by(200) {
        let at = ms * 60 / seconds;
        let (leader, term) = match at {
            0..5_300 => (1, 3),
            5_300..14_600 => (2, 4),
            14_600..41_100 => (3, 5),
            _ => (1, 6),
        };
        for node in 1..=3_u64 {
            let down = node == 1 && (5_000..9_000).contains(&at);
            // The one that was cut off does not know yet.
            let stale = node == 2 && (14_600..16_500).contains(&at);
            let state = if node == leader || stale {
                "leader"
            } else {
                "follower"
            };
            let term = if stale { 4 } else { term };
            let value = json!({"node": node, "term": term, "leader": leader, "state": state});
            let words =
                json!({"type": if down { "fail" } else { "ok" }, "f": "leader", "value": value});
            events.push(event(ms * MS + node, json!("observer"), words));
        }
    }
    events
}

/// A history of about so many operations over so many seconds.
pub(super) fn history(operations: u64, seconds: u64) -> History {
    let mut version = 0;
    let clients = (0..CLIENTS).map(|number| {
        let events = client(number, (operations / CLIENTS, seconds), &mut version);
        Source::of(&format!("worker-{number}"), events)
    });
    let mut sources: Vec<Source> = clients.collect();
    sources.push(Source::of("nemesis", nemesis(seconds)));
    sources.push(Source::of("observer", observer(seconds)));
    merge(sources, 0).unwrap().history
}

fn plan(seconds: u64) -> Plan {
    let fault = |(kind, targets, from, to): &(&str, &[u64], u64, u64)| Fault {
        at_ms: *from,
        lasts_ms: to - from,
        kind: (*kind).to_owned(),
        target: if targets.len() > 1 { "all" } else { "one" }.to_owned(),
        amounts: BTreeMap::new(),
    };
    Plan {
        seed: 7,
        workload: "register".to_owned(),
        door: "http".to_owned(),
        nodes: 3,
        seconds,
        concurrency: CLIENTS,
        rate: 1000,
        settings: BTreeMap::from([("snapshot-entries".to_owned(), "100".to_owned())]),
        sizes: BTreeMap::new(),
        nemesis: vec![
            "kill".to_owned(),
            "partition".to_owned(),
            "clock".to_owned(),
        ],
        schedule: FAULTS.iter().map(fault).collect(),
    }
}

/// The results of a history with a finding of its middle, and one that nobody can decide.
pub(super) fn results(history: &History, seconds: u64) -> Results {
    let limits = Limits::default();
    let mut linearizable = Report::new("linearizable");
    linearizable.count("operations", history.calls().len() as u64);
    linearizable.count("keys", 3);
    let middle = history.events.len() as u64 / 2;
    let key = |index: u64| history.events[usize::try_from(index).unwrap()].key.clone();
    let client = |index: &u64| key(*index).is_some();
    let events: Vec<u64> = (middle..).filter(client).take(3).collect();
    linearizable.broken(
        &limits,
        format!(
            "register {}: the read at #{} shows version 41, but version 42 was acknowledged by #{} \
             before it began",
            key(events[0]).unwrap_or_default(),
            events[0],
            events[1]
        ),
        events,
    );
    let mut observed = Report::new("faults-observed");
    observed.count("faults", FAULTS.len() as u64);
    observed.unknown(
        &limits,
        "disk-slow on n2 was not observed".to_owned(),
        Vec::new(),
    );
    let mut availability = Report::new("availability");
    availability.count("ok", 1);
    Results::new(
        Facts {
            name: "20261125T110000Z-register-7".to_owned(),
            started: "2026-11-25T11:00:00Z".to_owned(),
            plan: plan(seconds),
            versions: Versions {
                git: Some("9bb40ba".to_owned()),
                holdfast: json!("0.1.0"),
                binary_sha256: "ab".repeat(32),
                mutant: None,
                kernel: "Linux 6.1 x86_64".to_owned(),
                harness: "0.1.0".to_owned(),
            },
            checkers: vec![availability, linearizable, observed],
            torn_lines: 1,
            files: BTreeMap::from([("log of node 1".to_owned(), "nodes/1/stderr.log".to_owned())]),
        },
        history,
    )
}

/// A finding whose words are its own.
pub(super) fn finding(what: &str, events: Vec<u64>) -> Finding {
    Finding {
        what: what.to_owned(),
        events,
    }
}
