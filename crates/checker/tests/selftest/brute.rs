//! Histories of at most eight operations: every order is tried, by a model written for this test,
//! and the search must come to the same verdict.

use std::collections::BTreeMap;

use checker::generate::sorted;
use checker::linearizable::Linearizable;
use checker::{Checker, Event, History, Limits, Outcome, Process, Verdict};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

#[derive(Clone, Debug)]
struct Tiny {
    kind: u8,
    value: u8,
    old: u8,
    version: u8,
    call: u8,
    len: u8,
    outcome: u8,
}

fn tiny() -> impl Strategy<Value = Tiny> {
    (
        0..5_u8,
        0..4_u8,
        0..4_u8,
        0..4_u8,
        0..24_u8,
        0..9_u8,
        0..8_u8,
    )
        .prop_map(|(kind, value, old, version, call, len, outcome)| Tiny {
            kind,
            value,
            old,
            version,
            call,
            len,
            outcome,
        })
}

/// 0 is absence.
fn shown(value: u8) -> Value {
    if value == 0 {
        json!("absent")
    } else {
        json!(value)
    }
}

fn events(op: &Tiny, process: u64, versions: bool) -> Vec<Event> {
    let put = op.value.max(1);
    let (f, value) = match op.kind {
        0 | 1 => ("read", Value::Null),
        2 | 3 => ("write", json!(put)),
        _ => ("cas", json!({"old": shown(op.old), "new": put})),
    };
    let mut event = Event {
        index: 0,
        time: u64::from(op.call),
        process: Process::Client(process),
        outcome: Outcome::Invoke,
        f: f.to_owned(),
        key: Some("r".to_owned()),
        value,
        facts: BTreeMap::new(),
    };
    if versions && f == "cas" && op.old != 0 {
        event.facts.insert("expect".to_owned(), json!(op.old - 1));
    }
    let mut end = event.clone();
    end.time = u64::from(op.call) + u64::from(op.len);
    end.facts.clear();
    end.outcome = match op.outcome {
        0 => return vec![event],
        1 => Outcome::Info,
        2 => Outcome::Fail,
        _ => Outcome::Ok,
    };
    if end.outcome == Outcome::Fail && f == "cas" {
        end.facts
            .insert("error".to_owned(), json!("version_mismatch"));
    }
    if end.outcome == Outcome::Ok {
        if f == "read" {
            end.value = shown(op.value);
        }
        if versions && end.value != "absent" {
            end.facts.insert("version".to_owned(), json!(op.version));
        }
    }
    vec![event, end]
}

/// An operation as this test understands it.
struct Op {
    invoke: Event,
    end: Option<Event>,
}

impl Op {
    fn ret(&self) -> Option<u64> {
        self.end.as_ref().map(|end| end.time)
    }

    /// The state afterwards: value and version; `None` is absence.
    fn apply(&self, state: &Option<(Value, u64)>, versions: bool) -> Option<Option<(Value, u64)>> {
        let value = state
            .as_ref()
            .map_or(json!("absent"), |(value, _)| value.clone());
        let version = self.end.as_ref().and_then(|end| end.number("version"));
        let put = |new: &Value| {
            let next = state.as_ref().map_or(0, |(_, version)| version + 1);
            let fits = version.is_none_or(|version| version == next);
            fits.then(|| Some((new.clone(), next)))
        };
        match self.invoke.f.as_str() {
            "read" => {
                let end = self.end.as_ref()?;
                let same = state
                    .as_ref()
                    .is_none_or(|(_, now)| version.is_none_or(|v| v == *now));
                (end.value == value && same).then(|| state.clone())
            }
            "write" => put(&self.invoke.value),
            _ => {
                let old = &self.invoke.value["old"];
                let expect = self.invoke.number("expect");
                let now = state.as_ref().map(|(_, version)| *version);
                let refused = self
                    .end
                    .as_ref()
                    .is_some_and(|end| end.outcome == Outcome::Fail);
                let version_fits = expect.is_none_or(|expect| now == Some(expect));
                if refused {
                    let compared = if versions && expect.is_some() {
                        version_fits
                    } else {
                        *old == value
                    };
                    return (!compared).then(|| state.clone());
                }
                if *old != value || !version_fits {
                    return None;
                }
                put(&self.invoke.value["new"])
            }
        }
    }
}

/// Operations that matter: answered ones, refusals, and writes of unknown outcome.
fn ops(history: &History) -> Vec<Op> {
    let mut ops = Vec::new();
    for call in history.calls() {
        let refused = call
            .complete
            .is_some_and(|end| end.text("error") == Some("version_mismatch"));
        match call.outcome() {
            Outcome::Ok => {}
            Outcome::Fail if refused => {}
            Outcome::Info if call.invoke.f != "read" => {
                ops.push(Op {
                    invoke: call.invoke.clone(),
                    end: None,
                });
                continue;
            }
            _ => continue,
        }
        ops.push(Op {
            invoke: call.invoke.clone(),
            end: call.complete.cloned(),
        });
    }
    ops
}

fn ordered(ops: &[Op], placed: u32, state: &Option<(Value, u64)>, versions: bool) -> bool {
    let left = || (0..ops.len()).filter(|at| placed >> at & 1 == 0);
    let Some(first_end) = left().filter_map(|at| ops[at].ret()).min() else {
        return true; // what is left is of unknown outcome, and may never have happened
    };
    left()
        .filter(|at| ops[*at].invoke.time <= first_end)
        .any(|at| {
            ops[at]
                .apply(state, versions)
                .is_some_and(|after| ordered(ops, placed | 1 << at, &after, versions))
        })
}

fn verdict(history: &History) -> Verdict {
    Linearizable.check(history, &Limits::default()).verdict
}

#[test]
fn every_order_tried_and_the_search_agree() {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for versions in [false, true] {
        let config = Config {
            cases: 6000,
            failure_persistence: None,
            ..Config::default()
        };
        let valid = std::cell::Cell::new((0_u32, 0_u32));
        TestRunner::new(config)
            .run(&prop::collection::vec(tiny(), 1..=8), |tinies| {
                let all = (0..).zip(&tinies);
                let history = sorted(all.flat_map(|(p, op)| events(op, p, versions)).collect());
                let ops = ops(&history);
                if ops.iter().all(|op| op.end.is_none()) {
                    return Ok(());
                }
                // The model looks at versions only where an answer names one.
                let named = history
                    .events
                    .iter()
                    .any(|event| event.number("version").is_some());
                let ops: Vec<Op> = ops
                    .into_iter()
                    .map(|mut op| {
                        if !named {
                            op.invoke.facts.remove("expect");
                        }
                        op
                    })
                    .collect();
                let wanted = ordered(&ops, 0, &None, named);
                let (yes, no) = valid.get();
                valid.set(if wanted { (yes + 1, no) } else { (yes, no + 1) });
                let got = verdict(&history);
                let wanted = if wanted {
                    Verdict::Valid
                } else {
                    Verdict::Invalid
                };
                prop_assert_eq!(got, wanted);
                Ok(())
            })
            .unwrap();
        let (yes, no) = valid.get();
        assert!(
            yes > 300 && no > 300,
            "both verdicts are tried: {yes} valid, {no} invalid"
        );
        counts.insert(format!("versions {versions}: valid"), yes);
        counts.insert(format!("versions {versions}: invalid"), no);
    }
    println!("{counts:?}");
}
