//! Work queues: putting, taking, waiting, acknowledging, giving back, dead letters.

use serde_json::{Value, json};

use crate::harness::{Answer, Client, Doors};

const QUEUE: &str = "/v1/queues/mail/out";

async fn put(client: &Client, value: &str) -> String {
    let ask = client.post(&format!("{QUEUE}/-/items")).text(value);
    let answer = ask.header("content-type", "text/plain").send().await;
    let location = answer.header("location").to_owned();
    let item = answer.expect(201)["item"].as_str().unwrap().to_owned();
    assert_eq!(location, format!("{QUEUE}/-/items/{item}"));
    item
}

async fn take(client: &Client, session: &str, n: u32) -> Value {
    let ask = client.post(&format!("{QUEUE}/-/take")).session(session);
    ask.json(&json!({"n": n})).send().await.expect(200)
}

/// One delivery that there must be.
async fn one(client: &Client, session: &str) -> (String, u64) {
    let taken = take(client, session, 1).await;
    delivery(&taken["deliveries"][0])
}

fn delivery(delivery: &Value) -> (String, u64) {
    let item = delivery["item"].as_str().unwrap().to_owned();
    (item, delivery["delivery"].as_u64().unwrap())
}

async fn end(client: &Client, session: &str, how: &str, (item, body): (&str, Value)) -> Answer {
    let path = format!("{QUEUE}/-/items/{item}/{how}");
    client.post(&path).session(session).json(&body).send().await
}

async fn queue(client: &Client) -> Value {
    client.get(QUEUE).send().await.expect(200)
}

fn waiting(client: &Client, session: &'static str) -> tokio::task::JoinHandle<Answer> {
    let client = client.clone();
    tokio::spawn(async move {
        let ask = client.post(&format!("{QUEUE}/-/take")).session(session);
        ask.header("prefer", "wait=20").send().await
    })
}

