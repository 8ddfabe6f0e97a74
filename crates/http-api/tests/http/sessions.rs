use std::time::Duration;

use serde_json::json;

use crate::harness::Doors;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_opened_once_kept_alive_and_closed_once() {
    let doors = Doors::open(3).await;
    let client = doors.at(2);
    let ask = || {
        client
            .put("/v1/sessions/s_4f1c")
            .json(&json!({"ttl": "15s", "owner": {"host": "web-7"}}))
    };
    let opened = ask().send().await;
    assert_eq!(opened.header("location"), "/v1/sessions/s_4f1c");
    let opened = opened.expect(201);
    assert_eq!(
        (&opened["ttl_ms"], &opened["safe_ms"]),
        (&json!(15_000), &json!(15_000))
    );
    assert_eq!(opened["keepalive"], "/v1/sessions/s_4f1c/keepalive");
    let again = ask().send().await.expect(200);
    assert_eq!(again["created_index"], opened["created_index"]);
    let other = client
        .put("/v1/sessions/s_4f1c")
        .json(&json!({"ttl": "16s"}))
        .send()
        .await;
    other.problem(409, "session_mismatch");

    client
        .put("/v1/locks/a/-/claims/c")
        .session("s_4f1c")
        .text("{}")
        .send()
        .await
        .expect(201);
    let kept = doors
        .at(3)
        .post("/v1/sessions/s_4f1c/keepalive")
        .send()
        .await
        .expect(200);
    assert!(kept["safe_ms"].as_u64() >= Some(15_000), "{kept}");
    assert_eq!(kept["holds"][0]["state"], "held");
    let detail = client.get("/v1/sessions/s_4f1c").send().await.expect(200);
    assert_eq!(detail["claims"][0]["lock"], "a");

    let closed = client
        .delete("/v1/sessions/s_4f1c")
        .send()
        .await
        .expect(200);
    assert_eq!(closed["released"][0]["claim"], "c");
    let again = client
        .delete("/v1/sessions/s_4f1c")
        .send()
        .await
        .expect(200);
    assert_eq!(again, closed);
    let gone = client.post("/v1/sessions/s_4f1c/keepalive").send().await;
    let gone = gone.problem(410, "session_expired");
    assert_eq!(gone["ended_session"]["state"], "closed");
    client
        .get("/v1/sessions/nobody")
        .send()
        .await
        .problem(404, "no_session");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_session_expires_and_one_that_is_named_does_not() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    for name in ["silent", "named"] {
        let ttl = json!({"ttl": "2s"});
        client
            .put(&format!("/v1/sessions/{name}"))
            .json(&ttl)
            .send()
            .await
            .expect(201);
        client
            .post(&format!("/v1/sessions/{name}/keepalive"))
            .send()
            .await
            .expect(200);
    }
    let node = doors.cluster.node(1);
    let mut expired = false;
    for _ in 0..200 {
        doors.cluster.advance(Duration::from_millis(500));
        client
            .post("/v1/sessions/named/keepalive")
            .send()
            .await
            .expect(200);
        expired = node.peek(|state| state.counts().sessions == 1);
        if expired {
            break;
        }
    }
    assert!(expired, "the silent session lives on");
    let gone = client
        .get("/v1/sessions/silent")
        .send()
        .await
        .problem(410, "session_expired");
    assert_eq!(gone["ended_session"]["state"], "expired");
    let acting = client
        .put("/v1/locks/x/-/claims/c")
        .session("silent")
        .text("{}")
        .send()
        .await;
    acting.problem(410, "session_expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_sessions_are_renewed_by_one_request() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("a").await;
    client.session("b").await;
    let ids = json!({"ids": ["b", "nobody", "a"]});
    let ask = || client.post("/v1/sessions/-/keepalive").json(&ids);
    for name in ["a", "b"] {
        client
            .post(&format!("/v1/sessions/{name}/keepalive"))
            .send()
            .await
            .expect(200);
    }
    let kept = ask().send().await.expect(200);
    let alive: Vec<_> = kept["sessions"].as_array().unwrap().iter().collect();
    assert_eq!(
        alive.iter().map(|s| &s["id"]).collect::<Vec<_>>(),
        ["b", "nobody", "a"]
    );
    assert_eq!(
        alive.iter().map(|s| s["alive"] == true).collect::<Vec<_>>(),
        [true, false, true]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_are_listed_by_pages_and_found_by_owner() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    for (name, host) in [("a", "web-1"), ("b", "web-2"), ("c", "web-1")] {
        let owner = json!({"owner": {"host": host}});
        client
            .put(&format!("/v1/sessions/{name}"))
            .json(&owner)
            .send()
            .await
            .expect(201);
    }
    let found = client
        .get("/v1/sessions?owner.host=web-1")
        .send()
        .await
        .expect(200);
    let ids: Vec<_> = found["sessions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| &s["id"])
        .collect();
    assert_eq!(ids, ["a", "c"]);
    let page = client.get("/v1/sessions?limit=2").send().await.expect(200);
    let next = page["next"].as_str().unwrap();
    let rest = client
        .get(&format!("/v1/sessions?limit=2&after={next}"))
        .send()
        .await
        .expect(200);
    assert_eq!(rest["sessions"][0]["id"], "c");
    assert!(rest.get("next").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_keep_alive_tells_what_was_lost_but_not_what_was_released() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let open = client.put("/v1/sessions/s").json(&json!({"ttl": "10m"}));
    open.send().await.expect(201);
    for lock in ["given-up", "taken"] {
        let claim = format!("/v1/locks/{lock}/-/claims/c1");
        client
            .put(&claim)
            .session("s")
            .json(&json!({}))
            .send()
            .await
            .expect(201);
    }
    let given_up = client.delete("/v1/locks/given-up/-/claims/c1").session("s");
    given_up.send().await.expect(200);
    let held = client
        .get("/v1/locks/taken/-/claims/c1")
        .send()
        .await
        .expect(200);
    client
        .post("/v1/locks/taken/-/break")
        .header("if-match", &format!("\"f{}\"", held["fence"]))
        .json(&json!({"reason": "stuck job"}))
        .send()
        .await
        .expect(200);
    let kept = client
        .post("/v1/sessions/s/keepalive")
        .send()
        .await
        .expect(200);
    assert_eq!(kept["holds"], json!([]));
    assert_eq!(kept["ended"].as_array().map(Vec::len), Some(1), "{kept}");
    assert_eq!(kept["ended"][0]["lock"], "taken");
    assert_eq!(kept["ended"][0]["state"], "broken");
    assert_eq!(kept["ended"][0]["reason"], "stuck job");
}
