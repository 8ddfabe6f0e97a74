//! Signed fence tokens are verified without the cluster, and their keys outlive whoever dies. (P-TOKEN)

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use holdfast_tests::cli::Finished;
use holdfast_tests::{Cluster, eventually};
use serde_json::Value;

const LOCK: &str = "orders/42";

/// Waits until each node has published a key, and takes a lock.
fn start() -> (Cluster, u64) {
    let cluster = Cluster::start(3);
    eventually("a key of each node", || {
        (keys(&cluster, 1).len() == 3).then_some(())
    });
    let path = format!("/v1/locks/{LOCK}/-/claims/c1");
    let held = cluster.http(1).put(&path, r#"{"ttl": "10m"}"#).unwrap();
    let fence = held.expect(201).json()["fence"].as_u64().unwrap();
    (cluster, fence)
}

/// The keys that the node lists.
fn keys(cluster: &Cluster, id: u64) -> Vec<Value> {
    let list = cluster.http(id).get("/v1/fence-keys").unwrap().expect(200);
    list.json()["keys"].as_array().unwrap().clone()
}

/// A token that this node signs, and the id of its key; waits while it has none.
fn token(cluster: &Cluster, id: u64) -> (String, String) {
    let http = cluster.http(id);
    let path = format!("/v1/locks/{LOCK}/-/claims/c1/token");
    let told = eventually(&format!("a token of node {id}"), || {
        let answer = http.get(&path).ok()?;
        if answer.status != 200 {
            let (code, outcome) = answer.problem();
            assert_eq!(outcome, "not-applied", "{code}");
            return None;
        }
        Some(answer.json())
    });
    let text = |field: &str| told[field].as_str().unwrap().to_owned();
    (text("token"), text("kid"))
}

/// The key set of a node, in a file.
fn key_set(cluster: &Cluster, id: u64) -> PathBuf {
    let answer = cluster.http(id).get("/.well-known/jwks.json").unwrap();
    let file = cluster.scratch().join(format!("jwks-{id}.json"));
    fs::write(&file, answer.expect(200).text()).unwrap();
    file
}

/// Verifies as a machine does that cannot reach the cluster.
fn verify(cluster: &Cluster, token: &str, keys: &Path) -> Finished {
    let nowhere = holdfast_tests::cli::Cli::to(&["http://127.0.0.1:1".to_owned()]);
    assert!(cluster.is_running(1) || cluster.is_running(2));
    nowhere.run(&[
        "fence",
        "verify",
        "--jwks",
        keys.to_str().unwrap(),
        "--lock",
        LOCK,
        token,
    ])
}

#[test]
fn tokens_are_verified_with_the_keys_of_any_node_although_the_leader_is_killed() {
    let (mut cluster, fence) = start();
    cluster.expect_lost_peers();
    let fence = format!("{fence}\n");
    let signed: Vec<_> = cluster
        .ids()
        .iter()
        .map(|id| token(&cluster, *id))
        .collect();
    for (token, _) in &signed {
        for id in cluster.ids() {
            let verified = verify(&cluster, token, &key_set(&cluster, id));
            assert_eq!(verified.expect(0).stdout, fence);
        }
    }

    let leader = cluster.leader();
    cluster.kill(leader);
    let alive = cluster.running();
    for id in &alive {
        let (new, kid) = token(&cluster, *id);
        let at = usize::try_from(*id).unwrap() - 1;
        assert_eq!(kid, signed[at].1, "node {id} signs with the key it had");
        for giver in &alive {
            let keys = key_set(&cluster, *giver);
            assert_eq!(verify(&cluster, &new, &keys).expect(0).stdout, fence);
            // Also what the dead one has signed.
            for (token, _) in &signed {
                assert_eq!(verify(&cluster, token, &keys).expect(0).stdout, fence);
            }
        }
    }
    cluster.restart(leader);
    let at = usize::try_from(leader).unwrap() - 1;
    assert_eq!(
        token(&cluster, leader).1,
        signed[at].1,
        "also after a restart"
    );

    for id in cluster.ids() {
        cluster.kill(id);
    }
    cluster.start_all();
    for id in cluster.ids() {
        cluster.wait_ready(id);
        let at = usize::try_from(id).unwrap() - 1;
        assert_eq!(token(&cluster, id).1, signed[at].1, "after all were killed");
    }
    assert_eq!(keys(&cluster, 1).len(), 3);
    cluster.wait_digests_agree();
}

#[test]
fn keys_are_replaced_and_revoked_and_do_not_come_back() {
    let (mut cluster, _) = start();
    cluster.expect_lost_peers();
    let cli = cluster.cli();
    let (old, replaced) = token(&cluster, 2);
    let said = cli.run(&["fence-keys", "rotate", "n2"]).expect(0);
    assert_eq!(said.stdout, "1 nodes make new keys\n");
    eventually("node 2 to sign with another key", || {
        (token(&cluster, 2).1 != replaced).then_some(())
    });
    let keys = key_set(&cluster, 3);
    let _ = verify(&cluster, &old, &keys).expect(0);

    let (leaked, kid) = token(&cluster, 1);
    let _ = cli.run(&["fence-keys", "revoke", &kid]).expect(0);
    for id in cluster.ids() {
        let keys = key_set(&cluster, id);
        let refused = verify(&cluster, &leaked, &keys).expect(82);
        assert!(
            refused.stderr.contains("not in the key set"),
            "{}",
            refused.stderr
        );
        let _ = verify(&cluster, &old, &keys).expect(0);
    }
    let (new, new_kid) = token(&cluster, 1);
    assert_ne!(new_kid, kid);
    let _ = verify(&cluster, &new, &key_set(&cluster, 2)).expect(0);
    cluster.restart(1);
    assert_eq!(token(&cluster, 1).1, new_kid);

    // A key that is revoked while its node is down.
    cluster.kill(3);
    let down = self::keys(&cluster, 2);
    let down = down.iter().find(|key| key["node"] == "n3").unwrap();
    let down = down["kid"].as_str().unwrap().to_owned();
    let _ = cluster
        .cli()
        .run(&["fence-keys", "revoke", &down])
        .expect(0);
    cluster.restart(3);
    assert_ne!(token(&cluster, 3).1, down);
    let gone = cli.run(&["fence-keys", "revoke", "nobody"]).expect(66);
    assert!(
        gone.stderr.contains("no node has published"),
        "{}",
        gone.stderr
    );
    cluster.wait_digests_agree();
}

#[test]
fn what_a_removed_node_signed_counts_until_it_is_over() {
    let (mut cluster, fence) = start();
    cluster.expect_lost_peers();
    cluster.expect_log("the node stops");
    cluster.join(4);
    cluster.wait_ready(4);
    let (signed, kid) = token(&cluster, 4);
    let removed = cluster.http(1).delete("/v1/cluster/members/n4").unwrap();
    let _ = removed.expect(200);
    cluster.kill(4);
    let state_of = |kid: &str| {
        let keys = keys(&cluster, 2);
        let key = keys.iter().find(|key| key["kid"] == kid).cloned();
        key.map(|key| key["state"].as_str().unwrap().to_owned())
    };
    eventually("its key to be a former one", || {
        (state_of(&kid).as_deref() == Some("former")).then_some(())
    });
    let verified = verify(&cluster, &signed, &key_set(&cluster, 3));
    assert_eq!(verified.expect(0).stdout, format!("{fence}\n"));
}

#[test]
fn a_private_key_is_for_its_node_alone() {
    let (mut cluster, _) = start();
    cluster.expect_lost_peers();
    let file = cluster.data_dir(3).join("signing-key");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&file), 0o600);
    let text = fs::read_to_string(&file).unwrap();
    let secret = text.lines().find_map(|line| line.strip_prefix("secret "));
    let secret = secret.unwrap().to_owned();
    // Neither what others are sent nor what is logged has it.
    let snapshot = cluster.scratch().join("snapshot");
    let path = snapshot.to_str().unwrap();
    let _ = cluster.cli().run(&["snapshot", "save", path]).expect(0);
    let bytes: Vec<u8> = (0..64)
        .step_by(2)
        .map(|at| u8::from_str_radix(&secret[at..at + 2], 16).unwrap())
        .collect();
    let saved = fs::read(&snapshot).unwrap();
    assert!(!saved.windows(32).any(|window| window == bytes));
    for id in cluster.ids() {
        let log = fs::read_to_string(cluster.log_file(id)).unwrap();
        assert!(!log.contains(&secret));
    }

    cluster.kill(3);
    let damaged = text.replace(&secret[..8], "00000000");
    fs::write(&file, damaged).unwrap();
    refused_at_start(&mut cluster, "is damaged");
    fs::write(&file, text).unwrap();
    cluster.restart(3);
    let (signed, kid) = token(&cluster, 3);
    let _ = verify(&cluster, &signed, &key_set(&cluster, 1)).expect(0);

    // Others could have read it: the node makes another one, and serves.
    cluster.kill(3);
    cluster.expect_log("so others on this machine may have read the key");
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    cluster.restart(3);
    let (signed, new_kid) = token(&cluster, 3);
    assert_ne!(new_kid, kid);
    assert_eq!(mode(&file), 0o600);
    let _ = verify(&cluster, &signed, &key_set(&cluster, 1)).expect(0);
}

