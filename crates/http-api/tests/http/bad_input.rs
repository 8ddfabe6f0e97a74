//! Bad input of every kind: a problem of the right class, no effect.

use axum::http::Method;
use raft_core::limits::ZNODE_DATA_BYTES_MAX;
use serde_json::json;

use crate::harness::{Ask, Client, Doors};

/// One request of the table, and what must come of it.
#[expect(clippy::too_many_lines, reason = "a table")]
fn cases(client: &Client) -> Vec<(Ask, u16, &'static str)> {
    let claim = "/v1/locks/a/-/claims/c";
    let session = || {
        client
            .put("/v1/sessions/s")
            .header("content-type", "application/json")
    };
    let count = |body: &str| client.post("/v1/counters/a/-/add").text(body);
    let block = |body: &str| client.post("/v1/counters/a/-/block").text(body);
    let advance = |body: &str| client.post("/v1/fences/a/-/advance").text(body);
    let rotate = |body: &str| client.post("/v1/fence-keys/-/rotate").text(body);
    let txn = |body: serde_json::Value| client.post("/v1/txn").json(&body);
    vec![
        // Paths.
        (client.get("/"), 404, "not_found"),
        (client.get("/v1"), 404, "not_found"),
        (client.get("/v1/locks/a/-/nonsense"), 404, "not_found"),
        (client.get("/v1/locks/a/-/claims/-"), 404, "not_found"),
        (client.get("/v1/locks/%zz"), 400, "bad_request"),
        (client.get("/v1/locks/a%2Fb"), 400, "bad_request"),
        (client.get("/v1/locks/%ff"), 400, "bad_request"),
        (client.get("/v1/locks/a//b"), 400, "invalid_name"),
        (client.get("/v1/locks/"), 400, "invalid_name"),
        (client.get("/v1/locks/a%20b"), 400, "invalid_name"),
        (client.get("/v1/locks/%2D"), 400, "invalid_name"),
        (client.get("/v1/nodes/a//b"), 400, "invalid_path"),
        (client.get("/v1/nodes/a/%2E%2E/b"), 400, "invalid_path"),
        (client.get("/v1/nodes/a%00"), 400, "invalid_path"),
        (
            client.get(&format!("/v1/locks/{}", "x".repeat(129))),
            400,
            "invalid_name",
        ),
        (
            client.get(&format!("/v1/nodes/{}", "x/".repeat(2100) + "x")),
            400,
            "invalid_path",
        ),
        (
            client.put("/v1/sessions/0x12").text("{}"),
            400,
            "bad_request",
        ),
        (client.get("/v1/elections/a//b"), 400, "invalid_name"),
        (
            client.get("/v1/elections/a/-/candidates/a%20b"),
            400,
            "invalid_name",
        ),
        (client.get("/v1/elections?after=a//b"), 400, "invalid_name"),
        (
            client.put("/v1/elections/a/-/candidates/c").text("{}"),
            400,
            "session_required",
        ),
        (
            client
                .put("/v1/elections/a/-/candidates/c")
                .text(r#"{"weight": -1}"#),
            400,
            "bad_request",
        ),
        (
            client
                .post("/v1/elections/a/-/transfer")
                .text(r#"{"to": "c", "deadline": "soon"}"#),
            400,
            "bad_request",
        ),
        (
            client
                .put("/v1/nodes/a")
                .header("holdfast-term", "app")
                .text(""),
            400,
            "bad_request",
        ),
        (client.get("/v1/barriers/a//b"), 400, "invalid_name"),
        (
            client.get("/v1/barriers/a/-/members/a%20b"),
            400,
            "invalid_name",
        ),
        (
            client.put("/v1/barriers/a/-/members/c").text("{}"),
            400,
            "bad_request",
        ),
        (
            client
                .put("/v1/barriers/a/-/members/c")
                .text(r#"{"parties": -1}"#),
            400,
            "bad_request",
        ),
        (
            client
                .put("/v1/barriers/a/-/members/c")
                .text(r#"{"parties": 3}"#),
            400,
            "session_required",
        ),
        (
            client.delete("/v1/barriers/a/-/members/c"),
            400,
            "session_required",
        ),
        (client.get("/v1/groups/a//b"), 400, "invalid_name"),
        (
            client.get("/v1/groups/a/-/members/a%20b"),
            400,
            "invalid_name",
        ),
        (client.get("/v1/groups?after=a//b"), 400, "invalid_name"),
        (client.get("/v1/groups/a?after=x"), 400, "bad_request"),
        (client.get("/v1/groups/a?limit=-1"), 400, "bad_request"),
        (
            client.put("/v1/groups/a/-/members/c").text("{}"),
            400,
            "session_required",
        ),
        (
            client.delete("/v1/groups/a/-/members/c"),
            400,
            "session_required",
        ),
        (
            client
                .put("/v1/groups/a/-/members/c")
                .text(r#"{"weight": 1}"#),
            400,
            "bad_request",
        ),
        (
            client
                .put("/v1/groups/a/-/members/c")
                .text(r#"{"value": "!", "encoding": "base64"}"#),
            400,
            "bad_request",
        ),
        (client.get("/v1/queues/a//b"), 400, "invalid_name"),
        (client.get("/v1/queues/a/taken/b"), 400, "invalid_name"),
        (client.get("/v1/queues?after=a//b"), 400, "invalid_name"),
        (
            client.get("/v1/queues/a/-/items/a%20b"),
            400,
            "invalid_name",
        ),
        (
            client.get("/v1/queues/a/-/items?limit=-1"),
            400,
            "bad_request",
        ),
        (
            client.put("/v1/queues/a").text(r#"{"max_tries": 0}"#),
            400,
            "bad_request",
        ),
        (
            client.put("/v1/queues/a").text(r#"{"tries": 3}"#),
            400,
            "bad_request",
        ),
        (
            client.post("/v1/queues/a/-/items?priority=1000"),
            400,
            "bad_request",
        ),
        (
            client.post("/v1/queues/a/-/items?priority=low"),
            400,
            "bad_request",
        ),
        (client.post("/v1/queues/a/-/take"), 400, "session_required"),
        (
            client
                .post("/v1/queues/a/-/items/i/ack")
                .text(r#"{"delivery": 1}"#),
            400,
            "session_required",
        ),
        (
            client.post("/v1/queues/a/-/items/i/ack").text("{}"),
            400,
            "bad_request",
        ),
        (
            client
                .post("/v1/queues/a/-/redrive")
                .text(r#"{"limit": 0}"#),
            400,
            "bad_request",
        ),
        (txn(json!({"if": [{"election": "a"}]})), 400, "bad_request"),
        // Methods.
        (client.post("/v1/sessions/s"), 405, "method_not_allowed"),
        (client.delete("/v1/locks/a"), 405, "method_not_allowed"),
        (
            client.ask(Method::OPTIONS, "/v1/txn"),
            405,
            "method_not_allowed",
        ),
        (
            client.ask(Method::from_bytes(b"LOCK").unwrap(), "/v1/txn"),
            405,
            "method_not_allowed",
        ),
        // JSON.
        (session().text("{"), 400, "bad_request"),
        (session().text("[]"), 400, "bad_request"),
        (session().text("null"), 400, "bad_request"),
        (session().text(r#"{"tll": "3s"}"#), 400, "bad_request"),
        (session().text(r#"{"ttl": 3}"#), 400, "bad_request"),
        (session().text(r#"{"ttl": "3"}"#), 400, "bad_request"),
        (session().text(r#"{"ttl": "3s"} x"#), 400, "bad_request"),
        (
            session().text(r#"{"ttl": "3s", "ttl": "4s"}"#),
            400,
            "bad_request",
        ),
        (
            session().text(r#"{"owner": {"pid": -1}}"#),
            400,
            "bad_request",
        ),
        (session().bytes(vec![0xff, 0xfe]), 400, "bad_request"),
        (
            client
                .put("/v1/sessions/s")
                .header("content-type", "text/xml")
                .text("<a/>"),
            415,
            "unsupported_media_type",
        ),
        (client.patch(claim).text(""), 400, "bad_request"),
        (
            client.post("/v1/locks/a/-/verify").text(r#"{"fence": -1}"#),
            400,
            "bad_request",
        ),
        (
            txn(json!({"then": [{"set": "/a", "get": "/b"}]})),
            400,
            "bad_request",
        ),
        (txn(json!({"then": [{"get": "a"}]})), 400, "invalid_path"),
        (
            txn(json!({"if": [{"claim": "a b", "fence": 1}]})),
            400,
            "invalid_name",
        ),
        (
            txn(json!({"then": [{"set": "/a", "value": "!", "encoding": "base64"}]})),
            400,
            "bad_request",
        ),
        // Sizes.
        (session().bytes(vec![b' '; (2 << 20) + 1]), 413, "too_large"),
        (
            client
                .put("/v1/nodes/a")
                .bytes(vec![0; ZNODE_DATA_BYTES_MAX + 1]),
            413,
            "too_large",
        ),
        (
            client
                .put("/v1/nodes/a")
                .bytes(vec![0; ZNODE_DATA_BYTES_MAX * 2]),
            413,
            "too_large",
        ),
        (
            client
                .put("/v1/nodes/a")
                .header("content-length", "99999999999"),
            413,
            "too_large",
        ),
        (session().text(&("[".repeat(100_000))), 400, "bad_request"),
        // Counters.
        (client.get("/v1/counters/"), 400, "invalid_name"),
        (client.get("/v1/counters/a//b"), 400, "invalid_name"),
        (
            client.get("/v1/counters/a/-/add"),
            405,
            "method_not_allowed",
        ),
        (
            client.put("/v1/counters/a").text("1"),
            405,
            "method_not_allowed",
        ),
        (client.get("/v1/counters?limt=3"), 400, "bad_request"),
        (client.get("/v1/counters?limit=x"), 400, "bad_request"),
        (count(""), 400, "bad_request"),
        (count("{}"), 400, "bad_request"),
        (count("1"), 400, "bad_request"),
        (count(r#"{"delta": "1"}"#), 400, "bad_request"),
        (count(r#"{"delta": 1.5}"#), 400, "bad_request"),
        (count(r#"{"delta": null}"#), 400, "bad_request"),
        (
            count(r#"{"delta": 9223372036854775808}"#),
            400,
            "bad_request",
        ),
        (count(r#"{"delta": 1, "to": 3}"#), 400, "bad_request"),
        (block(r#"{"size": 0}"#), 400, "bad_request"),
        (block(r#"{"size": -1}"#), 400, "bad_request"),
        (block(r#"{"size": 1000000001}"#), 400, "bad_request"),
        (block(r#"{"size": 99999999999}"#), 400, "bad_request"),
        (
            client.delete("/v1/counters/a").header("if-match", "7"),
            400,
            "bad_request",
        ),
        // Fence tokens and their keys.
        (
            client.get("/v1/locks/a/-/claims/a%20b/token"),
            400,
            "invalid_name",
        ),
        (
            client.post("/v1/locks/a/-/claims/c/token"),
            405,
            "method_not_allowed",
        ),
        (rotate(r#"{"node": 1}"#), 400, "bad_request"),
        (rotate(r#"{"node": "n1", "now": true}"#), 400, "bad_request"),
        (rotate(r#"{"node": "n0x"}"#), 400, "bad_request"),
        (client.delete("/v1/fence-keys/-"), 404, "not_found"),
        (client.delete("/v1/fence-keys/%ff"), 400, "bad_request"),
        (
            client.delete("/.well-known/jwks.json"),
            405,
            "method_not_allowed",
        ),
        (
            client
                .get("/.well-known/jwks.json")
                .header("if-none-match", "x"),
            400,
            "bad_request",
        ),
        // Fence registers.
        (client.get("/v1/fences/"), 400, "invalid_name"),
        (client.get("/v1/fences/a%20b"), 400, "invalid_name"),
        (
            client.get("/v1/fences/a/-/advance"),
            405,
            "method_not_allowed",
        ),
        (client.get("/v1/fences?after=a%20b"), 400, "invalid_name"),
        (client.get("/v1/fences?state=held"), 400, "bad_request"),
        (advance(""), 400, "bad_request"),
        (advance("{}"), 400, "bad_request"),
        (advance(r#"{"fence": -1}"#), 400, "bad_request"),
        (advance(r#"{"fence": "7"}"#), 400, "bad_request"),
        (advance(r#"{"fence": 1.0}"#), 400, "bad_request"),
        (
            advance(r#"{"fence": 18446744073709551616}"#),
            400,
            "bad_request",
        ),
        (
            advance(r#"{"fence": 1, "force": true}"#),
            400,
            "bad_request",
        ),
        // Queries.
        (client.get("/v1/locks?limt=3"), 400, "bad_request"),
        (client.get("/v1/locks?limit=-3"), 400, "bad_request"),
        (client.get("/v1/locks?state=odd"), 400, "bad_request"),
        (client.get("/v1/sessions?after=name"), 400, "bad_request"),
        (client.post("/v1/locks/a?wait=30"), 400, "bad_request"),
        (
            client.post("/v1/locks/a?mode=shared&permits=2"),
            400,
            "bad_request",
        ),
        (client.put("/v1/nodes/a?mode=ttl"), 400, "bad_request"),
        (client.put("/v1/nodes/a?parents=maybe"), 400, "bad_request"),
        (client.delete("/v1/nodes/a?max=3"), 400, "bad_request"),
        (client.get("/v1/events?kinds=nonsense"), 400, "bad_request"),
        (
            client.get("/v1/events?include=everything"),
            400,
            "bad_request",
        ),
        (client.get("/v1/events?initial=yes"), 400, "bad_request"),
        (client.get("/v1/events?prefix=//"), 400, "invalid_path"),
        (
            client.get("/v1/nodes/a/-/events?prefix=/b"),
            400,
            "bad_request",
        ),
        // Headers.
        (
            client
                .get("/v1/locks")
                .header("holdfast-consistency", "quick"),
            400,
            "bad_request",
        ),
        (
            client.get("/v1/locks").header("holdfast-min-index", "-1"),
            400,
            "bad_request",
        ),
        (
            client.get("/v1/locks").header("holdfast-timeout", "soon"),
            400,
            "bad_request",
        ),
        (
            client.get("/v1/locks").header("holdfast-session", "a b"),
            400,
            "invalid_name",
        ),
        (
            client.get("/v1/locks").header("prefer", "wait=long"),
            400,
            "bad_request",
        ),
        (
            client.get("/v1/locks").header("authorization", "Bearer x"),
            400,
            "bad_request",
        ),
        (
            client.get("/v1/events").header("last-event-id", "1"),
            400,
            "bad_request",
        ),
        (
            client.put(claim).header("holdfast-fence", "a").text("{}"),
            400,
            "bad_request",
        ),
        (
            client
                .put(claim)
                .header("holdfast-forward", "perhaps")
                .text("{}"),
            400,
            "bad_request",
        ),
        (
            client
                .put("/v1/nodes/a")
                .header("if-match", "\"7\"")
                .text(""),
            400,
            "bad_request",
        ),
        (
            client
                .put("/v1/nodes/a")
                .header("if-none-match", "\"v7\"")
                .text(""),
            400,
            "bad_request",
        ),
        (
            client
                .put("/v1/nodes/a")
                .header("if-match", "*")
                .header("if-none-match", "*")
                .text(""),
            400,
            "bad_request",
        ),
        (
            client
                .post("/v1/txn")
                .header("idempotency-key", "\"\"")
                .text("{}"),
            400,
            "bad_request",
        ),
        (
            client
                .post("/v1/txn")
                .header("idempotency-key", &"k".repeat(200))
                .text("{}"),
            400,
            "bad_request",
        ),
        (
            client
                .put("/v1/services/api/-/instances/w")
                .text(r#"{"address":"h","port":1}"#),
            400,
            "session_required",
        ),
        (
            client
                .put("/v1/services/api/-/instances/w")
                .session("s")
                .text(r#"{"address":"h","port":1,"ttl":"3s"}"#),
            400,
            "bad_request",
        ),
        (
            client
                .put("/v1/services/api/-/instances/w")
                .text(r#"{"address":"h","port":1,"ttl":"3s","check":{"interval":"5s"}}"#),
            400,
            "bad_request",
        ),
        (
            client
                .put("/v1/services/api/-/instances/w")
                .text(r#"{"address":"h","port":99999,"ttl":"3s"}"#),
            400,
            "bad_request",
        ),
        (
            client.get("/v1/services/api/-/pick?strategy=fastest"),
            400,
            "bad_request",
        ),
        (
            client.get("/v1/services/api/-/pick?strategy=hash"),
            400,
            "bad_request",
        ),
        (
            client.get("/v1/services/api/-/pick?strategy=random&key=k"),
            400,
            "bad_request",
        ),
        (
            client.get("/v1/services/api/-/pick?strategy=hash&key=k&bounded=0.5"),
            400,
            "bad_request",
        ),
        (
            client.get("/v1/services/api/-/pick?reserve=10s"),
            400,
            "bad_request",
        ),
        (
            client.get("/v1/services/api/-/pick?cursor=global"),
            400,
            "bad_request",
        ),
        (
            client.get("/v1/services/api/-/pick?n=101"),
            400,
            "bad_request",
        ),
        (
            client.get("/v1/services/api/-/pick?meta=build"),
            400,
            "bad_request",
        ),
        (
            client.get("/v1/services/api/-/pick?exclude=a%20b"),
            400,
            "invalid_name",
        ),
        (
            client.get("/v1/services/api/-/ring?size=250"),
            400,
            "bad_request",
        ),
        (
            client.get("/v1/services/api/-/ring?size=65539"),
            507,
            "quota_exceeded",
        ),
        (
            client.post("/v1/services/api/-/pick?cursor=local"),
            400,
            "bad_request",
        ),
        (
            client.post("/v1/services/api/-/pick?reserve=soon"),
            400,
            "bad_request",
        ),
        (
            client.delete("/v1/services/api/-/reservations/55"),
            400,
            "bad_request",
        ),
        (
            client
                .post("/v1/services/api/-/report")
                .text(r#"{"instance":"a b","ok":true}"#),
            400,
            "invalid_name",
        ),
        (
            client.post("/v1/locks/a/-/break").text(r#"{"reason":"x"}"#),
            428,
            "precondition_required",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_malformed_is_told_and_never_proposed() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let node = doors.cluster.node(1);
    let before = node.applied();
    for (at, (ask, status, code)) in cases(&client).into_iter().enumerate() {
        let answer = ask.send().await;
        assert_eq!(answer.status.as_u16(), status, "case {at}: {answer:?}");
        let document = answer.problem(status, code);
        assert_eq!(document["outcome"], "not-applied", "case {at}: {document}");
        assert!(
            document["detail"].as_str().is_some_and(|d| !d.is_empty()),
            "case {at}"
        );
        assert_eq!(
            node.applied(),
            before,
            "case {at} entered the log: {document}"
        );
    }
    let position = client
        .put("/v1/sessions/s")
        .text("{\n \"ttl\": 3}")
        .send()
        .await;
    let position = position.problem(400, "bad_request")["detail"].to_string();
    assert!(position.contains("line 2 column"), "{position}");
    let allowed = client.delete("/v1/locks/a").send().await;
    assert_eq!(allowed.header("allow"), "GET, PUT, POST");
}
