//! `?dry_run=1`: what would happen is told, and nothing does.

use axum::http::Method;
use serde_json::{Value, json};

use crate::harness::{Ask, Client, Doors};

const HOLD: &str = "/v1/locks/orders/42/-/break";

/// A lock with a holder and two waiters, and a small tree. Gives the fence of the hold.
async fn furnish(client: &Client) -> u64 {
    for session in ["s1", "s2", "s3"] {
        client.session(session).await;
    }
    let claim = |id: &str| format!("/v1/locks/orders/42/-/claims/{id}");
    let held = client.put(&claim("c1")).session("s1").text("{}");
    let held = held.send().await.expect(201);
    for (session, id) in [("s2", "c2"), ("s3", "c3")] {
        let queued = client.put(&claim(id)).session(session).text("{}");
        queued.send().await.expect(202);
    }
    for path in ["t/a/x", "t/b", "cfg"] {
        let put = client.put(&format!("/v1/nodes/{path}?parents=1")).text("1");
        put.send().await.expect(201);
    }
    held["fence"].as_u64().unwrap()
}

fn breaking(client: &Client, query: &str, fence: u64) -> Ask {
    client
        .post(&format!("{HOLD}{query}"))
        .header("if-match", &format!("\"f{fence}\""))
        .json(&json!({"reason": "stuck"}))
}

fn names<'a>(list: &'a Value, key: &str) -> Vec<&'a str> {
    let shown = list["shown"].as_array().unwrap().iter();
    shown.map(|item| item[key].as_str().unwrap()).collect()
}

fn texts(list: &Value) -> Vec<&str> {
    let shown = list["shown"].as_array().unwrap().iter();
    shown.map(|item| item.as_str().unwrap()).collect()
}

