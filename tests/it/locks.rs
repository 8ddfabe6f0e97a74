//! Locks over HTTP: order, fences, repeats, ends. (P-LOCK, P-FENCE, P-RETRY)

use std::time::Duration;

use holdfast_tests::locks::{
    acquire, claim_path, holding, release, stand_in_queue, wait_for_lock, waiting,
};
use holdfast_tests::{Cluster, until};
use serde_json::json;

#[test]
fn the_queue_is_served_in_order_with_growing_fences() {
    let cluster = Cluster::start(3);
    for session in ["a", "b", "c", "d"] {
        cluster.open_session(session);
    }
    let first = stand_in_queue(&cluster.http(1), "a", "orders/42", "ca");
    assert_eq!(first["state"], "held");
    let mut waiters = Vec::new();
    for (session, node) in [("b", 2), ("c", 3), ("d", 1)] {
        let claim = format!("c{session}");
        waiters.push(wait_for_lock(
            &cluster.http(node),
            session,
            "orders/42",
            &claim,
        ));
        until("the claim to queue", || {
            waiting(&cluster.http(1), "orders/42").last() == Some(&claim)
        });
    }
    assert_eq!(waiting(&cluster.http(3), "orders/42"), ["cb", "cc", "cd"]);
    let mut fence = first["fence"].as_u64().unwrap();
    let mut holder = "a";
    for (waiter, next) in waiters.into_iter().zip(["b", "c", "d"]) {
        // Released through a node that is neither the holder's nor the waiter's.
        let _ = release(&cluster.http(2), holder, "orders/42", &format!("c{holder}"))
            .unwrap()
            .expect(200);
        let granted = waiter.join().unwrap().unwrap().json();
        assert_eq!(granted["claim"], format!("c{next}"));
        assert_eq!(granted["state"], "held");
        let newer = granted["fence"].as_u64().unwrap();
        assert!(newer > fence, "{newer} after {fence}");
        (fence, holder) = (newer, next);
    }
}

#[test]
fn a_claim_that_waits_is_answered_202_with_its_position() {
    let cluster = Cluster::start(3);
    cluster.open_session("a");
    cluster.open_session("b");
    let http = cluster.http(1);
    stand_in_queue(&http, "a", "deploy", "c1");
    let queued = acquire(&http, "b", "deploy", "c2").unwrap().expect(202);
    assert_eq!(
        queued.header("location"),
        Some(claim_path("deploy", "c2").as_str())
    );
    let body = queued.json();
    assert_eq!(body["state"], "waiting");
    assert_eq!(body["position"], 1);
    let lock = http.get("/v1/locks/deploy").unwrap().expect(200).json();
    assert_eq!(lock["state"], "held");
    assert_eq!(lock["queue_length"], 1);
    assert_eq!(lock["holders"][0]["claim"], "c1");
}

#[test]
fn trying_a_held_lock_is_423_and_leaves_nothing_in_the_queue() {
    let cluster = Cluster::start(3);
    cluster.open_session("a");
    cluster.open_session("b");
    let http = cluster.http(2);
    stand_in_queue(&http, "a", "deploy", "c1");
    let tried = http.session("b").put(
        &claim_path("deploy", "c2"),
        json!({"wait": "0s"}).to_string(),
    );
    let tried = tried.unwrap().expect(423);
    assert_eq!(tried.problem(), ("lock_held".into(), "not-applied".into()));
    assert_eq!(tried.json()["holders"][0]["claim"], "c1");
    assert!(waiting(&http, "deploy").is_empty());
}

#[test]
fn a_wait_that_elapses_on_the_server_is_423_and_frees_its_place() {
    let cluster = Cluster::start(3);
    cluster.open_session("a");
    cluster.open_session("b");
    let http = cluster.http(3);
    stand_in_queue(&http, "a", "deploy", "c1");
    let body = json!({"wait": "300ms"}).to_string();
    let waited = http
        .session("b")
        .header("Prefer", "wait=20")
        .put(&claim_path("deploy", "c2"), body);
    assert_eq!(waited.unwrap().expect(423).problem().0, "lock_held");
    until("the place to be free", || {
        waiting(&http, "deploy").is_empty()
    });
}

#[test]
fn repeating_an_acquire_or_a_release_changes_nothing() {
    let cluster = Cluster::start(3);
    cluster.open_session("a");
    let first = acquire(&cluster.http(1), "a", "once", "c1")
        .unwrap()
        .expect(201)
        .json();
    // A repeat may come by another node, as after a lost answer.
    let again = acquire(&cluster.http(2), "a", "once", "c1")
        .unwrap()
        .expect(200)
        .json();
    assert_eq!(again["fence"], first["fence"]);
    assert_eq!(holding(&cluster.http(3), "once"), ["c1"]);
    let released = release(&cluster.http(2), "a", "once", "c1")
        .unwrap()
        .expect(200)
        .json();
    let repeated = release(&cluster.http(3), "a", "once", "c1")
        .unwrap()
        .expect(200)
        .json();
    assert_eq!(repeated["ended_index"], released["ended_index"]);
    // A delayed duplicate of the first PUT must not take the lock again.
    let late = acquire(&cluster.http(1), "a", "once", "c1")
        .unwrap()
        .expect(410);
    assert_eq!(late.problem().0, "claim_ended");
    let other = json!({"mode": "shared"}).to_string();
    stand_in_queue(&cluster.http(1), "a", "twice", "c1");
    let misuse = cluster
        .http(1)
        .session("a")
        .put(&claim_path("twice", "c1"), other)
        .unwrap();
    assert_eq!(misuse.expect(409).problem().0, "claim_mismatch");
}

