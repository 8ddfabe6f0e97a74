//! Several locks at once: all or none, whatever happens to the nodes. (P-ALL)

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use holdfast_tests::locks::{holding, stand_in_queue, waiting};
use holdfast_tests::{Cluster, Http, eventually, until};
use serde_json::{Value, json};

const ACCOUNTS: u64 = 4;
const MOVES: u64 = 12;

fn account(number: u64) -> String {
    format!("acct/{}", number % ACCOUNTS)
}

/// Claims two accounts and a shared lock, in whichever order.
fn ask(id: &str, from: u64, to: u64) -> String {
    let all_of = json!([
        {"lock": account(from)}, {"lock": account(to)}, {"lock": "rates", "mode": "shared"},
    ]);
    json!({"id": id, "all_of": all_of}).to_string()
}

/// Asks again until there is an answer that says something: the id makes that safe.
fn insist(what: &str, mut ask: impl FnMut() -> Option<Value>) -> Value {
    eventually(what, &mut ask)
}

fn hold(http: &Http, body: &str) -> Value {
    let http = http.header("Prefer", "wait=10");
    insist("the accounts to be ours", || {
        let answer = http.post("/v1/claims", body).ok()?;
        matches!(answer.status, 200 | 201).then(|| answer.json())
    })
}

fn balance(http: &Http, account: &str) -> i64 {
    let path = format!("/v1/nodes/{account}");
    let found = insist("a balance", || {
        let answer = http.get(&path).ok()?;
        (answer.status == 200).then(|| json!(answer.text()))
    });
    found.as_str().unwrap().parse().unwrap()
}

/// Blindly, as whoever trusts the locks: two at one account at a time would lose what one of them wrote.
fn set(http: &Http, (lock, fence): (&str, &Value), amount: i64) {
    let guarded = http.header("Holdfast-Fence", &format!("{lock}={fence}"));
    let path = format!("/v1/nodes/{lock}");
    insist("a balance to be written", || {
        let answer = guarded.put(&path, amount.to_string()).ok()?;
        assert_ne!(answer.status, 412, "lost in the middle: {}", answer.text());
        matches!(answer.status, 200 | 201).then_some(Value::Null)
    });
}

/// Moves 1 from one account to the next, `MOVES` times.
fn move_money(http: &Http, session: &str, first: u64, done: &AtomicU64) {
    let http = http.session(session).timeout(Duration::from_secs(30));
    for number in 0..MOVES {
        // Half of them name their two accounts the other way round.
        let (from, to) = (first + number, first + number * 2 + 1);
        let (from, to) = if from % ACCOUNTS == to % ACCOUNTS {
            (from, to + 1)
        } else {
            (from, to)
        };
        let id = format!("{session}-{number}");
        let held = hold(&http, &ask(&id, from, to));
        let fence = &held["fence"];
        for claim in held["claims"].as_array().unwrap() {
            assert_eq!(&claim["fence"], fence, "one fence for all: {held}");
            assert_eq!(claim["state"], "held", "all or none: {held}");
        }
        let (from, to) = (account(from), account(to));
        let (less, more) = (balance(&http, &from) - 1, balance(&http, &to) + 1);
        set(&http, (&from, fence), less);
        set(&http, (&to, fence), more);
        let release = format!("/v1/locks/{to}/-/claims/{id}");
        insist("the release", || {
            let answer = http.delete(&release).ok()?;
            (answer.status == 200).then_some(Value::Null)
        });
        done.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn money_that_is_moved_under_two_locks_is_all_there_when_leaders_were_killed() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    let http = cluster.http(1);
    for number in 0..ACCOUNTS {
        let path = format!("/v1/nodes/{}", account(number));
        let _ = http
            .header("If-None-Match", "*")
            .put(&format!("{path}?parents=1"), "100")
            .unwrap()
            .expect(201);
    }
    let leader = cluster.leader();
    let stays: Vec<u64> = cluster
        .ids()
        .into_iter()
        .filter(|id| *id != leader)
        .collect();
    let done = AtomicU64::new(0);
    let sessions = ["a", "b", "c", "d"];
    for session in sessions {
        let body = json!({"ttl": "120s"}).to_string();
        let _ = http
            .put(&format!("/v1/sessions/{session}"), body)
            .unwrap()
            .expect(201);
    }
    std::thread::scope(|scope| {
        let nodes = stays.iter().cycle();
        for ((number, session), node) in (0..).zip(sessions).zip(nodes) {
            let http = cluster.http(*node);
            let done = &done;
            scope.spawn(move || move_money(&http, session, number, done));
        }
        let all = MOVES * sessions.len() as u64;
        until("a part of the moves", || {
            done.load(Ordering::Relaxed) >= all / 4
        });
        cluster.kill(leader);
    });
    let http = cluster.http(stays[0]);
    let sum: i64 = (0..ACCOUNTS)
        .map(|number| balance(&http, &account(number)))
        .sum();
    assert_eq!(sum, 400);
    for number in 0..ACCOUNTS {
        let path = format!("/v1/locks/{}", account(number));
        let lock = http.get(&path).unwrap().json();
        assert_eq!(lock["holder_count"], 0, "nobody is left: {lock}");
        assert_eq!(lock["queue_length"], 0, "nobody is left: {lock}");
    }
    cluster.restart(leader);
    cluster.wait_digests_agree();
}

#[test]
fn the_command_line_takes_all_or_leaves_all() {
    let cluster = Cluster::start(3);
    let (cli, http) = (cluster.cli(), cluster.http(2));
    let asked = [
        "lock",
        "a",
        "--and",
        "b",
        "--and",
        "c:shared",
        "--nonblock",
        "--",
    ];
    let say = ["sh", "-c", "echo $HOLDFAST_LOCK $HOLDFAST_FENCE"];
    let done = cli.run(&[&asked[..], &say[..]].concat()).expect(0);
    assert!(done.stdout.starts_with("a "), "{}", done.stdout);
    cluster.open_session("s");
    stand_in_queue(&http, "s", "b", "c1");
    let busy = cli.run(&[&asked[..], &["false"]].concat()).expect(75);
    assert!(busy.stderr.contains("a, b, c"), "{}", busy.stderr);
    for lock in ["a", "c"] {
        assert!(holding(&http, lock).is_empty() && waiting(&http, lock).is_empty());
    }
}