/// Without the time, which is of the node that was asked.
fn timeless(mut answer: Value) -> Value {
    answer.as_object_mut().unwrap().remove("ended_at");
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_break_shows_who_loses_the_lock_and_who_gets_it_and_then_does_just_that() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let node = doors.cluster.node(1);
    let fence = furnish(&client).await;
    let before = node.applied();
    let mut told = Value::Null;
    for flag in ["?dry_run=1", "?dry_run=true", "?dry_run"] {
        let answer = breaking(&client, flag, fence).send().await;
        assert_eq!(answer.header("holdfast-index"), before.0.to_string());
        told = answer.expect(200);
        assert_eq!(told["dry_run"], true);
        assert_eq!(told["index"], before.0);
    }
    let effects = &told["effects"];
    assert_eq!(names(&effects["holds_ended"], "claim"), ["c1"]);
    assert_eq!(effects["holds_ended"]["shown"][0]["fence"], fence);
    assert_eq!(effects["holds_ended"]["shown"][0]["session"], "s1");
    assert_eq!(effects["holds_ended"]["shown"][0]["state"], "broken");
    assert_eq!(names(&effects["granted"], "claim"), ["c2"]);
    assert_eq!(effects["waiters_removed"]["count"], 0);
    assert_eq!(effects["znodes"]["deleted"]["count"], 1);
    assert_eq!(
        told["only_if"],
        json!({"if_match": format!("\"f{fence}\"")})
    );
    assert_eq!(node.applied(), before, "a dry run entered the log");
    let lock = client.get("/v1/locks/orders/42").send().await.expect(200);
    assert_eq!(lock["holders"][0]["claim"], "c1");
    assert_eq!(lock["queue_length"], 2);

    let tag = told["only_if"]["if_match"].as_str().unwrap();
    let done = client.post(HOLD).header("if-match", tag);
    let done = done.json(&json!({"reason": "stuck"})).send().await;
    assert_eq!(timeless(done.expect(200)), timeless(told["would"].clone()));
    let lock = client.get("/v1/locks/orders/42").send().await.expect(200);
    assert_eq!(lock["holders"][0]["claim"], "c2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_lock_delay_nobody_would_be_granted_and_the_next_is_shown() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let fence = furnish(&client).await;
    let settings = json!({"kind": "rw", "lock_delay": "30s"});
    let set = client.put("/v1/locks/orders/42").json(&settings);
    set.send().await.expect(200);
    let told = breaking(&client, "?dry_run=1", fence).send().await;
    let effects = told.expect(200)["effects"].clone();
    assert_eq!(effects["granted"]["count"], 0);
    let delayed = &effects["delayed"]["shown"][0];
    assert_eq!(delayed["lock"], "orders/42");
    assert_eq!(delayed["delayed_ms"], 30_000);
    assert_eq!(delayed["next"]["claim"], "c2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recursive_delete_shows_what_goes_and_whom_it_costs_a_lock() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let fence = furnish(&client).await;
    let tree = client.delete("/v1/nodes/t?recursive=1&dry_run=1").send();
    let tree = tree.await.expect(200);
    assert_eq!(tree["would"], json!({"path": "/t", "count": 4}));
    let deleted = &tree["effects"]["znodes"]["deleted"];
    assert_eq!(deleted["count"], 4);
    assert_eq!(texts(deleted), ["/t", "/t/a", "/t/b", "/t/a/x"]);
    assert_eq!(tree["only_if"], json!({"max": 4}));

    let locks = client.delete("/v1/nodes/locks/orders?recursive=1&dry_run=1");
    let effects = locks.send().await.expect(200)["effects"].clone();
    assert_eq!(names(&effects["holds_ended"], "claim"), ["c1"]);
    assert_eq!(effects["holds_ended"]["shown"][0]["fence"], fence);
    assert_eq!(effects["holds_ended"]["shown"][0]["state"], "node_deleted");
    let mut waiters = names(&effects["waiters_removed"], "claim");
    waiters.sort_unstable();
    assert_eq!(waiters, ["c2", "c3"]);
    assert_eq!(effects["granted"]["count"], 0);

    let one = client.delete("/v1/nodes/t/b?dry_run=1").send().await;
    let one = one.expect(200);
    assert_eq!(one["would"], json!({"path": "/t/b", "count": 1}));
    assert_eq!(one["only_if"], json!({"if_match": "\"v0\""}));
    let there = client.get("/v1/nodes/t/b").send().await;
    assert_eq!(there.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_list_is_counted_in_full_and_shown_in_part() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let then: Vec<Value> = (0..150)
        .map(|n| json!({"put": format!("/l/{n}"), "parents": true}))
        .collect();
    let then = json!({"then": then});
    client.post("/v1/txn").json(&then).send().await.expect(200);
    let told = client.delete("/v1/nodes/l?recursive=1&dry_run=1").send();
    let deleted = told.await.expect(200)["effects"]["znodes"]["deleted"].clone();
    let shown = texts(&deleted).len();
    assert_eq!(deleted["count"], 151);
    assert_eq!(deleted["more"], true);
    let limits = client.get("/v1/limits").send().await.expect(200);
    assert_eq!(json!(shown), limits["dry_run_shown_max"]);
    assert_eq!(texts(&deleted)[0], "/l");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_names_the_guards_that_hold_it_to_what_was_shown() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let fence = furnish(&client).await;
    let steps = json!([
        {"set": "/cfg", "value": "2"},
        {"create": "/log/e-", "sequential": true, "parents": true},
        {"get": "/cfg"},
        {"release": "orders/42", "claim": "c1"},
    ]);
    let ask = |query: &str, guards: &Value| {
        let txn = json!({"if": guards, "then": steps});
        let post = client.post(&format!("/v1/txn{query}")).session("s1");
        post.header("idempotency-key", "k1").json(&txn)
    };
    let told = ask("?dry_run=1", &json!([])).send().await.expect(200);
    assert_eq!(told["would"]["branch"], "then");
    assert_eq!(told["would"]["results"][2]["node"]["value"], "2");
    assert_eq!(told["would"]["index"], told["index"].as_u64().unwrap() + 1);
    let effects = &told["effects"];
    assert_eq!(texts(&effects["znodes"]["changed"]), ["/cfg"]);
    let created = texts(&effects["znodes"]["created"]);
    assert_eq!(created, ["/log", "/log/e-0000000000"]);
    assert_eq!(names(&effects["granted"], "claim"), ["c2"]);
    let guards = told["only_if"]["if"]["shown"].clone();
    assert_eq!(
        guards,
        json!([
            {"claim": "orders/42", "fence": fence},
            {"node": "/cfg", "version": 0},
            {"node": "/log", "exists": false},
            {"node": "/log/e-0000000000", "exists": false},
        ])
    );

    let put = client.put("/v1/nodes/cfg").text("other").send();
    put.await.expect(200);
    let late = ask("", &guards).send().await;
    late.problem(412, "guards_failed");
    // Under the same key: dry runs have neither used it up nor been found under it. The key of a
    // refused request is another matter.
    let told = ask("?dry_run=1", &json!([])).send().await.expect(200);
    let guards = told["only_if"]["if"]["shown"].clone();
    let txn = json!({"if": guards, "then": steps});
    let done = client.post("/v1/txn").session("s1");
    let done = done.header("idempotency-key", "k2").json(&txn).send().await;
    assert!(!done.headers.contains_key("idempotency-replayed"));
    let done = done.expect(200);
    assert_eq!(done["index"], told["would"]["index"]);
    assert_eq!(
        done["results"][1]["path"],
        told["would"]["results"][1]["path"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_branch_is_tried_too_and_asks_for_no_guards() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    furnish(&client).await;
    let txn = json!({
        "if": [{"node": "/cfg", "version": 7}],
        "then": [],
        "else": [{"delete": "/cfg"}],
    });
    let told = client.post("/v1/txn?dry_run=1").json(&txn).send().await;
    let told = told.expect(200);
    assert_eq!(told["would"]["branch"], "else");
    assert_eq!(texts(&told["effects"]["znodes"]["deleted"]), ["/cfg"]);
    assert_eq!(told["only_if"], json!({}));
}

/// Requests that are refused, each with this parameter.
fn refused(client: &Client, flag: &str, fence: u64) -> Vec<(Ask, u16, &'static str)> {
    let (only, and) = (format!("?{flag}"), format!("&{flag}"));
    let delete = |path: &str, query: &str| client.delete(&format!("/v1/nodes/{path}{query}"));
    let tree = |path: &str, max: u32| delete(path, &format!("?recursive=1&max={max}{and}"));
    let txn = |body: Value| client.post(&format!("/v1/txn{only}")).json(&body);
    let breaking = |fence: u64| breaking(client, &only, fence);
    let unguarded = client.post(&format!("{HOLD}{only}"));
    vec![
        (breaking(fence + 1), 412, "fence_stale"),
        (
            unguarded.text(r#"{"reason":"x"}"#),
            428,
            "precondition_required",
        ),
        (
            breaking(fence).text(r#"{"reason":" "}"#),
            400,
            "bad_request",
        ),
        (breaking(fence).session("nobody"), 404, "no_session"),
        (
            breaking(fence).header("holdfast-fence", "orders/42=1"),
            412,
            "fence_stale",
        ),
        (tree("none", 9), 404, "no_node"),
        (tree("t", 3), 409, "node_not_empty"),
        (delete("t", &only), 409, "node_not_empty"),
        (delete("alices/child", &only), 403, "forbidden"),
        (tree("alices", 9), 403, "forbidden"),
        (
            delete("cfg", &only).header("if-match", "\"v7\""),
            412,
            "version_mismatch",
        ),
        (
            txn(json!({"if": [{"node": "/cfg", "version": 7}]})),
            412,
            "guards_failed",
        ),
        (
            txn(json!({"then": [{"put": "/ok"}, {"delete": "/none"}]})),
            404,
            "no_node",
        ),
        (txn(json!({"then": [{"get": "/alices"}]})), 403, "forbidden"),
    ]
}

/// A script that tests the exit code of a dry run must get that of the command.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_is_refused_with_what_the_real_request_is_refused_with() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let fence = furnish(&client).await;
    let put = client.put("/v1/nodes/alices/child?parents=1").text("");
    put.send().await.expect(201);
    only_alice(&client, "alices").await;
    let node = doors.cluster.node(1);
    let before = node.applied();
    let mut told = Vec::new();
    for (ask, status, code) in refused(&client, "dry_run=1", fence) {
        let document = ask.send().await.problem(status, code);
        assert_eq!(document["outcome"], "not-applied");
        told.push(document);
    }
    assert_eq!(node.applied(), before, "a dry run entered the log");
    for ((ask, status, code), told) in refused(&client, "dry_run=0", fence).into_iter().zip(told) {
        let document = ask.send().await.problem(status, code);
        // How long somebody has held is of the moment.
        if document["holders"].is_null() {
            assert_eq!(document, told);
        }
    }
}

/// Gives a znode to somebody else.
async fn only_alice(client: &Client, path: &str) {
    let acl = json!({"acl": [{"scheme": "auth", "id": "", "perms": "rwcda"}]});
    let set = client.put(&format!("/v1/nodes/{path}/-/acl")).json(&acl);
    let set = set.header("authorization", "Basic YWxpY2U6cHc=");
    set.send().await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_shows_no_value_its_caller_may_not_read() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let put = client.put("/v1/nodes/open/secret?parents=1");
    put.text("hidden words").send().await.expect(201);
    only_alice(&client, "open/secret").await;
    // Deleting asks for permission at the parent only.
    let tree = client.delete("/v1/nodes/open?recursive=1&dry_run=1").send();
    let txn = json!({"then": [{"delete": "/open/secret"}]});
    let txn = client.post("/v1/txn?dry_run=1").json(&txn).send();
    for answer in [tree.await, txn.await] {
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(!text.contains("hidden"), "{text}");
        let told = answer.expect(200);
        let deleted = texts(&told["effects"]["znodes"]["deleted"]).join(" ");
        assert!(deleted.contains("/open/secret"), "{told}");
        assert!(!told["only_if"].to_string().contains("version"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_flag_is_refused_and_never_taken_for_the_real_request() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let fence = furnish(&client).await;
    let before = doors.cluster.node(1).applied();
    for query in [
        "dry_run=maybe",
        "dry_run=2",
        "dryrun=1",
        "dry_run=1&dry_run=0",
    ] {
        let txn = json!({"then": [{"delete": "/cfg"}]});
        for ask in [
            breaking(&client, &format!("?{query}"), fence),
            client.ask(Method::DELETE, &format!("/v1/nodes/cfg?{query}")),
            client.post(&format!("/v1/txn?{query}")).json(&txn),
        ] {
            let refused = ask.send().await.problem(400, "bad_request");
            assert_eq!(refused["outcome"], "not-applied", "{query}");
        }
    }
    assert_eq!(doors.cluster.node(1).applied(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_node_answers_alike_and_no_event_is_told() {
    let doors = Doors::open(3).await;
    let fence = furnish(&doors.one()).await;
    let mut stream = doors.at(2).get("/v1/events").stream().await;
    let mut effects = Vec::new();
    for id in 1..=3 {
        let told = breaking(&doors.at(id), "?dry_run=1", fence).send().await;
        let told = told.expect(200);
        effects.push((told["effects"].clone(), timeless(told["would"].clone())));
    }
    assert!(
        effects.iter().all(|told| *told == effects[0]),
        "{effects:?}"
    );
    let put = doors.at(3).put("/v1/nodes/after").text("");
    put.send().await.expect(201);
    // Before it may come what the second node had not applied when the stream began.
    loop {
        let event = stream.change().await;
        assert_ne!(event.name, "lock.released");
        if event.data["path"] == "/after" {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delete_of_candidates_shows_who_leads_no_more_and_who_would() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let mut term = Value::Null;
    for session in ["s1", "s2"] {
        client.session(session).await;
        let path = format!("/v1/elections/app/-/candidates/{session}");
        let stands = client.put(&path).session(session).text("{}").send().await;
        let stands = stands.json();
        if stands["state"] == "leader" {
            term = stands["term"].clone();
        }
    }
    let body = json!({"then": [{"delete": "/elections/app/s1"}]});
    let told = client.post("/v1/txn?dry_run=1").json(&body).send().await;
    let told = told.expect(200);
    let effects = &told["effects"];
    assert_eq!(names(&effects["leaderships_ended"], "candidate"), ["s1"]);
    assert_eq!(effects["leaderships_ended"]["shown"][0]["term"], term);
    assert_eq!(names(&effects["candidates_removed"], "candidate"), ["s1"]);
    assert_eq!(names(&effects["elected"], "candidate"), ["s2"]);
    let guards = told["only_if"]["if"]["shown"].as_array().unwrap();
    assert!(
        guards.contains(&json!({"election": "app", "term": term})),
        "{told}"
    );
    let leader = client.get("/v1/elections/app").send().await.expect(200);
    assert_eq!(leader["leader"]["candidate"], "s1", "nothing was done");

    let mut real = body;
    real["if"] = told["only_if"]["if"]["shown"].clone();
    client.post("/v1/txn").json(&real).send().await.expect(200);
    let leader = client.get("/v1/elections/app").send().await.expect(200);
    assert_eq!(leader["leader"]["candidate"], "s2");
}
