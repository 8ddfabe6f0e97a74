//! A cluster as it may look during an incident, for tests: a lock that is held for too long, a hostile reason,
//! a member that is not reached.

use std::collections::BTreeMap;

use holdfast_client::http_types::v1::cluster::Cluster;
use holdfast_client::http_types::v1::health::Health;
use holdfast_client::http_types::v1::locks::Explanation;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::counts::Counts;
use super::poll::{NodeReading, Owns, Reading, SessionReading, Sessions};

fn of<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

pub(super) fn reading() -> Reading {
    reading_with_writes(100)
}

/// With so many commands applied since the nodes started.
pub(super) fn reading_with_writes(applied: u64) -> Reading {
    let node = |id: &str| {
        let node = NodeReading {
            health: Ok(health(id, true)),
            counts: Ok(Counts::read(&page(applied))),
        };
        (id.to_owned(), node)
    };
    Reading {
        cluster: Ok(cluster()),
        nodes: BTreeMap::from(["n1", "n2", "n3"].map(node)),
        hot: Ok(of(hot())),
        sessions: Ok(sessions()),
        elections: Ok(of(json!({ "elections": [{
            "election": "scheduler", "leader": "web-3", "term": 411, "session": "s_9",
            "owner": {"service": "cron", "host": "web-3", "pid": 77}, "led_ms": 93_784_000,
            "candidate_count": 3,
        }] }))),
        deadlocks: Ok(of(json!([{
            "index": 940, "at": "2026-11-30T20:01:02.003Z",
            "detail": "job-2 waits for a, which job-1 holds, which waits for b",
            "cycle": [
                {"session": "job-2", "waits_for": "a", "behind": "c1"},
                {"session": "job-1", "waits_for": "b", "behind": "c2"},
            ],
        }]))),
    }
}

pub(super) fn health(id: &str, equal: bool) -> Health {
    of(json!({
        "status": if equal { "ok" } else { "failing" }, "node": id, "version": "0.1.0", "leader": "n2",
        "applied_index": 4000, "checks": [
            {"name": "quorum", "ok": true, "detail": ""},
            {"name": "replicas_equal", "ok": equal, "detail": "at 3990"},
        ],
    }))
}

fn page(applied: u64) -> String {
    format!(
        "holdfast_commands_applied_total {applied}\n\
         holdfast_http_request_duration_seconds_count{{route=\"/v1/locks/{{lock}}\",method=\"GET\"}} {applied}\n\
         holdfast_http_request_duration_seconds_bucket{{le=\"0.008\",route=\"/v1/txn\",method=\"POST\"}} {applied}\n"
    )
}

fn cluster() -> Cluster {
    let member = |id: &str, leader: bool, reachable: bool| {
        let number = &id[1..];
        json!({
            "id": id, "role": "voter", "leader": leader, "peer": format!("10.0.0.{number}:7500"),
            "api": format!("http://10.0.0.{number}:7400"), "reachable": reachable,
            "applied_index": if reachable { json!(4000) } else { Value::Null },
            "lag_entries": if reachable { json!(0) } else { Value::Null },
            "last_contact_ms": if leader { Value::Null } else if reachable { json!(4) } else { json!(64_000) },
            "version": "0.1.0",
        })
    };
    of(json!({
        "cluster_id": "81f53e94e09b6548851fbe32c5970c1a", "term": 2, "leader": "n2", "node": "n2",
        "members": [member("n1", false, true), member("n2", true, true), member("n3", false, false)],
        "quorum": 2, "failure_tolerance": 0, "digest": {"index": 3990, "digest": "00"},
    }))
}

fn hot() -> Value {
    let statistics = json!({
        "holds": 12, "since": "2026-11-30T10:00:00Z",
        "hold_ms": {"p50": 60_000, "p95": 90_000}, "wait_ms": {"p50": 1_000, "p95": 9_000},
    });
    json!([
        {
            "lock": "deploy/prod", "waited_ms": 512_000, "waiting_ms": 400_000, "queue_length": 4,
            "holder_count": 1, "statistics": statistics, "holder": {
                "claim": "c1", "session": "s_1", "fence": 8, "mode": "exclusive", "held_ms": 754_000,
                "owner": {"service": "ci", "host": "runner-4", "pid": 812},
                "reason": "release 2.8.1\u{1b}[2J\u{7}", "release_request": {
                    "who": "ops@desk", "reason": "hotfix\u{202e}", "asked_at": "", "remaining_ms": 0,
                },
            },
        },
        {
            "lock": "invoices/2026-11", "waited_ms": 9_000, "waiting_ms": 0, "queue_length": 0,
            "holder_count": 0,
        },
        {
            "lock": "orders/42", "waited_ms": 7_000, "waiting_ms": 7_000, "queue_length": 2,
            "holder_count": 3, "statistics": statistics, "holder": {
                "claim": "c7", "session": "s_7", "fence": 9, "mode": "shared", "held_ms": 12_000,
            },
        },
    ])
}

fn sessions() -> Sessions {
    let session = |id: &str, contact: Option<u64>, claims: Option<Value>| SessionReading {
        session: of(json!({
            "id": id, "number": 3, "state": "open", "ttl_ms": 15_000, "last_contact_ms": contact,
            "created_index": 3, "created_at": "2026-11-30T20:00:00Z",
            "owner": {"service": "ci", "host": "runner-4", "pid": 812}, "keepalive": "", "stream": "",
        })),
        owns: claims.map(|claims| Owns {
            claims: of(claims),
            ephemerals: vec!["/web/up".to_owned(), "/a".to_owned()],
        }),
    };
    let claim = |lock: &str, state: &str| {
        json!({
            "lock": lock, "claim": "c1", "state": state, "mode": "exclusive", "fence": 7, "session": "s_1",
            "holders": 1, "queue_length": 0, "queued_index": 7, "queued_at": "", "waited_ms": 0, "release": "",
        })
    };
    let holds = json!([claim("deploy/prod", "held"), claim("orders/42", "waiting")]);
    Sessions {
        sessions: vec![
            session("s_1", Some(13_000), Some(holds)),
            session("s_7", Some(2_000), Some(json!([]))),
            session("s_9", None, None),
        ],
        more: false,
    }
}

pub(super) fn explanation(lines: &[&str], advice: &[&str]) -> Explanation {
    of(json!({
        "lock": "invoices/2026-11", "state": "held", "lines": lines, "advice": advice, "may_break": true,
        "queue": {
            "lock": "invoices/2026-11", "holders": [], "waiters": [], "holder_count": 0, "queue_length": 0,
        },
    }))
}
