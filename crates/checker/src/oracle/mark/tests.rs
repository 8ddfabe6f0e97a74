//! The table of `mark.rs`, row by row, with what the clients of `jepsen` send.

use serde_json::{Value, json};

use super::{Asked, Kind, asked, effects, mark};
use crate::history::History;
use crate::oracle::log::Command;

fn command(value: Value) -> Command {
    serde_json::from_value(value).unwrap()
}

/// Marks of an operation with this value, and this answer to it.
fn of(f: &str, key: Option<&str>, value: Value, answer: Value) -> Asked {
    let event = |index: u64, kind: &str, value: Value| {
        json!({"index": index, "time": index, "process": 1, "type": kind, "f": f, "key": key,
               "value": value, "name": "n-0000000012"})
    };
    let text = format!("{}\n{}", event(0, "invoke", value), event(1, "ok", answer));
    let history = History::parse(&text).unwrap();
    asked(&history.calls()[0])
}

#[track_caller]
fn meet(ask: Asked, command: Value) {
    let Asked::Marks(marks) = ask else {
        panic!("{ask:?}")
    };
    let done = effects(&self::command(command));
    for mark in marks {
        let times = done.iter().filter(|found| **found == mark).count();
        assert_eq!(times, 1, "{mark:?} in {done:?}");
    }
}

#[test]
fn each_row_of_the_table_meets_its_command() {
    let made = |path: &str| json!([{"event": "node.created", "path": path, "version": 0}]);
    let put = json!({"command": "put", "outcome": "applied", "path": "/jepsen/register/r1",
        "data": {"text": "41"}});
    meet(of("write", Some("r1"), json!(41), json!(41)), put.clone());
    meet(
        of("cas", Some("r1"), json!({"old": 1, "new": 41}), json!(null)),
        put,
    );
    let add = |path: &str, sequential: bool, whole: &str| {
        json!({"command": "create", "outcome": "applied", "path": path, "sequential": sequential,
            "data": {"text": ""}, "changes": made(whole)})
    };
    let element = || of("add", Some("s1"), json!(17), json!(17));
    meet(
        element(),
        add("/jepsen/set/s1/17", false, "/jepsen/set/s1/17"),
    );
    meet(
        element(),
        add("/jepsen/set/s1/17-", true, "/jepsen/set/s1/17-0000000003"),
    );
    let number = of("next", Some("p1"), json!({"kind": "sequential"}), json!(12));
    meet(
        number,
        add("/jepsen/ids/p1/n-", true, "/jepsen/ids/p1/n-0000000012"),
    );
    let taken = json!({"element": 5, "name": "q-0000000003"});
    meet(
        of("take", Some("q1"), Value::Null, taken),
        json!({"command": "delete", "outcome": "applied", "path": "/jepsen/queue/q1/q-0000000003",
            "changes": [{"event": "node.deleted", "path": "/jepsen/queue/q1/q-0000000003"}]}),
    );
    let fenced = json!({"claim": "c1", "fence": 9, "value": 9001});
    meet(
        of(
            "fenced-write",
            Some("jepsen/hot"),
            fenced.clone(),
            fenced.clone(),
        ),
        json!({"command": "put", "outcome": "applied", "path": "/jepsen/fenced/jepsen.hot",
            "fences": [{"lock": "jepsen/hot", "fence": 9}], "data": {"text": fenced.to_string()}}),
    );
    let steps = json!([["r", "a1", null], ["append", "a1", 7], ["append", "a2", 8]]);
    meet(
        of("txn", None, steps.clone(), steps),
        json!({"command": "txn", "outcome": "applied", "branch": "then", "then": [
            {"command": "put", "path": "/jepsen/append/a1", "data": {"text": "[3,7]"}},
            {"command": "put", "path": "/jepsen/append/a2", "data": {"text": "[8]"}}]}),
    );
}

#[test]
fn a_claim_of_a_zookeeper_recipe_is_known_by_the_id_in_its_name() {
    let found = effects(&command(json!({"command": "create", "outcome": "applied",
        "changes": [{"event": "lock.granted", "lock": "jepsen/hot", "fence": 4,
            "claim": "_c_c7-lock-0000000003"}]})));
    assert!(found.contains(&mark(Kind::Claim, "hot", "c7")), "{found:?}");
    assert!(found.contains(&mark(Kind::Grant, "hot", "c7")), "{found:?}");
}

#[test]
fn what_was_refused_or_answered_from_memory_did_nothing() {
    for more in [
        json!({"outcome": "refused"}),
        json!({"outcome": "applied", "answered_before": 3}),
    ] {
        let mut value = json!({"command": "put", "path": "/a", "data": {"text": "1"}});
        value
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        assert_eq!(effects(&command(value)), []);
    }
}
