//! Waits that would never end are refused with all of the cycle.

use serde_json::{Value, json};

use crate::harness::{Answer, Client, Doors};

async fn acquire(client: &Client, session: &str, lock: &str, more: &Value) -> Answer {
    let path = format!("/v1/locks/{lock}/-/claims/{session}");
    client.put(&path).session(session).json(more).send().await
}

/// Sessions of these names, with an owner each.
async fn sessions(client: &Client, names: &[&str]) {
    for name in names {
        let owner = json!({"owner": {"service": "billing", "host": name}});
        let path = format!("/v1/sessions/{name}");
        client.put(&path).json(&owner).send().await.expect(201);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_claim_that_closes_a_cycle_is_refused_with_all_of_it() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    sessions(&client, &["s1", "s2"]).await;
    let plain = json!({});
    acquire(&client, "s1", "orders/42", &plain)
        .await
        .expect(201);
    acquire(&client, "s2", "stock/9", &plain).await.expect(201);
    acquire(&client, "s1", "stock/9", &plain).await.expect(202);
    let refused = acquire(&client, "s2", "orders/42", &plain).await;
    let problem = refused.problem(409, "deadlock");
    assert_eq!(problem["outcome"], "not-applied");
    assert_eq!(problem["retryable"], true);
    assert_eq!(
        problem["detail"],
        "s2 (billing@s2) waits for orders/42, behind s1 (billing@s1), which waits for stock/9, \
         behind s2 (billing@s2)"
    );
    let cycle = &problem["cycle"];
    assert_eq!(
        (&cycle[0]["session"], &cycle[0]["waits_for"]),
        (&json!("s2"), &json!("orders/42"))
    );
    assert_eq!(
        (&cycle[1]["session"], &cycle[1]["behind"]),
        (&json!("s1"), &json!("s2"))
    );
    assert_eq!(
        problem["advice"],
        "take orders/ before stock/, as 1 of 1 claims did"
    );

    let known = client.get("/v1/deadlocks").send().await.expect(200);
    assert_eq!(known["deadlocks"].as_array().unwrap().len(), 1);
    assert_eq!(known["deadlocks"][0]["detail"], problem["detail"]);
    assert_eq!(known["deadlocks"][0]["cycle"], problem["cycle"]);

    // Nothing of it was done: once the other has let go, the same claim is granted.
    let queue = client
        .get("/v1/locks/orders/42/-/queue")
        .send()
        .await
        .expect(200);
    assert_eq!(queue["queue_length"], 0);
    for lock in ["orders/42", "stock/9"] {
        let path = format!("/v1/locks/{lock}/-/claims/s1");
        client.delete(&path).session("s1").send().await.expect(200);
    }
    acquire(&client, "s2", "orders/42", &plain)
        .await
        .expect(201);
    let order = client.get("/v1/lock-order").send().await.expect(200);
    let conflict = &order["conflicts"][0];
    assert_eq!(
        (&conflict["usual"]["count"], &conflict["rare"]["count"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(conflict["usual"]["held"], conflict["rare"]["asked"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_of_one_session_and_a_try_are_no_deadlock() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    sessions(&client, &["s1", "s2"]).await;
    let task = |name: &str| json!({"labels": {"task": name}});
    acquire(&client, "s1", "a", &task("one")).await.expect(201);
    acquire(&client, "s2", "b", &json!({})).await.expect(201);
    acquire(&client, "s1", "b", &task("two")).await.expect(202);
    acquire(&client, "s2", "a", &json!({"wait": "0s"}))
        .await
        .problem(423, "lock_held");
    let waits = acquire(&client, "s2", "a", &json!({})).await;
    assert_eq!(
        waits.expect(202)["state"],
        "waiting",
        "another task may let go"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_node_has_seen_the_same() {
    let doors = Doors::open(3).await;
    let (client, other) = (doors.one(), doors.at(3));
    sessions(&client, &["s1", "s2"]).await;
    let plain = json!({});
    for (session, lock, status) in [("s1", "x/1", 201), ("s2", "y/1", 201), ("s1", "y/1", 202)] {
        acquire(&client, session, lock, &plain).await.expect(status);
    }
    acquire(&other, "s2", "x/1", &plain)
        .await
        .problem(409, "deadlock");
    let known = client.get("/v1/deadlocks").send().await.expect(200);
    assert_eq!(known["deadlocks"][0]["cycle"][0]["waits_for"], "x/1");
    let there = other.get("/v1/deadlocks").send().await.expect(200);
    assert_eq!(known, there);
}
