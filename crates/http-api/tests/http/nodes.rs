use std::time::Duration;

use serde_json::json;

use crate::harness::Doors;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_znode_is_written_read_and_compared() {
    let doors = Doors::open(3).await;
    let (client, other) = (doors.at(1), doors.at(2));
    let write = |body: &str| client.put("/v1/nodes/app/cfg").text(body);
    write("one").send().await.problem(404, "no_node");
    let made = client
        .put("/v1/nodes/app/cfg?parents=1")
        .header("content-type", "text/plain");
    let made = made.text("one").send().await;
    assert_eq!(
        (made.header("etag"), made.header("location")),
        ("\"v0\"", "/v1/nodes/app/cfg")
    );
    let index = made.header("holdfast-index").to_owned();
    assert_eq!(made.expect(201)["path"], "/app/cfg");

    let raw = other
        .get("/v1/nodes/app/cfg")
        .header("holdfast-min-index", &index)
        .send()
        .await;
    assert_eq!(
        (raw.header("content-type"), raw.header("etag")),
        ("text/plain", "\"v0\"")
    );
    assert!(raw.header("holdfast-stat").contains("\"czxid\""));
    assert_eq!(raw.body, b"one");
    let json = other
        .get("/v1/nodes/app/cfg")
        .header("accept", "application/json")
        .send()
        .await;
    let json = json.expect(200);
    assert_eq!(
        (&json["value"], &json["encoding"]),
        (&json!("one"), &json!("utf-8"))
    );

    let swapped = write("two").header("if-match", "\"v0\"").send().await;
    assert_eq!(swapped.header("etag"), "\"v1\"");
    swapped.expect(200);
    let lost = write("three").header("if-match", "\"v0\"").send().await;
    let lost = lost.problem(412, "version_mismatch");
    assert_eq!(
        (&lost["expected_version"], &lost["actual_version"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(lost["outcome"], "not-applied");
    let exists = write("four").header("if-none-match", "*").send().await;
    exists.problem(409, "node_exists");
    let short = write("five")
        .header("prefer", "return=minimal")
        .send()
        .await;
    assert_eq!(
        (short.status.as_u16(), short.header("etag")),
        (204, "\"v2\"")
    );
    assert_eq!(short.header("preference-applied"), "return=minimal");
    let head = client
        .ask(axum::http::Method::HEAD, "/v1/nodes/app/cfg")
        .send()
        .await;
    assert_eq!((head.status.as_u16(), head.header("etag")), (200, "\"v2\""));
    let head = client
        .ask(axum::http::Method::HEAD, "/v1/nodes/nothing")
        .send()
        .await;
    assert_eq!((head.status.as_u16(), head.body.len()), (404, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_that_are_no_text_travel_as_base64() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client
        .put("/v1/nodes/b")
        .bytes(vec![0xff, 0])
        .send()
        .await
        .expect(201);
    let json = client
        .get("/v1/nodes/b")
        .header("accept", "application/json")
        .send()
        .await;
    let json = json.expect(200);
    assert_eq!(
        (&json["value"], &json["encoding"]),
        (&json!("/wA="), &json!("base64"))
    );
    assert_eq!(client.get("/v1/nodes/b").send().await.body, [0xff, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sequential_znodes_are_numbered_and_a_repeat_makes_no_second() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client
        .put("/v1/nodes/queue")
        .text("")
        .send()
        .await
        .expect(201);
    let post = |key: &str| {
        let ask = client
            .post("/v1/nodes/queue/job-?sequential=1")
            .text("work");
        ask.header("idempotency-key", key)
    };
    let first = post("a").send().await;
    assert_eq!(first.header("location"), "/v1/nodes/queue/job-0000000000");
    let again = post("a").send().await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("location"), "/v1/nodes/queue/job-0000000000");
    assert_eq!(
        post("b").send().await.header("location"),
        "/v1/nodes/queue/job-0000000001"
    );
    let children = client
        .get("/v1/nodes/queue/-/children?limit=1&stat=1")
        .send()
        .await;
    let link = children.header("link").to_owned();
    let children = children.expect(200);
    assert_eq!(children["children"][0]["name"], "job-0000000000");
    assert_eq!(children["children"][0]["stat"]["data_length"], 4);
    assert!(link.contains("after=job-0000000000"), "{link}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ephemerals_need_a_session_and_go_with_it() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let put = || client.put("/v1/nodes/here?mode=ephemeral").text("x");
    put().send().await.problem(400, "session_required");
    client.session("s").await;
    put().session("s").send().await.expect(201);
    let child = client.put("/v1/nodes/here/below").text("x").send().await;
    child.problem(409, "no_children_for_ephemerals");
    client.delete("/v1/sessions/s").send().await.expect(200);
    client
        .get("/v1/nodes/here")
        .send()
        .await
        .problem(404, "no_node");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subtree_is_counted_before_it_is_removed() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    for path in ["t/a/x", "t/a/y", "t/b"] {
        client
            .put(&format!("/v1/nodes/{path}?parents=1"))
            .text("")
            .send()
            .await
            .expect(201);
    }
    let not_empty = client
        .delete("/v1/nodes/t")
        .send()
        .await
        .problem(409, "node_not_empty");
    assert_eq!(not_empty["path"], "/t");
    client
        .delete("/v1/nodes/t?dry_run=1")
        .send()
        .await
        .problem(409, "node_not_empty");
    let counted = client
        .delete("/v1/nodes/t?recursive=1&dry_run=1")
        .send()
        .await
        .expect(200);
    assert_eq!(
        (&counted["would"]["count"], &counted["dry_run"]),
        (&json!(5), &json!(true))
    );
    let over = client
        .delete("/v1/nodes/t?recursive=1&max=4&dry_run=1")
        .send()
        .await;
    over.problem(409, "node_not_empty");
    client
        .delete("/v1/nodes/t?recursive=1&max=4")
        .send()
        .await
        .problem(409, "node_not_empty");
    let tree = client
        .get("/v1/nodes/t/-/tree?depth=1")
        .send()
        .await
        .expect(200);
    let paths: Vec<_> = tree["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| &n["path"])
        .collect();
    assert_eq!(paths, ["/t", "/t/a", "/t/b"]);
    let gone = client
        .delete("/v1/nodes/t?recursive=1")
        .send()
        .await
        .expect(200);
    assert_eq!(gone["count"], 5);
    client
        .get("/v1/nodes/t")
        .send()
        .await
        .problem(404, "no_node");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_list_hides_data_from_everybody_else() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client
        .put("/v1/nodes/secret")
        .text("x")
        .send()
        .await
        .expect(201);
    let alice = |ask: crate::harness::Ask| ask.header("authorization", "Basic YWxpY2U6cHc=");
    let list = json!({"acl": [{"scheme": "auth", "id": "", "perms": "rwa"}]});
    let bad = json!({"acl": [{"scheme": "auth", "id": "", "perms": "rz"}]});
    let acl = "/v1/nodes/secret/-/acl";
    alice(client.put(acl))
        .json(&bad)
        .send()
        .await
        .problem(400, "bad_request");
    alice(client.put(acl)).json(&list).send().await.expect(200);
    let denied = client
        .get("/v1/nodes/secret")
        .send()
        .await
        .problem(403, "forbidden");
    assert_eq!(
        (&denied["path"], &denied["need"]),
        (&json!("/secret"), &json!("read"))
    );
    client.get(acl).send().await.problem(403, "forbidden");
    client
        .put("/v1/nodes/secret")
        .text("y")
        .send()
        .await
        .problem(403, "forbidden");
    assert_eq!(
        alice(client.get("/v1/nodes/secret")).send().await.body,
        b"x"
    );
    let shown = alice(client.get(acl)).send().await;
    assert_eq!(shown.header("etag"), "\"v1\"");
    assert_eq!(shown.expect(200)["acl"][0]["scheme"], "digest");
    let stale = alice(client.put(acl))
        .header("if-match", "\"v0\"")
        .json(&list)
        .send()
        .await;
    stale.problem(412, "version_mismatch");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_waits_for_a_change_of_a_znode_or_is_told_there_was_none() {
    let doors = Doors::open(3).await;
    let (client, other) = (doors.at(1), doors.at(3));
    client
        .put("/v1/nodes/w")
        .text("one")
        .send()
        .await
        .expect(201);
    let wait = |seconds: &str| {
        let ask = other.get("/v1/nodes/w").header("if-none-match", "\"v0\"");
        ask.header("prefer", &format!("wait={seconds}"))
    };
    let unchanged = wait("20ms").send().await;
    assert_eq!(
        (unchanged.status.as_u16(), unchanged.header("etag")),
        (304, "\"v0\"")
    );
    let waiting = tokio::spawn(wait("30").send());
    client
        .put("/v1/nodes/w")
        .text("two")
        .send()
        .await
        .expect(200);
    let changed = waiting.await.unwrap();
    assert_eq!(
        (changed.status.as_u16(), changed.body.as_slice()),
        (200, &b"two"[..])
    );

    // Made anew it has version 0 again, and is another znode.
    let waiting = tokio::spawn(wait("30").header("if-none-match", "\"v1\"").send());
    client.delete("/v1/nodes/w").send().await.expect(200);
    waiting.await.unwrap().problem(404, "no_node");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_read_says_how_old_it_may_be() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.put("/v1/nodes/s").text("x").send().await.expect(201);
    assert_eq!(client.get("/v1/nodes/s").send().await.status, 200);
    let ask = client
        .get("/v1/nodes/s")
        .header("holdfast-consistency", "stale; max_age=1h");
    let stale = ask.send().await;
    assert_eq!(stale.status, 200);
    stale.header("holdfast-age-ms").parse::<u64>().unwrap();
    let ahead = client
        .get("/v1/nodes/s")
        .header("holdfast-min-index", "99999999");
    let ahead = ahead.header("holdfast-timeout", "50ms").send().await;
    let ahead = ahead.problem(503, "not_caught_up");
    assert_eq!(ahead["wanted_index"], 99_999_999);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minority_answers_within_its_deadline_that_nothing_is_known() {
    let doors = Doors::open(3).await;
    let leader = doors.cluster.leader().await;
    let others: Vec<u64> = [1, 2, 3].into_iter().filter(|id| *id != leader).collect();
    doors.cluster.network.isolate(leader, others);
    let cut_off = doors.at(leader);
    let write = cut_off
        .put("/v1/nodes/m")
        .header("holdfast-timeout", "300ms")
        .text("x");
    let answer = tokio::time::timeout(Duration::from_secs(5), write.send())
        .await
        .unwrap();
    let problem = answer.problem(504, "outcome_unknown");
    assert_eq!(
        (&problem["outcome"], &problem["check"]),
        (&json!("unknown"), &json!("/v1/nodes/m"))
    );
    assert_eq!(problem["retryable"], false);
    let read = cut_off
        .get("/v1/nodes/m")
        .header("holdfast-timeout", "300ms")
        .send()
        .await;
    let problem = read.problem(503, "no_leader");
    assert_eq!(problem["outcome"], "not-applied");
}