#[test]
fn the_one_line_form_needs_nothing_but_curl() {
    let cluster = Cluster::start(3);
    let http = cluster.http(1).header("Idempotency-Key", "try-1");
    let held = http
        .post("/v1/locks/deploy?wait=5s&ttl=60s&reason=release", "")
        .unwrap();
    assert!(matches!(held.status, 200 | 201), "{}", held.text());
    let first = held.json();
    let release = first["release"].as_str().unwrap().to_owned();
    // The same key by another node is the same claim.
    let again = cluster.http(2).header("Idempotency-Key", "try-1");
    let again = again
        .post("/v1/locks/deploy?wait=5s&ttl=60s&reason=release", "")
        .unwrap();
    assert_eq!(again.json()["claim"], first["claim"], "{}", again.text());
    let other = cluster.http(2).header("Idempotency-Key", "try-1");
    let other = other
        .post("/v1/locks/other?ttl=60s", "")
        .unwrap()
        .expect(422);
    assert_eq!(other.problem().0, "idempotency_mismatch");
    let extended = cluster
        .http(3)
        .patch(&release, json!({"ttl": "90s"}).to_string())
        .unwrap();
    let _ = extended.expect(200);
    let _ = cluster.http(3).delete(&release).unwrap().expect(200);
    assert!(holding(&cluster.http(1), "deploy").is_empty());
}

#[test]
fn a_stale_fence_is_refused_by_the_server_in_every_kind_of_write() {
    let cluster = Cluster::start(3);
    cluster.open_session("a");
    cluster.open_session("b");
    let http = cluster.http(1);
    let old = stand_in_queue(&http, "a", "jobs", "c1")["fence"]
        .as_u64()
        .unwrap();
    let guarded = |fence: u64| {
        cluster
            .http(2)
            .header("Holdfast-Fence", &format!("jobs={fence}"))
    };
    let _ = guarded(old)
        .put("/v1/nodes/result", "by a")
        .unwrap()
        .expect(201);
    let valid = http
        .post("/v1/locks/jobs/-/verify", json!({"fence": old}).to_string())
        .unwrap();
    assert_eq!(valid.expect(200).json()["valid"], true);
    let _ = release(&http, "a", "jobs", "c1").unwrap().expect(200);
    let new = stand_in_queue(&http, "b", "jobs", "c2")["fence"]
        .as_u64()
        .unwrap();
    let stale = guarded(old)
        .put("/v1/nodes/result", "by a, too late")
        .unwrap()
        .expect(412);
    assert_eq!(
        stale.problem(),
        ("fence_stale".into(), "not-applied".into())
    );
    let stale = guarded(old).delete("/v1/nodes/result").unwrap().expect(412);
    assert_eq!(stale.problem().0, "fence_stale");
    let txn = json!({"if": [{"claim": "jobs", "fence": old}], "then": [{"set": "/result", "value": "no"}]});
    let txn = http.post("/v1/txn", txn.to_string()).unwrap().expect(412);
    assert_eq!(txn.json()["failed_guards"][0]["index"], 0);
    let invalid = http
        .post("/v1/locks/jobs/-/verify", json!({"fence": old}).to_string())
        .unwrap();
    assert_eq!(invalid.expect(412).problem().0, "fence_stale");
    let _ = guarded(new)
        .put("/v1/nodes/result", "by b")
        .unwrap()
        .expect(200);
    assert_eq!(http.get("/v1/nodes/result").unwrap().body, b"by b");
}

#[test]
fn readers_share_and_a_writer_waits_for_all_of_them() {
    let cluster = Cluster::start(3);
    cluster.open_session("a");
    let http = cluster.http(1);
    let shared = json!({"mode": "shared"}).to_string();
    for claim in ["r1", "r2"] {
        let held = http
            .session("a")
            .put(&claim_path("table", claim), &shared)
            .unwrap()
            .expect(201);
        assert_eq!(held.json()["state"], "held");
    }
    let writer = acquire(&http, "a", "table", "w").unwrap().expect(202);
    assert_eq!(writer.json()["position"], 1);
    let late = http
        .session("a")
        .put(&claim_path("table", "r3"), &shared)
        .unwrap()
        .expect(202);
    assert_eq!(
        late.json()["position"],
        2,
        "a reader must not overtake a writer"
    );
    let _ = release(&http, "a", "table", "r1").unwrap().expect(200);
    assert_eq!(holding(&http, "table"), ["r2"]);
    let _ = release(&http, "a", "table", "r2").unwrap().expect(200);
    assert_eq!(holding(&http, "table"), ["w"]);
}

