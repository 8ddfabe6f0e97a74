//! Transactions of appends, in logs from their beginning and in purged ones.

use std::collections::BTreeMap;

use checker::oracle::log::{Command, Data, Entry, NodeLog, Op, Snapshot};
use checker::{Event, History, Outcome, Process, Verdict};
use serde_json::{Value, json};

use crate::fixture::Run;

/// Transactions in order: the whole lists each one wrote, and the appends it was made for.
struct Txn {
    lists: &'static [(&'static str, &'static [u64])],
    appends: &'static [(&'static str, u64)],
}

const RUN: &[Txn] = &[
    Txn {
        lists: &[("a", &[1]), ("b", &[1])],
        appends: &[("a", 1), ("b", 1)],
    },
    Txn {
        lists: &[("c", &[2])],
        appends: &[("c", 2)],
    },
    Txn {
        lists: &[("a", &[1, 3]), ("b", &[1, 3])],
        appends: &[("a", 3), ("b", 3)],
    },
    Txn {
        lists: &[("b", &[1, 3, 4])],
        appends: &[("b", 4)],
    },
    Txn {
        lists: &[("a", &[1, 3, 5]), ("b", &[1, 3, 4, 5])],
        appends: &[("a", 5), ("b", 5)],
    },
];

fn entry(zxid: u64, txn: &Txn) -> Entry {
    let op = |(key, list): &(&str, &[u64])| Op {
        command: "put".to_owned(),
        path: Some(format!("/jepsen/append/{key}")),
        data: Some(Data {
            text: Some(json!(list).to_string()),
            cut: false,
        }),
        ..Op::default()
    };
    let command = Command {
        request: format!("1-a-{zxid}"),
        op: Op {
            command: "txn".to_owned(),
            ..Op::default()
        },
        outcome: Some("applied".to_owned()),
        then: txn.lists.iter().map(op).collect(),
        zxid: Some(zxid),
        ..Command::default()
    };
    let text = json!({"index": zxid, "term": 1, "kind": "commands", "committed": true, "hash": zxid.to_string()});
    Entry {
        commands: vec![command],
        zxid: Some(zxid),
        digest: Some(format!("d{zxid}")),
        ..serde_json::from_value(text).unwrap()
    }
}

fn events(zxid: u64, txn: &Txn) -> [Event; 2] {
    let appends: Vec<Value> = txn
        .appends
        .iter()
        .map(|(key, element)| json!(["append", key, element]))
        .collect();
    let event = |index: u64, outcome| Event {
        index,
        time: index * 1000,
        process: Process::Client(zxid),
        outcome,
        f: "txn".to_owned(),
        key: None,
        value: json!(appends),
        facts: BTreeMap::new(),
    };
    let mut done = event(zxid * 2 + 1, Outcome::Ok);
    done.facts.insert("zxid".to_owned(), zxid.into());
    [event(zxid * 2, Outcome::Invoke), done]
}

/// The run, its log purged up to a position.
fn run(purged: u64) -> Run {
    let of = |node| {
        let entries = RUN.iter().zip(1..).map(|(txn, zxid)| entry(zxid, txn));
        let snapshot = Snapshot {
            index: Some(purged),
            zxid: Some(purged),
            digest: Some(format!("d{purged}")),
            problem: None,
        };
        let first = Entry {
            commands: Vec::new(),
            zxid: Some(0),
            ..entry(0, &RUN[0])
        };
        let all = std::iter::once(first).chain(entries);
        NodeLog {
            node,
            purged: (purged > 0).then_some(purged),
            from_snapshot: (purged > 0).then_some(purged),
            snapshots: (purged > 0).then_some(snapshot).into_iter().collect(),
            entries: all.filter(|e| purged == 0 || e.index > purged).collect(),
            committed: Some(RUN.len() as u64),
            problem: None,
            ended: true,
        }
    };
    let events = RUN
        .iter()
        .zip(1..)
        .flat_map(|(txn, zxid)| events(zxid, txn));
    Run {
        logs: (1..=3).map(of).collect(),
        history: History {
            events: events.collect(),
        },
    }
}

/// Found by a run with snapshots (append, seed 2063): lists that the log shows for the first time
/// carry elements that came before it begins.
#[test]
fn what_came_before_a_purged_log_is_not_called_done_in_parts() {
    for purged in 0..RUN.len() as u64 {
        run(purged).expect(Verdict::Valid, "");
    }
}

#[test]
fn appends_at_two_places_are_done_in_parts_also_in_a_purged_log() {
    for purged in [0, 1, 2] {
        let mut run = run(purged);
        // The last transaction's append to `b` comes one earlier than the one to `a`.
        run.command(4, |command| {
            let data = command.then[0].data.as_mut().unwrap();
            data.text = Some("[1,3,4,5]".to_owned());
        });
        run.expect(Verdict::Invalid, "was done in parts");
    }
}
