use serde_json::{Value, json};

use crate::harness::Doors;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cluster_is_described_and_changes_are_tried_first() {
    let doors = Doors::open(3).await;
    let leader = doors.cluster.leader().await;
    let client = doors.at(if leader == 1 { 2 } else { 1 });
    let cluster = client.get("/v1/cluster").send().await.expect(200);
    assert_eq!(cluster["leader"], format!("n{leader}"));
    assert_eq!(cluster["members"].as_array().unwrap().len(), 3);
    assert_eq!(
        (&cluster["quorum"], &cluster["failure_tolerance"]),
        (&json!(2), &json!(1))
    );

    let dry = client
        .delete("/v1/cluster/members/n3?dry_run=1")
        .send()
        .await
        .expect(200);
    assert_eq!(
        (&dry["applied"], &dry["dry_run"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(dry["after"]["voters"], json!(["n1", "n2"]));
    let body = json!({"peer": "node-4", "api": "http://node-4"});
    let no_port = client
        .put("/v1/cluster/members/n4")
        .json(&body)
        .send()
        .await;
    no_port.problem(400, "bad_request");
    client
        .post("/v1/cluster/members/x/promote")
        .send()
        .await
        .problem(400, "bad_request");
    let unknown = client.post("/v1/cluster/members/n9/promote").send().await;
    let unknown = unknown.problem(409, "unsafe_change");
    assert!(!unknown["arithmetic"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leadership_is_handed_over_on_request() {
    let doors = Doors::open(3).await;
    let leader = doors.cluster.leader().await;
    let to = leader % 3 + 1;
    let body = json!({"to": format!("n{to}")});
    let done = doors
        .one()
        .post("/v1/cluster/leader")
        .json(&body)
        .send()
        .await
        .expect(200);
    assert_eq!(done["from"], format!("n{leader}"));
    assert_eq!(done["to"], format!("n{to}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_to_be_sent_to_the_leader_is() {
    let doors = Doors::open(3).await;
    let leader = doors.cluster.leader().await;
    let follower = leader % 3 + 1;
    let ask = |id: u64| {
        let ask = doors
            .at(id)
            .put("/v1/nodes/x?parents=1")
            .header("holdfast-forward", "never");
        ask.text("x").send()
    };
    let sent = ask(follower).await;
    assert_eq!(sent.status, 307);
    assert_eq!(
        sent.header("location"),
        format!("http://node-{leader}/v1/nodes/x?parents=1")
    );
    ask(leader).await.expect(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_show_the_same_digest() {
    let doors = Doors::open(3).await;
    doors
        .one()
        .put("/v1/nodes/x")
        .text("x")
        .send()
        .await
        .expect(201);
    let mut digests = Vec::new();
    for id in 1..=3 {
        digests.push(
            doors
                .at(id)
                .get("/v1/cluster/digest")
                .send()
                .await
                .expect(200),
        );
    }
    assert!(
        digests.iter().all(|digest| *digest == digests[0]),
        "{digests:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_are_compared_subtree_by_subtree() {
    let doors = Doors::open(3).await;
    let client = doors.one();
    for path in ["a", "a/b", "a/b/c", "d"] {
        let url = format!("/v1/nodes/{path}");
        client.put(&url).text("x").send().await.expect(201);
    }
    let url = "/v1/cluster/digest?depth=2";
    let mut answers = Vec::new();
    for id in 1..=3 {
        answers.push(doors.at(id).get(url).send().await.expect(200));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    let all = &answers[0];
    assert_eq!(all["truncated"], false);
    let rows = |answer: &Value| -> Vec<(String, u64, String)> {
        let rows = answer["subtrees"].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        rows.map(|row| {
            let znodes = row["znodes"].as_u64().unwrap();
            (text(&row["path"]), znodes, text(&row["digest"]))
        })
        .collect()
    };
    let before = rows(all);
    let listed: Vec<(&str, u64)> = before.iter().map(|row| (row.0.as_str(), row.1)).collect();
    assert_eq!(
        listed,
        [
            ("/", 8),
            ("/a", 3),
            ("/d", 1),
            ("/zookeeper", 3),
            ("/a/b", 2),
            ("/zookeeper/config", 1),
            ("/zookeeper/quota", 1),
        ]
    );
    let below = client.get("/v1/cluster/digest?path=/a&depth=1").send();
    assert_eq!(
        rows(&below.await.expect(200)),
        [before[1].clone(), before[4].clone()]
    );
    let plain = client.get("/v1/cluster/digest").send().await.expect(200);
    assert_eq!(plain["digest"], all["digest"]);
    assert!(plain.get("subtrees").is_none() && plain.get("truncated").is_none());

    // Only what is around the change shows it, whatever else was applied meanwhile.
    client
        .put("/v1/nodes/a/b/c")
        .text("y")
        .send()
        .await
        .expect(200);
    let after = rows(&client.get(url).send().await.expect(200));
    let changed: Vec<&str> = before
        .iter()
        .zip(&after)
        .filter(|(before, after)| before != after)
        .map(|(before, _)| before.0.as_str())
        .collect();
    assert_eq!(changed, ["/", "/a", "/a/b"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn digests_of_subtrees_are_bounded_and_hide_what_may_not_be_read() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let ask = |query: &str| client.get(&format!("/v1/cluster/digest?{query}"));
    ask("depth=8").send().await.expect(200);
    ask("depth=9").send().await.problem(400, "bad_request");
    ask("depth=-1").send().await.problem(400, "bad_request");
    ask("path=a").send().await.problem(400, "invalid_path");
    ask("path=/missing").send().await.problem(404, "no_node");

    client
        .put("/v1/nodes/open")
        .text("x")
        .send()
        .await
        .expect(201);
    client
        .put("/v1/nodes/open/secret")
        .text("x")
        .send()
        .await
        .expect(201);
    let acl = json!({"acl": [{"scheme": "digest", "id": "alice:x", "perms": "rwcda"}]});
    let closed = client.put("/v1/nodes/open/secret/-/acl").json(&acl).send();
    closed.await.expect(200);
    let top = ask("path=/open&depth=2").send().await.expect(200);
    assert_eq!(top["subtrees"].as_array().unwrap().len(), 1);
    assert_eq!(top["subtrees"][0]["znodes"], 2, "it still counts");
    ask("path=/open/secret")
        .send()
        .await
        .problem(403, "forbidden");

    for n in 0..1_000 {
        let op = format!("/v1/nodes/w{n}");
        client.put(&op).text("").send().await.expect(201);
    }
    let many = ask("depth=1").send().await.expect(200);
    assert_eq!(many["truncated"], true);
    assert!(many["subtrees"].as_array().unwrap().len() <= 1_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_is_taken_downloaded_and_verified() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client
        .get("/v1/snapshots/current")
        .send()
        .await
        .problem(404, "no_snapshot");
    client.put("/v1/nodes/x").text("x").send().await.expect(201);
    let taken = client.post("/v1/snapshots").send().await;
    let url = taken.header("location").to_owned();
    let taken = taken.expect(201);
    let list = client.get("/v1/snapshots").send().await.expect(200);
    assert_eq!(list["snapshots"][0], taken);
    let content = client.get(&url).send().await;
    assert_eq!(content.status, 200);
    assert_eq!(content.body.len() as u64, taken["bytes"].as_u64().unwrap());
    let own = client
        .post("/v1/snapshots/-/verify")
        .send()
        .await
        .expect(200);
    let sent = client
        .post("/v1/snapshots/-/verify")
        .bytes(content.body.clone())
        .send()
        .await;
    assert_eq!(sent.expect(200), own);
    let mut damaged = content.body;
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let damaged = client
        .post("/v1/snapshots/-/verify")
        .bytes(damaged)
        .send()
        .await;
    damaged.problem(400, "bad_request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_metrics_and_self_description_answer() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    assert_eq!(client.get("/livez").send().await.body, b"ok\n");
    assert_eq!(client.get("/readyz").send().await.body, b"ok\n");
    let ready = client.get("/readyz?verbose=1").send().await.expect(200);
    assert_eq!(ready["status"], "ok");
    client
        .get("/v1/nodes/missing")
        .send()
        .await
        .problem(404, "no_node");
    client
        .get("/no/such/route")
        .send()
        .await
        .problem(404, "not_found");
    let metrics = client.get("/metrics").send().await;
    assert!(
        metrics
            .header("content-type")
            .starts_with("application/openmetrics-text")
    );
    let metrics = String::from_utf8(metrics.body).unwrap();
    for line in [
        r#"http_requests_total{route="/v1/nodes/{path}",method="GET",status="404"} 1"#,
        r#"http_requests_total{route="unmatched",method="GET",status="404"} 1"#,
        r#"http_request_duration_seconds_count{route="/readyz",method="GET"} 2"#,
        "holdfast_leader 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    assert!(metrics.ends_with("# EOF\n"));
    let limits = client.get("/v1/limits").send().await.expect(200);
    assert_eq!(limits["znode_data_bytes_max"], 1 << 20);
    let errors = client.get("/errors").send().await.expect(200);
    assert!(errors.as_array().unwrap().len() > 30);
    let page = client.get("/errors/lock-held").send().await.expect(200);
    assert_eq!(
        (&page["status"], &page["code"]),
        (&json!(423), &json!("lock_held"))
    );
    client
        .get("/errors/nonsense")
        .send()
        .await
        .problem(404, "not_found");
    doors.cluster.node(1).drain();
    let text = client.get("/readyz").send().await;
    assert_eq!(text.status, 503);
    assert!(
        String::from_utf8(text.body)
            .unwrap()
            .starts_with("accepting: ")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_is_echoed() {
    let doors = Doors::open(1).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let answer = doors
        .one()
        .get("/livez")
        .header("traceparent", trace)
        .send()
        .await;
    assert_eq!(answer.header("traceparent"), trace);
    assert!(answer.header("holdfast-request").starts_with("r_"));
}
