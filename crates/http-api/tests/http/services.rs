//! Services: registering, reporting, picking, and hearing of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::{Answer, Client, Doors, Events};

fn instance(id: &str) -> String {
    format!("/v1/services/shop/api/-/instances/{id}")
}

/// Instances of these names and weights, without a session.
async fn registered(client: &Client, weights: &[(&str, u32)]) {
    for (id, weight) in weights {
        let body = json!({"address": "10.0.0.1", "port": 8080, "ttl": "1h", "weight": weight});
        client
            .put(&instance(id))
            .json(&body)
            .send()
            .await
            .expect(201);
    }
}

async fn look(client: &Client, query: &str) -> Answer {
    let path = format!("/v1/services/shop/api/-/pick?{query}");
    client.get(&path).send().await
}

async fn pick(client: &Client, query: &str) -> Answer {
    let path = format!("/v1/services/shop/api/-/pick?{query}");
    client.post(&path).send().await
}

/// The next change, which has this name.
async fn told(stream: &mut Events, name: &str) -> Value {
    let change = stream.change().await;
    assert_eq!(change.name, name, "{change:?}");
    change.data
}

fn id(picked: &Value) -> String {
    picked["instance"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_says_what_it_is_and_goes_with_its_session() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("s").await;
    let body = json!({
        "address": "10.0.0.7", "port": 8080, "weight": 10, "zone": "a", "tags": ["v2", "v1"],
        "meta": {"build": "881"},
        "check": {"http": "/livez", "interval": "5s", "fail_after": 2},
    });
    let put = || client.put(&instance("web-7")).session("s").json(&body);
    let first = put().send().await;
    assert_eq!(first.header("location"), instance("web-7"));
    let first = first.expect(201);
    assert_eq!(first["tags"], json!(["v1", "v2"]));
    assert_eq!(first["session"], "s");
    assert_eq!(first["state"], "up");
    assert_eq!(
        first["check"],
        json!({"http": "/livez", "interval": "5s", "timeout": "1s", "fail_after": 2, "pass_after": 1})
    );
    assert_eq!(put().send().await.expect(200), first);

    let taken = client.put(&instance("web-7"));
    let other = json!({"address": "h", "port": 1, "ttl": "30s"});
    taken
        .json(&other)
        .send()
        .await
        .problem(409, "instance_taken");
    registered(&client, &[("web-8", 1)]).await;
    let url = format!("{}/heartbeat", instance("web-8"));
    let renewed = client.post(&url).send().await.expect(200);
    assert_eq!(renewed["ttl_ms"], 3_600_000);
    assert_eq!(renewed["expires_ms"], 3_600_000);

    let service = client.get("/v1/services/shop/api").send().await;
    let etag = service.header("etag").to_owned();
    let service = service.expect(200);
    assert_eq!(service["available"], 2);
    assert_eq!(service["instances"][0], first);
    let list = client
        .get("/v1/services?prefix=shop")
        .send()
        .await
        .expect(200);
    assert_eq!(
        list["services"],
        json!([{"service": "shop/api", "instances": 2, "reservations": 0}])
    );

    let same = client
        .get("/v1/services/shop/api")
        .header("if-none-match", &etag);
    same.send().await.expect(304);
    client.delete("/v1/sessions/s").send().await.expect(200);
    let changed = client
        .get("/v1/services/shop/api")
        .header("if-none-match", &etag);
    assert_eq!(changed.send().await.expect(200)["available"], 1);
    client
        .get(&instance("web-7"))
        .send()
        .await
        .problem(404, "no_instance");
    let again = put().send().await;
    again.problem(410, "session_expired");
    let gone = client.delete(&instance("web-8")).send().await.expect(200);
    assert_eq!(gone["left"], true);
    let gone = client.delete(&instance("web-8")).send().await.expect(200);
    assert_eq!(gone["left"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pick_that_changes_nothing_is_no_command() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    registered(&client, &[("a", 3), ("b", 1)]).await;
    let before = doors.cluster.node(1).applied();
    let mut shares = BTreeMap::new();
    for _ in 0..8 {
        let picked = look(&client, "").await.expect(200);
        assert_eq!(picked["strategy"], "round_robin");
        *shares.entry(id(&picked)).or_insert(0) += 1;
    }
    assert_eq!(
        shares,
        BTreeMap::from([("a".to_owned(), 6), ("b".to_owned(), 2)])
    );

    for strategy in ["random", "least_load", "p2c"] {
        look(&client, &format!("strategy={strategy}"))
            .await
            .expect(200);
    }
    let hash = id(&look(&client, "strategy=hash&key=user-42").await.expect(200));
    for query in [
        "hash&key=user-42&bounded=1.25",
        "sticky&key=user-42",
        "sticky&key=user-42&previous=c",
    ] {
        let picked = look(&client, &format!("strategy={query}"))
            .await
            .expect(200);
        assert_eq!(id(&picked), hash, "{query}");
    }
    let other = if hash == "a" { "b" } else { "a" };
    let query = format!("strategy=sticky&key=user-42&previous={other}");
    assert_eq!(id(&look(&client, &query).await.expect(200)), other);
    let both = look(&client, "strategy=random&n=5").await.expect(200);
    assert_eq!(both["others"].as_array().unwrap().len(), 1);
    assert_eq!(doors.cluster.node(1).applied(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reservations_are_seen_by_the_next_pick_and_released_once() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    registered(&client, &[("a", 1), ("b", 1)]).await;
    let query = "strategy=least_load&reserve=10s&explain=1";
    let first = pick(&client, query).await.expect(200);
    let second = pick(&client, query).await.expect(200);
    assert_ne!(id(&first), id(&second));
    let scores = |picked: &Value| -> Vec<u64> {
        let considered = picked["considered"].as_array().unwrap();
        considered
            .iter()
            .map(|it| it["score"].as_u64().unwrap())
            .collect()
    };
    let mut of_second = scores(&second);
    of_second.sort_unstable();
    assert_eq!(
        (scores(&first), of_second),
        (vec![1000, 1000], vec![1000, 2000])
    );

    let reservation = &first["instance"]["reservation"];
    assert_eq!(reservation["expires_ms"], 10_000);
    let url = reservation["release"].as_str().unwrap();
    for released in [true, false] {
        let answer = client.delete(url).send().await.expect(200);
        assert_eq!(answer["released"], released);
    }
    assert_eq!(
        id(&look(&client, "strategy=least_load").await.expect(200)),
        id(&first)
    );

    let key = || {
        client
            .post("/v1/services/shop/api/-/pick?reserve=10s")
            .header("idempotency-key", "\"k\"")
    };
    let once = key().send().await.expect(200);
    let again = key().send().await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.expect(200), once);
    let list = client.get("/v1/services").send().await.expect(200);
    assert_eq!(list["services"][0]["reservations"], 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_picked_is_said_with_the_reason() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    registered(&client, &[("a", 1), ("b", 1), ("c", 0)]).await;
    let report = || client.post("/v1/services/shop/api/-/report");
    let failed = json!({"instance": "b", "ok": false});
    for _ in 0..5 {
        report().json(&failed).send().await.expect(200);
    }
    let url = format!("{}/state", instance("a"));
    let draining = client
        .put(&url)
        .json(&json!({"state": "draining"}))
        .send()
        .await
        .expect(200);
    assert_eq!(draining["unavailable"], "is draining");
    for answer in [look(&client, "").await, pick(&client, "").await] {
        let problem = answer.problem(409, "no_instance_available");
        assert_eq!(problem["outcome"], "not-applied");
        let reasons = problem["considered"].as_array().unwrap();
        let of = |place: usize| reasons[place]["excluded"].as_str().unwrap();
        assert_eq!((of(0), of(2)), ("is draining", "has weight 0"));
        assert!(
            of(1).starts_with("is set aside after failed calls"),
            "{}",
            of(1)
        );
    }
    report()
        .json(&json!({"instance": "b", "ok": true}))
        .send()
        .await
        .expect(200);
    let picked = pick(&client, "explain=1").await.expect(200);
    assert_eq!(id(&picked), "b");
    assert_eq!(picked["considered"][0]["excluded"], "is draining");
    assert_eq!(picked["considered"][1], json!({"id": "b", "chosen": true}));

    let load = client.put(&format!("{}/load", instance("b")));
    let loaded = load
        .json(&json!({"inflight": 12, "capacity": 64}))
        .send()
        .await
        .expect(200);
    assert_eq!(
        loaded["load"],
        json!({"inflight": 12, "capacity": 64, "age_ms": 0})
    );
    let nobody = client.put(&format!("{}/load", instance("z")));
    nobody
        .json(&json!({"inflight": 1}))
        .send()
        .await
        .problem(404, "no_instance");
    let problem = client.post("/v1/services/other/-/pick").send().await;
    let problem = problem.problem(409, "no_instance_available");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("none is registered")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_can_be_taken_along() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    registered(&client, &[("a", 1), ("b", 2)]).await;
    let url = "/v1/services/shop/api/-/ring?size=251";
    let ring = client.get(url).send().await;
    let etag = ring.header("etag").to_owned();
    let ring = ring.expect(200);
    let table = ring["table"].as_array().unwrap();
    assert_eq!(table.len(), 251);
    let of_b = table.iter().filter(|entry| **entry == json!(1)).count();
    assert!(
        (160..176).contains(&of_b),
        "{of_b} of 251 for two thirds of the weight"
    );

    let picked = look(&client, "strategy=maglev&key=user-42&size=251")
        .await
        .expect(200);
    assert_eq!(picked["ring_version"], ring["ring_version"]);
    let again = look(&client, "strategy=maglev&key=user-42&size=251")
        .await
        .expect(200);
    assert_eq!(again, picked);
    let same = client.get(url).header("if-none-match", &etag).send().await;
    same.expect(304);
    registered(&client, &[("c", 1)]).await;
    let changed = client.get(url).header("if-none-match", &etag).send().await;
    assert_ne!(changed.expect(200)["ring_version"], ring["ring_version"]);
    pick(&client, "strategy=maglev&key=k&size=251")
        .await
        .problem(400, "bad_request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_to_instances_is_told() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("s").await;
    registered(&client, &[("a", 1)]).await;
    let mut stream = client
        .get("/v1/services/shop/api/-/events?initial=state")
        .stream()
        .await;
    let state = told(&mut stream, "state").await;
    assert_eq!(state["instance"]["id"], "a");
    told(&mut stream, "synced").await;
    let body = json!({"address": "h", "port": 1});
    client
        .put(&instance("w"))
        .session("s")
        .json(&body)
        .send()
        .await
        .expect(201);
    let registered = told(&mut stream, "service.registered").await;
    assert_eq!(
        (&registered["service"], &registered["instance"]),
        (&json!("shop/api"), &json!("w"))
    );
    assert_eq!(registered["session"], "s");
    let url = format!("{}/state", instance("w"));
    client
        .put(&url)
        .json(&json!({"state": "draining"}))
        .send()
        .await
        .expect(200);
    told(&mut stream, "service.draining").await;
    client.delete("/v1/sessions/s").send().await.expect(200);
    let left = told(&mut stream, "service.left").await;
    assert_eq!(
        (&left["instance"], &left["state"]),
        (&json!("w"), &json!("session_closed"))
    );
}
