//! Counters over HTTP: what they say, and that their znodes are the same thing.

use serde_json::{Value, json};

use crate::harness::{Answer, Client, Doors};

async fn add(client: &Client, name: &str, delta: i64) -> Answer {
    let ask = client.post(&format!("/v1/counters/{name}/-/add"));
    ask.json(&json!({"delta": delta})).send().await
}

async fn value(client: &Client, name: &str) -> Value {
    let answer = client.get(&format!("/v1/counters/{name}")).send().await;
    answer.expect(200)["value"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_added_at_one_node_is_read_at_every_other() {
    let doors = Doors::open(3).await;
    let client = doors.at(1);
    let first = add(&client, "orders/today", 5).await;
    assert_eq!(first.header("etag"), "\"v0\"");
    let told = json!({"counter": "orders/today", "value": 5, "previous": 0, "version": 0});
    assert_eq!(first.expect(200), told);
    let second = add(&doors.at(2), "orders/today", -7).await.expect(200);
    assert_eq!(
        (&second["previous"], &second["value"]),
        (&json!(5), &json!(-2))
    );
    for id in 1..=3 {
        let read = doors.at(id).get("/v1/counters/orders/today").send().await;
        assert_eq!(read.header("etag"), "\"v1\"");
        let told = json!({"counter": "orders/today", "value": -2, "version": 1});
        assert_eq!(read.expect(200), told);
    }
    let missing = client.get("/v1/counters/orders/never").send().await;
    let missing = missing.problem(404, "no_node");
    assert_eq!(missing["path"], "/counters/orders/never");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocks_follow_each_other_without_overlap() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let block = async |size: u32| {
        let ask = client.post("/v1/counters/ids/-/block");
        ask.json(&json!({"size": size})).send().await.expect(200)
    };
    let first = block(1000).await;
    let told = json!({"counter": "ids", "first": 1, "last": 1000, "size": 1000, "version": 0});
    assert_eq!(first, told);
    let second = block(1).await;
    assert_eq!(
        (&second["first"], &second["last"]),
        (&json!(1001), &json!(1001))
    );
    let large = block(1_000_000_000).await;
    assert_eq!(large["last"], 1_000_001_001);
    assert_eq!(value(&client, "ids").await, 1_000_001_001);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_under_its_key_counts_once() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let keyed = |path: &str, body: Value| {
        let ask = client.post(path).header("idempotency-key", "k");
        ask.json(&body).send()
    };
    let path = "/v1/counters/once/-/add";
    let first = keyed(path, json!({"delta": 3})).await;
    assert!(first.headers.get("idempotency-replayed").is_none());
    let again = keyed(path, json!({"delta": 3})).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.expect(200), again.expect(200));
    let other = keyed(path, json!({"delta": 4})).await;
    other.problem(422, "idempotency_mismatch");
    let block = keyed("/v1/counters/once/-/block", json!({"size": 3})).await;
    block.problem(422, "idempotency_mismatch");
    assert_eq!(value(&client, "once").await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_znode_is_the_counter_in_either_form() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let write = async |bytes: &[u8]| {
        let put = client.put("/v1/nodes/counters/shared?parents=1");
        let status = put.bytes(bytes.to_vec()).send().await.status.as_u16();
        assert!(matches!(status, 200 | 201), "{status}");
    };
    let data = async || client.get("/v1/nodes/counters/shared").send().await.body;
    // Curator's DistributedAtomicLong.
    write(&41_i64.to_be_bytes()).await;
    add(&client, "shared", 1).await.expect(200);
    assert_eq!(data().await, 42_i64.to_be_bytes());
    // kazoo's Counter.
    write(b"-1").await;
    add(&client, "shared", -1).await.expect(200);
    assert_eq!(data().await, b"-2");

    write(b"1.5").await;
    let refused = add(&client, "shared", 1)
        .await
        .problem(409, "not_a_counter");
    assert_eq!(refused["path"], "/counters/shared");
    assert_eq!(refused["outcome"], "not-applied");
    let read = client.get("/v1/counters/shared").send().await;
    read.problem(409, "not_a_counter");

    write(i64::MAX.to_string().as_bytes()).await;
    let refused = add(&client, "shared", 1).await;
    let refused = refused.problem(409, "counter_overflow");
    assert_eq!(refused["value"], json!(i64::MAX));
    assert_eq!(value(&client, "shared").await, json!(i64::MAX));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_counter_is_removed_under_a_condition_and_begins_anew() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    add(&client, "a", 1).await.expect(200);
    add(&client, "a", 1).await.expect(200);
    let remove = |tag: &str| {
        client
            .delete("/v1/counters/a")
            .header("if-match", tag)
            .send()
    };
    remove("\"v0\"").await.problem(412, "version_mismatch");
    let removed = remove("\"v1\"").await.expect(200);
    assert_eq!(removed, json!({"counter": "a"}));
    let again = client.delete("/v1/counters/a").send().await;
    again.problem(404, "no_node");
    assert_eq!(add(&client, "a", 1).await.expect(200)["previous"], 0);

    add(&client, "a/b", 1).await.expect(200);
    let above = client.delete("/v1/counters/a").send().await;
    above.problem(409, "node_not_empty");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn access_lists_decide_who_counts_and_who_sees() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    add(&client, "seen", 1).await.expect(200);
    add(&client, "hidden", 1).await.expect(200);
    let allow = async |name: &str, perms: &str| {
        let acl = json!({"acl": [{"scheme": "world", "id": "anyone", "perms": perms}]});
        let put = client.put(&format!("/v1/nodes/counters/{name}/-/acl"));
        put.json(&acl).send().await.expect(200);
    };
    allow("seen", "r").await;
    allow("hidden", "w").await;
    let refused = add(&client, "seen", 1).await.problem(403, "forbidden");
    assert_eq!(refused["need"], "write");
    let refused = add(&client, "hidden", 1).await.problem(403, "forbidden");
    assert_eq!(refused["need"], "read");
    let read = client.get("/v1/counters/hidden").send().await;
    read.problem(403, "forbidden");
    let list = client.get("/v1/counters").send().await.expect(200);
    let seen = json!([{"counter": "seen", "value": 1, "version": 0}]);
    assert_eq!(list["counters"], seen);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_are_listed_page_by_page() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    for name in ["b/2", "a", "b/1", "c", "b/1/x"] {
        add(&client, name, 1).await.expect(200);
    }
    let mut url = "/v1/counters?limit=2".to_owned();
    let mut names = Vec::new();
    loop {
        let page = client.get(&url).send().await;
        let link = page.headers.get("link").cloned();
        let page = page.expect(200);
        let rows = page["counters"].as_array().unwrap();
        names.extend(
            rows.iter()
                .map(|row| row["counter"].as_str().unwrap().to_owned()),
        );
        if page["next"].is_null() {
            break;
        }
        let link = link.unwrap().to_str().unwrap().to_owned();
        url = link
            .trim_start_matches('<')
            .split('>')
            .next()
            .unwrap()
            .to_owned();
    }
    assert_eq!(names, ["a", "c", "b/1", "b/2", "b/1/x"]);
    let below = client.get("/v1/counters?prefix=b/&limit=10").send().await;
    assert_eq!(below.expect(200)["counters"].as_array().unwrap().len(), 3);
}
