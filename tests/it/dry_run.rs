//! A dry run tells what the request would do, at any node, and does nothing. (P-DRYRUN)

use holdfast_tests::locks::{holding, stand_in_queue, waiting};
use holdfast_tests::{Answer, Cluster, Http, eventually, until};
use serde_json::{Value, json};

const LOCK: &str = "orders/42";

/// `a` holds, `cb` and `cc` wait in this order. Gives the fence of the hold.
fn stand(cluster: &Cluster) -> u64 {
    for session in ["a", "b", "c"] {
        cluster.open_session(session);
    }
    let http = cluster.http(1);
    let held = stand_in_queue(&http, "a", LOCK, "ca");
    stand_in_queue(&http, "b", LOCK, "cb");
    stand_in_queue(&http, "c", LOCK, "cc");
    held["fence"].as_u64().unwrap()
}

fn breaking(http: &Http, query: &str, tag: &str) -> std::io::Result<Answer> {
    let path = format!("/v1/locks/{LOCK}/-/break{query}");
    let reason = json!({"reason": "the host does not answer"});
    http.header("If-Match", tag).post(&path, reason.to_string())
}

/// Checks that a dry run shows `ca` losing the lock to `cb`.
#[track_caller]
fn check_shown(told: &Value, fence: u64) {
    let effects = &told["effects"];
    assert_eq!(told["dry_run"], true);
    assert_eq!(effects["holds_ended"]["count"], 1, "{told}");
    let ended = &effects["holds_ended"]["shown"][0];
    assert_eq!(
        (&ended["claim"], &ended["session"]),
        (&json!("ca"), &json!("a"))
    );
    assert_eq!(ended["fence"], fence);
    assert_eq!(effects["granted"]["count"], 1, "{told}");
    assert_eq!(effects["granted"]["shown"][0]["claim"], "cb");
    assert_eq!(effects["waiters_removed"]["count"], 0);
    assert_eq!(told["only_if"]["if_match"], format!("\"f{fence}\""));
}

/// How the lock stands: its view and its entity tag.
fn stands(http: &Http) -> (Option<String>, Value) {
    let lock = http.get(&format!("/v1/locks/{LOCK}")).unwrap().expect(200);
    let mut view = lock.json();
    // Grows by itself.
    view["holders"][0]["held_ms"] = Value::Null;
    (lock.header("etag").map(str::to_owned), view)
}

/// What of an ended claim is of no moment.
fn lasting(ended: &Value) -> Value {
    let part = |name: &str| ended[name].clone();
    json!([
        part("lock"),
        part("claim"),
        part("state"),
        part("fence"),
        part("held"),
        part("reason")
    ])
}

/// Checks that the lock went to the one who was shown as next.
#[track_caller]
fn check_next_holds(http: &Http, told: &Value) {
    let held = http.get(&format!("/v1/locks/{LOCK}/-/holders"));
    let held = held.unwrap().expect(200).json()["holders"].clone();
    let next = &told["effects"]["granted"]["shown"][0];
    assert_eq!(held.as_array().map(Vec::len), Some(1), "{held}");
    for part in ["claim", "fence", "session"] {
        assert_eq!(held[0][part], next[part], "{held}");
    }
}

#[test]
fn a_break_is_shown_by_every_node_changes_nothing_and_is_then_done_as_shown() {
    let cluster = Cluster::start(3);
    let fence = stand(&cluster);
    let tag = format!("\"f{fence}\"");
    let before = stands(&cluster.http(1));
    let mut told = Value::Null;
    for id in cluster.ids() {
        let answer = breaking(&cluster.http(id), "?dry_run=1", &tag).unwrap();
        told = answer.expect(200).json();
        check_shown(&told, fence);
        assert_eq!(stands(&cluster.http(id)), before);
    }
    let stale = breaking(&cluster.http(2), "?dry_run=1", "\"f1\"").unwrap();
    assert_eq!(stale.expect(412).problem().0, "fence_stale");
    assert_eq!(holding(&cluster.http(3), LOCK), ["ca"]);
    assert_eq!(waiting(&cluster.http(3), LOCK), ["cb", "cc"]);

    let tag = told["only_if"]["if_match"].as_str().unwrap();
    let done = breaking(&cluster.http(cluster.follower()), "", tag).unwrap();
    let done = done.expect(200).json();
    assert_eq!(lasting(&done), lasting(&told["would"]));
    check_next_holds(&cluster.http(1), &told);
    assert_eq!(waiting(&cluster.http(1), LOCK), ["cc"]);
    // What was shown is over.
    let again = breaking(&cluster.http(1), "?dry_run=1", tag).unwrap();
    assert_eq!(again.expect(412).problem().0, "fence_stale");
    cluster.wait_digests_agree();
}