/// Waits until so many commands have been applied: those that wait have found nothing to take.
async fn until_index(client: &Client, index: u64) {
    loop {
        let answer = client.get(QUEUE).send().await;
        if answer.header("holdfast-index").parse::<u64>().unwrap() >= index {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_item_is_taken_by_one_and_gone_when_it_is_done() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    for session in ["a", "b"] {
        client.session(session).await;
    }
    assert_eq!(queue(&client).await["items"], 0);
    let first = put(&client, "one").await;
    put(&client, "two").await;
    let taken = take(&client, "a", 1).await;
    let delivered = &taken["deliveries"][0];
    assert_eq!(delivered["item"], first);
    assert_eq!(
        (&delivered["value"], &delivered["attempt"]),
        (&json!("one"), &json!(1))
    );
    assert_eq!(delivered["content_type"], "text/plain");
    let (item, number) = delivery(delivered);
    let seen = client
        .get(&format!("{QUEUE}/-/items"))
        .send()
        .await
        .expect(200);
    assert_eq!(seen["items"][0]["taken_by"], "a");
    assert_eq!(seen["items"][0]["delivery"], number);
    assert!(seen["items"][1].get("taken_by").is_none(), "{seen}");

    let body = json!({"delivery": number});
    let other = end(&client, "b", "ack", (&item, body.clone())).await;
    assert_eq!(other.problem(409, "item_not_yours")["item"], item);
    end(&client, "a", "ack", (&item, body.clone()))
        .await
        .expect(200);
    let again = end(&client, "a", "ack", (&item, body)).await;
    assert_eq!(again.problem(410, "delivery_ended")["delivery"], number);
    let gone = client.get(&format!("{QUEUE}/-/items/{item}")).send().await;
    gone.problem(404, "no_item");

    let second = take(&client, "b", 5).await;
    assert_eq!(second["deliveries"].as_array().unwrap().len(), 1);
    assert_eq!(take(&client, "a", 5).await["deliveries"], json!([]));
    let left = queue(&client).await;
    assert_eq!((&left["items"], &left["taken"]), (&json!(1), &json!(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_under_its_key_is_the_same_delivery() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("a").await;
    let keyed = |path: String, key: &str| client.post(&path).header("idempotency-key", key);
    let ask = || keyed(format!("{QUEUE}/-/items"), "p").text("one").send();
    let (first, again) = (ask().await.expect(201), ask().await.expect(201));
    assert_eq!(first, again);
    let ask = || keyed(format!("{QUEUE}/-/take"), "t").session("a").send();
    let (first, again) = (ask().await.expect(200), ask().await);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.expect(200), first);
    let (item, number) = delivery(&first["deliveries"][0]);
    let ack = || {
        let path = format!("{QUEUE}/-/items/{item}/ack");
        let ask = keyed(path, "a").session("a");
        ask.json(&json!({"delivery": number})).send()
    };
    ack().await.expect(200);
    ack().await.expect(200);
    let late = ask().await.expect(200);
    assert_eq!(
        (&late["deliveries"], &late["ended"]),
        (&json!([]), &json!([item]))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_is_woken_by_a_put_and_by_an_item_that_comes_back() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    for session in ["a", "b", "c"] {
        client.session(session).await;
    }
    let before = client.get(QUEUE).send().await;
    let before: u64 = before.header("holdfast-index").parse().unwrap();
    let waiters = [waiting(&client, "a"), waiting(&client, "b")];
    until_index(&client, before + 2).await;
    put(&client, "one").await;
    put(&client, "two").await;
    let mut values = Vec::new();
    for waiter in waiters {
        let taken = waiter.await.unwrap().expect(200);
        values.push(taken["deliveries"][0]["value"].as_str().unwrap().to_owned());
    }
    values.sort();
    assert_eq!(values, ["one", "two"]);

    let now = client.get(QUEUE).send().await;
    let now: u64 = now.header("holdfast-index").parse().unwrap();
    let waiter = waiting(&client, "c");
    until_index(&client, now + 1).await;
    client.delete("/v1/sessions/a").send().await.expect(200);
    let taken = waiter.await.unwrap().expect(200);
    assert_eq!(taken["deliveries"][0]["attempt"], 2);

    let now = client.get(QUEUE).send().await;
    let now: u64 = now.header("holdfast-index").parse().unwrap();
    let waiter = waiting(&client, "b");
    until_index(&client, now + 1).await;
    client.delete("/v1/sessions/b").send().await.expect(200);
    // Its own item came back, and it is not there to take it.
    waiter.await.unwrap().problem(410, "session_expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_tried_too_often_dies_and_can_be_put_back() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("a").await;
    let settings = json!({"max_tries": 2, "max_items": 2});
    let set = client.put(QUEUE).json(&settings).send().await.expect(200);
    assert_eq!(set["settings"], settings);
    for value in ["one", "two"] {
        put(&client, value).await;
    }
    let full = client
        .post(&format!("{QUEUE}/-/items"))
        .text("x")
        .send()
        .await;
    assert_eq!(full.problem(409, "queue_full")["limit"], 2);

    try_twice(&client).await;
    let dead = client
        .get(&format!("{QUEUE}/-/dead"))
        .send()
        .await
        .expect(200);
    let letter = &dead["dead"][0];
    assert_eq!(
        (&letter["tries"], &letter["reason"]),
        (&json!(2), &json!("exit status 1"))
    );
    let name = letter["item"].as_str().unwrap().to_owned();
    let url = format!("{QUEUE}/-/dead/{name}");
    assert_eq!(client.get(&url).send().await.expect(200)["value"], "one");

    let one_back = client
        .post(&format!("{url}/redrive"))
        .send()
        .await
        .expect(200);
    assert_eq!(
        (&one_back["moved"], &one_back["left"]),
        (&json!(1), &json!(0))
    );
    for ask in [
        client.post(&format!("{url}/redrive")),
        client.get(&url),
        client.delete(&url),
    ] {
        ask.send().await.problem(404, "no_dead_letter");
    }
    let none = client
        .post(&format!("{QUEUE}/-/redrive"))
        .send()
        .await
        .expect(200);
    assert_eq!(none["moved"], 0);
    let listed = client
        .get("/v1/queues?prefix=mail")
        .send()
        .await
        .expect(200);
    assert_eq!(listed["queues"], json!([queue(&client).await]));
    assert_eq!(listed["queues"][0]["items"], 2);
}

/// Once without counting, and twice in earnest.
async fn try_twice(client: &Client) {
    let (item, number) = one(client, "a").await;
    let free = json!({"delivery": number, "uncounted": true});
    let back = end(client, "a", "give-back", (&item, free))
        .await
        .expect(200);
    assert_eq!((&back["tries"], &back["dead"]), (&json!(0), &json!(false)));
    for tries in [1, 2] {
        let (item, number) = one(client, "a").await;
        let why = json!({"delivery": number, "reason": "exit status 1"});
        let back = end(client, "a", "give-back", (&item, why))
            .await
            .expect(200);
        assert_eq!(
            (&back["tries"], &back["dead"]),
            (&json!(tries), &json!(tries == 2))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_deleted_and_settings_dropped() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("a").await;
    client
        .put(QUEUE)
        .json(&json!({"max_tries": 1}))
        .send()
        .await
        .expect(200);
    put(&client, "one").await;
    one(&client, "a").await;
    client.delete("/v1/sessions/a").send().await.expect(200);
    let dead = client
        .get(&format!("{QUEUE}/-/dead?limit=1"))
        .send()
        .await
        .expect(200);
    let name = dead["dead"][0]["item"].as_str().unwrap();
    assert!(dead["dead"][0].get("reason").is_none(), "{dead}");
    let url = format!("{QUEUE}/-/dead/{name}");
    client.delete(&url).send().await.expect(200);
    let dropped = client.delete(QUEUE).send().await.expect(200);
    assert_eq!(
        (&dropped["dead"], &dropped["settings"]),
        (&json!(0), &json!({}))
    );
}

/// As kazoo's recipe does it: a sequential child, and an ephemeral one for what is taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_zookeeper_client_takes_part() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    for session in ["a", "zk"] {
        client.session(session).await;
    }
    let entry = "/v1/nodes/queues/mail/out/entries/entry-100-?sequential=1&parents=1";
    client.post(entry).text("theirs").send().await.expect(201);
    put(&client, "ours").await;
    let mark = "/v1/nodes/queues/mail/out/taken/entry-100-0000000000?mode=ephemeral&parents=1";
    client
        .put(mark)
        .session("zk")
        .text("uuid")
        .send()
        .await
        .expect(201);
    let taken = take(&client, "a", 2).await;
    assert_eq!(taken["deliveries"].as_array().unwrap().len(), 1);
    assert_eq!(taken["deliveries"][0]["value"], "ours");
    client.delete("/v1/sessions/zk").send().await.expect(200);
    let taken = take(&client, "a", 2).await;
    assert_eq!(taken["deliveries"][0]["value"], "theirs");
}
