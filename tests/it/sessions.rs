//! Sessions: opened by name, kept alive from anywhere, ended with everything they own. (P-SESS)

use std::time::{Duration, Instant};

use holdfast_tests::locks::{claim_path, holding, stand_in_queue, wait_for_lock, waiting};
use holdfast_tests::wait::within;
use holdfast_tests::{Cluster, EventStream, until};
use serde_json::json;

#[test]
fn opening_a_session_can_be_repeated_from_any_node() {
    let cluster = Cluster::start(3);
    let body = json!({"ttl": "30s", "owner": {"service": "billing", "host": "web-7", "pid": 4121}});
    let open = |node| {
        cluster
            .http(node)
            .put("/v1/sessions/s_1", body.to_string())
            .unwrap()
    };
    let first = open(1).expect(201).json();
    let again = open(2).expect(200).json();
    assert_eq!(first["number"], again["number"]);
    assert_eq!(first["ttl_ms"], 30_000);
    let other = json!({"ttl": "40s"}).to_string();
    let _ = cluster
        .http(3)
        .put("/v1/sessions/s_1", other)
        .unwrap()
        .expect(409);
    let listed = cluster
        .http(3)
        .get("/v1/sessions?owner.host=web-7")
        .unwrap()
        .expect(200)
        .json();
    assert_eq!(listed["sessions"][0]["owner"]["service"], "billing");
}

/// What a client does whose release was not answered and whose session then ended. (P-RETRY)
#[test]
fn a_claim_is_told_of_behind_the_end_of_its_session() {
    let cluster = Cluster::start(3);
    let http = cluster.http(1);
    let brief = json!({"ttl": "1s"}).to_string();
    let _ = http.put("/v1/sessions/brief", brief).unwrap().expect(201);
    stand_in_queue(&http, "brief", "estate", "lost");
    stand_in_queue(&http, "brief", "cottage", "given-back");
    let owner = cluster.http(2).session("brief");
    let given_back = claim_path("cottage", "given-back");
    let _ = owner.delete(&given_back).unwrap().expect(200);
    until("the session to end", || {
        let session = cluster.http(3).get("/v1/sessions/brief").unwrap();
        session.status == 410
    });
    let lost = claim_path("estate", "lost");
    for again in [owner.delete(&lost), owner.put(&lost, "{}")] {
        let told = again.unwrap().expect(410);
        assert_eq!(told.problem().0, "claim_ended");
        assert_eq!(told.json()["ended_claim"]["state"], "session_expired");
    }
    let again = owner.delete(&given_back).unwrap().expect(200).json();
    assert_eq!(again["state"], "released");
    // Of a claim it never had there is nothing to tell but this.
    let other = owner.put(&claim_path("estate", "c2"), "{}").unwrap();
    assert_eq!(other.expect(410).problem().0, "session_expired");
}

#[test]
fn a_silent_session_expires_not_before_its_time_and_loses_what_it_owns() {
    let cluster = Cluster::start(3);
    cluster.open_session("heir");
    let http = cluster.http(1);
    let opened = Instant::now();
    let _ = http
        .put("/v1/sessions/mortal", json!({"ttl": "2s"}).to_string())
        .unwrap()
        .expect(201);
    let _ = http
        .session("mortal")
        .put("/v1/nodes/presence?mode=ephemeral", "here")
        .unwrap()
        .expect(201);
    let last_sign = Instant::now();
    stand_in_queue(&http, "mortal", "estate", "c1");
    let heir = wait_for_lock(&cluster.http(2), "heir", "estate", "c2");
    until("the heir to queue", || waiting(&http, "estate") == ["c2"]);
    let inherited = heir.join().unwrap().unwrap().json();
    assert_eq!(inherited["state"], "held");
    assert!(opened.elapsed() >= Duration::from_secs(2), "expired early");
    assert!(
        last_sign.elapsed() < Duration::from_secs(20),
        "expired very late"
    );
    let gone = http.get("/v1/sessions/mortal").unwrap().expect(410);
    assert_eq!(gone.problem().0, "session_expired");
    assert_eq!(
        gone.json()["ended_session"]["released"][0]["lock"],
        "estate"
    );
    let _ = http.get("/v1/nodes/presence").unwrap().expect(404);
    let dead = http
        .session("mortal")
        .put("/v1/nodes/ghost?mode=ephemeral", "")
        .unwrap()
        .expect(410);
    assert_eq!(
        dead.problem(),
        ("session_expired".into(), "not-applied".into())
    );
}

