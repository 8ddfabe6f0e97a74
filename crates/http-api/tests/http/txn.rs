use serde_json::json;

use crate::harness::Doors;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guards_decide_between_two_branches() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    client.session("s").await;
    client
        .put("/v1/nodes/app/cfg?parents=1")
        .text("old")
        .send()
        .await
        .expect(201);
    client
        .put("/v1/nodes/audit")
        .text("")
        .send()
        .await
        .expect(201);
    let claim = "/v1/locks/orders/42/-/claims/c1";
    let held = client
        .put(claim)
        .session("s")
        .text("{}")
        .send()
        .await
        .expect(201);
    let txn = json!({
        "if": [
            {"node": "/app/cfg", "version": 0},
            {"claim": "orders/42", "fence": held["fence"]},
            {"node": "/app/lockdown", "exists": false},
            {"node": "/app/cfg", "value": "old"},
        ],
        "then": [
            {"set": "/app/cfg", "value": "new", "content_type": "text/plain"},
            {"create": "/audit/e-", "sequential": true, "value": "changed cfg"},
            {"get": "/app/cfg"},
            {"release": "orders/42", "claim": "c1"},
        ],
        "else": [{"get": "/app/cfg"}],
    });
    let ask = || client.post("/v1/txn").session("s").json(&txn);
    let done = ask().send().await.expect(200);
    assert_eq!(done["branch"], "then");
    assert_eq!(done["results"][0]["version"], 1);
    assert_eq!(done["results"][1]["path"], "/audit/e-0000000000");
    assert_eq!(done["results"][2]["node"]["value"], "new");
    assert_eq!(done["results"][3]["state"], "released");
    let otherwise = ask().send().await.expect(200);
    assert_eq!(otherwise["branch"], "else");
    assert_eq!(otherwise["results"][0]["node"]["version"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_another_branch_the_failed_guards_are_told() {
    let doors = Doors::open(1).await;
    let client = doors.one();
    let txn =
        json!({"if": [{"node": "/", "exists": true}, {"node": "/x", "version": 3}], "then": []});
    let failed = client
        .post("/v1/txn")
        .json(&txn)
        .send()
        .await
        .problem(412, "guards_failed");
    assert_eq!(failed["failed_guards"][0]["index"], 1);
    let step = json!({"then": [{"put": "/ok", "value": "1"}, {"delete": "/missing"}]});
    let refused = client
        .post("/v1/txn")
        .json(&step)
        .send()
        .await
        .problem(404, "no_node");
    assert_eq!(
        (&refused["operation"], &refused["path"]),
        (&json!(1), &json!("/missing"))
    );
    client
        .get("/v1/nodes/ok")
        .send()
        .await
        .problem(404, "no_node");
}
