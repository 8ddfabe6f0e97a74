//! Signed fence tokens over HTTP, and the keys they are verified with.

use fence_token::{Claims, Expected, KeySet, Subject, TokenError};
use http_api::ApiSettings;
use serde_json::{Value, json};
use sim::Cluster;

use crate::harness::{Answer, Client, Doors, PATIENCE};

/// Three nodes with a key each.
async fn signing_doors() -> Doors {
    let cluster = Cluster::found_with_keys(3).await;
    let doors = Doors::over(cluster, ApiSettings::default());
    keys_until(&doors, |keys| {
        keys.iter().filter(|key| key["state"] == "current").count() == 3
    })
    .await;
    doors
}

/// Waits until the list of keys is as wanted.
async fn keys_until(doors: &Doors, wanted: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let waiting = async {
        loop {
            let list = doors.one().get("/v1/fence-keys").send().await.expect(200);
            let keys = list["keys"].as_array().unwrap().clone();
            if wanted(&keys) {
                return keys;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap()
}

async fn key_set(client: &Client) -> KeySet {
    let answer = client.get("/.well-known/jwks.json").send().await;
    KeySet::parse(answer.expect(200).to_string().as_bytes()).unwrap()
}

async fn hold(client: &Client, lock: &str, claim: &str) -> u64 {
    let path = format!("/v1/locks/{lock}/-/claims/{claim}");
    let held = client.put(&path).json(&json!({"ttl": "60s"})).send().await;
    held.expect(201)["fence"].as_u64().unwrap()
}

async fn token(client: &Client, lock: &str, claim: &str) -> Answer {
    let path = format!("/v1/locks/{lock}/-/claims/{claim}/token");
    client.get(&path).send().await
}

fn verified(set: &KeySet, told: &Value, cluster: &Cluster) -> Result<Claims, TokenError> {
    let issuer = cluster.node(1).cluster_id().to_string();
    let expected = Expected {
        now: cluster.node(1).clock().wall_ms() / 1000,
        issuer: Some(&issuer),
    };
    set.verify(told["token"].as_str().unwrap(), expected)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_node_signs_is_verified_with_the_keys_that_any_other_gives() {
    let doors = signing_doors().await;
    let fence = hold(&doors.at(1), "orders/42", "c1").await;
    let now = doors.cluster.node(1).clock().wall_ms() / 1000;
    for (signer, giver) in [(1, 2), (2, 3), (3, 1)] {
        let told = token(&doors.at(signer), "orders/42", "c1").await;
        assert_eq!(told.header("cache-control"), "no-store");
        let told = told.expect(200);
        assert_eq!(told["fence"], fence);
        let set = key_set(&doors.at(giver)).await;
        assert_eq!(set.len(), 3);
        let claims = verified(&set, &told, &doors.cluster).unwrap();
        let subject = Subject::Claim {
            lock: "orders/42".to_owned(),
            claim: "c1".to_owned(),
            mode: "exclusive".to_owned(),
        };
        assert_eq!((&claims.subject, claims.fence), (&subject, fence));
        assert_eq!((claims.issued_at, claims.expires), (now, now + 3600));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_holds_gets_one_however_stale_a_read_may_be() {
    let doors = signing_doors().await;
    let client = doors.one();
    token(&client, "a", "c1").await.problem(404, "no_claim");
    hold(&client, "a", "c1").await;
    client.session("s").await;
    let waits = client.put("/v1/locks/a/-/claims/c2").session("s");
    let waits = waits.json(&json!({"wait": "60s"})).send().await;
    assert_eq!(waits.expect(202)["state"], "waiting");
    token(&client, "a", "c2").await.problem(409, "not_holder");
    let released = client.delete("/v1/locks/a/-/claims/c1").send().await;
    released.expect(200);
    // A follower is asked, and says that it need not be current.
    let path = "/v1/locks/a/-/claims/c1/token";
    for id in 1..=3 {
        let stale = doors
            .at(id)
            .get(path)
            .header("holdfast-consistency", "stale");
        stale.send().await.problem(410, "claim_ended");
    }
    token(&client, "a", "c2").await.expect(200);
    token(&client, "a", "%20")
        .await
        .problem(400, "invalid_name");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_hold_says_that_it_is_not_alone() {
    let doors = signing_doors().await;
    let client = doors.one();
    for (name, wish, mode) in [
        ("s", json!({"mode": "shared"}), "shared"),
        (
            "p",
            json!({"mode": "permits", "permits": 2, "limit": 5}),
            "permits",
        ),
    ] {
        let put = client.put(&format!("/v1/locks/{name}/-/claims/c"));
        put.json(&wish).send().await.expect(201);
        let told = token(&client, name, "c").await.expect(200);
        let claims = verified(&key_set(&client).await, &told, &doors.cluster).unwrap();
        let Subject::Claim { mode: said, .. } = claims.subject else {
            panic!("{claims:?}");
        };
        assert_eq!(said, mode);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_gets_one_of_its_term() {
    let doors = signing_doors().await;
    let client = doors.one();
    let token = async |candidate: &str| {
        let path = format!("/v1/elections/app/-/candidates/{candidate}/token");
        doors.at(2).get(&path).send().await
    };
    for name in ["one", "two"] {
        client.session(name).await;
        let path = format!("/v1/elections/app/-/candidates/{name}");
        client.put(&path).session(name).send().await;
    }
    let told = token("one").await.expect(200);
    let claims = verified(&key_set(&client).await, &told, &doors.cluster).unwrap();
    let election = client.get("/v1/elections/app").send().await.expect(200);
    assert_eq!(election["term"], claims.fence);
    let subject = Subject::Leader {
        election: "app".to_owned(),
        candidate: "one".to_owned(),
    };
    assert_eq!(claims.subject, subject);
    assert_eq!(claims.session.as_deref(), Some("one"));
    let stands_by = token("two").await.problem(409, "not_leading");
    assert_eq!(stands_by["candidate"], "two");
    token("three").await.problem(404, "no_candidate");
    let resigned = client.delete("/v1/elections/app/-/candidates/one");
    resigned.session("one").send().await.expect(200);
    token("one").await.problem(410, "candidate_ended");
    token("two").await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_replaced_when_asked_and_the_old_one_still_verifies() {
    let doors = signing_doors().await;
    hold(&doors.at(2), "a", "c").await;
    let old = token(&doors.at(2), "a", "c").await.expect(200);
    let rotate = doors.at(3).post("/v1/fence-keys/-/rotate");
    let rotating = rotate.json(&json!({"node": "n2"})).send().await.expect(200);
    assert_eq!(rotating["nodes"], 1);
    let keys = keys_until(&doors, |keys| {
        keys.len() == 4 && keys.iter().all(|key| key["state"] != "due")
    })
    .await;
    let of_two: Vec<_> = keys.iter().filter(|key| key["node"] == "n2").collect();
    assert_eq!(
        (&of_two[0]["state"], &of_two[1]["state"]),
        (&json!("current"), &json!("former"))
    );
    assert_eq!(of_two[1]["kid"], old["kid"]);
    let new = token(&doors.at(2), "a", "c").await.expect(200);
    assert_eq!(new["kid"], of_two[0]["kid"]);
    let set = key_set(&doors.at(1)).await;
    for told in [&old, &new] {
        verified(&set, told, &doors.cluster).unwrap();
    }
    for node in ["n9", "x"] {
        let rotate = doors.one().post("/v1/fence-keys/-/rotate");
        let refused = rotate.json(&json!({"node": node})).send().await;
        refused.problem(400, "bad_request");
    }
    let all = doors.one().post("/v1/fence-keys/-/rotate").send().await;
    assert_eq!(all.expect(200)["nodes"], 3);
    keys_until(&doors, |keys| {
        keys.len() == 7 && keys.iter().all(|key| key["state"] != "due")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_verifies_nothing_and_its_node_makes_another() {
    let doors = signing_doors().await;
    hold(&doors.one(), "a", "c").await;
    let old = token(&doors.one(), "a", "c").await.expect(200);
    let kid = old["kid"].as_str().unwrap();
    let path = format!("/v1/fence-keys/{kid}");
    for id in [2, 3] {
        let revoked = doors.at(id).delete(&path).send().await.expect(200);
        assert_eq!(
            (&revoked["state"], &revoked["node"]),
            (&json!("revoked"), &json!("n1"))
        );
    }
    for id in 1..=3 {
        let refused = verified(&key_set(&doors.at(id)).await, &old, &doors.cluster);
        assert!(
            matches!(refused, Err(TokenError::UnknownKey { .. })),
            "{refused:?}"
        );
    }
    let waiting = async {
        loop {
            let told = token(&doors.one(), "a", "c").await;
            if told.status == 200 {
                return told.expect(200);
            }
            assert_eq!(told.header("retry-after"), "1");
            told.problem(503, "fence_key_pending");
            tokio::task::yield_now().await;
        }
    };
    let new = tokio::time::timeout(PATIENCE, waiting).await.unwrap();
    assert_ne!(new["kid"], old["kid"]);
    verified(&key_set(&doors.at(3)).await, &new, &doors.cluster).unwrap();
    let unknown = doors.one().delete("/v1/fence-keys/nobody").send().await;
    unknown.problem(404, "no_fence_key");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_key_set_is_kept_by_caches_until_it_changes() {
    let doors = signing_doors().await;
    let get = |tag: &str| {
        let ask = doors.at(2).get("/.well-known/jwks.json");
        ask.header("if-none-match", tag).send()
    };
    let first = get("\"none\"").await;
    assert_eq!(first.header("content-type"), "application/jwk-set+json");
    assert_eq!(first.header("cache-control"), "public, max-age=60");
    let tag = first.header("etag").to_owned();
    let set = first.expect(200);
    let keys = set["keys"].as_array().unwrap();
    for key in keys {
        let fields = ["kty", "crv", "alg", "use"].map(|field| key[field].as_str().unwrap());
        assert_eq!(fields, ["OKP", "Ed25519", "EdDSA", "sig"]);
    }
    let again = get(&tag).await;
    assert_eq!(again.status, 304);
    assert_eq!(again.header("etag"), tag);
    let path = format!("/v1/fence-keys/{}", keys[0]["kid"].as_str().unwrap());
    doors.one().delete(&path).send().await.expect(200);
    assert_eq!(get(&tag).await.status, 200);
}

/// A node that was not given keys says so, and for good.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_published_key_nothing_is_signed() {
    let doors = Doors::open(1).await;
    hold(&doors.one(), "a", "c").await;
    let refused = token(&doors.one(), "a", "c").await;
    refused.problem(503, "fence_key_pending");
    assert!(key_set(&doors.one()).await.is_empty());
}

/// The key of a node that signs; waits until it does.
async fn signs_with(doors: &Doors, id: u64) -> String {
    let waiting = async {
        loop {
            let told = token(&doors.at(id), "a", "c").await;
            if told.status == 200 {
                return told.expect(200)["kid"].as_str().unwrap().to_owned();
            }
            told.problem(503, "fence_key_pending");
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_starts_again_signs_with_the_key_it_had_unless_that_was_revoked() {
    let doors = signing_doors().await;
    hold(&doors.one(), "a", "c").await;
    let first = signs_with(&doors, 3).await;
    let restarted = async |doors: Doors, meanwhile: &str| {
        let mut cluster = doors.cluster;
        cluster.crash(3).await;
        cluster.leader().await;
        let doors = Doors::over(cluster, ApiSettings::default());
        if !meanwhile.is_empty() {
            let revoked = doors.one().delete(meanwhile).send().await;
            revoked.expect(200);
        }
        let mut cluster = doors.cluster;
        cluster.start(3).await;
        cluster.leader().await;
        Doors::over(cluster, ApiSettings::default())
    };
    let doors = restarted(doors, "").await;
    assert_eq!(signs_with(&doors, 3).await, first);
    let doors = restarted(doors, &format!("/v1/fence-keys/{first}")).await;
    let second = signs_with(&doors, 3).await;
    assert_ne!(second, first);
    let keys = keys_until(&doors, |_| true).await;
    let own: Vec<_> = keys.iter().filter(|key| key["node"] == "n3").collect();
    assert_eq!(
        (&own[0]["kid"], &own[0]["state"]),
        (&json!(second), &json!("current"))
    );
    assert_eq!(
        (&own[1]["kid"], &own[1]["state"]),
        (&json!(first), &json!("revoked"))
    );
    doors.cluster.converge().await;
}
