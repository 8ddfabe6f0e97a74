use http_api::ApiSettings;
use membership::RaftSettings;
use node::NodeSettings;
use serde_json::json;
use sim::Cluster;

use crate::harness::Doors;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_cut_and_resumed_at_another_node_has_no_gap_and_no_repeat() {
    let doors = Doors::open(3).await;
    let writer = doors.at(3);
    let url = "/v1/events?prefix=/app&kinds=node.*&include=value,prev";
    let mut stream = doors.at(1).get(url).stream().await;
    let start = stream.next().await.unwrap();
    assert_eq!(start.name, "bookmark");
    writer
        .put("/v1/nodes/app")
        .text("0")
        .send()
        .await
        .expect(201);
    writer
        .put("/v1/nodes/apple")
        .text("0")
        .send()
        .await
        .expect(201);
    for i in 1..=20 {
        writer
            .put("/v1/nodes/app")
            .text(&i.to_string())
            .send()
            .await
            .expect(200);
    }
    let mut seen = stream.changes(8).await;
    drop(stream);
    let last = seen.last().unwrap().id.clone().unwrap();
    let mut resumed = doors
        .at(2)
        .get(url)
        .header("last-event-id", &last)
        .stream()
        .await;
    seen.extend(resumed.changes(13).await);
    assert_eq!(seen[0].name, "node.created");
    for (i, event) in seen.iter().enumerate().skip(1) {
        assert_eq!(event.name, "node.changed");
        assert_eq!(event.data["value"], i.to_string(), "{event:?}");
        assert_eq!(event.data["prev"], (i - 1).to_string());
    }
    // For browsers: the same by the query, from the very start.
    let start = start.id.unwrap();
    let browser = doors.at(2).get(&format!("{url}&last_event_id={start}"));
    let again = browser.stream().await.changes(21).await;
    assert_eq!(again, seen);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_begins_with_the_state_and_goes_on_with_changes() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("s").await;
    for path in ["a", "a/b", "a/c", "other"] {
        client
            .put(&format!("/v1/nodes/{path}"))
            .text(path)
            .send()
            .await
            .expect(201);
    }
    client
        .put("/v1/locks/l/-/claims/c")
        .session("s")
        .text("{}")
        .send()
        .await
        .expect(201);
    let mut stream = client
        .get("/v1/events?prefix=/a&kinds=node.*&initial=state")
        .stream()
        .await;
    let mut paths = Vec::new();
    let synced = loop {
        let event = stream.next().await.unwrap();
        match event.name.as_str() {
            "state" => paths.push(event.data["node"]["path"].as_str().unwrap().to_owned()),
            _ => break event,
        }
    };
    assert_eq!(paths, ["/a", "/a/b", "/a/c"]);
    assert_eq!(synced.name, "synced");
    client
        .put("/v1/nodes/a/d")
        .text("x")
        .send()
        .await
        .expect(201);
    let change = stream.change().await;
    assert_eq!(change.data["path"], "/a/d");
    assert!(change.data.get("value").is_none(), "not asked for");

    let mut locks = client
        .get("/v1/locks/l/-/events?initial=state")
        .stream()
        .await;
    let state = locks.next().await.unwrap();
    assert_eq!(state.data["lock"]["holders"][0]["claim"], "c");
    assert_eq!(locks.next().await.unwrap().name, "synced");
    client
        .delete("/v1/locks/l/-/claims/c")
        .session("s")
        .send()
        .await
        .expect(200);
    let released = locks.change().await;
    assert_eq!(
        (released.name.as_str(), &released.data["state"]),
        ("lock.released", &json!("released"))
    );
    assert_eq!(released.data["session"], "s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_that_is_gone_is_refused_before_the_stream_and_a_gap_in_it() {
    let settings = NodeSettings {
        event_commits_max: 5,
        ..NodeSettings::default()
    };
    let cluster = Cluster::found_with(1, RaftSettings::default(), settings).await;
    let doors = Doors::over(cluster, ApiSettings::default());
    let client = doors.one();
    let mut slow = client.get("/v1/events").stream().await;
    let start = slow.next().await.unwrap().id.unwrap();
    for i in 0..10 {
        client
            .put(&format!("/v1/nodes/n{i}"))
            .text("")
            .send()
            .await
            .expect(201);
    }
    let gone = client
        .get("/v1/events")
        .header("last-event-id", &start)
        .send()
        .await;
    let gone = gone.problem(410, "history_compacted");
    let oldest = gone["oldest_index"].as_u64().unwrap();
    let gap = slow.change().await;
    assert_eq!(
        (gap.name.as_str(), gap.data["oldest_index"].as_u64()),
        ("gap", Some(oldest))
    );
    assert!(slow.next().await.is_none(), "a stream ends with its gap");
    let ahead = client
        .get("/v1/events")
        .header("last-event-id", "99999999.0");
    ahead
        .header("holdfast-timeout", "50ms")
        .send()
        .await
        .problem(503, "not_caught_up");
    client
        .get("/v1/events")
        .header("last-event-id", "x")
        .send()
        .await
        .problem(400, "bad_request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopping_node_sends_its_streams_elsewhere() {
    let doors = Doors::open(3).await;
    let mut stream = doors.at(1).get("/v1/events").stream().await;
    stream.next().await.unwrap();
    doors.cluster.node(1).drain();
    let goodbye = stream.change().await;
    assert_eq!(goodbye.name, "reconnect");
    assert_eq!(
        goodbye.data["endpoints"],
        json!(["http://node-2", "http://node-3"])
    );
    assert!(stream.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_client_cannot_open_streams_without_end() {
    let settings = ApiSettings {
        streams_per_client_max: 1,
        ..ApiSettings::default()
    };
    let doors = Doors::open_with(1, settings).await;
    let client = doors.one();
    let first = client.get("/v1/events").stream().await;
    let policy = r#""streams-per-client";q=1;qu="concurrent-requests""#;
    assert_eq!(
        first.header("ratelimit-policy"),
        format!(r#"{policy}, "streams";q=10000;qu="concurrent-requests""#)
    );
    assert_eq!(
        first.header("ratelimit"),
        r#""streams-per-client";r=0, "streams";r=9999"#
    );
    let refused = client.get("/v1/events").send().await;
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(refused.header("ratelimit-policy"), policy);
    assert_eq!(refused.header("ratelimit"), r#""streams-per-client";r=0"#);
    refused.problem(429, "rate_limited");
    drop(first);
    client.get("/v1/events").stream().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stream_of_a_session_renews_it_and_tells_of_losses() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("s").await;
    client
        .post("/v1/sessions/s/keepalive")
        .send()
        .await
        .expect(200);
    let claim = "/v1/locks/l/-/claims/c";
    let held = client
        .put(claim)
        .session("s")
        .text("{}")
        .send()
        .await
        .expect(201);
    let mut own = client.post("/v1/sessions/s/stream").stream().await;
    let mut observer = client.get("/v1/sessions/s/stream").stream().await;
    let renewed = loop {
        let event = own.next().await.unwrap();
        if event.name == "session.renewed" {
            break event;
        }
    };
    assert!(
        renewed.data["safe_ms"].as_u64() >= Some(15_000),
        "{renewed:?}"
    );
    let broken = client
        .post("/v1/locks/l/-/break")
        .json(&json!({"reason": "stuck"}));
    let fence = held["fence"].as_u64().unwrap();
    broken
        .header("if-match", &format!("\"f{fence}\""))
        .send()
        .await
        .expect(200);
    let lost = own.change().await;
    assert_eq!(
        (lost.name.as_str(), &lost.data["state"]),
        ("lock.released", &json!("broken"))
    );
    assert_eq!(observer.change().await, lost);
    client.delete("/v1/sessions/s").send().await.expect(200);
    assert_eq!(own.change().await.name, "session.closed");
    assert!(
        own.next().await.is_none(),
        "the stream ends with its session"
    );
    client
        .post("/v1/sessions/s/stream")
        .send()
        .await
        .problem(410, "session_expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_is_not_shown_to_those_who_may_not_read_it() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let alice = |ask: crate::harness::Ask| ask.header("authorization", "Basic YWxpY2U6cHc=");
    client
        .put("/v1/nodes/secret")
        .text("x")
        .send()
        .await
        .expect(201);
    let list = json!({"acl": [{"scheme": "auth", "id": "", "perms": "rwa"}]});
    alice(client.put("/v1/nodes/secret/-/acl"))
        .json(&list)
        .send()
        .await
        .expect(200);
    let url = "/v1/events?kinds=node.changed,node.deleted&include=value,prev";
    let mut anybody = client.get(url).stream().await;
    let mut owner = alice(client.get(url)).stream().await;
    alice(client.put("/v1/nodes/secret"))
        .text("hidden")
        .send()
        .await
        .expect(200);
    assert_eq!(owner.change().await.data["value"], "hidden");
    assert!(anybody.change().await.data.get("value").is_none());
    // The list of a znode that is gone still decides.
    client.delete("/v1/nodes/secret").send().await.expect(200);
    assert_eq!(owner.change().await.data["prev"], "hidden");
    assert!(anybody.change().await.data.get("prev").is_none());
}