#[test]
fn keep_alives_through_any_node_keep_it_alive() {
    let cluster = Cluster::start(3);
    let http = cluster.http(1);
    let _ = http
        .put("/v1/sessions/alive", json!({"ttl": "2s"}).to_string())
        .unwrap()
        .expect(201);
    stand_in_queue(&http, "alive", "kept", "c1");
    let start = Instant::now();
    let mut round = 0_u64;
    within(Duration::from_secs(20), "two lifetimes to pass", || {
        round += 1;
        let node = round % 3 + 1;
        let sent = Instant::now();
        let renewed = cluster
            .http(node)
            .post("/v1/sessions/alive/keepalive", "")
            .unwrap()
            .expect(200);
        let renewed = renewed.json();
        assert_eq!(renewed["holds"][0]["claim"], "c1");
        // Counted from the sending: no more than the timeout after the answer came.
        let safe = u128::from(renewed["safe_ms"].as_u64().unwrap());
        assert!(safe <= 2000 + sent.elapsed().as_millis(), "{safe}");
        (start.elapsed() > Duration::from_secs(5)).then_some(())
    });
    let many = json!({"ids": ["alive", "never-was"]}).to_string();
    let many = http
        .post("/v1/sessions/-/keepalive", many)
        .unwrap()
        .expect(200)
        .json();
    assert_eq!(many["sessions"][0]["alive"], true);
    assert_eq!(many["sessions"][1]["alive"], false);
}

#[test]
fn an_open_stream_renews_its_session_and_tells_of_losses() {
    let cluster = Cluster::start(3);
    let http = cluster.http(2);
    let _ = http
        .put("/v1/sessions/streamed", json!({"ttl": "2s"}).to_string())
        .unwrap()
        .expect(201);
    let fence = stand_in_queue(&http, "streamed", "watched", "c1")["fence"]
        .as_u64()
        .unwrap();
    let mut stream = EventStream::renewing(&http, "streamed").unwrap();
    let start = Instant::now();
    until("two lifetimes to pass", || {
        start.elapsed() > Duration::from_secs(4)
    });
    let _ = cluster
        .http(1)
        .get("/v1/sessions/streamed")
        .unwrap()
        .expect(200);
    assert_eq!(holding(&cluster.http(1), "watched"), ["c1"]);
    let breaking = cluster.http(3).header("If-Match", &format!("\"f{fence}\""));
    let reason = json!({"reason": "maintenance"}).to_string();
    let _ = breaking
        .post("/v1/locks/watched/-/break", reason)
        .unwrap()
        .expect(200);
    let told = stream.until(Duration::from_secs(10), |event| {
        event.name == "lock.released"
    });
    let told = told.last().unwrap();
    assert_eq!(told.field("claim"), "c1");
    assert_eq!(told.field("state"), "broken");
}

#[test]
fn closing_a_session_releases_all_and_can_be_repeated() {
    let cluster = Cluster::start(3);
    cluster.open_session("s");
    let http = cluster.http(1);
    stand_in_queue(&http, "s", "one", "c1");
    stand_in_queue(&http, "s", "two", "c2");
    let closed = http.delete("/v1/sessions/s").unwrap().expect(200).json();
    assert_eq!(closed["state"], "closed");
    assert_eq!(closed["released"].as_array().unwrap().len(), 2);
    let again = cluster
        .http(2)
        .delete("/v1/sessions/s")
        .unwrap()
        .expect(200)
        .json();
    assert_eq!(again["ended_index"], closed["ended_index"]);
    assert!(holding(&http, "one").is_empty());
    let ended = http
        .get(&claim_path("two", "c2"))
        .unwrap()
        .expect(410)
        .json();
    assert_eq!(ended["ended_claim"]["state"], "session_closed");
}