/// Node 3 does not start, and says why.
fn refused_at_start(cluster: &mut Cluster, why: &str) {
    cluster.expect_log("signing key");
    cluster.start_node(3);
    assert!(!cluster.wait_for_end(3).success());
    let log = fs::read_to_string(cluster.log_file(3)).unwrap();
    assert!(log.contains(why), "{log}");
}

#[test]
fn the_command_under_a_lock_gets_a_token_that_anybody_can_check() {
    let (cluster, _) = start();
    let cli = cluster.cli();
    let shell = r#"printf '%s %s' "$HOLDFAST_FENCE" "$HOLDFAST_FENCE_TOKEN""#;
    let ran = cli.run(&["lock", "-q", "--token", "a/b", "--", "sh", "-c", shell]);
    let ran = ran.expect(0).stdout;
    let (fence, token) = ran.split_once(' ').unwrap();
    let url = format!("{}/.well-known/jwks.json", cluster.url(2));
    let verify = |more: &[&str]| {
        let words = [&["fence", "verify", token], more].concat();
        cli.run(&words)
    };
    for accepted in [&[][..], &["--lock", "a/b"], &["--jwks", &url]] {
        assert_eq!(verify(accepted).expect(0).stdout, format!("{fence}\n"));
    }
    for refused in [
        &["--lock", "a"][..],
        &["--election", "a/b"],
        &["--issuer", "00000000000000000000000000000000"],
    ] {
        let _ = verify(refused).expect(82);
    }
    let claims = verify(&["-o", "json"]).json();
    assert_eq!(
        (&claims["lock"], &claims["mode"]),
        (&"a/b".into(), &"exclusive".into())
    );
    let issuer = claims["iss"].as_str().unwrap();
    let _ = verify(&["--issuer", issuer]).expect(0);
    let piped = cli.run_with_input(&["fence", "verify", "-"], format!("{token}\n").as_bytes());
    assert_eq!(piped.expect(0).stdout, format!("{fence}\n"));
    let _ = cli.run(&["fence", "verify", &token[1..]]).expect(82);
    let missing = ["fence", "verify", token, "--jwks", "/nowhere.json"];
    let _ = cli.run(&missing).expect(66);

    let ran = cli.run(&[
        "elect",
        "-q",
        "--token",
        "app",
        "--",
        "sh",
        "-c",
        "echo $HOLDFAST_FENCE_TOKEN",
    ]);
    let led = ran.expect(0).stdout;
    let led = ["fence", "verify", led.trim_end(), "--election", "app"];
    let _ = cli.run(&led).expect(0);
    let held = cli.run(&["locks", "token", LOCK, "c1"]).expect(0).stdout;
    let _ = cli
        .run(&["fence", "verify", held.trim_end(), "--lock", LOCK])
        .expect(0);
}