#[test]
fn a_semaphore_gives_out_its_permits_and_no_more() {
    let cluster = Cluster::start(3);
    cluster.open_session("a");
    let http = cluster.http(2).session("a");
    let take = |claim: &str, permits: u32| {
        let body = json!({"mode": "permits", "permits": permits, "limit": 3}).to_string();
        http.put(&claim_path("pool", claim), body).unwrap()
    };
    assert_eq!(take("p1", 2).expect(201).json()["state"], "held");
    assert_eq!(take("p2", 1).expect(201).json()["state"], "held");
    assert_eq!(take("p3", 1).expect(202).json()["state"], "waiting");
    let other = json!({"mode": "permits", "permits": 1, "limit": 5}).to_string();
    let _ = http
        .put(&claim_path("pool", "p4"), other)
        .unwrap()
        .expect(409);
    let _ = http.delete(&claim_path("pool", "p2")).unwrap().expect(200);
    assert_eq!(holding(&cluster.http(1), "pool"), ["p1", "p3"]);
}

#[test]
fn a_broken_hold_ends_with_its_reason_and_the_next_in_line_gets_the_lock() {
    let cluster = Cluster::start(3);
    cluster.open_session("a");
    cluster.open_session("b");
    let http = cluster.http(1);
    let fence = stand_in_queue(&http, "a", "stuck", "c1")["fence"]
        .as_u64()
        .unwrap();
    let waiter = wait_for_lock(&cluster.http(2), "b", "stuck", "c2");
    until("the second claim to queue", || {
        waiting(&http, "stuck") == ["c2"]
    });
    let breaking = |fence: u64| {
        let http = http.header("If-Match", &format!("\"f{fence}\""));
        http.post(
            "/v1/locks/stuck/-/break",
            json!({"reason": "host is gone"}).to_string(),
        )
        .unwrap()
    };
    assert_eq!(
        breaking(fence + 1000).expect(412).problem().0,
        "fence_stale"
    );
    let _ = breaking(fence).expect(200);
    assert_eq!(waiter.join().unwrap().unwrap().json()["state"], "held");
    let lost = http
        .session("a")
        .get(&claim_path("stuck", "c1"))
        .unwrap()
        .expect(410);
    assert_eq!(lost.problem().0, "claim_ended");
    assert_eq!(lost.json()["ended_claim"]["state"], "broken");
    assert_eq!(lost.json()["ended_claim"]["reason"], "host is gone");
}

#[test]
fn a_grant_nobody_picks_up_goes_to_the_next_in_line() {
    let cluster = Cluster::start(3);
    for session in ["a", "b", "c"] {
        cluster.open_session(session);
    }
    let http = cluster.http(1);
    stand_in_queue(&http, "a", "handed", "c1");
    // This client queues and never comes back.
    let body = json!({"ack_within": "1s"}).to_string();
    let _ = http
        .session("b")
        .put(&claim_path("handed", "gone"), body)
        .unwrap()
        .expect(202);
    let patient = wait_for_lock(&cluster.http(3), "c", "handed", "c3");
    until("both to queue", || {
        waiting(&http, "handed") == ["gone", "c3"]
    });
    let _ = release(&http, "a", "handed", "c1").unwrap().expect(200);
    assert_eq!(holding(&http, "handed"), ["gone"]);
    assert_eq!(patient.join().unwrap().unwrap().json()["state"], "held");
    let abandoned = http
        .get(&claim_path("handed", "gone"))
        .unwrap()
        .expect(410)
        .json();
    assert_eq!(abandoned["ended_claim"]["state"], "abandoned");
}

#[test]
fn a_lock_used_once_leaves_nothing_behind() {
    let cluster = Cluster::start(3);
    cluster.open_session("a");
    let http = cluster.http(1);
    stand_in_queue(&http, "a", "once/only", "c1");
    let listed = |http: &holdfast_tests::Http| {
        http.get("/v1/locks?prefix=once/")
            .unwrap()
            .expect(200)
            .json()["locks"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(listed(&http), 1);
    let _ = release(&http, "a", "once/only", "c1").unwrap().expect(200);
    assert_eq!(listed(&http), 0);
}

#[test]
fn a_long_wait_does_not_end_before_its_lock_comes() {
    let cluster = Cluster::start(3);
    cluster.open_session("a");
    cluster.open_session("b");
    let http = cluster.http(1);
    stand_in_queue(&http, "a", "slow", "c1");
    let waiter = wait_for_lock(&cluster.http(2), "b", "slow", "c2");
    until("the second claim to queue", || {
        waiting(&http, "slow") == ["c2"]
    });
    let granted = |http: &holdfast_tests::Http| holding(http, "slow") == ["c2"];
    assert!(!granted(&http));
    let _ = release(&http, "a", "slow", "c1").unwrap().expect(200);
    let answer = waiter.join().unwrap().unwrap();
    assert!(matches!(answer.status, 200 | 201), "{}", answer.text());
    // Picked up by the waiting request: it must not be abandoned afterwards.
    let safe = answer.json()["safe_ms"].as_u64().unwrap();
    assert!(
        Duration::from_millis(safe) > Duration::from_secs(60),
        "{safe}"
    );
}