#[test]
fn a_dry_run_is_answered_again_when_the_leader_was_killed() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    let fence = stand(&cluster);
    let tag = format!("\"f{fence}\"");
    let leader = cluster.leader();
    let follower = cluster.follower();
    let http = cluster.http(follower);
    let shown = breaking(&http, "?dry_run=1", &tag)
        .unwrap()
        .expect(200)
        .json();
    check_shown(&shown, fence);

    cluster.kill(leader);
    let told = eventually("a dry run to be answered", || {
        let answer = breaking(&http, "?dry_run=1", &tag).ok()?;
        // Between leaders it is what a read is then.
        if answer.status == 503 {
            assert_eq!(answer.problem().1, "not-applied");
            return None;
        }
        Some(answer.expect(200).json())
    });
    check_shown(&told, fence);
    assert_eq!(told["effects"], shown["effects"]);
    assert_eq!(holding(&http, LOCK), ["ca"]);

    let _ = breaking(&http, "", &tag).unwrap().expect(200);
    check_next_holds(&http, &told);
    cluster.restart(leader);
    cluster.wait_digests_agree();
}

#[test]
fn without_a_majority_a_dry_run_is_refused_unless_a_stale_one_will_do() {
    let mut cluster = Cluster::start(3);
    cluster.expect_lost_peers();
    let fence = stand(&cluster);
    let tag = format!("\"f{fence}\"");
    let left = cluster.follower();
    // So that it has applied all of that.
    assert_eq!(waiting(&cluster.http(left), LOCK), ["cb", "cc"]);
    for id in cluster.ids().into_iter().filter(|id| *id != left) {
        cluster.pause(id);
    }
    let http = cluster.http(left).header("Holdfast-Timeout", "2s");
    let refused = breaking(&http, "?dry_run=1", &tag).unwrap().expect(503);
    assert_eq!(
        refused.problem(),
        ("no_leader".into(), "not-applied".into())
    );
    let http = http.header("Holdfast-Consistency", "stale");
    let stale = breaking(&http, "?dry_run=1", &tag).unwrap().expect(200);
    assert!(stale.header("holdfast-age-ms").is_some(), "{stale:?}");
    check_shown(&stale.json(), fence);
    for id in cluster.ids() {
        cluster.resume(id);
    }
    cluster.wait_digests_agree();
}

#[test]
fn the_command_line_shows_it_and_ends_as_the_command_would() {
    let cluster = Cluster::start(3);
    let cli = cluster.cli();
    let fence = stand(&cluster);
    let (fence, wrong) = (fence.to_string(), (fence + 1).to_string());
    let breaking = ["locks", "break", LOCK, "--reason", "stuck", "--fence"];
    let dry = [&breaking[..], &[&fence, "--dry-run"]].concat();
    let shown = cli.run(&dry).expect(0).stdout;
    for part in ["lose the lock", "be granted", "ca", "cb"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let body = cli
        .run(&[&["-o", "json"], &dry[..]].concat())
        .expect(0)
        .json();
    assert_eq!(body["effects"]["granted"]["shown"][0]["claim"], "cb");
    let stale = [&breaking[..], &[&wrong]].concat();
    let _ = cli.run(&[&stale[..], &["--dry-run"]].concat()).expect(82);
    let _ = cli.run(&stale).expect(82);

    let _ = cli.run(&["create", "-p", "/t/a", "x"]).expect(0);
    let json = |words: &[&str]| {
        let words = [&["-o", "json"], words, &["--dry-run"]].concat();
        cli.run(&words).expect(0).json()
    };
    let tree = json(&["rm", "-r", "/t"]);
    let gone = &tree["effects"]["znodes"]["deleted"];
    assert_eq!(gone["shown"], json!(["/t", "/t/a"]));
    assert_eq!(tree["only_if"], json!({"max": 2}));
    let _ = cli.run(&["rm", "/t", "--dry-run"]).expect(82);
    let txn = json(&["txn", "--then", r#"{"set":"/t/a","value":"y"}"#]);
    assert_eq!(
        txn["effects"]["znodes"]["changed"]["shown"],
        json!(["/t/a"])
    );
    let guard = txn["only_if"]["if"]["shown"][0].to_string();
    assert_eq!(guard, r#"{"node":"/t/a","version":0}"#);
    let missing = cli.run(&["txn", "--then", r#"{"delete":"/none"}"#, "--dry-run"]);
    let _ = missing.expect(66);

    // What is printed there can be used as it is.
    let step = r#"{"set":"/t/a","value":"z"}"#;
    let _ = cli.run(&["txn", "--if", &guard, "--then", step]).expect(0);
    let _ = cli.run(&["txn", "--if", &guard, "--then", step]).expect(82);
    assert_eq!(cli.run(&["get", "/t/a"]).expect(0).stdout.trim_end(), "z");
    assert_eq!(holding(&cluster.http(1), LOCK), ["ca"]);
    let _ = cli.run(&[&breaking[..], &[&fence]].concat()).expect(0);
    until("the next to hold", || {
        holding(&cluster.http(1), LOCK) == ["cb"]
    });
}
