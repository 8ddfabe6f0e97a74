//! Input that is wrong in every way: a clear answer, no effect, and the node goes on. (P-INPUT)

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use holdfast_tests::{Cluster, Http, until};
use serde_json::json;

/// Method, path, headers, body, expected status, expected code.
type Case<'a> = (
    &'a str,
    &'a str,
    &'a [(&'a str, &'a str)],
    &'a str,
    u16,
    &'a str,
);

#[rustfmt::skip]
const CASES: &[Case<'_>] = &[
    ("PUT", "/v1/sessions/s", &[], "{", 400, "bad_request"),
    ("PUT", "/v1/sessions/s", &[], "[]", 400, "bad_request"),
    ("PUT", "/v1/sessions/s", &[], r#"{"tll": "3s"}"#, 400, "bad_request"),
    ("PUT", "/v1/sessions/s", &[], r#"{"ttl": 3}"#, 400, "bad_request"),
    ("PUT", "/v1/sessions/s", &[], r#"{"ttl": "soon"}"#, 400, "bad_request"),
    ("PUT", "/v1/sessions/..", &[], "{}", 400, "invalid_name"),
    ("PUT", "/v1/sessions/a%00b", &[], "{}", 400, "invalid_name"),
    ("POST", "/v1/sessions/never-was/keepalive", &[], "", 404, "no_session"),
    ("PUT", "/v1/locks/a//b/-/claims/c", &[("Holdfast-Session", "s")], "{}", 400, "invalid_name"),
    ("PUT", "/v1/locks/a/-/claims/%2E%2E", &[("Holdfast-Session", "s")], "{}", 400, "invalid_name"),
    ("PUT", "/v1/locks/a/-/claims/c", &[("Holdfast-Session", "never-was")], "{}", 404, "no_session"),
    ("PUT", "/v1/locks/a/-/claims/c", &[], r#"{"mode": "sideways"}"#, 400, "bad_request"),
    ("DELETE", "/v1/locks/a/-/claims/never-was", &[], "", 404, "no_claim"),
    ("GET", "/v1/locks/a/-/claims/never-was", &[], "", 404, "no_claim"),
    ("GET", "/v1/locks/a/-/nonsense", &[], "", 404, "not_found"),
    ("POST", "/v1/locks/a?wait=soon", &[], "", 400, "bad_request"),
    ("POST", "/v1/locks/a?colour=red", &[], "", 400, "bad_request"),
    ("POST", "/v1/locks/a/-/verify", &[], r#"{"fence": -1}"#, 400, "bad_request"),
    ("GET", "/v1/nodes/never-was", &[], "", 404, "no_node"),
    ("DELETE", "/v1/nodes/never-was", &[], "", 404, "no_node"),
    ("PUT", "/v1/nodes/a/b/c", &[], "x", 404, "no_node"),
    ("PUT", "/v1/nodes/a%2Fb", &[], "x", 400, "bad_request"),
    ("PUT", "/v1/nodes/bad%zz", &[], "x", 400, "bad_request"),
    ("PUT", "/v1/nodes/x", &[("If-Match", "7")], "x", 400, "bad_request"),
    ("PUT", "/v1/nodes/x", &[("If-Match", "\"v7\"")], "x", 404, "no_node"),
    ("PUT", "/v1/nodes/x?mode=ephemeral", &[], "x", 400, "session_required"),
    ("PUT", "/v1/nodes/x", &[("Holdfast-Fence", "nonsense")], "x", 400, "bad_request"),
    ("PUT", "/v1/nodes/x", &[("Holdfast-Fence", "free/lock=1")], "x", 412, "fence_stale"),
    ("GET", "/v1/nodes/", &[("Holdfast-Consistency", "eventual")], "", 400, "bad_request"),
    ("GET", "/v1/nodes/", &[("Holdfast-Min-Index", "x")], "", 400, "bad_request"),
    ("POST", "/v1/txn", &[], r#"{"then": [{"fly": "/x"}]}"#, 400, "bad_request"),
    ("POST", "/v1/txn", &[], r#"{"if": [{"node": "no-slash", "version": 1}], "then": []}"#, 400, "invalid_path"),
    ("GET", "/v1/events?kinds=moon.*", &[], "", 400, "bad_request"),
    ("GET", "/v1/events", &[("Last-Event-ID", "yesterday")], "", 400, "bad_request"),
    ("PUT", "/v1/cluster/members/zero", &[], "{}", 400, "bad_request"),
    ("POST", "/v1/cluster/leader", &[], r#"{"to": "n9"}"#, 409, "unsafe_change"),
    ("GET", "/v1/nothing/here", &[], "", 404, "not_found"),
    ("DELETE", "/v1/cluster", &[], "", 405, "method_not_allowed"),
];

#[test]
fn every_kind_of_wrong_request_gets_a_clear_answer_and_changes_nothing() {
    let cluster = Cluster::start(3);
    cluster.open_session("s");
    let before = digest(&cluster);
    let mut wrong = Vec::new();
    for (index, (method, path, headers, body, status, code)) in CASES.iter().enumerate() {
        let http = cluster.http(index as u64 % 3 + 1);
        let http = headers
            .iter()
            .fold(http, |http, (name, value)| http.header(name, value));
        let answer = http.send(method, path, body.as_bytes()).unwrap();
        if answer.header("content-type") != Some("application/problem+json") {
            wrong.push(format!(
                "{method} {path} {body}: {} {}",
                answer.status,
                answer.text()
            ));
            continue;
        }
        let (found, outcome) = answer.problem();
        if answer.status != *status || found != *code || outcome != "not-applied" {
            wrong.push(format!(
                "{method} {path} {body}: {}, expected {status} {code}",
                answer.text()
            ));
        }
        let detail = answer.json()["detail"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(!detail.is_empty(), "{method} {path}: no detail");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(
        digest(&cluster),
        before,
        "a refused request changed the state"
    );
}

/// The digest without the position: refused writes take positions.
fn digest(cluster: &Cluster) -> serde_json::Value {
    let listed = cluster
        .http(1)
        .get("/v1/nodes/-/tree?depth=10")
        .unwrap()
        .expect(200)
        .json();
    let sessions = cluster
        .http(1)
        .get("/v1/sessions")
        .unwrap()
        .expect(200)
        .json();
    json!([
        listed["nodes"],
        sessions["sessions"].as_array().map(Vec::len)
    ])
}

#[test]
fn versions_and_ended_things_are_told_apart() {
    let cluster = Cluster::start(3);
    let http = cluster.http(1);
    let _ = http.put("/v1/nodes/cfg", "v0").unwrap().expect(201);
    let created = http
        .header("If-None-Match", "*")
        .put("/v1/nodes/cfg", "x")
        .unwrap()
        .expect(409);
    assert_eq!(
        created.problem(),
        ("node_exists".into(), "not-applied".into())
    );
    let _ = http
        .header("If-Match", "\"v0\"")
        .put("/v1/nodes/cfg", "v1")
        .unwrap()
        .expect(200);
    let stale = http
        .header("If-Match", "\"v0\"")
        .put("/v1/nodes/cfg", "x")
        .unwrap()
        .expect(412);
    assert_eq!(stale.problem().0, "version_mismatch");
    assert_eq!(stale.json()["actual_version"], 1);
    let _ = http.put("/v1/nodes/cfg/child", "").unwrap().expect(201);
    assert_eq!(
        http.delete("/v1/nodes/cfg")
            .unwrap()
            .expect(409)
            .problem()
            .0,
        "node_not_empty"
    );
    cluster.open_session("short");
    let _ = http.delete("/v1/sessions/short").unwrap().expect(200);
    let ended = http
        .session("short")
        .put("/v1/nodes/x?mode=ephemeral", "")
        .unwrap()
        .expect(410);
    assert_eq!(ended.problem().0, "session_expired");
}

#[test]
fn bodies_over_the_limit_are_refused_and_the_largest_allowed_one_is_not() {
    let cluster = Cluster::start(3);
    let http = cluster.http(cluster.follower());
    let _ = http
        .put("/v1/nodes/large", vec![b'x'; 1 << 20])
        .unwrap()
        .expect(201);
    let over = http
        .put("/v1/nodes/larger", vec![b'x'; (1 << 20) + 1])
        .unwrap()
        .expect(413);
    assert_eq!(over.problem(), ("too_large".into(), "not-applied".into()));
    let huge = http.put("/v1/nodes/huge", vec![b'x'; 64 << 20]);
    assert!(huge.is_err() || huge.is_ok_and(|answer| answer.status == 413));
    let read = cluster.http(1).get("/v1/nodes/large").unwrap().expect(200);
    assert_eq!(read.body.len(), 1 << 20);
    let _ = http.get("/v1/nodes/larger").unwrap().expect(404);
}

/// Bytes nobody meant: fixed, so that a failure can be repeated.
fn garbage(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn garbage_on_the_peer_port_and_the_api_port_harms_nobody() {
    let mut cluster = Cluster::start(3);
    cluster.expect_log("peer");
    let written = cluster.http(1).put("/v1/nodes/x", "y").unwrap().expect(201);
    let leader = cluster.leader();
    let term = cluster.status(leader).unwrap()["term"].clone();
    let plausible = [&u32::MAX.to_le_bytes()[..], b"HOLDFAST"].concat();
    let mut inputs = vec![
        Vec::new(),
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        b"HOLDFAST".to_vec(),
        plausible,
        vec![0; 1 << 20],
    ];
    inputs.extend((0..40_u64).map(|seed| garbage(seed, 1 << (seed % 16))));
    for id in cluster.ids() {
        for input in &inputs {
            for address in [cluster.peer_address(id), api(&cluster, id)] {
                let mut stream = TcpStream::connect(address).unwrap();
                stream
                    .set_read_timeout(Some(Duration::from_secs(5)))
                    .unwrap();
                // Cut off in the middle is as good an answer as any.
                let _ = stream.write_all(input);
                let _ = stream.shutdown(std::net::Shutdown::Write);
                let mut answer = Vec::new();
                let _ = stream.read_to_end(&mut answer);
            }
        }
    }
    until("all nodes to be ready", || {
        cluster.ids().iter().all(|&id| ready(&cluster.http(id)))
    });
    assert_eq!(
        cluster.status(leader).unwrap()["term"],
        term,
        "garbage caused an election"
    );
    let index = |text: &str| text.parse::<u64>().unwrap();
    let read = cluster.http(2).get("/v1/nodes/x").unwrap().expect(200);
    let (before, after) = (
        written.header("holdfast-index"),
        read.header("holdfast-index"),
    );
    assert_eq!(
        index(before.unwrap()),
        index(after.unwrap()),
        "garbage took effect"
    );
    cluster.wait_digests_agree();
}

fn api(cluster: &Cluster, id: u64) -> std::net::SocketAddr {
    cluster
        .url(id)
        .trim_start_matches("http://")
        .parse()
        .unwrap()
}

fn ready(http: &Http) -> bool {
    http.get("/readyz").is_ok_and(|answer| answer.status == 200)
}
