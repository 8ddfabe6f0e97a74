//! Barriers: waiting for each other, going on, leaving together.

use serde_json::{Value, json};

use crate::harness::{Answer, Client, Doors};

fn member(id: &str) -> String {
    format!("/v1/barriers/load/start/-/members/{id}")
}

async fn enter(client: &Client, session: &str, parties: u32) -> Answer {
    let path = member(session);
    let ask = client.put(&path).session(session);
    ask.json(&json!({"parties": parties})).send().await
}

async fn leave(client: &Client, session: &str) -> Answer {
    client
        .delete(&member(session))
        .session(session)
        .send()
        .await
}

async fn barrier(client: &Client) -> Value {
    let answer = client.get("/v1/barriers/load/start").send().await;
    answer.expect(200)
}

/// A request that waits, on a task of its own.
fn waiting(
    client: &Client,
    session: &'static str,
    leaves: bool,
) -> tokio::task::JoinHandle<Answer> {
    let client = client.clone();
    tokio::spawn(async move {
        let path = member(session);
        let ask = if leaves {
            client.delete(&path)
        } else {
            client.put(&path).json(&json!({"parties": 3}))
        };
        let ask = ask.session(session).header("prefer", "wait=20");
        ask.send().await
    })
}

/// Waits until so many are in the barrier.
async fn until_inside(client: &Client, inside: u64) {
    let mut known = "\"none\"".to_owned();
    loop {
        let ask = client.get("/v1/barriers/load/start");
        let ask = ask.header("prefer", "wait=20");
        let ask = ask.header("if-none-match", &known);
        let answer = ask.send().await;
        assert_eq!(answer.status, 200, "not {inside} inside: {answer:?}");
        known = answer.header("etag").to_owned();
        let seen: Value = serde_json::from_str(&answer.text()).unwrap();
        if seen["inside"].as_u64() == Some(inside) {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_go_on_when_the_last_one_is_there() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    for session in ["a", "b", "c"] {
        client.session(session).await;
    }
    let free = barrier(&client).await;
    assert_eq!(
        (free["state"].as_str(), free["inside"].as_u64()),
        (Some("free"), Some(0))
    );
    let first = enter(&client, "a", 3).await;
    assert_eq!(first.header("location"), member("a"));
    let first = first.expect(202);
    assert_eq!(
        (first["state"].as_str(), first["inside"].as_u64()),
        (Some("waiting"), Some(1))
    );
    assert_eq!(first["parties"], 3);
    let waiters = [waiting(&client, "a", false), waiting(&client, "b", false)];
    until_inside(&client, 2).await;
    let last = enter(&client, "c", 3).await.expect(201);
    assert_eq!(last["opened_index"], last["entered_index"]);
    for waiter in waiters {
        let open = waiter.await.unwrap().expect(201);
        assert_eq!(open["state"], "open");
        assert_eq!(open["opened_index"], last["opened_index"]);
    }
    let again = enter(&client, "a", 3).await.expect(200);
    assert_eq!(again["opened_index"], last["opened_index"]);
    assert_eq!(client.get(&member("a")).send().await.expect(200), again);
    let seen = barrier(&client).await;
    assert_eq!(seen["state"], "open");
    assert_eq!(seen["members"][1]["member"], "b");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_leave_together_and_the_barrier_is_free_again() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    for session in ["a", "b", "c"] {
        client.session(session).await;
        enter(&client, session, 3).await;
    }
    let out = leave(&client, "a").await.expect(202);
    assert_eq!(
        (
            out["left"].as_bool(),
            out["state"].as_str(),
            out["inside"].as_u64()
        ),
        (Some(true), Some("open"), Some(2))
    );
    let waiters = [waiting(&client, "a", true), waiting(&client, "b", true)];
    until_inside(&client, 1).await;
    let early = enter(&client, "a", 3).await.problem(409, "barrier_open");
    assert_eq!(early["barrier"], "load/start");
    // One that dies has left, too.
    client.delete("/v1/sessions/c").send().await.expect(200);
    for (waiter, left) in waiters.into_iter().zip([false, true]) {
        let gone = waiter.await.unwrap().expect(200);
        assert_eq!(
            (gone["left"].as_bool(), gone["state"].as_str()),
            (Some(left), Some("free"))
        );
    }
    enter(&client, "a", 2).await.expect(202);
    enter(&client, "b", 2).await.expect(201);
    leave(&client, "b").await.expect(202);
    leave(&client, "a").await.expect(200);
    assert_eq!(barrier(&client).await["state"], "free");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parties_agree_and_who_is_taken_out_is_told() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    for session in ["a", "b"] {
        client.session(session).await;
    }
    enter(&client, "a", 3).await.expect(202);
    let other = enter(&client, "b", 2).await.problem(409, "parties_differ");
    assert_eq!(other["parties"], 3);
    let taken = client.put(&member("a")).session("b");
    let taken = taken.json(&json!({"parties": 3})).send().await;
    assert_eq!(taken.problem(409, "member_taken")["member"], "a");
    let taken = client.delete(&member("a")).session("b").send().await;
    taken.problem(409, "member_taken");
    let waiter = waiting(&client, "b", false);
    until_inside(&client, 2).await;
    // A ZooKeeper client, or an administrator, takes it out.
    let node = "/v1/nodes/barriers/load/start/b";
    assert_eq!(client.delete(node).send().await.status, 200);
    waiter.await.unwrap().problem(404, "no_party");
    client
        .get(&member("b"))
        .send()
        .await
        .problem(404, "no_party");
    let back = leave(&client, "a").await.expect(200);
    assert_eq!(
        (back["left"].as_bool(), back["state"].as_str()),
        (Some(true), Some("free"))
    );
    let again = leave(&client, "a").await.expect(200);
    assert_eq!(again["left"], false);
}

/// As Curator's recipe does it: an ephemeral child, then `ready`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zookeeper_client_takes_part() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    for session in ["a", "b", "zk"] {
        client.session(session).await;
    }
    let waiters = [waiting(&client, "a", false), waiting(&client, "b", false)];
    until_inside(&client, 2).await;
    let child = "/v1/nodes/barriers/load/start/c4f1?mode=ephemeral";
    client
        .put(child)
        .session("zk")
        .text("")
        .send()
        .await
        .expect(201);
    let ready = "/v1/nodes/barriers/load/start/ready";
    let ready = client.get(ready).send().await;
    assert_eq!(ready.status, 200, "{ready:?}");
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().expect(201)["inside"], 3);
    }
}
