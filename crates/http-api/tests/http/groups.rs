//! Groups: joining, leaving, and hearing of both.

use serde_json::{Value, json};

use crate::harness::{Answer, Client, Doors};

fn member(id: &str) -> String {
    format!("/v1/groups/web/front/-/members/{id}")
}

async fn join(client: &Client, session: &str, body: &Value) -> Answer {
    let path = member(session);
    client.put(&path).session(session).json(body).send().await
}

/// Sessions of these names, each a member under its own.
async fn joined(client: &Client, names: &[&str]) {
    for name in names {
        client.session(name).await;
        let answer = join(client, name, &json!({"value": format!("at {name}")})).await;
        answer.expect(201);
    }
}

async fn group(client: &Client) -> Value {
    let answer = client.get("/v1/groups/web/front").send().await;
    answer.expect(200)
}

fn ids(group: &Value) -> Vec<&str> {
    let members = group["members"].as_array().unwrap();
    members
        .iter()
        .map(|member| member["member"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_are_listed_in_the_order_in_which_they_joined() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let nobody = group(&client).await;
    assert_eq!(nobody["member_count"], 0);
    assert_eq!(nobody["members"], json!([]));

    client.session("z").await;
    let first = join(&client, "z", &json!({"value": "10.0.0.1"})).await;
    assert_eq!(first.header("location"), member("z"));
    let index: u64 = first.header("holdfast-index").parse().unwrap();
    let first = first.expect(201);
    assert_eq!(first["joined_index"].as_u64(), Some(index));
    assert_eq!(
        (first["session"].as_str(), first["value"].as_str()),
        (Some("z"), Some("10.0.0.1"))
    );
    joined(&client, &["a", "m"]).await;
    assert_eq!(ids(&group(&client).await), ["z", "a", "m"]);

    let again = join(&client, "z", &json!({"value": "10.0.0.1"})).await;
    let again = again.expect(200);
    assert_eq!(again["changed_index"], first["joined_index"]);
    let changed = join(
        &client,
        "z",
        &json!({"value": "AP8=", "encoding": "base64"}),
    )
    .await;
    let changed = changed.expect(200);
    assert_eq!(changed["joined_index"], first["joined_index"]);
    assert!(changed["changed_index"].as_u64() > Some(index), "{changed}");
    assert_eq!(
        (changed["value"].as_str(), changed["encoding"].as_str()),
        (Some("AP8="), Some("base64"))
    );
    assert_eq!(client.get(&member("z")).send().await.expect(200), changed);

    let list = client
        .get("/v1/groups?prefix=web/")
        .send()
        .await
        .expect(200);
    assert_eq!(
        list["groups"],
        json!([{"group": "web/front", "member_count": 3}])
    );
    client.delete("/v1/sessions/a").send().await.expect(200);
    assert_eq!(ids(&group(&client).await), ["z", "m"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leaving_can_be_repeated_and_an_id_is_its_sessions() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    joined(&client, &["a", "b"]).await;
    let other = client.put(&member("a")).session("b").json(&json!({}));
    let taken = other.send().await.problem(409, "member_taken");
    assert_eq!(
        (taken["group"].as_str(), taken["member"].as_str()),
        (Some("web/front"), Some("a"))
    );
    let other = client.delete(&member("a")).session("b").send().await;
    other.problem(409, "member_taken");
    let leave = || client.delete(&member("a")).session("a").send();
    assert_eq!(leave().await.expect(200)["left"], true);
    assert_eq!(leave().await.expect(200)["left"], false);
    let gone = client.get(&member("a")).send().await;
    let gone = gone.problem(404, "no_group_member");
    assert_eq!(gone["member"], "a");
    // Nothing is remembered of it: the id is free for anybody.
    let next = client.put(&member("a")).session("b").json(&json!({}));
    next.send().await.expect(201);
    let large = json!({"value": "x".repeat((16 << 10) + 1)});
    let large = join(&client, "b", &large).await;
    large.problem(507, "quota_exceeded");
    let nested = client.put("/v1/groups/web/-/members/front").session("b");
    let nested = nested.json(&json!({})).send().await;
    nested.problem(409, "node_exists");
    client.delete("/v1/sessions/b").send().await.expect(200);
    let late = client.delete(&member("b")).session("b").send().await;
    late.problem(410, "session_expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_ends_when_somebody_joins_changes_or_leaves() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("a").await;
    let mut etag = client.get("/v1/groups/web/front").send().await;
    for (step, expected) in [("join", 1), ("change", 1), ("leave", 0)] {
        let known = etag.header("etag").to_owned();
        let same = client.get("/v1/groups/web/front");
        let same = same.header("if-none-match", &known).send().await;
        assert_eq!(same.status, 304, "{same:?}");
        let waiter = {
            let client = client.clone();
            tokio::spawn(async move {
                let ask = client.get("/v1/groups/web/front");
                let ask = ask.header("if-none-match", &known);
                ask.header("prefer", "wait=20").send().await
            })
        };
        match step {
            "leave" => client.delete(&member("a")).session("a").send().await,
            step => join(&client, "a", &json!({"value": step})).await,
        };
        etag = waiter.await.unwrap();
        let seen: Value = serde_json::from_str(&etag.text()).unwrap();
        assert_eq!(seen["member_count"], expected, "{step}: {seen}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_and_groups_come_in_pages() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let names: Vec<String> = (0..5).map(|n| format!("s{}", 9 - n)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    joined(&client, &names).await;
    let (mut seen, mut path) = (Vec::new(), "/v1/groups/web/front?limit=2".to_owned());
    loop {
        let answer = client.get(&path).send().await;
        let page: Value = serde_json::from_str(&answer.text()).unwrap();
        assert_eq!(page["member_count"], 5);
        seen.extend(ids(&page).iter().map(ToString::to_string));
        // A member that leaves is not missed by the place behind it.
        let Some(next) = page["next"].as_str() else {
            break;
        };
        assert!(answer.header("link").contains(next), "{answer:?}");
        path = format!("/v1/groups/web/front?limit=2&after={next}");
    }
    assert_eq!(seen, names);

    for group in ["a", "b", "c"] {
        let path = format!("/v1/groups/{group}/-/members/x");
        let join = client.put(&path).session("s9").json(&json!({}));
        join.send().await.expect(201);
    }
    let first = client.get("/v1/groups?limit=2").send().await.expect(200);
    assert_eq!(first["next"], "b");
    let second = client.get("/v1/groups?limit=2&after=b").send().await;
    let second = second.expect(200);
    assert_eq!(second["groups"][0]["group"], "c");
    assert_eq!(second["groups"][1]["group"], "web/front");
    assert!(second.get("next").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_is_observed_as_its_znodes() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    joined(&client, &["a"]).await;
    let stream = client.get("/v1/groups/web/front/-/events?initial=state&include=value");
    let mut stream = stream.stream().await;
    let top = stream.change().await;
    assert_eq!(top.data["node"]["path"], "/groups/web/front");
    let state = stream.change().await;
    assert_eq!(state.data["node"]["path"], "/groups/web/front/a");
    assert_eq!(state.data["node"]["value"], "at a");
    assert_eq!(stream.change().await.name, "synced");
    joined(&client, &["b"]).await;
    join(&client, "b", &json!({"value": "elsewhere"})).await;
    client.delete("/v1/sessions/a").send().await.expect(200);
    let changes = stream.changes(3).await;
    let shown: Vec<_> = changes
        .iter()
        .map(|event| {
            let (path, value) = (&event.data["path"], &event.data["value"]);
            (event.name.as_str(), path.as_str().unwrap(), value.as_str())
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("node.created", "/groups/web/front/b", Some("at b")),
            ("node.changed", "/groups/web/front/b", Some("elsewhere")),
            ("node.deleted", "/groups/web/front/a", None),
        ]
    );
}

/// What a ZooKeeper client makes there is a member, and what it may not be read is not shown.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_ephemeral_child_is_a_member() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    joined(&client, &["a"]).await;
    client.session("zk").await;
    let party = "/v1/nodes/groups/web/front/4f1c__party__?mode=ephemeral&sequential=1";
    let made = client.post(party).session("zk").text("host-7").send().await;
    made.expect(201);
    let seen = group(&client).await;
    assert_eq!(ids(&seen), ["a", "4f1c__party__0000000001"]);
    assert_eq!(seen["members"][1]["value"], "host-7");
    assert_eq!(seen["members"][1]["session"], "zk");
    let acl = |acl: &Value, path: &str| client.put(path).json(acl).send();
    let closed = json!({"acl": [{"scheme": "digest", "id": "x:y", "perms": "rwcda"}]});
    let of_member = acl(&closed, "/v1/nodes/groups/web/front/a/-/acl").await;
    assert_eq!(of_member.status, 200, "{of_member:?}");
    let hidden = client.get(&member("a")).send().await.expect(200);
    assert!(hidden.get("value").is_none(), "{hidden}");
    let change = join(&client, "a", &json!({"value": "new"})).await;
    change.problem(403, "forbidden");
    let of_group = acl(&closed, "/v1/nodes/groups/web/front/-/acl").await;
    assert_eq!(of_group.status, 200, "{of_group:?}");
    let unread = client.get("/v1/groups/web/front").send().await;
    unread.problem(403, "forbidden");
    client.session("b").await;
    let locked_out = join(&client, "b", &json!({})).await;
    locked_out.problem(403, "forbidden");
}
